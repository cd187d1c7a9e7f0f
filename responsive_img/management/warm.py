"""The subcommand `warm`: build ahead what pages will ask of a field."""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model

from responsive_img import ImageWarmer, conf
from responsive_img.exceptions import SpecError
from responsive_img.runs import FailedSource
from responsive_img.workers import Stop

SHOWN_FAILURES = 20


def add_arguments(parser: CommandParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "field",
        metavar="app.Model.field",
        help="Whose files; before the field, relations: app.Model.owner.photo.",
    )
    parser.add_argument(
        "--preset",
        action="append",
        default=[],
        metavar="NAME",
        help="Of a preset, or of a list of presets; again for more.",
    )
    parser.add_argument(
        "--seen", action="store_true", help="Also what pages have asked of other files of the field."
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="Processes that build (1).")
    parser.add_argument("--dry-run", action="store_true", help="Say how much there is to do, and do nothing.")
    parser.add_argument("--force", action="store_true", help="Build again what is built.")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="Ask the storage for the files of what is built; build what it lacks.",
    )
    parser.add_argument(
        "--fix-dimensions", action="store_true", help="Write the oriented sizes into the dimension fields."
    )
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument(
        "--fail-on-errors", type=int, metavar="N", help="Exit code 1 from so many failed sources on."
    )


def warm(command: BaseCommand, *, dry_run: bool, format: str, verbosity: int, **options: Any) -> None:
    """
    Run the subcommand.

    Raises:
        CommandError: An argument is wrong, it was told to stop, or too much has failed.
    """
    if conf.current().read_only and not dry_run:
        raise CommandError("RESPONSIVE_IMG_READ_ONLY is on: this process must not build anything.")
    try:
        warmer = _warmer(options, verbosity)
        if dry_run:
            sources, pictures = warmer.count()
            said = {"sources": sources, "pictures": pictures}
            text = f"{pictures} picture(s) of {sources} source(s) would be built."
            command.stdout.write(json.dumps(said) if format == "json" else text)
            return
        stop = Stop()
        with stop.on_signals():
            created, failed = warmer.warm(should_stop=lambda: stop.is_asked_for)
    except SpecError as error:
        raise CommandError(str(error)) from error
    _report(command, created, failed, format, verbosity)
    if stop.is_asked_for:
        raise CommandError("Stopped before the end. Run it again: it does what is left.")
    if options["fail_on_errors"] is not None and len(failed) >= max(1, options["fail_on_errors"]):
        raise CommandError(f"{len(failed)} source(s) failed.")


def _warmer(options: dict[str, Any], verbosity: int) -> ImageWarmer:
    label = options["field"]
    if options["workers"] < 1:
        raise CommandError("--workers must be 1 or more.")
    if not options["preset"] and not options["seen"]:
        raise CommandError("Say what to build: --preset NAME, or --seen.")
    app, _, rest = label.partition(".")
    name, _, path = rest.partition(".")
    return ImageWarmer(
        _model(app, name)._default_manager.all(),
        options["preset"][0] if len(options["preset"]) == 1 else options["preset"],
        path,
        verbose=verbosity > 0,
        force=options["force"],
        verify=options["verify"],
        workers=options["workers"],
        fix_dimensions=options["fix_dimensions"],
        seen=options["seen"],
    )


def _model(app: str, name: str) -> type[Model]:
    try:
        return apps.get_model(app, name)
    except (LookupError, ValueError) as error:
        labels = [model._meta.label for model in apps.get_models()]
        raise SpecError.unknown("model", f"{app}.{name}", labels) from error


def _report(
    command: BaseCommand, created: int, failed: list[FailedSource], format: str, verbosity: int
) -> None:
    if format == "json":
        reasons = [{"name": name, "reason": name.reason} for name in failed]
        command.stdout.write(json.dumps({"created": created, "failed": reasons}))
    elif verbosity:
        command.stdout.write(f"{created} file(s) written, {len(failed)} source(s) failed.")
        for name in failed[:SHOWN_FAILURES]:
            command.stdout.write(f"  {name}: {' '.join(name.reason.split())}")
