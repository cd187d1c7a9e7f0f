"""The cache that pictures are looked up in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import MEMCACHE_MAX_KEY_LENGTH, BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.memcached import BaseMemcachedCache
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from responsive_img import conf, keys

_OWN_TO_A_PROCESS = (DummyCache, LocMemCache, FileBasedCache)
MAX_TIMEOUT = 1  # s that a hanging cache may cost a page


def messages() -> Iterator[CheckMessage]:
    """Yield what is wrong with the cache."""
    alias = conf.current().cache
    try:
        cache = caches[alias]
    except Exception as error:  # noqa: BLE001 - a backend that cannot be made raises what it likes
        yield Error(
            f"RESPONSIVE_IMG_CACHE names the cache {alias!r}, which cannot be used: {error}",
            hint=f"Choices: {', '.join(settings.CACHES)}.",
            id="responsive_img.E017",
        )
        return
    if isinstance(cache, _OWN_TO_A_PROCESS) and not conf.is_debug():
        yield Caution(
            f"The cache {alias!r} ({type(cache).__name__}) is not shared by processes, or slow: each looks its "
            "pictures up in the database first.",
            hint=f'Use Redis or memcached: CACHES["{alias}"] = '
            '{"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:6379", '
            '"OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}}',
            id="responsive_img.W008",
        )
    missing = _missing_timeouts(cache, cast("Mapping[str, Any]", settings.CACHES[alias].get("OPTIONS", {})))
    if missing:
        options = ", ".join(f'"{name}": 0.5' for name in missing)
        yield Caution(
            f"The cache {alias!r} has no timeout of {MAX_TIMEOUT} s or less: if it hangs, so does each page.",
            hint=f'CACHES["{alias}"].setdefault("OPTIONS", {{}}).update({{{options}}})',
            id="responsive_img.W009",
        )
    try:
        key = str(cache.make_key(keys.source_key("default", "a.jpg")))
    except Exception as error:  # noqa: BLE001 - a KEY_FUNCTION raises what it likes
        yield Error(
            f"KEY_FUNCTION of the cache {alias!r} raises {error!r}.",
            hint=f'Correct CACHES["{alias}"]["KEY_FUNCTION"].',
            id="responsive_img.E017",
        )
        return
    if len(key.encode()) > MEMCACHE_MAX_KEY_LENGTH or any(char <= " " or char == "\x7f" for char in key):
        yield Caution(
            f"KEY_PREFIX or KEY_FUNCTION of the cache {alias!r} makes keys that memcached refuses, {len(key)} "
            "characters or with spaces.",
            hint=f'Shorten CACHES["{alias}"]["KEY_PREFIX"], or give a KEY_FUNCTION that hashes.',
            id="responsive_img.W010",
        )


def _is_short(timeout: object) -> bool:
    return isinstance(timeout, (int, float)) and 0 < timeout <= MAX_TIMEOUT


def _missing_timeouts(cache: BaseCache, options: Mapping[str, Any]) -> list[str]:
    """Return the options that would limit how long a cache server is waited for, of the backends that are known."""
    module = type(cache).__module__
    if module.startswith("django_redis."):
        names = ["SOCKET_CONNECT_TIMEOUT", "SOCKET_TIMEOUT"]
    elif module == "django.core.cache.backends.redis":
        names = ["socket_connect_timeout", "socket_timeout"]
    elif isinstance(cache, BaseMemcachedCache) and type(cache).__name__ == "PyMemcacheCache":
        names = ["connect_timeout", "timeout"]
    else:
        return []
    return [name for name in names if not _is_short(options.get(name))]
