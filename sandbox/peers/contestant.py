"""A contestant, and the page that most of them have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sandbox.benchmarks.templates import TEMPLATES

Options = Mapping[str, Any]

_NONE: Options = MappingProxyType({})
_GAP = "</h2>\n</article>"


class Contestant(NamedTuple):
    """
    Who makes a page, and how. Dotted names are of functions.

    Attributes:
        package: Whose it is. Contestants of one package share rows and files.
        page: The template.
        apps: Of INSTALLED_APPS.
        settings: More of them.
        middleware: Of MIDDLEWARE.
        language: Of the template.
        libraries: Name → module, of tags for {% load %}.
        field: Class of the image field.
        options: Of that field.
        rows: Gives the model of the rows; empty for the one with that field.
        prepare: Takes the rows of a page; a context manager that gives the context to render it in.
        build: Takes a row and builds its picture, where a page does not.
        wake: Takes all rows, in a process that has just begun.
        encoder: What encodes a file, to be counted.
        decodes_once: Whether a build decodes its source once for all files.
        is_checked: Whether it looks up what it emits.
        scenarios: Those that it takes part in: of what builds alike, one is enough.
        remark: What it is, where the name does not say so.
    """

    package: str
    page: str
    apps: tuple[str, ...] = ()
    settings: Options = _NONE
    middleware: tuple[str, ...] = ()
    language: str = "django"
    libraries: Mapping[str, str] = _NONE
    field: str = "django.db.models.ImageField"
    options: Options = _NONE
    rows: str = ""
    prepare: str = ""
    build: str = ""
    wake: str = ""
    encoder: str = "PIL.Image.Image.save"
    decodes_once: bool = False
    is_checked: bool = True
    scenarios: str = "ABCDQ"
    remark: str = ""


def page(load: str, picture: str) -> str:
    """Return a page with a picture of each row."""
    return load + TEMPLATES["empty.html"].replace(_GAP, f"</h2>\n{picture}</article>")


def written(setup: str, webp: str, jpeg: str, end: str = "", *, keys: tuple[str, str] = ("1", "2")) -> str:
    """Return the usual markup round expressions for URLs, each evaluated once; `{0}` is the key of a density."""
    webp_1x, webp_2x, jpeg_2x = webp.format(keys[0]), webp.format(keys[1]), jpeg.format(keys[1])
    return (
        f"{setup}{{% with src={jpeg.format(keys[0])} %}}"
        f'<picture><source type="image/webp" srcset="{{{{ {webp_1x} }}}} 1x, {{{{ {webp_2x} }}}} 2x">'
        f'<img srcset="{{{{ src }}}} 1x, {{{{ {jpeg_2x} }}}} 2x" src="{{{{ src }}}}" width="400"'
        f' height="300" alt="{{{{ photo.title }}}}" loading="lazy" decoding="async"></picture>'
        f"{{% endwith %}}{end}"
    )
