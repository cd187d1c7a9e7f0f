"""Faults of what stands around a page, through Django's own handlers: each test bears the number of its row."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.utils import make_template_fragment_key
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client
from django.urls import URLPattern, path
from django.views.decorators.cache import cache_page
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, etag, last_modified
from jinja2 import DictLoader

from responsive_img import finalize, resolver
from responsive_img.marker import SEPARATOR, cores, seal
from responsive_img.queue import process_queue
from templatetags_tests.conftest import MARKUP, ONE_FILE, RENDITION, drawn
from templatetags_tests.models import Photo, Scan, VaultStorage

LANGUAGES = ("django", "jinja2")
OURS = "responsive_img.middleware.ResponsiveImgMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
SOURCE = "photos/cat.jpg"
START = b'<img data-ri="RI1.'

TAG = ONE_FILE.replace('alt=""', "alt=photo.title")
TEXTS = {
    ("page", "django"): TAG,
    ("page", "jinja2"): TAG,
    ("fragment", "django"): "{% load cache %}{% cache 600 fragment %}" + TAG + "{% endcache %}",
    ("fragment", "jinja2"): "{% call kept() %}" + TAG + "{% endcall %}",
    ("long", "django"): TAG + "." * 500,
    ("long", "jinja2"): TAG + "." * 500,
    ("failing", "django"): TAG + "{{ fail }}",
    ("failing", "jinja2"): TAG + "{{ fail() }}",
}
KEYS = {"django": make_template_fragment_key("fragment"), "jinja2": "fragment"}


def kept(caller: Callable[[], str]) -> str:
    """Do for Jinja2 what `{% cache %}` does."""
    return str(cache.get_or_set("fragment", caller))


def fail() -> None:
    raise ZeroDivisionError("mine")


def rendered(request: HttpRequest, language: str, name: str = "page") -> str:
    load = "{% load responsive_img %}" if language == "django" else ""
    context = {"photo": Photo.objects.first(), "kept": kept, "fail": fail}
    return engines[language].from_string(load + TEXTS[name, language]).render(context, request)


def show(request: HttpRequest, language: str, name: str = "page", status: int = 200) -> HttpResponse:
    return HttpResponse(rendered(request, language, name), status=status)


def fail_in_view(request: HttpRequest, language: str) -> HttpResponse:
    html = rendered(request, language)
    raise ZeroDivisionError(len(html))


def not_found(request: HttpRequest, language: str) -> HttpResponse:
    raise Http404(rendered(request, language))


def copied(request: HttpRequest) -> HttpResponse:
    """Show what somebody else has put into the cache."""
    return HttpResponse(cache.get("copied"))


def write_mail(request: HttpRequest, status: int, finalized: str, name: str = "mail") -> HttpResponse:
    """Render two mails with the request, as sign-up apps do, and go on to another page."""
    context = {"photo": Photo.objects.get()}
    for language in LANGUAGES:
        text = engines[language].get_template(f"{name}.{language}").render(context, request)
        if finalized == "finalized":
            assert finalize(text).startswith(f'<img src="/media/{RENDITION}"')
    return HttpResponse(status=status, headers={"Location": "/"})


def modified(request: HttpRequest, language: str) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


urlpatterns: list[URLPattern] = [
    path("<str:language>/failing-view/", fail_in_view),
    path("<str:language>/not-found/", not_found),
    path("<str:language>/cache_page/", cache_page(600)(show)),
    path("<str:language>/conditional_page/", conditional_page(show)),
    path("<str:language>/etag/", etag(lambda request, language: "x")(show)),
    path("<str:language>/last_modified/", last_modified(modified)(show)),
    path("<str:language>/gzip_page/", gzip_page(lambda request, language: show(request, language, "long"))),
    path("<str:language>/<str:name>/", show),
    path("<str:language>/<str:name>/<int:status>/", show),
    path("copied/", copied),
    path("mail/<int:status>/to/<str:finalized>/", write_mail),
    path("mail/<int:status>/to/<str:finalized>/<str:name>/", write_mail),
]


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture(params=["wsgi", "asgi"])
def visit(request):
    """Return a function that asks a handler for a page; its middleware is that of the first visit."""
    clients: dict[str, Any] = {}

    def visited(url: str, method: str = "get", **headers: str) -> Any:
        make = Client if request.param == "wsgi" else AsyncClient
        client = clients.setdefault("one", make(raise_request_exception=False))
        call = getattr(client, method)
        return (call if request.param == "wsgi" else async_to_sync(call))(url, headers=headers)

    return visited


@pytest.fixture(params=["locmem", "redis"])
def store(request):
    """Make one or the other the default cache."""
    if request.param == "redis":
        request.getfixturevalue("redis")


@pytest.fixture
def queue(settings):
    """Leave all building to the worker, `process_queue`."""
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"


def markup(name: str = RENDITION, title: str = "A cat") -> str:
    return MARKUP.replace(RENDITION, name).replace('alt=""', f'alt="{title}"')


def renditions() -> list[Path]:
    return [each for each in Path(default_storage.path("renditions")).rglob("*") if each.is_file()]


def validators(response: Any) -> dict[str, str]:
    """Return what a browser that has kept a response asks the next time with."""
    names = {"ETag": "if_none_match", "Last-Modified": "if_modified_since"}
    return {asked: response.headers[name] for name, asked in names.items() if name in response.headers}


def assert_unfrozen(response: Any) -> None:
    assert response.headers["Cache-Control"] == "max-age=0"
    assert response.responsive_img_pending == 1
    for name in ("ETag", "Last-Modified", "Expires"):
        assert name not in response.headers


def raising(*args: object, **kwargs: object) -> Any:
    raise LookupError("of our own")


def refusing(*_: object, **__: object) -> None:
    raise ConnectionError("the cache is down")


# Row 47: what is stored on the way -----------------------------------------------------------------------

# Where a page is stored → what is visited, the middleware, and whether what is stored has markers.
STORES = {
    "fragment": ("fragment", [OURS], True),
    "cache_page": ("cache_page", [OURS], True),
    "both caches above": ("page", [UPDATE, FETCH, OURS], False),
    "caches around": ("page", [UPDATE, OURS, FETCH], False),
    "both caches below": ("page", [OURS, UPDATE, FETCH], True),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", STORES)
def test_row_47_a_stored_page_is_right_the_first_time_and_the_second(
    visit, photo, store, settings, language, where
):
    name, settings.MIDDLEWARE, _ = STORES[where]

    first = visit(f"/{language}/{name}/")
    Photo.objects.update(title="Not the stored one")
    second = visit(f"/{language}/{name}/")

    assert first.content.decode() == second.content.decode() == markup()
    if where != "fragment":
        assert first.headers["Cache-Control"] == second.headers["Cache-Control"] == "max-age=600"
        assert "Expires" in first.headers


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", STORES)
def test_row_47_a_pending_picture_is_stored_nowhere_and_shows_once_it_is_ready(
    visit, photo, store, queue, settings, language, where
):
    name, settings.MIDDLEWARE, holds_markers = STORES[where]
    url = f"/{language}/{name}/"

    first = visit(url)
    Photo.objects.update(title="Second")
    second = visit(url)
    title = "A cat" if holds_markers else "Second"
    assert process_queue() == 1
    third = visit(url)
    Photo.objects.update(title="Third")
    fourth = visit(url)

    assert first.content.decode() == markup(SOURCE)
    assert second.content.decode() == markup(SOURCE, title)
    assert_unfrozen(first)
    assert_unfrozen(second)
    assert third.content.decode() == fourth.content.decode() == markup(title=title)
    if where != "fragment":
        assert fourth.headers["Cache-Control"] == "max-age=600"
        assert "Expires" in fourth.headers


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_47_what_is_stored_below_the_middleware_are_markers(visit, photo, store, language):
    visit(f"/{language}/fragment/")

    stored = cache.get(KEYS[language])

    assert stored.encode().startswith(START)
    assert len(cores(stored.encode())) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_47_a_stored_page_costs_no_query(visit, photo, store, our_queries, language):
    visit(f"/{language}/cache_page/")

    with our_queries() as found:
        visit(f"/{language}/cache_page/")

    assert found == []


# Row 48: validators --------------------------------------------------------------------------------------

# Where a page is validated → what is visited, the middleware, and the answers while it is pending, and once
# it is ready, to a browser that has it.
VALIDATED = {
    "middleware above": ("page", [CONDITIONAL, OURS], 304, 304),
    "middleware below": ("page", [OURS, CONDITIONAL], 200, 200),
    "conditional_page": ("conditional_page", [OURS], 200, 200),
    "etag": ("etag", [OURS], 200, 200),
    "last_modified": ("last_modified", [OURS], 200, 304),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", VALIDATED)
def test_row_48_a_browser_gets_a_picture_as_soon_as_it_is_ready(
    visit, photo, queue, settings, language, where
):
    name, settings.MIDDLEWARE, while_pending, when_ready = VALIDATED[where]
    url = f"/{language}/{name}/"

    before = visit(url)
    again = visit(url, **validators(before))
    process_queue()
    after = visit(url, **validators(before))
    later = visit(url, **validators(after))

    assert before.content.decode() == markup(SOURCE)
    assert again.status_code == while_pending
    assert before.headers["Cache-Control"] == again.headers["Cache-Control"] == "max-age=0"
    assert bool(validators(before)) is (where == "middleware above")
    assert (after.status_code, after.content.decode()) == (200, markup())
    assert validators(after)
    assert later.status_code == when_ready
    assert later.content.decode() == (markup() if when_ready == 200 else "")


@pytest.mark.parametrize("place", ["conditional_page", "etag"])
def test_row_48_a_validator_from_below_changes_with_the_markup(visit, photo, settings, place):
    first = visit(f"/django/{place}/").headers["ETag"]
    same = visit(f"/django/{place}/").headers["ETag"]
    settings.MEDIA_URL = "/elsewhere/"
    other = visit(f"/django/{place}/").headers["ETag"]

    assert first == same != other
    assert first.startswith('W/"')


def test_row_48_a_page_without_pictures_keeps_its_validators(visit, db):
    cache.set("copied", "no picture")

    response = visit("/copied/")

    assert response.content == b"no picture"
    assert "Cache-Control" not in response.headers


# Row 49: compression -------------------------------------------------------------------------------------

COMPRESSED = {
    "middleware above": ("long", [GZIP, OURS]),
    "middleware below": ("long", [OURS, GZIP]),
    "decorator": ("gzip_page", [OURS]),
    "middleware above, decorator": ("gzip_page", [GZIP, OURS]),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", COMPRESSED)
@pytest.mark.parametrize("is_pending", [False, True])
def test_row_49_no_marker_reaches_the_client_of_a_compressed_page(
    visit, photo, settings, language, where, is_pending
):
    name, settings.MIDDLEWARE = COMPRESSED[where]
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{'enqueue' if is_pending else 'build_now'}"

    response = visit(f"/{language}/{name}/", accept_encoding="gzip")
    plain = visit(f"/{language}/{name}/")

    expected = markup(SOURCE if is_pending else RENDITION) + "." * 500
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content).decode() == plain.content.decode() == expected
    assert response.headers["Content-Length"] == str(len(response.content))
    assert "Content-Encoding" not in plain.headers


def test_row_49_a_compressed_page_in_a_page_cache_improves_by_itself(visit, photo, queue, settings):
    settings.MIDDLEWARE = [OURS, UPDATE, FETCH, GZIP]

    first = visit("/django/long/", accept_encoding="gzip")
    process_queue()
    second = visit("/django/long/", accept_encoding="gzip")

    assert gzip.decompress(first.content).decode() == markup(SOURCE) + "." * 500
    assert gzip.decompress(second.content).decode() == markup() + "." * 500


# Row 57: exceptions --------------------------------------------------------------------------------------

PRODUCTION_500 = b"<h1>Server Error (500)</h1>"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["failing-view", "failing"])
def test_row_57_an_exception_of_the_project_gets_djangos_own_page(visit, photo, our_queries, language, place):
    with our_queries() as found:
        response = visit(f"/{language}/{place}/")

    assert response.status_code == 500
    assert PRODUCTION_500 in response.content
    assert b"RI1." not in response.content
    assert (found, renditions()) == ([], [])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["failing-view", "failing"])
def test_row_57_the_page_of_debug_shows_its_exception_and_builds_nothing(
    visit, photo, our_queries, settings, log, language, place
):
    settings.DEBUG = True

    with our_queries() as found:
        response = visit(f"/{language}/{place}/")

    assert response.status_code == 500
    assert b"ZeroDivisionError" in response.content
    assert START not in response.content
    assert (found, renditions()) == ([], [])
    assert not any("finalize" in line for line in log())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [500, 503, 599])
def test_row_57_a_page_of_an_error_shows_what_the_cache_has_and_builds_nothing(
    visit, photo, our_queries, language, status
):
    with our_queries() as found:
        cold = visit(f"/{language}/page/{status}/")
    built = renditions()
    visit(f"/{language}/page/")
    with our_queries() as found_warm:
        warm = visit(f"/{language}/page/{status}/")

    assert cold.status_code == warm.status_code == status
    assert cold.content.decode() == f'<img src="/media/{SOURCE}" alt="A cat" loading="lazy" decoding="async">'
    assert cold.headers["Cache-Control"] == "max-age=0"
    assert warm.content.decode() == markup()
    assert (found, found_warm, built) == ([], [], [])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [404, 410, 499])
def test_row_57_other_pages_build(visit, photo, language, status):
    response = visit(f"/{language}/page/{status}/")

    assert response.content.decode() == markup()


ERROR_PAGE = '{% load responsive_img %}{% img "photos/cat.jpg" width=20 format="webp" densities="1" alt="" %}'


def test_row_57_djangos_own_page_of_404_may_have_pictures(visit, photo, settings):
    settings.TEMPLATES = with_templates({"404.html": ERROR_PAGE})

    response = visit("/django/not-found/")

    assert (response.status_code, response.content.decode()) == (404, MARKUP)


def test_row_57_djangos_own_page_of_500_builds_nothing(client, photo, settings, log, our_queries):
    settings.TEMPLATES = with_templates({"500.html": ERROR_PAGE})
    client.raise_request_exception = False

    with our_queries() as found:
        response = client.get("/django/failing-view/")

    assert response.status_code == 500
    assert b'src="/media/photos/cat.jpg"' in response.content
    assert (found, renditions(), log()) == ([], [], [])


def hook(jobs: Any) -> None:
    raise LookupError("of the hook")


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_57_a_hook_that_raises_costs_the_page_nothing(
    visit, photo, settings, log, django_capture_on_commit_callbacks, language
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.hook"

    with django_capture_on_commit_callbacks(execute=True):
        response = visit(f"/{language}/page/")

    assert log() == ["The build hook raised; 1 job(s) stay queued"]
    assert (response.status_code, response.content.decode()) == (200, markup(SOURCE))
    assert_unfrozen(response)


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_57_a_storage_that_raises_costs_the_page_nothing(visit, photo, monkeypatch, log, language):
    monkeypatch.setattr(FileSystemStorage, "_open", raising)

    response = visit(f"/{language}/page/")

    assert response.status_code == 200
    assert response.content.decode() == markup(SOURCE).replace(' width="20" height="10"', "")
    (line,) = log()
    assert line.endswith("SourceError: LookupError: of our own")


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_57_a_storage_without_urls_leaves_an_image_with_its_alt(visit, photo, monkeypatch, log, language):
    scan = Scan(image=VaultStorage().save(SOURCE, ContentFile(drawn())))
    monkeypatch.setattr(VaultStorage, "url", raising)
    monkeypatch.setattr(Photo.objects, "first", lambda: scan)
    monkeypatch.setattr(Scan, "title", "A scan", raising=False)

    response = visit(f"/{language}/page/")

    assert response.status_code == 200
    assert 'alt="A scan"' in response.content.decode()
    assert "src=" not in response.content.decode()
    assert [line for line in log() if line.startswith(f"No URL for {SOURCE} of ")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_57_a_cache_that_is_down_costs_the_page_nothing(visit, photo, monkeypatch, log, language):
    for name in ("get_many", "set_many"):
        monkeypatch.setattr(LocMemCache, name, refusing)

    response = visit(f"/{language}/page/")

    assert (response.status_code, response.content.decode()) == (200, markup())
    assert [line for line in log() if line.startswith("The cache 'default' failed")] == log()


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_57_a_cache_that_raises_what_it_likes_costs_the_page_nothing(
    visit, photo, monkeypatch, log, language
):
    for name in ("get_many", "set_many"):
        monkeypatch.setattr(LocMemCache, name, raising)

    response = visit(f"/{language}/page/")

    assert (response.status_code, response.content.decode()) == (200, markup())
    assert log()


@pytest.mark.parametrize("middleware", [[OURS], []])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["replacement", "look_up"])
def test_row_57_an_exception_of_our_own_leaves_the_image_with_its_alt(
    visit, photo, monkeypatch, settings, log, middleware, language, place
):
    settings.MIDDLEWARE = middleware
    monkeypatch.setattr(resolver, place, raising)

    response = visit(f"/{language}/page/")

    assert response.status_code == 200
    assert b'alt="A cat"' in response.content
    assert START not in response.content
    assert len(log()) == 1


# Row 58: the place of the middleware ---------------------------------------------------------------------

MINIFIER = f"{__name__}.HtmlMinifyMiddleware"


def HtmlMinifyMiddleware(get_response: Any) -> Any:  # noqa: N802 - named as those are that exist
    return get_response  # pragma: no cover - never called


PLACES = {
    "right": ([UPDATE, GZIP, CONDITIONAL, MINIFIER, FETCH, OURS], []),
    "right, above the page cache": ([GZIP, CONDITIONAL, OURS, UPDATE, FETCH], []),
    "missing": ([GZIP], ["W006"]),
    "none at all": ([], ["W006"]),
    "twice": ([OURS, OURS], ["E001"]),
    "thrice": ([OURS, OURS, OURS], ["E001"]),
    "above gzip": ([OURS, GZIP], ["E002"]),
    "above validators": ([OURS, CONDITIONAL], ["E003"]),
    "between the caches": ([FETCH, OURS, UPDATE], ["E004"]),
    "above a minifier": ([OURS, MINIFIER], ["W005"]),
    "above all, twice": ([OURS, FETCH, GZIP, CONDITIONAL, MINIFIER, OURS], ["E001", "E002", "E003", "W005"]),
}


@pytest.mark.parametrize("place", PLACES)
def test_row_58_a_wrong_place_has_its_check(settings, place):
    settings.DEBUG = True
    settings.MIDDLEWARE, expected = PLACES[place]

    found = [str(message.id) for message in run_checks(tags=["responsive_img"])]

    assert found == [f"responsive_img.{each}" for each in expected]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "middleware", [[], [OURS, OURS], [OURS, OURS, OURS], [OURS, GZIP, CONDITIONAL, OURS]]
)
def test_row_58_a_page_is_right_all_the_same(visit, photo, cache_calls, settings, language, middleware):
    settings.MIDDLEWARE = middleware

    response = visit(f"/{language}/page/")
    cache_calls.clear()
    again = visit(f"/{language}/page/")

    assert response.content.decode() == again.content.decode() == markup()
    assert cache_calls["get_many"] == 1


def test_row_58_between_the_caches_markers_would_reach_the_client(visit, photo, settings):
    settings.MIDDLEWARE = [FETCH, OURS, UPDATE]

    first = visit("/django/page/")
    second = visit("/django/page/")

    assert first.content.decode() == markup()
    assert second.content.startswith(START)


# Row 59: markers of another time -------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["fragment", "cache_page"])
def test_row_59_a_stored_marker_of_a_former_key_is_resolved(visit, photo, settings, log, language, place):
    visit(f"/{language}/{place}/")
    settings.SECRET_KEY_FALLBACKS = ["the one before", settings.SECRET_KEY]
    settings.SECRET_KEY = "the new one"

    response = visit(f"/{language}/{place}/")

    assert response.content.decode() == markup()
    assert log() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", ["fragment", "cache_page"])
def test_row_59_a_stored_marker_of_a_forgotten_key_is_inert_and_told_once(
    visit, photo, settings, log, our_queries, language, place
):
    visit(f"/{language}/{place}/")
    settings.SECRET_KEY = "the new one"

    with our_queries() as found:
        responses = [visit(f"/{language}/{place}/") for _ in range(3)]

    for response in responses:
        assert response.status_code == 200
        assert response.content.startswith(START)
        assert response.responsive_img_pending == 0
    (line,) = log()
    assert "an earlier SECRET_KEY, which then belongs into SECRET_KEY_FALLBACKS" in line
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        '<img data-ri="RI2.aaaaaaaa.aaaaaaaaaaaaaaaaaaaa."/>',
        '<img data-ri="RI0.aaaaaaaa.aaaaaaaaaaaaaaaaaaaa."/>',
        "RI1.",
        '<img data-ri="RI1.short.aaaaaaaaaaaaaaaaaaaa."/>',
        "&/~ri?=RI2.aaaaaaaa.aaaaaaaaaaaaaaaaaaaa.",
    ],
)
def test_row_59_a_marker_of_an_unknown_version_is_left_as_it_is(visit, db, log, cache_calls, text):
    cache.set("copied", text)
    cache_calls.clear()

    assert visit("/copied/").content.decode() == text

    assert not cache_calls["get_many"]
    assert log() == []


@pytest.mark.parametrize("count", [1, 6, 8])
def test_row_59_a_signed_marker_with_other_fields_is_left_as_it_is(visit, db, settings, count):
    core = seal(settings.SECRET_KEY).core(("w20",) * (count - 1) + ("element",))
    assert core is not None
    assert SEPARATOR.encode() not in core
    text = f'<img data-ri="RI1.{core.decode()}."/>'
    cache.set("copied", text)

    assert visit("/copied/").content.decode() == text


# Markers that went elsewhere -----------------------------------------------------------------------------


def with_templates(texts: dict[str, str]) -> list[dict[str, Any]]:
    """Return TEMPLATES with these, in both languages."""
    django = ("django.template.loaders.locmem.Loader", texts)
    extensions = ["responsive_img.jinja.ResponsiveImgExtension"]
    return [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": [django]}},
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "OPTIONS": {"loader": DictLoader(texts), "extensions": extensions},
        },
    ]


SAME = {"same.django": "{% load responsive_img %}" + ONE_FILE, "same.jinja2": ONE_FILE}


@pytest.fixture
def mails(settings):
    other = ONE_FILE.replace('alt=""', 'alt="The other"')
    settings.TEMPLATES = with_templates(
        {"mail.django": "{% load responsive_img %}" + ONE_FILE, "mail.jinja2": other, **SAME}
    )


@pytest.mark.parametrize("status", [302, 303, 200, 404])
def test_a_mail_that_took_the_markers_of_its_page_is_told_of_once(visit, photo, mails, log, status):
    for _ in range(2):
        assert visit(f"/mail/{status}/to/nobody/").status_code == status

    assert log() == [
        "Pictures of mail.django, mail.jinja2 are not in the response whose request they were rendered with. "
        "If their text went elsewhere, such as in a mail, pass it through responsive_img.finalize()."
    ]


def test_two_mails_with_the_same_picture_are_both_named(client, photo, mails, log):
    client.get("/mail/302/to/nobody/same/")

    (line,) = log()
    assert line.startswith("Pictures of same.django, same.jinja2 are not in the response")


@pytest.mark.parametrize("status", [302, 200])
def test_a_mail_that_was_finalized_is_not(visit, photo, mails, log, status):
    visit(f"/mail/{status}/to/finalized/")

    assert log() == []


@pytest.mark.parametrize("status", [204, 206, 304, 500, 503])
def test_a_response_that_does_not_show_its_page_says_nothing_of_markers(visit, photo, mails, log, status):
    visit(f"/mail/{status}/to/nobody/")

    assert log() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_was_asked_for_its_head_says_nothing_of_markers(visit, photo, log, our_queries, language):
    with our_queries() as found:
        response = visit(f"/{language}/page/", "head")

    assert (response.status_code, response.content) == (200, b"")
    assert (found, log(), renditions()) == ([], [], [])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_new", [False, True])
def test_a_page_that_is_answered_with_not_modified_says_nothing_of_markers(
    visit, photo, log, settings, language, is_new
):
    settings.MIDDLEWARE = [OURS, f"{__name__}.not_modified"] if is_new else [CONDITIONAL, OURS]
    response = visit(f"/{language}/page/")

    response = visit(f"/{language}/page/", **validators(response))

    assert response.status_code == 304
    assert log() == []


def not_modified(get_response: Any) -> Any:
    """Stand for what answers 304 below."""

    def middleware(request: HttpRequest) -> HttpResponse:
        get_response(request)
        return HttpResponse(status=304)

    return middleware


# Middleware below ----------------------------------------------------------------------------------------


def early(get_response: Any) -> Any:
    """Answer before any view is asked, with pictures."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return show(request, "django")

    return middleware


def early_without_rendering(get_response: Any) -> Any:
    """Answer before any view is asked, and leave the rendering to whoever stands above."""

    def middleware(request: HttpRequest) -> TemplateResponse:
        text = "{% load responsive_img %}" + TAG
        context = {"photo": Photo.objects.first()}
        return TemplateResponse(request, engines["django"].from_string(text), context)

    return middleware


def renderer(get_response: Any) -> Any:
    """Render what is not rendered yet."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        assert not response.is_rendered
        rendered: HttpResponse = response.render()
        return rendered

    return middleware


def other_page(get_response: Any) -> Any:
    """Put another page in the place of the view's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        get_response(request)
        return HttpResponse("Come back later.")

    return middleware


def test_what_a_middleware_below_answers_early_is_resolved(visit, photo, settings, log):
    settings.MIDDLEWARE = [OURS, f"{__name__}.early"]

    response = visit("/django/page/")

    assert response.content.decode() == markup()
    assert log() == []


def test_what_a_middleware_above_renders_is_resolved(visit, photo, settings, log):
    settings.MIDDLEWARE = [f"{__name__}.renderer", OURS, f"{__name__}.early_without_rendering"]

    response = visit("/django/page/")

    assert response.content.decode() == markup()
    assert response.responsive_img_pending == 0
    assert log() == []


def test_what_a_middleware_above_renders_and_is_pending_is_not_frozen(visit, photo, queue, settings):
    settings.MIDDLEWARE = [f"{__name__}.renderer", OURS, f"{__name__}.early_without_rendering"]

    response = visit("/django/page/")

    assert response.content.decode() == markup(SOURCE)
    assert_unfrozen(response)


def test_a_page_that_a_middleware_below_threw_away_is_told_of_once(visit, photo, settings, log):
    settings.MIDDLEWARE = [OURS, f"{__name__}.other_page"]

    for _ in range(2):
        assert visit("/django/page/").content == b"Come back later."

    (line,) = log()
    assert line.startswith("Pictures of ")
    assert renditions() == []
