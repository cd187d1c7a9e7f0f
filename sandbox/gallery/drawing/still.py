"""Still life: fruit on a table, a sea of paper."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw

from sandbox.gallery.drawing.canvas import (
    BICUBIC,
    Line,
    Point,
    below,
    both,
    curve,
    dots,
    emboss,
    gradient,
    levels,
    mix,
    moved,
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
)
from sandbox.gallery.drawing.scenery import WIDE

SKINS = {
    "orange": ("#7a2c02", "#d9640a", "#ff9a1f", "#ffc866"),
    "apple": ("#3d0508", "#a30f16", "#e03a30", "#ff9a7a"),
    "lemon": ("#7a5c04", "#d9ac0c", "#ffdf3a", "#fff6a8"),
    "peach": ("#7a2a1c", "#e0703f", "#ffb06a", "#ffe0a8"),
    "grape": ("#14061f", "#3a1450", "#6b3a8a", "#a98ac8"),
}


def fruit(rng: Random) -> Image.Image:
    image = gradient(WIDE, "#2a4a4a", (0.4, "#3f6663"), (0.58, "#2f4f4d"), "#1f3636")
    shine(image, "#e8d9a8", spot(WIDE, (700, 300), (1700, 1200), 1.6), 0.55)
    lights = [
        (rng.uniform(0, 3000), rng.uniform(0, 1000), rng.uniform(40, 130), rng.randint(20, 70))
        for _ in range(26)
    ]
    shine(image, "#ffe9b0", soft(dots(WIDE, lights), 9), 0.6)
    table = toned(
        noise((3000, 820), rng, (3, 60), 6, 0.6), "#5a3418", (0.4, "#8a5526"), (0.7, "#b07a3c"), "#d0a060"
    )
    tint(table, "#c9b08a", "#fff2dc")
    pen = ImageDraw.Draw(table)
    for y in (70, 210, 440):
        pen.line((0, y, 3000, y), fill="#3a2010", width=5 + y // 80)
    image.paste(table, (0, 1180))
    shine(image, "#ffe2ad", spot(WIDE, (800, 1450), (1500, 420), 1.4), 0.4)
    shade(image, "#1c0d08", spot(WIDE, (1740, 1650), (950, 170), 0.8), 0.85)
    paint(image, "#274a63", polygons(WIDE, oval((1560, 1210), 760, 170)))
    for x, y, radius, kind in (
        (1160, 980, 215, "orange"),
        (1560, 900, 225, "apple"),
        (1960, 975, 215, "orange"),
        (1330, 1080, 200, "lemon"),
        (1720, 1085, 205, "peach"),
    ):
        globe(image, rng, (x, y), radius, kind)
    bowl(image, rng, (1560, 1230), 760)
    for x, y, radius, kind in (
        (560, 1560, 235, "orange"),
        (2480, 1600, 240, "apple"),
        (2860, 1480, 190, "lemon"),
    ):
        cast(image, (x, y), radius)
        globe(image, rng, (x, y), radius, kind)
    half_orange(image, rng, (1010, 1720), 210)
    for _ in range(40):
        grape = (1960 + rng.gauss(0, 150), 1735 - abs(rng.gauss(0, 55)))
        cast(image, grape, 52)
        globe(image, rng, grape, rng.uniform(46, 58), "grape")
    vignette(image, 0.4)
    return image


def outline(kind: str, at: float) -> float:
    """Return how far a fruit of radius 1 reaches in a direction (radians)."""
    if kind == "lemon":
        along = abs(math.cos(at - 0.35))
        return 0.86 + 0.34 * along**9 + 0.06 * along
    if kind in {"apple", "peach"}:
        return 1 - 0.1 * max(0.0, -math.sin(at)) ** 14 + 0.02 * math.cos(2 * at)
    return 1


def globe(image: Image.Image, rng: Random, centre: Point, radius: float, kind: str) -> None:
    """Paint a round fruit, lit from the upper left."""
    with patch(image, centre, radius * 1.3) as part:
        middle, size = part.width / 2, part.size

        def at(x: float, y: float) -> Point:
            return middle + x * radius, middle + y * radius

        skin = toned(levels(spot(size, at(-0.35, -0.4), radius * 1.75, 0.9), 0.05, 0.95), *SKINS[kind])
        if kind in {"orange", "lemon"}:
            emboss(skin, relief(noise(size, rng, (34, 34), 3, 0.7), (2, 2), 3), None, 0.22)
        if kind in {"apple", "peach"}:
            blush = both(
                levels(noise(size, rng, (14, 3), 4, 0.6), 0.45, 0.85),
                levels(spot(size, at(0.2, 0), radius), 0, 0.7),
            )
            paint(skin, "#ffd36b" if kind == "apple" else "#d43f2a", blush, 0.4)
        shine(skin, "#fff8e8", spot(size, at(-0.38, -0.45), (radius * 0.34, radius * 0.24), 1.4), 0.75)
        shine(skin, "#ffb870", spot(size, at(0.5, 0.78), radius * 0.5, 1.6), 0.3)
        angles = [step / 72 * math.tau for step in range(72)]
        edge = [
            at(outline(kind, angle) * math.cos(angle), outline(kind, angle) * math.sin(angle))
            for angle in angles
        ]
        part.paste(skin, None, polygons(size, edge))
        if kind in {"apple", "peach"}:
            dimple = polygons(size, [at(-0.2, -0.86), at(0.2, -0.86), at(0, -0.74)])
            paint(part, "#2a1408", soft(dimple, radius * 0.05), 0.8)
            stalk = curve(at(0, -0.82), at(0.05, -1), at(0.14, -1.18), steps=8)
            ImageDraw.Draw(part).line(stalk, fill="#4a2c12", width=round(radius * 0.06))
        if kind == "apple":
            upper, lower = (
                curve(at(0.1, -1.02), at(0.39, y), at(0.68, -1.1), steps=8) for y in (-1.22, -0.98)
            )
            paint(part, "#5f8f2a", polygons(size, [*upper, *reversed(lower)]))
        if kind == "orange":
            paint(
                part, "#4a6b1f", polygons(size, oval(at(0.1, -0.72), radius * 0.07, radius * 0.045, steps=5))
            )


def cast(image: Image.Image, centre: Point, radius: float) -> None:
    """Lay the shadow of a fruit on the table, to the lower right."""
    with patch(image, centre, radius * 2.4) as part:
        foot = (part.width / 2 + radius * 0.5, part.height / 2 + radius * 0.82)
        shade(part, "#1c0d08", spot(part.size, foot, (radius * 1.5, radius * 0.42), 0.8), 0.85)


def bowl(image: Image.Image, rng: Random, centre: Point, radius: float) -> None:
    def at(x: float, y: float) -> Point:
        return centre[0] + x * radius, centre[1] + y

    lip = curve(at(-1, -20), at(-0.7, 92), at(0, 150), at(0.7, 92), at(1, -20))
    foot = curve(
        at(1, -20), at(0.8, 250), at(0.42, 420), at(0, 450), at(-0.42, 420), at(-0.8, 250), at(-1, -20)
    )
    light = levels(spot(image.size, at(-0.4, 60), (radius * 1.7, 760)), 0.1, 0.95)
    glaze = toned(light, "#0f2436", (0.4, "#24557a"), (0.75, "#5f9ac0"), "#cfe8f5")
    emboss(
        glaze,
        relief(noise((1500, 1000), rng, (50, 30), 3), (2, 2), 2).resize(image.size, BICUBIC),
        None,
        0.08,
    )
    image.paste(glaze, None, polygons(image.size, [*lip, *foot]))
    pen = ImageDraw.Draw(image)
    pen.line(lip, fill="#d9ecf5", width=16)
    for band, (ink, width) in enumerate((("#d9ecf5", 5), ("#e8c66b", 10), ("#d9ecf5", 5))):
        inset = 6 + 4 * band
        pen.line([*moved(lip[inset:-inset], 0, 60 + 34 * band)], fill=ink, width=width)


def half_orange(image: Image.Image, rng: Random, centre: Point, radius: float) -> None:
    cast(image, (centre[0] - 10, centre[1] - 40), radius * 0.9)

    def disc(share: float) -> Line:
        return oval(centre, radius * share, radius * share * 0.62)

    for share, ink in ((1.0, "#f08a12"), (0.95, "#fff0cf"), (0.86, "#ff9d1f"), (0.84, "#ffe0b0")):
        paint(image, ink, polygons(image.size, disc(share)))
    segments = []
    for step in range(10):
        angles = [step / 10 * math.tau - 0.27 + 0.54 * turn / 8 for turn in range(9)]
        rind = [
            (centre[0] + radius * 0.8 * math.cos(a), centre[1] + radius * 0.5 * math.sin(a)) for a in angles
        ]
        heart = angles[4]
        segments.append(
            [
                (centre[0] + radius * 0.07 * math.cos(heart), centre[1] + radius * 0.045 * math.sin(heart)),
                *rind,
            ]
        )
    pulp = polygons(image.size, *segments)
    paint(image, "#ff9414", pulp)
    emboss(image, relief(noise(image.size, rng, (90, 90), 3), (3, 3), 2.5), pulp, 0.45)
    gleam = spot(image.size, (centre[0] - radius * 0.3, centre[1] - radius * 0.2), radius * 0.6, 1.5)
    shine(image, "#fff3c4", both(gleam, pulp), 0.5)


SHEETS = ("#f76f6a", "#d94f70", "#a83c78", "#743a7d", "#453a77", "#28365f", "#16284a")


def paper_sea(rng: Random) -> Image.Image:
    """Cut waves from paper; with nothing on it that a PNG packs badly."""
    image = gradient(WIDE, "#ffe0b5", (0.5, "#ffb88a"), "#ff8f7a")
    for radius, ink, strength in ((560, "#ffd9a0", 0.55), (470, "#ffe9c2", 0.55), (380, "#fff6df", 1)):
        paint(image, ink, polygons(WIDE, oval((1500, 710), radius, radius, steps=120)), strength)
    for index, ink in enumerate(SHEETS):
        level, swell = 760 + 175 * index, 70 + 10 * index
        phase, length = rng.uniform(0, math.tau), math.tau / rng.uniform(520, 860)
        line = [
            (x, level + swell * math.sin(x * length + phase) + 34 * math.sin(x * length * 2.3 + phase * 2))
            for x in range(-10, 3020, 10)
        ]
        sheet = below(WIDE, line)
        shade(image, "#4a1a3f", soft(below(WIDE, moved(line, 0, -34)), 30), 0.5)
        top, foot = mix(ink, "#ffffff", 0.12), mix(ink, "#1a1030", 0.25)
        paint(
            image,
            gradient(WIDE, top, ((level - 80) / 2000, top), (min((level + 420) / 2000, 1), foot), foot),
            sheet,
        )
        shine(image, "#ffffff", both(sheet, ImageChops.invert(below(WIDE, moved(line, 0, 7)))), 0.3)
        if index == 2:
            paper_boat(image, (2050, line[206][1] + 26), 300)
    return image


def paper_boat(image: Image.Image, foot: Point, width: float) -> None:
    def at(x: float, y: float) -> Point:
        return foot[0] + x * width, foot[1] - y * width

    hull = [at(-0.5, 0.2), at(0.5, 0.2), at(0.3, 0), at(-0.3, 0)]
    sail = [at(-0.2, 0.2), at(0, 0.55), at(0.2, 0.2)]
    folds = [at(-0.5, 0.2), at(0, 0.12), at(0.5, 0.2), at(0.3, 0), at(0, 0.06), at(-0.3, 0)]
    shade(image, "#4a1a3f", soft(polygons(image.size, moved(hull, 12, 16), moved(sail, 12, 16)), 14), 0.6)
    paint(image, "#fffaf2", polygons(image.size, hull, sail))
    paint(image, "#e8cdbf", polygons(image.size, [at(0, 0.55), at(0.2, 0.2), at(0, 0.2)], folds))
