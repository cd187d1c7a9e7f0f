"""How a spec is written in one line: a letter and a value for each field that is told, ";" between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

from responsive_img.geometry import CENTRE, FocalPoint


def _quoted(text: str) -> str:
    return percent_encode(text, safe="")


def _dump_flag(flag: bool) -> str:
    return str(int(flag))


def _load_flag(text: str) -> bool:
    return text == "1"


def number_text(value: float) -> str:
    """Return a density as it is written: two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _codec_list(dump: Callable[[Any], str], load: Callable[[str], Any]) -> tuple[Any, Any]:
    return (
        lambda values: ",".join([dump(value) for value in values]),
        lambda text: tuple([load(part) for part in text.split(",")] if text else ()),
    )


def _dump_quality(pair: tuple[str, int]) -> str:
    return f"{pair[0]}:{pair[1]}"


def _load_quality(text: str) -> tuple[str, int]:
    name, _, number = text.partition(":")
    return name, int(number)


def point_text(point: FocalPoint) -> str:
    """Return how a focal point is written."""
    return f"{point.x!r},{point.y!r}"


def load_point(text: str) -> FocalPoint:
    """
    Return the focal point that is written so.

    Raises:
        ValueError: The text is none.
        TypeError: It has parts missing or too many.
    """
    return FocalPoint(*map(float, text.split(",")))


# One letter a field; no value can hold the ";" between them.
_CODECS: dict[str, tuple[str, Callable[[Any], str], Callable[[str], Any]]] = {
    "preset": ("p", _quoted, unquote),
    "width": ("w", str, int),
    "height": ("h", str, int),
    "ratio": ("r", str, Fraction),
    "fit": ("t", str, str),
    "focal": ("c", point_text, load_point),
    "upscale": ("u", _dump_flag, _load_flag),
    "densities": ("d", *_codec_list(number_text, float)),
    "widths": ("l", *_codec_list(str, int)),
    "sizes": ("z", _quoted, unquote),
    "formats": ("f", *_codec_list(str, str)),
    "format": ("o", str, str),
    "quality": ("q", *_codec_list(_dump_quality, _load_quality)),
    "as_is": ("s", _dump_flag, _load_flag),
    "still": ("e", _dump_flag, _load_flag),
    "single": ("1", _dump_flag, _load_flag),
    "build": ("b", str, str),
}
_BY_LETTER = {letter: (name, load) for name, (letter, _, load) in _CODECS.items()}


def dump(values: Mapping[str, Any]) -> str:
    """Return the line for the values of a spec's fields, in one order; those that are None are left out."""
    told = [(letter, dumps, values[name]) for name, (letter, dumps, _) in _CODECS.items()]
    return ";".join([letter + dumps(value) for letter, dumps, value in told if value is not None])


def load(text: str) -> dict[str, Any]:
    """
    Return the values that a line tells.

    Raises:
        KeyError: A letter stands for no field.
        IndexError: A part is empty.
        ValueError: A value cannot be read.
        TypeError: A value has parts missing or too many.
        ZeroDivisionError: A ratio is of nothing.
    """
    values = {}
    for part in text.split(";") if text else ():
        name, loads = _BY_LETTER[part[0]]
        values[name] = loads(part[1:])
    return values


# Behind a line, not one of its fields: the line is the same for a whole gallery, and so is read once. In a
# canonical one too, so that a record tells a point that a model had from one that a tag tells.
_BEHIND = ";m"
_BY_LETTER[_BEHIND[1:]] = ("focal", load_point)
_AT_CENTRE = point_text(CENTRE)


def with_point(line: str, point: str) -> str:
    """Return the line with the focal point, written, that the source's model has for it, laid over its own; "": none."""
    return f"{line}{_BEHIND}{point}" if point else line


def without_point(line: str) -> tuple[str, str]:
    """Return the line, and the focal point that `with_point` put behind it; "" where there is none."""
    told, _, point = line.partition(_BEHIND)
    return told, point


def recentred(line: str, point: str) -> str:
    """Return a canonical line with another focal point over the centre; without a crop it has neither."""
    return with_point(line, point) if f";c{_AT_CENTRE}" in line and point != _AT_CENTRE else line
