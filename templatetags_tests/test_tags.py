from __future__ import annotations

import re
from typing import Any

import pytest
from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from jinja2 import TemplateSyntaxError as JinjaSyntaxError

from responsive_img.exceptions import SpecError

SYNTAX_ERRORS = {"django": DjangoSyntaxError, "jinja2": JinjaSyntaxError}
LANGUAGES = ("django", "jinja2")

PRESETS = {
    "card": {"width": 20, "ratio": "1/1", "formats": "", "densities": "1"},
    "plain": {"width": 20, "format": "png"},
}
VALUES: dict[str, Any] = {
    "nothing": None,
    "yes": True,
    "no": False,
    "safe": mark_safe("Tom &amp; <b>\"Jerry\"</b> 'x'"),
    "lazy": gettext_lazy("January"),
    "later": "lazy",
    "number": 12345,
    "big": 30.0,
    "text": "<i class=\"a\">'&amp;'",
    "control": "a\x00b\x1fc\x7fd\x9fe\nf\tg\ud800",
    "emoji": "Ä 🐈",
    "wide": 20,
    "name": "photos/cat.jpg",
    "preset": "card",
    "focus": (0.3, 0.7),
    "list": [1, 2],
    "qualities": {"jpeg": 50},
}

URL = "/media/renditions/photos/cat-"
# The source is 80 × 40 px; digests stand as "#".
WEBP = f'<img src="{URL}20w.#.webp" width="20" height="10"'
ASYNC = ' loading="lazy" decoding="async"'
CARD = f'<img src="{URL}20w.#.jpg" width="20" height="20" alt=""{ASYNC}>'
PICTURE = (
    f'<picture><source type="image/webp" srcset="{URL}20w.#.webp 1x, {URL}40w.#.webp 2x">'
    f'<img srcset="{URL}20w.#.jpg 1x, {URL}40w.#.jpg 2x" src="{URL}20w.#.jpg" width="20" height="10" alt=""'
    f"{ASYNC}></picture>"
)


def one(attributes: str) -> str:
    return f"{WEBP}{attributes}>"


# Template, and what stands in the page. `W` is short for an argument list that gives one WebP file.
ROWS: list[tuple[str, str]] = [
    # geometry
    ('{% img photo.image width=20 alt="" %}', PICTURE),
    ('{% responsive_img photo.image width=20 alt="" %}', PICTURE),
    ('{% img name width=20 alt="" %}', PICTURE),
    ('{% img "photos/cat.jpg" width=20 alt="" %}', PICTURE),
    ('{% img photo.image width="20" alt="" %}', PICTURE),
    ('{% img photo.image width=wide alt="" %}', PICTURE),
    ('{% img photo.image height=10 format="webp" densities="1" alt="" %}',
     f'<img src="{URL}10h.#.webp" width="20" height="10" alt=""{ASYNC}>'),
    ('{% img photo.image width=20 height=20 format="webp" densities="1" alt="" %}',
     f'<img src="{URL}20w.#.webp" width="20" height="20" alt=""{ASYNC}>'),
    ('{% img photo.image width=20 height=20 fit="contain" format="webp" densities="1" alt="" %}',
     one(f' alt=""{ASYNC}')),
    ('{% img photo.image width=20 ratio="1/1" format="webp" densities="1" alt="" %}',
     f'<img src="{URL}20w.#.webp" width="20" height="20" alt=""{ASYNC}>'),
    ('{% img photo.image width=20 ratio="square" focal="30% 70%" format="webp" densities="1" alt="" %}',
     f'<img src="{URL}20w.#.webp" width="20" height="20" alt=""{ASYNC}>'),
    ('{% img photo.image width=20 ratio=1.5 focal=focus format="webp" densities="1" alt="" %}',
     f'<img src="{URL}20w.#.webp" width="20" height="13" alt=""{ASYNC}>'),
    ('{% img photo.image width=160 format="webp" densities="1" alt="" %}',
     f'<img src="{URL}160w.#.webp" width="80" height="40" alt=""{ASYNC}>'),
    ('{% img photo.image width=160 upscale=True format="webp" densities="1" alt="" %}',
     f'<img src="{URL}160w.#.webp" width="160" height="80" alt=""{ASYNC}>'),
    ('{% img photo.image format="webp" alt="" %}',
     f'<img src="{URL}full.#.webp" width="80" height="40" alt=""{ASYNC}>'),
    # candidates
    ('{% img photo.image width=20 densities="1 1.5" format="webp" alt="" %}',
     f'<img srcset="{URL}20w.#.webp 1x, {URL}30w.#.webp 1.5x" src="{URL}20w.#.webp" width="20" height="10"'
     f' alt=""{ASYNC}>'),
    ('{% img photo.image width=20 densities=list format="webp" alt="" %}',
     f'<img srcset="{URL}20w.#.webp 1x, {URL}40w.#.webp 2x" src="{URL}20w.#.webp" width="20" height="10"'
     f' alt=""{ASYNC}>'),
    ('{% img photo.image width=20 formats="png webp" densities="1" alt="" %}',
     f'<picture><source type="image/png" srcset="{URL}20w.#.png 1x">'
     f'<source type="image/webp" srcset="{URL}20w.#.webp 1x">'
     f'<img src="{URL}20w.#.jpg" width="20" height="10" alt=""{ASYNC}></picture>'),
    ('{% img photo.image width=20 format="webp" densities="1" quality=70 alt="" %}', one(f' alt=""{ASYNC}')),
    ('{% img photo.image width=20 format="webp" densities="1" quality="webp 70 jpeg 50" alt="" %}',
     one(f' alt=""{ASYNC}')),
    ('{% img photo.image width=20 format="webp" densities="1" quality=qualities alt="" %}',
     one(f' alt=""{ASYNC}')),
    # presets
    ('{% img photo.image "card" alt="" %}', CARD),
    ("{% img photo.image 'card' alt='' %}", CARD),
    ('{% img photo.image preset alt="" %}', CARD),
    ('{% img photo.image nothing width=20 alt="" %}', PICTURE),
    ('{% img photo.image "plain" format="webp" densities="1" alt="" %}', one(f' alt=""{ASYNC}')),
    ('{% img photo.image preset width=10 alt="" %}',
     f'<img src="{URL}10w.#.jpg" width="10" height="10" alt=""{ASYNC}>'),
    # attributes
    ("{% img photo.image W alt=text %}",
     one(f' alt="&lt;i class=&quot;a&quot;&gt;&#x27;&amp;amp;&#x27;"{ASYNC}')),
    ("""{% img photo.image W alt='<b> "x" &amp;' %}""", one(f' alt="&lt;b&gt; &quot;x&quot; &amp;amp;"{ASYNC}')),
    ("{% img photo.image W alt=safe %}",
     one(f' alt="Tom &amp; &lt;b&gt;&quot;Jerry&quot;&lt;/b&gt; &#x27;x&#x27;"{ASYNC}')),
    ("{% img photo.image W alt=lazy %}", one(f' alt="Januar"{ASYNC}')),
    ("{% img photo.image W alt=control %}", one(f' alt="abcdefg"{ASYNC}')),
    ("{% img photo.image W alt=emoji %}", one(f' alt="Ä 🐈"{ASYNC}')),
    ("{% img photo.image W alt=number %}", one(f' alt="12345"{ASYNC}')),
    ("{% img photo.image W alt=12345 %}", one(f' alt="12345"{ASYNC}')),
    ("{% img photo.image W alt=1.5 %}", one(f' alt="1.5"{ASYNC}')),
    ("{% img photo.image W alt=None %}", one(f' alt=""{ASYNC}')),
    ("{% img photo.image W alt=nothing %}", one(f' alt=""{ASYNC}')),
    ("{% img photo.image W alt=no %}", one(f' alt=""{ASYNC}')),
    ("{% img photo.image W alt=yes %}", one(f' alt=""{ASYNC}')),
    ("{% img photo.image W alt=missing %}", one(f' alt=""{ASYNC}')),
    ('{% img photo.image W class="a b" id="x" alt="" %}', one(f' alt="" class="a b" id="x"{ASYNC}')),
    ('{% img photo.image W class=nothing hidden=True inert=no alt="" %}', one(f' alt="" hidden{ASYNC}')),
    ('{% img photo.image W hidden=yes inert=False title=None alt="" %}', one(f' alt="" hidden{ASYNC}')),
    ('{% img photo.image W tabindex=-1 data_number=number alt="" %}',
     one(f' alt="" tabindex="-1" data-number="12345"{ASYNC}')),
    ('{% img photo.image W data_foo_bar="1" aria_label="x" alt="" %}',
     one(f' alt="" data-foo-bar="1" aria-label="x"{ASYNC}')),
    ('{% img photo.image W onload="this.x=1" style="--a: \'b\'" alt="" %}',
     one(f' alt="" onload="this.x=1" style="--a: &#x27;b&#x27;"{ASYNC}')),
    ('{% img photo.image W loading="eager" decoding="sync" alt="" %}',
     one(' alt="" loading="eager" decoding="sync"')),
    ('{% img photo.image W loading=None decoding=nothing alt="" %}', one(' alt=""')),
    ('{% img photo.image W fetchpriority="low" crossorigin=True alt="" %}',
     one(f' alt="" crossorigin{ASYNC} fetchpriority="low"')),
    ('{% img photo.image W priority=True alt="" %}', one(' alt="" loading="eager" fetchpriority="high"')),
    ('{% img photo.image W priority=yes alt="" %}', one(' alt="" loading="eager" fetchpriority="high"')),
    ('{% img photo.image W priority=no alt="" %}', one(f' alt=""{ASYNC}')),
    ('{% img photo.image W priority=False alt="" %}', one(f' alt=""{ASYNC}')),
    # The two lists of attributes are alike here, and constants that are alike are made one by the compiler.
    ('{% img photo.image W priority=no loading=later decoding="async" fetchpriority="low" alt="" %}',
     one(f' alt=""{ASYNC} fetchpriority="low"')),
    ('{% img photo.image W priority=no loading=later alt="" %}', one(f' alt=""{ASYNC}')),
    ('{% img photo.image W priority=no loading="lazy" alt="" %}', one(f' alt=""{ASYNC}')),
    ('{% img photo.image W priority=True decoding="async" alt="" %}',
     one(' alt="" loading="eager" decoding="async" fetchpriority="high"')),
    ('{% img photo.image W picture_class="dropped" alt="" %}', one(f' alt=""{ASYNC}')),
    ('{% img photo.image width=20 picture_class="a" class="b" alt="" %}',
     PICTURE.replace("<picture>", '<picture class="a">').replace(' alt=""', ' alt="" class="b"')),
    ('{% img photo.image width=20 picture_class=text alt="" %}',
     PICTURE.replace(
         "<picture>", '<picture class="&lt;i class=&quot;a&quot;&gt;&#x27;&amp;amp;&#x27;">')),
    ('{% img photo.image width=20 picture_class=nothing alt="" %}', PICTURE),
    # nothing to show
    ('[{% img nothing width=20 alt="" %}]', "[]"),
    ('[{% img missing width=20 alt="" %}]', "[]"),
    ('[{% img "" width=20 alt="" %}]', "[]"),
    ('[{% img empty.image width=20 alt="" %}]', "[]"),
]  # fmt: skip
W = 'width=20 format="webp" densities="1"'


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("template", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_tag_line_gives_exactly_these_bytes_in_both_languages(
    page, make_photo, settings, template, expected, language
):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS
    settings.USE_THOUSAND_SEPARATOR = True
    settings.LANGUAGE_CODE = "de"
    photo = make_photo()
    template = template.replace(" W ", f" {W} ")
    if language == "jinja2":
        template = template.replace("=None", "=none")
    context = {**VALUES, "photo": photo, "empty": type(photo)()}

    response = page(language, template, context)

    assert re.sub(r"\.[0-9a-f]{8}\.", ".#.", response.content.decode()) == expected


@pytest.mark.parametrize("off", [("{% autoescape off %}", "{% endautoescape %}"), ("", "")])
@pytest.mark.parametrize("value", ["text", "safe", "control", "lazy"])
def test_autoescape_changes_nothing(page, photo, off, value):
    template = f"{off[0]}{{% img photo.image {W} alt={value} %}}{off[1]}"
    context = {**VALUES, "photo": photo}

    django = page("django", template, context).content
    jinja = page("jinja2", template.replace("autoescape off", "autoescape false"), context).content
    plain = page("django", f"{{% img photo.image {W} alt={value} %}}", context).content

    assert django == jinja == plain


def test_every_byte_of_a_page_is_known(page, photo):
    response = page("django", '<p>{% img photo.image width=20 alt="A cat" %}</p>', {"photo": photo})

    assert response.content.decode() == (
        '<p><picture><source type="image/webp" srcset="'
        "/media/renditions/photos/cat-20w.f41384ab.webp 1x, "
        '/media/renditions/photos/cat-40w.a5022e79.webp 2x"><img srcset="'
        "/media/renditions/photos/cat-20w.9fb43fb1.jpg 1x, "
        '/media/renditions/photos/cat-40w.da9134f3.jpg 2x" src="'
        '/media/renditions/photos/cat-20w.9fb43fb1.jpg" width="20" height="10" alt="A cat" '
        'loading="lazy" decoding="async"></picture></p>'
    )


OWN = (
    "width, height, ratio, fit, focal, upscale, densities, formats, format, quality, priority, picture_class, "
    "and every HTML attribute of <img> (data_…, aria_…)."
)
ERRORS: list[tuple[str, str]] = [
    ("photo.image width=20", "'alt' is required: describe the picture, or write alt=\"\" for decoration."),
    ('photo.image widht=20 alt=""', f"Unknown argument 'widht'. Did you mean 'width'? Choices: {OWN}"),
    ('photo.image widht=wide alt=""', f"Unknown argument 'widht'. Did you mean 'width'? Choices: {OWN}"),
    ('photo.image clas="x" alt=""', f"Unknown argument 'clas'. Did you mean 'class'? Choices: {OWN}"),
    ('photo.image zzzzzz=1 alt=""', f"Unknown argument 'zzzzzz'. Choices: {OWN}"),
    ('photo.image data-foo="1" alt=""', "Write 'data_foo' instead of 'data-foo'."),
    ('photo.image data-foo-bar="1" alt=""', "Write 'data_foo_bar' instead of 'data-foo-bar'."),
    ('photo.image src="x" alt=""', "'src' is written by the tag itself."),
    ('photo.image "crad" alt=""', "Unknown preset 'crad'. Did you mean 'card'? Choices: card, keys, wrong."),
    ('photo.image "keys" alt=""', "Preset 'keys' is a list of presets, for the warmer; a tag takes one."),
    ('photo.image "wrong" alt=""',
     "Preset 'wrong': 'width' must be a whole number of px from 1 on, not 'x'."),
    ('photo.image 20 alt=""', "A preset is given by its name, not 20."),
    ('photo.image width=20 width=30 alt=""', "'width' is given twice."),
    ('photo.image width=20 alt="" alt="x"', "'alt' is given twice."),
    ('photo.image width=20 height=20 ratio="1/1" alt=""',
     "'ratio' contradicts 'width' with 'height': the two sides are the ratio already."),
    ('photo.image format="webp" formats="avif" alt=""',
     "'format' (this one alone) contradicts 'formats' (offered before the fallback)."),
    ('photo.image width=20 fit="cover" alt=""', "'fit' needs a box: 'width' and 'height', or 'ratio'."),
    ('photo.image ratio="1/1" fit="contain" focal="1% 1%" alt=""',
     "'focal' contradicts fit='contain', which shows the whole source."),
    ('photo.image priority=True loading="lazy" alt=""', "'priority' contradicts loading=\"lazy\"."),
    ('photo.image priority="false" alt=""', "'priority' must be True or False, not 'false'."),
    ('photo.image priority=1 alt=""', "'priority' must be True or False, not 1."),
    ('photo.image data_="x" alt=""', f"Unknown argument 'data_'. Choices: {OWN}"),
    ('photo.image data_a="x" data_A="y" alt=""', "'data-a' is given twice."),
    ('photo.image preset="card" alt=""',
     "The name of a preset stands behind the source, without 'preset='."),
    ('photo.image width=0 alt=""', "'width' must be a whole number of px from 1 on, not 0."),
    ('photo.image width=-1 alt=""', "'width' must be a whole number of px from 1 on, not -1."),
    ('photo.image width="800;rm" alt=""', "'width' must be a whole number of px from 1 on, not '800;rm'."),
    ('photo.image width="1e9" alt=""', "'width' must be a whole number of px from 1 on, not '1e9'."),
    ('photo.image width=True alt=""', "'width' must be a whole number of px from 1 on, not True."),
    ('photo.image width=5000 alt=""',
     "'width' comes to 5000 px, over the limit of 4096 px (RESPONSIVE_IMG_MAX_WIDTH)."),
    ('photo.image height=5000 alt=""',
     "'height' comes to 5000 px, over the limit of 4096 px (RESPONSIVE_IMG_MAX_WIDTH)."),
    ('photo.image width=4096 ratio="1/2" alt=""',
     "'height' comes to 8192 px, over the limit of 4096 px (RESPONSIVE_IMG_MAX_WIDTH)."),
    ('photo.image width=20 densities="1 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 2 2.1 2.2 2.3 2.4 2.5 2.6" alt=""',
     "34 renditions of one picture are too many, the limit is 32."),
    ('photo.image fit="fill" ratio="1/1" alt=""', "'fit' must be one of: contain, cover; not 'fill'."),
    ('photo.image width=20 format="gif" alt=""',
     "Unknown format 'gif'. Choices: avif, jpeg, png, webp."),
    ('photo.image width=20 quality=101 alt=""', "'quality' must be whole numbers from 1 to 100, not 101."),
    ('photo.image upscale="yes" width=20 alt=""', "'upscale' must be True or False, not 'yes'."),
    ('photo.image width=wide height=20 quality=0 alt=""',
     "'quality' must be whole numbers from 1 to 100, not 0."),
    ('width=20 alt=""',
     "takes a source, perhaps a preset, then keyword arguments; it was given 0 positional argument(s)."),
    ('photo.image "card" "card" alt=""',
     "takes a source, perhaps a preset, then keyword arguments; it was given 3 positional argument(s)."),
]  # fmt: skip


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("arguments", "message"), ERRORS, ids=[row[0] for row in ERRORS])
def test_a_wrong_argument_is_refused_when_the_template_is_compiled(
    render, settings, arguments, message, language, debug
):
    settings.DEBUG = debug
    settings.RESPONSIVE_IMG_PRESETS = {
        "card": {"width": 20},
        "keys": ["card"],
        "wrong": {"width": "x"},
    }
    template = f"{{% if never %}}{{% img {arguments} %}}{{% endif %}}"

    with pytest.raises(SYNTAX_ERRORS[language]) as caught:
        render(language, template)

    text = getattr(caught.value, "message", str(caught.value))
    assert text.replace("%} takes", "%}: takes") == f"{{% img %}}: {message}"


def test_the_long_alias_names_itself_in_its_errors(render):
    messages = []
    for language in LANGUAGES:
        with pytest.raises(SYNTAX_ERRORS[language]) as caught:
            render(language, "{% responsive_img photo.image zz=1 %}")
        messages.append(str(caught.value))

    assert all(text.startswith("{% responsive_img %}: Unknown argument 'zz'.") for text in messages)


RUN_TIME_ERRORS: list[tuple[str, str]] = [
    ("photo.image width=text", "'width' must be a whole number of px from 1 on, not 'x'."),
    ("photo.image width=huge", "'width' comes to 5000 px, over the limit of 4096 px (RESPONSIVE_IMG_MAX_WIDTH)."),
    ("photo.image text width=20", "Unknown preset 'x'. Choices: card."),
    ("photo.image huge width=20", "A preset is given by its name, not 5000."),
    ("photo.image lone width=20", "A preset is given by its name, not '\\ud800'."),
    ("photo.image width=20 height=side ratio='1/1'",
     "'ratio' contradicts 'width' with 'height': the two sides are the ratio already."),
    ("photo.image 'card' fit=fit", "'fit' needs a box: 'width' and 'height', or 'ratio'."),
]  # fmt: skip
RUN_TIME_VALUES = {"text": "x", "huge": 5000, "side": 20, "fit": "cover", "lone": "\ud800"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("arguments", "message"), RUN_TIME_ERRORS, ids=[row[0] for row in RUN_TIME_ERRORS])
def test_what_is_wrong_only_at_run_time_raises_under_debug(
    page, photo, settings, language, arguments, message
):
    settings.DEBUG = True
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20}}

    with pytest.raises(SpecError) as caught:
        page(language, f'{{% img {arguments} alt="" %}}', {**RUN_TIME_VALUES, "photo": photo})

    assert str(caught.value) == message


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("arguments", "message"), RUN_TIME_ERRORS, ids=[row[0] for row in RUN_TIME_ERRORS])
def test_what_is_wrong_only_at_run_time_logs_once_and_shows_the_source(
    page, photo, settings, log, language, arguments, message
):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20}}
    template = f'{{% img {arguments} alt="A &quot;cat&quot;" class="x" %}}'

    responses = [page(language, template, {**RUN_TIME_VALUES, "photo": photo}) for _ in range(2)]

    assert [response.content.decode() for response in responses] == [
        '<img src="/media/photos/cat.jpg" width="80" height="40" alt="A &amp;quot;cat&amp;quot;" class="x"'
        ' loading="lazy" decoding="async">'
    ] * 2
    assert log() == [f"The source is shown, as what is asked for cannot be: {message}"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "source", ["../secret.jpg", "/etc/passwd.jpg", "a\\b.jpg", "a\nb.jpg", 7, "x" * 1001]
)
def test_what_is_no_source_leaves_an_element_without_an_address(page, db, log, language, source):
    responses = [
        page(language, '{% img source width=20 alt="A cat" %}', {"source": source}) for _ in range(2)
    ]

    assert [response.content.decode() for response in responses] == [
        '<img alt="A cat" loading="lazy" decoding="async">'
    ] * 2
    assert len(log()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_priority_contradicts_loading_lazy_also_at_run_time(page, photo, settings, language):
    settings.DEBUG = True

    with pytest.raises(SpecError, match="'priority' contradicts loading"):
        page(
            language,
            '{% img photo.image width=20 priority=True loading=loading alt="" %}',
            {"photo": photo, "loading": "lazy"},
        )


LISTED = {
    "django": f'{{% for photo in photos %}}{{% img photo.image {W} loading="lazy" priority=forloop.first alt="" %}}'
    "{% endfor %}",
    "jinja2": f'{{% for photo in photos %}}{{% img photo.image {W} loading="lazy" priority=loop.first alt="" %}}'
    "{% endfor %}",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_priority_of_the_first_contradicts_loading_lazy_only_where_it_is_shown(
    page, make_photo, settings, log, language
):
    photos = [make_photo(f"photos/{name}.jpg") for name in "ab"]

    nothing = page(language, LISTED[language], {"photos": []})
    html = page(language, LISTED[language], {"photos": photos}).content.decode()
    settings.DEBUG = True
    with pytest.raises(SpecError, match=r"^'priority' contradicts loading=\"lazy\"\.$"):
        page(language, LISTED[language], {"photos": photos})

    first, second = html.split("<img ")[1:]
    assert nothing.content == b""
    assert first.startswith('src="/media/photos/a.jpg" width="80" height="40" alt=""')
    assert second.startswith('src="/media/renditions/photos/b-20w.')
    assert log() == [
        "The source is shown, as what is asked for cannot be: 'priority' contradicts loading=\"lazy\"."
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_row_instead_of_its_file_is_an_error_under_debug_and_an_element_otherwise(
    page, photo, settings, log, language
):
    template = '{% img photo width=20 alt="A cat" class="x" %}'

    pages = [page(language, template, {"photo": photo}).content.decode() for _ in range(2)]
    settings.DEBUG = True
    with pytest.raises(SpecError) as caught:
        page(language, template, {"photo": photo})

    message = "A source is a file of a model or a name in the default storage, not <Photo: A cat>."
    assert pages == ['<img alt="A cat" class="x" loading="lazy" decoding="async">'] * 2
    assert log() == [message]
    assert str(caught.value) == message


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_attribute_without_a_value_leaves_no_gap(page, photo, language):
    first = page(language, f'{{% img photo.image {W} class=a alt="" %}}', {"photo": photo, "a": None})
    second = page(language, f'{{% img photo.image {W} alt="" %}}', {"photo": photo})

    assert first.content == second.content
