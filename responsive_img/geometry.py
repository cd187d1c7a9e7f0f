"""
Sizes, boxes and the arithmetic of fit and crop: pure values, no Django, no Pillow.

Everything is in px of the *oriented* source (as a person sees it), origin top left, unless a
docstring says *stored* (as the file holds it, before its EXIF orientation is applied).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

# EXIF orientations that swap width and height (TIFF 6.0, tag 0x0112).
SWAPPING_ORIENTATIONS = frozenset({5, 6, 7, 8})


class Size(NamedTuple):
    """Width and height in whole px."""

    width: int
    height: int


class Box(NamedTuple):
    """Left, top, right and bottom edge in px, half-open; fractions of a px are kept for the resize."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Right minus left, px."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Bottom minus top, px."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class FocalPoint:
    """
    The point a crop keeps, as fractions 0..1 of the oriented source, origin top left.

    It is used like a pair and is equal to one, but is no tuple: of those Django's admin lists the parts.
    """

    x: float
    y: float

    def __iter__(self) -> Iterator[float]:
        yield from (self.x, self.y)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> float:
        return (self.x, self.y)[index]

    def __eq__(self, other: object) -> bool:
        return (self.x, self.y) == (tuple(other) if isinstance(other, FocalPoint) else other)

    def __str__(self) -> str:
        """As CSS and the argument `focal` write it, "30% 70%"."""
        return f"{self.x * 100:g}% {self.y * 100:g}%"


CENTRE = FocalPoint(0.5, 0.5)


def round_px(length: float) -> int:
    """Return a length in whole px: halves go up, and nothing is thinner than one px."""
    return max(1, math.floor(length + 0.5))


def crop_box(source: Size, ratio: Fraction, focal: FocalPoint = CENTRE) -> Box:
    """
    Return the largest box of the given ratio, centred as near to `focal` as it fits into the source.

    Args:
        source: Oriented size.
        ratio: Width over height of the wanted box, positive.
        focal: The point to keep.
    """
    width = min(float(source.width), float(source.height * ratio))
    height = min(float(source.height), float(source.width / ratio))
    left = min(max(focal.x * source.width - width / 2, 0.0), source.width - width)
    top = min(max(focal.y * source.height - height / 2, 0.0), source.height - height)
    return Box(left, top, left + width, top + height)


def box_sides(
    *, width: int | None, height: int | None, ratio: Fraction | None
) -> tuple[float | None, float | None]:
    """Return the asked width and height at density 1, px; a side that does not follow is None."""
    if ratio is None or (width is None and height is None):
        return width, height
    if width is not None:
        return width, float(width / ratio)
    return float((height or 0) * ratio), height


def swap(size: Size) -> Size:
    """Return the size with its sides exchanged: stored to oriented and back for a turned photo."""
    return Size(size.height, size.width)


def stored_box(box: Box, source: Size, orientation: int) -> Box:
    """
    Return where a box of the oriented source lies in the stored picture.

    Args:
        box: Box in the oriented frame.
        source: Oriented size.
        orientation: EXIF orientation 1..8; an unknown one counts as 1.
    """
    left, top, right, bottom = box
    width, height = source
    mirrored = (width - right, top, width - left, bottom)
    return Box(
        *{
            2: mirrored,
            3: (width - right, height - bottom, width - left, height - top),
            4: (left, height - bottom, right, height - top),
            5: (top, left, bottom, right),
            6: (top, width - right, bottom, width - left),
            7: (height - bottom, width - right, height - top, width - left),
            8: (height - bottom, left, height - top, right),
        }.get(orientation, (left, top, right, bottom))
    )
