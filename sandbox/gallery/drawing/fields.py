"""Fields: lavender, tulips, wheat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageDraw

from sandbox.gallery.drawing.canvas import (
    Ink,
    Line,
    Point,
    below,
    both,
    box,
    curve,
    gradient,
    levels,
    mix,
    noise,
    paint,
    polygons,
    shade,
    shine,
    soft,
    spot,
    vignette,
)
from sandbox.gallery.drawing.scenery import WIDE, clouds, hill, ridge, slope, sun, tree


def rows(
    image: Image.Image,
    rng: Random,
    horizon: float,
    vanish: float,
    inks: Sequence[Sequence[Ink]],
    *,
    furrow: Ink,
    pitch: float,
    flowers: int,
) -> None:
    """
    Plant rows of flowers that run to a point on the horizon.

    Args:
        image: Painted on.
        rng: Where the randomness comes from.
        horizon: Where the rows end, px from the top.
        vanish: The point they run to, px from the left.
        inks: The colours of each row in turn, from shadow to light.
        furrow: The colour between the rows.
        pitch: From row to row at the foot of the image, px.
        flowers: How many, in all.
    """
    width, height = image.size
    paint(image, furrow, below(image.size, [(0, horizon), (width, horizon)]))
    plants = []
    for _ in range(flowers):
        near = 0.012 + 0.988 * rng.random() ** 1.35
        reach = round(1.1 * width / pitch / (near + 0.12)) + 1
        row, across = rng.randint(-reach, reach), rng.gauss(0, 0.2)
        x = vanish + (row + across) * pitch * near
        if -60 < x < width + 60:
            lift = (0.2 - across**2) * pitch * near * 1.4 * rng.uniform(0.2, 1)
            light = 0.86 - 3.6 * across**2 - 0.6 * across + rng.gauss(0, 0.16)
            plants.append((near, x, horizon + (height - horizon) * near - lift, row, light))
    pen = ImageDraw.Draw(image)
    for near, x, y, row, light in sorted(plants):
        palette = inks[row % len(inks)]
        radius = 1.3 + 11 * near
        flower = (x - radius * 0.7, y - radius * 1.4, x + radius * 0.7, y + radius * 1.4)
        pen.ellipse(flower, fill=palette[min(max(int(light * len(palette)), 0), len(palette) - 1)])


def lavender(rng: Random) -> Image.Image:
    horizon = 880
    image = gradient(
        WIDE, "#4a4e9c", (0.14, "#9a6fb0"), (0.28, "#f08f8a"), (0.38, "#ffc680"), (0.45, "#ffe6b0"), "#ffe6b0"
    )
    paint(
        image, gradient(WIDE, "#7a5aa6", (0.3, "#ff9f8a"), "#ffe0b0"), clouds(WIDE, rng, horizon, 0.52), 0.7
    )
    sun(image, (2180, 780), 80, "#fffbe6", "#ffc46b", 1300)
    for index, (crest, mist) in enumerate(
        (("#b58ab0", "#e8b0a8"), ("#8a6aa0", "#b98aa8"), ("#5c5088", "#7a6496"))
    ):
        slope(image, ridge(rng, 3000, 790 + 36 * index, 90 - 20 * index, 3 + index, 0.45), crest, mist, 130)
    violets = ("#2c1c5e", "#4b2f8f", "#6b45b8", "#8f63d2", "#b78ae6", "#e0b6f2")
    rows(image, rng, horizon, 1480, [violets], furrow="#3a2450", pitch=330, flowers=46000)
    shine(image, "#ffb27a", spot(WIDE, (2000, horizon), (2600, 330), 1.4), 0.75)
    tree(image, rng, (820, 905), 330, ("#1f2a2e", "#34423a", "#56603f", "#8a8048"))
    farmhouse(image, (1080, 905))
    shine(image, "#ffc07a", spot(WIDE, (2180, 800), (1900, 1100), 2.2), 0.45)
    vignette(image)
    return image


def farmhouse(image: Image.Image, foot: Point) -> None:
    x, y = foot
    paint(image, "#d8b08c", polygons(image.size, box(x, y - 76, x + 150, y)))
    gable = [(x, y), (x + 46, y), (x + 46, y - 76), (x + 23, y - 112), (x, y - 76)]
    paint(image, "#a77e78", polygons(image.size, gable))
    roof = [(x + 23, y - 116), (x + 128, y - 116), (x + 158, y - 72), (x + 48, y - 72)]
    paint(image, "#9c4a3a", polygons(image.size, roof))
    panes = [box(x + left, y - 52, x + left + 16, y - 26) for left in (15, 64, 94, 124)]
    paint(image, "#4a3550", polygons(image.size, *panes))


BEDS = (
    ("#5c0f1c", "#a3142a", "#d81f38", "#f24b4b", "#ff8a7a"),
    ("#7a5a0a", "#c98f0a", "#f2b705", "#ffd33d", "#fff09a"),
    ("#6b1f4a", "#b0356f", "#e85d9a", "#f98fbd", "#ffd0e4"),
    ("#7d8a6b", "#c8cfb4", "#eef0e2", "#ffffff", "#ffffff"),
    ("#2e1650", "#512a86", "#7a45b8", "#a273d8", "#cfb0ee"),
    ("#7a2a06", "#c24a0a", "#f2711c", "#ff9a45", "#ffc98a"),
)


def tulips(rng: Random) -> Image.Image:
    horizon = 900
    image = gradient(WIDE, "#2f7fd0", (0.3, "#8cc2ee"), (0.45, "#e3f2fb"), "#e3f2fb")
    paint(image, "#ffffff", clouds(WIDE, rng, horizon, 0.56, 5), 0.95)
    slope(image, hill(rng, 3000, 872, 16, 5), "#5f8f7a", "#86b090", 40)
    for x in range(-20, 3020, 46):
        if rng.random() < 0.7 and not 1940 < x < 2260:
            tree(image, rng, (x, 905), rng.uniform(50, 110), ("#2f5d46", "#4a7d55", "#76a567"))
    rows(image, rng, horizon, 1700, BEDS, furrow="#3f7a34", pitch=360, flowers=52000)
    shine(image, "#f2fbff", spot(WIDE, (1500, horizon), (2800, 160), 1.4), 0.55)
    windmill(image, (2100, 930), 62)
    vignette(image, 0.22)
    return image


def windmill(image: Image.Image, foot: Point, unit: float) -> None:
    def at(x: float, y: float) -> Point:
        return foot[0] + x * unit, foot[1] - y * unit

    def bar(half: float, low: float, high: float) -> Line:
        return box(*at(-half, high), *at(half, low))

    body = polygons(image.size, [at(-1.9, 0), at(1.9, 0), at(1.05, 6.2), at(-1.05, 6.2)])
    paint(image, "#7a4b36", body)
    shadow = Image.new("L", image.size)
    shadow.paste(
        Image.linear_gradient("L").rotate(90).resize((round(4 * unit), image.height)),
        (round(at(-2, 0)[0]), 0),
    )
    shade(image, "#4d2f33", both(shadow, body), 0.8)
    paint(image, "#3b3440", polygons(image.size, [at(-1.3, 6.1), at(1.3, 6.1), at(0.9, 7.3), at(-0.9, 7.3)]))
    paint(image, "#f4ead8", polygons(image.size, bar(2.6, 2.15, 2.3), bar(0.5, 0, 1.4)))
    spars, cloths = [], []
    for quarter in range(4):
        angle = quarter * math.pi / 2 + 0.5
        right, up = math.cos(angle), math.sin(angle)

        def arm(far: float, wide: float, right: float = right, up: float = up) -> Point:
            return at(right * far - up * wide, 6.6 - up * far - right * wide)

        spars.append([arm(0, -0.07), arm(5, -0.07), arm(5, 0.07), arm(0, 0.07)])
        cloths.append([arm(1, 0.1), arm(4.9, 0.1), arm(4.9, 1.0), arm(1, 1.0)])
    paint(image, "#fff8ea", polygons(image.size, *cloths), 0.85)
    paint(image, "#3a2a2a", polygons(image.size, *spars))


# Where the ears stand, how tall and how many, their straw, light and shadow; from far to near.
SHEAVES: tuple[tuple[int, int, int, Ink, Ink, Ink], ...] = (
    (1300, 150, 1100, "#e9bb55", "#f7d888", "#d9a441"),
    (1540, 290, 620, "#d69a34", "#f4c75e", "#b97f22"),
    (2000, 560, 260, "#b97a22", "#f0bd52", "#8f5a14"),
    (2680, 900, 46, "#7a4a10", "#c98a2c", "#6b3c08"),
)


def wheat(rng: Random) -> Image.Image:
    horizon = 1050
    image = gradient(WIDE, "#31508f", (0.2, "#7d9cc0"), (0.36, "#f4cf9a"), (0.52, "#ffdf9c"), "#ffdf9c")
    paint(
        image, gradient(WIDE, "#b9a7b8", (0.5, "#fff0cf"), "#fff0cf"), clouds(WIDE, rng, horizon, 0.55), 0.85
    )
    sun(image, (960, 900), 92, "#fffdf0", "#ffd27a", 1500)
    slope(image, hill(rng, 3000, 1010, 60, 2.4), "#b08a5a", "#d8ac6a", 90)
    slope(image, hill(rng, 3000, 1060, 34, 3), "#8a6a3a", "#c9983f", 60)
    field = below(WIDE, [(0, 1090), (3000, 1090)])
    paint(image, gradient(WIDE, "#e8b84f", (0.52, "#f0c25a"), (0.62, "#c98a24"), "#5a3408"), field)
    stubble = Image.new("L", WIDE)
    stubble.paste(levels(noise((3000, 500), rng, (500, 40), 3), 0.3, 0.8), (0, 1090))
    shine(image, "#ffe6a0", stubble, 0.35)
    tree(image, rng, (2330, 1090), 430, ("#3a3018", "#5a4a20", "#86702a", "#b89a44"))
    for base, tall, count, straw, light, shadow in SHEAVES:
        sheet, mask = Image.new("RGB", WIDE, straw), Image.new("L", WIDE)
        for _ in range(count):
            foot = (rng.uniform(-100, 3100), base + rng.uniform(-0.2, 0.2) * tall)
            ear(
                sheet,
                mask,
                rng,
                foot,
                tall * rng.uniform(0.75, 1.15),
                (light, mix(light, shadow, 0.4), shadow),
            )
        if base > WIDE[1]:  # so near that the lens cannot focus it
            sheet, mask = soft(sheet, 12), soft(mask, 9)
        paint(image, sheet, mask)
    shine(image, "#ffbf5c", spot(WIDE, (960, 980), (2000, 1100), 2), 0.55)
    vignette(image, 0.35)
    return image


def ear(
    sheet: Image.Image, mask: Image.Image, rng: Random, foot: Point, tall: float, inks: Sequence[Ink]
) -> None:
    """Draw one stalk of wheat with its ear on a sheet of colour, and its shape on the mask."""
    light, half_light, shadow = inks
    lean = rng.gauss(0.1, 0.08) * tall
    tip = (foot[0] + lean, foot[1] - tall)
    stalk = curve(foot, (foot[0] + lean * 0.35, foot[1] - tall * 0.55), tip, steps=6)
    width, radius = max(round(tall * 0.012), 1), tall * 0.017
    kernels = [
        (tip[0] + lean * 0.03 * place + side * radius * 1.1, tip[1] - tall * 0.03 * place, side)
        for place in range(9)
        for side in (-1, 1)
    ]
    for pen, left, right, stem in (
        (ImageDraw.Draw(sheet), half_light, light, shadow),
        (ImageDraw.Draw(mask), 255, 255, 255),
    ):
        pen.line(stalk, fill=stem, width=width)
        for x, y, side in kernels:
            ink = right if side > 0 else left
            pen.line(
                (x, y, x + side * tall * 0.03 + lean * 0.1, y - tall * 0.11),
                fill=ink,
                width=max(width // 2, 1),
            )
            pen.ellipse((x - radius, y - radius * 2.1, x + radius, y + radius * 1.3), fill=ink)
