"""The views, and their URLs: each reads its rows in one query and renders one template."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from sandbox.benchmarks import yardsticks
from sandbox.benchmarks.project import photo_model

SUFFIXES = {"Django": "html", "Jinja2": "jinja"}
ENGINES = {"Django": "django", "Jinja2": "jinja2"}
PLAIN_SIZE = 200 * 1024  # bytes
ROWS_PER_PIECE = 7


def page_of(pieces: Sequence[str] = ()) -> bytes:
    """Return an ordinary page with hand-written images, and other pieces spread over it."""
    row = (
        '<li class="entry"><a href="/entries/{0}/"><img src="/media/photos/{0}.jpg" width="400" height="300"'
        ' alt="" loading="lazy"></a><p>Entry {0}: boats leave the harbour before the fog has gone, and the'
        " town is up to see them off.</p></li>\n"
    )
    rows = [row.format(number) for number in range(1000)]
    for number, piece in enumerate(pieces):
        rows[number * ROWS_PER_PIECE] += piece
    text = f"<!doctype html><html><body><ul>\n{''.join(rows)}"
    return text[: PLAIN_SIZE - 20].encode() + b"</ul></body></html>"


PLAIN = page_of()


def page(request: HttpRequest, language: str, contestant: str, cache: str, count: int) -> HttpResponse:
    """Show the first `count` photos."""
    photos = photo_model().objects.order_by("pk")[:count]
    context: dict[str, object] = {"heading": "Harbours", "photos": photos}
    if contestant == "manifest":
        context["manifest"] = yardsticks.lookup(caches[cache], photos)
    template = f"{contestant}.{SUFFIXES[language]}"
    return render(request, template, context, using=ENGINES[language])


def single(request: HttpRequest, contestant: str, key: int) -> HttpResponse:
    """Show one photo."""
    photos = photo_model().objects.filter(pk=key)
    return render(request, f"{contestant}.html", {"heading": "Harbour", "photos": photos}, using="django")


def several(request: HttpRequest, first: int, count: int) -> HttpResponse:
    """Show `count` photos from the key `first` on."""
    photos = photo_model().objects.filter(pk__gte=first).order_by("pk")[:count]
    return render(request, "ours.html", {"heading": "Harbours", "photos": photos}, using="django")


def plain(request: HttpRequest) -> HttpResponse:
    """Show no photo of ours."""
    return HttpResponse(PLAIN)


urlpatterns = [
    path("page/<language>/<contestant>/<cache>/<int:count>/", page),
    path("single/<contestant>/<int:key>/", single),
    path("several/<int:first>/<int:count>/", several),
    path("plain/", plain),
]
