"""Rows 49, 55, 56 and 59: bodies by their types, encodings and charsets, and the headers that say something of them."""

from __future__ import annotations

import gzip
import json
import logging
import tracemalloc
import zlib
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.middleware.gzip import GZipMiddleware
from django.test import RequestFactory
from django.urls import path
from django.utils.feedgenerator import Rss201rev2Feed
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition

from responsive_img import bodies, finalize, logs, marker
from responsive_img.middleware import ResponsiveImgMiddleware
from templatetags_tests.conftest import MARKUP, ONE_FILE, RENDITION, respond
from templatetags_tests.models import Photo

START = b'<img data-ri="RI1.'
TITLED = ONE_FILE.replace('alt=""', "alt=photo.title")
URL_TAG = '{% img_url photo.image width=20 format="webp" %}'
FILLING = "<p>Enough of it to be worth compressing.</p>" * 20
# Encodings in which a marker does not stand as it is, or that put a signature before every text.
CHARSETS = (
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "shift_jis",
    "euc_jp",
    "iso2022_jp",
    "gb18030",
    "utf-7",
)


@pytest.fixture
def marked(render: Callable[..., str], photo: Photo) -> Callable[[HttpRequest], str]:
    """Return a function that gives the marker of a picture for a request."""

    def left(request: HttpRequest) -> str:
        text = render("django", ONE_FILE, {"photo": photo}, request)
        assert text.encode().startswith(START)
        return text

    return left


def requested(view: Any, method: str = "GET", **headers: str) -> Any:
    """Return the response of a view through the middleware."""
    return ResponsiveImgMiddleware(view)(RequestFactory().generic(method, "/", headers=headers))


def foreign() -> str:
    """Return a marker that another key has signed."""
    core = marker.seal("another").core(("w20", "default", "photos/cat.jpg", "", "", "", "element"))
    assert core is not None
    return f"RI1.{core.decode()}.".join(marker.ELEMENT_SHELL)


# Compressed ---------------------------------------------------------------------------------------------


def under_gzip_page(view: Any) -> Any:
    return gzip_page(view)


def under_gzip_middleware(view: Any) -> Any:
    return GZipMiddleware(view)


@pytest.mark.parametrize("below", [under_gzip_page, under_gzip_middleware])
def test_row_49_what_was_compressed_below_is_resolved_and_compressed_again(marked, below, log):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(
            FILLING + marked(request) + FILLING, headers={"ETag": '"x"', "Content-Length": "1"}
        )

    response = requested(below(view), accept_encoding="gzip")

    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content).decode() == FILLING + MARKUP + FILLING
    assert len(response.content) < len(FILLING)
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["ETag"].startswith('W/"x-')
    assert response.headers["ETag"].count('"') == 2
    assert log() == []


@pytest.mark.parametrize("above", [under_gzip_page, under_gzip_middleware])
def test_row_49_what_compresses_above_gets_the_markup(marked, above):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(FILLING + marked(request))

    request = RequestFactory().get("/", headers={"accept-encoding": "gzip"})
    response = above(ResponsiveImgMiddleware(view))(request)

    assert gzip.decompress(response.content).decode() == FILLING + MARKUP
    assert response.headers["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize("name", ["gzip", "GZIP", "Gzip"])
def test_row_49_the_name_of_the_encoding_may_be_written_in_any_case(marked, name):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(gzip.compress(marked(request).encode()), headers={"Content-Encoding": name})

    response = requested(view)

    assert gzip.decompress(response.content).decode() == MARKUP
    assert response.headers["Content-Encoding"] == name


@pytest.mark.parametrize("name", ["identity", "Identity", ""])
def test_row_49_an_encoding_that_is_none_changes_nothing(marked, name, log):
    response = requested(lambda request: HttpResponse(marked(request), headers={"Content-Encoding": name}))

    assert response.content.decode() == MARKUP
    assert log() == []


def cut_off(content: bytes) -> bytes:
    return content[:-12]


def with_another_sum(content: bytes) -> bytes:
    return content[:-8] + bytes(4) + content[-4:]


def with_another_middle(content: bytes) -> bytes:
    return content[:10] + b"\xff\xff\xff" + content[13:]


def no_gzip(content: bytes) -> bytes:
    return b"no gzip" + content


def unpacked(content: bytes) -> bytes:
    return gzip.decompress(content)


@pytest.mark.parametrize("damage", [cut_off, with_another_sum, with_another_middle, no_gzip, unpacked])
def test_row_49_a_damaged_gzip_is_left_byte_for_byte(marked, damage, log):
    sent: list[bytes] = []

    def view(request: HttpRequest) -> HttpResponse:
        sent.append(damage(gzip.compress((marked(request) + FILLING).encode())))
        return HttpResponse(sent[0], headers={"Content-Encoding": "gzip", "ETag": '"x"', "Digest": "y"})

    response = requested(view)

    assert response.content == sent[0]
    assert response.headers["ETag"] == '"x"'
    assert response.headers["Digest"] == "y"


@pytest.mark.parametrize(("room", "is_resolved"), [(0, True), (-1, False)])
def test_row_49_a_gzip_larger_than_any_page_is_left_byte_for_byte(
    marked, monkeypatch, log, room, is_resolved
):
    sent: list[bytes] = []

    def view(request: HttpRequest) -> HttpResponse:
        plain = (marked(request) + FILLING).encode()
        monkeypatch.setattr(bodies, "MAX_UNZIPPED", len(plain) + room)
        sent.append(gzip.compress(plain))
        return HttpResponse(sent[0], headers={"Content-Encoding": "gzip", "ETag": '"x"'})

    response = requested(view)

    assert (response.content != sent[0]) is is_resolved
    assert (response.headers["ETag"] != '"x"') is is_resolved
    assert (gzip.decompress(response.content).decode() == MARKUP + FILLING) is is_resolved


def test_row_49_a_bomb_costs_no_more_memory_than_a_page_may_have(db, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_UNZIPPED", 2**20)
    bomb = gzip.compress(START + bytes(64 * 2**20))
    tracemalloc.start()

    response = requested(lambda request: HttpResponse(bomb, headers={"Content-Encoding": "gzip"}))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert response.content == bomb
    assert peak < 8 * 2**20


@pytest.mark.parametrize("text", ["nothing of ours", "RI1.", foreign()])
def test_row_49_a_gzip_without_a_marker_of_ours_is_left_byte_for_byte(db, text):
    content = gzip.compress(text.encode())
    headers = {"Content-Encoding": "gzip", "ETag": '"x"', "Content-MD5": "y", "Content-Type": "text/html"}

    response = requested(lambda request: HttpResponse(content, headers=headers))

    assert response.content == content
    assert response.headers == headers


@pytest.mark.parametrize("name", ["br", "zstd", "deflate", "x-gzip", "gzip, br", "aes128gcm"])
def test_row_49_what_is_compressed_otherwise_is_left_and_said_once(marked, name, log):
    sent: list[bytes] = []

    def view(request: HttpRequest) -> HttpResponse:
        sent.append(zlib.compress(marked(request).encode()))
        return HttpResponse(
            sent[-1], headers={"Content-Encoding": name, "ETag": '"x"', "Content-Length": "7"}
        )

    responses = [requested(view) for _ in range(3)]

    assert [response.content for response in responses] == sent
    assert responses[0].headers == {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Encoding": name,
        "ETag": '"x"',
        "Content-Length": "7",
    }
    assert [line for line in log() if "compressed" in line] == [
        f"A response was compressed ({name}) before its pictures were resolved: "
        "list ResponsiveImgMiddleware below what compresses."
    ]


def test_row_49_what_is_compressed_otherwise_is_not_read():
    response = HttpResponse(b"RI1.", headers={"Content-Encoding": "br"})

    assert bodies.is_compressed_unreadably(response)
    assert bodies.content_with_markers(response) is None


def test_row_49_what_is_compressed_otherwise_without_pictures_is_not_worth_a_line(log):
    response = requested(lambda request: HttpResponse(b"\x0b\x02", headers={"Content-Encoding": "br"}))

    assert response.content == b"\x0b\x02"
    assert log() == []


# Charsets -----------------------------------------------------------------------------------------------


def test_row_55_what_latin_1_lacks_is_a_character_reference(page, make_photo):
    photo = make_photo(title="Кот é €")

    response = page("django", "Ä" + TITLED, {"photo": photo}, content_type="text/html; charset=latin-1")

    expected = MARKUP.replace('alt=""', 'alt="&#1050;&#1086;&#1090; é &#8364;"')
    assert response.content == f"Ä{expected}".encode("latin-1")


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize("charset", CHARSETS)
def test_row_55_the_text_is_valid_in_every_charset(page, make_photo, charset, language):
    photo = make_photo(title="猫 & Кот 🖼")
    template = "<p>日本</p>" + TITLED + "{{ url }}</p>"
    url = f"/media/{RENDITION}"
    alt = "猫 &amp; Кот 🖼".encode(charset, "xmlcharrefreplace").decode(charset)

    response = page(
        language,
        template.replace("{{ url }}", URL_TAG),
        {"photo": photo},
        content_type=f"text/html; charset={charset}",
        headers={"Content-Length": "1", "ETag": '"x"'},
    )

    expected = "<p>日本</p>" + MARKUP.replace('alt=""', f'alt="{alt}"') + url + "</p>"
    assert response.content.decode(charset) == expected
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers["ETag"].startswith('W/"x-')


@pytest.mark.parametrize("charset", ["utf-8-sig", "UTF_8_SIG"])
@pytest.mark.parametrize("template", [TITLED * 2, TITLED * 2 + URL_TAG])
def test_row_55_the_signature_of_utf_8_stands_at_the_start_alone(page, photo, charset, template):
    response = page(
        "django", f"<p>é</p>{template}", {"photo": photo}, content_type=f"text/html; charset={charset}"
    )

    text = response.content.decode("utf-8")
    assert text.startswith("\ufeff<p>é</p><img ")
    assert text.count("\ufeff") == 1


@pytest.mark.parametrize("charset", ["x-unknown", "hex", "rot13"])
@pytest.mark.parametrize("template", [TITLED, TITLED + URL_TAG])
def test_row_55_an_unknown_charset_breaks_no_page(render, make_photo, charset, template):
    photo = make_photo(title="Кот")
    sent: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        sent.append(render("django", f"é{template}", {"photo": photo}, request))
        return HttpResponse(sent[0].encode(), content_type=f"text/html; charset={charset}")

    response = requested(view)

    if charset == "x-unknown":  # what most of them have in common is ASCII
        assert response.content.startswith("é<img src=".encode())
        assert b' alt="&#1050;&#1086;&#1090;"' in response.content
        assert b"RI1." not in response.content
    else:  # no encoding of text at all
        assert response.content == sent[0].encode()


@pytest.mark.parametrize("charset", ["utf-16", "shift_jis", "utf-16-le"])
def test_row_55_a_body_that_is_not_of_its_charset_is_left_byte_for_byte(marked, charset):
    sent: list[bytes] = []

    def view(request: HttpRequest) -> HttpResponse:
        sent.append(b"\xd8\x00\xff" + marked(request).encode() + b"\x81")
        return HttpResponse(sent[0], content_type=f"text/html; charset={charset}", headers={"ETag": '"x"'})

    response = requested(view)

    assert response.content == sent[0]
    assert response.headers["ETag"] == '"x"'


@pytest.mark.parametrize("charset", CHARSETS)
def test_row_55_a_compressed_body_is_of_its_charset(marked, charset):
    def view(request: HttpRequest) -> HttpResponse:
        content = gzip.compress(("日本" + marked(request)).encode(charset))
        return HttpResponse(
            content, content_type=f"text/html; charset={charset}", headers={"Content-Encoding": "gzip"}
        )

    assert gzip.decompress(requested(view).content).decode(charset) == f"日本{MARKUP}"


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("text", ["日本", "日本RI1.", f"日本{foreign()}"])
def test_row_55_a_body_of_another_charset_without_a_marker_of_ours_is_left(db, charset, text):
    content = text.encode(charset)
    headers = {"Content-Type": f"text/html; charset={charset}", "ETag": '"x"', "Content-MD5": "y"}

    response = requested(lambda request: HttpResponse(content, headers=headers))

    assert response.content == content
    assert response.headers == headers


@pytest.mark.parametrize(
    "charset", ["utf-8", "ascii", "latin-1", "iso8859-15", "cp1252", "koi8-r", "mac-roman"]
)
def test_a_charset_that_keeps_ascii_is_known(charset):
    every = bytes(range(128))

    assert every.decode(charset) == every.decode("ascii")
    assert bodies.is_ascii_kept(charset)


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_charset_that_may_not_keep_ascii_is_known(charset):
    assert not bodies.is_ascii_kept(charset)


# Types --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html", "text/plain", "text/javascript", "text/css", "text/xml", "text/csv", "TEXT/HTML; charset=UTF-8",
        "application/xhtml+xml", "application/rss+xml", "application/atom+xml", "application/json", "application/xml",
        "application/vnd.api+json", "application/ld+json; charset=utf-8", "application/javascript",
        "application/x-javascript", "application/problem+json", "image/svg+xml",
    ],
)  # fmt: skip
def test_every_type_that_a_template_makes_is_resolved(marked, content_type):
    response = requested(
        lambda request: HttpResponse(marked(request), headers={"Content-Type": content_type})
    )

    assert response.content.decode() == MARKUP


@pytest.mark.parametrize(
    "content_type",
    [
        "application/msgpack", "application/x-msgpack", "application/pdf", "application/zip", "application/cbor",
        "application/octet-stream", "application/x-protobuf", "application/grpc", "image/png", "video/mp4", "font/woff2",
        "multipart/mixed; boundary=x", "application/jsonx", "application/xmlx", "x-text/html", "",
    ],
)  # fmt: skip
def test_row_56_a_binary_body_is_left_byte_for_byte(marked, content_type):
    sent: list[bytes] = []

    def view(request: HttpRequest) -> HttpResponse:
        text = marked(request).encode()
        sent.append(b"\xda" + len(text).to_bytes(2, "big") + text + b"\xff\x00")
        return HttpResponse(
            sent[0],
            headers={
                "Content-Type": content_type,
                "ETag": '"x"',
                "Digest": "y",
                "Content-Length": str(len(sent[0])),
            },
        )

    response = requested(view)

    assert response.content == sent[0]
    assert dict(response.headers) == {
        "Content-Type": content_type,
        "ETag": '"x"',
        "Digest": "y",
        "Content-Length": str(len(sent[0])),
    }


@pytest.mark.parametrize("status", [204, 206, 304])
def test_row_56_a_status_without_a_whole_body_is_left_byte_for_byte(marked, status, cache_calls, log):
    sent: list[str] = []
    headers = {"Content-Type": "text/html", "ETag": '"x"', "Content-Length": "9", "Content-MD5": "y"}

    def view(request: HttpRequest) -> HttpResponse:
        sent.append(marked(request))
        return HttpResponse(sent[0], status=status, headers=headers)

    response = requested(view)

    assert response.content.decode() == sent[0]
    assert response.headers == headers
    assert not cache_calls
    assert log() == []


@pytest.mark.parametrize("status", [200, 201, 203, 301, 302, 400, 403, 404, 410])
def test_a_status_with_a_whole_body_is_resolved(marked, status):
    response = requested(lambda request: HttpResponse(marked(request), status=status))

    assert response.content.decode() == MARKUP


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_page_shows_what_is_built_and_builds_nothing(marked, status, settings):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(marked(request), status=status)

    before = requested(view)
    requested(lambda request: HttpResponse(marked(request)))
    after = requested(view)

    assert b'src="/media/photos/cat.jpg"' in before.content
    assert after.content.decode() == MARKUP


def test_row_56_a_part_of_a_body_is_left_byte_for_byte(marked, cache_calls):
    sent: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        sent.append(marked(request))
        return HttpResponse(sent[0], headers={"Content-Range": "bytes 0-9/100", "ETag": '"x"'})

    response = requested(view)

    assert response.content.decode() == sent[0]
    assert response.headers["ETag"] == '"x"'
    assert not cache_calls


def test_row_56_not_modified_has_no_body(log):
    response = requested(lambda request: HttpResponseNotModified())

    assert response.status_code == 304
    assert response.content == b""
    assert log() == []


def test_row_56_a_file_is_left_byte_for_byte(tmp_path, settings, db, client):
    file = tmp_path / "x.html"
    file.write_bytes(foreign().encode() + b"\xff" + START)
    settings.ROOT_URLCONF = (path("", lambda request: FileResponse(file.open("rb"))),)

    response = client.get("/")

    assert b"".join(response) == file.read_bytes()
    assert response.headers["Content-Length"] == str(file.stat().st_size)


def test_row_56_a_head_builds_nothing_and_asks_for_nothing(marked, our_queries, storage_calls, cache_calls):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(marked(request), headers={"Content-Length": "1"})

    requested(view)
    built = requested(view)
    storage_calls.clear()
    cache_calls.clear()
    with our_queries() as queries:
        head = requested(view, "HEAD")

    assert head.headers["Content-Length"] == built.headers["Content-Length"] == str(len(MARKUP))
    assert head.content == built.content
    assert (queries, cache_calls) == ([], {"get_many": 1})
    assert not storage_calls["open"]


def test_row_56_a_head_before_anything_is_built_builds_nothing(marked, our_queries, storage_calls, settings):
    settings.DEBUG = False

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(marked(request), headers={"Content-Length": "1", "ETag": '"x"'})

    storage_calls.clear()
    with our_queries() as queries:
        head = requested(view, "HEAD")

    assert queries == []
    assert (storage_calls["open"], storage_calls["save"]) == (0, 0)
    assert head.headers["Content-Length"] == str(len(head.content))
    assert head.headers["Cache-Control"] == "max-age=0"
    assert "ETag" not in head.headers
    assert head.responsive_img_pending == 1
    assert requested(view).content.decode() == MARKUP


def test_row_56_a_head_through_the_client_has_the_length_of_a_get(client, settings, marked):
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]
    settings.ROOT_URLCONF = (path("", lambda request: HttpResponse(marked(request))),)

    got = client.get("/")
    head = client.head("/")

    assert head.content == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(MARKUP))


# JSON, scripts and feeds --------------------------------------------------------------------------------


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.api+json"])
def test_json_carries_the_rendered_html(render, make_photo, ensure_ascii, content_type):
    photo = make_photo(title='Größe "<🖼\\>"')

    def view(request: HttpRequest) -> HttpResponse:
        html = render("django", f"<p>{TITLED}</p>", {"photo": photo}, request)
        url = render("jinja2", URL_TAG, {"photo": photo}, request)
        return JsonResponse(
            {"html": html, "url": url, "é": "日本"},
            json_dumps_params={"ensure_ascii": ensure_ascii},
            content_type=content_type,
        )

    read = json.loads(requested(view).content)

    assert read["url"] == f"/media/{RENDITION}"
    assert read["é"] == "日本"
    alt = "Gr&#246;&#223;e &quot;&lt;&#128444;&#92;&gt;&quot;"
    assert read["html"] == f"<p>{MARKUP}</p>".replace('alt=""', f'alt="{alt}"')


def test_json_without_white_space_as_renderers_of_apis_write_it(marked):
    def view(request: HttpRequest) -> HttpResponse:
        text = json.dumps({"a": marked(request)}, ensure_ascii=False, separators=(",", ":"))
        return HttpResponse(text.replace("\u2028", "\\u2028").encode(), content_type="application/json")

    response = requested(view)

    assert response.content.decode() == json.dumps({"a": MARKUP}, separators=(",", ":"))


def test_a_script_carries_the_rendered_html(render, photo):
    def view(request: HttpRequest) -> HttpResponse:
        shown = render("django", ONE_FILE, {"photo": photo}, request)
        html = render("django", "{{ html|escapejs }}", {"html": shown})
        return HttpResponse(f'show("{html}", 1 > 0);', content_type="text/javascript")

    text = requested(view).content.decode()

    assert "RI1." not in text
    assert text.startswith('show("\\u003Cimg src\\u003D\\u0022/media/')
    assert text.endswith('\\u003E", 1 > 0);')
    assert json.loads(text[5:-9]) == MARKUP


def test_a_feed_carries_the_rendered_html(marked):
    def view(request: HttpRequest) -> HttpResponse:
        feed = Rss201rev2Feed("A", "https://example.com/", "B")
        feed.add_item("C", "https://example.com/c/", marked(request))
        return HttpResponse(feed.writeString("utf-8"), content_type=Rss201rev2Feed.content_type)

    text = requested(view).content.decode()

    assert text.count(f"<description>{MARKUP.replace('<', '&lt;').replace('>', '&gt;')}</description>") == 1


# Headers that say something of the body ------------------------------------------------------------------

DIGESTS = ("Content-MD5", "Digest", "Content-Digest", "Repr-Digest")


@pytest.mark.parametrize("name", DIGESTS)
def test_a_digest_is_dropped_where_the_body_has_changed(marked, name):
    response = requested(lambda request: HttpResponse(marked(request), headers={name: "x", "X-Kept": "1"}))

    assert response.content.decode() == MARKUP
    assert set(response.headers) == {"Content-Type", "X-Kept"}


@pytest.mark.parametrize(
    "text",
    ["no picture", "RI1.", f"<p>{START.decode()}", foreign(), "RI1.x.y. " + foreign() * 2, foreign()[:-3], "&/~ri?=RI1."],
)  # fmt: skip
def test_a_page_without_a_marker_of_ours_keeps_its_body_and_headers(db, text, cache_calls):
    content = text.encode() + b"\xff"
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "ETag": '"x"',
        "Content-Length": str(len(content)),
        "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "Cache-Control": "max-age=60",
        **dict.fromkeys(DIGESTS, md5(content).hexdigest()),  # noqa: S324 - what that header holds
    }

    response = requested(lambda request: HttpResponse(content, headers=headers))

    assert response.content == content
    assert response.headers == headers
    assert not cache_calls


@pytest.mark.parametrize("etag", ['"x"', 'W/"x"', '""'])
def test_an_etag_of_the_view_changes_with_the_markup_alone(marked, photo, etag, make_photo, render):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(marked(request), headers={"ETag": etag})

    def other(request: HttpRequest) -> HttpResponse:
        return HttpResponse(marked(request).replace("<", "a <", 1), headers={"ETag": etag})

    first, again, another = requested(view), requested(view), requested(other)

    stem = etag.removeprefix("W/").strip('"')
    assert first.headers["ETag"].startswith(f'W/"{stem}-')
    assert first.headers["ETag"].endswith('"')
    assert first.headers["ETag"].count('"') == 2
    assert len(first.headers["ETag"]) == len(f'W/"{stem}-"') + 12
    assert again.headers["ETag"] == first.headers["ETag"]
    assert another.headers["ETag"] != first.headers["ETag"]


def test_the_etag_of_a_compressed_page_is_that_of_its_text(marked):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(
            gzip.compress(marked(request).encode()), headers={"Content-Encoding": "gzip", "ETag": '"x"'}
        )

    plain = requested(lambda request: HttpResponse(marked(request), headers={"ETag": '"x"'}))

    # Two compressions of one text differ in their random part.
    assert {requested(view).headers["ETag"] for _ in range(3)} == {plain.headers["ETag"]}


def test_a_page_without_pictures_below_a_condition_keeps_the_etag(db):
    view = condition(etag_func=lambda request: '"v1"')(lambda request: HttpResponse("no picture"))

    assert requested(view).headers["ETag"] == '"v1"'


# Row 59: other keys, other versions ------------------------------------------------------------------------


def test_row_59_a_page_of_the_key_before_is_resolved(marked, settings, log):
    stored = respond(
        lambda request: HttpResponse(marked(request), content_type="application/x-stored")
    ).content
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older", settings.SECRET_KEY]
    log_before = log()

    response = requested(lambda request: HttpResponse(stored))

    assert stored.startswith(START)
    assert response.content.decode() == MARKUP
    assert log() == log_before


def test_row_59_a_page_of_a_forgotten_key_is_inert_and_said_once(marked, settings, log, caplog):
    stored = respond(
        lambda request: HttpResponse(marked(request), content_type="application/x-stored")
    ).content
    logs._logged.clear()
    caplog.clear()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older"]

    responses = [requested(lambda request: HttpResponse(stored * 2)) for _ in range(3)]

    assert [response.content for response in responses] == [stored * 2] * 3
    (line,) = log()
    assert "belongs into SECRET_KEY_FALLBACKS" in line
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("version", ["RI2.", "RI0.", "RI10.", "RI.", "ri1.", "RI11."])
def test_row_59_an_unknown_version_is_inert(marked, version, log):
    def view(request: HttpRequest) -> HttpResponse:
        text = marked(request)
        return HttpResponse(text.replace("RI1.", version) + text)

    response = requested(view)

    content = response.content.decode()
    assert content.endswith(MARKUP)
    assert content.startswith(f'<img data-ri="{version}')
    assert content.count("<img") == 2
    assert log() == []


def test_row_59_new_markers_are_signed_with_the_new_key(marked, settings):
    old, settings.SECRET_KEY_FALLBACKS = django_settings.SECRET_KEY, [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    sent: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        sent.append(marked(request))
        return HttpResponse()

    respond(view)
    settings.SECRET_KEY_FALLBACKS = []
    assert finalize(sent[0]) == MARKUP
    settings.SECRET_KEY = old
    assert finalize(sent[0]) == sent[0]
