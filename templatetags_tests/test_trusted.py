"""Pages that look nothing up: `CREATE_ON_DEMAND = False`, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.parse import unquote

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage, storages
from django.db import connection
from django.db.models.fields.files import ImageFieldFile
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils.safestring import mark_safe
from hypothesis import HealthCheck, assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from responsive_img import (
    ImageBatch,
    ImageWarmer,
    Img,
    batch,
    collector,
    conf,
    finalize,
    immediate,
    invalidate,
    records,
    saving,
)
from responsive_img.exceptions import SpecError
from responsive_img.geometry import Size
from responsive_img.queue import process_queue
from responsive_img.sources import size_of
from responsive_img.variants import Variant
from templatetags_tests.conftest import drawn, respond
from templatetags_tests.images import encoded, gradient, opened
from templatetags_tests.images import photo as photographed
from templatetags_tests.models import Person, Photo, Profile, Scan
from templatetags_tests.test_laws import (
    SYNTAX_ERRORS,
    TellingEngine,
    argument_lists,
    candidates_of,
    literal,
    read,
    sizes,
)
from templatetags_tests.test_laws import telling as telling

pytestmark = pytest.mark.django_db

LANGUAGES = ("django", "jinja2")
ENQUEUE = "responsive_img.hooks.enqueue"
# The fixtures serve all examples of a test.
shared = hypothesis_settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def trust(settings):
    """Return a function that has pages trust the warmer, or look things up again."""

    def switch(*, on: bool = True) -> None:
        settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = not on

    return switch


@pytest.fixture
def trusting(trust):
    trust()


@pytest.fixture
def untouched(cache_calls, storage_calls) -> Callable[[], Any]:
    """Return a context manager within which nobody asks the cache, the database or a storage for anything."""

    @contextmanager
    def watched() -> Iterator[None]:
        cache_calls.clear()
        storage_calls.clear()
        with CaptureQueriesContext(connection) as queries:
            yield
        assert (dict(cache_calls), dict(storage_calls), [each["sql"] for each in queries]) == ({}, {}, [])

    return watched


def profile(name: str, content: bytes, size: Size | None) -> Profile:
    """Return a saved row whose size is what it is told."""
    width, height = size or (None, None)
    saved = default_storage.save(name, ContentFile(content))
    made = Profile.objects.create(image_width=1, image_height=1, main_image=saved)
    made.image_width, made.image_height = width, height
    made.save()
    return made


# Calls --------------------------------------------------------------------------------------------------

PRESETS = {"card": {"widths": "20 40", "sizes": "50vw", "format": "webp"}, "small": Img(width=10)}
VALUES = (
    '{% img p.main_image width=20 ratio="square" alt="" as pic %}{{ pic.url }} {{ pic.srcset }} {{ pic.sizes }}'
    " {{ pic.width }} {{ pic.height }} {{ pic.html }} {{ pic.is_built }} {{ pic.object_position }}"
    "{% if pic.width > 19 %} wide{% endif %} {{ pic }}"
)
LINES = {
    "plain": '{% img p.main_image width=20 alt="" %}',
    "values": VALUES,
    "widths": '{% img p.main_image widths="20 40" alt="" as pic %}{{ pic.srcset }} {{ pic.sizes }}',
    "url": "{% img_url p.main_image width=20 %}",
    "absolute": "{% img_url p.main_image width=20 absolute=True %}",
    "url as": "{% img_url p.main_image width=20 as url %}{{ url }}",
    "url in a tag": '{% img_url p.main_image width=20 as url %}{% img p.main_image width=20 data_x=url alt="" %}',
    "preset": '{% img p.main_image "card" alt="" %}',
    "preset over": '{% img p.main_image "small" ratio="2/1" alt="" %}',
    "focal": '{% img person.headshot width=20 ratio="square" alt="" as pic %}{{ pic }}{{ pic.object_position }}',
    "static": '{% img "static:templatetags_tests/logo.png" width=20 alt="" %}',
    "name": '{% img "photos/plain.jpg" width=20 alt="" %}',
    "no size": '{% img photo.image width=20 ratio="16/9" alt="" %}',
    "build": '{% img p.main_image width=20 build="all" alt="" %}',
    "priority": '{% img p.main_image width=20 priority=True alt="" %}',
    "source": '{% img photo.image alt="" %}',
}


@pytest.fixture
def context(make_photo, settings) -> dict[str, Any]:
    settings.RESPONSIVE_IMG_PRESETS = PRESETS
    settings.RESPONSIVE_IMG_BASE_URL = "https://example.com"
    person = Person.objects.create(headshot=ContentFile(drawn((40, 80)), "ann.jpg"), headshot_point="10% 20%")
    many = [Profile.objects.create(main_image=ContentFile(drawn(), f"{each}.jpg")) for each in range(5)]
    return {"profiles": many, "person": person, "photo": make_photo()}


def looped(line: str, language: str) -> str:
    """Return a template that shows a line for each row."""
    line = line if language == "django" else line.replace("=True", "=true")
    return f"{{% for p in profiles %}}{line}\n{{% endfor %}}"


def shown_at_once(html: str) -> None:
    assert "RI1." not in html
    assert html.count("/renditions/") >= 5


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_page_asks_nobody(page, context, trusting, untouched, settings, language, line, read_only):
    settings.RESPONSIVE_IMG_READ_ONLY = read_only
    # What is remembered makes no difference.
    for _ in range(2):
        with untouched():
            response = page(
                language, looped(line, language), context, headers={"Cache-Control": "max-age=60"}
            )

        shown_at_once(response.content.decode())
        assert response.responsive_img_pending == 0
        assert response["Cache-Control"] == "max-age=60"
    assert not records.source_model().objects.exists()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_the_bytes_are_the_same_wherever_it_is_rendered(
    page, render, context, trusting, untouched, language, line
):
    text = looped(line, language)
    # A copy, as Django gives the request to what Jinja2 is given.
    expected = page(language, text, {**context}).content.decode()
    if "absolute" in line:
        expected = expected.replace("http://testserver/", "https://example.com/")

    def within_an_event_loop() -> Any:
        async def rendered() -> str:
            return str(render(language, text, context))

        return async_to_sync(rendered)()

    with untouched():
        assert render(language, text, context) == expected
        assert within_an_event_loop() == expected
        with immediate():
            assert render(language, text, context) == expected
        with batch() as images:
            html = render(language, text, context)
            assert html == expected  # it leaves no markers
            assert images.finalize(html) == expected


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_view_pays_for_its_own_rows_alone(
    client, async_client, make_photo, trusting, cache_calls, storage_calls, mode, language
):
    for number in range(100):
        Photo(title=f"Photo {number}", image=f"photos/{number}.jpg").save()
    storage_calls.clear()

    path = f"/{mode}/{language}/100/"
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path) if mode == "sync" else async_to_sync(async_client.get)(path)

    assert len(queries) == (1 if mode == "sync" else len(queries))
    assert not [each["sql"] for each in queries if "responsive_img_" in each["sql"]]
    assert not cache_calls
    assert not storage_calls
    assert response.content.count(b"<picture>") == 100


def test_a_size_that_was_not_loaded_is_not_asked_for(page, context, trusting, untouched):
    whole = Profile.objects.first()
    assert whole is not None
    # As of a proxy, where Django does not ask for it either.
    (deferred,) = Profile.objects.filter(pk=whole.pk)
    del deferred.__dict__["image_height"]

    with untouched():
        html = [page("django", LINES["plain"], {"p": each}).content.decode() for each in (whole, deferred)]

    assert html[0] == html[1].replace('.jpg" alt', '.jpg" width="20" height="10" alt')
    assert "image_height" not in deferred.__dict__


@pytest.mark.parametrize("language", LANGUAGES)
def test_bound_images_ask_nobody_and_give_the_bytes_of_the_tag(
    render, context, trusting, untouched, language
):
    many = [each.main_image for each in context["profiles"]]
    img, together = Img(width=20), ImageBatch()
    of_batch = [Img(width=20, batch=together)(file, alt="") for file in many]
    with untouched():
        tags = [render(language, LINES["plain"], {"p": each}) for each in context["profiles"]]
        alone = [img(file, alt="") for file in many]
        at_once = [img(file, alt="", immediate=True) for file in many]
        together.build()
        for bounds in (alone, of_batch, at_once):
            assert [each.as_html() for each in bounds] == tags
        first = alone[0]
        assert str(first) == first.base_url() == re.findall('src="([^"]*)"', tags[0])[0]
        assert f'srcset="{first.srcset}"' in tags[0]
        assert (first.width, first.height, first.is_built, bool(first)) == (20, 10, True, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_marker_from_before_the_switch_resolves_without_a_lookup(
    page, render, context, trust, untouched, language
):
    stored = []

    def fragment(name: str) -> Any:
        def view(request: Any) -> HttpResponse:
            stored.append(render(language, looped(LINES[name], language), context, request))
            return HttpResponse(stored[-1])

        return view

    names = ["plain", "widths", "url", "no size"]
    for name in names:
        respond(fragment(name))
    trust()

    for name, text in zip(names, stored, strict=True):
        assert "RI1." in text
        with untouched():
            html = respond(lambda _, text=text: HttpResponse(text)).content.decode()
            assert finalize(text) == html
        now = page(language, looped(LINES[name], language), context).content.decode()
        # A marker does not know the size.
        assert html == re.sub(r' width="20" height="10"', "", now)
    assert 'width="20" height="11"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_attribute_that_holds_a_marker_from_before_the_switch_is_filled(
    context, render, trust, untouched, language
):
    stored = []

    def view(request: Any) -> HttpResponse:
        stored.append(render(language, "{% img_url p.main_image width=20 %}", given, request))
        return HttpResponse(stored[-1])

    given = {"p": context["profiles"][0]}
    url = respond(view).content.decode()
    trust()

    for marker in (stored[0], mark_safe(stored[0])):  # noqa: S308 - this library's own
        with untouched():
            html = render(
                language, '{% img p.main_image width=20 data_x=marker alt="" %}', {**given, "marker": marker}
            )
        assert f'data-x="{url}"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fragment_in_the_cache_costs_the_page_its_own_call_alone(
    page, context, trust, cache_calls, language
):
    if language == "django":
        text = '{% load cache %}{% cache 60 "x" %}' + looped(LINES["plain"], language) + "{% endcache %}"
    else:
        text = looped(LINES["plain"], language)
    page(language, text, context)
    trust()
    cache_calls.clear()

    response = page(language, text, context)

    shown_at_once(response.content.decode())
    assert cache_calls == ({"get": 1} if language == "django" else {})
    assert response.responsive_img_pending == 0


# The same bytes as on demand ----------------------------------------------------------------------------


def row(size: Size, known: Size | None, ending: str) -> Profile:
    """Return a row of a source as `TellingEngine` reads it, and of a size that is known or not."""
    return profile(f"photos/law.{ending}", f"{size.width} {size.height}".encode(), known)


def line_of(arguments: dict[str, Any]) -> str:
    told = [f"{key}={literal(v) if isinstance(v, str) else v}" for key, v in arguments.items()]
    return f'{{% img p.main_image {" ".join(told)} alt="" %}}'.replace("=None", "=none")


def written(page: Any, language: str, arguments: dict[str, Any], shown: Profile) -> str:
    """Return the markup of a picture; a test with arguments that contradict each other ends."""
    line = line_of(arguments) if language == "jinja2" else line_of(arguments).replace("=none", "=None")
    try:
        return str(page(language, line, {"p": shown}).content.decode())
    except SYNTAX_ERRORS:
        assume(False)
        raise  # pragma: no cover - for the type checker


endings = st.sampled_from(["jpg", "png", "webp", "avif", "JPEG", "tiff"])


@shared
@given(st.sampled_from(LANGUAGES), argument_lists(), sizes, endings)
@example("django", {"width": 400, "upscale": True}, Size(30, 10), "jpg")
@example("jinja2", {"widths": "20 40 60", "ratio": 1.5}, Size(50, 60), "png")
@example("django", {"height": 200, "densities": "1 1.5 3"}, Size(30, 240), "webp")
def test_a_page_of_known_sizes_is_the_page_that_looks_up(
    page, telling, trust, language, arguments, size, ending
):
    shown = row(size, size, ending)

    trust(on=False)
    on_demand = [written(page, language, arguments, shown) for _ in range(2)]
    trust()

    assert [written(page, language, arguments, shown)] * 2 == on_demand


@shared
@given(st.sampled_from(LANGUAGES), argument_lists(), endings)
@example("django", {"widths": "300 600", "height": 20}, "jpg")
@example("jinja2", {"width": 600, "height": 20, "fit": "contain"}, "jpg")
@example("django", {"ratio": "4/1"}, "jpg")
def test_of_an_unknown_size_only_the_layout_can_be_missing(page, telling, trust, language, arguments, ending):
    # It fills whatever is asked for, and is no square.
    unknown = row(Size(7500, 7000), None, ending)

    trust(on=False)
    on_demand = read(written(page, language, arguments, unknown))
    trust()
    trusted = read(written(page, language, arguments, unknown))

    layout = [each.img.pop(side, None) for each in (on_demand, trusted) for side in ("width", "height")]
    assert trusted == on_demand
    assert layout[2:] in ([None, None], layout[:2])
    follows = {"width", "height"} <= arguments.keys() or (
        "ratio" in arguments and not {"width", "height", "widths"}.isdisjoint(arguments)
    )
    assert (layout[2] is not None) is (follows and arguments.get("fit") != "contain")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("arguments", "layout"),
    [
        ("width=20 height=10", ("20", "10")),
        ('width=20 ratio="2/1"', ("20", "10")),
        ('height=10 ratio="2/1"', ("20", "10")),
        ('widths="10 20" ratio="2/1"', ("20", "10")),
        ('widths="10 20" width=40 ratio="2/1"', ("40", "20")),
        ('width=20 height=10 fit="contain"', (None, None)),
        ("width=20", (None, None)),
        ("height=10", (None, None)),
        ('widths="10 20"', (None, None)),
        ("", (None, None)),
        ('ratio="2/1"', (None, None)),
    ],
)
def test_sides_are_left_out_unless_both_follow(page, photo, trusting, language, arguments, layout):
    for template in (
        f'{{% img photo.image {arguments} alt="" %}}',
        '{% img "photos/x.svg" width=20 height=10 alt="" %}',
    ):
        img = read(page(language, template, {"photo": photo}).content.decode()).img

        assert (img.get("width"), img.get("height")) == (
            layout if "photo.image" in template else (None, None)
        )


# Each name answers --------------------------------------------------------------------------------------


def warm_arguments(arguments: dict[str, Any]) -> Img:
    """Return what the warmer is given for a tag with these arguments."""
    return Img(**{name: value for name, value in arguments.items() if name not in {"build", "loading"}})


@shared
@given(st.sampled_from(LANGUAGES), argument_lists(), sizes, st.none() | sizes, endings)
@example("django", {"width": 20}, Size(10, 10), None, "jpg")
@example("django", {"width": 60, "densities": "1 1.1 2"}, Size(40, 60), Size(60, 40), "jpg")
@example("jinja2", {"widths": "20 40 600", "ratio": "square"}, Size(50, 10), Size(3000, 2000), "png")
@example("jinja2", {"height": 500, "densities": "1.33", "format": "avif"}, Size(50, 10), None, "png")
def test_no_name_is_missing_after_the_warmer_whatever_the_size_is_taken_for(
    page, telling, trust, language, arguments, size, known, ending
):
    shown = row(size, known, ending)
    trust()
    picture = read(written(page, language, arguments, shown))
    assert (
        not default_storage.exists(file_of(picture.urls[0]))
        or file_of(picture.urls[0]) == shown.main_image.name
    )

    warmed = ImageWarmer(shown, warm_arguments(arguments), "main_image").warm()

    assert warmed.failed_to_create == []
    for url in picture.urls:
        with default_storage.open(file_of(url)) as file:
            assert re.fullmatch(rb"\d+ \d+", file.read())


def file_of(url: str) -> str:
    return unquote(url.removeprefix("/media/"))


def animation(format: str, frames: int = 2) -> bytes:
    pictures = [Image.new("RGB", (80, 40), colour) for colour in ("navy", "orange")[:frames]]
    file = BytesIO()
    pictures[0].save(file, format, save_all=True, append_images=pictures[1:], duration=100)
    return file.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 40"><rect width="80" height="40"/></svg>'
# Name, content, oriented size.
SOURCES: dict[str, tuple[str, Callable[[], bytes], Size]] = {
    "large": ("a.jpg", lambda: encoded(gradient(600, 300), "JPEG"), Size(600, 300)),
    "small": ("a.jpg", lambda: drawn((17, 9)), Size(17, 9)),
    "one px": ("a.jpg", lambda: drawn((1, 1)), Size(1, 1)),
    "turned": ("a.jpg", lambda: photographed(gradient(150, 300), 6), Size(150, 300)),
    "png": ("a.png", lambda: encoded(gradient(300, 200), "PNG"), Size(300, 200)),
    "webp": ("a.webp", lambda: encoded(gradient(300, 200), "WEBP"), Size(300, 200)),
    "another than its name": ("a.png", lambda: encoded(gradient(300, 200), "JPEG"), Size(300, 200)),
    "gif": ("a.gif", lambda: animation("GIF", 1), Size(80, 40)),
    "animated gif": ("a.GIF", lambda: animation("GIF"), Size(80, 40)),
    "animated webp": ("a.webp", lambda: animation("WEBP"), Size(80, 40)),
    "animated png": ("a.png", lambda: animation("PNG"), Size(80, 40)),
    "animated avif": ("a.avif", lambda: animation("AVIF"), Size(80, 40)),
    "svg": ("a.svg", lambda: SVG, Size(80, 40)),
    "tall": ("a.jpg", lambda: encoded(Image.new("RGB", (20, 16_500), "navy"), "JPEG"), Size(20, 16_500)),
    "spaces": ("a b/ü (1).jpg", lambda: drawn((80, 40)), Size(80, 40)),
}
IMGS = [
    Img(width=20, densities="1 1.5 3"),
    Img(widths="10 40 160 640"),
    Img(height=20, format="webp"),
    Img(width=100, height=100),
    Img(width=100, height=100, fit="contain", formats="avif webp"),
    Img(ratio="16/9"),
    Img(),
]
KNOWN: dict[str, Callable[[Size], Size | None]] = {
    "known": lambda size: size,
    "swapped": lambda size: Size(size.height, size.width),
    "unknown": lambda size: None,
}


def by_warming(made: Profile) -> None:
    assert ImageWarmer(Profile.objects.all(), IMGS, "main_image").warm().failed_to_create == []


def by_a_worker(made: Profile) -> None:
    """Have what was asked for before the switch built after it."""
    assert process_queue() > 0


BUILDERS = {"warmer": by_warming, "worker": by_a_worker}


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("builder", BUILDERS.values(), ids=BUILDERS)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_each_url_of_a_page_is_a_picture_of_its_width(
    page, settings, trust, untouched, source, builder, known
):
    name, content, size = source
    made = profile(f"photos/{name}", content(), known(size))
    if builder is by_a_worker:
        settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
        for number, _ in enumerate(IMGS):
            settings.RESPONSIVE_IMG_PRESETS = {str(number): each for number, each in enumerate(IMGS)}
            page("django", f'{{% img p.main_image "{number}" alt="" %}}', {"p": made})
        cache.clear()
    trust()

    builder(made)

    settings.RESPONSIVE_IMG_PRESETS = {str(number): each for number, each in enumerate(IMGS)}
    for number, _ in enumerate(IMGS):
        for language in LANGUAGES:
            with untouched():
                html = page(language, f'{{% img p.main_image "{number}" alt="" %}}', {"p": made}).content
            assert_all_answer(html.decode(), made, size, is_swapped=known is KNOWN["swapped"])


def assert_all_answer(html: str, made: Profile, size: Size, *, is_swapped: bool) -> None:
    """Check that each URL is a picture, as wide as it is told to be where its source can fill that."""
    picture = read(html)
    for url in picture.urls:
        assert url.startswith("/media/")
        with default_storage.open(file_of(url)) as file:
            content = file.read()
        if not url.endswith(".svg"):
            opened(content)
    if is_swapped or picture.urls == [f"/media/{made.main_image.name}"]:
        return
    for element in (*picture.sources, picture.img):
        for url, descriptor in candidates_of(element.get("srcset", "")):
            if not descriptor.endswith("w"):
                continue
            with default_storage.open(file_of(url)) as file:
                width = opened(file.read()).width
            told = int(descriptor[:-1])
            assert width == min(told, size.width)


@pytest.mark.parametrize("known", [True, False])
def test_one_format_alone_is_as_large_as_it_can_be(page, trusting, known):
    size = Size(16_500, 20)
    made = profile("photos/a.jpg", encoded(Image.new("RGB", size, "navy"), "JPEG"), size if known else None)

    assert ImageWarmer(made, Img(height=20, format="webp"), "main_image").warm().failed_to_create == []

    html = page(
        "django", '{% img p.main_image height=20 format="webp" alt="" %}', {"p": made}
    ).content.decode()
    with default_storage.open(file_of(read(html).urls[0])) as file:
        assert opened(file.read()).size == (16_383, 20)


@pytest.mark.parametrize("source", ["large", "turned", "png"])
@pytest.mark.parametrize("hook", ["responsive_img.hooks.build_now", ENQUEUE])
@pytest.mark.parametrize("build", [None, "src"])
def test_what_is_queued_on_save_answers(
    page, settings, trusting, monkeypatch, django_capture_on_commit_callbacks, hook, build, source
):
    monkeypatch.setattr(saving, "_watchers", {})
    settings.RESPONSIVE_IMG_BUILD_HOOK = hook
    settings.RESPONSIVE_IMG_PRESETS = {str(number): each for number, each in enumerate(IMGS)}
    for number, img in enumerate(IMGS):
        img.queue(Profile, build=build, dispatch_uid=number)
    name, content, size = SOURCES[source]

    with django_capture_on_commit_callbacks(execute=True):
        made = Profile.objects.create(main_image=ContentFile(content(), name))
    process_queue()

    for number, _ in enumerate(IMGS):
        html = page("django", f'{{% img p.main_image "{number}" alt="" %}}', {"p": made}).content.decode()
        assert_all_answer(html, made, size, is_swapped=source == "turned")


def test_what_was_built_before_the_switch_is_made_whole_by_the_warmer(page, trust, make_photo):
    made = make_photo(size=(21, 10))  # its second density is not worth a file
    invalidate(made.image)
    tag = '{% img photo.image width=20 alt="" %}'
    page("django", tag, {"photo": made})
    invalidate(made.image)  # names of a version
    page("django", tag, {"photo": made})
    trust()
    picture = read(page("django", tag, {"photo": made}).content.decode())
    assert not all(default_storage.exists(file_of(url)) for url in picture.urls)

    ImageWarmer(Photo.objects.all(), [Img(width=20)], "image").warm()

    assert all(default_storage.exists(file_of(url)) for url in picture.urls)
    trust(on=False)
    again = page("django", tag, {"photo": made})
    assert again.responsive_img_pending == 0
    assert set(read(again.content.decode()).urls) <= set(picture.urls)


@pytest.mark.parametrize("name", ["static:templatetags_tests/logo.png", "photos/plain.jpg"])
@pytest.mark.parametrize("is_built_before", [False, True])
def test_static_files_and_plain_names_are_built_by_name(
    page, save_file, trust, untouched, name, is_built_before
):
    save_file("photos/plain.jpg", size=(30, 20))
    tag = f'{{% img "{name}" widths="20 800" alt="" %}}'
    if is_built_before:
        page("django", tag)
    trust()

    invalidate(name)
    Img(widths="20 800")(name).build()

    with untouched():
        html = page("jinja2", tag).content.decode()
    picture = read(html)
    assert len(picture.urls) == 4
    assert "800w" in html
    assert "width" not in picture.img
    for url in picture.urls:
        with default_storage.open(file_of(url)) as file:
            opened(file.read())


def test_a_source_over_the_limits_goes_as_it_is_where_its_size_is_known(page, settings, trusting, untouched):
    settings.RESPONSIVE_IMG_MAX_SOURCE_PIXELS = 100
    made = profile("photos/a.jpg", drawn(), Size(80, 40))

    assert ImageWarmer(made, Img(width=20), "main_image").warm().failed_to_create == ["photos/a.jpg"]

    with untouched():
        html = page("django", LINES["plain"], {"p": made}).content.decode()
    assert html.startswith('<img src="/media/photos/a.jpg" width="20" height="10" ')


# Sizes --------------------------------------------------------------------------------------------------


def test_a_photo_of_a_phone_is_right_once_its_dimensions_are_fixed(page, trusting, trust):
    made = Profile.objects.create(main_image=ContentFile(photographed(gradient(20, 40), 6), "phone.jpg"))
    tag = '{% img p.main_image width=10 alt="" %}'
    assert 'width="10" height="5"' in page("django", tag, {"p": made}).content.decode()

    ImageWarmer(Profile.objects.all(), Img(width=10), "main_image", fix_dimensions=True).warm()

    (fixed,) = Profile.objects.all()
    html = page("django", tag, {"p": fixed}).content.decode()
    assert 'width="10" height="20"' in html
    trust(on=False)
    assert page("django", tag, {"p": fixed}).content.decode() == html


class Sized:
    """A row that is none of Django's, or none of which columns are all that there is."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    @property
    def image_height(self) -> int:
        return 5


FIELD = Profile._meta.get_field("main_image")


@pytest.mark.parametrize(
    ("instance", "size"),
    [
        (Sized(image_width=10), (10, 5)),
        (Sized(), None),
        (Profile(image_width=10, image_height=5), (10, 5)),
        (Profile(image_width=10, image_height=None), None),
        (Profile(image_width=0, image_height=5), None),
        (Profile(image_width=-10, image_height=5), None),
        (Profile(image_width="10", image_height="5"), None),
        (Profile(), None),
        (object(), None),
        (None, None),
    ],
)
def test_a_size_is_two_whole_numbers_of_the_row(instance, size):
    assert size_of(ImageFieldFile(instance, FIELD, "a.jpg")) == size


@pytest.mark.parametrize("source", ["a.jpg", None, Photo(image="a.jpg").image, Scan(image="a.jpg").image])
def test_a_name_and_a_field_without_dimensions_have_no_size(source):
    assert size_of(source) is None


def test_a_row_that_knows_its_size_in_text_alone_is_shown(page, trusting):
    made = profile("photos/a.jpg", drawn(), None)
    made.image_width, made.image_height = "80", "40"  # what a form may leave

    assert b"-20w." in page("django", LINES["plain"], {"p": made}).content


# Sources that change ------------------------------------------------------------------------------------


@pytest.fixture
def other_storage(settings) -> Storage:
    """Have renditions in a storage that is no file system."""
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage", "OPTIONS": {"base_url": "/memory/"}}
    settings.STORAGES = {**settings.STORAGES, "memory": memory}
    settings.RESPONSIVE_IMG_STORAGE = "memory"
    return storages["memory"]


def replace_file(made: Profile, content: bytes) -> None:
    """Save another file under the same name."""
    name = Path(str(made.main_image.name)).name
    made.main_image.delete(save=False)
    made.main_image = ContentFile(content, name)
    made.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_queued", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_replaced_source_keeps_its_names_and_gets_new_bytes(
    page,
    telling,
    trusting,
    monkeypatch,
    request,
    elsewhere,
    is_queued,
    language,
):
    monkeypatch.setattr(saving, "_watchers", {})
    monkeypatch.setattr(FIELD, "update_dimension_fields", lambda *_, **__: None)  # no file here is a picture
    storage = request.getfixturevalue("other_storage") if elsewhere else default_storage
    img = Img(width=20, format="webp", densities="1")
    if is_queued:
        img.queue(Profile)
    made = Profile.objects.create(main_image=ContentFile(b"80 40", "a.jpg"), image_width=80, image_height=40)
    if not is_queued:
        ImageWarmer(made, img, "main_image").warm()
    tag = '{% img_url p.main_image width=20 format="webp" %}'
    url = page(language, tag, {"p": made}).content.decode()
    name = url.removeprefix("/memory/" if elsewhere else "/media/")
    with storage.open(name) as file:
        assert file.read() == b"20 10"

    replace_file(made, b"40 80")
    if not is_queued:
        ImageWarmer(made, img, "main_image").warm()

    assert page(language, tag, {"p": made}).content.decode() == url
    with storage.open(name) as file:
        assert file.read() == b"20 40"  # as long as the one before
    assert set(records.source_model().objects.values_list("version", flat=True)) == {""}


class OvertakenEngine(TellingEngine):
    """Has its source replaced, and built by another, while it builds the first time."""

    overtaken: ClassVar[list[Callable[[], object]]] = []

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        for made in super().render(file, variants):
            if self.overtaken:
                self.overtaken.pop()()
            yield made


@pytest.mark.django_db(transaction=True)
def test_a_build_of_the_old_content_that_ends_later_loses(photo, trusting, settings):
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.OvertakenEngine"
    path = Path(default_storage.path("photos/cat.jpg"))
    path.write_bytes(b"80 40")
    img = Img(width=20, format="webp", densities="1")

    def replace_and_build() -> None:
        path.write_bytes(b"40 80")
        invalidate(photo.image)
        img(photo.image).build()

    OvertakenEngine.overtaken.append(replace_and_build)
    img(photo.image).build()
    process_queue()

    assert Path(default_storage.path(file_of(str(img(photo.image))))).read_bytes() == b"20 40"


def test_an_invalidated_source_has_no_version(photo, trusting):
    img = Img(width=20, format="webp", densities="1")
    url = str(img(photo.image))
    img(photo.image).build()
    Path(default_storage.path("photos/cat.jpg")).write_bytes(drawn((40, 80)))

    invalidate(photo.image)
    img(photo.image).build()

    assert str(img(photo.image)) == url
    assert opened(Path(default_storage.path(file_of(url))).read_bytes()).size == (20, 40)
    assert records.source_model().objects.get().version == ""


# What builds all the same -------------------------------------------------------------------------------


@pytest.mark.parametrize("build", ["src", "srcset", "all"])
@pytest.mark.parametrize("immediate_", [False, True])
def test_a_bound_image_with_something_to_build_builds_it(photo, trusting, settings, build, immediate_):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    bound = Img(width=20)(photo.image, alt="", build=build, immediate=immediate_)

    assert bound
    html = bound.as_html()

    urls = read(html).urls
    assert all(default_storage.exists(file_of(url)) for url in urls)
    assert len(urls) == (1 if build == "src" else 4)


@pytest.mark.parametrize("build", ["src", "srcset", "all"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tag_with_something_to_build_trusts(page, photo, trusting, untouched, language, build):
    with untouched():
        page(language, f'{{% img photo.image width=20 build="{build}" alt="" %}}', {"photo": photo})
        page(language, f'{{% img_url photo.image width=20 build="{build}" %}}', {"photo": photo})


# What cannot be asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_debug", [False, True])
def test_what_cannot_be_asked_for_is_the_source_and_asks_nobody(
    page, context, trusting, untouched, settings, log, language, is_debug
):
    settings.DEBUG = is_debug
    with untouched():
        for name, value in {"preset": "gone", "width": 5000}.items():
            line = "p.main_image wanted" if name == "preset" else "p.main_image width=wanted"
            given = {"p": context["profiles"][0], "wanted": value}
            if is_debug:
                with pytest.raises(SpecError):
                    page(language, f'{{% img {line} alt="" %}}', given)
            else:
                html = page(language, f'{{% img {line} alt="" %}}', given).content.decode()
                assert html.startswith('<img src="/media/profiles/0.jpg"')
    assert len(log()) == (0 if is_debug else 2)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("wanted", ["img", "img_url"])
def test_an_exception_of_our_own_leaves_the_rest_of_the_page(
    page, context, trusting, monkeypatch, log, language, wanted
):
    def raising(*_: object) -> str:
        raise LookupError("of our own")

    monkeypatch.setattr(collector, "replacement", raising)
    line = '{% img p.main_image width=20 alt="A cat" %}' if wanted == "img" else "{% img_url p.main_image %}"

    response = page(language, f"<p>{line}</p>", {"p": context["profiles"][0]})

    left = '<img alt="A cat" loading="lazy" decoding="async">' if wanted == "img" else ""
    assert response.content.decode() == f"<p>{left}</p>"
    assert response.responsive_img_pending == 1
    (said,) = log()
    assert "1 picture" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_placeholder_is_not_of_the_size_of_the_file_that_it_stands_for(
    render, trusting, settings, language
):
    settings.RESPONSIVE_IMG_PLACEHOLDER = "static:templatetags_tests/logo.png"
    made = Profile(main_image=ContentFile(drawn((80, 40)), "new.jpg"))  # not saved

    tag = render(language, '{% img p.main_image width=20 alt="" %}', {"p": made})

    assert Img(width=20)(made.main_image, alt="").as_html() == tag
    assert "height=" not in tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["placeholder.png", "static:templatetags_tests/logo.png"])
def test_the_warmer_builds_the_placeholder_that_rows_without_a_file_show(
    render, trusting, settings, save_file, language, name
):
    save_file("placeholder.png")
    settings.RESPONSIVE_IMG_PLACEHOLDER = name
    empty = Photo.objects.create(title="Empty")
    unsaved = Photo(image=ContentFile(drawn((80, 40)), "new.jpg"))
    img = Img(width=20)
    tag = render(language, "{% img p.image img alt='' %}", {"p": empty, "img": img})

    warmed = ImageWarmer(Photo.objects.all(), img, "image").warm()

    assert warmed == (2 * 2, [])  # formats, densities
    urls = set(re.findall(r'/media/[^\s",]+', tag))
    assert len(urls) == 2 * 2
    assert all(default_storage.exists(file_of(url)) for url in urls)
    # What is not saved yet shows it, too.
    assert ImageWarmer(unsaved, img, "image").warm() == ImageWarmer(empty, img, "image").warm() == (0, [])


def test_the_settings_are_read_when_a_page_is_rendered(page, photo, trust, cache_calls):
    page("django", '{% img photo.image width=20 alt="" %}', {"photo": photo})
    for on in (True, False, True):
        trust(on=on)
        cache_calls.clear()
        page("django", '{% img photo.image width=20 alt="" %}', {"photo": photo})
        assert bool(cache_calls) is not on
        assert conf.current().create_on_demand is not on
