"""
Bytes, likeness and time of each format: `python -m sandbox.benchmarks.formats FOLDER [--svg OUT.svg]`.

Every picture of a folder, 800 px wide, through the engine with the default qualities. Likeness is SSIM of the
luma against the same pixels before they are encoded; time is CPU of the encoder alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import NamedTuple

from PIL import Image

from responsive_img import arguments
from responsive_img.defaults import Defaults, effective
from responsive_img.engine import PillowEngine
from responsive_img.exceptions import BuildError
from responsive_img.formats import FORMATS
from responsive_img.variants import Variant, planned
from sandbox.benchmarks import charts
from sandbox.benchmarks.likeness import ssim
from sandbox.benchmarks.reports import table

WIDTH = 800  # px
NAMES = ("avif", "webp", "jpeg", "png")
ROUNDS = 5


class Sample(NamedTuple):
    """One picture in one format: its bytes, its likeness, and s of CPU at least."""

    length: int
    likeness: float
    seconds: float


class Photo(NamedTuple):
    """One picture in all formats, and the px of each."""

    name: str
    pixels: int
    samples: dict[str, Sample]


class Summary(NamedTuple):
    """A format over all pictures: medians of kB per megapixel, of likeness, of CPU ms per megapixel."""

    name: str
    density: float
    likeness: float
    cost: float


def main() -> int:
    """Return 1 if there is no picture in the folder."""
    options = _options()
    photos = [photo for path in sorted(options.folder.iterdir()) if (photo := measured(path))]
    if not photos:
        sys.stderr.write("No picture there.\n")
        return 1
    found = [_summary(name, photos) for name in NAMES]
    sys.stdout.write(f"{_photos_table(photos)}\n{_summary_table(found, len(photos))}")
    if options.svg:
        # PNG, which loses nothing, would be nine times as long: the others could not be told apart.
        drawn = [each for each in found if each.name != "png"]
        bars = [charts.Bar(_title(each.name), each.density, f"SSIM {each.likeness:.3f}") for each in drawn]
        options.svg.write_text(charts.drawn(f"kB per megapixel, median of {len(photos)} photos", bars))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.benchmarks.formats", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--svg", type=Path, metavar="OUT.svg", help="draw the medians")
    return parser.parse_args()


def measured(path: Path) -> Photo | None:
    """Return what a file comes to in each format; None if it is no picture."""
    engine, file = PillowEngine(), BytesIO(path.read_bytes())
    try:
        header = engine.read_header(file)
    except BuildError:
        return None
    defaults = Defaults()
    specs = [
        effective(arguments.read({"width": WIDTH, "densities": 1, "format": name}), defaults)
        for name in NAMES
    ]
    variants = [planned(spec, path.name, header, max_width=WIDTH).variants[0] for spec in specs]
    best: dict[str, float] = dict.fromkeys(NAMES, float("inf"))
    contents: dict[str, bytes] = {}
    for _ in range(ROUNDS):
        for name, content, seconds in _encoded(engine, file, variants):
            contents[name], best[name] = content, min(best[name], seconds)
    pixels = _on_white(contents["png"])
    samples = {
        name: Sample(len(contents[name]), ssim(pixels, _on_white(contents[name])), best[name])
        for name in NAMES
    }
    return Photo(path.name, pixels.width * pixels.height, samples)


def _encoded(
    engine: PillowEngine, file: BytesIO, variants: Sequence[Variant]
) -> list[tuple[str, bytes, float]]:
    """Return format, bytes and s of each variant."""
    # The first of a size has decoding and scaling in its time: it is asked for twice, and left out once.
    first = replace(variants[0], identity="the first")
    taken = []
    start = time.process_time()
    for variant, content in engine.render(file, [first, *variants]):
        if variant is not first:
            taken.append((variant.format, content, time.process_time() - start))
        start = time.process_time()
    return taken


def _on_white(content: bytes) -> Image.Image:
    with Image.open(BytesIO(content)) as picture:
        picture.load()
        if not picture.has_transparency_data:
            return picture.convert("RGB")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def _summary(name: str, photos: Sequence[Photo]) -> Summary:
    # Bytes per 1,000 px are kB per megapixel.
    return Summary(
        name,
        median(1e3 * photo.samples[name].length / photo.pixels for photo in photos),
        median(photo.samples[name].likeness for photo in photos),
        median(1e9 * photo.samples[name].seconds / photo.pixels for photo in photos),
    )


def _title(name: str) -> str:
    quality = FORMATS[name].quality
    return f"{name} {quality}" if quality else name


def _photos_table(photos: Sequence[Photo]) -> str:
    rows = [
        (
            photo.name,
            f"{photo.pixels / 1e6:.2f}",
            *[
                cell
                for name in NAMES
                for cell in (
                    f"{photo.samples[name].length / 1e3:.1f}",
                    f"{photo.samples[name].likeness:.3f}",
                )
            ],
        )
        for photo in photos
    ]
    heads = [cell for name in NAMES for cell in (f"{name} kB", "SSIM")]
    return table(f"Photos at {WIDTH} px", ("", "MP", *heads), rows)


def _summary_table(found: Sequence[Summary], count: int) -> str:
    jpeg = next(each.density for each in found if each.name == "jpeg")
    rows = [
        (
            _title(each.name),
            f"{each.density:,.0f}",
            f"{each.density / jpeg:.2f}",
            f"{each.likeness:.3f}",
            f"{each.cost:.0f}",
        )
        for each in found
    ]
    return table(
        f"Median of {count} photos", ("format, quality", "kB/MP", "× jpeg", "SSIM", "CPU ms/MP"), rows
    )


if __name__ == "__main__":
    sys.exit(main())
