from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.core.signals import got_request_exception
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.safestring import SafeString

from responsive_img import account, batch, finalize, immediate
from responsive_img.middleware import ResponsiveImgMiddleware
from responsive_img.scopes import ATTRIBUTE
from templatetags_tests.conftest import MARKUP, ONE_FILE, respond
from templatetags_tests.test_building import CountingEngine

START = b'<img data-ri="RI1.'


def arespond(view: Any) -> Any:
    async def run():
        response: Any = ResponsiveImgMiddleware(view)(AsyncRequestFactory().get("/"))
        return await response

    return async_to_sync(run)()


@pytest.fixture
def marked(render, photo):
    """Return a function that gives the marker of a picture for a request."""
    return lambda request: render("django", ONE_FILE, {"photo": photo}, request)


def test_the_middleware_is_as_async_as_what_stands_below_it():
    async def view(request):
        return HttpResponse()  # pragma: no cover - never called

    below = ResponsiveImgMiddleware(view)

    assert iscoroutinefunction(below)
    assert not iscoroutinefunction(ResponsiveImgMiddleware(lambda request: HttpResponse()))
    assert ResponsiveImgMiddleware.sync_capable
    assert ResponsiveImgMiddleware.async_capable


def test_an_async_response_is_resolved(marked):
    async def view(request):
        await asyncio.sleep(0)
        return HttpResponse(marked(request))

    response = arespond(view)

    assert response.content.decode() == MARKUP
    assert response.responsive_img_pending == 0


def test_an_async_response_without_pictures_is_not_looked_at(cache_calls):
    async def view(request):
        return HttpResponse("no picture")

    response = arespond(view)

    assert response.content == b"no picture"
    assert not cache_calls


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "text/html; charset=utf-8",
        "text/plain",
        "TEXT/HTML",
        "application/xhtml+xml",
        "application/rss+xml; charset=utf-8",
        "application/ld+json",
        "application/json",
        "application/xml",
        "application/javascript",
        "text/vnd.turbo-stream.html",
    ],
)
def test_a_text_is_resolved(marked, content_type):
    response = respond(lambda request: HttpResponse(marked(request), content_type=content_type))

    assert response.content.decode() == MARKUP


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "application/pdf",
        "application/x-protobuf",
        "application/msgpack",
        "application/zip",
        "image/png",
        "multipart/form-data",
        "application/jsonish",
        "",
    ],
)
def test_what_is_no_text_is_left_as_it_is(marked, content_type):
    bodies = []

    def view(request):
        bodies.append(b"\x4b" + marked(request).encode())
        return HttpResponse(bodies[0], headers={"Content-Type": content_type})

    assert respond(view).content == bodies[0]


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, br", "BR"])
def test_an_encoded_body_is_left_as_it_is_and_told_of_once(marked, log, encoding):
    bodies = []

    def view(request):
        bodies.append(marked(request).encode())
        return HttpResponse(bodies[0], headers={"Content-Encoding": encoding})

    assert [respond(view).content for _ in range(2)] == bodies
    assert log()[0] == (
        f"A response was compressed ({encoding}) before its pictures were resolved: list ResponsiveImgMiddleware "
        "below what compresses."
    )
    assert len(log()) == len(set(log()))


def test_an_encoded_body_is_told_of_by_one_line(marked, log):
    respond(lambda request: HttpResponse(marked(request), headers={"Content-Encoding": "br"}))

    assert len(log()) == 1


def test_an_encoded_body_without_pictures_is_not_told_of(log):
    response = respond(lambda request: HttpResponse(b"x", headers={"Content-Encoding": "br"}))

    assert response.content == b"x"
    assert log() == []


def test_a_stream_and_a_file_are_left_as_they_are(tmp_path):
    path = tmp_path / "x.html"
    path.write_bytes(START)

    stream = respond(lambda request: StreamingHttpResponse([START]))
    file = respond(lambda request: FileResponse(path.open("rb")))

    assert b"".join(stream) == START
    assert b"".join(file) == START
    file.file_to_stream.close()  # all that `close` would do, without telling Django that a request has ended
    assert stream.responsive_img_pending == file.responsive_img_pending == 0


def test_what_a_stream_renders_after_the_view_has_returned_is_resolved(render, photo):
    def view(request):
        return StreamingHttpResponse(render("django", ONE_FILE, {"photo": photo}, request) for _ in range(2))

    response = respond(view)

    assert b"".join(response).decode() == MARKUP * 2


def test_a_content_length_is_made_right(marked):
    def view(request):
        body = marked(request)
        return HttpResponse(body, headers={"Content-Length": str(len(body))})

    response = respond(view)

    assert response.headers["Content-Length"] == str(len(MARKUP))


def test_no_content_length_is_added(marked):
    assert "Content-Length" not in respond(lambda request: HttpResponse(marked(request))).headers


def test_common_middleware_above_measures_the_final_body(client, settings, photo):
    settings.ROOT_URLCONF = "templatetags_tests.urls"
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]

    response = client.get("/sync/django/1/")

    assert response.headers["Content-Length"] == str(len(response.content))
    assert START not in response.content


@pytest.mark.parametrize("is_async", [False, True])
def test_listed_twice_the_outer_one_resolves(marked, cache_calls, is_async):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(marked(request))

    async def aview(request: HttpRequest) -> HttpResponse:
        return view(request)

    response = (arespond if is_async else respond)(ResponsiveImgMiddleware(aview if is_async else view))

    assert response.content.decode() == MARKUP
    assert cache_calls["get_many"] == 1


def test_characters_that_the_charset_lacks_are_written_as_references(render, make_photo):
    photo = make_photo(title="Кот é")
    template = ONE_FILE.replace('alt=""', "alt=photo.title")

    response = respond(
        lambda request: HttpResponse(
            render("django", template, {"photo": photo}, request), content_type="text/html; charset=latin-1"
        )
    )

    assert ' alt="&#1050;&#1086;&#1090; é"'.encode("latin-1") in response.content


@pytest.mark.parametrize("header", ["CDN-Cache-Control", "surrogate-control", "Some-CDN-Cache-Control"])
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("max-age=600", "max-age=0"),
        ("no-store", "no-store, max-age=0"),
        ('content="ESI/1.0, stale-x", max-age=60', 'content="ESI/1.0, stale-x", max-age=0'),
        ('no-cache="a,max-age", s-maxage=3', 'no-cache="a,max-age", max-age=0'),
    ],
)
def test_a_pending_response_is_not_frozen_by_a_network_either(marked, settings, header, told, kept):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    pending = respond(lambda request: HttpResponse(marked(request), headers={header: told}))

    assert pending.headers[header] == kept


def test_a_response_with_pending_pictures_is_not_frozen(marked, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    def view(request):
        headers = {
            "ETag": '"x"',
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            "Expires": "Thu, 01 Jan 2027 00:00:00 GMT",
            "Cache-Control": "public, max-age=3600",
            "X-Kept": "1",
        }
        return HttpResponse(marked(request) + marked(request), headers=headers)

    pending = respond(view)
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    built = respond(view)

    assert pending.responsive_img_pending == 1
    assert pending.headers == {
        "Cache-Control": "public, max-age=0",
        "Content-Type": "text/html; charset=utf-8",
        "X-Kept": "1",
    }
    assert built.responsive_img_pending == 0
    assert built.headers["ETag"].startswith('W/"x-')
    assert built.headers["Last-Modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    assert built.headers["Expires"] == "Thu, 01 Jan 2027 00:00:00 GMT"
    assert built.headers["Cache-Control"] == "public, max-age=3600"


def test_pending_is_told_also_where_everything_resolved_at_once(render, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    alt = "x" * 4000

    response = respond(
        lambda request: HttpResponse(
            render("django", ONE_FILE.replace('alt=""', "alt=alt"), {"photo": photo, "alt": alt}, request)
        )
    )

    assert response.responsive_img_pending == 1
    assert response.headers["Cache-Control"] == "max-age=0"


def test_a_response_without_pictures_says_so():
    response = respond(lambda request: HttpResponse("no picture"))

    assert response.responsive_img_pending == 0
    assert response.content == b"no picture"
    assert not response.has_header("Cache-Control")


@pytest.mark.parametrize("is_async", [False, True])
def test_an_exception_of_the_view_passes_through(marked, is_async):
    requests = []

    def view(request: HttpRequest) -> HttpResponse:
        requests.append(request)
        marked(request)
        raise ZeroDivisionError("mine")

    async def aview(request):
        view(request)

    with pytest.raises(ZeroDivisionError, match="mine"):
        (arespond if is_async else respond)(aview if is_async else view)

    assert getattr(requests[0], ATTRIBUTE).is_open is False


def test_an_exception_of_the_view_is_djangos_own_500(client, photo):
    client.raise_request_exception = False

    response = client.get("/broken/")

    assert response.status_code == 500
    assert START not in response.content


def test_a_template_response_is_resolved(client, photo):
    response = client.get("/template-response/")

    assert isinstance(response, TemplateResponse)
    assert START not in response.content
    assert b'src="/media/renditions/' in response.content


def test_twenty_requests_at_once_do_not_see_each_others_pictures(render, make_photo, async_client):
    photos = [make_photo(f"photos/{number}.jpg", title=f"Photo {number}") for number in range(20)]
    barrier: list[object] = []
    all_started = asyncio.Event()
    template = ONE_FILE.replace('alt=""', "alt=photo.title")

    async def view(request):
        photo = photos[len(barrier)]
        first = render("jinja2", template, {"photo": photo}, request)
        barrier.append(photo)
        if len(barrier) == len(photos):
            all_started.set()
        await all_started.wait()
        second = render("django", template, {"photo": photo}, request)
        return HttpResponse(f"{photo.pk}:{first}{second}")

    async def run():
        middleware: Any = ResponsiveImgMiddleware(view)
        return await asyncio.gather(*[middleware(AsyncRequestFactory().get("/")) for _ in photos])

    responses = async_to_sync(run)()

    assert len(responses) == 20
    for photo, response in zip(photos, responses, strict=True):
        pk, _, html = response.content.decode().partition(":")
        assert pk == str(photo.pk)
        assert (
            html.count(f'alt="{photo.title}"') == html.count(f"/photos/{photo.pk - photos[0].pk}-20w.") == 2
        )
        assert html.count("<img") == 2


def test_a_thread_that_the_view_has_started_resolves_at_once(marked):
    texts: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        thread = threading.Thread(target=lambda: texts.append(marked(request)))
        thread.start()
        thread.join()
        return HttpResponse(SafeString("").join(texts))

    respond(lambda request: HttpResponse(marked(request)))  # so that the thread needs no database

    assert respond(view).content.decode() == MARKUP
    assert texts == [MARKUP]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "max-age=0"),
        ("max-age=3600", "max-age=0"),
        ("public, s-maxage=600, immutable", "public, max-age=0"),
        ("private, Max-Age=3600, stale-while-revalidate=30", "private, max-age=0"),
        ("stale-if-error=60, no-transform,max-age=5,S-MaxAge=5", "no-transform, max-age=0"),
        ("no-store", "no-store, max-age=0"),
    ],
)
def test_a_response_with_pending_pictures_is_kept_by_no_cache(marked, settings, before, after):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    headers = {"Cache-Control": before} if before else {}

    response = respond(lambda request: HttpResponse(marked(request), headers=headers))

    assert response.responsive_img_pending == 1
    assert response.headers["Cache-Control"] == after


def test_a_request_that_comes_again_after_its_response_is_responded_to_again(marked, cache_calls):
    request = RequestFactory().get("/")
    stored: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        stored.append(marked(request))
        return HttpResponse(stored[0])

    middleware = ResponsiveImgMiddleware(view)
    responses: Any = [middleware(request) for _ in range(2)]

    assert stored[0] == stored[1]
    assert stored[0].encode().startswith(START)
    assert [response.content.decode() for response in responses] == [MARKUP] * 2
    assert [response.responsive_img_pending for response in responses] == [0, 0]


def render_alone(render, photo):
    return render("django", ONE_FILE, {"photo": photo})


def render_at_once(render, photo):
    with immediate():
        return render("jinja2", ONE_FILE, {"photo": photo})


def render_later(render, photo):
    with batch():
        return finalize(render("django", ONE_FILE, {"photo": photo}))


@pytest.mark.parametrize("rendered", [render_alone, render_at_once, render_later])
@pytest.mark.parametrize("is_async", [False, True])
def test_all_that_resolves_at_once_in_a_response_spends_its_one_budget(
    render, make_photo, settings, monkeypatch, rendered, is_async
):
    settings.RESPONSIVE_IMG_ENGINE = "templatetags_tests.test_building.CountingEngine"
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 5
    photos = [make_photo(f"photos/{name}.jpg") for name in "abc"]
    clock = [1000.0]
    monkeypatch.setattr(account, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: clock.append(clock.pop() + 10)))

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("".join(rendered(render, photo) for photo in photos))

    response = arespond(sync_to_async(view)) if is_async else respond(view)

    assert response.content.count(b'src="/media/renditions/photos/a-20w.') == 1
    assert response.content.count(b'src="/media/photos/b.jpg"') == 1
    assert response.content.count(b'src="/media/photos/c.jpg"') == 1
    assert response.responsive_img_pending == 2
    assert response.headers["Cache-Control"] == "max-age=0"


def late(marked, request: HttpRequest, status: int = 200) -> TemplateResponse:
    """Return a response that nobody has rendered yet, to which a marker has been given."""
    template = engines["django"].from_string("{{ stored }}")
    return TemplateResponse(request, template, {"stored": marked(request)}, status=status)


@pytest.mark.parametrize("is_async", [False, True])
def test_what_is_rendered_after_the_middleware_is_resolved_then(marked, log, is_async):
    def view(request: HttpRequest) -> HttpResponse:
        return late(marked, request)

    response = arespond(sync_to_async(view)) if is_async else respond(view)
    assert not response.is_rendered
    response.render()

    assert response.content.decode() == MARKUP
    assert response.responsive_img_pending == 0
    assert getattr(response._request, ATTRIBUTE).is_open is False
    assert log() == []


def test_what_is_rendered_after_the_middleware_and_is_pending_is_not_frozen(marked, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    def view(request: HttpRequest) -> HttpResponse:
        response = late(marked, request)
        response.headers["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT"
        return response

    response = respond(view)
    response.render()

    assert response.responsive_img_pending == 1
    assert response.headers["Cache-Control"] == "max-age=0"
    assert "Last-Modified" not in response.headers


def test_what_is_rendered_after_the_middleware_without_its_markers_is_told_of(marked, log):
    def view(request: HttpRequest) -> HttpResponse:
        marked(request)
        return TemplateResponse(request, engines["django"].from_string("nothing"))

    response = respond(view)
    assert log() == []
    response.render()

    assert response.content == b"nothing"
    assert len(log()) == 1


def test_an_error_page_that_is_rendered_after_the_middleware_builds_nothing(marked, our_queries):
    response = respond(lambda request: late(marked, request, status=503))

    with our_queries() as found:
        response.render()

    assert b'src="/media/photos/cat.jpg"' in response.content
    assert found == []


@pytest.mark.parametrize("is_async", [False, True])
def test_nothing_is_built_for_a_head(marked, our_queries, storage_calls, is_async):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(marked(request))

    storage_calls.clear()
    with our_queries() as found:
        if is_async:
            below: Any = ResponsiveImgMiddleware(sync_to_async(view))
            response = async_to_sync(below)(AsyncRequestFactory().head("/"))
        else:
            response = cast("Any", ResponsiveImgMiddleware(view)(RequestFactory().head("/")))

    assert b'src="/media/photos/cat.jpg"' in response.content
    assert response.responsive_img_pending == 1
    assert found == []
    assert not storage_calls


@pytest.mark.parametrize("status", [204, 206, 304])
def test_a_response_without_the_whole_body_is_left_as_it_is(marked, status, log):
    bodies = []

    def view(request: HttpRequest) -> HttpResponse:
        bodies.append(marked(request).encode())
        return HttpResponse(bodies[0], status=status)

    assert respond(view).content == bodies[0]
    assert log() == []


def test_a_part_of_a_page_is_left_as_it_is(marked):
    response = respond(
        lambda request: HttpResponse(marked(request), headers={"Content-Range": "bytes 0-9/100"})
    )

    assert response.content.startswith(START)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_collector_is_closed_when_its_response_has_ended(marked, is_async):
    requests: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        requests.append(request)
        return HttpResponse(marked(request))

    response = arespond(sync_to_async(view)) if is_async else respond(view)

    assert response.content.decode() == MARKUP
    assert getattr(requests[0], ATTRIBUTE).is_open is False
    assert marked(requests[0]) == MARKUP


@pytest.mark.parametrize(
    ("language", "name"), [("django", "a template without a name"), ("jinja2", "a template without a name")]
)
def test_markers_of_a_template_without_a_name_that_are_lost_are_told_of(render, photo, log, language, name):
    def view(request: HttpRequest) -> HttpResponse:
        render(language, ONE_FILE, {"photo": photo}, request)
        return HttpResponse("Thank you.")

    respond(view)

    (line,) = log()
    assert line.startswith(f"Pictures of {name} are not in the response ")
    assert "responsive_img.finalize()" in line


def test_a_picture_in_a_variable_that_is_not_printed_is_not_lost(render, photo, log):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(
            render("django", "{% img photo.image width=20 alt='' as pic %}", {"photo": photo}, request)
        )

    assert respond(view).content == b""
    assert log() == []


@pytest.mark.parametrize("request_", [None, RequestFactory().get("/")])
def test_an_exception_of_another_request_is_none_of_ours(request_):
    sent = got_request_exception.send(sender=None, request=request_)

    assert sent
    assert not hasattr(request_, ATTRIBUTE)
