"""
The one lookup of a response: one cache call for all pictures, one query for what it missed.

A cache that is down or hangs costs one timeout, then none for `BREAK` seconds.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache

from responsive_img import manifest, records, specs
from responsive_img.conf import Config
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.logs import log_once
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef
from responsive_img.variants import layout_without_source, planned

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

BREAK = 10  # s
# What the database gave back may have been a moment old, so it is not kept for as long as what was built.
REFILL = 600  # s
UNFINISHED = 60  # s that a pending or failed picture is believed
# Some databases take 999 parameters; a database cache asks for all keys in one query.
DATABASE_CACHE_CHUNK = 900

_broken_until = 0.0
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
    values = _guarded(config, lambda cache: _get_many(cache, list(picture_keys))) or {}
    now = time.time()
    return {
        key: read
        for key, value in values.items()
        if (read := manifest.loads(value)) is not None and not read.is_stale(now)
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
        records.reopen(unreadable)
        rows |= records.pictures(unreadable)
    now = time.time()
    read = of_records(rows, asked, config)
    left = {
        key
        for key, found in read.items()
        if found.is_stale(now)
        or _is_unmeasured(rows[key])
        or (asked[key].build and found.state == manifest.PENDING)
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
    refill(stable, config)


def _is_unmeasured(row: Picture) -> bool:
    """Tell whether a picture is shown without its size, as nobody has read its source's header yet."""
    return row.state in {records.QUEUED, records.BUILDING} and row.source.width is None


def _get_many(cache: BaseCache, cache_keys: list[str]) -> dict[str, Any]:
    if isinstance(cache, DatabaseCache):
        chunks = range(0, len(cache_keys), DATABASE_CACHE_CHUNK)
        return {
            key: value
            for start in chunks
            for key, value in cache.get_many(cache_keys[start : start + DATABASE_CACHE_CHUNK]).items()
        }
    return cache.get_many(cache_keys)


def refill(manifests: Mapping[str, Manifest], config: Config) -> None:
    """Give the cache what it missed: one call, and none on a database cache, where it is five queries a key."""
    if manifests:
        timeout = round(REFILL * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the next misses
        _guarded(
            config,
            lambda cache: (
                None if isinstance(cache, DatabaseCache) else cache.set_many(_texts(manifests), timeout)
            ),
        )


def store(manifests: Mapping[str, Manifest], config: Config) -> None:
    """Give the cache what was just built."""
    if manifests:
        _guarded(config, lambda cache: cache.set_many(_texts(manifests), config.cache_timeout))


def _texts(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    return {key: found.dumps() for key, found in manifests.items()}


def _guarded(config: Config, call: Any) -> Any:
    """Return what the call on the cache gives; None when the cache fails or has failed a moment ago."""
    global _broken_until
    if time.monotonic() < _broken_until:
        return None
    try:
        # Looked up each time: a client shared by threads in a module global loses answers.
        return call(caches[config.cache])
    except Exception as error:  # noqa: BLE001 - every backend raises classes of its own
        # A pool whose connections are all in use says nothing of the cache: this response alone does without.
        if any(each.__name__ == "MaxConnectionsError" for each in type(error).__mro__):
            log_once(f"The cache {config.cache!r} has no connection left, see its max_connections: {error!r}")
            return None
        _broken_until = time.monotonic() + BREAK
        logger.warning("The cache %r failed, and is left alone for %s s: %r", config.cache, BREAK, error)
        return None


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
