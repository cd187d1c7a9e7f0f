"""
What a template asks for: pure values.

A `Spec` goes through two states. As *told*, it has what one tag says and nothing else. As *effective*,
it is the tag over its preset over the settings, normalised; its text is then the canonical spec, which
keys, records and names are made of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import lru_cache
from typing import Any

from responsive_img import notation
from responsive_img.exceptions import SpecError
from responsive_img.formats import FORMATS
from responsive_img.geometry import FocalPoint

# Each builds what those before it do, and more.
BUILDS = ("src", "srcset", "all")
DEFAULT_SIZES = "100vw"  # as HTML has it
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
        widths: Of the candidates, px, ascending; in place of densities.
        sizes: How wide the layout shows the widths, as the HTML attribute; only told, as no file depends on it.
        formats: Names of the formats offered before the fallback, best first.
        format: Name of the one format, without a fallback.
        quality: (format name, 1..100) in the order of `FORMATS`; `ANY_FORMAT` for those not named.
        as_is: The source itself is shown, nothing is built.
        still: A format was asked for, so of an animation the first frame is built.
        single: One URL is wanted, so one file is built; only told.
        build: What is to be built in this process, whatever the hook, one of `BUILDS`; only told.
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
    widths: tuple[int, ...] | None = None
    sizes: str | None = None
    as_is: bool | None = None
    still: bool | None = None
    single: bool | None = None
    build: str | None = None

    def __post_init__(self) -> None:
        """Refuse arguments that contradict each other."""
        if self.ratio and self.width and self.height:
            raise SpecError("'ratio' contradicts 'width' with 'height': the two sides are the ratio already.")
        if self.format is not None and self.formats is not None:
            raise SpecError("'format' (this one alone) contradicts 'formats' (offered before the fallback).")
        if self.widths is not None and self.densities is not None:
            raise SpecError(
                "'widths' contradicts 'densities': candidates are told apart by one or the other."
            )
        if self.fit == "contain" and self.focal:
            raise SpecError("'focal' contradicts fit='contain', which shows the whole source.")

    def check_whole(self) -> None:
        """
        Refuse an argument that means nothing without another one, once no more are to come.

        Raises:
            SpecError: There is a fit without a box, or sizes without widths.
        """
        told = {field.name for field in fields(self) if getattr(self, field.name) is not None}
        check_companions(told, told)

    @property
    def box_ratio(self) -> Fraction | None:
        """Width over height of the box that is asked for; None where nothing says."""
        if self.ratio is None and self.width and self.height:
            return Fraction(self.width, self.height)
        return self.ratio

    @property
    def text(self) -> str:
        """The spec in one line: the same text for equal specs, read back by `from_text`."""
        return notation.dump({field.name: getattr(self, field.name) for field in fields(self)})


def larger(build: str | None, other: str | None) -> str | None:
    """Return what is built where one asks for `build` and another one for `other`."""
    return max(build, other, key=(None, *BUILDS).index)


def check_companions(told: Collection[str], possible: Collection[str]) -> None:
    """
    Refuse an argument that means nothing without another one.

    Args:
        told: Names of arguments.
        possible: Names of those that are told, or may be once their values are known.

    Raises:
        SpecError: There is a fit without a box, or sizes without widths.
    """
    if "fit" in told and not ("ratio" in possible or {"width", "height"} <= set(possible)):
        raise SpecError("'fit' needs a box: 'width' and 'height', or 'ratio'.")
    if "sizes" in told and "widths" not in possible:
        raise SpecError("'sizes' needs 'widths': only they leave the choice of a width to the browser.")


SOURCE_AS_IS = Spec(as_is=True)


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
    for name in _giving_way(told, preset):
        values[name] = None
    for name in values:
        if getattr(told, name) is not None:
            values[name] = getattr(told, name)
    if values["ratio"] and values["width"] and values["height"]:
        loser = "ratio" if told.ratio is None else "height" if told.height is None else "width"
        values[loser] = None
    if told.quality is not None and preset.quality is not None:
        values["quality"] = _lay_over(told.quality, preset.quality)
    return Spec(**{**values, "preset": None})


def _giving_way(told: Spec, preset: Spec) -> list[str]:
    """Return the fields of a preset that contradict what is told over it."""
    has_one_width = told.single and (told.width or told.height)
    contradicted = {
        ("format", "formats"): told.format is not None or told.formats is not None,
        ("widths", "sizes"): told.densities is not None or has_one_width,
        ("densities",): told.widths is not None,
        ("fit",): told.focal is not None and told.fit is None and preset.fit == "contain",
        ("focal",): told.fit == "contain",
    }
    return [name for names, is_contradicted in contradicted.items() if is_contradicted for name in names]


def _lay_over(over: tuple[tuple[str, int], ...], under: tuple[tuple[str, int], ...]) -> Any:
    """Return the qualities of `under` with those of `over` in their place."""
    if ANY_FORMAT in dict(over):
        return over
    return sorted_quality({**dict(under), **dict(over)})


def sorted_quality(quality: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return qualities in the one order that makes equal ones compare and read alike."""
    return tuple((name, quality[name]) for name in (ANY_FORMAT, *FORMATS) if name in quality)
