"""Markup over several lines, in a way that can be undone."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

WIDTH = 110  # characters; one attribute or candidate that is longer stands in a line of its own
_TAG = re.compile(r"<[^>]*>|[^<]+")
_ATTRIBUTE = re.compile(r' ?[^\s="]+(?:="[^"]*")?')


def pretty(markup: str) -> str:
    """
    Return long markup with line breaks between elements, between attributes and between candidates.

    Raises:
        ValueError: It would not be the same but for white space: `flat` could not undo it.
    """
    if len(markup) <= WIDTH:
        return markup
    lines: list[str] = []
    depth = 0
    for part in _TAG.findall(markup):
        depth -= part == "</picture>"
        lines.extend(_filled(_pieces(part), "  " * depth))
        depth += part.startswith("<picture")
    text = "\n".join(lines)
    if flat(text) != markup:
        raise ValueError(f"This cannot be laid out: {markup}")
    return text


def flat(text: str) -> str:
    """Return the markup that `pretty` was given: no markup of the library has a line break of its own."""
    return re.sub(r"\n *", " ", re.sub(r">\n *<", "><", text))


def _pieces(part: str) -> list[str]:
    """Return what may stand in lines of its own: the name of a tag with its first attribute, and so on."""
    if not part.startswith("<"):
        return [part]
    name, *attributes = _ATTRIBUTE.findall(part.removesuffix(">"))
    first, *others = [piece for each in attributes for piece in _candidates(each.strip())] or [""]
    pieces = [f"{name} {first}".rstrip(), *others]
    pieces[-1] += ">"
    return pieces


def _candidates(attribute: str) -> list[str]:
    """Return the candidates of a srcset one by one, any other attribute whole."""
    if not attribute.startswith("srcset="):
        return [attribute]
    return re.sub(r", ", ",\n", attribute).split("\n")


def _filled(pieces: Sequence[str], indent: str) -> list[str]:
    """Return lines with as many pieces as they can hold, all but the first two steps further in."""
    lines = [indent + pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) <= WIDTH:
            lines[-1] += f" {piece}"
        else:
            lines.append(f"{indent}    {piece}")
    return lines


def paragraph(text: str, *, first: str = "", indent: str = "") -> str:
    """Return prose in lines."""
    return textwrap.fill(
        text,
        WIDTH + 20,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def anchor(heading: str) -> str:
    """Return the address that a heading has within its page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
