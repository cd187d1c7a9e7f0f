from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import HttpResponse
from django.template import Context, Template
from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.test import RequestFactory
from jinja2 import Environment
from jinja2 import TemplateSyntaxError as JinjaSyntaxError

from responsive_img import Img, batch, finalize, immediate, records
from responsive_img.exceptions import SpecError
from responsive_img.jinja import ResponsiveImgExtension
from responsive_img.queue import process_queue
from templatetags_tests.conftest import RENDITION, respond
from templatetags_tests.models import Photo, Scan

LANGUAGES = ("django", "jinja2")
SYNTAX_ERRORS = {"django": DjangoSyntaxError, "jinja2": JinjaSyntaxError}
URL = f"/media/{RENDITION}"
TAG = '{% img_url photo.image width=20 format="webp" %}'
CALL = '{{ img_url(photo.image, width=20, format="webp") }}'
WAYS = [("django", TAG), ("jinja2", TAG), ("jinja2", CALL)]
ABSOLUTE = [
    ("django", TAG.replace(" %}", " absolute=True %}")),
    ("django", TAG.replace(" %}", " absolute=yes %}")),
    ("jinja2", TAG.replace(" %}", " absolute=True %}")),
    ("jinja2", TAG.replace(" %}", " absolute=yes %}")),
    ("jinja2", CALL.replace(") }}", ", absolute=True) }}")),
]
PRESETS = {
    "card": {"width": 20, "format": "webp"},
    "wide": {"widths": "20 40", "sizes": "50vw", "format": "webp"},
    "both": {"width": 20, "formats": "avif webp", "class": "a"},
    "img": Img(width=20, format="webp"),
    "keys": ["card", "wide"],
}


class CdnStorage(FileSystemStorage):
    """Has its files elsewhere."""

    def url(self, name: str | None) -> str:
        return f"https://cdn.example/{name}?a=1&b=2"


class RelativeCdnStorage(FileSystemStorage):
    def url(self, name: str | None) -> str:
        return f"//cdn.example/{name}"


class PrivateStorage(FileSystemStorage):
    """Has files, but none that a browser could have."""

    def url(self, name: str | None) -> str:
        raise ValueError("This file is not accessible via a URL.")


def stored_in(settings: Any, storage: type[FileSystemStorage]) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": f"{__name__}.{storage.__name__}",
            "OPTIONS": {"location": settings.MEDIA_ROOT},
        },
    }


def built() -> list[str]:
    """Return the names of all renditions, without their digests."""
    folder = "renditions/photos"
    found = default_storage.listdir(folder)[1] if default_storage.exists(folder) else []
    return sorted(re.sub(r"\.\w{8}\.", ".", name) for name in found)


def name_of(url: bytes | str) -> str:
    text = url.decode() if isinstance(url, bytes) else url
    return re.sub(r"\.\w{8}\.", ".", text.rpartition("/")[2])


# One file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "tag"), WAYS)
def test_the_url_is_that_of_the_one_file_that_is_built(page, photo, language, tag):
    response = page(language, tag, {"photo": photo})

    assert response.content.decode() == URL
    assert built() == ["cat-20w.webp"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ("width=20", "cat-20w.jpg"),
        ("height=10", "cat-10h.jpg"),
        ('width=20 ratio="1/1"', "cat-20w.jpg"),
        ("width=20 height=20", "cat-20w.jpg"),
        ('width=20 height=20 fit="contain"', "cat-20w.jpg"),
        ('width=20 ratio="1/1" focal="1% 2%"', "cat-20w.jpg"),
        ("width=160 upscale=True", "cat-160w.jpg"),
        ("width=20 quality=50", "cat-20w.jpg"),
        ("", "cat-full.jpg"),
        ('format="png"', "cat-full.png"),
        ("width=wide format=kind", "cat-20w.avif"),
        ('"card"', "cat-20w.webp"),
        ('"card" format="png"', "cat-20w.png"),
        ('"card" width=30', "cat-30w.webp"),
        ('"wide"', "cat-40w.webp"),
        ('"both"', "cat-20w.jpg"),
        ('"img"', "cat-20w.webp"),
        ("preset", "cat-20w.webp"),
        ("thumb", "cat-20w.webp"),
        ("thumb width=30", "cat-30w.webp"),
        ("thumb width=wide ratio=1", "cat-20w.webp"),
        ("bands", "cat-40w.jpg"),
        ("nothing width=20", "cat-20w.jpg"),
    ],
)
def test_one_file_is_built_whatever_is_asked_for(page, photo, settings, language, arguments, name):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS
    context = {
        "photo": photo, "wide": 20, "kind": "avif", "preset": "card", "nothing": None,
        "thumb": Img(width=20, format="webp"), "bands": Img(widths=[20, 40], ratio="2/1", alt="x"),
    }  # fmt: skip

    response = page(language, f"{{% img_url photo.image {arguments} %}}", context)

    assert name_of(response.content) == name
    assert built() == [name]


@pytest.mark.parametrize(
    ("arguments", "attribute"),
    [
        ('width=20 format="webp"', "src"), ('width=20 ratio="1/1"', "src"), ('"wide"', "src"), ("thumb", "src"),
        ("width=20 quality=50", "src"),
    ],
)  # fmt: skip
def test_the_file_is_the_one_that_the_picture_has_as_src(page, photo, settings, arguments, attribute):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS
    context = {"photo": photo, "thumb": Img(width=20)}

    html = page("django", f'{{% img photo.image {arguments} alt="" %}}', context).content.decode()
    url = page("django", f"{{% img_url photo.image {arguments} %}}", context).content.decode()

    assert f' {attribute}="{url}"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_long_name_is_the_same_tag(page, photo, language):
    response = page(language, TAG.replace("img_url", "responsive_img_url"), {"photo": photo})

    assert response.content.decode() == URL


def test_the_long_name_of_the_function_is_the_same(page, photo):
    response = page("jinja2", CALL.replace("img_url", "responsive_img_url"), {"photo": photo})

    assert response.content.decode() == URL


@pytest.mark.parametrize("language", LANGUAGES)
def test_many_urls_cost_one_lookup(page, make_photo, cache_calls, storage_calls, our_queries, language):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(5)]
    template = (
        "{% for photo in photos %}" + TAG + " " + TAG.replace(" %}", " as url %}") + "{{ url }} {% endfor %}"
    )
    first = page(language, template, {"photos": photos}).content
    cache_calls.clear()
    storage_calls.clear()

    with our_queries() as queries:
        response = page(language, template, {"photos": photos})

    assert cache_calls == {"get_many": 1}
    assert not storage_calls
    assert queries == []
    assert response.content == first
    assert len(set(first.split())) == 5


def test_a_url_and_a_picture_of_one_spec_share_what_is_known(page, photo, cache_calls):
    template = TAG + '{% img photo.image width=20 format="webp" densities="1" alt="" %}'
    page("django", template, {"photo": photo})

    assert records.picture_model().objects.count() == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_source_stands_in_while_the_file_is_not_built(page, photo, settings, language):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"

    waiting = page(language, TAG, {"photo": photo})
    process_queue()
    ready = page(language, TAG, {"photo": photo})

    assert waiting.content == b"/media/photos/cat.jpg"
    assert waiting.responsive_img_pending == 1
    assert ready.content.decode() == URL


@pytest.mark.parametrize("build", ["src", "srcset", "all"])
@pytest.mark.parametrize(("language", "tag"), WAYS)
def test_build_builds_in_this_process_whatever_the_hook(page, photo, settings, language, tag, build):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"

    response = page(
        language,
        tag.replace('"webp"', f'"webp", build="{build}"' if tag == CALL else f'"webp" build="{build}"'),
        {"photo": photo},
    )

    assert response.content.decode() == URL
    assert response.responsive_img_pending == 0


# Escaping ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize(("language", "tag"), WAYS)
@pytest.mark.parametrize("render_with", ["page", "render"])
def test_autoescape_applies_once(page, render, photo, settings, language, tag, is_on, render_with):
    settings.MEDIA_URL = "/media/?a=1&b="
    block = (
        "{% autoescape "
        + {"django": "on" if is_on else "off", "jinja2": str(is_on).lower()}[language]
        + " %}"
    )
    template = block + tag + "{% endautoescape %}"

    if render_with == "page":
        text = page(language, template, {"photo": photo}).content.decode()
    else:
        text = render(language, template, {"photo": photo})

    assert text == f"/media/?a=1{'&amp;' if is_on else '&'}b={RENDITION}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_on", [True, False])
def test_a_url_in_a_variable_is_escaped_once_too(page, photo, settings, language, is_on):
    settings.MEDIA_URL = "/media/?a=1&b="
    block = (
        "{% autoescape "
        + {"django": "on" if is_on else "off", "jinja2": str(is_on).lower()}[language]
        + " %}"
    )
    tag = TAG.replace(" %}", " as url %}")

    response = page(language, tag + block + "{{ url }}{% endautoescape %}", {"photo": photo})

    assert response.content.decode() == f"/media/?a=1{'&amp;' if is_on else '&'}b={RENDITION}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<meta property="og:image" content="', '">'),
        ("<a href='", "'>x</a>"),
        ("<p style=\"background: url('", "')\"></p>"),
        ("<style>p { background: url(", ") }</style>"),
        ('<a href="/share?u=', '&amp;x=1">'),
        ("", " "),
    ],
)
def test_a_url_stands_anywhere_in_a_page(page, make_photo, language, before, after):
    photo = make_photo("photos/a (1) 'b' & c.jpg")

    response = page(language, before + TAG + after, {"photo": photo})

    text = response.content.decode()
    assert text.startswith(before)
    assert text.endswith(after)
    url = text.removeprefix(before)[: len(text) - len(before) - len(after)]
    assert re.fullmatch(r"/media/renditions/photos/[\w.%&;-]+-20w\.\w{8}\.webp", url)
    assert not set(url) & set("\"'()<> ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_url_in_json_is_read_back_as_it_is(page, photo, settings, language):
    settings.MEDIA_URL = "/media/?a=1&b="
    show = {"django": '{{ url|json_script:"x" }}', "jinja2": "{{ {'url': url}|tojson }}"}[language]

    text = page(language, TAG.replace(" %}", " as url %}") + show, {"photo": photo}).content.decode()

    found = json.loads(re.sub("<[^>]*>", "", text))
    assert (found if language == "django" else found["url"]) == f"/media/?a=1&b={RENDITION}"


def test_a_url_in_a_json_response_is_read_back_as_it_is(photo, settings):
    settings.MEDIA_URL = "/media/?a=1&b="

    def view(request: Any) -> HttpResponse:
        url = Template("{% load responsive_img %}{% autoescape off %}" + TAG + "{% endautoescape %}").render(
            Context({"photo": photo, "request": request})
        )
        return HttpResponse(json.dumps({"url": url}), content_type="application/json")

    assert json.loads(respond(view).content) == {"url": f"/media/?a=1&b={RENDITION}"}


# Absolute ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "tag"), ABSOLUTE)
def test_with_a_request_the_url_has_its_origin(page, photo, language, tag):
    response = page(language, tag, {"photo": photo, "yes": True})

    assert response.content.decode() == f"http://testserver{URL}"


@pytest.mark.parametrize(("language", "tag"), ABSOLUTE)
def test_a_request_stands_before_the_setting(render, photo, settings, language, tag):
    settings.RESPONSIVE_IMG_BASE_URL = "https://example.com"
    request = RequestFactory().get("/", secure=True, SERVER_PORT="8443", HTTP_HOST="testserver:8443")

    text = render(language, tag, {"photo": photo, "yes": True}, request)

    assert text == f"https://testserver:8443{URL}"


@pytest.mark.parametrize(
    "base", ["https://example.com", "https://example.com/", "https://example.com/shop/?a#b"]
)
@pytest.mark.parametrize(("language", "tag"), ABSOLUTE)
def test_without_a_request_the_url_has_the_origin_of_the_settings(
    render, photo, settings, language, tag, base
):
    settings.RESPONSIVE_IMG_BASE_URL = base

    text = render(language, tag, {"photo": photo, "yes": True})

    assert text == f"https://example.com{URL}"


@pytest.mark.parametrize("base", [None, "", "example.com", "/shop/"])
@pytest.mark.parametrize(("language", "tag"), ABSOLUTE)
def test_without_any_origin_the_url_is_relative_and_one_line_says_so(
    render, photo, settings, log, language, tag, base
):
    settings.RESPONSIVE_IMG_BASE_URL = base

    texts = [render(language, tag, {"photo": photo, "yes": True}) for _ in range(2)]

    assert texts == [URL, URL]
    assert log() == [
        "'absolute' needs a request, or the setting RESPONSIVE_IMG_BASE_URL such as 'https://example.com'."
    ]


@pytest.mark.parametrize(("language", "tag"), ABSOLUTE)
def test_without_any_origin_it_raises_under_debug(render, photo, settings, language, tag):
    settings.DEBUG = True

    with pytest.raises(
        SpecError, match=r"^'absolute' needs a request, or the setting RESPONSIVE_IMG_BASE_URL"
    ):
        render(language, tag, {"photo": photo, "yes": True})


@pytest.mark.parametrize(
    ("language", "tag"),
    [
        ("django", TAG.replace(" %}", " absolute=False %}")),
        ("django", TAG.replace(" %}", " absolute=None %}")),
        ("django", TAG.replace(" %}", " absolute=no %}")),
        ("django", TAG.replace(" %}", " absolute=missing %}")),
        ("jinja2", CALL.replace(") }}", ", absolute=False) }}")),
    ],
)
def test_a_url_is_absolute_only_where_it_is_asked_to_be(page, photo, language, tag):
    response = page(language, tag, {"photo": photo, "no": False})

    assert response.content.decode() == URL


@pytest.mark.parametrize(
    ("storage", "before", "after"),
    [
        (CdnStorage, "https://cdn.example/", "?a=1&amp;b=2"),
        (RelativeCdnStorage, "http://cdn.example/", ""),
    ],
)
@pytest.mark.parametrize(("language", "tag"), ABSOLUTE)
def test_a_url_that_has_an_origin_keeps_it(page, make_photo, settings, language, tag, storage, before, after):
    stored_in(settings, storage)

    response = page(language, tag, {"photo": make_photo(), "yes": True})

    assert response.content.decode() == f"{before}{RENDITION}{after}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_relative_cdn_url_stays_relative_where_none_is_asked_for(page, make_photo, settings, language):
    stored_in(settings, RelativeCdnStorage)

    response = page(language, TAG, {"photo": make_photo()})

    assert response.content.decode() == f"//cdn.example/{RENDITION}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signed_url_is_escaped_once(page, db, settings, language):
    scan = Scan(image="a.jpg")

    response = page(language, "{% img_url photo.image width=20 absolute=True %}", {"photo": scan})

    assert response.content == b"https://vault.example/a.jpg?expires=1&amp;signature=x"


@pytest.mark.parametrize(("language", "tag"), [*WAYS, *ABSOLUTE])
def test_where_no_storage_gives_a_url_there_is_none(page, photo, settings, log, language, tag):
    """An origin alone would be the URL of the home page."""
    stored_in(settings, PrivateStorage)

    response = page(language, tag, {"photo": photo, "yes": True})

    assert response.content == b""
    assert any("not accessible via a URL" in line for line in log())


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_absolute_url_in_a_cached_fragment_stays_what_it_was(render, photo, language):
    marked: list[str] = []

    def view(request: Any) -> HttpResponse:
        marked.append(render(language, TAG.replace(" %}", " absolute=True %}"), {"photo": photo}, request))
        return HttpResponse("")

    respond(view)

    assert marked[0].startswith("&amp;/~ri?=RI1.")
    assert finalize(marked[0]) == f"http://testserver{URL}"


# Where it is used ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_as_puts_the_url_into_a_variable(page, photo, language):
    template = f"[{TAG.replace(' %}', ' as url %}')}]{{% if url %}}{{{{ url }}}} {{{{ url }}}}{{% endif %}}"

    response = page(language, template, {"photo": photo})

    assert response.content.decode() == f"[]{URL} {URL}"


@pytest.mark.parametrize(("language", "tag"), WAYS)
def test_inside_immediate_the_url_is_there_at_once(render, photo, language, tag):
    texts: list[str] = []

    def view(request: Any) -> HttpResponse:
        with immediate():
            texts.append(render(language, tag, {"photo": photo}, request))
        return HttpResponse(texts[0])

    respond(view)

    assert texts == [URL]


@pytest.mark.parametrize(("language", "tag"), WAYS)
def test_a_batch_costs_one_lookup(render, make_photo, cache_calls, language, tag):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    template = "{% for photo in photos %}" + tag + " {% endfor %}"
    expected = render(language, template, {"photos": photos})
    cache_calls.clear()

    with batch() as images:
        marked = render(language, template, {"photos": photos})
        text = images.finalize(marked)

    assert marked.count("RI1.") == 3
    assert text == expected
    assert cache_calls == {"get_many": 1}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", ["empty.image", "nothing", '""'])
def test_an_empty_source_has_no_url(page, db, cache_calls, language, source):
    template = (
        TAG.replace("photo.image", source).replace(" %}", " absolute=True as url %}")
        + "[{{ url }}]{% if url %}url{% endif %}"
    )

    response = page(language, template, {"empty": Photo(), "nothing": None})

    assert response.content == b"[]"
    assert not cache_calls


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_placeholder_stands_in_for_an_empty_source(page, save_file, settings, db, language):
    settings.RESPONSIVE_IMG_PLACEHOLDER = save_file()

    response = page(language, TAG, {"photo": Photo()})

    assert response.content.decode() == URL


# What is wrong -------------------------------------------------------------------------------------------

SORTED = "absolute, build, fit, focal, format, height, quality, ratio, upscale, width"
CHOICES = "width, height, ratio, fit, focal, upscale, format, quality, build, absolute"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('densities="1 2"', f"'densities' contradicts one URL. Choices: {CHOICES}."),
        ('widths="20 40"', f"'widths' contradicts one URL. Choices: {CHOICES}."),
        ('sizes="50vw"', f"'sizes' contradicts one URL. Choices: {CHOICES}."),
        ('formats="webp"', f"'formats' contradicts one URL. Choices: {CHOICES}."),
        ("widht=20", f"Unknown argument 'widht'. Did you mean 'width'? Choices: {SORTED}."),
        ('id="x"', f"'id' contradicts one URL. Choices: {CHOICES}."),
        ('class="x"', f"'class' contradicts one URL. Choices: {CHOICES}."),
        ("priority=True", f"'priority' contradicts one URL. Choices: {CHOICES}."),
        ("absolute=1", "'absolute' must be True or False, not 1."),
        ('absolute="yes"', "'absolute' must be True or False, not 'yes'."),
        ("width=0", "'width' must be a whole number of px from 1 on, not 0."),
        ("width=20 width=30", "'width' is given twice."),
        ('width=20 fit="cover"', "'fit' needs a box: 'width' and 'height', or 'ratio'."),
        ("width=5000", "'width' comes to 5000 px, over the limit of 4096 px (RESPONSIVE_IMG_MAX_WIDTH)."),
        ('format="gif"', "Unknown format 'gif'. Choices: avif, jpeg, png, webp."),
        ('build="none"', "'build' must be one of: src, srcset, all; not 'none'."),
        ('"crad"', "Unknown preset 'crad'. Did you mean 'card'? Choices: both, card, img, keys, wide."),
        ('"keys"', "Preset 'keys' is a list of presets, for the warmer; a tag takes one."),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_a_syntax_error(render, settings, language, arguments, message):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS

    with pytest.raises(SYNTAX_ERRORS[language]) as caught:
        render(language, f"{{% img_url photo.image {arguments} %}}")

    text = str(getattr(caught.value, "message", None) or caught.value)
    assert text == f"{{% img_url %}}: {message}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("width=wrong", "'width' must be a whole number of px from 1 on, not 'x'"),
        ("width=wide", "'width' comes to 5000 px"),
        ("wrong", "Unknown preset 'x'"),
        ("wide", "A preset is given by its name, not 5000"),
        ("broad", "'width' comes to 5000 px"),
        ("unboxed", "'fit' needs a box"),
    ],
)
@pytest.mark.parametrize("is_debug", [True, False])
def test_what_is_wrong_only_at_run_time(render, photo, settings, log, language, arguments, message, is_debug):
    settings.DEBUG = is_debug
    context = {
        "photo": photo, "wrong": "x", "wide": 5000, "broad": Img(width=5000), "unboxed": Img(fit="cover"),
    }  # fmt: skip
    template = f"{{% img_url photo.image {arguments} %}}"

    if is_debug:
        with pytest.raises(SpecError, match=re.escape(message)):
            render(language, template, context)
    else:
        assert render(language, template, context) == "/media/photos/cat.jpg"
        assert render(language, template, context) == "/media/photos/cat.jpg"
        assert [message in line for line in log()] == [True]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", ["../secret.jpg", 3])
@pytest.mark.parametrize("is_debug", [True, False])
def test_a_source_that_cannot_be_asked_for(render, db, settings, log, language, source, is_debug):
    settings.DEBUG = is_debug
    template = TAG.replace("photo.image", "source")

    if is_debug:
        with pytest.raises(SpecError):
            render(language, template, {"source": source})
    else:
        assert render(language, template, {"source": source}) == ""
        assert len(log()) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("img_url(photo.image, widht=20)", "Unknown argument 'widht'. Did you mean 'width'?"),
        ('img_url(photo.image, alt="")', "'alt' contradicts one URL"),
        ('img_url(photo.image, densities="1")', "'densities' contradicts one URL"),
        ('img_url(photo.image, "crad")', "Unknown preset 'crad'. Did you mean 'card'?"),
        ('img_url(photo.image, width="x")', "'width' must be a whole number of px"),
    ],
)
@pytest.mark.parametrize("is_debug", [True, False])
def test_a_wrong_call_of_the_function(photo, settings, log, call, message, is_debug):
    settings.DEBUG = is_debug
    settings.RESPONSIVE_IMG_PRESETS = PRESETS
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True)
    template = environment.from_string(f"{{{{ {call} }}}}")

    if is_debug:
        with pytest.raises(SpecError, match=re.escape(message)):
            template.render(photo=photo)
    else:
        assert template.render(photo=photo) == "/media/photos/cat.jpg"
        assert [message in line for line in log()] == [True]


def test_a_wrong_call_of_the_function_is_as_absolute_as_a_right_one(page, photo):
    response = page("jinja2", "{{ img_url(photo.image, widht=20, absolute=True) }}", {"photo": photo})

    assert response.content == b"http://testserver/media/photos/cat.jpg"


# Jinja2 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        '{% img_url photo.image, width=20, format="webp" %}',
        '{%- responsive_img_url photo.image,width=20,format="webp",-%}',
        '{% img_url "photos/cat.jpg" "card" %}',
        "{% img_url photo.image card %}",
        "{{ img_url(photo.image, card) }}",
        '{{ img_url("photos/cat.jpg", "card") }}',
        '{% set url = img_url(photo.image, "card") %}{{ url }}',
        '{% img_url photo.image width=10 * 2 format="webp" as url %}{{ url }}',
        '{{ img_url(photo.image, "card", width=none) }}',
    ],
)
def test_every_way_to_write_it_in_jinja_gives_the_same_url(photo, settings, line):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True)

    assert environment.from_string(line).render(photo=photo, card=PRESETS["img"]) == URL


def test_a_project_keeps_a_global_of_its_own():
    environment = Environment(autoescape=True)
    environment.globals["img_url"] = own = Callable

    environment.add_extension(ResponsiveImgExtension)

    assert environment.globals["img_url"] is own
    assert environment.globals["responsive_img_url"] is not own


def test_an_async_environment_has_the_url_too(photo):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True, enable_async=True)
    Template("{% load responsive_img %}" + TAG).render(Context({"photo": photo}))  # builds need a sync call

    html = asyncio.run(environment.from_string(TAG + " " + CALL).render_async(photo=photo))

    assert html == f"{URL} {URL}"


# In an attribute of another picture ----------------------------------------------------------------------

ZOOM = {
    "django": '{% img_url photo.image width=40 format="webp" as zoom %}',
    "jinja2": '{% set zoom = img_url(photo.image, width=40, format="webp") %}',
}
SMALL = '{% img photo.image width=20 format="webp" densities="1" data_zoom=zoom alt="" %}'
PLAIN = SMALL.replace(" data_zoom=zoom", "")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("around", ["{}", "<p title='x'>{}</p>" + PLAIN, PLAIN + "{}" + TAG])
def test_a_url_may_be_an_attribute_of_another_picture(page, render, photo, cache_calls, language, around):
    text = ZOOM[language] + around.replace("{}", SMALL)

    html = page(language, text, {"photo": photo}).content.decode()
    lookups = cache_calls["get_many"]
    with immediate():
        at_once = render(language, text, {"photo": photo})

    assert re.search(r' data-zoom="/media/renditions/photos/cat-40w\.\w{8}\.webp"', html)
    assert "RI1." not in html
    assert html == at_once
    assert lookups == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signed_url_in_an_attribute_of_another_picture_is_escaped_once(
    page, render, make_photo, settings, language
):
    stored_in(settings, CdnStorage)
    photo = make_photo()
    text = ZOOM[language] + SMALL

    html = page(language, text, {"photo": photo}).content.decode()

    assert ".webp?a=1&amp;b=2" in html.partition("data-zoom=")[2]
    assert "amp;amp" not in html
    assert html == render(language, text, {"photo": photo})


def test_a_url_in_an_attribute_of_a_stored_fragment_resolves_in_a_later_response(page, render, photo):
    stored: list[str] = []
    text = ZOOM["django"] + SMALL

    def view(request):
        stored.append(render("django", text, {"photo": photo}, request))
        return HttpResponse(stored[0])

    first = respond(view).content
    later = respond(lambda request: HttpResponse(stored[0])).content

    assert first == later
    assert b'data-zoom="/media/renditions/' in later
