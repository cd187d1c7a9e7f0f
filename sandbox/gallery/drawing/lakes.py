"""Still water: a lake by moonlight, a lake in autumn, an iceberg."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw

from sandbox.gallery.drawing.canvas import (
    Point,
    below,
    both,
    box,
    curve,
    dots,
    emboss,
    gradient,
    levels,
    noise,
    oval,
    paint,
    patch,
    polygons,
    relief,
    shade,
    shine,
    soft,
    spot,
    tint,
    toned,
    vignette,
    wander,
)
from sandbox.gallery.drawing.scenery import (
    WIDE,
    clouds,
    crown,
    flock,
    forest,
    glitter,
    pine,
    ridge,
    slope,
    stars,
    sun,
    water,
)


def moonlit_lake(rng: Random) -> Image.Image:
    shore = 1180
    image = Image.new("RGB", WIDE)
    image.paste(gradient((3000, shore), "#050b1f", (0.45, "#12275a"), (0.8, "#2f5288"), "#6f8fb8"))
    shine(image, "#dfe9ff", stars(WIDE, rng, 1800), 0.8)
    sun(image, (2020, 560), 170, "#f5f1dc", "#8fb0e8", 1200)
    with patch(image, (2020, 560), 170) as moon:
        maria = levels(noise(moon.size, rng, (4, 4), 5), 0.45, 0.8)
        paint(moon, "#a9a894", both(maria, polygons(moon.size, oval((170, 170), 166, 166))), 0.55)
    paint(image, "#8ea7d0", clouds(WIDE, rng, shore, 0.34), 0.35)
    inks = (("#3d5c8e", "#7592bd"), ("#294677", "#56749f"), ("#1a3058", "#304a74"), ("#0e1d3a", "#16294b"))
    for index, (crest, mist) in enumerate(inks):
        slope(image, ridge(rng, 3000, 960 + index * 60, 260 - index * 60, 2.4 + index), crest, mist, 260)
    shine(image, "#9db9e8", spot(WIDE, (2020, shore), (1500, 130), 1.4), 0.35)
    bank = [(x, 1150 + 22 * math.sin(x / 400)) for x in range(0, 3001, 20)]
    paint(image, "#081126", forest(WIDE, rng, bank, (50, 150), 26))
    water(image, rng, shore, ("#7d8fb5",), 18)
    glitter(image, rng, shore, 2020, "#e8ecff", 0.06)
    firs = ((150, 2080, 1750), (420, 2120, 1300), (-60, 2050, 1450), (2890, 2090, 1200), (650, 2140, 760))
    paint(image, "#030814", polygons(WIDE, *[pine(rng, (x, foot), tall) for x, foot, tall in firs]))
    jetty(image)
    vignette(image, 0.4)
    return image


def jetty(image: Image.Image) -> None:
    left, right = (
        curve((900, 2001), (1130, 1640), (1240, 1470)),
        curve((1420, 2001), (1380, 1640), (1360, 1470)),
    )
    paint(image, "#0a1226", polygons(image.size, [*left, *reversed(right)]))
    pen = ImageDraw.Draw(image)
    for plank in range(16):
        near = (plank / 15) ** 1.7
        y = 1475 + 525 * near
        pen.line((1240 - 340 * near, y, 1360 + 60 * near, y), fill="#2c426e", width=round(2 + 5 * near))


LEAVES = (
    ("#6b2410", "#a83a14", "#d95b1a", "#f28a2e", "#ffb95c"),
    ("#6b1014", "#a81f1f", "#d63a2a", "#f0653f", "#ff9a6b"),
    ("#7a5a08", "#b8860b", "#e0ac1a", "#f5cf45", "#fff08a"),
    ("#23401f", "#3a6128", "#5c8534", "#8fae4a", "#bfd070"),
    ("#7a3a08", "#bf6a10", "#e8952a", "#ffbd55", "#ffe09a"),
)


def autumn_lake(rng: Random) -> Image.Image:
    shore = 1080
    image = gradient(WIDE, "#3f8fd6", (0.3, "#9fcdf0"), (0.52, "#e6f2f8"), "#e6f2f8")
    paint(image, "#ffffff", clouds(WIDE, rng, shore), 0.9)
    mask = slope(image, ridge(rng, 3000, 560, 260, 2.2), "#7f93ad", "#b9c6d0", 460)
    emboss(image, relief(noise(WIDE, rng, (8, 7), 7, 0.55), (8, 6), 3.5), mask, 0.6)
    heights = levels(gradient(WIDE, "white", "black").convert("L"), 0.74, 0.84)
    snow = both(mask, heights, levels(noise(WIDE, rng, (30, 26), 5, 0.6), 0.35, 0.55))
    paint(image, "#f4f8fc", snow, 0.95)
    pen = ImageDraw.Draw(image)
    for row, radius in enumerate((70, 86, 104, 124)):
        for left in range(-60, 3080, 54 + 22 * row):
            top = (left + rng.gauss(0, 22), 880 + 62 * row + rng.gauss(0, 16))
            pen.line((*top, top[0], top[1] + radius * 1.6), fill="#3a2618", width=radius // 8)
            crown(pen, rng, top, radius * rng.uniform(0.75, 1.25), rng.choice(LEAVES))
    paint(image, "#5a4a2a", polygons(WIDE, box(0, shore - 16, 3000, shore)), 0.9)
    water(image, rng, shore, ("#e8eef2", "#6f93b2"), 14, 0.28, (40, 70))
    canoe(image, (1180, 1560), 640)
    pen = ImageDraw.Draw(image)
    for _ in range(150):
        near = rng.random()
        leaf = oval((rng.uniform(0, 3000), shore + 60 + 840 * near), 4 + 15 * near, 2 + 6 * near, steps=12)
        pen.polygon(leaf, fill=rng.choice(LEAVES)[2])
    vignette(image)
    return image


def canoe(image: Image.Image, centre: Point, length: float) -> None:
    def at(x: float, y: float) -> Point:
        return centre[0] + x * length / 2, centre[1] + y * length * 0.11

    rail = curve(at(-1, -0.9), at(-0.55, -0.05), at(0, 0.1), at(0.55, -0.05), at(1, -0.9))
    keel = curve(at(1, -0.9), at(0.72, 0.75), at(0, 1), at(-0.72, 0.75), at(-1, -0.9))
    inner = curve(at(-1, -0.9), at(-0.5, -0.42), at(0, -0.3), at(0.5, -0.42), at(1, -0.9))
    waterline = at(0, 1)[1]
    shadow = [(x, 2 * waterline - y) for x, y in [*rail, *keel]]
    paint(image, "#2a1a20", soft(polygons(image.size, shadow), 9), 0.55)
    top, bottom = at(0, -1)[1] / image.height, waterline / image.height
    paint(
        image,
        gradient(image.size, "#d63a2a", (top, "#d63a2a"), (bottom, "#7a1414"), "#7a1414"),
        polygons(image.size, [*rail, *keel]),
    )
    paint(image, "#5a3418", polygons(image.size, [*rail, *reversed(inner)]))
    pen = ImageDraw.Draw(image)
    pen.line(rail, fill="#f0c890", width=7)
    pen.line(inner, fill="#c89a62", width=5)


# The outline of the ice above the water and below it.
TIP = [
    (1010, 930), (1060, 760), (1180, 690), (1230, 520), (1360, 420), (1450, 250), (1560, 330),
    (1640, 300), (1760, 470), (1850, 500), (1930, 660), (2060, 720), (2140, 930),
]  # fmt: skip
KEEL = [
    (2260, 930), (2380, 1080), (2330, 1280), (2180, 1420), (2060, 1640), (1850, 1730), (1700, 1900),
    (1520, 1930), (1330, 1780), (1150, 1700), (1000, 1480), (830, 1330), (780, 1120), (900, 930),
]  # fmt: skip


def iceberg(rng: Random) -> Image.Image:
    level = 900
    image = gradient(WIDE, "#8fbfe0", (0.25, "#cfe6f2"), (0.45, "#f7efe6"), "#f7efe6")
    paint(image, "#ffffff", clouds(WIDE, rng, level, 0.52), 0.9)
    slope(image, ridge(rng, 3000, 850, 70, 5, 0.55), "#a9c0d4", "#e6edf2", 80)
    slope(image, ridge(rng, 3000, 876, 50, 5, 0.55), "#8fb0c8", "#d0e0ea", 80)
    image.paste(gradient((3000, 1100), "#2fa8b8", (0.15, "#12779a"), (0.5, "#074a73"), "#02203f"), (0, level))
    deep = polygons(WIDE, box(0, level, 3000, 2001))
    shafts = Image.new("L", WIDE)
    pen = ImageDraw.Draw(shafts)
    for _ in range(24):
        x, wide, lean = rng.uniform(-200, 3000), rng.uniform(20, 90), rng.uniform(200, 420)
        pen.polygon(
            [(x, level), (x + wide, level), (x + wide * 2 + lean, 2000), (x + lean, 2000)],
            rng.randint(30, 110),
        )
    fade = gradient(WIDE, "black", (0.45, "white"), (0.95, "black"), "black").convert("L")
    shine(image, "#8ff0f0", both(soft(shafts, 16), fade, deep), 0.45)
    heights = noise(WIDE, rng, (7, 7), 7, 0.55)
    image.paste(ice_above(rng, heights), None, polygons(WIDE, TIP))
    under = polygons(WIDE, KEEL)
    shine(image, "#3fd8e0", both(soft(under, 50), deep), 0.35)
    paint(image, ice_below(heights), both(under, deep), 0.93)
    line = [(index * 8, level + 9 * value) for index, value in enumerate(wander(rng, 376, 16, 4, 0.6))]
    foot = [(x, y + 20 + 8 * math.sin(x / 130)) for x, y in line]
    surface = both(below(WIDE, line), ImageChops.invert(below(WIDE, foot)))
    paint(image, "#dff8f8", surface, 0.7)
    shine(image, "#ffffff", soft(surface, 8), 0.4)
    bubbles = [
        (
            rng.uniform(0, 3000),
            rng.uniform(level + 40, 2000),
            1.5 + 4 * rng.random() ** 2,
            rng.randint(40, 130),
        )
        for _ in range(200)
    ]
    shine(image, "#c8ffff", soft(dots(WIDE, bubbles), 1.5), 0.8)
    flock(image, rng, (2480, 330), (170, 60), 8, "#4a6078")
    vignette(image, 0.25)
    return image


def ice_above(rng: Random, heights: Image.Image) -> Image.Image:
    """Return ice broken into planes, in turn in the light and in blue shadow."""
    ice = toned(heights, "#b9d9ec", "#ffffff")
    tint(ice, "#ffffff", (0.3, "#f2f8fc"), (0.46, "#a9d0e8"), "#a9d0e8")
    emboss(ice, relief(heights, (14, 8), 3.5), None, 0.75)
    for index, (start, end) in enumerate(pairwise(TIP)):
        plane = soft(polygons(WIDE, [start, end, (rng.gauss(1520, 120), rng.gauss(640, 90))]), 2)
        if index % 2:
            shade(ice, "#6fa8d0", plane, 0.6 if start[0] > 1520 else 0.3)
        else:
            shine(ice, "#ffffff", plane, 0.25)
    return ice


def ice_below(heights: Image.Image) -> Image.Image:
    ice = toned(heights, "#0f7f9f", (0.6, "#3fc0d0"), "#a9f2ee")
    tint(ice, "#ffffff", (0.45, "#f2ffff"), (0.7, "#5fa0c0"), (0.97, "#0f3f6b"), "#0f3f6b")
    emboss(ice, relief(heights, (12, 10), 3), None, 0.5)
    shade(ice, "#0f5f8f", levels(spot(WIDE, (1200, 1000), (1300, 1100)), 0.6, 0.1), 0.7)
    return ice
