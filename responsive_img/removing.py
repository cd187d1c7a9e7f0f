"""What was built of sources whose files are gone: which these are, what there is of them, and how it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from responsive_img import backlog, files, keys, lookup, manifest, orphans, static, versions
from responsive_img.conf import Config
from responsive_img.exceptions import SpecError
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.sources import STATIC, SourceRef, rendition_storage, storage_of
from responsive_img.specs import from_text
from responsive_img.variants import every_variant

if TYPE_CHECKING:
    from django.core.files.storage import Storage

    from responsive_img.models import Picture, Source

# The names of files follow from what is asked, not from what the source is like.
_ANY = Header("", Size(1, 1), is_animated=False)


def is_gone(source: Source) -> bool:
    """
    Tell whether the storage of a source has it no more; of a static file: whether this is its present version.

    Raises:
        SourceError: There is no such storage in this process.
        Exception: Whatever the storage raises.
    """
    storage = storage_of(source.storage)
    if not source.storage.startswith(STATIC):
        return not storage.exists(source.name)
    if source.storage != STATIC + static.version(source.name):
        return True
    try:
        storage.open(source.name).close()
    except FileNotFoundError:
        return True
    return False


def rendition_names(source: Source, picture: Picture, config: Config) -> set[str]:
    """Return the names of all files that a page may show of a picture: those listed, and those derived."""
    read = manifest.loads(picture.renditions)
    names = {files.decoded(name) for name in read.names()} if read is not None else set()
    try:
        spec = from_text(picture.spec)
    except SpecError:  # of another release
        return names
    variants = every_variant(spec, source.name, _ANY, max_width=config.defaults.max_width, stills=True)
    # Who trusts the warmer derives names without a version.
    ref, known = SourceRef(source.storage, source.name), {source.version}
    for version in known if config.create_on_demand else {*known, ""}:
        names.update(keys.rendition_name(ref, version, variant, config.directory) for variant in variants)
    return names


def remove(sources: Collection[Source], config: Config, *, is_dry: bool = False) -> dict[str, int]:
    """
    Remove what was built of sources whose files are gone, and their records.

    Before its files a source gets a version that nothing is built of: if another file is put in its place meanwhile,
    that gets one of its own, so nothing that is built of it bears a name that goes here. Who builds at the moment
    would not know, so then the records are left to `prune`.

    Args:
        sources: As they were before their files were found to be gone.
        config: The settings.
        is_dry: Nothing is changed.

    Returns:
        Name → bytes of the files that are removed.

    Raises:
        DatabaseError: The records cannot be read or written.
        Exception: Whatever the storage raises.
    """
    pictures = orphans.pictures_of(sources)
    last = versions.new_version()
    told = {source.key: source.version for source in sources}
    retired = dict.fromkeys(told, False) if is_dry else orphans.retire(told, last)
    if not is_dry:
        lookup.forget(_keys(pictures, retired), config)
    sizes: dict[str, int] = {}
    failed: dict[str, Exception] = {}
    for source in [each for each in sources if each.key in retired]:
        try:
            sizes |= _deleted(source, pictures[source.key], config, is_dry=is_dry)
        except Exception as error:  # noqa: BLE001 - a storage raises what it likes, and the other sources go on
            failed[source.key] = error
    if not is_dry:
        ended = [key for key, is_built in retired.items() if not is_built and key not in failed]
        if left := _keys(pictures, orphans.end(ended, last)):  # somebody has put other files in their place
            backlog.queue_anew(left, is_whole=True)
            lookup.forget(left, config)
    if failed:
        raise next(iter(failed.values()))
    return sizes


def _keys(pictures: Mapping[str, Iterable[Picture]], source_keys: Iterable[str]) -> list[str]:
    return [picture.key for key in source_keys for picture in pictures[key]]


def _deleted(source: Source, pictures: Iterable[Picture], config: Config, *, is_dry: bool) -> dict[str, int]:
    names = {name for picture in pictures for name in rendition_names(source, picture, config)}
    storage = storage_of(rendition_storage(source.storage, config.storage))
    sizes = {name: delete(storage, name, is_dry=is_dry) for name in sorted(names)}
    return {name: size for name, size in sizes.items() if size is not None}


def delete(storage: Storage, name: str, *, is_dry: bool = False) -> int | None:
    """
    Delete a file, and return how many bytes it had; None if it is not there.

    Args:
        storage: Of the file.
        name: Of the file.
        is_dry: It is not deleted.

    Raises:
        Exception: Whatever the storage raises.
    """
    if not storage.exists(name):
        return None
    size = storage.size(name)
    if not is_dry:
        storage.delete(name)
    return size
