"""The tables in docs/performance.md, each between two comments, and the chart beside it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from sandbox.benchmarks.reports import Report
from sandbox.peers import charts
from sandbox.peers.environment import ROOT

PHOTOS, FOLDER = "--photos", "FOLDER"

_DOCS = ROOT / "docs"
_PAGE, _CHART = _DOCS / "performance.md", _DOCS / "peers.svg"
_START = "<!-- Peers, {}: written by `make bench-peers` -->\n"
_END = "<!-- The end of peers, {} -->"


def write(reports: dict[str, Report], command: str, known: str) -> str:
    """
    Write what was measured into the page, and draw the chart anew if the warm page is among it.

    Args:
        reports: By scenario.
        command: What has measured it.
        known: Machine and versions.

    Returns:
        A line on what could not be written.
    """
    text = _PAGE.read_text()
    for scenario, report in reports.items():
        block = f"\n```text\n{report.text}```\n\n`{command}`: {known}\n\n"
        start, end = _START.format(scenario), _END.format(scenario)
        above, below = text.split(start)[0], text.split(end)[1]
        text = f"{above}{start}{block}{end}{below}"
    _PAGE.write_text(text)
    if "A" not in reports:
        return ""
    cache, pages = next(iter(reports["A"].data.items()))
    return charts.write(pages, cache, _CHART)


def command(arguments: Sequence[str]) -> str:
    """Return what measures the same again; where the photos are is nobody's business."""
    kept: list[str] = []
    for argument in arguments:
        if kept and kept[-1] == PHOTOS:
            kept.append(FOLDER)
        elif argument.startswith(f"{PHOTOS}="):
            kept += [PHOTOS, FOLDER]
        elif argument != "--write":
            kept.append(argument)
    return f'make bench-peers ARGS="{shlex.join(kept)}"' if kept else "make bench-peers"
