"""What is left to do for sources that are to be warmed: two queries for all of them, no builds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from django.utils import timezone

from responsive_img import building, files, keys, leases, manifest, owners, records
from responsive_img.conf import Config
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.jobs import BuildJob
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef, rendition_storage, storage_of
from responsive_img.specs import from_text
from responsive_img.variants import Variant, every_variant, planned

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source


@dataclass(slots=True)
class Target:
    """
    A source to warm.

    Attributes:
        source: Which file.
        asked: Picture key → canonical spec.
        rows: How many rows of the queryset it stands for.
    """

    source: SourceRef
    asked: dict[str, str] = field(default_factory=dict)
    rows: int = 0

    @property
    def key(self) -> str:
        """The key of the source's record."""
        return keys.source_key(self.source.storage, self.source.name)


class Want(NamedTuple):
    """
    How thoroughly to look.

    Attributes:
        on_demand: Pages look up what is built. If not, they trust that every name is there, without a version.
        force: Everything is written again.
        verify: The storage is asked whether the files of what is ready are there.
    """

    on_demand: bool = True
    force: bool = False
    verify: bool = False


@dataclass(slots=True)
class Finding:
    """
    What is left to do for a target.

    Attributes:
        target: Which.
        version: Of its source.
        open: Keys of the pictures to build.
        again: Those of them that are to be queued again before.
        built: Names, percent-encoded, of the files that are there.
        missing: Names of those that are not, though the records say or leave open that they are.
        ready: Picture key → manifest, of those with which nothing is wrong.
        drops_version: Whether its records have a version, which they are to lose.
        error: Why nothing can be done; "" where it can.
    """

    target: Target
    version: str = ""
    open: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    built: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    ready: dict[str, Manifest] = field(default_factory=dict)
    drops_version: bool = False
    error: str = ""

    @property
    def job(self) -> BuildJob:
        """The job to build what is open."""
        specs = tuple(self.target.asked[key] for key in self.open)
        storage, name, label = self.target.source
        return BuildJob(storage=storage, name=name, field=label, version=self.version, specs=specs)


def survey(targets: Sequence[Target], config: Config, want: Want) -> list[Finding]:
    """
    Return what is left to do for each target.

    Raises:
        DatabaseError: The records cannot be read.
    """
    rows = records.pictures({key for target in targets for key in target.asked})
    sources = {row.source_id: row.source for row in rows.values()}
    sources |= records.sources({target.key for target in targets} - sources.keys())
    return [_of_target(target, rows, sources.get(target.key), config, want) for target in targets]


def recover(targets: Iterable[Target], config: Config) -> None:
    """
    Open what somebody has died over, and give up what has killed too many.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    rows = records.pictures({key for target in targets for key in target.asked})
    building_now = {key: row for key, row in rows.items() if row.state == records.BUILDING}
    if building_now:
        ended = {row.owner for row in building_now.values() if owners.has_ended(row.owner)}
        leases.end_leases(building_now, ended)
        building.give_up(building_now, config)


def _of_target(
    target: Target, rows: Mapping[str, Picture], source: Source | None, config: Config, want: Want
) -> Finding:
    found = Finding(target, source.version if source is not None and want.on_demand else "")
    found.drops_version = source is not None and source.version != found.version
    if source is None or found.drops_version:
        found.open = list(target.asked)
        return found
    try:
        for key in target.asked:
            _look_at(key, rows.get(key), found, source, config, want)
    except Exception as error:  # noqa: BLE001 - a storage raises what it likes, and the others go on
        found.error = f"{type(error).__name__}: {error}"
    found.built = set() if want.force else found.built - found.missing
    return found


def _look_at(
    key: str, row: Picture | None, found: Finding, source: Source, config: Config, want: Want
) -> None:
    """Add what is left to do for a picture."""
    if row is None:
        found.open.append(key)
    elif _is_given_up(row, source) and not want.force:
        found.error = source.error
    elif want.force or not _is_whole(row, found, source, config, want):
        found.open.append(key)
        if row.state in {records.READY, records.FAILED}:
            found.again.append(key)


def _is_given_up(row: Picture, source: Source) -> bool:
    """Tell whether a picture, though its source can be read, is not tried again for what it did to its builders."""
    is_due = row.not_before is not None and row.not_before <= timezone.now()
    return row.state == records.FAILED and source.state != records.FAILED and not is_due


def _is_whole(row: Picture, found: Finding, source: Source, config: Config, want: Want) -> bool:
    """Tell whether all files of a picture are there, as far as it is asked; and note which are."""
    read = manifest.loads(row.renditions)
    if read is None:
        return False
    found.built.update(read.names())
    if row.state != records.READY:
        return False
    missing = _missing(row, read, found, source, config, want)
    found.missing |= missing
    if not missing:
        found.ready[row.key] = read
    return not missing


def _missing(
    row: Picture, read: Manifest, found: Finding, source: Source, config: Config, want: Want
) -> set[str]:
    """Return the names of files of a ready picture that are not there; the records do not tell of all."""
    if source.width is None or source.height is None:
        return set()
    spec, name = from_text(row.spec), source.name
    header = Header(source.format, Size(source.width, source.height), source.is_animated)
    limit = config.defaults.max_width
    every = every_variant(spec, name, header, max_width=limit, stills=not want.on_demand)
    shown = planned(spec, name, header, max_width=limit).variants
    if shown and not read.src:  # it was over the limits; they may have been raised
        return _names(every, found, config)
    known = {variant.identity for variant in shown} if want.on_demand else set()
    unsure = _names([variant for variant in every if variant.identity not in known], found, config)
    unsure = unsure | set(read.names()) if want.verify else unsure - set(read.names())
    if not unsure:
        return set()
    storage = storage_of(rendition_storage(source.storage, config.storage))
    missing = {each for each in unsure if not storage.exists(files.decoded(each))}
    found.built |= unsure - missing
    return missing


def _names(variants: Iterable[Variant], found: Finding, config: Config) -> set[str]:
    source, version, directory = found.target.source, found.version, config.directory
    return {files.encoded(keys.rendition_name(source, version, each, directory)) for each in variants}
