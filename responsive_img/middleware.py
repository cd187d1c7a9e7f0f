"""
The middleware: opens a collector for each request, and resolves the response's markers when it ends.

List it last, below everything that encodes, hashes, signs, minifies or measures a body.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase

from responsive_img.collector import Collector, has_marker, is_responding, responding

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

# Bodies that a template can have made; never a binary one, whose lengths a longer text would falsify.
_TEXT = re.compile(r"text/|application/(json|javascript|xml)\b|[\w./-]+\+(json|xml)\b", re.IGNORECASE)

# What would let a cache keep a page, or show it when it is stale.
_FREEZING = re.compile(r"(max-age|s-maxage|stale-[\w-]+|immutable)\b", re.IGNORECASE)


class ResponsiveImgMiddleware:
    """Resolves all pictures of a response together, sync and async."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Return the response with its pictures resolved."""
        if is_responding(request):  # listed twice, or a request of a request: the outer one resolves
            return self.get_response(request)
        if self.is_async:
            return self._respond_async(request)
        with responding(request) as collector:
            response = cast("HttpResponseBase", self.get_response(request))
            if _needs_resolving(response):
                _resolve(cast("HttpResponse", response), collector)
        return _finished(response, collector)

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        with responding(request) as collector:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
            if _needs_resolving(response):
                # In a thread: the cache's own `aget_many` asks for one key after the other.
                await sync_to_async(_resolve)(cast("HttpResponse", response), collector)
        return _finished(response, collector)


def _finished(response: HttpResponseBase, collector: Collector) -> HttpResponseBase:
    """Say how many pictures are still to be built, and see that nobody freezes the response till then."""
    response.responsive_img_pending = len(collector.pending)  # type: ignore[attr-defined]
    if collector.pending:
        directives = response.headers.get("Cache-Control", "").split(",")
        kept = [part.strip() for part in directives if not _FREEZING.match(part.strip())]
        # Page caches and browsers heed this one in every release.
        response.headers["Cache-Control"] = ", ".join([*filter(None, kept), "max-age=0"])
        for header in ("ETag", "Last-Modified", "Expires"):
            response.headers.pop(header, None)
    return response


def _needs_resolving(response: HttpResponseBase) -> bool:
    """Tell whether there is a text to look at and a marker in it."""
    return (
        isinstance(response, HttpResponse)
        and not response.has_header("Content-Encoding")
        and _TEXT.match(response.headers.get("Content-Type", "")) is not None
        and has_marker(response.content)
    )


def _resolve(response: HttpResponse, collector: Collector) -> None:
    """Swap the markers of a response for markup."""
    response.content = collector.substitute(response.content, response.charset)
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))
