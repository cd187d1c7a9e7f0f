"""From a source to the files of its renditions: engine and storage together; no record and no cache is known here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from os import SEEK_END
from types import MappingProxyType
from typing import IO, cast

from django.utils.module_loading import import_string

from responsive_img import files, keys, manifest, svg
from responsive_img.conf import Config
from responsive_img.engine import Engine
from responsive_img.exceptions import SourceError
from responsive_img.headers import SVG, Header
from responsive_img.isolation import IsolatedEngine
from responsive_img.jobs import BuildJob
from responsive_img.logs import log_once
from responsive_img.manifest import Manifest, Rendition
from responsive_img.sources import SourceRef, rendition_storage, storage_of
from responsive_img.specs import from_text
from responsive_img.variants import Plan, Variant, every_variant, planned

IN_A_PROCESS = "process"
HEAD = 1024 * 1024  # bytes in which the header of a file over the limit is looked for


@dataclass(slots=True)
class Warming:
    """
    A build of every file that can be asked for, shown or not.

    Attributes:
        stills: The first frame of an animation is written, though it is shown as it is.
        anew: Files that are there are written again, not compared.
        written: How many files it has written.
        is_over: Whether the source is over the limits, so that it is served as it is.
    """

    stills: bool
    anew: bool
    written: int = 0
    is_over: bool = False


@contextmanager
def engine(config: Config) -> Iterator[Engine]:
    """Give the engine that the settings name, in a child process if they say so."""
    used = import_string(config.engine)
    if config.isolation == IN_A_PROCESS:
        # From where it is, not from where it is named: that may be a module that needs Django.
        with closing(IsolatedEngine(f"{used.__module__}.{used.__qualname__}")) as isolated:
            yield isolated
    else:
        yield cast("Engine", used())


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
    job: BuildJob,
    asked: Mapping[str, str],
    config: Config,
    *,
    learn: Callable[[Header], None],
    go_on: Callable[[], None] = lambda: None,
    builds: Mapping[str, str] = MappingProxyType({}),
    built: Collection[str] = (),
    warming: Warming | None = None,
) -> dict[str, Manifest]:
    """
    Write the files of a source under several specs, decoding it once.

    Args:
        job: Names the source and its version.
        asked: Picture key → canonical spec.
        config: The settings.
        learn: Called with the header as soon as it is read.
        go_on: Called before each file is written; what it raises ends the build.
        builds: Picture key → what is built of it, as `Plan.part` has it; else everything.
        built: Names of files, percent-encoded, that are there already.
        warming: Has every file written that can be asked for, and counts them.

    Returns:
        Picture key → manifest, pending where a part is missing.

    Raises:
        SourceError: The source cannot be opened.
        BuildError: The engine cannot make something of it.
        Exception: Whatever the storage raises while it saves, or `go_on`.
    """
    source = SourceRef(job.storage, job.name, job.field)
    with _opened(source) as file, engine(config) as used:
        header = _header(source, file, used, config)
        learn(header)
        as_it_is = _is_over_the_limits(source, file, header, config)
        plans = _plans(asked, source, header, config, as_it_is=as_it_is)
        parts = {key: found.part(builds.get(key, "all")) for key, found in plans.items()}
        every = _every(asked, source.name, header, config, warming, as_it_is=as_it_is)
        names = _names(source, job, [every, *parts.values()], config)
        wanted = {name: variant for variant, name in names.items() if files.encoded(name) not in built}
        saved = _saved(used, file, wanted, source, config, warming, go_on) if wanted else {}
    names = {variant: saved.get(name, name) for variant, name in names.items()}
    return {key: _manifest(job, plan, parts[key], names) for key, plan in plans.items()}


def _names(
    source: SourceRef, job: BuildJob, parts: Iterable[Iterable[Variant]], config: Config
) -> dict[Variant, str]:
    return {
        variant: keys.rendition_name(source, job.version, variant, config.directory)
        for part in parts
        for variant in part
    }


def _every(
    asked: Mapping[str, str],
    name: str,
    header: Header,
    config: Config,
    warming: Warming | None,
    *,
    as_it_is: bool,
) -> list[Variant]:
    """Return what is written beside what is shown."""
    if warming is None:
        return []
    warming.is_over = as_it_is
    if as_it_is:
        return []
    limit, stills = config.defaults.max_width, warming.stills
    return [
        variant
        for text in asked.values()
        for variant in every_variant(from_text(text), name, header, max_width=limit, stills=stills)
    ]


def _manifest(job: BuildJob, found: Plan, part: Sequence[Variant], names: Mapping[Variant, str]) -> Manifest:
    """Return the manifest of a part of a plan, pending where that is not all."""
    return manifest.compose(
        [_rendition(variant, names[variant]) for variant in part],
        found.layout,
        version=job.version,
        state=manifest.READY if tuple(part) == found.variants else manifest.PENDING,
    )


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
    used: Engine,
    file: IO[bytes],
    wanted: Mapping[str, Variant],
    source: SourceRef,
    config: Config,
    warming: Warming | None,
    go_on: Callable[[], None],
) -> dict[str, str]:
    """
    Write files as they are made, and return the name each has been given by its asked name.

    By name: two specs may ask for the same file, which is encoded once.
    """
    storage = storage_of(rendition_storage(source.storage, config.storage))
    names = {variant: name for name, variant in wanted.items()}
    saved = {}
    for variant, content in used.render(file, list(names)):
        go_on()
        anew = warming is not None and warming.anew
        saved[names[variant]] = files.save(storage, names[variant], content, anew=anew)
        if warming is not None:
            warming.written += 1
    files.sync_folders(storage, saved.values())
    return saved


def _rendition(variant: Variant, name: str) -> Rendition:
    return Rendition(variant.format, files.encoded(name), variant.descriptor)


def _is_over_the_limits(source: SourceRef, file: IO[bytes], header: Header, config: Config) -> bool:
    """Tell, and say, whether a source is too large to be decoded; an SVG never is."""
    pixels = header.size.width * header.size.height
    is_over = _length(file) > config.max_source_bytes or pixels > config.max_source_pixels
    if header.format == SVG or not is_over:
        return False
    size = f"{header.size.width} × {header.size.height} px"
    log_once(f"{source.name} is over the limits ({size}) and served as it is")
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
