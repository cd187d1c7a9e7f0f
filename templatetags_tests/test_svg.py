from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from responsive_img import svg
from responsive_img.geometry import Size
from responsive_img.headers import Header


def size_of(attributes: str) -> Size:
    return svg.header(BytesIO(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}></svg>'.encode())).size


@pytest.mark.parametrize(("name", "is_svg"), [
    ("a.svg", True), ("a.SVG", True), ("a.svgz", False), ("svg", False), ("a.svg.png", False), ("", False),
])  # fmt: skip
def test_an_svg_is_told_by_its_extension(name, is_svg):
    assert svg.is_svg(name) is is_svg


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="40" height="30"', (40, 30)),
        ("width = '40.5px'\n height = ' 30.4 '", (41, 30)),
        ('width="40" height="30" viewBox="0 0 1 1"', (40, 30)),
        # One side: the other follows from the view box, else from what a browser takes.
        ('width="40" viewBox="0 0 200 100"', (40, 20)),
        ('height="40" viewBox="0 0 200 100"', (80, 40)),
        ('width="40"', (40, 20)),
        ('height="40"', (80, 40)),
        # None: the view box itself, else what a browser takes.
        ('viewBox="-10 -10.5 200 100"', (200, 100)),
        ("viewBox='0,0,\n200.4 , 99.5'", (200, 100)),
        ("", (300, 150)),
        # What is no length in px counts as not told.
        ('width="100%" height="50%" viewBox="0 0 200 100"', (200, 100)),
        ('width="10em"', (300, 150)),
        ('width="-5" height="0"', (300, 150)),
        ('width="0" height="20"', (40, 20)),
        ('data-width="40" stroke-width="2" height="20"', (40, 20)),
        # A view box in which nothing is seen counts as none.
        ('viewBox="0 0 0 100"', (300, 150)),
        ('viewBox="0 0 100 0"', (300, 150)),
        ('width="40" viewBox="0 0 0 100"', (40, 20)),
        ('height="40" viewBox="0 0 100 0.0"', (80, 40)),
        ('viewBox="0 0 1.2.3 5"', (300, 150)),
        ('viewBox="0 0 . ."', (300, 150)),
        ('viewBox="0 0 100"', (300, 150)),
        # Nothing is thinner than a px, and nothing larger than a record can hold.
        ('viewBox="0 0 0.1 0.2"', (1, 1)),
        ('viewBox="0 0 999999999999 1"', (100_000, 1)),
        ('width="99999" viewBox="0 0 0.000000001 999999999999"', (99_999, 100_000)),
        ('height="99999" viewBox="0 0 999999999999 0.000000001"', (100_000, 99_999)),
    ],
)
def test_the_size_is_what_a_browser_gives_it(attributes, size):
    assert size_of(attributes) == size


@pytest.mark.parametrize(
    "content",
    [b"", b"no svg", b"<svgx width='3' height='2'>", b"<svg width='3' height='2'", b"\xff\xfe<\0s\0v\0g\0"],
)
def test_what_has_no_root_has_the_size_that_a_browser_gives(content):
    assert svg.header(BytesIO(content)) == Header("svg", svg.DEFAULT_SIZE)


def test_the_root_may_stand_behind_a_prologue():
    content = b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n<SVG\n\twidth="8" height="6"/>'

    assert svg.header(BytesIO(content)).size == Size(8, 6)


def test_a_file_is_read_from_its_start_and_no_further_than_its_head():
    file = BytesIO(b'<svg width="8" height="6">' + b" " * 100_000)
    file.seek(50)

    assert svg.header(file).size == Size(8, 6)
    assert file.tell() == 16_384


NUMBERS = st.from_regex(r"\A[0-9.]{1,12}\Z")


@given(NUMBERS, NUMBERS, NUMBERS | st.none(), NUMBERS | st.none())
@example("0", "1", "10", None)
def test_whatever_it_says_it_has_a_size(wide, high, width, height):
    told = [f'{name}="{value}"' for name, value in (("width", width), ("height", height)) if value]

    size = size_of(f'viewBox="0 0 {wide} {high}" ' + " ".join(told))

    assert all(1 <= side <= svg.MAX_SIDE for side in size)
