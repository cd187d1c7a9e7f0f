"""
Scenario B: one 12-megapixel JPEG to 400 and 800 px in WebP and JPEG, CPU seconds.

*raw Pillow* is the yardstick of the library's own benchmarks. A contestant builds on a page of one picture, or
by the call that its manual gives where a page builds nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from sandbox.benchmarks import bare_pillow, rounds
from sandbox.benchmarks.likeness import ssim
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import Figure
from sandbox.peers import pages
from sandbox.peers.contestants import CONTESTANTS, NO_PEERS, OURS
from sandbox.peers.processes import Process, running
from sandbox.peers.sources import LARGE, TURNED, is_stripped, is_upright

RAW = "raw Pillow"
BESIDE_RAW, AHEAD = 1.15, 1.5
FILES = 4


class Facts(NamedTuple):
    """
    What a contestant leaves.

    Attributes:
        files: How many.
        kilobytes: Of the largest file of each format, the 800 px one, by format.
        likeness: SSIM of those files against a full decode with LANCZOS, by format.
        upright: Whether a turned source comes out upright.
        stripped: Whether the camera's name is gone.
        faults: Of the page.
    """

    files: int
    kilobytes: dict[str, float]
    likeness: dict[str, float]
    upright: bool
    stripped: bool
    faults: list[str]


Memory = dict[str, Figure]


def run(names: Sequence[str], cache: str, folder: Path, *, count: int, memory_goes: int) -> Report:
    """
    Measure builds.

    Args:
        names: Contestants.
        cache: Of `project.BACKENDS`.
        folder: With the sources.
        count: Rounds.
        memory_goes: Processes of each contestant whose memory is looked at.
    """
    source = folder / LARGE
    with running(names, folder, cache) as found:
        facts = {name: _facts(process, source) for name, process in found.items()}
        goes = {name: partial(_seconds, process) for name, process in found.items()}
        times = rounds.measure({RAW: partial(_raw, source, folder), **goes}, count, goes=1)
    memory = {RAW: _figure([_raw_memory(source) for _ in range(memory_goes)])}
    for name in names:
        memory[name] = _figure([_memory(name, folder, cache) for _ in range(memory_goes)])
    data = {
        "cpu_seconds": times,
        "memory_mb": {name: figure._asdict() for name, figure in memory.items()},
        "facts": {name: each._asdict() for name, each in facts.items()},
    }
    return Report(_table(times, memory, facts), _targets(times, memory, facts), data)


# Contestants --------------------------------------------------------------------------------------------


def _raw(source: Path, folder: Path) -> float:
    start = time.process_time()
    bare_pillow.build(source, folder)
    return time.process_time() - start


def _seconds(process: Process) -> float:
    return float(process.ask("built", LARGE)["seconds"])


def _raw_memory(source: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "sandbox.benchmarks.memory", "raw", str(source)]
    found: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return found


def _memory(name: str, folder: Path, cache: str) -> dict[str, float]:
    with running([name], folder, cache) as found:
        answer: dict[str, float] = found[name].ask("memory")
    return answer


def _figure(goes: list[dict[str, float]]) -> Figure:
    return rounds.figure([go["peak"] - go["idle"] for go in goes])


def _facts(process: Process, source: Path) -> Facts:
    built: dict[str, Any] = process.ask("built", LARGE)
    read = pages.read_file(built["page"], process.media)
    turned = [Path(name) for name in process.ask("built", TURNED)["files"]]
    kilobytes, likeness = {}, {}
    for name in built["files"]:
        with Image.open(name) as picture, Image.open(source) as original:
            if picture.width > 600:
                kilobytes[str(picture.format)] = Path(name).stat().st_size / 1e3
                slow = original.resize(picture.size, Image.Resampling.LANCZOS)
                likeness[str(picture.format)] = ssim(picture, slow)
    return Facts(
        len(built["files"]),
        kilobytes,
        likeness,
        all(map(is_upright, turned)),
        all(map(is_stripped, turned)),
        read.faults,
    )


# Figures ------------------------------------------------------------------------------------------------


def _table(times: dict[str, list[float]], memory: Memory, facts: dict[str, Facts]) -> str:
    rows = []
    for name, values in times.items():
        each = facts.get(name)
        rows.append(
            (
                name + (" †" if each and each.faults else ""),
                with_spread(rounds.figure(values), ".3f"),
                f"{rounds.ratio(values, times[RAW]).median:.2f}",
                f"{rounds.ratio(values, times[OURS]).median:.2f}",
                f"{memory[name].median:.0f}",
                *(_cells(each) if each else (f"{FILES}", "", "", "", "")),
            )
        )
    notes = [f"† {name}: {'; '.join(each.faults)}." for name, each in facts.items() if each.faults]
    notes += [f"{name}: {remark}." for name in facts if (remark := CONTESTANTS[name].remark)]
    return table(
        "B. One 12-megapixel JPEG to 400 and 800 px in WebP and JPEG, defaults of each (quartiles)",
        (
            "",
            "CPU s",
            "÷ raw",
            "÷ ours",
            "peak MB over idle",
            "files",
            "upright",
            "camera's name gone",
            "800 px WebP: kB, SSIM",
            "800 px JPEG: kB, SSIM",
        ),
        rows,
    ) + "\n".join([*notes, ""])


def _cells(facts: Facts) -> tuple[str, ...]:
    formats = [
        f"{facts.kilobytes[form]:.0f}, {facts.likeness[form]:.4f}" if form in facts.kilobytes else "–"
        for form in ("WEBP", "JPEG")
    ]
    return (str(facts.files), _word(facts.upright), _word(facts.stripped), *formats)


def _word(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _targets(times: dict[str, list[float]], memory: Memory, facts: dict[str, Facts]) -> list[Target]:
    targets = [Target(f"B: {OURS} ÷ {RAW}, CPU", rounds.ratio(times[OURS], times[RAW]), BESIDE_RAW)]
    peers = [name for name in facts if CONTESTANTS[name].package not in NO_PEERS]
    whole = [name for name in peers if facts[name].files == FILES]
    for among, of in ((peers, "the fastest peer"), (whole, f"the fastest that makes {FILES} files")):
        if among:
            fastest = min(among, key=lambda name: rounds.figure(times[name]).median)
            ahead = rounds.ratio(times[fastest], times[OURS])
            targets.append(Target(f"B: {fastest}, {of}, ÷ {OURS}, CPU", ahead, AHEAD, is_floor=True))
    alike = [memory[name].median for name in peers if CONTESTANTS[name].decodes_once]
    if alike:
        name = f"B: {OURS}, MB over idle, of those that decode once"
        targets.append(Target(name, memory[OURS], min(alike), "MB"))
    return targets
