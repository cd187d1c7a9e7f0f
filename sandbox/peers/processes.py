"""The contestants' processes, as the one that compares them sees them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sandbox.peers.contestants import CONTESTANTS
from sandbox.peers.environment import ROOT, python

REDIS = os.environ.get("RESPONSIVE_IMG_BENCHMARK_REDIS", "redis://127.0.0.1:6379/14")


class ContestantError(Exception):
    """A contestant's process has ended."""


class Process:
    """A contestant at work; `media` is the folder of its files."""

    def __init__(self, name: str, folder: Path, cache: str) -> None:
        self.name = name
        self.media = folder / CONTESTANTS[name].package / "media"
        self.log = folder / f"{name} {cache}.log"
        command = [str(python()), "-m", "sandbox.peers.child", name, str(folder), cache, REDIS]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def ask(self, verb: str, *arguments: object) -> Any:
        """
        Have it do something, and return its answer.

        Raises:
            ContestantError: It gave none.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps([verb, *arguments]) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # there is no answer either
        return self.answer()

    def answer(self) -> Any:
        """Return its next answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            last = self.log.read_text().strip().rpartition("\n")[2]
            raise ContestantError(f"{self.name}: {last}")
        return json.loads(line)

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def running(names: Sequence[str], folder: Path, cache: str) -> Iterator[dict[str, Process]]:
    """Give the processes of contestants, all loaded; end them on leaving."""
    with ExitStack() as stack:
        found = {}
        # One after the other where they share a folder, whose tables the first makes.
        for group in packages(names):
            for name in group:
                found[name] = Process(name, folder, cache)
                stack.callback(found[name].end)
                found[name].answer()
        yield found


def packages(names: Sequence[str]) -> list[list[str]]:
    """Return the names in groups of one package."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(CONTESTANTS[name].package, []).append(name)
    return list(groups.values())


def fill(found: dict[str, Process], number: int) -> None:
    """Have them all make their rows and files, on all cores; those of one package share them."""

    def fill_group(group: list[str]) -> None:
        for name in group:
            found[name].ask("fill", number)
            found[name].ask("wake", number)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill_group, packages(list(found))))
