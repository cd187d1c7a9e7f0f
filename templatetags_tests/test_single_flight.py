from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.template import engines

import responsive_img
from responsive_img import backlog, building, records
from responsive_img.engine import PillowEngine
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.sources import SourceRef
from templatetags_tests.conftest import drawn, respond, unavailable

ROOT = Path(responsive_img.__file__).parent.parent
LINES = '{% img "photos/cat.jpg" width=20 alt="" %}{% img "photos/cat.jpg" width=30 ratio="1/1" alt="" %}'
RENDITIONS = 8  # two specs × WebP and JPEG × 1x and 2x


# In the processes that the tests start ------------------------------------------------------------------


class NotingEngine(PillowEngine):
    """Appends a line to a file for each rendition it makes: short appends are whole."""

    def render(self, file, variants):
        for variant, content in super().render(file, variants):
            time.sleep(0.02)  # so that the others come while it is at work
            descriptor = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, f"{variant.format} {variant.identity}\n".encode())
            os.close(descriptor)
            yield variant, content


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        logging.getLogger("responsive_img").addHandler(self)

    def emit(self, record):  # pragma: no cover - nothing is logged while all is well
        self.lines.append(record.getMessage() + str(record.exc_info or ""))


def wait_for_the_word() -> None:
    """Say that all is loaded, and wait until the others are let go too."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def together(count: int, act: Callable[[int], None]) -> list[str]:
    """Wait for the word to start, then act in so many threads at once; return what they raised."""
    barrier = threading.Barrier(count)
    raised = []

    def run(number):
        barrier.wait(10)
        try:
            act(number)
        except Exception:  # noqa: BLE001  # pragma: no cover - nothing is raised while all is well
            raised.append(traceback.format_exc())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    wait_for_the_word()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def show_pages(count: int) -> None:
    """Send so many pages at once through the middleware, and print what came out."""
    log = Lines()
    template = engines["django"].from_string("{% load responsive_img %}" + LINES)
    pages: list[str] = []

    def act(number):
        response = respond(lambda request: HttpResponse(template.render({}, request)))
        pages.append(response.content.decode())

    raised = together(count, act)
    sys.stdout.write(json.dumps({"pages": pages, "log": log.lines + raised}))


def insert_rows(rounds: int, count: int) -> None:  # pragma: no cover - as `unavailable`
    """Insert so many rows in two transactions at once, each in the opposite order; print what was raised."""
    barrier = threading.Barrier(2)

    def act(number):
        step = 1 if number else -1
        for each in range(rounds):
            sources = [
                building.source_record(SourceRef("default", f"photos/{each}-{index}.jpg"))
                for index in range(count)
            ]
            pictures = [building.picture_record(source.key, source.key, "w20") for source in sources]
            for rows in ((sources[::step], ()), ((), pictures[::step])):
                barrier.wait(10)
                records.insert(*rows)

    raised = together(2, act)
    sys.stdout.write(json.dumps({"rows": records.picture_model().objects.count(), "log": raised}))


def write_rows(rounds: int, count: int) -> None:  # pragma: no cover - as `unavailable`
    """Have four threads update many of so many rows at once, in all ways; print what was raised."""
    sources = [building.source_record(SourceRef("default", f"{number}.jpg")) for number in range(count)]
    keys = [source.key for source in sources]
    records.insert(sources, [building.picture_record(key, key, "w20") for key in keys])

    def act(number):
        choice = Random(number)  # noqa: S311
        for _ in range(rounds):
            # A planner finds few rows by their keys, and reads many as they lie.
            some = choice.sample(keys, choice.choice([count // 10, count]))
            records.open_for_hook([], [], some, owner=f"{number}", seconds=0)
            records.release(some)
            records.describe(dict.fromkeys(some, Header("jpeg", Size(80, 40))))
            records.claim(some, version="", owner=f"{number}", seconds=100)
            backlog.requeue(include_stale=True)

    sys.stdout.write(json.dumps(together(4, act)))


# In the tests' own process -----------------------------------------------------------------------------


@contextmanager
def serving(command: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a server that is told its port as `-p PORT` or `--port PORT`; give its process and its port."""
    program = shutil.which(command)
    if program is None:  # pragma: no cover - as `unavailable`
        unavailable(f"No {command} is installed")
    port = closed_port()
    process = subprocess.Popen(
        [program, *arguments, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 10
        while True:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
                break
            assert time.monotonic() < until, f"{command} does not start"
            time.sleep(0.02)
        yield process, port
    finally:
        process.kill()
        process.wait()


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
MEMCACHED = ("-u", "nobody", "-l", "127.0.0.1", "-p")


def memcached_at(port: int, **options: Any) -> dict[str, Any]:
    """Return the settings of a cache on memcached."""
    return {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": f"127.0.0.1:{port}",
        **options,
    }


def redis_at(port: int, **options: Any) -> dict[str, Any]:
    """Return the settings of a cache on Redis."""
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{port}/0",
        **options,
    }


class Flight:
    """A database, a media root and settings that several processes share."""

    def __init__(
        self, folder: Path, database: Mapping[str, Any], cache: Mapping[str, Any] | None = None
    ) -> None:
        self.media, self.notes = folder / "media", folder / "notes"
        (self.media / "photos").mkdir(parents=True)
        (self.media / "photos" / "cat.jpg").write_bytes(drawn())
        (folder / "flight_settings.py").write_text(
            "from templatetags_tests.settings import *\n"
            f"DATABASES = {{'default': {dict(database)!r}}}\n"
            f"CACHES = {{'default': {dict(cache or LOCAL)!r}}}\n"
            f"MEDIA_ROOT = {str(self.media)!r}\n"
            "RESPONSIVE_IMG_BUILD_BUDGET = 60\n"
            f"RESPONSIVE_IMG_ENGINE = '{__name__}.NotingEngine'\n"
        )
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "flight_settings",
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "NOTES": str(self.notes),
        }

    def start(self, code: str) -> subprocess.Popen[str]:
        code = f"import django; django.setup(); import {__name__} as flight; {code}"
        return subprocess.Popen(
            [sys.executable, "-c", code],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *codes: str) -> list[str]:
        """Run pieces of code, each in a process of its own, let go at the same time; return what they print."""
        processes = [self.start(code) for code in codes]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        outs = [process.communicate("go\n", timeout=50)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(codes)
        return outs

    def noted(self) -> Counter[str]:
        return Counter(self.notes.read_text().splitlines())

    def files(self) -> set[str]:
        return {str(path.relative_to(self.media)) for path in self.media.rglob("*") if path.is_file()}


@contextmanager
def cache_of(kind: str) -> Iterator[dict[str, Any]]:
    """Give the settings of an empty cache that processes may share."""
    if kind == "redis":  # pragma: no cover - as `unavailable`
        with serving("redis-server", "--bind", "127.0.0.1", "--save", "", "--port") as (_, port):
            yield redis_at(port)
    elif kind == "memcached":  # pragma: no cover - as `unavailable`
        with serving("memcached", *MEMCACHED) as (_, port):
            yield memcached_at(port)
    elif kind == "database":
        yield {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_table"}
    else:
        yield LOCAL


@pytest.fixture(
    params=[
        "sqlite local",
        "sqlite redis",
        "sqlite memcached",
        "sqlite database",
        "postgres local",
        "postgres database",
    ]
)
def flight(request, tmp_path, add_database):
    """Return a flight over each database that answers, with each cache."""
    engine, cache = request.param.split()
    if engine == "sqlite":
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    else:
        database = request.getfixturevalue("postgres")
    add_database("flight", database)
    if cache == "database":
        call_command("createcachetable", "cache_table", database="flight")
    with cache_of(cache) as options:
        yield Flight(tmp_path, database, options)


def assert_valid(page: str, files: set[str]) -> None:
    """Assert that a page shows both pictures, in their sizes, from files that are there."""
    urls = re.findall(r"/media/([^ \",]+)", page)

    assert page.count(' alt=""') == page.count("<img ") == 2
    assert page.count('width="20" height="10"') == page.count('width="30" height="30"') == 1
    assert page.count("<picture>") == page.count("</picture>")
    assert urls
    assert set(urls) <= files


@pytest.mark.parametrize(("processes", "threads"), [(1, 8), (4, 1)], ids=["8 threads", "4 processes"])
def test_one_cold_picture_is_built_once_whoever_asks_for_it(flight, processes, threads):
    code = f"flight.show_pages({threads})"

    outs = [json.loads(out) for out in flight.run(*[code] * processes)]

    files = flight.files()
    pages = [page for out in outs for page in out["pages"]]
    assert [line for out in outs for line in out["log"]] == []
    assert len(pages) == processes * threads
    assert sum(flight.noted().values()) == len(flight.noted()) == RENDITIONS
    assert len(files) == RENDITIONS + 1
    for page in pages:
        assert_valid(page, files)
    last = json.loads(flight.run("flight.show_pages(1)")[0])["pages"][0]
    assert set(re.findall(r"/media/([^ \",]+)", last)) == files - {"photos/cat.jpg"}
    assert sum(flight.noted().values()) == RENDITIONS


def test_two_transactions_that_insert_the_same_rows_in_opposite_order_do_not_deadlock(
    tmp_path, postgres, add_database
):
    add_database("flight", postgres)
    flight = Flight(tmp_path, postgres)

    out = json.loads(flight.run("flight.insert_rows(3, 1000)")[0])

    assert out == {"rows": 3_000, "log": []}


def test_writers_of_many_rows_do_not_deadlock(tmp_path, postgres, add_database):
    add_database("flight", postgres)
    flight = Flight(tmp_path, postgres)

    raised = json.loads(flight.run("flight.write_rows(5, 200)")[0])

    assert raised == []
