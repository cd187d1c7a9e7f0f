from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from responsive_img.defaults import Defaults, check_limits, effective
from responsive_img.exceptions import SpecError
from responsive_img.formats import FORMATS
from responsive_img.geometry import CENTRE, FocalPoint, box_sides, round_px
from responsive_img.specs import BUILDS, SOURCE_AS_IS, Spec, from_text, merge, sorted_quality
from templatetags_tests.strategies import MAX_SIDE, defaults, effective_specs, texts, told_specs

SQUARE = Fraction(1)


def test_spec_is_hashable_and_frozen():
    spec = Spec(width=400)

    assert {spec: 1}[Spec(width=400)] == 1
    with pytest.raises(FrozenInstanceError):
        spec.width = 500  # type: ignore[misc] # the test


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"ratio": SQUARE, "width": 4, "height": 3},
            "'ratio' contradicts 'width' with 'height': the two sides are the ratio already.",
        ),
        (
            {"format": "webp", "formats": ("avif",)},
            "'format' (this one alone) contradicts 'formats' (offered before the fallback).",
        ),
        (
            {"format": "webp", "formats": ()},
            "'format' (this one alone) contradicts 'formats' (offered before the fallback).",
        ),
        (
            {"fit": "contain", "focal": CENTRE},
            "'focal' contradicts fit='contain', which shows the whole source.",
        ),
        (
            {"widths": (320,), "densities": (1.0,)},
            "'widths' contradicts 'densities': candidates are told apart by one or the other.",
        ),
    ],
)
def test_spec_refuses_what_contradicts_itself(told, message):
    with pytest.raises(SpecError) as caught:
        Spec(**told)

    assert str(caught.value) == message


@pytest.mark.parametrize("told", [{}, {"width": 400}, {"height": 300}])
@pytest.mark.parametrize("fit", ["cover", "contain"])
def test_fit_without_a_box_is_refused(told, fit):
    with pytest.raises(SpecError) as caught:
        Spec(fit=fit, **told).check_whole()

    assert str(caught.value) == "'fit' needs a box: 'width' and 'height', or 'ratio'."


@pytest.mark.parametrize("told", [{}, {"width": 400}, {"densities": (1.0, 2.0)}])
@pytest.mark.parametrize("sizes", ["50vw", ""])
def test_sizes_without_widths_are_refused(told, sizes):
    with pytest.raises(SpecError) as caught:
        Spec(sizes=sizes, **told).check_whole()

    assert str(caught.value) == (
        "'sizes' needs 'widths': only they leave the choice of a width to the browser."
    )


def test_sizes_with_widths_are_taken():
    Spec(sizes="50vw", widths=(320,)).check_whole()


@pytest.mark.parametrize(
    ("told", "ratio"),
    [
        ({"width": 4, "height": 3}, Fraction(4, 3)),
        ({"ratio": SQUARE}, SQUARE),
        ({"ratio": SQUARE, "width": 4}, SQUARE),
        ({"width": 4}, None),
        ({"height": 3}, None),
        ({"widths": (4,)}, None),
        ({}, None),
    ],
)
def test_box_ratio_is_that_of_both_sides_or_the_one_told(told, ratio):
    assert Spec(**told).box_ratio == ratio


@pytest.mark.parametrize(
    "told", [{"width": 4, "height": 3}, {"ratio": SQUARE}, {"ratio": SQUARE, "width": 4}]
)
def test_fit_with_a_box_is_taken(told):
    Spec(fit="cover", **told).check_whole()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (Spec(), ""),
        (Spec(width=400), "w400"),
        (Spec(preset="a;b c/ü", height=3), "pa%3Bb%20c%2F%C3%BC;h3"),
        (Spec(ratio=Fraction(16, 9), fit="cover", focal=FocalPoint(0.25, 1.0)), "r16/9;tcover;c0.25,1.0"),
        (Spec(upscale=False, densities=(1.0, 1.5, 2.0)), "u0;d1,1.5,2"),
        (Spec(formats=()), "f"),
        (Spec(formats=("avif", "webp"), quality=(("*", 70), ("webp", 60))), "favif,webp;q*:70,webp:60"),
        (Spec(format="png"), "opng"),
        (Spec(widths=(320, 640), sizes="50vw;é"), "l320,640;z50vw%3B%C3%A9"),
        (Spec(single=True, build="all"), "11;ball"),
        (SOURCE_AS_IS, "s1"),
    ],
)
def test_text_is_one_short_line(spec, text):
    assert spec.text == text
    assert from_text(text) == spec


@given(told_specs())
def test_text_of_what_is_told_is_read_back(spec):
    assert from_text(spec.text) == spec


@given(effective_specs)
def test_text_of_what_is_in_effect_is_read_back(spec):
    assert from_text(spec.text) == spec


@given(told_specs(), told_specs())
def test_text_differs_where_specs_differ(one, other):
    assert (one.text == other.text) == (one == other)


@given(told_specs())
def test_text_fits_into_a_marker(spec):
    assert spec.text.isprintable()


def test_text_keeps_every_density_that_can_be_asked_for():
    spec = Spec(width=1, densities=(1.0, 99.99, 100.0))

    assert from_text(spec.text) == spec


@pytest.mark.parametrize(
    "text",
    ["x", "w", "wx", "yak", "lx", "l3;d1", "l3;d1,2", ";", "w400;", "r1/0", "r", "c1", "c1,2,3", "ca,b", "qwebp", "dx", "w4;h3;r1",
     "owebp;favif", "tcontain;c0.5,0.5"],
)  # fmt: skip
def test_text_of_no_spec_is_refused_by_name(text):
    with pytest.raises(SpecError):
        from_text(text)


@given(st.text(alphabet="pwhrtcudlzfoqseb;,.:/0123456789-x", max_size=12))
@example("w20")
@example("x")
def test_text_of_anything_is_a_spec_or_an_error_of_ours(text):
    try:
        found = from_text(text)
    except SpecError:
        return

    assert isinstance(found, Spec)


def test_merge_lays_what_is_told_over_the_preset():
    merged = merge(
        Spec(preset="card", width=200, upscale=False),
        Spec(width=400, height=300, upscale=True, formats=("avif",)),
    )

    assert merged == Spec(width=200, height=300, upscale=False, formats=("avif",))


@pytest.mark.parametrize(
    ("told", "preset", "merged"),
    [
        ({"format": "png"}, {"formats": ("avif",)}, {"format": "png"}),
        ({"formats": ()}, {"format": "png"}, {"formats": ()}),
        ({}, {"format": "png"}, {"format": "png"}),
        ({"width": 4, "height": 3}, {"ratio": SQUARE}, {"width": 4, "height": 3}),
        ({"width": 4}, {"ratio": SQUARE, "height": 3}, {"width": 4, "height": 3}),
        ({"ratio": SQUARE, "width": 4}, {"width": 9, "height": 9}, {"ratio": SQUARE, "width": 4}),
        ({"ratio": SQUARE}, {"width": 4, "height": 3}, {"ratio": SQUARE, "width": 4}),
        ({"ratio": SQUARE, "height": 5}, {"width": 4}, {"ratio": SQUARE, "height": 5}),
        (
            {"focal": CENTRE},
            {"fit": "contain", "ratio": SQUARE},
            {"focal": CENTRE, "ratio": SQUARE},
        ),
        (
            {"focal": CENTRE, "fit": "cover"},
            {"fit": "contain", "ratio": SQUARE},
            {"focal": CENTRE, "fit": "cover", "ratio": SQUARE},
        ),
        (
            {"fit": "contain"},
            {"focal": CENTRE, "ratio": SQUARE},
            {"fit": "contain", "ratio": SQUARE},
        ),
        ({"quality": (("*", 50),)}, {"quality": (("webp", 60),)}, {"quality": (("*", 50),)}),
        (
            {"quality": (("webp", 50),)},
            {"quality": (("*", 40), ("avif", 30), ("webp", 60))},
            {"quality": (("*", 40), ("avif", 30), ("webp", 50))},
        ),
        ({"quality": (("webp", 50),)}, {}, {"quality": (("webp", 50),)}),
        ({"widths": (320,)}, {"densities": (1.0, 3.0)}, {"widths": (320,)}),
        ({"densities": (1.0,)}, {"widths": (320,), "sizes": "9vw"}, {"densities": (1.0,)}),
        ({"widths": (320,)}, {"widths": (640,), "sizes": "9vw"}, {"widths": (320,), "sizes": "9vw"}),
        ({"sizes": "50vw"}, {"widths": (640,), "sizes": "9vw"}, {"widths": (640,), "sizes": "50vw"}),
        ({"width": 4}, {"widths": (640,), "sizes": "9vw"}, {"width": 4, "widths": (640,), "sizes": "9vw"}),
        ({}, {"densities": (1.0, 3.0)}, {"densities": (1.0, 3.0)}),
        ({"build": "src"}, {"build": "all"}, {"build": "src"}),
        ({"single": True}, {"widths": (640,)}, {"single": True, "widths": (640,)}),
        ({}, {"quality": (("webp", 50),)}, {"quality": (("webp", 50),)}),
    ],
)
def test_merge_lets_what_contradicts_in_the_preset_give_way(told, preset, merged):
    assert merge(Spec(**told), Spec(**preset)) == Spec(**merged)


@given(told_specs(), told_specs(presets=False))
def test_merge_keeps_all_that_is_told_but_the_preset(told, preset):
    merged = merge(told, preset)

    for field in fields(Spec):
        if field.name not in {"preset", "quality"}:
            assert getattr(told, field.name) in {None, getattr(merged, field.name)}
    assert merged.preset is None


def test_sorted_quality_has_one_order():
    assert sorted_quality({"png": 1, "webp": 2, "avif": 3, "*": 4}) == (
        ("*", 4),
        ("avif", 3),
        ("webp", 2),
        ("png", 1),
    )


def test_effective_fills_in_every_default():
    spec = effective(Spec(width=400, height=300), Defaults())

    assert spec.text == "w400;h300;tcover;c0.5,0.5;u0;d1,2;fwebp;qavif:65,webp:78,jpeg:80"


def test_effective_lets_the_tag_win_over_the_settings():
    told = Spec(width=400, formats=("avif",), densities=(1.0, 3.0), upscale=True, quality=(("avif", 40),))

    spec = effective(told, Defaults(formats=("png",), densities=(1, 4), quality=(("avif", 50), ("jpeg", 51))))

    assert (spec.formats, spec.densities, spec.upscale) == (("avif",), (1.0, 3.0), True)
    assert spec.quality == (("avif", 40), ("webp", 78), ("jpeg", 51))


def test_effective_quality_for_any_format_stands_between_the_named_one_and_the_settings():
    spec = effective(Spec(quality=(("*", 70), ("webp", 60))), Defaults(quality=(("jpeg", 51),)))

    assert spec.quality == (("avif", 70), ("webp", 60), ("jpeg", 70))


def test_effective_format_alone_takes_no_formats_of_the_settings():
    spec = effective(Spec(format="png"), Defaults(formats=("webp",)))

    assert (spec.format, spec.formats) == ("png", None)


@pytest.mark.parametrize("told", [{}, {"ratio": SQUARE}])
def test_effective_without_a_side_has_one_density(told):
    assert effective(Spec(densities=(1.0, 2.0), **told), Defaults()).densities == (1.0,)


@pytest.mark.parametrize("told", [{"width": 400}, {"ratio": SQUARE, "fit": "contain"}])
def test_effective_drops_the_focal_point_of_what_is_not_cropped(told):
    assert effective(Spec(**told), Defaults()).focal is None


def test_effective_crops_to_a_ratio():
    spec = effective(Spec(ratio=SQUARE, width=10, focal=FocalPoint(0.1, 0.2)), Defaults())

    assert (spec.fit, spec.focal) == ("cover", FocalPoint(0.1, 0.2))


def test_effective_of_the_source_as_it_is_drops_all_else():
    assert effective(Spec(as_is=True, width=400), Defaults()) == SOURCE_AS_IS


def test_effective_refuses_a_fit_without_a_box():
    with pytest.raises(SpecError):
        effective(Spec(fit="cover", width=400), Defaults())


@pytest.mark.parametrize("settings_say", [Defaults(), Defaults(densities=(1, 3))])
def test_effective_widths_take_no_densities_of_the_settings(settings_say):
    spec = effective(Spec(widths=(320, 640), width=400), settings_say)

    assert (spec.widths, spec.densities) == ((320, 640), None)


@pytest.mark.parametrize(
    ("told", "box"),
    [
        ({"width": 4, "height": 3}, ("cover", CENTRE)),
        ({"ratio": SQUARE}, ("cover", CENTRE)),
        ({}, (None, None)),
        ({"ratio": SQUARE, "fit": "contain"}, ("contain", None)),
    ],
)
def test_effective_widths_are_cropped_to_a_ratio_as_densities_are(told, box):
    spec = effective(Spec(widths=(320,), **told), Defaults())

    assert (spec.fit, spec.focal) == box


@given(told_specs(presets=False), defaults, st.sampled_from(BUILDS), texts)
def test_canonical_text_is_free_of_what_changes_no_file(told, settings_say, build, sizes):
    spec = effective(told, settings_say)

    other = replace(told, build=build, sizes=sizes if told.widths else None)

    assert effective(other, settings_say).text == spec.text
    assert (spec.preset, spec.sizes, spec.single, spec.build) == (None, None, None, None)


@pytest.mark.parametrize(
    ("told", "one"),
    [
        ({"width": 400}, {"width": 400}),
        ({"width": 400, "densities": (1.0, 3.0)}, {"width": 400}),
        ({}, {}),
        ({"width": 4, "formats": ("avif", "webp")}, {"width": 4}),
        ({"width": 4, "format": "webp"}, {"width": 4, "format": "webp", "formats": None}),
        ({"widths": (320, 640)}, {"width": 640}),
        ({"widths": (320, 640), "sizes": "50vw"}, {"width": 640}),
        ({"widths": (320, 640), "width": 4, "height": 3}, {"width": 640, "ratio": Fraction(4, 3)}),
        ({"widths": (320, 640), "width": 400}, {"width": 640}),
        ({"widths": (320, 640), "height": 300}, {"width": 640}),
        ({"widths": (320, 640), "ratio": SQUARE, "height": 300}, {"width": 640, "ratio": SQUARE}),
        (
            {"widths": (320, 640), "ratio": SQUARE, "fit": "contain"},
            {"width": 640, "ratio": SQUARE, "fit": "contain"},
        ),
    ],
)
def test_effective_of_one_url_is_that_of_the_one_file_of_src(told, one):
    found = effective(Spec(single=True, **told), Defaults())

    assert found == effective(Spec(**{"densities": (1.0,), "formats": (), **one}), Defaults())


def test_effective_of_one_url_still_refuses_what_means_nothing():
    with pytest.raises(SpecError, match=r"^'sizes' needs 'widths'"):
        effective(Spec(single=True, width=4, sizes="50vw"), Defaults())


@given(told_specs(presets=False), defaults)
def test_effective_is_idempotent(told, settings_say):
    once = effective(told, settings_say)

    assert effective(once, settings_say) == once


@given(told_specs(presets=False), defaults)
def test_effective_knows_the_quality_of_every_format_that_has_one(told, settings_say):
    spec = effective(told, settings_say)

    assert dict(spec.quality or ()).keys() == {name for name, entry in FORMATS.items() if entry.quality}


@given(told_specs(presets=False), defaults)
def test_effective_keeps_the_sides_within_the_limit(told, settings_say):
    spec = effective(told, settings_say)

    sides = box_sides(width=spec.width, height=spec.height, ratio=spec.ratio)
    assert all(side is None or round_px(side) <= MAX_SIDE for side in sides)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"width": 1001}, "'width' comes to 1001 px, over the limit of 1000 px (RESPONSIVE_IMG_MAX_WIDTH)."),
        (
            {"height": 1001},
            "'height' comes to 1001 px, over the limit of 1000 px (RESPONSIVE_IMG_MAX_WIDTH).",
        ),
        (
            {"width": 600, "ratio": Fraction(1, 2)},
            "'height' comes to 1200 px, over the limit of 1000 px (RESPONSIVE_IMG_MAX_WIDTH).",
        ),
        (
            {"width": 1, "formats": ("avif", "webp", "png"), "densities": tuple(map(float, range(1, 10)))},
            "36 renditions of one picture are too many, the limit is 32.",
        ),
        (
            {"widths": (4, 1001)},
            "'widths' comes to 1001 px, over the limit of 1000 px (RESPONSIVE_IMG_MAX_WIDTH).",
        ),
        (
            {"widths": (4, 600), "ratio": Fraction(1, 2)},
            "'widths' comes to 1200 px, over the limit of 1000 px (RESPONSIVE_IMG_MAX_WIDTH).",
        ),
        (
            {"widths": (4, 600), "width": 1, "height": 2},
            "'widths' comes to 1200 px, over the limit of 1000 px (RESPONSIVE_IMG_MAX_WIDTH).",
        ),
        (
            {"widths": tuple(range(1, 18))},
            "34 renditions of one picture are too many, the limit is 32.",
        ),
        (
            {"width": 1, "format": "webp", "densities": tuple(map(float, range(1, 34)))},
            "33 renditions of one picture are too many, the limit is 32.",
        ),
    ],
)
def test_limits_refuse_too_large_and_too_much(told, message):
    with pytest.raises(SpecError) as caught:
        check_limits(Spec(**told), Defaults(max_width=1000))

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"width": 1000, "height": 1000},
        {"width": 1000, "densities": (1.0, 9.0)},
        {"width": 500, "ratio": Fraction(1, 2)},
        {"width": 1, "formats": ("avif",), "densities": tuple(map(float, range(1, 17)))},
        {"width": 1, "format": "webp", "densities": tuple(map(float, range(1, 33)))},
        {"widths": (1000,)},
        {"widths": (500,), "ratio": Fraction(1, 2)},
        {"widths": tuple(range(1, 17))},
        {"widths": tuple(range(1, 33)), "format": "webp"},
    ],
)
def test_limits_take_what_just_fits(told):
    check_limits(Spec(**told), Defaults(max_width=1000))


def test_limits_count_the_formats_of_the_settings_too():
    with pytest.raises(SpecError, match="33 renditions"):
        check_limits(
            Spec(width=1, densities=tuple(map(float, range(1, 12)))), Defaults(formats=("avif", "webp"))
        )
