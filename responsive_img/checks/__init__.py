"""System checks: what would go wrong later, said before, each with a hint to paste. docs/checks.md explains them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage

from responsive_img.checks import caching, order, surroundings, values


def check(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return what is wrong with the middleware's place, the caches, the settings, and what is around."""
    # Django keeps the check when a test takes the app out; there is no table to ask then.
    return list(_messages()) if apps.is_installed("responsive_img") else []


def _messages() -> Iterator[CheckMessage]:
    yield from order.messages()
    yield from values.messages()
    yield from caching.messages()
    yield from surroundings.messages()
