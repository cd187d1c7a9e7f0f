from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsive_img.defaults import Defaults, effective
from responsive_img.geometry import Box, FocalPoint, Size
from responsive_img.headers import Header
from responsive_img.specs import SOURCE_AS_IS, Spec, from_text
from responsive_img.variants import CHEAP, Plan, Variant, layout_without_source, plan
from responsive_img.variants import planned as planned_of
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


def test_variant_knows_what_was_asked_not_what_came_out():
    found = planned(Size(600, 400), width=400, format="webp")

    assert [v.label for v in found.variants] == ["400w", "800w"]
    assert [v.identity for v in found.variants] == [
        "w400;u0;owebp;qwebp:78",
        "w800;u0;owebp;qwebp:78",
    ]


def test_variant_of_a_width_is_named_and_cropped_as_that_of_the_same_width_alone():
    by_widths = planned(widths=(300, 900), ratio=Fraction(1), format="webp")
    alone = planned(width=900, densities=(1.0,), ratio=Fraction(1), format="webp")

    assert rows(by_widths) == [("webp", "300w", "300w", 300, 300), ("webp", "900w", "900w", 900, 900)]
    assert by_widths.variants[1].identity == "w900;r1;tcover;c0.5,0.5;u0;owebp;qwebp:78;1"
    assert replace(by_widths.variants[1], descriptor="1x") == alone.variants[0]


def test_plan_of_widths_has_the_layout_of_the_box_that_is_given():
    found = planned(widths=(300, 900), width=450)

    assert found.layout == Size(450, 300)
    assert rows(found) == [
        ("webp", "300w", "300w", 300, 200),
        ("webp", "900w", "900w", 900, 600),
        ("jpeg", "300w", "300w", 300, 200),
        ("jpeg", "900w", "900w", 900, 600),
    ]


@pytest.mark.parametrize("is_animated", [True, False])
def test_plan_of_the_source_as_it_is_is_as_large_as_an_animation_is(is_animated):
    header = Header("gif", Size(30, 20), is_animated=is_animated)

    assert planned_of(SOURCE_AS_IS, "a.gif", header, max_width=10) == (Size(30, 20), ())


@pytest.mark.parametrize(
    ("header", "layout"),
    [
        (Header("svg", Size(30, 20)), Size(900, 600)),
        (Header("gif", Size(30, 20), is_animated=True), Size(30, 20)),
    ],
    ids=["svg", "animated"],
)
def test_plan_of_what_is_shown_as_it_is_has_the_layout_of_the_widths_and_builds_nothing(header, layout):
    spec = effective(Spec(widths=(300, 900), ratio=Fraction(3, 2)), Defaults())

    assert planned_of(spec, "a.jpg", header, max_width=MAX_SIDE) == (layout, ())


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
def test_every_format_has_the_same_candidates(spec, source, fallback):
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)

    assert (
        len({tuple((v.size, v.descriptor, v.label) for v in group) for group in by_format(found.variants)})
        == 1
    )


@given(cropped_specs, sizes, format_names)
def test_plan_with_upscale_gives_what_was_asked(spec, source, fallback):
    found = plan(replace(spec, upscale=True), source, fallback=fallback, max_width=MAX_SIDE)

    assert found.layout == layout_without_source(spec)


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
        ({"widths": (300, 600), "ratio": Fraction(2)}, Size(600, 300)),
        ({"widths": (300, 600), "width": 40, "height": 30}, Size(40, 30)),
        ({"widths": (300, 600), "width": 40, "ratio": Fraction(2)}, Size(40, 20)),
        ({"widths": (300, 600), "height": 40, "ratio": Fraction(2)}, Size(80, 40)),
        ({"widths": (300, 600)}, None),
        ({"widths": (300, 600), "width": 40}, None),
        ({"widths": (300, 600), "ratio": Fraction(2), "fit": "contain"}, None),
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


@given(spec=effective_specs, source=sizes, fallback=format_names)
def test_the_cheap_part_is_what_is_not_slow_and_that_of_the_src_one_file(
    spec: Spec, source: Size, fallback: str
) -> None:
    found = plan(spec, source, fallback=fallback, max_width=MAX_SIDE)
    cheap, src = found.part(CHEAP), found.part("src")

    assert [variant for variant in found.variants if variant not in cheap] == [
        variant for variant in found.variants if variant.format == "avif"
    ]
    assert len(src) == min(1, len(found.variants))
    assert found.part("all") == found.part("srcset") == found.variants
    assert all(variant.format == found.variants[-1].format for variant in src)
