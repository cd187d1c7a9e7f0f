"""
The engine: from a file and variants to bytes. The only module that touches pixels.

It knows no storage, no record and no setting. All that can go wrong in a decoder or an encoder leaves it
as one exception type.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Any, Protocol

from PIL import Image

from responsive_img.exceptions import BuildError
from responsive_img.geometry import SWAPPING_ORIENTATIONS, Box, Size, stored_box, swap
from responsive_img.headers import Header
from responsive_img.variants import Variant

# Decoders that may touch uploads. JPEG's also reads MPO; to name "MPO" here would raise KeyError on others.
DECODERS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
ORIENTATION_TAG = 0x0112  # EXIF
# A JPEG is decoded at 1/2, 1/4 or 1/8 if that leaves this times the px of the largest rendition: SSIM
# against a full decode stays over 0.992; at 1.25 it falls to 0.971.
DRAFT_GAP = 1.75
# Pillow's box reduction before LANCZOS; invisible from 3 on.
REDUCING_GAP = 3.0
WHITE = (255, 255, 255)
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PREMULTIPLIED = {"RGBA": "RGBa", "LA": "La"}
_STRAIGHT = {"RGBa": "RGBA", "La": "LA"}
_ENCODERS: dict[str, dict[str, Any]] = {
    # Speed 9 costs less than WebP's method 4 and is 6 % smaller; Pillow's default 6 costs eleven times that.
    "avif": {"format": "AVIF", "speed": 9, "max_threads": 1},
    "webp": {"format": "WEBP", "method": 4},
    "jpeg": {"format": "JPEG", "progressive": True, "optimize": True},
    "png": {"format": "PNG", "compress_level": 6},
}


class Engine(Protocol):
    """What another engine has to offer; named by dotted path in `RESPONSIVE_IMG_ENGINE`."""

    def read_header(self, file: IO[bytes]) -> Header:
        """
        Return format and size without decoding.

        Raises:
            BuildError: It is no picture that this engine reads.
        """
        ...

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        """
        Yield each variant with its file's bytes; the source is decoded once.

        Raises:
            BuildError: It cannot be decoded, resized or encoded.
        """
        ...


class PillowEngine:
    """Pillow: a reduced decode for JPEG, then each rendition from the smallest made one twice its size."""

    def read_header(self, file: IO[bytes]) -> Header:
        """Return format and size without decoding."""
        with _one_exception_type(), Image.open(file, formats=DECODERS) as picture:
            return _header(picture)

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        """Yield each variant with its file's bytes, large ones first."""
        if not variants:
            return
        file.seek(0)
        with _one_exception_type(), Image.open(file, formats=DECODERS) as picture:
            base = _Base(picture, variants)
            for box in dict.fromkeys(variant.box for variant in variants):
                group = [variant for variant in variants if variant.box == box]
                made: list[Image.Image] = []
                for size in sorted({variant.size for variant in group}, key=_area, reverse=True):
                    made.append(_scaled(base, box, size, made))
                    for variant in group:
                        if variant.size == size:
                            yield variant, _encoded(made[-1], variant)


class _Base:
    """The decoded source, in its stored frame, at the smallest scale that serves all variants."""

    def __init__(self, picture: Image.Image, variants: Sequence[Variant]) -> None:
        self.orientation = _orientation(picture)
        self.size = _header(picture).size
        width, height = picture.size
        drafted = None
        if picture.format in {"JPEG", "MPO"}:
            needed = max(
                max(variant.size.width / variant.box.width, variant.size.height / variant.box.height)
                for variant in variants
            )
            drafted = picture.draft(None, (int(width * needed * DRAFT_GAP), int(height * needed * DRAFT_GAP)))
        # The drafted box is fractional where a side is no multiple of the scale; leaving that out shifts
        # and stretches the picture.
        self.scale = (drafted[1][2] / width, drafted[1][3] / height) if drafted else (1.0, 1.0)
        self.image = _in_working_mode(picture)

    def scaled(self, box: Box, size: Size) -> Image.Image:
        """Return the part of the oriented source at that size, oriented."""
        x, y = self.scale
        left, top, right, bottom = stored_box(box, self.size, self.orientation)
        stored = swap(size) if self.orientation in SWAPPING_ORIENTATIONS else size
        image = self.image.resize(
            stored,
            Image.Resampling.LANCZOS,
            box=(left * x, top * y, min(right * x, self.image.width), min(bottom * y, self.image.height)),
            reducing_gap=REDUCING_GAP,
        )
        # After the resize: turning 12 MP costs twelve times as much.
        return image.transpose(_TRANSPOSE[self.orientation]) if self.orientation in _TRANSPOSE else image


@contextmanager
def _one_exception_type() -> Iterator[None]:
    """Turn whatever a decoder or encoder raises into `BuildError`, named after its class."""
    try:
        yield
    except Exception as error:
        raise BuildError(f"{type(error).__name__}: {error}") from error


def _area(size: Size) -> int:
    return size.width * size.height


def _header(picture: Image.Image) -> Header:
    size = Size(*picture.size)
    name = "jpeg" if picture.format == "MPO" else (picture.format or "").lower()
    return Header(name, swap(size) if _orientation(picture) in SWAPPING_ORIENTATIONS else size)


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none or the EXIF is broken."""
    try:
        # The base class's method: PNG's own decodes the whole picture in search of a late chunk.
        return int(Image.Image.getexif(picture).get(ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - a corrupt EXIF block must not cost the picture
        return 1


def _in_working_mode(picture: Image.Image) -> Image.Image:
    """Decode, and return the picture in a mode that can be resized: alpha premultiplied, no palette."""
    picture.load()
    mode = picture.mode
    if mode in {"P", "PA"}:
        image = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    elif mode in {"1", "L", "RGB"} and "transparency" in picture.info:
        # A colour key no longer matches once neighbours are blended.
        image = picture.convert("RGBA")
    elif mode == "1":
        image = picture.convert("L")
    elif mode == "I" or mode.startswith("I;16"):
        # Pillow's own conversion clips 16 bits to 255 instead of scaling them.
        image = picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    else:  # L, LA, RGB, RGBA or CMYK: the decoders give no other
        image = picture
    # Premultiplied, so that hidden colours do not bleed; once, as Pillow would do it for each resize.
    return image.convert(_PREMULTIPLIED[image.mode]) if image.mode in _PREMULTIPLIED else image


def _scaled(base: _Base, box: Box, size: Size, made: Sequence[Image.Image]) -> Image.Image:
    """Return one rendition's pixels, from the smallest made one that is at least twice its size."""
    for image in reversed(made):
        if image.width >= 2 * size.width and image.height >= 2 * size.height:
            return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    return base.scaled(box, size)


def _encoded(image: Image.Image, variant: Variant) -> bytes:
    """Return the bytes of a rendition, without any metadata of the source."""
    image = image.convert(_STRAIGHT.get(image.mode, "RGB" if image.mode == "CMYK" else image.mode))
    if image.mode in {"RGBA", "LA"} and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert(image.mode[:-1])
    if variant.format == "jpeg" and image.mode in {"RGBA", "LA"}:
        flat = Image.new("RGB", image.size, WHITE)
        flat.paste(image.convert("RGB"), mask=image.getchannel("A"))
        image = flat
    image.info = {}  # a JPEG's comment and a profile would be written from here
    options = _ENCODERS[variant.format]
    if variant.quality is not None:
        options = {**options, "quality": variant.quality}
    open_file: Callable[[], IO[bytes]] = tempfile.TemporaryFile if variant.format == "jpeg" else BytesIO
    # Pillow lets other threads run while it encodes a JPEG only into a real file.
    with open_file() as file:
        image.save(file, **options)
        file.seek(0)
        return file.read()
