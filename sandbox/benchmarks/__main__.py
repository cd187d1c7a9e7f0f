"""`python -m sandbox.benchmarks`: measure, print tables, write JSON. Timings decide no exit status."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

import django
import jinja2
import PIL

from sandbox.benchmarks import (
    builds,
    first_views,
    markers,
    project,
    rounds,
    rushes,
    warm_pages,
    workers,
)
from sandbox.benchmarks.reports import Report, targets_table
from sandbox.benchmarks.settings import FOLDER
from sandbox.benchmarks.verdicts import WrongPageError


def main() -> int:
    """Return 1 if a page is wrong, 0 otherwise."""
    options = _options()
    start = time.perf_counter()
    project.start()
    caches = project.answering_caches()
    try:
        reports = _reports(options, caches)
    except WrongPageError as error:
        sys.stderr.write(f"Wrong page: {error}\n")
        return 1
    finally:
        if "Redis" in caches:
            project.tidy_redis()
    targets = [target for report in reports.values() for target in report.targets]
    result = {
        "machine": _machine(),
        "caches": list(caches),
        "clock": options.clock,
        "targets": [target.as_dict() for target in targets],
        **{name: report.data for name, report in reports.items()},
    }
    options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    sys.stdout.write("\n".join([*[report.text for report in reports.values()], targets_table(targets)]))
    sys.stdout.write(f"\n{time.perf_counter() - start:.0f} s; every figure: {options.json}\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, at most 1,000 pictures")
    parser.add_argument(
        "--only",
        choices=["A", "B", "C", "D", "M", "W"],
        help="A: warm pages, B: builds, C: first views, D: rushes on one picture, M: markers, W: workers",
    )
    parser.add_argument("--max", type=int, metavar="N", help="pictures on the largest page (10,000)")
    parser.add_argument(
        "--clock",
        choices=rounds.CLOCKS,
        default="wall",
        help="of pages and markers; cpu on a busy machine: it leaves out what Redis does meanwhile, 1–3 %% of a page",
    )
    parser.add_argument("--json", type=Path, metavar="PATH", default=Path("bench-results.json"))
    return parser.parse_args()


def _reports(options: argparse.Namespace, caches: dict[str, str]) -> dict[str, Report]:
    reports = {}
    # Builds first: ten thousand photos in the memos would be in the way of their garbage collection.
    alias = next(iter(caches.values()))
    if options.only in {None, "B"}:
        reports["B"] = builds.run(alias, FOLDER, count=5 if options.quick else 21)
    if options.only in {None, "C"}:
        reports["C"] = first_views.run(alias, FOLDER, count=5 if options.quick else 15)
    if options.only in {None, "D"}:
        reports["D"] = rushes.run(caches, FOLDER, count=1 if options.quick else 3)
    if options.only in {None, "W"}:
        reports["W"] = workers.run(alias, FOLDER, count=1 if options.quick else 3)
    if options.only in {None, "M"}:
        reports["M"] = markers.run(caches, options.clock, count=7 if options.quick else 21)
    if options.only in {None, "A"}:
        largest = options.max or (1000 if options.quick else 10_000)
        count = 5 if options.quick else 7
        reports["A"] = warm_pages.run(caches, options.clock, largest=largest, count=count)
    return dict(sorted(reports.items()))


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "django": django.__version__,
        "jinja2": jinja2.__version__,
        "pillow": PIL.__version__,
    }


if __name__ == "__main__":
    sys.exit(main())
