"""
The cache of the settings, behind a guard: what fails there is a miss, never an error.

A cache that is down or hangs costs one timeout, then none for `BREAK` seconds. A value that cannot be read or
is refused says nothing of the cache, and costs the others nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.db import Error as DatabaseFault

from responsive_img.conf import Config
from responsive_img.logs import log_once

logger = logging.getLogger("responsive_img")
Result = TypeVar("Result")

BREAK = 10  # s
# Some databases take 999 parameters; a database cache asks for all keys in one query.
DATABASE_CHUNK = 900
MAX_VALUE = 1_000_000  # bytes; memcached takes 1 MiB with the key and what Django adds
# As long as a picture's key and none of them, so it is refused where they are, and is never there.
PROBE = "ri" + "-" * 20
# What finding values that cannot be read may cost a response: calls that fail, and s.
MAX_FAILURES, MAX_SEARCH = 32, 1.0

_broken_until = 0.0


def read(cache_keys: list[str], config: Config) -> dict[str, Any]:
    """Return what the cache has, in one call; nothing when it fails or has failed a moment ago."""

    def reading(cache: BaseCache) -> dict[str, Any]:
        try:
            chunks = _chunks(cache, cache_keys)
            return {key: value for chunk in chunks for key, value in cache.get_many(chunk).items()}
        except Exception as error:  # noqa: BLE001 - unpickling raises anything
            _raise_if_down(cache, error)
            return _search(cache, cache_keys)

    return _guarded(config, reading) or {}


def write(
    texts: Mapping[str, str],
    timeout: int,
    config: Config,
    *,
    is_refill: bool = False,
    in_any_case: bool = False,
) -> None:
    """
    Give the cache texts, in one call; what is too large is left out.

    Args:
        texts: By key.
        timeout: s.
        config: The settings.
        is_refill: Whether to leave a database cache alone, where it is five queries a key.
        in_any_case: Whether to try it also when the cache has failed a moment ago.
    """
    sizes = {key: len(text.encode()) for key, text in texts.items()}
    for key, size in sizes.items():
        if size > MAX_VALUE:
            log_once(f"What is known of the picture {key} is too large for the cache: {size} bytes")
    # The largest come last: a memcached that takes less than others stops the call at what it refuses.
    taken = {key: texts[key] for key in sorted(sizes, key=sizes.__getitem__) if sizes[key] <= MAX_VALUE}

    def writing(cache: BaseCache) -> None:
        if is_refill and isinstance(cache, DatabaseCache):
            return
        try:
            cache.set_many(taken, timeout)
        except Exception as error:  # noqa: BLE001 - every backend raises classes of its own
            _raise_if_down(cache, error)
            log_once(f"The cache {config.cache!r} answers, but refuses a value: {error!r}")

    if taken:
        _guarded(config, writing, in_any_case=in_any_case)


def _chunks(cache: BaseCache, cache_keys: list[str]) -> list[list[str]]:
    if isinstance(cache, DatabaseCache):
        starts = range(0, len(cache_keys), DATABASE_CHUNK)
        return [cache_keys[start : start + DATABASE_CHUNK] for start in starts]
    return [cache_keys]


def _search(cache: BaseCache, cache_keys: list[str]) -> dict[str, Any]:
    """
    Return the values that can be read, and delete those that cannot, so that they are searched for once.

    By halves: one among a thousand takes twenty calls. Past the limits a group is given up for the one in it.
    """
    found: dict[str, Any] = {}
    groups = _chunks(cache, cache_keys)
    failures, end = 0, time.monotonic() + MAX_SEARCH
    while groups:
        group = groups.pop()
        try:
            found |= cache.get_many(group)
        except Exception as error:
            if _is_of_the_cache(error):
                raise
            failures += 1
            half = len(group) // 2
            if half and failures < MAX_FAILURES and time.monotonic() < end:
                groups += [group[:half], group[half:]]
            else:
                cache.delete_many(group)
                log_once(f"A value in the cache cannot be read, and is deleted: {error!r}")
    return found


def _guarded(
    config: Config, call: Callable[[BaseCache], Result], *, in_any_case: bool = False
) -> Result | None:
    """Return what the call on the cache gives; None when the cache fails or has failed a moment ago."""
    global _broken_until
    if time.monotonic() < _broken_until and not in_any_case:
        return None
    try:
        # Looked up each time: a client shared by threads in a module global loses answers.
        return call(caches[config.cache])
    except Exception as error:  # noqa: BLE001 - every backend raises classes of its own
        # A pool whose connections are all in use says nothing of the cache: this response alone does without.
        if "MaxConnectionsError" in _class_names(error):
            log_once(f"The cache {config.cache!r} has no connection left, see its max_connections: {error!r}")
            return None
        _broken_until = time.monotonic() + BREAK
        logger.warning("The cache %r failed, and is left alone for %s s: %r", config.cache, BREAK, error)
        return None


def _raise_if_down(cache: BaseCache, error: Exception) -> None:
    """
    Raise what the cache raised if it is down, not one value bad.

    Where the class does not tell it, a key that is never there does: it costs a dead cache a second call.
    """
    if _is_of_the_cache(error):
        raise error
    cache.get(PROBE)


def _is_of_the_cache(error: BaseException) -> bool:
    """Tell whether an error, or one that led to it, says by its class that there is no connection."""
    cause = error.__cause__ or error.__context__
    return (
        isinstance(error, (OSError, DatabaseFault))
        or any("Connection" in name or "Timeout" in name for name in _class_names(error))
        or (cause is not None and _is_of_the_cache(cause))
    )


def _class_names(error: BaseException) -> list[str]:
    return [each.__name__ for each in type(error).__mro__]
