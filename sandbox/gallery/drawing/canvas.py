"""
The brushes: gradients, fractal noise, light, and shapes with smooth edges, in Pillow alone.

A *field* is a greyscale image read as a height, a density or a mask; a *line* is a sequence of points, an
*outline* one that closes. Lengths are px of the finished picture, the origin is its top left corner.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, reduce
from random import Random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

Color = tuple[int, int, int]
Ink = str | Color
Stop = Ink | tuple[float, Ink]  # evenly spaced where no place from 0 to 1 is given
Point = tuple[float, float]
Line = Sequence[Point]
Size = tuple[int, int]

BICUBIC = Image.Resampling.BICUBIC
BILINEAR = Image.Resampling.BILINEAR
FLIPPED = Image.Transpose.FLIP_TOP_BOTTOM


# Colours


def rgb(ink: Ink) -> Color:
    if isinstance(ink, tuple):
        return ink
    red, green, blue = ImageColor.getrgb(ink)[:3]
    return red, green, blue


def mix(first: Ink, second: Ink, share: float) -> Color:
    """Return the first colour with `share` (0 to 1) of the second in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(rgb(first), rgb(second), strict=True))
    return red, green, blue


@cache
def ramp(*stops: Stop) -> tuple[Color, ...]:
    """Return 256 colours through the stops."""
    last = max(len(stops) - 1, 1)
    placed = [
        (float(stop[0]), rgb(stop[1])) if len(stop) == 2 else (index / last, rgb(stop))
        for index, stop in enumerate(stops)
    ]
    colors = []
    for step in range(256):
        at = step / 255
        after = next((index for index, (place, _) in enumerate(placed) if place >= at), len(placed) - 1)
        (start, one), (end, two) = placed[max(after - 1, 0)], placed[after]
        colors.append(mix(one, two, min(max((at - start) / (end - start), 0), 1) if end > start else 1))
    return tuple(colors)


def gradient(size: Size, *stops: Stop) -> Image.Image:
    """Return a picture that runs through the stops from top to bottom."""
    column = Image.new("RGB", (1, 256))
    column.putdata(ramp(*stops))
    # In two steps: bicubic would compute every one of the equal columns.
    return column.resize((1, size[1]), BICUBIC).resize(size, Image.Resampling.NEAREST)


def toned(field: Image.Image, *stops: Stop) -> Image.Image:
    """Return a field in colour: black takes the first stop, white the last."""
    colors = ramp(*stops)
    return Image.merge("RGB", [field.point([ink[band] for ink in colors]) for band in range(3)])


# Fields


def levels(field: Image.Image, low: float, high: float, gamma: float = 1) -> Image.Image:
    """Return the field with `low` to `high` spread over 0 to 1; a `high` below `low` inverts it."""
    spread = [min(max((value / 255 - low) / (high - low), 0), 1) for value in range(256)]
    return field.point([round(255 * value**gamma) for value in spread])


def both(*masks: Image.Image) -> Image.Image:
    return reduce(ImageChops.multiply, masks)


def noise(size: Size, rng: Random, cells: Size, octaves: int = 5, gain: float = 0.5) -> Image.Image:
    """
    Return a fractal field over the whole range of greys.

    Args:
        size: Of the field.
        rng: Where the randomness comes from.
        cells: Blobs of the coarsest octave across and down; uneven ones are stretched.
        octaves: Layers, each with blobs half the size of those before.
        gain: Strength of each layer, in that of the one before.
    """
    field = Image.new("L", size)
    weight, total = 1.0, 0.0
    for octave in range(octaves):
        grid = (min(cells[0] << octave, size[0]) + 3, min(cells[1] << octave, size[1]) + 3)
        layer = Image.frombytes("L", grid, rng.randbytes(grid[0] * grid[1]))
        # Without the outermost cells: bicubic has no neighbours there and smears.
        layer = layer.resize(size, BICUBIC, (1, 1, grid[0] - 1, grid[1] - 1))
        total += weight
        field = Image.blend(field, layer, weight / total)
        weight *= gain
    return ImageOps.autocontrast(field, cutoff=0.5)


def patches(size: Size, rng: Random, cells: Size, low: float, high: float, octaves: int = 4) -> Image.Image:
    """Return soft noise between two levels, made small and enlarged: a tenth of the time of sharp noise."""
    small = noise((size[0] // 4, size[1] // 4), rng, cells, octaves)
    return levels(small, low, high).resize(size, BICUBIC)


def spot(size: Size, centre: Point, radius: float | Point, gamma: float = 1) -> Image.Image:
    """Return a field that falls from white at `centre` to black at `radius` (one, or across and down)."""
    across, down = radius if isinstance(radius, tuple) else (radius, radius)
    # Pillow's gradient reaches white in the corners, 0.7 of it in the middle of the edges.
    disc = levels(Image.radial_gradient("L"), 0.69, 0, gamma)
    field = Image.new("L", size)
    disc = disc.resize((max(round(2 * across), 1), max(round(2 * down), 1)), BICUBIC)
    field.paste(disc, (round(centre[0] - across), round(centre[1] - down)))
    return field


def relief(heights: Image.Image, towards: tuple[int, int], strength: float = 4) -> Image.Image:
    """Return how light falls on a field of heights: grey on level ground, white on what faces the light."""
    beside = heights.copy()
    beside.paste(heights, towards)
    return ImageChops.subtract(heights, beside, 1 / strength, 128)


def soft(image: Image.Image, radius: float) -> Image.Image:
    """Return the image blurred; wide blurs are made on a small copy, in a tenth of the time."""
    factor = max(int(radius / 2), 1)
    if factor == 1:
        return image.filter(ImageFilter.GaussianBlur(radius))
    return image.reduce(factor).filter(ImageFilter.GaussianBlur(radius / factor)).resize(image.size, BICUBIC)


# Shapes


def box(left: float, top: float, right: float, bottom: float) -> Line:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def oval(centre: Point, across: float, down: float, tilt: float = 0, steps: int = 48) -> Line:
    """Return the outline of an ellipse, turned by `tilt` radians."""
    outline = []
    for step in range(steps):
        x, y = across * math.cos(step / steps * math.tau), down * math.sin(step / steps * math.tau)
        outline.append(
            (
                centre[0] + x * math.cos(tilt) - y * math.sin(tilt),
                centre[1] + x * math.sin(tilt) + y * math.cos(tilt),
            )
        )
    return outline


def curve(*points: Point, steps: int = 24) -> list[Point]:
    """Return a smooth line through the points (Catmull-Rom)."""

    def between(a: float, b: float, c: float, d: float, at: float) -> float:
        return 0.5 * (
            2 * b + (c - a) * at + (2 * a - 5 * b + 4 * c - d) * at**2 + (3 * (b - c) - a + d) * at**3
        )

    ends = [points[0], *points, points[-1]]
    line = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        for step in range(steps):
            at = step / steps
            line.append((between(a[0], b[0], c[0], d[0], at), between(a[1], b[1], c[1], d[1], at)))
    return [*line, points[-1]]


def moved(line: Line, across: float, down: float) -> Line:
    return [(x + across, y + down) for x, y in line]


def wander(rng: Random, count: int, cells: float, octaves: int = 6, gain: float = 0.5) -> list[float]:
    """Return `count` values that swing around 0, within about -1 to 1, `cells` times in the large."""
    values = [0.0] * count
    weight, total = 1.0, 0.0
    for octave in range(octaves):
        knots = [rng.uniform(-1, 1) for _ in range(int(cells * 2**octave) + 3)]
        for index in range(count):
            knot, share = divmod(index / count * cells * 2**octave, 1)
            share *= share * (3 - 2 * share)
            values[index] += weight * (knots[int(knot)] * (1 - share) + knots[int(knot) + 1] * share)
        total += weight
        weight *= gain
    return [value / total * 1.6 for value in values]


def rough(rng: Random, line: Line, reach: float, cells: float, gain: float = 0.6) -> Line:
    """Return the line with the edge of broken rock, `reach` px to either side."""
    swing = wander(rng, len(line), cells, 5, gain)
    return [(x + reach * turn, y + reach * turn * 0.8) for (x, y), turn in zip(line, swing, strict=True)]


def polygons(size: Size, *outlines: Line) -> Image.Image:
    """Return the mask of the outlines, drawn at twice the size so that its edges come out smooth."""
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    pen = ImageDraw.Draw(mask)
    for outline in outlines:
        pen.polygon([(x * 2, y * 2) for x, y in outline], fill=255)
    return mask.reduce(2)


def below(size: Size, line: Line) -> Image.Image:
    """Return the mask of everything under a line that runs from left to right."""
    return polygons(size, [*line, (line[-1][0], size[1] + 1), (line[0][0], size[1] + 1)])


def dots(size: Size, discs: Iterable[tuple[float, float, float, int]]) -> Image.Image:
    """Return a field of discs (x, y, radius, grey)."""
    field = Image.new("L", size)
    pen = ImageDraw.Draw(field)
    for x, y, radius, grey in discs:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=grey)
    return field


def beams(size: Size, source: Point, rays: Iterable[tuple[float, float, int]]) -> Image.Image:
    """Return a field of rays (direction in radians, half their angle, grey) out of one source of light."""
    field = Image.new("L", (size[0] // 2, size[1] // 2))
    x, y = source[0] / 2, source[1] / 2
    for angle, half, grey in rays:
        far = [
            (x + 3000 * math.cos(turn), y + 3000 * math.sin(turn)) for turn in (angle - half, angle + half)
        ]
        layer = Image.new("L", field.size)
        ImageDraw.Draw(layer).polygon([(x, y), *far], fill=grey)
        field = ImageChops.add(field, layer)
    return soft(field, 7).resize(size, BICUBIC)


# Light and paint, all in place


def paint(image: Image.Image, ink: Image.Image | Ink, mask: Image.Image, strength: float = 1) -> None:
    """Lay a colour or a picture over the image where the mask is white."""
    image.paste(
        ink, None, mask if strength == 1 else mask.point([round(grey * strength) for grey in range(256)])
    )


def shine(image: Image.Image, ink: Ink, mask: Image.Image, strength: float = 1) -> None:
    """Add coloured light to the image where the mask is white."""
    area = mask.getbbox() or (0, 0, 1, 1)
    light = toned(mask.crop(area), "black", mix("black", ink, strength))
    image.paste(ImageChops.screen(image.crop(area), light), area)


def shade(image: Image.Image, ink: Image.Image | Ink, mask: Image.Image, strength: float = 1) -> None:
    """Multiply the image by a colour or a picture where the mask is white."""
    veil = ink if isinstance(ink, Image.Image) else Image.new("RGB", image.size, ink)
    paint(image, ImageChops.multiply(image, veil), mask, strength)


def tint(image: Image.Image, *stops: Stop) -> None:
    """Multiply the whole image by colours that run from top to bottom."""
    image.paste(ImageChops.multiply(image, gradient(image.size, *stops)))


def emboss(image: Image.Image, light: Image.Image, mask: Image.Image | None, strength: float) -> None:
    """Brighten and darken the image by a `relief`."""
    grey = light.point([round(128 + (value - 128) * strength) for value in range(256)])
    image.paste(ImageChops.hard_light(image, Image.merge("RGB", [grey] * 3)), None, mask)


def vignette(image: Image.Image, strength: float = 0.3) -> None:
    """Darken the corners, as a fast lens does."""
    corners = ImageOps.invert(levels(spot((150, 100), (75, 50), (120, 85)), 0, 0.5))
    shade(image, "black", corners.resize(image.size, BICUBIC), strength)


@contextmanager
def patch(image: Image.Image, centre: Point, reach: float) -> Iterator[Image.Image]:
    """Lend a square out of the image to paint on, `reach` px to each side: small things stay cheap."""
    half = round(reach)
    left, top = round(centre[0]) - half, round(centre[1]) - half
    part = image.crop((left, top, left + 2 * half, top + 2 * half))
    yield part
    image.paste(part, (left, top))


# Whole pictures, returned anew


def ground(texture: Image.Image, size: Size, depth: float = 8) -> Image.Image:
    """Return a texture as level ground: its horizon is at the top, `depth` times as far as its foot."""
    width, height = texture.size
    start = size[1] / (depth - 1)
    scale, middle = width / size[0], size[0] / 2
    # Seen at (x, y) is the texture's ((x - middle) / (y / start + 1) + middle, height / (y / start + 1)).
    across, down = (scale, middle * scale / start, 0.0), (0.0, 0.0, float(height - 1))
    return texture.transform(size, Image.Transform.PERSPECTIVE, (*across, *down, 0.0, 1 / start), BICUBIC)


def warp(image: Image.Image, rng: Random, reach: float, cells: Size, mesh: int = 40) -> Image.Image:
    """Return the image pulled about by a random field, `reach` px far at most."""
    width, height = image.size
    rows = max(mesh * height // width, 2)
    pulls = [noise((mesh + 1, rows + 1), rng, cells, 3) for _ in range(2)]

    def corner(column: int, row: int) -> Point:
        x, y = (int(pull.getpixel((column, row))) / 127.5 - 1 for pull in pulls)  # type: ignore[arg-type]
        return (
            min(max(column * width / mesh + x * reach, 0), width - 1),
            min(max(row * height / rows + y * reach, 0), height - 1),
        )

    quads = []
    for column in range(mesh):
        for row in range(rows):
            left, right = column * width // mesh, (column + 1) * width // mesh
            top, bottom = row * height // rows, (row + 1) * height // rows
            corners = [corner(column + x, row + y) for x, y in ((0, 0), (0, 1), (1, 1), (1, 0))]
            quads.append(((left, top, right, bottom), [part for point in corners for part in point]))
    return image.transform(image.size, Image.Transform.MESH, quads, BILINEAR)


def grain(image: Image.Image, rng: Random, strength: float = 3.4) -> Image.Image:
    """Return the image with the noise of a sensor, which also hides the steps of 8-bit gradients."""
    tile = Image.frombytes("L", (512, 512), rng.randbytes(512 * 512))
    tile = tile.point([round(128 + (value / 127.5 - 1) * strength) for value in range(256)])
    sheet = Image.new("L", image.size)
    for left in range(0, image.width, 512):
        for top in range(0, image.height, 512):
            sheet.paste(tile.transpose(rng.choice(list(Image.Transpose))), (left, top))
    return ImageChops.add(image, Image.merge("RGB", [sheet] * 3), 1, -128)
