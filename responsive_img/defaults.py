"""What the settings say for every spec, and the spec that comes of both: the canonical one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from responsive_img.exceptions import SpecError
from responsive_img.formats import FORMATS
from responsive_img.geometry import CENTRE, box_sides, round_px
from responsive_img.specs import ANY_FORMAT, SOURCE_AS_IS, Spec

MAX_RENDITIONS = 32  # of one picture: formats × densities or widths


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
    told.check_whole()
    if told.single:
        told = _of_one_file(told)
    check_limits(told, defaults)
    crops = told.fit != "contain" and told.box_ratio is not None
    has_densities = told.widths is None and (told.width or told.height)
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
        densities=None if told.widths else told.densities or defaults.densities if has_densities else (1.0,),
        formats=formats,
        quality=tuple(quality.items()),
        sizes=None,
        single=None,
        build=None,
    )


def _of_one_file(told: Spec) -> Spec:
    """Return the spec of the one file that `src` would have: of the largest width, at density 1."""
    one = replace(
        told, widths=None, sizes=None, densities=(1.0,), formats=None if told.format else (), single=None
    )
    if not told.widths:
        return one
    return replace(one, width=told.widths[-1], height=None, ratio=told.box_ratio)


def check_limits(told: Spec, defaults: Defaults) -> None:
    """
    Refuse what would be too large or too much.

    Raises:
        SpecError: A side is over the limit, or there would be too many renditions.
    """
    box = box_sides(width=told.width, height=told.height, ratio=told.ratio)
    widest = (
        box_sides(width=told.widths[-1], height=None, ratio=told.box_ratio) if told.widths else (None, None)
    )
    for name, side in (("width", box[0]), ("height", box[1]), ("widths", widest[0]), ("widths", widest[1])):
        if side is not None and round_px(side) > defaults.max_width:
            raise SpecError(
                f"'{name}' comes to {round_px(side)} px, over the limit of {defaults.max_width} px "
                "(RESPONSIVE_IMG_MAX_WIDTH)."
            )
    formats = 1 if told.format else 1 + len(defaults.formats if told.formats is None else told.formats)
    count = formats * len(told.widths or told.densities or defaults.densities)
    if count > MAX_RENDITIONS:
        raise SpecError(f"{count} renditions of one picture are too many, the limit is {MAX_RENDITIONS}.")
