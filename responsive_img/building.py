"""
One build: engine, storage, record and cache together, under a lease.

What runs here may run anywhere, late, and more than once: whoever holds the lease builds, everyone else
goes on at once, and a build that ends after its source was replaced leaves no trace in the records.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import DatabaseError

from responsive_img import conf, keys, lookup, manifest, records, rendering, signals
from responsive_img.conf import Config
from responsive_img.headers import Header
from responsive_img.jobs import BuildJob
from responsive_img.sources import SourceRef
from responsive_img.variants import CHEAP

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

# s. Over the longest build that a source within the limits can take; a dead builder's pictures wait so long.
LEASE = 120
MAX_REASON = 1000  # characters

_deadline: ContextVar[float | None] = ContextVar("responsive_img_deadline", default=None)


class Budget:
    """
    What one response may spend on building.

    Attributes:
        left: s; None until it is first drawn on, and then what the settings allow.
    """

    __slots__ = ("left",)

    def __init__(self, left: float | None = None) -> None:
        self.left = left

    @contextmanager
    def spending(self, allowed: float) -> Iterator[None]:
        """Within, time runs: `is_over_budget` is true once all is spent."""
        started = time.monotonic()
        left = allowed if self.left is None else self.left
        token = _deadline.set(started + left)
        try:
            yield
        finally:
            _deadline.reset(token)
            self.left = left - (time.monotonic() - started)


def is_over_budget() -> bool:
    """Tell whether the response has no time left for building; never outside of `Budget.spending`."""
    deadline = _deadline.get()
    return deadline is not None and time.monotonic() >= deadline


def picture_keys(job: BuildJob, config: Config) -> list[str]:
    """Return the keys of the pictures of a job, in the order of its specs."""
    return [keys.picture_key(job.storage, job.name, spec, config.storage) for spec in job.specs]


def source_of(job: BuildJob) -> SourceRef:
    """Return the source of a job."""
    return SourceRef(job.storage, job.name, job.field)


def source_record(source: SourceRef, **values: object) -> Source:
    """Return a new, unsaved record of a source."""
    key = keys.source_key(source.storage, source.name)
    fields = {"key": key, "storage": source.storage, "name": source.name, "field": source.field, **values}
    return records.source_model()(**fields)


def picture_record(key: str, source_key: str, spec: str) -> Picture:
    """Return a new, unsaved record of a picture."""
    return records.picture_model()(key=key, source_id=source_key, spec=spec)


def build_job(job: BuildJob, *, build: str = "all", hand_over: int = 0) -> None:
    """
    Build what the job asks for and nobody else builds; failures are recorded and logged, not raised.

    Args:
        job: What to build.
        build: What is built now, as `Plan.part` has it; the rest is queued.
        hand_over: s for which the rest counts as handed to the hook.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    config = conf.current()
    asked = dict(zip(picture_keys(job, config), job.specs, strict=True))
    owner = uuid4().hex
    claimed = records.claim(asked.keys(), version=job.version, owner=owner, seconds=LEASE)
    if len(claimed) < len(asked) and not config.read_only:
        claimed |= _claim_unrecorded(job, {key: asked[key] for key in asked.keys() - claimed.keys()}, owner)
    if not claimed:
        return
    source_key = keys.source_key(job.storage, job.name)
    mine = {key: asked[key] for key in sorted(claimed)}
    try:
        built = rendering.render(
            job,
            mine,
            config,
            learn=partial(_learn, source_key),
            builds=_builds(build, claimed),
            built=_names(claimed),
        )
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - a storage raises what it likes; the page must not see it
        _fail(job, source_key, mine, error, owner=owner, config=config)
        return
    whole = {key: found for key, found in built.items() if found.state == manifest.READY}
    parts = {key: found.dumps() for key, found in built.items() if key not in whole}
    if parts:
        records.keep(parts, owner=owner, version=job.version, seconds=hand_over)
    texts = {key: found.dumps() for key, found in whole.items()}
    kept = records.finish(texts, owner=owner, version=job.version) if whole else set()
    lookup.store({key: whole[key] for key in kept}, config)
    if kept:
        signals.picture_built.send_robust(records.picture_model(), job=job)


def _learn(source_key: str, header: Header) -> None:
    records.describe({source_key: header})


def _builds(build: str, claimed: Mapping[str, str]) -> dict[str, str]:
    """Return what is built of each picture: of one whose cheap part is there already, the rest."""
    return {key: "all" if build == CHEAP and text else build for key, text in claimed.items()}


def _names(claimed: Mapping[str, str]) -> set[str]:
    """Return the names of the files that are built already."""
    parts = [manifest.loads(text) for text in claimed.values() if text]
    return {name for part in parts if part is not None for name in part.names()}


def build_jobs(jobs: Sequence[BuildJob], *, build: str = "all", hand_over: int = 0) -> None:
    """
    Build at once; what the budget leaves is left to the next response or to a worker.

    Args:
        jobs: What to build.
        build: As of `build`.
        hand_over: As of `build`.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    config = conf.current()
    for index, job in enumerate(jobs):
        if is_over_budget():
            left = jobs[index:]
            records.release([key for job in left for key in picture_keys(job, config)])
            return
        build_job(job, build=build, hand_over=hand_over)


def _claim_unrecorded(job: BuildJob, asked: Mapping[str, str], owner: str) -> dict[str, str]:
    """Claim what has no record yet: a job may come from a process that cannot write any."""
    missing = asked.keys() - records.pictures(asked.keys()).keys()
    if not missing:
        return {}
    source = source_record(source_of(job), version=job.version)
    records.insert([source], [picture_record(key, source.key, asked[key]) for key in missing])
    return records.claim(missing, version=job.version, owner=owner, seconds=LEASE)


def _fail(
    job: BuildJob,
    source_key: str,
    mine: Mapping[str, str],
    error: Exception,
    *,
    owner: str,
    config: Config,
) -> None:
    """Record a failure, and say it in one line."""
    # As a database takes it: PostgreSQL refuses NUL, which a decoder's message may quote.
    reason = f"{type(error).__name__}: {error}".replace("\0", "")[:MAX_REASON]
    logger.warning(
        "Cannot build %s of %s, next try in %s s: %s",
        job.name,
        job.field or job.storage,
        config.retry,
        reason,
    )
    records.fail(source_key, mine.keys(), owner=owner, error=reason, seconds=config.retry)
    signals.picture_failed.send_robust(records.picture_model(), job=job, error=error)
