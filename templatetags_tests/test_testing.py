"""What the library gives to the tests of projects."""

from __future__ import annotations

import re
import threading
from io import BytesIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.files.storage import default_storage
from PIL import Image

from responsive_img import batch, conf, records
from responsive_img.engine import PillowEngine
from responsive_img.formats import FORMATS
from responsive_img.geometry import Box, Size
from responsive_img.testing import FakeEngine, assert_image_lookups, build_nothing
from responsive_img.variants import Variant
from templatetags_tests.conftest import MARKUP, ONE_FILE, drawn
from templatetags_tests.images import encoded, gradient

LANGUAGES = ("django", "jinja2")


# assert_image_lookups ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_page_is_one_lookup_however_many_pictures(client, async_client, make_photo, mode, language, count):
    for number in range(count):
        make_photo(f"photos/{number}.jpg")

    for _ in range(2):
        with assert_image_lookups(min(count, 1)):
            if mode == "sync":
                client.get(f"/sync/{language}/{count}/")
            else:
                async_to_sync(async_client.get)(f"/async/{language}/{count}/")


@pytest.mark.parametrize(
    ("expected", "pages", "message"),
    [
        (1, [], "0 lookups of pictures instead of 1; pictures looked up: none."),
        (0, [1], "1 lookups of pictures instead of 0; pictures looked up: 1."),
        (1, [3, 1], "2 lookups of pictures instead of 1; pictures looked up: 3, 1."),
        (4, [2, 2, 2], "3 lookups of pictures instead of 4; pictures looked up: 2, 2, 2."),
    ],
)
def test_other_than_so_many_lookups_are_said(page, make_photo, expected, pages, message):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(3)]
    template = "{% for photo in photos %}" + ONE_FILE + "{% endfor %}"

    def show() -> None:
        with assert_image_lookups(expected):
            for count in pages:
                page("django", template, {"photos": photos[:count]})

    with pytest.raises(AssertionError, match=f"^{re.escape(message)}$"):
        show()


def test_an_error_inside_is_that_error_and_is_counted_no_further(page, photo):
    with pytest.raises(ZeroDivisionError), assert_image_lookups(7):
        raise ZeroDivisionError

    with assert_image_lookups(1):
        page("django", ONE_FILE, {"photo": photo})


def test_within_one_another_each_counts_its_own(page, photo):
    def show() -> None:
        page("django", ONE_FILE, {"photo": photo})

    with assert_image_lookups(3):
        show()
        with assert_image_lookups(1):
            show()
        with assert_image_lookups(0):
            pass
        show()


def test_what_resolves_at_once_is_a_lookup_each_and_a_batch_is_one(render, photo):
    with assert_image_lookups(2):
        render("django", ONE_FILE * 2, {"photo": photo})
    with assert_image_lookups(1), batch() as images:
        assert images.finalize(render("django", ONE_FILE * 2, {"photo": photo})) == MARKUP * 2


def test_lookups_of_other_threads_count(page, photo):
    page("django", ONE_FILE, {"photo": photo})
    thread = threading.Thread(target=page, args=("django", ONE_FILE, {"photo": photo}))

    with assert_image_lookups(1):
        thread.start()
        thread.join()


# build_nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_nothing_is_built_pages_show_the_originals_with_their_sizes(
    page, photo, settings, log, language
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.testing.build_nothing"

    for _ in range(2):
        response = page(language, ONE_FILE, {"photo": photo})
        assert response.content.decode() == (
            f'<img src="{photo.image.url}" width="20" height="10" alt="" loading="lazy" decoding="async">'
        )
        assert response.responsive_img_pending == 1

    assert not default_storage.exists("renditions")
    assert [row.state for row in records.picture_model().objects.all()] == ["queued"]
    assert log() == []


def test_build_nothing_takes_any_jobs():
    assert build_nothing([]) is None  # type: ignore[func-returns-value]  # so it is to be


# FakeEngine --------------------------------------------------------------------------------------------


def variants() -> list[Variant]:
    """Return a variant of every format, each of a size of its own."""
    return [
        Variant(
            format=name,
            size=Size(20 + index, 10),
            box=Box(0, 0, 80, 40),
            quality=None,
            descriptor="1x",
            label=f"{20 + index}w",
            identity=name,
        )
        for index, name in enumerate(FORMATS)
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_each_file_of_the_fake_engine_is_a_picture_of_its_format(name):
    (wanted,) = [variant for variant in variants() if variant.format == name]

    ((variant, content),) = FakeEngine().render(BytesIO(drawn()), [wanted])

    assert variant is wanted
    with Image.open(BytesIO(content)) as picture:
        picture.load()
        assert (picture.format, picture.size) == (name.upper(), (1, 1))
        assert all(
            abs(value - 128) < 8
            for value in picture.convert("RGB").getpixel((0, 0))  # type: ignore[union-attr]
        )
    assert PillowEngine().read_header(BytesIO(content)).format == name


def test_the_fake_engine_gives_all_that_is_asked_for_in_its_order_and_reads_nothing():
    made = list(FakeEngine().render(BytesIO(b"no picture"), variants()))

    assert [variant for variant, _ in made] == variants()
    assert len({content for _, content in made}) == len(FORMATS)
    assert all(len(content) < 500 for _, content in made)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_the_fake_engine_reads_headers_as_the_real_one(format):
    content = encoded(gradient(80, 40), format)

    header = FakeEngine().read_header(BytesIO(content))

    assert header == PillowEngine().read_header(BytesIO(content))
    assert header.size == Size(80, 40)


PAGE = (
    '{% img photo.image width=20 formats="avif webp" alt="" %}'
    '{% img photo.image widths="10 40" format="png" alt="" %}'
    '{% img_url photo.image width=15 format="webp" %}'
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("isolation", [None, "process"])
def test_a_whole_page_is_the_same_with_the_fake_engine(page, photo, settings, language, isolation):
    real = page(language, PAGE, {"photo": photo})
    files = written()
    for model in (records.picture_model(), records.source_model()):
        model.objects.all().delete()
    for name in files:
        default_storage.delete(name)
    cache.clear()
    settings.RESPONSIVE_IMG_ENGINE = "responsive_img.testing.FakeEngine"
    settings.RESPONSIVE_IMG_ISOLATION = isolation

    faked = page(language, PAGE, {"photo": photo})

    assert conf.current().engine == "responsive_img.testing.FakeEngine"
    assert faked.responsive_img_pending == 0
    assert faked.content == real.content
    assert written() == files
    for name in files:
        with default_storage.open(name) as file, Image.open(file) as picture:
            assert picture.size == (1, 1)
    with assert_image_lookups(1):
        assert page(language, PAGE, {"photo": photo}).content == real.content


def written() -> list[str]:
    """Return the names of all renditions."""
    names: Any = default_storage.listdir("renditions/photos")[1]
    return sorted(f"renditions/photos/{name}" for name in names)
