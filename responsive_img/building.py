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
from typing import IO, TYPE_CHECKING, cast
from uuid import uuid4

from django.utils.module_loading import import_string

from responsive_img import conf, files, keys, lookup, manifest, records, signals
from responsive_img.conf import Config
from responsive_img.engine import Engine, Header
from responsive_img.exceptions import SourceError
from responsive_img.formats import fallback_format
from responsive_img.jobs import BuildJob
from responsive_img.manifest import Manifest, Rendition
from responsive_img.sources import SourceRef, storage_of
from responsive_img.specs import from_text
from responsive_img.variants import Plan, Variant, plan

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

# s. Over the longest build that a source within the limits can take; a dead builder's pictures wait so long.
LEASE = 120

_deadline: ContextVar[float | None] = ContextVar("responsive_img_deadline", default=None)


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Within: `is_over_budget` is true once so many seconds have passed."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def is_over_budget() -> bool:
    """Tell whether the response has no time left for building; never outside `budget`."""
    deadline = _deadline.get()
    return deadline is not None and time.monotonic() >= deadline


def engine(config: Config) -> Engine:
    """Return the engine that the settings name."""
    return cast("Engine", import_string(config.engine)())


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


def read_header(source: SourceRef, config: Config) -> Header:
    """
    Return format and oriented size of a source: one storage open.

    Raises:
        SourceError: It cannot be opened.
        BuildError: It is no picture.
    """
    with _opened(source) as file:
        return engine(config).read_header(file)


def build(job: BuildJob) -> None:
    """
    Build what the job asks for and nobody else builds; failures are recorded and logged, not raised.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    config = conf.current()
    asked = {keys.picture_key(job.storage, job.name, spec): spec for spec in job.specs}
    owner = uuid4().hex
    claimed = records.claim(asked.keys(), version=job.version, owner=owner, seconds=LEASE)
    if len(claimed) < len(asked):
        claimed |= _claim_unrecorded(job, {key: asked[key] for key in asked.keys() - claimed}, owner)
    if not claimed:
        return
    source_key = keys.source_key(job.storage, job.name)
    mine = {key: asked[key] for key in sorted(claimed)}
    try:
        with _opened(source_of(job)) as file:
            used = engine(config)
            header = used.read_header(file)
            # At once, so that the size is known also if the rest of the file is broken.
            records.describe(source_key, size=header.size, format=header.format)
            built = _render(job, mine, file, header, used, config)
    except Exception as error:  # noqa: BLE001 - a storage raises what it likes; the page must not see it
        _fail(job, source_key, mine, error, owner=owner, config=config)
        return
    texts = {key: found.dumps() for key, found in built.items()}
    kept = records.finish(texts, owner=owner, version=job.version)
    lookup.store({key: built[key] for key in kept}, config)
    if kept:
        signals.picture_built.send(records.picture_model(), job=job)


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
    reason = f"{type(error).__name__}: {error}"
    logger.warning(
        "Cannot build %s of %s, next try in %s s: %s",
        job.name,
        job.field or job.storage,
        config.retry,
        reason,
    )
    records.fail(source_key, mine.keys(), owner=owner, error=reason, seconds=config.retry)
    signals.picture_failed.send(records.picture_model(), job=job, error=error)


def _render(
    job: BuildJob,
    asked: Mapping[str, str],
    file: IO[bytes],
    header: Header,
    used: Engine,
    config: Config,
) -> dict[str, Manifest]:
    """Write the files of all specs, decoding the source once, and return the manifests by picture key."""
    source = source_of(job)
    plans = {key: _plan(spec, header, source, config) for key, spec in asked.items()}
    if _is_too_large(file, header, config):
        logger.warning("%s is over the limits (%s px) and served as it is", source.name, header.size)
        return {key: _as_is(found, job.version) for key, found in plans.items()}
    names = {
        variant: keys.rendition_name(source, job.version, variant, config.directory)
        for found in plans.values()
        for variant in found.variants
    }
    # Two specs may ask for the same file: it is encoded once.
    variants = {name: variant for variant, name in names.items()}
    saved = {}
    if variants:
        storage = storage_of(config.storage or source.storage)
        for variant, content in used.render(file, list(variants.values())):
            saved[names[variant]] = files.save(storage, names[variant], content)
    return {
        key: manifest.compose(
            [_rendition(variant, saved[names[variant]]) for variant in found.variants],
            found.layout,
            version=job.version,
        )
        for key, found in plans.items()
    }


def _plan(spec: str, header: Header, source: SourceRef, config: Config) -> Plan:
    return plan(
        from_text(spec),
        header.size,
        fallback=fallback_format(source.name),
        max_width=config.defaults.max_width,
    )


def _rendition(variant: Variant, name: str) -> Rendition:
    return Rendition(variant.format, files.encoded(name), variant.descriptor)


def _as_is(found: Plan, version: str) -> Manifest:
    return manifest.compose((), found.layout, version=version)


def _is_too_large(file: IO[bytes], header: Header, config: Config) -> bool:
    """Tell whether a source is over the limits; known before anything is decoded."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    pixels = header.size.width * header.size.height
    return size > config.max_source_bytes or pixels > config.max_source_pixels


@contextmanager
def _opened(source: SourceRef) -> Iterator[IO[bytes]]:
    """
    Open a source.

    Raises:
        SourceError: Its storage does not give it, for whatever reason.
    """
    try:
        file = storage_of(source.storage).open(source.name, "rb")
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(f"{type(error).__name__}: {error}") from error
    with file:
        yield cast("IO[bytes]", file)
