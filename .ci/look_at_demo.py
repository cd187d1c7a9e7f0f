"""
Look at the demo's pages as a visitor's browser does, at 1x and 2x.

Usage: look_at_demo.py ORIGIN FOLDER, where the screenshots go.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from browser import SCROLL, chromium, failures, messages

ORIGIN, FOLDER = sys.argv[1], Path(sys.argv[2])
PAGES = ("/", "/jinja/")
PICTURES = """
return [...document.images].map(image => ({
  url: image.currentSrc, alt: image.alt, complete: image.complete, asked: Number(image.getAttribute("width")),
  ratio: image.getAttribute("width") / image.getAttribute("height"),
  width: image.naturalWidth, height: image.naturalHeight,
}));
"""


def main() -> None:
    for page in PAGES:
        urlopen(ORIGIN + page).read()  # noqa: S310 - the demo; the first view builds
    texts = {page: urlopen(ORIGIN + page).read().decode() for page in PAGES}  # noqa: S310
    for page, text in texts.items():
        for words in ("1 lookup · 0 queries for pictures", "0 storage calls", "0 still to be built"):
            assert words in text, f"{page} does not say {words!r}"
        print(f"{page}: 1 lookup, 0 queries for pictures, 0 storage calls")
    pictures = [re.findall(r"<picture.*?</picture>", texts[page]) for page in PAGES]
    assert len(pictures[0]) >= 24
    assert pictures[0] == pictures[1], "the languages differ"
    for density in (1, 2):
        for page in PAGES:
            look(page, density)


def look(page: str, density: int) -> None:
    """Load a page, scroll through it, and check every picture on it."""
    with chromium(density) as driver:
        driver.get(ORIGIN + page)
        driver.execute_async_script(SCROLL)
        pictures = driver.execute_script(PICTURES)
        shifts = driver.execute_script("return window.shifts")
        name = f"demo{page.replace('/', '-')}{density}x.png"
        driver.save_screenshot(str(FOLDER / name))
        failed = failures(messages(driver))
    for picture in pictures:
        check(picture, density)
    assert shifts == 0, f"layout shift of {shifts}"
    assert not failed, failed
    print(f"{page} at {density}x: {len(pictures)} pictures, each a WebP of the right width; no shift, no 404")


def check(picture: dict[str, Any], density: int) -> None:
    """Check that the browser shows a picture, in WebP, with just the px that the screen wants."""
    assert picture["complete"], picture
    assert picture["width"] > 0, picture
    label = re.search(r"-(\d+)w\.[0-9a-f]{8}\.webp$", picture["url"])
    assert label, f"not a WebP rendition: {picture}"
    assert int(label[1]) == picture["asked"] * density, picture
    # A browser reports the natural size in CSS px: the file's divided by its density.
    assert picture["width"] == picture["asked"], picture
    assert abs(picture["width"] / picture["height"] - picture["ratio"]) < 0.01, picture


main()
