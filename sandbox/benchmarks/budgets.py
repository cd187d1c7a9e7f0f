"""What a response asks of cache, database and storage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from django.core.cache import caches
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext

CACHE_METHODS = ("get", "get_many", "get_or_set", "set", "set_many", "add", "incr", "touch", "delete")
STORAGE_METHODS = ("open", "save", "exists", "url", "size", "path", "delete", "listdir", "get_modified_time")


@contextmanager
def counted(cache: str) -> Iterator[Counter[str]]:
    """
    Count the calls within by name: of the cache, of the default storage ("storage"), "queries".

    Args:
        cache: Alias in CACHES.
    """
    calls: Counter[str] = Counter()
    with ExitStack() as stack:
        inside: list[str] = []
        for name in CACHE_METHODS:
            _watch(stack, caches[cache], name, name, calls, inside)
        for name in STORAGE_METHODS:
            _watch(stack, storages["default"], name, "storage", calls, inside)
        queries = stack.enter_context(CaptureQueriesContext(connection))
        yield calls
        calls["queries"] = len(queries)


def _watch(
    stack: ExitStack, owner: object, method: str, label: str, calls: Counter[str], inside: list[str]
) -> None:
    """Count calls of a method of one object, but not those that it makes of its own methods."""
    original: Callable[..., Any] = getattr(owner, method)

    def call(*args: Any, **options: Any) -> Any:
        if not inside:
            calls[label] += 1
        inside.append(method)
        try:
            return original(*args, **options)
        finally:
            inside.pop()

    stack.enter_context(mock.patch.object(owner, method, call))
