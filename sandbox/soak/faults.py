"""What is done to the project while it serves pages: each fault again and again, at random times."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import call_command
from PIL import Image, ImageDraw

from responsive_img import invalidate
from sandbox.soak.project import is_full, media, photo_model, photos
from sandbox.soak.services import Redis
from sandbox.soak.watch import children

if TYPE_CHECKING:
    from sandbox.soak.models import Photo

PHOTOS = 60
SIZES = ((480, 320), (640, 480), (600, 900))  # px; none too small for what the pages ask for
DOWN, FULL = 2.0, 1.0  # s


class Faults:
    """
    Does what is due.

    Attributes:
        counts: What was done → how often.
        killed: Processes.
    """

    def __init__(self, supervisor: int, redis: Redis) -> None:
        self.counts: Counter[str] = Counter()
        self.killed: set[int] = set()
        self._supervisor, self._redis = supervisor, redis
        self._dice = random.Random()  # noqa: S311 - chooses what breaks
        self._numbers = 0
        self._spares_cache = False
        self._due: list[tuple[float, Callable[[], object]]] = []
        # What → every so many s, on average.
        self._faults: dict[str, tuple[float, Callable[[], object]]] = {
            "workers killed": (1.5, self._kill_worker),
            "cache flushed": (1, self._flush),
            "cache down for 2 s": (20, self._stop_cache),
            "disk full for 1 s": (15, self._fill_disk),
            "sources saved anew": (0.8, self._save_anew),
            "sources changed, invalidate()": (0.8, self._change_behind),
            "sources added": (0.8, self.add),
            "sources deleted": (0.8, self._delete),
            "requeue": (5, self._requeue),
        }

    def begin(self) -> None:
        """Plan the first of each."""
        for name in self._faults:
            self._plan(name)

    def spare_cache(self) -> None:
        """Leave the cache alone from now on: what is wrong in it would not be seen if it were flushed."""
        self._spares_cache = True

    def _plan(self, name: str) -> None:
        if self._spares_cache and name.startswith("cache"):
            return
        every, _ = self._faults[name]
        self._due.append((time.monotonic() + every * self._dice.uniform(0.5, 1.5), lambda: self._do(name)))

    def _do(self, name: str) -> None:
        _, fault = self._faults[name]
        if fault() is not False:
            self.counts[name] += 1
        self._plan(name)

    def do_what_is_due(self) -> None:
        """Do it."""
        now = time.monotonic()
        due = [each for each in self._due if each[0] <= now]
        self._due = [each for each in self._due if each[0] > now]
        for _, call in due:
            call()

    def end(self) -> None:
        """Undo what would be undone later."""
        self._due.clear()
        self._start_cache()
        is_full().unlink(missing_ok=True)

    # What is done: False where there was nothing to do it to ---------------------------------------------

    def _kill_worker(self) -> bool:
        workers = children(self._supervisor)
        if not workers:
            return False
        pid = self._dice.choice(workers)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.killed.add(pid)
        return True

    def _flush(self) -> bool:
        if not self._redis.is_running:
            return False
        cache.clear()
        return True

    def _stop_cache(self) -> None:
        self._redis.kill()
        self._due.append((time.monotonic() + DOWN, self._start_cache))

    def _start_cache(self) -> None:
        if not self._redis.is_running:
            self._redis.start()

    def _fill_disk(self) -> None:
        is_full().touch()
        self._due.append((time.monotonic() + FULL, lambda: is_full().unlink(missing_ok=True)))

    def add(self) -> bool:
        """Save a photo under a new name."""
        if photos().count() >= PHOTOS * 1.5:
            return False
        self._numbers += 1
        name = f"{self._numbers:05}.jpg"
        photo_model()(title=f"Boats & nets {name}", image=ContentFile(self._drawn(), name=name)).save()
        return True

    def _delete(self) -> bool:
        if photos().count() <= PHOTOS / 1.5:
            return False
        photo = self._any()
        name = str(photo.image.name)
        photo.delete()
        # The row first: no page that is asked for from now on shows it.
        (media() / name).unlink()
        return True

    def _save_anew(self) -> None:
        photo = self._any()
        photo.image = ContentFile(self._drawn(), name=Path(str(photo.image.name)).name)
        photo.save()

    def _change_behind(self) -> None:
        name = str(self._any().image.name)
        path = media() / name
        beside = path.with_suffix(".new")
        beside.write_bytes(self._drawn())
        beside.replace(path)
        invalidate(name)

    def _requeue(self) -> None:
        call_command("responsive_img", "requeue", verbosity=0)

    # With what -------------------------------------------------------------------------------------------

    def _any(self) -> Photo:
        return self._dice.choice(list(photos().all()))

    def _drawn(self) -> bytes:
        """Return a JPEG of one colour, by which its renditions are known, with something in it."""
        size = self._dice.choice(SIZES)
        colour = [self._dice.randrange(40, 216) for _ in "rgb"]
        picture = Image.new("RGB", size, tuple(colour))
        draw = ImageDraw.Draw(picture)
        for _ in range(20):
            place = (self._dice.randrange(size[0]), self._dice.randrange(size[1]))
            draw.point(place, fill=tuple(self._dice.randrange(256) for _ in "rgb"))
        file = BytesIO()
        picture.save(file, "JPEG", quality=90)
        return file.getvalue()
