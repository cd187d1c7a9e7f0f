"""`python -m sandbox.peers`: measure, print tables, write JSON and a chart. Timings decide no exit status."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from sandbox.benchmarks import rounds
from sandbox.benchmarks.reports import Report, targets_table
from sandbox.peers import builds, documents, first_views, qualities, rushes, sources, warm_pages
from sandbox.peers.contestants import CONTESTANTS, DISTRIBUTIONS, NO_PEERS
from sandbox.peers.environment import UnavailableError, installed_versions
from sandbox.peers.processes import REDIS, ContestantError

RESULTS = Path("peers-results.json")
CACHES = ["Redis", "LocMem"]
SCENARIOS = {
    "A": "warm pages",
    "B": "builds",
    "C": "first views",
    "D": "rushes on one picture",
    "Q": "quality",
}


def main() -> int:
    """Return 1 if a contestant failed, 0 otherwise."""
    options = _options()
    # Whoever ends it gets it tidied up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    start = time.perf_counter()
    try:
        versions = installed_versions()
        with _folder() as folder:
            reports = _reports(options, folder)
    except (UnavailableError, ContestantError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    targets = [target for report in reports.values() for target in report.targets]
    result = {
        "machine": {
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        },
        "versions": versions,
        "clock": options.clock,
        "targets": [target.as_dict() for target in targets],
        **{name: report.data for name, report in reports.items()},
    }
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    texts = [report.text for report in reports.values()]
    known = _known(versions)
    sys.stdout.write("\n".join([*texts, targets_table(targets), f"{known}\n"]))
    if options.write:
        sys.stdout.write(documents.write(reports, documents.command(sys.argv[1:]), known))
    sys.stdout.write(f"{time.perf_counter() - start:.0f} s; every figure: {RESULTS}\n")
    return 0


def _known(versions: dict[str, str]) -> str:
    """Return a line on what was measured and where."""
    names = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"Python {platform.python_version()}, {os.cpu_count()} cores; {names}."


def _options() -> argparse.Namespace:
    # No abbreviations: the tables say the command, with the name of the folder left out.
    parser = argparse.ArgumentParser(prog="python -m sandbox.peers", description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, at most 100 pictures")
    described = ", ".join(f"{name}: {what}" for name, what in SCENARIOS.items())
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, help=described)
    parser.add_argument(
        "--peers", nargs="+", choices=DISTRIBUTIONS, default=list(DISTRIBUTIONS), help="these alone"
    )
    parser.add_argument(
        "--caches", nargs="+", choices=CACHES, default=CACHES, help="Redis only if it answers"
    )
    parser.add_argument("--max", type=int, metavar="N", help="pictures on the largest page (10,000)")
    parser.add_argument(
        "--clock", choices=rounds.CLOCKS, default="wall", help="of warm pages; cpu on a busy machine"
    )
    parser.add_argument(
        documents.PHOTOS, type=Path, metavar=documents.FOLDER, help="quality on these too, beside drawn ones"
    )
    parser.add_argument("--write", action="store_true", help="into docs/performance.md, with its chart")
    options = parser.parse_args()
    if options.photos and not options.photos.is_dir():
        parser.error(f"{options.photos} is no folder")
    return options


def _reports(options: argparse.Namespace, folder: Path) -> dict[str, Report]:
    names = {
        scenario: [
            name
            for name, each in CONTESTANTS.items()
            if each.package in {*NO_PEERS, *options.peers} and scenario in each.scenarios
        ]
        for scenario in SCENARIOS
    }
    caches = [cache for cache in options.caches if cache != "Redis" or _redis_answers()]
    quick, largest = options.quick, options.max or (100 if options.quick else 10_000)
    runs: dict[str, Callable[[Path], Report]] = {
        "A": lambda own: warm_pages.run(
            names["A"], caches, own, options.clock, largest=largest, count=3 if quick else 7
        ),
        "B": lambda own: builds.run(
            names["B"], caches[0], own, count=3 if quick else 11, memory_goes=1 if quick else 3
        ),
        "C": lambda own: first_views.run(names["C"], caches[0], own, count=1 if quick else 3),
        "D": lambda own: rushes.run(names["D"], caches, own, count=1 if quick else 3),
        "Q": lambda own: qualities.run(names["Q"], caches[0], own, photos=options.photos, is_quick=quick),
    }
    reports = {}
    for scenario, run in runs.items():
        if scenario in (options.only or SCENARIOS):
            own = folder / f"{folder.name}-{scenario}"
            own.mkdir()
            for source in sources.NAMES:
                os.link(folder / source, own / source)
            reports[scenario] = run(own)
    return reports


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder with the sources; on leaving, delete it and what the run has left in Redis."""
    folder = Path(tempfile.mkdtemp(prefix="peers-"))
    try:
        sources.draw(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if _redis_answers():
            client = Redis.from_url(REDIS)
            for key in client.scan_iter(match=f"{folder.name}*", count=10_000):
                client.delete(key)


def _redis_answers() -> bool:
    try:
        return bool(Redis.from_url(REDIS).ping())
    except RedisError:
        return False


if __name__ == "__main__":
    sys.exit(main())
