"""
HTML: which attributes there are, how a value is escaped, and the element of a manifest.

No I/O, no settings. The order of attributes is fixed: `srcset`, `src`, `width`, `height`, `alt`, those of
the template as written, `loading`, `decoding`, `fetchpriority`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape

from responsive_img.exceptions import SpecError
from responsive_img.manifest import PREFIX, Manifest, with_urls

# Attributes of <img> and those of every element (HTML standard, 2026); event handlers (`on…`) and the
# families below come on top. What this library writes itself is not among them.
ATTRIBUTES = frozenset(
    [
        "alt",
        "class",
        "id",
        "style",
        "title",
        "lang",
        "dir",
        "hidden",
        "tabindex",
        "accesskey",
        "draggable",
        "translate",
        "inert",
        "popover",
        "autofocus",
        "contenteditable",
        "enterkeyhint",
        "inputmode",
        "spellcheck",
        "autocapitalize",
        "nonce",
        "part",
        "slot",
        "is",
        "itemid",
        "itemprop",
        "itemref",
        "itemscope",
        "itemtype",
        "role",
        "exportparts",
        "loading",
        "decoding",
        "fetchpriority",
        "crossorigin",
        "referrerpolicy",
        "usemap",
        "ismap",
    ]
)
PICTURE_ATTRIBUTES = {"picture_class": "class"}
WRITTEN_BY_THE_TAG = frozenset({"src", "srcset", "sizes"})

_FAMILY = re.compile(r"(data|aria)_[A-Za-z0-9_]*[A-Za-z0-9]")
_EVENT_HANDLER = re.compile(r"on[a-z]+")
# C0, C1 and lone surrogates: HTML maps some of them to other characters, and no encoding has the last.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_QUOTES = str.maketrans({'"': "&quot;", "'": "&#x27;", "<": "&lt;", ">": "&gt;"})


def attribute_name(argument: str) -> str:
    """
    Return the HTML attribute that an argument of a tag stands for: `data_foo` is `data-foo`.

    Raises:
        SpecError: It is no attribute of an `<img>`, or one that the tag writes itself.
    """
    if _FAMILY.fullmatch(argument):
        return argument.lower().replace("_", "-")
    if argument in ATTRIBUTES or _EVENT_HANDLER.fullmatch(argument):
        return argument
    if "-" in argument:
        raise SpecError(f"Write {argument.replace('-', '_')!r} instead of {argument!r}.")
    if argument in WRITTEN_BY_THE_TAG:
        raise SpecError(f"{argument!r} is written by the tag itself.")
    raise SpecError.unknown("argument", argument, ATTRIBUTES)


def escape_value(value: object) -> str:
    """
    Return a value as the text of a quoted attribute: never localised, escaped once, no control characters.

    A value with `__html__` keeps its entities and tags' text, but cannot end the attribute.
    """
    if type(value) is not str and hasattr(value, "__html__"):
        text = str(value.__html__()).translate(_QUOTES)
    else:
        text = escape(str(value))
    return text if text.isprintable() else _CONTROL.sub("", text)


def attribute(name: str, value: object) -> str:
    """Return ` name="value"`; nothing for None and False, the bare name for True."""
    if value is None or value is False:
        return ' alt=""' if name == "alt" else ""
    if value is True:
        return ' alt=""' if name == "alt" else f" {name}"
    return f' {name}="{escape_value(value)}"'


def ordered(attributes: Mapping[str, object], *, priority: bool) -> dict[str, object]:
    """
    Return the attributes of an `<img>` in the order they are written, the defaults among them.

    Args:
        attributes: HTML name → value, as the template has them.
        priority: The picture is what the visitor waits for (LCP).
    """
    if priority:
        defaults: dict[str, object] = {"loading": "eager", "fetchpriority": "high"}
    else:
        defaults = {"loading": "lazy", "decoding": "async"}
    last = {
        name: attributes.get(name, defaults.get(name)) for name in ("loading", "decoding", "fetchpriority")
    }
    first = {"alt": attributes["alt"]} if "alt" in attributes else {}
    return {**first, **{name: value for name, value in attributes.items() if name not in last}, **last}


@lru_cache(maxsize=16384)
def parts(manifest: Manifest, prefix: str) -> tuple[str, str]:
    """Return what stands before and after the attributes, for renditions whose URLs share a prefix."""
    return _around(manifest, lambda text: text.replace(PREFIX, prefix), "")


def parts_of_urls(manifest: Manifest, url: Callable[[str], str], source_url: str) -> tuple[str, str]:
    """
    Return what stands before and after the attributes, each URL asked for.

    Args:
        manifest: What is built.
        url: From a rendition's name, percent-encoded, to its URL, escaped.
        source_url: URL of the source, escaped; shown where there is no file for `src`.
    """
    return _around(manifest, lambda text: with_urls(text, url), source_url)


def _around(manifest: Manifest, resolved: Callable[[str], str], source_url: str) -> tuple[str, str]:
    sources = "".join(
        [f'<source type="{media}" srcset="{resolved(text)}">' for media, text in manifest.sources]
    )
    srcset = f' srcset="{resolved(manifest.srcset)}"' if manifest.srcset else ""
    src = resolved(manifest.src) if manifest.src else source_url
    width = "" if manifest.width is None else f' width="{manifest.width}"'
    height = "" if manifest.height is None else f' height="{manifest.height}"'
    img = f'<img{srcset} src="{src}"{width}{height}'
    return (f"<picture>{sources}{img}", "></picture>") if sources else (img, ">")


def element(around: tuple[str, str], attributes: str, picture_attributes: str) -> str:
    """
    Return the markup of a picture.

    Args:
        around: What `parts` gave.
        attributes: Finished text of the `<img>`, with a leading space.
        picture_attributes: Finished text of the `<picture>`; dropped when there is none.
    """
    head, tail = around
    if picture_attributes and head.startswith("<picture>"):
        head = f"<picture{picture_attributes}>{head.removeprefix('<picture>')}"
    return f"{head}{attributes}{tail}"
