"""The tables of docs/performance.md, which are also what is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sandbox.profile.stages import OTHERS, REST, WHOLE
from sandbox.profile.timing import Times

COMMAND = "make profile WRITE=1"
START, END = f"<!-- Written by `{COMMAND}` -->", "<!-- The end of what is written -->"


def table(stages: Mapping[str, str], columns: Mapping[str, Times], *, unit: float) -> str:
    """
    Return a table of times and shares in Markdown: a row for each stage, for the rest and for the whole.

    Args:
        stages: Stage → what is done.
        columns: Heading → s of each stage and of the whole.
        unit: Of the times: s.
    """
    rows = [["stage", *columns, "what is done"], ["---", *["--:"] * len(columns), "---"]]
    whole_of = {heading: complete(times, stages) for heading, times in columns.items()}
    for name, text in {**stages, **OTHERS}.items():
        cells = [_cell(times[name] / unit, times[name] / times[WHOLE]) for times in whole_of.values()]
        rows.append([name, *cells, text])
    return _aligned(rows)


def complete(times: Times, stages: Mapping[str, str]) -> Times:
    """Return times with the rest: what the whole takes beyond the stages."""
    return {**times, REST: times[WHOLE] - sum(times[name] for name in stages)}


def _cell(time: float, share: float) -> str:
    return f"{time:.2f} ({share:.0%})"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *middle, last = [
            cell.ljust(width) if place in {0, len(row) - 1} else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join([first, *middle, last.rstrip()])} |")
    return "\n".join(lines)


def written(page: str, text: str) -> str:
    """
    Return a page with a text in place of what is written between the two comments.

    Raises:
        ValueError: They are not there.
    """
    between = re.compile(f"(?<={re.escape(START)}\n).*?(?=\n{re.escape(END)})", re.DOTALL)
    found, count = between.subn(lambda _: f"\n{text}\n", page)
    if count != 1:
        raise ValueError(f"The page has no place for the tables: {START}")
    return found
