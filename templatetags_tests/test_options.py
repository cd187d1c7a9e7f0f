from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy

from responsive_img.arguments import ARGUMENTS
from responsive_img.exceptions import SpecError
from responsive_img.options import Later, Options, Preset, check_priority, laid_over, read_preset, sort_out
from responsive_img.specs import Spec

CHOICES = (
    "Choices: width, height, ratio, fit, focal, upscale, densities, widths, sizes, formats, format, quality, build, "
    "priority, picture_class, and every HTML attribute of <img> (data_…, aria_…)."
)
NOTHING = Preset(Spec(), (), (), None)


def test_arguments_are_sorted_by_what_they_are_for():
    found = sort_out(
        {
            "id": "x",
            "width": 4,
            "picture_class": "p",
            "priority": True,
            "data_a_b": 1,
            "build": "src",
            "alt": None,
        }
    )

    assert found == Options(
        spec={"width": 4, "build": "src"},
        attributes={"id": "x", "data-a-b": 1, "alt": None},
        picture={"class": "p"},
        priority=True,
    )
    assert list(found.attributes) == ["id", "data-a-b", "alt"]


def test_nothing_is_sorted_into_nothing():
    assert sort_out({}) == Options({}, {}, {}, None)


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_every_argument_of_a_spec_is_sorted_there(argument):
    value = object()

    assert sort_out({argument: value}) == Options({argument: value}, {}, {}, None)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("widht", f"Unknown argument 'widht'. Did you mean 'width'? {CHOICES}"),
        ("clas", f"Unknown argument 'clas'. Did you mean 'class'? {CHOICES}"),
        ("prioritty", f"Unknown argument 'prioritty'. Did you mean 'priority'? {CHOICES}"),
        ("picture_clas", f"Unknown argument 'picture_clas'. Did you mean 'picture_class'? {CHOICES}"),
        ("", f"Unknown argument ''. {CHOICES}"),
        ("data-foo", "Write 'data_foo' instead of 'data-foo'."),
        ("srcset", "'srcset' is written by the tag itself."),
    ],
)
def test_argument_that_is_none_is_refused_with_the_nearest_one_and_the_choices(argument, message):
    with pytest.raises(SpecError) as caught:
        sort_out({argument: 1})

    assert str(caught.value) == message


def test_two_arguments_that_are_one_attribute_are_refused():
    with pytest.raises(SpecError) as caught:
        sort_out({"data_foo": 1, "data_FOO": 2})

    assert str(caught.value) == "'data-foo' is given twice."


@pytest.mark.parametrize(
    ("priority", "loading", "has_priority"),
    [
        (True, None, True),
        (True, "eager", True),
        (False, "lazy", False),
        (None, "lazy", False),
        (None, None, False),
    ],
)
def test_priority_is_told_or_not(priority, loading, has_priority):
    assert check_priority(priority, loading) is has_priority


@pytest.mark.parametrize(
    ("priority", "loading", "message"),
    [
        (1, None, "'priority' must be True or False, not 1."),
        ("yes", "lazy", "'priority' must be True or False, not 'yes'."),
        (True, "lazy", "'priority' contradicts loading=\"lazy\"."),
    ],
)
def test_priority_that_cannot_be_is_refused(priority, loading, message):
    with pytest.raises(SpecError) as caught:
        check_priority(priority, loading)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "preset"),
    [
        ({}, NOTHING),
        ({"width": None, "priority": None}, NOTHING),
        ({"class": None, "picture_class": None}, Preset(Spec(), (("class", ""),), (("class", ""),), None)),
        ({"width": "400", "ratio": "square"}, Preset(Spec(width=400, ratio=Fraction(1)), (), (), None)),
        (
            {"class": "a & b", "data_x": 1, "hidden": True, "title": False},
            Preset(
                Spec(),
                (("class", ' class="a &amp; b"'), ("data-x", ' data-x="1"'), ("hidden", " hidden"), ("title", "")),
                (),
                None,
            ),
        ),
        ({"picture_class": "<"}, Preset(Spec(), (), (("class", ' class="&lt;"'),), None)),
        ({"priority": True}, Preset(Spec(), (), (), priority=True)),
        ({"priority": False}, Preset(Spec(), (), (), priority=False)),
    ],
)  # fmt: skip
def test_preset_is_read(options, preset):
    assert read_preset(options) == preset


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 4}, f"Unknown argument 'widht'. Did you mean 'width'? {CHOICES}"),
        ({"width": 0}, "'width' must be a whole number of px from 1 on, not 0."),
        ({"widths": 4, "densities": 2}, "'widths' contradicts 'densities': candidates are told apart by one or "
         "the other."),
        ({"priority": "yes"}, "'priority' must be True or False, not 'yes'."),
        ({"priority": True, "loading": "lazy"}, "'priority' contradicts loading=\"lazy\"."),
        ({"sizes": "50vw"}, "'sizes' needs 'widths': only they leave the choice of a width to the browser."),
    ],
)  # fmt: skip
def test_preset_that_is_wrong_is_refused(options, message):
    with pytest.raises(SpecError) as caught:
        read_preset(options)

    assert str(caught.value) == message


def test_preset_of_which_more_is_to_come_need_not_be_whole():
    assert read_preset({"sizes": "50vw", "fit": "cover"}, partial=True).spec == Spec(
        sizes="50vw", fit="cover"
    )


@pytest.mark.parametrize(
    ("options", "is_alone"),
    [
        ({}, True),
        ({"width": 4}, True),
        ({"class": "x"}, False),
        ({"title": False}, False),
        ({"title": None}, False),
        ({"picture_class": "x"}, False),
        ({"priority": True}, False),
        ({"priority": False}, False),
    ],
)
def test_preset_knows_whether_it_says_how_the_picture_is_shown(options, is_alone):
    assert read_preset(options).is_spec_alone is is_alone


@pytest.mark.parametrize(
    ("over", "below", "both"),
    [
        ({}, {"width": 4, "class": "a", "priority": True}, {"width": 4, "class": "a", "priority": True}),
        ({"width": 4, "class": "a", "priority": True}, {}, {"width": 4, "class": "a", "priority": True}),
        ({"width": 5}, {"width": 4, "upscale": True}, {"width": 5, "upscale": True}),
        ({"widths": 5}, {"densities": 3}, {"widths": 5}),
        ({"densities": 3}, {"widths": 5, "sizes": "50vw"}, {"densities": 3}),
        ({"class": "a"}, {"id": "x", "class": "b"}, {"id": "x", "class": "a"}),
        ({"class": False}, {"class": "b"}, {"class": False}),
        ({"class": None}, {"class": "b"}, {"class": None}),
        ({"picture_class": "a"}, {"picture_class": "b"}, {"picture_class": "a"}),
        ({"priority": False}, {"priority": True}, {"priority": False}),
        ({}, {"priority": False}, {"priority": False}),
        # What contradicts gives way here too.
        ({"priority": True}, {"loading": "lazy"}, {"priority": True}),
        ({"loading": "lazy"}, {"priority": True}, {"loading": "lazy"}),
    ],
)
def test_preset_is_laid_over_another_one(over: dict[str, Any], below: dict[str, Any], both: dict[str, Any]):
    assert laid_over(read_preset(over), read_preset(below)) == read_preset(both)


def test_a_preset_keeps_what_is_written_anew_for_each_picture():
    title = gettext_lazy("January")

    found = read_preset({"width": 4, "title": title, "picture_class": title, "id": "x"})

    (name, shown), own = found.attributes
    ((picture_name, picture_shown),) = found.picture
    assert (name, picture_name, own) == ("title", "class", ("id", ' id="x"'))
    for attribute, piece in ((name, shown), (picture_name, picture_shown)):
        assert isinstance(piece, tuple)
        assert (piece[0], type(piece[1]), piece[1].value) == (attribute, Later, title)
    assert not found.is_spec_alone


def test_what_is_written_anew_neither_contradicts_a_priority_nor_is_lost():
    lazy = read_preset({"loading": lazystr("lazy"), "title": gettext_lazy("January")})

    both = laid_over(read_preset({"priority": True}), lazy)

    assert (both.attributes, both.priority) == (lazy.attributes, True)
