"""
Scenario M: markers of another request, as a stored page or fragment has them, in a page of 200 KB.

No request of this scenario has left them, so each is found, its signature verified and its payload read.
*known* is told beforehand what the cache would say, so that nothing is looked up; *chunked* is the same page
as a stream in chunks of 4 KB, each with a lookup of its own where a marker is in it. All responses pass the
real middleware, and are the same bytes, which is checked before anything is timed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import get_template
from django.test import RequestFactory, override_settings

from responsive_img import batch
from responsive_img.addresses import Told
from responsive_img.collector import Collector
from responsive_img.manifest import Manifest
from responsive_img.middleware import ResponsiveImgMiddleware
from responsive_img.scopes import ATTRIBUTE
from sandbox.benchmarks import rounds
from sandbox.benchmarks.pages import PLAIN_SIZE, page_of
from sandbox.benchmarks.photos import fill
from sandbox.benchmarks.project import MIDDLEWARE, handler, photo_model
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import CLOCKS, Figure
from sandbox.benchmarks.verdicts import WrongPageError

COUNT = 100  # markers
CHUNK = 4096  # bytes
SUBSTITUTION = 1.0  # ms
BESIDE_WHOLE = 1.5

# A stream asks the cache once for each chunk with markers, so on a server its round trips are most of it.
_NAMES = {"known": "no lookup", "Redis": "Redis (for comparison)", "LocMem": "LocMem (for comparison)"}

View = Callable[[HttpRequest], HttpResponseBase]
Call = Callable[[], object]


class Stored(NamedTuple):
    """
    A page with markers of another request.

    Attributes:
        page: As it is stored.
        markup: As a visitor gets it.
        known: What the cache would say of its pictures.
    """

    page: bytes
    markup: bytes
    known: dict[Told, Manifest]


def run(caches: dict[str, str], clock: str, *, count: int) -> Report:
    """
    Measure pages with markers of another request.

    Args:
        caches: Name → alias in CACHES.
        clock: Name in `CLOCKS`.
        count: Rounds.

    Raises:
        WrongPageError: A page is not what it should be.
    """
    fill(handler(MIDDLEWARE), COUNT)
    stored = _stored()
    times = _measured(
        {
            "substitute": partial(_substituted, stored.page, stored),
            "substitute, in JSON": partial(_substituted, json.dumps(stored.page.decode()).encode(), stored),
            "whole, bare": partial(_sent, _whole(stored)),
            "chunked, bare": partial(_sent, _chunked(stored)),
            **_responses(stored, "known", is_known=True),
        },
        clock,
        count,
    )
    for name, alias in caches.items():
        with override_settings(RESPONSIVE_IMG_CACHE=alias):
            calls = _responses(stored, name, is_known=False)
            calls[f"lookup, {name}"] = partial(Collector().look_up, list(stored.known))
            times |= _measured(calls, clock, count)
    return _report(times, ["known", *caches])


def _measured(calls: dict[str, Call], clock: str, count: int) -> dict[str, list[float]]:
    return rounds.measure({name: rounds.repeated(call, CLOCKS[clock]) for name, call in calls.items()}, count)


def _report(times: dict[str, list[float]], ways: list[str]) -> Report:
    in_ms = {name: Figure(*[1e3 * each for each in rounds.figure(values)]) for name, values in times.items()}
    chunked = {way: rounds.ratio(times[f"chunked, {way}"], times[f"whole, {way}"]) for way in ways}
    text = table(
        f"M. Page of {PLAIN_SIZE // 1024} KB with {COUNT} markers of another request: ms (quartiles)",
        ("", "ms"),
        [(name, with_spread(found, ".3f")) for name, found in in_ms.items()],
    )
    targets = [
        Target(f"{COUNT} markers of another request, no lookup", in_ms["substitute"], SUBSTITUTION, "ms"),
        *[
            Target(
                f"the same page in chunks of {CHUNK // 1024} KB ÷ whole, {_NAMES.get(way, way)}",
                found,
                BESIDE_WHOLE,
            )
            for way, found in chunked.items()
        ],
    ]
    data = {
        "ms": {name: found._asdict() for name, found in in_ms.items()},
        "chunked": {way: found._asdict() for way, found in chunked.items()},
    }
    return Report(text, targets, data)


# What is measured ---------------------------------------------------------------------------------------


def _stored() -> Stored:
    """Return the page, checked."""
    template = get_template("piece.html", using="django")
    with batch() as images:
        page = page_of([template.render({"photo": photo}) for photo in photo_model().objects.order_by("pk")])
        markup = images.finalize(page.decode()).encode()
    if page.count(b"RI1.") != COUNT or markup.count(b"<picture>") != COUNT:
        raise WrongPageError(f"not {COUNT} markers in the page, or pictures in what it becomes")
    stored = Stored(page, markup, Collector().look_up([slot[0] for slot in images.slots.values()]))
    if _substituted(page, stored) != markup:
        raise WrongPageError("markers of another request do not become what their own would make of them")
    in_json = _substituted(json.dumps(page.decode()).encode(), stored)
    if json.loads(in_json).count("<picture>") != COUNT:
        raise WrongPageError("a marker in JSON is left")
    return stored


def _substituted(content: bytes, stored: Stored) -> bytes:
    """Return what a collector without markers of its own makes of a text, without a lookup."""
    collector = Collector()
    collector.known = stored.known
    return collector.substitute(content)


def _responses(stored: Stored, way: str, *, is_known: bool) -> dict[str, Call]:
    """Return what sends the page whole and in chunks through the middleware, checked."""
    calls: dict[str, Call] = {}
    for name, view in (("whole", _whole(stored, is_known)), ("chunked", _chunked(stored, is_known))):
        middleware = cast("View", ResponsiveImgMiddleware(view))
        for _ in range(2):  # the first one gives the cache what it does not know
            if _sent(middleware) != stored.markup:
                raise WrongPageError(f"{name}, {way}: not the page with its pictures")
        calls[f"{name}, {way}"] = partial(_sent, middleware)
    return calls


def _whole(stored: Stored, is_known: bool = False) -> View:
    def view(request: HttpRequest) -> HttpResponse:
        _tell(request, stored, is_known)
        return HttpResponse(stored.page)

    return view


def _chunked(stored: Stored, is_known: bool = False) -> View:
    chunks = [stored.page[start : start + CHUNK] for start in range(0, len(stored.page), CHUNK)]

    def view(request: HttpRequest) -> StreamingHttpResponse:
        _tell(request, stored, is_known)
        return StreamingHttpResponse(chunks)

    return view


def _tell(request: HttpRequest, stored: Stored, is_known: bool) -> None:
    if is_known:
        getattr(request, ATTRIBUTE).known = stored.known


def _sent(respond: View) -> bytes:
    """Return the body that a server would send."""
    response = respond(RequestFactory().get("/"))
    return b"".join(cast("Iterable[bytes]", response))
