from __future__ import annotations

import pickle
import time
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import OperationalError

from responsive_img import cache as picture_cache
from responsive_img import conf
from templatetags_tests.test_single_flight import LOCAL, MEMCACHED, memcached_at, serving

HERE = __name__
KEYS = [f"ri{number:020}" for number in range(200)]


class StrictSerde:
    """Raises where pymemcache's own gives None."""

    def serialize(self, key: bytes, value: object) -> tuple[bytes, int]:
        return pickle.dumps(value), 1

    def deserialize(self, key: bytes, value: bytes, flags: int) -> Any:
        return pickle.loads(value)  # noqa: S301 - its own


class Unreadable:
    """Cannot be read back."""

    def __reduce__(self) -> Any:
        return int, ("x",)


@pytest.fixture(params=["local", "file", "database", "redis", "memcached"])
def kind(request: Any, settings: Any, tmp_path: Any) -> Any:
    """Make a cache of each kind the default, and give its name."""
    backends = "django.core.cache.backends"
    if request.param == "memcached":
        with serving("memcached", *MEMCACHED) as (_, port):
            settings.CACHES = {"default": memcached_at(port, OPTIONS={"serde": StrictSerde()})}
            yield request.param
            caches["default"].close()
            return
    if request.param == "redis":
        request.getfixturevalue("redis")
    else:
        known = {
            "local": {**LOCAL, "LOCATION": HERE},
            "file": {"BACKEND": f"{backends}.filebased.FileBasedCache", "LOCATION": str(tmp_path / "cache")},
            "database": {"BACKEND": f"{backends}.db.DatabaseCache", "LOCATION": "cache_table"},
        }[request.param]
        settings.CACHES = {"default": {**known, "OPTIONS": {"MAX_ENTRIES": 10_000}}}
    if request.param == "database":
        request.getfixturevalue("db")
        call_command("createcachetable", "cache_table")
    cache.clear()
    yield request.param


def fill(bad: list[str]) -> dict[str, str]:
    """Put a text under each key, but under some what cannot be read; return the texts."""
    texts = {key: f"text {key}" for key in KEYS if key not in bad}
    cache.set_many(texts)
    cache.set_many({key: Unreadable() for key in bad})
    return texts


def read(keys: list[str] = KEYS) -> dict[str, Any]:
    return picture_cache.read(keys, conf.current())


# Values that cannot be read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad", [[KEYS[0]], [KEYS[-1]], [KEYS[70], KEYS[71], KEYS[150]]], ids=["first", "last", "three"]
)
def test_what_cannot_be_read_is_deleted_and_costs_the_others_nothing(kind, cache_calls, log, bad):
    texts = fill(bad)
    cache_calls.clear()

    found = read()
    calls = dict(cache_calls)
    cache_calls.clear()
    again = read()

    assert found == again == texts
    assert calls.pop("get") == 1
    assert calls.pop("delete_many") == len(bad)
    assert calls.pop("get_many") <= 2 + 2 * 8 * len(bad)  # 2**8 are more than all
    assert calls == {}
    assert cache_calls == {"get_many": 1}
    assert picture_cache._broken_until == 0
    assert len(log()) == 1
    assert "cannot be read, and is deleted" in log()[0]


def test_where_nothing_can_be_read_the_calls_are_bounded(kind, cache_calls):
    fill(KEYS)
    cache_calls.clear()

    found = read()
    calls = dict(cache_calls)
    cache_calls.clear()
    again = read()

    assert found == again == {}
    assert calls["get_many"] <= 2 + 2 * picture_cache.MAX_FAILURES
    assert calls["delete_many"] <= picture_cache.MAX_FAILURES
    assert cache_calls == {"get_many": 1}
    assert picture_cache._broken_until == 0


def test_past_its_time_the_search_gives_the_whole_group_up(settings, monkeypatch, cache_calls):
    fill([KEYS[5]])
    monkeypatch.setattr(picture_cache, "MAX_SEARCH", 0)
    cache_calls.clear()

    found = read()

    assert found == {}
    assert cache_calls == {"get_many": 2, "get": 1, "delete_many": 1}
    assert cache.get(KEYS[0]) is None


@pytest.mark.parametrize("kind", ["database"], indirect=True)
def test_a_database_cache_is_searched_in_chunks(kind, monkeypatch):
    texts = fill([KEYS[7]])
    others = [f"ri{number:020}" for number in range(1000, 1000 + picture_cache.DATABASE_CHUNK)]
    get_many, sizes = DatabaseCache.get_many, []

    def noted(self, keys, *args, **options):
        sizes.append(len(keys))
        return get_many(self, keys, *args, **options)

    monkeypatch.setattr(DatabaseCache, "get_many", noted)

    assert read([*others, *KEYS]) == texts
    assert cache.get(KEYS[7], "gone") == "gone"
    assert max(sizes) == picture_cache.DATABASE_CHUNK


# A cache that is down ----------------------------------------------------------------------------------


class ServerTimeoutError(Exception):
    """Stands for the classes of clients that are no `OSError`."""


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def while_handling(error: Exception, context: Exception) -> Exception:
    error.__context__ = context
    return error


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionRefusedError(),
        OSError("unreachable"),
        OperationalError(),
        ServerTimeoutError(),
        caused(RuntimeError(), OSError()),
        while_handling(RuntimeError(), caused(KeyError(), OSError())),
    ],
    ids=["timeout", "refused", "unreachable", "database", "by name", "by cause", "by context"],
)
@pytest.mark.parametrize("method", ["get_many", "set_many"])
def test_an_error_that_tells_of_the_connection_costs_one_call(monkeypatch, cache_calls, error, method):
    def failing(self, *args, **options):
        cache_calls[method] += 1
        raise error

    monkeypatch.setattr(LocMemCache, method, failing)

    assert read() == {}
    picture_cache.write({KEYS[0]: "text"}, 60, conf.current())
    assert read() == {}

    assert cache_calls == ({"get_many": 1} if method == "get_many" else {"get_many": 1, "set_many": 1})
    assert picture_cache._broken_until > time.monotonic()


def test_a_server_that_hung_up_and_is_gone_costs_one_attempt(settings, cache_calls, log):
    with serving("memcached", *MEMCACHED) as (process, port):
        settings.CACHES = {"default": memcached_at(port)}
        read()
        process.kill()
        process.wait()

        first = read()
        second = read()
        caches["default"].close()

    assert first == second == {}
    assert picture_cache._broken_until > time.monotonic()
    assert len(log()) == 1


def test_a_cache_that_dies_during_the_search_is_left_alone(monkeypatch):
    raised: list[Exception] = []

    def failing(self, *args, **options):
        raised.append(ConnectionResetError() if raised else ValueError())
        raise raised[-1]

    monkeypatch.setattr(LocMemCache, "get_many", failing)

    assert read() == {}
    assert read() == {}

    assert len(raised) == 2
    assert picture_cache._broken_until > time.monotonic()


# Values that are refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["memcached", "redis", "local"], indirect=True)
def test_the_largest_text_that_is_taken_fits_and_a_larger_one_is_left_out(kind, log, cache_calls):
    largest = "x" * picture_cache.MAX_VALUE
    larger = "é" * (picture_cache.MAX_VALUE // 2) + "x"
    texts = {KEYS[0]: larger, KEYS[1]: largest, KEYS[2]: "text"}

    for _ in range(2):
        picture_cache.write(texts, 60, conf.current())
        picture_cache.write({KEYS[0]: larger}, 60, conf.current())

    assert cache_calls == {"set_many": 2}
    assert read() == {KEYS[1]: largest, KEYS[2]: "text"}
    assert log() == [f"What is known of the picture {KEYS[0]} is too large for the cache: 1000001 bytes"]


def test_a_server_that_takes_less_is_given_what_it_takes(settings, log):
    small = {key: key * 20 for key in KEYS[1:]}
    with serving("memcached", "-I", "512k", *MEMCACHED) as (_, port):
        settings.CACHES = {"default": memcached_at(port)}

        for _ in range(20):  # the client hangs up at once, so what came after would be taken by chance
            cache.clear()
            picture_cache.write({KEYS[0]: "x" * 600_000, **small}, 60, conf.current())
            assert read() == small
        caches["default"].close()

    (line,) = log()
    assert line.startswith("The cache 'default' answers, but refuses a value: ")


def test_a_cache_that_is_full_is_still_read(redis, log):
    texts = fill([])
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", 1)
    try:
        picture_cache.write({"ri" + "x" * 20: "text"}, 60, conf.current())
        found = read()
    finally:
        redis.config_set("maxmemory", before)

    assert found == texts
    assert len(log()) == 1
