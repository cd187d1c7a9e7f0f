"""
Deleted files: once a row is deleted, and its file with it, what was built of the file goes too, on commit.

Django itself leaves the file of a deleted row where it is. Where django-cleanup or the project's own code deletes
it, before or on commit, this finds it gone; where it is deleted later, `prune` does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import transaction
from django.db.models import FileField, Model, QuerySet
from django.db.models.signals import post_delete, pre_delete
from django.utils.module_loading import import_string

from responsive_img import conf, keys, orphans, records, referring, removing, rows, saving
from responsive_img.exceptions import SourceError
from responsive_img.sources import SourceRef, checked_name, field_ref, reference

if TYPE_CHECKING:
    from responsive_img.models import Source

logger = logging.getLogger("responsive_img")

# Where an instance carries its files while it is being deleted, and then, as its connection does, the batch they are in.
_ATTRIBUTE = "_responsive_img_deleted"


def connect() -> None:
    """
    Watch what is deleted of the models that have files, and what django-cleanup deletes.

    Of them alone: a model whose deletions are watched is loaded row by row to be deleted.
    """
    for model in apps.get_models():
        if saving.file_fields_now(model):
            pre_delete.connect(_remember, sender=model, dispatch_uid="responsive_img.deleting")
            post_delete.connect(_tell, sender=model, dispatch_uid="responsive_img.deleting")
    if apps.is_installed("django_cleanup"):
        cleaned = import_string("django_cleanup.signals.cleanup_post_delete")
        cleaned.connect(_cleaned, dispatch_uid="responsive_img.deleting")


def _remember(sender: type[Model], instance: Model, using: str | None = None, **_: Any) -> None:
    """Note the files of a row: who deletes them with it takes their names from it, too."""
    refs = instance.__dict__[_ATTRIBUTE] = []
    fields = saving.file_fields(sender)
    for file in saving.files(instance, fields):
        with suppress(SourceError):  # then nothing can have been built of it
            refs.append(SourceRef(*reference(file)))
    # Deleted before its row, by `delete(save=False)`: that leaves None, where a row without a file has "". Where it
    # may have NULL, each such row would cost a query.
    emptied = [
        field for field in fields if not field.null and _is_none(instance.__dict__.get(field.attname, ""))
    ]
    if emptied:
        rows_left: QuerySet[Model] = QuerySet(sender, using=using).filter(pk=instance.pk)
        for row in rows_left.values(*[field.name for field in emptied]):
            for field in emptied:
                with suppress(SourceError):
                    storage, label = field_ref(field)
                    refs.append(SourceRef(storage, checked_name(row[field.name] or ""), label))


def _is_none(file: object) -> bool:
    """Tell whether what a row has in a file field is a file without any name, not an empty one."""
    return getattr(file, "name", file) is None


def _tell(sender: type[Model], instance: Model, using: str | None = None, **_: Any) -> None:
    """Have a row's files looked for on commit: with those of the last row, as files may be deleted on commit, too."""
    if refs := instance.__dict__.pop(_ATTRIBUTE, None):
        batch = instance.__dict__[_ATTRIBUTE] = _batch(using)
        batch += refs
        rows.on_commit(partial(_clear_batch, batch, len(batch)), using=using)


def _batch(using: str | None) -> list[SourceRef]:
    """Return where the files are gathered whose rows one transaction deletes, or one savepoint, as that may be undone alone."""
    connection = transaction.get_connection(using or rows.database())
    # Django has another list after each commit and each rollback.
    calls, savepoints = connection.run_on_commit, set(connection.savepoint_ids) - {None}
    known = connection.__dict__.get(_ATTRIBUTE)
    if known is None or known[0] is not calls or known[1] != savepoints:
        known = connection.__dict__[_ATTRIBUTE] = (calls, savepoints, [])
    batch: list[SourceRef] = known[2]
    return batch


def _clear_batch(batch: list[SourceRef], length: int) -> None:
    """Clear a batch when the turn of its last row has come; it is empty from then on."""
    if len(batch) == length:
        refs = list(dict.fromkeys(batch))
        batch.clear()
        for start in range(0, len(refs), orphans.CHUNK):
            _clear(refs[start : start + orphans.CHUNK])


def _cleaned(
    sender: type[Model],
    field_name: str,
    file_name: str,
    instance: Model | None = None,
    deleted: bool = False,
    **_: Any,
) -> None:
    """Be told by django-cleanup, on commit, of a file that it has deleted, or could not delete."""
    field = sender._meta.get_field(field_name)
    is_in_batch = deleted and bool(getattr(instance, _ATTRIBUTE, None))
    if isinstance(field, FileField) and not is_in_batch:
        _clear([SourceRef(field_ref(field)[0], file_name)])


def _clear(refs: Sequence[SourceRef]) -> None:
    """Remove what was built of files that are gone, and that no row refers to; what fails is left to `prune`."""
    config = conf.current()
    if config.read_only:
        return
    try:
        wanted = {keys.source_key(ref.storage, checked_name(ref.name)) for ref in refs}
        gone: dict[str, dict[str, Source]] = {}  # storage → name → source
        for source in records.sources(wanted).values():
            if removing.is_gone(source):
                gone.setdefault(source.storage, {})[source.name] = source
        for storage, sources in gone.items():
            kept = referring.referred(sources, storage)
            if unwanted := [source for name, source in sources.items() if name not in kept]:
                removing.remove(unwanted, config)
    except Exception as error:  # noqa: BLE001 - a storage raises what it likes; whoever deletes must not see it
        said = f"{refs[0].name} was", "it"
        if len(refs) > 1:
            said = f"{refs[0].name} and {len(refs) - 1} more were", "them"
        logger.warning("%s deleted, but not all that was built of %s: %r", *said, error)
