"""The database queue's worker: builds what the hook `enqueue` and exhausted budgets have left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from responsive_img import conf, hooks, records
from responsive_img.keys import picture_key

if TYPE_CHECKING:
    from responsive_img.models import Picture

CHUNK = 100  # sources read at a time


def process_queue() -> int:
    """
    Build all queued pictures, one decode per source, and return how many sources were worked on.

    Any number of processes may run it at once.
    """
    count = 0
    last = ""
    while source_keys := records.queued_sources(CHUNK, after=last):
        pictures = _wanted(records.queued(source_keys))
        for source in {picture.source_id: picture.source for picture in pictures}.values():
            specs = [picture.spec for picture in pictures if picture.source_id == source.key]
            hooks.run(hooks.job_of(source, specs))
            count += 1
        last = source_keys[-1]
    return count


def _wanted(pictures: Sequence[Picture]) -> list[Picture]:
    """Return the pictures that this process can build: not those asked for with another STORAGE setting."""
    storage = conf.current().storage
    return [
        picture
        for picture in pictures
        if picture.key == picture_key(picture.source.storage, picture.source.name, picture.spec, storage)
    ]
