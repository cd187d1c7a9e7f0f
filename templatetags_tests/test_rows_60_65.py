"""Large pages, forks and the limits of memcached: each test bears the number of its row."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connections
from django.http import HttpResponse
from django.template import engines

from responsive_img import building, conf, hooks, keys, lookup, manifest, records
from responsive_img import cache as picture_cache
from responsive_img.jobs import BuildJob
from responsive_img.sources import SourceRef
from templatetags_tests.conftest import MARKUP, ONE_FILE, respond
from templatetags_tests.test_single_flight import (
    LOCAL,
    MEMCACHED,
    Flight,
    cache_of,
    memcached_at,
    serving,
    wait_for_the_word,
)

LANGUAGES = ("django", "jinja2")
COUNT = 10_000
NAMED = '{% for name in names %}{% img name width=20 format="webp" densities="1" alt="" %}{% endfor %}'
HERE = __name__


# Row 60: ten thousand pictures on one page -------------------------------------------------------------


def names_of(count: int) -> list[str]:
    return [f"photos/{number}.jpg" for number in range(count)]


@pytest.fixture
def gallery(page: Callable[..., Any], save_file: Callable[..., str], db: None) -> list[str]:
    """Return the names of 10,000 pictures: one is built, the records of the others are made after it."""
    first, *others = names_of(COUNT)
    page("django", NAMED, {"names": [save_file(first)]})
    built = records.picture_model().objects.select_related("source").get()
    sources, pictures = [], []
    for number, name in enumerate(others, 1):
        source = building.source_record(
            SourceRef("default", name), width=80, height=40, format="jpeg", state=records.KNOWN
        )
        picture = building.picture_record(
            keys.picture_key("default", name, built.spec), source.key, built.spec
        )
        picture.state = records.READY
        picture.renditions = built.renditions.replace("photos/0-", f"photos/{number}-")
        sources.append(source)
        pictures.append(picture)
    records.source_model().objects.bulk_create(sources)
    records.picture_model().objects.bulk_create(pictures)
    return [first, *others]


CACHES = {
    "local": {**LOCAL, "OPTIONS": {"MAX_ENTRIES": 2 * COUNT}},
    "database": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_table",
        "OPTIONS": {"MAX_ENTRIES": 2 * COUNT},
    },
}


def seconds_of(call: Callable[[], Any]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_60_ten_thousand_pictures_are_one_lookup(
    page, gallery, settings, cache_calls, storage_calls, our_queries, language
):
    settings.CACHES = {"default": CACHES["local"]}
    cache_calls.clear()
    storage_calls.clear()
    with our_queries() as flushed:
        page(language, NAMED, {"names": gallery})
    first = dict(cache_calls)
    cache_calls.clear()

    with our_queries() as queries:
        html = page(language, NAMED, {"names": gallery}).content.decode()

    assert (first, len(flushed)) == ({"get_many": 1, "set_many": 1}, 1)
    assert (dict(cache_calls), queries) == ({"get_many": 1}, [])
    assert not storage_calls
    assert html.count("<img ") == html.count('width="20" height="10"') == COUNT
    assert all(f"/photos/{number}-20w." in html for number in range(0, COUNT, 97))


def test_row_60_a_database_cache_is_asked_in_chunks(page, gallery, settings, django_assert_num_queries):
    settings.CACHES = {"default": CACHES["database"]}
    call_command("createcachetable", "cache_table")
    page("django", NAMED, {"names": gallery[:1]})
    chunks = -(-COUNT // picture_cache.DATABASE_CHUNK)

    with django_assert_num_queries(chunks + 1):  # and one for what none of them has
        html = page("django", NAMED, {"names": gallery}).content.decode()

    assert chunks == 12
    assert html.count("-20w.") == COUNT


def test_row_60_a_picture_costs_the_same_on_a_large_page(page, gallery, settings):
    settings.CACHES = {"default": CACHES["local"]}
    few, many = {"names": gallery[:100]}, {"names": gallery}
    page("django", NAMED, many)
    page("django", NAMED, many)

    large = min(seconds_of(lambda: page("django", NAMED, many)) for _ in range(3)) / COUNT
    small = min(seconds_of(lambda: [page("django", NAMED, few) for _ in range(10)]) for _ in range(3)) / 1000

    assert large < 2 * small
    assert large * COUNT < 3  # s; it is far below 1 s on a machine that does nothing else


def test_row_60_the_memory_of_a_large_page_is_bounded_and_given_back(page, gallery, settings):
    settings.CACHES = {"default": CACHES["local"]}
    context = {"names": gallery}
    length = len(page("django", NAMED, context).content)
    page("django", NAMED, context)
    tracemalloc.start()
    try:
        page("django", NAMED, context)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        page("django", NAMED, context)
        peak = tracemalloc.get_traced_memory()[1]
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert peak - before < 40 * length  # about 1.6 MB of markup
    assert after - before < length


def test_row_60_a_large_page_of_which_nothing_is_known_keeps_to_its_budget(page, db, settings, our_queries):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0.2
    names = names_of(2000)

    with our_queries() as queries:
        seconds = seconds_of(lambda: page("django", NAMED, {"names": names}))

    assert records.picture_model().objects.count() == 2000
    assert seconds < 10
    assert len(queries) < 60  # SQLite inserts in batches


# Row 64: processes that are forked ---------------------------------------------------------------------


def sockets() -> set[str]:
    """Return the sockets of this process, as Linux names them."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        try:
            target = str(path.readlink())
        except FileNotFoundError:  # that of the listing
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def in_a_child(report: Callable[[], Any]) -> Any:  # pragma: no cover - forks are not seen
    """Return what a forked process reports."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        with open(read) as file:
            text = file.read()
        assert os.waitpid(pid, 0)[1] == 0, text
        return json.loads(text)
    try:
        os.write(write, json.dumps(report()).encode())
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the child must not go on as the tests
        os._exit(1)


def shown() -> str:  # pragma: no cover - forks are not seen
    template = engines["django"].from_string("{% load responsive_img %}" + NAMED)
    response: Any = respond(
        lambda request: HttpResponse(template.render({"names": ["photos/cat.jpg"]}, request))
    )
    return str(response.content.decode())


def show_forked(was_used: bool) -> None:  # pragma: no cover - forks are not seen
    """Fork as a server does that has loaded the project first, and print what its workers show and hold."""
    wait_for_the_word()
    before = {"sockets": len(sockets()), "threads": threading.active_count()}
    first = ""
    if was_used:
        first = shown()
        caches.close_all()
        connections.close_all()

    def worker() -> Any:
        texts = [shown() for _ in range(3)]
        return {"texts": texts, "sockets": sorted(sockets())}

    held = sockets()
    workers = [in_a_child(worker) for _ in range(4)]
    sys.stdout.write(json.dumps({**before, "first": first, "held": sorted(held), "workers": workers}))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sockets are counted as Linux names them")
@pytest.mark.parametrize("was_used", [False, True], ids=["loaded", "used"])
@pytest.mark.parametrize("kind", ["redis", "memcached"])
def test_row_64_a_fork_after_loading_shares_no_socket(tmp_path, postgres, add_database, kind, was_used):
    add_database("flight", postgres)
    with cache_of(kind) as options:
        flight = Flight(tmp_path, postgres, options)

        out = json.loads(flight.run(f"import {HERE} as rows; rows.show_forked({was_used})")[0])

    assert (out["sockets"], out["threads"]) == (0, 1)
    for worker in out["workers"]:
        assert len(worker["texts"]) == 3
        assert all("-20w." in text and text.count("<img ") == 1 for text in worker["texts"])
    opened = [set(worker["sockets"]) - set(out["held"]) for worker in out["workers"]]
    assert all(opened)
    assert len(set.union(*opened)) == sum(map(len, opened))


def build_in_threads() -> None:  # pragma: no cover - forks are not seen
    """Build by the hook `thread` here, then in a forked process; print what is there."""
    wait_for_the_word()

    def build(width: int) -> str:
        source = building.source_record(SourceRef("default", "photos/cat.jpg"))
        spec = f"w{width};d1;owebp"
        key = keys.picture_key("default", "photos/cat.jpg", spec)
        records.insert([source], [building.picture_record(key, source.key, spec)])
        hooks.thread([BuildJob(storage="default", name="photos/cat.jpg", specs=(spec,))])
        hooks._Builder.of_this_process().waiting.join()
        return str(records.picture_model().objects.get(key=key).state)

    here = build(20)
    connections.close_all()
    there = in_a_child(lambda: build(30))
    sys.stdout.write(json.dumps([here, there]))


def test_row_64_the_thread_that_builds_is_started_anew_in_a_forked_process(tmp_path, add_database):
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    add_database("flight", database)
    flight = Flight(tmp_path, database)

    states = json.loads(flight.run(f"import {HERE} as rows; rows.build_in_threads()")[0])

    assert states == ["ready", "ready"]


# Row 65: the limits of memcached -----------------------------------------------------------------------


@pytest.fixture
def memcached(settings: Any) -> Iterator[int]:  # pragma: no cover - as `unavailable`
    """Make a memcached of this test's own the cache; give its port."""
    with serving("memcached", *MEMCACHED) as (_, port):
        settings.CACHES = {"default": memcached_at(port)}
        yield port
        caches["default"].close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_65_keys_that_are_too_long_are_said_by_a_check_and_break_no_page(
    page, photo, settings, memcached, our_queries, log, language
):
    settings.CACHES = {"default": memcached_at(memcached, KEY_PREFIX="x" * 240)}
    ids = [message.id for message in run_checks()]

    first = page(language, ONE_FILE, {"photo": photo})
    with our_queries() as queries:
        second = page(language, ONE_FILE, {"photo": photo})

    assert "responsive_img.W010" in ids
    assert first.content.decode() == second.content.decode() == MARKUP
    assert len(queries) == 1
    (line,) = log()
    assert line.startswith("The cache 'default' failed, ")


def test_row_65_keys_of_a_long_prefix_that_fits_are_used(page, photo, settings, memcached, our_queries):
    key = keys.picture_key("default", "x", "w20")
    settings.CACHES = {"default": memcached_at(memcached, KEY_PREFIX="x" * (250 - len(f":1:{key}")))}
    page("django", ONE_FILE, {"photo": photo})

    with our_queries() as queries:
        html = page("django", ONE_FILE, {"photo": photo}).content.decode()

    assert "responsive_img.W010" not in [message.id for message in run_checks()]
    assert (html, queries) == (MARKUP, [])


def make_oversize(name: str) -> str:
    """Make the manifest of a built picture larger than memcached takes; return its key."""
    row = records.picture_model().objects.get(source__name=name)
    found = manifest.loads(row.renditions)
    assert found is not None
    filling = ", ".join(f"{manifest.PREFIX}{'x' * 900}-{number}.webp {number}w" for number in range(1, 1400))
    large = manifest.Manifest(
        found.state, 0, found.version, found.width, found.height, found.src, "", (("image/webp", filling),)
    )
    row.renditions = large.dumps()
    assert len(row.renditions) > 1_200_000
    row.save()
    return str(row.key)


@pytest.fixture
def oversize(page: Any, make_photo: Any, memcached: int) -> list[Any]:
    """Return three rows whose pictures are built, the first of which is too large for the cache."""
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    page("django", MANY, {"photos": photos})
    make_oversize("photos/0.jpg")
    cache.clear()
    return photos


MANY = "{% for photo in photos %}" + ONE_FILE + "{% endfor %}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_65_a_page_with_a_value_that_is_too_large_is_whole(page, oversize, language, log):
    pages = [page(language, MANY, {"photos": oversize}).content.decode() for _ in range(2)]

    assert pages[0] == pages[1]
    assert len(pages[0]) > 1_200_000
    assert pages[0].count("<img ") == pages[0].count('width="20" height="10"') == 3
    assert len(log()) == 1


def test_row_65_a_value_that_is_too_large_is_left_out_alone(page, oversize, our_queries, log):
    page("django", MANY, {"photos": oversize})

    with our_queries() as alone:
        page("django", MANY, {"photos": oversize[1:]})
    with our_queries() as together_:
        page("django", MANY, {"photos": oversize})

    assert alone == []
    assert len(together_) == 1
    assert len(log()) == 1


def test_row_65_a_build_whose_value_is_too_large_leaves_the_cache_in_use(page, oversize, our_queries):
    found = {row.key: manifest.loads(row.renditions) for row in records.picture_model().objects.all()}
    page("django", MANY, {"photos": oversize[1:]})

    lookup.store({key: each for key, each in found.items() if each is not None}, conf.current())
    with our_queries() as queries:
        page("django", MANY, {"photos": oversize[1:]})

    assert queries == []
