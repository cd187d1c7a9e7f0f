from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
import redis as redis_client
from django.core.cache import cache, caches
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, connections
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from PIL import Image, ImageDraw

from responsive_img import cache as picture_cache
from responsive_img import logs, records
from responsive_img.middleware import ResponsiveImgMiddleware
from templatetags_tests.models import Photo

REQUIRES_SERVICES = os.environ.get("RESPONSIVE_IMG_REQUIRE_SERVICES") == "1"
CACHE_METHODS = (
    "add", "get", "set", "touch", "delete", "get_many", "get_or_set", "has_key", "incr", "set_many",
    "delete_many", "clear",
)  # fmt: skip
STORAGE_METHODS = {
    Storage: ("open", "save", "get_available_name", "is_name_available"),
    FileSystemStorage: (
        "delete", "exists", "get_modified_time", "listdir", "path", "size", "url",
    ),
}  # fmt: skip

# Modules that say the same on every Python and Django, or take long to say it.
SLOW_MODULES = re.compile(
    r"test_(focal_browser|hooks_brokers|html|laws|meta|profile|reference|rows_[1236]|single_flight|trusted|warm_command|warming|workers)"
)

# One WebP file of 20 px from `photos/cat.jpg`: the same name wherever it is asked for.
ONE_FILE = '{% img photo.image width=20 format="webp" densities="1" alt="" %}'
RENDITION = "renditions/photos/cat-20w.f41384ab.webp"
MARKUP = f'<img src="/media/{RENDITION}" width="20" height="10" alt="" loading="lazy" decoding="async">'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the matrix leaves out."""
    for item in items:
        if SLOW_MODULES.match(item.path.name):
            item.add_marker(pytest.mark.slow)


def drawn(
    size: tuple[int, int] = (80, 40), format: str = "JPEG", *, colour: str = "navy", **options: Any
) -> bytes:
    """Return the bytes of a picture with something in it."""
    picture = Image.new("RGB", size, colour)
    ImageDraw.Draw(picture).ellipse((0, 0, size[0] // 2, size[1] - 1), fill="orange")
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def respond(view: Any) -> Any:
    """Return the response of a view through the middleware."""
    return ResponsiveImgMiddleware(view)(RequestFactory().get("/"))


def unavailable(reason: str) -> NoReturn:  # pragma: no cover - the services answer where coverage is asked
    """Skip a test whose service is missing; fail it where services are promised."""
    if REQUIRES_SERVICES:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own media, an empty cache and a library that remembers nothing."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60  # s; a busy machine must not change what is built
    cache.clear()
    monkeypatch.setattr(picture_cache, "_broken_until", 0.0)
    monkeypatch.setattr(logs, "_logged", {})


@pytest.fixture
def render() -> Callable[..., str]:
    """Return a function that renders a template of one language: `render(language, text, context, request)`."""

    def rendered(
        language: str, text: str, context: dict[str, Any] | None = None, request: HttpRequest | None = None
    ) -> str:
        load = "{% load responsive_img %}" if language == "django" else ""
        return engines[language].from_string(load + text).render(context or {}, request)

    return rendered


@pytest.fixture
def page(render: Callable[..., str]) -> Callable[..., HttpResponse]:
    """Return a function that sends a template through the middleware, as the body of a response."""

    def responded(
        language: str, text: str, context: dict[str, Any] | None = None, **options: Any
    ) -> HttpResponse:
        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse(render(language, text, context, request), **options)

        response = respond(view)
        assert isinstance(response, HttpResponse)
        return response

    return responded


@pytest.fixture
def save_file() -> Callable[..., str]:
    """Return a function that puts a picture, of the format its name tells, into the default storage."""

    def save(name: str = "photos/cat.jpg", **options: Any) -> str:
        suffix = name.rpartition(".")[2].upper()
        content = drawn(format={"JPG": "JPEG"}.get(suffix, suffix), **options)
        return default_storage.save(name, ContentFile(content))

    return save


@pytest.fixture
def make_photo(db: None, save_file: Callable[..., str]) -> Callable[..., Photo]:
    """Return a function that puts a picture into the default storage and returns a saved row with it."""

    def make(name: str = "photos/cat.jpg", *, title: str = "A cat", **options: Any) -> Photo:
        return Photo.objects.create(title=title, image=save_file(name, **options))

    return make


@pytest.fixture
def photo(make_photo: Callable[..., Photo]) -> Photo:
    """Return a saved row with a picture of 80 × 40 px, of which nothing is built yet."""
    return make_photo()


class Calls(Counter[str]):
    """Counts the calls of methods by name; those that a method makes of itself do not count."""

    def __init__(self) -> None:
        super().__init__()
        self._inside = threading.local()

    def watch(self, patch: pytest.MonkeyPatch, owner: type, names: tuple[str, ...]) -> None:
        for name in names:
            patch.setattr(owner, name, self._counting(name, getattr(owner, name)))

    def _counting(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._inside, "here", False):
                return method(*args, **kwargs)
            self[name] += 1
            self._inside.here = True
            try:
                return method(*args, **kwargs)
            finally:
                self._inside.here = False

        return counted


@pytest.fixture
def cache_calls() -> Iterator[Calls]:
    """Count the calls on the default cache, which goes on working; `clear()` forgets those before."""
    calls = Calls()
    with pytest.MonkeyPatch.context() as patch:
        calls.watch(patch, type(caches["default"]), CACHE_METHODS)
        yield calls


@pytest.fixture
def storage_calls() -> Iterator[Calls]:
    """
    Count the calls on storages, which go on working.

    On the base classes: a storage that keeps `FileSystemStorage.url` is still seen to keep it.
    """
    calls = Calls()
    with pytest.MonkeyPatch.context() as patch:
        for owner, names in STORAGE_METHODS.items():
            calls.watch(patch, owner, names)
        yield calls


class Router:
    """Sends the reads and the writes of this library's records to the databases that a test names."""

    def __init__(self, *, reads: str = "default", writes: str = "default") -> None:
        self._reads, self._writes = reads, writes

    def db_for_read(self, model: type[Model], **hints: object) -> str | None:
        return self._reads if model._meta.app_label == "responsive_img" else None

    def db_for_write(self, model: type[Model], **hints: object) -> str | None:
        return self._writes if model._meta.app_label == "responsive_img" else None


@pytest.fixture
def add_database(db: None) -> Iterator[Callable[[str, Mapping[str, object]], None]]:
    """Return a function that adds a database, with this library's empty tables, under an alias."""
    added = []

    def add(alias: str, database: Mapping[str, object]) -> None:
        filled = connections.configure_settings({"default": {}, alias: dict(database)})
        connections.settings[alias] = filled[alias]
        added.append(alias)
        connections[alias].connect()  # before anything asks for it: Django's tests allow only what they know
        with connections[alias].schema_editor() as editor:
            editor.create_model(records.source_model())
            editor.create_model(records.picture_model())

    yield add
    for alias in added:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


class OurQueries(list[str]):
    """The SQL on this library's tables."""


@pytest.fixture
def unclosed_connection() -> Iterator[None]:
    """Let a request through a handler keep the connection that the test has a transaction on, as Django's client does."""
    signals = (request_started, request_finished)
    connected = [signal for signal in signals if signal.disconnect(close_old_connections)]
    yield
    for signal in connected:
        signal.connect(close_old_connections)


@pytest.fixture
def our_queries(db: None) -> Callable[[], Any]:
    """Return a context manager that gives the SQL on this library's tables, once it is left."""

    @contextmanager
    def capture() -> Iterator[OurQueries]:
        found = OurQueries()
        with CaptureQueriesContext(connection) as context:
            yield found
        found.extend(each["sql"] for each in context.captured_queries if '"responsive_img_' in each["sql"])

    return capture


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return a function that gives the library's log lines so far."""
    caplog.set_level(logging.INFO, "responsive_img")

    def lines() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "responsive_img"]

    return lines


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Redis whose statistics nobody else touches; without one, of the shared one."""
    server = shutil.which("redis-server")
    if server is None:  # pragma: no cover - as `unavailable`
        yield os.environ.get("RESPONSIVE_IMG_TEST_REDIS", "redis://127.0.0.1:6379/15")
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def redis(redis_server: str, settings: Any) -> Iterator[redis_client.Redis]:
    """Make Redis the default cache, empty, and return a client that reads its statistics."""
    client = redis_client.Redis.from_url(redis_server)
    for _ in range(100):
        try:
            client.ping()
            break
        except redis_client.ConnectionError:  # pragma: no cover - it may have started already
            time.sleep(0.02)
    else:  # pragma: no cover - as `unavailable`
        unavailable("No Redis answers")
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_server,
        }
    }
    client.flushdb()
    yield client
    caches["default"].close()
    client.close()


@pytest.fixture
def postgres() -> Iterator[Mapping[str, str]]:
    """Make an empty database on PostgreSQL, and return how Django finds it."""
    user = os.environ.get("PGUSER", "")
    for host in dict.fromkeys((os.environ.get("PGHOST", ""), "127.0.0.1")):
        try:
            server = psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True)
            break
        except psycopg.OperationalError:  # pragma: no cover - as `unavailable`
            continue
    else:  # pragma: no cover - as `unavailable`
        unavailable("No PostgreSQL answers")
    name = f"responsive_img_{os.getpid()}_{time.monotonic_ns()}"
    with server:
        server.execute(f"CREATE DATABASE {name}")
        yield {"ENGINE": "django.db.backends.postgresql", "NAME": name, "HOST": host, "USER": user}
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
