"""Encoders: from pixels to a file's bytes, without any metadata of the source."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

from PIL import Image

from responsive_img.variants import Variant

WHITE = (255, 255, 255)
# Colours of a rendition up to which it counts as a graphic: lossless WebP is then tried beside the lossy one.
GRAPHIC_COLOURS = 8192
OPTIONS: dict[str, dict[str, Any]] = {
    # Speed 9 costs less than WebP's method 4 and is 6 % smaller; Pillow's default 6 costs eleven times that.
    "avif": {"format": "AVIF", "speed": 9, "max_threads": 1},
    "webp": {"format": "WEBP", "method": 4},
    "jpeg": {"format": "JPEG", "progressive": True, "optimize": True},
    "png": {"format": "PNG", "compress_level": 6},
}


def encoded(image: Image.Image, variant: Variant, *, may_be_graphic: bool) -> bytes:
    """
    Return the bytes of a rendition.

    Args:
        image: Straight, in sRGB or grey.
        variant: What is asked for.
        may_be_graphic: The source is of a format for graphics.
    """
    if image.mode in {"RGBA", "LA"} and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert(image.mode[:-1])
    if variant.format == "jpeg" and image.mode in {"RGBA", "LA"}:
        image = _flattened(image)
    image.info = {}  # a JPEG's comment and a profile would be written from here
    options = dict(OPTIONS[variant.format])
    if variant.quality is not None:
        options["quality"] = variant.quality
    content = _saved(image, options)
    if variant.format == "webp" and may_be_graphic and image.getcolors(GRAPHIC_COLOURS) is not None:
        lossless = _saved(image, {**OPTIONS["webp"], "lossless": True})
        return min(lossless, content, key=len)
    return content


def _flattened(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size, WHITE)
    flat.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return flat


def _saved(image: Image.Image, options: dict[str, Any]) -> bytes:
    # Pillow lets other threads run while it encodes a JPEG only into a real file.
    open_file: Callable[[], IO[bytes]] = tempfile.TemporaryFile if options["format"] == "JPEG" else BytesIO
    with open_file() as file:
        image.save(file, **options)
        file.seek(0)
        return file.read()
