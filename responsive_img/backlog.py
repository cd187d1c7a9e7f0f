"""The queries of the queue: what waits, what is stuck, what has failed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, Q
from django.utils import timezone

from responsive_img.records import is_open, retry_at
from responsive_img.rows import (
    ANEW,
    BUILDING,
    FAILED,
    MAX_ATTEMPTS,
    NEW,
    QUEUED,
    READY,
    picture_rows,
    source_rows,
    unharmed_transaction,
    unless_read_only,
)

if TYPE_CHECKING:
    from responsive_img.models import Picture


@unless_read_only(lambda: None)
@unharmed_transaction()
def bury(keys: Collection[str] | None, *, seconds: int) -> None:
    """
    Give up pictures whose builders died `MAX_ATTEMPTS` times: whatever kills them would kill the next one.

    Args:
        keys: Of pictures; None: all.
        seconds: As of `fail`.
    """
    dead = picture_rows().filter(state=BUILDING, lease_until__lt=timezone.now(), attempts__gte=MAX_ATTEMPTS)
    if keys is not None:
        dead = dead.filter(key__in=sorted(keys))
    for picture in dead:
        later = retry_at(picture.attempts, seconds)
        given_up = picture_rows().filter(key=picture.key, owner=picture.owner, state=BUILDING)
        if given_up.update(state=FAILED, owner="", lease_until=None, not_before=later):
            error = f"The process that built it died, {picture.attempts} times."
            source_rows().filter(key=picture.source_id).update(error=error)


@unless_read_only(lambda: 0)
@unharmed_transaction()
def requeue(names: Collection[str] = (), *, include_stale: bool = False) -> int:
    """
    Queue failed pictures anew, as if nobody had tried, and return how many.

    Args:
        names: Of sources; none: all.
        include_stale: Also what is being built, whoever builds it.
    """
    states = [FAILED, BUILDING] if include_stale else [FAILED]
    wanted = picture_rows().filter(state__in=states)
    failed, reasons = source_rows().filter(state=FAILED), source_rows().exclude(error="")
    if names:
        wanted = wanted.filter(source__name__in=names)
        failed, reasons = failed.filter(name__in=names), reasons.filter(name__in=names)
    failed.update(state=NEW, retry_at=None)
    reasons.update(error="")
    return wanted.update(**ANEW)


@unless_read_only(lambda: 0)
@unharmed_transaction()
def release_stale(seconds: float, lease: int) -> int:
    """Queue what has been building for longer than `seconds`, of a lease of `lease` s, and return how many."""
    now = timezone.now()
    is_stale = Q(lease_until__lt=now + timedelta(seconds=lease - seconds))
    is_impossible = Q(lease_until__gt=now + timedelta(seconds=lease))  # the clock was set back
    stale = picture_rows().filter(is_stale | is_impossible, state=BUILDING)
    # Not queued: the attempts still count, so that `bury` finds what kills its builders.
    return stale.update(lease_until=now - timedelta(seconds=1))


class Status(NamedTuple):
    """
    How the queue stands.

    Attributes:
        counts: State → number of pictures.
        stale: How many are being built under a lease that has run out.
        failures: (name of the source, reason), some of them.
    """

    counts: dict[str, int]
    stale: int
    failures: list[tuple[str, str]]


def status(failures: int) -> Status:
    """Return how the queue stands, with the reasons of so many failures."""
    counted = picture_rows().values_list("state").annotate(Count("key")).order_by()
    stale = picture_rows().filter(state=BUILDING, lease_until__lt=timezone.now()).count()
    broken = source_rows().exclude(error="").order_by("name").values_list("name", "error")
    counts = {**dict.fromkeys((QUEUED, BUILDING, READY, FAILED), 0), **dict(counted)}
    return Status(counts, stale, list(broken[:failures]))


def count_open_sources() -> int:
    """Return how many sources have pictures that wait to be built."""
    return picture_rows().filter(is_open(timezone.now())).values("source_id").distinct().count()


def queued_sources(limit: int, *, after: str = "") -> list[str]:
    """Return the keys of sources with open pictures, in their order, from behind `after` on."""
    waiting = picture_rows().filter(is_open(timezone.now()), source_id__gt=after)
    return list(waiting.order_by("source_id").values_list("source_id", flat=True).distinct()[:limit])


def queued(source_keys: Collection[str]) -> list[Picture]:
    """Return the open pictures of these sources, with them: one query."""
    waiting = picture_rows().filter(is_open(timezone.now()))
    return list(
        waiting.filter(source_id__in=source_keys).select_related("source").order_by("source_id", "key")
    )
