"""Handing over what is missing: one job per source, to whoever builds, once, and what the page shows meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import DatabaseError

from responsive_img import building, keys, lookup, manifest, records, signals
from responsive_img.account import Budget, is_over_budget
from responsive_img.conf import Config
from responsive_img.hooks import BREAK, Hook, build_now, enqueue, named, thread
from responsive_img.jobs import BuildJob
from responsive_img.lookup import Asked
from responsive_img.manifest import Manifest
from responsive_img.measuring import measure
from responsive_img.specs import BUILDS

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

# s. For so long a job that was handed over is not handed over again; then its message counts as lost. A queue
# may be long, so it is ten minutes; what is built in this very process is lost with it.
HAND_OVER, HAND_OVER_HERE = 600, 60
# States of what is queued or being built.
WAITING = frozenset({records.QUEUED, records.BUILDING})


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
    hook = named(config.build_hook)
    builds_here = hook is build_now
    with budget.spending(config.build_budget):
        sources = _sources(asked, known)
        # A build reads the header itself.
        if config.read_only or not builds_here:
            measure(sources.values(), config)
    if config.read_only:
        return _of_a_reader(hook, asked, known, sources, config)
    if known:
        building.give_up(known.keys(), config)
    mine = records.open_for_hook(
        [source for source in sources.values() if source._state.adding],
        [_new_picture(key, asked[key], sources) for key in asked.keys() - known.keys()],
        asked.keys(),
        owner=uuid4().hex,
        seconds=HAND_OVER_HERE if builds_here else HAND_OVER,
    )
    with budget.spending_here(config.build_budget):
        done = _build_here(_lacking(asked, known, config), sources, config)
    rest = _untried({key: each for key, each in asked.items() if key in mine and key not in done})
    with budget.spending(config.build_budget):
        _call(hook, jobs_of(rest, sources), at_once=builds_here)
        rows = records.pictures(asked.keys())
        if builds_here:
            measure([row.source for row in rows.values() if row.state in WAITING], config)
    read = lookup.of_records(rows, asked, config)
    lookup.refill_unfinished(rows, read, config)
    return read


def _lacking(asked: Mapping[str, Asked], known: Mapping[str, Picture], config: Config) -> dict[str, Asked]:
    """Return those of which something is to be built in this process that is not there."""
    found = lookup.of_records(known, asked, config)
    return {
        key: each
        for key, each in asked.items()
        if each.build and not (key in found and found[key].is_built(each.build))
    }


def _build_here(asked: Mapping[str, Asked], sources: Mapping[str, Source], config: Config) -> set[str]:
    """
    Build what is to be built in this process, whatever the hook, and return the keys of what has no rest.

    In a response it counts against the budget, and what that leaves goes to the hook.
    """
    done: set[str] = set()
    for build in BUILDS:
        wanted = {key: each for key, each in asked.items() if each.build == build}
        for job in jobs_of(wanted, sources):
            if is_over_budget():
                return done
            _call(partial(_build_each, build=build), [job], at_once=True)
            if build != "src":
                done.update(building.picture_keys(job, config))
    return done


def _untried(asked: dict[str, Asked]) -> dict[str, Asked]:
    """Leave out what has failed in this process just now: it is not to be tried again yet."""
    if not any(each.build for each in asked.values()):
        return asked
    rows = records.pictures(asked.keys())
    return {key: each for key, each in asked.items() if key in rows and rows[key].state != records.FAILED}


def _build_each(jobs: Sequence[BuildJob], *, build: str) -> None:
    for job in jobs:
        building.build_job(job, build=build, hand_over=HAND_OVER)


def _of_a_reader(
    hook: Hook,
    asked: Mapping[str, Asked],
    known: Mapping[str, Picture],
    sources: Mapping[str, Source],
    config: Config,
) -> dict[str, Manifest]:
    """Return what a process that must not write can show, having sent the jobs to whoever may."""
    can_send = hook not in (build_now, enqueue, thread)
    now = time.time()
    shown = lookup.of_records(known, asked, config)
    untold = {key: each for key, each in asked.items() if key not in shown or shown[key].is_stale(now)}
    read = {}
    for key, each in asked.items():
        # Nobody builds where nobody was told, so there is nothing that the response would have to wait for.
        waits = can_send or (key in known and known[key].state in WAITING)
        state = manifest.PENDING if waits else manifest.FAILED
        until = now + HAND_OVER if key in untold else shown[key].until
        if key in shown and shown[key].src:
            read[key] = shown[key].as_unfinished(state, until)
        else:
            read[key] = lookup.unbuilt(each, sources[_source_key(each)], config, state, until)
    if can_send:
        # Before it is sent: whoever builds it writes over this. What was built or sent meanwhile stays.
        there = lookup.add(read, config)
        sent = {key: each for key, each in untold.items() if key not in there}
        # No row tells that it was not taken.
        again = {key: read[key].as_unfinished(manifest.PENDING, now + BREAK) for key in sent}
        _call(hook, jobs_of(sent, sources), at_once=False, refused=lambda _: lookup.correct(again, config))
        return read | there
    unbuilt = {key: found for key, found in read.items() if found.state == manifest.FAILED}
    until = now + lookup.UNFINISHED
    there = lookup.add(
        {key: found.as_unfinished(manifest.UNTOLD, until) for key, found in unbuilt.items()}, config
    )
    return read | there


def build_here(asked: Sequence[Asked], config: Config) -> None:
    """
    Build what is missing of pictures, now and in this process.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    if config.read_only:
        return
    by_key = {
        keys.picture_key(each.source.storage, each.source.name, each.spec, config.storage): each
        for each in asked
    }
    sources = _sources(by_key, {})
    for build in BUILDS:
        wanted = {key: each for key, each in by_key.items() if (each.build or "all") == build}
        building.build_jobs(jobs_of(wanted, sources), build=build)
    # What the cache knows of the others is from before.
    rows = records.pictures(by_key.keys())
    lookup.forget([key for key, row in rows.items() if row.state != records.READY], config)


# The next view does not wait for the same broker.
_release: Hook = partial(building.release, seconds=BREAK)


def _call(hook: Hook, jobs: Sequence[BuildJob], *, at_once: bool, refused: Hook = _release) -> None:
    """Call the hook: at once if it builds here, else when the records it will read are committed."""
    if jobs and at_once:
        _call_logged(hook, jobs, refused)
    elif jobs:
        announced = jobs if signals.are_heard() else ()
        records.on_commit(partial(_call_logged, hook, jobs, refused, announced))


def _call_logged(
    hook: Hook, jobs: Sequence[BuildJob], refused: Hook, announced: Sequence[BuildJob] = ()
) -> None:
    try:
        hook(jobs)
    except Exception:
        logger.exception("The build hook raised; %s job(s) stay queued", len(jobs))
        with suppress(DatabaseError):  # without it, who shows them asks anyway
            refused(jobs)
        return
    if announced:
        signals.queued_img.send_robust(records.picture_model(), jobs=announced)


def jobs_of(asked: Mapping[str, Asked], sources: Mapping[str, Source]) -> list[BuildJob]:
    """Return one job per source, in the order in which the page asked."""
    specs: dict[str, list[str]] = {}
    for each in asked.values():
        specs.setdefault(_source_key(each), []).append(each.spec)
    return [building.job_of(sources[key], texts) for key, texts in specs.items()]


def _source_key(asked: Asked) -> str:
    return keys.source_key(asked.source.storage, asked.source.name)


def _sources(asked: Mapping[str, Asked], known: Mapping[str, Picture]) -> dict[str, Source]:
    """Return the records of all sources by key; those that have none yet are made, not saved."""
    found = {row.source_id: row.source for row in known.values()}
    wanted = {_source_key(each): each.source for each in asked.values()}
    if wanted.keys() - found.keys():
        found |= records.sources(wanted.keys() - found.keys())
    return {key: found[key] if key in found else building.source_record(wanted[key]) for key in wanted}


def _new_picture(key: str, asked: Asked, sources: Mapping[str, Source]) -> Picture:
    """Return a new, unsaved record: queued, or failed until its source is tried again."""
    source = sources[_source_key(asked)]
    row = building.picture_record(key, source.key, asked.spec)
    if source.state == records.FAILED and source.retry_at is not None:
        row.state, row.not_before = records.FAILED, source.retry_at
    return row
