"""Stored files: their URLs, and writing them so that a name is complete or absent."""

from __future__ import annotations

import os
from contextlib import suppress
from html import escape
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from django.utils.encoding import filepath_to_uri

TEMPORARY_PREFIX = ".ri-"
# `filepath_to_uri` leaves these, but in `url()` of CSS they would have to be quoted.
_UNSAFE = str.maketrans({"'": "%27", "(": "%28", ")": "%29", " ": "%20"})


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
    if isinstance(storage, FileSystemStorage) and type(storage).url is FileSystemStorage.url:
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


def save(storage: Storage, name: str, content: bytes) -> str:
    """
    Write a file under its final name, complete or not at all, and return the name it has.

    On a file system: a temporary file beside it, synced, then renamed over whatever is there. Other
    storages upload atomically; one that would add a suffix because the name exists already has, under
    the same name, the same content, so that is kept.

    Raises:
        OSError: It cannot be written.
        Exception: Whatever another storage raises.
    """
    if isinstance(storage, FileSystemStorage) and _saves_as_django_does(type(storage)):
        _replace(storage, name, content)
        return name
    if storage.is_name_available(name):
        saved = storage.save(name, ContentFile(content))
        if saved != name and storage.exists(name):  # another process was quicker
            storage.delete(saved)
            return name
        return saved
    return name


def _saves_as_django_does(storage: type[FileSystemStorage]) -> bool:
    """Tell whether a subclass has kept the way of writing that a rename may stand in for."""
    return vars(FileSystemStorage)["_save"] is getattr(storage, "_save", None)


def _replace(storage: FileSystemStorage, name: str, content: bytes) -> None:
    path = Path(storage.path(name))
    _make_folder(path.parent, storage.directory_permissions_mode)
    # Made as Django makes files: with the umask of now, or the storage's own permissions.
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{uuid4().hex}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if storage.file_permissions_mode is not None:
            temporary.chmod(storage.file_permissions_mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _make_folder(folder: Path, mode: int | None) -> None:
    """Make a folder and those above it, with the permissions that the storage gives to folders."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, mode)
    with suppress(FileExistsError):
        folder.mkdir()
        if mode is not None:
            folder.chmod(mode)
