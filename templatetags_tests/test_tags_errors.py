"""What a tag refuses: when its template is compiled, and what can be seen only when it is rendered."""

from __future__ import annotations

from typing import Any

import pytest
from django.template import TemplateSyntaxError as DjangoSyntaxError
from jinja2 import TemplateSyntaxError as JinjaSyntaxError

from responsive_img import Img
from responsive_img.exceptions import SpecError
from templatetags_tests.test_tags import LANGUAGES, W

SYNTAX_ERRORS = {"django": DjangoSyntaxError, "jinja2": JinjaSyntaxError}
PRESETS: dict[str, Any] = {
    "card": {"width": 20},
    "wide": {"widths": "20 40"},
    "keys": ["card"],
    "wrong": {"width": "x"},
}

OWN = (
    "width, height, ratio, fit, focal, upscale, densities, widths, sizes, formats, format, quality, build, "
    "priority, picture_class, and every HTML attribute of <img> (data_…, aria_…)."
)
LENGTH = "'{}' must be a whole number of px from 1 on, not {}."
LIMIT = "'{}' comes to {} px, over the limit of 4096 px (RESPONSIVE_IMG_MAX_WIDTH)."
WIDTHS = "'widths' must be whole numbers of px from 1 on such as '320 640 960', not {}."
RATIO = (
    "'ratio' must be width over height such as '16/9' or 1.5, between 1/100 and 100, "
    "or one of: square, video, video_vertical, golden, golden_vertical; not {}."
)
FORMATS = "Choices: avif, jpeg, png, webp."
RATIO_AND_SIDES = "'ratio' contradicts 'width' with 'height': the two sides are the ratio already."
FIT_ALONE = "'fit' needs a box: 'width' and 'height', or 'ratio'."
FOCAL_AND_CONTAIN = "'focal' contradicts fit='contain', which shows the whole source."
WIDTHS_AND_DENSITIES = "'widths' contradicts 'densities': candidates are told apart by one or the other."
SIZES_ALONE = "'sizes' needs 'widths': only they leave the choice of a width to the browser."
FORMAT_AND_FORMATS = "'format' (this one alone) contradicts 'formats' (offered before the fallback)."
LAZY_PRIORITY = "'priority' contradicts loading=\"lazy\"."
POSITIONAL = (
    "it takes a source, perhaps a preset, then keyword arguments; it was given {} positional argument(s)."
)
DENSITIES_17 = " ".join(f"{1 + number / 10:g}" for number in range(17))
WIDTHS_17 = " ".join(str(number) for number in range(20, 37))
# Arguments, and what is wrong with them.
ERRORS: list[tuple[str, str]] = [
    # Contradictions.
    ('photo.image widths="20" densities="1 2" alt=""', WIDTHS_AND_DENSITIES),
    ('photo.image sizes="50vw" alt=""', SIZES_ALONE),
    ('photo.image width=20 sizes="50vw" alt=""', SIZES_ALONE),
    ('photo.image "card" sizes="50vw" alt=""', SIZES_ALONE),
    ('photo.image format="webp" formats="avif" alt=""', FORMAT_AND_FORMATS),
    ('photo.image width=20 height=20 ratio="1/1" alt=""', RATIO_AND_SIDES),
    ('photo.image width=20 fit="cover" alt=""', FIT_ALONE),
    ('photo.image fit="contain" alt=""', FIT_ALONE),
    ('photo.image widths="20" fit="cover" alt=""', FIT_ALONE),
    ('photo.image "card" fit="cover" alt=""', FIT_ALONE),
    ('photo.image ratio="1/1" fit="contain" focal="1% 1%" alt=""', FOCAL_AND_CONTAIN),
    ('photo.image width=20 height=20 fit="contain" focal="1% 1%" alt=""', FOCAL_AND_CONTAIN),
    ('photo.image priority=True loading="lazy" alt=""', LAZY_PRIORITY),
    ('photo.image "keys" alt=""', "Preset 'keys' is a list of presets, for the warmer; a tag takes one."),
    # Contradictions among literals are seen where another argument is an expression.
    ('photo.image height=wide widths="20" densities="1 2" alt=text', WIDTHS_AND_DENSITIES),
    ('photo.image quality=wide width=20 height=20 ratio="1/1" alt=text', RATIO_AND_SIDES),
    ('photo.image width=wide format="webp" formats="avif" alt=text', FORMAT_AND_FORMATS),
    ('photo.image width=wide ratio="1/1" fit="contain" focal="1% 1%" alt=text', FOCAL_AND_CONTAIN),
    # What is missing is missed where no expression can bring it.
    ('photo.image width=wide sizes="50vw" alt=""', SIZES_ALONE),
    ('photo.image width=wide fit="cover" alt=""', FIT_ALONE),
    ('photo.image width=20 quality=wide fit="cover" alt=""', FIT_ALONE),
    # Names.
    ("photo.image width=20", "'alt' is required: describe the picture, or write alt=\"\" for decoration."),
    ('photo.image widht=20 alt=""', f"Unknown argument 'widht'. Did you mean 'width'? Choices: {OWN}"),
    ('photo.image widht=wide alt=""', f"Unknown argument 'widht'. Did you mean 'width'? Choices: {OWN}"),
    ('photo.image wdiths="20 40" alt=""', f"Unknown argument 'wdiths'. Did you mean 'widths'? Choices: {OWN}"),
    ('photo.image size="50vw" alt=""', f"Unknown argument 'size'. Did you mean 'sizes'? Choices: {OWN}"),
    ('photo.image clas="x" alt=""', f"Unknown argument 'clas'. Did you mean 'class'? Choices: {OWN}"),
    ('photo.image zzzzzz=1 alt=""', f"Unknown argument 'zzzzzz'. Choices: {OWN}"),
    ('photo.image absolute=True alt=""', "'absolute' belongs to {% img_url %}: a picture has the URLs of its storage."),
    ('photo.image data-foo="1" alt=""', "Write 'data_foo' instead of 'data-foo'."),
    ('photo.image data-foo-bar="1" alt=""', "Write 'data_foo_bar' instead of 'data-foo-bar'."),
    ('photo.image aria-label="1" alt=""', "Write 'aria_label' instead of 'aria-label'."),
    ('photo.image data_="x" alt=""', f"Unknown argument 'data_'. Choices: {OWN}"),
    ('photo.image data_a="x" data_A="y" alt=""', "'data-a' is given twice."),
    ('photo.image src="x" alt=""', "'src' is written by the tag itself."),
    ('photo.image srcset="x" alt=""', "'srcset' is written by the tag itself."),
    ('photo.image width=20 width=30 alt=""', "'width' is given twice."),
    ('photo.image width=20 alt="" alt="x"', "'alt' is given twice."),
    # Presets.
    ('photo.image "crad" alt=""',
     "Unknown preset 'crad'. Did you mean 'card'? Choices: card, keys, wide, wrong."),
    ('photo.image "wrong" alt=""',
     "Preset 'wrong': 'width' must be a whole number of px from 1 on, not 'x'."),
    ('photo.image 20 alt=""', "A preset is given by its name, not 20."),
    ('photo.image "" alt=""', "A preset is given by its name, not ''."),
    ('photo.image preset="card" alt=""',
     "The name of a preset stands behind the source, without 'preset='."),
    # Values.
    ('photo.image width=0 alt=""', LENGTH.format("width", 0)),
    ('photo.image width=-1 alt=""', LENGTH.format("width", -1)),
    ('photo.image height="1.5" alt=""', LENGTH.format("height", "'1.5'")),
    ('photo.image width="800;rm" alt=""', LENGTH.format("width", "'800;rm'")),
    ('photo.image width="1e9" alt=""', LENGTH.format("width", "'1e9'")),
    ('photo.image width=True alt=""', LENGTH.format("width", True)),
    ('photo.image widths="20 4O" alt=""', WIDTHS.format("'20 4O'")),
    ('photo.image widths="20w" alt=""', WIDTHS.format("'20w'")),
    ('photo.image widths=True alt=""', WIDTHS.format("True")),
    ('photo.image widths="" alt=""', WIDTHS.format("''")),
    ('photo.image widths="20" sizes=50 alt=""',
     "'sizes' must be text such as '(max-width: 600px) 100vw, 50vw', not 50."),
    ('photo.image width=20 ratio="wide" alt=""', RATIO.format("'wide'")),
    ('photo.image width=20 ratio=0 alt=""', RATIO.format(0)),
    ('photo.image fit="fill" ratio="1/1" alt=""', "'fit' must be one of: contain, cover; not 'fill'."),
    ('photo.image ratio=1 focal="left" alt=""',
     "'focal' must be a point such as '30% 70%' or (0.3, 0.7), not 'left'."),
    ('photo.image ratio=1 focal="30% 101%" alt=""',
     "'focal' must lie within the picture, 0% to 100%, not '30% 101%'."),
    ('photo.image upscale="yes" width=20 alt=""', "'upscale' must be True or False, not 'yes'."),
    ('photo.image width=20 densities="2x" alt=""', "'densities' must be numbers such as '1 2', not '2x'."),
    ('photo.image width=20 densities="0.5" alt=""', "'densities' must be numbers from 1 to 100, not '0.5'."),
    ('photo.image width=20 format="gif" alt=""', f"Unknown format 'gif'. {FORMATS}"),
    ('photo.image width=20 format=5 alt=""', "'format' must be one of: avif, webp, jpeg, png; not 5."),
    ('photo.image formats="wepb" alt=""', f"Unknown format 'wepb'. Did you mean 'webp'? {FORMATS}"),
    ('photo.image width=20 quality=101 alt=""', "'quality' must be whole numbers from 1 to 100, not 101."),
    ('photo.image width=20 quality="webp" alt=""', "'quality' must be whole numbers from 1 to 100, not 'webp'."),
    ('photo.image width=20 quality="wepb 70" alt=""', f"Unknown format 'wepb'. Did you mean 'webp'? {FORMATS}"),
    ('photo.image width=20 quality="webp 70 jpeg" alt=""',
     "'quality' must be a number such as 70, or pairs such as 'webp 70 avif 55', not 'webp 70 jpeg'."),
    ('photo.image width=wide height=20 quality=0 alt=""',
     "'quality' must be whole numbers from 1 to 100, not 0."),
    ('photo.image build="now" alt=""', "'build' must be one of: src, srcset, all; not 'now'."),
    ('photo.image build=True alt=""', "'build' must be one of: src, srcset, all; not True."),
    ('photo.image priority="false" alt=""', "'priority' must be True or False, not 'false'."),
    ('photo.image priority=1 alt=""', "'priority' must be True or False, not 1."),
    # Limits.
    ('photo.image width=5000 alt=""', LIMIT.format("width", 5000)),
    ('photo.image height=5000 alt=""', LIMIT.format("height", 5000)),
    ('photo.image width=4096 ratio="1/2" alt=""', LIMIT.format("height", 8192)),
    ('photo.image widths="20 5000" alt=""', LIMIT.format("widths", 5000)),
    ('photo.image widths="20 4096" ratio="1/2" alt=""', LIMIT.format("widths", 8192)),
    ('photo.image "wide" height=5000 alt=""', LIMIT.format("height", 5000)),
    (f'photo.image width=20 densities="{DENSITIES_17}" alt=""',
     "34 renditions of one picture are too many, the limit is 32."),
    (f'photo.image widths="{WIDTHS_17}" alt=""', "34 renditions of one picture are too many, the limit is 32."),
    # Positional arguments.
    ('width=20 alt=""', POSITIONAL.format(0)),
    ('photo.image "card" "card" alt=""', POSITIONAL.format(3)),
]  # fmt: skip
OF_URL = "build, fit, focal, format, height, quality, ratio, upscale, width"
ONE_URL = "'{}' contradicts one URL. Choices: width, height, ratio, fit, focal, upscale, format, quality, build, absolute."
CHOICES = f"Choices: absolute, {OF_URL}."
# Of `img_url`.
URL_ERRORS: list[tuple[str, str]] = [
    ('photo.image alt=""', ONE_URL.format("alt")),
    ("photo.image alt=title", ONE_URL.format("alt")),
    ('photo.image class="x"', ONE_URL.format("class")),
    ('photo.image id="x"', ONE_URL.format("id")),
    ("photo.image priority=True", ONE_URL.format("priority")),
    ('photo.image picture_class="x"', ONE_URL.format("picture_class")),
    ("photo.image widht=20", f"Unknown argument 'widht'. Did you mean 'width'? {CHOICES}"),
    ("photo.image abs=True", f"Unknown argument 'abs'. {CHOICES}"),
    ('photo.image densities="1 2"', ONE_URL.format("densities")),
    ('photo.image formats="webp"', ONE_URL.format("formats")),
    ('photo.image widths="20 40"', ONE_URL.format("widths")),
    ("photo.image widths=wide", ONE_URL.format("widths")),
    ('photo.image sizes="50vw"', ONE_URL.format("sizes")),
    ('photo.image absolute="yes"', "'absolute' must be True or False, not 'yes'."),
    ("photo.image absolute=1", "'absolute' must be True or False, not 1."),
    ("photo.image width=20 absolute=True absolute=False", "'absolute' is given twice."),
    ('photo.image width=20 height=20 ratio="1/1"', RATIO_AND_SIDES),
    ('photo.image width=20 fit="cover"', FIT_ALONE),
    ('photo.image ratio=1 fit="contain" focal="1% 1%"', FOCAL_AND_CONTAIN),
    ("photo.image width=5000", LIMIT.format("width", 5000)),
    ('photo.image "keys"', "Preset 'keys' is a list of presets, for the warmer; a tag takes one."),
    ('photo.image "crad"', "Unknown preset 'crad'. Did you mean 'card'? Choices: card, keys, wide, wrong."),
    ("width=20", POSITIONAL.format(0)),
]  # fmt: skip
LINES = [(f"img {line}", message) for line, message in ERRORS] + [
    (f"img_url {line}", message) for line, message in URL_ERRORS
]


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("line", "message"), LINES, ids=[row[0] for row in LINES])
def test_a_wrong_argument_is_refused_when_the_template_is_compiled(
    render, settings, line, message, language, debug
):
    settings.DEBUG = debug
    settings.RESPONSIVE_IMG_PRESETS = PRESETS
    template = f"{{% if never %}}{{% {line} %}}{{% endif %}}"

    with pytest.raises(SYNTAX_ERRORS[language]) as caught:
        render(language, template)

    text = getattr(caught.value, "message", str(caught.value))
    tag = line.partition(" ")[0]
    assert text == f"{{% {tag} %}}: {message}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("preset", "message", "rest"),
    [
        ({"fit": "cover"}, FIT_ALONE, 'ratio="1/1"'),
        ({"width": 20, "fit": "contain"}, FIT_ALONE, "height=20"),
        ({"sizes": "50vw"}, SIZES_ALONE, 'widths="20 40"'),
    ],
)
def test_what_a_preset_leaves_to_the_tag_is_missed_where_the_tag_does_not_bring_it(
    page, photo, settings, language, preset, message, rest
):
    settings.RESPONSIVE_IMG_PRESETS = {"part": preset}

    with pytest.raises(SYNTAX_ERRORS[language]) as caught:
        page(language, '{% img photo.image "part" alt="" %}', {"photo": photo})
    whole = page(language, f'{{% img photo.image "part" {rest} alt="" %}}', {"photo": photo})

    assert str(getattr(caught.value, "message", caught.value)) == f"{{% img %}}: {message}"
    assert b"/renditions/" in whole.content


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tag", ["responsive_img", "responsive_img_url"])
def test_the_long_alias_names_itself_in_its_errors(render, tag, language):
    with pytest.raises(SYNTAX_ERRORS[language]) as caught:
        render(language, f"{{% {tag} photo.image zz=1 %}}")

    assert str(caught.value).startswith(f"{{% {tag} %}}: Unknown argument 'zz'.")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("line", ["as", "as pic pic", "as pic width=20"])
def test_as_takes_one_name(render, language, line):
    with pytest.raises(SYNTAX_ERRORS[language]):
        render(language, f'{{% img photo.image width=20 alt="" {line} %}}')


RUN_TIME_ERRORS: list[tuple[str, str]] = [
    ("photo.image width=text", LENGTH.format("width", "'x'")),
    ("photo.image width=huge", LIMIT.format("width", 5000)),
    ("photo.image widths=huge", LIMIT.format("widths", 5000)),
    ("photo.image widths=text", WIDTHS.format("'x'")),
    ("photo.image text width=20", "Unknown preset 'x'. Choices: card."),
    ("photo.image huge width=20", "A preset is given by its name, not 5000."),
    ("photo.image lone width=20", "A preset is given by its name, not '\\ud800'."),
    ("photo.image width=20 height=side ratio='1/1'", RATIO_AND_SIDES),
    ("photo.image 'card' fit=fit", FIT_ALONE),
    ("photo.image width=side fit=fit", FIT_ALONE),
    ("photo.image widths=side densities='1'", WIDTHS_AND_DENSITIES),
    ("photo.image width=20 sizes=vw", SIZES_ALONE),
    ("photo.image card sizes=vw", SIZES_ALONE),
    ("photo.image format=format formats='avif'", FORMAT_AND_FORMATS),
    ("photo.image width=20 height=20 fit='contain' focal=point", FOCAL_AND_CONTAIN),
    ("photo.image wide fit=fit", FIT_ALONE),
    ("photo.image keys width=20", "A preset is given by its name, not ['card']."),
    ("photo.image build=text width=20", "'build' must be one of: src, srcset, all; not 'x'."),
]
RUN_TIME_VALUES = {
    "text": "x",
    "huge": 5000,
    "side": 20,
    "fit": "cover",
    "lone": "\ud800",
    "vw": "50vw",
    "format": "webp",
    "point": "1% 1%",
    "card": "card",
    "keys": ["card"],
    "wide": Img(widths="20 40"),
}


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
@pytest.mark.parametrize(("arguments", "message"), RUN_TIME_ERRORS[:2], ids=["length", "limit"])
def test_values_of_a_picture_are_then_those_of_the_source(page, photo, log, language, arguments, message):
    context = {**RUN_TIME_VALUES, "photo": photo}
    line = f'{{% img {arguments} alt="" as pic %}}{{{{ pic.url }}}} {{{{ pic.srcset }}}}{{{{ pic.width }}}}'

    values = page(language, line, context).content.decode()
    url = page(language, f"{{% img_url {arguments} %}}", context).content.decode()

    assert values == "/media/photos/cat.jpg 80"
    assert url == "/media/photos/cat.jpg"
    assert log() == [f"The source is shown, as what is asked for cannot be: {message}"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("arguments", "sides"),
    [
        ("width=20 height=10", ' width="20" height="10"'),
        ('widths="10 20" ratio="2/1"', ' width="20" height="10"'),
        ("width=20", ""),
        ("width=wide height=10", ""),
        ("width=20 height=10 densities=many", ""),
    ],
)
def test_what_is_no_source_keeps_the_space_that_the_arguments_tell(page, db, log, language, arguments, sides):
    response = page(
        language, f'{{% img "/etc/passwd.jpg" {arguments} alt="" %}}', {"wide": "5" * 9, "many": range(1, 99)}
    )

    assert response.content.decode() == f'<img{sides} alt="" loading="lazy" decoding="async">'


NO_SOURCES: list[Any] = ["../secret.jpg", "/etc/passwd.jpg", "a\\b.jpg", "a\nb.jpg", 7, "x" * 1001]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", NO_SOURCES)
def test_what_is_no_source_leaves_an_element_without_an_address(page, db, log, language, source):
    line = '{% img source width=20 alt="A cat" %}'

    responses = [page(language, line, {"source": source}) for _ in range(2)]

    assert [response.content.decode() for response in responses] == [
        '<img alt="A cat" loading="lazy" decoding="async">'
    ] * 2
    assert len(log()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", NO_SOURCES)
def test_what_is_no_source_has_no_url(page, db, log, language, source):
    line = (
        "[{% img_url source width=20 %}{% img source width=20 alt='' as pic %}{{ pic.url }}{{ pic.width }}]"
    )

    assert page(language, line, {"source": source}).content == b"[]"
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

    message = (
        "A source is a file of a model, a name in the default storage, or 'static:' and the path of a static "
        "file, not <Photo: A cat>."
    )
    assert pages == ['<img alt="A cat" class="x" loading="lazy" decoding="async">'] * 2
    assert log() == [f"The source is shown, as what is asked for cannot be: {message}"]
    assert str(caught.value) == message
