"""Pages through Django's own ASGI handler, as a server runs it: tests of a row bear its number."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncRequestFactory
from django.urls import path
from django.utils import timezone

from responsive_img import batch, leases, lookup, records
from responsive_img.engine import PillowEngine
from responsive_img.middleware import ResponsiveImgMiddleware
from responsive_img.scopes import ATTRIBUTE
from responsive_img.variants import Variant
from templatetags_tests.conftest import MARKUP, ONE_FILE, drawn, respond

LANGUAGES = ("django", "jinja2")
START = '<img data-ri="RI1.'
TIMEOUT = 60  # s, of what must not hang


class Exchange:
    """One request to an ASGI application, and what it answers."""

    def __init__(self, path: str = "/") -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
        }
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self._has_asked = False

    async def receive(self) -> dict[str, Any]:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()


class LeavingExchange(Exchange):
    """A client that is gone as soon as it has got a piece of the body."""

    async def send(self, message: dict[str, Any]) -> None:
        await super().send(message)
        if message.get("body"):
            self.gone.set()


class StuckExchange(LeavingExchange):
    """A client that takes nothing more after a piece of the body, and is gone then."""

    async def send(self, message: dict[str, Any]) -> None:
        await super().send(message)
        if message.get("body"):
            await asyncio.sleep(TIMEOUT)


async def answered(handler: Any, exchange: Exchange) -> Exchange:
    async with asyncio.timeout(TIMEOUT):
        await handler(exchange.scope, exchange.receive, exchange.send)
    return exchange


@contextmanager
def no_task_left() -> Iterator[None]:
    """Check that all tasks that are started inside have ended."""
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() == before


@pytest.fixture
def serve(settings):
    """Return a function that gives the ASGI application whose pages all come from one view."""

    def served(view: Callable[..., Any]) -> Any:
        settings.ROOT_URLCONF = (path("", view), path("<int:number>/", view))
        return ASGIHandler()

    return served


@pytest.fixture
def marked(render, photo):
    """Return a function that renders one picture with a request."""
    return lambda request, language="django": render(language, ONE_FILE, {"photo": photo}, request)


@pytest.fixture
def warm(marked, page, photo):
    """Build the picture, so that a page costs no query: what asks from another thread sees no transaction."""
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP


# Row 51: every way to render in an async view -----------------------------------------------------------

Part = Callable[[], str]


async def _here(part: Part) -> list[str]:
    return [part()]


async def _gathered(part: Part) -> list[str]:
    async def made() -> str:
        await asyncio.sleep(0)
        return part()

    return await asyncio.gather(*[made() for _ in range(5)])


async def _to_thread(part: Part) -> list[str]:
    return await asyncio.gather(*[asyncio.to_thread(part) for _ in range(5)])


async def _sync_to_async(part: Part) -> list[str]:
    return [await sync_to_async(part)(), await sync_to_async(part, thread_sensitive=False)()]


async def _in_executor(part: Part) -> list[str]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as pool:
        return await asyncio.gather(*[loop.run_in_executor(pool, part) for _ in range(3)])


async def _in_a_task(part: Part) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_here(part)) for _ in range(3)]
    return [text for task in tasks for text in task.result()]


async def _in_a_thread(part: Part) -> list[str]:
    texts: list[str] = []
    thread = threading.Thread(target=lambda: texts.append(part()))
    thread.start()
    await asyncio.to_thread(thread.join)
    return texts


WAYS: dict[str, Callable[[Part], Awaitable[list[str]]]] = {
    "here": _here,
    "gather": _gathered,
    "to_thread": _to_thread,
    "sync_to_async": _sync_to_async,
    "task": _in_a_task,
    "executor": _in_executor,
    "thread": _in_a_thread,
}
# A new thread knows nothing of the response in the making.
AT_ONCE = {"executor", "thread"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("has_request", [True, False])
def test_row_51_and_54_however_an_async_view_renders_the_body_is_markup(
    serve, marked, warm, language, way, has_request
):
    texts: list[str] = []

    async def view(request: HttpRequest) -> HttpResponse:
        texts.extend(await WAYS[way](lambda: marked(request if has_request else None, language)))
        return HttpResponse("".join(texts))

    exchange = asyncio.run(answered(serve(view), Exchange()))

    assert (exchange.status, exchange.body) == (200, MARKUP * len(texts))
    is_at_once = way in AT_ONCE or not has_request
    assert all(text == MARKUP if is_at_once else text.startswith(START) for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", sorted(WAYS.keys() - AT_ONCE))
def test_row_51_and_where_nothing_is_built_yet(serve, marked, photo, unclosed_connection, language, way):
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("".join(await WAYS[way](lambda: marked(request, language))))

    exchange = async_to_sync(answered)(serve(view), Exchange())

    assert exchange.status == 200
    assert exchange.body.startswith(MARKUP)
    assert exchange.body == MARKUP * exchange.body.count("<img")


COMPUTED = {
    "is built": "{% if pic.is_built %}yes{% endif %}{{ pic }}",
    "a number": "{% if pic.width > 5 %}yes{% endif %}{{ pic }}",
    "not printed": "{% if pic.is_built %}yes{% endif %}",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("asked", COMPUTED)
def test_row_51_what_is_computed_in_an_async_view_before_it_is_built_is_known_to_the_next_view(
    serve, render, photo, unclosed_connection, log, language, asked
):
    source = (
        '{% img photo.image width=31 format="webp" densities="1" alt="" %}'
        '{% img photo.image width=30 format="webp" densities="1" alt="" as pic %}' + COMPUTED[asked]
    )
    pending = []

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(render(language, source, {"photo": photo}, request))

    async def seen() -> str:
        response: Any = await ResponsiveImgMiddleware(view)(AsyncRequestFactory().get("/"))  # type: ignore[misc]
        pending.append(response.responsive_img_pending)
        return str(response.content.decode())

    first, second = async_to_sync(seen)(), async_to_sync(seen)()

    assert first.count("cat-31w.") == 1
    assert "yes" not in first
    # It has been told what is not so any more: no cache may keep it.
    assert pending[0] > 0
    assert second.count("cat-31w.") == 1
    assert "yes" in second
    assert first.count("cat-30w.") == second.count("cat-30w.") == (asked != "not printed")
    assert (pending[1], log()) == (0, [])


def test_row_51_a_tag_too_long_for_a_marker_is_built_for_the_next_async_view(
    serve, render, photo, unclosed_connection, log
):
    source = (
        '{% img photo.image width=30 format="webp" densities="1" alt="" as pic %}{% if pic.is_built %}{% endif %}'
        '{% img photo.image width=31 format="webp" densities="1" alt=long %}{{ pic }}'
    )

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(render("django", source, {"photo": photo, "long": "x" * 5000}, request))

    first, second = [async_to_sync(answered)(serve(view), Exchange()).body for _ in range(2)]

    assert ("cat-30w." in first, "cat-31w." in first) == (True, False)
    assert ("cat-30w." in second, "cat-31w." in second) == (True, True)
    assert [line.partition(",")[0] for line in log()] == [
        "A picture that is not in the cache was rendered in an event loop for text that is final"
    ]


def test_row_51_each_picture_that_is_computed_with_in_an_async_view_is_looked_up_once_and_at_the_end(
    render, photo, unclosed_connection
):
    source = "".join(
        f'{{% img photo.image width={width} format="webp" densities="1" alt="" as pic %}}'
        "{% if pic.is_built or pic.width > 5 or pic.height > 5 %}{% endif %}{{ pic }}"
        for width in range(10, 20)
    )

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(render("django", source, {"photo": photo}, request))

    async def seen() -> str:
        response: Any = await ResponsiveImgMiddleware(view)(AsyncRequestFactory().get("/"))  # type: ignore[misc]
        return str(response.content.decode())

    with lookup.counted() as lookups:
        first = async_to_sync(seen)()

    assert lookups == [1] * 10 + [10]
    assert first.count("/renditions/") == 10


def test_row_51_what_is_computed_in_an_event_loop_is_asked_by_a_thread_and_by_every_collector(
    render, photo, unclosed_connection
):
    computed = '{% img photo.image width=30 format="webp" densities="1" alt="" as pic %}{{ pic.width|add:1 }}'
    other = '{% img photo.image width=31 format="webp" densities="1" alt="" %}'
    mails = []

    async def view(request: HttpRequest) -> HttpResponse:
        here = render("django", computed + "{{ pic }}", {"photo": photo}, request)
        with batch() as mail:
            mails.append(await sync_to_async(mail.finalize)(render("django", other, {"photo": photo})))
        there = await sync_to_async(render)("django", computed, {"photo": photo}, request)
        return HttpResponse(f"{here}|{there}")

    async def seen() -> str:
        response: Any = await ResponsiveImgMiddleware(view)(AsyncRequestFactory().get("/"))  # type: ignore[misc]
        return str(response.content.decode())

    page = async_to_sync(seen)()

    assert "cat-30w." in page
    assert page.endswith("|31")
    assert "cat-31w." in mails[0]


def test_row_51_an_async_view_behind_a_sync_server_has_those_built_that_it_computes_with(
    render, photo, unclosed_connection
):
    source = '{% img photo.image width=30 format="webp" densities="1" alt="" as pic %}{{ pic.width|add:1 }}'

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(render("django", source, {"photo": photo}, request))

    texts = [respond(lambda request: async_to_sync(view)(request)).content.decode() for _ in range(2)]

    assert texts[1] == "31"


def test_row_51_what_an_async_view_computes_with_is_built_when_its_page_is_rendered_by_others(
    render, photo, unclosed_connection
):
    source = '{% img photo.image width=30 format="webp" densities="1" alt="" as pic %}{{ pic.width|add:1 }}'
    texts = []

    async def view(request: HttpRequest) -> HttpResponse:
        texts.append(render("django", source, {"photo": photo}, request))
        return TemplateResponse(request, engines["django"].from_string("nothing"))

    for _ in range(2):
        respond(lambda request: async_to_sync(view)(request)).render()

    assert texts[1] == "31"


@pytest.mark.parametrize("kind", ["a redirect", "a stream"])
def test_row_51_what_an_async_view_computes_with_delays_no_other_answer(
    render, photo, unclosed_connection, storage_calls, kind
):
    source = '{% img photo.image width=30 format="webp" densities="1" alt="" as pic %}{{ pic.width|add:1 }}'

    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"

    async def view(request: HttpRequest) -> Any:
        render("django", source, {"photo": photo}, request)
        if kind == "a stream":
            return StreamingHttpResponse(chunks(), content_type="text/event-stream")
        return HttpResponseRedirect("/")

    async def begun() -> dict[str, int]:
        storage_calls.clear()
        response: Any = await ResponsiveImgMiddleware(view)(AsyncRequestFactory().get("/"))  # type: ignore[misc]
        if kind == "a stream":
            await anext(aiter(response.streaming_content))
        return dict(storage_calls)

    assert async_to_sync(begun)() == {}


def test_row_51_a_page_that_shows_no_picture_has_those_built_that_it_computes_with(
    serve, render, photo, unclosed_connection
):
    source = '{% img photo.image width=30 format="webp" densities="1" alt="" as pic %}{{ pic.width|add:1 }}'

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(render("django", source, {"photo": photo}, request))

    bodies = [async_to_sync(answered)(serve(view), Exchange()).body for _ in range(2)]

    assert bodies[1] == "31"


def test_row_51_a_sync_view_on_an_async_server(serve, marked, warm):
    exchange = asyncio.run(answered(serve(lambda request: HttpResponse(marked(request))), Exchange()))

    assert exchange.body == MARKUP


@pytest.mark.parametrize("has_request", [True, False])
@pytest.mark.parametrize("in_thread", [True, False])
def test_row_51_a_task_that_outlives_its_response_renders_markup(serve, marked, warm, has_request, in_thread):
    tasks: list[asyncio.Task[str]] = []

    async def run() -> Exchange:
        is_over = asyncio.Event()

        async def late(request: HttpRequest | None) -> str:
            await is_over.wait()
            return str(await asyncio.to_thread(marked, request) if in_thread else marked(request))

        async def view(request: HttpRequest) -> HttpResponse:
            tasks.append(asyncio.create_task(late(request if has_request else None)))
            await asyncio.sleep(0)
            return HttpResponse(marked(request))

        exchange = await answered(serve(view), Exchange())
        is_over.set()
        await tasks[0]
        return exchange

    exchange = asyncio.run(run())

    assert exchange.body == tasks[0].result() == MARKUP


def test_row_51_a_task_of_one_request_that_renders_during_another_resolves_at_once(serve, marked, warm):
    tasks: list[asyncio.Task[str]] = []

    async def run() -> list[Exchange]:
        is_second = asyncio.Event()

        async def late(request: HttpRequest) -> str:
            await is_second.wait()
            return str(marked(request))

        async def view(request: HttpRequest, number: int) -> HttpResponse:
            if number == 1:
                tasks.append(asyncio.create_task(late(request)))
                return HttpResponse("first")
            text = marked(request)
            is_second.set()
            return HttpResponse(await tasks[0] + text)

        handler = serve(view)
        return [await answered(handler, Exchange(f"/{number}/")) for number in (1, 2)]

    first, second = asyncio.run(run())

    assert (first.body, second.body) == ("first", MARKUP * 2)
    assert tasks[0].result() == MARKUP


def test_row_51_what_is_cancelled_within_a_view_leaves_no_trace(serve, marked, warm, log):
    async def view(request: HttpRequest) -> HttpResponse:
        async def part(seconds: float) -> str:
            text = str(marked(request))
            await asyncio.sleep(seconds)
            return text

        done, late = await asyncio.wait(
            [asyncio.create_task(part(seconds)) for seconds in (0, 0, TIMEOUT)], timeout=0.1
        )
        for task in late:
            task.cancel()
        try:
            async with asyncio.timeout(0.01):
                await part(TIMEOUT)
        except TimeoutError:
            pass
        return HttpResponse("".join(task.result() for task in done) + marked(request))

    async def run() -> Exchange:
        with no_task_left():
            return await answered(serve(view), Exchange())

    # In one line: Python 3.11 traces none behind a timeout that ends a coroutine.
    assert (asyncio.run(run()).body, log()) == (MARKUP * 3, [])


def test_row_51_an_exception_of_an_async_view_is_djangos_own_500(serve, marked, warm, caplog):
    async def view(request: HttpRequest, number: int) -> HttpResponse:
        text = marked(request)
        if number == 1:
            raise ZeroDivisionError(text)
        return HttpResponse(text)

    async def run() -> list[Exchange]:
        handler = serve(view)
        return [await answered(handler, Exchange(f"/{number}/")) for number in (1, 2)]

    broken, fine = asyncio.run(run())

    assert broken.status == 500
    assert "RI1." not in broken.body
    assert fine.body == MARKUP


COUNT, PHOTOS = 1000, 40


@pytest.fixture
def names(page, db):
    """Return the names of pictures that are all built."""
    content = drawn()
    found = [default_storage.save(f"photos/{number}.jpg", ContentFile(content)) for number in range(PHOTOS)]
    page("django", f"{{% for name in names %}}{NAMED}{{% endfor %}}", {"names": found, "title": ""})
    return found


NAMED = ONE_FILE.replace("photo.image", "name").replace('alt=""', "alt=title")


def named(name: str, title: str) -> str:
    """Return the markup of a picture."""
    return MARKUP.replace("/cat-", f"/{name[7:-4]}-").replace('alt=""', f'alt="{title}"')


def stem(markup: str) -> str:
    """Return markup without the digest, which differs from file to file."""
    head, _, rest = markup.partition("-20w.")
    return head + rest.partition(".webp")[2]


def calls(redis: Any) -> dict[str, int]:
    """Return how often each command that reads or writes was called."""
    noise = {"config|resetstat", "info", "client|setinfo", "select", "hello", "command"}
    stats = {name[8:]: each["calls"] for name, each in redis.info("commandstats").items()}
    return {name: count for name, count in stats.items() if name not in noise}


def test_row_51_and_62_a_thousand_requests_at_once_are_a_thousand_mget_and_no_cross_talk(
    serve, redis, names, settings, django_assert_num_queries
):
    # One pool serves all that runs below this test; its own limit is 100.
    settings.CACHES["default"]["OPTIONS"] = {"max_connections": COUNT}
    settings.CACHES = settings.CACHES
    django, jinja2 = (
        engines[language].from_string(load + NAMED)
        for language, load in (("django", "{% load responsive_img %}"), ("jinja2", ""))
    )
    inside = [0, 0]  # at present, at most

    async def run() -> list[Exchange]:
        all_started = asyncio.Event()

        async def view(request: HttpRequest, number: int) -> HttpResponse:
            inside[0] += 1
            inside[1] = max(inside)
            values = {"name": names[number % PHOTOS], "title": f"Request {number}"}
            first = django.render(values, request)
            if inside[0] == COUNT:
                all_started.set()
            await all_started.wait()
            second = jinja2.render(values, request)
            third = await asyncio.create_task(sync_to_async(django.render)(values, request))
            inside[0] -= 1
            return HttpResponse(f"{first}\n{second}\n{third}")

        handler = serve(view)
        return await asyncio.gather(*[answered(handler, Exchange(f"/{number}/")) for number in range(COUNT)])

    redis.config_resetstat()
    with django_assert_num_queries(0):
        exchanges = asyncio.run(run())

    assert inside == [0, COUNT]
    assert calls(redis) == {"mget": COUNT}
    for number, exchange in enumerate(exchanges):
        assert exchange.status == 200
        assert "RI1." not in exchange.body
        expected = stem(named(names[number % PHOTOS], f"Request {number}"))
        assert [stem(line) for line in exchange.body.split("\n")] == [expected] * 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["page", "stream", "sync"])
def test_row_62_a_page_of_many_pictures_on_an_async_server_is_one_mget(serve, redis, names, language, kind):
    loop = f"{{% for name in names %}}{NAMED}{{% endfor %}}"
    load = "{% load responsive_img %}" if language == "django" else ""
    template = engines[language].from_string(load + loop)

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(template.render({"names": names, "title": "x"}, request))

    async def async_view(request: HttpRequest) -> HttpResponse:
        return view(request)

    async def stream(request: HttpRequest) -> StreamingHttpResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"<!doctype html>"
            yield view(request).content
            yield b"<p>"

        return StreamingHttpResponse(chunks())

    handler = serve({"page": async_view, "stream": stream, "sync": view}[kind])
    redis.config_resetstat()
    exchange = asyncio.run(answered(handler, Exchange()))

    assert calls(redis) == {"mget": 1}
    assert exchange.body.count('src="/media/renditions/') == PHOTOS
    assert "RI1." not in exchange.body


# Row 52: who does not wait for the end -----------------------------------------------------------------


class Stream:
    """A view whose body is made piece by piece, and never ends."""

    def __init__(self, marked: Callable[..., str]) -> None:
        self.marked = marked
        self.request: HttpRequest | None = None
        self.is_started = self.is_closed = False

    async def respond(self, request: HttpRequest) -> StreamingHttpResponse:
        self.request = request
        return StreamingHttpResponse(self.chunks(request))

    async def chunks(self, request: HttpRequest) -> AsyncIterator[str]:
        try:
            yield self.marked(request)
            self.is_started = True
            await asyncio.sleep(TIMEOUT)
            yield "never sent"  # pragma: no cover - it says so
        finally:
            self.is_closed = True


async def settled() -> None:
    """Let what the end of a request has left be done; a stream that nobody asks on waits for it, also in Django."""
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)


async def body_of(view: Any, requests: list[HttpRequest]) -> bytes:
    """Return what a view answers through the middleware, in a task of its own that can be cancelled."""
    requests.append(AsyncRequestFactory().get("/"))
    middleware: Any = ResponsiveImgMiddleware(view)
    response = await middleware(requests[0])
    return b"".join([chunk async for chunk in response]) if response.streaming else response.content


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and wait for its end."""
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("client", [LeavingExchange, StuckExchange])
def test_row_52_a_client_that_leaves_in_mid_stream_leaves_nothing_behind(serve, marked, warm, client):
    view = Stream(marked)

    async def run() -> Exchange:
        with no_task_left():
            exchange = await answered(serve(view.respond), client())
            await settled()
        assert view.is_closed
        return exchange

    exchange = asyncio.run(run())

    assert exchange.body == MARKUP
    assert getattr(view.request, ATTRIBUTE).is_open is False
    assert marked(view.request) == MARKUP


def test_row_52_a_stream_that_is_cancelled_leaves_nothing_behind(marked, warm):
    view = Stream(marked)

    async def run() -> None:
        with no_task_left():
            task = asyncio.create_task(body_of(view.respond, []))
            while not view.is_started:
                await asyncio.sleep(0.001)
            await cancelled(task)
            del task
            await settled()
        assert view.is_closed

    asyncio.run(run())

    assert getattr(view.request, ATTRIBUTE).is_open is False


def test_row_52_a_client_that_leaves_in_mid_view_leaves_nothing_behind(serve, marked, warm):
    requests: list[HttpRequest] = []

    async def view(request: HttpRequest) -> HttpResponse:
        requests.append(request)
        marked(request)
        exchange.gone.set()
        await asyncio.sleep(TIMEOUT)
        return HttpResponse()  # pragma: no cover - nobody waits for it

    async def run() -> None:
        with no_task_left():
            await answered(serve(view), exchange)

    exchange = Exchange()
    asyncio.run(run())

    assert exchange.sent == []
    assert getattr(requests[0], ATTRIBUTE).is_open is False
    assert marked(requests[0]) == MARKUP


def test_row_52_a_sync_stream_that_is_closed_in_the_middle_leaves_nothing_behind(marked, warm, rf):
    closed: list[HttpRequest] = []

    def chunks(request: HttpRequest) -> Iterator[str]:
        try:
            yield marked(request)
            yield marked(request)  # pragma: no cover - nobody asks for it
        finally:
            closed.append(request)

    from_view = StreamingHttpResponse
    request = rf.get("/")
    response = responded(request, lambda request: from_view(chunks(request)))
    body = iter(response)

    assert next(body).decode() == MARKUP
    for close in response._resource_closers:  # `close` also says that a request has ended
        close()

    assert closed == [request]
    assert getattr(request, ATTRIBUTE).is_open is False


def responded(request: HttpRequest, view: Any) -> Any:
    return ResponsiveImgMiddleware(view)(request)


class WaitingEngine(PillowEngine):
    """Says that it builds, and waits for the word to go on."""

    started = threading.Event()
    go_on = threading.Event()
    renders: Counter[str] = Counter()  # noqa: RUF012 - emptied by the tests

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        type(self).renders["started"] += 1
        self.started.set()
        assert self.go_on.wait(TIMEOUT)
        return super().render(file, variants)


@pytest.fixture
def waiting_engine(settings):
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.WaitingEngine"
    WaitingEngine.started.clear()
    WaitingEngine.go_on.clear()
    WaitingEngine.renders.clear()


def rows() -> list[tuple[str, str, bool]]:
    """Return the state and owner of each picture, and whether somebody holds a lease on it."""
    return [
        (row.state, row.owner, row.lease_until is not None) for row in records.picture_model().objects.all()
    ]


@pytest.mark.django_db(transaction=True)  # a thread of the handler builds, with a connection of its own
@pytest.mark.parametrize("kind", ["page", "stream"])
@pytest.mark.parametrize("ending", ["client", "cancelled"])
def test_row_52_a_build_whose_client_leaves_is_finished_and_gives_its_lease_back(
    serve, marked, photo, page, waiting_engine, kind, ending
):
    async def chunks(request: HttpRequest) -> AsyncIterator[str]:
        yield marked(request)

    async def view(request: HttpRequest) -> Any:
        return StreamingHttpResponse(chunks(request)) if kind == "stream" else HttpResponse(marked(request))

    async def run() -> Exchange:
        exchange = Exchange()
        with no_task_left():
            if ending == "client":
                task: asyncio.Task[Any] = asyncio.create_task(answered(serve(view), exchange))
            else:
                task = asyncio.create_task(body_of(view, []))
            while not WaitingEngine.started.is_set():
                await asyncio.sleep(0.001)
            if ending == "client":
                exchange.gone.set()
                await asyncio.sleep(0.01)
                WaitingEngine.go_on.set()
                await task
            else:
                await cancelled(task)
                WaitingEngine.go_on.set()
            del task
            await settled()
        return exchange

    exchange = async_to_sync(run)()

    assert exchange.body == ""
    assert rows() == [("ready", "", False)]
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP
    assert WaitingEngine.renders["started"] == 1


class CancelledEngine(PillowEngine):
    """Is stopped in the middle of its first picture, by what is no `Exception`."""

    reasons: list[BaseException] = []  # noqa: RUF012 - reset by its test

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        if self.reasons:
            raise self.reasons.pop()
        return super().render(file, variants)


@pytest.mark.parametrize("reason", [asyncio.CancelledError, KeyboardInterrupt, GeneratorExit])
def test_row_52_a_build_that_is_cancelled_leaves_a_lease_that_ends(page, photo, settings, reason):
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.CancelledEngine"
    CancelledEngine.reasons.append(reason())

    with pytest.raises(reason):
        page("django", ONE_FILE, {"photo": photo})
    meanwhile = page("django", ONE_FILE, {"photo": photo})
    lease: Any = records.picture_model().objects.get().lease_until
    left = lease - timezone.now()

    assert rows()[0][0] == "building"
    assert timedelta(0) < left <= timedelta(seconds=leases.LEASE)
    assert f'src="{photo.image.url}"' in meanwhile.content.decode()
    assert meanwhile.responsive_img_pending == 1

    records.picture_model().objects.update(lease_until=lease - left)
    cache.clear()  # where the picture is said to be pending until then
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP
    assert rows() == [("ready", "", False)]
