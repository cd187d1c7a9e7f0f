"""What is around: Pillow, the database, the storages of image fields, the models whose saves are watched."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.core.files.storage import Storage
from django.db import connections
from django.db.models import ImageField

from responsive_img import conf, records, saving
from responsive_img.engine import installation

# How storages say that a file may be replaced under its name: django-storages, and Django.
_OVERWRITING = ("file_overwrite", "overwrite_files", "_allow_overwrite")


def messages() -> Iterator[CheckMessage]:
    """Yield what is wrong around the library."""
    yield from _of_pillow()
    yield from _of_database()
    yield from _of_watched()
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, ImageField):
                yield from _of_field(field)


def _of_field(field: ImageField) -> Iterator[CheckMessage]:
    label = f"{field.model._meta.label}.{field.name}"
    if _overwrites(field.storage):
        yield Caution(
            f"The storage of {label} may replace a file under its name; what is replaced behind Django's back "
            "keeps its old pictures.",
            hint="Keep names unique (file_overwrite: False), or call responsive_img.invalidate(file) "
            "after replacing one.",
            obj=field,
            id="responsive_img.W011",
        )
    missing = [name for name in ("width_field", "height_field") if not getattr(field, name)]
    if missing and not conf.current().create_on_demand:
        sides = [f'{name}="{field.name}_{name.removesuffix("_field")}"' for name in missing]
        yield Caution(
            f"RESPONSIVE_IMG_CREATE_ON_DEMAND is False, but {label} has no {' and no '.join(missing)}: its "
            "pictures have no width and height where the arguments of the tag do not tell them, and small ones "
            "are offered larger than they are.",
            hint=f"Add fields for the size, name them in {field.name} = ImageField({', '.join(sides)}), and run "
            "manage.py responsive_img warm with --fix-dimensions.",
            obj=field,
            id="responsive_img.W019",
        )


def _of_pillow() -> Iterator[CheckMessage]:
    if not installation.has_bomb_limit():
        yield Caution(
            "PIL.Image.MAX_IMAGE_PIXELS is None: everything else in this project decodes pictures of any size.",
            hint="Remove the line that sets it; this library has limits of its own.",
            id="responsive_img.W012",
        )
    if installation.version() < installation.SECURE_FROM:
        wanted = ".".join(map(str, installation.SECURE_FROM))
        yield Caution(
            f"Pillow is older than {wanted}, which closed holes in decoders.",
            hint=f'pip install --upgrade "pillow>={wanted}"',
            id="responsive_img.W016",
        )


def _of_database() -> Iterator[CheckMessage]:
    alias = records.database()
    if connections[alias].vendor != "sqlite" or conf.current().build_hook != "responsive_img.hooks.enqueue":
        return
    mode = connections.settings[alias].get("OPTIONS", {}).get("transaction_mode")
    if str(mode).upper() != "IMMEDIATE":
        yield Caution(
            f"The queue is in the SQLite database {alias!r}, whose transactions start without a lock: writers that "
            "meet fail at once.",
            hint=f'DATABASES["{alias}"].setdefault("OPTIONS", {{}})["transaction_mode"] = "IMMEDIATE"',
            id="responsive_img.W013",
        )


def _of_watched() -> Iterator[CheckMessage]:
    for kind, name, choices in saving.unknown():
        near = get_close_matches(name, choices, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        yield Error(
            f"Img.queue is given an unknown {kind}: {name!r}.",
            hint=f"{hint}Choices: {', '.join(choices) or 'none'}.",
            id="responsive_img.E020",
        )


def _overwrites(storage: Storage) -> bool:
    try:
        return any(getattr(storage, name, False) is True for name in _OVERWRITING)
    except Exception:  # noqa: BLE001 - a storage that cannot be made: Django complains of it
        return False
