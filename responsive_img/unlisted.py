"""
Files that no record lists: of earlier versions, of dropped pictures, of builds that died; and what becomes of them.

A folder is listed first, then the records are read, then the files are asked for their age. A build has its record
before its files, so whatever is built meanwhile is known or young.
"""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files.storage import FileSystemStorage, Storage
from django.utils import timezone

from responsive_img import backlog, keys, lookup, orphans, referring, removing, versions
from responsive_img.conf import Config
from responsive_img.files import TEMPORARY_PREFIX
from responsive_img.leases import LEASE

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

logger = logging.getLogger("responsive_img")

TEMPORARY = timedelta(days=1)  # that a temporary file may be written: far more than a lease
NAMES = 200  # that are asked for in one query


@dataclass(slots=True, kw_only=True)
class Pruning:
    """
    One run: what it goes by, and what it has done so far.

    Attributes:
        config: The settings.
        grace: For so long pages may show what nobody asks for any more.
        is_dry: Nothing is changed.
        say: Called with a line for each thing that is removed.
        now: When it began.
        dropped: Keys of pictures that count as removed.
        sources: Records of sources removed, as their file is gone.
        pictures: Records of pictures removed.
        files: Renditions and temporary files removed.
        bytes: Of these files.
        waiting: Pictures that nobody asks for, but which pages may still show.
        failed: What could not be asked or removed.
    """

    config: Config
    grace: timedelta
    is_dry: bool
    say: Callable[[str], object]
    now: datetime = field(default_factory=timezone.now)
    dropped: set[str] = field(default_factory=set)
    sources: int = 0
    pictures: int = 0
    files: int = 0
    bytes: int = 0
    waiting: int = 0
    failed: int = 0

    @property
    def before(self) -> datetime:
        """The time before which nobody may have asked for what is removed."""
        return self.now - self.grace

    def leave(self, what: str, reason: object) -> None:
        """Log what is left alone, and why."""
        self.failed += 1
        logger.warning("Pruning leaves %s alone: %s", what, reason)

    def count(self, name: str, size: int) -> None:
        """Say that a file of so many bytes is removed."""
        self.say(f"{'would remove' if self.is_dry else 'removed'}: {name} ({size} bytes)")
        self.files += 1
        self.bytes += size


def is_outdated(source: Source, picture: Picture, config: Config) -> bool:
    """Tell whether a picture has another key now: it is of another engine, schema or storage of renditions."""
    return picture.key != keys.picture_key(source.storage, source.name, picture.spec, config.storage)


def sweep(storage: Storage, pruning: Pruning) -> None:
    """
    Remove the files under `DIRECTORY` of a storage that no page can show any more.

    Folders stay, as a builder may just be about to write into one.

    Raises:
        DatabaseError: The records cannot be read or written.
        Exception: Whatever the storage raises.
    """
    directory = pruning.config.directory.strip("/")
    if not directory:
        pruning.leave("unlisted files", "RESPONSIVE_IMG_DIRECTORY is empty, so they lie among others")
        return
    for folder, names in _folders(storage, directory):
        for name in names:
            if name.startswith(TEMPORARY_PREFIX):
                _remove(storage, f"{folder}/{name}", pruning.now - TEMPORARY, pruning)
        _sweep_folder(storage, folder, names, pruning)


def _folders(storage: Storage, directory: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the folders of a storage from one on, with the names of the files in each."""
    left = [directory]
    while left:
        folder = left.pop()
        if folder != directory and _leads_elsewhere(storage, folder):
            continue
        try:
            folders, names = storage.listdir(folder)
        except FileNotFoundError:  # there never was one, or not any more
            continue
        yield folder, names
        left += [f"{folder}/{each}" for each in folders]


def _leads_elsewhere(storage: Storage, folder: str) -> bool:
    return isinstance(storage, FileSystemStorage) and Path(storage.path(folder)).is_symlink()


def _sweep_folder(storage: Storage, folder: str, names: Iterable[str], pruning: Pruning) -> None:
    stems: dict[str, dict[str, str]] = {}
    for name in names:
        if (stem := keys.rendition_stem(name)) is not None:
            stems.setdefault(_plain(stem), {})[_plain(f"{folder}/{name}")] = f"{folder}/{name}"
    if not stems:
        return
    for source, pictures in _sources_in(folder, stems.keys(), pruning):
        unlisted = stems[_plain(keys.stem(source.name))]
        if _is_unsettled(source, pictures, pruning):
            unlisted.clear()
        for name in _names(source, pictures, pruning.config):
            unlisted.pop(name, None)
    # A lease, as a file may be written so long before a record tells its name; of a longer build the record tells all
    # names that there can be.
    before = min(pruning.before, pruning.now - timedelta(seconds=LEASE))
    left = [name for unlisted in stems.values() for name in unlisted.values()]
    for start in range(0, len(left), NAMES):
        old = [name for name in left[start : start + NAMES] if _is_older(storage, name, before)]
        # A rendition that somebody has uploaded, or shows as a source.
        kept = referring.referred(old) | orphans.named(old) if old else set()
        removed = [name for name in old if name not in kept and _remove(storage, name, before, pruning)]
        if removed and not pruning.is_dry:
            _mend(folder, removed, pruning)


def _sources_in(
    folder: str, stems: Collection[str], pruning: Pruning
) -> Iterator[tuple[Source, list[Picture]]]:
    """Yield the sources whose renditions lie in a folder, and begin with one of these stems, with their pictures."""
    directory = pruning.config.directory.strip("/")
    inside = folder.removeprefix(directory).strip("/")
    for sources in orphans.sources_in(inside):
        here = [
            source
            for source in sources
            if _plain(posixpath.dirname(source.name)) == _plain(inside)
            and _plain(keys.stem(source.name)) in stems
        ]
        if here:
            pictures = orphans.pictures_of(here)
            for source in here:
                found = [each for each in pictures[source.key] if each.key not in pruning.dropped]
                yield source, found


def _is_unsettled(source: Source, pictures: Iterable[Picture], pruning: Pruning) -> bool:
    """Tell whether pages may still show files of a source that its records do not tell of."""
    is_new = versions.since(source.version) > pruning.before.timestamp()
    return is_new or any(is_outdated(source, each, pruning.config) for each in pictures)


def _names(source: Source, pictures: Iterable[Picture], config: Config) -> set[str]:
    return {_plain(name) for each in pictures for name in removing.rendition_names(source, each, config)}


def _plain(name: str) -> str:
    """Return a name as names are compared: file systems may change them, or not tell capitals apart."""
    plain = posixpath.normpath(name).casefold()
    return "" if plain == "." else plain


def written(storage: Storage, name: str) -> float | None:
    """
    Return when a file was written, s since the epoch; None if it is not there any more.

    Raises:
        Exception: Whatever the storage raises.
    """
    try:
        return storage.get_modified_time(name).timestamp()
    except Exception:
        if storage.exists(name):
            raise
        return None


def _is_older(storage: Storage, name: str, before: datetime) -> bool:
    moment = written(storage, name)
    return moment is not None and moment <= before.timestamp()


def _remove(storage: Storage, name: str, before: datetime, pruning: Pruning) -> bool:
    """Remove a file if it is old enough, and tell whether that has been done."""
    if not _is_older(storage, name, before):
        return False
    size = removing.delete(storage, name, is_dry=pruning.is_dry)
    if size is not None:
        pruning.count(name, size)
    return size is not None


def _mend(folder: str, removed: Iterable[str], pruning: Pruning) -> None:
    """
    Have pictures built again whose files are removed, as somebody has asked for them since the records were read.

    Whoever builds one now may have found its file there, so that build counts for nothing.
    """
    names = {_plain(name) for name in removed}
    stems = {_plain(keys.rendition_stem(posixpath.basename(name)) or "") for name in removed}
    lost = [
        picture.key
        for source, pictures in _sources_in(folder, stems, pruning)
        for picture in pictures
        if names & _names(source, [picture], pruning.config)
    ]
    if lost:
        backlog.queue_anew(lost, is_whole=True)
        lookup.forget(lost, pruning.config)
