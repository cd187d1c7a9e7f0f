"""
Streamed bodies: markers found although they come in pieces.

Only what may still become a marker is held back, and never more than one: a chunk that ends outside of one,
such as an event, passes at once.
"""

from __future__ import annotations

import re

from responsive_img import escaping, marker
from responsive_img.collector import Collector

# Payload and signature with their dots, and the longest shell on both sides.
LIMIT = len(marker.FIRST) + marker.MAX_PAYLOAD + 22 + max(2 * escaping.LONGEST, escaping.LOOSEST) + 1
_UNFINISHED_CORE = re.compile(rb"RI1\.[A-Za-z0-9_~]*(?:\.[A-Za-z0-9_~]{0,20})?\Z")
_OF_A_CORE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~."
# Any tag that a minifier may have made of a marker.
_UNFINISHED_TAG = re.compile(rb"<(?:i(?:m(?:g(?:\s[^<>]{0,264})?)?)?)?\Z")

_TAG = 270  # bytes
# Behind a core by so many bytes, nothing can be held back that starts within its marker.
_REACH = _TAG + 2 * escaping.LONGEST


class Stream:
    """
    Resolves a body that comes in chunks.

    Attributes:
        held: The end of what has come, as far as it may be the start of a marker; at most `LIMIT` bytes.
    """

    def __init__(self, collector: Collector, charset: str) -> None:
        self._collector = collector
        self._charset = charset
        self.held = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be sent now."""
        data = self.held + chunk
        # However it is escaped, a marker holds no ">" but at its end, so nothing before the last one is unfinished.
        start = data.rfind(b">") + 1
        if not escaping.may_start(data, start):
            self.held = b""
            return self._resolved(data)
        cut = start + _cut(data[start:])
        self.held = data[cut:]
        return self._resolved(data[:cut])

    def end(self) -> bytes:
        """Return what was held back to the end."""
        data, self.held = self.held, b""
        return self._resolved(data)

    def _resolved(self, data: bytes) -> bytes:
        collector = self._collector
        resolved = collector.substitute(data, self._charset)
        # What a later chunk repeats can be read from its marker: a stream may go on for ever.
        if collector.slots:
            collector.slots.clear()
            collector.twice.clear()
        collector.account.seen.clear()
        return resolved


def _cut(data: bytes) -> int:
    """Return where what may be sent ends: before whatever may still become a marker."""
    end = len(data)
    cut, settled = _cut_at_cores(data) if marker.FIRST in data else (_start_of_prefix_or_tag(data), 0)
    # How many backslashes stand before a marker tells how often it was escaped.
    if settled < cut < end and data[cut - 1 : cut] == b"\\":
        cut -= 1
    return end if end - cut > LIMIT else cut


def _cut_at_cores(data: bytes) -> tuple[int, int]:
    """Return where the first unfinished marker starts, and where the last finished one ends."""
    end = cut = len(data)
    settled = 0
    for match in escaping.CORE.finditer(data):
        if end - match.end() > _REACH:  # all that can belong to it is there
            settled = match.end()
            continue
        start = escaping.unfinished(data, match.start(), match.end())
        if start is None:
            settled = escaping.found(data, match).end
        else:
            cut = min(cut, start)
    if cut == end:
        cut = max(settled, min(_start_at_core(data), _start_of_prefix_or_tag(data)))
    return cut, settled


def _start_at_core(data: bytes) -> int:
    """Return where the marker starts whose core goes on to the end of the data; its length if there is none."""
    # A payload may end like the start of a marker: the first one that goes on to the end counts.
    core = len(data.rstrip(_OF_A_CORE)) - 1
    while (core := data.find(marker.FIRST, core + 1)) >= 0:
        if _UNFINISHED_CORE.match(data, core):
            return escaping.start_of_shell(data, core)
    return len(data)


def _start_of_prefix_or_tag(data: bytes) -> int:
    """Return where the end of the data may start a marker that has no "RI1." yet; its length if nowhere."""
    start = escaping.start_of_prefix(data)
    opened = data.rfind(b"<", max(0, len(data) - _TAG))
    if 0 <= opened < start and _UNFINISHED_TAG.match(data, opened):
        return opened
    return start
