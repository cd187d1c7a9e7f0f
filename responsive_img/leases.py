"""
Leases: for how long a picture is its builder's alone.

A builder that gets on renews its lease, however long it takes; one that has died, or stands still, loses it.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from responsive_img.rows import BUILDING, picture_rows, unharmed_transaction, unless_read_only, update

# s. A dead builder's pictures wait so long. One file of a source within the limits takes at most `LEASE - RENEWAL`.
LEASE = 120
# s. Before a file that comes later than that after the claim or the last renewal, the lease is renewed. Most builds
# take less, and so cost no query more.
RENEWAL = 5


class LeaseLostError(Exception):
    """Somebody else builds the pictures meanwhile, or their source was replaced."""


class Lease:
    """The lease of a builder on the pictures that it has claimed, from now on."""

    def __init__(self, keys: Collection[str], owner: str) -> None:
        self._keys, self._owner = keys, owner
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """
        Renew the lease, if it is time to.

        Where the records cannot be written, that is tried again later: the build may yet end well.

        Raises:
            LeaseLostError: None of the pictures is the owner's any more.
        """
        if time.monotonic() - self._renewed < RENEWAL:
            return
        self._renewed = time.monotonic()
        with suppress(DatabaseError):
            if not _renew(self._keys, self._owner):
                raise LeaseLostError


@unless_read_only(lambda: 0)
@unharmed_transaction()
def _renew(keys: Collection[str], owner: str) -> int:
    """Have the leases of this owner end later, and return how many pictures that are."""
    mine = picture_rows().filter(key__in=sorted(keys), owner=owner, state=BUILDING)
    return update(mine, lease_until=timezone.now() + timedelta(seconds=LEASE))


@unless_read_only(lambda: 0)
@unharmed_transaction()
def release_stale(seconds: float) -> int:
    """Have others build what no builder has claimed or renewed for so many seconds, and return how many pictures."""
    now = timezone.now()
    is_stale = Q(lease_until__lt=now + timedelta(seconds=LEASE - seconds))
    # The clock was set back; twice, as another machine's may be a little ahead.
    is_impossible = Q(lease_until__gt=now + timedelta(seconds=2 * LEASE))
    stale = picture_rows().filter(is_stale | is_impossible, state=BUILDING)
    # Not queued: the attempts still count, so that `bury` finds what kills its builders.
    return update(stale, lease_until=now - timedelta(seconds=1))


@unless_read_only(lambda: None)
@unharmed_transaction()
def end_leases(keys: Collection[str], owners: Collection[str]) -> None:
    """Have pictures built by somebody else than these owners, who have ended; their attempts count."""
    lost = picture_rows().filter(key__in=sorted(keys), owner__in=sorted(owners), state=BUILDING)
    update(lost, lease_until=timezone.now() - timedelta(seconds=1))
