"""The tables: who reads and writes them, in which database and transaction, and whether it may at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.apps import apps
from django.db import router, transaction
from django.db.models import QuerySet

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


def unless_read_only(nothing: Callable[[], Any]) -> Callable[[Write], Write]:
    """Have a function write nothing, and return what `nothing` gives, in a process that must not write."""

    def decorate(write: Write) -> Write:
        @wraps(write)
        def written(*args: Any, **kwargs: Any) -> Any:
            return nothing() if conf.current().read_only else write(*args, **kwargs)

        return cast("Write", written)

    return decorate


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
