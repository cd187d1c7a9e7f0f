"""
The source: which file of which storage a picture is made of.

A source is written as three texts, so that markers, jobs and records can carry it anywhere: the storage
(an alias in STORAGES, "app.Model.field" for a storage that only its field knows, or "static:" for the static
files), the name in it, and the field that asked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.files.storage import Storage, default_storage, storages
from django.db.models.fields.files import FieldFile, FileField, ImageField
from django.db.models.query_utils import DeferredAttribute

from responsive_img import static
from responsive_img.exceptions import SourceError, quoted
from responsive_img.geometry import FocalPoint
from responsive_img.logs import log_once
from responsive_img.notation import point_text

# Before the name of a static file, in templates. As a storage it is followed by the file's version, so that
# two releases that run side by side each have their own pictures.
STATIC = "static:"
# The attribute of a model that tells, by the name of its image field, the field of a picture's focal point.
POINTS = "_responsive_img_points"
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
    if isinstance(source, FieldFile):
        known = _fields.get(id(source.field))
        if known is not None or hasattr(source.field, "model"):
            storage, label = field_ref(source.field) if known is None else known[1]
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


# A memo of a pure function: a page shows what the one before it has shown.
@lru_cache(maxsize=16384)
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


def focal_name(model: object, field: str) -> str | None:
    """Return the name of the field that has the focal point of an image field of a model, or of its instance."""
    points: dict[str, str] = getattr(model, POINTS, {})
    return points.get(field)


def focal_of(source: object) -> str:
    """
    Return the focal point that the model of a file has for it, as a spec writes it; "" where there is none.

    Args:
        source: As of `reference`.
    """
    instance = getattr(source, "instance", None)
    points = getattr(instance, POINTS, None)
    if not points:  # nearly all pictures, so this is all they pay
        return ""
    name = points.get(source.field.name)  # type: ignore[attr-defined]  # a file of a model
    try:
        # One that was deferred costs a query: the wrong part of the picture would be worse.
        point = getattr(instance, name, None) if name else None
    except Exception as error:  # noqa: BLE001 - the row is gone, the database is down, or this is an event loop
        log_once(f"The focal point {name} cannot be read, so the centre is kept: {error!r}")
        return ""
    return point_text(point) if isinstance(point, FocalPoint) else ""


def size_of(source: object) -> tuple[int, int] | None:
    """
    Return the oriented size that the model of a file has for it, px; None where it has none.

    Args:
        source: As of `reference`.
    """
    file: Any = source
    if not isinstance(getattr(file, "field", None), ImageField):
        return None
    field, instance = file.field, file.instance
    loaded = getattr(instance, "__dict__", {})
    try:
        width, height = loaded[field.width_field], loaded[field.height_field]
    except KeyError:  # no such field, or not a column of the row that was read
        width, height = _side(instance, field.width_field), _side(instance, field.height_field)
    is_known = isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0
    return (width, height) if is_known else None


def _side(instance: object, name: str | None) -> Any:
    """Return a side; none that was deferred, as that would cost a query."""
    loaded = getattr(instance, "__dict__", {})
    if not name or (
        name not in loaded and isinstance(getattr(type(instance), name, None), DeferredAttribute)
    ):
        return None
    return getattr(instance, name, None)


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
