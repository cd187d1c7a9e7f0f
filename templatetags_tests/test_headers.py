from __future__ import annotations

from responsive_img.geometry import Size
from responsive_img.headers import SVG, Header


def test_a_header_is_of_a_still_unless_it_says_otherwise():
    assert Header("png", Size(3, 2)) == ("png", (3, 2), False)


def test_a_header_is_written_as_json_takes_it():
    assert Header("gif", Size(3, 2), is_animated=True)._asdict() == {
        "format": "gif",
        "size": (3, 2),
        "is_animated": True,
    }


def test_an_svg_has_the_name_of_no_other_format():
    assert SVG == "svg"
