"""Canyons, arches, and balloons over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageDraw

from sandbox.gallery.drawing.canvas import (
    BICUBIC,
    Ink,
    Line,
    Point,
    beams,
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
    patches,
    polygons,
    relief,
    rough,
    shade,
    shine,
    soft,
    spot,
    tint,
    toned,
    vignette,
    wander,
    warp,
)
from sandbox.gallery.drawing.scenery import TALL, WIDE, clouds, hill, ridge, rim, slope, stars, sun

# The edges of the canyon's walls at even heights, the side they stand on, their colours; from far to near.
WALLS = (
    ((1150, 1330, 1130, 1270, 1040, 1090), 1, ("#8a3f1c", "#d9762e", "#ffb862", "#ffe2a0")),
    ((900, 1120, 880, 1110, 960, 1060), -1, ("#6b2a1c", "#c4562a", "#f59a4e", "#ffd08a")),
    ((1380, 1560, 1330, 1520, 1290, 1390), 1, ("#4a1a26", "#98352c", "#dc6f38", "#ffae66")),
    ((640, 850, 590, 830, 600, 700), -1, ("#331430", "#7a2834", "#c0502f", "#f58d4e")),
    ((1680, 1840, 1620, 1800, 1640, 1700), 1, ("#1a0c24", "#451a30", "#87322c", "#d0663a")),
    ((260, 500, 240, 470, 300, 330), -1, ("#140a20", "#34142c", "#6b2530", "#b04f34")),
)


def slot_canyon(rng: Random) -> Image.Image:
    half = (1000, 1500)
    image = gradient(TALL, "#ffe9b8", "#ffcf8a")
    shine(image, "#ffffff", spot(TALL, (1060, 500), (700, 1500), 1.2), 0.9)
    column = Image.new("L", (1, 2100))
    column.putdata([round(128 + 110 * min(max(layer, -1), 1)) for layer in wander(rng, 2100, 30, 6, 0.66)])
    # Out of a larger sheet, whose corners are empty once it leans.
    strata = column.resize((1600, 2100), BICUBIC).rotate(12, BICUBIC).crop((300, 300, 1300, 1800))
    for index, (places, side, inks) in enumerate(WALLS):
        edge = curve(*[(x, -50 + 620 * step) for step, x in enumerate(places)])
        far = 2050 if side > 0 else -50
        wall = polygons(TALL, [*edge, (far, 3050), (far, -50)])
        sand = warp(strata, rng, 70, (3, 4), 30)
        depth = Image.new("L", half)
        pen = ImageDraw.Draw(depth)
        for step in range(44):
            front = [((x + side * step * 12) / 2, y / 2) for x, y in edge]
            back = (far + side * 900) / 2
            pen.polygon([*front, (back, 1525), (back, -25)], fill=255 - round(255 * (step / 44) ** 0.6))
        rock = toned(levels(Image.blend(soft(depth, 7), sand, 0.42), 0.08, 0.95), *inks)
        emboss(rock, relief(sand, (2, 3), 5), None, 0.5)
        shadow = Image.new("L", TALL)
        shadow.paste(wall, (-side * 40, 0))
        shade(image, "#3a1020", soft(shadow, 40), 0.5 - 0.04 * index)
        image.paste(rock.resize(TALL, BICUBIC), None, wall)
    light = soft(polygons(TALL, [(980, -50), (1150, -50), (1260, 2750), (860, 2750)]), 50)
    fade = gradient(TALL, "white", (0.7, "#909090"), (0.92, "black"), "black").convert("L")
    shine(image, "#fff0c8", both(light, fade, patches(TALL, rng, (4, 8), 0.1, 0.9)), 0.6)
    floor = slope(image, hill(rng, 2000, 2760, 50), "#f5b26b", "#8a4a24", 260)
    emboss(image, relief(noise(TALL, rng, (60, 140), 4, 0.6), (2, 5), 2), floor, 0.3)
    shine(image, "#fff0c8", both(floor, spot(TALL, (1080, 2790), (430, 140))), 0.8)
    vignette(image)
    return image


def milky_way(rng: Random) -> Image.Image:
    image = gradient(TALL, "#040714", (0.45, "#0c1734"), (0.72, "#2a2a55"), (0.84, "#7a4a63"), "#e08a5a")
    galaxy(image, rng)
    tint(image, "#ffffff", (0.8, "#ffffff"), "#ffd9b8")
    for index, ink in enumerate(("#5b3550", "#3a2340")):
        paint(image, ink, below(TALL, hill(rng, 2000, 2560 + 90 * index, 60)))
    outer = curve(
        (170, 3010),
        (250, 2500),
        (420, 2080),
        (760, 1860),
        (1120, 1850),
        (1420, 1990),
        (1580, 2330),
        (1690, 3010),
    )
    inner = curve(
        (640, 3010),
        (700, 2640),
        (800, 2330),
        (960, 2190),
        (1140, 2200),
        (1270, 2350),
        (1330, 2640),
        (1380, 3010),
    )
    arch = polygons(TALL, [*rough(rng, outer, 22, 16), *reversed(rough(rng, inner, 14, 16))])
    paint(image, gradient(TALL, "#1a1226", (0.62, "#2a1a2e"), (0.85, "#3d2230"), "#170d18"), arch)
    emboss(image, relief(noise(TALL, rng, (14, 34), 6, 0.6), (-8, -7), 2.6), arch, 0.6)
    shine(image, "#ff9b62", rim(arch, -14, -8, 6), 0.55)
    paint(image, "#0d0812", below(TALL, hill(rng, 2000, 2870, 40)))
    wanderer(image, (1010, 2868), 150, "#0d0812")
    shine(image, "#fff1c2", spot(TALL, (1022, 2726), 60, 1.6))
    lamp = both(beams(TALL, (1024, 2726), [(-1.12, 0.06, 255)]), spot(TALL, (1024, 2726), 1300, 1.6))
    shine(image, "#fff1c2", lamp, 0.4)
    vignette(image)
    return image


def galaxy(image: Image.Image, rng: Random) -> None:
    half = (1000, 1500)

    def leaning(field: Image.Image) -> Image.Image:
        return field.rotate(-24, BICUBIC, translate=(60, -150))

    band, core = (
        leaning(spot(half, (500, 750), (230, 1400), 1.1)),
        leaning(spot(half, (560, 640), (120, 1150), 1.3)),
    )
    clumps = noise(half, rng, (8, 11), 7, 0.58)
    glow = both(band, levels(clumps, 0.2, 0.85))
    lanes = levels(warp(noise(half, rng, (5, 7), 6, 0.55), rng, 60, (6, 8)), 0.5, 0.72)
    for ink, field, strength in (
        ("#4d6bb5", band, 0.45),
        ("#a9b8f0", glow, 0.75),
        ("#ffd9b0", both(glow, core), 1.0),
        ("#ff9ec4", both(core, levels(clumps, 0.6, 0.95)), 0.6),
    ):
        shine(image, ink, field.resize(TALL, BICUBIC), strength)
    shade(image, "#0b0b1d", both(lanes, levels(core, 0, 0.35)).resize(TALL, BICUBIC), 0.6)
    shine(image, "#ffffff", stars(TALL, rng, 3600), 0.85)
    crowd = []
    for _ in range(26000):
        x, y = rng.randrange(2000), rng.randrange(2500)
        if int(band.getpixel((x // 2, y // 2))) > rng.randrange(256):  # type: ignore[arg-type]
            crowd.append((x, y, 0.6, rng.randint(60, 255)))
    shine(image, "#e9ecff", dots(TALL, crowd), 0.8)


def wanderer(image: Image.Image, foot: Point, height: float, ink: Ink) -> None:
    x, y = foot
    unit = height / 8
    half = [(1, -6.5), (1.6, -3.8), (1.2, -3.7), (0.9, -4.6), (0.9, 0), (0.25, 0), (0, -3)]
    body = [(x + a * unit, y + b * unit) for a, b in [*half, *[(-a, b) for a, b in reversed(half)]]]
    paint(image, ink, polygons(image.size, body, oval((x, y - 7.3 * unit), unit * 0.6, unit * 0.7)))


# Where the balloons hang and how large they are; from far to near.
FLIGHT = (
    (2700, 330, 60), (1640, 940, 64), (2020, 300, 74), (380, 560, 84), (2520, 1010, 96),
    (1290, 360, 110), (860, 940, 120), (620, 260, 150), (2360, 590, 170), (1560, 700, 290),
)  # fmt: skip
SILKS = (
    ("#e63946", "#f1faee"),
    ("#8338ec", "#ff006e"),
    ("#06989a", "#f7f7f7"),
    ("#ef476f", "#ffd166"),
    ("#3a86ff", "#ffbe0b"),
    ("#ffb703", "#fb5607"),
    ("#2a9d8f", "#e9c46a"),
)


def balloons(rng: Random) -> Image.Image:
    image = gradient(WIDE, "#2f5fa8", (0.25, "#6fa3d8"), (0.5, "#ffd9b0"), (0.62, "#ffb98a"), "#ffd9b8")
    paint(image, "#fff3e0", clouds(WIDE, rng, 1250, 0.5, 5), 0.75)
    sun(image, (420, 1080), 80, "#fffbe8", "#ffd08a", 1300)
    crests = ("#d9a28a", "#c07f6a", "#a0604f", "#7d453c", "#52302f")
    mists = ("#ffd9b5", "#f2b795", "#d68f70", "#a8644e", "#6b3c36")
    for index, (crest, mist) in enumerate(zip(crests, mists, strict=True)):
        line = ridge(rng, 3000, 1290 + 120 * index, 170 - 18 * index, 3 + 0.7 * index)
        mask = slope(image, line, crest, mist, 260)
        if index > 1:
            cliffs = noise((1500, 1000), rng, (10 + 3 * index, 14), 6, 0.55)
            emboss(image, relief(cliffs, (5, 4), 2.4).resize(WIDE, BICUBIC), mask, 0.35)
    for index, (x, y, radius) in enumerate(FLIGHT):
        balloon(image, (x, y), radius, SILKS[(index * 3 + 3) % len(SILKS)])
    shine(image, "#ffcf9a", spot(WIDE, (420, 1080), (2000, 900), 2), 0.35)
    vignette(image, 0.22)
    return image


def balloon(image: Image.Image, centre: Point, radius: float, silk: Sequence[Ink]) -> None:
    with patch(image, centre, radius * 2) as part:
        middle = part.width / 2

        def at(x: float, y: float) -> Point:
            return middle + x * radius, middle + y * radius

        def seam(edge: float) -> list[Point]:
            """Return the seam at `edge` of the half width (-1 to 1), from the crown to the mouth."""
            line = []
            for step in range(33):
                y = -1 + 2.28 * step / 32
                half = math.sqrt(max(1 - y * y, 0)) if y < 0.45 else 0.893 - (y - 0.45) * 0.83
                line.append(at(edge * half, y))
            return line

        def bar(left: float, top: float, right: float, bottom: float) -> Line:
            return box(*at(left, top), *at(right, bottom))

        seams = [seam(-math.cos(step / 10 * math.pi)) for step in range(11)]
        envelope = polygons(part.size, [*seams[0], *reversed(seams[-1])])
        for gore in range(10):
            paint(part, silk[gore % 2], polygons(part.size, [*seams[gore], *reversed(seams[gore + 1])]))
        paint(part, silk[1], both(polygons(part.size, bar(-1, -0.12, 1, 0.2)), envelope), 0.9)
        flags = [[at(x / 4, -0.1), at(x / 4 + 0.125, 0.18), at(x / 4 - 0.125, 0.18)] for x in range(-4, 5)]
        paint(part, silk[0], both(polygons(part.size, *flags), envelope))
        shade(
            part,
            "#4a2a4f",
            both(levels(spot(part.size, at(-0.4, -0.35), radius * 2), 0.75, 0.2), envelope),
            0.85,
        )
        shine(part, "#fff0d0", both(spot(part.size, at(-0.45, -0.4), radius * 0.7, 1.6), envelope), 0.5)
        pen = ImageDraw.Draw(part)
        for side in (-0.12, 0.12):
            pen.line((*at(side, 1.28), *at(side, 1.5)), fill="#4a3228", width=max(round(radius * 0.014), 1))
        paint(part, "#6b4226", polygons(part.size, bar(-0.12, 1.5, 0.12, 1.68)))
        paint(part, "#8f5f3a", polygons(part.size, bar(-0.13, 1.5, 0.13, 1.54)))
