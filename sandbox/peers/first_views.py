"""Scenario C: the first request of a page of 20 pictures of 12 megapixels, of which nothing is built."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.benchmarks import rounds
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import Figure
from sandbox.peers.contestants import OURS
from sandbox.peers.processes import Process, running

PICTURES = 20
QUICK, ROUNDS = 1.0, 11  # s; whoever answers within it is compared in so many rounds of their own
BUDGET = 2.0  # s, the library's default
PEER, QUEUED, BESIDE_PEER = "easy_images", f"{OURS}, enqueue", 0.5


def run(names: Sequence[str], cache: str, folder: Path, *, count: int) -> Report:
    """
    Measure first requests.

    Args:
        names: Contestants.
        cache: Of `project.BACKENDS`.
        folder: With the sources.
        count: Rounds.
    """
    views: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with running(names, folder, cache) as found:
        for process in found.values():
            process.ask("first", 1)  # what is loaded by the first of all
        one = [float(found[OURS].ask("first", 1)["seconds"]) for _ in range(count)] if OURS in found else []
        goes = {name: partial(_seconds, process, views[name]) for name, process in found.items()}
        times = rounds.measure(goes, count, goes=1)
        quick = {name: go for name, go in goes.items() if min(times[name]) < QUICK}
        times |= rounds.measure(quick, ROUNDS, goes=1)
    data = {"views": views, "seconds": times, "one_build_seconds": one}
    return Report(_table(times, views), _targets(times, views, one), data)


def _seconds(process: Process, views: list[dict[str, Any]]) -> float:
    views.append(process.ask("first", PICTURES))
    return float(views[-1]["seconds"])


def _table(times: dict[str, list[float]], views: dict[str, list[dict[str, Any]]]) -> str:
    rows = []
    for name, values in times.items():
        milliseconds = rounds.figure([1e3 * seconds for seconds in values])
        most = {what: max(int(view[what]) for view in views[name]) for what in ("sources", "dead")}
        sized = min(int(view["sized"]) for view in views[name])
        rows.append(
            (name, with_spread(milliseconds, ".0f"), *map(str, (most["sources"], most["dead"], sized)))
        )
    return table(
        f"C. First request of a page of {PICTURES} unbuilt pictures of 12 megapixels (quartiles)",
        (
            "",
            "ms until the response",
            "pictures whose src is the source",
            "URLs that answer 404",
            "pictures with width and height",
        ),
        rows,
    )


def _targets(
    times: dict[str, list[float]], views: dict[str, list[dict[str, Any]]], one: list[float]
) -> list[Target]:
    targets = []
    if OURS in times:
        limit = BUDGET + max(one)
        targets.append(Target(f"C: {OURS}: budget plus one build", rounds.figure(times[OURS]), limit, "s"))
    if {QUEUED, PEER} <= times.keys():
        beside = rounds.ratio(times[QUEUED], times[PEER])
        targets.append(Target(f"C: {QUEUED} ÷ {PEER}", beside, BESIDE_PEER))
    for name in (OURS, QUEUED):
        if name in views:
            dead = float(max(view["dead"] for view in views[name]))
            targets.append(Target(f"C: {name}: URLs that answer 404", Figure(dead, dead, dead), 0, ""))
    if QUEUED in views:
        sized = float(min(view["sized"] for view in views[QUEUED]))
        name = f"C: {QUEUED}: pictures with width and height"
        targets.append(Target(name, Figure(sized, sized, sized), PICTURES, "", is_floor=True))
    return targets
