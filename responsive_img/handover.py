"""Handing over what is missing: one job per source, to whoever builds, once, and what the page shows meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from django.db import DatabaseError
from django.utils.module_loading import import_string

from responsive_img import backlog, building, conf, keys, lookup, manifest, records, rendering, signals
from responsive_img.building import Budget
from responsive_img.conf import Config
from responsive_img.headers import Header
from responsive_img.hooks import Hook, build_now, enqueue, thread
from responsive_img.jobs import BuildJob
from responsive_img.lookup import Asked
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef
from responsive_img.specs import BUILDS

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

# s. For so long a job that was handed over is not handed over again; then its message counts as lost. A queue
# may be long, so it is ten minutes; what is built in this very process is lost with it.
HAND_OVER, HAND_OVER_HERE = 600, 60


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
        if config.read_only:
            return _of_a_reader(hook, asked, known, sources, config)
        if known:
            backlog.bury(known.keys(), seconds=config.retry)
        mine = records.open_for_hook(
            [source for source in sources.values() if source._state.adding],
            [_new_picture(key, asked[key], sources) for key in asked.keys() - known.keys()],
            asked.keys(),
            owner=uuid4().hex,
            seconds=HAND_OVER_HERE if builds_here else HAND_OVER,
        )
        here = _build_here(asked, sources)
        rest = {key: each for key, each in asked.items() if key in mine and each.build in {None, "src"}}
        _call(hook, jobs_of(rest, sources), at_once=builds_here)
        rows = records.pictures(asked.keys())
        _measure([row for row in rows.values() if builds_here or row.key in known or row.key in here], config)
    read = lookup.of_records(rows, asked, config)
    lookup.refill_unfinished(rows, read, config)
    return read


def _build_here(asked: Mapping[str, Asked], sources: Mapping[str, Source]) -> set[str]:
    """Build what is wanted in this process, whatever the hook; it counts against the budget, too."""
    here: set[str] = set()
    for build in BUILDS:
        wanted = {key: each for key, each in asked.items() if each.build == build}
        call = partial(building.build_jobs, build=build, hand_over=HAND_OVER)
        _call(call, jobs_of(wanted, sources), at_once=True)
        here |= wanted.keys()
    return here


def _of_a_reader(
    hook: Hook,
    asked: Mapping[str, Asked],
    known: Mapping[str, Picture],
    sources: Mapping[str, Source],
    config: Config,
) -> dict[str, Manifest]:
    """Return what a process that must not write can show, having sent the jobs to whoever may."""
    can_send = hook not in (build_now, enqueue, thread)
    if can_send:
        _call(hook, jobs_of(asked, sources), at_once=False)
    # Nobody builds where nobody was told, so there is nothing that the response would have to wait for.
    state, until = (manifest.PENDING, time.time() + HAND_OVER) if can_send else (manifest.FAILED, 1)
    read = {
        key: lookup.unbuilt(each, sources[_source_key(each)], config, state, until)
        for key, each in asked.items()
    }
    shown = lookup.of_records(known, asked, config)
    read |= {key: found.as_unfinished(state, until) for key, found in shown.items() if found.src}
    if can_send:  # and that it was told
        lookup.refill(read, config)
    return read


def build_here(asked: Sequence[Asked], config: Config) -> None:
    """
    Build what is missing of pictures, now and in this process.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    by_key = {
        keys.picture_key(each.source.storage, each.source.name, each.spec, config.storage): each
        for each in asked
    }
    sources = _sources(by_key, {}, config, measured=False)
    for build in BUILDS:
        wanted = {key: each for key, each in by_key.items() if (each.build or "all") == build}
        building.build_jobs(jobs_of(wanted, sources), build=build)


def _call(hook: Hook, jobs: Sequence[BuildJob], *, at_once: bool) -> None:
    """Call the hook: at once if it builds here, else when the records it will read are committed."""
    if jobs and at_once:
        _call_logged(hook, jobs)
    elif jobs:
        announced = jobs if signals.are_heard() else ()
        records.on_commit(partial(_call_logged, hook, jobs, announced))


def _call_logged(hook: Hook, jobs: Sequence[BuildJob], announced: Sequence[BuildJob] = ()) -> None:
    try:
        hook(jobs)
    except Exception:
        logger.exception("The build hook raised; %s job(s) stay queued", len(jobs))
        with suppress(DatabaseError):  # whoever shows them next asks again
            records.release([key for job in jobs for key in building.picture_keys(job, conf.current())])
    if announced:
        signals.queued_img.send_robust(records.picture_model(), jobs=announced)


def jobs_of(asked: Mapping[str, Asked], sources: Mapping[str, Source]) -> list[BuildJob]:
    """Return one job per source, in the order in which the page asked."""
    specs: dict[str, list[str]] = {}
    for each in asked.values():
        specs.setdefault(_source_key(each), []).append(each.spec)
    return [job_of(sources[key], texts) for key, texts in specs.items()]


def _source_key(asked: Asked) -> str:
    return keys.source_key(asked.source.storage, asked.source.name)


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
    wanted = {_source_key(each): each.source for each in asked.values()}
    if wanted.keys() - found.keys():
        found |= records.sources(wanted.keys() - found.keys())
    for key in [key for key in wanted if key not in found]:
        found[key] = building.source_record(wanted[key])
        header = _read_header(found[key], config) if measured else None
        if header is not None:
            _describe(found[key], header)
    return found


def _measure(rows: Iterable[Picture], config: Config) -> None:
    """Learn the sizes of sources that nobody has built from, so that the page can reserve their space."""
    headers: dict[str, Header] = {}
    for row in rows:
        if row.state not in {records.QUEUED, records.BUILDING} or row.source.width is not None:
            continue
        header = headers.get(row.source_id) or _read_header(row.source, config)
        if header is not None:
            headers[row.source_id] = header
            _describe(row.source, header)
    records.describe(headers)


def _describe(source: Source, header: Header) -> None:
    source.width, source.height = header.size
    source.format, source.is_animated = header.format, header.is_animated
    source.state = records.KNOWN


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
    source = sources[_source_key(asked)]
    row = building.picture_record(key, source.key, asked.spec)
    if source.state == records.FAILED and source.retry_at is not None:
        row.state, row.not_before = records.FAILED, source.retry_at
    return row
