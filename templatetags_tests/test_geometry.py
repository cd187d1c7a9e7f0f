from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsive_img.geometry import (
    CENTRE,
    SWAPPING_ORIENTATIONS,
    Box,
    FocalPoint,
    Size,
    box_sides,
    crop_box,
    round_px,
    stored_box,
    swap,
)
from templatetags_tests.images import ORIENTATIONS
from templatetags_tests.strategies import focal_points, ratios, sizes

# Of the orientations, the two quarter turns undo each other; the others undo themselves.
INVERSE = {6: 8, 8: 6}


@pytest.mark.parametrize(
    ("length", "px"), [(0, 1), (0.49, 1), (0.5, 1), (1.49, 1), (1.5, 2), (2.5, 3), (266.5, 267), (400, 400)]
)
def test_round_px_takes_halves_up_and_leaves_nothing_thinner_than_one(length, px):
    assert round_px(length) == px


def test_box_knows_its_sides():
    box = Box(10, 20, 110, 70)

    assert (box.width, box.height) == (100, 50)


@given(focal_points, focal_points)
def test_a_point_is_used_like_a_pair_but_is_no_tuple(point, other):
    x, y = point

    assert point == (x, y) == (point.x, point.y)
    assert (len(point), point[0], point[-1]) == (2, x, y)
    assert point == pytest.approx((x, y))
    assert hash(point) == hash((x, y))
    assert (point == other) is (tuple(point) == tuple(other))
    assert point not in ("", None, (x,), [x, y])
    assert not isinstance(point, tuple)


@given(sizes, ratios, focal_points)
def test_crop_box_lies_inside_the_source(source, ratio, focal):
    box = crop_box(source, ratio, focal)

    assert 0 <= box.left < box.right <= source.width
    assert 0 <= box.top < box.bottom <= source.height


@given(sizes, ratios, focal_points)
def test_crop_box_has_the_asked_ratio(source, ratio, focal):
    box = crop_box(source, ratio, focal)

    assert math.isclose(box.width / box.height, ratio, rel_tol=1e-6)


@given(sizes, ratios, focal_points)
def test_crop_box_is_as_large_as_the_source_allows(source, ratio, focal):
    box = crop_box(source, ratio, focal)

    assert math.isclose(box.width, source.width, rel_tol=1e-9) or math.isclose(
        box.height, source.height, rel_tol=1e-9
    )


@given(sizes, ratios, focal_points)
def test_crop_box_keeps_the_focal_point(source, ratio, focal):
    box = crop_box(source, ratio, focal)

    assert box.left - 1e-6 <= focal.x * source.width <= box.right + 1e-6
    assert box.top - 1e-6 <= focal.y * source.height <= box.bottom + 1e-6


@pytest.mark.parametrize(
    ("focal", "box"),
    [
        (CENTRE, (100, 0, 300, 200)),
        (FocalPoint(0, 0), (0, 0, 200, 200)),
        (FocalPoint(1, 1), (200, 0, 400, 200)),
        (FocalPoint(0.4, 0.9), (60, 0, 260, 200)),
    ],
)
def test_crop_box_is_centred_on_the_focal_point_until_an_edge_stops_it(focal, box):
    assert crop_box(Size(400, 200), Fraction(1), focal) == Box(*box)


def test_crop_box_is_centred_by_default():
    assert crop_box(Size(200, 400), Fraction(2)) == Box(0, 150, 200, 250)


@pytest.mark.parametrize(
    ("arguments", "sides"),
    [
        ({}, (None, None)),
        ({"width": 400}, (400, None)),
        ({"height": 300}, (None, 300)),
        ({"width": 400, "height": 300}, (400, 300)),
        ({"ratio": Fraction(16, 9)}, (None, None)),
        ({"width": 400, "ratio": Fraction(16, 9)}, (400, 225)),
        ({"height": 300, "ratio": Fraction(16, 9)}, (533.3333333333334, 300)),
    ],
)
def test_box_sides_follow_from_the_arguments(arguments, sides):
    assert box_sides(**{"width": None, "height": None, "ratio": None, **arguments}) == sides


def test_swap_exchanges_the_sides():
    assert swap(Size(3, 4)) == Size(4, 3)


@pytest.mark.parametrize(
    ("orientation", "box"),
    [
        (1, (1, 2, 4, 7)),
        (2, (6, 2, 9, 7)),
        (3, (6, 13, 9, 18)),
        (4, (1, 13, 4, 18)),
        (5, (2, 1, 7, 4)),
        (6, (2, 6, 7, 9)),
        (7, (13, 6, 18, 9)),
        (8, (13, 1, 18, 4)),
        (0, (1, 2, 4, 7)),
        (9, (1, 2, 4, 7)),
    ],
)
def test_stored_box_is_where_the_part_lies_in_the_file(orientation, box):
    assert stored_box(Box(1, 2, 4, 7), Size(10, 20), orientation) == Box(*box)


@given(sizes, ratios, focal_points, st.sampled_from(ORIENTATIONS))
def test_stored_box_lies_inside_the_stored_picture(source, ratio, focal, orientation):
    held = swap(source) if orientation in SWAPPING_ORIENTATIONS else source

    box = stored_box(crop_box(source, ratio, focal), source, orientation)

    assert 0 <= box.left < box.right <= held.width
    assert 0 <= box.top < box.bottom <= held.height


@given(sizes, ratios, focal_points, st.sampled_from(ORIENTATIONS))
def test_stored_box_maps_back(source, ratio, focal, orientation):
    held = swap(source) if orientation in SWAPPING_ORIENTATIONS else source
    box = crop_box(source, ratio, focal)

    back = stored_box(stored_box(box, source, orientation), held, INVERSE.get(orientation, orientation))

    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(back, box, strict=True))
