"""
One build: engine, storage, record and cache together, under a lease.

What runs here may run anywhere, late, and more than once: whoever holds the lease builds, everyone else
goes on at once, and a build that ends after its source was replaced leaves no trace in the records.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from django.db import DatabaseError

from responsive_img import backlog, conf, keys, lookup, manifest, records, rendering, signals
from responsive_img.account import is_over_budget
from responsive_img.conf import Config
from responsive_img.exceptions import BuildError
from responsive_img.headers import Header
from responsive_img.jobs import BuildJob
from responsive_img.leases import LEASE, Lease, LeaseLostError
from responsive_img.manifest import Manifest
from responsive_img.owners import new_owner
from responsive_img.sources import SourceRef
from responsive_img.variants import CHEAP

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

MAX_REASON = 1000  # characters

Render = Callable[..., dict[str, Manifest]]


def picture_keys(job: BuildJob, config: Config) -> list[str]:
    """Return the keys of the pictures of a job, in the order of its specs."""
    return [keys.picture_key(job.storage, job.name, spec, config.storage) for spec in job.specs]


def source_of(job: BuildJob) -> SourceRef:
    """Return the source of a job."""
    return SourceRef(job.storage, job.name, job.field)


def job_of(source: Source, texts: Iterable[str]) -> BuildJob:
    """Return the job to build a source under these canonical specs."""
    return BuildJob(
        storage=source.storage,
        name=source.name,
        field=source.field,
        version=source.version,
        specs=tuple(texts),
    )


def source_record(source: SourceRef, **values: object) -> Source:
    """Return a new, unsaved record of a source."""
    key = keys.source_key(source.storage, source.name)
    fields = {"key": key, "storage": source.storage, "name": source.name, "field": source.field, **values}
    return records.source_model()(**fields)


def picture_record(key: str, source_key: str, spec: str) -> Picture:
    """Return a new, unsaved record of a picture."""
    return records.picture_model()(key=key, source_id=source_key, spec=spec)


def build_job(
    job: BuildJob, *, build: str = "all", hand_over: int = 0, render: Render | None = None
) -> set[str]:
    """
    Build what the job asks for and nobody else builds; failures are recorded and logged, not raised.

    Args:
        job: What to build.
        build: What is built now, as `Plan.part` has it; the rest is queued.
        hand_over: s for which the rest counts as handed to the hook.
        render: In place of `rendering.render`.

    Returns:
        The keys of the pictures that it has recorded as ready.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    config = conf.current()
    asked = dict(zip(picture_keys(job, config), job.specs, strict=True))
    owner = new_owner()
    claimed = _claim(job, asked, owner, config)
    if not claimed:
        return set()
    source_key = keys.source_key(job.storage, job.name)
    mine = {key: asked[key] for key in sorted(claimed)}
    try:
        built = (render or _rendering(config))(
            job,
            mine,
            config,
            learn=partial(_learn, source_key, job.version),
            go_on=Lease(claimed.keys(), owner).renew,
            builds=_builds(build, claimed),
            built=_names(claimed),
        )
    except DatabaseError:
        raise
    except LeaseLostError:
        _build_over(mine, config)
        return set()
    except Exception as error:  # noqa: BLE001 - a storage raises what it likes; the page must not see it
        _fail(job, source_key, mine, error, owner=owner, config=config)
        return set()
    return _record(job, built, config, owner=owner, hand_over=hand_over)


def _rendering(config: Config) -> Render:
    """Return what renders: where the warmer is trusted, every file whose name can be derived, in its place."""
    if config.create_on_demand:
        return rendering.render
    return partial(rendering.render, warming=rendering.Warming(stills=True, anew=True))


def _record(
    job: BuildJob, built: Mapping[str, Manifest], config: Config, *, owner: str, hand_over: int
) -> set[str]:
    """Record what was built and give it to the cache; return the keys of what is ready."""
    whole = {key: found for key, found in built.items() if found.state == manifest.READY}
    parts = {key: found.dumps() for key, found in built.items() if key not in whole}
    begun = records.keep(parts, owner=owner, version=job.version, seconds=hand_over) if parts else set()
    texts = {key: found.dumps() for key, found in whole.items()}
    kept = records.finish(texts, owner=owner, version=job.version) if whole else set()
    _build_over(built.keys() - begun - kept, config)
    if kept:
        ready = {key: whole[key] for key in kept}
        if records.is_in_transaction():
            # Not for long: a rollback takes the record back, and nobody what the cache has.
            lookup.store(ready, config, seconds=lookup.REFILL)
        records.on_commit(partial(_publish, job, ready, config))
        signals.picture_built.send_robust(records.picture_model(), job=job)
    return kept


def _build_over(lost: Collection[str], config: Config) -> None:
    """Have others build what a late builder may have written over: without versions all builds have the same names."""
    if lost and not config.create_on_demand:
        lookup.forget(backlog.build_over(lost), config)


def _publish(job: BuildJob, built: Mapping[str, Manifest], config: Config) -> None:
    """Give the cache what is built."""
    lookup.store(built, config)
    # Who has replaced the source meanwhile may have written the cache before.
    if not records.is_current(keys.source_key(job.storage, job.name), job.version):
        lookup.forget(built, config)


def _learn(source_key: str, version: str, header: Header) -> None:
    records.describe({source_key: header}, version=version)


def _builds(build: str, claimed: Mapping[str, str]) -> dict[str, str]:
    """Return what is built of each picture: of one whose cheap part is there already, the rest."""
    return {key: "all" if build == CHEAP and text else build for key, text in claimed.items()}


def _names(claimed: Mapping[str, str]) -> set[str]:
    """Return the names of the files that are built already."""
    parts = [manifest.loads(text) for text in claimed.values() if text]
    return {name for part in parts if part is not None for name in part.names()}


def build_jobs(jobs: Sequence[BuildJob], *, build: str = "all") -> None:
    """
    Build at once; what the budget leaves is left to the next response or to a worker.

    Args:
        jobs: What to build.
        build: As of `build_job`.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    for index, job in enumerate(jobs):
        if is_over_budget():
            release(jobs[index:])
            return
        build_job(job, build=build)


def release(jobs: Iterable[BuildJob], *, seconds: int = 0) -> None:
    """Leave the pictures of jobs queued, as `records.release` does."""
    config = conf.current()
    records.release([key for job in jobs for key in picture_keys(job, config)], seconds=seconds)


def give_up(picture_keys: Collection[str] | None, config: Config) -> None:
    """Record as failed, and say of each, what has killed its builders too often; None: whatever has."""
    for picture, reason in backlog.bury(picture_keys, seconds=config.retry):
        job = job_of(picture.source, [picture.spec])
        logger.warning("Cannot build %s of %s: %s", job.name, job.field or job.storage, reason)
        signals.picture_failed.send_robust(records.picture_model(), job=job, error=BuildError(reason))


def _claim(job: BuildJob, asked: Mapping[str, str], owner: str, config: Config) -> dict[str, str]:
    """Claim, also what has no record yet: a job may come from a process that cannot write any."""
    claimed = records.claim(asked.keys(), version=job.version, owner=owner, seconds=LEASE)
    left = asked.keys() - claimed.keys()
    missing = left - records.pictures(left).keys() if left and not config.read_only else set()
    if not missing:
        return claimed
    source = source_record(source_of(job), version=job.version)
    records.insert([source], [picture_record(key, source.key, asked[key]) for key in missing])
    return claimed | records.claim(missing, version=job.version, owner=owner, seconds=LEASE)


def _fail(
    job: BuildJob,
    source_key: str,
    mine: Mapping[str, str],
    error: Exception,
    *,
    owner: str,
    config: Config,
) -> None:
    """Record a failure, and say it in one line."""
    # As a database takes it: PostgreSQL refuses NUL, which a decoder's message may quote.
    reason = f"{type(error).__name__}: {error}".replace("\0", "")[:MAX_REASON]
    is_mine = records.fail(
        source_key, mine.keys(), owner=owner, version=job.version, error=reason, seconds=config.retry
    )
    if not is_mine:
        return
    logger.warning(
        "Cannot build %s of %s, next try in %s s: %s",
        job.name,
        job.field or job.storage,
        config.retry,
        reason,
    )
    signals.picture_failed.send_robust(records.picture_model(), job=job, error=error)
