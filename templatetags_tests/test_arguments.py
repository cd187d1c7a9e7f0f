from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from django.utils.safestring import mark_safe
from hypothesis import example, given
from hypothesis import strategies as st

from responsive_img.arguments import ARGUMENTS, read, read_preset
from responsive_img.exceptions import SpecError
from responsive_img.geometry import FocalPoint
from responsive_img.specs import Spec


class Length:
    """Stands for a number of another library, or the width of another picture."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __index__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"<{self._length}>"


LENGTH = "'width' must be a whole number of px from 1 on, not {!r}."
RATIO = "'ratio' must be width over height such as '16/9' or 1.5, between 1/100 and 100, or one of: square, video, video_vertical, golden, golden_vertical; not {!r}."
WIDTHS = "'widths' must be whole numbers of px from 1 on such as '320 640 960', not {!r}."
SIZES = "'sizes' must be text such as '(max-width: 600px) 100vw, 50vw', not {!r}."
BUILD = "'build' must be one of: src, srcset, all; not {!r}."
FOCAL = "'focal' must be a point such as '30% 70%' or (0.3, 0.7), not {!r}."
FOCAL_OUTSIDE = "'focal' must lie within the picture, 0% to 100%, not {!r}."
DENSITIES = "'densities' must be numbers such as '1 2', not {!r}."
DENSITIES_UNDER = "'densities' must be numbers from 1 to 100, not {!r}."
QUALITY = "'quality' must be whole numbers from 1 to 100, not {!r}."
HUGE = 10**400
NO_LENGTHS: list[object] = [
    *(
        Length(0),
        Length(-1),
        Length(10**9),
        Decimal(0),
        Decimal("1.5"),
        Decimal("1e30000000"),
        Decimal("nan"),
    ),
    *(0, -4, 1.5, "1.5", "", "wide", "4e2", "²", "1234567890", True, [], (4,), float("inf"), float("nan")),
]
NO_WIDTHS: list[object] = ["", [], True, len, "320w", "320 64O", [0, 1], [None], 0, 1.5, "-1 5"]
NO_QUALITIES: list[object] = [True, "", [], b"70", "webp 70 80"]
NO_RATIOS: list[object] = [
    *("", "wide", "0", "1/0", "-1", "1/101", "101", "/9", "16/9/4", "nan", "inf", 0, True, [], float("inf"))
]


@pytest.mark.parametrize(
    ("name", "value", "read_value"),
    [
        ("width", 400, 400),
        ("width", "400", 400),
        ("width", " 400 ", 400),
        ("width", 400.0, 400),
        ("width", Decimal(400), 400),
        ("width", Decimal("4e2"), 400),
        ("width", Length(400), 400),
        ("widths", [Decimal(320), Length(640)], (320, 640)),
        ("height", 1, 1),
        ("height", mark_safe("7"), 7),
        ("ratio", "16/9", Fraction(16, 9)),
        ("ratio", "16:9", Fraction(16, 9)),
        ("ratio", " 16 / 9 ", Fraction(16, 9)),
        ("ratio", "1.5", Fraction(3, 2)),
        ("ratio", 1.5, Fraction(3, 2)),
        ("ratio", 2, Fraction(2)),
        ("ratio", "square", Fraction(1)),
        ("ratio", " Square", Fraction(1)),
        ("ratio", Fraction(4, 3), Fraction(4, 3)),
        ("ratio", Decimal("1.25"), Fraction(5, 4)),
        ("ratio", "video", Fraction(16, 9)),
        ("ratio", "VIDEO_vertical", Fraction(9, 16)),
        ("ratio", "golden", Fraction(161803, 100000)),
        ("ratio", "golden_vertical", Fraction(61803, 100000)),
        ("ratio", "1/100", Fraction(1, 100)),
        ("ratio", 100, Fraction(100)),
        ("upscale", True, True),
        ("upscale", False, False),
        ("densities", "1 2", (1.0, 2.0)),
        ("densities", "2", (1.0, 2.0)),
        ("densities", "3, 1.5 ,2", (1.0, 1.5, 2.0, 3.0)),
        ("densities", 2, (1.0, 2.0)),
        ("densities", (2, 2.0, "2"), (1.0, 2.0)),
        ("densities", "1.333", (1.0, 1.33)),
        ("densities", "", (1.0,)),
        ("widths", "320 640 960", (320, 640, 960)),
        ("widths", "640, 320,640", (320, 640)),
        ("widths", [640, "320", 640.0], (320, 640)),
        ("widths", 320, (320,)),
        ("widths", {320: None}, (320,)),
        ("build", "src", "src"),
        ("build", mark_safe("srcset"), "srcset"),
        ("build", "all", "all"),
        ("formats", "avif webp", ("avif", "webp")),
        ("formats", ["webp", "avif"], ("webp", "avif")),
        ("formats", "jpg,JPEG", ("jpeg",)),
        ("formats", "", ()),
        ("formats", (), ()),
        ("format", "jpg", "jpeg"),
        ("format", mark_safe("webp"), "webp"),
        ("quality", 70, (("*", 70),)),
        ("quality", "70", (("*", 70),)),
        ("quality", "webp 70 avif 55", (("avif", 55), ("webp", 70))),
        ("quality", "webp 70, jpg 55", (("webp", 70), ("jpeg", 55))),
        ("quality", {"webp": 70, "AVIF": "55"}, (("avif", 55), ("webp", 70))),
        ("quality", ["webp", 70], (("webp", 70),)),
        ("quality", {}, ()),
    ],
    ids=repr,
)
def test_argument_is_read_in_every_form(name, value, read_value):
    spec = read({name: value})

    assert spec == replace(Spec(**{name: read_value}), still=name in {"format", "formats"} or None)


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        ("50vw", "50vw"),
        (" (max-width: 600px) 100vw, 50vw ", "(max-width: 600px) 100vw, 50vw"),
        (mark_safe("40vw"), "40vw"),
        # What only lazy pictures may have is written by the library.
        ("auto, 50vw", "50vw"),
        (" AUTO ,(max-width: 9em) 50vw, 1px", "(max-width: 9em) 50vw, 1px"),
        ("auto", "100vw"),
        ("auto,", "100vw"),
        ("", "100vw"),
        (" ", "100vw"),
        # However often, and whatever hides it.
        ("auto, AUTO ,auto", "100vw"),
        ("auto, auto, 50vw", "50vw"),
        ("au\x00to, 50vw", "50vw"),
        ("(max-width: 9em) 1px, auto", "(max-width: 9em) 1px, auto"),
        # What no marker and no attribute can carry.
        ("50vw\ud800", "50vw"),
        ("\x1f50\x7fv\x9fw\n", "50vw"),
        ("\x00", "100vw"),
        ("automatic", "automatic"),
        ("auto 50vw", "auto 50vw"),
    ],
)
def test_sizes_are_read_without_auto(value, sizes):
    found = read({"widths": 320, "sizes": value})

    assert found == Spec(widths=(320,), sizes=sizes)
    assert type(found.sizes) is str


@pytest.mark.parametrize("fit", ["cover", "contain"])
def test_fit_is_read(fit):
    assert read({"fit": fit, "ratio": 1}).fit == fit


@pytest.mark.parametrize("value", ["30% 70%", "30%, 70%", "0.3 0.7", (0.3, 0.7), ["30%", 0.7], "30% 0.7"])
def test_focal_is_read_in_every_form(value):
    assert read({"focal": value}).focal == FocalPoint(0.3, 0.7)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *[("width", value, LENGTH.format(value)) for value in NO_LENGTHS],
        *[("ratio", value, RATIO.format(value)) for value in NO_RATIOS],
        ("fit", "fill", "'fit' must be one of: contain, cover; not 'fill'."),
        ("fit", ["cover"], "'fit' must be one of: contain, cover; not ['cover']."),
        *[("focal", value, FOCAL.format(value)) for value in ("", "left top", "30%", "1 1 1", 0.5, True, (None, 1))],
        *[("focal", value, FOCAL_OUTSIDE.format(value)) for value in ("101% 0%", "-1% 0", (0, 1.01), ("nan", 0))],
        ("upscale", 1, "'upscale' must be True or False, not 1."),
        ("upscale", "true", "'upscale' must be True or False, not 'true'."),
        *[("densities", value, DENSITIES.format(value)) for value in ("2x", True, len, [None])],
        *[("densities", value, DENSITIES_UNDER.format(value)) for value in ("0.5", 0, -1, "100.1", "nan", "inf")],
        *[("widths", value, WIDTHS.format(value)) for value in NO_WIDTHS],
        *[("sizes", value, SIZES.format(value)) for value in (5, ["50vw"], b"50vw", True)],
        *[("build", value, BUILD.format(value)) for value in ("SRC", "", True, ["src"])],
        ("formats", True, "'formats' must be names such as 'avif webp', not True."),
        (
            "formats",
            "webp jpge",
            "Unknown format 'jpge'. Did you mean 'jpeg'? Choices: avif, jpeg, png, webp.",
        ),
        ("formats", 5, "Unknown format '5'. Choices: avif, jpeg, png, webp."),
        ("format", 5, "'format' must be one of: avif, webp, jpeg, png; not 5."),
        ("format", "gif", "Unknown format 'gif'. Choices: avif, jpeg, png, webp."),
        *[("quality", value, QUALITY.format(value)) for value in (0, 101, -5, "high", 7.5, "1000")],
        ("quality", "webp 0", QUALITY.format("0")),
        ("quality", {"webp": None}, QUALITY.format(None)),
        *[
            ("quality", value, f"'quality' must be a number such as 70, or pairs such as 'webp 70 avif 55', not {value!r}.")
            for value in NO_QUALITIES
        ],
        ("quality", "wepb 70", "Unknown format 'wepb'. Did you mean 'webp'? Choices: avif, jpeg, png, webp."),
        (
            "widht",
            4,
            "Unknown argument 'widht'. Did you mean 'width'? Choices: build, densities, fit, focal, format, formats, "
            "height, quality, ratio, sizes, upscale, width, widths.",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_argument_is_refused_with_its_name_and_the_choices(name, value, message):
    with pytest.raises(SpecError) as caught:
        read({name: value}, partial=True)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", HUGE),
        ("focal", (HUGE, 0)),
        ("densities", [HUGE]),
        ("ratio", HUGE),
        ("quality", HUGE),
        ("widths", HUGE),
        ("widths", [1, HUGE]),
        ("sizes", HUGE),
        ("build", HUGE),
    ],
    ids=["width", "focal", "densities", "ratio", "quality", "widths", "widths in a list", "sizes", "build"],
)
def test_number_of_any_length_is_refused_by_an_error_of_ours(name, value):
    with pytest.raises(SpecError):
        read({name: value})


@pytest.mark.parametrize(
    "value", ["1e30000000", "1E+30000000/1", "1/1e30000000", Decimal("1e30000000"), Decimal("1e-30000000"), "1" * 41]
)  # fmt: skip
def test_ratio_of_millions_of_digits_is_refused_at_once(value):
    start = time.monotonic()

    with pytest.raises(SpecError) as caught:
        read({"ratio": value})

    assert str(caught.value) == RATIO.format(value)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("value", [object(), Ellipsis, {"a": 1}, [[1]], len, b"ab"], ids=type)
def test_value_of_any_type_is_refused_by_an_error_of_ours(name, value):
    with pytest.raises(SpecError):
        read({name: value}, partial=True)


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name != "sizes"])
def test_value_that_is_another_text_is_refused_by_an_error_of_ours(name):
    with pytest.raises(SpecError):
        read({name: "\x00"}, partial=True)


@given(
    st.sampled_from(ARGUMENTS),
    st.text(max_size=12)
    | st.integers()
    | st.floats()
    | st.lists(st.text(max_size=5) | st.floats(), max_size=3),
)
@example("width", 20)
@example("width", "x")
def test_anything_is_read_or_refused_by_an_error_of_ours(name, value):
    try:
        spec = read({name: value}, partial=True)
    except SpecError:
        return

    assert spec.text.startswith(Spec(**{name: getattr(spec, name)}).text)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_none_is_not_told(name):
    assert read({name: None}) == Spec()


def test_preset_is_kept_for_later():
    assert read({"width": 4}, preset="card") == Spec(width=4, preset="card")


def test_fit_without_a_box_is_refused_where_nothing_can_bring_the_box():
    with pytest.raises(SpecError) as caught:
        read({"fit": "cover"})

    assert str(caught.value) == "'fit' needs a box: 'width' and 'height', or 'ratio'."


def test_sizes_without_widths_are_refused_where_nothing_can_bring_them():
    with pytest.raises(SpecError) as caught:
        read({"sizes": "50vw"})

    assert str(caught.value) == (
        "'sizes' needs 'widths': only they leave the choice of a width to the browser."
    )


def test_sizes_wait_for_the_widths_of_a_preset_or_of_an_expression():
    assert read({"sizes": "50vw"}, preset="card").sizes == "50vw"
    assert read({"sizes": "50vw"}, partial=True).sizes == "50vw"


@pytest.mark.parametrize(("single", "told"), [(True, True), (False, None)])
def test_one_url_is_told(single, told):
    assert read({"width": 4}, single=single) == Spec(width=4, single=told)


def test_fit_waits_for_the_box_of_a_preset_or_of_an_expression():
    assert read({"fit": "cover"}, preset="card").fit == "cover"
    assert read({"fit": "cover"}, partial=True).fit == "cover"


def test_preset_name_is_plain_text():
    assert read_preset("card") == "card"


@pytest.mark.parametrize("value", ["", None, 5, ["card"], "\ud800", "a\udfff"])
def test_preset_that_is_no_name_is_refused(value):
    with pytest.raises(SpecError) as caught:
        read_preset(value)

    assert str(caught.value) == f"A preset is given by its name, not {value!r}."


@pytest.mark.parametrize(
    "name", ["width", "ratio", "densities", "widths", "quality", "fit", "focal", "sizes", "build"]
)
def test_a_number_that_python_refuses_to_write_is_refused_by_an_error_of_ours(name):
    with pytest.raises(SpecError, match=f"'{name}' must"):
        read({name: 10**5000})
