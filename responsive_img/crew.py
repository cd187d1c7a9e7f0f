"""Who builds for the warmer: this process, or several others, one source at a time each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import IO, cast

import django

from responsive_img import queue
from responsive_img.exceptions import SpecError
from responsive_img.works import Outcome, Work, build

_SETTINGS = "DJANGO_SETTINGS_MODULE"


class Crew:
    """Builds one work after the other in this process."""

    def outcomes(
        self, works: Sequence[Work], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Outcome]]:
        """
        Yield what came of each work, by its number, as they are done; what is not begun when asked to stop is not.

        Raises:
            DatabaseError: The records cannot be read or written.
        """
        for number, work in enumerate(works):
            if should_stop():
                return
            yield number, build(work)


class _Processes(Crew):
    """Has works done by several processes; each that dies of one is replaced."""

    def __init__(self, count: int, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._idle: SimpleQueue[_Mate] = SimpleQueue()
        for _ in range(count):
            self._idle.put(_Mate())

    def outcomes(
        self, works: Sequence[Work], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Outcome]]:
        """Do the same, in any order."""
        numbers = {
            self._threads.submit(self._outcome, work, should_stop): number
            for number, work in enumerate(works)
        }
        for future in as_completed(numbers):
            outcome = future.result()
            if outcome is not None:
                yield numbers[future], outcome

    def _outcome(self, work: Work, should_stop: Callable[[], bool]) -> Outcome | None:
        if should_stop():
            return None
        mate = self._idle.get()
        try:
            return mate.outcome(work)
        finally:
            self._idle.put(mate)

    def close(self) -> None:
        """End the processes; each finishes what it builds."""
        while not self._idle.empty():
            self._idle.get().close()


@contextmanager
def crew(count: int) -> Iterator[Crew]:
    """
    Give a crew of so many processes; of up to one: this process.

    Raises:
        SpecError: Other processes would not know the settings.
    """
    if count <= 1:
        yield Crew()
        return
    require_settings()
    with ThreadPoolExecutor(count) as threads:
        processes = _Processes(count, threads)
        try:
            yield processes
        finally:
            threads.shutdown(cancel_futures=True)
            processes.close()


def require_settings() -> None:
    """
    See that other processes find the settings.

    Raises:
        SpecError: They do not.
    """
    if _SETTINGS not in os.environ:
        raise SpecError(f"'workers' are processes that read the settings anew: {_SETTINGS} must name them.")


class _Mate:
    """One of the processes, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def outcome(self, work: Work) -> Outcome:
        """
        Return what came of a work.

        Raises:
            ChildProcessError: The process does not start.
        """
        process = self._process or self._started()
        with suppress(BrokenPipeError):
            requests = cast("IO[bytes]", process.stdin)
            requests.write(json.dumps(work.as_dict()).encode() + b"\n")
            requests.flush()
        line = cast("IO[bytes]", process.stdout).readline()
        if line:
            return Outcome(*json.loads(line))
        code = self.close()
        return Outcome(error=f"ChildProcessError: the process that built it ended with {code}")

    def _started(self) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        # Nothing of it comes from outside. A group of its own, so that Ctrl-C does not end what it builds.
        process = self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,
        )
        if not cast("IO[bytes]", process.stdout).readline():
            raise ChildProcessError(f"A worker process does not start, and ended with {self.close()}.")
        return process

    def close(self) -> int:
        """End the process, and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(BrokenPipeError), process:  # which closes its standard input, and waits
            pass
        return process.returncode


# In the process ----------------------------------------------------------------------------------------


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Do the works that the lines of `requests` tell until they end, and answer each; a first line says hello."""
    _say(answers, True)
    for line in requests:
        queue.drop_dead_connections()
        try:
            _say(answers, build(Work.from_dict(json.loads(line))))
        except Exception as error:  # noqa: BLE001 - the database's, as its own process would say it
            _say(answers, Outcome(error=f"{type(error).__name__}: {error}"))


def _say(answers: IO[bytes], message: object) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    django.setup()
    # What somebody prints goes to standard error, not between the answers.
    with os.fdopen(os.dup(1), "wb") as standard_output:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, standard_output)
