"""The database queue's worker: builds what the hook `enqueue`, exhausted budgets and lost messages have left."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from django.db import connections

from responsive_img import backlog, building, conf, leases
from responsive_img.keys import picture_key
from responsive_img.signals import picture_failed

if TYPE_CHECKING:
    from responsive_img.models import Picture

CHUNK = 100  # sources read at a time


class Stopped(NamedTuple):
    """
    How a run of the worker ended.

    Attributes:
        sources: How many it has worked on.
        errors: How many of them failed.
        is_whole: Whether it has come to the end of the queue.
    """

    sources: int
    errors: int
    is_whole: bool


def process_queue() -> int:
    """
    Build all queued pictures, one decode per source, and return how many sources were worked on.

    Any number of processes may run it at once.
    """
    return work().sources


def work(
    *,
    should_stop: Callable[[], bool] = lambda: False,
    built: Callable[[str], object] = lambda _: None,
    max_errors: int = 0,
) -> Stopped:
    """
    Build all queued pictures.

    Args:
        should_stop: Asked before each source.
        built: Told the name of each source that is done.
        max_errors: After so many failures it stops; 0: never.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    if conf.current().read_only:
        return Stopped(0, 0, is_whole=True)
    errors: list[str] = []

    def count(job: object, **_: object) -> None:
        errors.append(str(job))

    picture_failed.connect(count)
    try:
        building.give_up(None, conf.current())
        return _work(should_stop, built, max_errors, errors)
    finally:
        picture_failed.disconnect(count)


def _work(
    should_stop: Callable[[], bool], built: Callable[[str], object], max_errors: int, errors: Sequence[str]
) -> Stopped:
    done = 0
    last = ""
    while source_keys := backlog.queued_sources(CHUNK, after=last):
        last = source_keys[-1]
        # Workers that start together go different ways.
        random.shuffle(source_keys)
        for source_key in source_keys:
            if should_stop() or 0 < max_errors <= len(errors):
                return Stopped(done, len(errors), is_whole=False)
            drop_dead_connections()
            pictures = _wanted(backlog.queued([source_key]))
            if pictures:
                source = pictures[0].source
                building.build_job(building.job_of(source, [picture.spec for picture in pictures]))
                built(source.name)
                done += 1
    return Stopped(done, len(errors), is_whole=True)


def drop_dead_connections() -> None:
    """Close connections that are broken or too old, but none that somebody has a transaction on."""
    for connection in connections.all(initialized_only=True):
        is_in_one = connection.in_atomic_block or (
            connection.get_autocommit() != connection.settings_dict["AUTOCOMMIT"]
        )
        if not is_in_one:
            connection.close_if_unusable_or_obsolete()


def _wanted(pictures: Sequence[Picture]) -> list[Picture]:
    """Return the pictures that this process can build: not those asked for with another STORAGE setting."""
    storage = conf.current().storage
    return [
        picture
        for picture in pictures
        if picture.key == picture_key(picture.source.storage, picture.source.name, picture.spec, storage)
    ]


def take_over(seconds: float) -> int:
    """Have others build what no builder has got on with for so many seconds, and return how many pictures that are."""
    return leases.release_stale(seconds)
