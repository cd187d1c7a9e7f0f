"""Faults of the cache and of the database, through whole pages: each test bears the number of its row."""

from __future__ import annotations

import logging
import pickle
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import ModuleType
from typing import Any

import psycopg
import pytest
from django.core.cache import cache, caches
from django.core.management import call_command
from django.db import close_old_connections, connections, transaction
from django.utils import timezone

from responsive_img import cache as picture_cache
from responsive_img import conf, lookup, manifest, records, rendering
from templatetags_tests.conftest import MARKUP, ONE_FILE, Router
from templatetags_tests.models import Photo
from templatetags_tests.test_single_flight import (
    LOCAL,
    MEMCACHED,
    closed_port,
    memcached_at,
    redis_at,
    serving,
)

LANGUAGES = ("django", "jinja2")
TIMEOUT = 0.4  # s
SOURCE_SHOWN = (
    '<img src="/media/photos/cat.jpg" width="20" height="10" alt="" loading="lazy" decoding="async">'
)
SIZED = ONE_FILE.replace("width=20", 'width=20 height=10 fit="cover"')
MANY = "{% for photo in photos %}" + ONE_FILE + "{% endfor %}"


class Connects(Counter[int]):
    """Counts by port what is tried to be connected to, which goes on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        connect = socket.socket.connect

        def counted(this: socket.socket, address: Any) -> None:
            self[address[1]] += 1  # of a Unix socket it is a letter, which nobody asks for
            connect(this, address)

        patch.setattr(socket.socket, "connect", counted)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> Connects:
    return Connects(monkeypatch)


@pytest.fixture
def built(page: Any, photo: Photo) -> Photo:
    """Return a row whose picture is built, and is in the cache of the settings as they are."""
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP
    return photo


def down_at(kind: str, port: int) -> dict[str, Any]:
    return redis_at(port) if kind == "redis" else memcached_at(port)


# Row 10: the cache is down -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_row_10_without_its_cache_a_page_is_right_after_one_attempt(
    page, built, settings, connects, our_queries, log, language, kind
):
    port = closed_port()
    settings.CACHES = {"default": down_at(kind, port)}

    started = time.monotonic()
    with our_queries() as first:
        response = page(language, ONE_FILE, {"photo": built})
    with our_queries() as second:
        again = page(language, ONE_FILE, {"photo": built})
    seconds = time.monotonic() - started

    assert (response.status_code, response.content.decode()) == (200, MARKUP)
    assert again.content.decode() == MARKUP
    assert connects[port] == 1
    assert (len(first), len(second)) == (1, 1)
    assert seconds < 1
    (line,) = log()
    assert line.startswith("The cache 'default' failed, and is left alone for 10 s: ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hook", ["build_now", "enqueue"])
@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_row_10_without_its_cache_a_picture_is_built_or_queued(
    page, photo, settings, connects, language, kind, hook
):
    port = closed_port()
    settings.CACHES = {"default": down_at(kind, port)}
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{hook}"

    response = page(language, ONE_FILE, {"photo": photo})

    assert response.status_code == 200
    assert response.content.decode() == (MARKUP if hook == "build_now" else SOURCE_SHOWN)
    assert connects[port] == 1


def test_row_10_a_cache_that_is_back_is_used_after_the_break(
    page, built, settings, monkeypatch, our_queries, redis_server, redis
):
    working = settings.CACHES
    settings.CACHES = {"default": redis_at(closed_port())}
    page("django", ONE_FILE, {"photo": built})
    settings.CACHES = working
    with our_queries() as during:
        page("django", ONE_FILE, {"photo": built})
    monkeypatch.setattr(picture_cache, "_broken_until", time.monotonic())

    with our_queries() as first:
        page("django", ONE_FILE, {"photo": built})
    with our_queries() as second:
        html = page("django", ONE_FILE, {"photo": built}).content.decode()

    assert html == MARKUP
    assert (len(during), len(first), len(second)) == (1, 1, 0)


# Row 11: the cache hangs -------------------------------------------------------------------------------


@pytest.fixture
def hanging(settings: Any) -> Iterator[Any]:
    """Make a Redis of this test's own the cache; give its process."""
    with serving("redis-server", "--bind", "127.0.0.1", "--save", "", "--port") as (process, port):
        options = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
        settings.CACHES = {"default": redis_at(port, OPTIONS=options)}
        yield process
        process.send_signal(signal.SIGCONT)
        caches["default"].close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_known", [True, False], ids=["connected", "not connected"])
def test_row_11_a_hanging_cache_costs_one_timeout_and_the_next_page_none(
    page, make_photo, settings, hanging, log, cache_calls, language, is_known
):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    right = page(language, MANY, {"photos": photos}).content
    if not is_known:
        caches["default"].close()
        del caches["default"]
    hanging.send_signal(signal.SIGSTOP)
    cache_calls.clear()

    times = [time.monotonic()]
    pages = []
    for _ in range(3):
        pages.append(page(language, MANY, {"photos": photos}).content)
        times.append(time.monotonic())
    first, second, third = (after - before for before, after in pairwise(times))

    assert pages == [right] * 3
    assert right.count(b'src="/media/renditions/') == 3
    assert TIMEOUT <= first < 2 * TIMEOUT
    assert second < TIMEOUT
    assert third < TIMEOUT
    assert cache_calls == {"get_many": 1}
    assert len(log()) == 1


def test_row_11_a_build_while_the_cache_hangs_costs_no_more(page, make_photo, hanging, cache_calls):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    hanging.send_signal(signal.SIGSTOP)

    started = time.monotonic()
    html = page("django", MANY, {"photos": photos}).content
    seconds = time.monotonic() - started

    assert html.count(b'src="/media/renditions/') == 3
    assert TIMEOUT <= seconds < 10
    assert cache_calls == {"get_many": 1}


def test_row_11_a_cache_that_goes_on_is_used_again_and_answers_what_was_asked(
    page, built, make_photo, hanging, monkeypatch, our_queries
):
    other = make_photo("photos/dog.jpg")
    right = [page("django", ONE_FILE, {"photo": photo}).content for photo in (built, other)]
    page("django", ONE_FILE, {"photo": other})
    hanging.send_signal(signal.SIGSTOP)
    page("django", ONE_FILE, {"photo": built})
    hanging.send_signal(signal.SIGCONT)
    monkeypatch.setattr(picture_cache, "_broken_until", time.monotonic())

    with our_queries() as queries:
        found = [page("django", ONE_FILE, {"photo": photo}).content for photo in (other, built)]

    assert found == right[::-1]
    assert len(queries) <= 1  # the value of one has never been written to this cache


def test_row_11_threads_wait_for_a_hanging_cache_at_once_not_in_turn(hanging):
    config = conf.current()
    lookup.cached({"x"}, config)
    hanging.send_signal(signal.SIGSTOP)

    started = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: lookup.cached({"x"}, config), range(40)))

    assert found == [{}] * 40
    assert time.monotonic() - started < 2 * TIMEOUT


# Row 12: the cache is flushed under load ---------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_12_a_flush_costs_one_query_and_no_build(
    page, make_photo, redis, our_queries, monkeypatch, language
):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(5)]
    right = page(language, MANY, {"photos": photos}).content
    monkeypatch.setattr(rendering, "render", None)  # whoever builds fails
    end = threading.Event()
    flushes = []

    def flush() -> None:
        while not end.wait(0.02):
            redis.flushall()
            flushes.append(time.monotonic())

    thread = threading.Thread(target=flush)
    thread.start()
    costs: Counter[int] = Counter()
    try:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            with our_queries() as queries:
                assert page(language, MANY, {"photos": photos}).content == right
            costs[len(queries)] += 1
    finally:
        end.set()
        thread.join()

    assert costs.keys() == {0, 1}
    assert len(flushes) > 10


# Rows 13 and 14: what the cache gives back -------------------------------------------------------------


@pytest.fixture(params=["local", "file", "database", "redis", "memcached"])
def filled(request: Any, settings: Any, tmp_path: Any, page: Any, make_photo: Any) -> Iterator[list[Photo]]:
    """Give rows whose pictures are built and in a cache, of each kind."""
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    if request.param == "memcached":
        with serving("memcached", *MEMCACHED) as (_, port):
            settings.CACHES = {"default": memcached_at(port)}
            page("django", MANY, {"photos": photos})
            yield photos
            caches["default"].close()
            return
    if request.param == "redis":
        request.getfixturevalue("redis")
    else:
        paths = {
            "local": LOCAL,
            "file": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(tmp_path / "cache"),
            },
            "database": {
                "BACKEND": "django.core.cache.backends.db.DatabaseCache",
                "LOCATION": "cache_table",
            },
        }
        settings.CACHES = {"default": paths[request.param]}
    if request.param == "database":
        call_command("createcachetable", "cache_table")
    page("django", MANY, {"photos": photos})
    yield photos


def key_of(photo: Photo) -> str:
    return str(records.picture_model().objects.get(source__name=photo.image.name).key)


def poison(photo: Photo) -> None:
    """Put an instance into the cache whose class is gone, as after a release."""
    module = sys.modules["gone"] = ModuleType("gone")
    module.Gone = type("Gone", (), {"__module__": "gone"})  # type: ignore[attr-defined] # it is made here
    try:
        cache.set(key_of(photo), module.Gone())
    finally:
        del sys.modules["gone"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_13_one_poisoned_entry_breaks_no_page_and_builds_nothing(
    page, filled, monkeypatch, our_queries, language
):
    right = page(language, MANY, {"photos": filled}).content
    monkeypatch.setattr(rendering, "render", None)
    poison(filled[1])

    with our_queries() as queries:
        response = page(language, MANY, {"photos": filled})

    assert response.content == right
    assert right.count(b'src="/media/renditions/') == 3
    assert len(queries) == 1


def test_row_13_one_poisoned_entry_is_gone_after_the_first_page(page, filled, our_queries):
    right = page("django", MANY, {"photos": filled}).content
    poison(filled[1])
    page("django", MANY, {"photos": filled})

    page("django", MANY, {"photos": filled})
    with our_queries() as queries:
        again = page("django", ONE_FILE, {"photo": filled[0]}).content
    values = cache.get_many([key_of(photo) for photo in filled])

    assert right.startswith(again)
    assert queries == []  # neither is the cache left alone, nor has the other's entry gone
    assert all(manifest.loads(value) is not None for value in values.values())


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(b"\x80\x04junk", id="cut"),
        pytest.param(b"", id="empty"),
        pytest.param(bytes(100), id="zeros"),
        pytest.param(b"(lp0\n.", id="list"),
        pytest.param(pickle.dumps({1: 2}), id="dict"),
    ],
)
def test_row_13_random_bytes_are_a_miss_and_are_written_anew(page, built, redis, our_queries, junk):
    page("django", ONE_FILE, {"photo": built})
    redis.set(f":1:{key_of(built)}", junk)

    with our_queries() as first:
        html = page("django", ONE_FILE, {"photo": built}).content.decode()
    with our_queries() as second:
        again = page("django", ONE_FILE, {"photo": built}).content.decode()

    assert html == again == MARKUP
    assert (len(first), len(second)) == (1, 0)


@pytest.mark.parametrize("value", ["old", None, 7, True, b"bytes", ["list"], {"a": 1}, timezone])
def test_row_14_what_another_release_has_written_is_a_miss_and_is_written_anew(
    page, filled, our_queries, monkeypatch, value
):
    right = page("django", MANY, {"photos": filled}).content
    monkeypatch.setattr(rendering, "render", None)
    if value == "old":
        value = cache.get(key_of(filled[1])).replace("[1,", "[0,", 1)
    elif value is timezone:
        value = timezone.now()
    cache.set(key_of(filled[1]), value)

    with our_queries() as first:
        html = page("django", MANY, {"photos": filled}).content
    with our_queries() as second:
        again = page("django", MANY, {"photos": filled}).content

    assert html == again == right
    assert len(first) == 1
    is_refilled = "database" not in type(caches["default"]).__module__.replace(".db", ".database")
    assert len(second) == (0 if is_refilled else 1)


# Rows 16 to 19: the database ---------------------------------------------------------------------------


def allow(connection: Any) -> None:
    """Let a database be connected to that was added in a test: Django's tests allow only what they know."""

    def ensure_connection() -> None:
        if connection.connection is None:
            with connection.wrap_database_errors:
                connection.connect()

    connection.ensure_connection = ensure_connection


@pytest.fixture
def database_down(settings: Any, db: None) -> Iterator[int]:
    """Return a function that puts the records into a PostgreSQL that is stopped; give its port."""
    port = closed_port()
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "127.0.0.1", "PORT": port}
    filled = connections.configure_settings({"default": {}, "down": database})
    connections.settings["down"] = filled["down"]
    allow(connections["down"])
    yield port
    connections["down"].close()
    del connections["down"], connections.settings["down"]


ALL_DOWN = [Router(reads="down", writes="down")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_16_what_the_cache_has_is_shown_without_the_database(
    page, built, settings, database_down, log, language
):
    settings.DATABASE_ROUTERS = ALL_DOWN

    response = page(language, ONE_FILE, {"photo": built})

    assert (response.status_code, response.content.decode()) == (200, MARKUP)
    assert connections["down"].connection is None
    assert log() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hook", ["build_now", "enqueue", "thread"])
def test_row_16_without_the_database_a_miss_is_shown_as_its_source(
    page, photo, settings, database_down, log, language, hook
):
    settings.DATABASE_ROUTERS = ALL_DOWN
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{hook}"

    response = page(language, ONE_FILE, {"photo": photo})

    assert response.status_code == 200
    assert b'<img src="/media/photos/cat.jpg"' in response.content
    assert b' alt="" loading="lazy" decoding="async">' in response.content
    assert response.responsive_img_pending == 1
    assert "ETag" not in response.headers
    assert log() == ["Cannot look up or build 1 picture(s)"]

    settings.DATABASE_ROUTERS = []
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.build_now"
    assert page(language, ONE_FILE, {"photo": photo}).content.decode() == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_16_without_the_database_a_page_shows_what_the_cache_has_of_it(
    page, built, make_photo, settings, database_down, language
):
    other = make_photo("photos/dog.jpg")
    settings.DATABASE_ROUTERS = ALL_DOWN

    html = page(language, MANY, {"photos": [built, other]}).content.decode()

    assert html.startswith(MARKUP)
    assert html.count('<img src="/media/photos/dog.jpg"') == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_16_the_fallback_has_the_size_that_the_template_tells(
    page, photo, settings, database_down, language
):
    settings.DATABASE_ROUTERS = ALL_DOWN

    html = page(language, SIZED, {"photo": photo}).content.decode()

    assert html == SOURCE_SHOWN


@pytest.fixture
def on_postgres(  # pragma: no cover - as `unavailable`
    postgres: dict[str, str], add_database: Any, settings: Any
) -> Any:
    """Keep the records on PostgreSQL, and return the connection that pages use."""
    add_database("pg", postgres)
    settings.DATABASE_ROUTERS = [Router(reads="pg", writes="pg")]
    allow(connections["pg"])
    return connections["pg"]


def make_read_only(connection: Any) -> None:  # pragma: no cover - as `unavailable`
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    connection.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hook", ["build_now", "enqueue"])
def test_row_17_a_read_only_database_breaks_no_page(
    page, postgres, on_postgres, photo, make_photo, settings, log, language, hook
):
    assert page(language, ONE_FILE, {"photo": photo}).content.decode() == MARKUP
    other = make_photo("photos/dog.jpg")
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{hook}"
    make_read_only(on_postgres)
    warm = page(language, ONE_FILE, {"photo": photo}).content.decode()
    cache.clear()

    known = page(language, ONE_FILE, {"photo": photo}).content.decode()
    response = page(language, MANY, {"photos": [photo, other]})

    assert warm == known == MARKUP
    html = response.content.decode()
    assert response.status_code == 200
    assert html.startswith(MARKUP)
    assert html.removeprefix(MARKUP).startswith('<img src="/media/photos/dog.jpg"')
    assert response.responsive_img_pending == 1
    assert log() == ["Cannot look up or build 1 picture(s)"]


def test_row_17_a_process_that_is_told_so_writes_nothing_and_logs_nothing(
    page, postgres, on_postgres, photo, make_photo, settings, log
):
    page("django", ONE_FILE, {"photo": photo})
    other = make_photo("photos/dog.jpg")
    settings.RESPONSIVE_IMG_READ_ONLY = True
    make_read_only(on_postgres)
    cache.clear()

    html = page("django", MANY, {"photos": [photo, other]}).content.decode()

    assert html.startswith(MARKUP)
    assert html.removeprefix(MARKUP).startswith('<img src="/media/photos/dog.jpg"')
    assert log() == []


def test_row_17_what_a_read_only_transaction_of_the_user_reads_it_can_go_on_reading(
    page, postgres, on_postgres, photo
):
    with transaction.atomic(using="pg"):
        with on_postgres.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        html = page("django", ONE_FILE, {"photo": photo}).content.decode()
        with on_postgres.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)

    assert html.startswith('<img src="/media/photos/cat.jpg"')
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_built", [True, False], ids=["built", "new"])
def test_row_18_after_its_connection_was_killed_the_next_page_is_fine(
    page, postgres, on_postgres, photo, make_photo, language, is_built
):
    assert page(language, ONE_FILE, {"photo": photo}).content.decode() == MARKUP
    on_postgres.settings_dict["CONN_MAX_AGE"] = None
    asked = photo if is_built else make_photo("photos/dog.jpg")
    cache.clear()
    # Outside of a transaction, in which the server would go on telling what it has told once.
    with psycopg.connect(
        host=postgres["HOST"], user=postgres["USER"], dbname="postgres", autocommit=True
    ) as server:
        pid = on_postgres.connection.info.backend_pid
        assert server.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() == (True,)
        while server.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
            time.sleep(0.01)

    first = page(language, ONE_FILE, {"photo": asked})
    close_old_connections()  # as Django does at the end of each request
    second = page(language, ONE_FILE, {"photo": asked})

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content.startswith(f'<img src="{asked.image.url}"'.encode())
    assert first.responsive_img_pending == 1
    assert b'src="/media/renditions/' in second.content


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hook", ["build_now", "enqueue"])
@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_row_19_without_both_a_page_shows_its_sources(
    page, built, settings, database_down, connects, log, language, hook, kind
):
    port = closed_port()
    settings.CACHES = {"default": down_at(kind, port)}
    settings.DATABASE_ROUTERS = ALL_DOWN
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{hook}"

    started = time.monotonic()
    responses = [page(language, ONE_FILE + ONE_FILE, {"photo": built}) for _ in range(2)]

    assert time.monotonic() - started < 1
    for response in responses:
        assert response.status_code == 200
        assert response.content.count(b'<img src="/media/photos/cat.jpg"') == 2
        assert response.content.count(b' alt="" loading="lazy" decoding="async">') == 2
        assert response.responsive_img_pending == 1
    assert connects[port] == 1
    assert len(log()) == 3  # the cache once, the database for each page


def test_row_19_logs_are_warnings_and_errors(caplog, page, built, settings, database_down):
    settings.CACHES = {"default": redis_at(closed_port())}
    settings.DATABASE_ROUTERS = ALL_DOWN

    page("django", ONE_FILE, {"photo": built})

    ours = [record.levelno for record in caplog.records if record.name == "responsive_img"]
    assert ours == [logging.WARNING, logging.ERROR]
