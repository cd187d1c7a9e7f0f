"""What is known of a source before it is decoded: a pure value."""

from __future__ import annotations

from typing import NamedTuple

from responsive_img.geometry import Size

SVG = "svg"


class Header(NamedTuple):
    """
    What the first bytes of a source tell.

    Attributes:
        format: Name of the format, by content; SVG by its extension.
        size: px, oriented.
        is_animated: Whether it has more than one frame to play.
    """

    format: str
    size: Size
    is_animated: bool = False
