"""
Saved files: which file of a model was saved, and what follows from it.

A file counts as saved when it is uncommitted before its instance is saved, or when its instance is added.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Any

from django.db import DatabaseError
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_save, pre_save

from responsive_img import rows, signals, versions
from responsive_img.exceptions import SourceError
from responsive_img.sources import SourceRef, reference

logger = logging.getLogger("responsive_img")

Watcher = Callable[[Model, Collection[str] | None], object]

_watchers: dict[str, dict[str, Watcher]] = {}
# Where an instance carries the names of the fields whose files are being saved.
_ATTRIBUTE = "_responsive_img_saved"


def connect() -> None:
    """Watch the saves of all models."""
    pre_save.connect(_remember, dispatch_uid="responsive_img.saving")
    post_save.connect(_tell, dispatch_uid="responsive_img.saving")


@cache
def file_fields(model: type[Model]) -> tuple[FileField, ...]:
    """Return the file fields of a model."""
    return tuple(field for field in model._meta.concrete_fields if isinstance(field, FileField))


def files(instance: Model, fields: Collection[FileField]) -> list[FieldFile]:
    """Return the files that an instance has in fields; one that is not loaded is left alone."""
    loaded = [field for field in fields if field.attname in instance.__dict__]
    return [file for field in loaded if (file := getattr(instance, field.attname))]


def _remember(sender: type[Model], instance: Model, raw: bool = False, **_: Any) -> None:
    fields = file_fields(sender)
    if not fields or raw:
        return
    saved = [
        file.field.name
        for file in files(instance, fields)
        if instance._state.adding or not getattr(file, "_committed", True)
    ]
    if saved:
        instance.__dict__[_ATTRIBUTE] = saved


def watch(model: type[Model] | str, name: str, call: Watcher) -> None:
    """
    Call after each save of a model, on commit, behind what this module does itself.

    Args:
        model: The model, or "app.Model" where it is not there yet.
        name: Of the call; another one of the same name takes its place.
        call: With the instance and the names of the fields that were saved, None: all.
    """
    label = model if isinstance(model, str) else model._meta.label
    _watchers.setdefault(label.lower(), {})[name] = call


def _tell(
    sender: type[Model],
    instance: Model,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    using: str | None = None,
    **_: Any,
) -> None:
    saved = instance.__dict__.pop(_ATTRIBUTE, ())
    if raw:
        return
    fields = [
        field
        for field in file_fields(sender)
        if field.name in saved and (update_fields is None or field.name in update_fields)
    ]
    for file in files(instance, fields):
        rows.on_commit(partial(_saved, sender, instance, file), using=using)
    for call in _watchers.get(sender._meta.label_lower, {}).values():
        rows.on_commit(partial(call, instance, update_fields), using=using)


def _saved(sender: type[Model], instance: Model, file: FieldFile) -> None:
    if not file:  # deleted again
        return
    try:
        versions.replaced(SourceRef(*reference(file)))
    except (DatabaseError, SourceError) as error:
        logger.warning("%s was saved, but its pictures cannot be replaced: %r", file.name, error)
    signals.file_post_save.send_robust(sender, instance=instance, fieldfile=file)
