"""Row 50 and 52: bodies that come in chunks, alone and through the handlers that servers call."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.urls import path
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from responsive_img import escaping, marker, scopes
from responsive_img.collector import Collector
from responsive_img.escaping import ESCAPERS
from responsive_img.marker import ELEMENT_SHELL, FIRST
from responsive_img.middleware import ResponsiveImgMiddleware
from responsive_img.resolution import ELEMENT, URL
from responsive_img.streaming import LIMIT, Stream
from templatetags_tests.conftest import MARKUP, ONE_FILE, RENDITION
from templatetags_tests.models import Photo

LANGUAGES = ("django", "jinja2")
START = b'<img data-ri="RI1.'
TOLD = ("w20;d1;owebp;e1", "default", "photos/cat.jpg", "templatetags_tests.Photo.image")
ATTRIBUTES = ' alt="" loading="lazy" decoding="async"'
# The fixtures only hold pictures that are built: all examples of a test can have the same ones.
many = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def core_of(wanted: str = ELEMENT, attributes: str = ATTRIBUTES, secret: str | None = None) -> str:
    """Return the core of a marker; with another secret, of one that is not ours."""
    seal = marker.seal(secret or django_settings.SECRET_KEY)
    core = seal.core((*TOLD, attributes if wanted == ELEMENT else "", "", wanted))
    assert core is not None
    return f"RI1.{core.decode()}."


def element(**options: Any) -> str:
    return core_of(**options).join(marker.ELEMENT_SHELL)


def value(**options: Any) -> str:
    return core_of(URL, **options).join(marker.VALUE_SHELL)


def through(chain: Iterable[str], text: str) -> str:
    for name in chain:
        text = "".join(ESCAPERS[name](text))
    return text


@pytest.fixture
def built(render: Callable[..., str], photo: Photo) -> Photo:
    """Return a saved row whose one file is built and in the cache."""
    assert render("django", ONE_FILE, {"photo": photo}) == MARKUP
    return photo


# Any text in any pieces --------------------------------------------------------------------------------

LOOSE = (
    "<img data-ri={}>", "<img data-ri={}/>", "<img data-ri='{}' />", '<img data-ri="{}">', '<img\n data-ri="{}"\t>',
    '<img class="a" id=b data-ri="{}" loading="lazy">', "<img " + "x" * 180 + " data-ri={}" + " " * 63 + ">",
)  # fmt: skip
NEARLY_LOOSE = (
    "<img " + "x" * 200 + " data-ri={}>", "<img data-ri={}" + "x" * 70 + ">", "<img data-ri={}", "<i data-ri={}>",
    "<img<data-ri={}>", "[img data-ri={}]", '<img data-ri="{}"/', "{}", "?={}", "/~ri?={}",
)  # fmt: skip
BEGINNINGS = (
    "<", "<i", "<img", "<img ", '<img class="', "<img data-ri", "<img data-ri=", '<img data-ri="', '<img data-ri="RI1.',
    "&", "&/", "&/~ri", "&/~ri?=", "&/~ri?=RI1.", "&lt;", "&lt;img", "&amp;", "&amp;lt;img data-ri=&amp;quot;", "\\",
    "\\\\", "\\\\\\", "\\u003c", "\\u003Cimg", "\\\\u003c", "\\u0026", "\\u", "%", "%3C", "%253C", "%26", "%3Cimg%20data",
    "R", "RI", "RI1", "RI1.", "RI1.aaaaaaaa", "RI1.aaaaaaaa.", "RI1.aaaaaaaa.bbbbbbbbbbbbbbbbbbb", "RI1.RI1.", "RI2.",
    '"', "'", "/", "/>", ">", '"/>', "&quot;/&gt;", "\\u0022/\\u003e", "=", "-", " ", "\n", ".", "", "Größe 🖼",
)  # fmt: skip
LONG = ("x" * 5000, "RI1." + "a" * 5000, "<img " + "y" * 500, "&amp;" * 60, "\\" * 90, "%25" * 40, "é" * 300)


def flipped(text: str, where: int) -> str:
    """Return a text with a bit of one of its characters turned."""
    where %= len(text)
    return text[:where] + chr(ord(text[where]) ^ 1) + text[where + 1 :]


chains = st.lists(st.sampled_from(sorted(ESCAPERS)), max_size=2).map(tuple)
one_of_ours = st.builds(lambda make: make(), st.sampled_from([element, value]))
ours = st.builds(through, chains, one_of_ours)
loose = st.builds(lambda tag: tag.format(core_of()), st.sampled_from(LOOSE))
foreign = st.builds(
    through, chains, st.builds(lambda make: make(secret="x"), st.sampled_from([element, value]))
)
forged = st.builds(flipped, ours, st.integers(0, 1000))
cut = st.builds(lambda text, end: text[: end % len(text)], ours, st.integers(0, 1000))
of_another_kind = st.builds(
    lambda chain, is_element: through(
        chain,
        core_of(URL).join(marker.ELEMENT_SHELL) if is_element else core_of().join(marker.VALUE_SHELL),
    ),
    chains,
    st.booleans(),
)
unresolved = st.builds(
    lambda tag, wanted: tag.format(core_of(wanted)),
    st.sampled_from(NEARLY_LOOSE),
    st.sampled_from([ELEMENT, URL]),
)
fillers = (
    st.sampled_from(BEGINNINGS) | st.sampled_from(LONG) | st.text("<>&\"'\\/%u03cRI1.~ax =", max_size=12)
)
pieces = st.one_of(ours, ours, loose, foreign, forged, cut, of_another_kind, unresolved, fillers, fillers)
texts = st.lists(pieces, max_size=8).map("".join)
# Lengths of chunks, again and again.
lengths = st.lists(
    st.one_of(st.integers(1, 12), st.integers(1, 400), st.integers(1, 65536)), min_size=1, max_size=8
)


def split(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """Return a text in chunks."""
    chunks, position = [], 0
    for size in sizes:  # pragma: no branch - an endless one
        if position >= len(data):
            break
        chunks.append(data[position : position + size])
        position += size
    return chunks


def fed(chunks: Iterable[bytes]) -> bytes:
    """Return what a stream makes of chunks, having checked how much it holds."""
    stream = Stream(Collector(), "utf-8")
    out = []
    for chunk in chunks:
        out.append(stream.feed(chunk))
        assert len(stream.held) <= LIMIT
    out.append(stream.end())
    assert stream.held == b""
    return b"".join(out)


def whole(data: bytes) -> bytes:
    return Collector().substitute(data)


def test_no_more_than_the_longest_marker_is_ever_held():
    longest = marker.MAX_PAYLOAD + len("RI1...") + 20

    assert longest < LIMIT < 10_000


@many
@given(texts, lengths)
@example('<p><img data-ri="RI', [4])
@example("\\" * 20 + "\\u003c", [1])
def test_row_50_any_text_in_any_chunks_gives_what_the_whole_page_gives(built, text, sizes):
    data = text.encode()

    assert fed(split(data, cycle(sizes))) == whole(data)


@settings(many, max_examples=20)
@given(st.lists(ours | loose, min_size=1, max_size=2), st.sampled_from(BEGINNINGS))
def test_row_50_markers_are_found_wherever_the_only_cut_is(built, markers, between):
    data = between.join([*markers, ""]).encode()
    expected = whole(data)

    assert b"f41384ab" in expected
    for place in range(len(data) + 1):
        assert fed([data[:place], data[place:]]) == expected, place


@pytest.mark.parametrize("name", ["nothing", *ESCAPERS])
@pytest.mark.parametrize("second", ["nothing", *ESCAPERS])
def test_row_50_an_escaped_marker_byte_for_byte_is_that_of_the_whole_page(built, name, second):
    chain = [each for each in (name, second) if each != "nothing"]
    for marked in (element(), value()):
        data = f"<p>{through(chain, marked)}</p>".encode()

        resolved = fed(split(data, cycle([1])))

        assert resolved == whole(data)
        assert b"RI1." not in resolved


@pytest.mark.parametrize("name", ESCAPERS)
@pytest.mark.parametrize("marked", [element, value])
def test_row_50_one_level_more_than_is_known_is_not_taken_in_pieces_either(built, name, marked):
    data = f"<p>{through([name] * 3, marked())}</p>".encode()

    for size in (1, 2, 3):
        assert fed(split(data, cycle([size]))) == whole(data)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, 4096, 65536])
@pytest.mark.parametrize("marked", [element, value, lambda: LOOSE[0].format(core_of())])
def test_row_50_a_long_page_is_resolved_in_chunks_of_any_size(built, size, marked):
    kilobytes = 3 if size < 64 else 300
    paragraph = f"<p>{'Text & <b>more</b> of it. ' * 8}{marked()}</p>\n"
    data = (paragraph * (kilobytes * 1024 // len(paragraph))).encode()

    resolved = fed(split(data, cycle([size])))

    assert resolved == whole(data)
    assert resolved.count(RENDITION.encode()) == data.count(b"<p>")


@pytest.mark.parametrize("make", [element, value])
def test_what_stands_far_behind_a_whole_marker_is_no_part_of_it(built, make):
    far = (make() + "x" * 5000 + "&").encode()
    data = far + value()[1:].encode()
    stream = Stream(Collector(), "utf-8")

    first = stream.feed(far)

    assert first.endswith(b"x" * 5000)
    assert first + stream.feed(data[len(far) :]) + stream.end() == whole(data)


def test_a_marker_of_the_largest_payload_is_resolved(built):
    text = element(attributes=ATTRIBUTES + f' title="{"x" * 2900}"')
    assert 4000 < len(text) < LIMIT
    data = f"<p>{text}</p>".encode()

    assert fed(split(data, cycle([100]))) == whole(data)
    assert b"RI1." not in whole(data)


def test_a_large_marker_that_was_written_anew_is_resolved(built):
    text = LOOSE[-1].format(core_of(attributes=ATTRIBUTES + f' title="{"x" * 2900}"'))
    data = f"<p>{text}</p>".encode()

    assert b"RI1." not in whole(data)
    assert fed(split(data, cycle([100]))) == whole(data)


@pytest.mark.parametrize("marked", [element, lambda: through(["html"], element())])
def test_backslashes_without_end_before_a_marker_change_nothing(built, marked):
    data = ("\\" * 9000 + marked() + "x").encode()

    assert b"RI1." not in whole(data)
    assert fed([data[:9010], data[9010:]]) == whole(data)


def test_of_two_markers_that_are_not_finished_the_first_one_is_held_too(built):
    inner = '\\u003cimg data-ri=\\"RI1.cccccccc.dddddddddddddddddddd.'
    data = f"<p><img data-ri={core_of()} {inner}></p>".encode()

    assert b"RI1." not in whole(data)
    assert fed(split(data, cycle([1]))) == whole(data)


@pytest.mark.parametrize(
    "text",
    [
        "<img alt=x&/~ri?=VALUE data-ri=ELEMENT>",
        '<img data-ri="ELEMENT" alt="&/~ri?=VALUE">',
        "<img data-ri=ELEMENT data-ri=VALUE>",
        "<img data-ri=ELEMENT &/~ri?=VALUE &/~ri?=VALUE>",
    ],
)
def test_a_marker_inside_of_the_tag_of_another_one_breaks_nothing(built, text):
    short = marker.seal(django_settings.SECRET_KEY).core(("", "default", "a", "", "", "", URL))
    assert short is not None
    data = text.replace("ELEMENT", core_of()).replace("VALUE", f"RI1.{short.decode()}.").encode()

    resolved = whole(data)

    # Nothing is there twice, and no tag begins inside of another one.
    assert resolved.count(b">") == 1
    assert resolved.count(b"<") == 1
    assert fed(split(data, cycle([1]))) == resolved


# What passes at once -----------------------------------------------------------------------------------

EVENTS = (
    b"data: <b>x</b>\n\n", b": still here\n\n", b"event: time\ndata: 12:00\n\n", b'data: {"a": "<p>b</p>"}\n\n',
    b"<p>a</p>", b"a > b", b"RI1", b"x RI1.a b", b"<p class='a'", b"<input ", b"\xff\xfe", b"50 % of it", b"R. I.",
    b"<img src='a.jpg' alt=''>", b"a\\nb", b"/>",
)  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
def test_row_50_what_ends_outside_of_a_marker_passes_with_its_very_chunk(event, cache_calls):
    stream = Stream(Collector(), "utf-8")

    assert [stream.feed(event) for _ in range(3)] == [event] * 3
    assert stream.end() == b""
    assert not cache_calls


@pytest.mark.parametrize("marked", [element, value, lambda: through(["html", "json"], element())])
def test_row_50_a_whole_marker_at_the_end_of_a_chunk_passes_with_it(built, marked):
    data = f"data: {marked()}\n\n".encode()
    stream = Stream(Collector(), "utf-8")

    assert stream.feed(data) == whole(data)
    assert stream.held == b""


def test_only_what_may_become_a_marker_is_held():
    stream = Stream(Collector(), "utf-8")

    assert stream.feed(b"<p>a</p><im") == b"<p>a</p>"
    assert stream.held == b"<im"
    assert stream.feed(b"possible>b&") == b"<impossible>b"
    assert stream.feed(b"amp; c") == b"&amp; c"
    assert stream.feed(b"<img data-ri=") == b""
    assert stream.end() == b"<img data-ri="
    assert stream.end() == b""


def test_what_stands_before_a_whole_marker_in_an_open_tag_is_not_held(built):
    stream = Stream(Collector(), "utf-8")

    assert stream.feed(f'<img src="{value()}'.encode()) == f'<img src="/media/{RENDITION}'.encode()
    assert stream.held == b""


def test_what_never_becomes_a_marker_is_let_go_of_at_the_limit():
    stream = Stream(Collector(), "utf-8")
    start = ELEMENT_SHELL[0].encode() + FIRST
    sent = stream.feed(b"<p>" + start + b"a" * 3000)

    assert sent == b"<p>"
    assert stream.feed(b"a" * 3000) == start + b"a" * 6000


def test_nothing_is_held_that_no_shell_stands_before():
    stream = Stream(Collector(), "utf-8")
    data = b"<p>RI1." + b"a" * 3000

    assert stream.feed(data) == data


def test_no_marker_holds_an_angle_bracket_but_at_its_end():
    for contexts in escaping._BY_END.values():
        for context in contexts:
            assert b">" not in context.before
            assert b">" not in context.after[:-1]


def held_by(collector: Collector) -> int:
    """Return how many things a collector and its account hold."""
    named = [*Collector.__slots__, *type(collector.account).__slots__]
    values = [getattr(collector, name, getattr(collector.account, name, None)) for name in named]
    return sum(len(value) for value in values if isinstance(value, (dict, list, set)))


def test_slots_do_not_grow_over_a_stream_without_end(built):
    collector = Collector()
    stream = Stream(collector, "utf-8")
    held: list[int] = []

    for number in range(10_000):
        marked = [collector.show(TOLD, f' alt="{number}"', "") for _ in range(2)]
        sent = stream.feed(f"data: {''.join(marked)}\n\n".encode())
        assert sent.count(f' alt="{number}">'.encode()) == 2
        assert not collector.slots
        held.append(held_by(collector))

    assert max(held) == held[0] <= 2


# Through the handlers that servers call -----------------------------------------------------------------

Generator = Callable[[HttpRequest], Iterator[bytes | str]]


class Serving:
    """Serves a stream through a handler, chunk by chunk, and knows whose request it was."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.responses: list[Any] = []

    @property
    def collector(self) -> Collector:
        collector = getattr(self.requests[0], scopes.ATTRIBUTE)
        assert isinstance(collector, Collector)
        return collector

    def noted(self, request: HttpRequest, response: StreamingHttpResponse) -> StreamingHttpResponse:
        self.requests.append(request)
        self.responses.append(response)
        return response


@pytest.fixture
def serving(db: None) -> Serving:
    return Serving()


def sync_view(serving: Serving, generator: Generator, **options: Any) -> Callable[..., Any]:
    return lambda request: serving.noted(request, StreamingHttpResponse(generator(request), **options))


def async_view(serving: Serving, generator: Generator, **options: Any) -> Callable[..., Any]:
    async def chunks(request: HttpRequest) -> AsyncIterator[bytes | str]:
        for chunk in generator(request):
            await asyncio.sleep(0)
            yield chunk

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        return serving.noted(request, StreamingHttpResponse(chunks(request), **options))

    return view


def wsgi(settings: Any, view: Any, method: str = "GET") -> tuple[dict[str, str], Any]:
    """Return the headers and the body of a response as a WSGI server gets them."""
    settings.ROOT_URLCONF = (path("", view),)
    environ: dict[str, Any] = {"REQUEST_METHOD": method}
    setup_testing_defaults(environ)
    started: dict[str, str] = {}

    def start(status: str, headers: list[tuple[str, str]], *error: object) -> Callable[[bytes], object]:
        assert status == "200 OK"
        started.update(headers)
        return bytes.strip  # for what is written without an iterable, as no Django does

    body = WSGIHandler()(environ, start)
    return started, body


SCOPE = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/",
    "query_string": b"", "headers": [(b"host", b"testserver")],
}  # fmt: skip


async def asgi_started(settings: Any, view: Any) -> tuple[dict[bytes, bytes], Any]:
    """Return the headers of a response as an ASGI server gets them, and what its body comes from."""
    settings.ROOT_URLCONF = (path("", view),)
    server: Any = ApplicationCommunicator(ASGIHandler(), SCOPE)  # type: ignore[no-untyped-call]
    await server.send_input({"type": "http.request"})
    start = await server.receive_output(5)
    assert start["status"] == 200
    return dict(start["headers"]), server


async def asgi_chunks(server: Any) -> list[bytes]:
    chunks: list[bytes] = []
    while True:
        message = await server.receive_output(5)
        if not message.get("more_body"):
            await server.wait(5)
            return chunks
        chunks.append(message["body"])


def served(settings: Any, serving: Serving, how: str, generator: Generator, **options: Any) -> list[bytes]:
    """Return the chunks that a server sends."""
    if how == "wsgi":
        _, body = wsgi(settings, sync_view(serving, generator, **options))
        chunks = list(body)
        body.close()
        return chunks

    async def run() -> list[bytes]:
        _, server = await asgi_started(settings, async_view(serving, generator, **options))
        return await asgi_chunks(server)

    return async_to_sync(run)()


def through_middleware(serving: Serving, how: str, generator: Generator) -> list[bytes]:
    """Return the chunks of a response, without a handler: an async one has threads with databases of their own."""
    request = (RequestFactory if how == "wsgi" else AsyncRequestFactory)().get("/")
    middleware: Any = ResponsiveImgMiddleware(
        (sync_view if how == "wsgi" else async_view)(serving, generator)
    )

    async def run() -> list[bytes]:
        return [chunk async for chunk in await middleware(request)]

    return list(middleware(request)) if how == "wsgi" else async_to_sync(run)()


HOW = pytest.mark.parametrize("how", ["wsgi", "asgi"])


@HOW
def test_row_50_an_event_is_delivered_with_its_very_chunk(settings, serving, how):
    events = [b"data: <b>x</b>\n\n", b"data: 2\n\n", b"data: <img src='a'>\n\n"]

    chunks = served(settings, serving, how, lambda request: iter(events), content_type="text/event-stream")

    assert chunks == events
    assert not serving.collector.is_open


@HOW
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_50_tags_inside_of_the_generator_are_one_lookup_per_chunk_with_pictures(
    settings, serving, render, built, cache_calls, our_queries, how, language
):
    counted: list[int] = []
    marked: list[str] = []

    def pictures(request: HttpRequest, count: int) -> str:
        counted.append(cache_calls["get_many"])
        text = render(language, ONE_FILE * count, {"photo": built}, request)
        marked.append(text)
        return f"<p>{text}</p>"

    def generator(request: HttpRequest) -> Iterator[str]:
        yield pictures(request, 2)
        yield "<p>none</p>"
        yield pictures(request, 3)
        yield pictures(request, 0)
        yield pictures(request, 1)
        counted.append(cache_calls["get_many"])

    cache_calls.clear()
    with our_queries() as queries:
        chunks = served(settings, serving, how, generator)

    assert [chunk.decode() for chunk in chunks] == [
        f"<p>{text}</p>" for text in (MARKUP * 2, "none", MARKUP * 3, "", MARKUP)
    ]
    assert all(text.startswith(START.decode()) for text in marked if text)
    assert counted == [0, 1, 2, 2, 3]
    assert queries == []
    assert serving.responses[0].responsive_img_pending == 0


@HOW
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_50_what_was_rendered_before_is_resolved_whatever_the_chunks(
    settings, serving, render, built, how, language
):
    rendered: list[str] = []

    def generator(request: HttpRequest) -> Iterator[bytes]:
        text = "<ul>" + render(language, ONE_FILE + "<li>", {"photo": built}, request) * 3
        rendered.append(text)
        return iter(split(text.encode(), cycle([7])))

    chunks = served(settings, serving, how, generator)

    assert rendered[0].count(START.decode()) == 3
    assert b"".join(chunks).decode() == "<ul>" + (MARKUP + "<li>") * 3
    assert b"" not in chunks


@HOW
def test_row_50_a_marker_that_is_cut_off_at_the_end_is_sent_as_it_is(settings, serving, built, how):
    data = b"<p>" + element().encode()[:-10]

    chunks = served(settings, serving, how, lambda request: iter([data]))

    assert b"".join(chunks) == data


@HOW
def test_row_50_the_first_chunk_does_not_wait_for_the_second(settings, serving, render, built, how):
    made: list[int] = []

    def generator(request: HttpRequest) -> Iterator[str]:
        for number in range(3):
            made.append(number)
            yield f"<p>{number}</p>" + render("django", ONE_FILE, {"photo": built}, request)

    expected = [f"<p>{number}</p>{MARKUP}" for number in range(3)]
    if how == "wsgi":
        _, body = wsgi(settings, sync_view(serving, generator))
        chunks = iter(body)
        assert made == []
        for number in range(3):
            assert next(chunks).decode() == expected[number]
            assert made == list(range(number + 1))
        body.close()
        return

    async def run() -> None:
        gate = asyncio.Event()

        async def view(request: HttpRequest) -> StreamingHttpResponse:
            async def gated() -> AsyncIterator[str]:
                for number, chunk in enumerate(generator(request)):
                    if number:
                        await gate.wait()
                    yield chunk

            return StreamingHttpResponse(gated())

        _, server = await asgi_started(settings, view)
        first = await server.receive_output(5)
        assert first["body"].decode() == expected[0]
        gate.set()
        assert [chunk.decode() for chunk in await asgi_chunks(server)] == expected[1:]

    async_to_sync(run)()


@HOW
def test_a_length_that_will_not_be_right_is_not_sent(settings, serving, how):
    options = {"headers": {"Content-Length": "5", "Content-Type": "text/html", "X-Kept": "1"}}

    def generator(request: HttpRequest) -> Iterator[bytes]:
        return iter([b"<p>a</p>"])

    if how == "wsgi":
        headers, body = wsgi(settings, sync_view(serving, generator, **options))
        body.close()
        assert headers == {"Content-Type": "text/html", "X-Kept": "1"}
        return

    async def run() -> dict[bytes, bytes]:
        headers, server = await asgi_started(settings, async_view(serving, generator, **options))
        await asgi_chunks(server)
        return headers

    assert async_to_sync(run)() == {b"Content-Type": b"text/html", b"X-Kept": b"1"}


def test_digests_of_what_will_be_another_body_are_not_sent(settings, serving, built):
    names = ("Content-MD5", "Digest", "Content-Digest", "Repr-Digest")
    view = sync_view(serving, lambda request: iter([element()]), headers=dict.fromkeys(names, "x"))

    headers, body = wsgi(settings, view)

    assert b"".join(body).decode() == MARKUP
    body.close()
    assert set(headers) == {"Content-Type"}


@pytest.mark.parametrize("how", ["unstarted", "first", "held"])
def test_row_52_a_client_that_stops_reading_closes_everything(settings, serving, render, built, how):
    ended: list[str] = []

    def generator(request: HttpRequest) -> Iterator[str]:
        try:
            yield render("django", ONE_FILE, {"photo": built}, request)
            yield "<img data-ri="
            yield from ("<p>", "never read")
        finally:
            ended.append("closed")

    _, body = wsgi(settings, sync_view(serving, generator))
    if how != "unstarted":
        chunks = iter(body)
        assert next(chunks).decode() == MARKUP
        if how == "held":
            assert next(chunks) == b"<img data-ri=<p>"
        del chunks
    assert serving.collector.is_open
    body.close()

    assert ended == ([] if how == "unstarted" else ["closed"])
    assert not serving.collector.is_open
    # A tag that still runs resolves at once.
    assert render("django", ONE_FILE, {"photo": built}, serving.requests[0]) == MARKUP
    del body
    serving.responses.clear()
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Stream]


async def left_by_its_client(settings: Any, view: Any, *, is_slow: bool) -> list[bytes]:
    """Return the chunks that a server was given until its client went away; a slow one has not taken the first yet."""
    before = asyncio.all_tasks()
    settings.ROOT_URLCONF = (path("", view),)
    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: list[bytes] = []
    first = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])
            first.set()
            if is_slow:
                await asyncio.Event().wait()

    await received.put({"type": "http.request"})
    application: Any = ASGIHandler()
    task = asyncio.create_task(application(SCOPE, received.get, send))
    await asyncio.wait_for(first.wait(), 5)
    await received.put({"type": "http.disconnect"})
    await asyncio.wait_for(task, 5)
    gc.collect()
    for _ in range(5):  # the loop closes generators that nobody reads any more
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    return sent


@pytest.mark.parametrize(
    ("is_slow", "error"),
    [(False, "CancelledError"), (True, "GeneratorExit")],
    ids=["in the generator", "in sending"],
)
def test_row_52_a_client_that_goes_away_under_asgi_leaves_nothing_behind(
    settings, serving, render, built, is_slow, error
):
    ended: list[str] = []

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        async def chunks() -> AsyncIterator[str]:
            try:
                yield render("django", ONE_FILE, {"photo": built}, request)
                assert serving.collector.is_open
                await asyncio.Event().wait()
            except BaseException as error:
                ended.append(type(error).__name__)
                raise

        serving.requests.append(request)
        return StreamingHttpResponse(chunks())

    sent = async_to_sync(left_by_its_client)(settings, view, is_slow=is_slow)

    assert [chunk.decode() for chunk in sent] == [MARKUP]
    assert ended == [error]
    assert not serving.collector.is_open
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Stream]
    assert render("django", ONE_FILE, {"photo": built}, serving.requests[0]) == MARKUP


@HOW
def test_an_exception_in_the_generator_passes_through(serving, render, built, how):
    def generator(request: HttpRequest) -> Iterator[str]:
        yield render("django", ONE_FILE, {"photo": built}, request)
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        through_middleware(serving, how, generator)

    assert not serving.collector.is_open
    assert serving.responses[0].responsive_img_pending == 0


@HOW
def test_a_picture_that_is_not_built_in_time_is_told_once_the_stream_has_ended(
    settings, serving, render, photo, log, how
):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    def generator(request: HttpRequest) -> Iterator[str]:
        yield render("django", ONE_FILE * 2, {"photo": photo}, request)

    (chunk,) = through_middleware(serving, how, generator)

    assert chunk.count(b'src="/media/photos/cat.jpg"') == 2
    assert serving.responses[0].responsive_img_pending == 1
    assert log() == []


def test_the_stream_of_a_head_builds_nothing(settings, serving, render, photo):
    def generator(request: HttpRequest) -> Iterator[str]:
        yield render("django", ONE_FILE, {"photo": photo}, request)

    _, body = wsgi(settings, sync_view(serving, generator), "HEAD")
    (chunk,) = list(body)
    body.close()

    assert b'src="/media/photos/cat.jpg"' in chunk
    assert not Path(settings.MEDIA_ROOT, "renditions").exists()


@pytest.mark.parametrize("iterate_as", ["wsgi", "asgi"])
def test_a_stream_that_is_consumed_the_other_way_is_resolved(settings, serving, render, built, iterate_as):
    def generator(request: HttpRequest) -> Iterator[str]:
        for _ in range(2):
            yield render("django", ONE_FILE, {"photo": built}, request)

    if iterate_as == "asgi":

        async def run() -> list[bytes]:
            _, server = await asgi_started(settings, sync_view(serving, generator))
            return await asgi_chunks(server)

        with pytest.warns(Warning, match="must consume synchronous iterators"):
            chunks = async_to_sync(run)()
    else:
        _, body = wsgi(settings, async_view(serving, generator))
        with pytest.warns(Warning, match="must consume asynchronous iterators"):
            chunks = list(body)
        body.close()

    assert [chunk.decode() for chunk in chunks] == [MARKUP] * 2
    assert not serving.collector.is_open


def test_chunks_without_a_marker_need_no_thread(settings, serving, render, built, monkeypatch):
    threads: list[bytes] = []

    def generator(request: HttpRequest) -> Iterator[str]:
        yield "<p>"
        yield render("django", ONE_FILE, {"photo": built}, request)[:-2]
        yield "/>"
        yield from ("&/~ri?=R", "I1", ".x</p>", "end")

    from_thread = Stream.feed

    def feed(self: Stream, chunk: bytes) -> bytes:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            threads.append(chunk)
        return from_thread(self, chunk)

    monkeypatch.setattr(Stream, "feed", feed)
    chunks = served(settings, serving, "asgi", generator)

    assert b"".join(chunks).decode() == f"<p>{MARKUP}&/~ri?=RI1.x</p>end"
    assert [chunk[:5] for chunk in threads] == [START[:5], b"/>", b".x</p"]


# What is left as it is ---------------------------------------------------------------------------------


@HOW
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/octet-stream"},
        {"Content-Type": "application/msgpack"},
        {"Content-Type": "image/png"},
        {"Content-Type": "text/html", "Content-Encoding": "gzip"},
        {"Content-Type": "text/html", "Content-Encoding": "br"},
        {"Content-Type": "text/html; charset=utf-16"},
        {"Content-Type": "text/html; charset=shift_jis"},
        {"Content-Type": "text/html", "Content-Range": "bytes 0-9/100"},
    ],
)
def test_a_stream_that_is_no_readable_text_is_left_byte_for_byte(settings, serving, how, headers):
    chunks = [b"\x4b" + element().encode(), b"<img data-ri=", b"\xff\x00"]

    sent = served(
        settings, serving, how, lambda request: iter(chunks), headers=headers | {"Content-Length": "9"}
    )

    assert sent == chunks
    assert serving.responses[0].headers["Content-Length"] == "9"
    assert not serving.collector.is_open


@HOW
@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "shift_jis"])
def test_row_55_tags_in_a_stream_of_an_encoding_without_ascii_resolve_at_once(
    settings, serving, render, built, how, charset
):
    def generator(request: HttpRequest) -> Iterator[str]:
        yield "日本"
        yield render("django", ONE_FILE, {"photo": built}, request)

    chunks = served(settings, serving, how, generator, content_type=f"text/html; charset={charset}")

    assert [chunk.decode(charset) for chunk in chunks] == ["日本", MARKUP]


@HOW
@pytest.mark.parametrize("charset", ["latin-1", "koi8-r", "ascii", "utf-8"])
def test_row_55_a_stream_is_resolved_in_its_charset(settings, serving, render, make_photo, how, charset):
    photo = make_photo(title="Кот é")
    render("django", ONE_FILE, {"photo": photo})  # builds it, as the thread of a handler has another database

    def generator(request: HttpRequest) -> Iterator[str]:
        yield render("django", ONE_FILE.replace('alt=""', "alt=photo.title"), {"photo": photo}, request)

    (chunk,) = served(settings, serving, how, generator, content_type=f"text/html; charset={charset}")

    alt = "Кот é".encode(charset, "xmlcharrefreplace").decode(charset)
    assert chunk.decode(charset) == MARKUP.replace('alt=""', f'alt="{alt}"')


def test_row_55_a_stream_with_the_signature_of_utf_8_gets_none_before_its_pictures(settings, serving, built):
    data = b"\xef\xbb\xbf<p>" + element().encode() + b"</p>"
    options = {"content_type": "text/html; charset=utf-8-sig"}

    chunks = served(settings, serving, "wsgi", lambda request: iter([data]), **options)

    assert b"".join(chunks) == b"\xef\xbb\xbf<p>" + MARKUP.encode() + b"</p>"


def test_row_55_a_stream_of_an_unknown_charset_is_sent(settings, serving, built):
    data = b"<p>" + element().encode() + b"</p>"
    options = {"content_type": "text/html; charset=x-unknown"}

    chunks = served(settings, serving, "wsgi", lambda request: iter([data]), **options)

    assert b"".join(chunks) == b"<p>" + MARKUP.encode() + b"</p>"


def test_row_56_a_file_is_left_byte_for_byte(settings, tmp_path, built):
    file = tmp_path / "x.html"
    file.write_bytes(b"<p>" + element().encode())

    headers, body = wsgi(settings, lambda request: FileResponse(file.open("rb")))

    assert b"".join(body) == file.read_bytes()
    body.close()
    assert headers["Content-Length"] == str(file.stat().st_size)
    assert headers["Content-Type"] == "text/html"


def test_a_file_response_without_a_file_is_resolved(settings, serving, built):
    _, body = wsgi(
        settings, lambda request: FileResponse(iter([element().encode()]), content_type="text/html")
    )

    assert b"".join(body).decode() == MARKUP
    body.close()


def test_a_marker_that_is_not_ours_passes_a_stream(settings, serving, log, built):
    data = b"<p>" + element(secret="another").encode() + b"</p>" + element().encode()

    chunks = served(settings, serving, "wsgi", lambda request: iter(split(data, cycle([10]))))

    assert b"".join(chunks) == b"<p>" + element(secret="another").encode() + b"</p>" + MARKUP.encode()
    (line,) = log()
    assert "SECRET_KEY_FALLBACKS" in line


def test_two_streams_at_once_do_not_see_each_other(render, make_photo):
    photos = [make_photo(f"photos/{name}.jpg", title=name) for name in "abc"]
    template = ONE_FILE.replace('alt=""', "alt=photo.title")

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        photo = photos[int(request.GET["n"])]

        async def chunks() -> AsyncIterator[str]:
            for _ in range(4):
                text = render("jinja2", template, {"photo": photo}, request)
                assert text.startswith(START.decode())
                yield text[:30]
                await asyncio.sleep(0)
                yield text[30:]

        return StreamingHttpResponse(chunks())

    async def read(number: int) -> bytes:
        middleware: Any = ResponsiveImgMiddleware(view)
        response = await middleware(AsyncRequestFactory().get("/", {"n": str(number)}))
        return b"".join([chunk async for chunk in response])

    async def run() -> list[bytes]:
        return await asyncio.gather(*map(read, range(3)))

    for photo, body in zip(photos, async_to_sync(run)(), strict=True):
        assert body.count(b"<img") == body.count(f'alt="{photo.title}"'.encode()) == 4
        assert body.count(f"photos/{photo.title}-20w.".encode()) == 4


def test_what_a_stream_renders_for_another_request_resolves_at_once(render, built):
    def view(request: HttpRequest) -> StreamingHttpResponse:
        others = RequestFactory().get("/mail/")
        return StreamingHttpResponse(
            render("django", ONE_FILE, {"photo": built}, each)[:4] for each in (request, others)
        )

    response: Any = ResponsiveImgMiddleware(view)(RequestFactory().get("/"))

    assert b"".join(response) == MARKUP[:4].encode() * 2
