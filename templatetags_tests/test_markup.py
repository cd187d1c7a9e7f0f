from __future__ import annotations

import html

import html5lib
import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from responsive_img.manifest import Manifest, Rendition, compose
from responsive_img.markup import (
    SIZES,
    attribute,
    element,
    escape_value,
    ordered,
    parts,
    parts_of_urls,
    sizes,
)

CONTROLS = {*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)}
JPEG = [Rendition("jpeg", "a.jpg", "1x"), Rendition("jpeg", "b.jpg", "2x")]
PICTURE = compose([Rendition("webp", "a.webp", "1x"), Rendition("webp", "b.webp", "2x"), *JPEG], (400, 300))


def without_controls(text: str) -> str:
    return "".join(char for char in text if ord(char) not in CONTROLS)


def parsed(markup: str) -> dict[str, str]:
    """Return the attributes of the one element that a browser makes of it."""
    body = html5lib.parse(f"<p>{markup}</p>", namespaceHTMLElements=False).find("body")
    assert body is not None
    (paragraph,) = body
    (img,) = paragraph
    assert (paragraph.tag, paragraph.text, img.tag, img.tail, len(img)) == ("p", None, "img", None, 0)
    return dict(img.attrib)


class Html:
    """A value that says it is HTML, but may say anything."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __html__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Html({self.text!r})"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Cat & dog", "Cat &amp; dog"),
        ("<b> \"a\" 'b'", "&lt;b&gt; &quot;a&quot; &#x27;b&#x27;"),
        ("&amp;", "&amp;amp;"),
        ("a\x00b\nc\td\x7fe\x85f\ud800g", "abcdefg"),
        ("\u2028 \u00a0\ufeff", "\u2028 \u00a0\ufeff"),
        (1234567.5, "1234567.5"),
        (1000000, "1000000"),
        (b"x", "b&#x27;x&#x27;"),
        (mark_safe("Cat &amp; <b>"), "Cat &amp; &lt;b&gt;"),
        (mark_safe("\"'\x00"), "&quot;&#x27;"),
        (Markup("&lt;&#10;"), "&lt;&#10;"),
        (format_html("{}", "<&>"), "&lt;&amp;&gt;"),
        (Html('" onload="x'), "&quot; onload=&quot;x"),
        (Html(SafeString("<")), "&lt;"),
    ],
    ids=repr,
)
def test_value_is_escaped_once(value, text):
    assert escape_value(value) == text


def test_value_is_never_localised(settings):
    settings.USE_THOUSAND_SEPARATOR = True
    settings.LANGUAGE_CODE = "de"

    assert escape_value(1234567.5) == "1234567.5"


@given(st.text())
def test_value_is_escaped_as_the_standard_library_does(text):
    assert escape_value(text) == html.escape(without_controls(text))


@given(st.text())
def test_value_is_what_a_browser_reads_but_for_control_characters(text):
    found = parsed(f"<img{attribute('alt', text)}>")

    assert found == {"alt": without_controls(text)}


@given(st.text(), st.sampled_from([mark_safe, Markup, Html]))
def test_value_that_says_it_is_html_cannot_end_the_attribute(text, wrap):
    found = parsed(f"<img{attribute('alt', wrap(text))} id=x>")

    assert found.keys() == {"alt", "id"}
    assert found["id"] == "x"


@given(st.text(), st.sampled_from([mark_safe, Markup, Html]))
def test_value_that_says_it_is_html_is_read_as_its_author_meant(text, wrap):
    found = parsed(f"<img{attribute('alt', wrap(html.escape(text)))}>")

    assert found == {"alt": without_controls(text)}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("class", "a b", ' class="a b"'),
        ("class", "", ' class=""'),
        ("class", None, ""),
        ("class", False, ""),
        ("hidden", True, " hidden"),
        ("tabindex", 0, ' tabindex="0"'),
        ("alt", None, ' alt=""'),
        ("alt", False, ' alt=""'),
        ("alt", True, ' alt=""'),
        ("alt", "", ' alt=""'),
    ],
)
def test_attribute_is_left_out_bare_or_quoted(name, value, text):
    assert attribute(name, value) == text


def test_attributes_have_one_order_and_defaults():
    found = ordered({"id": "x", "class": "y", "alt": "z"}, priority=False)

    assert list(found.items()) == [
        ("alt", "z"),
        ("id", "x"),
        ("class", "y"),
        ("loading", "lazy"),
        ("decoding", "async"),
        ("fetchpriority", None),
    ]


def test_attributes_of_what_the_visitor_waits_for():
    found = ordered({"class": "y"}, priority=True)

    assert list(found.items()) == [
        ("class", "y"),
        ("loading", "eager"),
        ("decoding", None),
        ("fetchpriority", "high"),
    ]


def test_attributes_of_the_template_win_over_the_defaults():
    given_ones = {"fetchpriority": "low", "decoding": "sync", "loading": None}

    assert list(ordered(given_ones, priority=False).items()) == [
        ("loading", None),
        ("decoding", "sync"),
        ("fetchpriority", "low"),
    ]


def test_parts_of_a_picture_stand_around_the_attributes():
    assert parts(PICTURE, "/m/") == (
        '<picture><source type="image/webp" srcset="/m/a.webp 1x, /m/b.webp 2x">'
        '<img srcset="/m/a.jpg 1x, /m/b.jpg 2x" src="/m/a.jpg" width="400" height="300"',
        "></picture>",
    )


def test_parts_of_one_format_are_a_plain_img():
    assert parts(compose(JPEG[:1], (400, 300)), "/m/") == (
        '<img src="/m/a.jpg" width="400" height="300"',
        ">",
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((None, None), ""),
        ((4, None), ' width="4"'),
        ((None, 3), ' height="3"'),
        ((4, 3), ' width="4" height="3"'),
    ],
)
def test_side_that_is_not_known_is_left_out(size, text):
    assert parts(compose(JPEG[:1], size), "/m/") == (f'<img src="/m/a.jpg"{text}', ">")


WIDTHS = compose(
    [Rendition(name, f"{width}.{name}", f"{width}w") for name in ("webp", "jpeg") for width in (4, 8)], (8, 6)
)


def test_every_srcset_of_widths_leaves_a_place_for_its_sizes():
    assert parts(WIDTHS, "/m/") == (
        f'<picture><source type="image/webp" srcset="/m/4.webp 4w, /m/8.webp 8w" sizes="{SIZES}">'
        f'<img srcset="/m/4.jpeg 4w, /m/8.jpeg 8w" sizes="{SIZES}" src="/m/8.jpeg" width="8" height="6"',
        "></picture>",
    )


def test_urls_of_widths_that_are_each_asked_for_leave_the_same_places():
    assert parts_of_urls(WIDTHS, lambda name: f"/m/{name}", "") == parts(WIDTHS, "/m/")


def test_one_width_has_a_srcset_and_sizes_for_who_enlarges_the_layout():
    assert parts(compose([Rendition("jpeg", "4.jpg", "4w")], (4, 3)), "/m/") == (
        f'<img srcset="/m/4.jpg 4w" sizes="{SIZES}" src="/m/4.jpg" width="4" height="3"',
        ">",
    )


def test_what_is_shown_as_its_source_has_no_sizes():
    assert parts_of_urls(WIDTHS.without_renditions(), str, "/m/cat.jpg") == (
        '<img src="/m/cat.jpg" width="8" height="6"',
        ">",
    )


def test_place_of_the_sizes_is_none_that_a_value_can_hold():
    assert SIZES not in escape_value(f"a{SIZES}b")
    assert SIZES not in escape_value(Html(f"a{SIZES}b"))


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        (' alt="" loading="lazy" decoding="async"', "auto, 50vw"),
        (' loading="lazy"', "auto, 50vw"),
        (' alt="" loading="eager" fetchpriority="high"', "50vw"),
        (' alt=""', "50vw"),
        ("", "50vw"),
        (' data-loading="lazy"', "50vw"),
    ],
)
def test_sizes_are_auto_where_the_picture_is_lazy_and_only_there(attributes, text):
    assert sizes("50vw", attributes) == text


def test_text_of_a_value_makes_no_picture_lazy():
    assert sizes("50vw", attribute("alt", ' loading="lazy"')) == "50vw"


def test_parts_of_urls_are_each_asked_for():
    found = parts_of_urls(PICTURE, lambda name: f"https://x/{name}?a=1&amp;b", "")

    assert found == (
        '<picture><source type="image/webp" srcset="https://x/a.webp?a=1&amp;b 1x, https://x/b.webp?a=1&amp;b 2x">'
        '<img srcset="https://x/a.jpg?a=1&amp;b 1x, https://x/b.jpg?a=1&amp;b 2x" src="https://x/a.jpg?a=1&amp;b" '
        'width="400" height="300"',
        "></picture>",
    )


def test_parts_of_nothing_built_show_the_source():
    assert parts_of_urls(compose((), (4, 3)), str, "/m/cat.jpg") == (
        '<img src="/m/cat.jpg" width="4" height="3"',
        ">",
    )


@pytest.mark.parametrize(
    ("around", "picture_attributes", "text"),
    [
        (("<picture><img", "></picture>"), "", '<picture><img alt=""></picture>'),
        (("<picture><img", "></picture>"), ' class="x"', '<picture class="x"><img alt=""></picture>'),
        (("<img", ">"), "", '<img alt="">'),
        (("<img", ">"), ' class="x"', '<img alt="">'),
    ],
)
def test_element_puts_the_attributes_in_their_place(around, picture_attributes, text):
    assert element(around, ' alt=""', picture_attributes) == text


def test_prefix_of_every_url_is_the_one_given():
    found = parts(
        Manifest("r", 0, "", 1, 1, src="\x01a b", srcset="\x01a 1x"), "https://cdn.example/m&amp;m/"
    )

    assert found[0].count("https://cdn.example/m&amp;m/a") == 2
    assert "\x01" not in found[0]
