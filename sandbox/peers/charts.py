"""The warm page as a chart: SVG, and the same as PNG for readers that show none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from sandbox.benchmarks import charts
from sandbox.benchmarks.rounds import ratio
from sandbox.peers.contestants import CONTESTANTS
from sandbox.peers.warm_pages import FEW

_LEFT = 275  # px
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ZOOM = 2  # px of the PNG to a px of the SVG
_PATIENCE = 60  # s


def write(pages: list[dict[str, Any]], cache: str, path: Path) -> str:
    """
    Write the chart.

    Args:
        pages: What scenario A says of a cache, for JSON.
        cache: Its name.
        path: Of the SVG. The PNG beside it is made by a browser.

    Returns:
        A line on the PNG, if there is none.
    """
    size = min(max(page["size"] for page in pages), FEW)
    shown = [page for page in pages if page["size"] == size]
    static = next(page["rounds"] for page in shown if page["contestant"] == "static")
    bars = [
        charts.Bar(page["contestant"], ratio(page["rounds"], static).median, _note(page)) for page in shown
    ]
    title = f"Warm page of {size} pictures, {cache}: time over that of hand-written markup"
    path.write_text(charts.drawn(title, sorted(bars, key=lambda bar: bar.value), left=_LEFT, form=".1f"))
    return _photographed(path)


def _note(page: dict[str, Any]) -> str:
    name = page["contestant"]
    is_unchecked = name != "static" and not CONTESTANTS[name].is_checked
    words = ["URLs unchecked"] * is_unchecked + ["not as asked for"] * bool(page["faults"])
    return ", ".join(words)


def _photographed(path: Path) -> str:
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        return "No PNG is written: there is no Chromium.\n"
    width, height = re.findall(r' (?:width|height)="(\d+)"', path.read_text())[:2]
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser,
                "--headless",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                # Chromium's own sandbox does not start for root, as whom containers run.
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                f"--force-device-scale-factor={_ZOOM}",
                f"--window-size={width},{height}",
                f"--screenshot={path.with_suffix('.png').absolute()}",
                path.absolute().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=_PATIENCE,
        )
    return ""
