from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import connection

from responsive_img import building, keys, manifest, records
from responsive_img.formats import fallback_format
from responsive_img.sources import SourceRef
from templatetags_tests.models import Photo
from templatetags_tests.views import TEMPLATES

COUNTS = (1, 100, 1000)
LANGUAGES = ("django", "jinja2")
MODES = ("sync", "async")


@pytest.fixture
def get(client, async_client):
    """Return a function that asks for the page of so many pictures."""

    def got(mode, language, count):
        path = f"/{mode}/{language}/{count}/"
        response = client.get(path) if mode == "sync" else async_to_sync(async_client.get)(path)
        assert response.status_code == 200
        return response

    return got


@pytest.fixture
def photos(make_photo, page, settings):
    """
    Return a function that makes so many rows whose pictures are all built.

    One is built; the others' records and names are made after it, which is what 1,000 builds would leave.
    """

    if "LocMem" in settings.CACHES["default"]["BACKEND"]:
        # It keeps 300 entries unless told otherwise.
        local = {**settings.CACHES["default"], "OPTIONS": {"MAX_ENTRIES": 5000}}
        settings.CACHES = {**settings.CACHES, "default": local}

    def make(count):
        first = make_photo("photos/0.jpg", title="Photo 0")
        page("django", TEMPLATES["django"].partition("%}")[2], {"photos": [first]})
        Photo.objects.bulk_create(
            [Photo(title=f"Photo {number}", image=f"photos/{number}.jpg") for number in range(1, count)]
        )
        built = records.picture_model().objects.select_related("source").get()
        sources, pictures = [], []
        for number in range(1, count):
            name = f"photos/{number}.jpg"
            source = building.source_record(
                SourceRef("default", name, built.source.field),
                width=80,
                height=40,
                format="jpeg",
                state="known",
            )
            key = keys.picture_key("default", name, built.spec)
            picture = building.picture_record(key, source.key, built.spec)
            picture.state = "ready"
            picture.renditions = built.renditions.replace("photos/0-", f"photos/{number}-")
            sources.append(source)
            pictures.append(picture)
        records.source_model().objects.bulk_create(sources)
        records.picture_model().objects.bulk_create(pictures)
        cache.clear()

    return make


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", COUNTS)
def test_a_page_costs_one_lookup_and_after_a_flush_one_query_and_one_write(
    get, photos, cache_calls, storage_calls, our_queries, mode, language, count
):
    photos(count)
    cache_calls.clear()
    storage_calls.clear()

    with our_queries() as flushed_queries:
        flushed = get(mode, language, count)
    flushed_calls = Counter(cache_calls)
    cache_calls.clear()
    with our_queries() as warm_queries:
        warm = get(mode, language, count)

    assert flushed_calls == {"get_many": 1, "set_many": 1}
    assert len(flushed_queries) == 1
    assert cache_calls == {"get_many": 1}
    assert warm_queries == []
    assert not storage_calls
    assert warm.content == flushed.content
    html = warm.content.decode()
    assert html.count("<picture>") == html.count("</picture>") == count
    assert all(
        f"/photos/{number}-20w." in html and f'alt="Photo {number}"' in html for number in range(count)
    )
    assert warm.responsive_img_pending == flushed.responsive_img_pending == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", COUNTS)
def test_on_redis_a_warm_page_is_one_mget(get, redis, photos, mode, count):
    photos(count)
    get(mode, "django", count)

    redis.config_resetstat()
    get(mode, "jinja2", count)
    commands = {name: stats["calls"] for name, stats in redis.info("commandstats").items()}

    assert commands.pop("cmdstat_mget") == 1
    noise = {"cmdstat_config|resetstat", "cmdstat_info", "cmdstat_client|setinfo", "cmdstat_select"}
    assert commands.keys() <= noise


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_picture_that_is_shown_many_times_is_looked_up_once(page, photo, redis, language):
    template = '{% img photo.image width=20 alt="a" %}{% img photo.image width=20 alt="b" class="c" %}' * 50
    page(language, template, {"photo": photo})

    redis.config_resetstat()
    response = page(language, template, {"photo": photo})
    commands, found = redis.info("commandstats"), redis.info("stats")["keyspace_hits"]

    assert commands["cmdstat_mget"]["calls"] == 1
    assert found == 1
    assert response.content.count(b"<picture>") == 100


def test_a_page_whose_pictures_are_all_to_be_built_is_still_one_lookup(
    page, make_photo, cache_calls, our_queries
):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(5)]
    cache_calls.clear()

    with our_queries() as few:
        page("django", '{% img photo.image width=20 alt="" %}', {"photo": photos[0]})
    calls = Counter(cache_calls)
    with our_queries() as many:
        page(
            "django",
            '{% for photo in photos %}{% img photo.image width=20 alt="" %}{% endfor %}',
            {"photos": photos[1:]},
        )

    assert calls["get_many"] == 1
    assert calls["get"] == calls["set"] == calls["add"] == 0
    # What the builds cost grows with the sources; what the page costs does not.
    assert len(many) - 3 * len(few) <= len(few)


def test_a_deferred_page_costs_the_same_queries_however_many_pictures(
    page, make_photo, settings, our_queries
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    photos = [make_photo(f"photos/{number}.jpg") for number in range(21)]
    template = '{% for photo in photos %}{% img photo.image width=20 alt="" %}{% endfor %}'

    with our_queries() as one:
        page("django", template, {"photos": photos[:1]})
    with our_queries() as twenty:
        page("django", template, {"photos": photos[1:]})

    # Where there are row locks, one statement more takes them.
    assert len(twenty) == len(one) <= 7 + connection.features.has_select_for_update


def test_an_empty_page_costs_nothing(page, cache_calls, storage_calls, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        response = page("django", '{% img photo.image width=20 alt="" %}', {"photo": Photo()})

    assert response.content == b""
    assert not cache_calls
    assert not storage_calls


def test_a_spec_not_seen_before_is_still_one_lookup(page, photo, cache_calls, our_queries):
    page("django", '{% img photo.image width=20 alt="" %}', {"photo": photo})
    cache_calls.clear()

    page(
        "django",
        '{% img photo.image width=20 alt="" %}{% img photo.image width=10 alt="" %}',
        {"photo": photo},
    )

    assert cache_calls["get_many"] == 1
    assert cache_calls["get"] == 0


def test_the_manifests_of_the_copied_rows_are_those_of_real_builds(photos, page, get, save_file):
    photos(2)
    copied = records.picture_model().objects.select_related("source").get(source__name="photos/1.jpg")
    expected: Any = manifest.loads(copied.renditions)
    records.picture_model().objects.filter(pk=copied.pk).delete()
    save_file("photos/1.jpg")

    get("sync", "django", 2)

    real: Any = manifest.loads(records.picture_model().objects.get(pk=copied.pk).renditions)
    strip = str.maketrans("", "", "0123456789abcdef")
    assert real.srcset.translate(strip) == expected.srcset.translate(strip)
    assert (real.width, real.height, real.state) == (expected.width, expected.height, expected.state)
    assert fallback_format("photos/1.jpg") == "jpeg"
