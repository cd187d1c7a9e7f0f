"""
The bar at the foot of each page: what this very response has cost, counted and not claimed.

A cache, a storage and a database wrapper count the calls that are made while the response is in the making;
the middleware writes their number into the finished page.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

PLACE = b"<!--meter-->"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Meter:
    """
    The calls of one response.

    Attributes:
        calls: How many there were of each kind.
        is_counting: False within a counted call: what that calls in its turn is a part of it.
    """

    calls: Counter[str] = field(default_factory=Counter)
    is_counting: bool = True

    def count_query(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Count a query by the tables it touches; Django calls this in place of executing it."""
        if "responsive_img_" in sql:
            self.calls["picture query"] += 1
        elif "gallery_" in sql:
            self.calls["gallery query"] += 1
        return execute(sql, params, many, context)


_meter: ContextVar[Meter] = ContextVar("meter")


def counted(kind: str, method: Callable[P, R]) -> Callable[P, R]:
    """Return the method with a counter of its calls."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        meter = _meter.get(None)
        if meter is None or not meter.is_counting:
            return method(*args, **kwargs)
        meter.calls[kind] += 1
        meter.is_counting = False
        try:
            return method(*args, **kwargs)
        finally:
            meter.is_counting = True

    return call


CACHE_METHODS = {
    "cache lookup": ("get", "get_many", "has_key"),
    "cache write": ("add", "set", "set_many", "touch", "incr", "delete", "delete_many"),
}


def metered(backend: type[BaseCache]) -> type[BaseCache]:
    """Return a cache that counts reads and writes; a `get_many` is one lookup, however many keys it is given."""
    methods = {
        name: counted(kind, getattr(backend, name)) for kind, names in CACHE_METHODS.items() for name in names
    }
    return type(f"Metered{backend.__name__}", (backend,), methods)


MeteredCache = metered(LocMemCache)
MeteredFileCache = metered(FileBasedCache)
MeteredRedisCache = metered(RedisCache)


class MeteredStorage(FileSystemStorage):
    """Counts what touches the disk. `url` does not, and responsive_img looks whether it is Django's own."""

    open = counted("storage call", FileSystemStorage.open)
    save = counted("storage call", FileSystemStorage.save)
    delete = counted("storage call", FileSystemStorage.delete)
    exists = counted("storage call", FileSystemStorage.exists)
    listdir = counted("storage call", FileSystemStorage.listdir)
    size = counted("storage call", FileSystemStorage.size)
    get_modified_time = counted("storage call", FileSystemStorage.get_modified_time)


class MeterMiddleware:
    """Puts the bar into pages that have a place for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meter = Meter()
        token = _meter.set(meter)
        started = perf_counter()
        try:
            with connection.execute_wrapper(meter.count_query):
                response = self.get_response(request)
        finally:
            _meter.reset(token)
        if isinstance(response, HttpResponse) and PLACE in response.content:
            seconds = perf_counter() - started
            response.content = response.content.replace(PLACE, bar(response, meter.calls, seconds).encode())
            if response.has_header("Content-Length"):
                response.headers["Content-Length"] = str(len(response.content))
        return response


def bar(response: HttpResponse, calls: Counter[str], seconds: float) -> str:
    """Return the bar as HTML; nothing in it would have to be escaped."""
    parts = [
        amount(response.content.count(b"<img "), "picture"),
        amount(calls["cache lookup"], "lookup"),
        f"{amount(calls['picture query'], 'query', 'queries')} for pictures",
        amount(calls["storage call"], "storage call"),
        f"{seconds * 1000:.1f} ms",
        f'<a href="{reverse("queue")}">{getattr(response, "responsive_img_pending", 0)} still to be built</a>',
        f"{amount(calls['gallery query'], 'query', 'queries')} for the gallery itself",
    ]
    if calls["cache write"]:
        parts.append(amount(calls["cache write"], "cache write"))
    return " · ".join(parts)


def amount(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
