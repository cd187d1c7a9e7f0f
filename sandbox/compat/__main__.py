"""`python -m sandbox.compat [SUITE …]`: run Django's tests, print what our app and middleware change."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django

from sandbox.compat.judging import judged
from sandbox.compat.runs import SuiteError
from sandbox.compat.suites import SUITES
from sandbox.compat.tables import table

FOLDER = Path("build/compat")


def main() -> int:
    """Return 1 if a test passes without us and not with us, or if a suite did not come to an end."""
    options = _options()
    tests = (options.django / "tests").resolve()
    if not (tests / "runtests.py").exists():
        sys.exit(f"There is no {options.django / 'tests'}; `make compat` fetches it.")
    logs = FOLDER.resolve() / "logs"
    start = time.monotonic()
    found, errors = [], []
    with ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(judged, suite, tests, logs) for suite in options.suites or SUITES]:
            try:
                found.append(future.result())
            except SuiteError as error:
                errors.append(error)
    if found:
        sys.stdout.write(table(found))
    sys.stdout.writelines(f"{error}\n" for error in errors)
    seconds = time.monotonic() - start
    sys.stdout.write(f"Django {django.__version__}, {seconds:.0f} s; what the suites print is in {logs}\n")
    return 1 if errors or any(one.is_broken for one in found) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.compat", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="of Django's (those of suites.py)")
    parser.add_argument(
        "--django",
        type=Path,
        default=FOLDER / f"django-{django.__version__}",
        metavar="FOLDER",
        help="Django's source distribution (%(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="suites at a time (2)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
