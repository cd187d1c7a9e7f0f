"""
The records in the database: every query of this library.

The only module that names the models, and through `apps.get_model`, so that everything above it can be
imported before the app registry is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import router, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from responsive_img.headers import Header

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

# Names of the states, as stored; the choices are on the models.
QUEUED, BUILDING, READY, FAILED = "queued", "building", "ready", "failed"
KNOWN = "known"


def picture_model() -> type[Picture]:
    """Return the model of a picture."""
    return apps.get_model("responsive_img", "Picture")


def source_model() -> type[Source]:
    """Return the model of a source."""
    return apps.get_model("responsive_img", "Source")


def _pictures() -> QuerySet[Picture]:
    """Return the pictures where they are written: a replica may not have yet what this process just wrote."""
    return picture_model()._default_manager.using(router.db_for_write(picture_model()))


def _sources() -> QuerySet[Source]:
    return source_model()._default_manager.using(router.db_for_write(picture_model()))


@contextmanager
def _unharmed_transaction() -> Iterator[None]:
    """Within a transaction of the user's: a savepoint, so that an error of ours does not end theirs."""
    if is_in_transaction():
        with transaction.atomic(using=router.db_for_write(picture_model())):
            yield
    else:
        yield


def is_in_transaction() -> bool:
    """Tell whether what is written now may still be taken back."""
    return bool(transaction.get_connection(router.db_for_write(picture_model())).in_atomic_block)


def on_commit(call: Callable[[], object]) -> None:
    """Call when what was written is there for others too; an error is logged, and stops nothing else."""
    using = router.db_for_write(picture_model())
    transaction.on_commit(call, using=using, robust=True)


def replicated_pictures(keys: Collection[str]) -> dict[str, Picture]:
    """Return the pictures of these keys with their sources, from wherever is read: one query."""
    found = picture_model()._default_manager.select_related("source").filter(key__in=sorted(keys))
    return {picture.key: picture for picture in found}


def pictures(keys: Collection[str]) -> dict[str, Picture]:
    """Return the pictures of these keys with their sources, as they are now: one query."""
    found = _pictures().select_related("source").filter(key__in=sorted(keys))
    return {picture.key: picture for picture in found}


def sources(keys: Collection[str]) -> dict[str, Source]:
    """Return the sources of these keys, as they are now: one query."""
    return {source.key: source for source in _sources().filter(key__in=sorted(keys))}


def insert(new_sources: Iterable[Source], new_pictures: Iterable[Picture]) -> None:
    """
    Insert what may not have a row yet: one transaction, or a savepoint of the user's.

    In the order of the keys: two transactions with opposite orders deadlock.
    """
    with transaction.atomic(using=router.db_for_write(picture_model())):
        _sources().bulk_create(sorted(new_sources, key=lambda source: source.key), ignore_conflicts=True)
        _pictures().bulk_create(sorted(new_pictures, key=lambda picture: picture.key), ignore_conflicts=True)


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
    with transaction.atomic(using=router.db_for_write(picture_model())):
        insert(new_sources, new_pictures)
        not_handed_over = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        mine = _open(keys, now).filter(~Q(state=QUEUED) | not_handed_over)
        mine.update(state=QUEUED, owner=owner, lease_until=now + timedelta(seconds=seconds))
        return _owned(keys, owner, QUEUED)


@_unharmed_transaction()
def claim(keys: Collection[str], *, version: str, owner: str, seconds: int) -> set[str]:
    """
    Return the keys of the pictures that this owner, and no other, now builds.

    Those of a source that has another version than the job's are not: it was replaced meanwhile.

    A conditional update: SQLite ignores row locks, so this is the one way on every database. The attempt
    counts now, so that a build that kills its process counts too.
    """
    now = timezone.now()
    lease = now + timedelta(seconds=seconds)
    _open(keys, now).filter(source__in=_of_version(version)).update(
        state=BUILDING, owner=owner, lease_until=lease, attempts=F("attempts") + 1
    )
    return _owned(keys, owner, BUILDING)


@_unharmed_transaction()
def release(keys: Collection[str]) -> None:
    """Leave queued pictures to whoever comes first: the next response that shows them, or a worker."""
    _pictures().filter(key__in=sorted(keys), state=QUEUED).update(lease_until=None)


@_unharmed_transaction()
def finish(manifests: Mapping[str, str], *, owner: str, version: str) -> set[str]:
    """
    Record built pictures, and return the keys of those that were still this owner's to record.

    Args:
        manifests: Picture key → manifest text.
        owner: Who claimed them.
        version: Of the source that was built; one that was replaced meanwhile is queued again.
    """
    mine = _pictures().filter(owner=owner)
    current = mine.filter(source__in=_of_version(version))
    done = {"state": READY, "owner": "", "lease_until": None, "not_before": None, "attempts": 0}
    kept = {key for key, text in manifests.items() if current.filter(key=key).update(renditions=text, **done)}
    if len(kept) < len(manifests):
        mine.filter(key__in=sorted(manifests.keys() - kept)).update(state=QUEUED, lease_until=None)
    return kept


@_unharmed_transaction()
def reopen(keys: Collection[str]) -> None:
    """Queue ready pictures whose record cannot be read any more."""
    _pictures().filter(key__in=sorted(keys), state=READY).update(state=QUEUED, lease_until=None)


@_unharmed_transaction()
def describe(key: str, header: Header) -> None:
    """Record what the header of a source told."""
    _sources().filter(key=key).update(
        width=header.size.width,
        height=header.size.height,
        format=header.format,
        is_animated=header.is_animated,
        state=KNOWN,
        error="",
        retry_at=None,
    )


@_unharmed_transaction()
def fail(source_key: str, keys: Collection[str], *, owner: str, error: str, seconds: int) -> None:
    """Record that these pictures of a source could not be built, and are tried again after `seconds`."""
    retry_at = timezone.now() + timedelta(seconds=seconds)
    _sources().filter(key=source_key).update(state=FAILED, error=error, retry_at=retry_at)
    _pictures().filter(key__in=sorted(keys), owner=owner).update(
        state=FAILED, owner="", lease_until=None, not_before=retry_at
    )


def queued_sources(limit: int, *, after: str = "") -> list[str]:
    """Return the keys of sources with open pictures, in their order, from behind `after` on."""
    waiting = _pictures().filter(_is_open(timezone.now()), source_id__gt=after)
    return list(waiting.order_by("source_id").values_list("source_id", flat=True).distinct()[:limit])


def queued(source_keys: Collection[str]) -> list[Picture]:
    """Return the open pictures of these sources, with them: one query."""
    waiting = _pictures().filter(_is_open(timezone.now()))
    return list(
        waiting.filter(source_id__in=source_keys).select_related("source").order_by("source_id", "key")
    )


def _of_version(version: str) -> QuerySet[Source]:
    """Return the sources of this version: a condition on another table, so that claims stay exclusive."""
    return _sources().filter(version=version)


def _is_open(now: datetime) -> Q:
    """Return the condition for a picture to be built by whoever claims it."""
    return Q(state=QUEUED) | Q(state=BUILDING, lease_until__lt=now) | Q(state=FAILED, not_before__lte=now)


def _open(keys: Collection[str], now: datetime) -> QuerySet[Picture]:
    return _pictures().filter(_is_open(now), key__in=sorted(keys))


def _owned(keys: Collection[str], owner: str, state: str) -> set[str]:
    mine = _pictures().filter(key__in=sorted(keys), owner=owner, state=state)
    return set(mine.values_list("key", flat=True))
