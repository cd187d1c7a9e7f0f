"""
How a guest is brought into Django's tests.

Many of them set MIDDLEWARE for themselves or call a middleware by hand. So the guest is not only installed
and listed, but stands below everything: at the end of each handler's chain, whatever MIDDLEWARE says, and
under each of Django's middlewares that a test makes without a handler.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from unittest import mock

import django
from django.conf import settings
from django.core.handlers import base
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from sandbox.compat.guests import Guest

_is_loading: ContextVar[bool] = ContextVar("sandbox_compat_is_loading", default=False)


class Requests:
    """How many the guest was given."""

    count = 0


class _HandlerSettings:
    """The settings as a handler is to see them: with the guest at the end of MIDDLEWARE."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        value = getattr(settings, name)
        if name == "MIDDLEWARE" and self._path not in value:
            return [*value, self._path]
        return value


def prepare(runner: str, guest: Guest | None) -> None:
    """Have Django's tests use a runner, and receive a guest, when they set Django up."""

    def setup_and_receive() -> None:
        patcher.stop()  # tests set Django up too
        settings.TEST_RUNNER = runner
        if guest is not None:
            # The lists that `runtests.py` has just set, and to which it adds the tests' own apps later.
            settings.INSTALLED_APPS.append(guest.app)
            settings.MIDDLEWARE.append(guest.middleware)
        django.setup()
        if guest is not None:
            _receive(guest)

    patcher = mock.patch("django.setup", setup_and_receive)
    patcher.start()


def _receive(guest: Guest) -> None:
    """Put a guest below every chain of middlewares, and count what comes down to it."""
    middleware = import_string(guest.middleware)
    load, init, call = base.BaseHandler.load_middleware, MiddlewareMixin.__init__, middleware.__call__

    @functools.wraps(load)
    def load_middleware(self: base.BaseHandler, *args: Any, **options: Any) -> None:
        token = _is_loading.set(True)
        try:
            load(self, *args, **options)
        finally:
            _is_loading.reset(token)

    @functools.wraps(init)
    def init_above(self: MiddlewareMixin, get_response: Callable[..., Any] | None) -> None:
        if get_response is not None and not _is_loading.get():
            get_response = middleware(get_response)
        init(self, get_response)  # type: ignore[arg-type]  # it refuses None itself, which is tested

    @functools.wraps(call)
    def counted(self: object, request: object) -> Any:
        Requests.count += 1
        return call(self, request)

    mock.patch.object(base, "settings", _HandlerSettings(guest.middleware)).start()
    mock.patch.object(base.BaseHandler, "load_middleware", load_middleware).start()
    mock.patch.object(MiddlewareMixin, "__init__", init_above).start()
    mock.patch.object(middleware, "__call__", counted).start()
    if guest.forced is not None:
        mock.patch(guest.forced, return_value=True).start()
