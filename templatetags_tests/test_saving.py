"""What follows from a saved file: the signal, `Img.queue`, and that neither ever breaks the save."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import DatabaseError, models, transaction
from django.db.models import FileField, ImageField
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse
from django.test.utils import isolate_apps

from responsive_img import ImageBatch, Img, records, saving, signals, versions
from responsive_img.exceptions import SpecError
from responsive_img.queue import process_queue
from templatetags_tests.conftest import drawn, respond
from templatetags_tests.models import Photo, Scan
from templatetags_tests.test_images import ENQUEUE, built, states

# On commit is what most of this is about.
pytestmark = pytest.mark.django_db(transaction=True)

BUILD_NOW = "responsive_img.hooks.build_now"


class Employee(models.Model):
    name = models.CharField(max_length=100, unique=True)
    photo = models.ImageField(upload_to="photos/", blank=True)
    cover = models.ImageField(upload_to="covers/", blank=True)
    paper = models.FileField(upload_to="papers/", blank=True)
    objects: ClassVar[Any]

    def __str__(self) -> str:
        return self.name


class Member(Employee):
    badge = models.ImageField(upload_to="badges/", blank=True)


class EmployeeProxy(Employee):
    class Meta:
        proxy = True


class Pictured(models.Model):
    picture = models.ImageField(upload_to="photos/", blank=True)

    class Meta:
        abstract = True


class Report(Pictured):
    scan = models.ImageField(upload_to="photos/", blank=True)

    def __str__(self) -> str:
        return str(self.picture)  # pragma: no cover - the linter wants it


class Heard(list[Any]):
    """What a signal has told, by its arguments."""

    def __call__(self, sender: object, **arguments: Any) -> None:
        del arguments["signal"]
        self.append((sender, arguments))


@contextmanager
def hearing(signal: Any) -> Iterator[Heard]:
    receiver = Heard()
    signal.connect(receiver)
    yield receiver
    signal.disconnect(receiver)


@pytest.fixture(autouse=True)
def _no_watchers(monkeypatch):
    monkeypatch.setattr(saving, "_watchers", {})


@pytest.fixture
def saved():
    """Return the names of the files that `file_post_save` tells of."""

    names: list[str] = []

    def note(fieldfile: FieldFile, **arguments: object) -> None:
        names.append(str(fieldfile.name))

    signals.file_post_save.connect(note)
    yield names
    signals.file_post_save.disconnect(note)


@pytest.fixture
def queued():
    """Return what `queued_img` has told."""
    with hearing(signals.queued_img) as told:
        yield told


@pytest.fixture
def enqueued(settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE


def upload(name: str = "cat.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, drawn())


def sources() -> list[str]:
    """Return the names of the sources that somebody has asked for."""
    return sorted(records.source_model().objects.values_list("name", flat=True))


# file_post_save ------------------------------------------------------------------------------------------


def test_the_signal_brings_the_model_the_instance_and_the_file():
    with hearing(signals.file_post_save) as told:
        employee = Employee.objects.create(name="a", photo=upload())

    assert told == [(Employee, {"instance": employee, "fieldfile": employee.photo})]
    assert told[0][1]["fieldfile"].instance is employee
    assert str(told[0][1]["instance"]) == "a"


def test_it_is_sent_once_for_each_file_that_was_uncommitted(saved):
    Employee.objects.create(
        name="a", photo=upload("p.jpg"), cover=upload("c.jpg"), paper=ContentFile(b"", "x.pdf")
    )

    assert saved == ["photos/p.jpg", "covers/c.jpg", "papers/x.pdf"]


def test_it_is_sent_for_the_name_of_a_file_when_its_instance_is_added(saved, save_file):
    Employee.objects.create(name="a", photo=save_file())
    Employee(name="b", cover="photos/cat.jpg").save()

    assert saved == ["photos/cat.jpg"] * 2


def test_it_is_sent_for_a_file_that_was_saved_into_an_instance_that_is_added(saved):
    employee = Employee(name="a")
    employee.photo.save("cat.jpg", upload(), save=False)
    before = list(saved)
    employee.save()

    assert (before, saved) == ([], ["photos/cat.jpg"])


def test_it_is_sent_for_a_file_that_takes_the_place_of_another(saved):
    employee = Employee.objects.create(name="a", photo=upload())

    employee.photo = upload("dog.jpg")
    employee.save()

    assert saved == ["photos/cat.jpg", "photos/dog.jpg"]


def save_nothing_new(employee: Employee) -> None:
    employee.name = "other"
    employee.save()


def save_from_the_database(employee: Employee) -> None:
    Employee.objects.get().save()


def clear(employee: Employee) -> None:
    employee.photo = None
    employee.save()


def delete_the_file(employee: Employee) -> None:
    employee.photo.delete()


def name_another(employee: Employee) -> None:
    employee.photo = "photos/other.jpg"
    employee.save()


def leave_it_out(employee: Employee) -> None:
    employee.photo = upload("dog.jpg")
    employee.save(update_fields=["name"])


def save_no_field(employee: Employee) -> None:
    employee.photo = upload("dog.jpg")
    employee.save(update_fields=[])


def save_behind(employee: Employee) -> None:
    employee.photo.save("dog.jpg", upload())


def update(employee: Employee) -> None:
    Employee.objects.update(photo="photos/dog.jpg")


def bulk_update(employee: Employee) -> None:
    employee.photo = "photos/dog.jpg"
    Employee.objects.bulk_update([employee], ["photo"])


def bulk_create(employee: Employee) -> None:
    Employee.objects.bulk_create([Employee(name="b", photo=upload("dog.jpg"))])


def roll_back(employee: Employee) -> None:
    with transaction.atomic():
        Employee.objects.create(name="b", photo=upload("dog.jpg"))
        transaction.set_rollback(True)


def add_without_a_file(employee: Employee) -> None:
    Employee.objects.create(name="b")


@pytest.mark.parametrize(
    "save",
    [save_nothing_new, save_from_the_database, clear, delete_the_file, name_another, leave_it_out,
     save_no_field, save_behind, update, bulk_update, bulk_create, roll_back, add_without_a_file],
)  # fmt: skip
def test_it_is_not_sent_where_no_file_counts_as_saved(saved, save):
    employee = Employee.objects.create(name="a", photo=upload())
    saved.clear()

    save(employee)

    assert saved == []


@pytest.mark.parametrize("names", [["photo"], {"photo", "name"}, ("photo",)])
def test_update_fields_that_name_the_field_include_it(saved, names):
    employee = Employee.objects.create(name="a")

    employee.photo, employee.cover = upload(), upload("cover.jpg")
    employee.save(update_fields=names)

    assert saved == ["photos/cat.jpg"]


def test_it_is_sent_on_commit(saved):
    with transaction.atomic():
        Employee.objects.create(name="a", photo=upload())
        before = list(saved)

    assert (before, saved) == ([], ["photos/cat.jpg"])


def test_what_a_savepoint_took_back_is_not_sent(saved):
    with transaction.atomic():
        Employee.objects.create(name="a", photo=upload("a.jpg"))
        roll_back(Employee())

    assert saved == ["photos/a.jpg"]


def test_a_save_that_failed_is_not_sent_and_the_next_one_is(saved):
    Employee.objects.create(name="a")
    employee = Employee(name="a", photo=upload())
    with pytest.raises(DatabaseError):
        employee.save()
    before = list(saved)

    employee.name = "b"
    employee.save()

    assert (before, saved) == ([], ["photos/cat.jpg"])


def test_a_receiver_that_raises_stops_nothing(saved, caplog):
    def fail(**arguments: object) -> None:
        raise LookupError("no such thing")

    signals.file_post_save.connect(fail)
    Img(width=20, build="all").queue(Employee)
    try:
        Employee.objects.create(name="a", photo=upload())
    finally:
        signals.file_post_save.disconnect(fail)

    assert saved == ["photos/cat.jpg"]
    assert len(built()) == 4
    assert "no such thing" in caplog.text


def test_the_new_version_is_there_before_it_is_sent(monkeypatch):
    order: list[str] = []

    def note(**arguments: object) -> None:
        order.append("signal")

    signals.file_post_save.connect(note)
    monkeypatch.setattr(versions, "replaced", lambda source: order.append("version"))
    saving.watch(Employee, "x", lambda *_: order.append("queue"))
    Employee.objects.create(name="a", photo=upload())
    signals.file_post_save.disconnect(note)

    assert order == ["version", "signal", "queue"]


def test_records_that_cannot_be_written_are_a_warning(saved, monkeypatch, log):
    def fail(source: object) -> None:
        raise DatabaseError("no table")

    monkeypatch.setattr(versions, "replaced", fail)

    employee = Employee.objects.create(name="a", photo=upload())

    assert employee.pk
    assert saved == ["photos/cat.jpg"]
    assert log() == [
        "photos/cat.jpg was saved, but its pictures cannot be replaced: DatabaseError('no table')",
    ]


def test_a_name_that_no_storage_may_be_asked_for_is_a_warning(saved, log):
    Employee.objects.create(name="a", photo="/etc/passwd")

    assert saved == ["/etc/passwd"]
    assert [line.startswith("/etc/passwd was saved, but its pictures cannot") for line in log()] == [True]


def test_a_child_has_the_files_of_its_parent_too(saved):
    with hearing(signals.file_post_save) as told:
        member = Member.objects.create(name="a", photo=upload(), badge=upload("badge.jpg"))

    assert saved == ["photos/cat.jpg", "badges/badge.jpg"]
    assert [sender for sender, _ in told] == [Member, Member]
    assert told[0][1]["instance"] is member


def test_a_proxy_is_its_own_sender():
    with hearing(signals.file_post_save) as told:
        EmployeeProxy.objects.create(name="a", photo=upload())

    assert [sender for sender, _ in told] == [EmployeeProxy]


def test_fixtures_send_nothing_and_queue_nothing(saved, save_file, tmp_path, our_queries):
    Img(width=20, build="all").queue(Photo)
    fields = {"title": "A cat", "image": save_file()}
    file = tmp_path / "photos.json"
    file.write_text(json.dumps([{"model": "templatetags_tests.photo", "pk": 1, "fields": fields}]))

    with our_queries() as queries:
        call_command("loaddata", str(file), verbosity=0)

    assert Photo.objects.get().image.name == "photos/cat.jpg"
    assert saved == []
    assert queries == []


def test_a_model_without_files_costs_nothing(saved, django_user_model, our_queries):
    with our_queries() as queries:
        django_user_model.objects.create(username="a")

    assert saved == []
    assert queries == []


def test_deferred_fields_are_not_loaded(saved, django_assert_num_queries):
    Img(width=20, build="all").queue(Employee, fields=None)
    Employee.objects.create(name="a")

    for employee in (Employee.objects.only("name").get(), Employee.objects.defer("photo").get()):
        with django_assert_num_queries(1):
            employee.save()

    assert employee.get_deferred_fields() == {"photo"}
    assert saved == []


def test_a_file_that_is_gone_when_it_is_committed_is_not_sent(saved, log):
    with transaction.atomic():
        employee = Employee.objects.create(name="a", photo=upload())
        employee.photo.delete()

    assert (saved, log()) == ([], [])


# Img.queue -----------------------------------------------------------------------------------------------


class PhotoField(ImageField):
    """A project's own."""


FILES: dict[str, Any] = {"photo": "photos/p.jpg", "cover": "covers/c.jpg", "paper": "papers/x.jpg"}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["covers/c.jpg", "photos/p.jpg"]),
        ({"fields": ImageField}, ["covers/c.jpg", "photos/p.jpg"]),
        ({"fields": FileField}, ["covers/c.jpg", "papers/x.jpg", "photos/p.jpg"]),
        ({"fields": None}, ["covers/c.jpg", "papers/x.jpg", "photos/p.jpg"]),
        ({"fields": PhotoField}, []),
        ({"fields": ["cover"]}, ["covers/c.jpg"]),
        ({"fields": ("photo", "paper")}, ["papers/x.jpg", "photos/p.jpg"]),
        ({"fields": {"paper"}}, ["papers/x.jpg"]),
        ({"fields": "cover"}, ["covers/c.jpg"]),
        ({"fields": []}, []),
    ],
)
@pytest.mark.parametrize("model", [Employee, "templatetags_tests.Employee", "templatetags_tests.employee"])
def test_fields_are_a_class_names_or_all(enqueued, fields, names, model):
    Img(width=20).queue(model, **fields)

    Employee.objects.create(
        name="a", photo=upload("p.jpg"), cover=upload("c.jpg"), paper=ContentFile(drawn(), "x.jpg")
    )

    assert sources() == names


NO_FIELD = "Unknown file field of templatetags_tests.Employee "
UNKNOWN: list[tuple[Any, Any, str]] = [
    (Employee, ["cove"], f"{NO_FIELD}'cove'. Did you mean 'cover'? Choices: cover, paper, photo."),
    (Employee, ["photo", "papr"], f"{NO_FIELD}'papr'. Did you mean 'paper'? Choices: cover, paper, photo."),
    (Employee, "photo_and_cover", f"{NO_FIELD}'photo_and_cover'. Choices: cover, paper, photo."),
    (Employee, ["name"], f"{NO_FIELD}'name'. Choices: cover, paper, photo."),
    (Employee, [7], f"{NO_FIELD}'7'. Choices: cover, paper, photo."),
    ("templatetags_tests.employee", {"badge"}, f"{NO_FIELD}'badge'. Choices: cover, paper, photo."),
    (Pictured, ["scan"], "Unknown file field of templatetags_tests.Pictured 'scan'. Choices: picture."),
    ("templatetags_tests.Pictured", ["scan"], "Unknown file field of templatetags_tests.Pictured 'scan'. "),
    ("templatetags_tests.Emploee", None, "Unknown model 'templatetags_tests.Emploee'. Did you mean "),
    ("templatetags_tests.Emploee", ["typo"], "Unknown model 'templatetags_tests.Emploee'. Did you mean "),
    ("Employee", ImageField, "Unknown model 'Employee'. "),
]


@pytest.mark.parametrize(("model", "fields", "message"), UNKNOWN)
def test_what_there_is_not_is_refused_at_once(model, fields, message):
    with pytest.raises(SpecError) as caught:
        Img(width=20).queue(model, fields=fields)

    assert str(caught.value).startswith(message)
    assert saving._watchers == {}


@pytest.mark.parametrize("model", [None, Employee(), str])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(SpecError, match=r"'model' must be a model or 'app\.Model', not "):
        Img(width=20).queue(model)


@isolate_apps("templatetags_tests")
def test_fields_that_come_later_are_seen_all_the_same():
    class Translated(models.Model):  # noqa: DJ008 - nobody prints it
        class Meta:
            app_label = "templatetags_tests"

    image = ImageField()
    image.contribute_to_class(Translated, "image")
    Img(width=20).queue(Translated, fields=["image"])
    with pytest.raises(SpecError):
        Img(width=20).queue(Translated, fields=["images"])

    ImageField().contribute_to_class(Translated, "image_de")

    assert [field.name for field in saving.file_fields(Translated)] == ["image", "image_de"]


def test_an_unknown_model_may_be_one_of_those_with_files():
    with pytest.raises(SpecError) as caught:
        Img(width=20).queue("templatetags_tests.Emploee")

    hint, _, choices = str(caught.value).partition(" Choices: ")
    assert hint.endswith("Did you mean 'templatetags_tests.Employee'?")
    assert {"templatetags_tests.Member", "templatetags_tests.Photo"} <= set(choices.rstrip(".").split(", "))
    assert "auth.User" not in choices


@pytest.mark.parametrize(("model", "fields", "message"), UNKNOWN)
def test_before_the_models_are_there_it_is_kept_to_be_checked(model, fields, message):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apps, "models_ready", False)
        Img(width=20).queue(model, fields=fields)

    assert str(SpecError.unknown(*saving.unknown()[0])).startswith(message)


@pytest.mark.parametrize(
    ("hook", "build", "files", "state"),
    [
        (ENQUEUE, None, [], "queued"),
        (BUILD_NOW, None, ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"], "ready"),
        (ENQUEUE, "src", ["cat-20w.jpg"], "queued"),
        (BUILD_NOW, "src", ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"], "ready"),
        (ENQUEUE, "srcset", ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"], "ready"),
        (ENQUEUE, "all", ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"], "ready"),
    ],
)
@pytest.mark.parametrize("how", ["queue", "img"])
def test_build_names_what_is_built_by_who_saves(settings, hook, build, files, state, how):
    settings.RESPONSIVE_IMG_BUILD_HOOK = hook
    if how == "queue":
        Img(width=20).queue(Employee, build=build)
    else:
        Img(width=20, build=build).queue(Employee)

    Employee.objects.create(name="a", photo=upload())

    assert built() == files
    assert states() == [state]


def test_what_is_left_is_built_by_the_queue(enqueued):
    Img(width=20).queue(Employee, build="src")
    Employee.objects.create(name="a", photo=upload())

    assert process_queue() == 1
    assert len(built()) == 4


def test_nothing_is_built_before_the_commit(settings):
    Img(width=20).queue(Employee, build="all")

    with transaction.atomic():
        Employee.objects.create(name="a", photo=upload())
        before = built(), states()

    assert before == ([], [])
    assert states() == ["ready"]


def test_what_is_rolled_back_is_not_built(settings):
    Img(width=20).queue(Employee, build="all")

    roll_back(Employee())

    assert (built(), states()) == ([], [])


def test_read_only_builds_and_queues_nothing(settings, saved):
    settings.RESPONSIVE_IMG_READ_ONLY = True
    Img(width=20).queue(Employee, build="all")

    Employee.objects.create(name="a", photo=upload())

    assert (built(), states(), saved) == ([], [], ["photos/cat.jpg"])


@pytest.mark.parametrize("names", [["name"], []])
def test_saves_that_leave_the_field_out_are_not_looked_at(cache_calls, our_queries, names):
    Img(width=20).queue(Employee)
    employee = Employee.objects.create(name="a", photo=upload())
    cache_calls.clear()

    with our_queries() as queries:
        employee.save(update_fields=names)

    assert not cache_calls
    assert queries == []


@pytest.mark.parametrize("names", [None, ["photo"], ["name", "photo"]])
def test_every_other_save_costs_one_cache_read(cache_calls, our_queries, storage_calls, names):
    Img(width=20).queue(Employee)
    Employee.objects.create(name="a", photo=upload(), cover=upload("cover.jpg"))
    employee = Employee.objects.get()
    cache_calls.clear()
    storage_calls.clear()

    with our_queries() as queries:
        employee.save(update_fields=names)

    assert cache_calls == {"get_many": 1}
    assert queries == []
    assert not storage_calls


def test_every_other_save_builds_what_is_missing(save_file):
    employee = Employee.objects.create(name="a", photo=save_file())
    Img(width=20).queue(Employee, build="all")

    employee.save()

    assert states() == ["ready"]


def test_a_save_without_a_file_costs_nothing(cache_calls, our_queries):
    Img(width=20).queue(Employee)

    with our_queries() as queries:
        Employee.objects.create(name="a")

    assert not cache_calls
    assert queries == []


def test_imgs_with_other_options_add_to_each_other():
    for width in (10, 20):
        Img(width=width, format="webp", densities=1).queue(Employee, build="all")
    Img(width=30, format="webp", densities=1).queue(Employee, fields=["cover"], build="all")

    Employee.objects.create(name="a", photo=upload())

    assert built() == ["cat-10w.webp", "cat-20w.webp"]


def test_the_same_registration_twice_is_one(cache_calls):
    for _ in range(2):
        Img(width=20).queue(Employee)
    employee = Employee.objects.create(name="a", photo=upload())
    cache_calls.clear()

    employee.save()

    assert cache_calls == {"get_many": 1}


@pytest.mark.parametrize("uid", ["thumbnail", 7, ("a", 1)])
def test_the_same_dispatch_uid_takes_the_place(uid):
    for width in (10, 20):
        Img(width=width, format="webp", densities=1).queue(Employee, build="all", dispatch_uid=uid)

    Employee.objects.create(name="a", photo=upload())

    assert built() == ["cat-20w.webp"]


def test_what_is_queued_may_be_told_in_order(save_file):
    Img(width=20, format="webp", densities=1).queue(Employee, ["photo"], "all", False, "thumbnail")

    Employee.objects.create(name="a", photo=upload("a.jpg"), cover=upload("b.jpg"))

    assert built() == ["a-20w.webp"]


def test_a_dispatch_uid_is_of_its_model(save_file):
    img = Img(width=20, format="webp", densities=1)
    for model in (Employee, Photo):
        img.queue(model, build="all", dispatch_uid="thumbnail")

    Employee.objects.create(name="a", photo=upload("a.jpg"))
    Photo.objects.create(image=upload("b.jpg"))

    assert built() == ["a-20w.webp", "b-20w.webp"]


def test_a_model_hears_of_its_own_saves_alone():
    Img(width=20, build="all").queue(Employee)

    Photo.objects.create(image=upload())

    assert states() == []


def test_a_storage_that_only_its_field_knows_is_found_again():
    Img(width=20).queue(Scan, build="all")

    scan = Scan(image=upload())
    scan.save()

    assert states() == ["ready"]
    assert Img(width=20)(scan.image).base_url().startswith("https://vault.example/renditions/cat-20w.")


@pytest.mark.parametrize("model", [Member, EmployeeProxy])
def test_a_child_or_a_proxy_is_registered_by_itself(model):
    Img(width=20, format="webp", densities=1).queue(model, build="all")

    Employee.objects.create(name="parent", photo=upload("parent.jpg"))
    model.objects.create(name="child", photo=upload("child.jpg"))

    assert built() == ["child-20w.webp"]


@pytest.mark.parametrize("model", [Member, EmployeeProxy])
def test_saves_of_a_child_or_a_proxy_are_saves_of_the_parent(model):
    Img(width=20, build="all").queue(Employee)
    model.objects.create(name="child", photo=upload())

    assert states() == ["ready"]


def test_a_field_that_a_child_adds_is_not_one_of_the_parent():
    Img(width=20, format="webp", densities=1).queue(Employee, build="all")
    Member.objects.create(name="child", photo=upload("photo.jpg"), badge=upload("badge.jpg"))

    assert sources() == ["photos/photo.jpg"]


def test_an_abstract_model_hears_of_all_that_have_its_fields():
    Img(width=20, format="webp", densities=1).queue(Pictured, build="all")

    Report(picture=upload("a.jpg"), scan=upload("b.jpg")).save()

    assert built() == ["a-20w.webp"]


def test_build_that_is_none_of_these_is_refused_at_once():
    with pytest.raises(SpecError, match=r"^'build' must be one of: src, srcset, all; not 'none'\.$"):
        Img(width=20).queue(Employee, build="none")

    assert saving._watchers == {}


def test_queue_leaves_a_batch_alone():
    batch = ImageBatch()
    Img(batch=batch, width=20, build="all").queue(Employee)

    Employee.objects.create(name="a", photo=upload())

    assert states() == ["ready"]
    assert len(batch) == 0


# queued_img ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [None, "src"])
def test_queued_img_brings_the_jobs_for_what_goes_to_the_hook(enqueued, queued, build):
    Img(width=20).queue(Employee, build=build)

    Employee.objects.create(name="a", photo=upload(), cover=upload("cover.jpg"))

    assert len(queued) == 1
    sender, arguments = queued[0]
    assert sender is records.picture_model()
    assert [job.name for job in arguments["jobs"]] == ["photos/cat.jpg", "covers/cover.jpg"]
    assert [job.field for job in arguments["jobs"]] == [
        f"templatetags_tests.Employee.{name}" for name in ("photo", "cover")
    ]


@pytest.mark.parametrize(
    ("hook", "options"),
    [
        (ENQUEUE, {"send_signal": False}),
        (ENQUEUE, {"send_signal": False, "build": "src"}),
        (ENQUEUE, {"build": "all"}),
        (ENQUEUE, {"build": "srcset"}),
        (BUILD_NOW, {}),
        (BUILD_NOW, {"build": "src"}),
    ],
)
@pytest.mark.parametrize("is_in_transaction", [False, True])
def test_queued_img_is_not_sent_where_it_is_not_wanted_or_nothing_is_queued(
    settings, queued, hook, options, is_in_transaction
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = hook
    Img(width=20).queue(Employee, **options)

    if is_in_transaction:
        with transaction.atomic():
            Employee.objects.create(name="a", photo=upload())
    else:
        Employee.objects.create(name="a", photo=upload())

    assert queued == []
    assert len(states()) == 1


def test_queued_img_is_not_sent_again_for_what_is_queued(enqueued, queued):
    Img(width=20).queue(Employee)
    employee = Employee.objects.create(name="a", photo=upload())

    employee.save()

    assert len(queued) == 1


def test_queued_img_is_sent_when_it_is_committed(enqueued, queued):
    Img(width=20).queue(Employee)

    with transaction.atomic():
        Employee.objects.create(name="a", photo=upload())
        before = list(queued)
    after = list(queued)

    assert (before, len(after)) == ([], 1)


def test_outside_of_queue_it_is_heard_again(enqueued, queued, photo):
    with signals.muted():
        assert not signals.are_heard()
    assert signals.are_heard()

    Img(width=20)(photo.image).base_url()

    assert len(queued) == 1


def test_a_receiver_may_build_at_once(enqueued):
    def build(**arguments: object) -> None:
        process_queue()

    signals.queued_img.connect(build)
    Img(width=20).queue(Employee)
    Employee.objects.create(name="a", photo=upload())
    signals.queued_img.disconnect(build)

    assert states() == ["ready"]


# Nothing breaks the save ---------------------------------------------------------------------------------


def test_a_file_that_is_no_picture_is_saved(log):
    Img(width=20).queue(Employee, build="all", fields=None)

    employee = Employee.objects.create(name="a", paper=ContentFile(b"%PDF", "x.pdf"))

    assert employee.pk
    assert states() == ["failed"]
    assert len(log()) == 1


def test_a_spec_that_cannot_be_is_logged(log):
    Img(width=5000).queue(Employee)

    Employee.objects.create(name="a", photo=upload())

    assert ["over the limit" in line for line in log()] == [True]


def test_records_that_do_not_answer_are_logged(monkeypatch, log):
    def fail(*arguments: object, **options: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(records, "replicated_pictures", fail)
    monkeypatch.setattr(records, "replace", fail)
    Img(width=20).queue(Employee, build="all")

    employee = Employee.objects.create(name="a", photo=upload())

    assert Employee.objects.get() == employee
    assert len(log()) == 2


def broken(*arguments: object) -> None:
    raise LookupError("no such thing")


QUALNAME = "Django asks for the __qualname__ of what raised, and a partial has none."


@pytest.mark.parametrize("is_in_transaction", [False, True])
def test_what_raises_on_commit_does_not_break_the_save(is_in_transaction):
    saving.watch(Employee, "broken", broken)
    if is_in_transaction:
        with transaction.atomic():
            Employee.objects.create(name="a", photo=upload())
    Employee.objects.create(name="b", photo=upload())


def test_what_raises_on_commit_does_not_stop_what_comes_after(settings):
    settings.DEBUG = True
    Img(width=5000).queue(Employee)
    Img(width=20).queue(Employee, build="all")

    assert (Employee.objects.create(name="a", photo=upload()), states())[1] == ["ready"]


@pytest.mark.parametrize("model", [Employee, Photo])
def test_a_project_that_commits_by_hand_can_save(model):
    """`AUTOCOMMIT: False`, or `transaction.set_autocommit(False)`."""
    transaction.set_autocommit(False)
    try:
        model(**{"photo" if model is Employee else "image": upload()}).save()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


@pytest.mark.django_db(transaction=True)
def test_a_save_does_not_make_a_response_pending_that_shows_no_picture(settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    Img(width=20).queue(Photo, dispatch_uid="a save in a view")

    def view(request: HttpRequest) -> HttpResponse:
        Photo.objects.create(image=ContentFile(drawn(), name="cat.jpg"))
        return HttpResponse("saved", headers={"ETag": '"1"'})

    response = respond(view)

    assert records.picture_model().objects.get().state == "queued"
    assert (response.responsive_img_pending, response.headers["ETag"]) == (0, '"1"')
