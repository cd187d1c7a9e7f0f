"""
Markers in what became of a page: found whatever escaped them, each with what escapes its markup alike.

The shell around a marker's core holds characters that every escaper changes, so the bytes beside the core
tell which one ran. The table is made by running the real ones, alone and in pairs, over the shells. A core
with other neighbours is left as it is: nothing becomes more than what its escaping allows.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape as xml_escape

from django.utils.html import escape as django_escape
from django.utils.html import escapejs
from markupsafe import escape as markupsafe_escape

from responsive_img import marker
from responsive_img.marker import ELEMENT_SHELL, FIRST, VALUE_SHELL

Escaper = Callable[[str], str]

_JSON_SCRIPT = str.maketrans({">": "\\u003E", "<": "\\u003C", "&": "\\u0026"})
_TOJSON = str.maketrans({">": "\\u003e", "<": "\\u003c", "&": "\\u0026", "'": "\\u0027"})


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


ESCAPERS: dict[str, Escaper] = {
    "html": lambda text: str(django_escape(str(text))),
    "xml": xml_escape,
    "html without quotes": lambda text: html.escape(text, quote=False),
    "markupsafe": lambda text: str(markupsafe_escape(str(text))),
    "json": _json,
    "json with slashes": lambda text: _json(text).replace("/", "\\/"),
    "json_script": lambda text: _json(text).translate(_JSON_SCRIPT),
    "tojson": lambda text: _json(text).translate(_TOJSON),
    "escapejs": lambda text: str(escapejs(str(text))),
    "quote": quote,
    "quote all": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
}


class _Context(NamedTuple):
    """The bytes beside a core, and what has made them of the shell; None: nothing."""

    before: bytes
    after: bytes
    is_element: bool
    escape: Escaper | None


def _contexts() -> Iterator[_Context]:
    """Yield the contexts of both shells, those of the shorter chains of escapers first."""
    chains: list[Escaper] = [*ESCAPERS.values()]
    chains += [_chain(first, second) for first in ESCAPERS.values() for second in ESCAPERS.values()]
    for is_element, (before, after) in ((True, ELEMENT_SHELL), (False, VALUE_SHELL)):
        yield _Context(before.encode(), after.encode(), is_element, None)
        for escape in chains:
            yield _Context(escape(before).encode(), escape(after).encode(), is_element, escape)


def _chain(first: Escaper, second: Escaper) -> Escaper:
    return lambda text: second(first(text))


def _table() -> dict[bytes, list[_Context]]:
    """Return the contexts by the last three bytes before the core, the longest first."""
    unique: dict[tuple[bytes, bytes], _Context] = {}
    for context in _contexts():
        unique.setdefault((context.before, context.after), context)
    by_end: dict[bytes, list[_Context]] = {}
    for context in unique.values():
        by_end.setdefault(context.before[-3:], []).append(context)
    for contexts in by_end.values():
        contexts.sort(key=lambda context: (-len(context.before), -len(context.after)))
    return by_end


_BY_END = _table()
LONGEST = max(len(context.before) for contexts in _BY_END.values() for context in contexts)
CORE = re.compile(re.escape(FIRST) + rb"(" + marker.CORE + rb")\.")
# A minifier or parser that wrote the tag anew: without quotes, or without the slash.
# Not within the value of another attribute: what stands there is text.
_LOOSE_BEFORE = re.compile(rb"<img\s(?:(?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*?\s)?data-ri=[\"']?$")
_LOOSE_AFTER = re.compile(rb"[\"']?[^<>]{0,64}>")
_LOOSE_REACH = 200  # bytes
LOOSEST = _LOOSE_REACH + 1 + 64 + 1


class Found(NamedTuple):
    """
    A marker in a text.

    Attributes:
        start: Of the marker with its shell.
        end: Behind it.
        core: "payload.signature".
        is_element: It stands for an element, not for a value; None: among bytes that no known escaper makes.
        escape: What was done to it and has to be done to what takes its place; None: nothing.
    """

    start: int
    end: int
    core: bytes
    is_element: bool | None
    escape: Escaper | None


def find(content: bytes) -> Iterator[Found]:
    """Yield the markers of a text in an encoding that has ASCII in its place, in their order."""
    for match in CORE.finditer(content):
        yield found(content, match)


def found(content: bytes, match: re.Match[bytes]) -> Found:
    """Return the marker of a core."""
    start, end = match.span()
    for before, after, is_element, escape in _BY_END.get(content[start - 3 : start], ()):
        first = start - len(before)
        if first < 0 or not content.startswith(before, first) or not content.startswith(after, end):
            continue
        # One more level of backslashes than the context knows.
        if before.startswith(b"\\") and content[first - 1 : first] == b"\\":
            continue
        return Found(first, end + len(after), match[1], is_element, escape)
    loose_before = _LOOSE_BEFORE.search(content, max(0, start - _LOOSE_REACH), start)
    loose_after = _LOOSE_AFTER.match(content, end)
    if loose_before and loose_after:
        return Found(loose_before.start(), loose_after.end(), match[1], is_element=True, escape=None)
    return Found(start, end, match[1], is_element=None, escape=None)


# Parts of a text ----------------------------------------------------------------------------------------

_PREFIXES = frozenset(
    (context.before + FIRST)[:length]
    for contexts in _BY_END.values()
    for context in contexts
    for length in range(1, len(context.before) + len(FIRST))
)
_LOOSE_REST = re.compile(rb"[\"']?[^<>]{0,64}\Z")
# What they end with: few texts do, and to find which one takes three times as long.
_PREFIX_ENDS = frozenset(prefix[-3:] for prefix in _PREFIXES)
# What a shell can start with, however it is escaped.
_FIRST_BYTES = re.compile(b"[" + re.escape(b"".join({prefix[:1] for prefix in _PREFIXES})) + b"]")


def may_start(data: bytes, start: int) -> bool:
    """Tell whether a marker can start in a text from there on."""
    return _FIRST_BYTES.search(data, start) is not None


def start_of_prefix(data: bytes) -> int:
    """Return where the end of a text is the start of a marker, up to its core; its length if nowhere."""
    if _PREFIX_ENDS.isdisjoint((data[-1:], data[-2:], data[-3:])):
        return len(data)
    for match in _FIRST_BYTES.finditer(data, max(0, len(data) - LONGEST - len(FIRST))):
        if data[match.start() :] in _PREFIXES:
            return match.start()
    return len(data)


def start_of_shell(data: bytes, core: int) -> int:
    """Return where the marker starts whose core starts at `core`."""
    starts = [
        core - len(context.before)
        for context in _BY_END.get(data[max(0, core - 3) : core], ())
        if data.endswith(context.before, 0, core)
    ]
    loose = _LOOSE_BEFORE.search(data, max(0, core - _LOOSE_REACH), core)
    return min([*starts, *([loose.start()] if loose else []), core])


def unfinished(data: bytes, start: int, end: int) -> int | None:
    """Return where a marker starts whose core ends at `end`, if what follows may not be all of it; else None."""
    rest = data[end:]
    for context in _BY_END.get(data[max(0, start - 3) : start], ()):
        is_cut = len(rest) < len(context.after) and context.after.startswith(rest)
        if is_cut and data.endswith(context.before, 0, start):
            return start_of_shell(data, start)
    loose = _LOOSE_BEFORE.search(data, max(0, start - _LOOSE_REACH), start)
    if loose and _LOOSE_REST.match(rest):
        return loose.start()
    return None


def escaped(text: str, escape: Escaper) -> str:
    """
    Return what an escaper makes of a markup or value.

    In ASCII and without backslashes, as far as character references can stand for them: then no two chains
    of escapers that look alike on the shell differ on the text.
    """
    plain = text.encode("ascii", "xmlcharrefreplace").decode().replace("\\", "&#92;") if "<" in text else text
    return escape(plain)


def replaced(content: bytes, places: Sequence[Found], texts: Sequence[str], charset: str) -> bytes:
    """Return a text with other texts in these places, each escaped as the marker there was."""
    out: list[bytes] = []
    position = 0
    for place, text in zip(places, texts, strict=True):
        plain = text if place.escape is None else escaped(text, place.escape)
        out += (content[position : place.start], plain.encode(charset, "xmlcharrefreplace"))
        position = place.end
    return b"".join([*out, content[position:]])
