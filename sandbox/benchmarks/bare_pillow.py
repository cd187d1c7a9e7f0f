"""
What the library is held against in a build: Pillow alone, written for speed.

The library's own rule for `draft`, cascade and encoder arguments, but no orientation, no other formats, no
limits, no records, no lock.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from responsive_img.engine import DRAFT_GAP, REDUCING_GAP
from responsive_img.engine.encoding import OPTIONS
from responsive_img.formats import FORMATS

WIDTHS = (800, 400)  # px; the second is made of the first
NAMES = ("webp", "jpeg")


def build(source: Path, folder: Path) -> list[Path]:
    """Write the four files of a picture, and return them."""
    written = []
    with Image.open(source) as picture:
        width, height = picture.size
        gap = DRAFT_GAP * WIDTHS[0] / width
        drafted = picture.draft(None, (int(width * gap), int(height * gap)))
        image: Image.Image = picture
        box = drafted[1] if drafted else None
        for wanted in WIDTHS:
            image = image.resize(
                (wanted, round(height * wanted / width)),
                Image.Resampling.LANCZOS,
                box=box,
                reducing_gap=REDUCING_GAP,
            )
            box = None
            image.info = {}
            for name in NAMES:
                path = folder / f"{source.stem}-{wanted}.{FORMATS[name].extension}"
                image.save(path, **OPTIONS[name], quality=FORMATS[name].quality)
                written.append(path)
    return written


if __name__ == "__main__":  # FOLDER SOURCE…
    for name in sys.argv[2:]:
        build(Path(name), Path(sys.argv[1]))
