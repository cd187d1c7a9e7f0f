"""What the project's own rows say of files: which names they refer to, and with what focal points."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, router, transaction
from django.db.models import Field, FileField, Model

from responsive_img.geometry import FocalPoint
from responsive_img.logs import log_once
from responsive_img.notation import point_text
from responsive_img.sources import POINTS, field_ref


def referred(names: Collection[str], storage: str | None = None) -> set[str]:
    """
    Return those of these names that a row refers to: a query for each file field; all, where that cannot be told.

    Args:
        names: Of files.
        storage: Theirs, as written in a `SourceRef`; None: any.
    """
    found: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, FileField) and storage in {None, field_ref(field)[0]}:
                rows = _rows(model, field, names)
                if rows is None:
                    return set(names)
                found.update(str(name) for (name,) in rows)
    return found


def points(names: Collection[str], storage: str) -> dict[str, set[str]]:
    """
    Return the focal points that rows have for files, as a spec writes them: a query for each model with such points.

    A file that no row has here is left out, as its rows may be in another tenant's tables, or another program's;
    all are, where a table cannot be read. A copy that keeps the history of rows counts, as it can be shown.

    Args:
        names: Of the files.
        storage: Theirs, as written in a `SourceRef`.
    """
    found: dict[str, set[str]] = {}
    for model in apps.get_models():
        fields: dict[str, Any] = {field.name: field for field in model._meta.fields}
        told: dict[str, str] = getattr(model, POINTS, {})
        for field, point in ((fields.get(image), fields.get(point)) for image, point in told.items()):
            # In such a copy the file's name is a text, and its storage is not known.
            if not field or not point or (isinstance(field, FileField) and field_ref(field)[0] != storage):
                continue
            rows = _rows(model, field, names, point.name)
            if rows is None:
                return {}
            for name, value in rows:
                values = found.setdefault(str(name), set())
                values.update([point_text(value)] if isinstance(value, FocalPoint) else [])
    return found


def _rows(
    model: type[Model], field: Field[Any, Any], names: Collection[str], *columns: str
) -> list[tuple[Any, ...]] | None:
    """
    Return a field and other columns of the rows that have one of these names in it; None: they cannot be read.

    A model without a table has no rows: its table may be another program's, or not made yet.
    """
    alias = router.db_for_write(model)
    try:
        with transaction.atomic(using=alias):
            same = model._meta.base_manager.using(alias).filter(**{f"{field.name}__in": sorted(names)})
            found = same.values_list(field.name, *columns).distinct()
            return [row for row in found if row[0] in names]  # some databases do not tell capitals apart
    except DatabaseError as error:
        if _has_no_table(model, alias):
            return []
        log_once(f"{field} cannot be read, so files that it may refer to are kept: {error!r}")
        return None


def _has_no_table(model: type[Model], alias: str) -> bool:
    """Tell whether a model has no table for certain; one in a named schema may not be listed."""
    table = model._meta.db_table
    try:
        with connections[alias].cursor() as cursor:
            introspection = connections[alias].introspection
            known = introspection.table_names(cursor, include_views=True)
    except DatabaseError:
        return False
    return table.isidentifier() and introspection.identifier_converter(table) not in known
