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

from responsive_img.candidates import Candidate, candidates, every_size, layout
from responsive_img.formats import FORMATS, fallback_format
from responsive_img.geometry import CENTRE, Box, Size, box_sides, crop_box, round_px
from responsive_img.headers import SVG, Header
from responsive_img.specs import Spec

# What is built in a request, beside the values that the argument `build` can have.
CHEAP = "cheap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    One planned output.

    Attributes:
        format: Name of the format.
        size: px, oriented.
        box: The part of the oriented source that is shown, px.
        quality: 1..100, or None where the format has none.
        descriptor: "1x", "1.5x" or "640w", as in a srcset.
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

    def part(self, build: str) -> tuple[Variant, ...]:
        """Return what `build` asks for: the file of `src`, all that is not slow, or everything."""
        if build not in {"src", CHEAP} or not self.variants:
            return self.variants
        fallback = [variant for variant in self.variants if variant.format == self.variants[-1].format]
        if build == "src":
            return (fallback[-1 if fallback[-1].descriptor.endswith("w") else 0],)
        return tuple(variant for variant in self.variants if not FORMATS[variant.format].is_slow)


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
    box = _box(spec, source)
    found = candidates(spec, box, max_width)
    names = [spec.format] if spec.format else [*_offered(spec, found, fallback), fallback]
    variants = tuple(_variant(spec, box, name, candidate) for name in names for candidate in found)
    return Plan(layout(spec, box, max_width, found), variants)


def every_variant(
    spec: Spec, name: str, header: Header, *, max_width: int, stills: bool
) -> tuple[Variant, ...]:
    """
    Return a variant for each file name that can be derived from a spec alone, whatever the source is like.

    What the source cannot fill comes out like another one, and what a format cannot hold smaller than it.

    Args:
        spec: An effective spec.
        name: Of the source.
        header: Of the source.
        max_width: Largest side of a candidate, px.
        stills: Of an animation that is shown as it is, the first frame is wanted too; a GIF is known by its name.
    """
    is_moving = header.is_animated and not (spec.still or (stills and not name.lower().endswith(".gif")))
    if spec.as_is or header.format == SVG or is_moving:
        return ()
    box = _box(spec, header.size)
    fallback = fallback_format(name)
    others = [each for each in spec.formats or () if each != fallback]
    return tuple(
        _variant(spec, box, each, Candidate(asked, size, ""))
        for each in ([spec.format] if spec.format else [*others, fallback])
        for asked, size in every_size(spec, box, max_width)
    )


def _holdable(size: Size, max_side: int) -> Size:
    """Return a size, or the largest one alike that a format can hold."""
    scale = min(1.0, max_side / max(size))
    return Size(round_px(size.width * scale), round_px(size.height * scale))


def _box(spec: Spec, source: Size) -> Box:
    """Return the part of a source that is shown, px."""
    ratio = _crop_ratio(spec)
    if ratio is None:
        return Box(0.0, 0.0, float(source.width), float(source.height))
    return crop_box(source, ratio, spec.focal or CENTRE)


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


def _offered(spec: Spec, found: Sequence[Candidate], fallback: str) -> list[str]:
    """Return the formats before the fallback, less those that cannot hold a picture so tall."""
    longest = max(max(candidate.size) for candidate in found)
    return [name for name in spec.formats or () if name != fallback and longest <= FORMATS[name].max_side]


def _crop_ratio(spec: Spec) -> Fraction | None:
    """Return the ratio that is cropped to; None where the whole source is shown."""
    return spec.box_ratio if spec.fit == "cover" else None


def _variant(spec: Spec, box: Box, format_name: str, candidate: Candidate) -> Variant:
    """Return the variant of one candidate in one format."""
    width, height, ratio = candidate.asked
    quality = dict(spec.quality or ()).get(format_name)
    alone = replace(
        spec,
        width=width,
        height=height,
        ratio=ratio,
        densities=None,
        widths=None,
        formats=None,
        format=format_name,
        quality=((format_name, quality),) if quality else None,
        still=None,
    )
    return Variant(
        format=format_name,
        size=_holdable(candidate.size, FORMATS[format_name].max_side),
        box=box,
        quality=quality,
        descriptor=candidate.descriptor,
        label=f"{width}w" if width else f"{height}h" if height else "full",
        # The ratio of two whole sides is not quite that of the sides at density 1, which is cropped to.
        identity=f"{alone.text};{cropped}" if (cropped := _crop_ratio(spec)) else alone.text,
    )


@lru_cache(maxsize=1024)
def layout_without_source(spec: Spec) -> Size | None:
    """Return the layout size where it follows from the arguments alone, px; None where it does not."""
    width = spec.width
    if spec.widths is not None and width is None and spec.height is None:
        width = spec.widths[-1]
    wide, high = box_sides(width=width, height=spec.height, ratio=spec.ratio)
    if spec.fit != "cover" or wide is None or high is None:
        return None
    return Size(round_px(wide), round_px(high))
