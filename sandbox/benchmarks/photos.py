"""The photos of the measured pages: rows, and renditions that nobody had to encode."""

from __future__ import annotations

import re

from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.test import override_settings

from sandbox.benchmarks import yardsticks
from sandbox.benchmarks.project import get, photo_model
from sandbox.benchmarks.stand_ins import BlankStorage
from sandbox.benchmarks.verdicts import WrongPageError

_SRCSET = re.compile(r'srcset="/media/(\S+) 1x, /media/(\S+) 2x"')


def fill(handler: WSGIHandler, count: int) -> None:
    """
    Make photos, have the library build them on a cold page, and keep their URLs on the rows.

    Args:
        handler: Of requests, with the library's middleware.
        count: How many.

    Raises:
        WrongPageError: The page does not show four built files of each.
    """
    model = photo_model()
    model.objects.all().delete()  # what another scenario has left
    photos = [
        model(pk=number, title=f"Boats & nets {number:05}", image=f"photos/2026/harbour-{number:05}.jpg")
        for number in range(1, count + 1)
    ]
    model.objects.bulk_create(photos)
    blank = f"{BlankStorage.__module__}."
    with (
        override_settings(
            RESPONSIVE_IMG_ENGINE=f"{blank}BlankEngine",
            RESPONSIVE_IMG_BUILD_BUDGET=float("inf"),
            STORAGES={"default": {"BACKEND": f"{blank}BlankStorage"}},
        ),
        transaction.atomic(),
    ):
        response = get(handler, f"/page/Django/ours/-/{count}/")
    found = _SRCSET.findall(response.content.decode())
    if len(found) != 2 * count or not BlankStorage.saved.issuperset(name for pair in found for name in pair):
        raise WrongPageError(f"{len(found)} srcsets for {count} photos, or names of no file")
    for photo, webp, jpeg in zip(photos, found[::2], found[1::2], strict=True):
        photo.webp_1x, photo.webp_2x = [f"/media/{name}" for name in webp]
        photo.jpeg_1x, photo.jpeg_2x = [f"/media/{name}" for name in jpeg]
    model.objects.bulk_create(
        photos,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["webp_1x", "webp_2x", "jpeg_1x", "jpeg_2x"],
    )


def give_yardsticks(alias: str) -> None:
    """Put the manifests of the yardstick into a cache."""
    photos = photo_model().objects.all()
    entries = {yardsticks.key(str(photo.image.name)): yardsticks.manifest_of(photo) for photo in photos}
    caches[alias].set_many(entries, timeout=None)
