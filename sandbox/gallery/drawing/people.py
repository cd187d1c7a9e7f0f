"""People, each far from the middle of the picture: a crop around the centre would cut them off."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from sandbox.gallery.drawing.canvas import (
    Point,
    dots,
    gradient,
    mix,
    paint,
    shine,
    soft,
    spot,
    vignette,
)
from sandbox.gallery.drawing.figures import Look, sitter
from sandbox.gallery.drawing.scenery import clouds, forest, hill, ridge, slope, sun

BROAD = (2400, 1600)
HIGH = (1600, 2400)


def in_the_garden(rng: Random) -> Image.Image:
    image = gradient(BROAD, "#dff0d0", (0.3, "#a9cf8a"), (0.6, "#6f9f56"), "#3d6636")
    for index, (crest, foot) in enumerate(
        (("#9cc48a", "#b9d8a0"), ("#7dab66", "#94bd76"), ("#5f8f4b", "#4a7a3c"))
    ):
        slope(image, hill(rng, 2400, 640 + 230 * index, 90, 1.6), crest, foot, 300)
    shine(image, "#fff6c8", soft(lights(rng, 60, (20, 90), 0, 1100), 9), 0.55)
    for ink in ("#e86a92", "#ffd166", "#f4f1de", "#c86bfa"):
        paint(image, ink, soft(lights(rng, 22, (14, 44), 1050, 1600), 6), 0.85)
    image = soft(image, 5)
    look = Look(("#7a3f24", "#c98258", "#f2bd92"), ("#3a1208", "#a8481c"), ("#1f4a6b", "#5f9fc9"), "bob", 0.5)
    sitter(image, (520, 610), 250, look)
    shine(image, "#fff3c4", spot(BROAD, (60, 0), (1500, 1300), 1.8), 0.45)
    vignette(image, 0.2)
    return image


def city_lights(rng: Random) -> Image.Image:
    image = gradient(BROAD, "#141a3a", (0.45, "#3b2a5a"), (0.75, "#7a3f5f"), "#241a2e")
    for ink in ("#ffb347", "#ff6f61", "#6ec6ff", "#ffe9a8", "#c39bff"):
        shine(image, ink, soft(lights(rng, 26, (34, 120), 0, 1300), 3), 0.5)
    look = Look(
        ("#2a130b", "#6b3a22", "#b9764a"), ("#0a0808", "#3a3030"), ("#5a1420", "#c23b46"), "short", -0.6,
        has_beard=True,
    )  # fmt: skip
    sitter(image, (1990, 640), 245, look)
    shine(image, "#ffb070", spot(BROAD, (2400, 700), (900, 1300), 1.7), 0.35)
    vignette(image, 0.35)
    return image


def among_books(rng: Random) -> Image.Image:
    image = gradient(HIGH, "#3a2416", "#22140c")
    spines = ("#8a2f2a", "#2f5a6b", "#c9963f", "#4a5a2f", "#6b3f6b", "#d9c9a0", "#2a3a5a", "#a85a2f")
    pen = ImageDraw.Draw(image)
    for shelf in range(6):
        foot, left = 400 * shelf + 390, 0.0
        while left < HIGH[0]:
            wide, tall = rng.uniform(34, 84), rng.uniform(250, 345)
            ink = rng.choice(spines)
            pen.rectangle((left, foot - tall, left + wide - 5, foot), ink)
            label = (left + 8, foot - tall + 40, left + wide - 13, foot - tall + 62)
            pen.rectangle(label, mix(ink, "#ffe9b8", 0.5))
            left += wide
        pen.rectangle((0, foot, HIGH[0], foot + 26), "#5f3c22")
    image = soft(image, 9)
    shine(image, "#ffd9a0", spot(HIGH, (1500, 200), (1500, 1500), 1.5), 0.4)
    look = Look(
        ("#8a4f3a", "#dba184", "#ffdcc4"), ("#8f8f94", "#e9e6e2"), ("#3a4a2a", "#8fa86b"), "bun", 0.4,
        has_glasses=True,
    )  # fmt: skip
    sitter(image, (520, 1740), 235, look)
    vignette(image, 0.35)
    return image


def on_the_pass(rng: Random) -> Image.Image:
    image = gradient(BROAD, "#3f7fc4", (0.35, "#9cc9ec"), (0.6, "#f4e3c9"), "#f4d9b5")
    paint(image, "#ffffff", clouds(BROAD, rng, 800, 0.5, 5), 0.8)
    sun(image, (700, 380), 60, "#fffdf0", "#ffe9b0", 900)
    for index, (crest, foot) in enumerate(
        (("#8fa9c9", "#d5dfe8"), ("#6b86a3", "#b9c6cf"), ("#4a6670", "#8fa393"), ("#3a5646", "#5f7a5a"))
    ):
        slope(image, ridge(rng, 2400, 760 + 160 * index, 260 - 50 * index, 2.5 + index), crest, foot, 420)
    paint(image, "#22402f", forest(BROAD, rng, hill(rng, 2400, 1440, 60), (120, 260), 60))
    shine(image, "#fff0cf", spot(BROAD, (700, 380), (1500, 1100), 2), 0.4)
    look = Look(
        ("#6b3520", "#b87347", "#eab083"), ("#1f140e", "#5a3c26"), ("#a8480a", "#ffa02e"), "short", -0.5
    )
    sitter(image, (2120, 1180), 120, look)
    vignette(image, 0.2)
    return image


def lights(rng: Random, count: int, radii: Point, top: float, foot: float) -> Image.Image:
    """Return a field of lamps out of focus, from `top` down to `foot`."""
    lamps = [
        (rng.uniform(0, BROAD[0]), rng.uniform(top, foot), rng.uniform(*radii), rng.randint(60, 200))
        for _ in range(count)
    ]
    return dots(BROAD, lamps)
