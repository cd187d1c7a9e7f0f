from __future__ import annotations

import copy
import math
import operator
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.core.cache import caches
from django.http import HttpResponse
from django.template import Context, Template
from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.utils.safestring import SafeString
from jinja2 import DictLoader, Environment, TemplateSyntaxError

from responsive_img import batch, immediate
from responsive_img.deferred import DeferredPicture
from responsive_img.exceptions import SpecError
from responsive_img.jinja import ResponsiveImgExtension
from responsive_img.queue import process_queue
from templatetags_tests.conftest import MARKUP, ONE_FILE, RENDITION, respond
from templatetags_tests.models import Photo

LANGUAGES = ("django", "jinja2")
SYNTAX_ERRORS = {"django": DjangoSyntaxError, "jinja2": TemplateSyntaxError}
URL = f"/media/{RENDITION}"
PIC = ONE_FILE.replace(' alt="" %}', ' alt="" as pic %}')
WIDTHS = '{% img photo.image widths="20 40" sizes="50vw" formats="" alt="" as pic %}'
DEFERRED = '{% img photo.image width=20 build="all" alt="" as pic %}'


@pytest.fixture
def in_response() -> Callable[..., Any]:
    """Return a function that gives what a function of the request returns within a response, and its page."""

    def run(body: Callable[[Any], Any]) -> tuple[Any, str]:
        given: list[Any] = []

        def view(request):
            given.append(body(request))
            return HttpResponse(str(given[0]))

        page = respond(view).content.decode()
        return given[0], page

    return run


@pytest.fixture
def in_context(render, photo) -> Callable[..., DeferredPicture]:
    """Return a function that gives the picture of a tag, as a template has it."""

    def made(tag: str = PIC, request: Any = None, **context: Any) -> DeferredPicture:
        scope = Context({"photo": photo, "request": request, **context})
        Template("{% load responsive_img %}" + tag).render(scope)
        pic = scope["pic"]
        assert isinstance(pic, DeferredPicture)
        return pic

    return made


@pytest.fixture
def asked_keys(monkeypatch) -> list[int]:
    """Return how many keys each lookup has asked the cache for."""
    counts: list[int] = []
    backend = type(caches["default"])
    get_many = backend.get_many

    def counted(self, keys, *args, **options):
        counts.append(len(keys))
        return get_many(self, keys, *args, **options)

    monkeypatch.setattr(backend, "get_many", counted)
    return counts


def many(tag: str) -> str:
    return "{% for photo in photos %}" + tag + "{% endfor %}"


# What is printed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("{{ pic.url }}", URL),
        ("{{ pic.srcset }}", ""),
        ("{{ pic.sizes }}", ""),
        ("{{ pic.width }}×{{ pic.height }}", "20×10"),
        ("{{ pic.html }}", MARKUP),
        ("{{ pic }}", MARKUP),
        ("{{ pic.object_position }}", "50% 50%"),
        ("{{ pic.is_built }}", "True"),
        ('<a href="{{ pic.url }}" data-size="{{ pic.width }}x{{ pic.height }}">{{ pic }}</a>',
         f'<a href="{URL}" data-size="20x10">{MARKUP}</a>'),
        ("<style>p{width:{{ pic.width }}px;background:url({{ pic.url }})}</style>",
         f"<style>p{{width:20px;background:url({URL})}}</style>"),
    ],
)  # fmt: skip
def test_each_value_prints_what_the_element_has(page, photo, language, printed, expected):
    response = page(language, PIC + printed, {"photo": photo})

    assert response.content.decode() == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_srcset_and_sizes_are_those_of_the_img(page, photo, language):
    response = page(
        language, WIDTHS + "{{ pic.srcset }}|{{ pic.sizes }}|{{ pic.url }}|{{ pic }}", {"photo": photo}
    )

    srcset, sizes, url, html = response.content.decode().split("|")
    assert re.fullmatch(r"/media/\S+-20w\.\w{8}\.jpg 20w, /media/\S+-40w\.\w{8}\.jpg 40w", srcset)
    assert sizes == "auto, 50vw"
    assert f'<img srcset="{srcset}" sizes="{sizes}" src="{url}" width="40" height="20"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sizes_of_an_eager_picture_have_no_auto(page, photo, language):
    tag = WIDTHS.replace("alt", 'loading="eager" alt')

    response = page(language, tag + "{{ pic.sizes }}", {"photo": photo})

    assert response.content == b"50vw"


@pytest.mark.parametrize("language", LANGUAGES)
def test_sizes_with_a_comparison_are_escaped_once(page, photo, language):
    tag = WIDTHS.replace("50vw", "(width < 600px) 100vw, 50vw")

    response = page(language, tag + '<img sizes="{{ pic.sizes }}">', {"photo": photo})

    assert response.content == b'<img sizes="auto, (width &lt; 600px) 100vw, 50vw">'


@pytest.mark.parametrize(("focal", "position"), [("30% 70%", "30% 70%"), ("0.29 0.125", "29% 12.5%")])
def test_object_position_is_the_focal_point(in_context, focal, position):
    pic = in_context(f'{{% img photo.image width=20 ratio="1/1" focal="{focal}" alt="" as pic %}}')

    assert pic.object_position == position


def test_object_position_knows_the_focal_point_of_a_preset(page, photo, settings):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20, "ratio": "1/1", "focal": "10% 20%"}}

    response = page(
        "django", '{% img photo.image "card" alt="" as pic %}{{ pic.object_position }}', {"photo": photo}
    )

    assert response.content == b"10% 20%"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tag", ["img", "responsive_img"])
def test_the_element_of_a_value_has_all_that_the_plain_tag_has(page, photo, language, tag):
    arguments = "photo.image width=20 alt=text class=text picture_class=text priority=True"
    context = {"photo": photo, "text": "<i class=\"a\">'&amp;'"}

    plain = page(language, f"{{% {tag} {arguments} %}}", context)
    pic = page(language, f"{{% {tag} {arguments} as pic %}}{{{{ pic }}}}{{{{ pic.html }}}}", context)

    assert pic.content == plain.content * 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_on", [True, False])
def test_autoescape_applies_to_values_as_to_any_and_never_to_the_element(
    page, photo, settings, language, is_on
):
    settings.MEDIA_URL = "/media/?a=1&b="
    block = (
        "{% autoescape "
        + {"django": "on" if is_on else "off", "jinja2": str(is_on).lower()}[language]
        + " %}"
    )

    response = page(
        language, PIC + block + "{{ pic.url }} {{ pic.width }} {{ pic }}{% endautoescape %}", {"photo": photo}
    )

    escaped = f"/media/?a=1&amp;b={RENDITION}"
    url = escaped if is_on else escaped.replace("&amp;", "&")
    assert response.content.decode() == f"{url} 20 " + MARKUP.replace(URL, escaped)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("length", ["{{ pic.width }}", "{{ pic.height }}"])
def test_a_length_is_not_localised(page, make_photo, settings, language, length):
    settings.USE_THOUSAND_SEPARATOR = True
    settings.LANGUAGE_CODE = "en"
    tag = '{% img photo.image height=1600 format="webp" densities="1" alt="" as pic %}'

    response = page(language, tag + length, {"photo": make_photo(size=(1600, 1600))})

    assert response.content == b"1600"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_is_the_same_without_the_middleware(render, photo, language):
    printed = PIC + "{{ pic.url }} {{ pic.width }} {{ pic }}"

    assert render(language, printed, {"photo": photo}) == f"{URL} 20 {MARKUP}"


def test_the_element_is_safe_text(in_context):
    pic = in_context()

    assert str(pic) == pic.html == pic.__html__() == MARKUP
    assert all(isinstance(text, SafeString) for text in (pic.html, pic.__html__()))


def test_a_picture_in_the_making_leaves_markers(in_context, in_response):
    pic, _ = in_response(lambda request: in_context(request=request))
    shown, text = in_response(lambda request: in_context(request=request).url)

    assert shown.startswith("&/~ri?=RI1.")
    assert text == URL
    assert pic.url == URL  # its response has ended: at once


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_in_a_cached_fragment_resolves_in_a_later_request(page, photo, cache_calls, language):
    fragment = "{{ pic.url }} {{ pic.width }} {{ pic }}"
    text = page(language, PIC + fragment, {"photo": photo}).content.decode()
    stored: list[str] = []

    def view(request):
        body = "{% load cache responsive_img %}{% cache 60 pic %}" + PIC + fragment + "{% endcache %}"
        scope = Context({"photo": photo if not stored else None, "request": request})
        stored.append(Template(body).render(scope))
        return HttpResponse(stored[-1])

    pages = [respond(view).content.decode() for _ in range(2)]

    assert pages == [text, text]
    assert stored[0] == stored[1]
    assert stored[0].count("RI1.") == 3


# What it costs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "printed",
    [
        "{{ pic.url }}",
        "{{ pic.url }}{{ pic.srcset }}{{ pic.sizes }}{{ pic.width }}{{ pic.height }}{{ pic.html }}{{ pic }}",
        "{% if pic %}{{ pic.url }}{% endif %}",
        "{% if pic.url %}{{ pic.width }}{% endif %}",
        "{{ pic.object_position }}{{ pic.url }}",
    ],
)
def test_the_values_of_any_number_of_pictures_cost_one_lookup(
    page, make_photo, cache_calls, storage_calls, our_queries, language, printed
):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(5)]
    template = many(DEFERRED + printed)
    built = page(language, template, {"photos": photos}).content
    cache_calls.clear()
    storage_calls.clear()

    with our_queries() as queries:
        response = page(language, template, {"photos": photos})

    assert cache_calls == {"get_many": 1}
    assert not storage_calls
    assert queries == []
    assert response.content == built
    assert response.responsive_img_pending == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "test", ["pic", "pic.url", "pic.html", "pic.srcset", "not pic", "pic.width", "pic and pic.height"]
)
def test_asking_whether_there_is_something_looks_nothing_up(
    in_response, render, photo, cache_calls, language, test
):
    template = PIC + "{% if " + test + " %}yes{% else %}no{% endif %}"

    text, _ = in_response(lambda request: render(language, template, {"photo": photo}, request))

    assert text == ("no" if test == "not pic" else "yes")
    assert not cache_calls


def test_object_position_looks_nothing_up(in_response, in_context, cache_calls):
    position, _ = in_response(lambda request: in_context(request=request).object_position)

    assert position == "50% 50%"
    assert not cache_calls


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "asks", ["pic.width > 10", "pic.height == 10", "pic.is_built", "pic.width < pic.height * 3"]
)
def test_an_answer_costs_one_lookup_of_all_pictures_so_far_and_the_end_none(
    page, make_photo, cache_calls, language, asks
):
    if language == "django":
        asks = asks.replace(" * 3", "")
    photos = [make_photo(f"photos/{number}.jpg") for number in range(5)]
    template = many(DEFERRED + "{{ pic.url }} ") + "{% for photo in photos|slice:':1' %}" + DEFERRED
    if language == "jinja2":
        template = template.replace("photos|slice:':1'", "photos[:1]")
    template += (
        "{% if "
        + asks
        + " %}yes{% else %}no{% endif %}{% if pic.is_built %}{{ pic.width }}{% endif %}{% endfor %}"
    )
    page(language, template, {"photos": photos})
    cache_calls.clear()

    response = page(language, template, {"photos": photos})

    assert cache_calls == {"get_many": 1}
    assert response.content.count(b"/renditions/") == 5
    assert response.content.endswith(b"yes20" if "<" not in asks or language == "jinja2" else b"no20")


def test_what_comes_after_an_answer_is_looked_up_at_the_end(page, make_photo, asked_keys):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(4)]
    template = (
        "{% for photo in photos %}" + DEFERRED + "{{ pic.url }} "
        "{% if forloop.counter == 2 and pic.width > 10 %}wide{% endif %}{% endfor %}"
    )
    page("django", template, {"photos": photos})
    asked_keys.clear()

    response = page("django", template, {"photos": photos})

    assert asked_keys == [2, 2]
    assert response.content.count(b"/renditions/") == 4
    assert response.content.count(b"wide") == 1


def test_without_the_middleware_the_values_of_one_picture_cost_one_lookup(render, photo, cache_calls):
    template = PIC + "{{ pic.url }}{{ pic.srcset }}{{ pic.width }}{% if pic.is_built %}{{ pic }}{% endif %}"
    render("django", template, {"photo": photo})
    cache_calls.clear()

    render("django", template, {"photo": photo})

    assert cache_calls == {"get_many": 1}


def test_inside_immediate_pictures_are_looked_up_one_by_one_each_once(render, photo, cache_calls):
    render("django", PIC + "{{ pic.url }}", {"photo": photo})
    cache_calls.clear()

    with immediate():
        first = render("django", PIC + "{{ pic.url }}{{ pic.width }}{{ pic.url }}", {"photo": photo})
        second = render(
            "django", PIC + "{{ pic.width }}{% if pic.width > 10 %}!{% endif %}", {"photo": photo}
        )

    assert (first, second) == (f"{URL}20{URL}", "20!")
    assert cache_calls == {"get_many": 2}


def test_a_batch_costs_one_lookup(render, make_photo, cache_calls):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    template = many(DEFERRED + "{{ pic.url }} {{ pic.width }} {{ pic }}")
    render("django", template, {"photos": photos})
    cache_calls.clear()

    with batch() as images:
        html = images.finalize(render("django", template, {"photos": photos}))

    assert cache_calls == {"get_many": 1}
    assert "RI1." not in html
    assert html.count("<picture>") == 3


@pytest.mark.parametrize("test", ["pic.url", "pic.html", "pic.srcset"])
def test_a_value_that_is_asked_for_but_not_printed_is_not_left_in_a_batch(render, photo, settings, test):
    """`{% if pic.url %}` is no text that somebody forgot to finalize."""
    settings.DEBUG = True
    template = PIC + "{% if " + test + " %}{{ pic.url }}{% endif %}"

    with batch() as images:
        html = images.finalize(render("django", template, {"photo": photo}))

    assert html == URL


def test_a_url_in_a_variable_that_is_not_printed_is_not_left_in_a_batch(render, photo, settings):
    settings.DEBUG = True

    with batch() as images:
        html = images.finalize(
            render("django", "{% img_url photo.image width=20 as url %}-", {"photo": photo})
        )

    assert html == "-"


# Lengths -------------------------------------------------------------------------------------------------

COMPUTED: list[tuple[str, Callable[[Any, Any], Any]]] = [
    ("==", operator.eq), ("!=", operator.ne), ("<", operator.lt), ("<=", operator.le), (">", operator.gt),
    (">=", operator.ge), ("+", operator.add), ("-", operator.sub), ("*", operator.mul), ("/", operator.truediv),
    ("//", operator.floordiv), ("%", operator.mod), ("**", operator.pow), ("divmod", divmod),
]  # fmt: skip


@pytest.mark.parametrize("other", [20, 10, 7.5, -3, True])
@pytest.mark.parametrize(("sign", "compute"), COMPUTED, ids=[row[0] for row in COMPUTED])
def test_a_length_computes_as_its_number(in_context, sign, compute, other):
    width = in_context().width

    assert compute(width, other) == compute(20, other)
    assert compute(other, width) == compute(other, 20)
    assert type(compute(width, other)) is type(compute(20, other))


@pytest.mark.parametrize(("sign", "compute"), COMPUTED, ids=[row[0] for row in COMPUTED])
def test_two_lengths_compute_as_their_numbers(in_context, sign, compute):
    pic = in_context()

    assert compute(pic.width, pic.height) == compute(20, 10)
    assert compute(pic.height, pic.width) == compute(10, 20)


@pytest.mark.parametrize("other", [Decimal("1.5"), Fraction(3, 2)])
@pytest.mark.parametrize("sign", ["+", "*", "<", "=="])
def test_a_length_computes_with_every_number(in_context, sign, other):
    compute = dict(COMPUTED)[sign]
    width = in_context().width

    assert compute(width, other) == compute(20, other)
    assert compute(other, width) == compute(other, 20)


STANDS_FOR: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "int": (int, 20),
    "float": (float, 20.0),
    "index": (operator.index, 20),
    "hash": (hash, hash(20)),
    "bool": (bool, True),
    "negative": (operator.neg, -20),
    "positive": (operator.pos, 20),
    "abs": (abs, 20),
    "round": (round, 20),
    "round to hundreds": (lambda width: round(width, -2), 0),
    "round to tenths": (lambda width: round(width, 1), 20),
    "floor": (math.floor, 20),
    "ceil": (math.ceil, 20),
    "sqrt": (math.sqrt, math.sqrt(20)),
    "place in a list": (lambda width: list(range(30))[width], 20),
    "key": (lambda width: {20: "a"}[width], "a"),
    "sum": (lambda width: sum([width, width]), 40),
    "max": (lambda width: max(width, 30), 30),
    "sorted": (lambda width: sorted([width, 5])[0], 5),
    "aligned": (lambda width: f"{width:>4}", "  20"),
    "whole": (lambda width: f"{width:d}", "20"),
    "with a decimal": (lambda width: f"{width:.1f}", "20.0"),
    "plain": (lambda width: f"{width}", "20"),
    "percent d": (lambda width: "%d" % width, "20"),  # noqa: UP031 - as templates have it
}


@pytest.mark.parametrize("name", STANDS_FOR)
def test_a_length_stands_for_its_number(in_context, name):
    compute, expected = STANDS_FOR[name]

    assert compute(in_context().width) == expected


@pytest.mark.parametrize("other", ["20", None, [20], object()])
def test_a_length_is_like_no_other_thing(in_context, other):
    width = in_context().width

    assert (width == other) is False
    assert (width != other) is True
    for compute in (operator.lt, operator.add, operator.truediv):
        with pytest.raises(TypeError):
            compute(width, other)


@pytest.mark.parametrize(
    ("language", "expression", "expected"),
    [
        ("django", "pic.width|add:2", "22"),
        ("django", "pic.width|default:5", "20"),
        ("django", "pic.width|default_if_none:5", "20"),
        ("django", "pic.width|divisibleby:5", "True"),
        ("django", 'pic.width|stringformat:"d"', "20"),
        ("django", 'pic.width|stringformat:"s"', "20"),
        ("django", "pic.width|floatformat:1", "20.0"),
        ("django", "pic.width|yesno", "yes"),
        ("django", "pic.width|force_escape", "20"),
        ("django", "pic.width|unlocalize", "20"),
        ("jinja2", "pic.width|int", "20"),
        ("jinja2", "pic.width|int + 2", "22"),
        ("jinja2", "pic.width|float", "20.0"),
        ("jinja2", "pic.width|default(5)", "20"),
        ("jinja2", "pic.width|round", "20"),
        ("jinja2", "pic.width|abs", "20"),
        ("jinja2", "pic.width|string", "20"),
        ("jinja2", 'pic.width ~ "px"', "20px"),
        ("jinja2", '"%d px"|format(pic.width)', "20 px"),
        ("jinja2", '"%s px"|format(pic.width)', "20 px"),
        ("jinja2", "[pic.width, pic.height]|max", "20"),
        ("jinja2", "[pic.width, pic.height]|sum", "30"),
        ("jinja2", "pic.width * 2 - pic.height / 2", "35.0"),
        ("jinja2", "pic.width ** 2", "400"),
        ("jinja2", "20 in [pic.width]", "True"),
    ],
)
def test_a_length_goes_through_the_filters_of_templates(
    page, photo, settings, language, expression, expected
):
    load = "{% load l10n %}" if language == "django" else ""

    response = page(language, f"{load}{PIC}{{{{ {expression} }}}}", {"photo": photo})

    assert response.content.decode() == expected


@pytest.mark.parametrize(
    ("language", "expression", "expected"),
    [
        ("django", "pic.url|urlencode", URL),
        ("django", 'pic.url|urlencode:""', URL.replace("/", "%2F")),
        ("django", "pic.url|iriencode", URL),
        ("django", "pic.url|escapejs", URL.replace("-", "\\u002D")),
        ("django", "pic.url|force_escape", URL),
        ("django", 'pic.url|default:"x"', URL),
        ("jinja2", "pic.url|urlencode", URL),
        ("jinja2", "pic.url|tojson", f'"{URL}"'),
        ("jinja2", "pic.url|e", URL),
        ("jinja2", '"url(" ~ pic.url ~ ")"', f"url({URL})"),
    ],
)
def test_a_url_goes_through_the_filters_of_templates(page, photo, language, expression, expected):
    response = page(language, f"{PIC}{{{{ {expression} }}}}", {"photo": photo})

    assert response.content.decode() == expected


def test_widthratio_takes_a_length(page, photo):
    response = page("django", PIC + "{% widthratio pic.height pic.width 100 %}", {"photo": photo})

    assert response.content == b"50"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_length_that_is_not_known_prints_nothing_and_counts_0(page, db, settings, language):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    tag = PIC.replace("photo.image", '"photos/gone.jpg"')

    response = page(
        language,
        tag + "[{{ pic.width }}{{ pic.height }}]{% if pic.width == 0 and pic.height < 1 %}0{% endif %}"
        "{% if pic %}pic{% endif %}{% if pic.is_built %}built{% endif %}[{{ pic.url }}]",
    )

    assert response.content == b"[]0pic[/media/photos/gone.jpg]"
    assert response.responsive_img_pending == 1


def test_a_picture_that_waits_for_its_build_shows_the_source_in_its_size(page, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    template = PIC + "{{ pic.url }} {{ pic.width }} {{ pic.srcset }} {{ pic.is_built }}"

    waiting = page("django", template, {"photo": photo})
    process_queue()
    built = page("django", template, {"photo": photo})

    assert waiting.content == b"/media/photos/cat.jpg 20  False"
    assert waiting.responsive_img_pending == 1
    assert built.content.decode() == f"{URL} 20  True"


# Nothing to show -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", ["empty.image", "nothing", '""'])
def test_a_picture_without_a_source_is_false_and_prints_nothing(page, db, cache_calls, language, source):
    template = (
        PIC.replace("photo.image", source)
        + "[{{ pic }}{{ pic.html }}{{ pic.url }}{{ pic.srcset }}{{ pic.sizes }}{{ pic.width }}{{ pic.height }}"
        "{{ pic.object_position }}]{{ pic.is_built }}{% if pic %}pic{% endif %}{% if pic.url %}url{% endif %}"
        "{% if pic.width %}width{% endif %}"
    )

    response = page(language, template, {"empty": Photo(), "nothing": None})

    assert response.content == b"[]False"
    assert not cache_calls


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_placeholder_stands_in_for_an_empty_source(page, save_file, settings, db, language):
    settings.RESPONSIVE_IMG_PLACEHOLDER = save_file()

    response = page(language, PIC + "{% if pic %}{{ pic.url }} {{ pic }}{% endif %}", {"photo": Photo()})

    assert response.content.decode() == f"{URL} {MARKUP}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", ["../secret.jpg", "/etc/passwd", 3])
def test_a_source_that_cannot_be_asked_for_is_as_with_the_plain_tag(page, db, log, language, source):
    tag = PIC.replace("photo.image", "source").replace('alt=""', 'alt="A cat"')

    plain = page(language, tag.replace(" as pic", ""), {"source": source})
    response = page(
        language,
        tag + "{{ pic }}|{{ pic.html }}|{{ pic.url }}{{ pic.srcset }}{{ pic.width }}{{ pic.object_position }}"
        "{{ pic.is_built }}{% if pic %}pic{% endif %}",
        {"source": source},
    )

    html = '<img alt="A cat" loading="lazy" decoding="async">'
    assert plain.content.decode() == html
    assert response.content.decode() == f"{html}|{html}|False"
    assert len(log()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_source_that_cannot_be_asked_for_raises_under_debug(render, db, settings, language):
    settings.DEBUG = True

    with pytest.raises(SpecError, match=r"Not the name of a file in a storage: '\.\./secret\.jpg'"):
        render(language, PIC.replace("photo.image", '"../secret.jpg"'))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_asked_for_shows_the_source(page, photo, log, language):
    response = page(
        language, PIC.replace("20", "wide") + "{{ pic.url }} {{ pic.width }}", {"photo": photo, "wide": 5000}
    )

    assert response.content == b"/media/photos/cat.jpg 80"
    assert len(log()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_asked_for_raises_under_debug(render, photo, settings, language):
    settings.DEBUG = True

    with pytest.raises(SpecError, match="'width' comes to 5000 px"):
        render(language, PIC.replace("20", "wide"), {"photo": photo, "wide": 5000})


def test_a_picture_whose_marker_would_be_too_long_resolves_at_once(in_context, in_response):
    text, page = in_response(
        lambda request: in_context(PIC.replace('alt=""', "alt=text"), request=request, text="a" * 4000).url
    )

    assert text == page == URL


# Elsewhere -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", [PIC, PIC.replace("photo.image", "missing")])
@pytest.mark.parametrize(
    "copied",
    [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy],  # noqa: S301 - our own
)
def test_a_copy_is_the_same_picture(in_context, tag, copied):
    pic = in_context(tag)

    other = copied(pic)

    assert isinstance(other, DeferredPicture)
    assert (other.html, other.url, bool(other)) == (pic.html, pic.url, bool(pic))
    assert str(copied(pic.width)) == str(pic.width)


@pytest.mark.parametrize("has_response", [True, False])
def test_values_may_be_asked_for_in_many_threads_while_more_is_collected(
    in_context, in_response, has_response
):
    in_context().html  # noqa: B018 - it is built, so that no thread needs the database

    def asked(request: Any) -> list[tuple[int, bool, str]]:
        pics = [in_context(request=request if has_response else None) for _ in range(8)]

        def values(pic: DeferredPicture) -> list[tuple[int, bool, str]]:
            return [(int(pic.width), pic.is_built, f"{pic.height}×{pic.url}×{pic}") for _ in range(20)]

        with ThreadPoolExecutor(8) as threads:
            return [each for found in threads.map(values, pics) for each in found]

    given, page = in_response(asked)

    assert {found[:2] for found in given} == {(20, True)}
    assert page.count(f"10×{URL}×{MARKUP}") == len(given) == 160


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_length_of_one_picture_is_taken_by_another_one(page, photo, language):
    tag = '{% img photo.image width=pic.width height=pic.height format="webp" densities="1" alt="" %}'

    html = page(language, PIC + tag, {"photo": photo}).content.decode()

    assert re.fullmatch(r'<img src="/media/\S+cat-20w\.\w{8}\.webp" width="20" height="10" .*>', html)


def test_a_copy_of_what_a_response_collects_resolves_at_once(in_context, in_response):
    pickled, _ = in_response(lambda request: pickle.dumps(in_context(request=request)))

    assert pickle.loads(pickled).url == URL  # noqa: S301 - our own


def test_a_copy_whose_preset_is_gone_shows_the_source(in_context, settings):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20}}
    pickled = pickle.dumps(in_context('{% img photo.image "card" alt="" as pic %}'))
    settings.RESPONSIVE_IMG_PRESETS = {}

    assert pickle.loads(pickled).url == "/media/photos/cat.jpg"  # noqa: S301 - our own


# The variable --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # As with {% set %}: a loop and a block keep what they set to themselves, an if does not.
        ("{% for _ in [1] %}" + PIC + "{{ pic.width }}{% endfor %}{{ pic is defined }}", "20False"),
        ("{% if true %}" + PIC + "{% endif %}{{ pic.width }}", "20"),
        ("{% set pic = 1 %}{% for _ in [1] %}" + PIC + "{% endfor %}{{ pic }}", "1"),
        ("{% set pic = 1 %}" + PIC + "{{ pic.width }}", "20"),
        (
            "{% macro show(photo) %}"
            + PIC
            + "{{ pic.width }}{% endmacro %}{{ show(photo) }}{{ pic is defined }}",
            "20False",
        ),
        ("{% block a %}" + PIC + "{{ pic.width }}{% endblock %}{{ pic is defined }}", "20False"),
        ("{% with %}" + PIC + "{{ pic.width }}{% endwith %}{{ pic is defined }}", "20False"),
        (PIC.replace(" as ", ", as ") + "{{ pic.width }}", "20"),
        ("{% set x %}" + PIC + "{{ pic.width }}{% endset %}{{ x }}", "20"),
    ],
)
def test_in_jinja_the_variable_lives_where_set_would_put_it(photo, template, expected):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True)

    assert environment.from_string(template).render(photo=photo) == expected


def test_in_jinja_a_template_exports_the_variable(photo):
    environment = Environment(
        extensions=[ResponsiveImgExtension],
        autoescape=True,
        loader=DictLoader({"pics.html": PIC.replace("photo.image", '"photos/cat.jpg"')}),
    )

    html = environment.from_string("{% from 'pics.html' import pic %}{{ pic.width }}").render()

    assert html == "20"


def test_in_an_async_environment_the_variable_is_the_same(photo):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True, enable_async=True)
    Template("{% load responsive_img %}" + ONE_FILE).render(
        Context({"photo": photo})
    )  # builds need a sync call

    html = environment.from_string(PIC + "{{ pic.url }} {{ pic.width + 1 }}").render(photo=photo)

    assert html == f"{URL} 21"


def test_a_compiled_jinja_template_is_the_same(photo):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True)

    code = environment.compile(PIC + "{{ pic.url }}", raw=True)
    made = environment.template_class.from_code(
        environment, compile(code, "x", "exec"), environment.make_globals(None)
    )

    assert made.render(photo=photo) == URL


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("as a b", "nothing may follow 'as' and the name of a variable."),
        ("as pic width=3", "nothing may follow 'as' and the name of a variable."),
        ("as ns.pic", "nothing may follow 'as' and the name of a variable."),
    ],
)
def test_in_jinja_nothing_follows_the_name(tag, message):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True)

    with pytest.raises(TemplateSyntaxError) as caught:
        environment.from_string(PIC.replace("as pic", tag))

    assert caught.value.message == f"{{% img %}}: {message}"


@pytest.mark.parametrize("tag", ["as %}", "pic as %}", "as pic b %}"])
def test_in_django_as_needs_one_name_at_the_end(tag):
    with pytest.raises(
        DjangoSyntaxError,
        match=r"^\{% img %\}: a positional argument must stand before the keyword arguments\.$",
    ):
        Template("{% load responsive_img %}" + PIC.replace("as pic %}", tag))


def test_in_django_the_variable_lives_as_long_as_its_block(page, photo):
    template = "{% for _ in 'a' %}" + PIC + "{{ pic.width }}{% endfor %}[{{ pic }}]"

    response = page("django", template, {"photo": photo})

    assert response.content == b"20[]"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tag_itself_prints_nothing(page, photo, cache_calls, language):
    response = page(language, f"[{PIC}]", {"photo": photo})

    assert response.content == b"[]"
    assert not cache_calls


@pytest.mark.parametrize("language", LANGUAGES)
def test_alt_is_required_as_for_the_plain_tag(render, language):
    with pytest.raises(SYNTAX_ERRORS[language], match="'alt' is required"):
        render(language, PIC.replace(' alt=""', ""))
