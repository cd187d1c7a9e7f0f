"""The model field of a focal point: the point of a picture that every crop of it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _

from responsive_img.exceptions import SpecError, quoted
from responsive_img.geometry import FocalPoint
from responsive_img.logs import log_once
from responsive_img.sources import POINTS, focal_name
from responsive_img.widgets import FocalPointFormField, to_point

if TYPE_CHECKING:
    from django.forms import Field as FormField

MAX_LENGTH = 20  # characters; "99.99% 99.99%" are 13


class _Attribute(DeferredAttribute):
    """Reads a point as soon as it is assigned; what is none stays as it is, for validation to refuse."""

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = _point_or_as_is(value)


def _point_or_as_is(value: object) -> object:
    try:
        return to_point(value)
    except SpecError:
        return value


class FocalPointField(models.Field):  # type: ignore[type-arg]  # Django has no generic when it runs
    """
    The focal point of the picture in an image field of the same model.

        headshot = models.ImageField()
        headshot_point = FocalPointField("headshot")

    Its value is a `FocalPoint`, a pair of fractions of the picture as a person sees it, origin top left; or
    None: nobody has chosen one, and crops keep the centre. A text such as "30% 70%" or a pair may be assigned.
    It is stored as such a text.
    """

    description = _("Focal point of a picture")
    descriptor_class = _Attribute
    default_error_messages = {  # noqa: RUF012 - as Django has it
        "invalid": _("“%(value)s” is no point of the picture: write two percentages such as “30%% 70%%”.")
    }

    def __init__(self, image_field: str, verbose_name: Any = None, **options: Any) -> None:
        """
        Name the image field.

        Args:
            image_field: Its name, in the same model.
            verbose_name: As of any field.
            options: As of any field; `blank` is True unless given.
        """
        self.image_field = image_field
        super().__init__(verbose_name, **{"blank": True, "max_length": MAX_LENGTH, **options})

    def deconstruct(self) -> Any:
        """Return how a migration writes it."""
        name, path, args, options = super().deconstruct()
        options["image_field"] = self.image_field
        del options["max_length"]
        if options.pop("blank", False) is False:
            options["blank"] = False
        return name, path, args, options

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """
        Tell the model which of its fields has the point of which picture.

        On the model, not on the image field: that may be the parent's, who knows nothing of this point.
        """
        super().contribute_to_class(cls, name, private_only)
        points = {image: point for image, point in getattr(cls, POINTS, {}).items() if point != name}
        setattr(cls, POINTS, {**points, self.image_field: name})

    def get_internal_type(self) -> str:
        """Say that it is stored as a `CharField`."""
        return "CharField"

    def to_python(self, value: Any) -> FocalPoint | None:
        """
        Return a point or None.

        Raises:
            ValidationError: The value is no point.
        """
        try:
            return to_point(value)
        except SpecError as error:
            message = self.error_messages["invalid"]
            raise ValidationError(message, code="invalid", params={"value": value}) from error

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Return a point or None; a text that is none as it is, for a page must not break of it."""
        found = _point_or_as_is(value)
        if isinstance(found, str):
            log_once(f"{self} holds {quoted(value)}, which is no point, so the centre is kept.")
        return found

    def get_prep_value(self, value: Any) -> Any:
        """
        Return the text that is stored.

        Raises:
            ValidationError: The value is no point.
        """
        value = super().get_prep_value(value)
        point = self.to_python(value)
        if point is None:
            return None if value is None and self.null else ""
        return str(point)

    def value_to_string(self, obj: models.Model) -> str:
        """Return the text that serializers write."""
        value = self.value_from_object(obj)
        return "" if value is None else str(value)

    def formfield(self, *args: Any, **options: Any) -> FormField | None:
        """Return the form field: the picture with a point to move, beside two numbers."""
        own = {"form_class": FocalPointFormField, "image_field": self.image_field}
        return super().formfield(*args, **{**own, **options})

    def check(self, **options: Any) -> list[CheckMessage]:
        """Return what is wrong with the field, and with the name of its image field."""
        return [*super().check(**options), *self._check_image_field()]

    def _check_image_field(self) -> Iterator[CheckMessage]:
        name, model = self.image_field, self.model._meta.label
        if not self._is_there():
            files = [field.name for field in self.model._meta.fields if isinstance(field, models.FileField)]
            near = get_close_matches(str(name), files, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Choices: {', '.join(files) or 'none'}."
            yield Error(
                f"{model} has no image field {name!r} for this focal point.",
                hint=hint,
                obj=self,
                id="responsive_img.E018",
            )
        elif focal_name(self.model, name) != self.name:
            yield Error(
                f"{model}.{name} has two focal points: this one, and {focal_name(self.model, name)!r}, which counts.",
                hint="Remove one of them.",
                obj=self,
                id="responsive_img.E018",
            )

    def _is_there(self) -> bool:
        try:
            field = self.model._meta.get_field(self.image_field)
        except FieldDoesNotExist:
            return False
        # Libraries that keep history copy a model with its file fields as texts.
        return isinstance(field, (models.FileField, models.CharField, models.TextField))
