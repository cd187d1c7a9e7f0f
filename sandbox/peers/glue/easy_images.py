"""django-easy-images: its batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from easy_images.core import ImageBatch, Img

# As the tag has them, whose defaults are not those of Img.
_OPTIONS: dict[str, Any] = {
    "width": 400,
    "ratio": "4/3",
    "densities": [1.0, 2.0],
    "format": "webp",
    "contain": False,
}


def build(photo: Any) -> None:
    """Build all files of a row."""
    batch = ImageBatch()
    Img(batch=batch, **_OPTIONS)(photo.image, build="all", send_signal=False)
    batch.build()


def build_both(photo: Any) -> None:
    """Build all files of a row in WebP and in JPEG."""
    batch = ImageBatch()
    for form in ("webp", "jpeg"):
        Img(batch=batch, **{**_OPTIONS, "format": form})(photo.image, build="all", send_signal=False)
    batch.build()


@contextmanager
def batched(photos: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Give the rows with their bound images, all of one batch."""
    img = Img(batch=ImageBatch(), **_OPTIONS)
    shown = list(photos)
    for photo in shown:
        photo.card = img(photo.image, alt=photo.title, send_signal=False)
    yield {"photos": shown}
