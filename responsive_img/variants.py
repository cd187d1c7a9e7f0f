"""
What is to be built for a spec and a source of a given size: pure values.

A file's name must follow from what was asked, so a variant also knows what that was, beside what it
comes to once the source's size is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from responsive_img.formats import FORMATS, fallback_format
from responsive_img.geometry import CENTRE, Box, Size, box_sides, crop_box, round_px
from responsive_img.headers import SVG, Header
from responsive_img.notation import number_text
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


class _Candidate(NamedTuple):
    """One density of a picture: the sides asked for, and what the source makes of them, px."""

    width: int | None
    height: int | None
    size: Size
    density: float


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
    ratio = _crop_ratio(spec)
    if ratio is None:
        box = Box(0.0, 0.0, float(source.width), float(source.height))
    else:
        box = crop_box(source, ratio, spec.focal or CENTRE)
    candidates = _candidates(spec, box, max_width)
    names = [spec.format] if spec.format else [*_offered(spec, candidates, fallback), fallback]
    variants = tuple(_variant(spec, box, name, candidate) for name in names for candidate in candidates)
    return Plan(variants[0].size, variants)


def planned(spec: Spec, name: str, header: Header, *, max_width: int, as_it_is: bool = False) -> Plan:
    """
    Return what is to be built of a source: nothing of what is shown as it is.

    An SVG always is, an animation unless a format is asked for: a still would not be what was uploaded.

    Args:
        spec: An effective spec.
        name: Of the source; its extension decides the fallback format.
        header: Of the source.
        max_width: Largest side of a candidate, px.
        as_it_is: It is to be shown as it is for another reason.
    """
    is_svg = header.format == SVG
    if as_it_is or is_svg or (header.is_animated and not spec.still):
        return _shown_as_it_is(spec, header.size, max_width=max_width, scalable=is_svg)
    return plan(spec, header.size, fallback=fallback_format(name), max_width=max_width)


def _shown_as_it_is(spec: Spec, source: Size, *, max_width: int, scalable: bool) -> Plan:
    """Return the plan of a source that is not touched: whole and undistorted, so a crop's box is fitted into."""
    if spec.as_is:
        return Plan(source, ())
    whole = replace(spec, fit="contain", focal=None, upscale=scalable)
    return Plan(plan(whole, source, fallback="png", max_width=max_width).layout, ())


def _offered(spec: Spec, candidates: Sequence[_Candidate], fallback: str) -> list[str]:
    """Return the formats before the fallback, less those that cannot hold a picture so tall."""
    longest = max(max(candidate.size) for candidate in candidates)
    return [name for name in spec.formats or () if name != fallback and longest <= FORMATS[name].max_side]


def _crop_ratio(spec: Spec) -> Fraction | None:
    """Return the ratio that is cropped to; None where the whole source is shown."""
    if spec.fit != "cover":
        return None
    return spec.ratio or Fraction(spec.width or 1, spec.height or 1)


def _variant(spec: Spec, box: Box, format_name: str, candidate: _Candidate) -> Variant:
    """Return the variant of one candidate in one format."""
    width, height = candidate.width, candidate.height
    quality = dict(spec.quality or ()).get(format_name)
    alone = replace(
        spec,
        width=width,
        height=height,
        densities=None,
        formats=None,
        format=format_name,
        quality=((format_name, quality),) if quality else None,
        still=None,
    )
    return Variant(
        format=format_name,
        size=candidate.size,
        box=box,
        quality=quality,
        descriptor=f"{number_text(candidate.density)}x",
        label=f"{width}w" if width else f"{height}h" if height else "full",
        # The ratio of two whole sides is not quite that of the sides at density 1, which is cropped to.
        identity=f"{alone.text};{ratio}" if (ratio := _crop_ratio(spec)) else alone.text,
    )


def _candidates(spec: Spec, box: Box, max_width: int) -> list[_Candidate]:
    """
    Return the candidates worth their file, ascending.

    What one comes to depends on nothing but the sides asked for at its density, in whole px, and on what
    all candidates share: another spec may ask for the same file at another density.
    """
    found: list[_Candidate] = []
    first_scale = 1.0
    for density in spec.densities or (1.0,):
        width = round_px(spec.width * density) if spec.width else None
        height = round_px(spec.height * density) if spec.height else None
        if found and (width, height) == (found[-1].width, found[-1].height):
            continue
        wide, high = box_sides(width=width, height=height, ratio=spec.ratio)
        sides = [(side, length) for side, length in ((wide, box.width), (high, box.height)) if side]
        scale = min((side / length for side, length in sides), default=1.0)
        limit = max_width / max([length for _, length in sides], default=box.width)
        # What is enlarged has both its sides within the limit: a source of 1 × 2,000 px must not become a bomb.
        enlarged = max(1.0, max_width / max(box.width, box.height)) if spec.upscale else 1.0
        largest = min(limit, enlarged)
        if scale <= largest * (1 + 1e-9):
            if spec.fit == "cover" and wide is not None and high is not None:
                size = Size(round_px(wide), round_px(high))
            else:
                size = _size_at(box, scale)
            found.append(_Candidate(width, height, size, density))
        elif not found:
            found.append(_Candidate(width, height, _size_at(box, largest), density))
        else:
            true_density = largest / first_scale
            if true_density >= found[-1].density * MIN_DENSITY_STEP * (1 - 1e-9):
                found.append(_Candidate(width, height, _size_at(box, largest), round(true_density, 2)))
        first_scale = min(scale, largest) if len(found) == 1 else first_scale
    return found


def _size_at(box: Box, scale: float) -> Size:
    return Size(round_px(box.width * scale), round_px(box.height * scale))


@lru_cache(maxsize=1024)
def layout_without_source(spec: Spec) -> Size | None:
    """Return the layout size where it follows from the arguments alone, px; None where it does not."""
    wide, high = box_sides(width=spec.width, height=spec.height, ratio=spec.ratio)
    if spec.fit != "cover" or wide is None or high is None:
        return None
    return Size(round_px(wide), round_px(high))
