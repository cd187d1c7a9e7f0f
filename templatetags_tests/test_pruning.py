"""Pruning: what no page can show any more goes after a time of grace, and nothing else, whoever builds meanwhile."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.db import connection, connections, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given

from responsive_img import (
    ImageWarmer,
    Img,
    conf,
    files,
    invalidate,
    keys,
    lookup,
    manifest,
    orphans,
    pruning,
    records,
    removing,
    unlisted,
    versions,
)
from responsive_img.fields import FocalPointField
from responsive_img.keys import rendition_name, rendition_stem
from responsive_img.sources import SourceRef
from responsive_img.variants import plan
from templatetags_tests.conftest import Router, drawn
from templatetags_tests.models import Person, Photo, Scan, VaultStorage
from templatetags_tests.strategies import MAX_SIDE, effective_specs, names, sizes, texts
from templatetags_tests.test_images import ONE, built, states
from templatetags_tests.test_rows_10_19 import allow
from templatetags_tests.test_rows_20_29 import S3 as S3
from templatetags_tests.test_rows_20_29 import s3 as s3
from templatetags_tests.test_rows_20_29 import s3_server as s3_server
from templatetags_tests.test_workers import on_sqlite

# What replaces a source is told to the cache on commit.
pytestmark = pytest.mark.django_db(transaction=True)

HERE = __name__
NAME = "photos/cat.jpg"
DAY, MONTH = timedelta(days=1), timedelta(days=30)


def show(source: object = NAME, **options: Any) -> str:
    """Return the name of the file that is shown."""
    return Img(**{**ONE, **options})(source).base_url().removeprefix("/media/")


def prune(grace: timedelta = MONTH, **options: Any) -> tuple[int, ...]:
    """Prune, and return how many sources, pictures and files were removed, and how many pictures wait."""
    done = pruning.prune(grace, say=lambda line: None, **options)
    assert done.failed == 0
    return done.sources, done.pictures, done.files, done.waiting


def pass_by(time_passed: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass: records, files and versions are as much older."""
    for key, since in records.picture_model().objects.values_list("key", "not_before"):
        if since is not None:
            records.picture_model().objects.filter(key=key).update(not_before=since - time_passed)
    for source in records.source_model().objects.all():
        if began := versions.since(source.version):
            older = f"{began - int(time_passed.total_seconds()):08x}{source.version[8:]}"
            records.source_model().objects.filter(key=source.key).update(version=older)
    for path in Path(default_storage.path("")).rglob("*"):
        age(path, time_passed)


def age(path: Path | str, time_passed: timedelta) -> None:
    found = Path(path)
    moment = found.stat().st_mtime - time_passed.total_seconds()
    os.utime(found, (moment, moment))


def is_there(name: str) -> bool:
    return default_storage.exists(name)


def put(name: str, content: bytes = b"x", *, old: timedelta = 2 * MONTH) -> str:
    """Put a file under the name, as if it had been there for long."""
    assert files.save(default_storage, name, content) == name
    age(default_storage.path(name), old)
    return name


LOST = "renditions/photos/cat-20w.00000000.webp"


# Names ---------------------------------------------------------------------------------------------------


@given(texts, names, texts, effective_specs, sizes)
def test_every_name_of_a_rendition_is_known_as_one(storage, name, version, spec, size):
    for variant in plan(spec, size, fallback="jpeg", max_width=MAX_SIDE).variants:
        found = rendition_name(SourceRef(storage, name), version, variant, "renditions")

        assert rendition_stem(found.rpartition("/")[2]) == keys.stem(name)
        assert found.startswith("renditions/")


@pytest.mark.parametrize(
    "name",
    ["cat.jpg", "cat-20w.jpg", "cat-20w.0000000.webp", "cat-20w.000000000.webp", "cat-20w.0000000G.webp",
     "cat-20w.00000000.gif", "cat-w.00000000.webp", "cat-020w.00000000.webp", "cat-20x.00000000.webp",
     "-20w.00000000.webp", "cat-20w.00000000.webp.bak", "cat-20w.00000000_AbCdEfG.webp",
     "cat-20w.0000000\N{ARABIC-INDIC DIGIT ZERO}.webp", "cat20w.00000000.webp", "cat-1\N{ARABIC-INDIC DIGIT ONE}w.00000000.webp", ".ri-0000", ""],
)  # fmt: skip
def test_other_names_are_not(name):
    assert rendition_stem(name) is None


# What stays ----------------------------------------------------------------------------------------------


def test_what_pages_show_stays_however_old_it_is(photo, monkeypatch):
    shown = show(photo.image), show(photo.image, width=30)
    pass_by(10 * MONTH, monkeypatch)

    assert prune() == prune(timedelta(0)) == (0, 0, 0, 0)

    assert (show(photo.image), show(photo.image, width=30)) == shown
    assert all(map(is_there, (*shown, NAME)))


def test_a_file_that_no_record_lists_goes_once_it_is_old(photo):
    shown = show()
    put(LOST, old=MONTH - DAY)
    assert prune() == (0, 0, 0, 0)
    put(LOST, old=MONTH + DAY)

    assert prune() == (0, 0, 1, 0)

    assert not is_there(LOST)
    assert is_there(shown)


def test_what_is_younger_than_a_lease_stays_without_grace_too(photo):
    show()
    put(LOST, old=timedelta(seconds=60))
    assert prune(timedelta(0)) == (0, 0, 0, 0)
    put(LOST, old=timedelta(seconds=180))

    assert prune(timedelta(0)) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    "name",
    ["renditions/photos/readme.txt", "renditions/cat-20w.webp", "renditions/photos/cat-20w.0000000.webp",
     "photos/cat-20w.00000000.webp", "renditions2/cat-20w.00000000.webp", "cat-20w.00000000.webp",
     "photos/.ri-0123"],
)  # fmt: skip
def test_other_files_and_other_folders_are_left_alone(photo, name):
    show()
    put(name)

    assert prune(timedelta(0)) == (0, 0, 0, 0)

    assert is_there(name)


def test_a_rendition_that_was_uploaded_or_is_a_source_itself_is_left_alone(photo):
    show()
    uploaded = put("renditions/a/dog-20w.00000000.webp")
    shown = put("renditions/a/fox-20w.00000000.webp", drawn(format="WEBP"))
    Photo.objects.create(image=uploaded)
    show(shown)
    put("renditions/a/elk-20w.00000000.webp")

    assert prune(timedelta(0)) == (0, 0, 1, 0)

    assert is_there(uploaded)
    assert is_there(shown)


def test_a_link_to_elsewhere_is_not_followed(photo):
    show()
    outside = put("elsewhere/cat-20w.00000000.webp")
    Path(default_storage.path("renditions/link")).symlink_to(default_storage.path("elsewhere"))

    assert prune(timedelta(0)) == (0, 0, 0, 0)

    assert is_there(outside)


def test_a_storage_without_renditions_has_none_to_look_through(photo):
    show()
    Path(default_storage.path("renditions/photos/")).rename(default_storage.path("elsewhere"))
    Path(default_storage.path("renditions")).rmdir()

    assert prune(timedelta(0)) == (0, 0, 0, 0)


def test_a_record_of_another_release_keeps_what_it_lists(photo, settings):
    shown = show()
    key = keys.picture_key("default", NAME, "?")
    records.picture_model().objects.update(key=key, spec="?")
    put(LOST)
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 40}}

    assert prune(timedelta(0)) == (0, 0, 1, 0)
    assert is_there(shown)
    assert prune(undeclared=True) == (0, 0, 0, 1)
    assert is_there(shown)


def test_without_a_directory_of_their_own_no_file_is_taken_for_a_rendition(photo, settings, log):
    settings.RESPONSIVE_IMG_DIRECTORY = ""
    show()
    like = put("photos/dog-20w.00000000.webp")

    done = pruning.prune(timedelta(0), say=lambda line: None)

    assert is_there(like)
    assert done.failed == 1
    assert log() == [
        "Pruning leaves unlisted files alone: RESPONSIVE_IMG_DIRECTORY is empty, so they lie among others"
    ]


def test_names_that_the_warmer_wrote_and_no_record_lists_stay(photo, settings, monkeypatch):
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    ImageWarmer(Photo.objects.all(), Img(width=75), "image").warm()
    (picture,) = records.picture_model().objects.all()
    read = manifest.loads(picture.renditions)
    assert read is not None
    assert len(built()) > len(set(read.names())) > 0
    before = built()
    pass_by(10 * MONTH, monkeypatch)

    assert prune(timedelta(0)) == (0, 0, 0, 0)

    assert built() == before


@pytest.mark.parametrize("trusts", [False, True])
def test_files_of_no_version_stay_where_pages_trust_the_warmer(photo, settings, monkeypatch, trusts):
    first = show()
    invalidate(NAME)
    second = show()
    pass_by(2 * MONTH, monkeypatch)
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = not trusts

    assert prune() == (0, 0, int(not trusts), 0)

    assert is_there(first) is trusts
    assert is_there(second)


@pytest.mark.parametrize(
    "name", ["cat.jpg", "a/b/c.jpg", "./photos/x.jpg", "photos//y.jpg", "photos/./z.jpg", "Ünï/é ß, %20.jpg",
             "photos/100%_a.jpg", "photos/" + "x" * 180 + ".jpg", "photos/noext"],
)  # fmt: skip
def test_the_renditions_of_any_name_are_found_again(db, name, monkeypatch):
    default_storage.save(os.path.normpath(name), ContentFile(drawn()))
    shown = Img(**ONE)(name)
    assert shown.base_url().startswith("/media/renditions/")
    before = sorted(path for path in Path(default_storage.path("renditions")).rglob("*.webp"))
    pass_by(2 * MONTH, monkeypatch)

    assert prune(timedelta(0)) == (0, 0, 0, 0)

    assert len(before) == 1
    assert before[0].exists()


def test_many_sources_and_files_are_looked_at_in_parts(db, save_file, monkeypatch):
    monkeypatch.setattr(orphans, "CHUNK", 2)
    monkeypatch.setattr(unlisted, "NAMES", 2)
    shown = [show(save_file(f"photos/{number}.jpg")) for number in range(5)]
    for number in range(5):
        put(f"renditions/photos/{number}-30w.00000000.webp")
    pass_by(2 * MONTH, monkeypatch)
    default_storage.delete("photos/3.jpg")

    assert prune(timedelta(0)) == (1, 1, 6, 0)

    assert [is_there(name) for name in shown] == [True, True, True, False, True]


# What goes -----------------------------------------------------------------------------------------------


def test_row_36_a_replaced_source_keeps_its_old_files_for_the_grace_alone(photo, monkeypatch):
    first = show()
    pass_by(10 * MONTH, monkeypatch)
    invalidate(NAME)
    second = show()
    assert second != first

    waits = prune()
    pass_by(MONTH - DAY, monkeypatch)
    still = prune()
    there = is_there(first)
    pass_by(2 * DAY, monkeypatch)

    assert (waits, still, there) == ((0, 0, 0, 0), (0, 0, 0, 0), True)
    assert prune() == (0, 0, 1, 0)
    assert (is_there(first), is_there(second)) == (False, True)
    assert show() == second


def test_the_pictures_of_a_gone_source_wait_for_the_grace_from_when_that_is_known(db, save_file, monkeypatch):
    shown = show(save_file())
    save_file("photos/dog.jpg")
    pass_by(10 * MONTH, monkeypatch)
    default_storage.delete(NAME)

    first = prune()
    pass_by(MONTH - DAY, monkeypatch)
    second = prune()
    there = is_there(shown)
    pass_by(2 * DAY, monkeypatch)

    assert (first, second, there) == ((0, 0, 0, 1), (0, 0, 0, 1), True)
    assert prune() == (1, 1, 1, 0)
    assert not is_there(shown)
    assert not records.source_model().objects.exists()
    assert prune() == (0, 0, 0, 0)


def test_a_source_that_is_back_starts_its_grace_anew(db, save_file, monkeypatch):
    show(save_file())
    save_file("photos/dog.jpg")
    default_storage.delete(NAME)
    assert prune() == (0, 0, 0, 1)
    save_file()
    assert prune() == (0, 0, 0, 0)
    default_storage.delete(NAME)
    pass_by(2 * MONTH, monkeypatch)

    assert prune() == (0, 0, 0, 1)
    assert states() == ["ready"]


def test_a_source_that_is_gone_but_referred_to_is_left_alone(photo, monkeypatch):
    shown = show()
    default_storage.delete(NAME)

    assert prune(timedelta(0)) == (0, 0, 0, 0)
    assert is_there(shown)
    Photo.objects.update(image="")

    assert prune(timedelta(0)) == (1, 1, 1, 0)
    assert not is_there(shown)


def test_failed_pictures_of_a_gone_source_go_at_once(db, save_file):
    show(save_file("photos/dog.jpg"))
    show()  # a file that was never there
    assert states() == ["failed", "ready"]

    assert prune() == (1, 1, 0, 0)
    assert states() == ["ready"]


def test_a_picture_of_a_gone_source_that_is_built_in_part_waits_for_its_files(
    db, save_file, settings, monkeypatch
):
    shown = show(save_file())
    records.picture_model().objects.update(state="failed", not_before=timezone.now() + DAY)
    save_file("photos/dog.jpg")
    default_storage.delete(NAME)

    assert prune() == (0, 0, 0, 1)
    age(default_storage.path(shown), MONTH + DAY)

    assert prune() == (1, 1, 1, 0)


@contextmanager
def another_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    keys.picture_key.cache_clear()  # it takes the number for a constant
    try:
        with monkeypatch.context() as patch:
            patch.setattr(keys, "ENGINE_NUMBER", 4711)
            yield
    finally:
        keys.picture_key.cache_clear()


def test_pictures_of_another_engine_wait_until_their_grace_is_over(photo, monkeypatch):
    old = show()
    pass_by(10 * MONTH, monkeypatch)
    with another_engine(monkeypatch):
        new = show()
        assert new != old
        first = prune()
        pass_by(MONTH + DAY, monkeypatch)
        there = is_there(old)

        assert (first, there) == ((0, 0, 0, 1), True)
        assert prune() == (0, 1, 1, 0)
        assert (is_there(old), is_there(new)) == (False, True)
        assert show() == new


def test_an_engine_that_is_taken_back_keeps_its_pictures(photo, monkeypatch):
    old = show()
    with another_engine(monkeypatch):
        assert prune() == (0, 0, 0, 1)
    assert prune() == (0, 0, 0, 0)
    pass_by(2 * MONTH, monkeypatch)
    with another_engine(monkeypatch):
        assert prune() == (0, 0, 0, 1)
    assert is_there(old)


def test_files_beside_those_that_an_outdated_record_lists_stay_as_long_as_it_does(photo, monkeypatch):
    show()
    put(LOST)
    with another_engine(monkeypatch):
        assert prune() == (0, 0, 0, 1)
        assert is_there(LOST)
    assert prune() == (0, 0, 1, 0)


def test_row_67_what_no_preset_declares_goes_when_that_is_asked_for(page, photo, settings, monkeypatch):
    presets: dict[str, Any] = {
        "card": {"width": 20},
        "square": Img(width=10, ratio="square"),
        "all": ["card"],
    }
    settings.RESPONSIVE_IMG_PRESETS = {**presets, "wide": {"width": 30}}

    def shown(tag: str) -> list[str]:
        text = page("django", tag, {"photo": photo}).content.decode()
        return re.findall(r"/media/(renditions/[^ ,\"]+)", text)

    kept = [
        *shown('{% img photo.image "card" alt="" %}'),
        *shown('{% img_url photo.image "card" %}'),
        *shown('{% img photo.image "square" alt="" %}'),
        *shown('{% img photo.image "square" focal="10% 20%" alt="" %}'),
    ]
    wide = shown('{% img photo.image "wide" alt="" %}')
    assert (len(set(kept)), len(set(wide))) == (12, 4)
    pass_by(10 * MONTH, monkeypatch)
    assert prune(undeclared=True) == (0, 0, 0, 0)
    settings.RESPONSIVE_IMG_PRESETS = presets
    assert prune() == (0, 0, 0, 0)

    first = prune(undeclared=True)
    pass_by(MONTH + DAY, monkeypatch)

    assert first == (0, 0, 0, 1)
    assert prune(undeclared=True) == (0, 1, 4, 0)
    assert all(map(is_there, kept))
    assert not any(map(is_there, wide))


# Focal points --------------------------------------------------------------------------------------------


class CarelessField(models.ImageField):
    """Does not tell capitals apart, as no column does on MySQL."""

    def db_type(self, connection: Any) -> str | None:
        return "varchar(100) COLLATE NOCASE" if connection.vendor == "sqlite" else super().db_type(connection)


class Pointed(models.Model):
    image = CarelessField(upload_to="headshots/", blank=True)
    point = FocalPointField("image")

    objects: ClassVar[Any]

    class Meta:
        abstract = True


class Portrait(Pointed):  # noqa: DJ008 - nobody prints it
    pass


class Vaulted(models.Model):  # noqa: DJ008 - nobody prints it
    image = models.ImageField(storage=VaultStorage())
    point = FocalPointField("image")
    objects: ClassVar[Any]


class Unpointed(Pointed):  # noqa: DJ008 - nobody prints it
    point = None


class PersonOnce(models.Model):  # noqa: DJ008 - nobody prints it
    """What a library that keeps history makes of a person: the file is a text."""

    headshot = models.TextField()
    headshot_point = FocalPointField("headshot")
    objects: ClassVar[Any]


CROP: dict[str, Any] = {**ONE, "ratio": "1/1"}


@pytest.fixture
def person(db: None, save_file: Callable[..., str]) -> Person:
    return Person.objects.create(headshot=save_file("headshots/ada.jpg"), headshot_point="0% 50%")


def crop(of: models.Model, **options: Any) -> str:
    """Return the name of the file that shows a row's picture, cropped."""
    return show(getattr(of, "headshot", None) or of.image, **{**CROP, **options})  # type: ignore[attr-defined] # or this


def move(person: Person, point: object) -> None:
    person.headshot_point = point
    person.save()


@pytest.mark.parametrize("point", ["100% 50%", None])
def test_a_crop_around_a_former_point_goes_after_the_grace(person, monkeypatch, point):
    old = crop(person)
    wide, whole = crop(person, ratio="4/1"), show(person.headshot)
    pass_by(10 * MONTH, monkeypatch)
    assert prune(timedelta(0)) == (0, 0, 0, 0)
    move(person, point)
    new = crop(person)

    first = prune()
    pass_by(MONTH - DAY, monkeypatch)
    second = prune()
    there = is_there(old)
    pass_by(2 * DAY, monkeypatch)

    assert (first, second, there) == ((0, 0, 0, 2), (0, 0, 0, 2), True)
    assert prune() == (0, 2, 2, 0)
    assert [is_there(name) for name in (old, wide, new, whole)] == [False, False, True, True]
    assert prune() == (0, 0, 0, 0)
    assert crop(person) == new


def test_a_point_that_is_back_keeps_its_crop(person, monkeypatch):
    old = crop(person)
    move(person, "100% 50%")
    assert prune() == (0, 0, 0, 1)
    move(person, "0% 50%")
    assert prune() == (0, 0, 0, 0)
    move(person, "100% 50%")
    pass_by(2 * MONTH, monkeypatch)

    assert prune() == (0, 0, 0, 1)
    assert is_there(old)


@pytest.mark.parametrize("name", ["headshots/ada.jpg", None])
def test_a_point_that_a_tag_tells_is_not_the_models(person, monkeypatch, name):
    told = crop(person, focal="20% 50%")
    at_the_same = show(name or person.headshot, **CROP, focal="0% 50%")
    centred = show("headshots/ada.jpg", **CROP)
    assert crop(person) == at_the_same
    move(person, "100% 50%")
    pass_by(10 * MONTH, monkeypatch)

    # The record of the model's, whose file is that of the tag's too.
    assert prune(timedelta(0)) == (0, 1, 0, 0)
    assert all(map(is_there, (told, at_the_same, centred)))


def test_the_point_of_each_row_that_has_the_file_counts(person, monkeypatch):
    other = Portrait.objects.create(image=person.headshot.name, point="100% 50%")
    without = Portrait.objects.create(image=person.headshot.name)
    shown = [crop(each) for each in (person, other, without)]
    assert len(set(shown)) == 3
    pass_by(10 * MONTH, monkeypatch)
    assert prune(timedelta(0)) == (0, 0, 0, 0)
    other.delete()

    assert prune(timedelta(0)) == (0, 1, 1, 0)
    assert [is_there(name) for name in shown] == [True, False, True]


def test_rows_of_other_storages_and_without_points_do_not_count(person, monkeypatch):
    crop(person)
    Vaulted.objects.create(image=person.headshot.name, point="0% 50%")
    Unpointed.objects.create(image=person.headshot.name)
    move(person, "100% 50%")
    pass_by(10 * MONTH, monkeypatch)

    assert prune(timedelta(0)) == (0, 1, 1, 0)


def test_a_row_with_a_file_whose_name_has_other_capitals_does_not_count(person, save_file, monkeypatch):
    old = crop(person)
    Portrait.objects.create(image=save_file("headshots/ADA.jpg"), point="0% 50%")
    move(person, "100% 50%")
    pass_by(10 * MONTH, monkeypatch)
    assert prune(timedelta(0)) == (0, 1, 1, 0)
    assert not is_there(old)
    person.delete()
    crop(person)
    pass_by(10 * MONTH, monkeypatch)
    default_storage.delete("headshots/ada.jpg")

    assert prune(timedelta(0)) == (1, 1, 1, 0)


def test_a_point_in_a_copy_that_keeps_history_counts(person, monkeypatch):
    old = crop(person)
    PersonOnce.objects.create(headshot=person.headshot.name, headshot_point="0% 50%")
    move(person, "100% 50%")
    pass_by(10 * MONTH, monkeypatch)

    assert prune(timedelta(0)) == (0, 0, 0, 0)
    assert is_there(old)


TABLE = "templatetags_tests_portrait"


@pytest.mark.parametrize(
    ("lose", "find", "said"),
    [
        ("DELETE FROM templatetags_tests_portrait", "", 0),
        (f"ALTER TABLE {TABLE} RENAME TO another_tenants", f"ALTER TABLE another_tenants RENAME TO {TABLE}", 0),
        (f"ALTER TABLE {TABLE} RENAME point TO spot", f"ALTER TABLE {TABLE} RENAME spot TO point", 1),
    ],
    ids=["no row", "no table", "a table that cannot be read"],
)  # fmt: skip
def test_where_no_row_can_be_found_its_points_may_be_anywhere(person, monkeypatch, log, lose, find, said):
    old = crop(Portrait.objects.create(image=person.headshot.name, point="0% 50%"))
    pass_by(10 * MONTH, monkeypatch)
    if said:  # a row that can be read does not tell of those that cannot
        move(person, "100% 50%")
    else:
        person.delete()
    with connection.cursor() as cursor:
        cursor.execute(lose)
        try:
            done = prune(timedelta(0))
        finally:
            if find:
                cursor.execute(find)

    assert done == (0, 0, 0, 0)
    assert is_there(old)
    assert [line.partition(" cannot be read, so files ")[0] for line in log()] == [
        "templatetags_tests.Portrait.image"
    ] * said


def test_points_cost_a_query_for_each_model_that_has_them_and_none_where_nothing_is_cropped(person):
    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            prune()
        return sorted(re.findall(r'FROM "templatetags_tests_(\w+)"', str(queries.captured_queries)))

    show(person.headshot)
    assert asked() == []
    crop(person)

    assert asked() == ["person", "persononce", "portrait"]


# The rest of what goes -----------------------------------------------------------------------------------


def test_temporary_files_go_after_a_day(photo):
    show()
    put("renditions/photos/.ri-young", old=DAY / 2)
    put("renditions/photos/.ri-old", old=DAY * 2)

    assert prune() == (0, 0, 1, 0)

    assert is_there("renditions/photos/.ri-young")
    assert not is_there("renditions/photos/.ri-old")


def test_a_dry_run_says_the_same_and_changes_nothing(db, save_file, monkeypatch):
    show(save_file())
    show(save_file("photos/dog.jpg"))
    put("renditions/photos/dog-30w.00000000.webp")
    old = show(save_file("photos/elk.jpg"))
    records.picture_model().objects.filter(source__name="photos/elk.jpg").update(key="ri-of-another-engine")
    pass_by(2 * MONTH, monkeypatch)
    default_storage.delete(NAME)
    before = sorted(Path(default_storage.path("")).rglob("*")), states()

    done = prune(timedelta(0), is_dry=True)

    assert (sorted(Path(default_storage.path("")).rglob("*")), states()) == before
    assert list(records.picture_model().objects.exclude(not_before=None)) == []
    assert done == (1, 2, 3, 0)
    assert prune(timedelta(0)) == done
    assert not is_there(old)


def test_static_files_of_an_earlier_release_are_gone(db, settings, tmp_path, monkeypatch):
    settings.STATICFILES_DIRS = [str(tmp_path)]
    finders.get_finder.cache_clear()  # type: ignore[attr-defined] # it is cached
    (tmp_path / "logo.png").write_bytes(drawn(format="PNG"))
    new = show("static:logo.png")
    monkeypatch.setattr("responsive_img.static.version", lambda name: "12345678")
    old = show("static:logo.png")
    monkeypatch.undo()
    pass_by(2 * MONTH, monkeypatch)

    assert prune(timedelta(0)) == (1, 1, 1, 0)

    assert (is_there(old), is_there(new)) == (False, True)
    finders.get_finder.cache_clear()  # type: ignore[attr-defined] # it is cached


# Storages ------------------------------------------------------------------------------------------------


def prune_all(log: Callable[[], list[str]]) -> tuple[int, list[str]]:
    done = pruning.prune(timedelta(0), say=lambda line: None)
    return done.failed, log()


def test_each_storage_is_looked_through_and_one_that_is_unknown_is_left_alone(photo, log):
    show()
    scan = Scan.objects.create()
    scan.image.save("cat.jpg", ContentFile(drawn()))
    show(scan.image)
    lost = Path(scan.image.storage.path("renditions/cat-20w.00000000.webp"))
    lost.write_bytes(b"x")
    age(lost, 2 * MONTH)
    records.source_model()(key="a", storage="shop.Old.image", name="a.jpg").save()
    put(LOST)

    done = pruning.prune(timedelta(0), say=lambda line: None)

    assert (done.files, done.failed) == (2, 2)
    assert [line.partition(": ")[0] for line in log()] == [
        "Pruning leaves a.jpg alone",
        "Pruning leaves shop.Old.image alone",
    ]
    assert not lost.exists()


@pytest.mark.parametrize("is_missing", [True, False])
def test_a_storage_with_nothing_in_it_is_taken_for_one_that_is_not_mounted(
    db, settings, tmp_path, log, is_missing
):
    settings.STORAGES = {
        **settings.STORAGES,
        "cdn": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "cdn")},
        },
    }
    settings.RESPONSIVE_IMG_STORAGE = "cdn"
    for name in ("a.jpg", "b.jpg"):
        default_storage.save(name, ContentFile(drawn()))
        show(name)
    for name in ("a.jpg", "b.jpg"):
        default_storage.delete(name)
    if is_missing:
        Path(default_storage.path("")).rmdir()

    assert prune_all(log) == (
        1,
        ["Pruning leaves the sources of default alone: it is empty, as if it were not mounted"],
    )
    assert states() == ["ready", "ready"]


@pytest.mark.parametrize("method", ["exists", "listdir", "get_modified_time", "delete"])
def test_a_storage_that_fails_is_left_alone_and_said(photo, monkeypatch, log, method):
    shown = show()
    put(LOST)

    def fail(*_: object) -> None:
        raise OSError("down")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, method, fail)
        failed, lines = prune_all(log)

    assert failed >= 1
    assert lines[-1] == "Pruning leaves default alone: OSError('down')"
    assert is_there(shown)
    assert is_there(LOST)
    assert states() == ["ready"]


def test_a_storage_that_fails_for_every_source_is_not_asked_for_all_of_them(db, save_file, monkeypatch, log):
    monkeypatch.setattr(pruning, "MAX_FAILURES", 2)
    for number in range(4):
        show(save_file(f"photos/{number}.jpg"))
    asked = []

    def fail(self: FileSystemStorage, name: str) -> bool:
        asked.append(name)
        raise OSError("down")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "exists", fail)
        failed, lines = prune_all(log)

    assert (failed, len(asked), len(lines)) == (2, 2, 2)


def test_a_database_that_fails_ends_the_run(photo, monkeypatch):
    show()

    def fail(*_: object) -> None:
        raise records.transaction.DatabaseError  # type: ignore[attr-defined]

    monkeypatch.setattr(orphans, "note", fail)

    with pytest.raises(records.transaction.DatabaseError):  # type: ignore[attr-defined]
        prune()


class NoListing(FileSystemStorage):
    def listdir(self, path: str) -> Any:
        raise NotImplementedError


def test_a_storage_that_cannot_list_loses_gone_sources_alone(db, settings, save_file, log):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{HERE}.NoListing"}}
    shown = show(save_file())
    put(LOST)
    default_storage.delete(NAME)

    assert prune_all(log) == (1, ["Pruning leaves default alone: NotImplementedError()"])

    assert not is_there(shown)
    assert is_there(LOST)
    assert states() == []


def test_a_storage_that_tells_naive_times_is_understood(photo, settings, monkeypatch):
    show()
    put(LOST)
    get = FileSystemStorage.get_modified_time
    monkeypatch.setattr(
        FileSystemStorage, "get_modified_time", lambda self, name: timezone.make_naive(get(self, name))
    )

    assert prune() == (0, 0, 1, 0)


def test_times_without_a_zone_are_understood(settings, db, save_file, monkeypatch):
    settings.USE_TZ = False
    show(save_file())
    save_file("photos/dog.jpg")
    put(LOST, old=MONTH - DAY)
    default_storage.delete(NAME)
    assert prune() == (0, 0, 0, 1)
    pass_by(MONTH + DAY, monkeypatch)

    assert prune() == (1, 1, 2, 0)


@pytest.mark.parametrize("method", ["get_modified_time", "exists"])
def test_what_another_one_removes_at_the_same_time_is_no_error(photo, monkeypatch, method):
    show()
    put(LOST)
    function = getattr(FileSystemStorage, method)

    def quicker(self: FileSystemStorage, name: str) -> Any:
        if name == LOST:
            Path(self.path(name)).unlink(missing_ok=True)
        return function(self, name)

    monkeypatch.setattr(FileSystemStorage, method, quicker)

    assert prune() == (0, 0, 0, 0)


def test_on_s3_the_same_goes_and_stays(make_photo, s3: S3, monkeypatch):
    storage = s3.use(location="media", querystring_auth=False)
    photo = make_photo("photos/cat.jpg")
    other = make_photo("photos/a b/ü.jpg")
    shown = [Img(**ONE)(each.image).base_url() for each in (photo, other)]
    assert all("/renditions/" in url for url in shown)
    gone = make_photo("photos/gone.jpg")
    Img(**ONE)(gone.image).base_url()
    gone.delete()
    storage.delete("photos/gone.jpg")
    storage.save(LOST, ContentFile(b"x"))
    storage.save("renditions/photos/other.txt", ContentFile(b"x"))
    assert prune(timedelta(0)) == (1, 1, 1, 0)  # the rest is younger than a lease
    assert storage.exists(LOST)
    monkeypatch.setattr(unlisted, "LEASE", -10)
    s3.calls.clear()

    assert prune(timedelta(seconds=-10)) == (0, 0, 1, 0)

    assert [name for name in s3.names() if "renditions" not in name] == [
        "media/photos/a b/ü.jpg",
        "media/photos/cat.jpg",
    ]
    left = [name for name in s3.names() if "renditions" in name]
    assert len(left) == 3
    assert "media/renditions/photos/other.txt" in left
    assert s3.calls["DELETE"] == 1


# At the same time ----------------------------------------------------------------------------------------


class Adopting(FileSystemStorage):
    """Has a `save` of its own, so that a file of the same length is kept, as on S3."""

    def save(self, *args: Any, **options: Any) -> str:
        return str(super().save(*args, **options))


@pytest.fixture
def adopting(settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{HERE}.Adopting"}}


def test_a_picture_that_is_asked_for_while_its_file_is_removed_is_built_again(adopting, photo, monkeypatch):
    shown = show()
    show(photo.image, width=30)
    records.picture_model().objects.filter(renditions__contains="-20w").delete()
    cache.clear()
    age(default_storage.path(shown), 2 * MONTH)
    delete = removing.delete
    seen = []

    def late(storage: Storage, name: str, **options: Any) -> int | None:
        seen.append(show())  # adopts the file that is about to be removed
        assert states() == ["ready", "ready"]
        return delete(storage, name, **options)

    with monkeypatch.context() as patch:
        patch.setattr(removing, "delete", late)
        assert prune() == (0, 0, 1, 0)

    assert seen == [shown]
    assert not is_there(shown)
    assert states() == ["queued", "ready"]
    assert show() == shown
    assert is_there(shown)
    assert states() == ["ready", "ready"]


@pytest.mark.parametrize("kind", ["django's", "adopting"])
def test_pictures_that_are_forgotten_and_asked_for_again_meanwhile_find_their_files(
    request, add_database, settings, tmp_path, monkeypatch, save_file, kind
):
    if kind == "adopting":
        request.getfixturevalue("adopting")
    add_database("site", on_sqlite(tmp_path))
    settings.DATABASE_ROUTERS = [Router(reads="site", writes="site")]
    monkeypatch.setattr(unlisted, "LEASE", -10)  # every file is old enough
    sources = [save_file(f"photos/{number}.jpg") for number in range(4)]
    show(sources[0])
    ends = time.monotonic() + 3

    def build(number: int) -> None:
        allow(connections["site"])
        key = keys.source_key("default", sources[number])
        try:
            while time.monotonic() < ends:
                show(sources[number])
                picture_keys = [each.key for each in records.picture_model().objects.filter(source_id=key)]
                orphans.drop(picture_keys)
                lookup.forget(picture_keys, conf.current())
                show(sources[number])
        finally:
            connections["site"].close()
            connections["default"].close()

    removed = 0
    with ThreadPoolExecutor(4) as threads:
        builds = [threads.submit(build, number) for number in range(4)]
        while not all(each.done() for each in builds):
            done = pruning.prune(timedelta(seconds=-10), say=lambda line: None)
            removed += done.files
            assert done.failed == 0
        for each in builds:
            each.result()

    assert removed > 0
    assert missing() == []


def missing() -> list[str]:
    """Return the names of files that pages show, but which are not there."""
    found = [manifest.loads(row.renditions) for row in records.picture_model().objects.filter(state="ready")]
    listed = [files.decoded(name) for each in found if each is not None for name in each.names()]
    return [name for name in listed if not is_there(name)]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_row_66_nothing_that_is_built_at_the_same_time_is_lost(
    request, add_database, settings, tmp_path, monkeypatch, kind, save_file
):
    database = request.getfixturevalue("postgres") if kind == "postgres" else on_sqlite(tmp_path)
    add_database("site", database)
    settings.DATABASE_ROUTERS = [Router(reads="site", writes="site")]
    sources = [save_file(f"photos/{number}.jpg") for number in range(8)]
    for source in sources:
        stem = source.rpartition("/")[2].partition(".")[0]
        for number in range(5):
            put(f"renditions/photos/{stem}-{number + 1}w.00000000.webp")
    show(sources[0])
    ends = time.monotonic() + 3
    failed: list[int] = []

    def build(number: int) -> None:
        allow(connections["site"])
        try:
            for width in itertools.takewhile(
                lambda _: time.monotonic() < ends, itertools.cycle(range(5, 40))
            ):
                show(sources[number], width=width)
                if width % 10 == 0:
                    invalidate(sources[number])
            show(sources[number], width=41)  # on a busy machine the time may end with an invalidate() of all
        finally:
            connections["site"].close()
            connections["default"].close()

    with ThreadPoolExecutor(4) as threads:
        builds = [threads.submit(build, number) for number in range(8)]
        while not all(each.done() for each in builds):
            failed.append(pruning.prune(timedelta(0), say=lambda line: None).failed)
        for each in builds:
            each.result()
    put("renditions/photos/0-9w.00000001.webp")
    assert pruning.prune(timedelta(0), say=lambda line: None).files >= 1

    assert records.picture_model().objects.filter(state="ready").exists()
    assert missing() == []
    assert set(failed) == {0}
    left = [path.name for path in Path(default_storage.path("renditions")).rglob("*.00000000.webp")]
    assert left == []
