"""The views, and their URLs; and what is wrong with a response."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import RequestFactory
from django.urls import path

from sandbox.soak.project import media, photos

SHOWN = 12  # photos on a page
_ENGINES = {"html": "django", "jinja": "jinja2"}
_URL = re.compile(r'/media/([^ ",]+)')


def some(request: HttpRequest, name: str, suffix: str) -> HttpResponse:
    """Show photos at random."""
    found = list(photos().order_by("?")[:SHOWN])
    return render(request, f"{name}.{suffix}", {"photos": found}, using=_ENGINES[suffix])


def every(request: HttpRequest, name: str) -> HttpResponse:
    """Show all photos."""
    return render(request, f"{name}.html", {"photos": list(photos().order_by("pk"))}, using="django")


urlpatterns = [path("some/<name>/<suffix>/", some), path("every/<name>/", every)]


class Response(NamedTuple):
    """What a browser gets."""

    status: str
    text: str


def get(handler: WSGIHandler, address: str) -> Response:
    """Return the response of a server to a request, connections given back as after each of its requests."""
    told: list[str] = []

    def start(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
        told.append(status)
        return lambda _: None

    response = handler(RequestFactory().get(address).environ, start)
    try:
        text = b"".join(response).decode()
    finally:
        response.close()
    return Response(told[0], text)


def names_in(text: str) -> list[str]:
    """Return the names of all files that a page shows."""
    return [unquote(name) for name in _URL.findall(text)]


def what_is_wrong(response: Response, checked: set[str]) -> list[str]:
    """
    Return in which ways a page is broken.

    Args:
        response: The page.
        checked: Names of renditions known to be whole; those found to be are added.
    """
    if not response.status.startswith("200"):
        return [f"status {response.status}"]
    text = response.text
    wrong = []
    if "RI1." in text or not text.endswith("</html>") or text.count("<img ") != text.count("<li>"):
        wrong.append(f"not whole: {text[:500]}")
    for name in names_in(text):
        file = media() / name
        if name in checked:
            continue
        if not file.exists():
            # One whose row was deleted meanwhile answered when its URL was written.
            if name.startswith("renditions/") or photos().filter(image=name).exists():
                wrong.append(f"{name} answers 404")
        elif name.startswith("renditions/"):
            if not has_both_ends(file.read_bytes()):
                wrong.append(f"{name} is half a file")
            checked.add(name)
    return wrong


def has_both_ends(content: bytes) -> bool:
    """Tell whether a JPEG or WebP goes on to its end."""
    if content.startswith(b"RIFF"):
        return len(content) == int.from_bytes(content[4:8], "little") + 8
    return content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9")
