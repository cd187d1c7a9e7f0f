from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from responsive_img.candidates import MIN_DENSITY_STEP, Asked, Candidate, candidates, layout
from responsive_img.defaults import Defaults, effective
from responsive_img.geometry import CENTRE, Box, Size, box_sides, crop_box, round_px
from responsive_img.specs import Spec
from templatetags_tests.strategies import MAX_SIDE, defaults, effective_specs, sizes, told_specs, width_lists

LARGE = Size(3000, 2000)
density_specs = st.builds(effective, told_specs(presets=False, candidates=("densities",)), defaults)
width_specs = st.builds(
    effective, told_specs(presets=False, candidates=("widths",), may_be_single=False), defaults
)
# As an author may write them: sides that round apart at a density.
THIN = effective(Spec(width=5, height=500, densities=(1.0, 1.28)), Defaults())


def box_of(spec: Spec, source: Size) -> Box:
    """Return the part of a source that a spec shows."""
    if spec.fit == "cover" and spec.box_ratio is not None:
        return crop_box(source, spec.box_ratio, spec.focal or CENTRE)
    return Box(0.0, 0.0, float(source.width), float(source.height))


def found_in(spec: Spec, source: Size, max_width: int = MAX_SIDE) -> list[Candidate]:
    return candidates(spec, box_of(spec, source), max_width)


def rows(
    source: Size, *, max_width: int = MAX_SIDE, **told: Any
) -> tuple[tuple[int, int], list[tuple[str, int, int]]]:
    """Return the layout, and the descriptor and size of each candidate."""
    spec = effective(Spec(**told), Defaults(max_width=max_width))
    found = found_in(spec, source, max_width)
    size = layout(spec, box_of(spec, source), max_width, found)
    return (size.width, size.height), [(each.descriptor, *each.size) for each in found]


def density(candidate: Candidate) -> float:
    return float(candidate.descriptor.removesuffix("x"))


@pytest.mark.parametrize(
    ("source", "told", "layout", "candidates"),
    [
        # A density that the source cannot fill becomes the largest it can, with its true descriptor.
        (Size(600, 400), {"width": 400}, (400, 267), [("1x", 400, 267), ("1.5x", 600, 400)]),
        (Size(500, 400), {"width": 375}, (375, 300), [("1x", 375, 300), ("1.33x", 500, 400)]),
        # Under a tenth more, it is not worth its file.
        (Size(437, 400), {"width": 400}, (400, 366), [("1x", 400, 366)]),
        (Size(439, 400), {"width": 400}, (400, 364), [("1x", 400, 364)]),
        (Size(800, 400), {"width": 728}, (728, 364), [("1x", 728, 364)]),
        (Size(440, 400), {"width": 400}, (400, 364), [("1x", 400, 364), ("1.1x", 440, 400)]),
        (
            Size(1000, 500),
            {"width": 500, "densities": (1.0, 1.9, 3.0)},
            (500, 250),
            [("1x", 500, 250), ("1.9x", 950, 475)],
        ),
        (
            Size(1000, 500),
            {"width": 400, "densities": (1.0, 1.5, 3.0)},
            (400, 200),
            [("1x", 400, 200), ("1.5x", 600, 300), ("2.5x", 1000, 500)],
        ),
        # What is the same in whole px comes once.
        (Size(300, 200), {"width": 3, "densities": (1.0, 1.1, 2.0)}, (3, 2), [("1x", 3, 2), ("2x", 6, 4)]),
        # A source smaller than what is asked is never made larger, and keeps the asked ratio.
        (Size(300, 200), {"width": 400}, (300, 200), [("1x", 300, 200)]),
        (Size(300, 200), {"width": 400, "height": 400}, (200, 200), [("1x", 200, 200)]),
        (Size(300, 200), {"height": 400, "ratio": Fraction(3, 1)}, (300, 100), [("1x", 300, 100)]),
        # Unless it is asked for.
        (Size(300, 200), {"width": 400, "upscale": True}, (400, 267), [("1x", 400, 267), ("2x", 800, 533)]),
        # Without geometry: the source's own width, once.
        (Size(300, 200), {}, (300, 200), [("1x", 300, 200)]),
        (Size(300, 200), {"ratio": Fraction(1)}, (200, 200), [("1x", 200, 200)]),
        (Size(8192, 200), {}, (4096, 100), [("1x", 4096, 100)]),
        (Size(8192, 200), {"upscale": True}, (4096, 100), [("1x", 4096, 100)]),
        (Size(300, 200), {"upscale": True}, (300, 200), [("1x", 300, 200)]),
        # A density over the limit is capped as by a small source.
        (Size(9000, 900), {"width": 3000}, (3000, 300), [("1x", 3000, 300), ("1.37x", 4096, 410)]),
        (Size(9000, 900), {"width": 4000}, (4000, 400), [("1x", 4000, 400)]),
        (
            Size(9000, 9000),
            {"width": 1000, "ratio": Fraction(1, 4), "upscale": True},
            (1000, 4000),
            [("1x", 1000, 4000)],
        ),
        # The size of a crop follows from the arguments, not from the box in the source.
        (Size(1999, 1333), {"width": 333, "ratio": Fraction(16, 9)}, (333, 187), [("1x", 333, 187), ("2x", 666, 375)]),
        (Size(800, 600), {"width": 100, "height": 100, "fit": "contain"}, (100, 75), [("1x", 100, 75), ("2x", 200, 150)]),
        (Size(5000, 1), {"width": 100}, (100, 1), [("1x", 100, 1), ("2x", 200, 1)]),
        # Sides that round apart at a density enlarge nothing, and what comes out alike is there once.
        (Size(6, 600), {"width": 5, "height": 500, "densities": (1.0, 1.28)}, (5, 500), [("1x", 5, 500), ("1.28x", 6, 600)]),
        (Size(5, 500), {"width": 5, "height": 500, "densities": (1.0, 1.28)}, (5, 500), [("1x", 5, 500)]),
        (Size(5000, 1), {"height": 1, "densities": (1.0, 1.2)}, (5000, 1), [("1x", 5000, 1)]),
        # Widths: the layout is that of the largest, unless a box is given, which then is the layout.
        (Size(3000, 2000), {"widths": (300, 600)}, (600, 400), [("300w", 300, 200), ("600w", 600, 400)]),
        (Size(3000, 2000), {"widths": (300, 600), "width": 450}, (450, 300), [("300w", 300, 200), ("600w", 600, 400)]),
        (Size(3000, 2000), {"widths": (300, 600), "height": 100}, (150, 100), [("300w", 300, 200), ("600w", 600, 400)]),
        # A ratio is that of every candidate.
        (Size(3000, 2000), {"widths": (300, 600), "ratio": Fraction(1)}, (600, 600), [("300w", 300, 300), ("600w", 600, 600)]),
        (
            Size(3000, 2000),
            {"widths": (300, 600), "width": 40, "height": 10},
            (40, 10),
            [("300w", 300, 75), ("600w", 600, 150)],
        ),
        # What is contained in a box is the whole source: the box is the layout's, each candidate as wide as asked.
        (
            Size(3000, 2000),
            {"widths": (300, 600), "width": 40, "height": 40, "fit": "contain"},
            (40, 27),
            [("300w", 300, 200), ("600w", 600, 400)],
        ),
        (
            Size(2000, 3000),
            {"widths": (300, 600), "width": 40, "height": 20, "fit": "contain"},
            (13, 20),
            [("300w", 300, 450), ("600w", 600, 900)],
        ),
        # Widths that the source cannot fill are its own width, once, and the descriptor is the true one.
        (Size(500, 400), {"widths": (300, 600, 900)}, (500, 400), [("300w", 300, 240), ("500w", 500, 400)]),
        (Size(500, 400), {"widths": (600, 900)}, (500, 400), [("500w", 500, 400)]),
        (Size(500, 400), {"widths": (500, 501)}, (500, 400), [("500w", 500, 400)]),
        (Size(500, 400), {"widths": (300, 900), "ratio": Fraction(1)}, (400, 400), [("300w", 300, 300), ("400w", 400, 400)]),
        (Size(500, 400), {"widths": (900,), "width": 900}, (500, 400), [("500w", 500, 400)]),
        # Unless it may be enlarged, up to the limit.
        (
            Size(500, 400),
            {"widths": (300, 900), "upscale": True},
            (900, 720),
            [("300w", 300, 240), ("900w", 900, 720)],
        ),
        (Size(10, 4096), {"widths": (5, 20), "upscale": True}, (10, 4096), [("5w", 5, 2048), ("10w", 10, 4096)]),
    ],
)  # fmt: skip
def test_candidates_follow_the_table_of_cases(source, told, layout, candidates):
    assert rows(source, **told) == (layout, candidates)


def test_candidate_knows_what_was_asked_not_what_came_out():
    found = found_in(effective(Spec(widths=(300, 900), ratio=Fraction(1)), Defaults()), Size(500, 400))

    assert found == [
        Candidate(Asked(300, None, Fraction(1)), Size(300, 300), "300w"),
        Candidate(Asked(900, None, Fraction(1)), Size(400, 400), "400w"),
    ]


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({"width": 300}, [Asked(300, None), Asked(450, None)]),
        ({"height": 300}, [Asked(None, 300), Asked(None, 450)]),
        ({"width": 3, "height": 5}, [Asked(3, 5), Asked(5, 8)]),
        ({"width": 3, "ratio": Fraction(2)}, [Asked(3, None, Fraction(2)), Asked(5, None, Fraction(2))]),
        ({}, [Asked(None, None)]),
    ],
)
def test_densities_ask_for_whole_px(told, asked):
    spec = effective(Spec(densities=(1.0, 1.5), **told), Defaults())

    assert [each.asked for each in found_in(spec, LARGE)] == asked


# The second example is of sides that come to more px of the box's height than of its width.
@given(effective_specs, sizes)
@example(effective(Spec(widths=(320, 640)), Defaults()), Size(500, 400))
@example(THIN, Size(6, 600))
def test_no_candidate_is_larger_than_the_source_unless_told_to(spec, source):
    assume(not spec.upscale)

    for each in found_in(spec, source):
        assert each.size.width <= source.width
        assert each.size.height <= source.height


@given(width_specs, sizes)
def test_widths_are_true_ascending_and_each_there_once(spec, source):
    found = found_in(spec, source)

    widths = [each.size.width for each in found]
    assert widths == sorted(set(widths))
    assert [each.descriptor for each in found] == [f"{width}w" for width in widths]


@given(width_specs, sizes)
def test_every_width_that_the_source_can_fill_is_there(spec, source):
    box = box_of(spec, source)
    assume(spec.fit != "contain")

    widths = {each.size.width for each in found_in(spec, source)}

    assert {width for width in spec.widths if width <= box.width} <= widths


@given(density_specs, sizes)
def test_densities_are_ascending_and_the_first_is_1x(spec, source):
    found = found_in(spec, source)

    densities = [density(each) for each in found]
    assert found[0].descriptor == "1x"
    assert densities == sorted(set(densities))
    for side in (0, 1):
        assert [each.size[side] for each in found] == sorted(each.size[side] for each in found)


@given(density_specs, sizes)
@example(effective(Spec(width=20), Defaults()), Size(80, 40))
@example(effective(Spec(width=20), Defaults()), Size(30, 40))
def test_densities_that_are_no_copy_add_a_tenth_or_were_asked_for(spec, source):
    for before, after in pairwise(map(density, found_in(spec, source))):
        assert after in spec.densities or after >= before * MIN_DENSITY_STEP


@given(effective_specs, sizes)
def test_size_follows_from_what_was_asked_whatever_the_other_candidates(spec, source):
    box = box_of(spec, source)

    for each in candidates(spec, box, MAX_SIDE):
        width, height, ratio = each.asked
        alone = replace(spec, width=width, height=height, ratio=ratio, widths=None, densities=(1.0,))
        assert candidates(alone, box, MAX_SIDE) == [Candidate(each.asked, each.size, "1x")]


@given(effective_specs, sizes, st.integers(1, MAX_SIDE), width_lists(MAX_SIDE), width_lists(MAX_SIDE))
def test_width_comes_to_one_size_among_any_others(spec, source, width, some, others):
    box = box_of(spec, source)
    plain = replace(spec, width=None, height=None, ratio=spec.box_ratio, densities=None)
    # What is contained in a box is the whole source, whatever the width.
    cropped = None if spec.fit == "contain" else spec.box_ratio

    found = [
        next(each.size for each in candidates(among, box, MAX_SIDE) if each.asked.width == width)
        for among in (
            replace(plain, widths=tuple(sorted({width, *(n for n in some if n > width)}))),
            replace(plain, widths=tuple(sorted({width, *(n for n in others if n > width)}))),
            replace(plain, widths=None, width=width, ratio=cropped, densities=(1.0,)),
        )
    ]

    assert len(set(found)) == 1


@given(effective_specs, sizes)
def test_asked_sides_stay_within_the_limit(spec, source):
    for each in found_in(spec, source):
        asked = box_sides(width=each.asked.width, height=each.asked.height, ratio=each.asked.ratio)
        for length, side in zip(asked, each.size, strict=True):
            assert length is None or side <= MAX_SIDE


@given(effective_specs, sizes)
def test_candidates_have_the_ratio_of_what_they_show(spec, source):
    box = box_of(spec, source)

    for each in candidates(spec, box, MAX_SIDE):
        scale = each.size.width / box.width
        # Each side is rounded once, and nothing is thinner than one px.
        tolerance = 1 + 0.5 * box.height / box.width
        assert 1 in each.size or abs(each.size.height - box.height * scale) <= tolerance


@given(effective_specs, sizes)
def test_what_is_enlarged_has_both_its_sides_within_the_limit(spec, source):
    spec = replace(spec, upscale=True)
    box = box_of(spec, source)

    for each in candidates(spec, box, MAX_SIDE):
        is_larger = each.size.width > round_px(box.width) or each.size.height > round_px(box.height)
        assert not is_larger or max(each.size) <= MAX_SIDE


@given(effective_specs, sizes)
def test_layout_is_a_size_that_a_candidate_of_the_box_has(spec, source):
    box = box_of(spec, source)
    found = candidates(spec, box, MAX_SIDE)

    size = layout(spec, box, MAX_SIDE, found)

    if spec.width or spec.height:
        alone = replace(spec, widths=None, densities=(1.0,))
        assert size == candidates(alone, box, MAX_SIDE)[0].size
    else:
        assert size == found[-1].size
