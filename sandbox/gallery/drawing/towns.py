"""Where people live: a city at dusk, a village in winter, a window in the rain."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageChops, ImageDraw

from sandbox.gallery.drawing.canvas import (
    BICUBIC,
    BILINEAR,
    Point,
    box,
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
    shine,
    soft,
    spot,
    vignette,
    wander,
)
from sandbox.gallery.drawing.scenery import (
    TALL,
    WIDE,
    clouds,
    forest,
    hill,
    level_at,
    ridge,
    rim,
    slope,
    snowy_pine,
    stars,
    sun,
    water,
)


def city(rng: Random) -> Image.Image:
    shore = 1500
    image = Image.new("RGB", WIDE)
    image.paste(
        gradient((3000, shore), "#10153d", (0.35, "#3b2c74"), (0.65, "#b14a86"), (0.85, "#ff8f6b"), "#ffd08a")
    )
    paint(image, gradient(WIDE, "#2b2560", (0.5, "#d56a8c"), "#ffb98a"), clouds(WIDE, rng, shore, 0.46), 0.65)
    shine(image, "#ffb27a", spot(WIDE, (1450, shore), (1900, 560), 1.6), 0.7)
    for row in range(3):
        skyline(image, rng, shore, row)
    water(image, rng, shore, ("#c7b7d4", "#3a3c72"), 14, 0.45, (50, 60))
    paint(image, "#0d0f26", polygons(WIDE, box(0, shore - 14, 3000, shore + 10)))
    lamps = dots(WIDE, [(x, shore - 28, 6, 255) for x in range(30, 3000, 74)])
    pen = ImageDraw.Draw(lamps)
    for x in range(30, 3000, 74):
        pen.rectangle((x - 3, shore + 14, x + 3, shore + 120), fill=90)
    shine(image, "#ffd9a0", lamps)
    shine(image, "#ffb35c", soft(lamps, 22))
    vignette(image, 0.35)
    return image


def skyline(image: Image.Image, rng: Random, shore: int, row: int) -> None:
    """Build one row of houses, row 0 is the farthest."""
    walls, panes, warnings = (Image.new("L", image.size) for _ in range(3))
    pen, window, lamp = (ImageDraw.Draw(field) for field in (walls, panes, warnings))
    x = -40
    while x < image.width:
        width = rng.randint(90, 190) + 30 * row
        middle = x + width / 2
        centre = 1 - min(abs(middle - 1500) / 1700, 0.8) * (1.0, 0.8, 0.4)[row]
        tall = (980, 860, 470)[row] * centre * rng.uniform(0.45, 1)
        top = shore - tall
        pen.rectangle((x, top, x + width, shore), fill=255)
        crown = rng.random()
        if crown < 0.3:
            pen.rectangle((x + width * 0.2, top - tall * 0.07, x + width * 0.8, top), fill=255)
        elif crown < 0.45:
            pen.polygon([(x, top), (middle, top - width * 0.6), (x + width, top)], fill=255)
        elif crown < 0.7 and row < 2:
            mast = top - tall * 0.22
            pen.rectangle((middle - 3, mast, middle + 3, top), fill=255)
            lamp.ellipse((middle - 6, mast - 6, middle + 6, mast + 6), fill=255)
        windows(window, rng, (x, round(top), x + width, shore), row)
        x += width + rng.choice((0, 0, 8, 30))
    far, near = (("#8d4a86", "#c9688a"), ("#45306f", "#77427c"), ("#181a3f", "#2b2352"))[row]
    paint(image, gradient(image.size, far, (0.5, far), (0.75, near), near), walls)
    shine(image, "#ff9d7a", rim(walls, 10, 0), 0.2)
    shine(image, "#ffd58a", panes, (0.5, 0.75, 0.95)[row])
    shine(image, "#ff9d4a", soft(panes, 14), (0.15, 0.3, 0.4)[row])
    shine(image, "#ff5a4a", warnings)
    shine(image, "#ff3b30", soft(warnings, 12), 0.9)


def windows(pen: ImageDraw.ImageDraw, rng: Random, house: tuple[int, int, int, int], row: int) -> None:
    left, top, right, bottom = house
    pitch, storey = rng.choice((14, 17, 20)) + 3 * row, rng.choice((20, 24)) + 4 * row
    busy = rng.uniform(0.15, 0.62)
    for y in range(top + 18, bottom - 24, storey):
        whole_floor = rng.random() < 0.07
        for x in range(left + 10, right - pitch + 2, pitch):
            if whole_floor or rng.random() < busy:
                pane = (x, y, x + pitch * 0.55, y + storey * 0.5)
                pen.rectangle(pane, fill=rng.choice((110, 170, 220, 255)))


# The ground of each street, the size of its houses, snow in the light and in the shadow; from far to near.
STREETS = (
    (1120, 120, "#c3d2ee", "#8ba3d0"),
    (1260, 165, "#bacbea", "#7f98c8"),
    (1450, 230, "#aec2e6", "#6f89bd"),
    (1700, 330, "#a3b9e2", "#5c76ad"),
)


def winter_village(rng: Random) -> Image.Image:
    image = gradient(WIDE, "#070d2b", (0.3, "#15295c"), (0.55, "#3f5c96"), "#8fa6cc")
    shine(image, "#ffffff", stars(WIDE, rng, 1700), 0.85)
    sun(image, (610, 420), 84, "#fdf6e0", "#9db9ee", 900)
    heights = noise(WIDE, rng, (8, 7), 7, 0.52)
    for index, (crest, mist) in enumerate((("#6d86b8", "#9fb4d8"), ("#4f6aa3", "#7f98c6"))):
        mask = slope(
            image, ridge(rng, 3000, 840 + 110 * index, 360 - 120 * index, 2.2 + index), crest, mist, 400
        )
        emboss(image, relief(heights, (9, 7), 4), mask, 0.75)
    paint(image, "#1c2f5c", forest(WIDE, rng, hill(rng, 3000, 1040, 50, 3), (50, 170), 24))
    for index, (level, tall, light, shadow) in enumerate(STREETS):
        snow = hill(rng, 3000, level, 40 + 14 * index, 1.6)
        slope(image, snow, light, shadow, 300)
        x = rng.uniform(-100, 100)
        while x < 3000:
            foot = (x, level_at(snow, x) + tall * 0.25)
            if rng.random() < 0.68:
                cottage(image, rng, foot, tall * rng.uniform(0.85, 1.15))
            else:
                snowy_pine(
                    image, rng, (x + tall / 2, foot[1]), tall * rng.uniform(1.2, 1.8), "#14284f", "#dfe9fb"
                )
            x += tall * rng.uniform(1.05, 1.6)
    flakes = [
        (rng.uniform(0, 3000), rng.uniform(0, 2000), 1.5 + 5 * rng.random() ** 3, rng.randint(90, 230))
        for _ in range(900)
    ]
    shine(image, "#ffffff", soft(dots(WIDE, flakes), 1.6), 0.8)
    vignette(image, 0.35)
    return image


def cottage(image: Image.Image, rng: Random, foot: Point, height: float) -> None:
    """Build a house with snow on its roof and light in its windows, `foot` is the left end of its ground."""
    centre = (foot[0] + height * 0.575, foot[1] - height * 0.5)
    with patch(image, centre, height * 1.5) as part:
        middle = part.width / 2
        size = part.size

        def at(x: float, y: float) -> Point:
            """Place a point of the house: x from -0.5 to 0.5 across its wall, y from the ground up."""
            return middle + x * height * 1.15, middle + (0.5 - y) * height

        shine(part, "#ffb65c", spot(size, at(0, -0.1), (height * 1.15, height * 0.55), 1.5), 0.65)
        wall = [at(-0.5, 0), at(-0.5, 0.5), at(0, 1), at(0.5, 0.5), at(0.5, 0)]
        paint(
            part,
            rng.choice(("#7a2832", "#8f4526", "#38425f", "#9c7233", "#513234", "#294f54")),
            polygons(size, wall),
        )
        paint(part, "#3a2a33", polygons(size, box(*at(0.22, 0.98), *at(0.31, 0.6))))
        roof = [at(-0.6, 0.42), at(0, 1.1), at(0.6, 0.42), at(0.6, 0.35), at(0, 0.95), at(-0.6, 0.35)]
        paint(part, "#eef4ff", polygons(size, roof, box(*at(0.2, 1.02), *at(0.33, 0.97))))
        panes = [(-0.36, 0.37, -0.12, 0.17), (0.12, 0.37, 0.36, 0.17), (-0.08, 0.72, 0.08, 0.58)]
        glass = polygons(
            size, *[box(*at(left, top), *at(right, bottom)) for left, top, right, bottom in panes]
        )
        paint(part, "#ffd477", glass)
        pen = ImageDraw.Draw(part)
        for left, top, right, bottom in panes:
            bar = max(round(height * 0.016), 1)
            pen.line((*at((left + right) / 2, top), *at((left + right) / 2, bottom)), "#7a4a2f", bar)
            pen.line((*at(left, (top + bottom) / 2), *at(right, (top + bottom) / 2)), "#7a4a2f", bar)
        shine(part, "#ff9a3c", soft(glass, height * 0.09), 0.8)
        puffs = [
            (*at(0.265 + puff * 0.04, 1.04 + puff * 0.1), height * (0.03 + 0.022 * puff), 120 - 18 * puff)
            for puff in range(5)
        ]
        paint(part, "#c9d4ec", soft(dots(size, puffs), height * 0.035))


def rain_on_window(rng: Random) -> Image.Image:
    scene = street_lights(rng)
    small = scene.resize((500, 750), BICUBIC).transpose(Image.Transpose.ROTATE_180)
    drops = [(rng.uniform(0, 2000), rng.uniform(0, 3000), 3 + 9 * rng.random() ** 2) for _ in range(1400)]
    drops += [(rng.uniform(0, 2000), rng.uniform(0, 3000), 12 + 36 * rng.random() ** 2.4) for _ in range(480)]
    wiped = Image.new("L", (1000, 1500))
    pen = ImageDraw.Draw(wiped)
    for _ in range(16):
        x, y = rng.uniform(40, 1960), rng.uniform(500, 2900)
        track = [(x + 16 * drift, y - step * y / 89) for step, drift in enumerate(wander(rng, 90, 7, 2, 0.4))]
        pen.line([(a / 2, b / 2) for a, b in track], fill=255, width=13)
        drops = [drop for drop in drops if abs(drop[0] - x) > 28 or drop[1] > y]
        drops += [(a + rng.gauss(0, 4), b, rng.uniform(3, 9)) for a, b in track[3::5]]
        drops.append((*track[0], rng.uniform(30, 44)))
    image = Image.blend(scene, Image.new("RGB", TALL, "#a9b4d8"), 0.09)
    paint(image, scene, soft(wiped, 2).resize(TALL, BICUBIC))
    # One drop in large: a lens, dark at its rim, with a gleam. The three thousand on the pane are its copies.
    size = (96, 108)
    disc = polygons(size, oval((48, 54), 46, 52))
    edge = levels(spot(size, (48, 66), (66, 76)), 0.5, -0.2)
    gleam = ImageChops.lighter(
        spot(size, (34, 28), (20, 15), 0.7), levels(spot(size, (53, 93), (34, 13)), 0, 1.8)
    )
    for x, y, radius in sorted(drops, key=lambda drop: drop[2]):
        shape = (round(2 * radius), round(2.25 * radius * rng.uniform(0.95, 1.15)))
        reach = 60 + 2.4 * radius
        left = min(max(500 - x / 4 - reach / 2, 0), 500 - reach)
        top = min(max(750 - y / 4 - reach / 2, 0), 750 - reach)
        lens = small.resize(shape, BILINEAR, (left, top, left + reach, top + reach))
        lens.paste("#070818", None, edge.resize(shape, BILINEAR))
        lens.paste("#ffffff", None, gleam.resize(shape, BILINEAR))
        image.paste(lens, (round(x - radius), round(y - radius)), disc.resize(shape, BILINEAR))
    vignette(image, 0.35)
    return image


def street_lights(rng: Random) -> Image.Image:
    """Return a street at night, out of focus: every lamp a disc."""
    image = gradient(TALL, "#0d1430", (0.45, "#2b2352"), (0.7, "#402a4a"), "#120d1f")
    lamps = ("#ff4d4d", "#ffa02e", "#ffd277", "#38c6ff", "#6f7dff", "#ff5fc8", "#4df0ad", "#fff0c4")
    for count, radii, lights, blur in (
        (11, (14, 34), (170, 255), 2),
        (9, (34, 66), (110, 210), 3),
        (4, (60, 110), (60, 120), 6),
    ):
        for ink in lamps:
            discs = [
                (rng.uniform(0, 1000), rng.gauss(800, 300), rng.uniform(*radii), rng.randint(*lights))
                for _ in range(count)
            ]
            shine(image, ink, soft(dots((1000, 1500), discs), blur).resize(TALL, BICUBIC), 0.9)
    return soft(image, 5)
