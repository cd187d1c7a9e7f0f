from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from responsive_img.geometry import Box, FocalPoint, Size, box_sides, round_px
from responsive_img.specs import SOURCE_AS_IS, Defaults, Spec, effective, from_text
from responsive_img.variants import MIN_DENSITY_STEP, Plan, Variant, layout_without_source, plan
from templatetags_tests.strategies import MAX_SIDE, effective_specs, format_names, sizes, told_specs

LARGE = Size(3000, 2000)
cropped_specs = told_specs(
    presets=False, sides=("width height", "width ratio", "height ratio"), fits=(None, "cover")
).map(lambda told: effective(told, Defaults()))


def planned(source: Size = LARGE, *, fallback: str = "jpeg", max_width: int = MAX_SIDE, **told: Any) -> Plan:
    spec = effective(Spec(**told), Defaults(max_width=max_width))
    return plan(spec, source, fallback=fallback, max_width=max_width)


def rows(found: Plan) -> list[tuple[object, ...]]:
    return [(v.format, v.label, v.descriptor, *v.size) for v in found.variants]


def by_format(variants: Iterable[Variant]) -> list[list[Variant]]:
    groups: dict[str, list[Variant]] = {}
    for variant in variants:
        groups.setdefault(variant.format, []).append(variant)
    return list(groups.values())


def test_plan_lists_the_formats_best_first_and_the_fallback_last():
    found = planned(width=400, formats=("avif", "webp"))

    assert found.layout == Size(400, 267)
    assert rows(found) == [
        ("avif", "400w", "1x", 400, 267),
        ("avif", "800w", "2x", 800, 533),
        ("webp", "400w", "1x", 400, 267),
        ("webp", "800w", "2x", 800, 533),
        ("jpeg", "400w", "1x", 400, 267),
        ("jpeg", "800w", "2x", 800, 533),
    ]


def test_plan_lists_a_format_that_equals_the_fallback_once():
    found = planned(width=400, formats=("webp", "avif"), fallback="webp", densities=(1.0,))

    assert [variant.format for variant in found.variants] == ["avif", "webp"]


def test_plan_of_one_format_has_no_fallback():
    found = planned(width=400, format="avif", densities=(1.0,))

    assert [variant.format for variant in found.variants] == ["avif"]


def test_plan_of_the_source_as_it_is_builds_nothing():
    found = plan(SOURCE_AS_IS, Size(30, 20), fallback="jpeg", max_width=MAX_SIDE)

    assert found == (Size(30, 20), ())


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
    ],
)  # fmt: skip
def test_plan_follows_the_table_of_cases(source, told, layout, candidates):
    found = planned(source, format="webp", **told)

    assert found.layout == Size(*layout)
    assert [(v.descriptor, *v.size) for v in found.variants] == candidates


def test_variant_knows_what_was_asked_not_what_came_out():
    found = planned(Size(600, 400), width=400, format="webp")

    assert [v.label for v in found.variants] == ["400w", "800w"]
    assert [v.identity for v in found.variants] == [
        "w400;u0;owebp;qwebp:78",
        "w800;u0;owebp;qwebp:78",
    ]


@pytest.mark.parametrize(
    ("told", "labels"),
    [
        ({"height": 300}, ["300h", "600h"]),
        ({"width": 300, "height": 200}, ["300w", "600w"]),
        ({"ratio": Fraction(1), "height": 30}, ["30h", "60h"]),
        ({"ratio": Fraction(1)}, ["full"]),
        ({}, ["full"]),
    ],
)
def test_label_says_which_side_was_asked(told, labels):
    assert [v.label for v in planned(format="png", **told).variants] == labels


def test_variant_of_a_format_without_quality_has_none():
    (variant,) = planned(format="png").variants

    assert variant.quality is None
    assert variant.identity == "u0;opng"


def test_variant_has_the_quality_of_its_own_format():
    found = planned(width=4, quality=(("webp", 11), ("jpeg", 12)), densities=(1.0,))

    assert [(v.format, v.quality) for v in found.variants] == [("webp", 11), ("jpeg", 12)]


def test_crop_hands_the_focal_point_to_the_box():
    found = planned(Size(300, 200), ratio=Fraction(1), focal=FocalPoint(1, 0), format="png")

    assert found.variants[0].box == Box(100, 0, 300, 200)


@given(effective_specs, sizes, format_names)
def test_candidates_are_strictly_ascending_and_the_first_is_1x(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    for group in by_format(found.variants):
        densities = [float(variant.descriptor.removesuffix("x")) for variant in group]
        assert group[0].descriptor == "1x"
        assert densities == sorted(set(densities))
        assert [v.size.width for v in group] == sorted(v.size.width for v in group)


@given(effective_specs, sizes, format_names)
def test_every_format_has_the_same_candidates(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    assert (
        len({tuple((v.size, v.descriptor, v.label) for v in group) for group in by_format(found.variants)})
        == 1
    )


@given(effective_specs, sizes, format_names)
def test_plan_never_upscales_unless_told_to(spec, source, fallback):
    assume(not spec.upscale)

    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    for variant in found.variants:
        assert variant.size.width <= round_px(variant.box.width)
        assert variant.size.height <= round_px(variant.box.height)


@given(cropped_specs, sizes, format_names)
def test_plan_with_upscale_gives_what_was_asked(spec, source, fallback):
    found = plan(replace(spec, upscale=True), source, fallback=fallback, max_width=MAX_SIDE)

    assert found.layout == layout_without_source(spec)


@given(effective_specs, sizes, format_names)
def test_asked_sides_stay_within_the_limit(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    sides = box_sides(width=spec.width, height=spec.height, ratio=spec.ratio)
    for variant in found.variants:
        for asked, side in zip(sides, variant.size, strict=True):
            assert asked is None or side <= MAX_SIDE


@given(effective_specs, sizes, format_names)
def test_candidates_that_are_no_copy_add_a_tenth_or_were_asked_for(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    for group in by_format(found.variants):
        densities = [float(variant.descriptor.removesuffix("x")) for variant in group]
        for before, after in pairwise(densities):
            assert after in spec.densities or after >= before * MIN_DENSITY_STEP


@given(effective_specs, sizes, format_names)
def test_variants_have_the_ratio_of_their_box(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    for variant in found.variants:
        scale = variant.size.width / variant.box.width
        # Each side is rounded once, and nothing is thinner than one px.
        tolerance = 1 + 0.5 * variant.box.height / variant.box.width
        assert (
            variant.size.height == 1
            or variant.size.width == 1
            or (abs(variant.size.height - variant.box.height * scale) <= tolerance)
        )


@given(effective_specs, sizes, format_names)
def test_identities_are_unique_in_a_plan(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    assert len({variant.identity for variant in found.variants}) == len(found.variants)


@given(effective_specs, sizes, format_names)
def test_identity_alone_asks_for_the_same_picture(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    for variant in found.variants:
        told = [part for part in variant.identity.split(";") if part[0].isalpha()]
        (alone,) = plan(from_text(";".join(told)), source, fallback=fallback, max_width=MAX_SIDE).variants
        # The sides of a density are whole px, so that their ratio may be another one.
        assert alone.identity != variant.identity or alone == replace(variant, descriptor="1x")
        assert alone.identity == variant.identity or (spec.width and spec.height)


def test_one_identity_is_one_picture():
    by_density = planned(format="webp", width=335, ratio=Fraction(1, 2), densities=(1.0, 1.5)).variants[1]
    by_width = planned(format="webp", width=503, ratio=Fraction(1, 2)).variants[0]

    assert by_density.identity != by_width.identity or by_density.size == by_width.size


def test_identity_knows_the_ratio_that_is_cropped_to():
    by_density = planned(format="webp", width=335, height=333, densities=(1.0, 1.5)).variants[1]
    by_sides = planned(format="webp", width=503, height=500).variants[0]

    assert by_density.size == by_sides.size
    assert by_density.box != by_sides.box
    assert by_density.identity != by_sides.identity


@given(cropped_specs, st.builds(Size, *[st.integers(MAX_SIDE, 9000)] * 2))
def test_layout_without_source_is_that_of_a_source_large_enough(spec, source):
    found = plan(spec, source, fallback="jpeg", max_width=MAX_SIDE)

    assert found.layout == layout_without_source(spec)


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ({"width": 400, "height": 300}, Size(400, 300)),
        ({"width": 400, "ratio": Fraction(16, 9)}, Size(400, 225)),
        ({"height": 300, "ratio": Fraction(16, 9)}, Size(533, 300)),
        ({"width": 400, "height": 300, "fit": "contain"}, None),
        ({"width": 400}, None),
        ({"height": 400}, None),
        ({"ratio": Fraction(1)}, None),
        ({}, None),
    ],
)
def test_layout_without_source_is_known_where_the_arguments_tell_it(told, size):
    assert layout_without_source(effective(Spec(**told), Defaults())) == size


@given(st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE))
def test_crop_of_both_sides_is_exactly_as_asked(width, height):
    found = planned(Size(9000, 9000), width=width, height=height, format="webp", densities=(1.0,))

    assert found.layout == Size(width, height)
    assert math.isclose(found.variants[0].box.width / found.variants[0].box.height, width / height)


@pytest.mark.parametrize(
    ("arguments", "box", "size"),
    [
        ({}, (0, 0, 800, 600), (800, 600)),
        ({"width": 400}, (0, 0, 800, 600), (400, 300)),
        ({"height": 200}, (0, 0, 800, 600), (267, 200)),
        ({"width": 400, "height": 400, "fit": "contain"}, (0, 0, 800, 600), (400, 300)),
        ({"width": 400, "height": 100, "fit": "contain"}, (0, 0, 800, 600), (133, 100)),
        ({"ratio": Fraction(2), "width": 400, "fit": "contain"}, (0, 0, 800, 600), (267, 200)),
        ({"width": 200, "height": 200, "fit": "cover"}, (100, 0, 700, 600), (200, 200)),
        ({"width": 200, "ratio": Fraction(2), "fit": "cover"}, (0, 100, 800, 500), (200, 100)),
        ({"height": 50, "ratio": Fraction(2), "fit": "cover"}, (0, 100, 800, 500), (100, 50)),
        ({"ratio": Fraction(1), "fit": "cover"}, (100, 0, 700, 600), (600, 600)),
        ({"ratio": Fraction(1)}, (100, 0, 700, 600), (600, 600)),
        ({"width": 1600, "upscale": True}, (0, 0, 800, 600), (1600, 1200)),
    ],
)
def test_first_variant_is_the_box_of_the_arguments_in_their_size(arguments, box, size):
    first = planned(Size(800, 600), **arguments).variants[0]

    assert (first.box, first.size) == (Box(*box), Size(*size))


def test_what_is_enlarged_has_both_sides_within_the_limit():
    found = planned(Size(1, 2000), width=400, upscale=True, max_width=4096)

    assert max(max(variant.size) for variant in found.variants) <= 4096


def test_a_tall_source_that_is_not_enlarged_keeps_its_asked_width():
    found = planned(Size(1000, 9000), width=400, upscale=True, max_width=4096)

    assert found.layout == Size(400, 3600)


def test_a_format_that_cannot_hold_so_tall_a_picture_is_not_offered():
    found = planned(Size(500, 20000), width=450, formats=("webp",))

    assert {variant.format for variant in found.variants} == {"jpeg"}
