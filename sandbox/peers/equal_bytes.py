"""This library's own files of a source at every quality, to be held against a file of any size."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from math import log
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from responsive_img import arguments
from responsive_img.defaults import Defaults, effective
from responsive_img.engine import PillowEngine
from responsive_img.variants import Variant, planned
from sandbox.benchmarks.likeness import ssim

BASE = 400  # px at 1x
_QUALITIES = range(1, 101)


class Kind(NamedTuple):
    """What is alike of files: format as Pillow names it, and width in px."""

    format: str
    width: int


class Match(NamedTuple):
    """
    What this library makes of a number of bytes.

    Attributes:
        quality: Of its largest file that has no more.
        bytes: Of that file.
        likeness: SSIM of that file.
        between: SSIM at that very number, between that file and the next larger one.
    """

    quality: int
    bytes: int
    likeness: float
    between: float


class Reference:
    """A source decoded in full and scaled in one step of LANCZOS: what SSIM is measured against."""

    def __init__(self, source: Path) -> None:
        with Image.open(source) as picture:
            self._full = picture.convert("RGB")
        self._scaled: dict[tuple[int, int], Image.Image] = {}

    def likeness(self, picture: Image.Image) -> float:
        """Return the SSIM of a rendition."""
        if picture.size not in self._scaled:
            self._scaled[picture.size] = self._full.resize(picture.size, Image.Resampling.LANCZOS)
        return ssim(picture, self._scaled[picture.size])


class Scale:
    """This library's files of a source: those of a tag without options, each at every quality."""

    def __init__(self, source: Path, reference: Reference) -> None:
        self._reference = reference
        self._defaults: dict[Kind, int] = {}
        self._files: dict[Kind, dict[int, bytes]] = {}
        self._likeness: dict[tuple[Kind, int], float] = {}
        engine, defaults = PillowEngine(), Defaults()
        with source.open("rb") as file:
            spec = effective(arguments.read({"width": BASE}), defaults)
            plan = planned(spec, source.name, engine.read_header(file), max_width=defaults.max_width)
            self._defaults = {_kind(variant): variant.quality or 0 for variant in plan.variants}
            # All in one call, so that all are made of the same pixels.
            wanted = [
                replace(variant, quality=quality) for variant in plan.variants for quality in _QUALITIES
            ]
            for variant, content in engine.render(file, wanted):
                self._files.setdefault(_kind(variant), {})[variant.quality or 0] = content

    def default(self, kind: Kind) -> bytes:
        """Return the file that the library makes where nobody says a quality."""
        return self._files[kind][self._defaults[kind]]

    def match(self, kind: Kind, limit: int) -> Match:
        """
        Return what the library makes of so many bytes.

        Raises:
            ValueError: Its smallest file has more.
        """
        # WebP's files do not always grow with the quality.
        sizes = sorted((len(content), quality) for quality, content in self._files[kind].items())
        below = max(each for each in sizes if each[0] <= limit)
        above = min((each for each in sizes if each[0] > limit), default=below)
        low, high = [self._measured(kind, quality) for _, quality in (below, above)]
        # SSIM is about linear in the logarithm of the bytes, and two neighbours are near.
        share = log(limit / below[0]) / log(above[0] / below[0]) if above != below else 0.0
        return Match(below[1], below[0], low, low + share * (high - low))

    def _measured(self, kind: Kind, quality: int) -> float:
        if (kind, quality) not in self._likeness:
            with Image.open(BytesIO(self._files[kind][quality])) as picture:
                self._likeness[kind, quality] = self._reference.likeness(picture)
        return self._likeness[kind, quality]


def _kind(variant: Variant) -> Kind:
    return Kind(variant.format.upper(), variant.size.width)
