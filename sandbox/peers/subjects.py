"""
What quality is measured on: pictures drawn by code, and the photos of a folder if one is given.

All are cut to 4:3, as the rows of the comparison are, and saved without metadata: bytes are those of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from sandbox.benchmarks import drawing
from sandbox.gallery.drawing.catalogue import SCENES, develop
from sandbox.peers.sources import LARGE

SCENES_DRAWN = (
    "misty_mountains",  # hardly an edge
    "balloons",  # stripes
    "aerial_beach",
    "aurora",  # dark
    "lavender",
    "fruit",
    "city",  # lit windows
    "iceberg",
    "poppies",
    "tulips",  # small and many
    "autumn_lake",
    "paper_sea",  # flat colours
    "dunes",
)
# px; decoded at half its size, a JPEG has the fewest to spare over the largest file. The landscape of fine
# detail is drawn in this size beside that of the builds.
_TIGHT = (2800, 2100)
_UNIT = 200  # px, of which the largest file has 4 × 3: what has fewer is left out
_QUALITY = 95


def draw(folder: Path, few: int | None = None) -> list[Path]:
    """
    Draw pictures, the same each time, and return them.

    Args:
        folder: To draw into. The source of the builds is there.
        few: So many of the gallery's scenes, instead of all.
    """
    drawn = [folder / LARGE, folder / "tight.jpg"]
    drawing.draw(drawn[1], _TIGHT)
    scenes = {scene.draw.__name__: scene for scene in SCENES}
    for name in SCENES_DRAWN[:few]:
        drawn += cut([BytesIO(develop(scenes[name]))], folder, name)
    return drawn


def cut(files: Sequence[Path | BytesIO], folder: Path, title: str) -> list[Path]:
    """
    Write the middle of each picture, upright, and return what is written.

    Args:
        files: To read. What is no picture, or too small, is left out.
        folder: To write into.
        title: That names begin with. They tell nothing of the name that a file had.
    """
    written: list[Path] = []
    for file in files:
        try:
            with Image.open(file) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
        except OSError:
            continue
        # A multiple of both sides, so that no library has to round.
        unit = min(upright.width // 4, upright.height // 3)
        if unit < _UNIT:
            continue
        width, height = 4 * unit, 3 * unit
        left, top = (upright.width - width) // 2, (upright.height - height) // 2
        middle = upright.crop((left, top, left + width, top + height))
        middle.info = {}
        written.append(folder / f"{title}-{len(written) + 1:02}.jpg")
        middle.save(written[-1], quality=_QUALITY, subsampling=0)
    return written
