"""Reads what people write into a spec: every form an argument may have, and what is wrong with the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from operator import index
from typing import Any

from responsive_img.exceptions import SpecError, quoted
from responsive_img.formats import FORMATS, format_name
from responsive_img.geometry import FocalPoint
from responsive_img.specs import ANY_FORMAT, BUILDS, DEFAULT_SIZES, Spec, sorted_quality

RATIOS = {
    "square": Fraction(1),
    "video": Fraction(16, 9),
    "video_vertical": Fraction(9, 16),
    "golden": Fraction("1.61803"),
    "golden_vertical": Fraction("0.61803"),
}
FITS = ("contain", "cover")
MAX_LENGTH = 10**9  # px; over every limit that the settings can sensibly have
MAX_DENSITY = 100
MAX_RATIO_LENGTH = 40  # characters
_DENSITIES = "numbers such as '1 2'"
_AUTO = re.compile(r"^(\s*auto\s*(,|$))+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _read_length(name: str, value: object) -> int:
    """Read a length in px: a whole number, or its text."""
    number: float = 0
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        number = int(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    elif isinstance(value, Decimal) and value.is_finite():
        number = float(value)
    elif hasattr(value, "__index__") and not isinstance(value, bool):  # the width of another picture
        number = index(value)
    if not (1 <= number < MAX_LENGTH and number == int(number)):
        raise SpecError(f"'{name}' must be a whole number of px from 1 on, not {quoted(value)}.")
    return int(number)


def _read_ratio(name: str, value: object) -> Fraction:
    """Read "16/9", "16:9", "1.5", 1.5 or a word."""
    if isinstance(value, str) and value.strip().lower() in RATIOS:
        return RATIOS[value.strip().lower()]
    try:
        if isinstance(value, bool):
            raise ValueError
        over, _, under = str(value).replace(":", "/").partition("/")
        # An exponent makes a number of as many digits, and that before anyone could look at its size.
        if "/" in under or "e" in str(value).lower() or len(str(value)) > MAX_RATIO_LENGTH:
            raise ValueError
        ratio = Fraction(over.strip()) / Fraction(under.strip() or 1)
    except (ValueError, ZeroDivisionError) as error:
        raise SpecError(_ratio_message(name, value)) from error
    if not Fraction(1, 100) <= ratio <= 100:
        raise SpecError(_ratio_message(name, value))
    return ratio.limit_denominator(100_000)


def _ratio_message(name: str, value: object) -> str:
    return (
        f"'{name}' must be width over height such as '16/9' or 1.5, between 1/100 and 100, "
        f"or one of: {', '.join(RATIOS)}; not {quoted(value)}."
    )


def _read_fit(name: str, value: object) -> str:
    if value not in FITS:
        raise SpecError(f"'{name}' must be one of: {', '.join(FITS)}; not {quoted(value)}.")
    return str(value)


def _read_focal(name: str, value: object) -> FocalPoint:
    """Read "30% 70%", "0.3 0.7" or a pair of fractions."""
    example = "a point such as '30% 70%' or (0.3, 0.7)"
    parts = _items(name, value, example)
    try:
        x, y = (
            float(part[:-1]) / 100 if isinstance(part, str) and part.endswith("%") else float(part)
            for part in parts
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise _unlike(name, value, example) from error
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise SpecError(f"'{name}' must lie within the picture, 0% to 100%, not {quoted(value)}.")
    return FocalPoint(x, y)


def _read_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise SpecError(f"'{name}' must be True or False, not {quoted(value)}.")
    return value


def _read_densities(name: str, value: object) -> tuple[float, ...]:
    """Read "1 2", [1, 2] or one number; 1 is always in."""
    parts = _items(name, value, _DENSITIES)
    try:
        numbers = {float(part) for part in parts}
    except (TypeError, ValueError, OverflowError) as error:
        raise _unlike(name, value, _DENSITIES) from error
    if not all(1 <= number <= MAX_DENSITY for number in numbers):
        raise SpecError(f"'{name}' must be numbers from 1 to {MAX_DENSITY}, not {quoted(value)}.")
    return tuple(sorted({1.0, *(round(number, 2) for number in numbers)}))


def _read_widths(name: str, value: object) -> tuple[int, ...]:
    """Read "320 640 960", [320, 640] or one number."""
    example = "whole numbers of px from 1 on such as '320 640 960'"
    try:
        lengths = {_read_length(name, part) for part in _items(name, value, example)}
    except SpecError as error:
        raise _unlike(name, value, example) from error
    if not lengths:
        raise _unlike(name, value, example)
    return tuple(sorted(lengths))


def _read_sizes(name: str, value: object) -> str:
    """Read an HTML `sizes`; the "auto" before it is written by the library, as only lazy pictures may have it."""
    if not isinstance(value, str):
        raise _unlike(name, value, "text such as '(max-width: 600px) 100vw, 50vw'")
    return _AUTO.sub("", _CONTROL.sub("", str(value))).strip() or DEFAULT_SIZES


def _read_build(name: str, value: object) -> str:
    if value not in BUILDS:
        raise SpecError(f"'{name}' must be one of: {', '.join(BUILDS)}; not {quoted(value)}.")
    return str(value)


def _read_formats(name: str, value: object) -> tuple[str, ...]:
    """Read "avif webp" or a list of names; a name that comes twice counts once."""
    return tuple(
        dict.fromkeys(format_name(str(part)) for part in _items(name, value, "names such as 'avif webp'"))
    )


def _read_format(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise SpecError(f"'{name}' must be one of: {', '.join(FORMATS)}; not {quoted(value)}.")
    return format_name(value)


def _read_quality(name: str, value: object) -> tuple[tuple[str, int], ...]:
    """Read 70, "70", "webp 70 avif 55" or {"webp": 70}."""
    if isinstance(value, Mapping):
        pairs = list(value.items())
    else:
        example = "a number such as 70, or pairs such as 'webp 70 avif 55'"
        words = _items(name, value, example)
        if len(words) == 1:
            return ((ANY_FORMAT, _read_percent(name, words[0])),)
        if not words or len(words) % 2:
            raise _unlike(name, value, example)
        pairs = list(zip(words[::2], words[1::2], strict=True))
    return sorted_quality({format_name(str(key)): _read_percent(name, number) for key, number in pairs})


def _read_percent(name: str, value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) <= 3 else value
    if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 100:
        return number
    raise SpecError(f"'{name}' must be whole numbers from 1 to 100, not {quoted(value)}.")


def read_preset(value: object) -> str:
    """
    Read the name of a preset.

    Raises:
        SpecError: It is no text.
    """
    if not isinstance(value, str) or not value or any("\ud800" <= char <= "\udfff" for char in value):
        raise SpecError(f"A preset is given by its name, not {quoted(value)}.")
    return str(value)


def _items(name: str, value: object, example: str) -> list[Any]:
    """Return the parts of "1 2", "1, 2", [1, 2] or one number."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return list(value)
    raise _unlike(name, value, example)


def _unlike(name: str, value: object, example: str) -> SpecError:
    return SpecError(f"'{name}' must be {example}, not {quoted(value)}.")


_READERS: dict[str, Callable[[str, object], Any]] = {
    "width": _read_length,
    "height": _read_length,
    "ratio": _read_ratio,
    "fit": _read_fit,
    "focal": _read_focal,
    "upscale": _read_flag,
    "densities": _read_densities,
    "widths": _read_widths,
    "sizes": _read_sizes,
    "formats": _read_formats,
    "format": _read_format,
    "quality": _read_quality,
    "build": _read_build,
}
ARGUMENTS = tuple(_READERS)


def read(
    options: Mapping[str, object],
    *,
    preset: str | None = None,
    partial: bool = False,
    single: bool = False,
) -> Spec:
    """
    Return the spec that arguments tell; an argument that is None is not told.

    Args:
        options: Argument → value.
        preset: Name of the preset below them.
        partial: More arguments are to come, so what is missing is not missed yet.
        single: One URL is wanted.

    Raises:
        SpecError: An argument is unknown, malformed, or contradicts another one.
    """
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _READERS:
            raise SpecError.unknown("argument", name, ARGUMENTS)
        if value is not None:
            values[name] = _READERS[name](name, value)
    if "format" in values or "formats" in values:
        values["still"] = True
    if single:
        values["single"] = True
    if preset is not None:
        values["preset"] = preset
    spec = Spec(**values)
    if preset is None and not partial:
        spec.check_whole()
    return spec
