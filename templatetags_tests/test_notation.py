from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsive_img import notation
from responsive_img.geometry import FocalPoint

# Field → a value, and how it is written.
WRITTEN = {
    "preset": ("a;b é", "pa%3Bb%20%C3%A9"),
    "width": (400, "w400"),
    "height": (300, "h300"),
    "ratio": (Fraction(16, 9), "r16/9"),
    "fit": ("cover", "tcover"),
    "focal": (FocalPoint(0.3, 1.0), "c0.3,1.0"),
    "upscale": (True, "u1"),
    "densities": ((1.0, 1.5, 2.25), "d1,1.5,2.25"),
    "widths": ((320, 640), "l320,640"),
    "sizes": ("(max-width: 9em) 50vw; 1px", "z%28max-width%3A%209em%29%2050vw%3B%201px"),
    "formats": (("avif", "webp"), "favif,webp"),
    "format": ("png", "opng"),
    "quality": ((("*", 70), ("avif", 5)), "q*:70,avif:5"),
    "as_is": (False, "s0"),
    "still": (True, "e1"),
    "single": (True, "11"),
    "build": ("srcset", "bsrcset"),
}
NOTHING = dict.fromkeys(WRITTEN)


@pytest.mark.parametrize("field", WRITTEN)
def test_each_field_has_its_letter(field):
    value, text = WRITTEN[field]

    assert notation.dump({**NOTHING, field: value}) == text
    assert notation.load(text) == {field: value}


def test_a_line_tells_all_fields_in_one_order():
    values = {field: value for field, (value, _) in reversed(WRITTEN.items())}

    line = notation.dump(values)

    assert line == ";".join(text for _, text in WRITTEN.values())
    assert notation.load(line) == values


def test_what_is_not_told_is_not_written():
    assert notation.dump(NOTHING) == ""
    assert notation.load("") == {}


@pytest.mark.parametrize("field", ["densities", "widths", "formats", "quality"])
def test_an_empty_list_is_told_and_is_not_none(field):
    line = notation.dump({**NOTHING, field: ()})

    assert len(line) == 1
    assert notation.load(line) == {field: ()}


@pytest.mark.parametrize(("value", "text"), [
    (1, "1"), (2.0, "2"), (1.5, "1.5"), (1.333, "1.33"), (1.999, "2"), (10, "10"), (0.1, "0.1"),
])  # fmt: skip
def test_a_density_has_two_decimals_at_most(value, text):
    assert notation.number_text(value) == text


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("?1", KeyError),
        ("w1;", IndexError),
        (";", IndexError),
        ("wx", ValueError),
        ("q:", ValueError),
        ("l320,", ValueError),
        ("rx", ValueError),
        ("r1/0", ZeroDivisionError),
        ("c0.5", TypeError),
        ("c1,2,3", TypeError),
    ],
)
def test_a_line_that_is_none_raises_what_it_says_it_raises(line, error):
    with pytest.raises(error):
        notation.load(line)


@given(st.text())
def test_the_name_of_a_preset_can_hold_anything(name):
    line = notation.dump({**NOTHING, "preset": name, "width": 4}) if name.isprintable() else "w4"

    assert notation.load(line).get("width") == 4
    assert line.count(";") <= 1
    assert not name.isprintable() or notation.load(line)["preset"] == name
