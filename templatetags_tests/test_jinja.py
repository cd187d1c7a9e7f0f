from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from django.http import HttpResponse
from jinja2 import (
    DictLoader,
    Environment,
    FileSystemBytecodeCache,
    StrictUndefined,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

import responsive_img
from responsive_img import programs
from responsive_img.exceptions import SpecError
from responsive_img.jinja import ResponsiveImgExtension
from templatetags_tests.conftest import MARKUP, respond

W = 'width=20, format="webp", densities="1"'


@pytest.fixture
def environment():
    return Environment(extensions=[ResponsiveImgExtension], autoescape=True)


@pytest.fixture
def card(settings):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20, "format": "webp", "densities": "1"}}


@pytest.mark.parametrize(
    "line",
    [
        '{% img photo.image width=20 format="webp" densities="1" alt="" %}',
        '{% img photo.image, width=20, format="webp", densities="1", alt="" %}',
        '{% img photo.image, width=20 format="webp", densities="1" alt="", %}',
        '{%- responsive_img photo.image,width=20,format="webp",densities="1",alt=""-%}',
        '{% img "photos/cat.jpg" "card" alt="" %}',
        '{% img "photos/cat.jpg", "card", alt="" %}',
        '{% img photo.image "card" alt="" %}',
        '{% img photo["image"] "card" alt="" %}',
        '{% img (photo.image), ("card") alt="" %}',
        '{% img photos[0].image, {"a": "card"}["a"] alt="" %}',
        '{% img photo.image "c" ~ "ard" alt="" %}',
        '{% img missing or photo.image "card" alt="" %}',
        '{% img photo.image if photo else missing, "card" alt="" %}',
        '{% img photo.image|default("x") "card" alt=""|trim %}',
        '{% img photo.image width=10 * 2 format="webp" densities=[1] alt="" %}',
        '{% img photo.image width=40 - 20 format="webp" densities=(1,) alt="" %}',
        '{% img photo.image width=20 format="webp" densities="1" quality={"webp": 78} alt="" %}',
        '{% img photo.image width=20 format="webp" densities="1" quality={"webp": n} alt="" %}',
        '{% img "photos/cat" ~ ".jpg" "card" alt="" %}',
        '{% img missing or "photos/cat.jpg" "card" alt="" %}',
        '{% img missing if missing else "photos/cat.jpg" "card" alt="" %}',
        '{% img ("photos/" "cat.jpg") "card" alt="" %}',
        '{{ img(photo.image, width=20, format="webp", densities="1", alt="") }}',
        '{{ img(source=photo.image, width=20, format="webp", densities="1", alt="") }}',
        '{{ img(source="photos/" "cat.jpg", width=20, format="webp", densities="1", alt="") }}',
        '{{ responsive_img(photo.image, "card", alt="") }}',
        '{{ img("photos/cat.jpg", "card", alt="") }}',
        '{% set pic = img(photo.image, "card", alt="") %}{{ pic }}',
    ],
)
def test_every_way_to_write_the_same_picture_gives_the_same_bytes(environment, photo, card, line):
    html = environment.from_string(line).render(photo=photo, photos=[photo], n=78)

    assert html == MARKUP


def test_the_environments_own_delimiters_apply(photo):
    environment = Environment(
        extensions=[ResponsiveImgExtension],
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        autoescape=True,
    )

    tag = environment.from_string(f'<% img photo.image {W} alt="" %>').render(photo=photo)
    call = environment.from_string(f'<< img(photo.image, {W}, alt="") >>').render(photo=photo)

    assert tag == call == MARKUP


@pytest.mark.parametrize(
    "line", [f"{{% img photo.image {W} alt=alt %}}", f"{{{{ img(photo.image, {W}, alt=alt) }}}}"]
)
@pytest.mark.parametrize("autoescape", [True, False])
@pytest.mark.parametrize(
    ("alt", "shown"),
    [("<&'\">", "&lt;&amp;&#x27;&quot;&gt;"), (Markup("<&amp;'\">"), "&lt;&amp;&#x27;&quot;&gt;")],
)
def test_autoescape_changes_nothing(photo, line, autoescape, alt, shown):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=autoescape)  # noqa: S701 - tested

    html = environment.from_string(line).render(photo=photo, alt=alt)

    assert html == MARKUP.replace('alt=""', f'alt="{shown}"')


def test_a_template_compiled_in_another_process_is_the_same(photo, tmp_path):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True)
    line = f'{{% img photo.image {W} priority=first picture_class="a" title=none class=c quality={{"webp": 78}} alt="" %}}'

    code = environment.compile(line, raw=True)
    html = environment.template_class.from_code(
        environment, compile(code, "x", "exec"), environment.make_globals(None)
    ).render(photo=photo)

    assert html == MARKUP.replace('alt="" ', 'alt="" class="" ')


def test_an_async_environment_renders_pictures(photo):
    tag = f'{{% img photo.image {W} alt="" %}}'
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True, enable_async=True)
    template = environment.from_string(tag + f'{{{{ img(photo.image, {W}, alt="") }}}}')
    Environment(extensions=[ResponsiveImgExtension], autoescape=True).from_string(tag).render(photo=photo)

    html = asyncio.run(template.render_async(photo=photo))

    assert html == MARKUP * 2


def test_a_sandbox_renders_pictures(photo):
    environment = SandboxedEnvironment(extensions=[ResponsiveImgExtension], autoescape=True)

    html = environment.from_string(f'{{% img photo.image {W} alt="" %}}').render(photo=photo)

    assert html == MARKUP


def test_an_undefined_source_is_the_environments_business(db):
    strict = Environment(extensions=[ResponsiveImgExtension], undefined=StrictUndefined, autoescape=True)

    with pytest.raises(UndefinedError, match="'photo' is undefined"):
        strict.from_string('{% img photo width=20 alt="" %}').render()


def test_a_global_of_the_project_is_not_replaced():
    environment = Environment(autoescape=True)
    environment.globals["img"] = "mine"
    environment.add_extension(ResponsiveImgExtension)

    html = environment.from_string("{{ img }}").render()

    assert html == "mine"


def test_a_macro_imported_without_context_leaves_a_marker_too(photo):
    environment = Environment(
        extensions=[ResponsiveImgExtension],
        autoescape=True,
        loader=DictLoader(
            {"m.html": f'{{% macro card(photo) %}}{{% img photo.image {W} alt="" %}}{{% endmacro %}}'}
        ),
    )
    without = environment.from_string("{% from 'm.html' import card %}{{ card(photo) }}")
    with_context = environment.from_string("{% from 'm.html' import card with context %}{{ card(photo) }}")
    bodies: list[str] = []

    def view(request):
        bodies.extend(each.render(photo=photo, request=request) for each in (without, with_context))
        return HttpResponse("".join(bodies))

    response = respond(view)

    assert [body.startswith('<img data-ri="RI1.') for body in bodies] == [True, True]
    assert response.content.decode() == MARKUP * 2


def test_the_global_leaves_a_marker_too(page, photo):
    response = page("jinja2", f'{{{{ img(photo.image, {W}, alt="") }}}}', {"photo": photo})

    assert response.content.decode() == MARKUP


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{% img photo.image width=20 "card" alt="" %}',
         "{% img %}: a positional argument must stand before the keyword arguments."),
        ('{% img photo.image data-foo="x" alt="" %}', "{% img %}: Write 'data_foo' instead of 'data-foo'."),
        ('{% img photo.image 3-foo="x" alt="" %}', "{% img %}: Write '…_foo' instead of '…-foo'."),
        ('{% img photo.image width=20 a.b=1 alt="" %}', "{% img %}: Write '…' instead of '…'."),
        ('{% img %}', "{% img %}: it takes a source, perhaps a preset, then keyword arguments; "
         "it was given 0 positional argument(s)."),
        ('{% img photo.image width=[1, 2] alt="" %}',
         "{% img %}: 'width' must be a whole number of px from 1 on, not [1, 2]."),
        ('{% img photo.image width=none alt="" widht=n %}',
         "{% img %}: Unknown argument 'widht'. Did you mean 'width'? Choices: width, height, ratio, fit, focal, "
         "upscale, densities, widths, sizes, formats, format, quality, build, priority, picture_class, and every HTML "
         "attribute of <img> (data_…, aria_…)."),
    ],
)  # fmt: skip
def test_a_tag_that_cannot_be_read_is_a_syntax_error(environment, line, message):
    with pytest.raises(TemplateSyntaxError) as caught:
        environment.from_string("\n" + line)

    assert caught.value.message == message
    assert caught.value.lineno == 2


@pytest.mark.parametrize("literal", ["-20", "- 20", "-20.5", "-true"])
def test_a_negated_literal_is_refused_as_any_other(environment, literal):
    with pytest.raises(TemplateSyntaxError, match="'width' must be a whole number of px from 1 on"):
        environment.from_string(f'{{% img photo.image width={literal} alt="" %}}')


@pytest.mark.parametrize("expression", ['-"a"', "-none"])
def test_what_cannot_be_negated_is_an_expression_whose_error_is_python_s_own(environment, photo, expression):
    template = environment.from_string(f'{{% img photo.image width={expression} alt="" %}}')

    with pytest.raises(TypeError, match="bad operand type for unary -"):
        template.render(photo=photo)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("img(photo.image, width=20)", "'alt' is required"),
        ('img(photo.image, widht=20, alt="")', "Unknown argument 'widht'. Did you mean 'width'?"),
        ('img(photo.image, "crad", alt="")', "Unknown preset 'crad'. Did you mean 'card'?"),
        ('img(photo.image, width="x", alt="")', "'width' must be a whole number of px"),
        ('img(photo.image, absolute=True, alt="")', "'absolute' belongs to {% img_url %}"),
        ('img(photo.image, priority=True, loading="lazy", alt="")', "'priority' contradicts loading"),
    ],
)
def test_a_wrong_call_of_the_global_raises_under_debug(environment, photo, settings, card, call, message):
    settings.DEBUG = True

    with pytest.raises(SpecError, match=message):
        environment.from_string(f"{{{{ {call} }}}}").render(photo=photo)


@pytest.mark.parametrize(
    "call",
    [
        "img(photo.image, width=20)",
        'img(photo.image, widht=20, alt="")',
        'img(photo.image, "crad", alt="")',
        'img(photo.image, width="x", alt="")',
        'img(photo.image, absolute=True, alt="")',
        'img(photo.image, width=20, data_a=1, data_A=2, alt="")',
    ],
)
def test_a_wrong_call_of_the_global_shows_the_source_otherwise(environment, photo, log, card, call):
    html = environment.from_string(f"{{{{ {call} }}}}").render(photo=photo)

    assert 'src="/media/photos/cat.jpg"' in html
    assert ' alt=""' in html
    assert log()


# Stored compiled -----------------------------------------------------------------------------------------

STORED = """
import sys
from django.conf import settings
settings.configure(INSTALLED_APPS=["responsive_img"], RESPONSIVE_IMG_PRESETS={"card": {"width": 20}})
import django
django.setup()
from jinja2 import DictLoader, Environment, FileSystemBytecodeCache
from responsive_img.jinja import ResponsiveImgExtension
Environment(
    loader=DictLoader({"page.html": sys.argv[2]}),
    extensions=[ResponsiveImgExtension],
    bytecode_cache=FileSystemBytecodeCache(sys.argv[1]),
    autoescape=True,
).get_template("page.html")
"""


@pytest.fixture
def stored(tmp_path):
    """Return a function that has another process compile a template, and gives it from what that has stored."""

    def compiled(text):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", STORED, str(tmp_path), text],
            cwd=Path(responsive_img.__file__).parents[1], capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        environment = Environment(
            loader=DictLoader({"page.html": text}),
            extensions=[ResponsiveImgExtension],
            bytecode_cache=FileSystemBytecodeCache(str(tmp_path)),
            autoescape=True,
        )
        environment.compile = None  # type: ignore[assignment]  # it is read, not compiled anew
        return environment.get_template("page.html")

    return compiled


def test_a_template_that_another_process_has_stored_is_the_same(stored, photo, settings):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20, "format": "webp", "densities": "1"}}
    line = (
        '{% img photo.image "card" alt="" %}'
        '{% img photo.image "card" alt=alt title="<" as pic %}{{ pic }}'
        '{% img_url photo.image "card" %}{% img_url photo.image "card" as url %}{{ url }}'
    )

    html = stored(line).render(photo=photo, alt="")

    url = MARKUP.split('"')[1]
    assert html == MARKUP + MARKUP.replace('alt=""', 'alt="" title="&lt;"') + url + url


@pytest.mark.parametrize("tag", ['{% img photo.image "card" alt="" %}', '{% img_url photo.image "card" %}'])
def test_what_was_right_when_it_was_stored_may_be_so_no_more(stored, photo, settings, tag):
    programs.of_written.cache_clear()
    settings.RESPONSIVE_IMG_PRESETS = {"cards": {"width": 20}}
    template = stored(tag)

    with pytest.raises(SpecError, match=r"^Unknown preset 'card'\. Did you mean 'cards'\?"):
        template.render(photo=photo)

    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20}}
    assert "cat-20w" in template.render(photo=photo)


@pytest.mark.parametrize("gives_url", [True, False])
def test_what_is_stored_is_read_to_the_same_program(settings, gives_url):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20}}
    given: list[tuple[str, object]] = [
        ("height", 10),
        ("quality", {"webp": 70}),
        ("focal", (0.5, 0.5)),
        ("ratio", None),
        ("upscale", programs.EXPRESSION),
    ]
    if not gives_url:
        given += [("alt", "<a> 'b' \"c\" Größe"), ("title", programs.EXPRESSION), ("data_x", 1.5)]

    for preset in ("card", None, programs.EXPRESSION):
        text = programs.written(given, preset, "a.html", gives_url=gives_url)
        compiled = programs.compile_url if gives_url else programs.compile_img
        assert programs.of_written(text) == compiled(given, preset, "a.html")[0]


def test_what_is_an_operator_elsewhere_may_be_an_attribute(environment, photo, render, card):
    line = '{% img photo.image "card" alt="" is="fancy-img" %}'

    html = environment.from_string(line).render(photo=photo)

    assert html == str(render("django", line, {"photo": photo}))
    assert ' is="fancy-img"' in html


@pytest.mark.parametrize(
    "template",
    ['{{ "a" "b" }}', '{% set text = "a" "b" %}{{ text }}', '{% if "a" "b" is defined %}ab{% endif %}'],
)
@pytest.mark.parametrize(
    "before", ["", '{% img "" alt="" %}', '{%- img_url ("") -%}', '{% img "" alt="" as pic %}']
)
def test_other_tags_read_strings_as_ever(environment, before, template):
    assert environment.from_string(before + template).render() == "ab"


def test_two_strings_behind_a_keyword_are_two_arguments(environment):
    with pytest.raises(TemplateSyntaxError, match="a positional argument must stand before"):
        environment.from_string('{% img photo.image alt="a" ~ "b" "c" %}')


@pytest.mark.parametrize("name", ["img", "img_url"])
def test_a_function_takes_its_preset_as_the_tag_does(environment, photo, card, settings, name):
    settings.DEBUG = True
    alt = ', alt=""' if name == "img" else ""

    with pytest.raises(SpecError, match="preset"):
        environment.from_string(f'{{{{ {name}(photo.image, preset="card"{alt}) }}}}').render(photo=photo)
    with pytest.raises(TypeError, match="One preset may stand behind the source, not 2"):
        environment.from_string(f'{{{{ {name}(photo.image, "card", "card"{alt}) }}}}').render(photo=photo)
