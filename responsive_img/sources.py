"""
The source: which file of which storage a picture is made of.

A source is written as three texts, so that markers, jobs and records can carry it anywhere: the storage
(an alias in STORAGES, "app.Model.field" for a storage that only its field knows, or "static:" for the static
files), the name in it, and the field that asked.
"""

from __future__ import annotations

from typing import NamedTuple

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.files.storage import Storage, default_storage, storages
from django.db.models.fields.files import FieldFile, FileField

from responsive_img import static
from responsive_img.exceptions import SourceError, quoted

# Before the name of a static file, in templates. As a storage it is followed by the file's version, so that
# two releases that run side by side each have their own pictures.
STATIC = "static:"
MAX_NAME_LENGTH = 1000  # characters; the markers and records that carry a name are bounded, so it is too


class SourceRef(NamedTuple):
    """
    Which file, as texts.

    Attributes:
        storage: Alias in STORAGES, "app.Model.field" of the field whose storage it is, or "static:" and the
            version of a static file.
        name: Name in that storage, "/" between folders.
        field: "app.Model.field" of who asked, or "" for a name given by hand.
    """

    storage: str
    name: str
    field: str = ""


# id → the field, so that its id stays its own, and what it is written as. A field lives as long as its model.
_fields: dict[int, tuple[FileField, tuple[str, str]]] = {}


def field_ref(field: FileField) -> tuple[str, str]:
    """Return the storage, as written in a `SourceRef`, and the label of a field."""
    known = _fields.get(id(field))
    if known is None:
        label = f"{field.model._meta.label}.{field.name}"
        known = _fields[id(field)] = (field, (_alias(field.storage) or label, label))
    return known[1]


def _alias(storage: Storage) -> str | None:
    """Return the alias under which STORAGES has this very storage, or None."""
    if storage is default_storage:
        return "default"
    for alias in storages.backends:
        try:
            if storages[alias] == storage:
                return alias
        except Exception:  # noqa: BLE001, S112 - an alias that cannot be made is not this storage
            continue
    return None


def reference(source: object) -> tuple[str, str, str]:
    """
    Return the fields of a `SourceRef` for what a template or a caller gives as source.

    Args:
        source: A FieldFile, a name in the default storage, or "static:" and the path of a static file; not
            an empty one.

    Raises:
        SourceError: It is neither, or its name is none that a storage may be asked for.
    """
    if isinstance(source, FieldFile) and hasattr(source.field, "model"):
        storage, label = field_ref(source.field)
        return storage, checked_name(source.name or ""), label
    if isinstance(source, str):
        if source.startswith(STATIC):
            name = checked_name(str(source).removeprefix(STATIC))
            return STATIC + static.version(name), name, ""
        return "default", checked_name(str(source)), ""
    raise SourceError(
        "A source is a file of a model, a name in the default storage, or 'static:' and the path of a static "
        f"file, not {quoted(source)}."
    )


def checked_name(name: str) -> str:
    """
    Return a name that is safe to hand to a storage.

    `Storage.open` and `save` refuse a path that leaves the storage, but `Storage.url` does not: it
    would make "/admin/" of "../admin/".

    Raises:
        SourceError: The name is absolute, climbs out of the storage, or holds control characters.
    """
    if (
        not name
        or len(name) > MAX_NAME_LENGTH
        or name[0] == "/"
        or "\\" in name
        or not (name.isprintable() or _is_text(name))
        or (".." in name and ".." in name.split("/"))
    ):
        raise SourceError(f"Not the name of a file in a storage: {name[:200]!r}")
    return name


def _is_text(name: str) -> bool:
    """Tell whether a name is free of control characters and lone surrogates, which no URL can hold."""
    return not any(char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" for char in name)


def rendition_storage(source_storage: str, configured: str | None) -> str:
    """Return the storage of a source's renditions, as written in a `SourceRef`: the one configured, else its own."""
    return configured or ("default" if source_storage.startswith(STATIC) else source_storage)


def storage_of(reference: str) -> Storage:
    """
    Return the storage that a `SourceRef` names.

    Raises:
        SourceError: There is no such alias or field in this process.
    """
    if reference.startswith(STATIC):
        return static.STORAGE
    try:
        if reference in storages.backends:
            return storages[reference]
        model, _, field_name = reference.rpartition(".")
        field = apps.get_model(model)._meta.get_field(field_name)
    except (LookupError, ValueError, FieldDoesNotExist) as error:
        raise SourceError(f"No storage and no field is called {reference!r}.") from error
    if not isinstance(field, FileField):
        raise SourceError(f"{reference} is not a file field.")
    return field.storage
