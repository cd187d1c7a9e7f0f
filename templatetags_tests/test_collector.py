from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading

import pytest
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from markupsafe import Markup, escape

import responsive_img
from responsive_img import batch, collector, finalize, immediate, marker, scopes
from responsive_img.collector import Collector
from responsive_img.escaping import ESCAPERS
from responsive_img.exceptions import ResponsiveImgError, SpecError
from responsive_img.resolution import ELEMENT, SRCSET, URL, WIDTH
from responsive_img.scopes import Batch
from templatetags_tests.conftest import MARKUP, ONE_FILE, RENDITION, respond

LANGUAGES = ("django", "jinja2")
START = '<img data-ri="RI1.'


@pytest.fixture
def in_request(render, photo):
    """Return a function that calls another inside a view, and returns what that gave and the response."""

    def inside(function):
        given = []

        def view(request):
            given.append(function(request))
            return HttpResponse(given[0])

        html = respond(view).content.decode()
        return given[0], html

    return inside


@pytest.fixture
def marked(in_request, render, photo):
    """Return the marker of a picture as another response has left it."""
    text, _ = in_request(lambda request: render("django", ONE_FILE, {"photo": photo}, request))
    assert text.startswith(START)
    return text


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_request_a_tag_resolves_at_once(render, photo, language):
    assert render(language, ONE_FILE, {"photo": photo}) == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_middleware_a_tag_resolves_at_once(render, photo, language):
    assert render(language, ONE_FILE, {"photo": photo}, RequestFactory().get("/")) == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_render_without_the_request_inside_a_view_resolves_at_once(in_request, render, photo, language):
    text, _ = in_request(lambda _: render(language, ONE_FILE, {"photo": photo}))

    assert text == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_render_with_another_request_resolves_at_once(in_request, render, photo, language):
    text, _ = in_request(
        lambda _: render(language, ONE_FILE, {"photo": photo}, RequestFactory().get("/mail/"))
    )

    assert text == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
def test_after_the_response_has_ended_a_tag_resolves_at_once(render, photo, language):
    requests = []

    def view(request):
        requests.append(request)
        return HttpResponse(render(language, ONE_FILE, {"photo": photo}, request))

    respond(view)

    assert render(language, ONE_FILE, {"photo": photo}, requests[0]) == MARKUP


def test_after_an_exception_in_the_view_a_tag_resolves_at_once(render, photo):
    requests = []

    def view(request):
        requests.append(request)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        respond(view)

    assert render("django", ONE_FILE, {"photo": photo}, requests[0]) == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_thread_of_a_view_resolves_at_once(in_request, render, photo, language):
    render(language, ONE_FILE, {"photo": photo})  # so that the thread needs no database connection of its own

    def in_thread(_):
        texts = []
        thread = threading.Thread(target=lambda: texts.append(render(language, ONE_FILE, {"photo": photo})))
        thread.start()
        thread.join()
        return texts[0]

    text, _ = in_request(in_thread)

    assert text == MARKUP


def test_a_thread_that_outlives_the_response_resolves_at_once(render, photo):
    render("django", ONE_FILE, {"photo": photo})
    ended, texts = threading.Event(), []
    threads = []

    def late(request):
        ended.wait(5)
        texts.append(render("django", ONE_FILE, {"photo": photo}, request))

    def view(request):
        threads.append(threading.Thread(target=late, args=[request]))
        threads[0].start()
        return HttpResponse("")

    respond(view)
    ended.set()
    threads[0].join()

    assert texts == [MARKUP]


@pytest.mark.parametrize("language", LANGUAGES)
def test_inside_immediate_a_tag_resolves_at_once(in_request, render, photo, language):
    def body(request):
        with immediate():
            at_once = render(language, ONE_FILE, {"photo": photo}, request)
        return at_once + "|" + render(language, ONE_FILE, {"photo": photo}, request)

    text, resolved = in_request(body)

    at_once, _, later = text.partition("|")
    assert at_once == MARKUP
    assert later.startswith(START)
    assert resolved == f"{MARKUP}|{MARKUP}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_batch_costs_one_lookup(render, photo, cache_calls, language):
    with batch() as images:
        texts = [
            render(language, ONE_FILE.replace("20", width), {"photo": photo}) for width in ("10", "20", "30")
        ]
        assert not cache_calls
        html = images.finalize("".join(texts))

    assert cache_calls["get_many"] == 1
    assert cache_calls["get"] == 0
    assert html.count("<img src=") == 3
    assert START not in html


def test_what_is_finalized_in_parts_is_finalized(render, photo, settings):
    settings.DEBUG = True

    with batch() as images:
        first = render("django", ONE_FILE, {"photo": photo})
        second = render("django", ONE_FILE.replace("20", "10"), {"photo": photo})
        html = [images.finalize(first), images.finalize(second)]

    assert html[0] == MARKUP
    assert START not in html[1]


def test_leaving_a_batch_with_markers_raises_under_debug(render, photo, settings):
    settings.DEBUG = True

    def leave() -> None:
        with batch() as images:
            images.finalize(render("django", ONE_FILE, {"photo": photo}))
            render("django", ONE_FILE.replace("20", "10"), {"photo": photo})

    with pytest.raises(ResponsiveImgError) as caught:
        leave()

    assert str(caught.value) == "batch() was left with 1 marker(s) that never went through finalize()"


def test_the_same_tag_in_two_texts_is_left_as_long_as_one_is(render, photo, settings):
    settings.DEBUG = True

    def leave() -> None:
        with batch() as images:
            texts = [render("django", ONE_FILE, {"photo": photo}) for _ in range(2)]
            assert texts[0] == texts[1]
            images.finalize(texts[0])

    with pytest.raises(ResponsiveImgError, match="was left with 1 marker"):
        leave()


def test_a_text_that_is_finalized_twice_does_not_stand_for_another(render, photo, settings):
    settings.DEBUG = True

    def leave() -> None:
        with batch() as images:
            text = render("django", ONE_FILE, {"photo": photo})
            render("django", ONE_FILE.replace("20", "10"), {"photo": photo})
            images.finalize(text + text)

    with pytest.raises(ResponsiveImgError, match="was left with 1 marker"):
        leave()


def test_finalize_inside_a_batch_is_the_batchs_own(render, photo, settings, cache_calls):
    settings.DEBUG = True

    with batch():
        html = finalize(render("django", ONE_FILE, {"photo": photo}))

    assert html == MARKUP
    assert cache_calls["get_many"] == 1


def test_leaving_a_batch_with_markers_is_logged_otherwise(render, photo, log):
    with batch():
        render("django", ONE_FILE, {"photo": photo})

    assert log() == ["batch() was left with 1 marker(s) that never went through finalize()"]


def test_an_exception_inside_a_batch_is_not_hidden(render, photo, settings):
    settings.DEBUG = True

    def leave() -> None:
        with batch():
            render("django", ONE_FILE, {"photo": photo})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leave()

    assert render("django", ONE_FILE, {"photo": photo}) == MARKUP


def test_a_batch_stands_before_the_requests_collector(in_request, render, photo):
    def body(request):
        with batch() as images:
            return images.finalize(render("django", ONE_FILE, {"photo": photo}, request))

    text, _ = in_request(body)

    assert text == MARKUP


def test_after_a_batch_its_markers_still_resolve(render, photo, log):
    with batch() as images:
        text = render("django", ONE_FILE, {"photo": photo})

    assert images.finalize(text) == MARKUP
    assert finalize(text) == MARKUP
    told, attributes, picture_attributes, wanted, template = next(iter(images.slots.values()))
    assert images.show(told, attributes, picture_attributes, template, wanted) == MARKUP


@pytest.mark.parametrize("kind", [str, SafeString, Markup])
def test_finalize_keeps_the_type_of_a_text(marked, kind):
    resolved, without = finalize(kind(f"<p>{marked}</p>")), kind("<p>no picture</p>")

    assert type(resolved) is kind
    assert resolved == f"<p>{MARKUP}</p>"
    assert finalize(without) is without


def test_finalize_leaves_what_no_encoding_holds(marked):
    assert finalize(f"\ud800{marked}\ud800") == f"\ud800{MARKUP}\ud800"


def test_finalize_is_one_lookup(marked, cache_calls):
    finalize(marked * 3)

    assert cache_calls == {"get_many": 1}


def test_a_marker_in_a_cached_fragment_resolves_in_a_later_request(photo, page, settings):
    settings.CACHES = {
        **settings.CACHES,
        "template_fragments": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "f"},
    }
    template = (
        "{% load cache %}{% cache 60 card %}" + ONE_FILE.replace('alt=""', "alt=title") + "{% endcache %}"
    )

    first = page("django", template, {"photo": photo, "title": "first"})
    second = page("django", template, {"photo": photo, "title": "second"})

    assert first.content.decode() == MARKUP.replace('alt=""', 'alt="first"')
    assert second.content == first.content


def test_a_marker_of_a_picture_that_was_pending_shows_it_once_it_is_built(render, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    with batch() as images:
        text = render("django", ONE_FILE, {"photo": photo})
        pending = images.finalize(text)
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60

    built = finalize(text)

    assert pending == '<img src="/media/photos/cat.jpg" alt="" loading="lazy" decoding="async">'
    assert built == MARKUP


def test_a_marker_of_another_process_resolves(photo, settings, tmp_path):
    code = (
        "import django; django.setup()\n"
        "from django.template import engines\n"
        "from responsive_img import batch\n"
        "template = engines['django'].from_string('{% load responsive_img %}' + "
        f"{ONE_FILE.replace('photo.image', 'name')!r})\n"
        "with batch() as images:\n"
        "    print(template.render({'name': 'photos/cat.jpg'}), end='')\n"
        "    images.left.clear()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "templatetags_tests.settings",
            "PYTHONPATH": os.getcwd(),
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith(START)
    assert finalize(done.stdout) == MARKUP


def test_a_marker_survives_the_rotation_of_the_key_that_signed_it(marked, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["older", old]

    assert finalize(marked) == MARKUP


def test_a_marker_of_a_forgotten_key_is_left_as_it_is(marked, settings):
    settings.SECRET_KEY = "new"

    assert finalize(marked) == marked


def forged_by(marked: str, how: str) -> str:
    core = marked.removeprefix(START).removesuffix('."/>')
    payload, _, signature = core.partition(".")
    other = "B" if payload[0] == "A" else "A"
    return {
        "another payload": f'{START}{other}{payload[1:]}.{signature}."/>',
        "another signature": f'{START}{payload}.{"A" * 20}."/>',
        "no signature": f'{START}{payload}."/>',
        "truncated": marked[: len(marked) // 2],
        "without its end": marked.removesuffix('."/>'),
        "only its start": START,
        "not base64": f'{START}{payload}-.{signature}."/>',
        "another version": marked.replace("RI1.", "RI2."),
        "upper case": marked.upper(),
        "escaped": marked.replace('"', "&quot;").replace("<", "&lt;"),
        "not UTF-8": f'{START}{payload}.{signature}\xff."/>',
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "another payload",
        "another signature",
        "no signature",
        "truncated",
        "without its end",
        "only its start",
        "not base64",
        "another version",
        "upper case",
        "escaped",
        "not UTF-8",
    ],
)
def test_what_is_no_marker_of_ours_is_left_byte_for_byte(page, photo, marked, how):
    forged = forged_by(marked, how)
    before, after = f"<p>{forged}", f"{forged}</p>"

    response = page("django", "{{ before }}|" + ONE_FILE + "|{{ after }}", {
        "photo": photo, "before": SafeString(before), "after": SafeString(after)
    })  # fmt: skip

    assert response.content.decode() == f"{before}|{MARKUP}|{after}"


@pytest.mark.parametrize(
    "fields",
    [
        ("w20", "default", "photos/cat.jpg", "", "", "", "value"),
        ("w20", "default", "photos/cat.jpg", "", "", "element"),
        ("w20", "default", "photos/cat.jpg", "", "", "", "", "element"),
    ],
)
def test_a_signed_text_that_is_no_element_is_left_as_it_is(settings, fields):
    core = marker.seal(settings.SECRET_KEY).core(fields) or b""
    text = f'{START}{core.decode()}."/>'

    assert finalize(text) == text


@pytest.mark.parametrize("spec", ["pgone", "z9", "w99999", "wx", "w20;h20;r1"])
def test_a_stored_marker_that_asks_for_what_is_gone_shows_the_source(db, settings, spec, log, save_file):
    save_file()
    core = marker.seal(settings.SECRET_KEY).core(
        (spec, "default", "photos/cat.jpg", "", ' alt="x"', "", "element")
    )
    assert core is not None

    html = finalize(f'{START}{core.decode()}."/>')

    assert html == '<img src="/media/photos/cat.jpg" width="80" height="40" alt="x">'
    assert [line.partition(": ")[0] for line in log()] == [
        "A marker asks for what cannot be, its source is shown"
    ]


def test_a_picture_whose_marker_would_be_too_long_resolves_at_once(in_request, render, photo):
    text, resolved = in_request(
        lambda request: render(
            "django", ONE_FILE.replace('alt=""', "alt=alt"), {"photo": photo, "alt": "x" * 4000}, request
        )
    )

    assert text == resolved == MARKUP.replace('alt=""', f'alt="{"x" * 4000}"')


def test_a_picture_is_pending_once_however_often_it_is_shown(render, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    template = ONE_FILE.replace('alt=""', "alt=alt")

    def view(request):
        texts = [
            render("django", template, {"photo": photo, "alt": alt}, request)
            for alt in ("a", "b", "x" * 4000)
        ]
        return HttpResponse("".join(texts))

    response = respond(view)

    assert response.responsive_img_pending == 1


def test_a_text_of_users_cannot_name_a_picture(page, photo, db):
    users = '<img data-ri="RI1.eyJzb3VyY2UiOiJzZWNyZXQuanBnIn0.AAAAAAAAAAAAAAAAAAAA."/> RI1.x.y. ."/> \x1f'

    response = page("django", "{{ text }}{{ text|safe }}" + ONE_FILE, {"photo": photo, "text": users})

    escaped = users.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert response.content.decode() == escaped + users + MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "alt", ["<img data-ri='", '<img data-ri="', "data-ri=", "' data-ri='", '" data-ri="', "<img "]
)
@pytest.mark.parametrize("core", [False, True])
def test_a_text_of_users_swallows_no_tag_of_the_site(page, photo, marked, language, alt, core):
    """Not even with a marker that somebody has seen: it stands in an attribute, as text."""
    told = alt + (marked.removeprefix(START).removesuffix('"/>') if core else "")
    told = told if not core else told.replace(marked.split('"')[1], "") + marked.split('"')[1]
    logo = '<img src="logo.png" alt="{{ told }}">'
    plain = ONE_FILE.replace('alt=""', "alt=told")

    html = page(language, logo + plain + logo + ONE_FILE, {"photo": photo, "told": told}).content.decode()

    shown = str(conditional_escape(told))
    if language == "jinja2":
        shown = str(escape(told))
    own = f'<img src="logo.png" alt="{shown}">'
    picture = MARKUP.replace('alt=""', f'alt="{conditional_escape(told)}"')
    assert html == own + picture + own + MARKUP


def test_public_names_come_from_their_modules():
    for name in ("batch", "finalize", "immediate"):
        assert getattr(responsive_img, name) is getattr(scopes, name)
        assert name in dir(responsive_img)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        responsive_img.nothing  # noqa: B018 - what is tested


def test_a_response_with_its_pictures_resolved_can_be_pickled(page, photo):
    response = page("django", ONE_FILE, {"photo": photo})

    assert pickle.loads(pickle.dumps(response)).content == response.content  # noqa: S301 - our own


def test_the_html_of_a_jinja_template_inside_a_django_page_is_one_batch(in_request, photo, cache_calls):
    inner = engines["jinja2"].from_string(ONE_FILE)
    outer = engines["django"].from_string("{% load responsive_img %}{{ inner }}" + ONE_FILE)
    cache_calls.clear()

    _, html = in_request(
        lambda request: outer.render(
            {"photo": photo, "inner": SafeString(inner.render({"photo": photo}, request))}, request
        )
    )

    assert html == MARKUP * 2
    assert cache_calls["get_many"] == 1


ATTRIBUTES = ' alt="" loading="lazy" decoding="async"'
UNKNOWN_PLACE = (
    "A marker is left in the page, as what stands beside it shows no escaping that is known "
    "(docs/page.md, Escaping)."
)


@pytest.fixture
def told(photo):
    """Return what `ONE_FILE` asks for."""
    return "w20;d1;owebp;e1", "default", "photos/cat.jpg", "templatetags_tests.Photo.image"


@pytest.fixture
def leave(told):
    """Return a function that gives a marker of one collector, and that collector."""
    collecting = Collector()

    def left(wanted=ELEMENT, attributes=ATTRIBUTES):
        return collecting.show(told, attributes, "", wanted=wanted)

    return left, collecting


def plain(collecting: Collector, text: str) -> str:
    return collecting.substitute(text.encode()).decode()


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "of another request"])
@pytest.mark.parametrize(
    ("wanted", "shown"),
    [(ELEMENT, MARKUP), (URL, f"/media/{RENDITION}"), (WIDTH, "20"), (SRCSET, "")],
    ids=["element", "url", "width", "srcset"],
)
@pytest.mark.parametrize("name", ["nothing", *ESCAPERS])
def test_a_marker_that_was_escaped_gives_what_is_escaped_alike(leave, name, wanted, shown, is_own):
    left, collecting = leave
    escape = ESCAPERS.get(name, str)

    page = f"<p>{escape(left(wanted))}</p>"

    assert plain(collecting if is_own else Collector(), page) == f"<p>{escape(shown)}</p>"


def test_a_url_is_that_of_the_origin_that_is_wanted(leave):
    left, collecting = leave

    assert plain(collecting, left(f"{URL}@https://example.com")) == f"https://example.com/media/{RENDITION}"


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "of another request"])
@pytest.mark.parametrize("escape", [str, ESCAPERS["html"]], ids=["plain", "escaped"])
def test_a_value_in_the_shell_of_an_element_is_left_as_it_is(leave, escape, is_own, log):
    left, collecting = leave
    before, after = marker.VALUE_SHELL
    text = escape(left(URL).removeprefix(before).removesuffix(after).join(marker.ELEMENT_SHELL))

    assert plain(collecting if is_own else Collector(), text * 2) == text * 2
    assert log() == [UNKNOWN_PLACE]


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "of another request"])
@pytest.mark.parametrize("escape", [str, ESCAPERS["html"]], ids=["plain", "escaped"])
def test_an_element_in_the_shell_of_a_value_is_left_as_it_is(leave, escape, is_own, log):
    left, collecting = leave
    before, after = marker.ELEMENT_SHELL
    text = escape(left().removeprefix(before).removesuffix(after).join(marker.VALUE_SHELL))

    assert plain(collecting if is_own else Collector(), text) == text
    assert log() == [UNKNOWN_PLACE]


def test_a_marker_among_bytes_of_no_known_escaping_is_left_and_the_others_resolve(leave, log):
    left, collecting = leave
    element, value = left(), left(URL)
    unknown = element.replace("<", "[")

    page = plain(collecting, f"{unknown}|{element}|{value}|{unknown}")

    assert page == f"{unknown}|{MARKUP}|/media/{RENDITION}|{unknown}"
    assert log() == [UNKNOWN_PLACE]


def test_a_tag_that_a_minifier_wrote_anew_resolves(leave):
    left, collecting = leave
    minified = left().replace('"', "").replace("/>", ">")
    assert minified.startswith("<img data-ri=RI1.")

    assert plain(collecting, f"<p>{minified}</p>") == f"<p>{MARKUP}</p>"


def test_whatever_stands_between_markers_is_kept(leave, told):
    left, collecting = leave
    element = left()
    core = marker.seal("another").core((*told, "", "", ELEMENT)) or b""
    foreign = f'{START}{core.decode()}."/>'

    for pieces in (
        ["", ""],
        ["a", "b"],
        ["<p>", "</p>", "é", ""],
        [foreign, foreign],
        ['"/>', "RI1.", '."/>'],
    ):
        assert plain(collecting, element.join(pieces)) == MARKUP.join(pieces)


@pytest.mark.parametrize(
    ("charset", "shown"),
    [("utf-8", "é€"), ("latin-1", "é&#8364;"), ("ascii", "&#233;&#8364;")],
)
@pytest.mark.parametrize("also", [False, True], ids=["elements alone", "beside a value"])
def test_what_the_charset_cannot_hold_is_a_character_reference(leave, charset, shown, also):
    left, collecting = leave
    value, url = (left(URL), f"/media/{RENDITION}") if also else ("", "")
    page = "é".encode(charset, "replace") + (left(attributes=' alt="é€"') + value).encode()

    resolved = collecting.substitute(page, charset)

    assert resolved.decode(charset).endswith(f'height="10" alt="{shown}">{url}')
    assert resolved.startswith("é".encode(charset, "replace") + b"<img ")


def test_a_page_of_elements_and_values_is_one_lookup(leave, cache_calls):
    left, collecting = leave
    text = left() + left(URL) + left(WIDTH) + left(attributes=' alt="x"')
    cache_calls.clear()

    plain(collecting, text)

    assert (cache_calls["get_many"], cache_calls["get"]) == (1, 0)


def test_what_is_asked_before_the_end_is_looked_up_with_all_that_is_collected_and_only_once(
    leave, told, cache_calls
):
    left, collecting = leave
    other = ("w10;d1;owebp;e1", *told[1:])
    text = left()
    text += collecting.show(other, ATTRIBUTES, "")
    cache_calls.clear()

    asked = collecting.manifest(told)
    again = collecting.manifest(told)
    others = collecting.manifest(other)

    assert (asked.width, others.width) == (20, 10)
    assert again is asked
    assert cache_calls["get_many"] == 1
    assert plain(collecting, text).startswith(MARKUP)
    assert cache_calls["get_many"] == 1


def test_what_is_collected_after_something_was_asked_is_looked_up_in_the_end(leave, told, cache_calls):
    left, collecting = leave
    collecting.manifest(told)
    later = collecting.show(("w10;d1;owebp;e1", *told[1:]), ATTRIBUTES, "")
    cache_calls.clear()

    page = plain(collecting, left() + later)

    assert page.startswith(MARKUP)
    assert 'width="10"' in page
    assert cache_calls["get_many"] == 1


def test_what_cannot_be_is_refused_where_it_is_asked_for(told):
    collecting = Collector()

    for _ in range(2):
        with pytest.raises(SpecError, match="over the limit"):
            collecting.accept(("w99999", *told[1:]), None)


def test_nothing_is_resolved_without_a_lookup(cache_calls):
    assert Collector().resolve([]) == []
    assert Collector().substitute(b"<p>RI1.</p>") == b"<p>RI1.</p>"
    assert not cache_calls


def test_a_collector_within_a_response_shares_its_account():
    response = Collector()

    within, alone = Collector(response.account), Collector()

    assert within.account.pending is response.account.pending
    assert within.account.budget is response.account.budget
    assert alone.account.pending is not response.account.pending
    assert alone.account.budget is not response.account.budget


@pytest.mark.parametrize("wanted", [ELEMENT, URL])
def test_a_batch_counts_what_it_gives_away_and_what_comes_back(told, wanted):
    images = Batch()

    texts = [images.show(told, ATTRIBUTES, "", wanted=wanted) for _ in range(2)]
    assert sum(images.left.values()) == 2
    images.substitute(ESCAPERS["html"](texts[0]).encode())

    assert sum(images.left.values()) == 1


@pytest.mark.parametrize("content", [b"RI1.", b"<p>RI1.x"])
def test_a_page_that_may_have_markers_is_told_from_one_that_has_none(content):
    assert marker.is_in(content)
    assert not marker.is_in(content.replace(b"RI1.", b"RI1"))


# A marker that is left again -----------------------------------------------------------------------------


def test_a_marker_is_written_again_only_if_anything_of_it_is_another():
    told, alt = ("width=20", "default", "photos/again.jpg", ""), ' alt="A"'
    seal, other = marker.seal("again"), marker.seal("another secret")
    given = (seal, told, alt, "", ELEMENT, "page.html")
    left = collector.marked(*given)
    assert collector.marked(*given) is left

    others = [
        collector.marked(other, told, alt, "", ELEMENT, "page.html"),
        collector.marked(seal, told, ' alt="B"', "", ELEMENT, "page.html"),
        collector.marked(seal, told, alt, ' class="wide"', ELEMENT, "page.html"),
        collector.marked(seal, told, alt, "", URL, "page.html"),
        collector.marked(seal, ("width=40", *told[1:]), alt, "", ELEMENT, "page.html"),
    ]

    assert len({left.text, *[each.text for each in others]}) == 6
    assert [marker.read(each.core or b"", [each.seal]) for each in others] == [
        [*each.slot[0], *each.slot[1:4]] for each in others
    ]
    assert collector.marked(seal, told, alt, "", ELEMENT, "other.html").slot[4] == "other.html"
    assert collector.marked(*given) == left


@pytest.mark.parametrize("length", [collector.REMEMBERED, 20_000])
def test_a_long_marker_is_not_kept_for_the_next_visitor(length):
    given = (
        marker.seal("long"),
        ("width=20", "default", "photos/long.jpg", ""),
        "a" * length,
        "",
        ELEMENT,
        "",
    )

    assert collector.marked(*given) == collector.marked(*given)
    assert collector.marked(*given) is not collector.marked(*given)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000])
@pytest.mark.parametrize("between", [b"", b"I1", b" and text "])
def test_a_marker_is_seen_behind_any_number_of_its_first_letter(count, between):
    before = (b"R" + between) * count

    assert marker.is_in(before + b"RI1.") is True
    assert marker.is_in(b"RI1." + before) is True
    assert marker.is_in(before + b"rI1. RI1") is False
