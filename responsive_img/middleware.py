"""
The middleware: opens a collector for each request, and resolves the response's markers when it ends.

List it last, below everything that encodes, hashes, signs, minifies or measures a body.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase, StreamingHttpResponse

from responsive_img import bodies, marker, scopes
from responsive_img.collector import Collector
from responsive_img.logs import log_once
from responsive_img.streaming import Stream

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

# What networks of caches heed before Cache-Control.
_TO_NETWORKS = re.compile(r"Surrogate-Control|(?:[\w-]+-)?CDN-Cache-Control", re.IGNORECASE)
_DIRECTIVE = re.compile(r'(?:[^,"]|"[^"]*"?)+')
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
        if scopes.is_responding(request):  # listed twice: the outer one resolves
            return self.get_response(request)
        if self.is_async:
            return self._respond_async(request)
        collector = _start(request)
        try:
            with scopes.Responding(collector):
                response = cast("HttpResponseBase", self.get_response(request))
                content = _content(response, collector)
                if content is not None:
                    bodies.resolve(cast("HttpResponse", response), content, collector)
                elif collector.account.unasked and _is_to_ask(response):  # an async view behind a sync server
                    collector.resolve(())
        except BaseException:
            collector.is_open = False
            raise
        return _ended(request, response, collector)

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        collector = _start(request)
        try:
            with scopes.Responding(collector):
                response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
                content = _content(response, collector)
                # In a thread: the cache's own `aget_many` asks for one key after the other.
                if content is not None:
                    await sync_to_async(bodies.resolve)(cast("HttpResponse", response), content, collector)
                elif collector.account.unasked and _is_to_ask(response):
                    await sync_to_async(collector.resolve)(())
        except BaseException:
            collector.is_open = False
            raise
        return _ended(request, response, collector)


def _start(request: HttpRequest) -> Collector:
    collector = scopes.start(request)
    # Nobody will look at the pictures of a HEAD, so it must not cost a build.
    collector.account.is_cache_only = request.method == "HEAD"
    collector.account.unasked = set()
    return collector


def _content(response: HttpResponseBase, collector: Collector) -> bytes | None:
    """Return the body with markers of a response that is whole; None where there is nothing to resolve now."""
    if response.streaming or not bodies.may_hold_markers(response) or not _is_rendered(response):
        return None
    if bodies.is_compressed_unreadably(response):
        if collector.slots:
            bodies.warn_of_compression(response)
            collector.account.seen.update(collector.slots)
        return None
    if response.status_code >= 500:  # an error page: what has failed may be the database
        collector.account.is_cache_only = True
    return bodies.content_with_markers(cast("HttpResponse", response))


def _is_to_ask(response: HttpResponseBase) -> bool:
    """Tell whether an async view has computed with pictures that its whole page does not show; a stream asks at its end."""
    return (
        not response.streaming
        and not 300 <= response.status_code < 400
        and bodies.may_hold_markers(response)
        and _is_rendered(response)
    )


def _is_rendered(response: HttpResponseBase) -> bool:
    return bool(getattr(response, "is_rendered", True))


def _ended(request: HttpRequest, response: HttpResponseBase, collector: Collector) -> HttpResponseBase:
    """Close the collector, unless the body is still to be made, and say what is left to be built."""
    if response.streaming and bodies.may_hold_markers(response):
        _resolve_stream(cast("StreamingHttpResponse", response), collector)
    elif not _is_rendered(response):  # by a middleware further out, as it seems
        _render_within(response, collector)
        response.add_post_render_callback(  # type: ignore[attr-defined]  # a TemplateResponse
            lambda rendered: _rendered_late(request, rendered, collector)
        )
    else:
        collector.is_open = False
        _warn_of_lost(response, collector)
    return _finished(response, collector)


def _render_within(response: Any, collector: Collector) -> None:
    """Let a response be in the making when it is rendered later."""
    render = response.render

    def rendered() -> HttpResponseBase:
        del response.render  # what is stored must be picklable
        with scopes.Responding(collector):
            return cast("HttpResponseBase", render())

    response.render = rendered


def _heed_exception(request: HttpRequest, **_: object) -> None:
    """Build nothing for the page of an exception: Django may render it without its request."""
    collector = getattr(request, scopes.ATTRIBUTE, None)
    if collector is not None:
        collector.account.is_cache_only = True


got_request_exception.connect(_heed_exception, dispatch_uid="responsive_img")


def _rendered_late(request: HttpRequest, response: HttpResponse, collector: Collector) -> HttpResponseBase:
    content = _content(response, collector)
    if content is not None:
        bodies.resolve(response, content, collector)
    elif collector.account.unasked and _is_to_ask(response):
        collector.resolve(())
    return _ended(request, response, collector)


def _warn_of_lost(response: HttpResponseBase, collector: Collector) -> None:
    """Say whose markers are neither in the response nor were finalized: they went somewhere else, in a mail."""
    lost = collector.lost()
    if not lost or response.status_code in {204, 206, 304} or response.status_code >= 500:
        return
    names = ", ".join(sorted(name or "a template without a name" for name in lost))
    log_once(
        f"Pictures of {names} are not in the response whose request they were rendered with. If their text went "
        "elsewhere, such as in a mail, pass it through responsive_img.finalize()."
    )


def _finished(response: HttpResponseBase, collector: Collector) -> HttpResponseBase:
    """Say how many pictures are still to be built, and see that nobody freezes the response till then."""
    pending = len(collector.account.pending)
    response.responsive_img_pending = pending  # type: ignore[attr-defined]
    if pending:
        for header in ["Cache-Control", *filter(_TO_NETWORKS.fullmatch, response.headers)]:
            directives = [part.strip() for part in _DIRECTIVE.findall(response.headers.get(header, ""))]
            kept = [part for part in directives if part and not _FREEZING.match(part)]
            # Page caches and browsers heed this one in every release.
            response.headers[header] = ", ".join([*kept, "max-age=0"])
        for header in ("ETag", "Last-Modified", "Expires"):
            response.headers.pop(header, None)
    return response


# Streams ------------------------------------------------------------------------------------------------


def _resolve_stream(response: StreamingHttpResponse, collector: Collector) -> None:
    """Resolve a body that is made while it is sent: its tags run when the middleware has long returned."""
    if bodies.is_compressed_unreadably(response) or not bodies.is_ascii_kept(response.charset):
        collector.is_open = False  # its tags resolve at once
        return
    for name in ("Content-Length", *bodies.OF_THE_BODY):
        response.headers.pop(name, None)
    # Also where nobody has read a chunk: a generator that has not started has nothing to close. Django has no
    # public place for it.
    response._resource_closers.append(lambda: setattr(collector, "is_open", False))  # type: ignore[attr-defined]  # noqa: SLF001
    stream = Stream(collector, bodies.charset_of_markup(response.charset))
    if response.is_async:
        chunks = aiter(cast("AsyncIterator[bytes]", response.streaming_content))
        response.streaming_content = _resolved_async(response, chunks, stream, collector)
    else:
        response.streaming_content = _resolved(
            response, iter(cast("Iterator[bytes]", response.streaming_content)), stream, collector
        )


def _resolved(
    response: StreamingHttpResponse, chunks: Iterator[bytes], stream: Stream, collector: Collector
) -> Iterator[bytes]:
    responding = scopes.Responding(collector)
    try:
        while True:
            with responding:  # each is made while its response is in the making
                chunk = next(chunks, None)
                ready = b"" if chunk is None else stream.feed(chunk)
            if chunk is None:
                break
            if ready:
                yield ready
        if rest := stream.end():
            yield rest
    finally:
        collector.is_open = False
        response.responsive_img_pending = len(collector.account.pending)  # type: ignore[attr-defined]


async def _resolved_async(
    response: StreamingHttpResponse, chunks: AsyncIterator[bytes], stream: Stream, collector: Collector
) -> AsyncIterator[bytes]:
    responding = scopes.Responding(collector)
    try:
        while True:
            with responding:
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                ready = await _fed(stream, chunk)
            if ready:
                yield ready
        if rest := await sync_to_async(stream.end)():
            yield rest
    finally:
        collector.is_open = False
        response.responsive_img_pending = len(collector.account.pending)  # type: ignore[attr-defined]


async def _fed(stream: Stream, chunk: bytes) -> bytes:
    """Feed a stream: in a thread where there may be something to look up."""
    if marker.FIRST in stream.held or marker.FIRST in stream.held[-3:] + chunk:
        return await sync_to_async(stream.feed)(chunk)
    return stream.feed(chunk)
