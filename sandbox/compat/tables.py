"""What came of all suites, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.compat.guests import FORCED, OURS
from sandbox.compat.judging import Judged
from sandbox.compat.runs import Run

_HEADS = ("tests", "skipped", "alone", "idle", "ours", "forced", "requests", "broken", "crowded")
_LEGEND = """\
alone, idle, ours, forced: tests that fail without a guest, with one that does nothing, with ours, and with
ours made to look for markers in every text. requests: that ours was given. broken: tests that pass alone and
not with ours, forced or not. crowded: the same, where the guest that does nothing fails them in the same way.
"""
_WIDTH = 200  # characters of what went wrong


def table(all_judged: Sequence[Judged]) -> str:
    """Return a line per suite, the sums, and each test that ended in another way with ours."""
    rows = {judged.suite: _figures(judged) for judged in all_judged}
    sums = [sum(column) for column in zip(*rows.values(), strict=True)]
    lines = [_line("suite", _HEADS)]
    lines += [_line(suite, figures) for suite, figures in rows.items()]
    lines += [_line(f"{len(rows)} suites", sums), "", _LEGEND]
    for judged in all_judged:
        lines += _tests(judged)
    return "\n".join([*lines, ""])


def _line(name: str, cells: Sequence[object]) -> str:
    return f"{name:24}" + "".join(
        f"{cell:>10,}" if isinstance(cell, int) else f"{cell:>10}" for cell in cells
    )


def _figures(judged: Judged) -> list[int]:
    visits = (judged.ours, judged.forced)
    runs = (judged.alone, judged.idle, judged.ours.run, judged.forced.run)
    return [
        len(judged.alone.outcomes),
        len(judged.alone.skipped()),
        *[len(run.bad()) for run in runs],
        judged.ours.run.requests,
        len({test for visit in visits for test in visit.broken}),
        len({test for visit in visits for test in visit.crowded}),
    ]


def _tests(judged: Judged) -> Iterator[str]:
    for test in judged.alone.bad():
        yield from _test("fails alone", test, judged.alone)
    for guest, visit in ((OURS, judged.ours), (FORCED, judged.forced)):
        for label in ("broken", "unsteady", "crowded"):
            for test in getattr(visit, label):
                yield from _test(f"{label} by {guest.name}", test, visit.run)


def _test(label: str, test: str, run: Run) -> Iterator[str]:
    outcome, words = run.end(test)
    yield f"{label}: {test}"
    yield f"  {outcome}: {' '.join(words.split())[:_WIDTH]}"
