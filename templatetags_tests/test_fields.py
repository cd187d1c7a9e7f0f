# ruff: noqa: DJ008 - models that nobody prints

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.db.models import F
from django.test.utils import isolate_apps
from hypothesis import given
from hypothesis import strategies as st

from responsive_img.fields import FocalPointField
from responsive_img.geometry import FocalPoint
from responsive_img.sources import focal_of
from responsive_img.widgets import FocalPointFormField
from templatetags_tests.models import Person

POINT = FocalPoint(0.3, 0.7)
FIELD: Any = Person._meta.get_field("headshot_point")
NO_POINT = "“{}” is no point of the picture: write two percentages such as “30% 70%”."


def stored(person: Person) -> object:
    """Return what the database has for a person's point."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT headshot_point FROM templatetags_tests_person WHERE id = %s", [person.pk])
        return cursor.fetchone()[0]


# Values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "30% 70%",
        "0.3 0.7",
        "0.3x0.7",
        "30%, 70%",
        (0.3, 0.7),
        [0.3, 0.7],
        ("30%", 0.7),
        POINT,
        (0.300001, 0.7),
    ],
)
def test_every_form_of_a_point_is_one_and_is_stored_as_css_writes_it(db, value):
    person = Person(name="Ada", headshot_point=value)
    assert person.headshot_point == POINT
    assert isinstance(person.headshot_point, FocalPoint)

    person.save()

    assert stored(person) == "30% 70%"
    assert Person.objects.get().headshot_point == POINT
    assert str(Person.objects.get().headshot_point) == "30% 70%"


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_no_point(db, value):
    person = Person.objects.create(name="Ada", headshot_point=value)

    assert Person().headshot_point is None
    assert stored(person) == ""
    assert Person.objects.get().headshot_point is None
    person.full_clean()


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_assigned_is_what_is_read(x, y):
    assigned = Person(headshot_point=(x, y)).headshot_point
    written = FIELD.get_prep_value(assigned)

    assert FIELD.from_db_value(written, None, connection) == FIELD.to_python(written) == assigned
    assert len(written) <= FIELD.max_length
    # To a px of ten thousand.
    assert assigned == pytest.approx((x, y), abs=0.0000501)


@pytest.mark.parametrize("value", ["left", "30%", "101% 0%", (0.3, 1.1), (0.3,), 0.3, True, {"x": 1}])
def test_what_is_no_point_is_refused(db, value):
    person = Person(name="Ada", headshot_point=value)
    assert person.headshot_point == value

    with pytest.raises(ValidationError) as caught:
        person.full_clean()
    assert caught.value.message_dict == {"headshot_point": [NO_POINT.format(value)]}
    with pytest.raises(ValidationError):
        person.save()


def test_a_point_can_be_asked_for_in_every_form(db):
    Person.objects.create(name="Ada", headshot_point=POINT)
    Person.objects.create(name="Bob")

    for value in ("30% 70%", (0.3, 0.7), "0.3 0.7"):
        assert Person.objects.get(headshot_point=value).name == "Ada"
    assert Person.objects.get(headshot_point="").name == "Bob"
    assert Person.objects.get(headshot_point__startswith="30%").name == "Ada"
    assert list(Person.objects.order_by("name").values_list("headshot_point", flat=True)) == [POINT, None]


def test_an_update_takes_a_pair_and_an_expression(db):
    person = Person.objects.create(name="50% 0%")

    Person.objects.update(headshot_point=(0.25, 1))
    assert stored(person) == "25% 100%"
    Person.objects.update(headshot_point=F("name"))
    assert stored(person) == "50% 0%"
    person.headshot_point = F("name")
    person.save()
    person.refresh_from_db()
    assert person.headshot_point == (0.5, 0)


def test_a_text_of_somebody_else_in_the_column_is_no_error_until_it_is_saved(db, log):
    person = Person.objects.create(name="Ada", headshot="x.jpg")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE templatetags_tests_person SET headshot_point = '0.5x1.5'")

    for _ in range(2):
        person = Person.objects.get()

    assert person.headshot_point == "0.5x1.5"
    assert focal_of(person.headshot) == ""
    assert log() == [
        "templatetags_tests.Person.headshot_point holds '0.5x1.5', which is no point, so the centre is kept."
    ]
    with pytest.raises(ValidationError, match=r"0\.5x1\.5"):
        person.full_clean()


def test_an_instance_is_copied_and_pickled_with_its_point():
    person = Person(name="Ada", headshot_point=POINT)

    assert deepcopy(person).headshot_point == pickle.loads(pickle.dumps(person)).headshot_point == POINT  # noqa: S301


@pytest.mark.parametrize("format", ["json", "python", "xml", "jsonl"])
@pytest.mark.parametrize("point", [POINT, None])
def test_serializers_write_the_text_and_read_it(db, format, point):
    person = Person.objects.create(name="Ada", headshot_point=point)

    written = serializers.serialize(format, [person])
    Person.objects.update(headshot_point="1% 1%")
    for each in serializers.deserialize(format, written):
        each.save()

    if point:
        assert "30% 70%" in str(written)
    assert FIELD.value_to_string(person) == ("30% 70%" if point else "")
    assert Person.objects.get().headshot_point == point


def test_null_is_kept_where_the_column_may_be_null():
    field = FocalPointField("headshot", null=True)

    assert field.get_prep_value(None) is None
    assert field.get_prep_value("") == ""
    assert FocalPointField("headshot").get_prep_value(None) == ""
    assert field.from_db_value(None, None, connection) is None


# Migrations and forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "options"),
    [
        (FocalPointField("headshot"), {}),
        (FocalPointField(image_field="headshot", verbose_name="point"), {"verbose_name": "point"}),
        (FocalPointField("headshot", "point"), {"verbose_name": "point"}),
        (FocalPointField("headshot", blank=False), {"blank": False}),
        (FocalPointField("headshot", null=True, default="30% 70%"), {"null": True, "default": "30% 70%"}),
    ],
    ids=["plain", "by name", "labelled", "not blank", "null"],
)
def test_a_migration_writes_what_was_told(field, options):
    name, path, args, found = field.deconstruct()

    assert (name, path, args) == (None, "responsive_img.fields.FocalPointField", [])
    assert found == {"image_field": "headshot", **options}
    again = FocalPointField(**found)
    assert again.deconstruct() == field.deconstruct()
    assert (again.blank, again.null, again.max_length) == (field.blank, field.null, 20)
    assert "responsive_img.fields.FocalPointField(" in MigrationWriter.serialize(field)[0]


class Unasked(MigrationQuestioner):
    """Is not asked what the rows that there are shall have."""

    def ask_not_null_addition(self, field_name: str, model_name: str) -> Any:
        raise AssertionError(field_name)  # pragma: no cover - nobody asks

    def ask_initial(self, app_label: str) -> bool:
        return True


def test_it_is_added_to_a_table_with_rows_without_a_question():
    fields = [("id", models.AutoField(primary_key=True)), ("headshot", models.ImageField())]
    old, new = ProjectState(), ProjectState()
    old.add_model(ModelState("people", "Person", fields))
    new.add_model(ModelState("people", "Person", [*fields, ("headshot_point", FocalPointField("headshot"))]))

    changes: Any = MigrationAutodetector(old, new, Unasked()).changes(graph=MigrationGraph())

    found = {operation.name: operation.field for operation in changes["people"][0].operations}
    assert isinstance(found["headshot_point"], FocalPointField)
    model: Any = new.apps.get_model("people", "Person")
    assert model(headshot_point=(0.3, 0.7)).headshot_point == POINT


def test_its_form_field_is_the_widget_and_may_be_left_empty():
    made = FIELD.formfield()

    assert isinstance(made, FocalPointFormField)
    assert made.image_field == "headshot"
    assert not made.required
    strict: Any = FocalPointField("headshot", blank=False).formfield()
    assert strict.required


# Which picture -------------------------------------------------------------------------------------------


@isolate_apps("templatetags_tests")
def test_each_of_two_pictures_has_its_own_point():
    class Page(models.Model):
        top_point = FocalPointField("top")  # before its picture, too
        top = models.ImageField()
        side = models.ImageField()
        side_point = FocalPointField("side")
        plain = models.ImageField()

    page = Page(top="a.png", side="b.png", plain="c.png", top_point="10% 20%", side_point="30% 40%")

    assert [focal_of(file) for file in (page.top, page.side, page.plain)] == ["0.1,0.2", "0.3,0.4", ""]
    assert Page.check() == []


@isolate_apps("templatetags_tests")
def test_it_is_inherited():
    class Pictured(models.Model):
        image = models.ImageField()
        point = FocalPointField("image")

        class Meta:
            abstract = True

    class Article(Pictured):
        pass

    class News(Article):
        pass

    class Proxy(News):
        class Meta:
            proxy = True

    class Other(Pictured):
        other = models.ImageField()
        point = FocalPointField("other")

    class Without(Pictured):
        point = None

    for model in (Article, News, Proxy):
        assert focal_of(model(image="a.png", point="10% 20%").image) == "0.1,0.2"
        assert model.check() == []
    other = Other(image="a.png", other="b.png", point="10% 20%")
    assert [focal_of(other.image), focal_of(other.other)] == ["", "0.1,0.2"]
    assert focal_of(Without(image="a.png").image) == ""


@isolate_apps("templatetags_tests")
def test_a_point_of_the_parents_picture_is_the_childs_alone():
    class Parent(models.Model):
        image = models.ImageField()

    class Child(Parent):
        point = FocalPointField("image")

    assert focal_of(Child(image="a.png", point="10% 20%").image) == "0.1,0.2"
    assert focal_of(Parent(image="a.png").image) == ""
    assert Child.check() == []


@pytest.mark.parametrize("source", [None, "photos/cat.jpg", "static:a.png", object()])
def test_what_is_no_file_of_a_model_has_no_point(source):
    assert focal_of(source) == ""


# The check -----------------------------------------------------------------------------------------------


def messages_of(name: Any) -> list[tuple[str | None, str, str | None]]:
    class Page(models.Model):
        image = models.ImageField()
        file = models.FileField()
        title = models.CharField(max_length=9)
        author = models.ForeignKey("self", models.CASCADE)
        point = FocalPointField(name)

    found = Page.check()
    assert all(message.obj is Page._meta.get_field("point") for message in found)
    return [(message.id, message.msg, message.hint) for message in found]


@isolate_apps("templatetags_tests")
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("imgae", "Did you mean 'image'?"),
        ("picture", "Choices: image, file."),
        ("author", "Choices: image, file."),
        (None, "Choices: image, file."),
    ],
)
def test_a_name_that_leads_to_no_picture_is_said(name, hint):
    text = f"templatetags_tests.Page has no image field {name!r} for this focal point."

    assert messages_of(name) == [("responsive_img.E018", text, hint)]


@isolate_apps("templatetags_tests")
# A text may be a copy that keeps the history of a file field.
@pytest.mark.parametrize("name", ["image", "file", "title"])
def test_a_name_that_leads_to_one_is_right(name):
    assert messages_of(name) == []


@isolate_apps("templatetags_tests")
def test_a_second_point_of_the_same_picture_is_said():
    class Page(models.Model):
        image = models.ImageField()
        one = FocalPointField("image")
        other = FocalPointField("image")

    (found,) = Page.check()

    assert found.id == "responsive_img.E018"
    assert found.obj is Page._meta.get_field("one")
    assert (
        found.msg
        == "templatetags_tests.Page.image has two focal points: this one, and 'other', which counts."
    )
    assert found.hint == "Remove one of them."


@isolate_apps("templatetags_tests")
def test_a_model_without_pictures_has_no_choices():
    class Page(models.Model):
        point = FocalPointField("image")

    (found,) = Page.check()

    assert found.hint == "Choices: none."
