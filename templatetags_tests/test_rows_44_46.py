"""Rows 44 to 46 of the fault programme: markers that are forged, escaped, or written anew; through whole pages."""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import product
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, quote_plus
from xml.dom import minidom
from xml.etree import ElementTree as ET
from xml.sax import saxutils

import html5lib
import pytest
from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.defaultfilters import escapejs_filter, linebreaks_filter, striptags
from django.utils.html import escape, json_script, strip_spaces_between_tags, urlize
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from responsive_img import marker
from responsive_img.escaping import ESCAPERS
from templatetags_tests.conftest import ONE_FILE, RENDITION, respond
from templatetags_tests.models import Photo

TITLE = "Größe \"<b>\" & '🖼' \\ 100 %"
ONE_TITLED = ONE_FILE.replace('alt=""', "alt=photo.title")
URL_TAG = '{% img_url photo.image width=20 format="webp" %}'
URL = f"/media/{RENDITION}"
NOT_OURS = "A marker is left in the page, as its signature is not ours"
UNKNOWN_PLACE = "A marker is left in the page, as what stands beside it shows no escaping"
# The fixtures hold a picture that is built: all examples of a test can have the same one.
many = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Marked(NamedTuple):
    """What tags leave of one picture, and what is to take its place."""

    element: str
    value: str
    markup: str

    def core(self, name: str) -> str:
        """Return "RI1.….…." of the element or the value."""
        before, after = marker.ELEMENT_SHELL if name == "element" else marker.VALUE_SHELL
        return str(getattr(self, name)).removeprefix(before).removesuffix(after)


@pytest.fixture
def marked(render: Callable[..., str], make_photo: Callable[..., Photo]) -> Marked:
    """Return the markers of a built picture with an awkward title, and its markup."""
    photo = make_photo(title=TITLE)
    left: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        left.extend(render("django", tag, {"photo": photo}, request) for tag in (ONE_TITLED, URL_TAG))
        return HttpResponse("|".join(left))

    markup, url = respond(view).content.decode().split("|")
    assert url == URL
    # As plain texts: what is safe is escaped by nobody. The value of a tag comes escaped.
    element, value = "".join(left[0]), html.unescape(left[1])
    assert element.startswith(marker.ELEMENT_SHELL[0] + "RI1.")
    assert value.startswith(marker.VALUE_SHELL[0] + "RI1.")
    return Marked(element, value, markup)


def paged(text: str, **options: Any) -> str:
    """Return what a page becomes on its way through the middleware."""
    response = respond(lambda request: HttpResponse(text, **options))
    assert response.status_code == 200
    content = response.content
    assert isinstance(content, bytes)
    return content.decode()


def ascii_of(markup: str) -> str:
    """Return a markup as it is where it gets escaped: character references for all that escapers differ in."""
    return markup.encode("ascii", "xmlcharrefreplace").decode().replace("\\", "&#92;")


# Row 44: what others have made ---------------------------------------------------------------------------


def signed(secret: str, *fields: str) -> str:
    core = marker.seal(secret).core(fields)
    assert core is not None
    return f"RI1.{core.decode()}."


def shells(core: str) -> list[str]:
    """Return a core in all the shells that a page may have it in."""
    texts = [core.join(marker.ELEMENT_SHELL), core.join(marker.VALUE_SHELL)]
    return [core, *texts, *[escaper(text) for escaper in ESCAPERS.values() for text in texts]]


@pytest.mark.parametrize("secret", ["", "another", "not secret: these settings serve tests alone "])
@pytest.mark.parametrize("wanted", ["element", "url", "width"])
def test_row_44_a_marker_that_another_key_has_signed_is_untouched(db, save_file, log, secret, wanted):
    save_file()
    core = signed(secret, "w20", "default", "photos/cat.jpg", "", " alt=''", "", wanted)
    page = "<p>".join(shells(core))

    assert paged(page) == page
    (line,) = log()
    assert line.startswith(NOT_OURS)


@pytest.mark.parametrize("name", ["element", "value"])
def test_row_44_a_flipped_bit_anywhere_in_the_core_leaves_the_marker_untouched(marked, name):
    core = marked.core(name)
    before, after = marker.ELEMENT_SHELL if name == "element" else marker.VALUE_SHELL
    flipped = [
        core[:place] + chr(ord(core[place]) ^ bit) + core[place + 1 :]
        for place in range(len(core))
        for bit in (1, 2, 4, 8, 16, 32, 64)
    ]
    page = "<p>\n".join(each.join((before, after)) for each in flipped)

    assert paged(page) == page


@pytest.mark.parametrize("name", ["element", "value"])
def test_row_44_a_marker_without_its_end_or_its_start_is_untouched(marked, name):
    text = getattr(marked, name)
    core = marked.core(name)
    # From where its core is no longer whole.
    ends = range(1, text.index(core) + len(core))
    starts = range(text.index(core) + 1, len(text))
    page = "<p>\n".join([*[text[:end] for end in ends], *[text[start:] for start in starts]])

    assert paged(page) == page


def test_row_44_the_parts_of_two_markers_make_no_third_one(marked):
    one, other = (marked.core(name).removeprefix("RI1.").split(".") for name in ("element", "value"))
    page = "<p>".join(shells(f"RI1.{one[0]}.{other[1]}.") + shells(f"RI1.{other[0]}.{one[1]}."))

    assert paged(page) == page


@many
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 255)), min_size=1, max_size=4), st.data())
def test_row_44_any_damage_to_a_marker_leaves_the_others_whole(marked, damages, data):
    text = bytearray(data.draw(st.sampled_from([marked.element, marked.value])).encode())
    core = bytes(text)[text.index(b"RI1.") :].partition(b'"')[0]
    for place, bits in damages:
        text[place % len(text)] ^= bits
    damaged = bytes(text)
    page = b"<ul><li>%b</li><li>%b</li></ul>" % (damaged, marked.element.encode())

    response = respond(lambda request: HttpResponse(page))

    assert response.content.endswith(b"<li>" + marked.markup.encode() + b"</li></ul>")
    if core not in damaged:
        assert response.content.startswith(b"<ul><li>" + damaged + b"</li>")


@pytest.mark.parametrize("name", ["nothing", *ESCAPERS])
def test_row_44_kind_and_shell_must_agree(marked, log, name):
    escaper = ESCAPERS.get(name, str)
    page = (
        f'<a href="{escaper(marked.core("element").join(marker.VALUE_SHELL))}">'
        f"{escaper(marked.core('value').join(marker.ELEMENT_SHELL))}</a>"
    )

    assert paged(page) == page
    (line,) = log()
    assert line.startswith(UNKNOWN_PLACE)


@pytest.mark.parametrize(
    "around",
    [
        "{}", "x{}", '<a title="{}">', "<a href={}>", "<!--{}-->", "<script>{}</script>", "?={}", "~ri?={}", "&/~ri?{}",
        'data-ri="{}"/>', '<b data-ri="{}"/>', '<imgdata-ri="{}"/>', '<img data-ri="{}', '<img src="{}"/>', "&lt;img {}",
        "&amp;/~ri&quot;{}", '&lt;img data-ri="{}"/>', '<img data-ri=&quot;{}&quot;/>"', "url({})", "\\\\\\u0026/~ri?={}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["element", "value"])
def test_row_44_a_copied_core_among_other_bytes_is_untouched(marked, around, name):
    page = f"<p>{around.format(marked.core(name))}</p>"

    assert paged(page) == page


def test_row_44_a_copied_marker_in_the_text_of_a_user_is_escaped_as_that_text_is(marked, render):
    users = f"Look: {marked.element} {marked.value} {marked.core('element')}"
    context = {"text": users, "html": SafeString(users)}
    plain = ascii_of(marked.markup)

    for language, name in (("django", "html"), ("jinja2", "markupsafe")):
        page = render(language, '<p title="{{ text }}">{{ text }}</p>', context)
        text = paged(page)

        assert text.count(f"Look: {REAL[name](plain)} {URL} RI1.") == 2
        assert "<img" not in text
        assert paged(render(language, "{{ html }}", context)).startswith(f"Look: {marked.markup} {URL} RI1.")


def test_row_44_a_copied_marker_gives_nothing_raw_where_a_tag_could_not_be_written(marked):
    for name, escaper in ESCAPERS.items():
        if escaper("<b>") == "<b>":
            continue
        text = paged(f"<p>{escaper(marked.element)}</p>")

        assert text.count("<") == text.count(">") == 2, name


def test_row_44_a_signed_text_of_another_shape_is_untouched(db):
    key = django_settings.SECRET_KEY
    cores = [
        signed(key, "w20", "default", "photos/cat.jpg", "", "", "element"),
        signed(key, "w20", "default", "photos/cat.jpg", "", "", "", "", "element"),
        signed(key, "nothing of this library"),
    ]
    page = "<p>".join(text for core in cores for text in shells(core))

    assert paged(page) == page


@pytest.mark.parametrize(
    "text", ["RI1." * 50_000, "RI1." + "a" * 500_000, '<img data-ri="' * 30_000, "&/~ri?=" * 60_000]
)
def test_row_44_what_only_looks_like_markers_is_untouched_in_good_time(db, text):
    assert paged(text) == text


# Row 45: every chain of two escapers ---------------------------------------------------------------------

# The real ones, by the names that the library's table has for its own.
REAL: dict[str, Callable[[str], str]] = {
    "html": lambda text: str(escape(text)),
    "xml": saxutils.escape,
    "html without quotes": lambda text: html.escape(text, quote=False),
    "markupsafe": lambda text: str(Markup.escape(text)),
    "json": lambda text: json.dumps(text)[1:-1],
    "json with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json_script": lambda text: str(json_script(text)).partition(">")[2].removesuffix("</script>")[1:-1],
    "tojson": lambda text: str(htmlsafe_json_dumps(text))[1:-1],
    "escapejs": lambda text: str(escapejs_filter(text)),
    "quote": quote,
    "quote all": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
}
CHAINS = [(), *[(name,) for name in REAL], *product(REAL, repeat=2)]
# Nothing of a value's shell shows that its hyphens were escaped for a script: to the script it is the same.
HYPHENS_ARE_UNSEEN = {(name, "escapejs") for name in ("quote", "quote all", "quote_plus")}


def through(chain: tuple[str, ...], text: str) -> str:
    for name in chain:
        text = "".join(REAL[name](text))  # no longer safe, as when the next one is another library's
    return text


def value_through(chain: tuple[str, ...]) -> str:
    text = through(chain, URL)
    return text.replace("\\u002D", "-") if chain in HYPHENS_ARE_UNSEEN else text


def test_row_45_the_real_escapers_are_those_of_the_table():
    assert REAL.keys() == ESCAPERS.keys()
    assert len(CHAINS) == 157


@pytest.mark.parametrize("chain", CHAINS, ids=" then ".join)
def test_row_45_a_page_that_was_escaped_equals_the_escaped_page(marked, chain):
    before, between, after = (through(chain, text) for text in ("<p>Ä & ", "</p><p>", "</p>\n"))
    page = through(chain, f"<p>Ä & {marked.element}</p><p>{marked.value}</p>\n")

    expected = through(chain, ascii_of(marked.markup)) if chain else marked.markup
    assert paged(page) == before + expected + between + value_through(chain) + after


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "of another request"])
def test_row_45_all_chains_on_one_page(render, make_photo, cache_calls, is_own):
    photo = make_photo(title=TITLE)
    stored: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        tags = [render("django", tag, {"photo": photo}, request) for tag in (ONE_TITLED, URL_TAG)]
        if is_own or not stored:
            stored[:] = ["".join(tags[0]), html.unescape(tags[1])]
        return HttpResponse("|".join(f"{through(c, stored[0])}|{through(c, stored[1])}" for c in CHAINS))

    respond(view)
    markup = paged(stored[0])
    cache_calls.clear()
    texts = respond(view).content.decode().split("|")

    assert texts[0::2] == [markup, *[through(chain, ascii_of(markup)) for chain in CHAINS[1:]]]
    assert texts[1::2] == [value_through(chain) for chain in CHAINS]
    assert cache_calls["get_many"] == 1


DJANGO_FILTERS = (
    "force_escape", "force_escape|force_escape", "escapejs", "force_escape|escapejs", "escapejs|force_escape", "urlencode",
    "urlencode:''", "urlencode|force_escape", "force_escape|urlencode", "escapejs|urlencode:''", "stringformat:'s'",
    "json_script:'x'",
)  # fmt: skip
JINJA_FILTERS = (
    "forceescape", "forceescape|forceescape", "tojson", "string|tojson", "tojson|forceescape", "forceescape|tojson",
    "urlencode", "urlencode|forceescape", "forceescape|urlencode", "e", "safe", "string|urlencode|tojson",
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "filters"),
    [*[("django", each) for each in DJANGO_FILTERS], *[("jinja2", each) for each in JINJA_FILTERS]],
)
def test_row_45_the_filters_of_both_languages_see_markup_and_marker_alike(marked, language, filters):
    template = engines[language].from_string(f"<p>{{{{ text|{filters} }}}}</p>")

    def shown(text: str) -> str:
        return str(template.render({"text": SafeString(text) if language == "django" else Markup(text)}))  # noqa: S704 - the page is what is tested

    page = shown(marked.element)
    is_raw = marked.element in page

    assert paged(page) == shown(marked.markup if is_raw else ascii_of(marked.markup))


# Row 46: what writes a page anew --------------------------------------------------------------------------

Rewrite = Callable[[str], str]


def html5lib_with(**options: Any) -> Rewrite:
    """Return what parses a page as browsers do, and writes it anew."""

    def rewritten(text: str) -> str:
        return str(html5lib.serialize(html5lib.parseFragment(text), tree="etree", **options))

    return rewritten


def html5lib_of_dom(text: str) -> str:
    fragment = html5lib.parseFragment(text, treebuilder="dom")
    return str(html5lib.serialize(fragment, tree="dom", quote_attr_values="always"))


class Writer(HTMLParser):
    """Writes a page anew from what the parser of the standard library tells."""

    def __init__(self, tag: str) -> None:
        super().__init__()
        self.tag, self.out = tag, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        written = " ".join([tag, *[self.tag.format(name, html.escape(value or "")) for name, value in attrs]])
        self.out += f"<{written}>"

    def handle_endtag(self, tag: str) -> None:
        self.out += f"</{tag}>"

    def handle_data(self, data: str) -> None:
        self.out += html.escape(data, quote=False)


def html_parser_with(tag: str) -> Rewrite:
    def rewritten(text: str) -> str:
        writer = Writer(tag)
        writer.feed(text)
        writer.close()
        return writer.out

    return rewritten


def element_tree(method: Literal["html", "xml"], *, short_empty_elements: bool = True) -> Rewrite:
    def rewritten(text: str) -> str:
        root = ET.fromstring(text)  # noqa: S314 - our own page
        return ET.tostring(root, "unicode", method, short_empty_elements=short_empty_elements)

    return rewritten


def dom(text: str) -> str:
    return str(minidom.parseString(text).childNodes[0].toxml())  # noqa: S318 - our own page


def without_quotes(text: str) -> str:
    """Drop the quotes of an attribute and the slash of its tag, as minify_html does."""
    return re.sub(r'="([^"\s=<>`\']+)"\s*/?>', r"=\1>", text)


def without_quotes_but_with_slash(text: str) -> str:
    return re.sub(r'="([^"\s=<>`\']+)"/>', r"=\1 />", text)


def without_slash(text: str) -> str:
    """Drop the slash of empty elements, as lxml, premailer and css_inline do."""
    return text.replace("/>", ">")


def with_space_before_slash(text: str) -> str:
    return text.replace("/>", " />")


def with_single_quotes(text: str) -> str:
    return re.sub(r'="([^"]*)"', r"='\1'", text)


def with_other_attributes(text: str) -> str:
    """Add what lazy loaders and styles in line add."""
    return text.replace("<img ", '<img class="a" style="width: 9px" ').replace("/>", ' loading="lazy">')


def wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 40, break_long_words=False, break_on_hyphens=False))


def in_capitals(text: str) -> str:
    return re.sub(r"<(/?)(\w+)", lambda match: f"<{match[1]}{match[2].upper()}", text)


RESOLVING: dict[str, Rewrite] = {
    "html5lib": html5lib_with(),
    "html5lib with all quotes": html5lib_with(quote_attr_values="always"),
    "html5lib with few quotes": html5lib_with(quote_attr_values="spec"),
    "html5lib with slashes": html5lib_with(use_trailing_solidus=True, quote_attr_values="always"),
    "html5lib with slashes, few quotes": html5lib_with(use_trailing_solidus=True, quote_attr_values="legacy"),
    "html5lib with spaced slashes": html5lib_with(
        use_trailing_solidus=True, space_before_trailing_solidus=True, minimize_boolean_attributes=False
    ),
    "html5lib with single quotes": html5lib_with(quote_char="'", quote_attr_values="always"),
    "html5lib sorted, stripped": html5lib_with(
        alphabetical_attributes=True, strip_whitespace=True, omit_optional_tags=True
    ),
    "html5lib of a DOM": html5lib_of_dom,
    "html.parser": html_parser_with('{}="{}"'),
    "html.parser with single quotes": html_parser_with("{}='{}'"),
    "html.parser without quotes": html_parser_with("{}={}"),
    "ElementTree, HTML": element_tree("html"),
    "ElementTree, XML": element_tree("xml"),
    "ElementTree, XML, with end tags": element_tree("xml", short_empty_elements=False),
    "minidom": dom,
    "quotes and slash dropped": without_quotes,
    "quotes dropped": without_quotes_but_with_slash,
    "slash dropped": without_slash,
    "slash after a space": with_space_before_slash,
    "single quotes": with_single_quotes,
    "other attributes": with_other_attributes,
    "wrapped": wrapped,
    "linebreaks": lambda text: str(linebreaks_filter(text, autoescape=False)),
    "urlize": lambda text: str(urlize(text)),
    "spaceless": lambda text: str(strip_spaces_between_tags(text)),
    "truncatewords_html": lambda text: Truncator(text).words(30, html=True),
    "truncatechars_html": lambda text: Truncator(text).chars(200, html=True),
}
RAW_VALUES_SURVIVE = {
    "quotes and slash dropped", "quotes dropped", "slash dropped", "slash after a space", "single quotes", "wrapped",
    "spaceless",
}  # fmt: skip


def images_of(text: str) -> list[dict[str, str]]:
    """Return the attributes of all pictures as a browser reads them."""
    fragment = html5lib.parseFragment(text, namespaceHTMLElements=False)
    return [dict(each.attrib) for each in fragment.iter("img")]


@pytest.mark.parametrize("name", RESOLVING)
def test_row_46_a_page_that_was_written_anew_shows_the_picture(marked, name):
    rewrite = RESOLVING[name]
    written = rewrite(f"<div><p>One, two <b>three</b></p> {marked.element}<p>and four</p></div>")
    assert "RI1." in written

    page = paged(written)

    assert page.count(marked.markup) == 1
    assert "RI1." not in page
    assert len(page) - len(written) == len(marked.markup) - len(rewritten_tag(written))
    (image,) = images_of(page)
    assert image == images_of(marked.markup)[0]


def rewritten_tag(text: str) -> str:
    """Return what became of a marker's tag."""
    match = re.search(r"<img\s[^<>]*>", text)
    assert match is not None
    return match[0]


@pytest.mark.parametrize("name", RESOLVING)
def test_row_46_a_value_in_an_attribute_is_written_anew_with_it(marked, name):
    # A template escapes what is no HTML.
    written = RESOLVING[name](f'<div><a href="{escape(marked.value)}">One</a> two</div>')
    assert "RI1." in written

    page = paged(written)

    assert "RI1." not in page
    fragment = html5lib.parseFragment(page, namespaceHTMLElements=False)
    (link,) = list(fragment.iter("a"))
    assert link.attrib["href"] == URL


@pytest.mark.parametrize("name", sorted(RAW_VALUES_SURVIVE))
def test_row_46_a_value_in_a_style_survives_what_does_not_parse(marked, name):
    written = RESOLVING[name](f"<div><style>a {{ background: url({marked.value}) }}</style></div>")

    assert f"url({URL})" in paged(written)


def sanitized(text: str) -> str:
    """Drop what html5lib's sanitizer does not know, such as `data-` attributes."""
    with pytest.warns(DeprecationWarning, match="sanitizer is deprecated"):
        return html5lib_with(sanitize=True)(text)


def without_data_attributes(text: str) -> str:
    """Drop what nh3 and bleach do not know."""
    return re.sub(r'\sdata-[\w-]+="[^"]*"', "", text)


DROPPING: dict[str, Rewrite] = {
    "html5lib's sanitizer": sanitized,
    "without data attributes": without_data_attributes,
    "striptags": lambda text: str(striptags(text)),
    "without images": lambda text: re.sub(r"<img\b[^>]*>", "", text),
}


@pytest.mark.parametrize("name", DROPPING)
def test_row_46_a_marker_that_was_taken_away_is_absent(marked, name):
    written = DROPPING[name](f"<p>One</p>{marked.element}<p>two</p>")
    assert "RI1." not in written

    page = paged(written)

    assert page == written
    assert [image for image in images_of(page) if image] == []


BREAKING: dict[str, Rewrite] = {
    "truncatechars": lambda text: Truncator(text).chars(60),
    "upper": str.upper,
    "slice": lambda text: text[:80],
    "the end": lambda text: text[80:],
    "title": str.title,
    "capital tags": in_capitals,
    "words broken": lambda text: "\n".join(textwrap.wrap(text, 40)),
    "another attribute": lambda text: text.replace("data-ri", "data-x"),
    "another tag": lambda text: text.replace("<img", "<amp-img"),
    "hyphens": lambda text: text.replace("RI1.", "RI1.\u00ad"),
    "cleaned by escaping": lambda text: text.replace("<img", "&lt;img"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_row_46_a_marker_that_was_broken_is_left_as_it_is(marked, name):
    written = BREAKING[name](f"<p>One</p>{marked.element}<p>two</p>")

    assert paged(written) == written


def test_row_46_a_marker_that_was_broken_spoils_none_beside_it(marked):
    text = f"<p>One</p>{marked.element}<p>two</p>"
    broken = "\n".join(rewrite(text) for rewrite in BREAKING.values())

    page = paged(f"{text}{broken}{text}")

    whole = f"<p>One</p>{marked.markup}<p>two</p>"
    assert page == f"{whole}{broken}{whole}"
