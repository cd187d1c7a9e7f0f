"""A process per core, each with one file at a time; whoever dies, hangs or grows too large is replaced."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple, Self

from sandbox.fuzzing.items import Item
from sandbox.fuzzing.trial import Outcome, work

# s between looks at the memory of those that are at work: what grows by 1 GB a second is seen in time.
WATCH = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Spawned: a process that is forked begins with the memory of this one.
_SPAWN = get_context("spawn")


class Limits(NamedTuple):
    """What one file may take: seconds, and MB in its process."""

    seconds: float
    memory: int


class Result(NamedTuple):
    """An item and what came of it."""

    item: Item
    outcome: Outcome


class _Worker:
    def __init__(self) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=work, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is the pipe's end
        self.item: Item | None = None
        self._start = 0.0

    def give(self, item: Item) -> None:
        self.item, self._start = item, time.monotonic()
        self.pipe.send(item)

    def end(self, *, grace: float = 1.0) -> int | None:
        """
        End the process, and return what it ended with by itself; None where it had to be ended.

        Args:
            grace: s that it is given for that.
        """
        self._process.join(grace)
        status = self._process.exitcode
        self._process.kill()
        self._process.join()
        self.pipe.close()
        return status

    def breach(self, limits: Limits) -> str | None:
        """Return the limit that it is over, if any."""
        if self.memory() > limits.memory:
            return f"over {limits.memory} MB"
        return "hang" if time.monotonic() - self._start > limits.seconds else None

    def memory(self) -> float:
        """Return what the process has now, where the system tells: MB."""
        try:
            fields = Path(f"/proc/{self._process.pid}/statm").read_text().split()
        except OSError:
            return 0.0
        return int(fields[1]) * _PAGE / 1024**2


class Crew:
    """Gives items to processes and their outcomes back, in the order in which they are done."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._workers = [_Worker() for _ in range(os.cpu_count() or 1)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker.item is None:
                worker.pipe.send(None)
            worker.end()

    def run(self, items: Iterator[Item], *, seconds: float | None) -> Iterator[Result]:
        """
        Yield the outcome of each item.

        Args:
            items: To be tried.
            seconds: After which no other is begun; None: all are.
        """
        end = time.monotonic() + seconds if seconds else float("inf")
        self._feed(items, end)
        while busy := {worker.pipe: worker for worker in self._workers if worker.item is not None}:
            for pipe in wait(list(busy), WATCH):
                assert isinstance(pipe, Connection)
                yield self._answer(busy.pop(pipe))
            for worker in busy.values():
                breach = worker.breach(self._limits)
                if breach:
                    yield self._lost(worker, Outcome(breach, is_failure=True))
            self._feed(items, end)

    def _feed(self, items: Iterator[Item], end: float) -> None:
        for worker in self._workers:
            if worker.item is None and time.monotonic() < end and (item := next(items, None)) is not None:
                worker.give(item)

    def _answer(self, worker: _Worker) -> Result:
        try:
            outcome: Outcome = worker.pipe.recv()
        except (EOFError, OSError):
            return self._lost(worker, None)
        item, worker.item = worker.item, None
        assert item is not None
        if outcome.memory > self._limits.memory:
            outcome = outcome._replace(kind=f"over {self._limits.memory} MB", is_failure=True)
        return Result(item, outcome)

    def _lost(self, worker: _Worker, outcome: Outcome | None) -> Result:
        """Replace a process that is dead or has to die."""
        item, memory = worker.item, worker.memory()
        assert item is not None
        status = worker.end(grace=0.0 if outcome else 1.0)
        self._workers[self._workers.index(worker)] = _Worker()
        found = outcome or Outcome(f"crash ({status})", is_failure=True)
        return Result(item, found._replace(memory=memory))
