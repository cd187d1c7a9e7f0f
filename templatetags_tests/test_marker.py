from __future__ import annotations

import json
import re
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsive_img.marker import CORE, ELEMENT_SHELL, SEPARATOR, VALUE_SHELL, Seal, cores, read, seal

SECRET = seal("one secret")
OTHER = seal("another secret")

# What a slot holds: no control characters, the last field not empty.
field = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
fields = (
    st.tuples(st.lists(field, max_size=6), field.filter(bool))
    .map(lambda parts: [*parts[0], parts[1]])
    .filter(lambda parts: 6 <= len(SEPARATOR.join(parts).encode()) <= 3072)
)


def core_of(parts: list[str], by: Seal = SECRET) -> bytes:
    """Return the core of fields that fit into a marker."""
    core = by.core(tuple(parts))
    assert core is not None
    return core


@given(fields)
def test_read_gives_back_the_fields(parts):
    assert read(core_of(parts), [SECRET]) == parts


def test_read_gives_no_empty_fields_at_the_end():
    core = core_of(["w400;f", "default", "a.jpg", "", "", ""])

    assert read(core, [SECRET]) == ["w400;f", "default", "a.jpg"]


@given(fields)
def test_core_passes_through_every_escaping(parts):
    core = core_of(parts).decode()

    assert re.fullmatch(CORE, core.encode())
    assert core == escape(core) == json.loads(json.dumps(core)) == quote(core)
    assert json.dumps(core) == f'"{core}"'


def test_core_is_the_same_in_every_process():
    assert seal("s").core(("w400", "default", "a.jpg")) == (b"dzQwMB9kZWZhdWx0H2EuanBn.HDmF28PIDsKL3cr3Toe8")


@given(fields)
def test_core_of_a_foreign_secret_is_none(parts):
    assert read(core_of(parts, OTHER), [SECRET]) is None


@given(fields)
def test_core_of_a_former_secret_is_read(parts):
    assert read(core_of(parts, OTHER), [SECRET, OTHER]) == parts


@given(fields)
def test_core_without_a_secret_is_none(parts):
    assert read(core_of(parts), []) is None


@given(fields, st.data())
def test_core_with_any_character_flipped_is_none(parts, data):
    core = core_of(parts)
    place = data.draw(st.integers(0, len(core) - 1))
    other = (core[place] + data.draw(st.integers(1, 255))) % 256

    assert read(core[:place] + bytes([other]) + core[place + 1 :], [SECRET]) is None


def test_core_with_any_character_flipped_is_none_everywhere():
    core = core_of(["w400", "default", "a.jpg"])

    for place in range(len(core)):
        for other in b"Aa0_~.-":
            if other != core[place]:
                assert read(core[:place] + bytes([other]) + core[place + 1 :], [SECRET]) is None


@given(fields, st.data())
def test_core_cut_or_grown_is_none(parts, data):
    core = core_of(parts)
    cut = data.draw(st.integers(1, len(core)))

    assert read(core[cut:], [SECRET]) is None
    assert read(core[:-cut], [SECRET]) is None
    assert read(core + b"A", [SECRET]) is None
    assert read(core + b"\n", [SECRET]) is None


@given(st.binary(max_size=80) | st.from_regex(CORE, fullmatch=True))
def test_anything_else_is_none(core):
    assert read(core, [SECRET]) is None


@pytest.mark.parametrize("payload", [b"AAAAA" * 3, b"~~~~____", b"A" * 9])
def test_signed_payload_that_is_no_text_is_none(payload):
    assert read(payload + b"." + SECRET.sign(payload), [SECRET]) is None


def test_fields_that_fill_a_marker_are_taken_and_one_more_byte_is_not():
    assert read(core_of(["a" * 3072]), [SECRET]) == ["a" * 3072]
    assert read(core_of(["a" * 3071]), [SECRET]) == ["a" * 3071]
    assert SECRET.core(("a" * 3073,)) is None
    assert SECRET.core(("ä" * 1537,)) is None


def test_seal_of_one_secret_is_made_once():
    assert seal("one secret") is SECRET


def test_signing_one_payload_leaves_no_trace_in_the_next():
    before = SECRET.sign(b"payload")
    SECRET.sign(b"another")

    assert SECRET.sign(b"payload") == before


def test_shells_show_which_escaping_was_applied():
    assert "RI1.x.y.".join(ELEMENT_SHELL) == '<img data-ri="RI1.x.y."/>'
    assert "RI1.x.y.".join(VALUE_SHELL) == "&/~ri?=RI1.x.y."


@given(fields, fields)
def test_cores_of_a_text_are_those_of_its_markers_in_their_order(parts, others):
    found = [core_of(parts), core_of(others), core_of(parts, OTHER)]

    text = b"".join(b"<p>%b RI1.%b.</p>" % (b"RI1.short.x.", core) for core in found)

    assert cores(text) == found


@pytest.mark.parametrize(
    "text",
    [b"", b"RI1.", b"RI1.%b", b"RI2.%b.", b"RI1 %b.", b"ri1.%b.", b"RI1.%b.".replace(b"%b", b"%b-")],
)
def test_what_only_begins_like_a_marker_has_no_core(text):
    assert cores(text.replace(b"%b", core_of(["w400", "default", "a.jpg"]))) == []
