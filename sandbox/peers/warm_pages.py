"""
Scenario A: a page whose pictures are all built, 10 to 10,000 of them.

*static* is hand-written markup with every URL on the row, *manifest* one `get_many` of small tuples in Jinja2.
All processes wait while one is measured. Whoever would take too long for a page of the next size is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sandbox.benchmarks import rounds
from sandbox.benchmarks.budgets import CACHE_METHODS
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import Figure
from sandbox.peers import pages
from sandbox.peers.contestants import CONTESTANTS, NO_PEERS, OURS
from sandbox.peers.processes import Process, fill, running

SIZES = (10, 100, 1000, 10_000)
FEW = 100  # pictures; limits are given for this page
MOST_ROUNDS = 5  # of a larger page
GOES = 6  # of a contestant in a round, on a page that is no larger: a busy machine disturbs it the more
PATIENCE = 4.0  # s, of one page
JINJA, MANIFEST = f"{OURS}, Jinja2", "manifest, Jinja2"
GOAL, BESIDE_MANIFEST, GROWTH = 1.0, 1.2, 1.2
BESIDE_PEER, BESIDE_CHECKED = 4.0, 6.0


class Page(NamedTuple):
    """A page to measure."""

    contestant: str
    size: int


class Facts(NamedTuple):
    """What is known of a contestant's page before it is measured: what it asks, and what is wrong with it."""

    asked: Counter[str]
    faults: list[str]


Times = dict[Page, list[float]]

# Ours in the rounds of the largest page, whose time per picture is compared with this.
AGAIN = Page(f"{OURS}, again", FEW)


def run(
    names: Sequence[str],
    caches: Sequence[str],
    folder: Path,
    clock: str,
    *,
    largest: int,
    count: int,
) -> Report:
    """
    Measure all pages.

    Args:
        names: Contestants.
        caches: Of `project.BACKENDS`.
        folder: With the sources.
        clock: Name in `CLOCKS`.
        largest: Pictures on the largest page.
        count: Rounds.
    """
    sizes = [size for size in SIZES if size < largest] + [largest]
    texts, targets, data = [], [], {}
    for cache in caches:
        times, facts = _measured(names, cache, folder, clock, sizes, count)
        texts.append(_table(times, facts, cache, clock, sizes))
        targets += _targets(times, cache, sizes)
        data[cache] = [
            {
                **page._asdict(),
                "seconds": rounds.figure(times[page])._asdict(),
                "rounds": times[page],
                **known._asdict(),
            }
            for page, known in facts.items()
        ]
    return Report("\n".join(texts), targets, data)


def _measured(
    names: Sequence[str], cache: str, folder: Path, clock: str, sizes: Sequence[int], count: int
) -> tuple[Times, dict[Page, Facts]]:
    times: Times = {}
    facts: dict[Page, Facts] = {}
    with running(names, folder, cache) as found:
        for size in sizes:
            racing = _fit(found, times, size)
            fill(racing, size)
            facts |= {Page(name, size): _facts(process, size) for name, process in racing.items()}
            goes = {
                Page(name, size): partial(process.ask, "seconds", size, clock)
                for name, process in racing.items()
            }
            if size == sizes[-1] > FEW:
                goes[AGAIN] = partial(found[OURS].ask, "seconds", FEW, clock)
            is_short = size <= FEW
            times |= rounds.measure(
                goes, count if is_short else min(count, MOST_ROUNDS), GOES if is_short else 1
            )
    return times, facts


def _fit(found: dict[str, Process], times: Times, size: int) -> dict[str, Process]:
    """Return the processes whose page of this size will not take too long, by what they took before."""
    slowest: dict[str, float] = {}
    for page, values in times.items():
        slowest[page.contestant] = min(values) / page.size
    return {name: found[name] for name in found if slowest.get(name, 0.0) * size <= PATIENCE}


def _facts(process: Process, size: int) -> Facts:
    read = pages.read_file(process.ask("page", size), process.media)
    return Facts(Counter(process.ask("asked", size)), read.faults)


# Figures ------------------------------------------------------------------------------------------------


def _ratio(times: Times, above: str, below: str, size: int) -> Figure | None:
    pages_of = Page(above, size), Page(below, size)
    return rounds.ratio(*[times[page] for page in pages_of]) if times.keys() >= set(pages_of) else None


def _shown(figure: Figure | None) -> str:
    return "–" if figure is None else f"{figure.median:.2f}"


def _table(times: Times, facts: dict[Page, Facts], cache: str, clock: str, sizes: Sequence[int]) -> str:
    at = FEW if FEW in sizes else sizes[-1]
    shown = {page.contestant: known for page, known in facts.items() if page.size == at}
    rows = []
    for name, (asked, faults) in shown.items():
        lookups = sum(asked[method] for method in CACHE_METHODS)
        beside = _ratio(times, name, OURS, at)
        rows.append(
            (
                name + ("" if CONTESTANTS[name].is_checked else " *") + (" †" if faults else ""),
                *[_shown(_ratio(times, name, "static", size)) for size in sizes],
                "–" if beside is None else with_spread(beside),
                *[f"{value:,}" for value in (asked["queries"], lookups, asked["storage"])],
            )
        )
    notes = [f"† {name}: {'; '.join(faults)}." for name, (_, faults) in shown.items() if faults]
    return table(
        f"A. Warm page, {cache}, {clock} time: × static by pictures on the page; × {OURS} and calls at {at}",
        ("", *[f"{size:,}" for size in sizes], f"× {OURS}", "queries", "cache", "storage"),
        rows,
    ) + "\n".join(
        [
            "* emits URLs that it has not looked up. –: the page would take too long.",
            *notes,
            "",
        ]
    )


def _targets(times: Times, cache: str, sizes: Sequence[int]) -> list[Target]:
    """Return the figures that have a limit: on Redis, at 100 pictures, but growth everywhere."""
    wanted = [(OURS, "static", GOAL, False), (JINJA, MANIFEST, BESIDE_MANIFEST, False)]
    for name, contestant in CONTESTANTS.items():
        if contestant.package not in NO_PEERS:
            wanted.append((name, OURS, BESIDE_CHECKED if contestant.is_checked else BESIDE_PEER, True))
    found = []
    if cache == "Redis":
        for above, below, limit, is_floor in wanted:
            figure = _ratio(times, above, below, FEW)
            if figure is not None:
                found.append(Target(f"A, Redis, {FEW}: {above} ÷ {below}", figure, limit, is_floor=is_floor))
    many = Page(OURS, sizes[-1])
    if many.size > FEW and many in times:
        each = [[seconds / page.size for seconds in times[page]] for page in (many, AGAIN)]
        name = f"A, {cache}: {OURS} per picture, at {many.size:,} ÷ at {FEW}"
        found.append(Target(name, rounds.ratio(*each), GROWTH))
    return found
