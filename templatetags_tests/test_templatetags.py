from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import Context, RequestContext, Template, TemplateSyntaxError, engines

from responsive_img.templatetags.responsive_img import ImgNode
from templatetags_tests.conftest import MARKUP, respond

IMG = '{% load responsive_img %}{% img photo.image width=20 format="webp" densities="1" alt="" %}'
POSITIONAL = "{% img %}: a positional argument must stand before the keyword arguments."


def shown(body: Callable[[HttpRequest], str]) -> tuple[str, str]:
    """Return the page of a view that gives this body, and the body."""
    bodies: list[str] = []

    def view(request):
        bodies.append(body(request))
        return HttpResponse(bodies[0])

    return respond(view).content.decode(), bodies[0]


def test_a_tag_rendered_with_the_request_leaves_a_marker(photo):
    text, body = shown(lambda request: engines["django"].from_string(IMG).render({"photo": photo}, request))

    assert body.startswith('<img data-ri="RI1.')
    assert body.endswith('."/>')
    assert text == MARKUP


def test_a_flattened_context_still_knows_its_request(photo):
    """Shops render list items so, inside the tags of a page."""
    card = Template(IMG)
    page = Template("{% for _ in 'ab' %}{{ item.render }}{% endfor %}")

    def body(request):
        context = RequestContext(request, {"photo": photo})
        context["item"] = SimpleNamespace(render=lambda: card.render(Context(context.flatten())))
        return page.render(context)

    text, left = shown(body)

    assert left.count('<img data-ri="RI1.') == 2
    assert text == MARKUP * 2


def test_an_include_with_only_still_knows_its_request(photo, settings):
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "libraries": {"responsive_img": "responsive_img.templatetags.responsive_img"},
                "loaders": [("django.template.loaders.locmem.Loader", {"card.html": IMG})],
            },
        }
    ]
    template = engines["django"].from_string('{% include "card.html" with photo=photo only %}')

    text, left = shown(lambda request: template.render({"photo": photo}, request))

    assert left.startswith('<img data-ri="RI1.')
    assert text == MARKUP


def test_a_context_whose_request_is_none_of_django_resolves_at_once(photo):
    html = Template(IMG).render(Context({"photo": photo, "request": "of something else"}))

    assert html == MARKUP


def test_the_tag_gives_safe_text(photo):
    template = Template(
        "{% load responsive_img %}{% filter lower %}" + IMG.partition("%}")[2] + "{% endfilter %}"
    )

    assert template.render(Context({"photo": photo})).startswith("<img ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('photo.image width=20 "card" alt=""', POSITIONAL),
        ('photo.image width=20 extra alt=""', POSITIONAL),
        ('photo.image width= alt=""', "Could not parse the remainder: '=' from 'width='"),
        ('', "{% img %}: it takes a source, perhaps a preset, then keyword arguments; "
         "it was given 0 positional argument(s)."),
        ('photo.image "card" alt="" as a.b', "{% img %}: 'a.b' is no name of a variable."),
        ('photo.image "card" alt="" as 2', "{% img %}: '2' is no name of a variable."),
        ('photo.image "card" alt="" as "pic"', """{% img %}: '"pic"' is no name of a variable."""),
        ('photo.image width = 20', "Could not parse the remainder: '=' from '='"),
        ('photo.image, width=20', "Could not parse the remainder: ',' from 'photo.image,'"),
    ],
)  # fmt: skip
def test_a_tag_that_cannot_be_read_is_a_syntax_error(arguments, message):
    with pytest.raises(TemplateSyntaxError) as caught:
        Template(f"{{% load responsive_img %}}{{% img {arguments} %}}")

    assert str(caught.value) == message


def test_a_syntax_error_knows_where_it_stands():
    with pytest.raises(TemplateSyntaxError) as caught:
        Template('{% load responsive_img %}\n{% img photo.image widht=1 alt="" %}')

    assert getattr(caught.value, "token").lineno == 2  # noqa: B009 - the stubs lack it


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("title|default:'none'", "A &amp; B"),
        ("missing|default:'a=b'", "a=b"),
        ('"x"|upper', "X"),
        ('_("January")', "Januar"),
        ('"January"', "January"),
        ("12345", "12345"),
        ("1e3", "1000.0"),
        ("photo.title", "A cat"),
        ("photo", "A cat"),
    ],
)
def test_an_argument_is_any_expression_of_the_language(photo, settings, value, shown):
    settings.LANGUAGE_CODE = "de"
    template = Template(IMG.replace('alt=""', f"alt={value}"))

    html = template.render(Context({"photo": photo, "title": "A & B"}))

    assert html == MARKUP.replace('alt=""', f'alt="{shown}"')


def test_a_source_is_any_expression_of_the_language(photo):
    html = Template(IMG.replace("photo.image", "missing|default:photo.image")).render(
        Context({"photo": photo})
    )

    assert html == MARKUP


def test_what_is_constant_is_folded_when_the_template_is_compiled():
    def program(arguments: str) -> Any:
        template = Template(f"{{% load responsive_img %}}{{% img photo.image {arguments} %}}")
        return template.nodelist.get_nodes_by_type(ImgNode)[0]

    constant = program('width=400 ratio="16/9" alt="x" priority=True class="a"')
    mixed = program('width=width ratio="16/9" alt=title priority=first class="a"')

    assert constant.program.spec == "w400;r16/9"
    assert constant.program.shown.priority is True
    assert constant.program.shown.priority_pieces == (
        ' alt="x" class="a" loading="eager" fetchpriority="high"',
    )
    assert constant.expressions == []
    assert mixed.program.spec is None
    assert mixed.program.options == (("ratio", "16/9"),)
    assert mixed.program.dynamic == (("width", 0),)
    assert mixed.program.shown.priority == ("priority", 2)
    assert mixed.program.shown.pieces == (("alt", 1), ' class="a" loading="lazy" decoding="async"')
    assert [str(expression) for expression in mixed.expressions] == ["width", "title", "first"]
