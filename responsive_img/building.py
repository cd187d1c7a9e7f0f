"""
One build: engine, storage, record and cache together, under a lease.

What runs here may run anywhere, late, and more than once: whoever holds the lease builds, everyone else
goes on at once, and a build that ends after its source was replaced leaves no trace in the records.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import DatabaseError

from responsive_img import conf, keys, lookup, records, rendering, signals
from responsive_img.conf import Config
from responsive_img.jobs import BuildJob
from responsive_img.sources import SourceRef

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

# s. Over the longest build that a source within the limits can take; a dead builder's pictures wait so long.
LEASE = 120
MAX_REASON = 1000  # characters

_deadline: ContextVar[float | None] = ContextVar("responsive_img_deadline", default=None)


class Budget:
    """
    What one response may spend on building.

    Attributes:
        left: s; None until it is first drawn on, and then what the settings allow.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left: float | None = None

    @contextmanager
    def spending(self, allowed: float) -> Iterator[None]:
        """Within, time runs: `is_over_budget` is true once all is spent."""
        started = time.monotonic()
        left = allowed if self.left is None else self.left
        token = _deadline.set(started + left)
        try:
            yield
        finally:
            _deadline.reset(token)
            self.left = left - (time.monotonic() - started)


def is_over_budget() -> bool:
    """Tell whether the response has no time left for building; never outside of `Budget.spending`."""
    deadline = _deadline.get()
    return deadline is not None and time.monotonic() >= deadline


def picture_keys(job: BuildJob, config: Config) -> list[str]:
    """Return the keys of the pictures of a job, in the order of its specs."""
    return [keys.picture_key(job.storage, job.name, spec, config.storage) for spec in job.specs]


def source_of(job: BuildJob) -> SourceRef:
    """Return the source of a job."""
    return SourceRef(job.storage, job.name, job.field)


def source_record(source: SourceRef, **values: object) -> Source:
    """Return a new, unsaved record of a source."""
    key = keys.source_key(source.storage, source.name)
    fields = {"key": key, "storage": source.storage, "name": source.name, "field": source.field, **values}
    return records.source_model()(**fields)


def picture_record(key: str, source_key: str, spec: str) -> Picture:
    """Return a new, unsaved record of a picture."""
    return records.picture_model()(key=key, source_id=source_key, spec=spec)


def build(job: BuildJob) -> None:
    """
    Build what the job asks for and nobody else builds; failures are recorded and logged, not raised.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    config = conf.current()
    asked = dict(zip(picture_keys(job, config), job.specs, strict=True))
    owner = uuid4().hex
    claimed = records.claim(asked.keys(), version=job.version, owner=owner, seconds=LEASE)
    if len(claimed) < len(asked):
        claimed |= _claim_unrecorded(job, {key: asked[key] for key in asked.keys() - claimed}, owner)
    if not claimed:
        return
    source_key = keys.source_key(job.storage, job.name)
    mine = {key: asked[key] for key in sorted(claimed)}
    try:
        built = rendering.render(job, mine, config, learn=partial(records.describe, source_key))
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - a storage raises what it likes; the page must not see it
        _fail(job, source_key, mine, error, owner=owner, config=config)
        return
    texts = {key: found.dumps() for key, found in built.items()}
    kept = records.finish(texts, owner=owner, version=job.version)
    lookup.store({key: built[key] for key in kept}, config)
    if kept:
        signals.picture_built.send_robust(records.picture_model(), job=job)


def _claim_unrecorded(job: BuildJob, asked: Mapping[str, str], owner: str) -> set[str]:
    """Claim what has no record yet: a job may come from a process that cannot write any."""
    missing = asked.keys() - records.pictures(asked.keys()).keys()
    if not missing:
        return set()
    source = source_record(source_of(job), version=job.version)
    records.insert([source], [picture_record(key, source.key, asked[key]) for key in missing])
    return records.claim(missing, version=job.version, owner=owner, seconds=LEASE)


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
    logger.warning(
        "Cannot build %s of %s, next try in %s s: %s",
        job.name,
        job.field or job.storage,
        config.retry,
        reason,
    )
    records.fail(source_key, mine.keys(), owner=owner, error=reason, seconds=config.retry)
    signals.picture_failed.send_robust(records.picture_model(), job=job, error=error)
