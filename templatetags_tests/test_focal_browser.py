"""The widget of a focal point in headless Chromium, as an editor uses it."""

from __future__ import annotations

import re
import runpy
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from responsive_img.geometry import FocalPoint, Size, crop_box
from templatetags_tests.admin_project import install
from templatetags_tests.conftest import unavailable
from templatetags_tests.images import gradient, photo
from templatetags_tests.models import Person

BROWSER = Path(__file__).parents[1] / ".ci" / "browser.py"
PATIENCE = 20  # s
VIEW, HANDLE, STAGE = (f".responsive-img-focal-{name}" for name in ("view", "handle", "stage"))
# The shape of each crop, and where the picture lies in it.
CROPS = """
return [...document.querySelectorAll(".responsive-img-focal-crop img")].map(image => {
  const box = image.getBoundingClientRect(), style = getComputedStyle(image);
  return {ratio: box.width / box.height, position: style.objectPosition, fit: style.objectFit,
          label: image.nextSibling.textContent};
});
"""


@pytest.fixture
def browser() -> Iterator[Any]:
    """Start a headless Chromium."""
    if not shutil.which("chromedriver"):
        unavailable("No Chromium")
    with runpy.run_path(str(BROWSER))["chromium"](1, 1280, 1000) as driver:
        yield driver


@pytest.fixture
def origin(transactional_db: None, settings: Any) -> Iterator[str]:
    """Serve a project with the admin, and return where."""
    install(settings)
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    server = LiveServer("127.0.0.1")
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def _signed_in(origin: str, browser: Any) -> None:
    """Sign an editor in, in a browser that was started behind the server, and so ends before it."""
    client = Client()
    client.force_login(User.objects.create_superuser("editor"))
    browser.get(f"{origin}/static/responsive_img/focal_point.css")
    name = django_settings.SESSION_COOKIE_NAME
    browser.add_cookie({"name": name, "value": client.cookies[name].value})


@pytest.fixture
def edit(origin: str, browser: Any) -> Callable[..., Person]:
    """Return a function that opens a person's form, and returns the person once the picture is shown."""

    def opened(point: object = None, orientation: int = 1) -> Person:
        content = ContentFile(photo(gradient(600, 300), orientation))
        file = default_storage.save("headshots/ada.jpg", content)
        person = Person.objects.create(name="Ada", headshot=file, headshot_point=point)
        browser.get(f"{origin}/admin/templatetags_tests/person/{person.pk}/change/")
        wait(browser, lambda: shown(browser))
        return person

    return opened


def wait(driver: Any, condition: Callable[[], object]) -> None:
    WebDriverWait(driver, PATIENCE).until(lambda _: condition())


def one(driver: Any, selector: str) -> Any:
    return driver.find_element(By.CSS_SELECTOR, selector)


def shown(driver: Any) -> bool:
    return bool(one(driver, VIEW).is_displayed())


def numbers(driver: Any) -> list[str]:
    return [point.get_property("value") for point in points(driver)]


def points(driver: Any) -> list[Any]:
    return [one(driver, f"[name=headshot_point_{side}]") for side in (0, 1)]


def save(driver: Any) -> None:
    one(driver, "[name=_save]").click()
    wait(driver, lambda: driver.find_elements(By.CSS_SELECTOR, ".messagelist .success"))


def click_at(driver: Any, x: float, y: float) -> None:
    """Click a place of the picture, in fractions of it."""
    picture = one(driver, f"{STAGE} img")
    width, height = picture.rect["width"], picture.rect["height"]
    ActionChains(driver).move_to_element_with_offset(
        picture, round((x - 0.5) * width), round((y - 0.5) * height)
    ).click().perform()


def crop_of(driver: Any, origin: str, person: Person) -> str:
    """Return the URL of the crop on the site."""
    driver.get(f"{origin}/show/{person.pk}/")
    found = re.search(r' src="([^"]+\.jpg)"', driver.page_source)
    assert found
    return found[1]


def complaints(driver: Any) -> list[str]:
    """Return what the browser had to say, such as of the policy."""
    return [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"]]


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_click_moves_the_point_and_the_crop_follows(browser, origin, edit, orientation):
    person = edit(orientation=orientation)
    assert numbers(browser) == ["", ""]

    click_at(browser, 0.25, 0.75)

    x, y = (float(number) for number in numbers(browser))
    assert [x, y] == pytest.approx([25, 75], abs=1)
    save(browser)
    person.refresh_from_db()
    assert person.headshot_point == (round(x / 100, 4), round(y / 100, 4))
    at_point = crop_of(browser, origin, person)
    person.headshot_point = None
    person.save()
    assert crop_of(browser, origin, person) != at_point
    assert complaints(browser) == []


def test_a_point_is_dragged_and_stays_within_the_picture(browser, edit):
    edit("50% 50%")
    handle = one(browser, HANDLE)
    width, height = (one(browser, f"{STAGE} img").rect[side] for side in ("width", "height"))

    ActionChains(browser).click_and_hold(handle).move_by_offset(round(width * 0.2), 0).perform()
    assert [float(number) for number in numbers(browser)] == pytest.approx([70, 50], abs=1)
    ActionChains(browser).move_by_offset(round(width * 0.6), round(height * -0.8)).release().perform()
    assert numbers(browser) == ["100", "0"]
    # Released, it stays.
    ActionChains(browser).move_by_offset(-200, 100).perform()
    assert numbers(browser) == ["100", "0"]


def test_the_keyboard_moves_it(browser, edit):
    person = edit("50% 50%")
    one(browser, "[name=headshot_point_1]").click()

    keys = ActionChains(browser).send_keys(Keys.TAB, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    keys.key_down(Keys.SHIFT).send_keys(Keys.ARROW_LEFT, Keys.ARROW_DOWN).key_up(Keys.SHIFT).perform()

    handle = one(browser, HANDLE)
    assert browser.switch_to.active_element == handle
    assert handle.value_of_css_property("outline-style") == "solid"
    assert numbers(browser) == ["42", "59"]
    assert handle.aria_role == "slider"
    assert handle.accessible_name == "Focal point"
    assert handle.get_attribute("aria-valuetext") == "42 % from the left, 59 % from the top"
    save(browser)
    person.refresh_from_db()
    assert person.headshot_point == (0.42, 0.59)


def test_the_numbers_move_it_and_a_button_takes_it_back(browser, edit):
    person = edit()
    for side, number in enumerate(("12.5", "250")):
        one(browser, f"[name=headshot_point_{side}]").send_keys(number)
    handle = one(browser, HANDLE)
    assert handle.get_attribute("style") == "left: 12.5%; top: 100%;"

    one(browser, ".responsive-img-focal-reset").click()

    assert numbers(browser) == ["", ""]
    assert handle.get_attribute("style") == "left: 50%; top: 50%;"
    save(browser)
    person.refresh_from_db()
    assert person.headshot_point is None


@pytest.mark.parametrize("point", ["0% 0%", "30% 70%", "50% 50%", "100% 40%"])
def test_the_previews_are_what_the_engine_crops(browser, edit, settings, point):
    settings.RESPONSIVE_IMG_PRESETS = {
        "card": {"width": 300, "ratio": "1/1"},
        "whole": {"width": 300},
        "banner": {"width": 300, "ratio": "3/1"},
        "tall": {"width": 300, "height": 500},
    }
    person = edit(point)

    crops = browser.execute_script(CROPS)

    assert [crop["label"] for crop in crops] == ["card", "banner", "tall"]
    own, focal = Size(600, 300), person.headshot_point
    assert isinstance(focal, FocalPoint)
    for crop, ratio in zip(crops, (Fraction(1), Fraction(3), Fraction(3, 5)), strict=True):
        assert crop["fit"] == "cover"
        assert crop["ratio"] == pytest.approx(float(ratio), rel=0.02)
        box = crop_box(own, ratio, focal)
        # As CSS counts: the share of the room beside the box that is left of it.
        left, top = (float(part.rstrip("%")) / 100 for part in crop["position"].split())
        assert left * (own.width - box.width) == pytest.approx(box.left, abs=0.5)
        assert top * (own.height - box.height) == pytest.approx(box.top, abs=0.5)


def test_a_file_is_pointed_at_before_it_is_saved(browser, origin, tmp_path):
    file = tmp_path / "new.jpg"
    file.write_bytes(photo(gradient(600, 300), 6))
    browser.get(f"{origin}/admin/templatetags_tests/person/add/")
    assert not shown(browser)

    one(browser, "[name=headshot]").send_keys(str(file))
    wait(browser, lambda: shown(browser))
    click_at(browser, 0.9, 0.1)
    one(browser, "[name=name]").send_keys("Bob")
    save(browser)

    person = Person.objects.get()
    assert person.headshot_point == pytest.approx((0.9, 0.1), abs=0.01)
    assert complaints(browser) == []


def test_another_file_starts_without_the_point_of_the_one_before(browser, edit, tmp_path):
    edit("10% 10%")
    before = one(browser, f"{STAGE} img").get_property("src")
    file = tmp_path / "new.png"
    file.write_bytes(photo(gradient(300, 300)))

    one(browser, "[name=headshot]").send_keys(str(file))

    wait(browser, lambda: one(browser, f"{STAGE} img").get_property("src") != before)
    assert numbers(browser) == ["", ""]
    # Taken back, it leaves the picture and its point as they were.
    click_at(browser, 0.5, 0.9)
    one(browser, "[name=headshot]").clear()
    wait(browser, lambda: one(browser, f"{STAGE} img").get_property("src") == before)
    assert numbers(browser) == ["10", "10"]


def test_a_point_that_must_not_be_changed_stays(browser, edit):
    edit("10% 10%")
    browser.execute_script("for (const input of arguments) input.disabled = true;", *points(browser))

    click_at(browser, 0.5, 0.9)
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    one(browser, ".responsive-img-focal-reset").click()

    assert numbers(browser) == ["10", "10"]


def test_what_is_no_picture_is_not_shown(browser, edit, tmp_path):
    edit("10% 10%")
    file = tmp_path / "new.txt"
    file.write_text("not a picture")

    one(browser, "[name=headshot]").send_keys(str(file))

    wait(browser, lambda: not shown(browser))
    one(browser, "[name=headshot]").clear()
    wait(browser, lambda: shown(browser))


def test_without_scripts_there_are_two_numbers(browser, edit, origin):
    person = edit("30% 70%")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.refresh()

    assert numbers(browser) == ["30", "70"]
    assert not browser.find_elements(By.CSS_SELECTOR, VIEW)
    assert "% from the left" in one(browser, ".field-headshot_point").text
    left = one(browser, "[name=headshot_point_0]")
    left.clear()
    left.send_keys("33.33")
    save(browser)

    person.refresh_from_db()
    assert person.headshot_point == (0.3333, 0.7)


# What the admin's own script does to the empty row.
ADD_ROW = """
const row = document.querySelector(".empty-form").cloneNode(true);
row.className = "added";
for (const input of row.querySelectorAll("input")) input.name = input.name.replace("__prefix__", "0");
document.querySelector("form").append(row);
for (const _ of "12") row.dispatchEvent(new CustomEvent("formset:added", {bubbles: true}));
"""


def test_a_row_that_is_added_to_a_form_has_its_own_picture(browser, origin, tmp_path):
    file = tmp_path / "new.jpg"
    file.write_bytes(photo(gradient(600, 300)))
    browser.get(f"{origin}/several/")
    assert not browser.find_elements(By.CSS_SELECTOR, VIEW)

    browser.execute_script(ADD_ROW)
    one(browser, ".added [type=file]").send_keys(str(file))

    wait(browser, lambda: shown(browser))
    assert len(browser.find_elements(By.CSS_SELECTOR, VIEW)) == 1
    click_at(browser, 0.25, 0.5)
    left = one(browser, "[name=people-of-note-0-headshot_point_0]").get_property("value")
    assert float(left) == pytest.approx(25, abs=1)
