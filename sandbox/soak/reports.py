"""What a soak gave, for people."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.soak.course import Found

SHOWN = 20  # ways in which a law is broken


def text(found: Found) -> str:
    """Return all of it."""
    lines = ["", *_counts(found), "", *_sizes(found), ""]
    for law, how in found.laws.items():
        lines.append(f"{'BROKEN' if how else 'holds':8}{law}{f' ({len(how)})' if how else ''}")
        lines += [f"        - {each}" for each in how[:SHOWN]]
    return "\n".join([*lines, ""])


def _counts(found: Found) -> list[str]:
    rows = {
        "pages": f"{len(found.seconds):,}",
        "renditions written": f"{found.files:,}",
        "builds cut short by a fault": f"{found.cut_short:,}",
        **{name: f"{count:,}" for name, count in found.faults.items()},
        "s to come to rest": f"{found.rest:.0f}",
    }
    if len(found.seconds) > 1:
        cuts = statistics.quantiles(found.seconds, n=100)
        rows["ms a page, median, 99 %"] = f"{1e3 * cuts[49]:.0f}, {1e3 * cuts[98]:.0f}"
    width = max(map(len, rows))
    return [f"{name:{width}}  {value:>10}" for name, value in rows.items()]


def _sizes(found: Found) -> list[str]:
    """Return memory and open files: the first quarter, and the last one."""
    lines = [f"{'':20}{'MB, first':>10}{'last':>8}{'files, first':>15}{'last':>6}"]
    for name, samples in found.watch.samples.items():
        if samples:
            first, last = found.watch.quarters(name)
            lines.append(
                f"{name:20}{first.memory:>10.0f}{last.memory:>8.0f}{first.files:>15.0f}{last.files:>6.0f}"
            )
    return lines
