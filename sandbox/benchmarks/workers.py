"""
Workers: what two of them reach over one, beside two processes of bare Pillow, and what memory one takes.

Speed is that of the files' own times, from the first one to the last: what starting a process takes is left
out on both sides.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.test import override_settings

from sandbox.benchmarks import drawing, rounds, sources
from sandbox.benchmarks.project import MIDDLEWARE, get, handler
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import Figure
from sandbox.benchmarks.settings import FOLDER, SHARED
from sandbox.benchmarks.verdicts import WrongPageError

BESIDE_BARE = 0.9
SOURCES = 30
QUEUES = (100, 10_000)  # rows
BESIDE_SHORT_QUEUE = 1.1


def run(alias: str, folder: Path, *, count: int) -> Report:
    """
    Measure workers.

    Args:
        alias: Of the cache.
        folder: For what Pillow alone writes.
        count: Rounds.

    Raises:
        WrongPageError: A worker has left something queued.
    """
    source = folder / "source.jpg"
    drawing.draw(source)
    environment = {**os.environ, SHARED: str(FOLDER), "RESPONSIVE_IMG_BENCHMARK_CACHE": alias}
    seconds = rounds.measure(
        {
            **{f"bare {n}": partial(_bare, source, folder, n) for n in (1, 2)},
            **{f"ours {n}": partial(_ours, source, environment, n) for n in (1, 2)},
        },
        count,
        goes=1,
    )
    gained = {
        who: [one / two for one, two in zip(seconds[f"{who} 1"], seconds[f"{who} 2"], strict=True)]
        for who in ("bare", "ours")
    }
    beside = rounds.ratio(gained["ours"], gained["bare"])
    memory = {rows: _memory(source, rows, environment) for rows in QUEUES}
    few, many = [memory[rows]["peak"] for rows in QUEUES]
    grown = Figure(*[many / few] * 3)
    text = _speed_table(seconds, gained) + "\n" + _memory_table(memory)
    targets = [
        Target("workers: gain of two ÷ that of bare Pillow", beside, BESIDE_BARE, is_floor=True),
        Target(f"worker: memory at {QUEUES[1]:,} rows ÷ at {QUEUES[0]}", grown, BESIDE_SHORT_QUEUE),
    ]
    return Report(text, targets, {"seconds": seconds, "gained": gained, "memory_mb": memory})


# Speed --------------------------------------------------------------------------------------------------


def _bare(source: Path, folder: Path, processes: int) -> float:
    """Return s per source, of bare Pillow."""
    names = [str(Path(settings.MEDIA_ROOT) / sources.new_name(source)) for _ in range(SOURCES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "sandbox.benchmarks.bare_pillow", str(folder), *names[n::processes]]
        )
        for n in range(processes)
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise WrongPageError("bare Pillow has failed")
    return _span([folder / f"{Path(name).stem}-400.jpg" for name in names])


def _ours(source: Path, environment: dict[str, str], processes: int) -> float:
    """Return s per source, of the command."""
    names = _queue(source, SOURCES)
    command = [sys.executable, "-m", "django", "responsive_img", "build", "--workers", str(processes)]
    subprocess.run([*command, "--verbosity", "0", "--skip-checks"], env=environment, check=True)
    files = [sources.files_of(name) for name in names]
    if any(len(each) != 4 for each in files):
        raise WrongPageError("a worker has not left four files of each source")
    return _span([max(each, key=lambda file: file.stat().st_mtime_ns) for each in files])


def _span(files: list[Path]) -> float:
    """Return s from one file to the next, on average."""
    times = sorted(file.stat().st_mtime_ns for file in files)
    return (times[-1] - times[0]) / 1e9 / (len(times) - 1)


def _queue(source: Path, count: int) -> list[str]:
    """Have a page queue so many sources, and return their names."""
    with override_settings(RESPONSIVE_IMG_BUILD_HOOK="responsive_img.hooks.enqueue"):
        first = sources.new_photos(source, count)
        get(handler(MIDDLEWARE), f"/several/{first}/{count}/")
    photos = apps.get_app_config("benchmarks").get_model("Photo")._default_manager.filter(pk__gte=first)
    return [str(name) for name in photos.values_list("image", flat=True)]


# Memory -------------------------------------------------------------------------------------------------


def _memory(source: Path, rows: int, environment: dict[str, str]) -> dict[str, float]:
    """Return what a worker has at most while it builds the first sources of so long a queue: MB."""
    models = [apps.get_model("responsive_img", name)._default_manager for name in ("Picture", "Source")]
    for model in models:
        model.all().delete()
    _queue(source, rows)
    if models[0].filter(state="queued").count() != rows:
        raise WrongPageError(f"not {rows} pictures are queued")
    command = [sys.executable, "-m", "sandbox.benchmarks.memory", "worker", str(source)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


# Text ---------------------------------------------------------------------------------------------------


def _speed_table(seconds: dict[str, list[float]], gained: dict[str, list[float]]) -> str:
    rows = [
        (
            {"bare": "bare Pillow", "ours": "responsive_img build"}[who],
            *[with_spread(rounds.figure(seconds[f"{who} {n}"]), ".3f") for n in (1, 2)],
            with_spread(rounds.figure(gained[who])),
        )
        for who in ("bare", "ours")
    ]
    title = f"W. {SOURCES} queued pictures of 12 megapixels, four files each: s per picture (quartiles)"
    return table(title, ("", "one process", "two", "gain"), rows)


def _memory_table(memory: dict[int, dict[str, float]]) -> str:
    return table(
        "Memory of one worker that builds pictures of 12 megapixels, MB",
        ("rows in the queue", "idle", "peak"),
        [(f"{rows:,}", f"{found['idle']:.0f}", f"{found['peak']:.0f}") for rows, found in memory.items()],
    )
