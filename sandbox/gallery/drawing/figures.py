"""A figure: someone from the waist up, lit from the upper left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from sandbox.gallery.drawing.canvas import (
    Ink,
    Line,
    Point,
    curve,
    dots,
    levels,
    mix,
    oval,
    paint,
    polygons,
    shade,
    shine,
    soft,
    spot,
    toned,
)


@dataclass(frozen=True, slots=True)
class Look:
    """
    What someone looks like.

    Attributes:
        skin: From shadow to light.
        hair: Shadow and light.
        cloth: Shadow and light.
        cut: Of the hair: "bob", "short" or "bun".
        gaze: Where to, from -1 (to the left) to 1.
        has_beard: Whether there is one.
        has_glasses: Whether they are worn.
    """

    skin: tuple[Ink, Ink, Ink]
    hair: tuple[Ink, Ink]
    cloth: tuple[Ink, Ink]
    cut: str
    gaze: float = 0
    has_beard: bool = False
    has_glasses: bool = False


Place = Callable[[float, float], Point]


def sitter(image: Image.Image, head: Point, unit: float, look: Look) -> None:
    """Paint someone down to the foot of the picture; `unit` is half the height of the head, px."""

    def at(x: float, y: float) -> Point:
        return head[0] + x * unit, head[1] + y * unit

    def fill(
        stops: tuple[Ink, ...], *outlines: Line, light: Point = (-0.45, -0.5), reach: float = 2.2
    ) -> None:
        glow = levels(spot(image.size, at(*light), unit * reach, 0.9), 0.05, 0.95)
        image.paste(toned(glow, *stops), None, polygons(image.size, *outlines))

    if look.cut == "bob":
        fill(
            look.hair,
            mirrored(at, (0, -1.24), (0.72, -1.05), (1.02, -0.3), (1.05, 0.55), (0.86, 1.15), (0.4, 1.2)),
        )
    if look.cut == "bun":
        fill(look.hair, oval(at(0.1, -1.34), unit * 0.42, unit * 0.36))
    body(image, at, unit, look, fill)
    for side in (-1, 1):
        fill(look.skin, oval(at(0.8 * side, 0.02), unit * 0.14, unit * 0.24))
    fill(look.skin, face(at))
    features(image, at, unit, look)
    hair(image, at, unit, look, fill)


def mirrored(at: Place, *half: Point) -> Line:
    """Return the outline of something as wide to the left as to the right, from its top to its foot."""
    right = curve(*[at(x, y) for x, y in half], steps=12)
    left = curve(*[at(-x, y) for x, y in reversed(half)], steps=12)
    return [*right, *left]


def face(at: Place) -> Line:
    return mirrored(
        at, (0, -1.05), (0.52, -0.92), (0.79, -0.35), (0.77, 0.2), (0.58, 0.72), (0.24, 1.02), (0, 1.06)
    )


def body(image: Image.Image, at: Place, unit: float, look: Look, fill: Callable[..., None]) -> None:
    foot = (image.height - at(0, 0)[1]) / unit + 0.2
    fill(look.skin, mirrored(at, (0, 0.5), (0.4, 0.6), (0.4, 1.3), (0.62, 1.75), (0, 1.9)), reach=3)
    neck = polygons(image.size, mirrored(at, (0, 0.6), (0.4, 0.7), (0.4, 1.3), (0.3, 1.35), (0, 1.4)))
    shade(image, look.skin[0], soft(neck, unit * 0.06), 0.75)
    shoulders = mirrored(
        at, (0, 1.72), (0.36, 1.5), (0.62, 1.42), (1.3, 1.68), (1.85, 2.2), (2.1, 3.4), (2.2, foot)
    )
    fill(look.cloth, shoulders, light=(-0.9, 1.6), reach=3.6)
    collar = curve(at(-0.62, 1.42), at(-0.34, 1.6), at(0, 1.76), at(0.34, 1.6), at(0.62, 1.42), steps=10)
    lower = [(x, y + unit * 0.13) for x, y in reversed(collar)]
    paint(image, look.cloth[0], polygons(image.size, [*collar, *lower]), 0.55)


def features(image: Image.Image, at: Place, unit: float, look: Look) -> None:
    turn, size = look.gaze * 0.14, image.size
    dark, middle, pale = look.skin

    def stroke(ink: Ink, width: float, *points: Point, strength: float = 1) -> None:
        line = curve(*[at(x + turn, y) for x, y in points], steps=10)
        half = unit * width / 2
        mask = dots(size, [(x, y, half, 255) for x, y in line])
        paint(image, ink, soft(mask, 2), strength)

    for side in (-1, 1):
        shine(image, "#d9483a", spot(size, at(0.42 * side + turn, 0.38), unit * 0.34, 1.4), 0.3)
        eye = (0.33 * side + turn, -0.08)
        paint(image, dark, soft(polygons(size, oval(at(*eye), unit * 0.21, unit * 0.15)), unit * 0.05), 0.35)
        paint(image, "#fbf8f4", polygons(size, oval(at(*eye), unit * 0.155, unit * 0.095)))
        pupil = (eye[0] + look.gaze * 0.06, eye[1])
        paint(image, "#3a2a1c", polygons(size, oval(at(*pupil), unit * 0.085, unit * 0.09)))
        paint(
            image,
            "#ffffff",
            polygons(size, oval(at(pupil[0] - 0.03, pupil[1] - 0.03), unit * 0.026, unit * 0.026)),
        )
        stroke(dark, 0.035, (0.5 * side, -0.1), (0.33 * side, -0.2), (0.17 * side, -0.1))
        stroke(look.hair[0], 0.07, (0.55 * side, -0.31), (0.36 * side, -0.4), (0.15 * side, -0.34))
    stroke(dark, 0.045, (0.04, -0.02), (0.12, 0.26), (0.02, 0.32), strength=0.5)
    shine(image, pale, spot(size, at(turn - 0.02, 0.2), unit * 0.12, 1.2), 0.35)
    if look.has_beard:
        beard = mirrored(
            at,
            (0, 0.5),
            (0.34, 0.46),
            (0.6, 0.3),
            (0.8, 0.0),
            (0.76, 0.42),
            (0.6, 0.86),
            (0.26, 1.2),
            (0, 1.24),
        )
        paint(image, look.hair[0], soft(polygons(size, beard), unit * 0.03), 0.95)
    stroke(mix("#a8322f", middle, 0.35), 0.09, (-0.22, 0.6), (0, 0.67), (0.22, 0.59))
    stroke(mix("#5a1414", dark, 0.4), 0.03, (-0.24, 0.58), (0, 0.64), (0.24, 0.57))
    if look.has_glasses:
        for side in (-1, 1):
            lens = oval(at(0.34 * side + turn, -0.06), unit * 0.27, unit * 0.24)
            stroke_round(image, lens, unit * 0.045)
            shine(image, "#ffffff", polygons(size, lens), 0.12)
        stroke("#2a2a30", 0.045, (-0.08, -0.1), (0, -0.13), (0.08, -0.1))


def stroke_round(image: Image.Image, outline: Line, width: float) -> None:
    ring = curve(*outline, outline[0], steps=6)
    paint(image, "#2a2a30", soft(dots(image.size, [(x, y, width / 2, 255) for x, y in ring]), 1))


def hair(image: Image.Image, at: Place, unit: float, look: Look, fill: Callable[..., None]) -> None:
    """Lay the hair over the brow, parted on the side that the face is turned from."""
    side = -1 if look.gaze > 0 else 1
    fringes = {
        "bob": (
            (-0.95, 0.5),
            (-0.72, 0.02),
            (-0.66, -0.42),
            (-0.2, -0.6),
            (0.42, -0.82),
            (0.7, -0.4),
            (0.78, 0.02),
            (0.97, 0.5),
        ),
        "short": ((-0.8, -0.1), (-0.7, -0.52), (-0.3, -0.66), (0.2, -0.74), (0.62, -0.6), (0.8, -0.1)),
        "bun": ((-0.8, -0.05), (-0.66, -0.5), (-0.2, -0.82), (0.2, -0.84), (0.66, -0.5), (0.8, -0.05)),
    }
    top = ((1.0, -0.1), (0.98, -0.6), (0.62, -1.12), (0, -1.27), (-0.62, -1.12), (-0.98, -0.6), (-1.0, -0.1))
    if look.cut != "bob":
        top = (
            (0.86, -0.05),
            (0.88, -0.55),
            (0.58, -1.06),
            (0, -1.22),
            (-0.58, -1.06),
            (-0.88, -0.55),
            (-0.86, -0.05),
        )
    outline = curve(*[at(x * -side, y) for x, y in (*fringes[look.cut], *top)], steps=10)
    fill(look.hair, outline, light=(-0.4, -1.1), reach=1.7)
