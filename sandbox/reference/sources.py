"""The sources that the lines of the page show, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from sandbox.sheet.drawing import disc, scene

HARBOUR = "photos/harbour.jpg"
SMALL = "photos/boat.jpg"
# Name → size, px.
DRAWN = {
    HARBOUR: (2400, 1600),
    SMALL: (300, 200),
    "photos/anchor.png": (1200, 800),
    "photos/dusk.webp": (1600, 900),
    "photos/waves.gif": (320, 180),
}
SVG, SVG_SIZE = "photos/flag.svg", (120, 80)
STATIC, STATIC_SIZE = "images/pier.jpg", (1200, 800)
# What tags call them → size, px.
ALL = {**DRAWN, SVG: SVG_SIZE, f"static:{STATIC}": STATIC_SIZE}
_FLAG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80"><rect width="120" height="80"/></svg>'
)


def write(media: Path, static: Path) -> None:
    """Draw the sources into the media folder, and one into the static files."""
    for path in (media / "photos", (static / STATIC).parent):
        path.mkdir(parents=True)
    for name, size in DRAWN.items():
        _drawn(name, size).save(media / name, **_options(name, size))
    (media / SVG).write_text(_FLAG)
    scene(STATIC_SIZE).save(static / STATIC)


def _drawn(name: str, size: tuple[int, int]) -> Image.Image:
    return disc(size) if name.endswith(".png") else scene(size)


def _options(name: str, size: tuple[int, int]) -> dict[str, Any]:
    """Return what a GIF needs to move."""
    if not name.endswith(".gif"):
        return {}
    return {"save_all": True, "append_images": [Image.new("RGB", size, "navy")], "duration": 500}
