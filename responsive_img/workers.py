"""Workers of the queue: in this process or in several others, until it is empty or they are told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from responsive_img import backlog, queue
from responsive_img.crew import require_settings
from responsive_img.progress import shown
from responsive_img.queue import Stopped

PAUSE = 1.0  # s between two looks at an empty queue
_POLL = 0.2  # s between two looks at the worker processes
# So many times a worker that was killed is replaced where nobody watches; a picture that kills is given up sooner.
MAX_DEATHS = 100
MAX_FAILURES = (
    10  # the same for those that end with an error while they watch, such as for want of a database
)
TOO_MANY_ERRORS = 3  # exit code by which a worker tells its parent


class Wanted(NamedTuple):
    """
    How to work.

    Attributes:
        watch: Go on when the queue is empty.
        max_errors: Stop after so many failures; 0: never.
        stale_after: s after which a build that another worker has not got on with is taken over; None: when its lease ends.
        parent: Process without which the worker ends; 0: none.
    """

    watch: bool = False
    max_errors: int = 0
    stale_after: float | None = None
    parent: int = 0


class Stop:
    """Whether a signal has asked to stop: what is being built is finished first."""

    def __init__(self) -> None:
        self.is_asked_for = False

    def __call__(self, *_: Any) -> None:
        self.is_asked_for = True

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Be asked by SIGTERM and SIGINT, which reach the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def work(wanted: Wanted, stop: Stop, *, shows_progress: bool) -> Stopped:
    """
    Work in this process.

    Args:
        wanted: How to work.
        stop: Looked at between sources.
        shows_progress: Say on standard error how far it is.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    sources = errors = 0
    while True:
        queue.drop_dead_connections()
        if wanted.stale_after is not None:
            queue.take_over(wanted.stale_after)
        total = backlog.count_open_sources() if shows_progress else 0
        left = wanted.max_errors - errors if wanted.max_errors else 0
        with shown(total, "source", is_shown=shows_progress) as progress:
            ended = queue.work(
                should_stop=lambda: stop.is_asked_for or _is_orphan(wanted),
                built=lambda _: progress.update(),
                max_errors=left,
            )
            if ended.is_whole:
                progress.finish()
        sources, errors = sources + ended.sources, errors + ended.errors
        is_enough = 0 < wanted.max_errors <= errors
        if not ended.is_whole or not wanted.watch or is_enough or stop.is_asked_for or _is_orphan(wanted):
            return Stopped(sources, errors, ended.is_whole)
        _sleep(PAUSE, stop)


def _is_orphan(wanted: Wanted) -> bool:
    return bool(wanted.parent) and os.getppid() != wanted.parent


def _sleep(seconds: float, stop: Stop) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stop.is_asked_for:
        time.sleep(0.05)


def work_in_processes(count: int, wanted: Wanted, stop: Stop, *, shows_progress: bool) -> int:
    """
    Work in so many processes, each replaced when something kills it, and return the worst of their exit codes.

    Args:
        count: Of processes.
        wanted: How each works.
        stop: Passed on to them.
        shows_progress: Say on standard error how far they are.

    Raises:
        SpecError: They cannot know the settings.
    """
    require_settings()
    command = _command(wanted._replace(parent=os.getpid()))
    running = [_started(command) for _ in range(count)]
    deaths = failures = 0
    codes: list[int] = []
    was_told = False
    with _shown_by_the_queue(shows_progress) as refresh:
        while running:
            if stop.is_asked_for and not was_told:
                was_told = True
                for process in running:
                    process.terminate()
            time.sleep(_POLL)
            ended = [process for process in running if process.poll() is not None]
            refresh()
            running = [process for process in running if process.returncode is None]
            for process in ended:
                if process.returncode == TOO_MANY_ERRORS:
                    stop()  # the others finish what they build
                was_killed = process.returncode < 0
                deaths += was_killed
                failures += not was_killed
                may_live = wanted.watch or deaths <= MAX_DEATHS if was_killed else wanted.watch
                if not stop.is_asked_for and may_live and failures <= MAX_FAILURES:
                    # What ended it may go on for a while, such as a restart of the database.
                    _sleep(PAUSE, stop)
                    running.append(_started(command))
                else:
                    codes.append(_code(process.returncode, stop))
    return max(codes, default=0)


@contextmanager
def _shown_by_the_queue(is_shown: bool) -> Iterator[Callable[[], None]]:
    """Show the progress of other processes; give what reads it from the queue."""
    total = backlog.count_open_sources() if is_shown else 0
    done = 0

    def refresh() -> None:
        nonlocal done
        # The queue may have grown.
        if total and (now := total - backlog.count_open_sources()) > done:
            progress.update(now - done)
            done = now

    with shown(total, "source", is_shown=is_shown) as progress:
        yield refresh


def _code(returned: int, stop: Stop) -> int:
    if returned == TOO_MANY_ERRORS:
        return 1
    # One that was told to end while it started had no handler yet; what else kills one meanwhile leaves its picture.
    return 0 if stop.is_asked_for and returned < 0 else abs(returned)


def _command(wanted: Wanted) -> list[str]:
    # Django's own options stand before the subcommand.
    command = [sys.executable, "-P", "-m", "django", "responsive_img", "--verbosity", "0", "--skip-checks"]
    command += ["build", "--parent", str(wanted.parent), "--max-errors", str(wanted.max_errors)]
    if wanted.stale_after is not None:
        command += ["--stale-after", str(wanted.stale_after)]
    return [*command, "--watch"] if wanted.watch else command


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    # Not through a shell, and nothing of it comes from outside. A group of its own, so that Ctrl-C is passed
    # on once, by this process.
    return subprocess.Popen(  # noqa: S603
        command, env={**os.environ, "PYTHONPATH": paths}, start_new_session=True
    )
