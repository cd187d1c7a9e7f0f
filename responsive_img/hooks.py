"""
The seam to whoever builds: the hooks that come with the library, and handing jobs over to one.

A hook is any callable `hook(jobs: Sequence[BuildJob])`, named by dotted path in `RESPONSIVE_IMG_BUILD_HOOK`.
Its jobs have rows in state queued; to build one, anywhere and any number of times, is `run(job)`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from django.utils.module_loading import import_string

from responsive_img import building, conf, keys, lookup, records, rendering
from responsive_img.building import Budget
from responsive_img.building import build as run
from responsive_img.conf import Config
from responsive_img.headers import Header
from responsive_img.jobs import BuildJob
from responsive_img.lookup import Asked
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

__all__ = ["BuildJob", "build_now", "enqueue", "run"]

logger = logging.getLogger("responsive_img")

Hook = Callable[[Sequence[BuildJob]], object]

# s. For so long a job that was handed over is not handed over again; then its message counts as lost.
HAND_OVER = 60


def build_now(jobs: Sequence[BuildJob]) -> None:
    """Build at once, in this process; what the budget leaves is left to the next response or to a worker."""
    config = conf.current()
    for index, job in enumerate(jobs):
        if building.is_over_budget():
            left = jobs[index:]
            records.release([key for job in left for key in building.picture_keys(job, config)])
            return
        run(job)


def enqueue(jobs: Sequence[BuildJob]) -> None:
    """Leave the jobs to `process_queue()`: their rows, in state queued, are the queue."""


def hand_over(
    asked: Mapping[str, Asked], known: Mapping[str, Picture], config: Config, budget: Budget
) -> dict[str, Manifest]:
    """
    Have someone build pictures, and return what they are like now.

    Args:
        asked: Picture key → what is asked for; all that the lookup did not find.
        known: Records of those that have one.
        config: The settings.
        budget: What the response has left for building.

    Returns:
        Picture key → manifest.
    """
    hook = cast("Hook", import_string(config.build_hook))
    builds_here = hook is build_now
    with budget.spending(config.build_budget):
        sources = _sources(asked, known, config, measured=not builds_here)
        owner = uuid4().hex
        mine = records.open_for_hook(
            [source for source in sources.values() if source._state.adding],
            [_new_picture(key, asked[key], sources) for key in asked.keys() - known.keys()],
            asked.keys(),
            owner=owner,
            seconds=HAND_OVER,
        )
        _call(hook, jobs_of({key: asked[key] for key in asked if key in mine}, sources), at_once=builds_here)
        rows = records.pictures(asked.keys())
        for row in rows.values():
            if builds_here or row.key in known:
                _measure(row, config)
    read = lookup.of_records(rows, asked, config)
    lookup.refill_unfinished(rows, read, config)
    return read


def _call(hook: Hook, jobs: Sequence[BuildJob], *, at_once: bool) -> None:
    """Call the hook: at once if it builds here, else when the records it will read are committed."""
    if jobs and at_once:
        _call_logged(hook, jobs)
    elif jobs:
        records.on_commit(partial(_call_logged, hook, jobs))


def _call_logged(hook: Hook, jobs: Sequence[BuildJob]) -> None:
    try:
        hook(jobs)
    except Exception:
        logger.exception("The build hook raised; %s job(s) stay queued", len(jobs))


def jobs_of(asked: Mapping[str, Asked], sources: Mapping[str, Source]) -> list[BuildJob]:
    """Return one job per source, in the order in which the page asked."""
    specs: dict[str, list[str]] = {}
    for each in asked.values():
        specs.setdefault(keys.source_key(each.source.storage, each.source.name), []).append(each.spec)
    return [job_of(sources[key], texts) for key, texts in specs.items()]


def job_of(source: Source, texts: Iterable[str]) -> BuildJob:
    """Return the job to build a source under these canonical specs."""
    return BuildJob(
        storage=source.storage,
        name=source.name,
        field=source.field,
        version=source.version,
        specs=tuple(texts),
    )


def _sources(
    asked: Mapping[str, Asked], known: Mapping[str, Picture], config: Config, *, measured: bool
) -> dict[str, Source]:
    """Return the records of all sources by key; those that have none yet are made, not saved."""
    found = {row.source_id: row.source for row in known.values()}
    wanted = {keys.source_key(each.source.storage, each.source.name): each.source for each in asked.values()}
    if wanted.keys() - found.keys():
        found |= records.sources(wanted.keys() - found.keys())
    for key in [key for key in wanted if key not in found]:
        found[key] = building.source_record(wanted[key])
        header = _read_header(found[key], config) if measured else None
        if header is not None:
            found[key].width, found[key].height = header.size
            found[key].format, found[key].is_animated = header.format, header.is_animated
            found[key].state = records.KNOWN
    return found


def _measure(row: Picture, config: Config) -> None:
    """Learn the size of a source that nobody has built from, so that the page can reserve its space."""
    if row.state not in {records.QUEUED, records.BUILDING} or row.source.width is not None:
        return
    header = _read_header(row.source, config)
    if header is not None:
        row.source.width, row.source.height = header.size
        row.source.format, row.source.is_animated = header.format, header.is_animated
        records.describe(row.source_id, header)


def _read_header(source: Source, config: Config) -> Header | None:
    """Return what the header of a source tells, if there is time and it can be read."""
    if building.is_over_budget():
        return None
    try:
        return rendering.read_header(SourceRef(source.storage, source.name, source.field), config)
    except Exception:  # noqa: BLE001 - whatever a storage or another engine raises, the build that follows says it
        return None


def _new_picture(key: str, asked: Asked, sources: Mapping[str, Source]) -> Picture:
    """Return a new, unsaved record: queued, or failed until its source is tried again."""
    source = sources[keys.source_key(asked.source.storage, asked.source.name)]
    row = building.picture_record(key, source.key, asked.spec)
    if source.state == records.FAILED and source.retry_at is not None:
        row.state, row.not_before = records.FAILED, source.retry_at
    return row
