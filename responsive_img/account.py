"""The account of a response: what it may spend, and what is known of how it went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("responsive_img_deadline", default=None)


class Budget:
    """
    What one response may spend on building.

    Attributes:
        left: s; None until it is first drawn on, and then what the settings allow.
    """

    __slots__ = ("left",)

    def __init__(self, left: float | None = None) -> None:
        self.left = left

    @contextmanager
    def spending(self, allowed: float) -> Iterator[None]:
        """Within, time runs: `is_over_budget` is true once all is spent."""
        started = time.monotonic()
        left = allowed if self.left is None else self.left
        token = _deadline.set(started + left)
        try:
            yield
        finally:
            _deadline.reset(token)
            self.left = left - (time.monotonic() - started)

    def spending_here(self, allowed: float) -> AbstractContextManager[None]:
        """Do the same for what is to be built in this process, whatever the hook."""
        return self.spending(allowed)


class SparedBudget(Budget):
    """The budget of a response, spared by what Python asks to be built in this process: that has all the time."""

    __slots__ = ("_response",)

    def __init__(self, response: Budget) -> None:
        super().__init__()
        self._response = response

    @contextmanager
    def spending(self, allowed: float) -> Iterator[None]:
        """Spend what the response has left."""
        with self._response.spending(allowed):
            yield

    def spending_here(self, allowed: float) -> AbstractContextManager[None]:
        """Spend nothing."""
        return nullcontext()


def is_over_budget() -> bool:
    """Tell whether the response has no time left for building; never outside of `Budget.spending`."""
    deadline = _deadline.get()
    return deadline is not None and time.monotonic() >= deadline


def is_in_event_loop() -> bool:
    """Tell whether this is where Django lets nobody ask the database."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Account:
    """
    What a response shares with all that resolves at once on its way.

    Attributes:
        budget: What it has left for building.
        pending: Keys of its pictures that are still to be built.
        seen: Cores of the markers that were resolved, or at least looked at.
        unasked: What an event loop could not ask the database for, and the end of the response will; None: nobody will.
        is_cache_only: Whether nothing is asked for that the cache has not: for what nobody will look at.
    """

    __slots__ = ("budget", "is_cache_only", "pending", "seen", "unasked")

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.pending: set[str] = set()
        self.seen: set[bytes] = set()
        self.unasked: set[tuple[str, str, str, str]] | None = None  # as told by tags
        self.is_cache_only = False

    def take_unasked(self) -> list[tuple[str, str, str, str]]:
        """Return what was not asked for, and forget it, unless this is an event loop again."""
        taken: list[tuple[str, str, str, str]] = []
        while self.unasked and not is_in_event_loop():
            taken.append(self.unasked.pop())
        return taken

    def with_budget(self, budget: Budget) -> Account:
        """Return the same account with another budget."""
        account = Account(budget)
        account.pending, account.seen, account.is_cache_only = self.pending, self.seen, self.is_cache_only
        account.unasked = self.unasked
        return account
