"""Draws the pictures that tests need, and measures how alike two pictures are."""

from __future__ import annotations

import random
from io import BytesIO
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


def opened(content: bytes) -> Image.Image:
    """Return the decoded picture of a file's bytes."""
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def upright(content: bytes) -> Image.Image:
    """Return the fully decoded picture of a file's bytes as a person sees it."""
    return ImageOps.exif_transpose(opened(content))


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
