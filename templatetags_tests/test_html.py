"""The markup is valid HTML, as the Nu HTML Checker sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pytest

from templatetags_tests import nu, test_tags, test_tags_attributes, test_tags_values
from templatetags_tests.conftest import unavailable
from templatetags_tests.test_tags import shown

LANGUAGES = ("django", "jinja2")
TABLE = [*test_tags.ROWS, *test_tags_attributes.ROWS, *test_tags_values.ROWS]

ROWS = [
    '{% img photo.image width=20 alt="" %}',
    '{% img photo.image width=20 formats="avif webp" densities="1 1.5 2" alt="A cat" %}',
    '{% img photo.image width=20 formats="" densities="1" alt="" %}',
    '{% img photo.image width=20 format="webp" alt="" %}',
    '{% img photo.image format="png" alt="" %}',
    '{% img photo.image width=20 height=20 fit="contain" alt="" %}',
    '{% img photo.image width=20 ratio="square" focal="30% 70%" quality=70 alt="" %}',
    '{% img photo.image width=160 upscale=True alt="" %}',
    '{% img photo.image width=20 priority=True alt="" %}',
    '{% img photo.image width=20 picture_class="a" class="b c" id="x" title="A cat" alt="" %}',
    '{% img photo.image width=20 style="object-fit: cover" onload="this.x=1" hidden=True alt="" %}',
    '{% img photo.image width=20 data_foo_bar="1" aria_label="x" tabindex=-1 alt="A cat" %}',
    '{% img photo.image width=20 crossorigin=True referrerpolicy="no-referrer" decoding="sync" alt="" %}',
    "{% img photo.image width=20 alt=text class=text picture_class=text %}",
    '{% img odd.image width=20 alt="" %}',
    '<p><a href="/">{% img photo.image width=20 alt="A cat" %}</a></p>',
    '{% img nothing width=20 alt="" %}',
]


def documents(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return a page for each pair of an id and the markup in its body."""
    pages = {name: nu.page(markup) for name, markup in pairs}
    assert len(pages) == len(pairs), "two pairs share an id"
    return pages


# With two or more `<source>`, the checker looks for `loading="lazy"` on the `<source>` that follows instead of
# on the `<img>`, and so finds fault with the "auto" of all but the last one (Nu HTML Checker 26.9.27).
AUTO_ON_SOURCE = (
    "The “sizes” attribute value starting with “auto” is only valid for lazy-loaded images. "
    "The “img” element must have a “loading” attribute set to “lazy”."
)


def true_errors(document: str, errors: Sequence[str]) -> list[str]:
    """Return the errors of a document less those that the checker is wrong about."""
    pictures = re.findall(r"<picture.*?</picture>", document, re.DOTALL)
    is_mistaken = any(
        each.count("<source ") > 1 and re.search(r'<img [^>]* loading="lazy"', each) for each in pictures
    )
    return [error for error in errors if not (is_mistaken and error == AUTO_ON_SOURCE)]


AUTO = (
    '<picture><source type="image/avif" srcset="a.avif 20w" sizes="auto, 9vw">'
    '<source type="image/webp" srcset="a.webp 20w" sizes="auto, 9vw">'
    '<img srcset="a.jpg 20w" sizes="auto, 9vw" src="a.jpg" width="20" height="10" alt=""{}></picture>'
)
PLANTED = documents(
    [
        ("right", '<img srcset="a.jpg 1x, b.jpg 2x" src="a.jpg" alt="">'),
        ("wrong", '<img srcset="a.jpg 1x, b.jpg 2y" src="a.jpg" alt="">'),
        ("two sources", AUTO.format(' loading="lazy"')),
        ("two sources and not lazy", AUTO.format("")),
    ]
)


@pytest.fixture
def nu_errors() -> Callable[[Mapping[str, str]], dict[str, list[str]]]:
    """Return the function that gives the errors of documents by their ids."""
    if nu.checker() is None:
        unavailable("No Nu HTML Checker: `make html` fetches it, and Java runs it")
    return nu.errors


def test_the_checker_finds_what_is_wrong(nu_errors):
    found = nu_errors(PLANTED)

    assert found.keys() == {"wrong", "two sources", "two sources and not lazy"}
    assert "Bad value “a.jpg 1x, b.jpg 2y” for attribute “srcset”" in found["wrong"][0]
    assert found["two sources"] == [AUTO_ON_SOURCE]
    assert AUTO_ON_SOURCE in found["two sources and not lazy"]


def test_only_what_the_checker_is_wrong_about_is_left_out():
    both = [AUTO_ON_SOURCE, "Bad value"]
    one_source = re.sub(r"<source .*?>", "", PLANTED["two sources"], count=1)

    assert true_errors(PLANTED["two sources"], both) == ["Bad value"]
    assert true_errors(PLANTED["two sources and not lazy"], both) == both
    assert true_errors(one_source, both) == both


def test_a_tag_line_gives_valid_html(page, make_photo, nu_errors):
    context = {
        "photo": make_photo(),
        "odd": make_photo("photos/a 'cat' & <Ä>, 100% 1x.jpg"),
        "text": "<i class=\"a\">'&amp;' Ä 🐈",
    }

    pairs = [
        (f"{language}: {row}", page(language, row, context).content.decode())
        for language in LANGUAGES
        for row in ROWS
    ]

    assert sum("<img" in markup for _, markup in pairs) == len(pairs) - len(LANGUAGES)
    assert nu_errors(documents(pairs)) == {}


def test_an_original_that_stands_in_is_valid_html(page, make_photo, settings, nu_errors):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    context = {"photo": make_photo("photos/a 'cat' & <Ä>.jpg")}

    pairs = [(language, page(language, ROWS[0], context).content.decode()) for language in LANGUAGES]

    assert all('<img src="/media/photos/a%20' in markup for _, markup in pairs)
    assert nu_errors(documents(pairs)) == {}


def test_the_table_gives_valid_html(page, db, settings, nu_errors):
    pairs = [
        (f"{number}: {template}", shown(page, settings, "django", template))
        for number, (template, _) in enumerate(TABLE)
        if "sizes=text" not in template  # of the author alone it depends what stands there
    ]

    pages = documents(pairs)

    found = {name: true_errors(pages[name], errors) for name, errors in nu_errors(pages).items()}
    assert {name: errors for name, errors in found.items() if errors} == {}


@pytest.mark.parametrize(
    "loading", ["", 'loading="lazy"', 'loading="eager"', "loading=nothing", "priority=True"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_auto_stands_on_a_source_only_where_the_img_is_lazy(page, photo, loading, language):
    line = f'{{% img photo.image widths="20 40" sizes="9vw" formats="avif webp" {loading} alt="" %}}'

    html = page(language, line, {"photo": photo}).content.decode()

    is_lazy = loading in {"", 'loading="lazy"'}
    assert (' loading="lazy"' in html) is is_lazy
    assert re.findall(r'<(\w+) [^>]*sizes="([^"]*)"', html) == [
        (name, "auto, 9vw" if is_lazy else "9vw") for name in ("source", "source", "img")
    ]
