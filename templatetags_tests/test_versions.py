"""Sources replaced under their own name: what a new version changes at once, what it costs, and what stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from responsive_img import ImageBatch, Img, invalidate, leases, manifest, records, rows
from responsive_img import cache as guarded_cache
from responsive_img.exceptions import SourceError
from responsive_img.hooks import BuildJob, run
from responsive_img.queue import process_queue
from templatetags_tests.conftest import drawn
from templatetags_tests.models import Photo, Scan
from templatetags_tests.test_building import DRAWN, CountingEngine
from templatetags_tests.test_images import ENQUEUE, ONE, SOURCE, URL, built, states

# Replaced files are seen when what replaced them is committed.
pytestmark = pytest.mark.django_db(transaction=True)

NAME = "photos/cat.jpg"


@pytest.fixture
def overwriting(settings):
    """Have the default storage keep the names of what is uploaded."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"allow_overwrite": True},
        },
    }


@pytest.fixture
def decodes(settings, monkeypatch):
    """Return a function that tells how often a source was decoded."""
    settings.RESPONSIVE_IMG_ENGINE = f"{CountingEngine.__module__}.CountingEngine"
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))
    DRAWN.clear()
    return lambda: DRAWN.count("decode")


def upload(name: str = "cat.jpg", **options: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, drawn(**options))


def url(source: object = NAME) -> str:
    return Img(**ONE)(source).base_url()


def version() -> str:
    found = records.source_model().objects.values_list("version", flat=True)
    assert len(found) == 1
    return found[0]


def overwrite(**options: Any) -> None:
    """Put another picture under the name behind Django's back."""
    Path(default_storage.path(NAME)).write_bytes(drawn(**options))


# Saves ---------------------------------------------------------------------------------------------------


def save_over(photo: Photo) -> None:
    photo.image = upload(size=(40, 80))
    photo.save()


def save_field_alone(photo: Photo) -> None:
    photo.image = upload(size=(40, 80))
    photo.save(update_fields=["image"])


def add_another(photo: Photo) -> None:
    Photo.objects.create(title="another", image=upload(size=(40, 80)))


def add_by_name(photo: Photo) -> None:
    overwrite(size=(40, 80))
    Photo(image=NAME).save()


@pytest.mark.parametrize("save", [save_over, save_field_alone, add_another, add_by_name])
def test_a_file_saved_under_a_name_that_was_shown_has_new_urls_at_once(overwriting, photo, save):
    before = url()

    save(photo)
    image = Img(**ONE)(NAME)

    assert before == URL
    assert version() != ""
    assert image.base_url() not in {URL, SOURCE}
    assert (image.width, image.height) == (20, 40)
    assert url(Photo.objects.latest("pk").image) == image.base_url()


def test_old_files_are_kept_as_cached_pages_may_show_them(overwriting, photo):
    url()
    file = Path(default_storage.path(URL.removeprefix("/media/")))
    old = file.read_bytes()

    save_over(photo)
    url()

    assert file.read_bytes() == old
    assert built() == ["cat-20w.webp"] * 2


def test_each_save_is_another_version(overwriting, photo):
    urls, versions = {url()}, {version()}

    for _ in range(3):
        save_over(photo)
        urls.add(url())
        versions.add(version())

    assert len(urls) == len(versions) == 4


def test_a_page_shows_the_new_urls_at_once(overwriting, photo, page):
    template = '{% img photo.image width=20 format="webp" densities="1" alt="" %}'
    before = page("django", template, {"photo": photo}).content

    save_over(photo)
    after = page("django", template, {"photo": photo}).content

    assert URL.encode() in before
    assert b"/renditions/photos/cat-20w." in after
    assert after != before
    assert b'width="20" height="40"' in after


def test_under_a_deferring_hook_the_original_is_shown_meanwhile(overwriting, photo, settings):
    url()
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    save_over(photo)
    meanwhile = Img(**ONE)(NAME)

    assert (meanwhile.base_url(), meanwhile.width, meanwhile.height) == (SOURCE, 20, 40)
    assert states() == ["queued"]
    assert process_queue() == 1


def test_a_new_name_has_no_version(photo):
    url()

    photo.image = upload("dog.jpg")
    photo.save()
    url(photo.image)

    versions = records.source_model().objects.values_list("name", "version")
    assert sorted(versions) == [(NAME, ""), ("photos/dog.jpg", "")]


def test_a_storage_that_keeps_names_unique_gives_a_new_name(photo):
    url()

    photo.image = upload()
    photo.save()

    assert photo.image.name != NAME
    assert version() == ""
    assert url() == URL


def test_a_save_that_changes_no_file_changes_nothing(overwriting, photo):
    url()

    photo.title = "Another"
    photo.save()
    photo.refresh_from_db()
    photo.save()

    assert version() == ""
    assert url() == URL


@pytest.mark.parametrize(
    ("is_known", "statements"), [(False, ["UPDATE"]), (True, ["UPDATE", "UPDATE", "SELECT"])]
)
def test_a_save_costs_one_query_for_a_file_that_nobody_asked_for(
    overwriting, save_file, our_queries, is_known, statements
):
    if is_known:
        url(save_file())
    photo = Photo(title="A cat", image=upload())

    with our_queries() as queries:
        photo.save()

    # Where there are row locks, one statement more takes them.
    assert [query.split()[0] for query in queries if " FOR NO KEY " not in query] == statements
    assert records.source_model().objects.count() == is_known


def test_a_save_that_is_rolled_back_changes_nothing(overwriting, photo):
    url()

    with transaction.atomic():
        save_over(photo)
        transaction.set_rollback(True)

    assert version() == ""
    assert url() == URL


def test_a_save_counts_when_it_is_committed(overwriting, photo):
    url()

    with transaction.atomic():
        save_over(photo)
        before = version()
    after = version()

    assert (before, bool(after)) == ("", True)


# What bypasses saves -------------------------------------------------------------------------------------


def change_behind_django(photo: Photo) -> None:
    overwrite(size=(40, 80))


def update(photo: Photo) -> None:
    default_storage.save(NAME, ContentFile(drawn(size=(40, 80))))
    Photo.objects.filter(pk=photo.pk).update(image=NAME)


def save_the_file_alone(photo: Photo) -> None:
    photo.image.save("cat.jpg", ContentFile(drawn(size=(40, 80))))


def bulk_create(photo: Photo) -> None:
    Photo.objects.bulk_create([Photo(image=upload(size=(40, 80)))])


@pytest.mark.parametrize("change", [change_behind_django, update, save_the_file_alone, bulk_create])
@pytest.mark.parametrize("source", ["file", "name"])
def test_what_bypasses_saves_needs_invalidate(overwriting, photo, change, source):
    url()
    change(photo)
    before = url(), version()

    invalidate(photo.image if source == "file" else NAME)
    image = Img(**ONE)(NAME)

    assert before == (URL, "")
    assert version() != ""
    assert image.base_url() not in {URL, SOURCE}
    assert (image.width, image.height) == (20, 40)


def test_invalidate_empties_every_picture_of_the_source_and_no_other(make_photo):
    photos = [make_photo(f"photos/{name}.jpg") for name in "ab"]
    batch = ImageBatch()
    for photo in photos:
        for width in (10, 20):
            Img(batch=batch, width=width)(photo.image)
    batch.build()
    before = [image.base_url() for image in batch]

    invalidate(photos[0].image)
    after = [Img(width=width)(photo.image).base_url() for photo in photos for width in (10, 20)]

    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, True, True]
    assert all("/renditions/" in each for each in after)


def test_a_process_that_must_not_write_says_that_it_invalidates_nothing(photo, settings, log):
    settings.RESPONSIVE_IMG_READ_ONLY = True

    invalidate(photo.image)

    assert log() == [
        f"{NAME} keeps its URLs: RESPONSIVE_IMG_READ_ONLY is on, so invalidate it where it is not."
    ]


def test_a_replaced_source_is_decoded_once_for_all_its_pictures(photo, decodes):
    def show() -> None:
        batch = ImageBatch()
        for width in (10, 20, 30):
            Img(batch=batch, width=width)(photo.image)
        batch.build()

    show()
    invalidate(photo.image)
    show()
    show()

    assert decodes() == 2


def test_static_files_can_be_invalidated(settings, tmp_path):
    (tmp_path / "logo.jpg").write_bytes(drawn())
    settings.STATICFILES_DIRS = [str(tmp_path)]
    before = url("static:logo.jpg")

    invalidate("static:logo.jpg")

    assert url("static:logo.jpg") != before
    assert "/renditions/" in url("static:logo.jpg")


def test_a_file_of_a_storage_that_only_its_field_knows_can_be_invalidated():
    scan = Scan()
    scan.image.save("cat.jpg", ContentFile(drawn()))
    before = url(scan.image)

    invalidate(scan.image)

    assert url(scan.image).partition("?")[0] != before.partition("?")[0]


@pytest.mark.parametrize("source", ["photos/nobody.jpg", "static:nobody.jpg", NAME])
def test_a_source_that_nobody_asked_for_is_nothing_to_invalidate(source, our_queries, cache_calls, log):
    with our_queries() as queries:
        invalidate(source)

    assert len(queries) == 1
    assert records.source_model().objects.count() == 0
    assert not cache_calls
    assert log() == []


@pytest.mark.parametrize("source", [3, None, "", "../secret.jpg", "/etc/passwd", Photo().image, "static:"])
def test_what_is_no_source_cannot_be_invalidated(source):
    with pytest.raises(SourceError):
        invalidate(source)


def test_invalidate_twice_is_two_versions(photo):
    url()

    invalidate(photo.image)
    first = version()
    invalidate(photo.image)

    assert "" != first != version()


def test_a_process_that_must_not_write_invalidates_nothing(photo, settings, cache_calls):
    url()
    settings.RESPONSIVE_IMG_READ_ONLY = True
    cache_calls.clear()

    invalidate(photo.image)

    assert version() == ""
    assert not cache_calls


def test_the_cache_is_told_what_is_not_known_any_more(photo, cache_calls):
    """Written, not deleted: a late answer of a replica does not find an empty place."""
    url()
    cache_calls.clear()
    picture = records.picture_model().objects.get()

    invalidate(photo.image)
    found = manifest.loads(cache.get(picture.key))

    assert cache_calls == {"set_many": 1, "get": 1}
    assert found is not None
    assert (found.state, found.src, found.is_stale(timezone.now().timestamp() + 1)) == ("p", "", True)


def test_a_cache_that_is_down_does_not_stop_it(photo, monkeypatch, log):
    url()

    def fail(*args: object) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr(type(cache._connections["default"]), "set_many", fail)  # type: ignore[attr-defined]
    invalidate(photo.image)

    assert version() != ""
    assert len(log()) == 1


# Transactions --------------------------------------------------------------------------------------------


def test_in_a_transaction_that_rolls_back_nothing_was_invalidated(photo, cache_calls):
    url()
    cache_calls.clear()

    with transaction.atomic():
        invalidate(photo.image)
        within = version()
        transaction.set_rollback(True)

    assert (bool(within), version()) == (True, "")
    assert states() == ["ready"]
    assert not cache_calls
    assert url() == URL


def test_in_a_savepoint_that_rolls_back_nothing_was_invalidated(photo):
    url()

    with transaction.atomic():
        with transaction.atomic():
            invalidate(photo.image)
            transaction.set_rollback(True)
        Photo.objects.create(title="goes on")

    assert version() == ""
    assert url() == URL


def test_in_a_transaction_the_cache_is_told_on_commit(photo, cache_calls):
    url()
    cache_calls.clear()

    with transaction.atomic():
        invalidate(photo.image)
        before = dict(cache_calls)

    assert (before, dict(cache_calls)) == ({}, {"set_many": 1})
    assert url() not in {URL, SOURCE}


# Races ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replace", [lambda photo: invalidate(NAME), save_over])
def test_a_build_of_the_old_content_that_ends_later_loses(overwriting, photo, decodes, monkeypatch, replace):
    def replace_once() -> None:
        monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))
        replace(photo)

    monkeypatch.setattr(CountingEngine, "before", staticmethod(replace_once))

    lost = Img(**ONE)(NAME)
    lost.base_url()
    after = url()

    assert not lost.is_built
    assert after not in {URL, SOURCE}
    assert decodes() == 2
    assert states() == ["ready"]


def test_a_build_of_the_old_content_in_another_thread_loses(photo, decodes, monkeypatch):
    has_begun, may_end = threading.Event(), threading.Event()

    def wait() -> None:
        monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))
        has_begun.set()
        assert may_end.wait(10)

    def build() -> None:
        try:
            Img(**ONE)(NAME).build()
        finally:
            # Not its own `close`: SQLite in memory leaves the connection of a thread open.
            BaseDatabaseWrapper.close(connections["default"])

    monkeypatch.setattr(CountingEngine, "before", staticmethod(wait))
    thread = threading.Thread(target=build)
    thread.start()
    assert has_begun.wait(10)
    overwrite(size=(40, 80))

    invalidate(NAME)
    meanwhile = Img(**ONE)(NAME)
    first = meanwhile.base_url()
    may_end.set()
    thread.join(10)
    image = Img(**ONE)(NAME)

    assert first not in {URL, SOURCE}
    assert (image.base_url(), image.height) == (first, 40)
    assert states() == ["ready"]
    assert version() in records.picture_model().objects.get().renditions


def test_a_job_of_the_old_version_builds_nothing(photo, settings, decodes):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    url()
    picture = records.picture_model().objects.get()
    old = BuildJob(storage="default", name=NAME, specs=(picture.spec,))

    invalidate(NAME)
    run(old)

    assert (decodes(), built(), states()) == (0, [], ["queued"])
    assert process_queue() == 1
    assert url() not in {URL, SOURCE}


def test_a_part_that_was_built_of_the_old_content_is_not_kept(photo, settings, decodes, monkeypatch):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: invalidate(NAME)))

    image = Img(width=20)(NAME, build="src")

    assert image.base_url() == SOURCE
    assert records.picture_model().objects.get().renditions == ""


def test_a_source_replaced_between_record_and_cache_is_not_cached(photo, monkeypatch):
    finish: Callable[..., set[str]] = records.finish

    def finish_and_invalidate(*args: Any, **options: Any) -> set[str]:
        monkeypatch.setattr(records, "finish", finish)
        kept = finish(*args, **options)
        invalidate(NAME)
        return kept

    monkeypatch.setattr(records, "finish", finish_and_invalidate)
    url()

    assert url() != URL


def test_a_process_that_dies_while_it_invalidates_leaves_all_or_nothing(photo, monkeypatch):
    url()

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    monkeypatch.setattr(records, "picture_rows", die)
    with pytest.raises(Killed):
        invalidate(NAME)
    monkeypatch.setattr(records, "picture_rows", rows.picture_rows)

    assert version() == ""


# Failures ------------------------------------------------------------------------------------------------


def test_a_failed_source_that_is_invalidated_is_tried_at_once(log, decodes):
    default_storage.save(NAME, ContentFile(b"no picture"))
    failed = url(), url(), states()
    overwrite()

    invalidate(NAME)
    source = records.source_model().objects.get()
    after = url()

    assert failed == (SOURCE, SOURCE, ["failed"])
    assert (source.state, source.error, source.retry_at) == ("new", "", None)
    assert after not in {URL, SOURCE}
    assert len(log()) == 1


def test_a_failed_source_that_is_saved_again_is_tried_at_once(overwriting, log):
    photo = Photo.objects.create(image=SimpleUploadedFile("cat.jpg", b"no picture"))
    failed = url(), states()

    save_over(photo)

    assert failed == (SOURCE, ["failed"])
    assert url() not in {URL, SOURCE}


def test_a_picture_that_killed_its_builders_is_tried_at_once(photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    url()
    later = timezone.now() + timedelta(hours=1)
    records.picture_model().objects.update(state="failed", attempts=3, not_before=later)

    invalidate(NAME)
    picture = records.picture_model().objects.get()

    assert (picture.state, picture.attempts, picture.not_before) == ("queued", 0, None)
    assert process_queue() == 1


def test_what_is_being_built_is_built_again(photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    url()
    picture = records.picture_model().objects.get()
    records.claim([picture.key], version="", owner="somebody", seconds=leases.LEASE)

    invalidate(NAME)

    assert process_queue() == 1
    assert states() == ["ready"]
    assert records.finish({picture.key: "old"}, owner="somebody", version="") == set()


def test_a_version_is_part_of_what_is_cached(photo):
    url()
    invalidate(NAME)
    url()

    picture = records.picture_model().objects.get()
    found = manifest.loads(cache.get(picture.key))

    assert found is not None
    assert found.version == version()


def test_a_replaced_source_is_told_to_a_cache_that_failed_a_moment_ago(photo, monkeypatch):
    old = url()
    monkeypatch.setattr(guarded_cache, "_broken_until", time.monotonic() + 60)

    invalidate(NAME)
    monkeypatch.setattr(guarded_cache, "_broken_until", 0.0)

    assert url() != old
