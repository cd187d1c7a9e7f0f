"""A photo drawn by code: 12 megapixels with the detail of a real one, so that a codec has to work."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageChops

SIZE = (4000, 3000)  # px
QUALITY = 90
# Widths of the layers of noise, px: large shapes first. Each is laid over the ones before it.
OCTAVES = (5, 10, 20, 40, 80, 160, 320, 640, 1280)
CONTRAST = 0.35  # of the coarsest layer
GRAIN = 14  # of 255, peak


def draw(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Write the same JPEG each time."""
    dice = random.Random(12)  # noqa: S311 - a texture, not a secret
    light = _landscape(dice, size)
    blue, red = [_clouds(dice, size, OCTAVES[:4], 0.6).point(_narrowed) for _ in "br"]
    Image.merge("YCbCr", (light, blue, red)).convert("RGB").save(path, quality=QUALITY)


def _landscape(dice: random.Random, size: tuple[int, int]) -> Image.Image:
    """Return luma: smooth where a photo has sky, rough where it has leaves, an edge between the two."""
    smooth = _clouds(dice, size, OCTAVES[:3], 0.5)
    rough = _clouds(dice, size, OCTAVES, 0.9)
    mask = _clouds(dice, size, OCTAVES[:8], 0.6).point([0 if level < 120 else 255 for level in range(256)])
    luma = Image.composite(rough, smooth, mask)
    grain = _noise(dice, size).point([level * GRAIN // 255 for level in range(256)])
    return ImageChops.subtract(ImageChops.add(luma, grain), Image.new("L", size, GRAIN // 2))


def _clouds(
    dice: random.Random, size: tuple[int, int], octaves: tuple[int, ...], weight: float
) -> Image.Image:
    """
    Return noise in layers, each finer than the one before.

    Args:
        dice: Source of chance.
        size: px.
        octaves: Widths of the layers, px.
        weight: Of a finer layer's contrast against the one before, 0..1.
    """
    image = Image.new("L", size, 128)
    for number, width in enumerate(octaves):
        layer = _noise(dice, (width, max(1, round(width * size[1] / size[0]))))
        scaled = layer.resize(size, Image.Resampling.BICUBIC)
        amount = weight**number
        image = ImageChops.add(
            image, scaled.point([round((level - 128) * amount * CONTRAST) + 64 for level in range(256)])
        )
        image = ImageChops.subtract(image, Image.new("L", size, 64))
    return image


def _noise(dice: random.Random, size: tuple[int, int]) -> Image.Image:
    return Image.frombytes("L", size, dice.randbytes(size[0] * size[1]))


def _narrowed(level: int) -> int:
    """Return chroma as muted as a photo's."""
    return 128 + (level - 128) // 4
