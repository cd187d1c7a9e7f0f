"""`manage.py build_img_queue`: build what is queued, then end; for cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from responsive_img import workers


class Command(BaseCommand):
    """Builds all queued pictures."""

    help = "Build all queued pictures, then end."

    def handle(self, **options: Any) -> None:
        """Build, and say how much was done; told to stop, finish what is being built."""
        shows_progress = bool(options["verbosity"])
        stop = workers.Stop()
        with stop.on_signals():
            ended = workers.work(workers.Wanted(), stop, shows_progress=shows_progress)
        if options["verbosity"]:
            self.stdout.write(f"{ended.sources} source(s) built from.")
