"""
The engine: from a file and variants to bytes. The only package that touches pixels.

It knows no storage, no record and no setting. All that can go wrong in a decoder or an encoder leaves it
as one exception type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Protocol

from PIL import Image, ImageFile

from responsive_img.engine.colour import in_srgb, in_working_mode, premultiplied, straight
from responsive_img.engine.encoding import encoded
from responsive_img.engine.reading import DECODERS, header_of, orientation_of
from responsive_img.exceptions import BuildError
from responsive_img.geometry import SWAPPING_ORIENTATIONS, Box, Size, stored_box, swap
from responsive_img.headers import Header
from responsive_img.variants import Variant

# A JPEG is decoded at 1/2, 1/4 or 1/8 if that leaves this times the px of the largest rendition: SSIM
# against a full decode stays over 0.992; at 1.25 it falls to 0.971.
DRAFT_GAP = 1.75
# Pillow's box reduction before LANCZOS; invisible from 3 on.
REDUCING_GAP = 3.0
# A rendition is made of a larger one where the decoded source has at least so many times the px of that: LANCZOS
# twice costs 0.001 of SSIM, and saves 3 ms of a photo of 1 MP but 22 ms of one of 12 MP.
CASCADE_GAP = 2
_GRAPHIC_FORMATS = frozenset({"png", "gif"})
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Engine(Protocol):
    """What another engine has to offer; named by dotted path in `RESPONSIVE_IMG_ENGINE`."""

    def read_header(self, file: IO[bytes]) -> Header:
        """
        Return format, oriented size, and whether it moves, without decoding.

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
    """Pillow: a reduced decode for JPEG, then small renditions from large ones where that saves time."""

    def read_header(self, file: IO[bytes]) -> Header:
        """Return format, oriented size, and whether it moves, without decoding."""
        with _one_exception_type(), Image.open(file, formats=DECODERS) as picture:
            return header_of(picture)

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
                    image = straight(made[-1])
                    for variant in group:
                        if variant.size == size:
                            yield variant, encoded(image, variant, may_be_graphic=base.may_be_graphic)


class _Base:
    """The decoded source, in its stored frame, at the smallest scale that serves all variants."""

    def __init__(self, picture: ImageFile.ImageFile, variants: Sequence[Variant]) -> None:
        header = header_of(picture)
        self.may_be_graphic = header.format in _GRAPHIC_FORMATS
        self.size = header.size
        self.orientation = orientation_of(picture)
        self.profile = picture.info.get("icc_profile")
        width, height = picture.size
        drafted = None
        if header.format == "jpeg":
            needed = DRAFT_GAP * max(
                max(variant.size.width / variant.box.width, variant.size.height / variant.box.height)
                for variant in variants
            )
            drafted = picture.draft(None, (int(width * needed), int(height * needed)))
        # The drafted box is fractional where a side is no multiple of the scale; leaving that out shifts
        # and stretches the picture.
        self.scale = (drafted[1][2] / width, drafted[1][3] / height) if drafted else (1.0, 1.0)
        self.image = in_working_mode(picture)

    def area(self, box: Box) -> float:
        """Return how many px a part of the oriented source has as it is decoded."""
        x, y = self.scale
        return box.width * box.height * x * y

    def scaled(self, box: Box, size: Size) -> Image.Image:
        """Return the part of the oriented source at that size, oriented, in sRGB, alpha premultiplied."""
        x, y = self.scale
        left, top, right, bottom = stored_box(box, self.size, self.orientation)
        image = self.image.resize(
            swap(size) if self.orientation in SWAPPING_ORIENTATIONS else size,
            Image.Resampling.LANCZOS,
            box=(left * x, top * y, min(right * x, self.image.width), min(bottom * y, self.image.height)),
            reducing_gap=REDUCING_GAP,
        )
        # Both after the resize: turning 12 MP costs twelve times as much, their colours up to ten times.
        if self.orientation in _TRANSPOSE:
            image = image.transpose(_TRANSPOSE[self.orientation])
        return premultiplied(in_srgb(straight(image), self.profile))


@contextmanager
def _one_exception_type() -> Iterator[None]:
    """Turn whatever a decoder or encoder raises into `BuildError`, named after its class."""
    try:
        yield
    except Exception as error:
        # 15,600 mutated files raised eight classes, SyntaxError among them.
        raise BuildError(f"{type(error).__name__}: {error}") from error


def _area(size: Size) -> int:
    return size.width * size.height


def _scaled(base: _Base, box: Box, size: Size, made: Sequence[Image.Image]) -> Image.Image:
    """Return one rendition's pixels: of the smallest made one at least twice its size, or of the source."""
    for image in reversed(made):
        if image.width >= 2 * size.width and image.height >= 2 * size.height:
            if CASCADE_GAP * image.width * image.height > base.area(box):
                break
            return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    return base.scaled(box, size)
