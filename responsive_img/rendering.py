"""From a source to the files of its renditions: engine and storage; no record and no cache is known here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, cast

from django.utils.module_loading import import_string

from responsive_img import files, keys, manifest
from responsive_img.conf import Config
from responsive_img.engine import Engine
from responsive_img.exceptions import SourceError
from responsive_img.formats import fallback_format
from responsive_img.headers import Header
from responsive_img.jobs import BuildJob
from responsive_img.manifest import Manifest, Rendition
from responsive_img.sources import SourceRef, storage_of
from responsive_img.specs import from_text
from responsive_img.variants import Plan, Variant, plan

logger = logging.getLogger("responsive_img")


def engine(config: Config) -> Engine:
    """Return the engine that the settings name."""
    return cast("Engine", import_string(config.engine)())


def read_header(source: SourceRef, config: Config) -> Header:
    """
    Return format and oriented size of a source: one storage open.

    Raises:
        SourceError: It cannot be opened.
        BuildError: It is no picture.
    """
    with _opened(source) as file:
        return engine(config).read_header(file)


def render(
    job: BuildJob, asked: Mapping[str, str], config: Config, *, learn: Callable[[Header], None]
) -> dict[str, Manifest]:
    """
    Write the files of a source under several specs, decoding it once.

    Args:
        job: Names the source and its version.
        asked: Picture key → canonical spec.
        config: The settings.
        learn: Called with the header as soon as it is read.

    Returns:
        Picture key → manifest.

    Raises:
        SourceError: The source cannot be opened.
        BuildError: The engine cannot make something of it.
        Exception: Whatever the storage raises while it saves.
    """
    source = SourceRef(job.storage, job.name, job.field)
    used = engine(config)
    with _opened(source) as file:
        header = used.read_header(file)
        learn(header)
        plans = {key: _plan(spec, header, source, config) for key, spec in asked.items()}
        if _is_too_large(file, header, config):
            logger.warning("%s is over the limits (%s px) and served as it is", source.name, header.size)
            plans = {key: Plan(found.layout, ()) for key, found in plans.items()}
        names = {
            variant: keys.rendition_name(source, job.version, variant, config.directory)
            for found in plans.values()
            for variant in found.variants
        }
        # Two specs may ask for the same file: it is encoded once.
        variants = {name: variant for variant, name in names.items()}
        saved = _saved(used.render(file, list(variants.values())), names, source, config) if variants else {}
    return {
        key: manifest.compose(
            [_rendition(variant, saved[names[variant]]) for variant in found.variants],
            found.layout,
            version=job.version,
        )
        for key, found in plans.items()
    }


def _saved(
    rendered: Iterable[tuple[Variant, bytes]],
    names: Mapping[Variant, str],
    source: SourceRef,
    config: Config,
) -> dict[str, str]:
    """Write files as they are made, and return the name each has been given by its asked name."""
    storage = storage_of(config.storage or source.storage)
    return {names[variant]: files.save(storage, names[variant], content) for variant, content in rendered}


def _plan(spec: str, header: Header, source: SourceRef, config: Config) -> Plan:
    return plan(
        from_text(spec),
        header.size,
        fallback=fallback_format(source.name),
        max_width=config.defaults.max_width,
    )


def _rendition(variant: Variant, name: str) -> Rendition:
    return Rendition(variant.format, files.encoded(name), variant.descriptor)


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
