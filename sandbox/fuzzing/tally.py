"""What came of all files: counts, the slowest, the largest, and every failure by name."""

from __future__ import annotations

import time
from collections import Counter

from sandbox.fuzzing.crew import Limits, Result

SHOWN = 20  # failures


class Tally:
    """Counts results."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._start = time.monotonic()
        self._kinds: Counter[str] = Counter()
        self._slowest: Result | None = None
        self._largest: Result | None = None
        self.failures: list[Result] = []

    @property
    def count(self) -> int:
        """Of files."""
        return self._kinds.total()

    def add(self, result: Result) -> None:
        """Count a result."""
        outcome = result.outcome
        self._kinds[outcome.kind] += 1
        if outcome.is_failure:
            self.failures.append(result)
        if self._slowest is None or outcome.seconds > self._slowest.outcome.seconds:
            self._slowest = result
        if self._largest is None or outcome.memory > self._largest.outcome.memory:
            self._largest = result

    def text(self) -> str:
        """Return all of it for people."""
        seconds = time.monotonic() - self._start
        lines = [f"{self.count:,} files in {seconds:.0f} s", ""]
        width = max(map(len, self._kinds), default=0)
        lines += [f"{kind:{width}}  {count:7,}" for kind, count in self._kinds.most_common()]
        lines.append("")
        if self._slowest and self._largest:
            lines += [
                f"slowest       {self._slowest.outcome.seconds:.2f} s of at most {self._limits.seconds:g} s:"
                f" {self._slowest.item.name}",
                f"largest RSS   {self._largest.outcome.memory:.0f} MB of at most {self._limits.memory} MB:"
                f" {self._largest.item.name}",
            ]
        lines.append(f"failures      {len(self.failures)}")
        lines += [
            f"  {result.item.name}: {result.outcome.kind} {result.outcome.detail}".rstrip()
            for result in self.failures[:SHOWN]
        ]
        return "\n".join([*lines, ""])
