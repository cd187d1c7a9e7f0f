"""Scenario D: eight threads ask for the same unbuilt picture of four files at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sandbox.benchmarks.reports import Report, Target, table
from sandbox.benchmarks.rounds import Figure
from sandbox.peers.contestants import CONTESTANTS, OURS
from sandbox.peers.processes import running

THREADS, FILES = 8, 4
_COLUMNS = ("encodes", "files", "broken", "stand_ins")


def run(names: Sequence[str], caches: Sequence[str], folder: Path, *, count: int) -> Report:
    """
    Send visitors.

    Args:
        names: Contestants.
        caches: Of `project.BACKENDS`.
        folder: With the sources.
        count: Rounds.
    """
    rows, targets, data = [], [], {}
    for cache in caches:
        with running(names, folder, cache) as found:
            for name, process in found.items():
                process.ask("first", 1)  # what is loaded by the first of all
                went = [process.ask("rush", THREADS) for _ in range(count)]
                values = {column: [int(each[column]) for each in went] for column in _COLUMNS}
                rows.append((f"{name}, {cache}", *[_range(values[column]) for column in _COLUMNS]))
                data[f"{name}, {cache}"] = values
                if name == OURS:
                    targets += _targets(values, cache)
    title = (
        f"D. One unbuilt picture of {FILES} files, asked for by {THREADS} threads at once ({count} rounds)"
    )
    headers = ("", "encodes", "files left", "pages with a dead URL", "pages that show the source")
    notes = [f"{name}: {remark}." for name in names if (remark := CONTESTANTS[name].remark)]
    return Report(table(title, headers, rows) + "\n".join([*notes, ""]), targets, data)


def _targets(values: dict[str, list[int]], cache: str) -> list[Target]:
    def at_most(what: str) -> Figure:
        return Figure(*[float(max(values[what]))] * 3)

    return [
        Target(f"D, {cache}: encodes", at_most("encodes"), FILES, ""),
        Target(f"D, {cache}: files left", at_most("files"), FILES, ""),
        Target(f"D, {cache}: pages with a dead URL", at_most("broken"), 0, ""),
    ]


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low}–{high}"
