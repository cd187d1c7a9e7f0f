"""Flowers: poppies in a meadow, cherry blossom."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageDraw

from sandbox.gallery.drawing.canvas import (
    Point,
    curve,
    dots,
    emboss,
    gradient,
    levels,
    mix,
    noise,
    paint,
    patch,
    polygons,
    relief,
    shine,
    soft,
    spot,
    vignette,
    wander,
)
from sandbox.gallery.drawing.scenery import TALL, WIDE, hill, level_at, slope, sun, tree


def poppies(rng: Random) -> Image.Image:
    image = gradient(
        WIDE, "#7fb7e6", (0.2, "#cfe6f5"), (0.36, "#fff4d6"), (0.44, "#dfe6a8"), (0.6, "#9dbb5a"), "#3f6b2a"
    )
    sun(image, (2350, 260), 60, "#ffffff", "#fff0b0", 1300)
    for index, (crest, mist) in enumerate(
        (("#a9c4c0", "#c9dcd0"), ("#8fb38a", "#b3cc98"), ("#a3bd62", "#b9cc72"))
    ):
        slope(image, hill(rng, 3000, 640 + 60 * index, 60, 2.2), crest, mist, 140)
    tree(image, rng, (640, 790), 330, ("#2f4a2a", "#4a6b34", "#7a9a48", "#a9c266"))
    meadow(image, rng)
    far = levels(spot(WIDE, (1500, 760), (4000, 260)), 0, 0.5)
    paint(image, soft(image, 3), far)
    grass(image, rng, 2080, 320)
    for x, y, radius in (
        (520, 1360, 190),
        (1180, 1560, 240),
        (1830, 1300, 205),
        (2420, 1500, 260),
        (2840, 1240, 160),
        (130, 1620, 210),
    ):
        poppy(image, rng, (x, y), radius)
    grass(image, rng, 2120, 120)
    shine(image, "#fff3b8", spot(WIDE, (2350, 260), (2300, 1500), 2), 0.4)
    vignette(image, 0.25)
    return image


def meadow(image: Image.Image, rng: Random) -> None:
    """Sow grass and far poppies, row after row towards the eye."""
    pen = ImageDraw.Draw(image)
    for step in range(2600):
        share = (step / 2600) ** 1.5
        near = 0.03 + 0.4 * share
        x, y = rng.uniform(-20, 3020), 780 + 900 * share + rng.gauss(0, 8)
        blade = mix(rng.choice(("#7d9c3f", "#93b04c", "#688a36", "#b3c463")), "#3a5f24", share)
        for _ in range(2):
            a = x + rng.gauss(0, 30 * near)
            tip = (a + rng.gauss(10, 30) * near, y - rng.uniform(60, 200) * near)
            pen.line((a, y, *tip), fill=blade, width=max(round(9 * near), 1))
        if rng.random() < 0.62:
            r, top = 62 * near * rng.uniform(0.7, 1.1), y - 170 * near
            pen.ellipse(
                (x - r, top - r * 0.55, x + r, top + r * 0.55), rng.choice(("#d7261e", "#e63a24", "#c21b1f"))
            )
            petal = (x - r * 0.8, top - r * 0.5, x + r * 0.8, top + r * 0.12)
            pen.ellipse(petal, rng.choice(("#f0553a", "#ff6f4a", "#ea3f2c")))


def grass(image: Image.Image, rng: Random, foot: float, count: int) -> None:
    for ink in ("#35591f", "#4f7a2c", "#7da043"):
        blades = []
        for _ in range(count // 3):
            x, tall, lean = rng.uniform(-50, 3050), rng.uniform(200, 700), rng.gauss(30, 110)
            tip = (x + lean, foot - tall)
            left = curve((x - 8, foot), (x - 5 + lean * 0.3, foot - tall * 0.6), tip, steps=6)
            right = curve((x + 8, foot), (x + 6 + lean * 0.3, foot - tall * 0.6), tip, steps=6)
            blades.append([*left, *reversed(right)])
        paint(image, ink, polygons(image.size, *blades), 0.95)


# Place and half size of each petal of a poppy of radius 1, and its colour; the near one last.
PETALS = (
    (0, -0.3, 0.95, 0.62, "#b3160f"),
    (-0.5, -0.02, 0.66, 0.6, "#d92a1c"),
    (0.5, -0.02, 0.66, 0.6, "#cf2218"),
    (0, 0.26, 0.86, 0.5, "#ee4a2e"),
)


def poppy(image: Image.Image, rng: Random, centre: Point, radius: float) -> None:
    x, y = centre
    stem = curve(centre, (x + radius * 0.12, y + radius * 1.5), (x - radius * 0.1, y + radius * 4), steps=10)
    ImageDraw.Draw(image).line(stem, fill="#4a7030", width=round(radius * 0.07))
    with patch(image, centre, radius * 1.5) as part:
        middle = part.width / 2

        def at(across: float, down: float) -> Point:
            return middle + across * radius, middle + down * radius

        folds = relief(noise(part.size, rng, (10, 5), 5, 0.6), (5, 4), 2)
        for across, down, wide, high, ink in PETALS:
            edge = []
            for step, swing in enumerate(wander(rng, 48, 9, 2)):
                angle = step / 48 * math.tau
                swell = 1 + 0.007 * swing * min(step, 47 - step)
                edge.append(
                    at(across + wide * math.cos(angle) * swell, down + high * math.sin(angle) * swell)
                )
            mask = polygons(part.size, edge)
            paint(part, "#4a0a08", soft(mask, radius * 0.08), 0.6)
            petal = Image.new("RGB", part.size, ink)
            shine(
                petal,
                "#ff9a6a",
                spot(part.size, at(across + 0.12, down - high * 0.6), radius * 0.8, 1.5),
                0.7,
            )
            emboss(petal, folds, None, 0.25)
            part.paste(petal, None, mask)
            paint(part, "#2a0a12", spot(part.size, at(0, -0.02), radius * 0.34, 0.9), 0.7)
        paint(part, "#1a1218", spot(part.size, at(0, -0.04), radius * 0.24, 0.4))
        paint(part, "#8fae5a", spot(part.size, at(0, -0.08), radius * 0.13, 0.3))


def cherry_blossom(rng: Random) -> Image.Image:
    image = gradient(TALL, "#7db8e8", (0.4, "#cfe4f4"), (0.62, "#fdeaf0"), "#f6d8e2")
    inks = (("#b9c6de", "#e6e4ee"), ("#c9a9c6", "#f0d3e0"), ("#e39fbd", "#f9c9da"), ("#a9c48a", "#7fa45e"))
    for index, (crest, mist) in enumerate(inks):
        line = hill(rng, 2000, 1780 + 200 * index, 110, 1.8)
        slope(image, line, crest, mist, 320)
        pen = ImageDraw.Draw(image)
        for _ in range(1300 if index in {1, 2} else 0):
            x = rng.uniform(0, 2000)
            y, radius = (
                level_at(line, x) + 10 + 190 * rng.random() ** 2,
                rng.uniform(6, 17) * (0.7 + 0.3 * index),
            )
            ink = rng.choice(("#f4b6cd", "#f9cbdc", "#ee9dbd", "#fde0ea"))
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    image = soft(image, 7)
    lights = [
        (rng.uniform(0, 2000), rng.uniform(0, 2600), rng.uniform(24, 80), rng.randint(30, 110))
        for _ in range(70)
    ]
    paint(image, "#fff5f9", soft(dots(TALL, lights), 4))
    wood = [
        *branch(rng, (2060, 300), 2.75, 1750, 56),
        *branch(rng, (2060, 1300), 3.3, 1500, 46),
        *branch(rng, (1500, -60), 2.2, 1000, 36),
        *branch(rng, (-60, 2900), -0.5, 1150, 40),
    ]
    pen = ImageDraw.Draw(image)
    for (x, y), (a, b), width in wood:
        pen.line((x, y, a, b), fill="#4a3038", width=max(round(width), 3))
        pen.ellipse((a - width / 2, b - width / 2, a + width / 2, b + width / 2), fill="#4a3038")
        pen.line((x, y - width / 4, a, b - width / 4), fill="#7d5a60", width=max(round(width / 4), 1))
    buds = [end for _, end, width in wood for _ in range(4 if width < 22 else 1)]
    rng.shuffle(buds)
    for x, y in buds:
        blossom(pen, rng, (x + rng.gauss(0, 38), y + rng.gauss(0, 34)), rng.uniform(20, 46))
    petals = [(rng.uniform(0, 2000), rng.uniform(900, 2950), rng.uniform(6, 14), 220) for _ in range(90)]
    paint(image, "#fbd0df", soft(dots(TALL, petals), 2))
    shine(image, "#fff0f5", spot(TALL, (300, 300), 1900, 1.6), 0.35)
    return image


def branch(
    rng: Random, start: Point, angle: float, length: float, width: float
) -> list[tuple[Point, Point, float]]:
    """Return the pieces of a branch and of all that grow from it: from, to, thickness."""
    bends = max(round(length / 90), 3)
    wood = []
    x, y = start
    for bend in range(bends):
        angle += rng.gauss(0, 0.14)
        thick = width * (1 - 0.8 * bend / bends)
        end = (x + math.cos(angle) * length / bends, y + math.sin(angle) * length / bends)
        wood.append(((x, y), end, thick))
        if length > 130 and rng.random() < 0.6:
            lean = rng.choice((-1, 1)) * rng.uniform(0.35, 0.95)
            wood += branch(rng, end, angle + lean, (length - 90 * bend) * rng.uniform(0.3, 0.5), thick * 0.55)
        x, y = end
    return wood


def blossom(pen: ImageDraw.ImageDraw, rng: Random, centre: Point, radius: float) -> None:
    """Draw a cherry blossom: five petals, a rosy heart, stamens."""
    x, y = centre
    turn, tilt = rng.uniform(0, math.tau), rng.uniform(0.7, 1)
    ink = rng.choice(("#fbd3e1", "#fde3ec", "#f6bcd2", "#fff0f5"))

    def disc(a: float, b: float, size: float) -> tuple[float, float, float, float]:
        return a - size, b - size * tilt, a + size, b + size * tilt

    for petal in range(5):
        angle = turn + petal * math.tau / 5
        a, b = x + math.cos(angle) * radius * 0.55, y + math.sin(angle) * radius * 0.55 * tilt
        pen.ellipse(disc(a, b, radius * 0.5), fill=ink, outline="#eeabc4")
    pen.ellipse(disc(x, y, radius * 0.24), fill="#e77fa8")
    for stamen in range(6):
        a, b = math.cos(turn + stamen) * radius * 0.45, math.sin(turn + stamen) * radius * 0.45 * tilt
        pen.line((x, y, x + a, y + b), fill="#c84d7f", width=max(round(radius * 0.05), 1))
