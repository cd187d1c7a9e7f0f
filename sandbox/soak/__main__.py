"""`python -m sandbox.soak`: soak, check the laws, print a table. Exit code 1 where a law is broken."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import django
from django.core.management import call_command
from django.db import connections
from django.utils.module_loading import import_string

from sandbox.soak import reports, services


def main() -> int:
    """Return 1 if a law is broken."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="responsive-img-soak-")))
        database = stack.enter_context(services.database(folder, on_sqlite=options.sqlite))
        redis = stack.enter_context(services.redis())
        os.environ["SOAK_FOLDER"] = str(folder)
        os.environ["SOAK_DATABASE"] = json.dumps(database)
        os.environ["SOAK_REDIS"] = redis.url
        django.setup()
        stack.callback(connections.close_all)
        call_command("migrate", run_syncdb=True, verbosity=0)
        engine = database["ENGINE"].rpartition(".")[2]
        sys.stdout.write(
            f"{options.seconds} s on {engine} and Redis, {options.workers} workers to be killed\n"
        )
        sys.stdout.flush()
        # Only now: what it imports reads the settings, and those read the environment.
        run = import_string("sandbox.soak.course.run")
        found = run(redis, folder, seconds=options.seconds, workers=options.workers)
        sys.stdout.write(reports.text(found))
        return 1 if any(found.laws.values()) else 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, metavar="S", help="of faults (600)")
    parser.add_argument("--workers", type=int, default=3, metavar="N", help="that are killed (3)")
    parser.add_argument("--sqlite", action="store_true", help="even where a PostgreSQL answers")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
