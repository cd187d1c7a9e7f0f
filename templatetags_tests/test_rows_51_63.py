"""Threads, documents without a middleware, budgets and memory: each test bears the number of its row."""

from __future__ import annotations

import contextvars
import gc
import json
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import escape, unescape
from io import BytesIO
from typing import Any

import html5lib
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.test import RequestFactory
from django.urls import path

from responsive_img import batch, finalize
from responsive_img.testing import assert_image_lookups
from templatetags_tests.conftest import MARKUP, ONE_FILE, respond
from templatetags_tests.models import Photo
from templatetags_tests.test_asgi import Exchange, answered

LANGUAGES = ("django", "jinja2")
START = '<img data-ri="RI1.'


@pytest.fixture
def marked(render, photo, page):
    """Return a function that renders one picture, which is built, with a request."""
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP
    return lambda request, language="django": render(language, ONE_FILE, {"photo": photo}, request)


# Row 54: threads of a view ------------------------------------------------------------------------------

Part = Callable[[], str]


def _in_a_thread(part: Part) -> list[str]:
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(part())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return texts


def _in_an_executor(part: Part) -> list[str]:
    with ThreadPoolExecutor(3) as pool:
        return [future.result() for future in [pool.submit(part) for _ in range(5)]]


def _in_a_loop(part: Part) -> list[str]:
    async def made() -> str:
        return part()

    return [async_to_sync(made)()]


def _in_a_copied_context(part: Part) -> list[str]:
    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(contextvars.copy_context().run, part) for _ in range(5)]
        return [task.result() for task in tasks]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", [_in_a_thread, _in_an_executor])
@pytest.mark.parametrize("has_request", [True, False])
def test_row_54_what_a_thread_of_a_view_renders_is_resolved_at_once(marked, language, way, has_request):
    texts: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        texts.extend(way(lambda: marked(request if has_request else None, language)))
        return HttpResponse("".join([marked(request), *texts]))

    body = respond(view).content.decode()

    assert texts == [MARKUP] * 5
    assert body == MARKUP * 6


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", [_in_a_loop, _in_a_copied_context])
def test_row_54_what_keeps_the_context_of_a_view_defers(marked, language, way):
    texts: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        texts.extend(way(lambda: marked(request, language)))
        return HttpResponse("".join(texts))

    with assert_image_lookups(1):
        body = respond(view).content.decode()

    assert all(text.startswith(START) for text in texts)
    assert body == MARKUP * len(texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("keeps_context", [True, False])
def test_row_54_a_thread_that_outlives_its_response_renders_markup(marked, language, keeps_context):
    texts: list[str] = []
    is_over = threading.Event()
    threads: list[threading.Thread] = []

    def late(request: HttpRequest) -> None:
        assert is_over.wait(10)
        texts.append(marked(request, language))

    def view(request: HttpRequest) -> HttpResponse:
        run = contextvars.copy_context().run if keeps_context else lambda call, *args: call(*args)
        threads.append(threading.Thread(target=run, args=(late, request)))
        threads[0].start()
        return HttpResponse(marked(request, language))

    body = respond(view).content.decode()
    is_over.set()
    threads[0].join()

    assert (body, texts) == (MARKUP, [MARKUP])


# Row 53: documents that no middleware sees --------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("has_request", [True, False])
def test_row_53_a_document_for_a_pdf_is_given_final_markup(marked, language, has_request):
    request = RequestFactory().get("/") if has_request else None

    document = f"<!doctype html><title>Invoice</title>{marked(request, language)}"

    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    (found,) = parser.parse(document).iter("img")
    assert found.attrib["src"].startswith("/media/renditions/")
    assert finalize(document) is document


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_53_a_document_that_a_view_makes_of_its_page_is_given_final_markup(marked, language, log):
    documents: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        page = marked(request, language)
        documents.append(finalize(page))
        return HttpResponse(b"%PDF-" + documents[0].encode(), content_type="application/pdf")

    response = respond(view)

    assert documents == [MARKUP]
    assert response.content == b"%PDF-" + MARKUP.encode()
    assert log() == []


def test_row_53_many_pictures_of_a_document_are_one_lookup_in_a_batch(marked):
    with assert_image_lookups(1), batch() as images:
        parts = [marked(None) for _ in range(5)]
        document = images.finalize("".join(parts))

    assert all(part.startswith(START) for part in parts)
    assert document == MARKUP * 5


class Consumer:
    """What Django Channels runs: no HTTP request and no middleware, but a scope that lives long."""

    def __init__(self, render: Callable[..., str]) -> None:
        self.render = render
        self.scope = {"type": "websocket", "path": "/"}
        self.sent: list[str] = []

    async def receive(self, has_scope: bool) -> None:
        values = self.scope if has_scope else None
        self.sent.append(await sync_to_async(self.render)(values))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("has_scope", [True, False])
def test_row_53_what_a_consumer_sends_is_final_markup(marked, language, has_scope):
    consumer = Consumer(lambda values: marked(values, language))

    for _ in range(2):
        async_to_sync(consumer.receive)(has_scope)

    assert consumer.sent == [MARKUP] * 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_53_a_fragment_that_was_kept_with_markers_is_final_once_it_is_finalized(marked, language):
    kept: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        kept.append(marked(request, language))
        return HttpResponse(kept[0])

    assert respond(view).content.decode() == MARKUP
    assert kept[0].startswith(START)
    assert finalize(kept[0]) == MARKUP


# Row 61: round trips ------------------------------------------------------------------------------------

COUNT = 12
EACH = "{% for photo in photos %}BODY{% endfor %}"
LOAD = {"django": "{% load responsive_img %}", "jinja2": ""}
IMG = "{% img photo.image width=20 alt=photo.title %}"
PIC = "{% img photo.image width=20 alt=photo.title as pic %}"
KINDS = {
    "element": IMG,
    "as": PIC + '<a href="{{ pic.url }}" data-size="{{ pic.width }}x{{ pic.height }}">{{ pic }}</a>',
    "as, srcset": '{% img photo.image widths="10 20" alt="" as pic %}<img srcset="{{ pic.srcset }}" sizes="{{ pic.sizes }}">',
    "img_url": '<a href="{% img_url photo.image width=20 format="webp" %}">',
    "img_url as": '{% img_url photo.image width=20 format="webp" as url %}<p style="background: url({{ url }})">',
    "escaped": PIC + "<textarea>{{ pic|forceescape }}</textarea>",
    "mixed": IMG + PIC + "{{ pic.url }}{% img_url photo.image width=30 %}{{ pic|forceescape }}",
}


def page_view(language: str, kind: str) -> Callable[..., Any]:
    """Return a view of a page of many pictures."""
    body = KINDS[kind].replace("forceescape", "force_escape" if language == "django" else "forceescape")
    template = engines[language].from_string(LOAD[language] + EACH.replace("BODY", body))

    def view(request: HttpRequest) -> HttpResponse:
        # As the fixture made them, so that the view itself costs no query.
        return HttpResponse(template.render({"photos": PHOTOS}, request))

    return view


def json_view(language: str) -> Callable[..., Any]:
    """Return a view of JSON that holds markup, each picture's in a string of its own."""
    template = engines[language].from_string(LOAD[language] + IMG)

    def view(request: HttpRequest) -> JsonResponse:
        return JsonResponse({photo.title: template.render({"photo": photo}, request) for photo in PHOTOS})

    return view


PHOTOS: list[Photo] = []


@pytest.fixture
def photos(make_photo, settings):
    """Make the pictures of the pages; what is in their files does not matter here."""
    settings.RESPONSIVE_IMG_ENGINE = "responsive_img.testing.FakeEngine"
    PHOTOS[:] = [make_photo(f"photos/{number}.jpg", title=f"Photo {number}") for number in range(COUNT)]
    yield PHOTOS
    PHOTOS.clear()


@pytest.fixture
def get(client, settings, unclosed_connection):
    """Return a function that asks a view for its page, in sync or through the ASGI handler."""

    def got(view: Any, mode: str) -> str:
        settings.ROOT_URLCONF = (path("", view if mode == "sync" else sync_to_async(view)),)
        if mode == "sync":
            response = client.get("/")
            assert response.responsive_img_pending == 0
            return str(response.content.decode())
        return async_to_sync(answered)(ASGIHandler(), Exchange()).body

    return got


@pytest.fixture
def assert_budget(get, photos, cache_calls, storage_calls, our_queries):
    """Return a function that checks what a page costs whose pictures are built, with and without the cache."""

    def checked(view: Any, mode: str) -> str:
        built = get(view, mode)
        cache.clear()
        for calls in (cache_calls, storage_calls):
            calls.clear()
        with our_queries() as flushed_queries:
            flushed = get(view, mode)
        flushed_calls = Counter(cache_calls)
        cache_calls.clear()
        with our_queries() as warm_queries:
            warm = get(view, mode)

        assert flushed_calls == {"get_many": 1, "set_many": 1}
        assert len(flushed_queries) == 1
        assert cache_calls == {"get_many": 1}
        assert (warm_queries, dict(storage_calls)) == ([], {})
        assert warm == flushed == built
        assert "RI1." not in warm
        return str(warm)

    return checked


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_row_61_a_page_costs_one_lookup_however_its_pictures_are_printed(assert_budget, mode, language, kind):
    html = assert_budget(page_view(language, kind), mode)

    for photo in PHOTOS:
        assert f"/{str(photo.image).removesuffix('.jpg')}-" in html


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_61_so_does_json(assert_budget, mode, language):
    read = json.loads(assert_budget(json_view(language), mode))

    assert list(read) == [photo.title for photo in PHOTOS]
    for title, html in read.items():
        assert f'alt="{title}"' in html
        assert html.startswith("<picture>")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("levels", [1, 2])
def test_row_61_so_does_a_page_that_is_escaped_as_a_whole(assert_budget, language, levels):
    # A value is escaped by its template already.
    inner = page_view(language, "as" if levels == 1 else "element")

    def escaped(text: str) -> str:
        for _ in range(levels):
            text = escape(text)
        return text

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(escaped(inner(request).content.decode()))

    html = assert_budget(view, "sync")

    for _ in range(levels):
        html = unescape(html)
    assert html == respond(inner).content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_row_61_on_redis_a_warm_page_is_one_mget(get, redis, photos, language, kind):
    view = page_view(language, kind)
    get(view, "sync")

    redis.config_resetstat()
    get(view, "sync")
    stats = {name: each["calls"] for name, each in redis.info("commandstats").items()}

    assert stats.pop("cmdstat_mget") == 1
    noise = {"cmdstat_config|resetstat", "cmdstat_info", "cmdstat_client|setinfo", "cmdstat_select"}
    assert stats.keys() <= noise


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_61_what_is_computed_with_is_looked_up_with_all_before_it(get, photos, language):
    end = "{% if pic.width > 10 %}{{ pic.is_built }}{% endif %}{% if pic.height == 10 %}{{ pic.width }}{% endif %}"
    template = engines[language].from_string(LOAD[language] + EACH.replace("BODY", IMG) + PIC + end)

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(template.render({"photos": PHOTOS, "photo": PHOTOS[0]}, request))

    get(view, "sync")
    with assert_image_lookups(1):
        html = get(view, "sync")

    assert html.endswith("True20")
    assert html.count("<picture>") == COUNT


# Row 63: memory -----------------------------------------------------------------------------------------

WARM_UP, REQUESTS = 300, 2000
LIMIT = 100_000  # bytes


def test_row_63_thousands_of_requests_on_one_handler_leave_nothing(
    marked, settings, photo, unclosed_connection
):
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]
    settings.ALLOWED_HOSTS = ["testserver"]
    text = ONE_FILE.replace('alt=""', "alt=title") + PIC.replace("photo.title", "title")
    text += "{{ pic.url }}{{ pic }}"
    templates = [engines[language].from_string(LOAD[language] + text) for language in LANGUAGES]

    def view(request: HttpRequest, number: int) -> HttpResponse:
        # Another title each time: what remembers a text would be seen.
        values = {"photo": photo, "title": f"Request {number}"}
        return HttpResponse(templates[number % 2].render(values, request))

    settings.ROOT_URLCONF = (path("<int:number>/", view),)
    handler: Any = WSGIHandler()

    def ask(number: int) -> None:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": f"/{number}/",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "http",
        }
        statuses: list[str] = []
        response = handler(environ, lambda status, headers: statuses.append(status))
        body = b"".join(response)
        close_body(response)
        assert statuses == ["200 OK"]
        assert body.count(f'alt="Request {number}"'.encode()) == 2
        assert b"RI1." not in body

    for number in range(WARM_UP):
        ask(number)
    gc.collect()
    tracemalloc.start()
    try:
        ask(WARM_UP)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(REQUESTS):
            ask(number)
        gc.collect()
        growth = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert growth < LIMIT


def close_body(response: Any) -> None:
    """Close as `close` does, without the signal that closes the test's database connection."""
    for close in response._resource_closers:
        close()


def test_row_63_what_is_kept_would_be_seen():
    kept: list[bytes] = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept.extend(bytes(100) for _ in range(REQUESTS))
        growth = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert growth > LIMIT
    assert len(kept) == REQUESTS
