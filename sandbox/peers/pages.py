"""What a page shows: its pictures as a browser reads them, and whether they are what was asked for."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

WANTED = frozenset({("WEBP", 400), ("WEBP", 800), ("JPEG", 400), ("JPEG", 800)})
SOURCES = "photos/"  # folder of what was uploaded
BASE = 400  # px at 1x
_PREFIX = "/media/"


class Read(NamedTuple):
    """
    What a page names.

    Attributes:
        urls: How many.
        dead: How many of them answer 404.
        sources: Pictures whose `src` is the source.
        sized: Pictures with the right width and height.
        faults: What is not as it was asked for, each once.
    """

    urls: int
    dead: int
    sources: int
    sized: int
    faults: list[str]


class _Pictures(HTMLParser):
    """Collects of each article the attributes of its `<source>` and `<img>` elements, the last."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "article":
            self.found.append([])
        elif tag in {"source", "img"} and self.found:
            self.found[-1].append({name: value or "" for name, value in attrs})


def read(content: bytes, media: Path) -> Read:
    """Read a page whose files are in the folder `media`."""
    parser = _Pictures()
    parser.feed(content.decode())
    urls: set[str] = set()
    dead: set[str] = set()
    faults: set[str] = set()
    sources = sized = 0
    for elements in parser.found:
        if not elements:
            faults.add("no picture")
            continue
        shown = elements[-1]
        kinds = {url: _kind(url, media) for url in _urls(elements)}
        urls |= kinds.keys()
        dead |= {url for url, kind in kinds.items() if kind is None}
        is_source = (
            shown.get("src", "").startswith(f"{_PREFIX}{SOURCES}") and kinds[shown["src"]] not in WANTED
        )
        named = kinds.keys() - {shown["src"]} if is_source else kinds.keys()
        candidates = {kind for url in named if (kind := kinds[url])}
        is_sized = (shown.get("width"), shown.get("height")) == ("400", "300")
        sources, sized = sources + is_source, sized + is_sized
        faults |= _faults(elements, candidates, kinds)
        if is_source:
            faults.add("src is the source")
        if not is_sized:
            size = f"{shown.get('width')} × {shown.get('height')}" if "width" in shown else "missing"
            faults.add(f"width and height: {size}")
    if dead:
        faults.add("URLs that answer 404")
    return Read(len(urls), len(dead), sources, sized, sorted(faults))


def read_file(path: str, media: Path) -> Read:
    """Read a page that was written to a file."""
    return read(Path(path).read_bytes(), media)


def _faults(
    elements: list[dict[str, str]], found: set[Any], kinds: dict[str, tuple[str, int] | None]
) -> set[str]:
    faults = set()
    if missing := WANTED - found:
        names = ", ".join(f"{form} {width}" for form, width in sorted(missing))
        faults.add(f"lacks {names} px")
    if more := found - WANTED:
        names = ", ".join(f"{form} {width}" for form, width in sorted(more))
        faults.add(f"has {names} px instead")
    for element in elements:
        for url, descriptor in _candidates([element]):
            form, width = kinds[url] or ("", 0)
            if form and descriptor not in {f"{width}w", f"{width / BASE:g}x"}:
                faults.add(f"{descriptor} for {width} px")
            if form and element.get("type", f"image/{form}").lower() != f"image/{form.lower()}":
                faults.add(f"{form} said to be {element['type']}")
    if any("w" in d and "sizes" not in element for element in elements for _, d in _candidates([element])):
        faults.add("w descriptors without sizes")
    return faults


def _candidates(elements: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Return URL and descriptor of each candidate."""
    found = []
    for element in elements:
        for candidate in element.get("srcset", "").split(","):
            if candidate.strip():
                url, _, descriptor = candidate.strip().partition(" ")
                found.append((url, descriptor.strip()))
    return found


def _urls(elements: list[dict[str, str]]) -> set[str]:
    return {url for url, _ in _candidates(elements)} | {
        element["src"] for element in elements if element.get("src")
    }


def _kind(url: str, media: Path) -> tuple[str, int] | None:
    """Return format and upright width of the file of a URL, from its header; None if it has none."""
    try:
        with Image.open(media / url.removeprefix(_PREFIX)) as picture:
            turned = picture.getexif().get(0x0112, 1) >= 5
            return str(picture.format), picture.height if turned else picture.width
    except OSError:
        return None
