"""The database queue's worker: builds what the hook `enqueue` and exhausted budgets have left."""

from __future__ import annotations

from responsive_img import hooks, records

CHUNK = 100  # sources read at a time


def process_queue() -> int:
    """
    Build all queued pictures, one decode per source, and return how many sources were worked on.

    Any number of processes may run it at once.
    """
    count = 0
    last = ""
    while source_keys := records.queued_sources(CHUNK, after=last):
        pictures = records.queued(source_keys)
        for source in {picture.source_id: picture.source for picture in pictures}.values():
            specs = [picture.spec for picture in pictures if picture.source_id == source.key]
            hooks.run(hooks.job_of(source, specs))
            count += 1
        last = source_keys[-1]
    return count
