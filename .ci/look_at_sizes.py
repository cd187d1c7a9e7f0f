"""
Look at the demo's page "Sizes" at three widths and three densities: does each picture come in the right size?

Usage: look_at_sizes.py ORIGIN FOLDER, where the screenshots go.
"""

from __future__ import annotations

import io
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import unescape
from math import ceil, floor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin
from urllib.request import urlopen

from browser import SCROLL, chromium, failures, messages
from PIL import Image
from selenium.webdriver import Chrome

ORIGIN, FOLDER = sys.argv[1], Path(sys.argv[2])
PAGES = ("/sizes/", "/jinja/sizes/")
HEIGHTS = {320: 568, 768: 1024, 1280: 800}  # of the viewport, CSS px
LOOKS = [
    *[(PAGES[0], width, density) for width in HEIGHTS for density in (1, 2, 3)],
    (PAGES[1], 320, 3),
]
# CSS px below the fold; what is nearer, Chromium may fetch before it is seen (2,500 px on slow lines).
FAR = 2500
AT_LEAST = 26  # pictures: of each kind one or more
PICTURES = """
const list = text => text.split(",").map(each => each.trim().split(/\\s+/)).map(
  ([url, descriptor]) => [new URL(url, document.baseURI).href, descriptor]
);
// What browsers that do not know "auto" make of `sizes`, CSS px.
const ruler = document.body.appendChild(document.createElement("div"));
ruler.style.cssText = "position: absolute; visibility: hidden";
const told = sizes => {
  for (const part of sizes.replace(/^auto,\\s*/, "").split(/,\\s*(?![^(]*\\))/)) {
    const [, condition, length] = part.match(/^(\\([^)]*\\))?\\s*(.+)$/);
    if (condition && !matchMedia(condition).matches) continue;
    ruler.style.width = length;
    return ruler.getBoundingClientRect().width;
  }
};
const fetched = new Set(performance.getEntriesByType("resource").map(entry => entry.name));
const found = [...document.images].map(image => {
  const sources = [...image.parentElement.querySelectorAll(":scope > source"), image];
  const offers = sources.map(each => ({type: each.type || "", candidates: list(each.srcset)}));
  const box = image.getBoundingClientRect();
  return {
    offers, current: image.currentSrc, alt: image.alt, loading: image.loading, complete: image.complete,
    requested: offers.flatMap(offer => offer.candidates).map(([url]) => url).concat(image.src).filter(
      (url, index, all) => fetched.has(url) && all.indexOf(url) === index
    ),
    sizes: image.sizes, told: image.sizes ? told(image.sizes) : 0,
    box: box.width, top: box.top + scrollY, bottom: box.bottom + scrollY,
    width: Number(image.getAttribute("width")), height: Number(image.getAttribute("height")),
    naturalWidth: image.naturalWidth,
  };
});
ruler.remove();
return found;
"""


class File(NamedTuple):
    """What a URL answered: px, and Pillow's name of the format."""

    width: int
    height: int
    format: str


def main() -> None:
    for page in PAGES:
        text(page)  # the first view builds
    texts = [text(page) for page in PAGES]
    pictures = [re.findall(r"<picture.*?</picture>|<img .*?>|image-set\(.*?\)", each) for each in texts]
    assert pictures[0] == pictures[1], "the languages differ"
    for words in ("1 lookup · 0 queries for pictures", "0 storage calls", "0 still to be built"):
        assert all(words in each for each in texts), f"a page does not say {words!r}"
    files = {url: fetch(url) for url in urls(texts[0])}
    print(f"{PAGES[0]}: {len(files)} files, each there; the same in {PAGES[1]}")
    with ThreadPoolExecutor(2) as looking:  # most of a look is waiting
        for line in looking.map(partial(look, files), *zip(*LOOKS, strict=True)):
            print(line)


def text(page: str) -> str:
    content: bytes = urlopen(ORIGIN + page).read()  # noqa: S310 - the demo
    return content.decode()


def urls(page: str) -> set[str]:
    """Return the URLs of all renditions of a page, those in its head and its styles too."""
    found = set(re.findall(r"[^\s\"',>]*/renditions/[^\s\"',<]+", page))
    social = re.search(r'<meta property="og:image" content="(.*?)"', page)
    assert social, "no picture for those who share the page"
    assert social[1].startswith(ORIGIN + "/"), f"not absolute: {social[1]}"
    assert social[1] in found
    assert len(re.findall(r"image-set\('/[^']+' 1x, '/[^']+' 2x\)", page)) == 1, "no background"
    return {urljoin(ORIGIN, unescape(url)) for url in found}


def fetch(url: str) -> File:
    with Image.open(io.BytesIO(urlopen(url).read())) as image:  # noqa: S310 - the demo
        return File(*image.size, format=str(image.format))


def look(files: dict[str, File], page: str, width: int, density: int) -> str:
    """Load a page, scroll through it, check every picture on it, and return what was found in one line."""
    height = HEIGHTS[width]
    with chromium(density, width, height) as driver:
        driver.get(ORIGIN + page)
        before, said = settled(driver)
        driver.execute_async_script(SCROLL)
        after = driver.execute_script(PICTURES)
        shifts = driver.execute_script("return window.shifts")
        needed = driver.execute_script("return document.documentElement.scrollWidth")
        said += messages(driver)
        name = f"sizes{page.replace('/', '-')}{width}-{density}x.png"
        driver.save_screenshot(str(FOLDER / name))
    label = f"{page} at {width} px, {density}x"
    assert len(after) >= AT_LEAST, f"{label}: only {len(after)} pictures"
    assert not failures(said), f"{label}: {failures(said)}"
    assert shifts == 0, f"{label}: layout shift of {shifts}"
    assert needed == width, f"{label}: needs {needed} px"
    waiting = check_laziness(label, before, after, height)
    check_priority(label, after[0], said)
    for picture in after:
        check(f"{label}, {picture['alt'] or picture['current']}", picture, density, files)
    return (
        f"{label}: {len(after)} pictures, each in the smallest WebP that fills its box; no shift, no 404; "
        f"{waiting} fetched only by the scroll"
    )


def settled(driver: Chrome) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the pictures before any scrolling, when the network has been quiet for half a second."""
    said: list[dict[str, Any]] = []
    quiet = 0
    while quiet < 5:
        driver.execute_async_script("setTimeout(arguments[0], 100)")
        new = messages(driver)
        quiet = 0 if any(each["method"].startswith("Network.") for each in new) else quiet + 1
        said += new
    return driver.execute_script(PICTURES), said


def check_laziness(label: str, before: list[dict[str, Any]], after: list[dict[str, Any]], height: int) -> int:
    """
    Check that pictures in sight are fetched at once, and those far below only when they come near.

    Each of them once, and into a place that was kept for it.
    """
    for picture in before:
        if picture["top"] < height:
            assert picture["requested"], f"{label}: not fetched, though in sight: {picture}"
    far = [picture for picture in before if picture["top"] > height + FAR]
    early = [picture["alt"] for picture in far if picture["requested"]]
    assert len(far) >= 3, f"{label}: no pictures far below the fold"
    assert not early, f"{label}: fetched long before they are seen: {early}"
    for earlier, picture in zip(before, after, strict=True):
        assert len(picture["requested"]) == 1, f"{label}: not fetched just once: {picture}"
        for edge in ("top", "bottom"):
            moved = picture[edge] - earlier[edge]
            assert abs(moved) < 1, f"{label}: its {edge} has moved by {moved} px: {picture}"
    return sum(not picture["requested"] for picture in before)


def check_priority(label: str, hero: dict[str, Any], said: list[dict[str, Any]]) -> None:
    """Check that the first picture is eager, and fetched as what matters most."""
    [priority] = [
        message["params"]["request"]["initialPriority"]
        for message in said
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["request"]["url"] == hero["current"]
    ]
    assert (hero["loading"], priority) == ("eager", "High"), f"{label}: {hero['loading']}, {priority}"


def check(label: str, picture: dict[str, Any], density: int, files: dict[str, File]) -> None:
    """Check that a picture is there, in WebP, and in the right size; and all files that are offered for it."""
    assert picture["complete"], f"{label}: not loaded"
    assert picture["naturalWidth"] > 0, f"{label}: broken"
    # The first source that the browser can show is the one it must take, and Chromium can show WebP.
    candidates = dict(picture["offers"][0]["candidates"])
    assert picture["current"] in candidates, f"{label}: {picture['current']} is none of {candidates}"
    for offer in picture["offers"]:
        for url, descriptor in offer["candidates"]:
            check_file(f"{label}: {url} {descriptor}", picture, descriptor, offer["type"], files[url])
    assert files[picture["current"]].format == "WEBP", f"{label}: {picture['current']} is no WebP"
    check_choice(label, picture, candidates, density)


def check_file(label: str, picture: dict[str, Any], descriptor: str, type_: str, file: File) -> None:
    """Check that a file is what the markup says of it."""
    number, unit = float(descriptor[:-1]), descriptor[-1]
    assert type_ in {"", f"image/{file.format.lower()}"}, f"{label} is {file.format}, not {type_}"
    width = number if unit == "w" else number * picture["width"]
    # A density has two decimals.
    assert abs(file.width - width) <= (0 if unit == "w" else max(0.5, 0.005 * picture["width"])), (
        f"{label}: {file}"
    )
    # The attributes' ratio, within a px of the smaller one of file and layout.
    scale = picture["width"] / file.width
    assert abs(file.height * scale - picture["height"]) <= max(1, scale), f"{label}: {file}, not {picture}"


def check_choice(label: str, picture: dict[str, Any], candidates: dict[str, str], density: int) -> None:
    """Check that the browser knew how large the picture is, and took the smallest file that fills it."""
    descriptor = candidates[picture["current"]]
    numbers = sorted(float(each[:-1]) for each in candidates.values())
    chosen = float(descriptor[:-1])
    if descriptor.endswith("x"):
        assert abs(picture["naturalWidth"] - picture["width"]) <= 1, f"{label}: {picture}"
        wanted = {float(density)}
    else:
        # Of a picture with widths, a browser reports the size it was told, or found: it must be that of the layout.
        # It has been rounded down twice: to whole px, and from the file's density.
        assert abs(picture["naturalWidth"] - picture["box"]) < 2, f"{label}: {picture}"
        if not picture["sizes"].endswith("100vw"):  # what stands for nothing told
            assert abs(picture["told"] - picture["box"]) <= 1, f"{label}: sizes is wrong: {picture}"
        wanted = {side * density for side in (floor(picture["box"]), picture["box"], ceil(picture["box"]))}
    filling = {next((number for number in numbers if number >= px), numbers[-1]) for px in wanted}
    assert chosen in filling, f"{label}: {descriptor} for {sorted(wanted)} of {numbers}"


main()
