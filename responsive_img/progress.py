"""How far a long run has come: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm

_BAR = "[{bar}] {n_fmt}/{total_fmt} ({percentage:.0f}%) {rate_fmt}, {remaining} left"
_LINES = 10  # of a whole run, where there is no terminal


class Progress(Protocol):
    """What is told how far a run has come."""

    def update(self, n: float = 1) -> object:
        """So many more are done."""

    def finish(self) -> object:
        """All are done: others may have come and gone since they were counted, and a join counts some twice."""


class _Bar(tqdm):  # type: ignore[type-arg]  # it has no generic when it runs
    def finish(self) -> None:
        self.total = self.n or self.total
        self.refresh()


class _Lines:
    """A line on standard error for each tenth of the way, as logs keep them."""

    def __init__(self, total: float) -> None:
        self._total, self._done, self._said, self._last = total, 0.0, 0, 0.0

    def update(self, n: float = 1) -> None:
        self._done += n
        self._total = max(self._total, self._done)  # a queue may have grown
        share = self._done / self._total
        if int(share * _LINES) > self._said:
            self._said, self._last = int(share * _LINES), self._done
            sys.stderr.write(f"{self._done:.0f}/{self._total:.0f} ({share:.0%})\n")

    def finish(self) -> None:
        if self._done and (self._done, self._last) != (self._total, self._total):
            self._total, self._said = self._done, 0
            self.update(0)


class _Silence:
    def update(self, n: float = 1) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""


@contextmanager
def shown(total: int, unit: str, *, is_shown: bool) -> Iterator[Progress]:
    """
    Give what shows how far a run has come, on standard error.

    Args:
        total: How many there are.
        unit: Of what.
        is_shown: False: nothing is shown.
    """
    if not is_shown or not total:
        yield _Silence()
    elif sys.stderr.isatty():
        with _Bar(total=total, unit=f" {unit}", bar_format=_BAR, ascii="-#") as bar:
            yield bar
    else:
        yield _Lines(total)
