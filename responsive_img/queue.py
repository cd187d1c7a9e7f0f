"""The database queue's worker: builds what the hook `enqueue` and exhausted budgets have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responsive_img import hooks, records

if TYPE_CHECKING:
    from responsive_img.models import Picture

# Pictures read at a time: few enough to be held, many enough to decode a source once for all its specs.
CHUNK = 100


def process_queue() -> int:
    """
    Build all queued pictures, one decode per source, and return how many sources were worked on.

    Any number of processes may run it at once.
    """
    count = 0
    last: Picture | None = None
    while pictures := records.queued(CHUNK, after=last):
        specs: dict[str, list[str]] = {}
        for picture in pictures:
            specs.setdefault(picture.source_id, []).append(picture.spec)
        for source in {picture.source_id: picture.source for picture in pictures}.values():
            hooks.run(hooks.job_of(source, specs[source.key]))
        count += len(specs)
        last = pictures[-1]
    return count
