"""
What a template asks for: pure values.

A `Spec` goes through two states. As *told*, it has what one tag says and nothing else. As *effective*,
it is the tag over its preset over the settings, normalised; its text is then the canonical spec, which
keys, records and names are made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from responsive_img import notation
from responsive_img.exceptions import SpecError
from responsive_img.formats import FORMATS
from responsive_img.geometry import CENTRE, FocalPoint, box_sides, round_px

MAX_RENDITIONS = 32  # of one picture: formats × densities
# For the quality that is told without a format.
ANY_FORMAT = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """
    What is asked for; None: not told.

    Attributes:
        preset: Name of the preset that fills what is not told.
        width: Asked width at density 1, px.
        height: Asked height at density 1, px.
        ratio: Width over height.
        fit: "contain" or "cover".
        focal: The point a crop keeps.
        upscale: Whether a rendition may be larger than the source.
        densities: Device px per CSS px, ascending, 1 among them.
        formats: Names of the formats offered before the fallback, best first.
        format: Name of the one format, without a fallback.
        quality: (format name, 1..100) in the order of `FORMATS`; `ANY_FORMAT` for those not named.
        as_is: The source itself is shown, nothing is built.
        still: A format was asked for, so of an animation the first frame is built.
    """

    preset: str | None = None
    width: int | None = None
    height: int | None = None
    ratio: Fraction | None = None
    fit: str | None = None
    focal: FocalPoint | None = None
    upscale: bool | None = None
    densities: tuple[float, ...] | None = None
    formats: tuple[str, ...] | None = None
    format: str | None = None
    quality: tuple[tuple[str, int], ...] | None = None
    as_is: bool | None = None
    still: bool | None = None

    def __post_init__(self) -> None:
        """Refuse arguments that contradict each other."""
        if self.ratio and self.width and self.height:
            raise SpecError("'ratio' contradicts 'width' with 'height': the two sides are the ratio already.")
        if self.format is not None and self.formats is not None:
            raise SpecError("'format' (this one alone) contradicts 'formats' (offered before the fallback).")
        if self.fit == "contain" and self.focal:
            raise SpecError("'focal' contradicts fit='contain', which shows the whole source.")

    def check_box(self) -> None:
        """
        Refuse a fit that has nothing to fit into.

        Raises:
            SpecError: There is a fit, but neither a ratio nor both sides.
        """
        if self.fit and not (self.ratio or (self.width and self.height)):
            raise SpecError("'fit' needs a box: 'width' and 'height', or 'ratio'.")

    @property
    def text(self) -> str:
        """The spec in one line: the same text for equal specs, read back by `from_text`."""
        return notation.dump({field.name: getattr(self, field.name) for field in fields(self)})


SOURCE_AS_IS = Spec(as_is=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """
    What the settings say for every spec.

    Attributes:
        formats: Names of the formats offered before the fallback, best first.
        quality: Format name to 1..100, laid over the formats' own.
        densities: Ascending, 1 among them.
        max_width: Largest side that can be asked for, px.
    """

    formats: tuple[str, ...] = ("webp",)
    quality: tuple[tuple[str, int], ...] = ()
    densities: tuple[float, ...] = (1, 2)
    max_width: int = 4096


@lru_cache(maxsize=1024)
def from_text(text: str) -> Spec:
    """
    Return the spec that a text of `Spec.text` stands for.

    Raises:
        SpecError: The text is none; it comes from a marker or a job of another release.
    """
    try:
        return Spec(**notation.load(text))
    except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError) as error:
        raise SpecError(f"Unreadable spec {text!r}.") from error


def merge(told: Spec, preset: Spec) -> Spec:
    """Return what is told laid over the preset; what contradicts it in the preset gives way."""
    values = {field.name: getattr(preset, field.name) for field in fields(Spec)}
    if told.format is not None or told.formats is not None:
        values["format"] = values["formats"] = None
    if told.focal is not None and told.fit is None and preset.fit == "contain":
        values["fit"] = None
    if told.fit == "contain":
        values["focal"] = None
    for name in values:
        if getattr(told, name) is not None:
            values[name] = getattr(told, name)
    if values["ratio"] and values["width"] and values["height"]:
        loser = "ratio" if told.ratio is None else "height" if told.height is None else "width"
        values[loser] = None
    if told.quality is not None and preset.quality is not None:
        values["quality"] = _lay_over(told.quality, preset.quality)
    return Spec(**{**values, "preset": None})


def _lay_over(over: tuple[tuple[str, int], ...], under: tuple[tuple[str, int], ...]) -> Any:
    """Return the qualities of `under` with those of `over` in their place."""
    if ANY_FORMAT in dict(over):
        return over
    return sorted_quality({**dict(under), **dict(over)})


def sorted_quality(quality: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return qualities in the one order that makes equal ones compare and read alike."""
    return tuple((name, quality[name]) for name in (ANY_FORMAT, *FORMATS) if name in quality)


def effective(told: Spec, defaults: Defaults) -> Spec:
    """
    Return the spec with every default filled in, normalised: equal pictures have equal texts.

    Args:
        told: What the tag says, its preset already merged.
        defaults: What the settings say.

    Raises:
        SpecError: A side is over the limit, or there would be too many renditions.
    """
    if told.as_is:
        return SOURCE_AS_IS
    told.check_box()
    check_limits(told, defaults)
    crops = told.fit != "contain" and bool(told.ratio or (told.width and told.height))
    formats = defaults.formats if told.formats is None and told.format is None else told.formats
    told_quality, default_quality = dict(told.quality or ()), dict(defaults.quality)
    quality = {
        name: told_quality.get(name)
        or told_quality.get(ANY_FORMAT)
        or default_quality.get(name)
        or default_quality.get(ANY_FORMAT)
        or entry.quality
        for name, entry in FORMATS.items()
        if entry.quality is not None
    }
    return replace(
        told,
        preset=None,
        fit="cover" if crops else told.fit,
        focal=(told.focal or CENTRE) if crops else None,
        upscale=bool(told.upscale),
        # Where no side is asked for, the source's own width is shown, and there is nothing to multiply.
        densities=(told.densities or defaults.densities) if told.width or told.height else (1.0,),
        formats=formats,
        quality=tuple(quality.items()),
    )


def check_limits(told: Spec, defaults: Defaults) -> None:
    """
    Refuse what would be too large or too much.

    Raises:
        SpecError: A side is over the limit, or there would be too many renditions.
    """
    wide, high = box_sides(width=told.width, height=told.height, ratio=told.ratio)
    for name, side in (("width", wide), ("height", high)):
        if side is not None and round_px(side) > defaults.max_width:
            raise SpecError(
                f"'{name}' comes to {round_px(side)} px, over the limit of {defaults.max_width} px "
                "(RESPONSIVE_IMG_MAX_WIDTH)."
            )
    formats = 1 if told.format else 1 + len(defaults.formats if told.formats is None else told.formats)
    count = formats * len(told.densities or defaults.densities)
    if count > MAX_RENDITIONS:
        raise SpecError(f"{count} renditions of one picture are too many, the limit is {MAX_RENDITIONS}.")
