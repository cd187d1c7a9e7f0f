"""Light that falls into the deep: a forest in fog, a reef under water."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageDraw

from sandbox.gallery.drawing.canvas import (
    BICUBIC,
    Ink,
    Line,
    Point,
    beams,
    both,
    curve,
    dots,
    emboss,
    gradient,
    levels,
    mix,
    noise,
    oval,
    paint,
    patch,
    patches,
    polygons,
    relief,
    shade,
    shine,
    soft,
    spot,
    vignette,
    warp,
)
from sandbox.gallery.drawing.scenery import TALL, hill, level_at, ridge, rim, slope

# How many trunks stand in each row, how thick, in which colour; from far to near.
TRUNKS = (
    (26, 14, "#d3ddc6"),
    (22, 22, "#b3c4ab"),
    (16, 36, "#8aa38d"),
    (11, 60, "#5c7a6a"),
    (7, 100, "#33504a"),
    (4, 170, "#142826"),
)


def foggy_forest(rng: Random) -> Image.Image:
    image = gradient(TALL, "#dfe9d8", (0.3, "#f6f2d6"), (0.55, "#e3e6c4"), (0.8, "#8fa283"), "#3f5244")
    shine(image, "#fff4c4", spot(TALL, (1120, 900), (1200, 1500), 1.6), 0.9)
    for row, (count, thick, ink) in enumerate(TRUNKS):
        foot = 2050 + 150 * row
        wood = []
        for index in range(count):
            x = (index + rng.uniform(0.1, 0.9)) / count * 2200 - 100
            if row < 4 or not 760 < x < 1340:  # the nearest leave a clearing
                wood += trunk(rng, x, thick, foot)
        mask = polygons(TALL, *wood)
        paint(image, ink, mask)
        if row > 2:
            bark = relief(noise((1000, 1500), rng, (120, 24), 4, 0.6), (3, 1), 2).resize(TALL, BICUBIC)
            emboss(image, bark, mask, 0.35)
            shine(image, "#ffe9a8", rim(mask, -8 - 2 * row, 0, 6), 0.22)
        earth = mix(ink, "#5f7a3f", 0.35)
        slope(image, hill(rng, 2000, foot - 10, 46, 2.6), earth, earth)
        pen = ImageDraw.Draw(image)
        for _ in range(500 + 500 * row):
            x, y, tall = rng.uniform(0, 2000), foot + 10 + 160 * rng.random(), rng.uniform(8, 20) * (1 + row)
            tip = (x + rng.gauss(0, 9) * (1 + row / 2), y - tall)
            pen.line((x, y, *tip), fill=mix(earth, "#a9bf5a", rng.uniform(0.1, 0.45)), width=1 + row)
        crowns = levels(noise((500, 750), rng, (10 - row, 15 - row), 6, 0.7), 0.5, 0.58)
        canopy = levels(spot((500, 750), (250, -60), (520, 260 + 30 * row)), 0, 0.5)
        paint(image, mix(ink, "#7f9a4f", 0.3), both(crowns, canopy).resize(TALL, BICUBIC), 0.85)
        if row < 5:
            shine(image, "#e9efd2", patches(TALL, rng, (3, 7), 0.25, 0.95), 0.3 - 0.03 * row)
    rays = beams(
        TALL,
        (1120, -200),
        [(rng.uniform(1.2, 2), rng.uniform(0.008, 0.03), rng.randint(40, 130)) for _ in range(22)],
    )
    shine(image, "#fff2b8", both(rays, spot(TALL, (1120, 700), (1500, 1900), 1.1)), 0.55)
    vignette(image, 0.4)
    return image


def trunk(rng: Random, x: float, thick: float, foot: float) -> list[Line]:
    """Return the outlines of a tree that is higher than the picture, and of its branches."""
    bend = rng.gauss(0, thick / 2)
    half = ((-20, 0.42), (1400, 0.45), (foot - 200, 0.5), (foot + 60, 0.95))
    left, right = (
        curve(*[(x + side * thick * wide + (bend if y < 0 else 0), y) for y, wide in half], steps=10)
        for side in (-1, 1)
    )
    wood: list[Line] = [[*left, *reversed(right)]]
    for _ in range(5):
        y, side, long = rng.uniform(60, 1500), rng.choice((-1, 1)), thick * rng.uniform(3, 8)
        upper = curve(
            (x, y),
            (x + side * long / 2, y - long * 0.15),
            (x + side * long, y - long * rng.uniform(0.1, 0.5)),
            steps=8,
        )
        lower = [(a, b + thick * 0.12 * (1 - step / len(upper))) for step, (a, b) in enumerate(upper)]
        wood.append([*upper, *reversed(lower)])
    return wood


def coral_reef(rng: Random) -> Image.Image:
    image = gradient(TALL, "#8ff0ee", (0.08, "#3fcfe0"), (0.3, "#1487b8"), (0.65, "#0a4a80"), "#03183c")
    surface = Image.new("L", TALL)
    swell = warp(noise((1000, 500), rng, (9, 12), 5, 0.55), rng, 30, (6, 5))
    surface.paste(levels(swell, 0.5, 0.85).resize((2000, 420), BICUBIC))
    shine(image, "#eaffff", both(surface, spot(TALL, (1050, 0), (1500, 430))), 0.9)
    shine(image, "#c8fff8", spot(TALL, (1050, -100), (1200, 1500), 1.8), 0.8)
    rays = [(rng.gauss(math.pi / 2, 0.36), rng.uniform(0.004, 0.022), rng.randint(24, 80)) for _ in range(34)]
    fade = gradient(TALL, "white", (0.25, "#b0b0b0"), (0.75, "black"), "black").convert("L")
    shine(image, "#c4fff4", both(beams(TALL, (1050, -520), rays), fade), 0.85)
    for row, (ink, haze) in enumerate((("#0c4a78", 0.72), ("#083560", 0.5), ("#041f42", 0.18))):
        line = ridge(rng, 2000, 2330 + 190 * row, 150, 3 + row, 0.55)
        slope(image, line, ink, ink)
        for _ in range(26):
            x = rng.uniform(0, 2000)
            coral(
                image, rng, (x, level_at(line, x) + 40), rng.uniform(60, 120) * (0.7 + 0.5 * row), ink, haze
            )
    for _ in range(90):
        angle, far = rng.uniform(0, math.tau), rng.random() ** 0.7
        centre = (1180 + 520 * far * math.cos(angle), 1240 + 260 * far * math.sin(angle))
        fish(image, rng, centre, rng.uniform(26, 52), mix("#0a3a66", "#7fd4e8", rng.random()))
    for x, y, size, ink in (
        (520, 1730, 150, "#ff9a2e"),
        (760, 1880, 120, "#ffb84a"),
        (420, 1960, 100, "#ff7a3a"),
        (1500, 2080, 130, "#ffd24a"),
    ):
        fish(image, rng, (x, y), size, ink, stripe="#fff6e8")
    turtle(image, (760, 880), 250)
    bubbles = []
    for _ in range(110):
        left, top = rng.choice((300, 1540, 1720)) + rng.gauss(0, 50), rng.uniform(200, 2600)
        radius = 3 + 15 * rng.random() ** 2
        gleam = (left - radius * 0.35, top - radius * 0.35, radius * 0.2, 240)
        bubbles += [(left, top, radius, 150), (left, top, radius * 0.85, 40), gleam]
    shine(image, "#eaffff", soft(dots(TALL, bubbles), 1.2), 0.9)
    vignette(image)
    return image


def coral(image: Image.Image, rng: Random, foot: Point, size: float, water: Ink, haze: float) -> None:
    """Grow a fan, a bundle of tubes, or a brain, the more `haze` (0 to 1) the farther."""
    x, y = foot
    pen = ImageDraw.Draw(image)
    bright = rng.choice(("#ff5d8f", "#ff8c42", "#ffd166", "#c77dff", "#ef476f", "#f4a6c0", "#7ae582"))
    ink = mix(bright, water, haze)
    dark = mix(ink, "#02102a", 0.4)
    kind = rng.choice(("fan", "fan", "tubes", "brain"))
    if kind == "fan":
        twigs = [(foot, -math.pi / 2 + rng.gauss(0, 0.2), size * 0.45, size * 0.13)]
        while twigs:
            (a, b), angle, length, width = twigs.pop()
            end = (a + math.cos(angle) * length, b + math.sin(angle) * length)
            pen.line((a, b, *end), fill=ink, width=max(round(width), 2))
            if length > size * 0.14:
                twigs += [
                    (end, angle + lean + rng.gauss(0, 0.1), length * 0.76, width * 0.78)
                    for lean in (-0.42, 0.42)
                ]
    elif kind == "tubes":
        for tube in range(-2, 3):
            a, top = x + tube * size * 0.22, y - size * rng.uniform(0.5, 1.2)
            pen.rounded_rectangle(
                (a - size * 0.09, top, a + size * 0.09, y + size * 0.2), size * 0.08, fill=ink
            )
            pen.ellipse((a - size * 0.06, top, a + size * 0.06, top + size * 0.07), fill=dark)
    else:
        pen.ellipse((x - size / 2, y - size * 0.6, x + size / 2, y + size * 0.4), fill=ink)
        for _ in range(26):
            a, b = x + rng.gauss(0, size * 0.2), y + rng.gauss(-size * 0.15, size * 0.18)
            pen.ellipse((a - 4, b - 4, a + 4, b + 4), fill=dark)


def fish(
    image: Image.Image, rng: Random, centre: Point, length: float, ink: Ink, stripe: Ink | None = None
) -> None:
    with patch(image, centre, length * 0.8) as part:
        middle, turn = part.width / 2, rng.uniform(-0.2, 0.1)

        def at(ahead: float, down: float) -> Point:
            return (
                middle - length * (ahead * math.cos(turn) - down * math.sin(turn)),
                middle + length * (ahead * math.sin(turn) + down * math.cos(turn)),
            )

        high = 0.24 if stripe else 0.15
        sides = [step / 24 * math.tau for step in range(24)]
        body = [at(0.5 * math.cos(side), high * math.sin(side)) for side in sides]
        mask = polygons(part.size, body, [at(-0.4, 0), at(-0.7, -0.2), at(-0.62, 0), at(-0.7, 0.2)])
        if stripe:
            fins = (
                [at(0.1, -0.22), at(-0.2, -0.36), at(-0.35, -0.12)],
                [at(0.05, 0.2), at(-0.2, 0.34), at(-0.3, 0.12)],
            )
            paint(part, mix(ink, "#7a2a0a", 0.35), polygons(part.size, *fins))
        paint(part, ink, mask)
        shade(
            part, "#2a3a6b", both(mask, levels(Image.linear_gradient("L").resize(part.size), 0.45, 0.75)), 0.6
        )
        if stripe:
            bands = [
                [at(x, -0.3), at(x - 0.09, -0.3), at(x - 0.09, 0.3), at(x, 0.3)] for x in (0.3, 0.02, -0.28)
            ]
            paint(part, stripe, both(polygons(part.size, *bands), mask))
            paint(part, "#10131f", polygons(part.size, oval(at(0.39, -0.05), length * 0.03, length * 0.03)))


# Of a turtle of size 1: place, half length, half width and turn of head, flippers and legs; then its plates.
LIMBS = (
    (-0.72, -0.2, 0.2, 0.14, -0.25),
    (-0.42, 0.42, 0.46, 0.12, 1.0),
    (-0.3, -0.42, 0.34, 0.09, -1.1),
    (0.52, 0.22, 0.24, 0.08, 0.6),
    (0.56, -0.12, 0.2, 0.07, -0.5),
)
PLATES = (
    (-0.36, 0), (-0.12, -0.02), (0.12, -0.03), (0.35, -0.05), (-0.24, -0.2),
    (0, -0.22), (0.24, -0.22), (-0.24, 0.17), (0, 0.17), (0.24, 0.14),
)  # fmt: skip


def turtle(image: Image.Image, centre: Point, size: float) -> None:
    def part(x: float, y: float, across: float, down: float, tilt: float = 0) -> Line:
        return oval((centre[0] + x * size, centre[1] + y * size), across * size, down * size, tilt)

    shell = part(0, 0, 0.62, 0.4, -0.08)
    limbs = [part(*limb) for limb in LIMBS]
    paint(image, "#2f6b5c", polygons(image.size, *limbs))
    paint(image, "#4a5a2f", polygons(image.size, shell))
    scales = polygons(image.size, *[part(x, y, 0.12, 0.1) for x, y in PLATES])
    paint(image, "#8a8a3f", both(scales, polygons(image.size, shell)))
    light = spot(image.size, (centre[0] - size * 0.1, centre[1] - size * 0.35), size * 0.6, 1.2)
    shine(image, "#d8ffe0", both(light, polygons(image.size, shell, *limbs)), 0.5)
    paint(image, "#0a1414", polygons(image.size, part(-0.81, -0.24, 0.02, 0.02)))
