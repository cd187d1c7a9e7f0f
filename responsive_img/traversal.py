"""From an instance or a queryset to its files: over relations, some rows at a time, no more columns than needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db.models import FileField, Model, QuerySet
from django.db.models.fields.files import FieldFile

from responsive_img.exceptions import SpecError, quoted
from responsive_img.sources import POINTS, focal_name


class Path(NamedTuple):
    """
    The way from a model to an image field.

    Attributes:
        relations: Names of the attributes that lead to the model which has the field.
        prefix: The same in a lookup, with "__" behind each.
        model: Which has the field.
        field: Where the files are.
        dimensions: Names of the fields with the width and the height, of those it has.
    """

    relations: tuple[str, ...]
    prefix: str
    model: type[Model]
    field: FileField
    dimensions: tuple[str | None, str | None]


class Row(NamedTuple):
    """
    A file, and the row that has it.

    Attributes:
        file: None where there is none.
        pk: Of the row that has the field.
        size: What its dimension fields say, px.
    """

    file: FieldFile | None
    pk: Any
    size: tuple[int | None, int | None]


def path_of(model: type[Model], image_attr: str) -> Path:
    """
    Return the way to an image field.

    Args:
        model: Where it starts.
        image_attr: Its name; before it, foreign keys and one-to-ones, with dots between.

    Raises:
        SpecError: There is no such field, or it has no files.
    """
    if not isinstance(image_attr, str):
        raise SpecError(f"'image_attr' must be the name of a field, not {quoted(image_attr)}.")
    *names, last = image_attr.split(".")
    relations = []
    for name in names:
        relation = _field(model, name)
        if not (relation.many_to_one or relation.one_to_one) or relation.related_model is None:
            raise SpecError(
                f"{model._meta.label}.{name} is no foreign key or one-to-one, so it leads to no one file."
            )
        relations.append(relation.name if relation.concrete else relation.get_accessor_name())
        model = relation.related_model
    field = _field(model, last)
    if not isinstance(field, FileField):
        raise SpecError(f"{model._meta.label}.{last} has no files: name an image field.")
    dimensions = getattr(field, "width_field", None), getattr(field, "height_field", None)
    return Path(tuple(relations), "".join(f"{name}__" for name in names), model, field, dimensions)


def _field(model: type[Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist as error:
        choices = [field.name for field in model._meta.get_fields()]
        raise SpecError.unknown(f"field of {model._meta.label}", name, choices) from error


def row_of(instance: Model, path: Path) -> Row:
    """Return the file of an instance."""
    found: Any = instance
    for name in path.relations:
        try:
            found = getattr(found, name)
        except ObjectDoesNotExist:
            found = None
        if found is None:
            return Row(None, None, (None, None))
    width, height = (getattr(found, name) if name else None for name in path.dimensions)
    return Row(getattr(found, path.field.attname) or None, found.pk, (width, height))


def write_size(row: Row, path: Path, size: tuple[int, int], alias: str) -> None:
    """
    Write a size into the dimension fields of a row, where it differs, as long as the row has the file.

    Args:
        row: Which.
        path: That led to it.
        size: Oriented, px.
        alias: Of the database.
    """
    wanted = {
        name: side
        for name, side, told in zip(path.dimensions, size, row.size, strict=True)
        if name is not None and side != told
    }
    if row.file is not None and wanted:
        same: QuerySet[Any] = QuerySet(path.model, using=alias).filter(
            pk=row.pk, **{path.field.name: row.file.name}
        )
        same.update(**wanted)
        for name, side in wanted.items():
            setattr(row.file.instance, name, side)


def chunks(queryset: QuerySet[Any], path: Path, size: int) -> Iterator[list[Row]]:
    """
    Yield the rows of a queryset by their primary keys, some at a time: one short query each.

    Not with a cursor, which holds a lock on SQLite and a snapshot elsewhere for as long as the builds take, and
    on MySQL gives all rows at once. A slice or a union, which cannot be taken apart, is read whole.
    """
    columns = _columns(path)
    query: Any = queryset.query
    if query.is_sliced or query.combinator or query.distinct_fields:
        found = list(queryset.values_list(*columns))
        for start in range(0, len(found), size):
            yield _rows(found[start : start + size], path)
        return
    ordered = queryset.select_related(None).prefetch_related(None).order_by("pk")
    ordered = ordered if query.standard_ordering else ordered.reverse()
    part = ordered
    while found := list(part.values_list(*columns)[:size]):
        yield _rows(found, path)
        if len(found) < size:
            return
        part = ordered.filter(pk__gt=found[-1][0])


def _columns(path: Path) -> list[str]:
    """Return the names of the columns: of the queryset's row the key, if it is another than that of the file's row."""
    point = focal_name(path.model, path.field.name)
    names = ["pk", path.field.name, *[name for name in (point, *path.dimensions) if name]]
    return [*(["pk"] if path.relations else []), *[path.prefix + name for name in names]]


def _rows(found: Sequence[Sequence[Any]], path: Path) -> list[Row]:
    point = focal_name(path.model, path.field.name)
    start = 1 if path.relations else 0
    return [_row(values[start:], path, point) for values in found]


def _row(values: Sequence[Any], path: Path, point: str | None) -> Row:
    """Return the row of columns' values, without an instance: making one has Django open its file to measure it."""
    pk, name, *more = values
    focal = {POINTS: {path.field.name: point}, point: more.pop(0)} if point else {}
    width, height = (more.pop(0) if each else None for each in path.dimensions)
    instance: Any = SimpleNamespace(pk=pk, **focal)
    return Row(path.field.attr_class(instance, path.field, name) if name else None, pk, (width, height))
