"""The source of a build under as many names as are wanted: new to the library each time, drawn once."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from sandbox.benchmarks.project import get, photo_model
from sandbox.benchmarks.verdicts import WrongPageError

if TYPE_CHECKING:
    from sandbox.benchmarks.models import Photo

_numbers = count()


def new_name(source: Path) -> str:
    """Return a name in the media folder, never seen before, under which the source can be read."""
    name = f"builds/{source.stem}-{os.getpid()}-{next(_numbers):04}.jpg"
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, path)
    return name


def new_photo(source: Path) -> Photo:
    """Return a saved row for such a name."""
    return photo_model().objects.create(title="Cold", image=new_name(source))


def show(handler: WSGIHandler, photo: Photo, contestant: str = "ours") -> bytes:
    """
    Return the page of one photo.

    Raises:
        WrongPageError: There is none.
    """
    response = get(handler, f"/single/{contestant}/{photo.pk}/")
    if response.status_code != 200:
        raise WrongPageError(f"status {response.status_code} of the page of a cold picture")
    return response.content


def new_photos(source: Path, count: int) -> int:
    """Save rows for so many such names, and return the key of the first."""
    return min([int(new_photo(source).pk) for _ in range(count)])


def files_of(name: str) -> list[Path]:
    """Return the renditions of a name, sorted."""
    path = Path(settings.MEDIA_ROOT) / "renditions" / name
    return sorted(path.parent.glob(f"{path.stem}-*"))
