"""What is known of a source before it is decoded: a pure value."""

from __future__ import annotations

from typing import NamedTuple

from responsive_img.geometry import Size


class Header(NamedTuple):
    """What the first bytes of a picture tell: the format's name and the oriented size, px."""

    format: str
    size: Size
