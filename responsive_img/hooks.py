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
from functools import partial
from queue import Full, Queue
from typing import Any, NoReturn, cast

from django.db import close_old_connections, connections
from django.utils.module_loading import import_string

from responsive_img import building, conf, lookup, manifest, records
from responsive_img.formats import FORMATS, fallback_format
from responsive_img.jobs import BuildJob
from responsive_img.specs import from_text
from responsive_img.variants import CHEAP

__all__ = ["BuildJob", "build_now", "celery", "django_tasks", "enqueue", "run", "thread"]

logger = logging.getLogger("responsive_img")

Hook = Callable[[Sequence[BuildJob]], object]

# s. What a hook could not take is not handed over again for so long; workers of the queue may build it meanwhile.
BREAK = 60
BROKER_TIMEOUT = 1  # s; the page waits
# How the clients of these brokers are told to wait no longer for an answer; others may not know such names.
ANSWER_TIMEOUTS = {
    "amqp": ("read_timeout", "write_timeout"),
    "redis": ("socket_timeout", "socket_connect_timeout"),
}
# A message costs the page 0.3 ms, however much it carries; not all, so that several workers share a page.
JOBS_OF_A_MESSAGE = 5
MAX_WAITING = 1000  # jobs of a process's thread; more stay queued in the database


def named(path: str) -> Hook:
    """Return the hook of a dotted path; where that leads to none, one that raises why, so that its rows stay queued."""
    try:
        return cast("Hook", import_string(path))
    except Exception as error:  # noqa: BLE001 - a module that is imported may do anything
        return partial(_raise, error)


def _raise(error: Exception, _: Sequence[BuildJob]) -> NoReturn:
    raise error


def run(job: BuildJob) -> set[str]:
    """
    Build what a job asks for and nobody else builds; failures are recorded and logged, not raised.

    What is built already is told to the cache: who asks for that may read a replica that does not know of it yet,
    and have told the cache that it is to come.

    Returns:
        The keys of the pictures that it has recorded as ready.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    config = conf.current()
    built = building.build_job(job)
    left = set(building.picture_keys(job, config)) - built
    rows = records.pictures(left) if left and not config.read_only else {}
    read = {key: manifest.loads(row.renditions) for key, row in rows.items() if row.state == records.READY}
    if ready := {key: found for key, found in read.items() if found is not None}:
        lookup.correct(ready, config)
        source = rows[next(iter(ready))].source
        if not records.is_current(source.key, source.version):  # it was replaced since they were read
            lookup.forget(ready, config)
    return built


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
    Send the jobs to Celery, a few at a time, as the task `responsive_img.build`.

    Raises:
        ImportError: Celery is not installed.
        kombu.exceptions.OperationalError: The broker does not answer.
    """
    task = _task("build_by_celery", "celery")
    # One producer for all: each of its own would open a channel of its own.
    with _impatient_connection(task.app) as connection, task.app.amqp.Producer(connection) as producer:
        for start in range(0, len(jobs), JOBS_OF_A_MESSAGE):
            part = jobs[start : start + JOBS_OF_A_MESSAGE]
            # Without retries: the row stays queued, and a later view or a worker takes it.
            task.apply_async(
                [job.as_dict() for job in part],
                argsrepr=", ".join(
                    job.name for job in part
                ),  # for logs; Celery's own takes a third of the time
                producer=producer,
                serializer="json",
                retry=False,
                ignore_result=True,
            )


def _impatient_connection(app: Any) -> Any:
    """
    Return a connection to Celery's broker, each of a list of them tried once.

    Not one of Celery's pool: those wait for seconds or for ever, and fail when the broker has been restarted.

    Raises:
        kombu.exceptions.OperationalError: The broker does not answer.
    """
    connection = app.connection_for_write(connect_timeout=BROKER_TIMEOUT)
    if app.conf.task_always_eager:
        return connection  # there need not be a broker
    timeouts = ANSWER_TIMEOUTS.get(connection.transport.driver_type, ())
    connection.transport_options |= dict.fromkeys(timeouts, BROKER_TIMEOUT)
    return connection.ensure_connection(max_retries=max(0, len(connection.alt) - 1))


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
    """
    Leave the jobs to one thread of this process.

    What is too much for it stays queued, and so does what it has not built when the process ends.
    """
    waiting = _Builder.of_this_process().waiting
    for index, job in enumerate(jobs):
        try:
            waiting.put_nowait(job)
        except Full:
            building.release(jobs[index:], seconds=BREAK)
            return


class _Builder:
    """A thread that builds. Started when it is first wanted: a server that forks would lose one started before."""

    _one: _Builder | None = None
    _starting = threading.Lock()

    def __init__(self) -> None:
        self.waiting: Queue[BuildJob] = Queue(MAX_WAITING)
        # It must not keep the process from ending.
        self.thread = threading.Thread(target=self._work, name="responsive_img", daemon=True)
        self.thread.start()

    @classmethod
    def of_this_process(cls) -> _Builder:
        with cls._starting:
            # After a fork, the thread of the parent counts as ended, too.
            if cls._one is None or not cls._one.thread.is_alive():
                cls._one = cls()
            return cls._one

    @classmethod
    def after_fork(cls) -> None:
        """Have a lock that no thread of the parent holds."""
        cls._starting = threading.Lock()  # pragma: no cover - in a child that ends without a word

    def _work(self) -> None:
        while True:
            job = self.waiting.get()
            try:
                close_old_connections()
                run(job)
            except Exception:
                logger.exception("Cannot build %s; it stays queued", job.name)
            finally:
                connections.close_all()
                self.waiting.task_done()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows does not fork
    os.register_at_fork(after_in_child=_Builder.after_fork)
