"""Mountains, snow and sand."""

from __future__ import annotations

from random import Random

from PIL import Image

from sandbox.gallery.drawing.canvas import (
    both,
    curve,
    emboss,
    gradient,
    ground,
    levels,
    mix,
    noise,
    paint,
    patches,
    polygons,
    relief,
    shine,
    soft,
    spot,
    vignette,
    warp,
)
from sandbox.gallery.drawing.scenery import (
    WIDE,
    clouds,
    flock,
    forest,
    hill,
    ridge,
    slope,
    snowy_pine,
    sun,
)


def misty_mountains(rng: Random) -> Image.Image:
    image = gradient(WIDE, "#3d5a80", (0.22, "#8fa9c4"), (0.42, "#f6c9a0"), (0.55, "#ffe3b8"), "#ffe9cc")
    paint(image, "#fff1de", clouds(WIDE, rng, 800), 0.35)
    sun(image, (2060, 520), 90, "#fffaf0", "#ffc27a", 1300)
    crests = ("#d9a98f", "#b98a86", "#8d6f7f", "#655c76", "#434a66", "#2a3650")
    mists = ("#ffe0bb", "#fbd0ad", "#ecc0aa", "#cfaea9", "#9c93a2", "#5d6680")
    for index, (crest, mist) in enumerate(zip(crests, mists, strict=True)):
        line = ridge(rng, 3000, 800 + index * 170, 330 - index * 30, 2.2 + index * 0.4, 0.45)
        mask = slope(image, line, crest, mist, 420)
        shine(image, "#ffdcb4", both(mask, patches(WIDE, rng, (4, 9), 0.45, 0.95)), 0.16)
        if index == 1:
            shine(image, "#ff9d52", spot(WIDE, (2060, 700), (1500, 620), 2), 0.5)
    firs = forest(WIDE, rng, hill(rng, 3000, 1740, 150, 2.4), (90, 330), 30)
    paint(image, gradient(WIDE, "#1d2a40", (0.8, "#1d2a40"), "#0b121f"), firs)
    flock(image, rng, (1450, 500), (150, 60), 13, "#4d4a60")
    vignette(image)
    return image


def snow_hills(rng: Random) -> Image.Image:
    image = gradient(WIDE, "#1f5fae", (0.3, "#6fa8dc"), (0.5, "#cfe4f5"), "#ffffff")
    paint(image, "white", clouds(WIDE, rng, 900, 0.42), 0.8)
    rocky_range(image, rng)
    frost = levels(noise(WIDE, rng, (260, 320), 2), 0.52, 0.75)
    for index in range(4):
        line = hill(rng, 3000, 1050 + index * 230, 110 + 20 * index, 1.6 + 0.3 * index)
        firs = forest(WIDE, rng, line, (36 + 44 * index, 90 + 85 * index), 30 + 20 * index)
        firs = both(firs, patches(WIDE, rng, (7, 5), 0.42, 0.46, 3))
        paint(image, mix("#7f9dbd", "#16324a", index / 3), firs)
        paint(image, "#f4f9ff", both(firs, frost), 0.85)
        mask = slope(image, [(x, y + 6) for x, y in line], "#ffffff", "#8fb4de", 620)
        paint(image, "#7ea6d6", both(mask, patches(WIDE, rng, (3, 8), 0.5, 0.95)), 0.45)
    for _ in range(9):
        x, foot, tall = rng.uniform(0, 3000), rng.uniform(1780, 2060), rng.uniform(420, 720)
        shadow = [(x - 8, foot), (x + 8, foot), (x + tall * 0.95, foot + tall * 0.18)]
        paint(image, "#7fa3cf", soft(polygons(WIDE, shadow), 8), 0.6)
        snowy_pine(image, rng, (x, foot), tall, "#12293d", "#f7fbff")
    return image


def rocky_range(image: Image.Image, rng: Random) -> None:
    """Paint far mountains under snow, with bare rock on the side away from the light."""
    heights = noise(WIDE, rng, (7, 6), 7, 0.52)
    mask = slope(image, ridge(rng, 3000, 760, 380, 2.4), "#eef4fb", "#c3d6ea", 600)
    rock = both(levels(relief(heights, (5, 4), 6), 0.46, 0.3), mask, levels(heights, 0.35, 0.6))
    paint(image, "#5d6f8c", rock, 0.85)
    emboss(image, relief(heights, (10, 8), 3), mask, 0.6)
    haze = levels(gradient(WIDE, "black", "white").convert("L"), 0.4, 0.62)
    shine(image, "#dbe9f7", both(mask, haze), 0.85)


# The crest of each dune, and the foot of the lee that winds down to it from a peak; from far to near.
DUNES = (
    (((-50, 700), (500, 640), (1000, 700), (1500, 640), (2050, 560), (2500, 640), (3050, 600)), (2350, 760)),
    (((-50, 820), (500, 860), (1050, 720), (1300, 690), (1800, 830), (2400, 790), (3050, 850)), (1750, 1020)),
    (((-50, 930), (350, 830), (700, 900), (1300, 1010), (2100, 900), (2520, 800), (3050, 950)), (2900, 1250)),
    (
        ((-50, 1200), (400, 1150), (900, 930), (1130, 880), (1700, 1120), (2300, 1330), (3050, 1260)),
        (1500, 1700),
    ),
    (((-50, 1640), (500, 1690), (1200, 1800), (2000, 1560), (2450, 1480), (3050, 1560)), (2700, 2100)),
)
PEAKS = ((2050, 560), (1300, 690), (2520, 800), (1130, 880), (2450, 1480))


def dunes(rng: Random) -> Image.Image:
    image = gradient(WIDE, "#2b6cb0", (0.2, "#86b9d6"), (0.36, "#fbdcae"), "#f7b267")
    paint(image, "#fff0d8", clouds(WIDE, rng, 700, 0.42), 0.6)
    sun(image, (420, 430), 78, "#fffbe8", "#ffdf9a", 1300)
    wind = ground(noise(WIDE, rng, (18, 420), 2), (3000, 1500), 4)
    ripples = Image.new("L", WIDE, 128)
    ripples.paste(relief(warp(wind, rng, 60, (5, 3)), (2, 4), 2), (0, 500))
    for index, ((points, foot), (x, y)) in enumerate(zip(DUNES, PEAKS, strict=True)):
        near = index / 4
        crest = curve(*points)
        mask = slope(image, crest, mix("#ffdca6", "#f8ae57", near), mix("#d8935a", "#b35a20", near), 600)
        lean, fall = 0.35 * (foot[0] - x), foot[1] - y
        edge = curve((x, y), (x + lean * 1.4, y + fall * 0.3), (x - lean * 0.3, y + fall * 0.65), foot)
        lee = [*[point for point in crest if point[0] >= x], (3050, foot[1]), *reversed(edge)]
        dusk = Image.new("RGB", WIDE, mix("#c98d68", "#8a4526", near))
        shadow = gradient((3000, fall + 60), mix("#a06a5c", "#54241c", near), mix("#c98d68", "#8a4526", near))
        dusk.paste(shadow, (0, y))
        paint(image, dusk, both(polygons(WIDE, lee), mask))
        emboss(image, ripples, mask, 0.05 + 0.2 * near)
        glow = both(mask, spot(WIDE, (420, 600), (2300, 1000), 1.6))
        shine(image, "#ffc98a", glow, 0.5 - 0.1 * index)
    vignette(image)
    return image
