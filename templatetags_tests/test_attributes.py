from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from responsive_img.arguments import ARGUMENTS
from responsive_img.attributes import ATTRIBUTES, PICTURE_ATTRIBUTES, attribute_name
from responsive_img.exceptions import SpecError


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("alt", "alt"),
        ("class", "class"),
        ("data_foo", "data-foo"),
        ("data_foo_bar", "data-foo-bar"),
        ("data_fooBar", "data-foobar"),
        ("aria_label", "aria-label"),
        ("onload", "onload"),
        ("fetchpriority", "fetchpriority"),
    ],
)
def test_attribute_name_is_that_of_html(argument, name):
    assert attribute_name(argument) == name


@pytest.mark.parametrize("argument", sorted(ATTRIBUTES))
def test_every_attribute_of_an_img_is_taken_as_it_is(argument):
    assert attribute_name(argument) == argument


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("data-foo", "Write 'data_foo' instead of 'data-foo'."),
        ("aria-label", "Write 'aria_label' instead of 'aria-label'."),
        ("src", "'src' is written by the tag itself."),
        ("srcset", "'srcset' is written by the tag itself."),
        ("sizes", "'sizes' is written by the tag itself."),
    ],
)
def test_attribute_that_is_no_argument_is_refused_with_the_way_out(argument, message):
    with pytest.raises(SpecError) as caught:
        attribute_name(argument)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "argument",
    ["clas", "onLoad", "on", "data", "dataFoo", "data_ü", "data_a b", 'data_a"', "ALT", "", "x y", "on1"],
)
def test_argument_that_is_no_attribute_is_refused(argument):
    with pytest.raises(SpecError, match=r"^Unknown argument "):
        attribute_name(argument)


def test_argument_that_is_no_attribute_is_refused_with_the_nearest_one():
    with pytest.raises(
        SpecError, match=r"^Unknown argument 'clas'\. Did you mean 'class'\? Choices: accesskey, alt"
    ):
        attribute_name("clas")


@given(st.text(max_size=12).map("data_".__add__) | st.text(max_size=12))
@example("data_a")
@example('data_"')
def test_attribute_name_cannot_end_the_attribute(argument):
    try:
        name = attribute_name(argument)
    except SpecError:
        return

    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_no_argument_of_the_tag_is_an_attribute_too():
    assert not ATTRIBUTES & {*ARGUMENTS, "priority", "placeholder", *PICTURE_ATTRIBUTES}


@pytest.mark.parametrize("argument", sorted(PICTURE_ATTRIBUTES))
def test_attribute_of_the_picture_is_none_of_the_img(argument):
    with pytest.raises(SpecError, match=r"^Unknown argument "):
        attribute_name(argument)
