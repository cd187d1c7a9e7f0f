"""Lights of the night sky: an aurora, a nebula, a volcano."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw

from sandbox.gallery.drawing.canvas import (
    BICUBIC,
    Size,
    both,
    curve,
    emboss,
    gradient,
    levels,
    noise,
    paint,
    polygons,
    relief,
    rough,
    shade,
    shine,
    soft,
    spot,
    toned,
    vignette,
    wander,
    warp,
)
from sandbox.gallery.drawing.scenery import WIDE, forest, ridge, slope, stars, water


def aurora(rng: Random) -> Image.Image:
    shore = 1420
    image = Image.new("RGB", WIDE)
    image.paste(gradient((3000, shore), "#030617", (0.5, "#0a1a3a"), "#17405a"))
    shine(image, "#e8f0ff", stars(WIDE, rng, 2600), 0.9)
    for level, sway, tall, strength in ((0.38, 0.3, 0.46, 0.85), (0.56, 0.28, 0.5, 1.0)):
        hem, veil = curtain(rng, WIDE, level, sway, tall)
        shine(image, "#7a1fd0", levels(veil, 0, 0.9, 1.4), strength * 0.6)
        shine(image, "#0bd46a", levels(veil, 0, 0.85, 1.2), strength)
        shine(image, "#37ff86", levels(hem, 0, 0.6), strength)
        shine(image, "#e4fff0", levels(hem, 0.35, 0.9), strength * 0.7)
    inks = (("#1d4a5c", "#2f7570"), ("#0e2a3d", "#174a52"), ("#071624", "#0c2a36"))
    for index, (crest, mist) in enumerate(inks):
        mask = slope(
            image, ridge(rng, 3000, 1230 + 60 * index, 280 - 70 * index, 2.6 + index), crest, mist, 320
        )
        if index < 2:
            snow = levels(relief(noise(WIDE, rng, (9, 8), 6, 0.55), (7, 6), 5), 0.5, 0.8)
            shine(image, "#9ff0d2", both(mask, snow), 0.3)
    water(image, rng, shore, ("#9ab5bd",), 12, 0.18, (30, 60))
    bank = curve((-20, 1760), (500, 1800), (1100, 1930), (1700, 1985), (2300, 1900), (3020, 1740))
    paint(image, "#02060c", forest(WIDE, rng, bank, (80, 330), 40))
    paint(image, "#02060c", polygons(WIDE, [(1500, 2001), (1640, 1850), (1780, 2001)]))
    paint(image, "#ffb84d", polygons(WIDE, [(1590, 1996), (1640, 1880), (1690, 1996)]))
    shine(image, "#ff9d3c", spot(WIDE, (1640, 1960), 260, 2), 0.7)
    vignette(image, 0.35)
    return image


def curtain(
    rng: Random, size: Size, level: float, sway: float, tall: float
) -> tuple[Image.Image, Image.Image]:
    """
    Return the light of a curtain of northern lights: its bright hem, and the veil above that.

    Args:
        rng: Where the randomness comes from.
        size: Of both fields.
        level: Where the hem hangs, as a share of the height.
        sway: How far it swings up and down, as such a share.
        tall: How far up the veil reaches, likewise; at most half.
    """
    width, height = size[0] // 2, size[1] // 2
    rays = levels(noise((width, 60), rng, (26, 1), 5, 0.75).resize((width, height), BICUBIC), 0.12, 1, 1.2)
    folds = levels(noise((width, 8), rng, (5, 1), 2).resize((width, height), BICUBIC), -0.25, 0.5)
    hem, veil = Image.new("L", (1, height)), Image.new("L", (1, height))
    for y in range(height):
        up = (0.5 - y / height) / tall
        if -0.05 < up < 1:
            hem.putpixel((0, y), round(255 * min((up + 0.05) * 14, 1) * math.exp(-5 * max(up, 0))))
            veil.putpixel((0, y), round(204 * min((up + 0.05) * 6, 1) * (1 - max(up, 0)) ** 1.6))
    drops = wander(rng, width // 2 + 1, 1.4, 4, 0.45)
    fields = []
    for profile in (hem, veil):
        flat = both(rays, folds, profile.resize((width, height)))
        hung = Image.new("L", (width, height))
        for index, drop in enumerate(drops):
            strip = flat.crop((index * 2, 0, index * 2 + 2, height))
            hung.paste(strip, (index * 2, round((level - 0.5 + drop * sway) * height)))
        fields.append(soft(hung, 3).resize(size, BICUBIC))
    return fields[0], fields[1]


def nebula(rng: Random) -> Image.Image:
    half = (1500, 1000)
    flow = warp(warp(noise(half, rng, (5, 4), 7, 0.55), rng, 150, (4, 3)), rng, 60, (10, 7))
    dust = warp(noise(half, rng, (7, 5), 7, 0.58), rng, 120, (5, 4))
    heat = both(spot(half, (820, 480), (820, 640), 0.9), levels(flow, 0.15, 0.95))
    embers = ((0.52, "#a3308f"), (0.7, "#ff6a6a"), (0.86, "#ffc07a"))
    image = toned(heat, "#03040d", (0.16, "#0f1440"), (0.34, "#3a1f78"), *embers, "#fff4d6")
    shine(image, "#2bd4e8", both(spot(half, (380, 640), (620, 520)), levels(dust, 0.4, 0.95)), 0.75)
    shade(image, "#0a0716", levels(dust, 0.42, 0.18), 0.85)
    emboss(image, relief(flow, (5, 5), 3), levels(heat, 0.08, 0.4), 0.35)
    image = image.resize(WIDE, BICUBIC)
    shine(image, "#ffffff", stars(WIDE, rng, 5200), 0.9)
    for _ in range(26):
        x, y, reach = rng.randint(80, 2920), rng.randint(80, 1920), round(30 + 190 * rng.random() ** 3)
        part = image.crop((x - reach, y - reach, x + reach, y + reach))
        centre, ink = (reach, reach), rng.choice(("#ffffff", "#bcd7ff", "#ffe2b8", "#ffd0e4"))
        shine(part, ink, spot(part.size, centre, reach * 0.5, 3), 0.9)
        shine(part, ink, spot(part.size, centre, (reach, 3.6), 1.3))
        shine(part, ink, spot(part.size, centre, (3.6, reach), 1.3))
        shine(part, "#ffffff", spot(part.size, centre, reach * 0.1 + 4, 0.8))
        image.paste(part, (x - reach, y - reach))
    return image


def volcano(rng: Random) -> Image.Image:
    crater = (1505, 765)
    image = gradient(WIDE, "#0b0a1e", (0.4, "#2a1438"), (0.65, "#6e2140"), (0.8, "#c4453a"), "#f08a4b")
    shine(image, "#ffffff", stars(WIDE, rng, 900), 0.5)
    smoke(image, rng)
    shine(image, "#ff5a1f", spot(WIDE, crater, (760, 620), 2), 0.85)
    for index, (crest, mist) in enumerate((("#4d1d3a", "#8a3040"), ("#331430", "#4a1c36"))):
        slope(image, ridge(rng, 3000, 1420 + index * 90, 150), crest, mist, 260)
    left = curve((-300, 1900), (500, 1650), (1000, 1260), (1290, 930), (1400, 770))
    right = curve((1610, 765), (1720, 930), (2020, 1280), (2520, 1660), (3300, 1900))
    cone = polygons(WIDE, [*rough(rng, [*left, *right], 14, 26), (3300, 2010), (-300, 2010)])
    paint(image, gradient(WIDE, "#2b1526", (0.4, "#2b1526"), (0.8, "#150c1a"), "#0a0710"), cone)
    emboss(image, relief(noise(WIDE, rng, (12, 9), 7, 0.6), (8, -8), 2.2), cone, 0.5)
    shine(image, "#ff4a1a", both(cone, spot(WIDE, crater, 520, 1.8)), 0.55)
    rivers = both(lava(rng), cone)
    shine(image, "#ff3d0d", soft(rivers, 46))
    shine(image, "#ff5b14", soft(rivers, 12))
    paint(image, "#ffb340", soft(rivers, 2))
    paint(image, "#fff0b8", levels(soft(rivers, 7), 0.62, 1), 0.9)
    sparks = Image.new("L", WIDE)
    pen = ImageDraw.Draw(sparks)
    for _ in range(620):
        angle, speed, start = rng.gauss(0, 0.34), rng.uniform(120, 560), rng.uniform(0.25, 1.5)
        times = [start + step * 0.035 for step in range(4)]
        flight = [
            (
                crater[0] + math.sin(angle) * speed * t,
                crater[1] - 1.25 * math.cos(angle) * speed * t + 205 * t * t,
            )
            for t in times
        ]
        pen.line(flight, fill=rng.randint(140, 255), width=rng.choice((2, 3, 4, 6)))
    shine(image, "#ff7a1f", soft(sparks, 14))
    shine(image, "#ffd27a", sparks)
    shine(image, "#ffcf6b", spot(WIDE, (1505, 700), (90, 260), 1.3))
    vignette(image, 0.35)
    return image


def smoke(image: Image.Image, rng: Random) -> None:
    billows = noise(WIDE, rng, (9, 7), 7, 0.6)
    stem = soft(polygons(WIDE, [(1440, 780), (1560, 780), (1880, 300), (1240, 300)]), 60)
    cloud = both(
        ImageChops.lighter(spot(WIDE, (1600, 260), (1000, 620), 0.8), stem), levels(billows, 0.25, 0.6)
    )
    paint(image, toned(billows, "#120c1c", (0.5, "#3a2433"), "#6d4450"), levels(cloud, 0.05, 0.55))
    below = both(levels(relief(billows, (0, -16), 6), 0.5, 0.9), levels(cloud, 0.1, 0.6))
    shine(image, "#ff6a2b", both(below, spot(WIDE, (1520, 600), 950)))


def lava(rng: Random) -> Image.Image:
    rivers = Image.new("L", WIDE)
    pen = ImageDraw.Draw(rivers)
    for lean, reach in ((-0.9, 1000), (-0.28, 1240), (0.22, 1100), (0.75, 1200), (0.05, 700)):
        x, y = 1505 + lean * 60, 770.0
        for step, drift in enumerate(wander(rng, 60, 6, 4, 0.6)):
            after = (x + lean * reach / 55 + drift * 17, y + reach / 60)
            radius = 7 - step * 0.1
            pen.line((x, y, *after), fill=255, width=round(2 * radius))
            x, y = after
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return rivers
