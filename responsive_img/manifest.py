"""
The manifest: what is known of one picture (a source under one spec). It is the unit that is cached.

As text it is one flat JSON list, with the srcset texts ready but for what their URLs begin with: reading it
costs half of what nested JSON does. What all names begin with is written once, which halves the text: it is
sent, unpickled and hashed for each picture of each response.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from os.path import commonprefix
from typing import NamedTuple

from responsive_img.formats import FORMATS

# Raised with each release that writes another text: releases side by side would take each other's for broken.
SCHEMA = 1
READY, PENDING, FAILED = "r", "p", "f"
# Not built, seen by a process that must not write and has nobody to tell: it alone believes that.
UNTOLD = "u"
# Stands for the URL of the renditions' storage in front of a percent-encoded name. A control character:
# no name and no URL can hold it.
PREFIX = "\x01"
# In the text, for the prefix and what all names begin with. No percent-encoded name holds it.
_STEM = "<"
_NAMES = re.compile(PREFIX + r"([^ ,]+)")


class Rendition(NamedTuple):
    """
    A built variant.

    Attributes:
        format: Name of the format.
        name: In the renditions' storage, percent-encoded as in a URL.
        descriptor: "1x", "1.5x" or "640w", as in a srcset.
    """

    format: str
    name: str
    descriptor: str


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """
    What is known of one picture.

    Compared by identity: equal texts are read into one object, and what is made of it is kept by it.

    Attributes:
        state: READY, PENDING (a build is to come), FAILED or UNTOLD.
        until: From this time on (s since the epoch) it must be asked for again; 0: never.
        version: Of the source.
        width: Layout width, CSS px, None: not known.
        height: Layout height, CSS px, None: not known.
        src: The file of `src` after `PREFIX`; "" for the source itself.
        srcset: Of the `<img>`; "" when there is at most one density.
        sources: (media type, srcset) of each `<source>`, best first.
    """

    state: str
    until: int
    version: str
    width: int | None
    height: int | None
    src: str = ""
    srcset: str = ""
    sources: tuple[tuple[str, str], ...] = ()

    def dumps(self) -> str:
        """Return the text that `loads` reads."""
        stem = commonprefix(self.names())  # noqa: RUF071 - by characters, as texts
        texts = [self.src, self.srcset, *[part for pair in self.sources for part in pair]]
        short = [text.replace(PREFIX + stem, _STEM) for text in texts]
        flat = [SCHEMA, self.state, self.until, self.version, self.width, self.height, stem]
        return json.dumps([*flat, *short], ensure_ascii=False, separators=(",", ":"))

    def without_renditions(self) -> Manifest:
        """Return the manifest of the same picture that shows its source."""
        return replace(self, src="", srcset="", sources=())

    def names(self) -> list[str]:
        """Return the names of the files of its renditions, percent-encoded."""
        return _NAMES.findall(" ".join([self.src, self.srcset, *[srcset for _, srcset in self.sources]]))

    def as_unfinished(self, state: str, until: float) -> Manifest:
        """Return the manifest of a picture of which no more is built, to be believed until then (s)."""
        return replace(self, state=state, until=max(1, int(until)))

    def is_built(self, build: str | None) -> bool:
        """Tell whether what `build` asks for is there: the file of `src`, else all."""
        return self.state == READY or (build == "src" and self.src != "")

    def is_stale(self, now: float) -> bool:
        """Tell whether it must be asked for again."""
        return 0 < self.until <= now


def loads(value: object) -> Manifest | None:
    """Return the manifest of a cached value; None for anything that is none, as that is a miss."""
    return _read(value) if type(value) is str else None


# A memo of a pure function of the cached text: 10,000 pictures on a page must fit, or it thrashes.
@lru_cache(maxsize=16384)
def _read(text: str) -> Manifest | None:
    try:
        schema, state, until, version, width, height, stem, *short = json.loads(text)
        if (
            schema != SCHEMA
            or state not in {READY, PENDING, FAILED, UNTOLD}
            or len(short) < 2
            or len(short) % 2
        ):
            return None
        sides = [side for side in (width, height) if side is not None]
        if not (
            all(type(part) is str for part in [version, stem, *short])
            and all(type(number) is int for number in [until, *sides])
        ):
            return None
    except (ValueError, TypeError, RecursionError):
        return None
    src, srcset, *pairs = [part.replace(_STEM, PREFIX + stem) for part in short]
    return Manifest(
        state, until, version, width, height, src, srcset, tuple(zip(pairs[::2], pairs[1::2], strict=True))
    )


def compose(
    renditions: Sequence[Rendition],
    size: tuple[int | None, int | None],
    *,
    version: str = "",
    state: str = READY,
    until: int = 0,
) -> Manifest:
    """
    Return the manifest of the built renditions of a picture.

    Args:
        renditions: In srcset order, the fallback format last; what is not built is not among them.
        size: Width and height of the layout, CSS px.
        version: Of the source.
        state: READY, PENDING or FAILED.
        until: From this time on (s since the epoch) it must be asked for again; 0: never.
    """
    groups: dict[str, list[str]] = {}
    for rendition in renditions:
        groups.setdefault(rendition.format, []).append(f"{PREFIX}{rendition.name} {rendition.descriptor}")
    fallback = groups.pop(renditions[-1].format, []) if renditions else []
    # Of densities `src` is the first, of widths the largest, for whoever reads no srcset.
    has_widths = fallback[-1].endswith("w") if fallback else False
    src = fallback[-1 if has_widths else 0] if fallback else ""
    return Manifest(
        state,
        until,
        version,
        *size,
        src=src.rpartition(" ")[0],
        srcset=", ".join(fallback) if has_widths or len(fallback) > 1 else "",
        sources=tuple((FORMATS[name].media_type, ", ".join(texts)) for name, texts in groups.items()),
    )


def with_urls(text: str, url: Callable[[str], str]) -> str:
    """Return a src or srcset text with `url` called for each name, percent-encoded, of a rendition."""
    return _NAMES.sub(lambda match: url(match[1]), text)
