"""The sources that contestants build from."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from sandbox.benchmarks import drawing

# In the folder of the run. The large one makes a codec work, the small one is quickly read ten thousand times.
LARGE, SMALL, TURNED = "large.jpg", "small.jpg", "turned.jpg"
NAMES = (LARGE, SMALL, TURNED)
_UPRIGHT = (3000, 4000)  # px
_ORIENTATION, _MAKE = 0x0112, 0x010F


def draw(folder: Path) -> None:
    """Draw them."""
    drawing.draw(folder / LARGE)
    Image.linear_gradient("L").resize((816, 612)).convert("RGB").save(folder / SMALL)
    exif = Image.Exif()
    exif[_ORIENTATION], exif[_MAKE] = 6, "Camera"
    # Black above, white below; as a phone that is held upright stores it.
    upright = Image.linear_gradient("L").resize(_UPRIGHT).convert("RGB")
    upright.transpose(Image.Transpose.ROTATE_90).save(folder / TURNED, exif=exif)


def is_upright(path: Path) -> bool:
    """Whether a file made of the turned source is shown black above, white below."""
    with Image.open(path) as picture:
        shown = ImageOps.exif_transpose(picture).convert("L").resize((1, 2), Image.Resampling.BOX)
    top, bottom = shown.tobytes()
    return bottom - top > 64


def is_stripped(path: Path) -> bool:
    """Whether a file made of the turned source says nothing of the camera."""
    with Image.open(path) as picture:
        return _MAKE not in picture.getexif()
