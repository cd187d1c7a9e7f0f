"""
A page of django-easy-images, as scenario C measures ours: `easy_images_page.py FOLDER SOURCE PICTURES`.

Run by the interpreter of its own environment, so it imports nothing of this project. For each line that it
reads it shows a page of new pictures, and writes how long that took: s.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import RequestFactory
from django.urls import path

PAGE = """{% load easy_images %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ heading }}</title></head><body>
<h1>{{ heading }}</h1>
{% for photo in photos %}<article><h2>{{ photo.title }}</h2>
{% img photo.image width=400 densities="1,2" alt=photo.title %}</article>
{% endfor %}</body></html>"""


def main(folder: Path, source: Path, pictures: int) -> None:
    _configure(folder)
    photo_model = _photo_model()
    (folder / "media" / "photos").mkdir(parents=True)

    def page(request: HttpRequest, first: int) -> HttpResponse:
        photos = photo_model.objects.filter(pk__gte=first).order_by("pk")[:pictures]
        return render(request, "page.html", {"heading": "Harbours", "photos": photos})

    urlpatterns.append(path("<int:first>/", page))
    handler = WSGIHandler()
    numbers = count()
    for _ in sys.stdin:
        keys = []
        for _ in range(pictures):
            name = f"photos/{next(numbers):05}.jpg"
            os.link(source, folder / "media" / name)
            keys.append(photo_model.objects.create(title="Cold", image=name).pk)
        start = time.perf_counter()
        response: Any = handler.get_response(RequestFactory().get(f"/{min(keys)}/"))
        seconds = time.perf_counter() - start
        if response.status_code != 200 or response.content.count(b"<img") != pictures:
            sys.exit(f"Status {response.status_code}")
        sys.stdout.write(f"{seconds}\n")
        sys.stdout.flush()


urlpatterns: list[Any] = []


def _configure(folder: Path) -> None:
    folder.mkdir(parents=True)
    pages = [("django.template.loaders.locmem.Loader", {"page.html": PAGE})]
    loaders = [("django.template.loaders.cached.Loader", pages)]
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    settings.configure(
        SECRET_KEY="not secret: these settings serve benchmarks alone",
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["testserver"],
        USE_TZ=True,
        INSTALLED_APPS=["easy_images"],
        MEDIA_ROOT=folder / "media",
        MEDIA_URL="/media/",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "db.sqlite3",
                "OPTIONS": {"init_command": pragmas},
            }
        },
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": loaders}}
        ],
    )
    django.setup()
    call_command("migrate", verbosity=0)


def _photo_model() -> Any:
    """Return the rows: made here, as there are no models before Django is set up."""

    class Photo(models.Model):
        title = models.CharField(max_length=200)
        image = models.ImageField(upload_to="photos", width_field="width", height_field="height")
        width = models.PositiveIntegerField(default=4000)  # px
        height = models.PositiveIntegerField(default=3000)  # px

        class Meta:
            app_label = "contest"

        def __str__(self) -> str:
            return self.title

    with connection.schema_editor() as editor:
        editor.create_model(Photo)
    return Photo


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
