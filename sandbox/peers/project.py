"""The project of one contestant: its settings, its rows, its page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import RequestFactory
from django.urls import path
from django.utils.module_loading import import_string
from jinja2 import DictLoader

from sandbox.peers.contestant import Contestant

BACKENDS = {"LocMem": "locmem.LocMemCache", "Redis": "redis.RedisCache"}
SIZE = (4000, 3000)  # px, on the row of whatever has no other

urlpatterns: list[Any] = []
_numbers = count()


class Project:
    """A contestant at work. `folder` is that of the run, `cache` of `BACKENDS`."""

    def __init__(self, contestant: Contestant, folder: Path, cache: str, redis: str) -> None:
        self.contestant = contestant
        self.sources = folder
        self.folder = folder / contestant.package
        (self.folder / "media" / "photos").mkdir(parents=True, exist_ok=True)
        settings.configure(**_settings(contestant, self.folder, _cache(cache, redis, folder)))
        django.setup()
        call_command("migrate", verbosity=0)
        self.model: Any = import_string(contestant.rows) if contestant.rows else _photo_model(contestant)
        self.prepare: Any = import_string(contestant.prepare) if contestant.prepare else _as_they_are
        self.build: Any = import_string(contestant.build) if contestant.build else None
        urlpatterns.append(path("<int:first>/<int:count>/", self._page))
        self.handler = WSGIHandler()

    def add(self, source: str, number: int, size: Sequence[int] = SIZE) -> list[Any]:
        """Save rows whose sources are so many links to a file of `size` px, each new to the contestant."""
        return [self._new(source, size) for _ in range(number)]

    def _new(self, source: str, size: Sequence[int]) -> Any:
        name = f"photos/{Path(source).stem}-{os.getpid()}-{next(_numbers):05}.jpg"
        os.link(self._own(source), self.folder / "media" / name)
        values: dict[str, Any] = {
            "title": f"Boats & nets {next(_numbers):05}",
            "width": size[0],
            "height": size[1],
        }
        values["file" if self.contestant.rows else "image"] = name
        photo = self.model(**values)
        self.model.objects.bulk_create([photo])  # as it is: saving would build for some
        return self.model.objects.get(**{"file" if self.contestant.rows else "image": name})

    def _own(self, source: str) -> Path:
        """Return this process's copy of a source: some file systems take 65,000 links to a file."""
        own = self.folder / f"{os.getpid()}-{source}"
        if not own.exists():
            shutil.copyfile(self.sources / source, own)
        return own

    def get(self, first: int, number: int) -> bytes:
        """
        Return the page of the rows from the key `first` on.

        Raises:
            RuntimeError: There is none.
        """
        response: Any = self.handler.get_response(self.request(first, number))
        if response.status_code != 200:
            raise RuntimeError(f"status {response.status_code}")
        return bytes(response.content)

    def request(self, first: int, number: int) -> Any:
        """Return the request for that page."""
        return RequestFactory().get(f"/{first}/{number}/")

    def _page(self, request: HttpRequest, first: int, count: int) -> HttpResponse:
        photos = self.model.objects.filter(pk__gte=first).order_by("pk")[:count]
        with self.prepare(photos) as context:
            return render(
                request, "page.html", {"heading": "Harbours", **context}, using=self.contestant.language
            )

    def files(self) -> list[Path]:
        """Return the files in the media folder that are no sources."""
        media = self.folder / "media"
        return [path for path in media.rglob("*") if path.is_file() and path.parent != media / "photos"] + [
            path for path in (media / "photos").glob("*") if path.stat().st_nlink == 1
        ]


def _as_they_are(photos: Any) -> nullcontext[dict[str, Any]]:
    return nullcontext({"photos": photos})


def _cache(name: str, redis: str, folder: Path) -> dict[str, Any]:
    made: dict[str, Any] = {"BACKEND": f"django.core.cache.backends.{BACKENDS[name]}"}
    if name == "Redis":
        return {**made, "LOCATION": redis, "KEY_PREFIX": folder.name}
    # The default of 300 would throw away most of a page.
    return {**made, "OPTIONS": {"MAX_ENTRIES": 100_000}}


def _engine(contestant: Contestant) -> dict[str, Any]:
    """Return the one of TEMPLATES."""
    pages = {"page.html": contestant.page}
    if contestant.language == "jinja2":
        return {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "OPTIONS": {
                "environment": "sandbox.benchmarks.yardsticks.environment",
                "loader": DictLoader(pages),
                "extensions": ["responsive_img.jinja.ResponsiveImgExtension"] if contestant.apps else [],
            },
        }
    # Some peers have templates of their own.
    loaders = [
        ("django.template.loaders.locmem.Loader", pages),
        "django.template.loaders.app_directories.Loader",
    ]
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [("django.template.loaders.cached.Loader", loaders)],
            "libraries": dict(contestant.libraries),
        },
    }


def _settings(contestant: Contestant, folder: Path, cache: dict[str, Any]) -> dict[str, Any]:
    return {
        "SECRET_KEY": "not secret: these settings serve benchmarks alone",
        "ROOT_URLCONF": __name__,
        "ALLOWED_HOSTS": ["testserver"],
        "USE_TZ": True,
        "INSTALLED_APPS": contestant.apps,
        "MIDDLEWARE": contestant.middleware,
        "MEDIA_ROOT": folder / "media",
        "MEDIA_URL": "/media/",
        "STATIC_URL": "/static/",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CACHES": {"default": cache},
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "db.sqlite3",
                "OPTIONS": {
                    "timeout": 60,
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                },
            }
        },
        "TEMPLATES": [_engine(contestant)],
        **contestant.settings,
    }


def _photo_model(contestant: Contestant) -> Any:
    """Return the rows: made here, as there are no models before Django is set up."""
    field = import_string(contestant.field)

    class Photo(models.Model):
        title = models.CharField(max_length=200)
        image = field(upload_to="photos", width_field="width", height_field="height", **contestant.options)
        width = models.PositiveIntegerField(default=SIZE[0])  # px
        height = models.PositiveIntegerField(default=SIZE[1])  # px
        # For the hand-written markup alone; every page reads all columns, so all pay for the row alike.
        webp_1x = models.CharField(max_length=200)
        webp_2x = models.CharField(max_length=200)
        jpeg_1x = models.CharField(max_length=200)
        jpeg_2x = models.CharField(max_length=200)

        class Meta:
            app_label = "contest"

        def __str__(self) -> str:
            return self.title

    if Photo._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Photo)
    apps.clear_cache()
    return Photo
