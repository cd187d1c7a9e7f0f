from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from responsive_img import records
from responsive_img.geometry import Size
from responsive_img.headers import Header

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

    assert first == set(PICTURES[:2])
    assert second == {PICTURES[2]}
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

    assert records.claim(PICTURES, version="", owner="one", seconds=60) == (
        set(PICTURES) if is_open else set()
    )
    assert records.queued([SOURCE]) == []
    assert records.claim(PICTURES, version="", owner="two", seconds=60) == set()


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


def test_a_release_leaves_what_is_being_built_alone(rows):
    records.claim(PICTURES, version="", owner="one", seconds=60)

    records.release(PICTURES)

    assert all(row.lease_until is not None for row in rows.all())


def test_a_source_of_another_version_is_not_claimed(rows):
    assert records.claim(PICTURES, version="2", owner="one", seconds=60) == set()
    assert state(PICTURES[0]) == ("queued", "", 0)


def test_only_the_owner_can_record_a_build(rows):
    records.claim(PICTURES, version="", owner="one", seconds=60)
    texts = dict.fromkeys(PICTURES, "text")

    assert records.finish(texts, owner="two", version="") == set()
    assert records.finish(texts, owner="one", version="") == set(PICTURES)
    assert state(PICTURES[0]) == ("ready", "", 0)
    assert records.finish(texts, owner="one", version="") == set()


def test_a_build_of_a_replaced_source_is_queued_again(rows):
    records.claim(PICTURES[:1], version="", owner="one", seconds=60)
    records.source_model().objects.update(version="2")

    kept = records.finish({PICTURES[0]: "text"}, owner="one", version="")

    row = rows.get(key=PICTURES[0])
    assert kept == set()
    assert (row.state, row.renditions, row.lease_until) == ("queued", "", None)


def test_only_the_owner_can_record_a_failure(rows):
    records.claim(PICTURES[:1], version="", owner="one", seconds=60)

    records.fail(SOURCE, PICTURES, owner="one", error="E: x", seconds=60)

    assert state(PICTURES[0]) == ("failed", "", 1)
    assert state(PICTURES[1]) == ("queued", "", 0)
    source = records.source_model().objects.get()
    assert (source.state, source.error) == ("failed", "E: x")
    assert source.retry_at is not None
    assert hence(55) < source.retry_at < hence(65)


def test_what_a_header_tells_takes_back_a_failure(rows):
    records.fail(SOURCE, [], owner="one", error="E: x", seconds=60)

    records.describe(SOURCE, Header("jpeg", Size(80, 40)))

    source = records.source_model().objects.get()
    assert (source.state, source.error, source.retry_at) == ("known", "", None)
    assert (source.width, source.height, source.format) == (80, 40, "jpeg")


def test_the_queue_is_read_source_by_source_from_behind_one_on(rows):
    other = "t" * 32
    records.insert(
        [records.source_model()(key=other, storage="default", name="other.jpg")],
        [records.picture_model()(key="0" * 32, source_id=other, spec="w20")],
    )

    assert records.queued_sources(1) == [SOURCE]
    assert records.queued_sources(10) == [SOURCE, other]
    assert records.queued_sources(10, after=SOURCE) == [other]
    assert records.queued_sources(10, after=other) == []
    assert [row.key for row in records.queued([other, SOURCE])] == [*PICTURES, "0" * 32]
    assert [row.key for row in records.queued([other])] == ["0" * 32]


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
