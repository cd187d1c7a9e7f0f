"""The queries of the queue: what waits, what is stuck, what has failed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, F, Q
from django.utils import timezone

from responsive_img.rows import (
    ANEW,
    BUILDING,
    FAILED,
    MAX_ATTEMPTS,
    NEW,
    QUEUED,
    READY,
    is_open,
    picture_rows,
    retry_at,
    source_rows,
    unharmed_transaction,
    unless_read_only,
    update,
)

if TYPE_CHECKING:
    from responsive_img.models import Picture


@unless_read_only(list)
@unharmed_transaction()
def bury(keys: Collection[str] | None, *, seconds: int) -> list[tuple[Picture, str]]:
    """
    Give up pictures whose builders died `MAX_ATTEMPTS` times: whatever kills them would kill the next one.

    Args:
        keys: Of pictures; None: all.
        seconds: As of `fail`.

    Returns:
        The pictures that this caller, and no other, has given up, with their sources, and the reasons.
    """
    buried = []
    dead = picture_rows().filter(state=BUILDING, lease_until__lt=timezone.now(), attempts__gte=MAX_ATTEMPTS)
    if keys is not None:
        dead = dead.filter(key__in=sorted(keys))
    for picture in dead.select_related("source"):
        later = retry_at(picture.attempts, seconds)
        given_up = picture_rows().filter(key=picture.key, owner=picture.owner, state=BUILDING)
        if given_up.update(state=FAILED, owner="", lease_until=None, not_before=later):
            error = f"The process that built it died, {picture.attempts} times."
            source_rows().filter(key=picture.source_id).update(error=error)
            buried.append((picture, error))
    return buried


@unless_read_only(lambda: None)
@unharmed_transaction()
def reopen(keys: Collection[str]) -> None:
    """Queue ready pictures whose record cannot be read any more."""
    update(picture_rows().filter(key__in=sorted(keys), state=READY), state=QUEUED, lease_until=None)


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
        wanted = wanted.filter(source__in=source_rows().filter(name__in=names))
        failed, reasons = failed.filter(name__in=names), reasons.filter(name__in=names)
    update(failed, state=NEW, retry_at=None)
    update(reasons, error="")
    return update(wanted, **ANEW)


@unless_read_only(list)
@unharmed_transaction()
def queue_anew(keys: Collection[str], *, is_whole: bool) -> list[str]:
    """
    Queue pictures as if nobody had tried, and return the keys of those that are queued.

    Args:
        keys: Of pictures.
        is_whole: All of them, what is built already is forgotten; else what failed, or whose builder died.
    """
    wanted = picture_rows().filter(key__in=sorted(keys))
    if not is_whole:
        is_stale = Q(state=BUILDING, lease_until__lt=timezone.now())
        wanted = wanted.filter(Q(state=FAILED) | is_stale)
    found = dict(wanted.values_list("key", "source_id"))
    sources = source_rows().filter(key__in=sorted(set(found.values())))
    update(sources.filter(state=FAILED), state=NEW, retry_at=None)
    update(sources.exclude(error=""), error="")
    pictures = picture_rows().filter(key__in=sorted(found))
    update(pictures, **ANEW, **({"renditions": ""} if is_whole else {}))
    return list(found)


@unless_read_only(lambda: None)
@unharmed_transaction()
def queue_again(keys: Collection[str]) -> None:
    """Queue pictures that are ready, or have failed; of those that are ready their files go on being shown."""
    update(picture_rows().filter(key__in=sorted(keys), state__in=[READY, FAILED]), **ANEW)


@unless_read_only(list)
@unharmed_transaction()
def build_over(keys: Collection[str]) -> list[str]:
    """
    Queue those of these pictures that are ready or being built, what is built is forgotten; return their keys.

    Their attempts count, and at the last one a builder is left alone: else slow ones would drive each other out
    for ever.
    """
    is_wanted = Q(state=READY) | Q(state=BUILDING, attempts__lt=MAX_ATTEMPTS)
    wanted = picture_rows().filter(is_wanted, key__in=sorted(keys))
    found = list(wanted.values_list("key", flat=True))
    anew = {**ANEW, "attempts": F("attempts"), "renditions": ""}
    update(picture_rows().filter(key__in=found), **anew)
    return found


def specs_of(field: str) -> list[str]:
    """Return the canonical specs that have been asked for of the sources of a field, "app.Model.field"."""
    asked = picture_rows().filter(source__field=field).order_by("spec")
    return list(asked.values_list("spec", flat=True).distinct())


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
