"""
Look at the pages of `make demo-trusted`: nothing is looked up, and every name that is written is there.

Usage: look_at_trusted.py ORIGIN FOLDER, where the screenshots go.
"""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

from browser import SCROLL, chromium, failures, messages

ORIGIN, FOLDER = sys.argv[1], Path(sys.argv[2])
PAGES = ("/", "/jinja/", "/focal/", "/trusted/")


def main() -> None:
    photos = sorted(set(re.findall(r'href="(/photo/\d+/)"', text("/"))))
    assert len(photos) >= 24
    pages = (*PAGES, *photos)
    texts = {page: text(page) for page in pages}
    for page, each in texts.items():
        for words in ("0 lookups · 0 queries for pictures · 0 storage calls", "0 still to be built"):
            assert words in each, f"{page} does not say {words!r}"
    files = {url for each in texts.values() for url in re.findall(r"/media/renditions/[^\s\"',<]+", each)}
    for url in files:
        urlopen(urljoin(ORIGIN, unescape(url))).read()  # noqa: S310 - the demo; an error where it is missing
    print(f"{len(pages)} pages without a lookup; {len(files)} files, each there")
    for page in (*PAGES, photos[0]):
        look(page)


def text(page: str) -> str:
    content: bytes = urlopen(ORIGIN + page).read()  # noqa: S310 - the demo
    return content.decode()


def look(page: str) -> None:
    """Load a page, scroll through it, and check that every picture is shown in a place that was kept for it."""
    with chromium(2) as driver:
        driver.get(ORIGIN + page)
        driver.execute_async_script(SCROLL)
        driver.save_screenshot(str(FOLDER / f"trusting{page.replace('/', '-')}.png"))
        sizes = driver.execute_script("return [...document.images].map(image => image.naturalWidth)")
        shifts = driver.execute_script("return window.shifts")
        failed = failures(messages(driver))
    assert all(sizes), f"{page}: broken"
    assert shifts == 0, f"{page}: layout shift of {shifts}"
    assert not failed, f"{page}: {failed}"
    print(f"{page}: {len(sizes)} pictures; no shift, no 404")


main()
