from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache, caches
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from responsive_img import cache as picture_cache
from responsive_img import conf, lookup, manifest, records
from responsive_img.sources import SourceRef
from templatetags_tests.conftest import ONE_FILE

READY = manifest.compose((), (20, 10))


@pytest.fixture
def built(page, photo):
    """Return the page of a picture that is built and in the cache."""
    return page("django", ONE_FILE, {"photo": photo}).content


def cached_key() -> str:
    return records.picture_model().objects.get().key


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        None,
        7,
        "",
        "not json",
        "[]",
        "{}",
        '[1,"r",0,"",20,10]',
        '[0,"r",0,"",20,10,"","",""]',
        '[1,"x",0,"",20,10,"","",""]',
        '[1,"r","0","",20,10,"","",""]',
        '[1,"r",0,"","20",10,"","",""]',
        '[1,"r",0,"",20,10,"",1,""]',
        '[1,"r",0,"",20,10,"","","","image/webp"]',
        ["a", "list"],
    ],
)
def test_what_cannot_be_read_is_a_miss_and_is_written_anew(page, photo, built, our_queries, value):
    cache.set(cached_key(), value)

    with our_queries() as queries:
        again = page("django", ONE_FILE, {"photo": photo}).content

    assert again == built
    assert len(queries) == 1
    assert manifest.loads(cache.get(cached_key())) is not None


def test_one_poisoned_value_leaves_the_other_pictures_alone(page, photo, built, our_queries):
    cache.set(cached_key(), "poisoned")
    template = ONE_FILE + ONE_FILE.replace("20", "10")
    page("django", template, {"photo": photo})

    with our_queries() as queries:
        html = page("django", template, {"photo": photo}).content

    assert html.startswith(built)
    assert queries == []


def test_a_pending_picture_is_believed_for_a_while_only(transactional_db, page, photo, settings, our_queries):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    page("django", ONE_FILE, {"photo": photo})
    found = manifest.loads(cache.get(cached_key()))
    assert found is not None

    with our_queries() as fresh:
        page("django", ONE_FILE, {"photo": photo})
    cache.set(cached_key(), manifest.compose((), (20, 10), state=manifest.PENDING, until=1).dumps())
    with our_queries() as stale:
        page("django", ONE_FILE, {"photo": photo})

    assert found.state == manifest.PENDING
    assert time.time() < found.until <= time.time() + lookup.UNFINISHED
    assert fresh == []
    assert len(stale) == 1


@pytest.mark.django_db(transaction=True)
def test_what_was_built_is_kept_for_the_cache_timeout_and_a_refill_for_ten_minutes(
    page, photo, redis, settings
):
    settings.RESPONSIVE_IMG_CACHE_TIMEOUT = 50_000
    page("django", ONE_FILE, {"photo": photo})
    built = redis.ttl(f":1:{cached_key()}")
    redis.flushdb()
    page("django", ONE_FILE, {"photo": photo})
    refilled = redis.ttl(f":1:{cached_key()}")

    assert 49_990 <= built <= 50_000
    assert 470 <= refilled <= 720


def test_a_record_that_is_being_built_elsewhere_is_not_cached(page, photo, built):
    lease = timezone.now() + timedelta(seconds=100)
    records.picture_model().objects.update(
        state=records.BUILDING, owner="other", lease_until=lease, renditions=""
    )
    cache.clear()

    response = page("django", ONE_FILE, {"photo": photo})

    assert response.content.decode().startswith('<img src="/media/photos/cat.jpg" width="20" height="10"')
    assert response.responsive_img_pending == 1
    assert cache.get(cached_key()) is None


def test_a_dead_builders_picture_is_built_by_the_next_response(page, photo, built):
    lease = timezone.now() - timedelta(seconds=1)
    records.picture_model().objects.update(
        state=records.BUILDING, owner="dead", lease_until=lease, renditions=""
    )
    cache.clear()

    response = page("django", ONE_FILE, {"photo": photo})

    assert response.content == built


def test_a_record_that_cannot_be_read_is_built_anew(page, photo, built, log):
    records.picture_model().objects.update(renditions="[0]")
    cache.clear()

    html = page("django", ONE_FILE, {"photo": photo}).content

    assert html == built


def test_a_cache_that_failed_is_asked_again_after_the_break(page, photo, built, cache_calls, monkeypatch):
    monkeypatch.setattr(picture_cache, "_broken_until", time.monotonic() + 100)
    page("django", ONE_FILE, {"photo": photo})
    during = dict(cache_calls)
    monkeypatch.setattr(picture_cache, "_broken_until", time.monotonic())

    page("django", ONE_FILE, {"photo": photo})

    assert during == {}
    assert cache_calls == {"get_many": 1}


class MaxConnectionsError(ConnectionError):
    """Stands for that of the client of Redis, which is raised where a pool has no connection left."""


class NoConnectionLeftError(MaxConnectionsError):
    """Stands for what a backend makes of it."""


@pytest.mark.parametrize("error", [MaxConnectionsError, NoConnectionLeftError])
def test_a_pool_without_a_connection_left_costs_one_response_its_cache_and_no_other(
    page, photo, built, monkeypatch, log, error
):
    def refusing(self, *args, **options):
        raise error("Too many connections")

    with monkeypatch.context() as patch:
        for name in ("get_many", "set_many"):
            patch.setattr(type(caches["default"]), name, refusing)
        during = [page("django", ONE_FILE, {"photo": photo}).content for _ in range(2)]

    assert during == [built, built]
    assert picture_cache._broken_until == 0
    assert log() == [
        "The cache 'default' has no connection left, see its max_connections: "
        f"{error.__name__}('Too many connections')"
    ]


def test_after_a_pool_had_no_connection_left_the_cache_is_asked_again(
    page, photo, built, monkeypatch, our_queries
):
    def refusing(self, *args, **options):
        raise MaxConnectionsError

    with monkeypatch.context() as patch:
        patch.setattr(type(caches["default"]), "get_many", refusing)
        page("django", ONE_FILE, {"photo": photo})

    with our_queries() as queries:
        assert page("django", ONE_FILE, {"photo": photo}).content == built
    assert queries == []


def test_the_cache_of_the_settings_is_used(page, photo, settings, cache_calls):
    settings.CACHES = {
        **settings.CACHES,
        "pictures": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "pictures"},
    }
    settings.RESPONSIVE_IMG_CACHE = "pictures"
    caches["pictures"].clear()

    page("django", ONE_FILE, {"photo": photo})

    assert cache.get(cached_key()) is None
    assert caches["pictures"].get(cached_key()) is not None


@pytest.mark.django_db(transaction=True)
def test_a_database_cache_is_asked_in_chunks_and_not_refilled(
    page, photo, settings, django_assert_num_queries
):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_table"}
    }
    call_command("createcachetable")
    asked = [f"{number:032x}" for number in range(picture_cache.DATABASE_CHUNK + 1)]
    page("django", ONE_FILE, {"photo": photo})
    key = records.picture_model().objects.get().key

    with django_assert_num_queries(2):
        found = lookup.cached([*asked, key], conf.current())
    cache.clear()
    page("django", ONE_FILE, {"photo": photo})

    assert list(found) == [key]
    assert cache.get(key) is None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("w20;h15;tcover", (20, 15)),
        ("w20;r1/2;tcover", (20, 40)),
        ("w20;tcontain", (None, None)),
        ("w20;h15;tcontain", (None, None)),
    ],
)
def test_without_a_record_the_layout_follows_from_the_arguments_or_is_unknown(spec, expected):
    asked = lookup.Asked(SourceRef("default", "photos/cat.jpg"), spec)

    assert lookup.layout(asked, None, conf.current()) == expected
    assert lookup.layout(asked, records.source_model()(), conf.current()) == expected


def test_nothing_is_written_where_nothing_was_found(cache_calls):
    lookup.refill({}, conf.current())
    lookup.store({}, conf.current())

    assert not cache_calls


def test_what_is_added_leaves_what_is_there_and_still_believed(cache_calls):
    pending = manifest.compose((), (20, 10), state=manifest.PENDING)
    there = {"stale": pending.as_unfinished(manifest.PENDING, 1).dumps(), "bad": "{}", "ready": READY.dumps()}
    cache.set_many(there)
    cache_calls.clear()

    found = lookup.add(dict.fromkeys(["missing", "stale", "bad", "ready"], pending), conf.current())

    assert cache_calls == {"get_many": 1, "set_many": 1}
    assert {key: each.dumps() for key, each in found.items()} == {"ready": READY.dumps()}
    assert cache.get("ready") == READY.dumps()
    assert {cache.get(key) for key in ("missing", "stale", "bad")} == {pending.dumps()}


def test_outside_of_a_transaction_the_ready_and_the_failed_are_written_in_one_call(
    transactional_db, page, make_photo, cache_calls, our_queries
):
    photos = [make_photo(f"photos/{name}.jpg") for name in "abc"]
    default_storage.delete("photos/b.jpg")
    template = "{% for photo in photos %}" + ONE_FILE + "{% endfor %}"
    before = page("django", template, {"photos": photos})
    cache.clear()
    cache_calls.clear()

    with our_queries() as queries:
        after = page("django", template, {"photos": photos})

    assert after.content == before.content
    assert after.content.count(b'src="/media/renditions/') == 2
    assert after.responsive_img_pending == 0
    assert cache_calls == {"get_many": 1, "set_many": 1}
    assert len(queries) == 1
    cache_calls.clear()
    with our_queries() as queries:
        page("django", template, {"photos": photos})
    assert cache_calls == {"get_many": 1}
    assert queries == []


def test_what_is_over_the_limit_is_pending_in_the_size_it_will_be_shown_in(page, photo, settings):
    settings.RESPONSIVE_IMG_MAX_SOURCE_PIXELS = 100
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"

    html = page("django", '{% img photo.image width=20 height=20 alt="" %}', {"photo": photo}).content

    assert b'width="20" height="10"' in html


def test_lookups_are_counted_with_their_pictures(page, photo, built):
    two = ONE_FILE + ONE_FILE.replace("20", "10")

    with lookup.counted() as lookups:
        page("django", two + ONE_FILE, {"photo": photo})
        with lookup.counted() as inner:
            page("django", ONE_FILE, {"photo": photo})
        page("django", "<p>", {})
    page("django", ONE_FILE, {"photo": photo})

    assert (lookups, inner) == ([2, 1], [1])


def test_lookups_of_every_thread_are_counted():
    with lookup.counted() as lookups, ThreadPoolExecutor() as threads:
        threads.submit(lookup.cached, {"a", "b"}, conf.current()).result()

    assert lookups == [2]


def test_what_fails_is_no_longer_counted():
    with pytest.raises(ZeroDivisionError), lookup.counted() as lookups:
        raise ZeroDivisionError
    lookup.cached({"a"}, conf.current())

    assert lookups == []


def test_what_is_not_built_leaves_the_cache_when_it_is_not_believed_any_more(db, monkeypatch):
    written: list[int] = []
    monkeypatch.setattr(picture_cache, "write", lambda texts, timeout, config, **_: written.append(timeout))
    now = int(time.time())
    ready = manifest.compose((), (20, 10))
    pending, failed = [ready.as_unfinished(state, now + 60) for state in (manifest.PENDING, manifest.FAILED)]

    for manifests in (
        {"a": pending, "b": failed},
        {"a": pending, "b": ready},
        {"a": ready},
        {"a": ready.as_unfinished("f", 1)},
    ):
        lookup.refill(manifests, conf.current())

    assert 58 <= written[0] <= 60
    assert all(480 <= timeout <= 720 for timeout in written[1:3])
    assert written[3] == 1
