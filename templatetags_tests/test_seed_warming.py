"""The warmer as those write it who come from other libraries: their documents' examples, but for the names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models.signals import post_save

from responsive_img import ImageWarmer, Img, records
from responsive_img.testing import assert_image_lookups
from templatetags_tests.conftest import drawn
from templatetags_tests.models import Person, Product, Profile

PRESETS = {
    "headshot_small": {"width": 20},
    "headshot_square": {"width": 30, "ratio": "square"},
    "person_headshot": ["headshot_small", "headshot_square"],
}
TAGS = '{% img person.headshot "headshot_small" alt="" %}{% img person.headshot "headshot_square" alt="" %}'


@pytest.fixture(autouse=True)
def _presets(settings):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS


def upload(name: str = "ann.jpg", **options: Any) -> ContentFile[bytes]:
    return ContentFile(drawn(**options), name)


def built_files(settings: Any) -> list[str]:
    return sorted(
        path.name for path in (Path(settings.MEDIA_ROOT) / "renditions").rglob("*") if path.is_file()
    )


@pytest.fixture
def recipe():
    """Connect the receiver of the recipe, as a models.py does: before this library's own receivers."""

    def warm_person_headshot_images(sender, instance, **kwargs):
        """Ensures Person head shots are created post-save"""
        person_img_warmer = ImageWarmer(
            instance_or_queryset=instance, rendition_key_set="person_headshot", image_attr="headshot"
        )
        num_created, failed_to_create = person_img_warmer.warm()
        warmed.append((num_created, failed_to_create))

    warmed: list[tuple[int, list[Any]]] = []
    # The library's receivers are connected when its app is ready, later than those that models.py connects.
    before = post_save.receivers
    post_save.receivers = []
    post_save.connect(warm_person_headshot_images, sender=Person)
    post_save.receivers += before
    post_save.sender_receivers_cache.clear()
    yield warmed
    post_save.receivers = before
    post_save.sender_receivers_cache.clear()


def test_ensuring_images_are_created(db, capsys):
    for name in ("Ann", "Bob"):
        Person.objects.create(name=name, headshot=upload(f"{name}.jpg"))
    person_img_warmer = ImageWarmer(
        instance_or_queryset=Person.objects.all(),
        rendition_key_set="person_headshot",
        image_attr="headshot",
        verbose=True,
    )
    num_created, failed_to_create = person_img_warmer.warm()

    assert (num_created, failed_to_create) == (2 * 2 * 2 * 2, [])  # people, presets, formats, densities
    assert capsys.readouterr().err.splitlines()[-1] == "2/2 (100%)"


def test_inline_key_sets(db, settings):
    Person.objects.create(name="Ann", headshot=upload(size=(400, 400)))
    person_img_warmer = ImageWarmer(
        instance_or_queryset=Person.objects.all(),
        rendition_key_set=[
            ("large_horiz_crop", "120x60"),
            ("large_vert_crop", "60x120"),
        ],
        image_attr="headshot",
        verbose=True,
    )
    num_created, failed_to_create = person_img_warmer.warm()

    assert (num_created, failed_to_create) == (8, [])
    assert len([name for name in built_files(settings) if "-120w." in name]) == 4  # 120 × 60 and 2 × 60 × 120


@pytest.mark.parametrize("language", ["django", "jinja2"])
def test_a_warmed_picture_is_a_hit_on_the_first_page(page, db, language, our_queries, storage_calls):
    person = Person.objects.create(name="Ann", headshot=upload())
    ImageWarmer(person, "person_headshot", "headshot").warm()
    storage_calls.clear()

    with our_queries() as queries, assert_image_lookups(1):
        response = page(language, TAGS, {"person": person})

    assert (queries, storage_calls) == ([], {})
    assert response.content.count(b"srcset") == 4
    assert response.responsive_img_pending == 0


@pytest.mark.django_db(transaction=True)
def test_the_recipe_warms_what_is_saved(recipe, page, settings):
    person = Person.objects.create(name="Ann", headshot=upload())

    assert recipe == [(8, [])]
    assert set(records.picture_model().objects.values_list("state", flat=True)) == {"ready"}
    html = page("django", TAGS, {"person": person}).content.decode()
    assert html.count("renditions/") == 10
    assert len(built_files(settings)) == 8


def test_the_recipe_warms_within_a_transaction(
    db, recipe, page, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        person = Person.objects.create(name="Ann", headshot=upload())

    assert recipe == [(8, [])]
    assert set(records.picture_model().objects.values_list("state", flat=True)) == {"ready"}
    assert set(records.source_model().objects.values_list("version", flat=True)) == {""}
    assert page("django", TAGS, {"person": person}).responsive_img_pending == 0
    assert len(built_files(settings)) == 8


@pytest.mark.parametrize("is_in_transaction", [True, False])
@pytest.mark.django_db(transaction=True)
def test_the_recipe_warms_a_file_that_is_replaced_under_its_name(
    recipe, settings, monkeypatch, is_in_transaction
):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"allow_overwrite": True},
        },
    }
    person = Person.objects.create(name="Ann", headshot=upload())
    before = set(built_files(settings))

    if is_in_transaction:
        with transaction.atomic():
            person.headshot = upload(size=(40, 80))
            person.save()
    else:
        person.headshot = upload(size=(40, 80))
        person.save()

    assert recipe == [(8, []), (8, [])]
    assert person.headshot.name == "headshots/ann.jpg"
    (version,) = records.source_model().objects.values_list("version", flat=True)
    assert version
    assert set(records.picture_model().objects.values_list("state", flat=True)) == {"ready"}
    assert len(set(built_files(settings)) - before) == 8
    assert "_responsive_img_untold" not in person.__dict__


def test_the_recipe_does_nothing_for_a_save_that_changes_no_file(recipe, db):
    person = Person.objects.create(name="Ann", headshot=upload())
    person.name = "Anne"
    person.save()
    Person.objects.create(name="Bob")

    assert recipe == [(8, []), (0, []), (0, [])]


def test_a_dotted_attribute_follows_relations_without_a_query_for_each(db, django_assert_max_num_queries):
    for number in range(6):
        person = Person.objects.create(name=str(number))
        product = Product.objects.create(main_image=upload(f"{number}.jpg"))
        Profile.objects.create(person=person, product=product, main_image=upload(f"{number}.jpg"))
    Person.objects.create(name="No profile")
    Profile.objects.create()
    thumbnail = Img(width=20, format="webp", densities="1")

    assert ImageWarmer(Person.objects.all(), thumbnail, "profile.main_image").warm() == (6, [])
    assert ImageWarmer(Profile.objects.all(), thumbnail, "product.main_image").warm() == (6, [])
    with django_assert_max_num_queries(12):
        for _ in range(3):
            ImageWarmer(Person.objects.all(), thumbnail, "profile.product.main_image").warm()
    for person in Person.objects.all():
        assert ImageWarmer(person, thumbnail, "profile.product.main_image").warm() == (0, [])


def test_queue_and_warm_build_the_same_pictures(db):
    thumbnail = Img(width=300, format="webp")
    product = Product.objects.create(main_image=upload())

    ImageWarmer(Product.objects.all(), thumbnail, "main_image").warm()

    bound = thumbnail(product.main_image, alt=product.name)
    assert bound.is_built
    assert "/renditions/products/ann-300w." in bound.base_url()


def test_an_upload_of_a_form_is_warmed(db, recipe):
    Person.objects.create(name="Ann", headshot=SimpleUploadedFile("ann.jpg", drawn(), "image/jpeg"))

    assert recipe == [(8, [])]
