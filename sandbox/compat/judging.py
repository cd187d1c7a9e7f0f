"""One suite: its runs, and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sandbox.compat.guests import FORCED, IDLE, OURS
from sandbox.compat.runs import Run, run
from sandbox.compat.verdicts import lost


class Visit(NamedTuple):
    """
    A suite with a guest.

    Attributes:
        run: What came of it.
        broken: The tests that the guest breaks.
        unsteady: Those that it broke the first time, and not the second.
        crowded: Those that end in the same way with a guest that does nothing.
    """

    run: Run
    broken: list[str]
    unsteady: list[str]
    crowded: list[str]


class Judged(NamedTuple):
    """
    A suite without a guest, with the one that does nothing, with ours, and with ours forced.

    Attributes:
        suite: Its label.
    """

    suite: str
    alone: Run
    idle: Run
    ours: Visit
    forced: Visit

    @property
    def is_broken(self) -> bool:
        """Whether a test passes without us, and not with us."""
        return bool(self.ours.broken or self.forced.broken)


def judged(suite: str, tests: Path, logs: Path) -> Judged:
    """
    Run a suite with every guest, one after the other; with one that breaks a test, twice.

    Args:
        suite: Its label.
        tests: Folder of `runtests.py`.
        logs: Folder for what the suite prints.

    Raises:
        SuiteError: It did not come to an end.
    """
    alone, idle = run(tests, suite, None, logs), run(tests, suite, IDLE, logs)
    visits = []
    for guest in (OURS, FORCED):
        first = run(tests, suite, guest, logs)
        broken, crowded = lost(alone, idle, guest, first)
        steady = broken
        if broken:
            second = run(tests, suite, guest, logs / "second")
            steady = broken & lost(alone, idle, guest, second).broken
        visits.append(Visit(first, sorted(steady), sorted(broken - steady), sorted(crowded)))
    return Judged(suite, alone, idle, *visits)
