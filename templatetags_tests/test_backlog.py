from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from responsive_img import (
    ImageBatch,
    Img,
    backlog,
    building,
    finalize,
    immediate,
    invalidate,
    keys,
    leases,
    queue,
    records,
    rows,
    signals,
)
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.hooks import run
from responsive_img.queue import process_queue
from responsive_img.sources import SourceRef
from templatetags_tests.conftest import MARKUP, ONE_FILE, drawn
from templatetags_tests.test_building import job_for

RETRY = 300  # s


def hence(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


@pytest.fixture
def add(db):
    """Return a function that records pictures of a source, by default one that waits, and returns their keys."""

    def added(name: str, *specs: str, source: dict[str, Any] | None = None, **values: Any) -> list[str]:
        job = job_for(*(specs or ("w20",)), name=name)
        pictures = [
            building.picture_record(keys.picture_key("default", name, spec), source_key(name), spec)
            for spec in job.specs
        ]
        records.insert([building.source_record(SourceRef("default", name), **(source or {}))], pictures)
        found = [picture.key for picture in pictures]
        records.picture_model().objects.filter(key__in=found).update(**values)
        return found

    return added


@pytest.fixture
def died(add):
    """Return a function that records a picture whose builder has died, for the so-manieth time."""

    def of(name: str, attempts: int, *, ago: float = 1) -> str:
        (key,) = add(name, state="building", owner="dead", lease_until=hence(-ago), attempts=attempts)
        return str(key)

    return of


@pytest.fixture
def failures():
    """Return what `picture_failed` has told."""
    told: list[dict[str, Any]] = []

    def note(**arguments: Any) -> None:
        told.append(arguments)

    signals.picture_failed.connect(note)
    yield told
    signals.picture_failed.disconnect(note)


def source_key(name: str) -> str:
    return keys.source_key("default", name)


def row(key: str) -> Any:
    return records.picture_model().objects.select_related("source").get(key=key)


def states() -> list[str]:
    return sorted(records.picture_model().objects.values_list("state", flat=True))


# Who gives up, and when --------------------------------------------------------------------------------


@pytest.mark.parametrize(("attempts", "is_given_up"), [(1, False), (2, False), (3, True), (4, True)])
def test_what_has_killed_three_is_given_up(died, attempts, is_given_up):
    key = died("a.jpg", attempts)

    backlog.bury(None, seconds=RETRY)

    found = row(key)
    assert found.state == ("failed" if is_given_up else "building")
    assert (found.owner, found.lease_until) == ("", None) if is_given_up else ("dead", found.lease_until)
    reason = f"The process that built it died, {attempts} times."
    assert found.source.error == (reason if is_given_up else "")


def test_what_is_given_up_is_tried_again_later_and_then_once(died):
    key = died("a.jpg", 3)

    backlog.bury(None, seconds=RETRY)

    assert hence(16 * RETRY - 5) < row(key).not_before < hence(16 * 1.25 * RETRY + 5)
    assert process_queue() == 0
    records.picture_model().objects.update(not_before=hence(-1))
    claimed = records.claim([key], version="", owner="next", seconds=-1)
    assert (set(claimed), row(key).attempts) == ({key}, 4)
    backlog.bury(None, seconds=RETRY)
    assert row(key).state == "failed"
    assert row(key).not_before > hence(64 * RETRY - 5)


def test_whoever_still_builds_is_left_alone(died):
    key = died("a.jpg", 3, ago=-60)

    backlog.bury(None, seconds=RETRY)

    assert row(key).state == "building"


def test_only_what_was_named_is_given_up(died):
    one, other = died("a.jpg", 3), died("b.jpg", 3)

    backlog.bury([one], seconds=RETRY)

    assert (row(one).state, row(other).state) == ("failed", "building")


def test_what_someone_takes_at_the_last_moment_is_not_given_up(died, monkeypatch):
    key = died("a.jpg", 3)

    def retry_at(*args: object) -> datetime:
        records.picture_model().objects.update(owner="quicker")
        return hence(60)

    monkeypatch.setattr(backlog, "retry_at", retry_at)

    assert backlog.bury(None, seconds=RETRY) == []

    assert (row(key).state, row(key).owner, row(key).source.error) == ("building", "quicker", "")


@pytest.mark.parametrize("by", ["a worker", "a page"])
def test_what_is_given_up_is_said_and_told_once(died, save_file, page, log, failures, by):
    name = save_file()
    died(name, 3)
    reason = "The process that built it died, 3 times."

    for _ in range(2):
        process_queue() if by == "a worker" else page("django", f'{{% img "{name}" width=20 alt="" %}}')

    assert log() == [f"Cannot build {name} of default: {reason}"]
    (told,) = failures
    assert (told["sender"], told["job"]) == (records.picture_model(), job_for("w20", name=name))
    assert repr(told["error"]) == f"BuildError({reason!r})"


def test_a_builder_of_whom_it_was_thought_that_it_had_died_is_not_believed(died):
    key = died("a.jpg", 3)
    backlog.bury(None, seconds=RETRY)

    assert records.finish({key: "text"}, owner="dead", version="") == set()
    assert row(key).state == "failed"


# When to try again -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempts", "times"), [(0, 1), (1, 1), (2, 4), (3, 16), (4, 64), (5, 256), (6, 256), (1000, 256)]
)
def test_each_attempt_waits_four_times_as_long_as_the_one_before(attempts, times):
    later = [rows.retry_at(attempts, RETRY) for _ in range(20)]

    most = 1 if attempts <= 1 else 1.25
    assert hence(times * RETRY - 5) < min(later)
    assert max(later) < hence(times * most * RETRY + 5)
    assert len({round(each.timestamp()) for each in later}) > (attempts > 1)  # what failed together is spread


def test_an_attempt_counts_when_it_begins_and_a_success_takes_all_back(add):
    (key,) = add("a.jpg")

    counts = []
    for owner in ("one", "two"):
        records.claim([key], version="", owner=owner, seconds=-1)
        counts.append(row(key).attempts)
    records.finish({key: "text"}, owner="two", version="")

    assert counts == [1, 2]
    assert (row(key).attempts, row(key).state) == (0, "ready")


@pytest.mark.parametrize("retry", [RETRY, 0])
def test_a_failure_waits_the_longer_the_more_often_it_fails(add, settings, log, retry):
    settings.RESPONSIVE_IMG_RETRY = retry
    (key,) = add("gone.jpg")
    waits = []
    for _ in range(3):
        process_queue()
        waits.append(round((row(key).not_before - timezone.now()).total_seconds()))
        records.picture_model().objects.update(not_before=hence(-1))

    assert row(key).attempts == 3
    assert retry - 5 <= waits[0] <= retry
    assert 4 * retry - 5 <= waits[1] <= 5 * retry
    assert 16 * retry - 5 <= waits[2] <= 20 * retry
    assert len(log()) == 3


# By hand -----------------------------------------------------------------------------------------------


@pytest.fixture
def troubled(add):
    """Return pictures in every state, by state."""
    failed = {"source": {"state": "failed", "error": "E: x", "retry_at": hence(60)}}
    return {
        "failed": add("a.jpg", **failed, state="failed", attempts=5, not_before=hence(60))[0],
        "other": add("b.jpg", **failed, state="failed", attempts=5, not_before=hence(60))[0],
        "building": add("c.jpg", state="building", owner="one", lease_until=hence(60), attempts=2)[0],
        "ready": add("d.jpg", state="ready", renditions="text")[0],
        "queued": add("e.jpg", owner="hook", lease_until=hence(60))[0],
    }


def test_what_is_queued_again_is_as_if_nobody_had_tried(troubled):
    count = backlog.requeue()

    found = row(troubled["failed"])
    assert count == 2
    assert states() == ["building", "queued", "queued", "queued", "ready"]
    assert (found.owner, found.lease_until, found.attempts, found.not_before) == ("", None, 0, None)
    assert (found.source.state, found.source.error, found.source.retry_at) == ("new", "", None)
    assert row(troubled["building"]).owner == "one"
    assert row(troubled["queued"]).owner == "hook"


def test_only_sources_that_were_named_are_queued_again(troubled):
    assert backlog.requeue(["a.jpg", "d.jpg", "none.jpg"]) == 1
    assert (row(troubled["failed"]).state, row(troubled["other"]).state) == ("queued", "failed")
    assert row(troubled["other"]).source.state == "failed"


@pytest.mark.parametrize(("names", "count"), [((), 3), (("c.jpg",), 1)])
def test_what_is_being_built_is_queued_too_if_that_is_wanted_and_its_builder_comes_too_late(
    troubled, names, count
):
    assert backlog.requeue(names, include_stale=True) == count

    key = troubled["building"]
    assert (row(key).state, row(key).attempts) == ("queued", 0)
    assert records.finish({key: "text"}, owner="one", version="") == set()


def test_what_was_given_up_is_queued_again_without_its_reason(died):
    key = died("a.jpg", 3)
    backlog.bury(None, seconds=RETRY)

    assert backlog.requeue() == 1

    assert (row(key).state, row(key).attempts, row(key).source.error) == ("queued", 0, "")
    assert backlog.status(20).failures == []


def test_what_takes_too_long_is_open_to_others_and_its_attempt_counts(died):
    old, young = died("a.jpg", 1, ago=-60), died("b.jpg", 1, ago=-110)  # of 120 s

    count = queue.take_over(30)

    assert count == 1
    assert set(records.claim([old, young], version="", owner="next", seconds=60)) == {old}
    assert (row(old).attempts, row(old).owner) == (2, "next")


@pytest.mark.parametrize(("seconds", "count"), [(leases.LEASE + 1, 0), (2 * leases.LEASE + 5, 1)])
def test_only_a_lease_that_is_far_too_long_says_that_a_clock_was_set_back(died, seconds, count):
    died("a.jpg", 1, ago=-seconds)  # another machine's clock may be a second ahead

    assert queue.take_over(30) == count


def test_what_is_taken_over_again_and_again_is_given_up_all_the_same(add):
    (key,) = add("poison.jpg")

    for _ in range(rows.MAX_ATTEMPTS):
        queue.take_over(0)
        assert records.claim([key], version="", owner="doomed", seconds=leases.LEASE)
    queue.take_over(0)
    backlog.bury(None, seconds=RETRY)

    assert (row(key).state, row(key).attempts) == ("failed", 3)
    assert records.claim([key], version="", owner="next", seconds=60) == {}


# How it stands -----------------------------------------------------------------------------------------


def test_an_empty_queue_has_every_state_none_times(db):
    assert backlog.status(20) == (dict.fromkeys(("queued", "building", "ready", "failed"), 0), 0, [])
    assert backlog.count_open_sources() == 0


def test_states_are_counted_and_reasons_named(troubled, died):
    died("f.jpg", 1)

    status = backlog.status(1)

    assert status.counts == {"queued": 1, "building": 2, "ready": 1, "failed": 2}
    assert list(status.counts) == ["queued", "building", "ready", "failed"]
    assert status.stale == 1
    assert status.failures == [("a.jpg", "E: x")]
    assert backlog.status(20).failures == [("a.jpg", "E: x"), ("b.jpg", "E: x")]


def test_a_source_with_several_open_pictures_counts_once(troubled, died, add):
    add("e.jpg", "w30", "w40")
    died("f.jpg", 1)
    died("g.jpg", 3)

    assert backlog.count_open_sources() == 2
    assert backlog.queued_sources(10) == sorted([source_key("e.jpg"), source_key("f.jpg")])
    assert backlog.queued_sources(1) == backlog.queued_sources(10)[:1]
    assert backlog.queued_sources(10, after=backlog.queued_sources(1)[0]) == backlog.queued_sources(10)[1:]


def test_the_open_pictures_of_sources_come_with_them_in_one_query(add, django_assert_num_queries):
    wanted = [*add("a.jpg", "w20", "w30"), *add("b.jpg")]
    add("a.jpg", "w40", state="ready")

    with django_assert_num_queries(1):
        found = backlog.queued([source_key("a.jpg"), source_key("b.jpg")])
        assert {picture.source.name for picture in found} == {"a.jpg", "b.jpg"}

    assert {picture.key for picture in found} == set(wanted)
    assert backlog.queued([]) == []


# One worker --------------------------------------------------------------------------------------------


def test_a_worker_tells_what_it_has_done_and_stops_when_it_should(add, save_file):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        save_file(name)
        add(name)
    built: list[str] = []

    ended = queue.work(should_stop=lambda: len(built) == 2, built=built.append)

    assert ended == (2, 0, False)
    assert len(set(built)) == 2
    assert states() == ["queued", "ready", "ready"]
    assert queue.work(built=built.append) == (1, 0, True)
    assert sorted(built) == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("most", "ended"), [(0, (4, 4, True)), (1, (1, 1, False)), (3, (3, 3, False)), (9, (4, 4, True))]
)
def test_a_worker_stops_after_so_many_errors(add, log, most, ended):
    for name in "abcd":
        add(f"{name}.jpg")

    assert queue.work(max_errors=most) == ended
    assert states() == ["failed"] * ended[1] + ["queued"] * (4 - ended[1])


def test_what_another_has_taken_since_is_passed_over(add, save_file, monkeypatch):
    (key,) = add(save_file("a.jpg"))
    real = backlog.queued

    def queued(source_keys):
        records.claim([key], version="", owner="quicker", seconds=60)
        return real(source_keys)

    monkeypatch.setattr(backlog, "queued", queued)

    assert queue.work() == (0, 0, True)
    assert row(key).owner == "quicker"


# A part that is built, and a source that is replaced ---------------------------------------------------


@pytest.fixture
def claimed(add):
    found = add("a.jpg", "w20", "w30")
    records.claim(found, version="", owner="one", seconds=60)
    return found


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_part_is_kept_and_the_rest_queued(claimed, seconds):
    kept = records.keep(dict.fromkeys(claimed, "part"), owner="one", version="", seconds=seconds)

    found = row(claimed[0])
    assert kept == set(claimed)
    assert (found.state, found.renditions, found.attempts) == ("queued", "part", 0)
    assert (found.lease_until is None) == (seconds == 0)
    assert records.claim(claimed, version="", owner="two", seconds=60) == dict.fromkeys(claimed, "part")
    handed = records.open_for_hook([], [], claimed, owner="hook", seconds=60)
    assert handed == set()


def test_the_rest_is_not_handed_over_again_before_its_time(claimed):
    records.keep({claimed[0]: "part"}, owner="one", version="", seconds=60)
    records.keep({claimed[1]: "part"}, owner="one", version="", seconds=0)

    assert records.open_for_hook([], [], claimed, owner="hook", seconds=60) == {claimed[1]}


def test_only_the_owner_can_keep_a_part(claimed):
    assert records.keep(dict.fromkeys(claimed, "part"), owner="two", version="", seconds=60) == set()
    assert [row(key).state for key in claimed] == ["building"] * 2
    assert [row(key).renditions for key in claimed] == [""] * 2


def test_a_part_of_a_source_that_was_replaced_is_not_kept(claimed):
    records.source_model().objects.update(version="2")

    kept = records.keep(dict.fromkeys(claimed, "part"), owner="one", version="", seconds=60)

    found = row(claimed[0])
    assert kept == set()
    assert (found.state, found.renditions, found.lease_until) == ("queued", "", None)


def test_a_replaced_source_has_everything_built_anew_and_a_clean_slate(add):
    known = {
        "state": "failed",
        "error": "E: x",
        "retry_at": hence(60),
        "width": 8,
        "height": 4,
        "format": "png",
    }
    values = {"state": "building", "owner": "one", "lease_until": hence(60), "attempts": 5}
    found = add("a.jpg", "w20", "w30", source=known, renditions="text", not_before=hence(60), **values)
    (other,) = add("b.jpg", state="ready", renditions="text")

    replaced = records.replace(source_key("a.jpg"), "2")

    assert sorted(replaced) == sorted(found)
    for key in found:
        picture = row(key)
        assert (picture.state, picture.renditions, picture.owner, picture.attempts) == ("queued", "", "", 0)
        assert (picture.lease_until, picture.not_before) == (None, None)
    source = picture.source
    assert (source.version, source.state, source.error, source.retry_at) == ("2", "new", "", None)
    assert (source.width, source.height, source.format) == (None, None, "")
    assert row(other).state == "ready"


def test_a_source_that_nobody_knows_is_not_replaced(db):
    assert records.replace(source_key("a.jpg"), "2") == []
    assert not records.source_model().objects.exists()


# A process that must not write -------------------------------------------------------------------------


def write(nothing: Callable[[], Any]) -> Callable[[int], Any]:
    @rows.unless_read_only(nothing)
    def written(number: int) -> int:
        """Write."""
        return number

    return written


def test_a_writer_writes_unless_the_process_must_not(settings):
    written = write(list)

    first = written(1)
    settings.RESPONSIVE_IMG_READ_ONLY = True
    second, third = written(1), written(1)

    assert (first, second, third) == (1, [], [])
    assert second is not third
    assert (written.__name__, written.__doc__) == ("written", "Write.")


HEADER = Header("jpeg", Size(8, 4))
KEY, SOURCE = "k" * 22, "s" * 22
WRITERS: dict[str, tuple[Callable[[], Any], Any]] = {
    "insert": (lambda: records.insert([records.source_model()(key="new")], []), None),
    "open_for_hook": (lambda: records.open_for_hook([], [], [KEY], owner="x", seconds=60), set()),
    "claim": (lambda: records.claim([KEY], version="", owner="x", seconds=60), {}),
    "release": (lambda: records.release([KEY]), None),
    "finish": (lambda: records.finish({KEY: ""}, owner="one", version=""), set()),
    "keep": (lambda: records.keep({KEY: ""}, owner="one", version="", seconds=0), set()),
    "reopen": (lambda: backlog.reopen([KEY]), None),
    "describe": (lambda: records.describe({SOURCE: HEADER}), None),
    "fail": (lambda: records.fail(SOURCE, [KEY], owner="one", version="", error="E", seconds=0), True),
    "replace": (lambda: records.replace(SOURCE, "2"), []),
    "bury": (lambda: backlog.bury(None, seconds=0), []),
    "requeue": (lambda: backlog.requeue(include_stale=True), 0),
    "release_stale": (lambda: leases.release_stale(0), 0),
    "take_over": (lambda: queue.take_over(0), 0),
    "process_queue": (process_queue, 0),
    "build_img_queue": (lambda: call_command("build_img_queue", verbosity=0), None),
    "build": (lambda: call_command("responsive_img", "build", "--stale-after=0", verbosity=0), None),
    "requeue command": (
        lambda: call_command("responsive_img", "requeue", "--include-stale", verbosity=0),
        None,
    ),
    "status": (lambda: backlog.status(1).stale, 1),
    "run": (lambda: run(job_for("w20")), set()),
    "run of what nobody knows": (lambda: run(job_for("w99")), set()),
    "invalidate": (lambda: invalidate("photos/cat.jpg"), None),
}


@pytest.fixture
def statements(db):
    """Return the statements other than SELECT so far."""
    found: list[str] = []

    def execute(run_statement, sql, params, many, context):
        if not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE")):
            found.append(sql)
        return run_statement(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield found


def everything() -> tuple[Any, ...]:
    """Return all rows, and all files."""
    media = Path(default_storage.path(""))
    return (
        list(records.source_model().objects.order_by("key").values()),
        list(records.picture_model().objects.order_by("key").values()),
        {str(path): path.read_bytes() for path in media.rglob("*") if path.is_file()},
    )


@pytest.mark.parametrize("call", WRITERS)
def test_a_process_that_must_not_write_writes_nothing_whatever_is_called(
    add, save_file, settings, statements, call
):
    add(save_file("photos/cat.jpg"))
    add("photos/gone.jpg", state="failed", not_before=hence(-1))
    add("photos/dead.jpg", state="building", owner="one", lease_until=hence(-1), attempts=3)
    before = everything()
    statements.clear()
    settings.RESPONSIVE_IMG_READ_ONLY = True
    act, expected = WRITERS[call]

    found = act()

    assert statements == []
    assert everything() == before
    assert found == expected


SHOWN: dict[str, Callable[[Any, Any], Any]] = {
    "page": lambda page, photo: page("django", ONE_FILE, {"photo": photo}).content.decode(),
    "in Jinja2": lambda page, photo: page("jinja2", ONE_FILE, {"photo": photo}).content.decode(),
    "built here": lambda page, photo: page(
        "django", ONE_FILE.replace(" alt", ' build="all" alt'), {"photo": photo}
    ).content.decode(),
    "bound": lambda page, photo: Img(width=20)(photo.image, alt="", build="all").as_html(),
    "at once": lambda page, photo: Img(width=20)(photo.image, build="src", immediate=True).base_url(),
    "build": lambda page, photo: Img(width=20)(photo.image).build("all"),
}


@pytest.mark.parametrize("hook", ["build_now", "enqueue", "thread"])
@pytest.mark.parametrize("state", ["new", "queued", "unreadable", "dead", "failed"])
@pytest.mark.parametrize("shown", SHOWN)
def test_a_process_that_must_not_write_shows_the_source_and_writes_nothing(
    page, photo, settings, statements, shown, state, hook
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    if state != "new":
        page("django", ONE_FILE, {"photo": photo})
        Img(width=20)(photo.image, alt="").as_html()
        cache.clear()
    found: dict[str, dict[str, Any]] = {
        "unreadable": {"state": "ready", "renditions": "?"},
        "dead": {"state": "building", "owner": "x", "lease_until": hence(-1), "attempts": 3},
        "failed": {"state": "failed", "not_before": hence(-1)},
    }
    records.picture_model().objects.update(**found.get(state, {"state": "queued"}))
    before = everything()
    statements.clear()
    settings.RESPONSIVE_IMG_READ_ONLY = True
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{hook}"

    html = SHOWN[shown](page, photo)

    assert statements == []
    assert everything() == before
    assert html is None or "/media/photos/cat.jpg" in html


def test_a_process_that_must_not_write_saves_a_model_that_is_queued_on_save(
    make_photo, settings, statements, django_capture_on_commit_callbacks
):
    settings.RESPONSIVE_IMG_READ_ONLY = True

    with django_capture_on_commit_callbacks(execute=True):
        photo = make_photo()
        photo.image.save("photos/other.jpg", ContentFile(drawn()))
    batch = ImageBatch()
    Img(batch=batch, width=20)(photo.image, build="src")
    batch.build()
    with immediate():
        finalize("")

    assert not [sql for sql in statements if '"responsive_img_' in sql]
    assert not Path(default_storage.path("renditions")).exists()


def test_what_others_have_built_is_shown_by_a_process_that_must_not_write(page, photo, settings):
    page("django", ONE_FILE, {"photo": photo})
    cache.clear()
    settings.RESPONSIVE_IMG_READ_ONLY = True

    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP


def test_a_worker_that_must_not_write_does_not_say_that_it_has_built(add, save_file, settings):
    add(save_file("a.jpg"))
    settings.RESPONSIVE_IMG_READ_ONLY = True

    assert queue.work().sources == 0
