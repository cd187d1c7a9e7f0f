"""Stored files: their URLs, and writing them so that a name is complete or absent."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage
from django.utils.encoding import filepath_to_uri

TEMPORARY_PREFIX = ".ri-"
# `filepath_to_uri` leaves these, but in `url()` of CSS or in JSON they would have to be quoted.
_UNSAFE = str.maketrans(
    {"'": "%27", "(": "%28", ")": "%29", " ": "%20", '"': "%22", "<": "%3C", ">": "%3E", "\\": "%5C"}
)


def encoded(name: str) -> str:
    """Return a name as the path of a URL, safe in a srcset, in CSS and in HTML without more escaping."""
    return (filepath_to_uri(name) or "").translate(_UNSAFE)


def decoded(path: str) -> str:
    """Return the name that `encoded` made a path of."""
    return unquote(path)


def url_prefix(storage: Storage) -> str | None:
    """
    Return what stands before every encoded name in the storage's URLs, HTML-escaped; None if it must be asked.

    Signed URLs expire and differ, so only `FileSystemStorage`'s own `url` and a storage that declares
    `responsive_img_url_prefix` are known to have one. It saves 4–5 µs a rendition.
    """
    declared = getattr(storage, "responsive_img_url_prefix", None)
    if declared is not None:
        return escape(str(declared).translate(_UNSAFE))
    if isinstance(storage, FileSystemStorage) and storage.__class__.url is FileSystemStorage.url:
        return escape(str(storage.base_url or "").translate(_UNSAFE)) or None
    return None


def url(storage: Storage, name: str) -> str:
    """
    Return the URL of a name, safe in a srcset and HTML-escaped.

    Raises:
        Exception: Whatever the storage raises.
    """
    found = str(storage.url(name)).translate(_UNSAFE)
    # A URL in a srcset may hold commas, but neither start nor end with one (HTML standard).
    if found.startswith(","):
        found = "%2C" + found[1:]
    if found.endswith(","):
        found = found[:-1] + "%2C"
    return escape(found)


def save(storage: Storage, name: str, content: bytes, *, anew: bool = False) -> str:
    """
    Write a file under its final name, complete or not at all, and return the name it has.

    On a file system: a temporary file beside it, synced, then renamed over whatever is there. Other
    storages upload atomically; a file of the same name and length is the same file, so it is kept.

    Args:
        storage: Where to.
        name: Final.
        content: Of the file.
        anew: A file of the same length may have other content, so it is not kept.

    Raises:
        OSError: It cannot be written.
        Exception: Whatever another storage raises.
    """
    if isinstance(storage, FileSystemStorage) and _saves_as_django_does(storage.__class__):
        _replace(storage, name, content)
        return name
    if storage.exists(name):
        if not anew and storage.size(name) == len(content):
            return name
        storage.delete(name)  # not ours, or half of it
    with _upload(storage, name, content) as file:
        saved = storage.save(name, file)
    if saved != name and storage.exists(name):  # another process was quicker
        storage.delete(saved)
        return name
    return saved


def sync_folders(storage: Storage, names: Iterable[str]) -> None:
    """
    Have the disk remember that these files are there: else a record may outlive its file when the power is cut.

    Once for all files of a build, as it takes as long as syncing one. Other storages than file systems see to it.
    """
    if not isinstance(storage, FileSystemStorage):
        return
    root = Path(storage.path(""))
    # The folders above too, as they may be new; one that has not changed costs nothing.
    folders = {folder for name in names for folder in Path(storage.path(name)).parents}
    for folder in sorted(folder for folder in folders if folder.is_relative_to(root)):
        with suppress(OSError):  # Windows opens no folder, and some network file systems sync none
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def _upload(storage: Storage, name: str, content: bytes) -> Iterator[File[bytes]]:
    """Give the content as a file to save: one that a subclass of `FileSystemStorage` moves, not copies."""
    if not isinstance(storage, FileSystemStorage):
        yield ContentFile(content)
        return
    path = Path(storage.path(name))
    _make_folder(path.parent, storage.directory_permissions_mode)
    temporary = _written_beside(path, content)
    try:
        with temporary.open("rb") as file:
            yield _Movable(file, name=str(temporary))
    finally:
        temporary.unlink(missing_ok=True)


class _Movable(File):  # type: ignore[type-arg]  # Django has no generic when it runs
    """A complete file on the same disk: Django renames one that says where it is."""

    def temporary_file_path(self) -> str:
        """Return the path, as an upload's does."""
        return str(self.name)


def _saves_as_django_does(storage: type[FileSystemStorage]) -> bool:
    """Tell whether a subclass has kept the way of writing that a rename may stand in for."""
    return all(getattr(storage, name) is getattr(FileSystemStorage, name) for name in ("save", "_save"))


def _replace(storage: FileSystemStorage, name: str, content: bytes) -> None:
    path = Path(storage.path(name))
    _make_folder(path.parent, storage.directory_permissions_mode)
    temporary = _written_beside(path, content)
    try:
        if storage.file_permissions_mode is not None:
            temporary.chmod(storage.file_permissions_mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _written_beside(path: Path, content: bytes) -> Path:
    """Return a temporary file beside a path, complete and synced, with the permissions that Django gives."""
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{uuid4().hex}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _make_folder(folder: Path, mode: int | None) -> None:
    """Make a folder and those above it, with the permissions that the storage gives to folders."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, mode)
    with suppress(FileExistsError):
        folder.mkdir()
        if mode is not None:
            folder.chmod(mode)
