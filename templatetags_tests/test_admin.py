"""Django's admin: the records in it, and the focal point in forms. What scripts do is in test_focal_browser.py."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import html5lib
import pytest
from django import forms
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.test import Client
from django.utils import timezone

import responsive_img
from responsive_img import Img, backlog, records
from responsive_img.geometry import FocalPoint
from responsive_img.queue import process_queue
from responsive_img.widgets import FocalPointFormField, FocalPointWidget, crops, to_point
from templatetags_tests.admin_project import install
from templatetags_tests.conftest import drawn
from templatetags_tests.models import Person, Scan

PACKAGE = Path(responsive_img.__file__).parent
FIELD: Any = Person._meta.get_field("headshot_point")
PICTURES, SOURCES = "/admin/responsive_img/picture/", "/admin/responsive_img/source/"
REQUEUE, REBUILD = "requeue", "rebuild"


@pytest.fixture
def admin(db: None, settings: Any) -> Client:
    """Return a client that is signed in to a project with the admin."""
    install(settings)
    client = Client()
    client.force_login(User.objects.create_superuser("editor"))
    return client


@pytest.fixture
def sign_in(db: None, settings: Any) -> Callable[..., Client]:
    """Return a function that gives the client of an editor with these permissions on pictures."""
    install(settings)

    def signed_in(*permissions: str) -> Client:
        user = User.objects.create_user("helper", is_staff=True)
        kind = ContentType.objects.get_for_model(records.picture_model())
        codes = [f"{permission}_picture" for permission in permissions]
        user.user_permissions.set(Permission.objects.filter(content_type=kind, codename__in=codes))
        client = Client()
        client.force_login(user)
        return client

    return signed_in


def body_of(response: Any) -> str:
    assert response.status_code == 200
    html5lib.HTMLParser(namespaceHTMLElements=False).parse(response.content.decode())
    return str(unescape(response.content.decode()))


def picture_of(file: Any, **options: Any) -> Any:
    """Return the record of a picture, built."""
    Img(**{"width": 20, "formats": "", **options})(file, build="all", immediate=True)
    return records.picture_model().objects.select_related("source").latest("source__name")


def act(client: Client, action: str, *pictures: Any, follow: bool = True) -> str:
    data = {"action": action, "_selected_action": [picture.pk for picture in pictures]}
    return body_of(client.post(PICTURES, data, follow=follow))


# Pictures ------------------------------------------------------------------------------------------------


def test_the_list_shows_what_is_built_of_each_picture(admin, photo):
    picture = picture_of(photo.image, ratio="1/1", focal="30% 70%")

    body = body_of(admin.get(PICTURES))

    built: list[str] = re.findall(r'<img class="responsive-img-preview" src="/media/([^"]+)"', body)
    assert len(built) == 1
    assert default_storage.exists(built[0])
    assert "photos/cat.jpg" in body
    assert 'width=20 ratio=1 focal="30% 70%" densities="1 2" formats=""<' in body
    assert f"{PICTURES}{quote(picture.pk)}/change/" in body
    assert "responsive_img/records.css" in body


def test_the_list_costs_the_same_for_many(admin, make_photo, django_assert_num_queries, our_queries):
    picture_of(make_photo().image)
    with our_queries() as few:
        body_of(admin.get(PICTURES))
    for n in range(8):
        picture_of(make_photo(f"photos/{n}.jpg").image)

    with our_queries() as many:
        body = body_of(admin.get(PICTURES))

    assert body.count("responsive-img-preview") == 9
    assert len(many) == len(few)


def test_a_picture_that_failed_says_why(admin, photo):
    with default_storage.open(photo.image.name, "wb") as file:
        file.write(b"no picture")
    picture = picture_of(photo.image)
    reason = picture.source.error

    assert len(reason) > 90
    for page, said in ((PICTURES, reason[:80]), (f"{PICTURES}{quote(picture.pk)}/change/", reason)):
        body = body_of(admin.get(page))
        assert said in body
        assert 'responsive-img-preview"' not in body
    assert "failed" in body


def test_one_picture_shows_its_files_and_its_source(admin, photo):
    picture = picture_of(photo.image)

    body = body_of(admin.get(f"{PICTURES}{quote(picture.pk)}/change/"))

    assert re.findall(r"renditions/photos/cat-\d+w\.[0-9a-f]{8}\.jpg<br>", body)
    link = f"{SOURCES}{quote(picture.source_id)}/change/"
    assert f'<a href="{link}">photos/cat.jpg</a>' in body
    assert picture.spec in body
    assert "photos/cat.jpg" in body_of(admin.get(link))
    # Nothing to write to.
    assert "<textarea" not in body
    assert 'name="_save"' not in body


def test_what_cannot_be_read_is_shown_as_it_is(admin, photo):
    picture = picture_of(photo.image)
    records.picture_model().objects.update(spec="? of another release", renditions="nonsense")

    for page in (PICTURES, f"{PICTURES}{quote(picture.pk)}/change/"):
        assert "? of another release" in body_of(admin.get(page))


def test_a_preview_has_the_url_that_its_storage_gives(admin, db):
    scan = Scan.objects.create(image=ContentFile(drawn(), "x.jpg"))
    picture_of(scan.image)

    assert 'src="https://vault.example/renditions/x-20w.' in body_of(admin.get(PICTURES))
    assert "?expires=1&signature=x" in body_of(admin.get(PICTURES))


def test_pictures_are_found_by_state_and_by_name(admin, make_photo):
    picture_of(make_photo("photos/cat.jpg").image)
    picture_of(make_photo("photos/dog.jpg").image)
    records.picture_model().objects.filter(source__name="photos/dog.jpg").update(state=records.FAILED)

    assert re.findall(r"photos/\w+\.jpg(?=</a>)", body_of(admin.get(PICTURES, {"q": "dog"}))) == [
        "photos/dog.jpg"
    ]
    found = body_of(admin.get(PICTURES, {"state__exact": "failed"}))
    assert re.findall(r"photos/\w+\.jpg(?=</a>)", found) == ["photos/dog.jpg"]


# Actions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [REQUEUE, REBUILD])
def test_what_failed_is_queued_as_if_nobody_had_tried(admin, photo, action):
    with default_storage.open(photo.image.name) as file:
        content = file.read()
    with default_storage.open(photo.image.name, "wb") as file:
        file.write(b"no picture")
    picture = picture_of(photo.image)
    assert picture.state == records.FAILED
    with default_storage.open(photo.image.name, "wb") as file:
        file.write(content)

    assert "1 picture is queued." in act(admin, action, picture)

    picture.refresh_from_db()
    assert (picture.state, picture.attempts, picture.not_before) == (records.QUEUED, 0, None)
    assert (picture.source.error, picture.source.state, picture.source.retry_at) == ("", records.NEW, None)
    assert process_queue() == 1
    picture.refresh_from_db()
    assert picture.state == records.READY


def test_what_is_ready_is_rebuilt_but_not_requeued(admin, photo):
    picture = picture_of(photo.image)
    with default_storage.open(_file_of(admin), "wb") as file:
        file.write(b"damaged")

    assert "0 pictures are queued." in act(admin, REQUEUE, picture)
    picture.refresh_from_db()
    assert picture.state == records.READY
    assert "1 picture is queued." in act(admin, REBUILD, picture)
    picture.refresh_from_db()
    assert (picture.state, picture.renditions) == (records.QUEUED, "")

    assert process_queue() == 1
    with default_storage.open(_file_of(admin)) as file:
        assert file.read() != b"damaged"


def _file_of(client: Client) -> str:
    found = re.search(r'responsive-img-preview" src="/media/([^"]+)"', body_of(client.get(PICTURES)))
    assert found
    return found[1]


def test_a_page_shows_at_once_that_a_picture_is_rebuilt(
    admin, photo, settings, django_capture_on_commit_callbacks
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    picture = picture_of(photo.image)
    assert Img(width=20, formats="")(photo.image).is_built

    with django_capture_on_commit_callbacks(execute=True):
        act(admin, REBUILD, picture)

    assert not Img(width=20, formats="")(photo.image).is_built
    assert process_queue() == 1
    assert Img(width=20, formats="")(photo.image).is_built


@pytest.mark.parametrize(("seconds", "state"), [(-1, records.QUEUED), (60, records.BUILDING)])
def test_what_is_being_built_is_requeued_once_its_builder_is_late(admin, photo, seconds, state):
    picture = picture_of(photo.image)
    late = timezone.now() + timedelta(seconds=seconds)
    records.picture_model().objects.update(state=records.BUILDING, owner="x", lease_until=late, attempts=3)

    act(admin, REQUEUE, picture)

    picture.refresh_from_db()
    assert picture.state == state


def test_any_number_is_queued(admin, make_photo, monkeypatch):
    pictures = [picture_of(make_photo(f"photos/{n}.jpg").image) for n in range(5)]
    monkeypatch.setattr("responsive_img.admin.CHUNK", 2)

    assert "5 pictures are queued." in act(admin, REBUILD, *pictures)

    assert process_queue() == 5


def test_a_process_that_must_not_write_queues_nothing(admin, photo, settings):
    picture = picture_of(photo.image)
    settings.RESPONSIVE_IMG_READ_ONLY = True

    assert "0 pictures are queued." in act(admin, REBUILD, picture)

    picture.refresh_from_db()
    assert picture.state == records.READY


def test_only_these_pictures_are_queued(make_photo):
    one, other = [picture_of(make_photo(f"photos/{n}.jpg").image) for n in range(2)]

    assert backlog.queue_anew([one.pk], is_whole=True) == [one.pk]

    other.refresh_from_db()
    assert other.state == records.READY
    assert backlog.queue_anew([], is_whole=True) == []


# Who may -------------------------------------------------------------------------------------------------


def test_who_may_view_sees_but_does_nothing(sign_in, photo):
    picture = picture_of(photo.image)
    client = sign_in("view")

    body = body_of(client.get(PICTURES))
    assert "photos/cat.jpg" in body
    assert REBUILD not in body
    assert 'name="_selected_action"' not in body
    act(client, REBUILD, picture)
    picture.refresh_from_db()
    assert picture.state == records.READY


def test_who_may_change_has_it_rebuilt(sign_in, photo):
    picture = picture_of(photo.image)

    assert "1 picture is queued." in act(sign_in("view", "change"), REBUILD, picture)


@pytest.mark.parametrize("permissions", [(), ("add", "delete")])
def test_who_may_do_neither_sees_nothing(sign_in, photo, permissions):
    picture = picture_of(photo.image)
    client = sign_in(*permissions)

    assert client.get(PICTURES).status_code == 403
    assert client.get(f"{PICTURES}{quote(picture.pk)}/change/").status_code == 403
    assert client.get(f"{SOURCES}{quote(picture.source_id)}/change/").status_code == 403


def test_nobody_adds_edits_or_deletes_a_record(admin, photo):
    picture = picture_of(photo.image)

    for base, key in ((PICTURES, quote(picture.pk)), (SOURCES, quote(picture.source_id))):
        assert admin.get(f"{base}add/").status_code == 403
        assert admin.post(f"{base}{key}/change/", {"state": "failed"}).status_code == 403
        assert admin.post(f"{base}{key}/delete/", {"post": "yes"}).status_code == 403
        assert "delete_selected" not in body_of(admin.get(base))


# Sources -------------------------------------------------------------------------------------------------


def test_a_source_shows_what_is_known_of_it_and_its_pictures(admin, photo):
    picture = picture_of(photo.image)
    records.source_model().objects.create(key="new", storage="default", name="photos/new.jpg")

    listed = body_of(admin.get(SOURCES))
    shown = body_of(admin.get(f"{SOURCES}{quote(picture.source_id)}/change/"))
    unread = body_of(admin.get(f"{SOURCES}new/change/"))

    assert "templatetags_tests.Photo.image" in listed
    assert "80 × 40" in listed
    link = f"{PICTURES}{quote(picture.pk)}/change/"
    assert f'<a href="{link}">width=20' in shown
    assert "cat.jpg" in body_of(admin.get(link))
    assert "(ready)" in shown
    assert "80 × 40" not in unread


def test_records_lead_to_each_other_whatever_their_keys(admin):
    # As the admin writes an underscore in an address.
    source = records.source_model().objects.create(key="ri_5F~", storage="default", name="photos/odd.jpg")
    records.picture_model().objects.create(key="ri_7E_", source=source, spec="w20")
    (to_source,) = re.findall(
        r'href="(/admin/[^"]*)">photos/odd', body_of(admin.get(f"{PICTURES}ri_5F7E_5F/change/"))
    )
    (to_picture,) = re.findall(r'href="(/admin/[^"]*)">width=20', body_of(admin.get(to_source)))

    assert "photos/odd.jpg" in body_of(admin.get(to_picture))


# The focal point in a form -------------------------------------------------------------------------------


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no generic when it runs
    class Meta:
        model = Person
        fields = ("name", "headshot", "headshot_point")


def options_of(form: forms.BaseForm, name: str = "headshot_point") -> dict[str, Any]:
    found = re.search(r'data-responsive-img-focal="([^"]*)"', str(form[name]))
    assert found
    return dict(json.loads(unescape(found[1])))


@pytest.mark.parametrize("renderer", ["DjangoTemplates", "Jinja2", "TemplatesSetting"])
def test_a_form_has_two_numbers(renderer, settings):
    settings.FORM_RENDERER = f"django.forms.renderers.{renderer}"
    if renderer == "TemplatesSetting":
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.forms"]
    markup = str(PersonForm(instance=Person(name="Ada", headshot_point="30% 33.33%"))["headshot_point"])

    inputs = re.findall(r"<input[^>]*>", markup)
    assert [re.findall(r'(?:name|value|type|max)="([^"]*)"', each) for each in inputs] == [
        ["number", "headshot_point_0", "30", "100"],
        ["number", "headshot_point_1", "33.33", "100"],
    ]
    assert re.findall(r">\s+(% from[^<]*)</label>", markup) == ["% from the left", "% from the top"]
    assert "style=" not in markup
    assert "<script" not in markup


def test_both_languages_have_the_same_template():
    texts = {
        (PACKAGE / folder / "responsive_img" / "focal_point.html").read_text()
        for folder in ("templates", "jinja2")
    }

    assert len(texts) == 1


def test_a_form_brings_its_script_and_style():
    assert re.findall(r'(?:href|src)="/static/([^"]+)"', str(PersonForm().media)) == [
        "responsive_img/focal_point.css",
        "responsive_img/focal_point.js",
    ]
    for name in ("focal_point.css", "focal_point.js", "records.css"):
        assert (PACKAGE / "static" / "responsive_img" / name).is_file()


@pytest.mark.parametrize(
    ("sent", "point"),
    [(("30", "70"), (0.3, 0.7)), (("33.33", "0"), (0.3333, 0)), (("", ""), None), (("100", "100"), (1, 1))],
)
def test_a_form_saves_the_point(db, sent, point):
    person = Person.objects.create(name="Ada", headshot_point="1% 1%")
    data = {"name": "Ada", "headshot_point_0": sent[0], "headshot_point_1": sent[1]}

    form = PersonForm(data, instance=person)
    form.save()

    assert Person.objects.get().headshot_point == point
    assert form.changed_data == ["headshot_point"]
    assert not PersonForm(data, instance=Person.objects.get()).has_changed()


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (("30", ""), "Give both numbers, or neither for the centre."),
        (("", "30"), "Give both numbers, or neither for the centre."),
        (("101", "30"), "Ensure this value is less than or equal to 100."),
        (("1", "-1"), "Ensure this value is greater than or equal to 0."),
        (("left", "1"), "Enter a number."),
        (("nan", "1"), "Enter a number."),
    ],
)
def test_a_form_says_what_is_wrong(db, sent, message):
    form = PersonForm({"name": "Ada", "headshot_point_0": sent[0], "headshot_point_1": sent[1]})

    assert form.errors == {"headshot_point": [message]}
    assert f'value="{sent[0]}"' in str(form["headshot_point"]) or not sent[0]


@pytest.mark.parametrize("initial", ["30% 70%", (0.3, 0.7), FocalPoint(0.3, 0.7)])
def test_a_form_without_a_model_has_a_point_too(initial):
    class PointForm(forms.Form):
        point = FocalPointFormField(initial=initial)

    form = PointForm()

    assert re.findall(r'value="(\d+)"', str(form["point"])) == ["30", "70"]
    assert options_of(form, "point")["picture"] == ""
    assert PointForm({"point_0": "30", "point_1": "70"}).is_valid()
    assert not PointForm({"point_0": "30", "point_1": "70"}).has_changed()
    assert PointForm({}).errors == {"point": ["This field is required."]}


def test_lists_and_whoever_may_not_change_it_see_the_point_as_it_is_written(admin):
    person = Person.objects.create(name="Ada", headshot_point="30% 70.5%")
    pages = ["/admin/templatetags_tests/person/", f"/admin/templatetags_tests/person/{person.pk}/change/"]
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_person"))
    admin.force_login(viewer)

    shown = [body_of(admin.get(page)) for page in pages]

    assert '<td class="field-headshot_point">30% 70.5%</td>' in shown[0]
    assert '<div class="readonly">30% 70.5%</div>' in shown[1]
    assert str(FIELD.clean(str(person.headshot_point), person)) == "30% 70.5%"


def test_a_text_that_is_no_point_leaves_the_numbers_empty():
    assert FocalPointWidget().decompress("left top") == [None, None]
    assert 'value="' not in str(PersonForm(initial={"headshot_point": "left"})["headshot_point"])


def test_the_script_is_told_what_it_works_with(db):
    person = Person(name="Ada", headshot=default_storage.save("headshots/ä b.jpg", ContentFile(drawn())))

    options = options_of(PersonForm(instance=person, prefix="people-0"))

    assert options["picture"] == "/media/headshots/%C3%A4%20b.jpg"
    assert (options["field"], options["image"]) == ("headshot_point", "headshot")
    assert options["crops"] == {"1 : 1": 1, "16 : 9": 16 / 9, "3 : 4": 0.75}


def test_there_is_no_picture_where_no_file_is_stored(db, monkeypatch):
    with_upload = Person(name="Ada", headshot=ContentFile(drawn(), "new.jpg"))
    stored = Person(name="Ada", headshot="headshots/ada.jpg")

    assert options_of(PersonForm(instance=with_upload))["picture"] == ""
    assert options_of(PersonForm())["picture"] == ""
    assert options_of(PersonForm(instance=stored))["picture"] == "/media/headshots/ada.jpg"
    monkeypatch.setattr(FileSystemStorage, "url", _refuse)
    assert options_of(PersonForm(instance=stored))["picture"] == ""


def _refuse(*_: Any) -> str:
    raise OSError


def test_two_forms_of_a_page_have_each_their_own_picture(db):
    one, other = (PersonForm(instance=Person(headshot=f"{name}.jpg")) for name in ("a", "b"))

    fields = [form["headshot_point"] for form in (one, other)]

    # Both are made before the first is written.
    assert ["/media/a.jpg" in str(fields[0]), "/media/b.jpg" in str(fields[1])] == [True, True]
    assert options_of(PersonForm())["picture"] == ""


def test_previews_are_those_of_presets_that_follow_the_point(settings):
    settings.RESPONSIVE_IMG_PRESETS = {
        "whole": {"width": 300},
        "fitted": {"width": 300, "height": 200, "fit": "contain"},
        "pointed": {"width": 300, "ratio": "1/1", "focal": "0% 0%"},
        "set": ["card"],
        "broken": {"widht": 1},
        "card": {"width": 300, "ratio": "4/3"},
        "large card": {"width": 800, "ratio": "4/3"},
        "tall": Img(width=300, height=600),
        "banner": {"ratio": "3/1"},
        "one too many": {"ratio": "5/1"},
    }

    assert crops() == {"card": 4 / 3, "tall": 0.5, "banner": 3}


def test_a_point_is_read_once_for_each_text():
    assert to_point("30% 70%") is to_point("30% 70%")
    assert to_point([0.3, 0.7]) == (0.3, 0.7)


def test_the_admin_has_the_widget(admin):
    person = Person.objects.create(name="Ada", headshot_point="30% 70%")

    body = body_of(admin.get(f"/admin/templatetags_tests/person/{person.pk}/change/"))

    assert 'name="headshot_point_0" value="30"' in body
    assert "responsive_img/focal_point.js" in body
