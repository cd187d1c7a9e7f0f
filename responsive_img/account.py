"""The account of a response: what it may spend, and what is known of how it went."""

from __future__ import annotations

from responsive_img.building import Budget


class Account:
    """
    What a response shares with all that resolves at once on its way.

    Attributes:
        budget: What it has left for building.
        pending: Keys of its pictures that are still to be built.
        seen: Cores of the markers that were resolved, or at least looked at.
        is_cache_only: Whether nothing is asked for that the cache has not: for what nobody will look at.
    """

    __slots__ = ("budget", "is_cache_only", "pending", "seen")

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.pending: set[str] = set()
        self.seen: set[bytes] = set()
        self.is_cache_only = False

    def with_budget(self, budget: Budget) -> Account:
        """Return the same account with another budget."""
        account = Account(budget)
        account.pending, account.seen, account.is_cache_only = self.pending, self.seen, self.is_cache_only
        return account
