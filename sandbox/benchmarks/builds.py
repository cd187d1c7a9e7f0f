"""
Scenario B: one 12-megapixel JPEG to 400 and 800 px in WebP and JPEG, CPU seconds.

*raw* is Pillow alone, *job* the build through the library (records, lease, storage, cache), *page* a whole
cold page on top of it. Each go has a name that the library has not seen before.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from PIL import Image

from responsive_img.hooks import BuildJob
from responsive_img.hooks import run as run_job
from sandbox.benchmarks import bare_pillow, drawing, rounds, sources
from sandbox.benchmarks.likeness import ssim
from sandbox.benchmarks.project import MIDDLEWARE, handler
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import Figure
from sandbox.benchmarks.verdicts import WrongPageError

BESIDE_RAW, MEMORY, LIKENESS = 1.15, 60.0, 0.992
MEMORY_GOES = 3
_PNG = re.compile(r"/media/(\S+\.png) [12]x")


def run(alias: str, folder: Path, *, count: int) -> Report:
    """
    Measure builds.

    Args:
        alias: Of the cache.
        folder: For what Pillow alone writes.
        count: Rounds.

    Raises:
        WrongPageError: A build has not left its four files.
    """
    source = folder / "source.jpg"
    drawing.draw(source)
    with override_settings(RESPONSIVE_IMG_CACHE=alias):
        ours = handler(MIDDLEWARE)
        sizes = _checked(ours, source, folder)
        likeness = _likeness(ours, source)
        seconds = rounds.measure(
            {
                "raw": partial(_raw, source, folder),
                "job": partial(_job, source, _spec()),
                "page": partial(_page, ours, source),
            },
            count,
            goes=1,
        )
    memory = {name: _memory(name, source) for name in ("raw", "ours")}
    ratios = {name: rounds.ratio(seconds[name], seconds["raw"]) for name in seconds}
    text = _table(seconds, ratios, memory) + (
        f"Source {source.stat().st_size / 1e6:.1f} MB; {sizes}.\n"
        f"SSIM against a full decode with LANCZOS: {_likeness_text(likeness)}.\n"
    )
    targets = [
        Target("build: job ÷ raw Pillow, CPU", ratios["job"], BESIDE_RAW),
        Target("build: cold page ÷ raw Pillow, CPU", ratios["page"], BESIDE_RAW),
        Target("build: peak memory over idle", memory["ours"], MEMORY, "MB"),
        Target("build: SSIM", Figure(*[min(likeness.values())] * 3), LIKENESS, "", is_floor=True),
    ]
    data = {
        "cpu_seconds": seconds,
        "ratios": {name: found._asdict() for name, found in ratios.items()},
        "memory_mb": {name: found._asdict() for name, found in memory.items()},
        "ssim": likeness,
        "source_bytes": source.stat().st_size,
    }
    return Report(text, targets, data)


# Contestants --------------------------------------------------------------------------------------------


def _raw(source: Path, folder: Path) -> float:
    start = time.process_time()
    bare_pillow.build(source, folder)
    return time.process_time() - start


def _job(source: Path, spec: str) -> float:
    name = sources.new_name(source)
    job = BuildJob(storage="default", name=name, field="benchmarks.Photo.image", specs=(spec,))
    start = time.process_time()
    run_job(job)
    seconds = time.process_time() - start
    _check_files(name)
    return seconds


def _page(ours: WSGIHandler, source: Path) -> float:
    photo = sources.new_photo(source)
    start = time.process_time()
    sources.show(ours, photo)
    seconds = time.process_time() - start
    _check_files(str(photo.image.name))
    return seconds


def _spec() -> str:
    """Return the canonical spec that the page before has built."""
    picture = apps.get_model("responsive_img", "Picture")
    return str(picture._default_manager.exclude(spec__contains="png").values_list("spec", flat=True)[0])


# What they leave ----------------------------------------------------------------------------------------


def _check_files(name: str) -> list[Path]:
    """
    Return the four files of a source.

    Raises:
        WrongPageError: There are more or fewer.
    """
    files = sources.files_of(name)
    if len(files) != 4:
        raise WrongPageError(f"{len(files)} files instead of 4 for a cold picture")
    return files


def _checked(ours: WSGIHandler, source: Path, folder: Path) -> str:
    """
    Build once with both, and return what their files weigh.

    Raises:
        WrongPageError: The page names other files, or one that is not there.
    """
    photo = sources.new_photo(source)
    content = sources.show(ours, photo).decode()
    files = _check_files(str(photo.image.name))
    if not all(f"{file.name} " in content for file in files):
        raise WrongPageError("the cold page does not name the files that it built")
    for file in files:
        with Image.open(file) as picture:
            if picture.size not in {(400, 300), (800, 600)}:
                raise WrongPageError(f"{file.name} has {picture.size} px")
    raw = bare_pillow.build(source, folder)
    same = {file.read_bytes() for file in files} == {file.read_bytes() for file in raw}
    weights = [f"{sum(file.stat().st_size for file in each) / 1e3:.0f} kB" for each in (files, raw)]
    return f"ours {weights[0]}, raw {weights[1]}, {'the same' if same else 'other'} bytes"


def _likeness(ours: WSGIHandler, source: Path) -> dict[int, float]:
    """Return the SSIM of the library's own pixels against the slow way, by width in px."""
    content = sources.show(ours, sources.new_photo(source), "lossless").decode()
    found = {}
    for name in _PNG.findall(content):
        with Image.open(Path(settings.MEDIA_ROOT) / name) as picture, Image.open(source) as original:
            slow = original.resize(picture.size, Image.Resampling.LANCZOS)
            found[picture.width] = ssim(picture, slow)
    if set(found) != {400, 800}:
        raise WrongPageError(f"lossless renditions of {sorted(found)} px instead of 400 and 800")
    return found


def _memory(name: str, source: Path) -> Figure:
    """Return the peak of a build over idle, each time in a process of its own: MB."""
    command = [sys.executable, "-m", "sandbox.benchmarks.memory", name, str(source)]
    goes = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(MEMORY_GOES)
    ]
    return rounds.figure([go["peak"] - go["idle"] for go in goes])


# Text ---------------------------------------------------------------------------------------------------


def _table(seconds: dict[str, list[float]], ratios: dict[str, Figure], memory: dict[str, Figure]) -> str:
    megabytes = {"raw": memory["raw"], "page": memory["ours"]}
    return table(
        "B. One 12-megapixel JPEG to 400 and 800 px in WebP and JPEG (quartiles)",
        ("", "CPU s", "÷ raw", "peak MB over idle"),
        [
            (
                name,
                with_spread(rounds.figure(values), ".3f"),
                with_spread(ratios[name], ".3f"),
                f"{megabytes[name].median:.1f}" if name in megabytes else "",
            )
            for name, values in seconds.items()
        ],
    )


def _likeness_text(likeness: dict[int, float]) -> str:
    return ", ".join([f"{value:.4f} at {width} px" for width, value in sorted(likeness.items())])
