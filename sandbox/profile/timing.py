"""Stages timed in turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from sandbox.benchmarks import rounds
from sandbox.benchmarks.rounds import Contestant

Given = TypeVar("Given")

# Name of what was timed → s.
Times = Mapping[str, float]


def stage(
    prepare: Callable[[], Given],
    run: Callable[[Given], object],
    repeats: int = 1,
    *,
    with_garbage: bool = False,
) -> Contestant:
    """
    Return what gives the seconds of one run.

    Args:
        prepare: Makes what a run is given, in time that does not count: each its own, as on a page.
        run: The stage.
        repeats: In one go, where one is too short for the clock.
        with_garbage: The garbage collector stays on, as in a server.
    """

    def seconds() -> float:
        given = [prepare() for _ in range(repeats)]
        if not with_garbage:
            gc.disable()
        start = time.process_time()
        for each in given:
            run(each)
        taken = time.process_time() - start
        gc.enable()
        return taken / repeats

    return seconds


def medians(contestants: Mapping[str, Contestant], count: int, goes: int) -> Times:
    """Return the median of each over rounds in which they take turns, of its best go in each: s."""
    taken = rounds.measure(contestants, count, goes)
    return {name: rounds.figure(values).median for name, values in taken.items()}
