from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from jinja2 import Environment


def environment(**options: Any) -> Environment:
    """Return what Django's documentation advises: Jinja2 with the functions `static` and `url`."""
    env = Environment(**options)  # noqa: S701 - Django switches autoescape on
    env.globals.update(static=static, url=reverse)
    return env
