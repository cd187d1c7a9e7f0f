"""
Pictures in Python: `Img` says what is asked for, and bound to a source it gives what a template would show.

    thumbnail = Img(width=300, format="webp")
    thumbnail(product.image, alt=product.name).as_html()
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from typing import Any, NoReturn, Self

from django.db.models import FileField, ImageField, Model

from responsive_img import saving, signals
from responsive_img.bound import NOT_GIVEN, BoundImg, ImageBatch, look_up
from responsive_img.options import Preset, laid_over, read_preset
from responsive_img.sources import focal_name


class Img:
    """
    What is asked for of any source: the arguments of the tag. Immutable; equal when they tell the same.

    It can be made and extended before Django's apps are ready, in `models.py` or `apps.py`.

    Attributes:
        preset: The options, read.
        batch: What its bound images are added to.
    """

    __slots__ = ("batch", "preset")

    batch: ImageBatch | None
    preset: Preset
    # Templates call what they can; this one is a preset there.
    do_not_call_in_templates = True

    def __init__(self, *, batch: ImageBatch | None = None, **options: object) -> None:
        """
        Read the options.

        Raises:
            SpecError: One is unknown, malformed, or contradicts another one.
        """
        object.__setattr__(self, "batch", batch)
        object.__setattr__(self, "preset", read_preset(options, partial=True))

    def extend(self, **options: object) -> Self:
        """
        Return an `Img` with these options laid over its own; what contradicts them gives way.

        Raises:
            SpecError: One is unknown, malformed, or contradicts another one.
        """
        extended = type(self)(batch=self.batch)
        object.__setattr__(extended, "preset", laid_over(read_preset(options, partial=True), self.preset))
        return extended

    def __call__(
        self, source: object, *, alt: object = NOT_GIVEN, build: str | None = None, immediate: bool = False
    ) -> BoundImg:
        """
        Return the picture of a source; nothing is read or looked up yet.

        Args:
            source: A file of a model, a name in the default storage, or "static:" and a static file's path.
            alt: Needed by `as_html` alone, where `Img` has none.
            build: What is built in this process, at the first access: "src", "srcset" or "all".
            immediate: It is looked up, and built, now.

        Raises:
            SpecError: `build` is none of these.
        """
        preset = self.preset if build is None else self.extend(build=build).preset
        bound = BoundImg(preset, source, alt=alt, batch=self.batch)
        if self.batch is not None:
            self.batch.add(bound)
        if immediate:
            look_up([bound])
        return bound

    def queue(
        self,
        model: type[Model] | str,
        fields: type[FileField] | Collection[str] | None = ImageField,
        build: str | None = None,
        send_signal: bool = True,
        dispatch_uid: object = None,
    ) -> None:
        """
        Have the pictures of a model's files built, or queued, whenever it is saved.

        Unlike a signal of Django's it also hears of saves through a proxy or a child of the model, as they save
        the same fields; fields that a child adds need a registration of the child.

        Args:
            model: The model, or "app.Model".
            fields: A class of fields, names of fields, or None for every file field.
            build: What is built in this process, on commit: "src", "srcset" or "all"; None: the hook decides.
            send_signal: Whether `queued_img` is sent for what goes to the hook.
            dispatch_uid: Of the registration; a second one with the same takes its place.

        Raises:
            SpecError: `build` is none of these, or there is no such model or file field; before the models are
                loaded, that is left to the system check.
        """
        img = self if build is None else self.extend(build=build)
        if fields is not None and not isinstance(fields, type):
            fields = (fields,) if isinstance(fields, str) else tuple(fields)
        names = fields if isinstance(fields, tuple) else ()

        def saved(instance: Model, own: Collection[FileField], update_fields: Collection[str] | None) -> None:
            wanted = [
                field
                for field in own
                if _is_among(field, fields) and _is_saved(type(instance), field, update_fields)
            ]
            images = [BoundImg(img.preset, file) for file in saving.files(instance, wanted)]
            with nullcontext() if send_signal else signals.muted():
                look_up(images, is_shown=False)

        uid = f"{dispatch_uid or (img.preset, fields, send_signal)!r}"
        saving.watch(model, uid, saved, fields=names)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"An Img does not change; extend({name}=…) gives another one.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("An Img does not change.")

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_preset, (type(self), self.preset)  # a batch stays where it is

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Img) and self.preset == other.preset

    def __hash__(self) -> int:
        return hash(self.preset)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.preset.spec.text or 'as large as the source'}>"


def _of_preset(kind: type[Img], preset: Preset) -> Img:
    made = kind()
    object.__setattr__(made, "preset", preset)
    return made


def _is_saved(model: type[Model], field: FileField, update_fields: Collection[str] | None) -> bool:
    """Tell whether a save may have changed the pictures of a field: its file, or its focal point."""
    return update_fields is None or not {field.name, focal_name(model, field.name)}.isdisjoint(update_fields)


def _is_among(field: FileField, fields: type[FileField] | Collection[str] | None) -> bool:
    if fields is None:
        return True
    if isinstance(fields, type):
        return isinstance(field, fields)
    return field.name in fields
