"""
What is to be built for a spec and a source of a given size: pure values.

A file's name must follow from what was asked, so a variant also knows what that was, beside what it
comes to once the source's size is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from responsive_img.geometry import CENTRE, Box, Frame, Size, box_sides, frame, round_px
from responsive_img.specs import Spec

# A density that the source cannot fill must still add a tenth, or it is not worth its file.
MIN_DENSITY_STEP = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    One planned output.

    Attributes:
        format: Name of the format.
        size: px, oriented.
        box: The part of the oriented source that is shown, px.
        quality: 1..100, or None where the format has none.
        descriptor: "1x", "1.5x", as in a srcset.
        label: What was asked for, for the file name: "400w", "300h" or "full".
        identity: Every argument that changes pixels or bytes, as asked; for the file name's digest.
    """

    format: str
    size: Size
    box: Box
    quality: int | None
    descriptor: str
    label: str
    identity: str


class Plan(NamedTuple):
    """The variants of a spec for one source, fallback format last, and the size of its layout in CSS px."""

    layout: Size
    variants: tuple[Variant, ...]


def plan(spec: Spec, source: Size, *, fallback: str, max_width: int) -> Plan:
    """
    Return what is to be built of a source, in srcset order, the fallback format last.

    Args:
        spec: An effective spec.
        source: Oriented size.
        fallback: Name of the fallback format, from the source's name.
        max_width: Largest side of a candidate, px.
    """
    if spec.as_is:
        return Plan(source, ())
    shown = frame(
        source,
        width=spec.width,
        height=spec.height,
        ratio=spec.ratio,
        fit=spec.fit or "contain",
        focal=spec.focal or CENTRE,
    )
    candidates = _candidates(spec, shown.scale, _largest_scale(spec, shown.box, max_width))
    names = [spec.format] if spec.format else [n for n in spec.formats or () if n != fallback] + [fallback]
    variants = tuple(_variant(spec, shown, name, *candidate) for name in names for candidate in candidates)
    return Plan(variants[0].size, variants)


def _variant(
    spec: Spec, shown: Frame, format_name: str, density: float, scale: float, true_density: float
) -> Variant:
    """Return the variant of one candidate in one format."""
    if shown.asked and math.isclose(scale, shown.scale * density):
        size = Size(round_px(shown.asked[0] * density), round_px(shown.asked[1] * density))
    else:
        size = shown.size_at(scale)
    width, height = _asked(spec, density)
    quality = dict(spec.quality or ()).get(format_name)
    return Variant(
        format=format_name,
        size=size,
        box=shown.box,
        quality=quality,
        descriptor=f"{true_density:g}x",
        label=f"{width}w" if width else f"{height}h" if height else "full",
        identity=replace(
            spec,
            width=width,
            height=height,
            densities=None,
            formats=None,
            format=format_name,
            quality=((format_name, quality),) if quality else None,
        ).text,
    )


def _largest_scale(spec: Spec, box: Box, max_width: int) -> float:
    """Return the scale over which nothing is built: the source's own, and the limit's on the asked sides."""
    wide, high = box_sides(width=spec.width, height=spec.height, ratio=spec.ratio)
    sides = [length for side, length in ((wide, box.width), (high, box.height)) if side is not None]
    limit = max_width / max(sides, default=box.width)
    return limit if spec.upscale else min(1.0, limit)


def _candidates(spec: Spec, scale: float, largest: float) -> list[tuple[float, float, float]]:
    """Return (asked density, scale, true density) of the candidates worth their file, ascending."""
    first = min(scale, largest)
    found = [(1.0, first, 1.0)]
    for density in (spec.densities or (1.0,))[1:]:
        if scale * density <= largest * (1 + 1e-9):
            found.append((density, scale * density, density))
            continue
        true_density = round(largest / first, 2)
        if true_density >= found[-1][2] * MIN_DENSITY_STEP:
            found.append((density, largest, true_density))
    return found


def _asked(spec: Spec, density: float) -> tuple[int | None, int | None]:
    """Return the sides that were asked for at this density, px."""
    return (
        round_px(spec.width * density) if spec.width else None,
        round_px(spec.height * density) if spec.height else None,
    )


@lru_cache(maxsize=1024)
def layout_without_source(spec: Spec) -> Size | None:
    """Return the layout size where it follows from the arguments alone, px; None where it does not."""
    wide, high = box_sides(width=spec.width, height=spec.height, ratio=spec.ratio)
    if spec.fit != "cover" or wide is None or high is None:
        return None
    return Size(round_px(wide), round_px(high))
