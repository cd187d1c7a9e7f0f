from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsive_img import keys
from responsive_img.defaults import Defaults, effective
from responsive_img.geometry import FocalPoint, Size
from responsive_img.keys import picture_key, rendition_name, source_key
from responsive_img.sources import SourceRef
from responsive_img.specs import Spec
from responsive_img.variants import Variant, plan
from templatetags_tests.strategies import MAX_SIDE, effective_specs, format_names, names, sizes, texts

SOURCE = SourceRef("default", "photos/cat.jpg")
LARGE = Size(3000, 2000)


def first_variant(size: Size = LARGE, **told: Any) -> Variant:
    spec = effective(Spec(**{"format": "webp", **told}), Defaults())
    return plan(spec, size, fallback="jpeg", max_width=MAX_SIDE).variants[0]


def named(source: SourceRef = SOURCE, version: str = "", directory: str = "renditions", **told: Any) -> str:
    return rendition_name(source, version, first_variant(**told), directory)


@pytest.fixture
def unremembered():
    """Have keys made anew: their memo knows nothing of what a test does to constants."""
    picture_key.cache_clear()
    yield picture_key.cache_clear
    picture_key.cache_clear()


def test_digests_stay_as_they_are_as_records_and_files_bear_them(monkeypatch, unremembered):
    monkeypatch.setattr(keys, "SCHEMA", 1)
    monkeypatch.setattr(keys, "ENGINE_NUMBER", 1)

    assert source_key("default", "photos/cat.jpg") == "riXmEpnjb5bZlTcraj1VE8"
    assert picture_key("default", "photos/cat.jpg", "w400") == "riy5Sp2~f~snB7rw8nacyY"
    assert named(width=400) == "renditions/photos/cat-400w.984980ff.webp"


@given(texts, names, texts)
def test_keys_are_taken_by_memcached_and_fit_their_columns(storage, name, spec):
    for key in (picture_key(storage, name, spec), source_key(storage, name)):
        assert re.fullmatch(r"ri[0-9A-Za-z_~]{20}", key)


@given(st.lists(st.tuples(*[st.text(alphabet="ab/.", max_size=3)] * 3), unique=True, min_size=2))
def test_keys_differ_where_a_part_differs(parts):
    assert len({picture_key(*part) for part in parts}) == len(parts)
    assert len({source_key(*part[:2]) for part in parts}) == len({part[:2] for part in parts})


def test_picture_key_changes_with_schema_and_engine(monkeypatch, unremembered):
    before = picture_key("default", "a.jpg", "w4")

    monkeypatch.setattr(keys, "ENGINE_NUMBER", 4711)
    unremembered()
    other_engine = picture_key("default", "a.jpg", "w4")
    monkeypatch.setattr(keys, "SCHEMA", 4711)
    unremembered()

    assert len({before, other_engine, picture_key("default", "a.jpg", "w4")}) == 3


def test_rendition_name_tells_people_what_it_is():
    assert re.fullmatch(r"renditions/photos/cat-400w\.[0-9a-f]{8}\.webp", named(width=400))
    assert re.fullmatch(r"renditions/photos/cat-300h\.[0-9a-f]{8}\.jpg", named(height=300, format="jpeg"))
    assert re.fullmatch(r"renditions/photos/cat-full\.[0-9a-f]{8}\.png", named(format="png"))


@pytest.mark.parametrize(
    ("source", "directory", "pattern"),
    [
        ("cat.jpg", "renditions", r"renditions/cat-4w\.\w{8}\.webp"),
        ("cat", "renditions", r"renditions/cat-4w\.\w{8}\.webp"),
        (".jpg", "renditions", r"renditions/\.jpg-4w\.\w{8}\.webp"),
        ("a/b.c/d.e.png", "/x/y/", r"x/y/a/b\.c/d\.e-4w\.\w{8}\.webp"),
        ("a/cat.jpg", "", r"a/cat-4w\.\w{8}\.webp"),
    ],
)
def test_rendition_name_keeps_folder_and_stem(source, directory, pattern):
    name = named(SourceRef("default", source), directory=directory, width=4)

    assert re.fullmatch(pattern, name)


def test_rendition_name_is_the_same_for_the_same_inputs():
    assert named(width=400) == named(width=400)


def test_rendition_name_follows_from_what_was_asked_not_from_what_came_out():
    assert named(width=400, size=Size(3000, 2000)) == named(width=400, size=Size(300, 200))


def test_rendition_name_does_not_depend_on_who_asked():
    assert named(SOURCE._replace(field="app.Photo.image")) == named(SOURCE)


def test_rendition_name_changes_with_all_that_changes_the_file(monkeypatch):
    ratio = Fraction(1)
    found = [
        named(width=400),
        named(SOURCE._replace(storage="other"), width=400),
        named(SOURCE._replace(name="photos/cat.png"), width=400),
        named(SOURCE._replace(name="photos/cat.JPG"), width=400),
        named(SOURCE._replace(name="photos/car.jpg"), width=400),
        named(version="2", width=400),
        named(directory="other", width=400),
        named(width=401),
        named(width=400, format="avif"),
        named(width=400, quality=(("webp", 77),)),
        named(width=400, upscale=True),
        named(width=400, ratio=ratio),
        named(width=400, ratio=Fraction(2)),
        named(width=400, ratio=ratio, fit="contain"),
        named(width=400, ratio=ratio, focal=FocalPoint(0.5, 0.4)),
        named(width=400, height=400),
        named(width=400, height=401),
        named(width=400, height=400, fit="contain"),
        named(height=400),
        named(ratio=ratio),
        named(),
    ]
    monkeypatch.setattr(keys, "ENGINE_NUMBER", 4711)
    found.append(named(width=400))

    assert len(set(found)) == len(found)


def test_rendition_name_does_not_change_with_what_leaves_the_file_as_it_is():
    one_of_many = effective(Spec(width=400, formats=("webp", "avif"), densities=(1.0, 3.0)), Defaults())
    variant = plan(one_of_many, Size(3000, 2000), fallback="jpeg", max_width=MAX_SIDE).variants[0]

    assert rendition_name(SOURCE, "", variant, "renditions") == named(width=400)


def test_rendition_name_of_a_density_is_that_of_its_width():
    spec = effective(Spec(width=200, format="webp", densities=(1.0, 2.0)), Defaults())
    second = plan(spec, Size(3000, 2000), fallback="jpeg", max_width=MAX_SIDE).variants[1]

    assert rendition_name(SOURCE, "", second, "renditions") == named(width=400)


@given(effective_specs, sizes, format_names)
def test_rendition_names_of_one_picture_are_unique(spec, size, fallback):
    variants = plan(spec, size, fallback=fallback, max_width=MAX_SIDE).variants

    assert len({rendition_name(SOURCE, "", variant, "r") for variant in variants}) == len(variants)


@pytest.mark.parametrize("stem", ["a" * 200, "ü" * 120, "🖼" * 60, "👩‍👩‍👧" * 20, "a" * 149 + "🖼" * 9])
def test_rendition_name_of_a_long_stem_fits_a_file_system(stem):
    name = named(SourceRef("default", f"photos/{stem}.jpeg"), width=4096, format="avif")

    assert len(name.rpartition("/")[2].encode()) <= 200
    assert stem.startswith(re.sub(r"-4096w\.\w{8}\.avif$", "", name.removeprefix("renditions/photos/")))


def test_rendition_names_of_long_stems_that_differ_at_the_end_differ():
    assert named(SourceRef("default", "a" * 220 + "1.jpg")) != named(
        SourceRef("default", "a" * 220 + "2.jpg")
    )


@given(names, texts, effective_specs)
def test_rendition_name_of_any_source_fits_a_file_system(name, version, spec):
    variant = plan(spec, Size(60, 40), fallback="jpeg", max_width=MAX_SIDE).variants[0]

    found = rendition_name(SourceRef("default", name), version, replace(variant), "renditions")

    assert len(found.rpartition("/")[2].encode()) <= 255
    assert ".." not in found.split("/")
