from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand

from sandbox.gallery.admin import PASSWORD, USER
from sandbox.gallery.drawing.catalogue import PEOPLE, SCENES, Scene, develop
from sandbox.gallery.models import Person, Photo


class Command(BaseCommand):
    help = "Draws the gallery's photos and people, and adds the admin's user; what is there already is left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        if not User.objects.filter(username=USER).exists():
            User.objects.create_superuser(USER, password=PASSWORD)
        titles = set(Photo.objects.values_list("title", flat=True))
        names = set(Person.objects.values_list("name", flat=True))
        points = {scene: point for scene, point in PEOPLE if scene.title not in names}
        # The gallery shows the newest first.
        self.draw([*points, *(scene for scene in reversed(SCENES) if scene.title not in titles)], points)

    def draw(self, scenes: list[Scene], points: dict[Scene, str]) -> None:
        started = perf_counter()
        with ProcessPoolExecutor(os.cpu_count()) as processes:
            files: Iterable[bytes] = processes.map(develop, scenes)
            for number, (scene, file) in enumerate(zip(scenes, files, strict=True), 1):
                # Without a name, Django does not measure it.
                content = ContentFile(file, scene.name)
                if scene in points:
                    person = Person(name=scene.title, alt=scene.alt, headshot_point=points[scene])
                    person.headshot.save(scene.name, content)
                else:
                    photo = Photo(title=scene.title, alt=scene.alt, credit="Drawn by code")
                    photo.image.save(scene.name, content)
                self.stdout.write(f"{number:3}/{len(scenes)}  {scene.title} ({len(file) / 1e6:.1f} MB)")
        self.stdout.write(f"{len(scenes)} photos drawn in {perf_counter() - started:.0f} s.")
