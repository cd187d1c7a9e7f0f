"""What a tag line gives, byte for byte: geometry, candidates and formats; the other themes are in `test_tags_….py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from PIL import Image

from responsive_img import Img
from templatetags_tests.conftest import drawn
from templatetags_tests.images import encoded, gradient, photo
from templatetags_tests.models import Photo

LANGUAGES = ("django", "jinja2")

PRESETS: dict[str, Any] = {
    "card": {"width": 20, "ratio": "1/1", "formats": "", "densities": "1"},
    "plain": {"width": 20, "format": "png"},
    "box": {"width": 20, "height": 20, "format": "webp", "densities": "1"},
    "whole": {"width": 20, "height": 20, "fit": "contain", "format": "webp", "densities": "1"},
    "point": {"width": 20, "height": 20, "focal": "0% 0%", "format": "webp", "densities": "1"},
    "wide": {"widths": "20 40", "sizes": "50vw", "format": "webp"},
    "dense": {"width": 20, "densities": "1 1.5", "format": "webp"},
    "styled": {**dict.fromkeys(("width", "height"), 20), "class": "c", "title": "t", "picture_class": "p"},
    "hero": {"width": 20, "format": "webp", "densities": "1", "priority": True},
    "eager": {"widths": "20 40", "format": "webp", "loading": "eager"},
    "lazy": {"width": 20, "format": "webp", "densities": "1", "loading": "lazy"},
    "object": Img(width=20, format="webp", densities="1", id="of-img"),
}
VALUES: dict[str, Any] = {
    "nothing": None,
    "yes": True,
    "no": False,
    "safe": mark_safe("Tom &amp; <b>\"Jerry\"</b> 'x'"),
    "lazy": gettext_lazy("January"),
    "later": "lazy",
    "number": 12345,
    "big": 30.0,
    "float": 1234.5,
    "text": "<i class=\"a\">'&amp;'",
    "control": "a\x00b\x1fc\x7fd\x9fe\nf\tg\ud800",
    "emoji": "Ä 🐈",
    "wide": 20,
    "name": "photos/cat.jpg",
    "preset": "card",
    "focus": (0.3, 0.7),
    "list": [1, 2],
    "lengths": [40, "20"],
    "qualities": {"jpeg": 50},
    "names": ["webp"],
    "small": Img(width=20, format="webp", densities="1"),
    "first": Img(width=20, format="webp", densities="1", priority=True, id="i"),
    "wall": Img(widths="20 40", sizes="50vw", format="webp", title="w"),
}

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"></svg>'


def animated(format: str) -> bytes:
    """Return an animation of two pictures."""
    other = Image.new("RGB", (80, 40), "teal")
    return encoded(gradient(80, 40), format, save_all=True, append_images=[other], duration=50)


# Variable → where its picture is, and what makes it: 80 × 40 px each.
SOURCES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "photo": ("photos/cat.jpg", drawn),
    "jpeg": ("photos/cat.jpeg", drawn),
    "upper": ("photos/CAT.PNG", lambda: drawn(format="PNG")),
    "png": ("photos/cat.png", lambda: drawn(format="PNG")),
    "webp": ("photos/cat.webp", lambda: drawn(format="WEBP")),
    "avif": ("photos/cat.avif", lambda: drawn(format="AVIF")),
    "gif": ("photos/cat.gif", lambda: drawn(format="GIF")),
    "bare": ("photos/cat", lambda: drawn(format="PNG")),
    "other": ("photos/cat.jfif", drawn),
    "liar": ("photos/liar.png", drawn),
    "turned": ("photos/turned.jpg", lambda: photo(gradient(80, 40), 6)),
    "svg": ("photos/cat.svg", lambda: SVG),
    "film": ("photos/film.gif", lambda: animated("GIF")),
    "film_webp": ("photos/film.webp", lambda: animated("WEBP")),
    "film_png": ("photos/film.png", lambda: animated("PNG")),
    "film_avif": ("photos/film.avif", lambda: animated("AVIF")),
}

# Template, and what stands in the page: "cat-20w.webp" is a rendition's URL less its folder and digest, and
# `W` is short for an argument list that gives one WebP file of 20 × 10 px.
Row = tuple[str, str]
W = 'width=20 format="webp" densities="1"'
ASYNC = ' loading="lazy" decoding="async"'
END = f' alt=""{ASYNC}>'
PICTURE = (
    '<picture><source type="image/webp" srcset="cat-20w.webp 1x, cat-40w.webp 2x">'
    '<img srcset="cat-20w.jpg 1x, cat-40w.jpg 2x" src="cat-20w.jpg" width="20" height="10"'
    f"{END}</picture>"
)


def one(attributes: str) -> str:
    return f'<img src="cat-20w.webp" width="20" height="10"{attributes}'


def webp(label: str, width: int, height: int) -> str:
    """Return the element of one WebP file."""
    return f'<img src="cat-{label}.webp" width="{width}" height="{height}"{END}'


def widths(names: str, sizes: str, width: int, height: int, end: str = END) -> str:
    """Return the element of WebP files, each written as "label descriptor", the last the largest."""
    candidates = [name.split() for name in names.split(", ")]
    srcset = ", ".join(f"cat-{label}.webp {descriptor}" for label, descriptor in candidates)
    sides = f'width="{width}" height="{height}"'
    return f'<img srcset="{srcset}" sizes="{sizes}" src="cat-{candidates[-1][0]}.webp" {sides}{end}'


GEOMETRY: list[Row] = [
    # What a source may be, and the name of the tag.
    ('{% img photo.image width=20 alt="" %}', PICTURE),
    ('{% responsive_img photo.image width=20 alt="" %}', PICTURE),
    ('{% img name width=20 alt="" %}', PICTURE),
    ('{% img "photos/cat.jpg" width=20 alt="" %}', PICTURE),
    # Sides.
    ('{% img photo.image width="20" alt="" %}', PICTURE),
    ('{% img photo.image width=20.0 alt="" %}', PICTURE),
    ('{% img photo.image width=wide alt="" %}', PICTURE),
    ('{% img photo.image width=nothing height=10 format="webp" densities="1" alt="" %}', webp("10h", 20, 10)),
    ('{% img photo.image width=big format="webp" densities="1" alt="" %}', webp("30w", 30, 15)),
    ('{% img photo.image height=10 format="webp" densities="1" alt="" %}', webp("10h", 20, 10)),
    ('{% img photo.image height=10 format="webp" alt="" %}',
     '<img srcset="cat-10h.webp 1x, cat-20h.webp 2x" src="cat-10h.webp" width="20" height="10"' + END),
    ('{% img turned.image W alt="" %}', webp("20w", 20, 10).replace("cat-", "turned-")),
    # Fit: both sides or a ratio are a box, and a box is covered.
    ('{% img photo.image W height=20 alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image W height=20 fit="cover" alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image W height=20 fit="contain" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W height=5 fit="contain" alt="" %}', webp("20w", 10, 5)),
    ('{% img photo.image W ratio="square" fit="contain" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W ratio="4/1" fit="contain" alt="" %}', webp("20w", 10, 5)),
    # Ratio.
    ('{% img photo.image W ratio="1/1" alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image W ratio="16/9" alt="" %}', webp("20w", 20, 11)),
    ('{% img photo.image W ratio=1.5 alt="" %}', webp("20w", 20, 13)),
    ('{% img photo.image W ratio="square" alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image W ratio="video" alt="" %}', webp("20w", 20, 11)),
    ('{% img photo.image W ratio="video_vertical" alt="" %}', webp("20w", 20, 36)),
    ('{% img photo.image W ratio="golden" alt="" %}', webp("20w", 20, 12)),
    ('{% img photo.image W ratio="golden_vertical" alt="" %}', webp("20w", 20, 32)),
    ('{% img photo.image height=10 ratio=1.5 format="webp" densities="1" alt="" %}', webp("10h", 15, 10)),
    # Focal point.
    ('{% img photo.image W ratio="square" focal="30% 70%" alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image W ratio="square" focal=focus alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image W focal="30% 70%" alt="" %}', webp("20w", 20, 10)),
    # Halves go up, and nothing is thinner than a px.
    ('{% img photo.image width=25 format="webp" densities="1" alt="" %}', webp("25w", 25, 13)),
    ('{% img photo.image width=1 ratio="4/1" format="webp" densities="1" alt="" %}', webp("1w", 1, 1)),
    # A source smaller than what is asked for.
    ('{% img photo.image width=160 format="webp" densities="1" alt="" %}', webp("160w", 80, 40)),
    ('{% img photo.image width=160 upscale=False format="webp" alt="" %}', webp("160w", 80, 40)),
    ('{% img photo.image height=80 format="webp" alt="" %}', webp("80h", 80, 40)),
    ('{% img photo.image width=160 height=160 format="webp" alt="" %}', webp("160w", 40, 40)),
    ('{% img photo.image width=160 ratio="4/1" format="webp" alt="" %}', webp("160w", 80, 20)),
    ('{% img photo.image width=160 upscale=True format="webp" densities="1" alt="" %}',
     webp("160w", 160, 80)),
    ('{% img photo.image width=100 height=100 upscale=yes format="webp" densities="1" alt="" %}',
     webp("100w", 100, 100)),
    # No geometry, or a ratio alone: the source's own width, once.
    ('{% img photo.image alt="" %}',
     '<picture><source type="image/webp" srcset="cat-full.webp 1x">'
     f'<img src="cat-full.jpg" width="80" height="40"{END}</picture>'),
    ('{% img photo.image format="webp" alt="" %}', webp("full", 80, 40)),
    ('{% img photo.image format="webp" densities="1 2" alt="" %}', webp("full", 80, 40)),
    ('{% img photo.image ratio="square" format="webp" densities="1 2" alt="" %}', webp("full", 40, 40)),
    ('{% img photo.image ratio="4/1" format="webp" alt="" %}', webp("full", 80, 20)),
]  # fmt: skip
DENSITIES: list[Row] = [
    ('{% img photo.image width=20 densities="1" format="webp" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image width=20 densities="" format="webp" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image width=20 densities="1.5" format="webp" alt="" %}',
     '<img srcset="cat-20w.webp 1x, cat-30w.webp 1.5x" src="cat-20w.webp" width="20" height="10"' + END),
    ('{% img photo.image width=20 densities="3, 1.25 2" format="webp" alt="" %}',
     '<img srcset="cat-20w.webp 1x, cat-25w.webp 1.25x, cat-40w.webp 2x, cat-60w.webp 3x" src="cat-20w.webp"'
     f' width="20" height="10"{END}'),
    ('{% img photo.image width=20 densities=list format="webp" alt="" %}',
     '<img srcset="cat-20w.webp 1x, cat-40w.webp 2x" src="cat-20w.webp" width="20" height="10"' + END),
    ('{% img photo.image width=20 densities=2 format="webp" alt="" %}',
     '<img srcset="cat-20w.webp 1x, cat-40w.webp 2x" src="cat-20w.webp" width="20" height="10"' + END),
    # What the source can fill is not dropped, however near.
    ('{% img photo.image width=20 densities="1 1.05" format="webp" alt="" %}',
     '<img srcset="cat-20w.webp 1x, cat-21w.webp 1.05x" src="cat-20w.webp" width="20" height="10"' + END),
    # Capped by the source: the descriptor is true, the name what was asked.
    ('{% img photo.image width=60 format="webp" alt="" %}',
     '<img srcset="cat-60w.webp 1x, cat-120w.webp 1.33x" src="cat-60w.webp" width="60" height="30"' + END),
    ('{% img photo.image width=30 densities="1 3 4" format="webp" alt="" %}',
     '<img srcset="cat-30w.webp 1x, cat-90w.webp 2.67x" src="cat-30w.webp" width="30" height="15"' + END),
    ('{% img photo.image width=30 densities="1 2.5 3" format="webp" alt="" %}',
     '<img srcset="cat-30w.webp 1x, cat-75w.webp 2.5x" src="cat-30w.webp" width="30" height="15"' + END),
    ('{% img photo.image width=20 height=20 densities="1 3" format="webp" alt="" %}',
     '<img srcset="cat-20w.webp 1x, cat-60w.webp 2x" src="cat-20w.webp" width="20" height="20"' + END),
    # Dropped when under 1.1 × the one before: 80 is 1.11 × 72, and 1.096 × 73.
    ('{% img photo.image width=72 format="webp" alt="" %}',
     '<img srcset="cat-72w.webp 1x, cat-144w.webp 1.11x" src="cat-72w.webp" width="72" height="36"' + END),
    ('{% img photo.image width=73 format="webp" alt="" %}', webp("73w", 73, 37)),
    ('{% img photo.image width=73 alt="" %}',
     '<picture><source type="image/webp" srcset="cat-73w.webp 1x">'
     f'<img src="cat-73w.jpg" width="73" height="37"{END}</picture>'),
    ('{% img photo.image width=160 format="webp" alt="" %}', webp("160w", 80, 40)),
    ('{% img photo.image width=60 upscale=True format="webp" alt="" %}',
     '<img srcset="cat-60w.webp 1x, cat-120w.webp 2x" src="cat-60w.webp" width="60" height="30"' + END),
]  # fmt: skip
WIDTHS: list[Row] = [
    ('{% img photo.image widths="20 40" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 40, 20)),
    ('{% img photo.image widths="20 40" alt="" %}',
     '<picture><source type="image/webp" srcset="cat-20w.webp 20w, cat-40w.webp 40w" sizes="auto, 100vw">'
     '<img srcset="cat-20w.jpg 20w, cat-40w.jpg 40w" sizes="auto, 100vw" src="cat-40w.jpg" width="40"'
     f' height="20"{END}</picture>'),
    ('{% img photo.image widths="20" sizes="50vw" formats="png webp" alt="" %}',
     '<picture><source type="image/png" srcset="cat-20w.png 20w" sizes="auto, 50vw">'
     '<source type="image/webp" srcset="cat-20w.webp 20w" sizes="auto, 50vw">'
     f'<img srcset="cat-20w.jpg 20w" sizes="auto, 50vw" src="cat-20w.jpg" width="20" height="10"{END}'
     "</picture>"),
    # Forms.
    ('{% img photo.image widths="40, 20 40" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 40, 20)),
    ('{% img photo.image widths=lengths format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 40, 20)),
    ('{% img photo.image widths=20 format="webp" alt="" %}', widths("20w 20w", "auto, 100vw", 20, 10)),
    # Sizes.
    ('{% img photo.image widths="20 40" sizes="(max-width: 600px) 100vw, 50vw" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, (max-width: 600px) 100vw, 50vw", 40, 20)),
    ('{% img photo.image widths="20" sizes=text format="webp" alt="" %}',
     widths("20w 20w", "auto, &lt;i class=&quot;a&quot;&gt;&#x27;&amp;amp;&#x27;", 20, 10)),
    ('{% img photo.image widths="20" sizes=nothing format="webp" alt="" %}',
     widths("20w 20w", "auto, 100vw", 20, 10)),
    ('{% img photo.image widths="20" sizes="" format="webp" alt="" %}',
     widths("20w 20w", "auto, 100vw", 20, 10)),
    ('{% img photo.image widths="20" sizes="auto" format="webp" alt="" %}',
     widths("20w 20w", "auto, 100vw", 20, 10)),
    ('{% img photo.image widths="20" sizes="Auto, 50vw" format="webp" alt="" %}',
     widths("20w 20w", "auto, 50vw", 20, 10)),
    # Only lazy pictures may have "auto".
    ('{% img photo.image widths="20" sizes="auto, 50vw" loading="eager" format="webp" alt="" %}',
     widths("20w 20w", "50vw", 20, 10, ' alt="" loading="eager" decoding="async">')),
    ('{% img photo.image widths="20" priority=True format="webp" alt="" %}',
     widths("20w 20w", "100vw", 20, 10, ' alt="" loading="eager" fetchpriority="high">')),
    ('{% img photo.image widths="20" priority=yes sizes="auto" format="webp" alt="" %}',
     widths("20w 20w", "100vw", 20, 10, ' alt="" loading="eager" fetchpriority="high">')),
    ('{% img photo.image widths="20" loading=None format="webp" alt="" %}',
     widths("20w 20w", "100vw", 20, 10, ' alt="" decoding="async">')),
    ('{% img photo.image widths="20" loading=no sizes="50vw" format="webp" alt="" %}',
     widths("20w 20w", "50vw", 20, 10, ' alt="" decoding="async">')),
    ('{% img photo.image widths="20" loading=later sizes="50vw" format="webp" alt="" %}',
     widths("20w 20w", "auto, 50vw", 20, 10)),
    # With a box, which is the layout's size.
    ('{% img photo.image widths="20 40" width=30 format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 30, 15)),
    ('{% img photo.image widths="20 40" height=10 format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 20, 10)),
    ('{% img photo.image widths="20 40" ratio="1/1" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 40, 40)),
    ('{% img photo.image widths="20 40" width=30 ratio="1/1" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 30, 30)),
    ('{% img photo.image widths="20 40" height=10 ratio="1/1" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 10, 10)),
    ('{% img photo.image widths="20 40" width=30 height=30 format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 30, 30)),
    ('{% img photo.image widths="20 40" width=30 height=30 fit="contain" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 30, 15)),
    # The box is that of the layout alone.
    ('{% img photo.image widths="20 40" width=40 height=10 fit="contain" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 20, 10)),
    ('{% img photo.image widths="20 40" width=160 format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 80, 40)),
    # Capped by the source: true widths, each once.
    ('{% img photo.image widths="20 60 160 320" format="webp" alt="" %}',
     widths("20w 20w, 60w 60w, 160w 80w", "auto, 100vw", 80, 40)),
    ('{% img photo.image widths="80 160" format="webp" alt="" %}',
     widths("80w 80w", "auto, 100vw", 80, 40)),
    ('{% img photo.image widths="20 160" ratio="1/1" format="webp" alt="" %}',
     widths("20w 20w, 160w 40w", "auto, 100vw", 40, 40)),
    ('{% img photo.image widths="20 160" upscale=True format="webp" alt="" %}',
     widths("20w 20w, 160w 160w", "auto, 100vw", 160, 80)),
]  # fmt: skip
FORMATS: list[Row] = [
    # The fallback follows the name's extension; a format that equals it is listed once.
    ('{% img jpeg.image width=20 alt="" %}', PICTURE),
    ('{% img png.image width=20 alt="" %}', PICTURE.replace(".jpg", ".png")),
    ('{% img upper.image width=20 alt="" %}', PICTURE.replace(".jpg", ".png").replace("cat-", "CAT-")),
    ('{% img gif.image width=20 alt="" %}', PICTURE.replace(".jpg", ".png")),
    ('{% img avif.image width=20 alt="" %}', PICTURE.replace(".jpg", ".avif")),
    ('{% img bare.image width=20 alt="" %}', PICTURE),
    ('{% img other.image width=20 alt="" %}', PICTURE),
    ('{% img liar.image width=20 alt="" %}', PICTURE.replace(".jpg", ".png").replace("cat-", "liar-")),
    ('{% img webp.image width=20 alt="" %}',
     '<img srcset="cat-20w.webp 1x, cat-40w.webp 2x" src="cat-20w.webp" width="20" height="10"' + END),
    ('{% img webp.image width=20 densities="1" alt="" %}', webp("20w", 20, 10)),
    # Offered before the fallback, best first.
    ('{% img photo.image width=20 formats="avif webp" densities="1" alt="" %}',
     '<picture><source type="image/avif" srcset="cat-20w.avif 1x">'
     '<source type="image/webp" srcset="cat-20w.webp 1x">'
     f'<img src="cat-20w.jpg" width="20" height="10"{END}</picture>'),
    ('{% img photo.image width=20 formats="png webp" densities="1" alt="" %}',
     '<picture><source type="image/png" srcset="cat-20w.png 1x">'
     '<source type="image/webp" srcset="cat-20w.webp 1x">'
     f'<img src="cat-20w.jpg" width="20" height="10"{END}</picture>'),
    ('{% img webp.image width=20 formats="avif webp" densities="1" alt="" %}',
     '<picture><source type="image/avif" srcset="cat-20w.avif 1x">'
     f'<img src="cat-20w.webp" width="20" height="10"{END}</picture>'),
    ('{% img photo.image width=20 formats=names alt="" %}', PICTURE),
    ('{% img photo.image width=20 formats="webp, WebP jpeg" alt="" %}', PICTURE),
    ('{% img photo.image width=20 formats="jpg" densities="1" alt="" %}',
     f'<img src="cat-20w.jpg" width="20" height="10"{END}'),
    ('{% img photo.image width=20 formats="" densities="1" alt="" %}',
     f'<img src="cat-20w.jpg" width="20" height="10"{END}'),
    # One format alone, without a fallback.
    ('{% img photo.image W alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image width=20 format="avif" densities="1" alt="" %}',
     f'<img src="cat-20w.avif" width="20" height="10"{END}'),
    ('{% img photo.image width=20 format="JPG" densities="1" alt="" %}',
     f'<img src="cat-20w.jpg" width="20" height="10"{END}'),
    ('{% img photo.image W quality=70 alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W quality="webp 70 jpeg 50" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W quality=qualities alt="" %}', webp("20w", 20, 10)),
    # What is served as it is, and the still of what moves.
    ('{% img svg.image width=20 alt="" %}', f'<img src="/media/photos/cat.svg" width="20" height="10"{END}'),
    ('{% img svg.image W ratio="square" alt="" %}',
     f'<img src="/media/photos/cat.svg" width="20" height="10"{END}'),
    ('{% img svg.image alt="" %}', f'<img src="/media/photos/cat.svg" width="80" height="40"{END}'),
    ('{% img svg.image widths="20 40" sizes="50vw" alt="" %}',
     f'<img src="/media/photos/cat.svg" width="40" height="20"{END}'),
    ('{% img svg.image widths="20 40" width=30 format="webp" alt="" %}',
     f'<img src="/media/photos/cat.svg" width="30" height="15"{END}'),
    ('{% img film.image width=20 alt="" %}', f'<img src="/media/photos/film.gif" width="20" height="10"{END}'),
    ('{% img film.image widths="20 40" sizes="50vw" alt="" %}',
     f'<img src="/media/photos/film.gif" width="40" height="20"{END}'),
    ('{% img film.image widths="20 160" alt="" %}',
     f'<img src="/media/photos/film.gif" width="80" height="40"{END}'),
    ('{% img film_webp.image width=20 alt="" %}',
     f'<img src="/media/photos/film.webp" width="20" height="10"{END}'),
    ('{% img film_png.image width=20 alt="" %}',
     f'<img src="/media/photos/film.png" width="20" height="10"{END}'),
    ('{% img film_avif.image width=20 alt="" %}',
     f'<img src="/media/photos/film.avif" width="20" height="10"{END}'),
    ('{% img film.image W alt="" %}', webp("20w", 20, 10).replace("cat-", "film-")),
    ('{% img film.image widths="20 40" format="webp" alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 100vw", 40, 20).replace("cat-", "film-")),
    ('{% img film.image width=20 formats="webp" alt="" %}',
     PICTURE.replace(".jpg", ".png").replace("cat-", "film-")),
]  # fmt: skip
ROWS: list[Row] = [*GEOMETRY, *DENSITIES, *WIDTHS, *FORMATS]

_RENDITION = re.compile(r"(?<![\w/])(/media/renditions/(?:[\w.-]+/)*([\w.-]+)\.[0-9a-f]{8}\.(\w+))")


def shortened(html: str) -> str:
    """Return a page with "cat-20w.webp" for the URL of each rendition, having checked that it is always the same."""
    urls: dict[str, str] = {}
    for url, stem, extension in _RENDITION.findall(html):
        assert urls.setdefault(f"{stem}.{extension}", url) == url
    return _RENDITION.sub(r"\2.\3", html)


def written(language: str, template: str) -> str:
    """Return a row's template as a language has it."""
    template = template.replace(" W ", f" {W} ")
    return template.replace("=None", "=none") if language == "jinja2" else template


def context_of(template: str) -> dict[str, Any]:
    """Return what the template of a row may name, with the pictures that it does name."""
    photos = {
        name: Photo(title="A cat", image=default_storage.save(file, ContentFile(make())))
        for name, (file, make) in SOURCES.items()
        if name == "photo" or f" {name}.image" in template
    }
    return {**VALUES, **photos, "empty": Photo()}


def shown(
    page: Any, settings: Any, language: str, template: str, context: dict[str, Any] | None = None
) -> str:
    """Return what stands in the page for the template of a row."""
    # A number in an attribute is not for people to read.
    wanted = {"RESPONSIVE_IMG_PRESETS": PRESETS, "USE_THOUSAND_SEPARATOR": True, "LANGUAGE_CODE": "de"}
    for name, value in wanted.items():
        if (
            getattr(settings, name) != value
        ):  # each that is set lies over all before it: of hundreds Python tires
            setattr(settings, name, value)
    response = page(language, written(language, template), context or context_of(template))
    return str(response.content.decode())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("template", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_tag_line_gives_exactly_these_bytes_in_both_languages(
    page, db, settings, template, expected, language
):
    assert shortened(shown(page, settings, language, template)) == expected


# Arguments that ask for the same files, digests and all; the groups of a list ask for different ones.
FORMS: dict[str, list[list[str]]] = {
    "ratio": [
        ['W ratio="16/9"', "W ratio='16:9'", 'W ratio=" 16 / 9"', 'W ratio="video"', 'W ratio="Video"'],
        ["W ratio=1.5", 'W ratio="1.5"', 'W ratio="3/2"'],
        ['W ratio="square"', "W ratio=1", 'W ratio="1"', "W ratio=1.0", "W ratio='1/1' focal='50% 50%'"],
        ['W ratio="1.4"'],
    ],
    "focal": [
        ['W ratio=1 focal="30% 70%"', 'W ratio=1 focal="0.3 0.7"', "W ratio=1 focal=focus",
         'W ratio=1 focal="30%, 0.7"'],
        ['W ratio=1 focal="70% 30%"'],
        ["W ratio=1", "W ratio=1 focal=nothing"],
    ],
    # Where nothing is cropped, there is no point to keep.
    "focal without a box": [["W", 'W focal="30% 70%"']],
    "fit": [["W height=20", 'W height=20 fit="cover"'], ['W height=20 fit="contain"']],
    "upscale": [["W", "W upscale=False", "W upscale=no", "W upscale=None"], ["W upscale=True", "W upscale=yes"]],
    "quality": [
        ["W quality=70", 'W quality="70"', 'W quality="webp 70 avif 55"', 'W quality="webp 70"'],
        ["W quality=71"],
        ["W", 'W quality="jpeg 50"', "W quality=qualities", "W quality=None"],
    ],
    "format": [
        ['width=20 densities="1" format="jpg"', 'width=20 densities=1 format="JPEG"', 'width=20 densities="" formats=""'],
        ['width=20 densities=1 format="webp"', "W"],
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("groups", FORMS.values(), ids=FORMS)
def test_forms_of_one_argument_ask_for_the_same_files_and_only_they(page, db, settings, groups, language):
    context = context_of("")

    found = [
        {shown(page, settings, language, f'{{% img photo.image {line} alt="" %}}', context) for line in group}
        for group in groups
    ]

    assert [len(pages) for pages in found] == [1] * len(groups)
    assert len(set().union(*found)) == len(groups)


def test_every_byte_of_a_page_is_known(page, photo):
    response = page("django", '<p>{% img photo.image width=20 alt="A cat" %}</p>', {"photo": photo})

    assert response.content.decode() == (
        '<p><picture><source type="image/webp" srcset="'
        "/media/renditions/photos/cat-20w.f41384ab.webp 1x, "
        '/media/renditions/photos/cat-40w.a5022e79.webp 2x"><img srcset="'
        "/media/renditions/photos/cat-20w.9fb43fb1.jpg 1x, "
        '/media/renditions/photos/cat-40w.da9134f3.jpg 2x" src="'
        '/media/renditions/photos/cat-20w.9fb43fb1.jpg" width="20" height="10" alt="A cat" '
        'loading="lazy" decoding="async"></picture></p>'
    )


# Settings, template and markup: what stands under other settings.
SETTINGS: list[tuple[Mapping[str, Any], str, str]] = [
    # Over the limit on sides, a density is capped as by a small source.
    ({"MAX_WIDTH": 50}, '{% img photo.image width=40 format="webp" alt="" %}',
     '<img srcset="cat-40w.webp 1x, cat-80w.webp 1.25x" src="cat-40w.webp" width="40" height="20"' + END),
    ({"MAX_WIDTH": 50}, '{% img photo.image width=48 format="webp" alt="" %}', webp("48w", 48, 24)),
    ({"MAX_WIDTH": 50}, '{% img photo.image format="webp" alt="" %}', webp("full", 50, 25)),
    ({"MAX_WIDTH": 30}, '{% img photo.image ratio="1/1" format="webp" alt="" %}', webp("full", 30, 30)),
    ({"FORMATS": ("avif", "webp"), "DENSITIES": (1,)}, '{% img photo.image width=20 alt="" %}',
     '<picture><source type="image/avif" srcset="cat-20w.avif 1x">'
     '<source type="image/webp" srcset="cat-20w.webp 1x">'
     f'<img src="cat-20w.jpg" width="20" height="10"{END}</picture>'),
    ({"FORMATS": (), "DENSITIES": (1, 1.5)}, '{% img photo.image width=20 alt="" %}',
     f'<img srcset="cat-20w.jpg 1x, cat-30w.jpg 1.5x" src="cat-20w.jpg" width="20" height="10"{END}'),
    ({"FORMATS": ("avif",), "DENSITIES": (1, 3)}, '{% img photo.image width=20 formats="webp" densities=2 alt="" %}',
     PICTURE),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("changed", "template", "expected"), SETTINGS, ids=str)
def test_settings_stand_below_the_tag(page, db, settings, changed, template, expected, language):
    for name, value in changed.items():
        setattr(settings, f"RESPONSIVE_IMG_{name}", value)

    assert shortened(shown(page, settings, language, template)) == expected
