"""Which renders leave markers: those of the very request whose response is in the making, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import django
import jinja2
import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.template import Context, Library
from django.template.backends.django import DjangoTemplates
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.urls import path
from django.utils.safestring import SafeString
from jinja2 import DictLoader, Environment, pass_context
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment

from responsive_img import renders
from responsive_img.jinja import ResponsiveImgExtension
from responsive_img.middleware import ResponsiveImgMiddleware
from responsive_img.testing import assert_image_lookups
from templatetags_tests.conftest import MARKUP, ONE_FILE, respond

START = '<img data-ri="RI1.'
LANGUAGES = ("django", "jinja2")


class Wrapper:
    """A request as Django REST framework has it: another object, whose attributes are those of the real one."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


def itself(request: HttpRequest) -> Any:
    return request


def wrapped_twice(request: HttpRequest) -> Any:
    return Wrapper(Wrapper(request))  # type: ignore[arg-type]  # it has all that a request has


REQUESTS = pytest.mark.parametrize("wrapped", [itself, Wrapper, wrapped_twice])


def is_deferred(text: str) -> bool:
    """Tell whether a text is made of markers alone, or of markup alone."""
    count = text.count("<img")
    assert count
    assert text in {MARKUP * count} or text.count(START) == count
    return text.startswith(START)


@pytest.fixture
def body_of(photo, page):
    """Return a function that gives what a view renders, and what is made of it, in so many lookups."""
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP  # it is built from now on

    def made(view: Callable[[HttpRequest], str], lookups: int = 1) -> tuple[str, str]:
        texts: list[str] = []

        def noted(request: HttpRequest) -> HttpResponse:
            texts.append(view(request))
            return HttpResponse(texts[0])

        with assert_image_lookups(lookups):
            body = respond(noted).content.decode()
        return texts[0], body

    return made


# Django templates --------------------------------------------------------------------------------------

register = Library()


@register.inclusion_tag("card.html")
def card(photo: Any) -> dict[str, Any]:
    return {"photo": photo}


@register.inclusion_tag("card.html", takes_context=True)
def card_in_context(context: Context) -> dict[str, Any]:
    return {"photo": context["photo"]}


@register.simple_tag(takes_context=True)
def card_of_flat_context(context: Context) -> SafeString:
    values: Any = context.flatten()
    template: Any = context.template
    text: SafeString = template.engine.get_template("card.html").render(Context(values))
    return text


@register.simple_tag(takes_context=True)
def mail(context: Context) -> SafeString:
    template: Any = context.template
    text: SafeString = template.engine.get_template("card.html").render(Context({"photo": context["photo"]}))
    return text


CARD = ONE_FILE
DJANGO_FILES = {
    "card.html": CARD,
    "list.html": '{% include "card.html" only %}{% include "card.html" with photo=photo only %}',
    "base.html": "{% block body %}{% endblock %}",
}
DJANGO_WAYS = {
    "tag": CARD,
    "include": '{% include "card.html" %}',
    "include only": '{% include "card.html" with photo=photo only %}',
    "nested include only": '{% include "list.html" with photo=photo only %}',
    "inclusion tag": "{% load cards %}{% card photo %}",
    "inclusion tag in context": "{% load cards %}{% card_in_context %}",
    "flattened context": "{% load cards %}{% card_of_flat_context %}",
    "extends": '{% extends "base.html" %}{% block body %}' + CARD + "{% endblock %}",
    "with": "{% for one in 'ab' %}{% with other=photo %}" + CARD + "{% endwith %}{% endfor %}",
    "as": CARD.replace(" %}", " as pic %}") + "{{ pic }}",
}
# What has no RequestContext knows the request by its name alone.
BY_NAME = {"flattened context"}


@pytest.fixture
def templates() -> Callable[..., Any]:
    """Return a function that gives a template of an engine of its own, by its text."""

    def made(text: str, processors: tuple[str, ...] = ("request",)) -> Any:
        return DjangoTemplates(
            {
                "NAME": "of these tests",
                "DIRS": [],
                "APP_DIRS": False,
                "OPTIONS": {
                    "loaders": [("django.template.loaders.locmem.Loader", DJANGO_FILES)],
                    "libraries": {"cards": __name__},
                    "builtins": ["responsive_img.templatetags.responsive_img"],
                    "context_processors": [
                        f"django.template.context_processors.{name}" for name in processors
                    ],
                },
            }
        ).from_string(text)

    return made


@pytest.mark.parametrize("way", DJANGO_WAYS)
@REQUESTS
def test_every_part_of_a_django_template_defers(templates, body_of, photo, way, wrapped):
    template = templates(DJANGO_WAYS[way])

    text, body = body_of(lambda request: template.render({"photo": photo}, wrapped(request)))

    assert is_deferred(text)
    assert body == MARKUP * text.count("<img")


@pytest.mark.parametrize("way", DJANGO_WAYS)
def test_without_the_context_processor_too_where_the_context_has_a_request(templates, body_of, photo, way):
    template = templates(DJANGO_WAYS[way], ())

    text, body = body_of(lambda request: template.render({"photo": photo}, request))

    assert is_deferred(text) is (way not in BY_NAME)
    assert body == MARKUP * text.count("<img")


@pytest.mark.parametrize("way", DJANGO_WAYS)
def test_a_context_that_was_given_the_request_by_name_defers(templates, body_of, photo, way):
    template = templates(DJANGO_WAYS[way])
    # A plain context gives only what it is told to what it includes.
    loses_it = {"include only", "nested include only", "inclusion tag", "inclusion tag in context"}

    text, body = body_of(lambda request: template.render({"photo": photo, "request": request}))

    assert is_deferred(text) is (way not in loses_it)
    assert body == MARKUP * text.count("<img")


@pytest.mark.parametrize("way", DJANGO_WAYS)
def test_a_django_template_without_request_resolves_at_once(templates, body_of, photo, way):
    template = templates(DJANGO_WAYS[way])
    count = 2 if way == "with" else 1

    text, body = body_of(lambda request: template.render({"photo": photo}), lookups=count)

    assert text == body == MARKUP * count


def test_a_mail_that_a_tag_renders_without_request_resolves_at_once(templates, body_of, photo):
    template = templates("{% load cards %}" + CARD + "{% mail as text %}[{{ text }}]" + CARD)

    text, body = body_of(lambda request: template.render({"photo": photo}, request), lookups=2)

    assert f"[{MARKUP}]" in text
    assert text.count(START) == 2
    assert body == f"{MARKUP}[{MARKUP}]{MARKUP}"


@pytest.mark.skipif(django.VERSION < (6,), reason="Django has partials from 6.0 on")
def test_a_partial_defers(templates, body_of, photo):  # pragma: no cover - as of Django 6.0
    template = templates("{% partialdef card %}" + CARD + "{% endpartialdef %}{% partial card %}")

    text, body = body_of(lambda request: template.render({"photo": photo}, request))

    assert is_deferred(text)
    assert body == MARKUP


# Whose request -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("other", [RequestFactory().get("/"), Wrapper(RequestFactory().get("/")), "x", 0])
def test_a_request_that_no_middleware_serves_resolves_at_once(render, body_of, photo, language, other):
    text, body = body_of(lambda request: render(language, ONE_FILE, {"photo": photo, "request": other}))

    assert text == body == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
@REQUESTS
def test_a_request_whose_response_is_done_resolves_at_once(render, body_of, photo, language, wrapped):
    requests: list[HttpRequest] = []

    def view(request: HttpRequest) -> str:
        requests.append(request)
        return str(render(language, ONE_FILE, {"photo": photo}, wrapped(request)))

    text, body = body_of(view)

    assert is_deferred(text)
    assert body == MARKUP
    assert render(language, ONE_FILE, {"photo": photo}, wrapped(requests[0])) == MARKUP


@pytest.mark.parametrize("language", LANGUAGES)
@REQUESTS
def test_the_request_of_another_response_in_the_making_resolves_at_once(
    render, body_of, photo, language, wrapped
):
    inner_texts: list[str] = []

    def outer(request: HttpRequest) -> str:
        def inner(inner_request: HttpRequest) -> HttpResponse:
            inner_texts.extend(
                render(language, ONE_FILE, {"photo": photo}, each)
                for each in (wrapped(request), inner_request)
            )
            return HttpResponse("".join(inner_texts))

        before = render(language, ONE_FILE, {"photo": photo}, wrapped(request))
        within = respond(inner).content.decode()
        after = render(language, ONE_FILE, {"photo": photo}, wrapped(request))
        return f"{before}{within}{after}"

    text, body = body_of(outer, lookups=3)

    assert [is_deferred(each) for each in inner_texts] == [False, True]
    assert text.count(START) == text.count(MARKUP) == 2
    assert body == MARKUP * 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_request_that_a_view_makes_through_the_test_client_is_one_of_its_own(
    render, body_of, photo, settings, language
):
    def inner(request: HttpRequest) -> HttpResponse:
        return HttpResponse(render(language, ONE_FILE, {"photo": photo}, request))

    def outer(request: HttpRequest) -> str:
        before = render(language, ONE_FILE, {"photo": photo}, request)
        response: Any = Client().get("/")
        assert response.content.decode() == MARKUP
        return f"{before}{response.content.decode()}{render(language, ONE_FILE, {'photo': photo}, request)}"

    settings.ROOT_URLCONF = (path("", inner),)
    text, body = body_of(outer, lookups=2)

    assert text.count(START) == 2
    assert body == MARKUP * 3


# Jinja2 templates --------------------------------------------------------------------------------------


class NotedTemplate(jinja2.Template):
    """A project's own class of templates."""

    renders = 0

    def render(self, *args: Any, **kwargs: Any) -> str:
        type(self).renders += 1
        return super().render(*args, **kwargs)


class OwnEnvironment(Environment):
    template_class = NotedTemplate


def plain(**options: Any) -> Environment:
    return Environment(extensions=[ResponsiveImgExtension], autoescape=True, **options)


def own(**options: Any) -> Environment:
    return OwnEnvironment(extensions=[ResponsiveImgExtension], autoescape=True, **options)


def added(**options: Any) -> Environment:
    environment = Environment(autoescape=True, **options)
    environment.add_extension(ResponsiveImgExtension)
    environment.add_extension(ResponsiveImgExtension)
    return environment


def overlaid(**options: Any) -> Environment:
    return plain(**options).overlay(trim_blocks=True)


def overlay(**options: Any) -> Environment:
    return Environment(autoescape=True, **options).overlay(extensions=[ResponsiveImgExtension])


def native(**options: Any) -> Environment:
    return NativeEnvironment(extensions=[ResponsiveImgExtension], autoescape=True, **options)


def sandboxed(**options: Any) -> Environment:
    return SandboxedEnvironment(extensions=[ResponsiveImgExtension], autoescape=True, **options)


ENVIRONMENTS = pytest.mark.parametrize(
    "environment_of", [plain, own, added, overlaid, overlay, native, sandboxed]
)
CALL = '{{ img(photo.image, width=20, format="webp", densities="1", alt="") }}'
JINJA_FILES = {
    "card.html": CARD,
    "macros.html": "{% macro card(photo) %}" + CARD + "{% endmacro %}"
    "{% macro called(photo) %}" + CALL + "{% endmacro %}"
    "{% macro around() %}{{ caller() }}{% endmacro %}",
    "outer_macros.html": '{% from "macros.html" import card %}'
    "{% macro outer(photo) %}{{ card(photo) }}{% endmacro %}",
    "base.html": "{% block body %}{% endblock %}",
}
JINJA_WAYS = {
    "tag": CARD,
    "call": CALL,
    "as": CARD.replace(" %}", " as pic %}") + "{{ pic }}",
    "include": '{% include "card.html" %}',
    "macro": "{% macro card() %}" + CARD + "{% endmacro %}{{ card() }}",
    "from": '{% from "macros.html" import card %}{{ card(photo) }}',
    "from with context": '{% from "macros.html" import card with context %}{{ card(photo) }}',
    "import": '{% import "macros.html" as macros %}{{ macros.called(photo) }}',
    "import with context": '{% import "macros.html" as macros with context %}{{ macros.called(photo) }}',
    "macro of a macro": '{% from "outer_macros.html" import outer %}{{ outer(photo) }}',
    "call block": '{% from "macros.html" import around %}{% call around() %}' + CARD + "{% endcall %}",
    "extends": '{% extends "base.html" %}{% block body %}' + CARD + "{% endblock %}",
    "set block": "{% set text %}" + CARD + "{% endset %}{{ text }}",
}


def whole(template: Any, **values: Any) -> str:
    return str(template.render(**values))


def of_a_dict(template: Any, **values: Any) -> str:
    return str(template.render(values))


def generated(template: Any, **values: Any) -> str:
    return "".join(map(str, template.generate(**values)))


def streamed(template: Any, **values: Any) -> str:
    return "".join(map(str, template.stream(values)))


@ENVIRONMENTS
@pytest.mark.parametrize("way", JINJA_WAYS)
def test_every_part_of_a_jinja2_template_defers(body_of, photo, environment_of, way):
    template = environment_of(loader=DictLoader(JINJA_FILES)).from_string(JINJA_WAYS[way])

    for started in (whole, of_a_dict, generated, streamed):
        text, body = body_of(lambda request: started(template, photo=photo, request=Wrapper(request)))  # noqa: B023 - called at once
        assert is_deferred(text)
        assert body == MARKUP

    for started in (whole, of_a_dict, generated, streamed):
        text, body = body_of(lambda request: started(template, photo=photo))  # noqa: B023 - called at once
        assert text == body == MARKUP


def test_a_projects_own_class_of_templates_goes_on_working(photo):
    template: Any = own().from_string(CARD)
    before = type(template).renders

    assert template.render(photo=photo) == MARKUP
    assert isinstance(template, NotedTemplate)
    assert type(template).renders == before + 1


def test_environments_with_one_class_of_templates_share_the_one_made_of_it():
    assert plain().template_class is sandboxed().template_class is overlay().template_class
    assert plain().template_class is not own().template_class


@pytest.mark.parametrize("started", [whole, generated])
@pytest.mark.parametrize("imported", ["", "with context"])
def test_a_mail_that_a_macro_renders_without_request_resolves_at_once(body_of, photo, started, imported):
    mails: list[str] = []

    @pass_context
    def send(context: Any) -> str:
        environment = context.environment
        template = environment.from_string('{% from "macros.html" import card %}{{ card(photo) }}')
        mails.append(started(template, photo=photo))
        return ""

    files = JINJA_FILES | {
        "sending.html": "{% macro sending(photo) %}" + CARD + "{{ send() }}" + CARD + "{% endmacro %}"
    }
    environment = plain(loader=DictLoader(files))
    environment.globals["send"] = send
    template = environment.from_string(
        f'{{% from "sending.html" import sending {imported} %}}{{{{ sending(photo) }}}}'
    )

    text, body = body_of(lambda request: started(template, photo=photo, request=request), lookups=2)

    assert mails == [MARKUP]
    assert is_deferred(text)
    assert body == MARKUP * 2


def test_two_pages_that_are_generated_by_turns_know_each_its_request(body_of, photo):
    lines = '{% from "macros.html" import card %}' + "<p>{{ card(photo) }}" * 3
    template = plain(loader=DictLoader(JINJA_FILES)).from_string(lines)

    def view(request: HttpRequest) -> str:
        mine = template.generate(photo=photo, request=request)
        others = template.generate(photo=photo)
        texts = [f"{mine_}|{other}" for mine_, other in zip(mine, others, strict=True)]
        return "".join(texts)

    text, body = body_of(view, lookups=4)

    assert text.count(START) == text.count(MARKUP) == 3
    assert body.count(MARKUP) == 6
    assert renders._request.get() is None


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_page_whose_generation_ends_early_forgets_its_request(body_of, photo, is_closed):
    template = plain(loader=DictLoader(JINJA_FILES)).from_string("<p>{{ missing.text }}")

    def view(request: HttpRequest) -> str:
        parts: Any = template.generate(request=request)
        assert next(parts) == "<p>"
        if is_closed:
            parts.close()
        else:
            with pytest.raises(jinja2.UndefinedError):
                next(parts)
        return str(plain(loader=DictLoader(JINJA_FILES)).from_string(JINJA_WAYS["from"]).render(photo=photo))

    text, body = body_of(view)

    assert text == body == MARKUP


# Jinja2, asynchronously ---------------------------------------------------------------------------------


async def whole_async(template: Any, **values: Any) -> str:
    return str(await template.render_async(**values))


async def generated_async(template: Any, **values: Any) -> str:
    return "".join([str(part) async for part in template.generate_async(values)])


async def in_a_task(template: Any, **values: Any) -> str:
    return await asyncio.create_task(whole_async(template, **values))


async def by_turns(template: Any, **values: Any) -> str:
    others = generated_async(template, photo=values["photo"])
    mine, other = await asyncio.gather(generated_async(template, **values), others)
    assert other == MARKUP
    return mine


def respond_async(view: Any) -> Any:
    async def run() -> Any:
        middleware: Any = ResponsiveImgMiddleware(view)
        return await middleware(AsyncRequestFactory().get("/"))

    return async_to_sync(run)()


@ENVIRONMENTS
@pytest.mark.parametrize("way", JINJA_WAYS)
def test_every_part_of_an_async_jinja2_template_defers(body_of, photo, environment_of, way):
    template = environment_of(loader=DictLoader(JINJA_FILES), enable_async=True).from_string(JINJA_WAYS[way])
    texts: list[str] = []

    async def view(request: HttpRequest) -> HttpResponse:
        for started in (whole_async, generated_async, in_a_task, by_turns):
            text = await started(template, photo=photo, request=request)
            texts.append(text)
        texts.append(await generated_async(template, photo=photo))
        return HttpResponse("".join(texts))

    response = respond_async(view)

    assert [is_deferred(text) for text in texts] == [True] * 4 + [False]
    assert response.content.decode() == MARKUP * 5


@pytest.mark.parametrize("started", [whole, generated])
def test_an_async_environment_in_a_sync_view_defers(body_of, photo, started):
    template = plain(loader=DictLoader(JINJA_FILES), enable_async=True).from_string(JINJA_WAYS["from"])

    text, body = body_of(lambda request: started(template, photo=photo, request=request))

    assert is_deferred(text)
    assert body == MARKUP


def test_an_async_mail_within_an_async_macro_resolves_at_once(body_of, photo):
    mails: list[str] = []
    environment = plain(loader=DictLoader(JINJA_FILES), enable_async=True)

    async def send() -> str:
        await asyncio.sleep(0)
        mails.append(await whole_async(environment.from_string(JINJA_WAYS["from"]), photo=photo))
        return ""

    template = environment.from_string(
        '{% from "macros.html" import card %}{{ card(photo) }}{{ send() }}{{ card(photo) }}'
    )
    texts: list[str] = []

    async def view(request: HttpRequest) -> HttpResponse:
        texts.append(await generated_async(template, photo=photo, request=request, send=send))
        return HttpResponse(texts[0])

    response = respond_async(view)

    assert mails == [MARKUP]
    assert is_deferred(texts[0])
    assert response.content.decode() == MARKUP * 2


def test_an_async_page_whose_generation_ends_early_forgets_its_request(body_of, photo):
    environment = plain(loader=DictLoader(JINJA_FILES), enable_async=True)

    async def numbers() -> AsyncIterator[int]:
        while True:
            yield 0

    async def view(request: HttpRequest) -> HttpResponse:
        template = environment.from_string("{% for number in numbers() %}<p>{% endfor %}")
        parts: Any = template.generate_async(request=request, numbers=numbers)
        assert await anext(parts) == "<p>"
        await parts.aclose()
        return HttpResponse(await whole_async(environment.from_string(JINJA_WAYS["from"]), photo=photo))

    assert respond_async(view).content.decode() == MARKUP
    assert renders._request.get() is None


# What Jinja2 keeps -------------------------------------------------------------------------------------

# A module that is imported without context is made once, and serves every render that follows.
KEPT = {
    "include": ('{% include "kept.html" without context %}', CARD.replace("photo.image", '"photos/cat.jpg"')),
    "variable": (
        '{% from "kept.html" import logo %}{{ logo }}',
        "{% set logo = " + CALL[3:-3].replace("photo.image", '"photos/cat.jpg"') + " %}",
    ),
    "set block": (
        '{% from "kept.html" import logo %}{{ logo }}',
        "{% set logo %}" + CARD.replace("photo.image", '"photos/cat.jpg"') + "{% endset %}",
    ),
}


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("is_async", [True, False])
def test_what_jinja2_keeps_of_a_module_holds_no_markers(body_of, photo, kept, is_async):
    text, module = KEPT[kept]
    files = JINJA_FILES | {"kept.html": module}
    template = plain(loader=DictLoader(files), enable_async=is_async).from_string(text)

    _, body = body_of(lambda request: whole(template, request=request))

    assert body == MARKUP
    assert whole(template) == MARKUP
