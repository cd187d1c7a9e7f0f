"""The sea: a sunset, a beach from above, a lighthouse."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops

from sandbox.gallery.drawing.canvas import (
    BICUBIC,
    Point,
    below,
    both,
    box,
    curve,
    emboss,
    gradient,
    levels,
    moved,
    noise,
    oval,
    paint,
    patch,
    polygons,
    relief,
    rough,
    shade,
    shine,
    soft,
    spot,
    toned,
    vignette,
)
from sandbox.gallery.drawing.scenery import WIDE, clouds, flock, glitter, ridge, stars, sun, water


def sunset_sea(rng: Random) -> Image.Image:
    shore = 1080
    image = Image.new("RGB", WIDE)
    image.paste(
        gradient((3000, shore), "#1b2a5b", (0.3, "#5b3a7e"), (0.6, "#d4526e"), (0.82, "#ff8c42"), "#ffd27a")
    )
    mask = clouds(WIDE, rng, shore, 0.56, 7)
    paint(image, gradient(WIDE, "#40305f", (0.3, "#a8466f"), (0.5, "#ffb067"), "#ffe0a3"), mask, 0.85)
    lining = both(levels(relief(mask, (0, -14), 3), 0.5, 0.85), levels(mask, 0.1, 0.6))
    shine(image, "#ffcf8a", lining, 0.7)
    sun(image, (1500, 985), 120, "#fff6d8", "#ffb14a", 1400)
    island = [(x, y + 90 * abs(x - 500) / 700) for x, y in ridge(rng, 3000, 1075, 60)]
    paint(image, "#5a2f57", below(WIDE, island), 0.9)
    water(image, rng, shore, ("#ffffff", (0.35, "#c9a3b8"), "#4a3f78"), 26, 0.55, (50, 80))
    glitter(image, rng, shore, 1500, "#ffd58a", 0.13)
    sail(image, (2230, 1130), 250)
    flock(image, rng, (900, 560), (190, 70), 9, "#3a2350")
    vignette(image, 0.35)
    return image


def sail(image: Image.Image, foot: Point, height: float) -> None:
    def at(x: float, y: float) -> Point:
        return foot[0] + x * height, foot[1] - y * height

    main = [*curve(at(0.02, 1), at(0.26, 0.45), at(0.42, 0.12)), at(0.02, 0.12)]
    jib = [*curve(at(-0.02, 0.93), at(-0.13, 0.5), at(-0.34, 0.1)), at(-0.02, 0.1)]
    hull = [at(-0.4, 0.07), at(0.48, 0.07), at(0.36, -0.04), at(-0.28, -0.04)]
    mast = box(*at(-0.012, 1), *at(0.012, 0))
    paint(image, "#2a1838", polygons(image.size, main, jib, hull, mast))
    paint(image, "#2a1838", spot(image.size, at(0, -0.4), (height * 0.25, height * 0.4)), 0.45)


# From the deep sea to dry sand.
SEABED = (
    (0.0, "#05405f"),
    (0.22, "#0a6f8f"),
    (0.4, "#17a6b4"),
    (0.52, "#5fd3cb"),
    (0.575, "#a8ebdf"),
    (0.6, "#d9b98a"),
    (0.64, "#e9cfa2"),
    (0.75, "#f4e1bd"),
    (1.0, "#fbeed2"),
)


def aerial_beach(rng: Random) -> Image.Image:
    half = (1500, 1000)
    depth = Image.blend(
        Image.linear_gradient("L").rotate(90).resize(half, BICUBIC), noise(half, rng, (3, 2), 6, 0.45), 0.24
    )
    image = toned(depth, *SEABED).resize(WIDE, BICUBIC)
    depth = depth.resize(WIDE, BICUBIC)
    veins = ImageChops.difference(noise(WIDE, rng, (60, 40), 3), Image.new("L", WIDE, 128))
    shallow = both(levels(depth, 0.28, 0.5), levels(depth, 0.6, 0.55))
    shine(image, "#d8fff5", both(levels(veins, 0.09, 0, 1.6), shallow), 0.55)
    weed = both(levels(noise(WIDE, rng, (9, 6), 6, 0.6), 0.58, 0.72), levels(depth, 0.5, 0.35))
    shade(image, "#2b6f78", weed, 0.75)
    froth = levels(noise(WIDE, rng, (34, 24), 6, 0.65), 0.32, 0.55)
    for at, width, strength in ((0.588, 0.014, 1.0), (0.55, 0.012, 0.8), (0.5, 0.012, 0.5)):
        breaker = both(levels(depth, at - width * 1.4, at), levels(depth, at + width * 0.7, at + width * 0.3))
        paint(image, "#ffffff", ImageChops.lighter(both(breaker, froth), levels(breaker, 0.72, 1)), strength)
    emboss(image, relief(noise(WIDE, rng, (160, 110), 4, 0.6), (3, 3), 1.6), levels(depth, 0.605, 0.63), 0.3)
    dry = levels(depth, 0.68, 0.7)
    placed = 0
    while placed < 22:
        centre = (rng.randint(1500, 2900), rng.randint(60, 1940))
        if dry.getpixel(centre):
            parasol(image, rng, centre, rng.uniform(38, 54))
            placed += 1
    boat(image, (700, 640), 210)
    boat(image, (1120, 1500), 130)
    vignette(image, 0.18)
    return image


def parasol(image: Image.Image, rng: Random, centre: Point, radius: float) -> None:
    """Draw a parasol from above, with its shadow and two towels."""
    with patch(image, centre, radius * 3) as part:
        middle = part.width / 2
        edge = oval((middle, middle), radius, radius, rng.uniform(0, math.tau), 8)
        for x in (middle - radius * 1.1, middle + radius * 0.2):
            towel = box(x, middle + radius * 0.7, x + radius * 0.7, middle + radius * 2.2)
            paint(part, rng.choice(("#ffffff", "#ffd6a5", "#9bf6ff", "#ffadad")), polygons(part.size, towel))
        paint(part, "#7d5a3c", soft(polygons(part.size, moved(edge, radius * 0.7, radius * 0.55)), 2.5), 0.6)
        paint(
            part,
            rng.choice(("#e63946", "#ffb703", "#ff7f51", "#2a9d8f", "#e56b9f")),
            polygons(part.size, edge),
        )
        stripes = [[(middle, middle), edge[step], edge[step + 1]] for step in range(0, 8, 2)]
        paint(part, "#fffaf0", polygons(part.size, *stripes))


def boat(image: Image.Image, centre: Point, length: float) -> None:
    def at(x: float, y: float) -> Point:
        return centre[0] + x * length, centre[1] + y * length

    def hull(scale: float) -> list[Point]:
        side = curve((0, -0.5 * scale), (0.17 * scale, -0.1), (0.14 * scale, 0.45 * scale))
        return [*[at(x, y) for x, y in side], *[at(-x, y) for x, y in reversed(side)]]

    wake = both(
        soft(polygons(image.size, [at(0, 0), at(0.6, 3.2), at(-0.6, 3.2)]), 24),
        spot(image.size, at(0, 0.4), (length, length * 2.8)),
    )
    paint(image, "white", wake, 0.6)
    paint(image, "#063a4f", soft(polygons(image.size, moved(hull(1), length * 0.16, length * 0.16)), 8), 0.6)
    paint(image, "#fdfdfb", polygons(image.size, hull(1)))
    paint(image, "#c98d5a", polygons(image.size, hull(0.72)))
    paint(image, "#f4f1e8", polygons(image.size, box(*at(-0.07, -0.08), *at(0.07, 0.14))))


def lighthouse(rng: Random) -> Image.Image:
    shore = 1330
    image = Image.new("RGB", WIDE)
    image.paste(
        gradient((3000, shore), "#0d1b3e", (0.35, "#2b3f7a"), (0.65, "#8c5a92"), (0.85, "#ef8a76"), "#ffcf9c")
    )
    shine(image, "#fff4e0", stars(WIDE, rng, 700), 0.45)
    dusk = gradient(WIDE, "#1d2850", (0.4, "#6d4a80"), (0.66, "#ffa488"), "#ffa488")
    paint(image, dusk, clouds(WIDE, rng, shore), 0.8)
    water(image, rng, shore, ("#d8c4cc", "#39467e"), 22, 0.8, (40, 50))
    lamp = (2120, 580)
    light = polygons(WIDE, [lamp, (-200, 180), (-200, 420)], [lamp, (3400, 330), (3400, 560)])
    shine(image, "#fff0b8", both(soft(light, 10), spot(WIDE, lamp, (2300, 1500), 0.9)), 0.75)
    cliff(image, rng)
    tower(image, (2120, 1190))
    shine(image, "#ffe9a8", spot(WIDE, lamp, 420, 2.4))
    vignette(image, 0.35)
    return image


def cliff(image: Image.Image, rng: Random) -> None:
    top = curve(
        (1180, 2010),
        (1330, 1720),
        (1480, 1500),
        (1620, 1390),
        (1800, 1230),
        (1990, 1170),
        (2300, 1160),
        (2560, 1220),
        (2760, 1210),
        (3050, 1280),
    )
    edge = rough(rng, top, 26, 22, 0.7)
    foam = soft(polygons(WIDE, [*moved(edge[:100], -50, 40), (2100, 2010), (1060, 2010)]), 50)
    spray = levels(noise(WIDE, rng, (60, 110), 5, 0.7), 0.5, 0.75)
    paint(image, "#f2e9ef", both(foam, spray, below(WIDE, [(0, 1500), (3000, 1500)])), 0.9)
    rock = polygons(WIDE, [*edge, (3050, 2010)])
    paint(image, gradient(WIDE, "#4b4a5f", (0.58, "#5a5266"), (0.62, "#3a3549"), "#141627"), rock)
    emboss(image, relief(noise(WIDE, rng, (16, 9), 7, 0.6), (9, 7), 2.6), rock, 0.7)
    turf = rough(rng, moved(edge, 0, 36), 26, 30)
    paint(image, "#3f5a4a", both(rock, ImageChops.invert(polygons(WIDE, [*turf, (3050, 2010)]))), 0.9)


def tower(image: Image.Image, foot: Point) -> None:
    """Build a lighthouse 740 px high, and its keeper's house."""
    x, y = foot

    def ring(low: float, high: float) -> list[Point]:
        """Return the part of the tower between two heights, which narrows from 96 to 56 px a side."""
        wide, narrow = (96 - 40 * level / 530 for level in (low, high))
        return [(x - wide, y - low), (x + wide, y - low), (x + narrow, y - high), (x - narrow, y - high)]

    body = polygons(WIDE, ring(0, 530))
    paint(image, "#f3ece2", body)
    paint(image, "#c8373f", polygons(WIDE, ring(40, 130), ring(220, 310), ring(400, 490)))
    shadow = Image.new("L", WIDE)
    shadow.paste(
        levels(Image.linear_gradient("L").rotate(90).resize((240, 560)), 0.25, 1),
        (round(x) - 120, round(y) - 550),
    )
    shade(image, "#3a3560", both(shadow, body), 0.9)
    roof = [(x - 50, y - 670), (x + 50, y - 670), (x, y - 740)]
    posts = [box(x + side - 5, y - 674, x + side + 5, y - 540) for side in (-39, 39)]
    paint(image, "#fff3c4", polygons(WIDE, box(x - 32, y - 666, x + 32, y - 550)))
    paint(image, "#2b2a3d", polygons(WIDE, box(x - 80, y - 550, x + 80, y - 526), roof, *posts))
    paint(
        image,
        "#e9e2d8",
        polygons(WIDE, [(x + 170, y - 110), (x + 400, y - 110), (x + 400, y + 20), (x + 170, y)]),
    )
    paint(
        image,
        "#8a3b3b",
        polygons(WIDE, [(x + 145, y - 104), (x + 425, y - 104), (x + 380, y - 190), (x + 190, y - 190)]),
    )
    paint(
        image,
        "#ffd98a",
        polygons(WIDE, *[box(x + side, y - 78, x + side + 40, y - 30) for side in (210, 320)]),
    )
