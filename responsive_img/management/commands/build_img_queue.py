"""`manage.py build_img_queue`: build what is queued, then end; for cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from responsive_img.queue import process_queue


class Command(BaseCommand):
    """Builds all queued pictures."""

    help = "Build all queued pictures, then end."

    def handle(self, **options: Any) -> None:
        """Build, and say how much was done."""
        count = process_queue()
        if options["verbosity"]:
            self.stdout.write(f"{count} source(s) built from.")
