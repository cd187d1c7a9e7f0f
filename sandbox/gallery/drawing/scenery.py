"""What several pictures have in common: skies, hills, trees, water."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageOps

from sandbox.gallery.drawing.canvas import (
    BICUBIC,
    FLIPPED,
    Ink,
    Line,
    Point,
    Size,
    Stop,
    below,
    both,
    dots,
    emboss,
    gradient,
    ground,
    levels,
    noise,
    oval,
    paint,
    patch,
    polygons,
    shine,
    soft,
    spot,
    tint,
    wander,
)

WIDE = (3000, 2000)
TALL = (2000, 3000)


# Sky


def clouds(size: Size, rng: Random, horizon: int, cover: float = 0.5, depth: float = 6) -> Image.Image:
    """Return a mask of clouds above `horizon`: flat and dense there, large overhead."""
    half = (size[0] // 2, horizon // 2)
    sky = ground(noise(half, rng, (9, 7), 6, 0.55), half, depth).transpose(FLIPPED)
    mask = Image.new("L", size)
    mask.paste(levels(sky, 1 - cover, min(1.35 - cover, 1.0)).resize((size[0], horizon), BICUBIC))
    return mask


def stars(size: Size, rng: Random, count: int) -> Image.Image:
    """Return a field of stars: many faint, few bright, those with a halo."""
    sky = [(rng.random() * size[0], rng.random() * size[1], rng.random()) for _ in range(count)]
    twice = (size[0] * 2, size[1] * 2)
    points = dots(
        twice, [(x * 2, y * 2, 1.4 + 6 * luck**24, round(70 + 185 * luck**3)) for x, y, luck in sky]
    )
    halos = dots(size, [(x, y, 5, 255) for x, y, luck in sky if luck > 0.985])
    return ImageChops.add(points.reduce(2), soft(halos, 6))


def sun(image: Image.Image, centre: Point, radius: float, ink: Ink, halo: Ink, reach: float) -> None:
    """Put a sun or a moon in the sky, with a halo that reaches `reach` px far."""
    shine(image, halo, spot(image.size, centre, reach, 2.2), 0.9)
    shine(image, halo, spot(image.size, centre, reach * 0.4, 2.5), 0.8)
    paint(image, ink, soft(polygons(image.size, oval(centre, radius, radius)), 2))


def flock(image: Image.Image, rng: Random, centre: Point, spread: Point, count: int, ink: Ink) -> None:
    """Draw far birds: two arcs each."""
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        x, y, span = rng.gauss(centre[0], spread[0]), rng.gauss(centre[1], spread[1]), rng.uniform(12, 28)
        for side in (-span, span):
            shares = [step / 5 for step in range(6)]
            wing = [(x + side * share, y - span * 0.35 * math.sin(share * 2.5)) for share in shares]
            pen.line(wing, fill=ink, width=round(span * 0.12))


# Land


def ridge(rng: Random, width: int, level: float, height: float, cells: float = 3, gain: float = 0.5) -> Line:
    """Return the line of a mountain range around `level`, its peaks about `height` above and below."""
    swing = wander(rng, width // 4 + 2, cells, 8, gain)
    return [(index * 4, level - value * height) for index, value in enumerate(swing)]


def hill(rng: Random, width: int, level: float, height: float, cells: float = 2) -> Line:
    swing = wander(rng, width // 8 + 2, cells, 2, 0.3)
    return [(index * 8, level - value * height) for index, value in enumerate(swing)]


def level_at(line: Line, x: float) -> float:
    """Return how low a line that runs from left to right is at `x`."""
    return line[min(bisect_left(line, (x, 0)), len(line) - 1)][1]


def slope(image: Image.Image, line: Line, crest: Ink, foot: Ink, fade: float = 500) -> Image.Image:
    """Lay a range of hills over the image, `crest` fading to `foot` within `fade` px; return its mask."""
    mask = below(image.size, line)
    sheet = Image.new("RGB", image.size, foot)
    sheet.paste(gradient((image.width, round(fade)), crest, foot), (0, round(min(y for _, y in line))))
    paint(image, sheet, mask)
    return mask


# Trees


def pine(rng: Random, foot: Point, height: float) -> Line:
    """Return the outline of a fir."""
    x, y = foot
    tiers = max(int(height / 14), 7)
    sides: tuple[list[Point], list[Point]] = ([], [])
    for tier in range(1, tiers + 1):
        spread = height * 0.19 * (tier / tiers) ** 0.85
        level = y - height * (1 - tier / tiers * 0.94)
        for side, edge in zip((-spread, spread), sides, strict=True):
            edge.append((x + side * rng.uniform(0.75, 1.2), level + height * rng.uniform(0, 0.02)))
            edge.append((x + side * rng.uniform(0.35, 0.55), level - height * 0.015))
    trunk, bark = height * 0.016, y - height * 0.05
    stem = [(x + trunk, bark), (x + trunk, y), (x - trunk, y), (x - trunk, bark)]
    return [(x, y - height), *sides[1], *stem, *reversed(sides[0])]


def forest(size: Size, rng: Random, line: Line, heights: tuple[float, float], spacing: float) -> Image.Image:
    """Return the mask of firs along a line and of everything under it."""
    low, high = heights
    trees = []
    x = -spacing
    while x < size[0] + spacing:
        tall = low + (high - low) * rng.random() ** 1.6
        trees.append(pine(rng, (x, level_at(line, x) + low * 0.2), tall))
        x += spacing * rng.choice((0.3, 0.5, 0.8, 1.2, 1.9))
    return ImageChops.lighter(below(size, line), polygons(size, *trees))


def snowy_pine(image: Image.Image, rng: Random, foot: Point, height: float, ink: Ink, snow: Ink) -> None:
    half = height * 0.55
    with patch(image, (foot[0], foot[1] - height / 2), half) as part:
        mask = polygons(part.size, pine(rng, (half, half + height / 2), height))
        paint(part, ink, mask)
        paint(part, snow, both(mask, levels(noise(part.size, rng, (12, 22), 3), 0.5, 0.6)))


def crown(pen: ImageDraw.ImageDraw, rng: Random, centre: Point, radius: float, inks: Sequence[Ink]) -> None:
    """Paint the leaves of a round tree in dabs, from shadow to light."""
    x, y = centre
    for layer, ink in enumerate(inks):
        for _ in range(58):
            angle, far = rng.uniform(0, math.tau), radius * (1 - 0.13 * layer) * math.sqrt(rng.random())
            a = x + far * math.cos(angle) - radius * 0.09 * layer
            b = y + far * math.sin(angle) * 1.05 - radius * 0.1 * layer
            dab = radius * rng.uniform(0.05, 0.11)
            pen.ellipse((a - dab, b - dab, a + dab, b + dab), fill=ink)


def tree(image: Image.Image, rng: Random, foot: Point, height: float, inks: Sequence[Ink]) -> None:
    """Paint a tree that stands alone: a trunk and a crown of many crowns, the dark ones first."""
    x, y = foot
    pen = ImageDraw.Draw(image)
    trunk = height * 0.035
    pen.polygon(
        [(x - trunk, y), (x + trunk, y), (x + trunk / 2, y - height / 2), (x - trunk / 2, y - height / 2)],
        inks[0],
    )
    heads = [
        (
            (x + rng.gauss(0, height * 0.19), y - height * rng.uniform(0.45, 0.9)),
            height * rng.uniform(0.1, 0.2),
        )
        for _ in range(16)
    ]
    for shift, ink in enumerate(inks):
        for (a, b), radius in heads:
            crown(
                pen,
                rng,
                (a - radius * 0.12 * shift, b - radius * 0.12 * shift),
                radius * (1 - 0.13 * shift),
                [ink],
            )


# Water


def waves(size: Size, rng: Random, depth: float = 14, cells: Size = (60, 90)) -> Image.Image:
    """Return the swell of a sea as a field: white crests, black troughs."""
    return ground(noise(size, rng, cells, 6, 0.66), size, depth)


def water(
    image: Image.Image,
    rng: Random,
    shore: int,
    stops: Sequence[Stop],
    reach: float = 16,
    swell: float = 0.4,
    cells: Size = (40, 60),
) -> None:
    """
    Fill the image below `shore` with water that mirrors what stands above.

    Args:
        image: Painted on.
        rng: Where the randomness comes from.
        shore: Where the water begins, px from the top.
        stops: Its colours, from far to near.
        reach: How far ripples push the mirrored image aside, px.
        swell: Strength of the waves' light and shadow.
        cells: How fine the waves are.
    """
    size = (image.width, image.height - shore)
    above = (
        image.crop((0, max(shore - size[1], 0), image.width, shore)).transpose(FLIPPED).resize(size, BICUBIC)
    )
    smeared = above.resize((size[0], size[1] // 14), BICUBIC).resize(size, BICUBIC)
    above = Image.blend(above, smeared, 0.7)
    surface = above.copy()
    for top, push in zip(
        range(0, size[1], 3), wander(rng, size[1] // 3 + 1, size[1] / 60, 4, 0.8), strict=False
    ):
        strip = above.crop((0, top, size[0], min(top + 3, size[1])))
        surface.paste(strip, (round(push * reach * (0.15 + top / size[1])), top))
    tint(surface, *stops)
    emboss(surface, waves(size, rng, 11, cells), None, swell)
    image.paste(surface, (0, shore))


def glitter(image: Image.Image, rng: Random, shore: int, x: float, ink: Ink, spread: float) -> None:
    """Lay the path of a low sun or moon at `x` over the water below `shore`."""
    sea = image.crop((0, shore, *image.size))
    near = sea.width * (0.02 + spread)
    cone = [
        (x - sea.width * 0.02, 0),
        (x + sea.width * 0.02, 0),
        (x + near, sea.height),
        (x - near, sea.height),
    ]
    path = both(soft(polygons(sea.size, cone), 60), gradient(sea.size, "white", "#8c8c8c").convert("L"))
    shine(sea, ink, path, 0.25)
    shine(sea, ink, both(path, levels(waves(sea.size, rng, 16), 0.5, 0.72)))
    image.paste(sea, (0, shore))


# Edges


def rim(mask: Image.Image, across: int, down: int, blur: float = 0) -> Image.Image:
    """Return the edge of a mask on the side that (across, down) points away from."""
    inner = Image.new("L", mask.size)
    inner.paste(mask, (across, down))
    return both(mask, ImageOps.invert(soft(inner, blur) if blur else inner))
