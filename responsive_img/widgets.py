"""
The form field of a focal point, and its widget: two numbers, and where scripts run the picture with a point to move.

Nothing inline, neither script nor style, so that a strict Content-Security-Policy may stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from responsive_img import arguments, conf, defaults
from responsive_img.exceptions import SpecError
from responsive_img.geometry import FocalPoint

# Of a fraction: two decimals of a percentage, a px of ten thousand.
DIGITS = 4
# As other fields of a point store it.
_FRACTIONS = re.compile(r"([01](?:\.[0-9]+)?)x([01](?:\.[0-9]+)?)")
MAX_CROPS = 3
# Shown where no preset crops.
USUAL_CROPS = {"1 : 1": Fraction(1), "16 : 9": Fraction(16, 9), "3 : 4": Fraction(3, 4)}


def to_point(value: object) -> FocalPoint | None:
    """
    Return the point that a value stands for, None for none.

    Args:
        value: A text such as "30% 70%" or "0.3x0.7", a pair of fractions, None or "".

    Raises:
        SpecError: It is none of these.
    """
    if value is None:
        return None
    return _known_point(value) if isinstance(value, (str, FocalPoint)) else _read(value)


def _read(value: object) -> FocalPoint | None:
    fractions = _FRACTIONS.fullmatch(value) if isinstance(value, str) else None
    value = fractions.groups() if fractions else value
    point = None if value == "" else arguments.read({"focal": value}).focal
    return None if point is None else FocalPoint(round(point.x, DIGITS), round(point.y, DIGITS))


# Each row of a list has one, as text.
_known_point = lru_cache(maxsize=4096)(_read)


def crops() -> dict[str, float]:
    """Return label → width over height of a few crops that follow the point: of presets, else usual ones."""
    config = conf.current()
    found: dict[Fraction, str] = {}
    for name in config.presets:
        with suppress(SpecError):  # a list for the warmer, or a preset that the system check complains of
            told = config.preset(name).spec
            spec = defaults.effective(told, config.defaults)
            if told.focal is None and spec.focal is not None and spec.box_ratio is not None:
                found.setdefault(spec.box_ratio, name)
    labelled = {name: ratio for ratio, name in found.items()} or USUAL_CROPS
    return {name: float(ratio) for name, ratio in list(labelled.items())[:MAX_CROPS]}


class FocalPointWidget(forms.MultiWidget):
    """
    Two numbers, in percent from the left and from the top.

    Attributes:
        picture: URL of the picture that is stored; "": there is none yet.
        image_field: Name of the form field that it is chosen with.
    """

    template_name = "responsive_img/focal_point.html"
    use_fieldset = True
    picture = ""
    image_field = ""

    class Media:
        css: Mapping[str, Sequence[str]] = {"all": ["responsive_img/focal_point.css"]}
        js = ("responsive_img/focal_point.js",)

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = {"min": 0, "max": 100, "step": "any", "inputmode": "decimal", **(attrs or {})}
        super().__init__([forms.NumberInput(number), forms.NumberInput(number)], attrs)

    def decompress(self, value: object) -> list[float | None]:
        """Return the two percentages of a point."""
        with suppress(SpecError):
            if point := to_point(value):
                return [_percentage(side) for side in point]
        return [None, None]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the labels of the numbers, and what the script works with."""
        # A pair of fractions would pass for two numbers.
        numbers = value if isinstance(value, list) else self.decompress(value)
        context = super().get_context(name, numbers, attrs)
        labels = (_("% from the left"), _("% from the top"))
        for part, label in zip(context["widget"]["subwidgets"], labels, strict=True):
            part["label"] = label
        context["widget"]["options"] = json.dumps(
            {
                "picture": self.picture,
                "field": name.rpartition("-")[2],
                "image": self.image_field,
                "crops": crops(),
                "label": gettext("Focal point"),
                "place": gettext("{x} % from the left, {y} % from the top"),
                "hint": gettext("Click or drag the point that crops keep, or move it with the arrow keys."),
                "centre": gettext("Back to the centre"),
            }
        )
        return context


def _percentage(fraction: float) -> float:
    percentage = round(fraction * 100, DIGITS - 2)
    return int(percentage) if percentage == int(percentage) else percentage


class FocalPointFormField(forms.MultiValueField):
    """A focal point in a form; its value is a point, or None."""

    widget = FocalPointWidget
    default_error_messages = {"half": _("Give both numbers, or neither for the centre.")}  # noqa: RUF012 - as Django has it

    def __init__(self, *, image_field: str = "", **options: Any) -> None:
        sides = [forms.FloatField(min_value=0, max_value=100, required=False) for _ in range(2)]
        super().__init__(sides, require_all_fields=False, **options)
        self.image_field = image_field

    def compress(self, percentages: Sequence[float | None]) -> FocalPoint | None:
        """Return the point of two percentages."""
        given = [percentage for percentage in percentages if percentage is not None]
        if len(given) == 1:
            raise ValidationError(self.error_messages["half"], code="half")
        return to_point([percentage / 100 for percentage in given]) if given else None

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        """Tell the widget, which is this form's own, what picture the form's instance has."""
        widget: Any = self.widget
        widget.picture = _url(getattr(getattr(form, "instance", None), self.image_field, None))
        widget.image_field = self.image_field
        return super().get_bound_field(form, field_name)


def _url(file: Any) -> str:
    """Return the URL of a file that is in its storage; "" for any other."""
    if not file or getattr(file, "_committed", False) is not True:
        return ""
    try:
        return str(file.url)
    except Exception:  # noqa: BLE001 - a storage raises what it likes; the numbers work without the picture
        return ""
