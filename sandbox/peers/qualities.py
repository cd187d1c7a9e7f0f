"""
Scenario Q: what the bytes of a build are worth, 400 and 800 px in WebP and JPEG with the defaults of each.

Bytes differ, so each file is held against one of as many bytes: of this library, which changes the quality alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from PIL import Image

from sandbox.benchmarks import rounds
from sandbox.benchmarks.reports import Report, Target, table
from sandbox.peers import subjects
from sandbox.peers.contestants import OURS
from sandbox.peers.equal_bytes import Kind, Match, Reference, Scale
from sandbox.peers.processes import Process, running

FORMATS = {"WEBP": "WebP", "JPEG": "JPEG"}
WIDTHS = (800, 400)  # px
DRAWN, PHOTOS = "drawn sources", "photos of a folder"
FEW = 2  # photos, and scenes, where time is short


class Sample(NamedTuple):
    """
    One file of a contestant, beside what this library makes.

    Attributes:
        group: `DRAWN` or `PHOTOS`.
        source: Its name.
        contestant: Who made the file.
        kind: Format, and width asked for.
        bytes: Of the file.
        likeness: SSIM of the file.
        default: Bytes of this library's own.
        match: What it makes of as many bytes as the file has.
    """

    group: str
    source: str
    contestant: str
    kind: Kind
    bytes: int
    likeness: float
    default: int
    match: Match

    @property
    def share(self) -> float:
        """The file's bytes over those of this library's own."""
        return self.bytes / self.default

    @property
    def gain(self) -> float:
        """How much more alike this library's file of as many bytes is."""
        return self.match.between - self.likeness


def run(names: Sequence[str], cache: str, folder: Path, *, photos: Path | None, is_quick: bool) -> Report:
    """
    Measure quality.

    Args:
        names: Contestants.
        cache: Of `project.BACKENDS`.
        folder: With the sources; to draw more into.
        photos: Folder of more sources. The report does not name it, nor what is in it.
        is_quick: A few sources of each kind are enough.
    """
    groups = {DRAWN: subjects.draw(folder, FEW if is_quick else None)}
    if photos:
        files = [path for path in sorted(photos.iterdir()) if path.is_file()]
        groups[PHOTOS] = subjects.cut(files, folder, "photo")[: FEW if is_quick else None]
    samples: list[Sample] = []
    with running(names, folder, cache) as found:
        for group, sources in groups.items():
            for source in sources:
                reference = Reference(source)
                scale = Scale(source, reference)
                for process in found.values():
                    samples += _sampled(group, process, source, scale, reference)
    data = {"samples": [_as_dict(each) for each in samples]}
    return Report("\n".join(tables(samples)), targets(samples), data)


def _sampled(
    group: str, process: Process, source: Path, scale: Scale, reference: Reference
) -> Iterator[Sample]:
    with Image.open(source) as picture:
        size = picture.size
    for name in process.ask("built", source.name, *size)["files"]:
        with Image.open(name) as picture:
            # Whoever rounds otherwise is a px away.
            width = min(WIDTHS, key=lambda asked: abs(asked - picture.width))
            kind, likeness = Kind(str(picture.format), width), reference.likeness(picture)
        length = Path(name).stat().st_size
        match, default = scale.match(kind, length), len(scale.default(kind))
        yield Sample(group, source.stem, process.name, kind, length, likeness, default, match)


def _as_dict(sample: Sample) -> dict[str, Any]:
    nested = {"kind": sample.kind._asdict(), "match": sample.match._asdict()}
    return {**sample._asdict(), **nested, "share": sample.share, "gain": sample.gain}


# Figures ------------------------------------------------------------------------------------------------


def tables(samples: Sequence[Sample]) -> list[str]:
    """Return a table of each group of sources."""
    return [
        _table(group, [sample for sample in samples if sample.group == group])
        for group in dict.fromkeys(sample.group for sample in samples)
    ]


def _table(group: str, samples: Sequence[Sample]) -> str:
    count = len({sample.source for sample in samples})
    rows = []
    for form in FORMATS:
        for name in dict.fromkeys(sample.contestant for sample in samples):
            cells = [
                cell
                for width in WIDTHS
                for cell in _cells(_of(samples, name, Kind(form, width)), is_ours=name == OURS)
            ]
            rows.append((f"{name}, {FORMATS[form]}", *cells))
    return table(
        f"Q. {count} {group} to 400 and 800 px, defaults of each: median (worst)",
        (
            "",
            *[
                head
                for width in WIDTHS
                for head in (f"{width} px: bytes ÷ ours", "SSIM", "ours at its bytes")
            ],
        ),
        rows,
    )


def _of(samples: Sequence[Sample], name: str, kind: Kind) -> list[Sample]:
    return [sample for sample in samples if sample.contestant == name and sample.kind == kind]


def _cells(samples: Sequence[Sample], *, is_ours: bool) -> tuple[str, str, str]:
    if not samples:
        return ("–", "–", "–")
    likeness = _with_worst([each.likeness for each in samples], min, ".4f")
    if is_ours:
        return ("1", likeness, "")
    return (
        _with_worst([each.share for each in samples], max, ".2f"),
        likeness,
        _with_worst([each.gain for each in samples], min, "+z.4f"),
    )


def _with_worst(values: Sequence[float], worst: Callable[[Sequence[float]], float], form: str) -> str:
    return f"{median(values):{form}} ({worst(values):{form}})"


def targets(samples: Sequence[Sample]) -> list[Target]:
    """Return by how many thousandths this library's files are more alike than a peer's of as many bytes."""
    found = []
    for name in dict.fromkeys(sample.contestant for sample in samples if sample.contestant != OURS):
        for kind in [Kind(form, width) for form in FORMATS for width in WIDTHS]:
            if gains := [1e3 * sample.gain for sample in _of(samples, name, kind)]:
                what = f"Q: SSIM of {OURS} at the bytes of {name}, {FORMATS[kind.format]} {kind.width} px"
                found.append(Target(what, rounds.figure(gains), 0, "‰ more", is_floor=True))
    return found
