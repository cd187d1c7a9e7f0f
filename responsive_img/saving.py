"""
Saved files: which file of a model was saved, and what follows from it.

A file counts as saved when it is uncommitted before its instance is saved, or when its instance is added.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

from django.apps import apps
from django.db import DatabaseError
from django.db.models import FileField, Model
from django.db.models.base import ModelBase
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_save, pre_save

from responsive_img import rows, signals, versions
from responsive_img.exceptions import SourceError, SpecError, quoted
from responsive_img.sources import SourceRef, reference

logger = logging.getLogger("responsive_img")

Watcher = Callable[[Model, Collection[FileField], Collection[str] | None], object]


class Watch(NamedTuple):
    """
    Who is told of the saves of a model.

    Attributes:
        model: The model, or "app.Model".
        fields: Names of file fields that it must have.
        call: As of `watch`.
    """

    model: type[Model] | str
    fields: Collection[str]
    call: Watcher


class Unknown(NamedTuple):
    """
    What is to be watched and is not there.

    Attributes:
        kind: What it would be.
        name: Its name.
        choices: What there is.
    """

    kind: str
    name: str
    choices: list[str]


# Label of a model in lower case → name of the call → the call.
_watchers: dict[str, dict[str, Watch]] = {}
# Where an instance carries the names of the fields whose files are being saved.
_ATTRIBUTE = "_responsive_img_saved"
# The same until they are told to be saved, on commit: name → whether its file has its new version already.
_UNTOLD = "_responsive_img_untold"


def connect() -> None:
    """Watch the saves of all models."""
    pre_save.connect(_remember, dispatch_uid="responsive_img.saving")
    post_save.connect(_tell, dispatch_uid="responsive_img.saving")


@cache
def file_fields(model: type[Model]) -> tuple[FileField, ...]:
    """Return the file fields of a model; for good, so not before all apps are ready, which may add some."""
    return file_fields_now(model)


def file_fields_now(model: type[Model]) -> tuple[FileField, ...]:
    """Return the file fields that a model has by now."""
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
        instance.__dict__.setdefault(_UNTOLD, {}).update(dict.fromkeys(saved, False))


def settle(file: FieldFile) -> None:
    """
    Give a file that is being saved its new version now, not on commit: what is built before would be void then.

    Raises:
        DatabaseError: The records cannot be written.
        SourceError: Its name is none that a storage may be asked for.
    """
    untold = file.instance.__dict__.get(_UNTOLD, {})
    if untold.get(file.field.name) is False and getattr(file, "_committed", True):
        versions.replaced(SourceRef(*reference(file)))
        untold[file.field.name] = True


def watch(model: type[Model] | str, name: str, call: Watcher, *, fields: Collection[str] = ()) -> None:
    """
    Call after each save of a model, on commit, behind what this module does itself.

    A save through what inherits from the model, such as a proxy, is one of the model too.

    Args:
        model: The model, or "app.Model" where it is not there yet.
        name: Of the call; another one of the same name takes its place.
        call: With the instance, the model's file fields, and the names of those that were saved, None: all.
        fields: Names of file fields that the model must have.

    Raises:
        SpecError: The model, or one of the fields, is not there; of models that are not loaded yet `unknown` tells.
    """
    if not isinstance(model, str | ModelBase):
        raise SpecError(f"'model' must be a model or 'app.Model', not {quoted(model)}.")
    watched = Watch(model, fields, call)
    if apps.models_ready:
        for each in _unknown(watched):
            raise SpecError.unknown(*each)
    label = model if isinstance(model, str) else model._meta.label
    _watchers.setdefault(label.lower(), {})[name] = watched


def unknown() -> list[Unknown]:
    """Return what is watched and is not there; the models are loaded."""
    return [each for calls in _watchers.values() for watched in calls.values() for each in _unknown(watched)]


def _unknown(watched: Watch) -> Iterator[Unknown]:
    model = watched.model
    if isinstance(model, str):
        # Abstract models, too: they are in no registry.
        known = {each._meta.label_lower: each for child in apps.get_models() for each in _lineage(child)}
        if model.lower() not in known:
            yield Unknown(
                "model", model, [each._meta.label for each in known.values() if file_fields_now(each)]
            )
            return
        model = known[model.lower()]
    choices = [field.name for field in file_fields_now(model)]
    for name in watched.fields:
        if name not in choices:
            yield Unknown(f"file field of {model._meta.label}", str(name), choices)


def _lineage(model: type[Model]) -> list[type[Model]]:
    """Return a model and those that it inherits from."""
    return [each for each in model.__mro__ if issubclass(each, Model) and each is not Model]


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
    for model, call in _watching(sender):
        rows.on_commit(partial(call, instance, file_fields(model), update_fields), using=using)


def _watching(sender: type[Model]) -> list[tuple[type[Model], Watcher]]:
    """Return who is told of a save, and of which model it is a save to them."""
    return [
        (model, watched.call)
        for model in _lineage(sender)
        for watched in _watchers.get(model._meta.label_lower, {}).values()
    ]


def _saved(sender: type[Model], instance: Model, file: FieldFile) -> None:
    untold = instance.__dict__.pop(_UNTOLD, {})
    has_version = untold.pop(file.field.name, False)
    if untold:
        instance.__dict__[_UNTOLD] = untold
    if not file:  # deleted again
        return
    try:
        if not has_version:
            versions.replaced(SourceRef(*reference(file)))
    except (DatabaseError, SourceError) as error:
        logger.warning("%s was saved, but its pictures cannot be replaced: %r", file.name, error)
    signals.file_post_save.send_robust(sender, instance=instance, fieldfile=file)
