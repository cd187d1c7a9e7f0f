"""What the runs of a suite say about a guest."""

from __future__ import annotations

import re
from typing import NamedTuple

from sandbox.compat.guests import IDLE, Guest
from sandbox.compat.runs import Run

# What differs from one process to the next: addresses, times, temporary folders; and the lines in which
# unittest points at differences, which are as long as the names above them.
_CHANCE = re.compile(r"0x[0-9a-f]+|\d+\.\d+|django_\w{8}|tmp\w{8}|^\? .*$", re.MULTILINE)


class Lost(NamedTuple):
    """
    The tests that pass alone and not with a guest: it fails them, skips them or does not get to them.

    Attributes:
        broken: By the guest.
        crowded: Those that end in the same way with a guest that does nothing.
    """

    broken: set[str]
    crowded: set[str]


def lost(alone: Run, idle: Run, guest: Guest, run: Run) -> Lost:
    """
    Return the tests that a guest costs.

    Args:
        alone: Without a guest.
        idle: With the one that does nothing.
        guest: To be judged.
        run: With it.
    """
    tests = {test for test in alone.outcomes if alone.passed(test) and not run.passed(test)}
    # A class or a module that cannot be set up goes by a name of its own.
    tests |= {test for test in run.bad() if test not in alone.outcomes}
    crowded = {
        test for test in tests if not idle.passed(test) and _end(idle, test, IDLE) == _end(run, test, guest)
    }
    return Lost(tests - crowded, crowded)


def _end(run: Run, test: str, guest: Guest) -> tuple[str, str]:
    outcome, words = run.end(test)
    return outcome, _CHANCE.sub("", guest.anonymous(words))
