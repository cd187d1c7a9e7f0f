"""Which HTML attributes a picture may have, and what people write for them."""

from __future__ import annotations

import re

from responsive_img.exceptions import SpecError

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
        "writingsuggestions",
        "autocorrect",
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
        "elementtiming",
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
