"""The tables: who reads and writes them, in which database and transaction, and whether it may at all."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.apps import apps
from django.db import connections, router, transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from responsive_img import conf

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

# Names of the states, as stored; the choices are on the models.
QUEUED, BUILDING, READY, FAILED = "queued", "building", "ready", "failed"
NEW, KNOWN = "new", "known"
# Builders that may die of one picture.
MAX_ATTEMPTS = 3
ANEW: dict[str, Any] = {
    "state": QUEUED,
    "owner": "",
    "lease_until": None,
    "attempts": 0,
    "not_before": None,
}

Row = TypeVar("Row", bound=Model)
Write = TypeVar("Write", bound=Callable[..., Any])


def picture_model() -> type[Picture]:
    """Return the model of a picture."""
    return apps.get_model("responsive_img", "Picture")


def source_model() -> type[Source]:
    """Return the model of a source."""
    return apps.get_model("responsive_img", "Source")


def database() -> str:
    """Return the alias of the database that the records are written to."""
    return str(router.db_for_write(picture_model()))


def picture_rows() -> QuerySet[Picture]:
    """Return the pictures where they are written: a replica may not have yet what this process just wrote."""
    return picture_model()._default_manager.using(database())


def source_rows() -> QuerySet[Source]:
    """Return the sources where they are written."""
    return source_model()._default_manager.using(database())


@contextmanager
def unharmed_transaction() -> Iterator[None]:
    """Within a transaction of the user's: a savepoint, so that an error of ours does not end theirs."""
    if is_in_transaction():
        with transaction.atomic(using=database()):
            yield
    else:
        yield


def is_open(now: datetime) -> Q:
    """Return the condition for a picture to be built by whoever claims it."""
    lost = Q(state=BUILDING, lease_until__lt=now, attempts__lt=MAX_ATTEMPTS)
    return Q(state=QUEUED) | lost | Q(state=FAILED, not_before__lte=now)


def retry_at(attempts: int, seconds: int) -> datetime:
    """Return when to try again: after `seconds`, then 4 and 16 times as long, and so on to 256 times."""
    if attempts <= 1:
        return timezone.now() + timedelta(seconds=seconds)
    jitter = random.uniform(1, 1.25)  # noqa: S311 - spreads what has failed together
    return timezone.now() + timedelta(seconds=seconds * 4 ** min(attempts - 1, 4) * jitter)


def unless_read_only(nothing: Callable[[], Any]) -> Callable[[Write], Write]:
    """Have a function write nothing, and return what `nothing` gives, in a process that must not write."""

    def decorate(write: Write) -> Write:
        @wraps(write)
        def written(*args: Any, **kwargs: Any) -> Any:
            return nothing() if conf.current().read_only else write(*args, **kwargs)

        return cast("Write", written)

    return decorate


def locked(rows: QuerySet[Row]) -> QuerySet[Row]:
    """
    Return rows, locked in the order of their keys until the transaction ends, where the database has such locks.

    A statement on many rows locks them in an order that the database chooses, and two opposite orders deadlock.
    """
    features = connections[rows.db].features
    if not features.has_select_for_update:
        return rows
    # What refers to these rows may go on being inserted, where that can be said.
    mine = rows.order_by("pk").select_for_update(no_key=features.has_select_for_no_key_update)
    return rows.filter(pk__in=list(mine.values_list("pk", flat=True)))


def update(rows: QuerySet[Row], **values: object) -> int:
    """Update rows that others may update too, and return how many: one query more than without row locks."""
    with transaction.atomic(using=rows.db, savepoint=False):
        return locked(rows).update(**values)


def is_in_transaction() -> bool:
    """Tell whether what is written now may still be taken back."""
    connection = transaction.get_connection(database())
    return bool(connection.in_atomic_block or not connection.get_autocommit())


def on_commit(call: Callable[[], object], *, using: str | None = None) -> None:
    """
    Call when what was written is there for others too; an error is logged, and stops nothing else.

    Args:
        call: What to call.
        using: Alias of the database; None: that of the records.
    """
    alias = using or database()

    # Of its own, as Django names the function that has failed, and a partial has no name.
    def called() -> None:
        call()

    connection = transaction.get_connection(alias)
    if connection.in_atomic_block or connection.get_autocommit():
        transaction.on_commit(called, using=alias, robust=True)
        return
    try:  # whoever switched autocommit off commits by hand, and Django does not see it
        called()
    except Exception:
        logger.exception("What was to be done on commit failed")
