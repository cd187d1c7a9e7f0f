from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from responsive_img.manifest import (
    FAILED,
    PENDING,
    PREFIX,
    READY,
    SCHEMA,
    Manifest,
    Rendition,
    compose,
    loads,
    with_urls,
)
from templatetags_tests.strategies import manifests

GOOD = [SCHEMA, READY, 0, "", 4, 3, "", "", ""]


def values(manifest: Manifest | None) -> list[object]:
    return [getattr(manifest, field.name) for field in fields(Manifest)]


@given(manifests)
def test_manifest_survives_its_text(manifest):
    assert values(loads(manifest.dumps())) == values(manifest)


def test_text_is_one_flat_list():
    manifest = Manifest(
        READY,
        7,
        "v",
        400,
        None,
        src="\x01photos/a-1.jpg",
        srcset="\x01photos/a-1.jpg 1x",
        sources=(("image/webp", "\x01photos/a-ä.webp 1x"),),
    )

    text = manifest.dumps()

    assert text == '[1,"r",7,"v",400,null,"photos/a-","<1.jpg","<1.jpg 1x","image/webp","<ä.webp 1x"]'


def test_equal_texts_are_read_into_one_object():
    text = json.dumps([*GOOD, "x", "y"])

    assert loads(text) is loads(str(text.encode(), "utf-8"))


def test_manifest_is_frozen_and_compared_by_identity():
    manifest = Manifest(READY, 0, "", 1, 1)

    assert manifest != Manifest(READY, 0, "", 1, 1)
    with pytest.raises(FrozenInstanceError):
        manifest.width = 2  # type: ignore[misc] # the test


@pytest.mark.parametrize(
    "value",
    [
        None, 0, 1.5, b"[1]", object(), (1, 2), Manifest(READY, 0, "", 1, 1), {}, {1}, ["r"], bytearray(b"x"),
    ],
    ids=type,
)  # fmt: skip
def test_value_that_is_no_text_is_a_miss(value):
    assert loads(value) is None


@pytest.mark.parametrize(
    "flat",
    [
        [SCHEMA + 1, *GOOD[1:]],
        [None, *GOOD[1:]],
        ["1", *GOOD[1:]],
        [SCHEMA, "x", *GOOD[2:]],
        [SCHEMA, None, *GOOD[2:]],
        [SCHEMA, ["r"], *GOOD[2:]],
        [SCHEMA, READY, None, *GOOD[3:]],
        [SCHEMA, READY, 1.5, *GOOD[3:]],
        [SCHEMA, READY, True, *GOOD[3:]],
        [SCHEMA, READY, "0", *GOOD[3:]],
        [SCHEMA, READY, 0, None, *GOOD[4:]],
        [SCHEMA, READY, 0, 7, *GOOD[4:]],
        [SCHEMA, READY, 0, "", "4", *GOOD[5:]],
        [SCHEMA, READY, 0, "", 4.0, *GOOD[5:]],
        [SCHEMA, READY, 0, "", 4, False, *GOOD[6:]],
        [SCHEMA, READY, 0, "", 4, 3, None, "", ""],
        [SCHEMA, READY, 0, "", 4, 3, "", None, ""],
        [SCHEMA, READY, 0, "", 4, 3, "", "", []],
        [SCHEMA, READY, 0, "", 4, 3, "", "x 1x", "image/webp", "y 1x"],  # without what names begin with
        GOOD[:-2],
        [*GOOD, "image/webp"],
        [*GOOD, "image/webp", None],
        [*GOOD, 1, "x"],
        GOOD[:-1],
        [],
        {},
        {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8},
        None,
        5,
        "x",
        "eight888",
    ],
    ids=json.dumps,
)
def test_text_of_another_shape_is_a_miss(flat):
    assert loads(json.dumps(flat)) is None


def test_list_that_the_other_cases_break_is_whole():
    assert values(loads(json.dumps(GOOD))) == [READY, 0, "", 4, 3, "", "", ()]


@pytest.mark.parametrize(
    "text",
    ["", "[", "null", "\x80\x04", "[1,", "NaN", "[" * 100_000, '{"a":' * 100_000, "9" * 5000, "\ud800"],
    ids=lambda text: repr(text)[:12],
)
def test_text_that_is_no_json_is_a_miss(text):
    assert loads(text) is None


@given(
    st.text()
    | st.binary()
    | st.integers()
    | st.none()
    | st.lists(st.text())
    | st.dictionaries(st.text(), st.text())
)
@example([])
def test_garbage_is_a_miss(value):
    assert loads(value) is None


@given(manifests, st.data())
def test_text_cut_anywhere_is_a_miss(manifest, data):
    text = manifest.dumps()

    cut = text[: data.draw(st.integers(0, len(text) - 1))]

    assert loads(cut) is None


def test_compose_groups_the_formats_and_takes_the_last_for_the_img():
    manifest = compose(
        [
            Rendition("avif", "a.avif", "1x"),
            Rendition("avif", "b.avif", "2x"),
            Rendition("webp", "a.webp", "1x"),
            Rendition("jpeg", "a.jpg", "1x"),
            Rendition("jpeg", "b.jpg", "1.5x"),
        ],
        (400, 300),
        version="v",
    )

    assert values(manifest) == [
        READY,
        0,
        "v",
        400,
        300,
        "\x01a.jpg",
        "\x01a.jpg 1x, \x01b.jpg 1.5x",
        (("image/avif", "\x01a.avif 1x, \x01b.avif 2x"), ("image/webp", "\x01a.webp 1x")),
    ]


def test_compose_of_one_candidate_has_no_srcset():
    manifest = compose([Rendition("jpeg", "a.jpg", "1x")], (4, 3))

    assert (manifest.src, manifest.srcset, manifest.sources) == ("\x01a.jpg", "", ())


def test_compose_of_widths_takes_the_largest_for_the_src():
    manifest = compose(
        [
            Rendition(name, f"{width}.{name}", f"{width}w")
            for name in ("webp", "jpeg")
            for width in (320, 640, 960)
        ],
        (960, 540),
    )

    assert values(manifest) == [
        READY,
        0,
        "",
        960,
        540,
        "\x01960.jpeg",
        "\x01320.jpeg 320w, \x01640.jpeg 640w, \x01960.jpeg 960w",
        (("image/webp", "\x01320.webp 320w, \x01640.webp 640w, \x01960.webp 960w"),),
    ]


def test_compose_of_one_width_has_a_srcset():
    manifest = compose([Rendition("jpeg", "a.jpg", "320w")], (320, 240))

    assert (manifest.src, manifest.srcset, manifest.sources) == ("\x01a.jpg", "\x01a.jpg 320w", ())


@pytest.mark.parametrize("state", [PENDING, FAILED])
def test_compose_of_nothing_is_the_source(state):
    manifest = compose([], (None, 3), state=state, until=9)

    assert values(manifest) == [state, 9, "", None, 3, "", "", ()]


def test_without_renditions_the_source_is_shown_in_the_same_size():
    manifest = compose([Rendition("webp", "a.webp", "1x"), Rendition("jpeg", "a.jpg", "1x")], (4, 3))

    assert values(manifest.without_renditions()) == ["r", 0, "", 4, 3, "", "", ()]


@pytest.mark.parametrize(
    ("until", "is_stale"), [(0, False), (1, True), (99, True), (100, True), (101, False)]
)
def test_manifest_is_stale_from_its_time_on(until, is_stale):
    assert Manifest(PENDING, until, "", 1, 1).is_stale(100) is is_stale


def test_with_urls_asks_once_for_each_name_and_leaves_the_rest():
    text = f"{PREFIX}a%20b.jpg 1x, {PREFIX}c.jpg 2x"

    assert with_urls(text, lambda name: f"<{name}?s=1,2>") == "<a%20b.jpg?s=1,2> 1x, <c.jpg?s=1,2> 2x"
    assert with_urls("", lambda name: name) == ""
