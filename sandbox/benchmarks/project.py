"""The project that is measured, running: its tables, caches, handlers and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import django
from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

if TYPE_CHECKING:
    from sandbox.benchmarks.models import Photo

MIDDLEWARE = ("responsive_img.middleware.ResponsiveImgMiddleware",)


def start() -> None:
    """Set Django up, and make the tables."""
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)


def answering_caches() -> dict[str, str]:
    """Return the caches to measure with, name → alias in CACHES: Redis first, where one answers."""
    try:
        caches["redis"].get("any")
    except Exception:  # noqa: BLE001 - no client installed, nobody listens, another protocol
        return {"LocMem": "default"}
    return {"Redis": "redis", "LocMem": "default"}


def tidy_redis() -> None:
    """Delete what this run has left in Redis: cached values, and Celery's own notes of its queue."""
    cache: Any = caches["redis"]
    client = cache._cache.get_client(write=True)
    for key in list(client.scan_iter(match=f"*{settings.CACHES['redis']['KEY_PREFIX']}*", count=10_000)):
        client.delete(key)


def photo_model() -> type[Photo]:
    """Return the model of the rows; by name, as it cannot be imported before Django is set up."""
    return cast("type[Photo]", apps.get_app_config("benchmarks").get_model("Photo"))


def handler(middleware: Sequence[str]) -> WSGIHandler:
    """Return a handler of requests with this middleware alone."""
    with override_settings(MIDDLEWARE=list(middleware)):
        return WSGIHandler()


def settings_of(path: str) -> override_settings:
    """Return the settings of a page, to be entered: whether it trusts what is warmed, its path says."""
    return override_settings(RESPONSIVE_IMG_CREATE_ON_DEMAND="/trusting/" not in path)


def get(used: WSGIHandler, path: str) -> HttpResponse:
    """Return the response to a request."""
    return cast("HttpResponse", used.get_response(RequestFactory().get(path)))
