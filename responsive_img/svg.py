"""SVG: served as it is, so all there is to know of it is its size."""

from __future__ import annotations

import re
from typing import IO

from responsive_img.geometry import Size, round_px
from responsive_img.headers import SVG, Header

# What a browser gives an SVG that does not say (CSS 2.1, 10.3.2).
DEFAULT_SIZE = Size(300, 150)
MAX_SIDE = 100_000  # px; a view box may claim what no database column holds
_HEAD = 16_384  # bytes within which the root element starts
_ROOT = re.compile(rb"<svg\b[^>]*>", re.IGNORECASE)
_LENGTH = re.compile(rb"\s(width|height)\s*=\s*[\"']\s*([0-9]{1,5}(?:\.[0-9]{1,6})?)(?:px)?\s*[\"']")
_VIEW_BOX = re.compile(
    rb"\sviewBox\s*=\s*[\"']\s*[-+.0-9e]+[\s,]+[-+.0-9e]+[\s,]+([0-9.]{1,12})[\s,]+([0-9.]{1,12})\s*[\"']"
)


def is_svg(name: str) -> bool:
    """Tell whether a source is taken for an SVG: by its extension, as a web server does."""
    return name.lower().endswith(".svg")


def header(file: IO[bytes]) -> Header:
    """Return the size that the root element tells, px: width and height, else the view box; no XML is parsed."""
    file.seek(0)
    return Header(SVG, _size(_ROOT.search(file.read(_HEAD))))


def _size(root: re.Match[bytes] | None) -> Size:
    if root is None:
        return DEFAULT_SIZE
    lengths = {name: float(length) for name, length in _LENGTH.findall(root[0])}
    wide, high = _view_box(root[0]) or DEFAULT_SIZE
    width, height = lengths.get(b"width"), lengths.get(b"height")
    if width and height:
        return _bounded(width, height)
    if width:
        return _bounded(width, width * high / wide)
    if height:
        return _bounded(height * wide / high, height)
    return _bounded(wide, high)


def _view_box(root: bytes) -> tuple[float, float] | None:
    """Return the sides of the view box; None where there is none, or nothing is seen in it."""
    found = _VIEW_BOX.search(root)
    try:
        wide, high = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    except ValueError:
        return None
    return (wide, high) if wide and high else None


def _bounded(width: float, height: float) -> Size:
    return Size(min(round_px(width), MAX_SIDE), min(round_px(height), MAX_SIDE))
