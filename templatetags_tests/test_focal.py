"""The focal point of a model in every crop of its picture: in tags, in Python, and when it is saved."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from responsive_img import ImageBatch, Img, batch, conf, finalize, notation, records, saving
from responsive_img.deferred import DeferredPicture
from responsive_img.geometry import CENTRE, FocalPoint
from responsive_img.resolution import canonical
from responsive_img.specs import from_text
from templatetags_tests.images import ORIENTATIONS, encoded, gradient, opened, photo
from templatetags_tests.models import Person
from templatetags_tests.strategies import focal_points

LANGUAGES = ("django", "jinja2")
CROP = '{% img person.headshot width=20 ratio="1/1" formats="" densities="1" alt="" %}'
WHOLE = '{% img person.headshot width=20 formats="" densities="1" alt="" %}'


@pytest.fixture
def make_person(db: None) -> Callable[..., Person]:
    """Return a function that saves a person with a headshot of 160 × 80 px, its top left corner white."""

    def make(point: object = None, *, name: str = "ada", content: bytes = b"") -> Person:
        content = content or encoded(gradient(160, 80), "JPEG")
        file = default_storage.save(f"headshots/{name}.jpg", ContentFile(content))
        return Person.objects.create(name=name, headshot=file, headshot_point=point)

    return make


@pytest.fixture
def show(page: Callable[..., HttpResponse]) -> Callable[..., str]:
    """Return a function that shows a person through the middleware."""

    def shown(person: Person, line: str = CROP, language: str = "django") -> str:
        return page(language, line, {"person": person}).content.decode()

    return shown


def source_of(markup: str) -> str:
    found = re.search(r' src="/media/([^"]+)"', markup)
    assert found
    return found[1]


def is_white_in_the_corner(name: str) -> bool:
    with default_storage.open(name) as file:
        pixel: Any = opened(file.read()).convert("RGB").getpixel((1, 1))
    return bool(min(pixel) > 200)


# As docs/focal.md has it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_headshot_keeps_its_point(make_person, page, language):
    person = make_person()
    line = '{% img person.headshot width=400 ratio="1/1" alt=person.name %}'
    centred = page(language, line, {"person": person}).content.decode()

    person.headshot_point = "30% 70%"
    person.save()

    at_point = page(language, line, {"person": person}).content.decode()
    told = line.replace("ratio", 'focal="30% 70%" ratio')
    assert at_point == page(language, told, {"person": person}).content.decode()
    assert at_point != centred
    assert at_point == str(Img(width=400, ratio="1/1")(person.headshot, alt=person.name).as_html())


# Which point ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_point_moves_the_urls_of_crops_alone(make_person, show, language):
    person = make_person()
    crop, whole = show(person, CROP, language), show(person, WHOLE, language)

    person.headshot_point = (1, 0.5)

    assert show(person, CROP, language) != crop
    assert show(person, WHOLE, language) == whole
    person.headshot_point = "50% 50%"
    assert show(person, CROP, language) == crop
    assert records.picture_model().objects.count() == 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('width=20 ratio="1/1" focal="10% 20%"', "10% 20%"),
        ('"pointed"', "10% 20%"),
        ("pointed", "10% 20%"),
        ('"pointed" focal="5% 5%"', "5% 5%"),
        ('width=20 ratio="1/1" focal=point', "15% 15%"),
        ('width=20 ratio="1/1" focal=nothing', "90% 50%"),
        ('"square"', "90% 50%"),
        ("square", "90% 50%"),
    ],
)
def test_the_tag_wins_over_the_preset_and_that_over_the_model(
    make_person, page, settings, language, line, told
):
    preset: dict[str, Any] = {"width": 20, "ratio": "1/1"}
    pointed = {**preset, "focal": "10% 20%"}
    settings.RESPONSIVE_IMG_PRESETS = {"pointed": pointed, "square": preset}
    person = make_person("90% 50%")
    context = {
        "person": person, "pointed": Img(**pointed), "square": Img(**preset), "point": (0.15, 0.15), "nothing": None,
    }  # fmt: skip
    tag = '{% img person.headshot ARGS alt="" %}'

    found = page(language, tag.replace("ARGS", line), context).content
    position = page(
        language, tag.replace("ARGS", line).replace("%}", "as pic %}{{ pic.object_position }}"), context
    )

    wanted = f'width=20 ratio="1/1" focal="{told}"'
    assert found == page(language, tag.replace("ARGS", wanted), context).content
    assert position.content.decode() == told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "arguments",
    [
        "width=20",
        "",
        'width=20 height=20 fit="contain"',
        '"whole"',
        'ratio="1/1"',
        'widths="20 40"',
        'format="png"',
    ],
)
def test_the_position_is_known_cropped_or_not(make_person, page, settings, language, arguments):
    settings.RESPONSIVE_IMG_PRESETS = {"whole": {"width": 20, "height": 20, "fit": "contain"}}
    line = f'{{% img person.headshot {arguments} alt="" as pic %}}{{{{ pic.object_position }}}}'

    shown = [page(language, line, {"person": make_person(point)}).content for point in ("30% 70%", None)]

    assert shown == [b"30% 70%", b"50% 50%"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_preset_that_shows_the_whole_goes_on_doing_so(make_person, page, settings, language):
    settings.RESPONSIVE_IMG_PRESETS = {"whole": {"width": 20, "height": 20, "fit": "contain"}}
    line = '{% img person.headshot "whole" alt="" %}'

    with_point, without = [
        page(language, line, {"person": make_person(point, name="ada")}).content.decode()
        for point in ("30% 70%", None)
    ]

    assert 'width="20" height="10"' in with_point
    assert re.sub(r"ada\w*-|\.[0-9a-f]{8}\.", "", with_point) == re.sub(
        r"ada\w*-|\.[0-9a-f]{8}\.", "", without
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_form_of_a_tag_knows_the_point(make_person, page, language):
    person = make_person("90% 50%")
    arguments = 'person.headshot width=20 ratio="1/1" densities="1" formats=""'
    lines = {
        "element": f'{{% img {arguments} alt="" %}}',
        "part": f'{{% img {arguments} alt="" as pic %}}{{{{ pic.url }}}}',
        "url": '{% img_url person.headshot width=20 ratio="1/1" %}',
        "with values": '{% img person.headshot width=size ratio=ratio densities="1" formats="" alt="" %}',
    }
    if language == "jinja2":
        lines["function"] = '{{ img_url(person.headshot, width=20, ratio="1/1") }}'
    context = {"person": person, "size": 20, "ratio": "1/1"}

    found = {name: page(language, line, context).content.decode() for name, line in lines.items()}

    url = "/media/" + source_of(found["element"])
    assert all(url in text for text in found.values()), found
    assert not is_white_in_the_corner(source_of(found["element"]))


def test_two_people_with_one_file_have_each_their_own_crop(make_person, page):
    one = make_person("0% 0%")
    other = Person.objects.create(name="Bob", headshot=one.headshot.name, headshot_point="100% 0%")

    body = page(
        "django", CROP + CROP.replace("person", "other"), {"person": one, "other": other}
    ).content.decode()

    first, second = re.findall(r' src="/media/([^"]+)"', body)
    assert (is_white_in_the_corner(first), is_white_in_the_corner(second)) == (True, False)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_point_is_one_of_the_picture_as_a_person_sees_it(make_person, show, orientation):
    content = photo(gradient(160, 80), orientation)

    crops = [source_of(show(make_person(point, content=content))) for point in ("0% 50%", "100% 50%")]

    assert [is_white_in_the_corner(name) for name in crops] == [True, False]


def test_a_file_that_is_shown_again_with_its_errors_needs_no_point(show):
    person = Person(headshot=ContentFile(b"", "x.jpg"), headshot_point="30% 70%")

    assert show(person) == ""


# What it costs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_of_many_points_is_one_lookup(
    make_person, page, cache_calls, storage_calls, our_queries, language
):
    people = [make_person((n / 10, 0.5), name=f"p{n}") for n in range(10)]
    line = f"{{% for person in people %}}{CROP}{{% endfor %}}"
    first = page(language, line, {"people": people}).content
    cache_calls.clear()
    storage_calls.clear()

    with our_queries() as queries:
        again = page(language, line, {"people": people}).content

    assert again == first
    assert first.count(b"<img") == 10
    assert cache_calls == {"get_many": 1}
    assert queries == []
    assert storage_calls == {}


def test_a_point_that_was_not_loaded_is_read(make_person, show, django_assert_num_queries):
    crop = show(make_person("90% 50%"))
    (person,) = Person.objects.only("headshot")

    with django_assert_num_queries(1):
        assert show(person) == crop
    with django_assert_num_queries(0):
        assert show(person) == crop


@pytest.mark.parametrize("error", ["gone", "in an event loop"])
def test_a_point_that_cannot_be_read_breaks_no_page(make_person, show, log, monkeypatch, error):
    centred = show(make_person())
    (person,) = Person.objects.only("headshot")
    if error == "gone":
        Person.objects.all().delete()
    else:
        monkeypatch.setattr(Person, "refresh_from_db", _refuse)

    assert show(person) == centred
    (line,) = log()
    assert line.startswith("The focal point headshot_point cannot be read, so the centre is kept: ")


def _refuse(*_: Any, **__: Any) -> None:
    raise SynchronousOnlyOperation


def test_names_from_values_have_no_point(make_person, page):
    make_person("90% 50%")
    (row,) = Person.objects.values("headshot", "headshot_point")

    centred = page("django", CROP.replace("person", "row"), {"row": row}).content
    told = page(
        "django", CROP.replace("person", "row").replace("alt", "focal=row.headshot_point alt"), {"row": row}
    )

    assert is_white_in_the_corner(source_of(centred.decode())) is False
    assert told.content != centred


# Markers -------------------------------------------------------------------------------------------------


def test_a_marker_carries_the_point(make_person, render, show):
    person = make_person("90% 50%")
    crop = show(person)
    with batch():
        stored = render("django", CROP, {"person": person})

    Person.objects.all().delete()

    assert stored.startswith('<img data-ri="')
    assert finalize(stored) == crop


def test_a_picture_of_a_template_is_pickled_with_its_point(make_person):
    context = Context({"person": make_person("90% 50%")})
    Template("{% load responsive_img %}" + CROP.replace("%}", "as pic %}")).render(context)
    picture = context["pic"]
    assert isinstance(picture, DeferredPicture)

    again = pickle.loads(pickle.dumps(picture))  # noqa: S301

    assert again.object_position == "90% 50%"
    assert again.url == picture.url


@given(focal_points, st.sampled_from(["w400;r4/3", "r1;c0.5,0.5", "w400", "w400;h300;tcontain", ""]))
def test_a_line_and_its_point_come_apart_again(point, line):
    written = notation.point_text(point)

    assert notation.without_point(notation.with_point(line, written)) == (line, written)
    assert notation.without_point(notation.with_point(line, "")) == (line, "")
    assert notation.load_point(written) == point


@given(focal_points)
def test_the_point_of_the_model_is_as_good_as_a_told_one(point):
    config = conf.current()
    written = notation.point_text(point)

    laid_under = canonical(notation.with_point("w400;r4/3", written), config)
    on_top = canonical(f"w400;r4/3;c{written}", config)

    assert from_text(laid_under.text) == from_text(on_top.text)
    assert laid_under._replace(text="") == on_top._replace(text="")
    assert canonical(notation.with_point("w400", written), config).text == canonical("w400", config).text
    told = "w400;r4/3;c0.1,0.2"
    assert canonical(notation.with_point(told, written), config) == canonical(told, config)
    centre = "w400;r4/3;c0.5,0.5"
    assert canonical(notation.with_point(centre, written), config) == canonical(centre, config)


@given(focal_points)
def test_a_record_tells_the_point_of_the_model_from_one_that_a_tag_tells(point):
    config = conf.current()
    written = notation.point_text(point)
    centred = canonical("w400;r4/3", config).text

    laid_under = canonical(notation.with_point("w400;r4/3", written), config).text

    assert notation.without_point(laid_under) == (centred, written if point != CENTRE else "")
    for line in (f"w400;r4/3;c{written}", notation.with_point("w400;r4/3;c0.1,0.2", written)):
        assert notation.without_point(canonical(line, config).text)[1] == ""


# Python --------------------------------------------------------------------------------------------------


def test_bound_images_know_the_point(make_person, show):
    person = make_person("90% 50%")
    square = Img(width=20, ratio="1/1", formats="", densities=1)
    crop = show(person)

    assert square(person.headshot, alt="").as_html() == crop
    assert square(person.headshot, build="all", immediate=True).base_url() in crop
    with_own = square.extend(focal="0% 0%")(person.headshot)
    assert with_own.base_url() not in crop
    bound = square(person.headshot)
    bound.build()
    assert bound.base_url() in crop
    many = ImageBatch()
    images = [
        Img(batch=many, width=20, ratio="1/1", formats="", densities=1)(person.headshot) for _ in range(2)
    ]
    many.build()
    assert all(image.base_url() in crop for image in images)


@pytest.fixture
def queued() -> Any:
    """Give the crop that is built whenever a person is saved."""
    before = {label: dict(calls) for label, calls in saving._watchers.items()}
    img = Img(width=20, ratio="1/1", formats="", densities=1)
    img.queue(Person)
    yield img
    saving._watchers.clear()
    saving._watchers.update(before)


@pytest.mark.parametrize("update_fields", [None, ["headshot_point"], ["name", "headshot_point"]])
def test_a_save_builds_the_crop_at_the_new_point(
    make_person, show, queued, django_capture_on_commit_callbacks, update_fields
):
    person = make_person("0% 50%")
    person.headshot_point = "90% 50%"

    with django_capture_on_commit_callbacks(execute=True):
        person.save(update_fields=update_fields)

    (built,) = records.picture_model().objects.values_list("spec", "state")
    assert from_text(built[0]).focal == FocalPoint(0.9, 0.5)
    assert built[1] == records.READY
    assert queued(person.headshot, alt="").as_html() == show(person)


def test_a_save_of_other_fields_builds_nothing(make_person, queued, django_capture_on_commit_callbacks):
    person = make_person("0% 50%")

    with django_capture_on_commit_callbacks(execute=True):
        person.save(update_fields=["name"])

    assert not records.picture_model().objects.exists()


def test_a_point_prints_as_css_writes_it():
    assert [str(FocalPoint(*point)) for point in ((0, 1), (0.3, 0.7), (1 / 3, 0.5))] == [
        "0% 100%",
        "30% 70%",
        "33.3333% 50%",
    ]
