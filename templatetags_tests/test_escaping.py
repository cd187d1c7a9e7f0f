from __future__ import annotations

import html
import json
from collections.abc import Callable
from itertools import product
from urllib.parse import unquote

import pytest
from django.template.defaultfilters import escapejs_filter
from django.utils.html import escape as django_escape
from django.utils.html import json_script
from hypothesis import given
from hypothesis import strategies as st
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import escape as markupsafe_escape

from responsive_img.escaping import (
    ESCAPERS,
    LONGEST,
    Escaper,
    Found,
    escaped,
    find,
    start_of_prefix,
    start_of_shell,
    unfinished,
)
from responsive_img.marker import ELEMENT_SHELL, VALUE_SHELL

CORE = b"cGF5bG9hZA__.0123456789abcdefghi~"
ELEMENT = f"RI1.{CORE.decode()}.".join(ELEMENT_SHELL)
VALUE = f"RI1.{CORE.decode()}.".join(VALUE_SHELL)
# What a page can have in the place of a marker, as `markup` and `files` write it.
MARKUP = '<img src="/m/a%27b.jpg?x=1&amp;y" alt="Größe &quot;&#x27;&lt;\\ 🖼" loading="lazy">'
PLAIN_MARKUP = MARKUP.encode("ascii", "xmlcharrefreplace").decode().replace("\\", "&#92;")
URL = "https://example.com/m/a%27b-1.jpg?x=1&y=2"
CHAINS = [(), *[(name,) for name in ESCAPERS], *product(ESCAPERS, repeat=2)]
# Behind these, nothing of the shell of a value shows that a script's hyphens were escaped: to the script it is
# the same text.
HYPHENS_ARE_UNSEEN = {(name, "escapejs") for name in ("quote", "quote all", "quote_plus")}
# As a minifier or a parser writes the tag anew.
LOOSE = [
    "<img data-ri=RI1.{}.>",
    "<img data-ri=RI1.{}./>",
    "<img data-ri=RI1.{}. />",
    '<img data-ri="RI1.{}.">',
    '<img data-ri="RI1.{}." />',
    "<img data-ri='RI1.{}.'>",
    "<img data-ri='RI1.{}.'/>",
    '<img\n  data-ri="RI1.{}."\n/>',
    '<img class="x" data-ri="RI1.{}.">',
    '<img data-ri="RI1.{}." loading="lazy">',
]
OURS = [(ELEMENT, True, PLAIN_MARKUP), (VALUE, False, URL)]


def through(chain: tuple[str, ...], text: str) -> str:
    for name in chain:
        text = "".join(ESCAPERS[name](text))  # no longer safe, as when the next one is another library's
    return text


def the_one(text: str) -> Found:
    (found,) = find(text.encode())
    return found


def same(text: str) -> str:
    return text


@pytest.mark.parametrize(("marker", "is_element", "plain"), OURS, ids=["element", "value"])
@pytest.mark.parametrize("chain", CHAINS, ids=" then ".join)
def test_marker_is_found_whatever_escaped_it_and_its_text_is_escaped_alike(chain, marker, is_element, plain):
    before, after = through(chain, "Ä <p>"), through(chain, "</p>")
    text = through(chain, f"Ä <p>{marker}</p>")
    assert text.startswith(before)
    assert text.endswith(after)

    found = the_one(text)

    assert found.core == CORE
    assert found.is_element is is_element
    assert text.encode()[: found.start].decode() == before
    assert text.encode()[found.end :].decode() == after
    expected = through(chain, plain)
    if chain in HYPHENS_ARE_UNSEEN and not is_element:
        expected = expected.replace("\\u002D", "-")
    assert (found.escape or same)(plain) == expected


@pytest.mark.parametrize(
    ("escape", "name"),
    [
        (django_escape, "html"),
        (markupsafe_escape, "markupsafe"),
        (lambda text: json.dumps(text)[1:-1], "json"),
        (lambda text: json_script(text, "x").partition(">")[2].removesuffix("</script>")[1:-1], "json_script"),
        (lambda text: htmlsafe_json_dumps(text)[1:-1], "tojson"),
        (escapejs_filter, "escapejs"),
    ],
)  # fmt: skip
@given(text=st.text())
def test_escaper_is_that_of_its_name(escape: Callable[[str], object], name, text):
    assert ESCAPERS[name](text) == str(escape(text))


@pytest.mark.parametrize("name", ESCAPERS)
def test_escaper_leaves_the_core_as_it_is(name):
    assert ESCAPERS[name](f"RI1.{CORE.decode()}.") == f"RI1.{CORE.decode()}."


def test_longest_context_is_found_at_the_start_of_a_text():
    texts = [through(chain, marker) for chain in CHAINS for marker in (ELEMENT, VALUE)]

    assert max(text.index("RI1.") for text in texts) == LONGEST
    assert all(the_one(text).start == 0 for text in texts)


@pytest.mark.parametrize(
    ("name", "marker"),
    [(name, each) for name in ESCAPERS for each in (ELEMENT, VALUE) if ESCAPERS[name](each) != each],
)
def test_one_level_more_than_is_known_is_not_taken(name, marker):
    text = through((name,) * 3, marker)

    found = the_one(text)

    assert found.is_element is None
    assert found.escape is None
    assert text[found.start : found.end] == f"RI1.{CORE.decode()}."


@pytest.mark.parametrize(
    "text",
    [
        f"RI1.{CORE.decode()}.",
        f" RI1.{CORE.decode()}. ",
        f"?=RI1.{CORE.decode()}.",
        f"/~ri?=RI1.{CORE.decode()}.",
        f"&/~ri?=.RI1.{CORE.decode()}.",
        ELEMENT.replace("<img", "<a"),
        ELEMENT.replace("data-ri", "data-x"),
        ELEMENT.replace("<", "&lt;"),
        ELEMENT.replace("<", "\\u003c"),
        ELEMENT.replace("/>", ""),
        ELEMENT.replace(" data", "<p data"),
        ELEMENT.replace('"/', '"' + "x" * 65),
        ELEMENT.replace(" data", " data-data"),
        f"<img {'x' * 200} data-ri=RI1.{CORE.decode()}.>",
        f'<img alt="data-ri=RI1.{CORE.decode()}.',
        through(("json_script",), VALUE).replace("\\", "\\\\\\"),
    ],
)
def test_core_among_bytes_that_no_escaper_makes_is_neither_element_nor_value(text):
    found = the_one(text)

    assert found == Found(
        text.index("RI1."), text.index("RI1.") + len(CORE) + 5, CORE, is_element=None, escape=None
    )


@pytest.mark.parametrize("tag", LOOSE)
def test_tag_that_a_parser_wrote_anew_is_an_element(tag):
    tag = tag.format(CORE.decode())
    text = f"<p>{tag}</p>"

    assert the_one(text) == Found(3, 3 + len(tag), CORE, is_element=True, escape=None)


@pytest.mark.parametrize("marker", [ELEMENT, VALUE], ids=["element", "value"])
@pytest.mark.parametrize("chain", CHAINS, ids=" then ".join)
def test_marker_that_is_cut_anywhere_is_known_to_start_where_it_does(chain, marker):
    text = f"Ä <p>{through(chain, marker)}".encode()
    (whole,) = find(text)
    core = text.index(b"RI1.")
    core_end = core + len(CORE) + 5

    assert {start_of_prefix(text[:cut]) for cut in range(whole.start, core + 4)} == {whole.start}
    assert start_of_shell(text, core) == whole.start
    assert {unfinished(text[:cut], core, core_end) for cut in range(core_end, len(text))} <= {whole.start}
    assert unfinished(text, core, core_end) is None
    assert unfinished(text + b"</p>", core, core_end) is None


@pytest.mark.parametrize("tag", LOOSE)
def test_tag_that_a_parser_wrote_anew_is_known_to_start_where_it_does(tag):
    text = f"<p>{tag.format(CORE.decode())}".encode()
    core = text.index(b"RI1.")
    core_end = core + len(CORE) + 5

    assert start_of_shell(text, core) == 3
    assert {unfinished(text[:cut], core, core_end) for cut in range(core_end, len(text))} == {3}
    assert unfinished(text, core, core_end) is None


@pytest.mark.parametrize("text", [b"", b"<p>", b"a < b", b"R", b"RI1", b"\xff", b"&amp;lt;p", b"</", b"%20"])
def test_text_whose_end_starts_no_marker_is_kept_back_nowhere(text):
    assert start_of_prefix(text) == len(text)


@pytest.mark.parametrize("before", [b"", b"?=", b"/~ri?=", b"&lt;a data-ri=&quot;"])
def test_core_without_a_shell_starts_at_itself_and_ends_there(before):
    text = b"%bRI1.%b." % (before, CORE)

    assert start_of_shell(text, len(before)) == len(before)
    assert unfinished(text, len(before), len(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "RI1.",
        "RI1..",
        "RI1.cGF5bG9hZA__.",
        ELEMENT.replace("RI1", "RI2"),
        ELEMENT.replace("RI1.", "ri1."),
        ELEMENT.replace("~.", "~"),
        ELEMENT.replace("_", "-"),
        "",
    ],
)
def test_what_has_no_core_is_not_found(text):
    assert list(find(text.encode())) == []


def test_markers_come_in_their_order_each_with_its_own_escaping():
    texts = [
        ELEMENT,
        VALUE,
        through(("html",), ELEMENT),
        through(("json",), ELEMENT),
        f"RI1.{CORE.decode()}.",
    ]
    page = "<p>".join(texts).encode()

    found = list(find(page))

    assert [page[each.start : each.end].decode() for each in found] == texts
    assert [each.is_element for each in found] == [True, False, True, True, None]


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "shift_jis", "cp1252"])
def test_text_may_be_of_any_encoding_that_has_ascii_in_its_place(charset):
    before = "é¥".encode(charset, "replace") + b"\\\xff"

    (found,) = find(before + ELEMENT.encode() + before)

    assert found == Found(len(before), len(before) + len(ELEMENT), CORE, is_element=True, escape=None)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_beside_a_core_are_survived(before, after):
    text = b"%bRI1.%b.%b" % (before, CORE, after)

    (found,) = find(text)

    assert 0 <= found.start <= len(before)
    assert len(text) - len(after) <= found.end <= len(text)
    assert found.core == CORE
    assert found.is_element is not False or text[: found.start] + VALUE.encode() + text[found.end :] == text


@given(st.sampled_from(CHAINS), st.text(alphabet="<>&\"'\\/%u0;am2 =", max_size=9))
def test_text_before_a_marker_changes_nothing_unless_it_looks_like_one_level_more(chain, before):
    text = before.rstrip("\\") + through(chain, VALUE)

    found = the_one(text)

    assert found.is_element is False
    assert text[found.start :] == through(chain, VALUE)


def test_what_is_escaped_is_ascii_without_backslashes_as_far_as_it_is_html():
    assert escaped(MARKUP, same) == PLAIN_MARKUP
    assert html.unescape(PLAIN_MARKUP) == html.unescape(MARKUP)


def test_value_is_escaped_as_it_is():
    assert escaped("Größe\\", same) == "Größe\\"


@pytest.mark.parametrize("name", ["quote", "quote all"])
def test_escaped_element_is_unescaped_to_the_same(name):
    escape: Escaper = ESCAPERS[name]

    assert unquote(escaped(MARKUP, escape)) == PLAIN_MARKUP
