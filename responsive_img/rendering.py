"""From a source to the files of its renditions: engine and storage together; no record and no cache is known here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from io import BytesIO
from os import SEEK_END
from typing import IO, cast

from django.utils.module_loading import import_string

from responsive_img import files, keys, manifest, svg
from responsive_img.conf import Config
from responsive_img.engine import Engine
from responsive_img.exceptions import SourceError
from responsive_img.headers import SVG, Header
from responsive_img.isolation import IsolatedEngine
from responsive_img.jobs import BuildJob
from responsive_img.manifest import Manifest, Rendition
from responsive_img.sources import SourceRef, storage_of
from responsive_img.specs import from_text
from responsive_img.variants import Plan, Variant, planned

logger = logging.getLogger("responsive_img")

IN_A_PROCESS = "process"
HEAD = 1024 * 1024  # bytes in which the header of a file over the limit is looked for


@contextmanager
def engine(config: Config) -> Iterator[Engine]:
    """Give the engine that the settings name, in a child process if they say so."""
    if config.isolation == IN_A_PROCESS:
        with closing(IsolatedEngine(config.engine)) as isolated:
            yield isolated
    else:
        yield cast("Engine", import_string(config.engine)())


def read_header(source: SourceRef, config: Config) -> Header:
    """
    Return format and oriented size of a source: one storage open.

    Raises:
        SourceError: It cannot be opened.
        BuildError: It is no picture.
    """
    with _opened(source) as file, engine(config) as used:
        return _header(source, file, used, config)


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
    with _opened(source) as file, engine(config) as used:
        header = _header(source, file, used, config)
        learn(header)
        as_it_is = _is_over_the_limits(source, file, header, config)
        plans = _plans(asked, source, header, config, as_it_is=as_it_is)
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


def _header(source: SourceRef, file: IO[bytes], used: Engine, config: Config) -> Header:
    """Return the header, of a file over the limit from its start alone: some decoders read all to open it."""
    if svg.is_svg(source.name):
        return svg.header(file)
    if _length(file) > config.max_source_bytes:
        return used.read_header(BytesIO(file.read(HEAD)))
    return used.read_header(file)


def _length(file: IO[bytes]) -> int:
    file.seek(0, SEEK_END)
    length = file.tell()
    file.seek(0)
    return length


def _plans(
    asked: Mapping[str, str], source: SourceRef, header: Header, config: Config, *, as_it_is: bool
) -> dict[str, Plan]:
    limit = config.defaults.max_width
    return {
        key: planned(from_text(text), source.name, header, max_width=limit, as_it_is=as_it_is)
        for key, text in asked.items()
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


def _rendition(variant: Variant, name: str) -> Rendition:
    return Rendition(variant.format, files.encoded(name), variant.descriptor)


def _is_over_the_limits(source: SourceRef, file: IO[bytes], header: Header, config: Config) -> bool:
    """Tell, and say, whether a source is too large to be decoded; an SVG never is."""
    pixels = header.size.width * header.size.height
    is_over = _length(file) > config.max_source_bytes or pixels > config.max_source_pixels
    if header.format == SVG or not is_over:
        return False
    logger.warning("%s is over the limits (%s px) and served as it is", source.name, header.size)
    return True


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
