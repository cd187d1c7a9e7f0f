"""
Small pictures of all five formats in the kinds that decoders treat differently.

The same bytes at any time: what a number has damaged once, it must damage again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image

from sandbox.sheet.profiles import like_adobe_rgb

SIZE = (97, 66)  # px: no multiple of a block of any codec
_ORIENTATION, _ARTIST = 0x0112, 0x013B  # EXIF


def _picture(shift: int = 0) -> Image.Image:
    """Return a gradient under noise, so that all of a codec's paths have work."""
    noise = random.Random(shift).randbytes(SIZE[0] * SIZE[1] * 3)  # noqa: S311 - a texture, not a secret
    gradient = Image.linear_gradient("L").rotate(90 * shift).resize(SIZE)
    return Image.blend(
        Image.merge("RGB", (gradient, gradient.rotate(180), gradient)),
        Image.frombytes("RGB", SIZE, noise),
        0.2,
    )


def _translucent() -> Image.Image:
    picture = _picture()
    picture.putalpha(Image.radial_gradient("L").resize(SIZE))
    return picture


def _deep_grey() -> Image.Image:
    noise = random.Random(16).randbytes(SIZE[0] * SIZE[1] * 2)  # noqa: S311 - a texture, not a secret
    return Image.frombytes("I;16", SIZE, noise)


def _saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def _camera() -> bytes:
    exif = Image.Exif()
    exif[_ORIENTATION], exif[_ARTIST] = 6, "A camera"
    return _saved(_picture(), "JPEG", exif=exif, icc_profile=like_adobe_rgb(), comment="A comment")


def _animated(format: str, **options: Any) -> bytes:
    frames = [_picture(shift) for shift in (1, 2)]
    return _saved(_picture(), format, save_all=True, append_images=frames, duration=80, **options)


def _animated_avif() -> bytes:
    """Return an AVIF that does not tell when it was made."""
    data = bytearray(_animated("AVIF", speed=9, max_threads=1))
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        start = data.index(box) + 4
        length = 2 * (8 if data[start] else 4)  # two times; their width follows from the version
        data[start + 4 : start + 4 + length] = bytes(length)
    return bytes(data)


SEEDS: dict[str, Callable[[], bytes]] = {
    "baseline.jpg": lambda: _saved(_picture(), "JPEG"),
    "progressive.jpg": lambda: _saved(_picture(), "JPEG", progressive=True, optimize=True),
    "cmyk.jpg": lambda: _saved(_picture().convert("CMYK"), "JPEG"),
    "camera.jpg": _camera,
    "palette.png": lambda: _saved(_translucent().quantize(64), "PNG"),
    "16-bit.png": lambda: _saved(_deep_grey(), "PNG"),
    "alpha.png": lambda: _saved(_translucent(), "PNG"),
    "animated.png": lambda: _animated("PNG"),
    "animated.gif": lambda: _animated("GIF"),
    "lossy.webp": lambda: _saved(_translucent(), "WEBP"),
    "lossless.webp": lambda: _saved(_picture(), "WEBP", lossless=True),
    "animated.webp": lambda: _animated("WEBP"),
    "still.avif": lambda: _saved(_translucent(), "AVIF", speed=9, max_threads=1),
    "animated.avif": _animated_avif,
}


@lru_cache
def seed(name: str) -> bytes:
    """Return the bytes of a seed, drawn once in a process."""
    return SEEDS[name]()
