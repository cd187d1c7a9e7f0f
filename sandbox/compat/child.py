"""`python -m sandbox.compat.child RUNTESTS SUITE REPORT [GUEST]`: one suite of Django's in this process."""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path

from sandbox.compat import recording, visit
from sandbox.compat.guests import GUESTS


def main() -> None:
    """Run `runtests.py`, and write what came of each test."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.compat.child", description=__doc__)
    parser.add_argument("runtests", type=Path)
    parser.add_argument("suite")
    parser.add_argument("report", type=Path)
    parser.add_argument("guest", nargs="?", choices=GUESTS)
    options = parser.parse_args()
    guest = GUESTS[options.guest] if options.guest else None
    visit.prepare(f"{recording.__name__}.{recording.RecordingRunner.__name__}", guest)
    sys.argv = [str(options.runtests), "--parallel=1", "--noinput", options.suite]
    sys.path[0] = str(options.runtests.parent)
    try:
        runpy.run_path(str(options.runtests), run_name="__main__")
    except SystemExit:
        pass  # some failed, which the report says
    options.report.write_text(
        json.dumps({"outcomes": recording.outcomes, "requests": visit.Requests.count}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
