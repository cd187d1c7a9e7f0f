"""Faults of storages, processes that are killed and writers that meet: each test bears the number of its row."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import psycopg
import pytest
from botocore.httpsession import URLLib3Session  # type: ignore[import-untyped] # it ships no annotations
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.template import engines
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from moto.server import ThreadedMotoServer
from PIL import Image

from responsive_img import building, files, lookup, queue, records
from responsive_img.queue import process_queue
from responsive_img.sources import SourceRef
from templatetags_tests.conftest import MARKUP, ONE_FILE, RENDITION, Router, drawn, respond
from templatetags_tests.models import Photo
from templatetags_tests.test_rows_10_19 import allow
from templatetags_tests.test_single_flight import (
    LINES,
    RENDITIONS,
    Flight,
    Lines,
    assert_valid,
    cache_of,
    show_pages,
    together,
    wait_for_the_word,
)

LANGUAGES = ("django", "jinja2")
MANY = "{% for photo in photos %}" + ONE_FILE + "{% endfor %}"
SOURCE_SHOWN = (
    '<img src="/media/photos/cat.jpg" width="20" height="10" alt="" loading="lazy" decoding="async">'
)
HERE = __name__


def make_retry_due() -> None:
    """Let the time until the next try pass."""
    records.picture_model().objects.update(not_before=timezone.now())
    records.source_model().objects.update(retry_at=timezone.now())
    cache.clear()


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# Row 20: the storage is full, or must not be written to ------------------------------------------------


class FullStorage(FileSystemStorage):
    """Has no space left, or no right to write, for as long as a test says so."""

    error: int | None = None

    def _save(self, name: str, content: Any) -> str:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return super()._save(name, content)  # type: ignore[misc, no-any-return] # the stubs lack it


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_row_20_a_storage_that_cannot_write_breaks_no_page_and_is_tried_again(
    page, settings, monkeypatch, make_photo, log, language, error
):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{HERE}.FullStorage"}}
    photo = make_photo()
    monkeypatch.setattr(FullStorage, "error", error)

    pages = [page(language, ONE_FILE, {"photo": photo}) for _ in range(2)]

    assert [response.status_code for response in pages] == [200, 200]
    assert [response.content.decode() for response in pages] == [SOURCE_SHOWN] * 2
    assert files_in(Path(settings.MEDIA_ROOT)) == ["photos/cat.jpg"]
    (line,) = log()
    assert line == (
        "Cannot build photos/cat.jpg of templatetags_tests.Photo.image, next try in 300 s: "
        f"OSError: [Errno {error}] {os.strerror(error)}"
    )
    monkeypatch.setattr(FullStorage, "error", None)
    make_retry_due()
    assert page(language, ONE_FILE, {"photo": photo}).content.decode() == MARKUP


@pytest.fixture
def disk(settings: Any) -> Iterator[Callable[..., None]]:
    """Put the media on a disk of 256 kB; return a function that mounts it anew with other options."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir()

    def mount(*options: str) -> None:
        arguments = [
            str(shutil.which("mount")),
            "-t",
            "tmpfs",
            "-o",
            ",".join(("size=256k", *options)),
            "tmpfs",
            str(root),
        ]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode:  # pragma: no cover - where tests may not mount
            pytest.skip(f"Cannot mount: {done.stderr.strip()}")

    mount()
    yield mount
    subprocess.run([str(shutil.which("umount")), str(root)], check=True)


@pytest.mark.skipif(not shutil.which("mount"), reason="there is no mount")
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_20_on_a_full_disk_no_part_of_a_file_is_left(disk, page, settings, make_photo, log, language):
    photo = make_photo()
    root = Path(settings.MEDIA_ROOT)
    (root / "renditions" / "photos").mkdir(parents=True)
    with (root / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass

    first = page(language, ONE_FILE, {"photo": photo})

    assert (first.status_code, first.content.decode()) == (200, SOURCE_SHOWN)
    assert files_in(root) == ["ballast", "photos/cat.jpg"]
    assert "No space left on device" in log()[0]
    (root / "ballast").unlink()
    make_retry_due()
    assert page(language, ONE_FILE, {"photo": photo}).content.decode() == MARKUP
    assert files_in(root) == ["photos/cat.jpg", RENDITION]


@pytest.mark.skipif(not shutil.which("mount"), reason="there is no mount")
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_20_on_a_read_only_disk_a_page_shows_its_source(disk, page, make_photo, log, language):
    photo = make_photo()
    disk("remount", "ro")

    first = page(language, ONE_FILE, {"photo": photo})

    assert (first.status_code, first.content.decode()) == (200, SOURCE_SHOWN)
    assert "Read-only file system" in log()[0]
    disk("remount", "rw")
    make_retry_due()
    assert page(language, ONE_FILE, {"photo": photo}).content.decode() == MARKUP


# Row 21: the storage is slow, or far away --------------------------------------------------------------


class SlowStorage(FileSystemStorage):
    """Takes its time for each call, as one behind a network, once a test says so."""

    delay = 0.0

    def _wait(self) -> None:
        time.sleep(self.delay)

    def open(self, name: str, mode: str = "rb") -> Any:
        self._wait()
        return super().open(name, mode)

    def exists(self, name: str) -> bool:
        self._wait()
        return super().exists(name)

    def size(self, name: str) -> int:  # pragma: no cover - nobody asks for it
        self._wait()
        return super().size(name)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        self._wait()
        return super().save(name, content, max_length)


class SigningStorage(SlowStorage):
    """Its URLs are made anew each time."""

    signed = 0

    def url(self, name: str | None) -> str:
        type(self).signed += 1
        return f"https://media.example/{name}?signature={self.signed}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["SlowStorage", "SigningStorage"])
def test_row_21_a_warm_page_does_not_wait_for_a_slow_storage(
    page, make_photo, settings, monkeypatch, storage_calls, language, kind
):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{HERE}.{kind}"}}
    photos = [make_photo(f"photos/{number}.jpg") for number in range(5)]
    page(language, MANY, {"photos": photos})
    monkeypatch.setattr(SlowStorage, "delay", 2.0)
    monkeypatch.setattr(SigningStorage, "signed", 0)
    storage_calls.clear()

    started = time.monotonic()
    html = page(language, MANY, {"photos": photos}).content.decode()
    warm = time.monotonic() - started
    cache.clear()
    flushed = page(language, MANY, {"photos": photos}).content.decode()

    assert html.count("/photos/") == flushed.count("/photos/") == 5
    assert html.count("-20w.") == 5
    assert warm < 1
    assert time.monotonic() - started < 2
    assert not storage_calls
    assert SigningStorage.signed == (10 if kind == "SigningStorage" else 0)


def test_row_21_building_on_a_slow_storage_keeps_to_the_budget(page, make_photo, settings, monkeypatch):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{HERE}.SlowStorage"}}
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0.3
    photos = [make_photo(f"photos/{number}.jpg") for number in range(8)]
    monkeypatch.setattr(SlowStorage, "delay", 0.1)

    started = time.monotonic()
    response = page("django", MANY, {"photos": photos})

    assert time.monotonic() - started < 0.3 + 1  # one build is open, exists, save, and what that asks
    assert 1 <= 8 - response.responsive_img_pending <= 3
    assert response.content.count(b"<img ") == 8


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """Return the address of a server that speaks S3."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class S3:
    """A bucket, and how often it was called."""

    def __init__(self, address: str, settings: Any, patch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[str] = Counter()
        self._address, self._settings = address, settings
        self._bucket = f"bucket-{uuid4().hex}"
        send = URLLib3Session.send

        def counted(this: Any, request: Any) -> Any:
            self.calls[request.method] += 1
            return send(this, request)

        patch.setattr(URLLib3Session, "send", counted)

    def use(self, **options: Any) -> Any:
        """Make the bucket the default storage."""
        given = {
            "bucket_name": self._bucket,
            "endpoint_url": self._address,
            "access_key": "key",
            "secret_key": "secret",
            "region_name": "us-east-1",
            **options,
        }
        backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": given}
        self._settings.STORAGES = {**self._settings.STORAGES, "default": backend}
        storage: Any = storages["default"]
        storage.connection.create_bucket(Bucket=self._bucket)
        return storage

    def names(self) -> list[str]:
        bucket = storages["default"].bucket  # type: ignore[attr-defined] # as S3Storage has it
        return sorted(each.key for each in bucket.objects.all())


@pytest.fixture
def s3(s3_server: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> S3:
    return S3(s3_server, settings, monkeypatch)


@pytest.mark.parametrize(("language", "has_location"), [("django", True), ("jinja2", False)])
@pytest.mark.parametrize("kind", ["custom domain", "prefix", "signed"])
def test_row_21_on_s3_a_warm_page_calls_no_storage(
    page, make_photo, s3, monkeypatch, language, kind, has_location
):
    options: dict[str, Any] = {"location": "media" if has_location else ""}
    if kind != "signed":
        options["custom_domain"] = "cdn.example"
    storage = s3.use(**options)
    folder = "media/" if has_location else ""
    if kind == "prefix":
        monkeypatch.setattr(
            type(storage), "responsive_img_url_prefix", f"https://cdn.example/{folder}", raising=False
        )
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    cold = page(language, MANY, {"photos": photos}).content.decode()
    asked: list[str] = []
    url = type(storage).url

    def noted(this: Any, name: str, **_: Any) -> str:
        asked.append(name)
        return str(url(this, name))

    monkeypatch.setattr(type(storage), "url", noted)
    s3.calls.clear()

    warm = page(language, MANY, {"photos": photos}).content.decode()
    cache.clear()
    flushed = page(language, MANY, {"photos": photos}).content.decode()

    assert not s3.calls
    assert len(asked) == (0 if kind == "prefix" else 6)
    for html in (cold, warm, flushed):
        urls = re.findall('src="([^"]+)"', html)
        assert len(urls) == 3
        if kind == "signed":
            assert all("Signature=" in each and "&amp;" in each for each in urls)
        else:
            assert urls[0].startswith(f"https://cdn.example/{folder}renditions/photos/0-20w.")
    assert len(s3.names()) == 6


@pytest.mark.parametrize("overwrites", [True, False])
def test_row_21_on_s3_signed_urls_are_made_for_each_page(page, make_photo, s3, overwrites, monkeypatch):
    storage = s3.use(file_overwrite=overwrites)
    photo = make_photo()
    page("django", ONE_FILE, {"photo": photo})
    made = iter(range(10))
    monkeypatch.setattr(type(storage), "url", lambda this, name, **_: f"https://x/{name}?s={next(made)}")

    pages = [page("django", ONE_FILE, {"photo": photo}).content.decode() for _ in range(2)]

    assert [f"?s={number}" in html for number, html in enumerate(pages)] == [True, True]


@pytest.mark.parametrize("name", ["a cat.jpg", "Katze \N{CAT FACE} ä+%, 100%.jpg", "a'b(c)&d.jpg"])
@pytest.mark.parametrize("overwrites", [True, False])
def test_row_21_on_s3_names_are_found_by_their_urls(page, s3, db, name, overwrites):
    storage = s3.use(file_overwrite=overwrites, custom_domain="cdn.example")
    photo = Photo.objects.create(title="A cat", image=storage.save(f"photos/{name}", ContentFile(drawn())))
    html = page("django", ONE_FILE, {"photo": photo}).content.decode()
    url = re.findall('src="([^"]+)"', html)[0]

    saved = unquote(unescape(url).removeprefix("https://cdn.example/"))
    assert saved in s3.names()
    assert saved.startswith("renditions/photos/")
    with storage.open(saved) as file, Image.open(file) as picture:
        assert picture.size == (20, 10)
    assert " " not in url


# Rows 22 to 24: the builder is killed ------------------------------------------------------------------


class HalfStorage(FileSystemStorage):
    """Writes in its own way, in place; killed in the middle if the environment says so."""

    def _save(self, name: str, content: Any) -> str:
        is_killed = os.environ.get("KILL") == "save" and name.startswith("renditions/")
        if is_killed:  # pragma: no cover - as it says
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read()[:100])
            die()
        return super()._save(name, content)  # type: ignore[misc, no-any-return] # the stubs lack it


def die(*_: Any, **__: Any) -> None:  # pragma: no cover - as it says
    os.kill(os.getpid(), signal.SIGKILL)


def die_half_written(descriptor: int) -> None:  # pragma: no cover - as it says
    os.ftruncate(descriptor, 100)
    die()


def show_and_die(place: str) -> None:  # pragma: no cover - its process is killed
    """Show a page in a process that is killed at a place of its build."""
    os.environ["KILL"] = place
    if place == "fsync":
        os.fsync = die_half_written  # type: ignore[assignment] # the test
    elif place == "record":
        records.finish = die  # type: ignore[assignment] # the test
    elif place == "cache":
        lookup.store = die
    show_pages(1)


def show_and_count() -> None:
    """Show the same page three times, and print each with its queries on our tables."""
    template = engines["django"].from_string("{% load responsive_img %}" + LINES)
    log = Lines()
    wait_for_the_word()
    shown = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as context:
            response: Any = respond(lambda request: HttpResponse(template.render({}, request)))
        ours = [each["sql"] for each in context.captured_queries if '"responsive_img_' in each["sql"]]
        shown.append((response.content.decode(), len(ours)))
    sys.stdout.write(json.dumps({"shown": shown, "log": log.lines}))


class Killing(Flight):
    """A flight whose processes are killed."""

    def kill(self, place: str) -> None:
        process = self.start(f"import {HERE} as rows; rows.show_and_die({place!r})")
        process.communicate("go\n", timeout=50)
        assert process.returncode == -signal.SIGKILL

    def show(self) -> str:
        out = json.loads(self.run("flight.show_pages(1)")[0])
        assert out["log"] == []
        (page,) = out["pages"]
        return str(page)

    def end_leases(self) -> None:
        past = timezone.now() - timedelta(seconds=1)
        assert records.picture_model().objects.using("flight").update(lease_until=past)

    def set(self, name: str, value: object) -> None:
        path = Path(self.environment["PYTHONPATH"].partition(os.pathsep)[0]) / "flight_settings.py"
        with path.open("a") as file:
            file.write(f"{name} = {value!r}\n")


def sqlite_in(folder: Path, **options: Any) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3"), **options}


@pytest.fixture
def killing(tmp_path: Path, add_database: Any) -> Killing:
    add_database("flight", sqlite_in(tmp_path))
    return Killing(tmp_path, sqlite_in(tmp_path))


def assert_whole(flight: Killing, shown: str) -> None:
    """Assert that a page shows all its renditions, that each is a picture, and that there is no other file."""
    names = flight.files() - {"photos/cat.jpg"}
    finals = {name for name in names if not Path(name).name.startswith(files.TEMPORARY_PREFIX)}
    assert set(re.findall(r"/media/([^ \",]+)", shown)) == finals
    assert len(finals) == RENDITIONS
    for name in finals:
        with Image.open(flight.media / name) as picture:
            picture.load()
    assert len(names - finals) <= 1  # of the one who was killed


STORAGES = {
    "django": "django.core.files.storage.FileSystemStorage",
    "own": f"{HERE}.HalfStorage",
}


@pytest.mark.parametrize(
    ("kind", "place"),
    [("django", "fsync"), ("own", "save")],
)
def test_row_22_a_builder_killed_while_it_writes_leaves_no_half_picture_in_a_page(killing, kind, place):
    killing.set(
        "STORAGES", {"default": {"BACKEND": STORAGES[kind]}, "staticfiles": {"BACKEND": STORAGES["django"]}}
    )

    killing.kill(place)
    during = killing.show()
    finals = [name for name in killing.files() if not Path(name).name.startswith(files.TEMPORARY_PREFIX)]
    killing.end_leases()
    after = killing.show()

    # Half a file stands under its name only where the storage itself writes so; then no page shows it.
    assert len(finals) == (2 if place == "save" else 1)
    assert set(re.findall(r'src="/media/([^"]+)"', during)) == {"photos/cat.jpg"}
    assert "renditions" not in during
    assert_valid(after, killing.files())
    assert_whole(killing, after)


def test_row_23_files_without_a_record_are_taken_over_by_the_next_builder(killing):

    killing.kill("record")
    left = killing.files()
    during = killing.show()
    killing.end_leases()
    after = killing.show()

    assert len(left) > 1
    assert "renditions" not in during
    assert killing.files() >= left
    assert_valid(after, killing.files())
    assert_whole(killing, after)


@pytest.mark.parametrize("overwrites", [True, False])
def test_row_23_on_s3_what_is_built_again_is_no_second_file(page, make_photo, s3, overwrites):
    s3.use(file_overwrite=overwrites, custom_domain="cdn.example")
    photo = make_photo()
    template = '{% img photo.image width=20 alt="" %}'
    first = page("django", template, {"photo": photo}).content
    names = s3.names()
    for _ in range(2):
        records.picture_model().objects.all().delete()
        cache.clear()
        assert page("django", template, {"photo": photo}).content == first

    assert s3.names() == names
    assert len(names) == 5


@pytest.mark.parametrize("overwrites", [True, False])
def test_row_23_on_s3_half_a_file_is_replaced(s3, overwrites):
    storage = s3.use(file_overwrite=overwrites)
    storage.save("renditions/x.webp", ContentFile(b"half"))

    saved = [files.save(storage, "renditions/x.webp", b"the whole") for _ in range(2)]

    assert saved == ["renditions/x.webp"] * 2
    assert s3.names() == ["renditions/x.webp"]
    with storage.open("renditions/x.webp") as file:
        assert file.read() == b"the whole"


def test_row_24_a_record_that_the_cache_lacks_costs_one_query_and_no_build(
    tmp_path, add_database, redis, settings
):
    add_database("flight", sqlite_in(tmp_path))
    flight = Killing(tmp_path, sqlite_in(tmp_path), settings.CACHES["default"])
    flight.kill("cache")
    files_before, notes = flight.files(), flight.noted()

    out = json.loads(flight.run(f"import {HERE} as rows; rows.show_and_count()")[0])

    assert out["log"] == []
    assert [queries for _, queries in out["shown"]] == [1, 0, 0]
    assert len({page for page, _ in out["shown"]}) == 1
    assert_valid(out["shown"][0][0], files_before)
    assert flight.files() == files_before
    assert flight.noted() == notes


# Row 25: the power is cut ------------------------------------------------------------------------------


class RenamingStorage(FileSystemStorage):
    """Has a `_save` of its own, that keeps Django's."""

    def _save(self, name: str, content: Any) -> str:
        return super()._save(name, content)  # type: ignore[misc, no-any-return] # the stubs lack it


@pytest.mark.parametrize("kind", [FileSystemStorage, RenamingStorage])
def test_row_25_a_file_is_synced_whole_before_it_has_its_name(kind, tmp_path, monkeypatch):
    steps: list[tuple[str, int, int]] = []
    sync, rename, replace = os.fsync, os.rename, os.replace

    def noted(step: str, status: os.stat_result) -> None:
        if stat.S_ISREG(status.st_mode):  # pragma: no branch - a folder may be synced too
            steps.append((step, status.st_ino, status.st_size))

    def synced(descriptor: int) -> None:
        noted("sync", os.fstat(descriptor))
        sync(descriptor)

    def renamed(source: Any, target: Any, by: Callable[[Any, Any], None] = rename) -> None:
        noted("rename", os.stat(source))
        by(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "replace", lambda source, target: renamed(source, target, replace))

    files.save(kind(location=tmp_path), "a/cat.jpg", b"x" * 5000)

    inode = (tmp_path / "a/cat.jpg").stat().st_ino
    assert steps == [("sync", inode, 5000), ("rename", inode, 5000)]


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
def test_row_25_so_the_kernel_sees_it(tmp_path):  # pragma: no cover - where there is no strace
    code = (
        "import sys; from django.core.files.storage import FileSystemStorage; from responsive_img.files import save; "
        "save(FileSystemStorage(location=sys.argv[1]), 'cat.jpg', b'x' * 5000)"
    )
    trace = tmp_path / "trace"
    calls = "trace=openat,write,fsync,rename,renameat,renameat2"
    subprocess.run(
        [
            str(shutil.which("strace")),
            "-f",
            "-e",
            calls,
            "-o",
            trace,
            sys.executable,
            "-c",
            code,
            tmp_path / "media",
        ],
        check=True,
        cwd=Path(__file__).parents[1],
    )
    lines = [
        line for line in trace.read_text().splitlines() if f"{tmp_path}/media" in line or "fsync" in line
    ]

    assert [re.findall(r"\b(openat|fsync|rename\w*)\(", line)[0][:6] for line in lines] == [
        "openat",
        "fsync",
        "rename",
    ]


# Row 26: eight processes at once -----------------------------------------------------------------------


@pytest.mark.parametrize(("engine", "kind"), [("sqlite", "local"), ("postgres", "redis")])
def test_row_26_eight_cold_processes_build_each_rendition_once(request, tmp_path, add_database, engine, kind):
    database = sqlite_in(tmp_path) if engine == "sqlite" else request.getfixturevalue("postgres")
    add_database("flight", database)
    with cache_of(kind) as options:
        flight = Flight(tmp_path, database, options)

        outs = [json.loads(out) for out in flight.run(*["flight.show_pages(1)"] * 8)]

    assert [line for out in outs for line in out["log"]] == []
    assert sum(flight.noted().values()) == len(flight.noted()) == RENDITIONS
    shown = flight.files()
    assert len(shown) == RENDITIONS + 1
    for out in outs:
        assert_valid(out["pages"][0], shown)
    urls = [set(re.findall(r"/media/([^ \",]+)", out["pages"][0])) for out in outs]
    assert shown - {"photos/cat.jpg"} in urls  # that of the one who built


@pytest.mark.parametrize("overwrites", [True, False])
def test_row_26_on_s3_threads_that_save_one_name_leave_one_file(s3, overwrites):
    storage = s3.use(file_overwrite=overwrites)
    barrier = threading.Barrier(8, timeout=20)

    def save(number: int) -> str:
        barrier.wait()
        return files.save(storage, "renditions/x.webp", b"the same")

    with ThreadPoolExecutor(8) as threads:
        saved = list(threads.map(save, range(8)))

    assert saved == ["renditions/x.webp"] * 8
    assert s3.names() == ["renditions/x.webp"]


# Rows 27 to 29: writers that meet ----------------------------------------------------------------------


def test_row_27_a_hundred_times_rows_in_opposite_order_do_not_deadlock(tmp_path, postgres, add_database):
    add_database("flight", postgres)
    flight = Flight(tmp_path, postgres)

    out = json.loads(flight.run("flight.insert_rows(100, 100)")[0])

    assert out == {"rows": 10_000, "log": []}


def test_row_27_unsorted_rows_would_be_seen_to(tmp_path, postgres, add_database):
    add_database("flight", postgres)
    flight = Flight(tmp_path, postgres)

    unsorted = "flight.records.sorted = lambda rows, key: list(rows); "
    # Ten times, as on a busy machine the two may pass each other by.
    out = json.loads(flight.run(unsorted + "flight.insert_rows(10, 1000)")[0])

    assert any("deadlock detected" in line for line in out["log"])


@pytest.fixture
def on_postgres(  # pragma: no cover - as `unavailable`
    postgres: Mapping[str, str], add_database: Any, settings: Any
) -> Any:
    """Keep the records on PostgreSQL beside a table of the user's; return the connection that pages use."""
    add_database("pg", postgres)
    settings.DATABASE_ROUTERS = [Router(reads="pg", writes="pg")]
    allow(connections["pg"])
    with connections["pg"].cursor() as cursor:
        cursor.execute("CREATE TABLE mine (id integer)")
        cursor.execute("SET lock_timeout = '200ms'")
    return connections["pg"]


def write_mine(connection: Any, number: int) -> None:  # pragma: no cover - as `unavailable`
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO mine VALUES (%s)", [number])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hook", ["build_now", "enqueue"])
@pytest.mark.parametrize("conflict", ["committed", "uncommitted", "serialization"])
def test_row_28_after_a_conflict_the_users_transaction_goes_on(
    page, postgres, on_postgres, photo, settings, monkeypatch, language, hook, conflict
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{hook}"
    row = building.source_record(SourceRef("default", photo.image.name))
    fields = [str(field.column) for field in row._meta.fields]
    values = [getattr(row, field.attname) for field in row._meta.fields]
    insert = (
        f"INSERT INTO responsive_img_source ({','.join(fields)}) VALUES ({','.join(['%s'] * len(fields))})"  # noqa: S608
    )
    opened = records.open_for_hook

    with psycopg.connect(host=postgres["HOST"], user=postgres["USER"], dbname=postgres["NAME"]) as other:

        def open_late(*args: Any, **kwargs: Any) -> set[str]:
            other.execute(insert, values)
            if conflict != "uncommitted":
                other.commit()
            return opened(*args, **kwargs)

        monkeypatch.setattr(records, "open_for_hook", open_late)
        with transaction.atomic(using="pg"):
            if conflict == "serialization":
                with on_postgres.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            write_mine(on_postgres, 1)
            response = page(language, ONE_FILE, {"photo": photo})
            write_mine(on_postgres, 2)
        other.rollback()
    monkeypatch.setattr(records, "open_for_hook", opened)

    html = response.content.decode()
    assert response.status_code == 200
    if conflict == "committed":
        assert html == MARKUP if hook == "build_now" else html.startswith('<img src="/media/photos/cat.jpg"')
    else:
        assert html.startswith('<img src="/media/photos/cat.jpg"')
        assert response.responsive_img_pending == 1
    with on_postgres.cursor() as cursor:
        cursor.execute("SELECT id FROM mine ORDER BY id")
        assert cursor.fetchall() == [(1,), (2,)]
    page(language, ONE_FILE, {"photo": photo})
    process_queue()
    assert page(language, ONE_FILE, {"photo": photo}).content.decode() == MARKUP


def write_much(seconds: float, count: int) -> None:
    """Show, queue and build pictures, all different at first, for so many seconds; print what was logged."""
    log = Lines()
    line = '{% img name width=20 densities="1" alt="" %}'
    template = engines["django"].from_string(
        "{% load responsive_img %}{% for name in names %}" + line + "{% endfor %}"
    )
    broken, pages = 0, 0

    def act(number: int) -> None:
        nonlocal broken, pages
        until = time.monotonic() + seconds
        position = 0
        while time.monotonic() < until:
            names = [f"photos/{(position + index) % count}.jpg" for index in range(5)]
            position += 5
            response: Any = respond(
                lambda request, names=names: HttpResponse(template.render({"names": names}, request))
            )
            pages += 1
            broken += response.content.count(b"<img ") != 5
            if position % 10 == 0:
                queue.work(should_stop=lambda: time.monotonic() > until)
            if position % 50 == 0:
                mine = records.picture_model().objects.filter(state=records.READY)
                mine.filter(source__name__in=names).update(state=records.QUEUED)

    raised = together(1, act)
    sys.stdout.write(json.dumps({"log": log.lines + raised, "broken": broken, "pages": pages}))


@pytest.mark.parametrize(("mode", "hook"), [("DEFERRED", "build_now"), ("IMMEDIATE", "enqueue")])
def test_row_29_four_writers_on_sqlite_do_not_lock_each_other_out(tmp_path, add_database, mode, hook):
    database = sqlite_in(tmp_path)
    add_database("flight", database)
    flight = Killing(tmp_path, {**database, "OPTIONS": {"transaction_mode": mode}})
    flight.set("RESPONSIVE_IMG_BUILD_HOOK", f"responsive_img.hooks.{hook}")
    for number in range(400):
        (flight.media / "photos" / f"{number}.jpg").write_bytes(drawn((20, 10)))

    outs = flight.run(*[f"import {HERE} as rows; rows.write_much(6, 400)"] * 4)

    read = [json.loads(out) for out in outs]
    assert [line for out in read for line in out["log"]] == []
    assert [out["broken"] for out in read] == [0] * 4
    assert all(out["pages"] > 5 for out in read)
