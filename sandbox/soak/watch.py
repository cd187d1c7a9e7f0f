"""Processes seen from outside: their children, memory and open files."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
INTERVAL = 0.5  # s between two samples
# What the last quarter may have over the first one: caches of code and of values fill up once.
MEMORY_FACTOR, MEMORY_MORE, FILES_MORE = 1.2, 8.0, 6  # ×, MB, files


def children(pid: int) -> list[int]:
    """Return the living children of a process."""
    found = []
    for path in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(path.parent.name))
    return found


class Sample(NamedTuple):
    """
    What a process has at one time.

    Attributes:
        memory: Resident, MB.
        files: Open.
    """

    memory: float
    files: float


class Watch:
    """Samples of processes, by name."""

    def __init__(self, processes: Mapping[str, int], warm_up: float) -> None:
        self._processes = processes
        self._next = time.monotonic() + warm_up
        self.samples: dict[str, list[Sample]] = {name: [] for name in processes}

    def look(self) -> None:
        """Take a sample of each process, if it is time to."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + INTERVAL
        for name, pid in self._processes.items():
            with suppress(OSError):
                status = (_PROC / str(pid) / "status").read_text()
                memory = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
                files = len(list((_PROC / str(pid) / "fd").iterdir()))
                self.samples[name].append(Sample(int(memory[1]) / 1024 if memory else 0, files))

    def quarters(self, name: str) -> tuple[Sample, Sample]:
        """Return what a process had in the first and in the last quarter: medians."""
        samples = self.samples[name]
        length = max(1, len(samples) // 4)
        return _median(samples[:length]), _median(samples[-length:])

    def what_has_grown(self) -> list[str]:
        """Return which processes have more in the last quarter than they should."""
        grown = []
        for name, samples in self.samples.items():
            if not samples:
                grown.append(f"{name} was never seen")
                continue
            first, last = self.quarters(name)
            if last.memory > first.memory * MEMORY_FACTOR + MEMORY_MORE:
                grown.append(f"{name}: {first.memory:.0f} → {last.memory:.0f} MB")
            if last.files > first.files + FILES_MORE:
                grown.append(f"{name}: {first.files:.0f} → {last.files:.0f} open files")
        return grown


def _median(samples: list[Sample]) -> Sample:
    return Sample(*[statistics.median(values) for values in zip(*samples, strict=True)])
