"""
Look at the demo's pages as a visitor's browser does, at 1x and 2x.

Usage: look_at_demo.py ORIGIN FOLDER, where the screenshots go.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

ORIGIN, FOLDER = sys.argv[1], Path(sys.argv[2])
PAGES = ("/", "/jinja/")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,900",
]
OBSERVE_SHIFTS = """
window.shifts = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shifts += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
SCROLL = """
const done = arguments[0];
(async () => {
  for (let y = 0; y < document.body.scrollHeight; y += 300) {
    scrollTo(0, y);
    await new Promise(next => setTimeout(next, 60));
  }
  await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
  scrollTo(0, 0);
  done();
})();
"""
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
    driver = browser(density)
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OBSERVE_SHIFTS})
        driver.get(ORIGIN + page)
        driver.set_script_timeout(120)
        driver.execute_async_script(SCROLL)
        pictures = driver.execute_script(PICTURES)
        shifts = driver.execute_script("return window.shifts")
        name = f"demo{page.replace('/', '-')}{density}x.png"
        driver.save_screenshot(str(FOLDER / name))
        failed = [answer for answer in answers(driver) if answer["status"] >= 400]
    finally:
        driver.quit()
    for picture in pictures:
        check(picture, density)
    assert shifts == 0, f"layout shift of {shifts}"
    assert not [answer for answer in failed if "favicon" not in answer["url"]], failed
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


def browser(density: int) -> Chrome:
    options = ChromeOptions()
    for flag in (*FLAGS, f"--force-device-scale-factor={density}", f"--user-data-dir={tempfile.mkdtemp()}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    return Chrome(options=options, service=Service(shutil.which("chromedriver")))


def answers(driver: Chrome) -> list[dict[str, Any]]:
    """Return what the server answered to each request."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        message["params"]["response"]
        for message in messages
        if message["method"] == "Network.responseReceived"
    ]


main()
