from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages
from django.core.management import call_command
from django.db import models
from django.db.models.fields.files import FieldFile
from django.test.utils import isolate_apps
from django.utils.safestring import mark_safe
from hypothesis import example, given
from hypothesis import strategies as st

from responsive_img import static
from responsive_img.exceptions import SourceError
from responsive_img.sources import (
    MAX_NAME_LENGTH,
    SourceRef,
    checked_name,
    field_ref,
    reference,
    rendition_storage,
    storage_of,
)
from templatetags_tests.models import Photo, Scan
from templatetags_tests.strategies import names

ROOT = Path("/srv/media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "memory": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}


@isolate_apps("templatetags_tests")
def field_of(storage: Storage) -> Any:
    """Return the field of a model that exists for one test alone."""

    class Paper(models.Model):  # noqa: DJ008 - never printed
        file = models.FileField(storage=storage)

        class Meta:
            app_label = "templatetags_tests"

    return Paper._meta.get_field("file")


def test_file_of_the_default_storage_is_written_with_its_alias():
    source = reference(Photo(image="photos/cat.jpg").image)

    assert source == SourceRef("default", "photos/cat.jpg", "templatetags_tests.Photo.image")
    assert storage_of(source[0]) == storages["default"] == default_storage


def test_file_of_a_storage_that_only_its_field_knows_is_written_with_the_field():
    source = reference(Scan(image="a/b.png").image)

    assert source == SourceRef("templatetags_tests.Scan.image", "a/b.png", "templatetags_tests.Scan.image")
    assert storage_of(source[0]) is Scan._meta.get_field("image").storage


def test_file_of_a_storage_among_the_settings_is_written_with_its_alias(settings):
    settings.STORAGES = STORAGES

    field = field_of(storages["memory"])

    assert field_ref(field) == ("memory", "templatetags_tests.Paper.file")
    assert storage_of("memory") is field.storage


def test_alias_that_cannot_be_made_does_not_cost_the_others(settings):
    broken = {"BACKEND": "nowhere.Storage"}
    settings.STORAGES = {"aaa": broken, **STORAGES}

    field = field_of(storages["memory"])

    assert field_ref(field) == ("memory", "templatetags_tests.Paper.file")


def test_field_is_looked_at_once():
    field = Photo._meta.get_field("image")

    assert field_ref(field) is field_ref(field)


def test_storage_like_one_of_the_settings_but_not_it_is_written_with_the_field(tmp_path):
    field = field_of(FileSystemStorage(location=tmp_path))

    assert field_ref(field) == ("templatetags_tests.Paper.file", "templatetags_tests.Paper.file")


@pytest.mark.parametrize("name", ["a.jpg", "a/b c/ü(1),'.jpg", "..jpg", "a../b", mark_safe("safe.jpg"), "🖼"])
def test_name_given_by_hand_is_of_the_default_storage(name):
    assert reference(name) == SourceRef("default", name, "")


@pytest.fixture
def static_files(settings, tmp_path):
    """Return a function that sets the static files' storage, and collects into it what tests have."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.svg").write_text("<svg/>")
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    settings.STATIC_ROOT = tmp_path / "collected"

    def collect(storage: str) -> None:
        backend = f"django.contrib.staticfiles.storage.{storage}"
        settings.STORAGES = {**STORAGES, "staticfiles": {"BACKEND": backend}}
        call_command("collectstatic", interactive=False, verbosity=0)

    return collect


def test_static_file_is_written_with_its_version_as_its_storage(static_files):
    static_files("StaticFilesStorage")
    assert reference("static:a.svg") == SourceRef("static:", "a.svg", "")

    static_files("ManifestStaticFilesStorage")
    storage, name, field = reference(mark_safe("static:a.svg"))

    assert re.fullmatch("static:[0-9a-f]{8}", storage)
    assert (name, field, type(name)) == ("a.svg", "", str)


@pytest.mark.parametrize("reference", ["static:", "static:0123abcd"])
def test_storage_of_static_files_is_one_whatever_their_version(reference):
    assert storage_of(reference) is static.STORAGE


@pytest.mark.parametrize("source", ["static:", "static:/a.svg", "static:../a.svg", "static:a\x00.svg"])
def test_name_of_a_static_file_is_checked_too(source):
    with pytest.raises(SourceError) as caught:
        reference(source)

    assert str(caught.value) == f"Not the name of a file in a storage: {source.removeprefix('static:')!r}"


@pytest.mark.parametrize(
    ("source", "configured", "storage"),
    [
        ("memory", None, "memory"),
        ("templatetags_tests.Scan.image", None, "templatetags_tests.Scan.image"),
        ("static:", None, "default"),
        ("static:0123abcd", None, "default"),
        ("memory", "other", "other"),
        ("static:", "other", "other"),
    ],
)
def test_renditions_are_in_the_storage_configured_else_beside_the_source_else_in_the_default_one(
    source, configured, storage
):
    assert rendition_storage(source, configured) == storage


@pytest.mark.parametrize("source", [None, 5, b"a.jpg", Path("a.jpg"), object])
def test_source_that_is_neither_file_nor_name_is_refused(source):
    with pytest.raises(SourceError) as caught:
        reference(source)

    assert str(caught.value) == (
        f"A source is a file of a model, a name in the default storage, or 'static:' and the path of a static "
        f"file, not {source!r}."
    )


def test_file_of_a_field_that_belongs_to_no_model_is_refused():
    file = FieldFile(Photo(), models.FileField(), "photos/cat.jpg")

    with pytest.raises(
        SourceError, match=r"^A source is a file of a model, a name in the default storage, or 'static:' "
    ):
        reference(file)


def test_empty_file_is_refused():
    with pytest.raises(SourceError, match=r"^Not the name of a file in a storage: ''$"):
        reference(Photo().image)


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../a.jpg", "a/../../b", "a/..", "..", "a\\b", "..\\a", "a\x00b", "a\nb", "a\x1fb", "a\x7fb",
     "a\x85b", "a\ud800b", "x" * (MAX_NAME_LENGTH + 1)],
    ids=lambda name: repr(name)[:20],
)  # fmt: skip
def test_name_that_no_storage_may_be_asked_for_is_refused(name):
    with pytest.raises(SourceError) as caught:
        checked_name(name)

    assert str(caught.value) == f"Not the name of a file in a storage: {name[:200]!r}"


def test_name_of_the_greatest_length_is_taken():
    assert checked_name("x" * MAX_NAME_LENGTH) == "x" * MAX_NAME_LENGTH


@given(names)
def test_name_of_any_file_is_taken_as_it_is(name):
    assert checked_name(name) == name


@given(st.text(alphabet="./\\a\x00\x1f ", max_size=12) | st.text())
@example("a")
@example("..")
def test_name_that_is_taken_stays_within_the_storage(name):
    try:
        checked_name(name)
    except SourceError:
        return

    path = Path(FileSystemStorage(location=ROOT).path(name))
    assert path.is_relative_to(ROOT)
    assert not any(
        ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in name
    )


@pytest.mark.parametrize(
    "text",
    ["nowhere", "", "app.Model", "nowhere.Model.field", "templatetags_tests.Nobody.image", "a.b.c.d",
     "templatetags_tests.Photo.nothing"],
)  # fmt: skip
def test_storage_that_this_process_does_not_know_is_refused(text):
    with pytest.raises(SourceError) as caught:
        storage_of(text)

    assert str(caught.value) == f"No storage and no field is called {text!r}."


@pytest.mark.parametrize("field", ["title", "id"])
def test_storage_of_a_field_that_holds_no_file_is_refused(field):
    with pytest.raises(SourceError) as caught:
        storage_of(f"templatetags_tests.Photo.{field}")

    assert str(caught.value) == f"templatetags_tests.Photo.{field} is not a file field."
