"""
The records in the database: every query of this library.

`rows` alone names the models, and through `apps.get_model`, so that everything above it can be imported before
the app registry is ready.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from responsive_img.headers import Header
from responsive_img.rows import (
    ANEW,
    is_open,
    locked,
    picture_rows,
    retry_at,
    source_rows,
    unharmed_transaction,
    unless_read_only,
    update,
)
from responsive_img.rows import BUILDING as BUILDING
from responsive_img.rows import FAILED as FAILED
from responsive_img.rows import KNOWN as KNOWN
from responsive_img.rows import NEW as NEW
from responsive_img.rows import QUEUED as QUEUED
from responsive_img.rows import READY as READY
from responsive_img.rows import database as database
from responsive_img.rows import is_in_transaction as is_in_transaction
from responsive_img.rows import on_commit as on_commit
from responsive_img.rows import picture_model as picture_model
from responsive_img.rows import source_model as source_model

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source


def replicated_pictures(keys: Collection[str]) -> dict[str, Picture]:
    """Return the pictures of these keys with their sources, from wherever is read: one query."""
    found = picture_model()._default_manager.select_related("source").filter(key__in=sorted(keys))
    return {picture.key: picture for picture in found}


def pictures(keys: Collection[str]) -> dict[str, Picture]:
    """Return the pictures of these keys with their sources, as they are now: one query."""
    found = picture_rows().select_related("source").filter(key__in=sorted(keys))
    return {picture.key: picture for picture in found}


def sources(keys: Collection[str]) -> dict[str, Source]:
    """Return the sources of these keys, as they are now: one query."""
    return {source.key: source for source in source_rows().filter(key__in=sorted(keys))}


@unless_read_only(lambda: None)
def insert(new_sources: Iterable[Source], new_pictures: Iterable[Picture]) -> None:
    """
    Insert what may not have a row yet: one transaction, or a savepoint of the user's.

    In the order of the keys: two transactions with opposite orders deadlock.
    """
    with transaction.atomic(using=database()):
        source_rows().bulk_create(sorted(new_sources, key=lambda source: source.key), ignore_conflicts=True)
        picture_rows().bulk_create(
            sorted(new_pictures, key=lambda picture: picture.key), ignore_conflicts=True
        )


@unless_read_only(set)
def open_for_hook(
    new_sources: Iterable[Source],
    new_pictures: Iterable[Picture],
    keys: Collection[str],
    *,
    owner: str,
    seconds: int,
) -> set[str]:
    """
    Insert what is new, and return the keys that this caller, and no other, hands to the hook.

    Args:
        new_sources: Sources that may not have a row yet.
        new_pictures: Pictures that may not have a row yet.
        keys: Pictures to hand over, if they are open.
        owner: Of the hand-over; unique to the caller.
        seconds: For so long nobody else hands them over.
    """
    now = timezone.now()
    with transaction.atomic(using=database()):
        insert(new_sources, new_pictures)
        not_handed_over = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        mine = _open(keys, now).filter(~Q(state=QUEUED) | not_handed_over)
        update(mine, state=QUEUED, owner=owner, lease_until=now + timedelta(seconds=seconds))
        handed = picture_rows().filter(key__in=sorted(keys), owner=owner, state=QUEUED)
        return set(handed.values_list("key", flat=True))


@unless_read_only(dict)
@unharmed_transaction()
def claim(keys: Collection[str], *, version: str, owner: str, seconds: int) -> dict[str, str]:
    """
    Return the pictures that this owner, and no other, now builds: key → manifest text of what is built already.

    Those of a source that has another version than the job's are not: it was replaced meanwhile.

    A conditional update: SQLite ignores row locks, so this is the one way on every database. The attempt
    counts now, so that a build that kills its process counts too.
    """
    now = timezone.now()
    lease = now + timedelta(seconds=seconds)
    current = _open(keys, now).filter(source__in=_of_version(version))
    update(current, state=BUILDING, owner=owner, lease_until=lease, attempts=F("attempts") + 1)
    mine = picture_rows().filter(key__in=sorted(keys), owner=owner, state=BUILDING)
    return dict(mine.values_list("key", "renditions"))


@unless_read_only(lambda: None)
@unharmed_transaction()
def release(keys: Collection[str], *, seconds: int = 0) -> None:
    """
    Leave queued pictures to whoever comes first: the next response that shows them, or a worker.

    Args:
        keys: Of the pictures.
        seconds: For so long to workers alone.
    """
    lease = timezone.now() + timedelta(seconds=seconds) if seconds else None
    update(picture_rows().filter(key__in=sorted(keys), state=QUEUED), lease_until=lease)


@unless_read_only(set)
@unharmed_transaction()
def finish(manifests: Mapping[str, str], *, owner: str, version: str) -> set[str]:
    """
    Record built pictures, and return the keys of those that were still this owner's to record.

    Args:
        manifests: Picture key → manifest text.
        owner: Who claimed them.
        version: Of the source that was built; one that was replaced meanwhile is queued again.
    """
    done = {"state": READY, "owner": "", "lease_until": None, "not_before": None, "attempts": 0}
    return _record(manifests, owner, version, done)


@unless_read_only(set)
@unharmed_transaction()
def keep(manifests: Mapping[str, str], *, owner: str, version: str, seconds: int) -> set[str]:
    """
    Record pictures of which a part is built, queue the rest, and return the keys as `finish` does.

    Args:
        manifests: Picture key → manifest text of what is built.
        owner: Who claimed them.
        version: Of the source that was built.
        seconds: For so long nobody else hands the rest to the hook.
    """
    lease = timezone.now() + timedelta(seconds=seconds) if seconds else None
    return _record(manifests, owner, version, {"state": QUEUED, "lease_until": lease, "attempts": 0})


def _record(manifests: Mapping[str, str], owner: str, version: str, values: Mapping[str, object]) -> set[str]:
    mine = picture_rows().filter(owner=owner)
    current = mine.filter(source__in=_of_version(version))
    kept = {
        key for key, text in manifests.items() if current.filter(key=key).update(renditions=text, **values)
    }
    if len(kept) < len(manifests):  # of a source that was replaced meanwhile
        update(mine.filter(key__in=sorted(manifests.keys() - kept)), state=QUEUED, lease_until=None)
    return kept


@unless_read_only(lambda: None)
@unharmed_transaction()
def describe(headers: Mapping[str, Header], *, version: str | None = None) -> None:
    """Record what the headers of sources told, by their keys, of those that have this version; None: any."""
    rows = source_rows() if version is None else _of_version(version)
    known = [
        source_model()(
            key=key,
            width=header.size.width,
            height=header.size.height,
            format=header.format,
            is_animated=header.is_animated,
            state=KNOWN,
        )
        for key, header in sorted(headers.items())
    ]
    fields = ["width", "height", "format", "is_animated", "state", "error", "retry_at"]
    if known:
        with transaction.atomic(using=database(), savepoint=False):
            locked(rows.filter(key__in=sorted(headers)))
            rows.bulk_update(known, fields)


@unless_read_only(lambda: True)
@unharmed_transaction()
def fail(
    source_key: str, keys: Collection[str], *, owner: str, version: str, error: str, seconds: int
) -> bool:
    """
    Record that these pictures of a source could not be built, and are tried again later.

    Return whether any of them was still this owner's: else somebody else knows better.

    Args:
        source_key: Of the source.
        keys: Of the pictures.
        owner: Who claimed them.
        version: Of the source that was tried.
        error: The reason.
        seconds: Until the second attempt; the next ones come ever later.
    """
    mine = picture_rows().filter(key__in=sorted(keys), owner=owner)
    attempts = list(mine.values_list("attempts", flat=True))
    if not attempts:
        return False
    later = retry_at(max(attempts), seconds)
    source = source_rows().filter(key=source_key, version=version)
    source.update(state=FAILED, error=error, retry_at=later)
    update(mine, state=FAILED, owner="", lease_until=None, not_before=later)
    return True


@unless_read_only(list)
@unharmed_transaction()
def replace(source_key: str, version: str) -> list[str]:
    """Record that a source has other content, and return the keys of its pictures, all queued anew."""
    with transaction.atomic(using=database()):
        known = source_rows().filter(key=source_key)
        if not known.update(
            version=version, width=None, height=None, format="", state=NEW, error="", retry_at=None
        ):
            return []
        pictures = picture_rows().filter(source_id=source_key)
        update(pictures, renditions="", **ANEW)
        return list(pictures.values_list("key", flat=True))


def is_current(source_key: str, version: str) -> bool:
    """Tell whether a source has this version now: one query."""
    return _of_version(version).filter(key=source_key).exists()


def _of_version(version: str) -> QuerySet[Source]:
    """Return the sources of this version: a condition on another table, so that claims stay exclusive."""
    return source_rows().filter(version=version)


def _open(keys: Collection[str], now: datetime) -> QuerySet[Picture]:
    return picture_rows().filter(is_open(now), key__in=sorted(keys))
