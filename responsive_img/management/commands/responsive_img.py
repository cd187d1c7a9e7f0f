"""`manage.py responsive_img build | status | warm | prune | requeue`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from responsive_img import backlog, workers
from responsive_img.exceptions import SpecError
from responsive_img.management import prune, warm
from responsive_img.queue import Stopped

SHOWN_FAILURES = 20


class Command(BaseCommand):
    """Works on the queue of pictures, and says how it stands."""

    help = "Build queued pictures, see how the queue stands, queue failed pictures again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands."""
        commands = parser.add_subparsers(dest="command", required=True)
        build = commands.add_parser("build", help="Build what is queued.")
        build.add_argument(
            "--watch", action="store_true", help="Go on when the queue is empty, until SIGTERM."
        )
        build.add_argument("--workers", type=int, default=1, metavar="N", help="Processes that build (1).")
        build.add_argument(
            "--max-errors",
            type=int,
            default=0,
            metavar="N",
            help="Stop after so many failures, with exit code 1.",
        )
        build.add_argument(
            "--stale-after",
            type=float,
            metavar="S",
            help="Take over what nobody has got on with for so many seconds: 5 and the slowest file at least.",
        )
        build.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)
        status = commands.add_parser("status", help="Say how the queue stands.")
        status.add_argument("--format", choices=["text", "json"], default="text")
        status.add_argument(
            "--fail-on-errors", type=int, metavar="N", help="Exit code 1 from so many failed pictures on."
        )
        status.add_argument(
            "--fail-on-stale", action="store_true", help="Exit code 1 if a builder has died over its picture."
        )
        warming = commands.add_parser("warm", help="Build ahead what pages will ask of a field.")
        warm.add_arguments(warming)
        pruning = commands.add_parser("prune", help="Remove what no page can show any more.")
        prune.add_arguments(pruning)
        requeue = commands.add_parser("requeue", help="Queue failed pictures again.")
        requeue.add_argument("names", nargs="*", metavar="name", help="Of sources; none: all.")
        requeue.add_argument(
            "--include-stale", action="store_true", help="Also what is being built, whoever builds it."
        )

        for subcommand in (build, status, warming, pruning, requeue):
            _add_django_options(subcommand)

    def handle(self, *, command: str, **options: Any) -> None:
        """Run a subcommand."""
        getattr(self, f"_{command}")(**options)

    def _build(
        self,
        *,
        watch: bool,
        workers: int,
        max_errors: int,
        stale_after: float | None,
        parent: int,
        verbosity: int,
        **_: Any,
    ) -> None:
        if workers < 1:
            raise CommandError("--workers must be 1 or more.")
        if max_errors < 0 or (stale_after is not None and not stale_after >= 0):
            raise CommandError("--max-errors and --stale-after must be 0 or more.")
        _work(self, _Wanted(watch, max_errors, stale_after, parent), workers, verbosity)

    def _status(self, *, format: str, fail_on_errors: int | None, fail_on_stale: bool, **_: Any) -> None:
        status = backlog.status(SHOWN_FAILURES)
        if format == "json":
            failures = [{"name": name, "error": error} for name, error in status.failures]
            self.stdout.write(json.dumps({**status.counts, "stale": status.stale, "failures": failures}))
        else:
            for state, count in status.counts.items():
                self.stdout.write(f"{state:<10}{count:>8}")
            self.stdout.write(f"{'stale':<10}{status.stale:>8}")
            for name, error in status.failures:
                self.stdout.write(f"  {name}: {' '.join(error.split())}")
        if fail_on_errors is not None and status.counts["failed"] >= max(1, fail_on_errors):
            raise CommandError(f"{status.counts['failed']} picture(s) failed.")
        if fail_on_stale and status.stale:
            raise CommandError(f"The builders of {status.stale} picture(s) died or hang.")

    def _warm(self, **options: Any) -> None:
        warm.warm(self, **options)

    def _prune(self, **options: Any) -> None:
        prune.prune(self, **options)

    def _requeue(self, *, names: list[str], include_stale: bool, verbosity: int, **_: Any) -> None:
        count = backlog.requeue(names, include_stale=include_stale)
        if verbosity:
            self.stdout.write(f"{count} picture(s) queued again.")


def _add_django_options(parser: CommandParser) -> None:
    """Let Django's own options stand behind the subcommand too, as they do behind other commands."""
    options: dict[str, Any] = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
    parser.add_argument("-v", "--verbosity", type=int, choices=range(4), **options)
    for name in ("--settings", "--pythonpath"):
        parser.add_argument(name, **options)
    for name in ("--traceback", "--no-color", "--force-color", "--skip-checks"):
        parser.add_argument(name, action="store_true", **options)


_Wanted = workers.Wanted


def _work(command: BaseCommand, wanted: workers.Wanted, count: int, verbosity: int) -> None:
    stop = workers.Stop()
    # A worker that watches would fill its log with a line for each picture.
    shows_progress = bool(verbosity) and (sys.stderr.isatty() or not wanted.watch)
    with stop.on_signals():
        if count > 1:
            try:
                code = workers.work_in_processes(count, wanted, stop, shows_progress=shows_progress)
            except SpecError as error:
                raise CommandError(str(error)) from error
            if code:
                raise CommandError("A worker has stopped with an error.", returncode=code)
            return
        ended: Stopped = workers.work(wanted, stop, shows_progress=shows_progress)
    if verbosity:
        command.stdout.write(f"{ended.sources} source(s) built from, {ended.errors} failed.")
    if wanted.max_errors and ended.errors >= wanted.max_errors:
        code = workers.TOO_MANY_ERRORS if wanted.parent else 1
        raise CommandError(f"Stopped after {ended.errors} failure(s).", returncode=code)
