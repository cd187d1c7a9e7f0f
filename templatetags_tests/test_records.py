from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from responsive_img import backlog, conf, keys, lookup, records, resolution
from responsive_img import cache as picture_cache
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.hooks import BuildJob, run
from responsive_img.lookup import Asked
from responsive_img.queue import process_queue
from responsive_img.rows import retry_at
from responsive_img.sources import SourceRef
from templatetags_tests.conftest import MARKUP, ONE_FILE, Router

SOURCE = "s" * 32
PICTURES = ("a" * 32, "b" * 32, "c" * 32)


@pytest.fixture
def rows(db):
    """Three pictures of one source, queued."""
    source = records.source_model()(key=SOURCE, storage="default", name="photos/cat.jpg")
    pictures = [records.picture_model()(key=key, source_id=SOURCE, spec="w20") for key in PICTURES]
    records.insert([source], pictures)
    return records.picture_model().objects


def state(key: str) -> tuple[str, str, int]:
    row = records.picture_model().objects.get(key=key)
    return row.state, row.owner, row.attempts


def hence(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def test_inserting_again_changes_nothing(rows):
    rows.update(state="ready")

    records.insert(
        [records.source_model()(key=SOURCE, storage="other", name="x")],
        [records.picture_model()(key=key, source_id=SOURCE, spec="x") for key in reversed(PICTURES)],
    )

    assert set(rows.values_list("state", "spec")) == {("ready", "w20")}
    assert records.source_model().objects.get().name == "photos/cat.jpg"


def test_rows_are_inserted_in_the_order_of_their_keys(rows, our_queries):
    rows.all().delete()

    with our_queries() as queries:
        records.insert(
            [], [records.picture_model()(key=key, source_id=SOURCE, spec="") for key in reversed(PICTURES)]
        )

    positions = [queries[0].index(key) for key in PICTURES]
    assert len(queries) == 1
    assert positions == sorted(positions)


def test_pictures_come_with_their_sources_in_one_query(rows, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = records.pictures([*PICTURES, "d" * 32])
        names = {found[key].source.name for key in PICTURES}

    assert set(found) == set(PICTURES)
    assert names == {"photos/cat.jpg"}


def test_who_claims_first_builds(rows):
    first = records.claim(PICTURES[:2], version="", owner="one", seconds=60)
    second = records.claim(PICTURES, version="", owner="two", seconds=60)

    assert first == dict.fromkeys(PICTURES[:2], "")
    assert second == {PICTURES[2]: ""}
    assert state(PICTURES[0]) == ("building", "one", 1)


@pytest.mark.parametrize(
    ("values", "is_open"),
    [
        ({"state": "queued", "lease_until": None}, True),
        ({"state": "queued", "lease_until": 60}, True),
        ({"state": "building", "lease_until": 60}, False),
        ({"state": "building", "lease_until": -1}, True),
        ({"state": "failed", "not_before": 60}, False),
        ({"state": "failed", "not_before": -1}, True),
        ({"state": "ready"}, False),
    ],
)
def test_what_is_open_can_be_claimed_once(rows, values, is_open):
    rows.update(**{name: hence(value) if isinstance(value, int) else value for name, value in values.items()})

    claimed = records.claim(PICTURES, version="", owner="one", seconds=60)

    assert claimed == (dict.fromkeys(PICTURES, "") if is_open else {})
    assert backlog.queued([SOURCE]) == []
    assert records.claim(PICTURES, version="", owner="two", seconds=60) == {}


def test_a_job_is_handed_over_once_until_its_time_is_over(rows):
    first = records.open_for_hook([], [], PICTURES, owner="one", seconds=60)
    second = records.open_for_hook([], [], PICTURES, owner="two", seconds=60)
    rows.update(lease_until=hence(-1))
    third = records.open_for_hook([], [], PICTURES, owner="three", seconds=60)

    assert (first, second, third) == (set(PICTURES), set(), set(PICTURES))
    assert state(PICTURES[0]) == ("queued", "three", 0)


def test_a_released_picture_is_handed_over_again(rows):
    records.open_for_hook([], [], PICTURES, owner="one", seconds=60)

    records.release(PICTURES[:1])

    assert records.open_for_hook([], [], PICTURES, owner="two", seconds=60) == {PICTURES[0]}


def test_a_picture_may_be_released_to_workers_first(rows):
    records.release(PICTURES, seconds=60)

    assert records.open_for_hook([], [], PICTURES, owner="one", seconds=60) == set()
    assert len(backlog.queued([SOURCE])) == len(PICTURES)
    rows.update(lease_until=hence(-1))
    assert records.open_for_hook([], [], PICTURES, owner="one", seconds=60) == set(PICTURES)


def test_a_release_leaves_what_is_being_built_alone(rows):
    records.claim(PICTURES, version="", owner="one", seconds=60)

    records.release(PICTURES)

    assert all(row.lease_until is not None for row in rows.all())


def test_a_source_of_another_version_is_not_claimed(rows):
    assert records.claim(PICTURES, version="2", owner="one", seconds=60) == {}
    assert state(PICTURES[0]) == ("queued", "", 0)


def test_only_the_owner_can_record_a_build(rows):
    records.claim(PICTURES, version="", owner="one", seconds=60)
    texts = dict.fromkeys(PICTURES, "text")

    assert records.finish(texts, owner="two", version="") == set()
    assert records.finish(texts, owner="one", version="") == set(PICTURES)
    assert state(PICTURES[0]) == ("ready", "", 0)
    assert records.finish(texts, owner="one", version="") == set()


def test_whoever_claims_anew_gets_what_is_built_already(rows):
    records.claim(PICTURES[:2], version="", owner="one", seconds=60)

    kept = records.keep({PICTURES[0]: "text"}, owner="one", version="", seconds=0)

    assert kept == {PICTURES[0]}
    assert state(PICTURES[0]) == ("queued", "one", 0)
    assert rows.get(key=PICTURES[0]).lease_until is None
    assert records.claim(PICTURES, version="", owner="two", seconds=60) == {
        PICTURES[0]: "text",
        PICTURES[2]: "",
    }


def test_the_rest_of_what_is_built_in_part_is_handed_over_once(rows):
    records.claim(PICTURES[:1], version="", owner="one", seconds=60)

    records.keep({PICTURES[0]: "text"}, owner="one", version="", seconds=60)

    assert records.open_for_hook([], [], PICTURES[:1], owner="two", seconds=60) == set()


def test_a_part_of_a_replaced_source_is_not_kept(rows):
    records.claim(PICTURES[:2], version="", owner="one", seconds=60)
    records.source_model().objects.update(version="2")

    kept = records.keep(dict.fromkeys(PICTURES[:2], "text"), owner="one", version="", seconds=60)

    assert kept == set()
    assert set(rows.filter(key__in=PICTURES[:2]).values_list("state", "renditions", "lease_until")) == {
        ("queued", "", None)
    }


def test_a_build_of_a_replaced_source_is_queued_again(rows):
    records.claim(PICTURES[:1], version="", owner="one", seconds=60)
    records.source_model().objects.update(version="2")

    kept = records.finish({PICTURES[0]: "text"}, owner="one", version="")

    row = rows.get(key=PICTURES[0])
    assert kept == set()
    assert (row.state, row.renditions, row.lease_until) == ("queued", "", None)


def test_only_the_owner_can_record_a_failure(rows):
    records.claim(PICTURES[:1], version="", owner="one", seconds=60)

    records.fail(SOURCE, PICTURES, owner="one", version="", error="E: x", seconds=60)

    assert state(PICTURES[0]) == ("failed", "", 1)
    assert state(PICTURES[1]) == ("queued", "", 0)
    source = records.source_model().objects.get()
    assert (source.state, source.error) == ("failed", "E: x")
    assert source.retry_at is not None
    assert hence(55) < source.retry_at < hence(65)


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [(0, 1, 1), (1, 1, 1), (2, 4, 5), (3, 16, 20), (5, 256, 320), (99, 256, 320)],
)
def test_the_first_retry_comes_in_time_and_each_next_one_much_later(attempts, least, most):
    before = timezone.now()

    found = {round((retry_at(attempts, 1000) - before).total_seconds()) for _ in range(20)}

    assert least * 1000 <= min(found) <= max(found) <= most * 1000 + 1
    assert len(found) > 5 or least == most  # what has failed together does not come back together


def test_what_fails_again_is_tried_much_later(rows):
    for owner in ("one", "two"):
        rows.update(not_before=hence(-1))
        records.claim(PICTURES[:2], version="", owner=owner, seconds=60)
        records.fail(SOURCE, PICTURES, owner=owner, version="", error="E: x", seconds=60)

    source = records.source_model().objects.get()
    assert source.retry_at is not None
    assert {row.not_before for row in rows.filter(state="failed")} == {source.retry_at}
    assert hence(4 * 55) < source.retry_at < hence(5 * 65)


def test_many_headers_are_recorded_in_one_query(rows, our_queries):
    other = "t" * 32
    records.insert([records.source_model()(key=other, storage="default", name="other.png")], [])

    with our_queries() as queries:
        records.describe(
            {other: Header("png", Size(3, 4)), SOURCE: Header("gif", Size(8, 6), is_animated=True)}
        )
        records.describe({})
    # Where rows are locked, that is one query more.
    assert [query.partition(" ")[0] for query in queries].count("UPDATE") == 1
    assert len(queries) == 1 + connection.features.has_select_for_update

    told = records.source_model().objects.values_list("name", "width", "height", "format", "is_animated")
    assert set(told) == {("photos/cat.jpg", 8, 6, "gif", True), ("other.png", 3, 4, "png", False)}


def test_a_replaced_source_has_all_its_pictures_queued_anew(rows):
    records.claim(PICTURES[:1], version="", owner="one", seconds=60)
    records.finish({PICTURES[0]: "text"}, owner="one", version="")
    records.describe({SOURCE: Header("jpeg", Size(80, 40))})

    assert sorted(records.replace(SOURCE, "2")) == sorted(PICTURES)
    assert records.replace("none" * 8, "2") == []

    assert set(rows.values_list("state", "renditions")) == {("queued", "")}
    source = records.source_model().objects.get()
    assert (source.version, source.state, source.width, source.format) == ("2", "new", None, "")


def test_what_a_header_tells_takes_back_a_failure(rows):
    records.fail(SOURCE, [], owner="one", version="", error="E: x", seconds=60)

    records.describe({SOURCE: Header("jpeg", Size(80, 40))})

    source = records.source_model().objects.get()
    assert (source.state, source.error, source.retry_at) == ("known", "", None)
    assert (source.width, source.height, source.format) == (80, 40, "jpeg")


def test_the_queue_is_read_source_by_source_from_behind_one_on(rows):
    other = "t" * 32
    records.insert(
        [records.source_model()(key=other, storage="default", name="other.jpg")],
        [records.picture_model()(key="0" * 32, source_id=other, spec="w20")],
    )

    assert backlog.queued_sources(1) == [SOURCE]
    assert backlog.queued_sources(10) == [SOURCE, other]
    assert backlog.queued_sources(10, after=SOURCE) == [other]
    assert backlog.queued_sources(10, after=other) == []
    assert [row.key for row in backlog.queued([other, SOURCE])] == [*PICTURES, "0" * 32]
    assert [row.key for row in backlog.queued([other])] == ["0" * 32]


def test_what_is_not_in_a_transaction_is_called_at_once_and_an_error_stops_nothing(transactional_db, caplog):
    called: list[float] = []

    records.on_commit(lambda: called.append(1))
    records.on_commit(lambda: called.append(1 / 0))
    records.on_commit(lambda: called.append(2))

    assert called == [1, 2]


def test_records_say_what_they_are_of(rows):
    picture = rows.first()

    assert str(picture) == f"{SOURCE} w20"
    assert str(picture.source) == "photos/cat.jpg"
    assert picture.source.pictures.count() == 3
    assert records.sources([SOURCE]) == {SOURCE: picture.source}


# Several databases -------------------------------------------------------------------------------------


@pytest.fixture
def replica(settings, tmp_path, add_database):
    """Let everything be read from a replica that has nothing yet of what is written."""
    add_database(
        "replica", {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "replica.sqlite3")}
    )
    settings.DATABASE_ROUTERS = [Router(reads="replica")]


def written(model: type[Any]) -> Any:
    return model._default_manager.using("default")


def test_a_replica_that_lags_behind_costs_no_picture(replica, page, photo):
    first = page("django", ONE_FILE, {"photo": photo})
    cache.clear()
    second = page("django", ONE_FILE, {"photo": photo})

    assert first.content.decode() == second.content.decode() == MARKUP
    assert first.responsive_img_pending == second.responsive_img_pending == 0
    assert written(records.picture_model()).get().attempts == 0
    assert not records.picture_model().objects.exists()


def test_a_replica_that_lags_behind_does_not_hide_the_queue(replica, page, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    first = page("django", ONE_FILE, {"photo": photo})

    count = process_queue()

    assert first.responsive_img_pending == 1
    assert (count, process_queue()) == (1, 0)
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP


def test_a_replica_that_lags_behind_does_not_hide_the_version_of_a_source(replica, page, photo):
    page("django", ONE_FILE, {"photo": photo})
    written(records.source_model()).update(version="2")

    response = page("django", ONE_FILE.replace("20", "10"), {"photo": photo})

    assert response.responsive_img_pending == 0
    assert b'src="/media/renditions/photos/cat-10w.' in response.content


def catch_up() -> None:
    """Have the replica know all that is written."""
    for model in (records.source_model(), records.picture_model()):
        for row in written(model):
            row.save(using="replica")


def test_what_a_replica_that_lags_behind_tells_is_believed_for_a_minute(
    replica, page, photo, cache_calls, monkeypatch
):
    old = page("django", ONE_FILE, {"photo": photo}).content
    catch_up()
    records.replace(keys.source_key("default", photo.image.name), "2")
    cache.clear()
    cache_calls.clear()

    lagging = page("django", ONE_FILE, {"photo": photo}).content
    cold = dict(cache_calls)
    cache_calls.clear()
    with CaptureQueriesContext(connections["replica"]) as queries:
        warm = page("django", ONE_FILE, {"photo": photo}).content
    catch_up()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 73)
    new = page("django", ONE_FILE, {"photo": photo}).content

    assert (old, lagging, warm) == (MARKUP.encode(),) * 3
    assert (cold, cache_calls["set_many"], len(queries)) == ({"get_many": 1, "set_many": 1}, 1, 0)
    assert b"/renditions/photos/cat-20w." in new
    assert new != old


def test_one_row_of_a_replica_among_those_of_the_writer_is_enough(replica, photo, cache_calls, monkeypatch):
    specs = [resolution.canonical(text, conf.current()).text for text in ("w20", "w24")]
    run(BuildJob(storage="default", name=photo.image.name, specs=tuple(specs)))
    catch_up()
    told, later = written(records.picture_model()).select_related("source")
    later = records.picture_model().objects.using("replica").select_related("source").get(pk=later.pk)
    monkeypatch.setattr(records, "replicated_pictures", lambda _: {told.key: told, later.key: later})
    seconds: list[int] = []
    monkeypatch.setattr(picture_cache, "write", lambda _, timeout, *args, **options: seconds.append(timeout))

    asked = {row.key: Asked(SourceRef("default", photo.image.name), row.spec) for row in (told, later)}
    lookup.recorded(asked, conf.current())

    assert [48 <= each <= 72 for each in seconds] == [True]


CALLS: dict[str, Callable[[], object]] = {
    "claim": lambda: records.claim(PICTURES, version="", owner="one", seconds=60),
    "release": lambda: records.release(PICTURES),
    "finish": lambda: records.finish({PICTURES[0]: "text"}, owner="one", version=""),
    "reopen": lambda: backlog.reopen(PICTURES),
    "describe": lambda: records.describe({SOURCE: Header("jpeg", Size(80, 40))}),
    "fail": lambda: records.fail(SOURCE, PICTURES, owner="one", version="", error="E: x", seconds=60),
}


@pytest.fixture(params=["sqlite", "postgres"])
def other(request, settings, tmp_path, add_database):
    """Have the records in another database, of each kind that answers."""
    if request.param == "sqlite":
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "other.sqlite3")}
    else:
        database = request.getfixturevalue("postgres")
    add_database("other", database)
    settings.DATABASE_ROUTERS = [Router(reads="other", writes="other")]


@contextmanager
def failing(alias: str, part: str) -> Iterator[None]:
    """Let the database itself refuse statements with this part: whatever it refuses ends its transaction."""

    def execute(run_statement, sql, params, many, context):
        if part in sql:
            return run_statement("SELECT nothing", None, False, context)
        return run_statement(sql, params, many, context)

    with connections[alias].execute_wrapper(execute):
        yield


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_ours_does_not_end_the_transaction_of_the_caller(other, call):
    with transaction.atomic(using="other"):
        source = records.source_model()(key=SOURCE, storage="default", name="photos/cat.jpg")
        records.insert([source], [records.picture_model()(key=PICTURES[0], source_id=SOURCE, spec="w20")])
        records.claim(PICTURES, version="", owner="one", seconds=60)
        with failing("other", "UPDATE"), pytest.raises(DatabaseError, match="nothing"):
            CALLS[call]()
        names = list(records.source_model().objects.values_list("name", flat=True))

    assert names == ["photos/cat.jpg"]


@pytest.mark.parametrize(
    ("part", "is_broken"),
    [
        ('"attempts" = (', False),
        ('UPDATE "responsive_img_source" SET "width"', False),
        ('UPDATE "responsive_img_picture" SET "renditions"', False),
        ('UPDATE "responsive_img_source" SET "state"', True),
    ],
    ids=["claim", "describe", "finish", "fail"],
)
def test_an_error_of_ours_leaves_the_page_and_the_transaction_of_the_view_whole(
    other, page, photo, part, is_broken
):
    if is_broken:
        default_storage.delete("photos/cat.jpg")

    with transaction.atomic(using="other"), failing("other", part):
        response = page("django", ONE_FILE, {"photo": photo})
        count = records.picture_model().objects.count()

    html = response.content.decode()
    assert count == 1
    assert html.startswith('<img src="/media/photos/cat.jpg" ')
    assert html.endswith(' alt="" loading="lazy" decoding="async">')
    assert response.responsive_img_pending == 1
    assert response.headers["Cache-Control"] == "max-age=0"


def test_where_there_are_row_locks_they_are_taken_in_the_order_of_the_keys(rows, our_queries, monkeypatch):
    # SQLite has none, but takes the question for a comment.
    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    monkeypatch.setattr(connection.ops, "for_update_sql", lambda **_: "/* FOR UPDATE */")

    with our_queries() as queries:
        records.release(PICTURES)
        records.describe({SOURCE: Header("jpeg", Size(80, 40))})

    found = [re.match(r"(\w+) .*?responsive_img_(\w+)", sql) for sql in queries]
    assert [each and each.groups() for each in found] == [
        ("SELECT", "picture"),
        ("UPDATE", "picture"),
        ("SELECT", "source"),
        ("UPDATE", "source"),
    ]
    assert [bool(re.search(r" ORDER BY \S+ ASC /\* FOR UPDATE \*/$", sql)) for sql in queries] == [
        True,
        False,
    ] * 2


def test_what_fails_where_somebody_commits_by_hand_is_logged(transactional_db, log):
    def fail() -> None:
        raise ValueError

    transaction.set_autocommit(False)
    try:
        records.on_commit(fail)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)

    assert log() == ["What was to be done on commit failed"]
