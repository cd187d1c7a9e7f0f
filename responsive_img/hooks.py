"""
The seam to whoever builds: the hooks that come with the library.

A hook is any callable `hook(jobs: Sequence[BuildJob])`, named by dotted path in `RESPONSIVE_IMG_BUILD_HOOK`.
Its jobs have rows in state queued; to build one, anywhere and any number of times, is `run(job)`.

    build_now        in the response, within its budget
    enqueue          by `manage.py responsive_img build` or `build_img_queue`: the rows are the queue
    celery           by Celery's workers
    django_tasks     by the workers of django.tasks, or of the package django-tasks
    thread           by a thread of this process
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from queue import Full, Queue
from typing import Any

from django.db import close_old_connections, connections
from django.utils.module_loading import import_string

from responsive_img import building
from responsive_img.building import build_job as run
from responsive_img.formats import FORMATS, fallback_format
from responsive_img.jobs import BuildJob
from responsive_img.specs import from_text
from responsive_img.variants import CHEAP

__all__ = ["BuildJob", "build_now", "celery", "django_tasks", "enqueue", "run", "thread"]

logger = logging.getLogger("responsive_img")

Hook = Callable[[Sequence[BuildJob]], object]

MAX_WAITING = 1000  # jobs of a process's thread; more stay queued in the database


def build_now(jobs: Sequence[BuildJob]) -> None:
    """
    Build at once, in this process: of all pictures first what is quick, then what is slow, such as AVIF.

    What the budget leaves is left to the next response that shows it, or to a worker.
    """
    building.build_jobs(jobs, build=CHEAP)
    building.build_jobs([job for job in jobs if any(_is_slow(job.name, text) for text in job.specs)])


def _is_slow(name: str, text: str) -> bool:
    """Tell whether a source under a spec has a format that comes last."""
    spec = from_text(text)
    formats = [spec.format] if spec.format else [*(spec.formats or ()), fallback_format(name)]
    return any(FORMATS[each].is_slow for each in formats)


def enqueue(jobs: Sequence[BuildJob]) -> None:
    """Leave the jobs to the queue's worker: their rows, in state queued, are the queue."""


def celery(jobs: Sequence[BuildJob]) -> None:
    """
    Send each job to Celery, as the task `responsive_img.build`.

    Raises:
        ImportError: Celery is not installed.
        kombu.exceptions.OperationalError: The broker does not answer.
    """
    task = _task("build_by_celery", "celery")
    for job in jobs:
        # Without retries, as the page waits: the row stays queued, and the next view or a worker takes it.
        task.apply_async((job.as_dict(),), retry=False, ignore_result=True)


def django_tasks(jobs: Sequence[BuildJob]) -> None:
    """
    Send each job to Django's tasks, or where Django has none to the package django-tasks.

    Raises:
        ImportError: There are no tasks.
    """
    task = _task("build_by_django", "django-tasks")
    for job in jobs:
        task.enqueue(job.as_dict())


def _task(name: str, package: str) -> Any:
    try:
        return import_string(f"responsive_img.tasks.{name}")
    except ImportError as error:
        raise ImportError(f"RESPONSIVE_IMG_BUILD_HOOK needs the package {package}.") from error


def thread(jobs: Sequence[BuildJob]) -> None:
    """Leave the jobs to one thread of this process; what it has not built when the process ends stays queued."""
    waiting = _Builder.of_this_process().waiting
    for job in jobs:
        try:
            waiting.put_nowait(job)
        except Full:
            return


class _Builder:
    """A thread that builds. Started when it is first wanted: a server that forks would lose one started before."""

    _one: _Builder | None = None
    _starting = threading.Lock()

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.waiting: Queue[BuildJob] = Queue(MAX_WAITING)
        # It must not keep the process from ending.
        threading.Thread(target=self._work, name="responsive_img", daemon=True).start()

    @classmethod
    def of_this_process(cls) -> _Builder:
        with cls._starting:
            if cls._one is None or cls._one.pid != os.getpid():
                cls._one = cls()
            return cls._one

    def _work(self) -> None:
        while True:
            job = self.waiting.get()
            close_old_connections()
            try:
                run(job)
            except Exception:
                logger.exception("Cannot build %s; it stays queued", job.name)
            finally:
                connections.close_all()
                self.waiting.task_done()
