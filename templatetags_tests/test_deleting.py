"""Deleted rows: what was built of a file goes with it on commit, not before, and never what a row still shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import IntegrityError, connection, models, transaction
from django.db.models.expressions import Col
from django.db.models.signals import post_delete, post_init, post_save, pre_delete, pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from responsive_img import ImageWarmer, Img, deleting, keys, orphans, pruning, records, removing
from responsive_img.queue import process_queue
from responsive_img.sources import SourceRef
from templatetags_tests.conftest import drawn
from templatetags_tests.models import Photo, Product, Scan
from templatetags_tests.test_images import ONE, URL, built, states
from templatetags_tests.test_workers import on_sqlite

# On commit is what all of this is about.
pytestmark = pytest.mark.django_db(transaction=True)

NAME = "photos/cat.jpg"
IS_BUILT = (["cat-20w.webp"], ["ready"])
IS_NOT: tuple[list[str], list[str]] = ([], [])


def show(source: object = NAME) -> str:
    return Img(**ONE)(source).base_url()


def left() -> tuple[list[str], list[str]]:
    """Return the renditions, and the states of the records, of which none is without its source."""
    assert records.source_model().objects.count() == len(states())
    return built(), states()


@pytest.fixture
def receive() -> Iterator[Callable[..., None]]:
    """Return a function that connects a receiver, in front of all others if need be."""
    connected = []

    def connect(signal: Any, receiver: Callable[..., object], *, first: bool = False) -> None:
        signal.connect(receiver, sender=Photo, weak=False)
        connected.append((signal, receiver))
        if first:
            signal.receivers.insert(0, signal.receivers.pop())
            signal.sender_receivers_cache.clear()

    yield connect
    for signal, receiver in connected:
        assert signal.disconnect(receiver, sender=Photo)


def delete_file(instance: Photo, **_: Any) -> None:
    instance.image.delete(save=False)


def delete_file_on_commit(instance: Photo, **_: Any) -> None:
    name = instance.image.name
    transaction.on_commit(lambda: default_storage.delete(str(name)))


def delete_all(photo: Photo) -> None:
    Photo.objects.all().delete()


@pytest.mark.parametrize("delete", [Photo.delete, delete_all])
@pytest.mark.parametrize("first", [True, False])
def test_row_37_what_was_built_of_a_deleted_file_goes_with_its_row_on_commit(photo, receive, delete, first):
    receive(post_delete, delete_file, first=first)
    show()

    with transaction.atomic():
        delete(photo)
        before = left()

    assert (before, left()) == (IS_BUILT, IS_NOT)
    assert not default_storage.exists(NAME)
    assert not Photo.objects.exists()


@pytest.mark.parametrize("delete", [Photo.delete, delete_all])
@pytest.mark.parametrize("is_read", [False, True])
def test_a_file_that_is_deleted_before_its_row_takes_its_renditions_along(photo, receive, delete, is_read):
    show()

    def delete_file_first(instance: Photo, **_: Any) -> None:
        instance.image.delete(save=False)
        if is_read:
            assert not instance.image

    receive(pre_delete, delete_file_first, first=True)
    delete(photo)

    assert left() == IS_NOT


def test_a_name_that_is_none_spoils_no_other(photo):
    show()
    broken = Photo.objects.create(image="x.jpg")
    Photo.objects.filter(pk=broken.pk).update(image="/abs/x.jpg")

    with transaction.atomic():
        for row in (photo, broken):
            row.image.delete(save=False)
            row.delete()

    assert left() == IS_NOT


def test_a_row_without_a_file_costs_no_query_of_ours(db):
    Photo.objects.create()

    with CaptureQueriesContext(connection) as queries:
        Photo.objects.get().delete()

    assert [each["sql"][:6] for each in queries if each["sql"][:6] in {"SELECT", "DELETE"}] == [
        "SELECT",
        "DELETE",
    ]


def test_a_file_that_is_deleted_on_commit_is_found_gone(photo, receive):
    receive(post_delete, delete_file_on_commit, first=True)
    show()

    photo.delete()

    assert left() == IS_NOT


# Many at once --------------------------------------------------------------------------------------------


@pytest.fixture
def album(db: None, save_file: Callable[[str], str]) -> Callable[[int], list[Photo]]:
    """Return a function that saves so many photos, and shows them."""

    def make(count: int) -> list[Photo]:
        photos = [Photo.objects.create(image=save_file(f"photos/{number}.jpg")) for number in range(count)]
        for each in photos:
            show(each.image)
        assert states() == ["ready"] * count
        return photos

    return make


def delete_each(photos: list[Photo]) -> None:
    with transaction.atomic():
        for photo in photos:
            photo.delete()


def delete_as_queryset(photos: list[Photo]) -> None:
    Photo.objects.filter(pk__in=[photo.pk for photo in photos]).delete()


@pytest.mark.parametrize("delete", [delete_as_queryset, delete_each])
@pytest.mark.parametrize("receiver", [delete_file, delete_file_on_commit])
def test_a_hundred_deleted_rows_cost_as_many_queries_of_ours_as_one(
    album, receive, our_queries, cache_calls, delete, receiver
):
    receive(post_delete, receiver, first=True)
    costs = []
    for count in (1, 100):
        photos = album(count)
        cache_calls.clear()
        with our_queries() as queries:
            delete(photos)
        assert left() == IS_NOT
        costs.append((len(queries), dict(cache_calls)))

    assert costs[0] == costs[1]
    assert costs[0][0] <= 13  # with row locks; 10 without
    assert costs[0][1] == {"set_many": 1}


def test_very_many_are_cleared_in_parts(album, receive, monkeypatch):
    monkeypatch.setattr(orphans, "CHUNK", 2)
    receive(post_delete, delete_file)
    album(5)

    Photo.objects.all().delete()

    assert left() == IS_NOT


def test_what_a_savepoint_takes_back_keeps_its_renditions_and_the_others_go(album, receive):
    receive(post_delete, delete_file)
    before, inside, after, in_another = album(4)

    with transaction.atomic():
        before.delete()
        with transaction.atomic():
            inside.delete()
            transaction.set_rollback(True)
        with transaction.atomic():
            in_another.delete()
        after.delete()

    assert left() == (["1-20w.webp"], ["ready"])


def test_what_is_taken_back_is_no_part_of_what_is_deleted_next(album, monkeypatch):
    undone, done = album(2)
    cleared = []
    monkeypatch.setattr(deleting, "_clear", lambda refs: cleared.append([ref.name for ref in refs]))

    with transaction.atomic():
        undone.delete()
        transaction.set_rollback(True)
    done.delete()

    assert cleared == [["photos/1.jpg"]]


def test_rows_that_are_deleted_on_commit_of_others_are_a_batch_of_their_own(album, receive):
    receive(post_delete, delete_file_on_commit, first=True)
    first, second = album(2)

    with transaction.atomic():
        transaction.on_commit(second.delete)
        first.delete()

    assert left() == IS_NOT


def test_where_one_file_cannot_be_deleted_the_others_go_and_it_is_one_line_in_the_log(
    album, receive, monkeypatch, log
):
    receive(post_delete, delete_file)
    photos = album(3)
    delete = FileSystemStorage.delete

    def refuse(self: FileSystemStorage, name: str) -> None:
        if "/1-20w" in name:
            raise OSError("busy")
        delete(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", refuse)
        delete_each(photos)

    assert left() == (["1-20w.webp"], ["queued"])
    assert log() == [
        "photos/0.jpg and 2 more were deleted, but not all that was built of them: OSError('busy')"
    ]


# When ----------------------------------------------------------------------------------------------------


def test_a_page_that_still_asks_for_it_finds_no_rendition_in_the_cache(photo):
    show()
    default_storage.delete(NAME)

    photo.delete()

    assert show() == "/media/photos/cat.jpg"


def test_a_delete_that_is_rolled_back_removes_nothing(photo):
    show()
    default_storage.delete(NAME)

    with transaction.atomic():
        photo.delete()
        transaction.set_rollback(True)

    assert left() == IS_BUILT
    assert show() == URL


def test_a_file_that_django_leaves_keeps_its_renditions(photo, storage_calls):
    show()
    storage_calls.clear()

    photo.delete()

    assert storage_calls == {"exists": 1}
    assert left() == IS_BUILT


def test_a_file_that_another_row_refers_to_keeps_its_renditions(photo, receive):
    receive(post_delete, delete_file)
    other = Photo.objects.create(title="The same", image=NAME)
    show()

    photo.delete()
    assert left() == IS_BUILT
    other.delete()

    assert left() == IS_NOT


def rename_table(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have products in another table, for this test alone: a field remembers the name of its table."""
    monkeypatch.setattr(Product._meta, "db_table", name)
    for field in Product._meta.local_fields:
        monkeypatch.setitem(field.__dict__, "cached_col", Col(name, field))


def test_a_model_without_a_table_refers_to_nothing(photo, receive, monkeypatch, log):
    receive(post_delete, delete_file)
    show()
    rename_table(monkeypatch, "nobody_has_made_it")

    photo.delete()

    assert (left(), log()) == (IS_NOT, [])


def one_in_a_schema(monkeypatch: pytest.MonkeyPatch, *_: object) -> None:
    rename_table(monkeypatch, 'schema"."table')


class OfProducts:
    """Has products in a database of their own."""

    def db_for_write(self, model: type[models.Model], **_: object) -> str | None:
        return "products" if model is Product else None


def one_in_a_broken_database(
    monkeypatch: pytest.MonkeyPatch, settings: Any, add_database: Any, folder: Path
) -> None:
    add_database("products", on_sqlite(folder))
    (folder / "db.sqlite3").write_bytes(b"no database" * 10_000)
    settings.DATABASE_ROUTERS = [OfProducts()]


@pytest.mark.parametrize("move", [one_in_a_schema, one_in_a_broken_database])
def test_where_a_table_cannot_be_read_all_is_kept_and_it_is_said_once(
    photo, receive, monkeypatch, settings, add_database, tmp_path, log, move
):
    receive(post_delete, delete_file)
    show()
    move(monkeypatch, settings, add_database, tmp_path)

    photo.delete()
    pruned = pruning.prune(timedelta(0), say=str)

    assert (left(), pruned.sources, pruned.failed) == (IS_BUILT, 0, 0)
    assert len(log()) == 1
    assert log()[0].startswith("templatetags_tests.Product.main_image cannot be read, so files ")


def test_a_row_with_a_file_of_that_name_in_another_storage_is_no_reference(photo, receive):
    receive(post_delete, delete_file)
    Scan.objects.create(image=NAME)
    show()

    photo.delete()

    assert left() == IS_NOT


class Hiding(models.Manager[Photo]):
    def get_queryset(self) -> models.QuerySet[Photo]:
        return super().get_queryset().none()


def test_a_reference_of_a_row_that_the_default_manager_hides_counts(photo, receive, monkeypatch):
    receive(post_delete, delete_file)
    Photo.objects.create(title="The same", image=NAME)
    show()
    manager = Hiding()
    manager.model = Photo
    monkeypatch.setattr(Photo._meta, "default_manager", manager)
    assert not Photo._default_manager.exists()

    photo.delete()

    assert left() == IS_BUILT


def test_nothing_is_asked_where_nothing_was_built(photo, storage_calls):
    photo.delete()
    Photo.objects.create(title="No file").delete()
    Photo.objects.create(title="No name of a file", image="../cat.jpg").delete()

    assert storage_calls == {}


def test_a_field_that_is_not_loaded_costs_no_query(photo):
    show()
    default_storage.delete(NAME)

    Photo.objects.only("title").delete()

    assert left() == IS_BUILT


def test_models_without_files_are_not_watched_as_that_would_load_their_rows_to_delete_them():
    for signal in (pre_delete, post_delete):
        assert signal.has_listeners(Photo)
        assert not signal.has_listeners(Group)


def test_a_read_only_process_removes_nothing(photo, settings, storage_calls):
    show()
    default_storage.delete(NAME)
    storage_calls.clear()
    settings.RESPONSIVE_IMG_READ_ONLY = True

    photo.delete()

    assert left() == IS_BUILT
    assert storage_calls == {"exists": 1, "listdir": 1}  # of the test itself


@pytest.mark.parametrize("method", ["exists", "delete"])
def test_a_storage_that_fails_breaks_no_delete_and_is_logged_in_one_line(photo, monkeypatch, log, method):
    show()
    default_storage.delete(NAME)

    def fail(*_: object) -> None:
        raise OSError("down")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, method, fail)
        photo.delete()

    assert not Photo.objects.exists()
    assert log() == [f"{NAME} was deleted, but not all that was built of it: OSError('down')"]


def test_the_names_that_the_warmer_wrote_beside_those_shown_go_too(photo, settings):
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    small = Img(width=75)
    ImageWarmer(Photo.objects.all(), small, "image").warm()
    listed = records.picture_model().objects.get().renditions
    assert len(built()) > listed.count(".webp") + listed.count(".jpg") - 1 > 0
    default_storage.delete(NAME)

    photo.delete()

    assert left() == IS_NOT


def test_files_of_the_version_before_go_too_where_pages_trust_the_warmer(photo, settings):
    show()
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    records.replace(keys.source_key("default", NAME), "v2")
    default_storage.delete(NAME)

    photo.delete()

    assert left() == IS_NOT


def test_the_renditions_of_a_storage_of_its_own_go_there(db):
    scan = Scan.objects.create()
    scan.image.save("cat.jpg", ContentFile(drawn()))
    storage = scan.image.storage
    show(scan.image)
    assert len(storage.listdir("renditions")[1]) == 1
    storage.delete(str(scan.image.name))

    scan.delete()

    assert storage.listdir("renditions")[1] == []
    assert states() == []


def test_the_renditions_of_a_configured_storage_go_there(photo, settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "cdn": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "cdn")},
        },
    }
    settings.RESPONSIVE_IMG_STORAGE = "cdn"
    show()
    assert list((tmp_path / "cdn").rglob("*.webp")) != []
    default_storage.delete(NAME)

    photo.delete()

    assert list((tmp_path / "cdn").rglob("*.webp")) == []
    assert states() == []


# At the same time ----------------------------------------------------------------------------------------


def test_while_somebody_builds_of_it_the_records_stay_for_prune(photo, settings):
    show()
    later = timezone.now() + timedelta(seconds=60)
    records.picture_model().objects.update(state="building", owner="a", lease_until=later)
    default_storage.delete(NAME)

    photo.delete()

    assert left() == ([], ["queued"])
    assert records.source_model().objects.get().version != ""


@contextmanager
def once(patch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], object]) -> Iterator[None]:
    """Act before a function of a module is called the first time."""
    function = getattr(owner, name)

    def acting(*args: Any, **kwargs: Any) -> Any:
        patch.setattr(owner, name, function)
        act()
        return function(*args, **kwargs)

    patch.setattr(owner, name, acting)
    yield
    assert getattr(owner, name) is function


def put_another() -> str:
    """Upload another picture under the same name, show it, and return the URL."""
    photo = Photo(title="Another")
    photo.image.save("cat.jpg", ContentFile(drawn((40, 80))))
    assert photo.image.name == NAME
    url = show(photo.image)
    assert url not in {URL, "/media/photos/cat.jpg"}
    return url


@pytest.mark.parametrize("moment", ["pictures_of", "retire", "end"])
def test_a_file_put_in_its_place_meanwhile_keeps_what_is_built_of_it(photo, monkeypatch, moment):
    show()
    default_storage.delete(NAME)
    shown = []

    with once(monkeypatch, orphans, moment, lambda: shown.append(put_another())):
        photo.delete()

    found = Img(**ONE)(NAME)
    assert [found.base_url()] == shown
    assert Path(default_storage.path(shown[0].removeprefix("/media/"))).exists()
    assert found.height == 40


def test_a_file_put_in_its_place_and_warmed_meanwhile_is_built_again(photo, settings, monkeypatch):
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = (
        False  # so that the other file gets no version, but the same names
    )
    ImageWarmer(photo, Img(**ONE), "image").warm()
    default_storage.delete(NAME)

    def warm_another() -> None:
        another = Photo(title="Another")
        another.image.save("cat.jpg", ContentFile(drawn((40, 80))))
        assert ImageWarmer(another, Img(**ONE), "image").warm() == (1, [])

    with once(monkeypatch, removing, "delete", warm_another):
        photo.delete()

    assert left() == ([], ["queued"])
    process_queue()
    assert left() == IS_BUILT


def test_a_file_put_in_its_place_before_it_is_looked_for_keeps_everything(photo, monkeypatch):
    show()
    default_storage.delete(NAME)

    shown = []

    with once(monkeypatch, records, "sources", lambda: shown.append(put_another())):
        photo.delete()

    assert [show()] == shown
    assert states() == ["ready"]


def test_a_picture_that_is_asked_for_in_the_last_moment_keeps_its_records_alone(
    photo, save_file, monkeypatch
):
    for name in (NAME, save_file("photos/dog.jpg"), save_file("photos/elk.jpg")):
        show(name)
    asked_anew = keys.source_key("default", NAME)
    found = list(records.source_model().objects.values_list("key", flat=True))
    delete = models.QuerySet.delete

    def refuse(rows: Any) -> Any:
        if rows.filter(key=asked_anew).exists():
            raise IntegrityError
        return delete(rows)

    monkeypatch.setattr(models.QuerySet, "delete", refuse)

    assert orphans.end(found, "") == [asked_anew]
    assert states() == ["ready"]


# Static files --------------------------------------------------------------------------------------------


def test_a_static_file_is_gone_when_neither_finders_nor_storage_have_it(db, settings, tmp_path, monkeypatch):
    settings.STATICFILES_DIRS = [str(tmp_path)]
    finders.get_finder.cache_clear()  # type: ignore[attr-defined] # it is cached
    (tmp_path / "logo.png").write_bytes(drawn(format="PNG"))
    show("static:logo.png")
    source = records.source_model().objects.get()
    assert not removing.is_gone(source)
    source.storage = "static:12345678"  # of an earlier release
    assert removing.is_gone(source)
    source.storage = "static:"
    (tmp_path / "logo.png").unlink()

    assert removing.is_gone(source)
    finders.get_finder.cache_clear()  # type: ignore[attr-defined] # it is cached


# django-cleanup ------------------------------------------------------------------------------------------


@pytest.fixture
def cleanup(settings) -> Iterator[None]:
    """Switch django-cleanup on, and off again."""
    signals = (post_init, pre_save, post_save, pre_delete, post_delete)
    before = [list(signal.receivers) for signal in signals]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_cleanup.apps.CleanupConfig"]
    yield
    for signal, receivers in zip(signals, before, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


def test_what_django_cleanup_deletes_takes_its_renditions_along(cleanup, photo):
    photo = Photo.objects.get()
    show()

    with transaction.atomic():
        photo.delete()
        before = left()

    assert (before, left()) == (IS_BUILT, IS_NOT)
    assert not default_storage.exists(NAME)


@pytest.mark.parametrize("is_first", [True, False])
def test_what_django_cleanup_deletes_of_many_rows_is_cleared_together(
    cleanup, album, our_queries, monkeypatch, is_first
):
    album(20)
    if is_first:  # its calls come before ours on commit
        for signal in (pre_delete, post_delete):
            signal.receivers.reverse()
            signal.sender_receivers_cache.clear()
    clear, cleared = deleting._clear, []

    def clearing(refs: Sequence[SourceRef]) -> None:
        cleared.append(len(refs))
        clear(refs)

    monkeypatch.setattr(deleting, "_clear", clearing)

    Photo.objects.all().delete()

    assert left() == IS_NOT
    # Of one that is deleted behind our last call we are told alone.
    assert cleared == ([20] if is_first else [20, 1])


def test_a_file_that_django_cleanup_replaces_takes_its_renditions_along(cleanup, photo, save_file):
    photo = Photo.objects.get()
    show()

    photo.image = save_file("photos/dog.jpg")
    photo.save()

    assert left() == IS_NOT


def test_a_shared_file_that_django_cleanup_deletes_keeps_its_renditions(cleanup, photo):
    Photo.objects.create(title="The same", image=NAME)
    show()

    photo.delete()

    assert not default_storage.exists(NAME)
    assert left() == IS_BUILT


def test_a_file_that_django_cleanup_could_not_delete_keeps_its_renditions(cleanup, photo, monkeypatch):
    photo = Photo.objects.get()
    show()

    def fail(*_: object) -> None:
        raise OSError("down")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", fail)
        photo.delete()

    assert left() == IS_BUILT


def test_a_foreign_field_that_is_no_file_is_none_of_ours(photo):
    show()
    default_storage.delete(NAME)

    deleting._cleaned(Photo, field_name="title", file_name=NAME)

    assert left() == IS_BUILT
    deleting._clear([SourceRef("default", NAME)])  # the row still refers to it
    assert left() == IS_BUILT
