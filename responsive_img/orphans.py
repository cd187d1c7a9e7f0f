"""The queries of what is left over: sources whose file is gone, and pictures that nobody asks for any more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from responsive_img.rows import (
    ANEW,
    BUILDING,
    database,
    locked,
    picture_rows,
    source_rows,
    unharmed_transaction,
    unless_read_only,
    update,
)

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

CHUNK = 200  # sources


def storages() -> list[str]:
    """Return what the storages of all sources are written as."""
    return list(source_rows().order_by("storage").values_list("storage", flat=True).distinct())


def sources() -> Iterator[list[Source]]:
    """Yield all sources, so many at a time: none is left out, whoever deletes and inserts meanwhile."""
    yield from _chunks(Q())


def sources_in(folder: str) -> Iterator[list[Source]]:
    """
    Yield the sources that may lie in a folder, so many at a time, with others among them.

    Args:
        folder: Normalised; names need not be, and file systems may not tell capitals apart.
    """
    odd = Q(name__contains="//") | Q(name__contains="./")
    yield from _chunks(odd | Q(name__istartswith=f"{folder}/") if folder else Q())


def _chunks(wanted: Q) -> Iterator[list[Source]]:
    last = ""
    while found := list(source_rows().filter(wanted, key__gt=last).order_by("key")[:CHUNK]):
        yield found
        if len(found) < CHUNK:  # the next query may look through the whole table for nothing
            return
        last = found[-1].key


def named(names: Collection[str]) -> set[str]:
    """Return those of these names that a source has, whatever its storage."""
    return set(source_rows().filter(name__in=sorted(names)).values_list("name", flat=True))


def pictures_of(sources: Collection[Source]) -> dict[str, list[Picture]]:
    """Return the pictures of sources, by the keys of these: one query."""
    found: dict[str, list[Picture]] = {source.key: [] for source in sources}
    for picture in picture_rows().filter(source_id__in=sorted(found)).order_by("key"):
        found[picture.source_id].append(picture)
    return found


@unless_read_only(lambda: None)
@unharmed_transaction()
def note(keys: Collection[str], since: datetime | None) -> None:
    """
    Note since when nobody asks for pictures, in `not_before`; None: somebody does.

    Of a picture that is ready nothing else is in it: it has no next try.
    """
    if keys:
        update(picture_rows().filter(key__in=sorted(keys)), not_before=since)


@unless_read_only(lambda: None)
@unharmed_transaction()
def drop(keys: Collection[str]) -> None:
    """Delete pictures: whoever builds one leaves no trace in the records."""
    with transaction.atomic(using=database(), savepoint=False):
        locked(picture_rows().filter(key__in=sorted(keys))).delete()


@unless_read_only(dict)
@unharmed_transaction()
def retire(versions: Mapping[str, str], last: str) -> dict[str, bool]:
    """
    Take sources whose files are gone out of use: nothing of them is built, and nobody builds them any more.

    Args:
        versions: Keys of sources → the versions that they had when their files were gone.
        last: Another version, which nothing is built of.

    Returns:
        The keys of those that were not replaced meanwhile → whether somebody is building a picture of it, in vain.
    """
    with transaction.atomic(using=database()):
        current = reduce(or_, [Q(key=key, version=version) for key, version in sorted(versions.items())])
        update(source_rows().filter(current), version=last)
        retired = source_rows().filter(key__in=sorted(versions), version=last).values_list("key", flat=True)
        pictures = picture_rows().filter(source_id__in=list(retired))
        leased = pictures.filter(state=BUILDING, lease_until__gte=timezone.now())
        being_built = set(leased.values_list("source_id", flat=True))
        update(pictures, renditions="", **ANEW)
        return {key: key in being_built for key in retired}


@unless_read_only(list)
@unharmed_transaction()
def end(keys: Collection[str], version: str) -> list[str]:
    """Delete sources of this version with their pictures; return the keys of those that are left."""
    try:
        with transaction.atomic(using=database()):
            locked(source_rows().filter(key__in=sorted(keys), version=version)).delete()
    except IntegrityError:  # somebody has just asked for another picture of one of them
        for key in keys if len(keys) > 1 else ():
            end([key], version)
    return list(source_rows().filter(key__in=sorted(keys)).values_list("key", flat=True))
