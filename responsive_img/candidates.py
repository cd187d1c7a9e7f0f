"""
Which sizes a picture comes in: from the densities or widths asked for to what the source can fill; pure values.

What a candidate comes to depends on nothing but the sides asked for, in whole px, and on what all candidates
of a spec share: specs that ask for one side alike share the file.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from responsive_img.geometry import Box, Size, box_sides, round_px
from responsive_img.notation import number_text
from responsive_img.specs import Spec

# A density that the source cannot fill must still add a tenth, or it is not worth its file.
MIN_DENSITY_STEP = 1.1


class Asked(NamedTuple):
    """The sides asked for, px; a side that is None follows from the ratio, else from the source."""

    width: int | None
    height: int | None
    ratio: Fraction | None = None


class Candidate(NamedTuple):
    """
    One size of a picture.

    Attributes:
        asked: What was asked for.
        size: What the source makes of it, px.
        descriptor: "1x", "1.5x" or "640w", as in a srcset.
    """

    asked: Asked
    size: Size
    descriptor: str


class _Fitted(NamedTuple):
    """A size, and how many px of it one px of the box is: as asked for, and at most."""

    size: Size
    scale: float
    largest: float


def candidates(spec: Spec, box: Box, max_width: int) -> list[Candidate]:
    """
    Return the candidates worth their file, ascending.

    Args:
        spec: An effective spec.
        box: The part of the oriented source that is shown, px.
        max_width: Largest side of a candidate, px.
    """
    if spec.widths is not None:
        return _of_widths(spec, box, max_width)
    return _of_densities(spec, box, max_width)


def every_size(spec: Spec, box: Box, max_width: int) -> list[tuple[Asked, Size]]:
    """
    Return all that is asked for, and what the source makes of it: also what comes out like another candidate.

    Args:
        spec: An effective spec.
        box: The part of the oriented source that is shown, px.
        max_width: Largest side of a candidate, px.
    """
    asked = [_asked_of_width(spec, width) for width in spec.widths or ()]
    if spec.widths is None:
        asked = [_asked_of_density(spec, density) for density in spec.densities or (1.0,)]
    return [(each, _fitted(each, spec, box, max_width).size) for each in dict.fromkeys(asked)]


def layout(spec: Spec, box: Box, max_width: int, found: list[Candidate]) -> Size:
    """Return the size of the layout in CSS px: of density 1, or where only widths are given of the largest."""
    if spec.widths is None:
        return found[0].size
    if spec.width or spec.height:
        return _fitted(Asked(spec.width, spec.height, spec.ratio), spec, box, max_width).size
    return found[-1].size


def _of_widths(spec: Spec, box: Box, max_width: int) -> list[Candidate]:
    found: dict[int, Candidate] = {}
    for width in spec.widths or ():
        asked = _asked_of_width(spec, width)
        size = _fitted(asked, spec, box, max_width).size
        found.setdefault(size.width, Candidate(asked, size, f"{size.width}w"))
    return list(found.values())


def _of_densities(spec: Spec, box: Box, max_width: int) -> list[Candidate]:
    found: list[Candidate] = []
    first_scale = last_density = 1.0
    for density in spec.densities or (1.0,):
        asked = _asked_of_density(spec, density)
        if found and asked == found[-1].asked:
            continue
        size, scale, largest = _fitted(asked, spec, box, max_width)
        if not found:
            first_scale = min(scale, largest)
        elif size == found[-1].size:
            continue
        elif scale > largest * (1 + 1e-9):
            density = largest / first_scale
            if density < last_density * MIN_DENSITY_STEP * (1 - 1e-9):
                continue
        last_density = round(density, 2)
        found.append(Candidate(asked, size, f"{number_text(density)}x"))
    return found


def _asked_of_width(spec: Spec, width: int) -> Asked:
    # What is contained in a box is the whole source, whatever the width.
    return Asked(width, None, None if spec.fit == "contain" else spec.box_ratio)


def _asked_of_density(spec: Spec, density: float) -> Asked:
    width = round_px(spec.width * density) if spec.width else None
    height = round_px(spec.height * density) if spec.height else None
    return Asked(width, height, spec.ratio)


def _fitted(asked: Asked, spec: Spec, box: Box, max_width: int) -> _Fitted:
    """Return what the source makes of the sides asked for: never more than it has, unless it may be enlarged."""
    wide, high = box_sides(width=asked.width, height=asked.height, ratio=asked.ratio)
    sides = [(side, length) for side, length in ((wide, box.width), (high, box.height)) if side]
    scale = min((side / length for side, length in sides), default=1.0)
    limit = max_width / max([length for _, length in sides], default=box.width)
    # What is enlarged has both its sides within the limit: a source of 1 × 2,000 px must not become a bomb.
    enlarged = max(1.0, max_width / max(box.width, box.height)) if spec.upscale else 1.0
    largest = min(limit, enlarged)
    if scale > largest * (1 + 1e-9):
        return _Fitted(_size_at(box, largest), scale, largest)
    if spec.fit == "cover" and wide is not None and high is not None:
        size = Size(round_px(wide), round_px(high))
        if not spec.upscale:  # two sides that were rounded apart may differ by a px from the box
            size = Size(min(size.width, round_px(box.width)), min(size.height, round_px(box.height)))
        return _Fitted(size, scale, largest)
    return _Fitted(_size_at(box, scale), scale, largest)


def _size_at(box: Box, scale: float) -> Size:
    return Size(round_px(box.width * scale), round_px(box.height * scale))
