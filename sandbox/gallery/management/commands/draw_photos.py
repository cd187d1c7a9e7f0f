from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand

from sandbox.gallery.drawing.catalogue import SCENES, develop
from sandbox.gallery.models import Photo


class Command(BaseCommand):
    help = "Draws the gallery's photos; those that are there already are left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        present = set(Photo.objects.values_list("title", flat=True))
        # The gallery shows the newest first.
        missing = [scene for scene in reversed(SCENES) if scene.title not in present]
        with ProcessPoolExecutor(os.cpu_count()) as processes:
            for number, (scene, file) in enumerate(
                zip(missing, processes.map(develop, missing), strict=True), 1
            ):
                photo = Photo(title=scene.title, alt=scene.alt, credit="Drawn by code")
                photo.image.save(scene.name, ContentFile(file))
                self.stdout.write(f"{number:3}/{len(missing)}  {scene.title} ({len(file) / 1e6:.1f} MB)")
        self.stdout.write(f"{len(missing)} photos drawn in {perf_counter() - started:.0f} s.")
