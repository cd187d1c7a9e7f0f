"""The pictures that are easily got wrong, each beside what a person should see."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

from PIL import Image, ImageCms

from sandbox.sheet import drawing, profiles

SIZE = (480, 360)  # px
_ORIENTATION = 0x0112  # EXIF
# How a camera stores a picture so that the orientation turns it upright.
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


class Trap(NamedTuple):
    """
    A picture that is easily got wrong.

    Attributes:
        label: What is hard about it.
        name: Of the file; its extension need not be true.
        content: The file's bytes.
        right: What a person should see, of any size.
    """

    label: str
    name: str
    content: bytes
    right: Image.Image


def traps() -> Iterator[Trap]:
    """Yield all of them."""
    scene = drawing.scene(SIZE)
    yield from _turned(scene)
    yield from _coloured(scene)
    yield from _transparent(scene)
    yield from _deep(scene)
    yield from _several_frames(scene)
    yield from _large()
    yield Trap("PNG named .jpg", "photo.jpg", _saved(scene, "PNG"), scene)


def _turned(scene: Image.Image) -> Iterator[Trap]:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        stored = scene.transpose(_STORED[orientation]) if orientation in _STORED else scene
        content = _saved(stored, "JPEG", quality=92, exif=exif)
        yield Trap(f"JPEG, orientation {orientation}", "photo.jpg", content, scene)
    for format in ("PNG", "WEBP", "AVIF"):
        exif = Image.Exif()
        exif[_ORIENTATION] = 6
        content = _saved(scene.transpose(_STORED[6]), format, exif=exif)
        yield Trap(f"{format}, orientation 6", f"photo.{format.lower()}", content, scene)


def _coloured(scene: Image.Image) -> Iterator[Trap]:
    yield Trap("CMYK JPEG", "photo.jpg", _saved(scene.convert("CMYK"), "JPEG", quality=92), scene)
    wide = profiles.like_adobe_rgb()
    content = _saved(_in_profile(scene, wide, "RGB"), "JPEG", quality=92, icc_profile=wide)
    yield Trap("profile like Adobe RGB", "photo.jpg", content, scene)
    grey, curve = scene.convert("L"), profiles.grey(1.8)
    content = _saved(_in_profile(grey.convert("RGB"), curve, "L"), "PNG", icc_profile=curve)
    yield Trap("grey, gamma 1.8 profile", "photo.png", content, grey)
    content = _saved(scene, "JPEG", quality=92, icc_profile=profiles.grey(1.0))
    yield Trap("profile of another mode", "photo.jpg", content, scene)
    yield Trap("broken profile", "photo.jpg", _saved(scene, "JPEG", icc_profile=b"no profile"), scene)


def _transparent(scene: Image.Image) -> Iterator[Trap]:
    cut = drawing.cut_out(scene)
    yield Trap("RGBA, red under clear px", "cut.png", _saved(drawing.with_hidden_red(cut), "PNG"), cut)
    palette = cut.quantize(128, method=Image.Quantize.FASTOCTREE)
    yield Trap("palette with alpha", "cut.png", _saved(palette, "PNG"), palette.convert("RGBA"))
    yield Trap("LA", "cut.png", _saved(cut.convert("LA"), "PNG"), cut.convert("LA"))
    disc = drawing.disc(SIZE)
    key = drawing.keyed(disc)
    yield Trap("colour key (tRNS)", "disc.png", _saved(key, "PNG", transparency=drawing.KEY), disc)
    yield Trap("GIF, clear ground", "disc.gif", _saved(disc, "GIF"), disc)
    yield Trap("WebP with alpha", "cut.webp", _saved(cut, "WEBP", quality=92), cut)


def _deep(scene: Image.Image) -> Iterator[Trap]:
    grey = scene.convert("L")
    deep = grey.convert("I").point(lambda level: level * 257).convert("I;16")
    yield Trap("16-bit grey", "grey.png", _saved(deep, "PNG"), grey)
    yield Trap("1-bit", "dots.png", _saved(grey.convert("1"), "PNG"), grey)
    yield Trap("palette", "photo.png", _saved(scene.quantize(256), "PNG"), scene)


def _several_frames(scene: Image.Image) -> Iterator[Trap]:
    other = Image.new("RGB", SIZE, "red")
    content = _saved(scene, "MPO", quality=92, save_all=True, append_images=[other])
    yield Trap("MPO: two photos in one", "photo.jpg", content, scene)
    for format in ("GIF", "PNG", "WEBP"):
        content = _saved(scene, format, save_all=True, append_images=[other], duration=80)
        yield Trap(f"animated {format}, still", f"film.{format.lower()}", content, scene)


def _large() -> Iterator[Trap]:
    odd = drawing.scene((1081, 1151))
    yield Trap("1081 by 1151, draft box", "photo.jpg", _saved(odd, "JPEG", quality=92), odd)
    huge = drawing.fine((6000, 4500))
    yield Trap("6000 by 4500, JPEG", "photo.jpg", _saved(huge, "JPEG", quality=92), huge)
    yield Trap("6000 by 4500, PNG", "photo.png", _saved(huge, "PNG", compress_level=1), huge)


def _saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def _in_profile(picture: Image.Image, profile: bytes, mode: str) -> Image.Image:
    """Return the values that stand for the same colours in another profile."""
    converted = ImageCms.profileToProfile(
        picture,
        ImageCms.createProfile("sRGB"),
        ImageCms.ImageCmsProfile(BytesIO(profile)),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode=mode,
    )
    assert converted is not None
    return converted
