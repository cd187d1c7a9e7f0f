"""What the Pillow that is installed can do, and whether it may be trusted."""

from __future__ import annotations

import PIL
from PIL import Image, features

from responsive_img.formats import FORMATS

# Before it decoders could be made to fill the memory (CVE-2026-40192).
SECURE_FROM = (12, 2)


def version() -> tuple[int, ...]:
    """Return the release of Pillow, (12, 2)."""
    return tuple(int(part) for part in PIL.__version__.split(".")[:2] if part.isdecimal())


def unwritable_formats() -> list[str]:
    """Return the names of the formats that it was built without."""
    built_in = {"jpeg": "jpg", "png": "zlib"}
    return [name for name in FORMATS if not features.check(built_in.get(name, name))]


def has_bomb_limit() -> bool:
    """Tell whether Pillow's own limit on pixels, which guards the rest of the project, is on."""
    return Image.MAX_IMAGE_PIXELS is not None
