"""
A contestant's process: `python -m sandbox.peers.child NAME FOLDER CACHE REDIS`.

Run by the interpreter of the peers' environment. Reads commands as lines of JSON, `[verb, argument…]`, and
answers each with one. What libraries print goes to standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from django.db import connection
from django.test import override_settings
from django.utils.module_loading import import_string

from sandbox.benchmarks.budgets import counted
from sandbox.benchmarks.resident import megabytes, reset
from sandbox.benchmarks.rounds import CLOCKS, GO
from sandbox.peers import pages
from sandbox.peers.contestants import CONTESTANTS
from sandbox.peers.encodings import remembered
from sandbox.peers.project import SIZE, Project
from sandbox.peers.sources import LARGE, SMALL

_CHUNK = 200  # rows filled at a time


class Child:
    """What can be asked of a contestant. Every method is a verb."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.repeats: dict[int, int] = {}

    def fill(self, number: int) -> int:
        """Have so many rows with built pictures, and return how many that are."""
        project = self.project
        # That the library itself stops building after a while is not what is measured here.
        with (
            remembered(project.contestant.encoder),
            override_settings(RESPONSIVE_IMG_BUILD_BUDGET=float("inf")),
        ):
            while (there := int(project.model.objects.count())) < number:
                photos = project.add(SMALL, min(_CHUNK, number - there))
                for photo in photos if project.build else ():
                    project.build(photo)
                project.get(photos[0].pk, len(photos))
        return there

    def wake(self, number: int) -> None:
        """Show so many once, so that the cache of this process has all."""
        if self.project.contestant.wake:
            import_string(self.project.contestant.wake)(self.project.model.objects.all())
        self.project.get(1, number)

    def page(self, number: int) -> str:
        """Return the path of the page of the first rows."""
        return self._written(self.project.get(1, number))

    def asked(self, number: int) -> Counter[str]:
        """Return what that page asks of cache, database and storage, by name."""
        with counted("default") as calls:
            self.project.get(1, number)
        return calls

    def seconds(self, number: int, clock: str) -> float:
        """Return s of that page."""
        if number not in self.repeats:
            self.repeats[number] = max(1, round(GO / max(self._seconds(number, clock, 1), 1e-6)))
        return self._seconds(number, clock, self.repeats[number])

    def _seconds(self, number: int, clock: str, repeats: int) -> float:
        requests = [self.project.request(1, number) for _ in range(repeats)]
        get, now = self.project.handler.get_response, CLOCKS[clock]
        gc.collect()
        start = now()
        for request in requests:
            get(request)
        return (now() - start) / repeats

    def built(self, source: str, *size: int) -> dict[str, Any]:
        """Build one new picture, and return CPU s, the page, and what is there."""
        project = self.project
        photo = project.add(source, 1, size or SIZE)[0]
        before = set(project.files())
        gc.collect()
        start = time.process_time()
        if project.build:
            project.build(photo)
        content = project.get(photo.pk, 1)
        seconds = time.process_time() - start
        files = sorted(map(str, set(project.files()) - before))
        return {"seconds": seconds, "page": self._written(content), "files": files}

    def memory(self) -> dict[str, float]:
        """Return MB before a build and at most; in a process that has built little else."""
        self.built(SMALL)
        gc.collect()
        idle = reset()
        self.built(LARGE)
        return {"idle": idle, "peak": megabytes("VmHWM")}

    def first(self, number: int) -> dict[str, Any]:
        """Ask for a page of new pictures, and return s and the page."""
        photos = self.project.add(LARGE, number)
        start = time.perf_counter()
        content = self.project.get(photos[0].pk, number)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, **pages.read(content, self.project.folder / "media")._asdict()}

    def rush(self, threads: int) -> dict[str, int]:
        """Ask for one new picture in many threads at once, and return how it went."""
        project, seen = self.project, Counter[str]()
        photo = project.add(LARGE, 1)[0]
        before = len(project.files())
        barrier = threading.Barrier(threads)

        def ask() -> None:
            barrier.wait()
            try:
                if project.build:
                    project.build(photo)
                read = pages.read(project.get(photo.pk, 1), project.folder / "media")
            except Exception as error:  # noqa: BLE001 - a visitor's page that failed
                sys.stderr.write(f"{error!r}\n")
                seen["broken"] += 1
            else:
                seen["broken"] += bool(read.dead or not read.urls)
                seen["stand_ins"] += bool(read.sources)
            finally:
                connection.close()

        with _counting(project.contestant.encoder, seen):
            asking = [threading.Thread(target=ask) for _ in range(threads)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
        return {
            **dict.fromkeys(("encodes", "broken", "stand_ins"), 0),
            **seen,
            "files": len(project.files()) - before,
        }

    def _written(self, content: bytes) -> str:
        path = self.project.folder / f"page-{os.getpid()}.html"
        path.write_bytes(content)
        return str(path)


def _counting(encoder: str, seen: Counter[str]) -> Any:
    """Count calls of a method while the context lasts."""
    owner, _, name = encoder.rpartition(".")
    original: Callable[..., Any] = getattr(import_string(owner), name)

    def call(*args: Any, **options: Any) -> Any:
        seen["encodes"] += 1
        return original(*args, **options)

    return mock.patch.object(import_string(owner), name, call)


def main(name: str, folder: Path, backend: str, redis: str) -> None:
    """Answer until there is nothing more to read."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    child = Child(Project(CONTESTANTS[name], folder, backend, redis))
    answers.write("null\n")
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        answers.write(json.dumps(getattr(child, verb)(*arguments)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4])
