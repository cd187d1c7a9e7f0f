"""Draws the pictures that tests need, and measures how alike two pictures are."""

from __future__ import annotations

import math
import random
import struct
import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import product
from typing import Any

from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageMath, ImageOps, ImageStat

ORIENTATIONS = range(1, 9)
SECRET = "secret-4711"
XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>{SECRET}</a></x:xmpmeta>'.encode()

_ORIENTATION_TAG, _ARTIST_TAG, _GPS_TAG = 0x0112, 0x013B, 0x8825
# How a picture is stored so that its EXIF orientation turns it upright.
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def gradient(width: int, height: int) -> Image.Image:
    """Draw a picture with no symmetry: red grows rightwards, green downwards, the top left corner is marked."""
    red = Image.linear_gradient("L").rotate(90).resize((width, height))
    green = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", (red, green, Image.new("L", (width, height), 64)))
    ImageDraw.Draw(picture).rectangle((0, 0, width // 5, height // 5), fill="white")
    return picture


def detailed(width: int, height: int, *, seed: int = 7) -> Image.Image:
    """Draw noise of all scales, as a detailed photo has it: the finer, the fainter."""
    source = random.Random(seed)  # noqa: S311 - pixels
    picture = Image.new("RGB", (width, height), (128, 128, 128))
    for divisor in (64, 32, 16, 8, 4, 2):
        size = (max(2, width // divisor), max(2, height // divisor))
        layer = Image.frombytes("RGB", size, source.randbytes(3 * size[0] * size[1]))
        strength = 0.25 if divisor > 4 else 0.12
        picture = Image.blend(picture, layer.resize((width, height), Image.Resampling.BICUBIC), strength)
    return picture


def translucent(width: int, height: int) -> Image.Image:
    """Draw an opaque red left half; the right half is fully transparent, with green hidden under it."""
    picture = Image.new("RGBA", (width, height), (0, 255, 0, 0))
    picture.paste((255, 0, 0, 255), (0, 0, width // 2, height))
    return picture


def deep_grey(width: int, height: int) -> Image.Image:
    """Draw a 16-bit grey picture that grows lighter downwards over all 65,536 values."""
    rows = [round(65535 * y / (height - 1)).to_bytes(2, "little") * width for y in range(height)]
    return Image.frombytes("I;16", (width, height), b"".join(rows))


def stored(picture: Image.Image, orientation: int) -> Image.Image:
    """Return the pixels that a camera stores for a picture held in this EXIF orientation."""
    return picture.transpose(_STORED[orientation]) if orientation in _STORED else picture


def encoded(picture: Image.Image, format: str, **options: Any) -> bytes:
    """Return the bytes of a file in one of Pillow's formats."""
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def photo(picture: Image.Image, orientation: int = 1, **options: Any) -> bytes:
    """Return the bytes of a JPEG as a camera held in this orientation makes it."""
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = orientation
    return encoded(stored(picture, orientation), "JPEG", **{"quality": 95, "exif": exif, **options})


def secretive(format: str) -> bytes:
    """Return the bytes of a picture with all the metadata that its format takes; texts hold `SECRET`."""
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = 6
    exif[_ARTIST_TAG] = SECRET
    exif[_GPS_TAG] = {1: "N", 2: (52.0, 31.0, 7.0), 3: "E", 4: (13.0, 24.0, 37.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    if format != "PNG":
        options["xmp"] = XMP
    if format == "JPEG":
        options["comment"] = SECRET
    return encoded(gradient(240, 160), format, **options)


def gif_header(width: int, height: int) -> bytes:
    """Return the first bytes of a GIF that claims to be so large."""
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"GIF89a" + size + b"\x00\x00\x00," + bytes(4) + size + b"\x00\x02\x02\x4c\x01\x00;"


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    size: tuple[int, int],
    *,
    depth: int,
    colour_type: int,
    rows: Iterable[bytes],
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Return the bytes of a PNG of any depth; `before` and `after` its px stand other chunks."""
    packer = zlib.compressobj()
    pixels = b"".join([packer.compress(b"\0" + row) for row in rows]) + packer.flush()
    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    chunks = (
        png_chunk(b"IHDR", header) + before + png_chunk(b"IDAT", pixels) + after + png_chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def bomb(side: int) -> bytes:
    """Return a PNG of some kB that decodes to a square of this side."""
    return png((side, side), depth=1, colour_type=0, rows=[bytes((side + 7) // 8)] * side)


def telling_exif() -> bytes:
    """Return an EXIF block with orientation 6, an artist, a place, and a thumbnail that tells its own secret."""
    thumbnail = encoded(gradient(16, 12), "JPEG", comment=SECRET)
    artist = SECRET.encode() + b"\0"
    first, gps, second = 8, 8 + 2 + 3 * 12 + 4, 8 + 2 + 3 * 12 + 4 + 2 + 12 + 4
    place = second + 2 + 2 * 12 + 4

    def directory(following: int, *entries: tuple[int, int, int, bytes]) -> bytes:
        packed = [struct.pack("<HHI4s", *entry) for entry in entries]
        return struct.pack("<H", len(packed)) + b"".join(packed) + struct.pack("<I", following)

    def number(value: int) -> bytes:
        return struct.pack("<I", value)

    return (
        b"Exif\0\0II*\0"
        + number(first)
        + directory(
            second,
            (_ORIENTATION_TAG, 3, 1, number(6)),
            (_ARTIST_TAG, 2, len(artist), number(place)),
            (_GPS_TAG, 4, 1, number(gps)),
        )
        + directory(0, (1, 2, 2, b"N\0\0\0"))
        + directory(0, (0x0201, 4, 1, number(place + len(artist))), (0x0202, 4, 1, number(len(thumbnail))))
        + artist
        + thumbnail
    )


def opened(content: bytes) -> Image.Image:
    """Return the decoded picture of a file's bytes."""
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def upright(content: bytes) -> Image.Image:
    """Return the fully decoded picture of a file's bytes as a person sees it."""
    return ImageOps.exif_transpose(opened(content))


# Colour: what a profile says, and how far apart two colours are ------------------------------------------

Vector = Sequence[float]
Matrix = Sequence[Vector]
_D50, _D65 = (0.9642, 1.0, 0.8249), (0.95047, 1.0, 1.08883)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
# x and y of red, green and blue.
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
GAMMA = 563 / 256  # as profiles of version 2 write 2.2


def _times(matrix: Matrix, vector: Vector) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _product(one: Matrix, other: Matrix) -> Matrix:
    return tuple(zip(*(_times(one, column) for column in zip(*other, strict=True)), strict=True))


def _inverse(m: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = m
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    adjugate = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return tuple(tuple(value / determinant for value in row) for row in adjugate)


def to_xyz(primaries: Sequence[tuple[float, float]]) -> Matrix:
    """Return the matrix from linear RGB of these primaries, white D65, to XYZ adapted to D50."""
    columns = [(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]
    unscaled = tuple(zip(*columns, strict=True))
    scales = _times(_inverse(unscaled), _D65)
    native = tuple(tuple(v * s for v, s in zip(row, scales, strict=True)) for row in unscaled)
    old, new = _times(_BRADFORD, _D65), _times(_BRADFORD, _D50)
    gains = tuple(tuple(new[i] / old[i] if i == k else 0.0 for k in range(3)) for i in range(3))
    return _product(_product(_inverse(_BRADFORD), _product(gains, _BRADFORD)), native)


def linear(rgb: Sequence[int]) -> tuple[float, ...]:
    """Return the light of an sRGB colour, 0 to 1."""
    shares = [value / 255 for value in rgb]
    return tuple(s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)


def srgb_grey(light: float) -> int:
    """Return the sRGB grey of so much light, 0 to 1."""
    return round(255 * (light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))


def encoded_for(primaries: Sequence[tuple[float, float]], rgb: Sequence[int]) -> tuple[int, ...]:
    """Return how an sRGB colour is written with other primaries and `GAMMA`."""
    light = _times(_inverse(to_xyz(primaries)), _times(to_xyz(SRGB), linear(rgb)))
    return tuple(round(255 * min(max(value, 0.0), 1.0) ** (1 / GAMMA)) for value in light)


def lab(rgb: Sequence[int]) -> tuple[float, float, float]:
    """Return an sRGB colour in CIE L*a*b*, white D50."""
    xyz = _times(to_xyz(SRGB), linear(rgb))
    shares = [v / white for v, white in zip(xyz, _D50, strict=True)]
    x, y, z = (s ** (1 / 3) if s > 216 / 24389 else (24389 / 27 * s + 16) / 116 for s in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def delta_e(one: Sequence[int], other: Sequence[int]) -> float:
    """Return the distance of two sRGB colours, CIE 1976: 2.3 is just noticeable."""
    return math.dist(lab(one), lab(other))


def _profile(
    kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes], called: str = "A test's profile"
) -> bytes:
    """Return an ICC profile of version 2."""
    name = called.encode() + b"\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(4 + 4 + 2 + 1 + 67)
    tags = {
        b"desc": described,
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz(_D50),
        **tags,
    }
    offset, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", offset + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", offset + len(data), bytes(4), 0x02100000, kind, space, connection)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(_D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def _fixed(values: Vector) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _xyz(values: Vector) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(primaries: Sequence[tuple[float, float]], gamma: float = GAMMA, name: str = "") -> bytes:
    """Return the profile of a display with these primaries."""
    columns = zip(*to_xyz(primaries), strict=True)
    colours = {tag: _xyz(c) for tag, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**colours, **curves}, name or "A test's profile")


def grey_profile(gamma: float) -> bytes:
    """Return the profile of a grey display."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curve(gamma)})


def ink_colour(inks: Sequence[int]) -> tuple[int, int, int]:
    """Return the sRGB colour that `cmyk_profile` gives to full (1) or no (0) cyan, magenta, yellow and black."""
    *colours, black = inks
    if black:
        return (0, 0, 0)
    red, green, blue = (70 if ink else 255 for ink in colours)
    return red, green, blue


def cmyk_profile() -> bytes:
    """Return the profile of a press whose inks mix to `ink_colour`."""
    ramp = bytes(range(256))
    corners = [lab(ink_colour(inks)) for inks in product((0, 1), repeat=4)]
    table = bytes(
        value
        for each in corners
        for value in (round(each[0] * 2.55), round(each[1] + 128), round(each[2] + 128))
    )
    identity = _fixed((1, 0, 0, 0, 1, 0, 0, 0, 1))
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4 + table + ramp * 3
    return _profile(b"scnr", b"CMYK", b"Lab ", {b"A2B0": lut})


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean absolute difference of two pictures of one size, 0 to 255."""
    found = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return sum(ImageStat.Stat(found).mean) / 3


def similarity(one: Image.Image, other: Image.Image) -> float:
    """Return the structural similarity (SSIM) of the luma of two pictures of one size, in blocks of 8 × 8."""
    a, b = (picture.convert("L").convert("F") for picture in (one, other))
    means = {"a": a.reduce(8), "b": b.reduce(8)}
    products = {
        name: ImageMath.lambda_eval(lambda v: v["x"] * v["y"], x=x, y=y).reduce(8)
        for name, x, y in (("aa", a, a), ("bb", b, b), ("ab", a, b))
    }

    def ssim(v: dict[str, Any]) -> Any:
        two_means, squares = v["a"] * v["b"], v["a"] * v["a"] + v["b"] * v["b"]
        covariance, variances = v["ab"] - two_means, v["aa"] + v["bb"] - squares
        return ((two_means * 2 + 6.5025) * (covariance * 2 + 58.5225)) / (
            (squares + 6.5025) * (variances + 58.5225)
        )

    blocks = ImageMath.lambda_eval(ssim, **means, **products)
    # Not `ImageStat`, which sorts floats into 256 bins.
    return float(blocks.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))
