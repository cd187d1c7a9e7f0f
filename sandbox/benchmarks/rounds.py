"""Times that can be compared: contestants measured in turn, one ratio per round."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)

# Returns what one go took: s.
Contestant = Callable[[], float]
# Returns a time: s.
Clock = Callable[[], float]

CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
# s. What is short is repeated so often that the clock's grain and a hiccup do not show.
GO = 0.02


class Figure(NamedTuple):
    """A median with the quartiles of its rounds."""

    median: float
    low: float
    high: float


def measure(contestants: Mapping[Key, Contestant], count: int, goes: int = 2) -> dict[Key, list[float]]:
    """
    Return what each contestant took in each round: its best go, as what disturbs a go only adds to it.

    In turn, each round from another one on, and each go with a collected heap, so that place and garbage
    fall on all alike; the garbage collector stays on, as in a server.

    Args:
        contestants: What to measure.
        count: Rounds.
        goes: Of every contestant in a round.
    """
    taken: dict[Key, list[float]] = {key: [] for key in contestants}
    order = list(contestants)
    for number in range(count):
        start = number % len(order)
        best = dict.fromkeys(order, float("inf"))
        for key in (order[start:] + order[:start]) * goes:
            gc.collect()
            best[key] = min(best[key], contestants[key]())
        for key, seconds in best.items():
            taken[key].append(seconds)
    return taken


def repeated(call: Callable[[], object], clock: Clock) -> Contestant:
    """Return what gives the seconds of one call, warmed up."""
    _seconds(call, clock, 2)
    return partial(_seconds, call, clock, max(1, round(GO / max(_seconds(call, clock, 2), 1e-6))))


def _seconds(call: Callable[[], object], clock: Clock, repeats: int) -> float:
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def figure(values: Sequence[float]) -> Figure:
    """Return median and quartiles."""
    if len(values) < 2:
        return Figure(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Figure(median, low, high)


def ratio(above: Sequence[float], below: Sequence[float]) -> Figure:
    """Return the ratio of two contestants, taken round by round."""
    return figure([one / other for one, other in zip(above, below, strict=True)])


def difference(first: Sequence[float], second: Sequence[float]) -> Figure:
    """Return how much more the first took, round by round: s."""
    return figure([one - other for one, other in zip(first, second, strict=True)])
