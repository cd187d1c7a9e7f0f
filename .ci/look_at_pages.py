"""
Look at the demo's other pages, and move a focal point in its admin: does the crop follow?

Usage: look_at_focal.py ORIGIN FOLDER, where the screenshots go.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from browser import SCROLL, chromium, failures, messages
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

ORIGIN, FOLDER = sys.argv[1], Path(sys.argv[2])
# Page → pictures that are on it at least.
PAGES = {"/focal/": 28, "/warm/": 0, "/trusted/": 27, "/prune/": 0, "/queue/": 0}
HEIGHTS = {320: 568, 1280: 800}  # of the viewport, CSS px
PATIENCE = 20  # s
BROKEN = """
return [...document.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.currentSrc);
"""
CROP, STAGE = "#person-1 .kept img", ".responsive-img-focal-stage img"


def main() -> None:
    front = urlopen(ORIGIN).read().decode()  # noqa: S310 - the demo
    for page, count in PAGES.items():
        assert f'href="{page}"' in front, f"the front page has no link to {page}"
        urlopen(ORIGIN + page).read()  # noqa: S310 - the demo; the first view builds
        for width in HEIGHTS:
            print(look(page, width, count))
    with chromium(1, 1280, 1000) as driver:
        move(driver)
        look_at_records(driver)
        said = complaints(driver)
    assert not said, said


def look(page: str, width: int, count: int) -> str:
    """Load a page, scroll through it, check what is on it, and return what was found in one line."""
    label = f"{page} at {width} px"
    with chromium(1, width, HEIGHTS[width]) as driver:
        driver.get(ORIGIN + page)
        driver.execute_async_script(SCROLL)
        save(driver, f"{page.replace('/', '')}-{width}")
        pictures = driver.execute_script("return document.images.length")
        needed = driver.execute_script("return document.documentElement.scrollWidth")
        broken, shifts = driver.execute_script(BROKEN), driver.execute_script("return window.shifts")
        said = complaints(driver)
    assert pictures >= count, f"{label}: only {pictures} pictures"
    assert not broken, f"{label}: broken {broken}"
    assert shifts == 0, f"{label}: layout shift of {shifts}"
    assert needed == width, f"{label}: needs {needed} px"
    assert not said, f"{label}: {said}"
    return f"{label}: {pictures} pictures; no shift, no 404"


def move(driver: Chrome) -> None:
    """Sign in, click another point into a picture, save it, and check that the page shows another crop."""
    driver.get(f"{ORIGIN}/focal/")
    before = one(driver, CROP).get_property("currentSrc")
    one(driver, "#person-1 figcaption a").click()
    for name in ("username", "password"):
        one(driver, f"[name={name}]").send_keys("demo")
    one(driver, "[type=submit]").click()
    shown = f"return document.querySelector('{STAGE}')?.naturalWidth"
    wait(driver, lambda: driver.execute_script(shown))
    picture = one(driver, STAGE)
    right, down = (round(0.3 * picture.rect[side]) for side in ("width", "height"))
    ActionChains(driver).move_to_element_with_offset(picture, right, down).click().perform()
    save(driver, "focal-widget")
    one(driver, "[name=_save]").click()
    wait(driver, lambda: driver.find_elements(By.CSS_SELECTOR, ".messagelist .success"))
    driver.get(f"{ORIGIN}/focal/")
    point = one(driver, "#person-1 .pointed").get_attribute("style") or ""
    after = one(driver, CROP).get_property("currentSrc")
    save(driver, "focal-moved")
    # A click is at a whole px.
    assert all(abs(float(side) - 80) < 1 for side in re.findall(r"[\d.]+(?=%)", point)), point
    assert before != after, f"the crop has stayed: {after}"
    assert not driver.execute_script(BROKEN)
    print("The point was moved by a click in the admin, and the crop has followed")


def look_at_records(driver: Chrome) -> None:
    """Check that the admin has a preview of each record that is built."""
    driver.get(f"{ORIGIN}/admin/responsive_img/picture/?state__exact=ready")
    driver.execute_async_script(SCROLL)
    previews = driver.find_elements(By.CSS_SELECTOR, "img.responsive-img-preview")
    save(driver, "records")
    assert len(previews) >= 28, f"only {len(previews)} previews"
    assert not driver.execute_script(BROKEN)
    print(f"The records in the admin: {len(previews)} previews, no 404")


def one(driver: Chrome, selector: str) -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, selector)


def wait(driver: Chrome, condition: Callable[[], object]) -> None:
    WebDriverWait(driver, PATIENCE).until(lambda _: condition())


def save(driver: Chrome, name: str) -> None:
    driver.save_screenshot(str(FOLDER / f"{name}.png"))


def complaints(driver: Chrome) -> list[str]:
    """Return what the browser did not get, and what its console says."""
    return failures(messages(driver)) + [entry["message"] for entry in driver.get_log("browser")]


main()
