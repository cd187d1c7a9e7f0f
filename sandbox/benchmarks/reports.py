"""Results as text for people, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sandbox.benchmarks.rounds import Figure


class Target(NamedTuple):
    """
    A figure that has a limit.

    Attributes:
        name: What was measured.
        figure: What it came to.
        limit: The most it may be, or the least.
        unit: Of figure and limit; "×" for a ratio.
        is_floor: Whether the limit is the least.
    """

    name: str
    figure: Figure
    limit: float
    unit: str = "×"
    is_floor: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the median keeps the limit."""
        return self.figure.median >= self.limit if self.is_floor else self.figure.median <= self.limit

    def as_dict(self) -> dict[str, Any]:
        """Return what `json.dumps` takes."""
        return {
            "name": self.name,
            **self.figure._asdict(),
            "unit": self.unit,
            "floor" if self.is_floor else "limit": self.limit,
            "is_met": self.is_met,
        }


class Report(NamedTuple):
    """
    What a scenario gave.

    Attributes:
        text: Tables.
        targets: Figures that have a limit.
        data: All figures, for JSON.
    """

    text: str
    targets: list[Target]
    data: dict[str, Any]


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *[cell.rjust(width) for cell, width in rest]]
        return "  ".join(padded).rstrip()

    rule = "  ".join(["-" * width for width in widths])
    return "\n".join([title, "", line(headers), rule, *[line(row) for row in rows], ""])


def targets_table(targets: Sequence[Target]) -> str:
    """Return the figures that have a limit, and whether it is kept."""
    return table(
        "Targets",
        ("", "median", "quartiles", "limit", "met"),
        [
            (
                target.name,
                f"{target.figure.median:.3f} {target.unit}",
                spread(target.figure, ".3f"),
                f"{'≥' if target.is_floor else '≤'} {target.limit:g}",
                "yes" if target.is_met else "NO",
            )
            for target in targets
        ],
    )


def spread(figure: Figure, form: str = ".2f") -> str:
    """Return the quartiles."""
    return f"{figure.low:{form}}–{figure.high:{form}}"


def with_spread(figure: Figure, form: str = ".2f") -> str:
    """Return median and quartiles."""
    return f"{figure.median:{form}} ({spread(figure, form)})"
