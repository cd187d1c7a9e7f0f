"""Headless Chromium, as a visitor's browser: each time with a new profile, and so with an empty cache."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

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


@contextmanager
def chromium(density: int, width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """Start a browser whose pages are `width` × `height` CSS px and sum up their layout shifts in `shifts`."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        for flag in (*FLAGS, f"--force-device-scale-factor={density}", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            # A window has a least width; what is emulated has none.
            screen = {"width": width, "height": height, "deviceScaleFactor": density, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
            driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OBSERVE_SHIFTS})
            driver.set_script_timeout(120)
            yield driver
        finally:
            driver.quit()


def messages(driver: Chrome) -> list[dict[str, Any]]:
    """Return what the network had to say since the last call."""
    return [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]


def failures(said: list[dict[str, Any]]) -> list[str]:
    """Return what was a page asked for and did not get."""
    sent = {
        message["params"]["requestId"]: message["params"]["request"]["url"]
        for message in said
        if message["method"] == "Network.requestWillBeSent"
    }
    failed = []
    for message in said:
        about = message["params"]
        if message["method"] == "Network.responseReceived" and about["response"]["status"] >= 400:
            failed.append(f"{about['response']['status']} {about['response']['url']}")
        # What was sent before the log began is the browser's own business.
        elif message["method"] == "Network.loadingFailed" and about["requestId"] in sent:
            failed.append(f"{about['errorText']} {sent[about['requestId']]}")
    return failed
