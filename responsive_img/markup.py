"""
HTML: how a value is escaped, and the element of a manifest.

No I/O, no settings. The order of attributes is fixed: `srcset`, `sizes`, `src`, `width`, `height`, `alt`, those of
the template as written, `loading`, `decoding`, `fetchpriority`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape

from responsive_img.manifest import PREFIX, Manifest, with_urls

# C0, C1 and lone surrogates: HTML maps some of them to other characters, and no encoding has the last.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# Stands for the sizes in what `parts` gives, as they are no part of a manifest. No attribute can hold it.
SIZES = "\x02"
_QUOTES = str.maketrans({'"': "&quot;", "'": "&#x27;", "<": "&lt;", ">": "&gt;"})


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
        [
            f'<source type="{media}" srcset="{resolved(text)}"{_sizes(text)}>'
            for media, text in manifest.sources
        ]
    )
    srcset = f' srcset="{resolved(manifest.srcset)}"{_sizes(manifest.srcset)}' if manifest.srcset else ""
    src = resolved(manifest.src) if manifest.src else source_url
    width = "" if manifest.width is None else f' width="{manifest.width}"'
    height = "" if manifest.height is None else f' height="{manifest.height}"'
    img = f'<img{srcset} src="{src}"{width}{height}'
    return (f"<picture>{sources}{img}", "></picture>") if sources else (img, ">")


def _sizes(srcset: str) -> str:
    return f' sizes="{SIZES}"' if srcset.endswith("w") else ""


def sizes(told: str, attributes: str) -> str:
    """Return the `sizes` of a picture: with "auto" where it is lazy, as elsewhere that is not valid."""
    return f"auto, {told}" if ' loading="lazy"' in attributes.lower() else told


def element(around: tuple[str, str], attributes: str, picture_attributes: str) -> str:
    """
    Return the markup of a picture.

    Args:
        around: What `parts` gave.
        attributes: Finished text of the `<img>`, with a leading space.
        picture_attributes: Finished text of the `<picture>`; dropped when there is none.

    Where there are widths, `SIZES` is left to be replaced.
    """
    head, tail = around
    if picture_attributes and head.startswith("<picture>"):
        head = f"<picture{picture_attributes}>{head.removeprefix('<picture>')}"
    return f"{head}{attributes}{tail}"
