"""A trap through the engine, and how far what comes out is from what a person should see."""

from __future__ import annotations

from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageChops, ImageStat

from responsive_img import arguments
from responsive_img.defaults import Defaults, effective
from responsive_img.engine import PillowEngine
from responsive_img.headers import Header
from responsive_img.variants import Variant, planned
from sandbox.sheet.traps import Trap

FORMATS = ("webp", "jpeg", "png", "avif")
WIDTH = 160  # px
# Two greys: what is clear must let both through.
GROUND = (200, 235)
_CHECK = 10  # px


class Rendition(NamedTuple):
    """A decoded rendition on its ground, its bytes, and its mean difference from what is right: 0 to 255."""

    picture: Image.Image
    size: int
    difference: float


class Row(NamedTuple):
    """A trap: as Pillow's bare `convert("RGB")` shows it, as it should be, and the renditions by `FORMATS`."""

    label: str
    naive: Image.Image
    right: Image.Image
    renditions: list[Rendition]


def row_of(trap: Trap) -> Row:
    """Return the row of a trap."""
    engine, file = PillowEngine(), BytesIO(trap.content)
    header = engine.read_header(file)
    variants = [_variant(trap, name, header) for name in FORMATS]
    made = dict(engine.render(file, variants))
    size = variants[0].size
    right = trap.right.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Row(
        trap.label, _naive(trap), on_checks(right), [_judged(made[each], right, each) for each in variants]
    )


def _variant(trap: Trap, name: str, header: Header) -> Variant:
    spec = effective(arguments.read({"width": WIDTH, "densities": 1, "format": name}), Defaults())
    return planned(spec, trap.name, header, max_width=WIDTH).variants[0]


def _naive(trap: Trap) -> Image.Image:
    with Image.open(BytesIO(trap.content)) as picture:
        # What is clear loses its alpha in the second step; Pillow warns of a palette's in one.
        middle = {"P": "RGBA", "I;16": "L"}.get(picture.mode, picture.mode)
        return picture.convert(middle).convert("RGB")


def _judged(content: bytes, right: Image.Image, variant: Variant) -> Rendition:
    with Image.open(BytesIO(content)) as picture:
        shown = on_checks(picture)
        ground = on_white(right) if variant.format == "jpeg" else on_checks(right)
        found = ImageStat.Stat(ImageChops.difference(shown, ground)).mean
    return Rendition(shown, len(content), sum(found) / len(found))


def on_checks(picture: Image.Image) -> Image.Image:
    """Return the picture as a browser shows it on a ground of checks."""
    dark, light = GROUND
    ground = Image.new("RGB", picture.size, (dark, dark, dark))
    for x in range(0, picture.width, _CHECK):
        for y in range(x % (2 * _CHECK), picture.height, 2 * _CHECK):
            ground.paste((light, light, light), (x, y, x + _CHECK, y + _CHECK))
    return _laid_over(picture, ground)


def on_white(picture: Image.Image) -> Image.Image:
    """Return the picture as a format without alpha has to show it."""
    return _laid_over(picture, Image.new("RGB", picture.size, "white"))


def _laid_over(picture: Image.Image, ground: Image.Image) -> Image.Image:
    return Image.alpha_composite(ground.convert("RGBA"), picture.convert("RGBA")).convert("RGB")
