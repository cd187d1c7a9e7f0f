"""How alike two pictures are: SSIM of the luma, in 8 × 8 windows every 4 px, as x264 measures it."""

from __future__ import annotations

from array import array
from statistics import fmean
from typing import Any

from PIL import Image, ImageMath

WINDOW, STEP = 8, 4  # px
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Return the mean SSIM of two pictures of the same size: 1 for equal ones."""
    first, second = one.convert("L").convert("F"), other.convert("L").convert("F")
    return fmean(
        value
        for x in range(0, WINDOW, STEP)
        for y in range(0, WINDOW, STEP)
        for value in _windows(first, second, x, y)
    )


def _windows(one: Image.Image, other: Image.Image, x: int, y: int) -> array[float]:
    """Return the SSIM of each window of the grid that starts at (x, y)."""
    right = x + (one.width - x) // WINDOW * WINDOW
    bottom = y + (one.height - y) // WINDOW * WINDOW
    first, second = one.crop((x, y, right, bottom)), other.crop((x, y, right, bottom))
    values = ImageMath.lambda_eval(
        _ssim_of_means,
        a=first.reduce(WINDOW),
        b=second.reduce(WINDOW),
        aa=_product(first, first).reduce(WINDOW),
        bb=_product(second, second).reduce(WINDOW),
        ab=_product(first, second).reduce(WINDOW),
    )
    return array("f", values.tobytes())


def _product(one: Image.Image, other: Image.Image) -> Image.Image:
    product: Image.Image = ImageMath.lambda_eval(lambda of: of["a"] * of["b"], a=one, b=other)
    return product


def _ssim_of_means(of: dict[str, Any]) -> Any:
    """Return SSIM from the windows' means of both, of their squares and of their product."""
    means = of["a"] * of["b"]
    squares = of["a"] * of["a"] + of["b"] * of["b"]
    luminance = (means * 2 + _C1) / (squares + _C1)
    return luminance * ((of["ab"] - means) * 2 + _C2) / (of["aa"] + of["bb"] - squares + _C2)
