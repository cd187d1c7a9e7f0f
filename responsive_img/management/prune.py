"""The subcommand `prune`: remove the files and records that no page can show any more."""

from __future__ import annotations

import argparse
import json
import re
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError, CommandParser

from responsive_img import conf, pruning

GRACE = "30d"
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_COUNTS = ("sources", "pictures", "files", "bytes", "waiting", "failed")


def add_arguments(parser: CommandParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--grace",
        type=read_grace,
        default=GRACE,
        metavar="TIME",
        help=f"For so long pages may be kept that show what nobody asks for any more ({GRACE}).",
    )
    parser.add_argument(
        "--undeclared",
        action="store_true",
        help="Also pictures that no preset declares; only where tags name nothing but presets.",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="Say what there is to remove, and remove nothing."
    )
    parser.add_argument("--format", choices=["text", "json"], default="text")


def read_grace(text: str) -> timedelta:
    """
    Return a time that is written as "30d", "12h", "90m" or "0".

    Raises:
        ArgumentTypeError: It is not.
    """
    found = re.fullmatch(r"(\d{1,5})([dhm])", text, re.ASCII)
    if text == "0":
        return timedelta(0)
    if found is None:
        raise argparse.ArgumentTypeError(f"write days, hours or minutes: 30d, 12h, 90m or 0, not {text!r}.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def prune(
    command: BaseCommand,
    *,
    grace: timedelta,
    undeclared: bool,
    dry_run: bool,
    format: str,
    verbosity: int,
    **_: object,
) -> None:
    """
    Run the subcommand.

    Raises:
        CommandError: This process must not remove anything.
    """
    if conf.current().read_only and not dry_run:
        raise CommandError("RESPONSIVE_IMG_READ_ONLY is on: this process must not remove anything.")
    if undeclared and not conf.current().presets:
        raise CommandError("--undeclared would remove every picture: RESPONSIVE_IMG_PRESETS declares none.")
    shows_lines = format == "text" and (dry_run or verbosity > 1)

    def say(line: str) -> None:
        if shows_lines:
            command.stdout.write(line)

    done = pruning.prune(grace, undeclared=undeclared, is_dry=dry_run, say=say)
    if format == "json":
        command.stdout.write(json.dumps({name: getattr(done, name) for name in _COUNTS}))
    elif verbosity:
        verb = "would be" if dry_run else "were"
        command.stdout.write(
            f"{done.files} file(s) of {done.bytes} bytes and the records of {done.pictures} picture(s) and "
            f"{done.sources} source(s) {verb} removed; {done.waiting} picture(s) wait, {done.failed} left alone."
        )
