"""The one lookup of a response: one cache call for all pictures, one query for what it missed."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from responsive_img import backlog, cache, manifest, records, specs
from responsive_img.conf import Config
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef
from responsive_img.variants import layout_without_source, planned

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

# What the database gave back may have been a moment old, so it is not kept for as long as what was built.
REFILL = 600  # s
REPLICATED = 60  # s; what a replica told may be from before a source was replaced
UNFINISHED = 60  # s that a pending or failed picture is believed

# Hooks by which a process that must not write can tell nobody.
_HERE = frozenset(f"responsive_img.hooks.{name}" for name in ("build_now", "enqueue", "thread"))

# Of `counted`, each open one.
_counting: list[list[int]] = []


class Asked(NamedTuple):
    """
    A source under a canonical spec.

    Attributes:
        source: Which file.
        spec: Canonical.
        build: What is to be built in this process, whatever the hook; None: nothing.
    """

    source: SourceRef
    spec: str
    build: str | None = None

    def is_lacking(self, found: Manifest) -> bool:
        """Tell whether what is to be built in this process is not there, though it may be soon."""
        return self.build is not None and found.state == manifest.PENDING and not found.is_built(self.build)


class Recorded(NamedTuple):
    """What the records know, and the records of what someone has to be asked to build."""

    manifests: dict[str, Manifest]
    open: dict[str, Picture]


def cached(picture_keys: Collection[str], config: Config) -> dict[str, Manifest]:
    """
    Return the manifests that the cache has: one call.

    A failure of the cache is a miss of all; a value that cannot be read, or is no longer to be believed,
    is a miss of its own.
    """
    for lookups in _counting:
        lookups.append(len(picture_keys))
    values = cache.read(list(picture_keys), config)
    now = time.time()
    return {
        key: read
        for key, value in values.items()
        if (read := manifest.loads(value)) is not None
        and not 0 < read.until <= now
        and (read.state != manifest.UNTOLD or (config.read_only and config.build_hook in _HERE))
    }


@contextmanager
def counted() -> Iterator[list[int]]:
    """Give a list to which each lookup adds the number of its pictures, in whatever thread it happens."""
    lookups: list[int] = []
    _counting.append(lookups)
    try:
        yield lookups
    finally:
        _counting[:] = [each for each in _counting if each is not lookups]


def recorded(asked: Mapping[str, Asked], config: Config) -> Recorded:
    """
    Return what the database knows of what the cache missed, and give it to the cache: one query, one call.

    Args:
        asked: Picture key → what is asked for.
        config: The settings.

    Raises:
        DatabaseError: The database does not answer.
    """
    rows = records.replicated_pictures(asked.keys())
    unreadable = [key for key, row in rows.items() if _is_unreadable(row)]
    if unreadable:
        backlog.reopen(unreadable)
        rows |= records.pictures(unreadable)
    now = time.time()
    read = of_records(rows, asked, config)
    left = {
        key
        for key, found in read.items()
        if found.is_stale(now)
        or _is_unmeasured(rows[key])
        or (asked[key].is_lacking(found) and rows[key].state != records.BUILDING)
    }
    known = {key: found for key, found in read.items() if key not in left}
    _refill(rows, known, config)
    return Recorded(known, {key: rows[key] for key in left})


def of_records(
    rows: Mapping[str, Picture], asked: Mapping[str, Asked], config: Config
) -> dict[str, Manifest]:
    """Return the manifests of records, stale where someone has to be asked to build."""
    now = time.time()
    return {key: of_record(row, asked[key], config, now) for key, row in rows.items()}


def refill_unfinished(rows: Mapping[str, Picture], read: Mapping[str, Manifest], config: Config) -> None:
    """Give the cache what is queued or failed; what was built just now is in it, for longer."""
    now = time.time()
    unfinished = {
        key for key, found in read.items() if found.state != manifest.READY and not found.is_stale(now)
    }
    _refill(rows, {key: read[key] for key in unfinished}, config)


def _refill(rows: Mapping[str, Picture], read: Mapping[str, Manifest], config: Config) -> None:
    """Give the cache what it missed: in one call, but for what a rollback would take back."""
    # What is being built will be in the cache any moment, and would be overwritten.
    stable = {key: found for key, found in read.items() if rows[key].state != records.BUILDING}
    if records.is_in_transaction():
        later = {
            key: stable.pop(key)
            for key, found in read.items()
            if found.state != manifest.READY and key in stable
        }
        records.on_commit(lambda: refill(later, config))
    writer = records.database()
    is_late = any(row._state.db != writer for row in rows.values())
    refill(stable, config, seconds=REPLICATED if is_late else REFILL)


def _is_unmeasured(row: Picture) -> bool:
    """Tell whether a picture is shown without its size, as nobody has read its source's header yet."""
    return row.state in {records.QUEUED, records.BUILDING} and row.source.width is None


def refill(manifests: Mapping[str, Manifest], config: Config, *, seconds: int = REFILL) -> None:
    """
    Give the cache what it missed: one call, and none on a database cache.

    For so many seconds or so; where nothing is built, as long as it is to be believed. Each value tells that itself,
    too, so what is not built may stay for longer beside what is.
    """
    timeout = round(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the next misses
    if all(found.until for found in manifests.values()):
        last = max((found.until for found in manifests.values()), default=0)
        timeout = max(1, last - int(time.time()))
    cache.write(_texts(manifests), timeout, config, is_refill=True)


def add(manifests: Mapping[str, Manifest], config: Config) -> dict[str, Manifest]:
    """
    Give the cache what it still misses, and return what it has of the others by now: two calls.

    Not the cache's own `add`, which is one call each and leaves what is not to be believed any longer.
    """
    now = time.time()
    values = {key: manifest.loads(value) for key, value in cache.read(list(manifests), config).items()}
    there = {
        key: found
        for key, found in values.items()
        if found is not None and not found.is_stale(now) and found.state != manifest.UNTOLD
    }
    refill({key: each for key, each in manifests.items() if key not in there}, config)
    return there


def correct(manifests: Mapping[str, Manifest], config: Config) -> None:
    """Give the cache what it does not have as ready: two calls."""
    values = {key: manifest.loads(value) for key, value in cache.read(list(manifests), config).items()}
    ready = {key for key, found in values.items() if found is not None and found.state == manifest.READY}
    refill({key: each for key, each in manifests.items() if key not in ready}, config)


def store(manifests: Mapping[str, Manifest], config: Config, *, seconds: int | None = None) -> None:
    """Give the cache what was just built, for so many seconds; None: as the settings have it."""
    cache.write(_texts(manifests), seconds or config.cache_timeout, config)


def forget(picture_keys: Iterable[str], config: Config) -> None:
    """
    Have whoever looks these pictures up ask the records.

    Also written to a cache that has failed a moment ago: it would go on showing for days what is replaced. A
    replica that answers late may bring that back, for `REPLICATED`.
    """
    unknown = manifest.compose((), (None, None)).as_unfinished(manifest.PENDING, time.time())
    texts = _texts(dict.fromkeys(picture_keys, unknown))
    cache.write(texts, config.cache_timeout, config, in_any_case=True)


def _texts(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    return {key: found.dumps() for key, found in manifests.items()}


def _is_unreadable(row: Picture) -> bool:
    return row.state == records.READY and manifest.loads(row.renditions) is None


def of_record(row: Picture, asked: Asked, config: Config, now: float) -> Manifest:
    """Return the manifest of a picture's record; stale where someone has to be asked to build it."""
    if row.state == records.READY:
        return manifest.loads(row.renditions) or unbuilt(asked, row.source, config, manifest.FAILED, now)
    moment = row.not_before if row.state == records.FAILED else row.lease_until
    until = min(now + UNFINISHED, moment.timestamp() if moment else now)
    state = manifest.FAILED if row.state == records.FAILED else manifest.PENDING
    part = manifest.loads(row.renditions)
    if part is not None:
        return part.as_unfinished(state, until)
    return unbuilt(asked, row.source, config, state, until)


def unbuilt(asked: Asked, source: Source | None, config: Config, state: str, until: float) -> Manifest:
    """Return the manifest of a picture without a rendition: the source, in the size of the layout."""
    return manifest.compose((), layout(asked, source, config)).as_unfinished(state, until)


def layout(asked: Asked, source: Source | None, config: Config) -> tuple[int | None, int | None]:
    """Return the layout size in CSS px; None where neither the record nor the arguments tell it."""
    spec = specs.from_text(asked.spec)
    if source is None or source.width is None or source.height is None:
        return layout_without_source(spec) or (None, None)
    header = Header(source.format, Size(source.width, source.height), source.is_animated)
    limit = config.defaults.max_width
    is_over = source.width * source.height > config.max_source_pixels
    return planned(spec, asked.source.name, header, max_width=limit, as_it_is=is_over).layout
