"""One work of the warmer: what to build of one source, whole in itself, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

from responsive_img import backlog, building, conf, keys, records, rendering
from responsive_img.jobs import BuildJob
from responsive_img.leases import LeaseLostError
from responsive_img.manifest import Manifest
from responsive_img.rendering import Warming

READ_ONLY = "RESPONSIVE_IMG_READ_ONLY is on, so this process builds nothing"
OVER_THE_LIMITS = (
    "It is over RESPONSIVE_IMG_MAX_SOURCE_PIXELS or RESPONSIVE_IMG_MAX_SOURCE_BYTES, so it is served as it is"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """
    What to build of one source, whole in itself.

    Attributes:
        job: Its open pictures.
        again: Keys of those of them that are to be queued again before.
        built: Names, percent-encoded, of the files that are there.
        stills: As of `rendering.Warming`.
        anew: The same.
        drops_version: The source's records lose their version before.
    """

    job: BuildJob
    again: tuple[str, ...] = ()
    built: tuple[str, ...] = ()
    stills: bool = False
    anew: bool = False
    drops_version: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the work as what `json.dumps` takes."""
        return {**asdict(self), "job": self.job.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the work that `as_dict` gave."""
        return cls(**{**values, "job": BuildJob.from_dict(values["job"])})


class Outcome(NamedTuple):
    """
    What came of a work.

    Attributes:
        written: How many files were written.
        error: Why the source could not be built; "" where it could.
        ready: Keys of the pictures that are ready now; of others somebody else was quicker.
    """

    written: int = 0
    error: str = ""
    ready: Sequence[str] = ()


def build(work: Work) -> Outcome:
    """
    Build in this process.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    if conf.current().read_only:
        return Outcome(error=READ_ONLY)
    if work.drops_version:
        records.replace(keys.source_key(work.job.storage, work.job.name), "")
    if work.again:
        backlog.queue_again(work.again)
    warming = Warming(work.stills, work.anew)
    errors: list[str] = []

    def render(*args: Any, **options: Any) -> dict[str, Manifest]:
        try:
            return rendering.render(*args, **{**options, "built": work.built, "warming": warming})
        except LeaseLostError:
            raise
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
            raise

    ready = building.build_job(work.job, render=render)
    if warming.is_over:
        errors.append(OVER_THE_LIMITS)
    return Outcome(warming.written, "".join(errors), sorted(ready))
