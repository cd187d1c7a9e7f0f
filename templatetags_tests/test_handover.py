"""Who is asked to build, when, and how often; and what the page shows meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from responsive_img import Img, building, hooks, invalidate, lookup, manifest, records, signals
from responsive_img.engine import PillowEngine
from responsive_img.hooks import BuildJob, run
from responsive_img.queue import process_queue
from templatetags_tests.conftest import MARKUP, ONE_FILE
from templatetags_tests.test_hooks_brokers import later, states

NAMES = ("photos/a.jpg", "photos/b.jpg")
TIERS = "".join(f'{{% img "{name}" width=20 densities="1" formats="avif webp" alt="" %}}' for name in NAMES)
ONE = '{% img "photos/a.jpg" width=20 format="webp" densities="1" alt="" %}'
SRC = '{% img "photos/a.jpg" width=20 build="src" alt="" %}'
SOURCE = b'<img src="/media/photos/a.jpg" width="20" height="10" alt="" loading="lazy" decoding="async">'

SENT: list[str] = []
ENCODED: list[tuple[str, str]] = []
# What is done when a header is read the next time.
MEANWHILE: list[Callable[[], object]] = []


def send(jobs):
    SENT.extend(json.dumps(job.as_dict()) for job in jobs)


def refuse(jobs):
    raise ConnectionError("no broker")


def take_and_refuse(jobs):
    """Send the first message, whose worker is quick; then the broker is gone."""
    with override_settings(RESPONSIVE_IMG_READ_ONLY=False):
        run(jobs[0])
    raise ConnectionError("no broker")


def deliver() -> None:
    """Do what workers do with all messages."""
    for text in SENT:
        run(BuildJob.from_dict(json.loads(text)))


class NotingEngine(PillowEngine):
    def read_header(self, file):
        if MEANWHILE:
            MEANWHILE.pop()()
        return super().read_header(file)

    def render(self, file, variants):
        for variant, content in super().render(file, variants):
            ENCODED.append((Path(file.name).name, variant.format))
            yield variant, content


@pytest.fixture(autouse=True)
def _empty(settings):
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.NotingEngine"
    SENT.clear()
    ENCODED.clear()
    MEANWHILE.clear()


@pytest.fixture
def files(transactional_db, save_file):
    for name in NAMES:
        save_file(name)


@pytest.fixture
def use(settings, files):
    """Return a function that sets the hook, by name in `hooks` or in this module."""

    def used(name):
        module = __name__ if name in {"send", "refuse", "take_and_refuse"} else "responsive_img.hooks"
        settings.RESPONSIVE_IMG_BUILD_HOOK = f"{module}.{name}"

    return used


@pytest.fixture
def announced():
    """Return the jobs of each `queued_img`."""
    heard: list[list[BuildJob]] = []

    def hear(sender, jobs, **kwargs):
        assert sender is records.picture_model()
        heard.append(list(jobs))

    signals.queued_img.connect(hear)
    yield heard
    signals.queued_img.disconnect(hear)


# Tiers: what is quick before what is slow ------------------------------------------------------------------


def test_build_now_encodes_what_is_cheap_of_all_pictures_before_any_avif(page, use):
    use("build_now")

    response = page("django", TIERS)

    cheap, slow = ENCODED[:4], ENCODED[4:]
    assert sorted(cheap) == [("a.jpg", "jpeg"), ("a.jpg", "webp"), ("b.jpg", "jpeg"), ("b.jpg", "webp")]
    assert slow == [("a.jpg", "avif"), ("b.jpg", "avif")]
    assert response.content.count(b'type="image/avif"') == response.content.count(b'type="image/webp"') == 2
    assert response.responsive_img_pending == 0


def test_a_picture_of_avif_alone_is_encoded_after_what_is_cheap_of_the_others(page, use):
    use("build_now")

    page("django", f'{{% img "photos/a.jpg" width=20 densities="1" format="avif" alt="" %}}{TIERS}')

    formats = [format for _, format in ENCODED]
    assert formats.index("avif") == 4


def test_avif_that_the_budget_leaves_is_built_by_the_next_view_and_nothing_else_again(
    page, use, monkeypatch, settings
):
    use("build_now")
    over = [False]
    monkeypatch.setattr("responsive_img.building.is_over_budget", lambda: over[0])
    build_jobs = building.build_jobs

    def spend(jobs, **options):
        build_jobs(jobs, **options)
        over[0] = True

    monkeypatch.setattr(building, "build_jobs", spend)
    first = page("django", TIERS)
    encoded = list(ENCODED)
    left = list(records.picture_model().objects.values_list("state", "lease_until"))
    over[0] = False
    monkeypatch.setattr(building, "build_jobs", build_jobs)
    ENCODED.clear()
    second = page("django", TIERS)

    assert {format for _, format in encoded} == {"jpeg", "webp"}
    assert b"image/avif" not in first.content
    assert first.content.count(b'type="image/webp"') == 2
    assert first.content.count(b'src="/media/renditions/') == 2
    assert first.responsive_img_pending == 2
    assert left == [("queued", None)] * 2
    assert ENCODED == [("a.jpg", "avif"), ("b.jpg", "avif")]
    assert second.content.count(b'type="image/avif"') == 2
    assert second.responsive_img_pending == 0


def test_avif_that_the_budget_leaves_is_built_by_the_worker_and_nothing_else_again(page, use, monkeypatch):
    use("build_now")
    monkeypatch.setattr(hooks, "_is_slow", lambda name, text: False)
    page("django", TIERS)
    ENCODED.clear()

    count = process_queue()

    assert count == 2
    assert sorted(ENCODED) == [("a.jpg", "avif"), ("b.jpg", "avif")]
    assert page("django", TIERS).content.count(b'type="image/avif"') == 2


def test_without_a_budget_nothing_is_encoded_and_the_worker_does_it_in_one_pass(page, use, settings):
    use("build_now")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    first = page("django", TIERS)
    before = list(ENCODED)
    process_queue()

    assert first.content.count(b'src="/media/photos/') == 2
    assert first.responsive_img_pending == 2
    assert before == []
    assert len(ENCODED) == 6
    assert page("django", TIERS).content.count(b'type="image/avif"') == 2


def test_a_budget_that_is_used_up_is_no_error(page, use, settings, log):
    use("build_now")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    assert page("django", TIERS).responsive_img_pending == 2
    assert log() == []


@pytest.mark.parametrize("path", ["nowhere.Nothing", "responsive_img.handover.HAND_OVER"])
def test_a_hook_that_leads_nowhere_leaves_its_rows_queued_and_is_asked_again_after_a_break(
    page, files, settings, log, path
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = path

    first, second = page("django", ONE), page("django", ONE)

    assert first.content == second.content == SOURCE
    assert first.headers["Cache-Control"] == "max-age=0"
    assert len(log()) == 1
    assert log()[0].startswith("The build hook raised; 1 job(s) stay queued")
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    assert process_queue() == 1


@pytest.mark.parametrize("build", ["src", "srcset"])
def test_what_has_just_failed_here_is_not_sent(page, use, announced, log, build):
    use("send")
    Path(default_storage.path(NAMES[0])).write_bytes(b"not a picture")

    response = page("django", ONE.replace("alt=", f'build="{build}" alt='))

    assert (response.responsive_img_pending, SENT, announced) == (0, [], [])
    assert len(log()) == 1


def test_enqueue_has_the_worker_build_everything_in_one_pass(page, use, monkeypatch):
    use("enqueue")
    decoded = []
    render = PillowEngine.render

    def note(self, file, variants):
        decoded.append(file.name)
        return render(self, file, variants)

    monkeypatch.setattr(PillowEngine, "render", note)
    page("django", TIERS)

    process_queue()

    assert len(decoded) == 2
    assert len(ENCODED) == 6
    assert states() == ["ready"] * 2


# `build`: in this process, whatever the hook ---------------------------------------------------------------


@pytest.mark.parametrize("hook", ["send", "enqueue"])
def test_the_src_is_built_here_and_the_rest_by_the_hook(page, use, hook):
    use(hook)

    first = page("django", SRC)
    here = list(ENCODED)
    ENCODED.clear()
    deliver() if hook == "send" else process_queue()
    last = page("django", SRC)

    assert here == [("a.jpg", "jpeg")]
    assert b'<img src="/media/renditions/photos/a-20w.' in first.content
    assert first.responsive_img_pending == 1
    assert len(SENT) == (hook == "send")
    assert sorted(ENCODED) == [("a.jpg", "jpeg"), ("a.jpg", "webp"), ("a.jpg", "webp")]
    assert last.content.count(b"<picture>") == 1
    assert last.responsive_img_pending == 0


@pytest.mark.parametrize("build", ["srcset", "all"])
def test_what_is_built_here_whole_is_not_sent(page, use, build):
    use("send")

    response = page("django", SRC.replace('"src"', f'"{build}"'))

    assert response.content.count(b"<picture>") == 1
    assert len(ENCODED) == 4
    assert SENT == []


def test_pictures_to_be_built_here_and_others_share_no_job(page, use):
    use("send")

    page("django", SRC.replace('"src"', '"all"') + ONE)

    assert [len(json.loads(text)["specs"]) for text in SENT] == [1]
    assert states() == ["queued", "ready"]


def test_the_src_that_is_built_here_is_built_once_and_the_rest_is_sent_once(page, use, storage_calls):
    use("send")
    page("django", SRC)
    lease = records.picture_model().objects.get().lease_until
    ENCODED.clear()
    storage_calls.clear()

    page("django", SRC)
    cache.clear()
    page("django", SRC)

    assert (ENCODED, len(SENT)) == ([], 1)
    assert (dict(storage_calls), records.picture_model().objects.get().lease_until) == ({}, lease)


def test_the_src_without_a_budget_is_sent_once(page, use, settings):
    use("send")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    for _ in range(3):
        page("django", SRC)

    assert len(SENT) == 1


@pytest.mark.parametrize("build", ["srcset", "all"])
def test_what_the_budget_leaves_of_a_build_is_sent_once_and_built_by_whoever_comes_first(
    page, use, settings, build
):
    use("send")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    pages = [page("django", SRC.replace("src", build)) for _ in range(3)]
    sent = len(SENT)

    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    last = page("django", SRC.replace("src", build))
    encoded = len(ENCODED)
    deliver()

    assert [response.responsive_img_pending for response in pages] == [1] * 3
    assert (sent, len(SENT), encoded, len(ENCODED)) == (1, 1, 4, 4)
    assert last.content.count(b"<picture>") == 1


@pytest.mark.parametrize("build", ["src", "all"])
def test_what_somebody_builds_is_left_to_him_without_a_query_more_than_one(page, use, build, our_queries):
    use("send")
    page("django", ONE)
    (key,) = records.picture_model().objects.values_list("key", flat=True)
    records.claim([key], version="", owner="somebody", seconds=60)
    cache.clear()

    with our_queries() as queries:
        response = page("django", ONE.replace("alt=", f'build="{build}" alt='))

    assert response.content == SOURCE
    assert [query.partition(" ")[0] for query in queries] == ["SELECT"]
    assert len(SENT) == 1


def test_a_src_that_the_cheap_part_has_is_not_built_again(page, use, monkeypatch, storage_calls):
    use("build_now")
    monkeypatch.setattr(hooks, "_is_slow", lambda name, text: False)
    page("django", TIERS)
    use("send")
    ENCODED.clear()
    storage_calls.clear()

    response = page("django", TIERS.replace("alt=", 'build="src" alt='))

    assert (ENCODED, dict(storage_calls)) == ([], {})
    assert response.content.count(b'src="/media/renditions/') == 2


@pytest.mark.parametrize("hook", ["enqueue", "send"])
def test_a_source_with_a_record_but_without_a_size_is_measured_in_the_first_view_of_a_spec(
    page, use, settings, hook
):
    use(hook)
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    page("django", ONE)
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60

    response = page("django", ONE.replace("20", "30"))

    assert b'width="30" height="15"' in response.content
    assert records.source_model().objects.exclude(name=NAMES[0]).count() == 0
    assert records.source_model().objects.get().width == 80


@pytest.mark.parametrize("hook", ["enqueue", "build_now"])
def test_two_pictures_of_a_source_that_somebody_builds_are_measured_in_one_open(
    page, use, storage_calls, settings, hook
):
    two = ONE + ONE.replace("20", "30")
    use(hook)
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    page("django", two)
    keys = records.picture_model().objects.values_list("key", flat=True)
    records.claim(list(keys), version="", owner="somebody", seconds=60)
    cache.clear()
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    storage_calls.clear()

    response = page("django", two)

    assert storage_calls["open"] == 1
    assert response.content == SOURCE + SOURCE.replace(b"20", b"30").replace(b"10", b"15")


@pytest.mark.parametrize(("build", "encoded"), [("src", 1), ("srcset", 4), ("all", 4)])
def test_a_bound_image_builds_in_this_process_whatever_the_hook(use, build, encoded):
    use("send")

    Img(width=20)("photos/a.jpg").build(build)

    assert len(ENCODED) == encoded


def test_a_new_spec_of_a_broken_source_is_neither_built_nor_sent_before_its_retry(page, use, log):
    use("send")
    default_storage.delete(NAMES[0])
    page("django", ONE)
    deliver()
    later()

    response = page("django", ONE.replace("20", "30"))

    assert b'src="/media/photos/a.jpg"' in response.content
    assert response.responsive_img_pending == 0
    assert states() == ["failed"] * 2
    assert len(SENT) == len(log()) == 1


# Transactions ----------------------------------------------------------------------------------------------


def test_a_rolled_back_savepoint_sends_nothing_of_its_own(render, use):
    use("send")

    with transaction.atomic():
        render("django", ONE)
        with transaction.atomic():
            render("django", ONE.replace("20", "30"))
            transaction.set_rollback(True)

    assert len(SENT) == 1
    assert states() == ["queued"]


def test_a_hook_that_raises_on_commit_lets_the_callbacks_behind_it_run(render, use, log):
    use("refuse")
    after = []

    with transaction.atomic():
        render("django", ONE)
        transaction.on_commit(lambda: after.append(connection.in_atomic_block))

    assert after == [False]
    assert log() == ["The build hook raised; 1 job(s) stay queued"]


def test_a_callback_of_others_that_raises_keeps_no_job_from_being_sent(render, use):
    use("send")

    def fail():
        raise ZeroDivisionError

    with transaction.atomic():
        transaction.on_commit(fail, robust=True)
        render("django", ONE)

    assert len(SENT) == 1


def test_the_hook_is_called_outside_of_any_transaction(render, use, monkeypatch):
    use("send")
    seen = []
    monkeypatch.setattr(
        f"{__name__}.send",
        lambda jobs: seen.append((connection.in_atomic_block, states())),
    )

    with transaction.atomic():
        render("django", ONE)

    assert seen == [(False, ["queued"])]


def test_a_hook_and_a_database_that_fail_together_cost_one_line(page, use, log, monkeypatch):
    use("refuse")

    def down(keys, seconds):
        raise DatabaseError("down")

    monkeypatch.setattr(records, "release", down)

    response = page("django", ONE)

    assert response.content == SOURCE
    assert log() == ["The build hook raised; 1 job(s) stay queued"]


def test_a_hook_that_raises_is_asked_again(page, use, log):
    use("refuse")
    page("django", ONE)
    queued = states()
    use("send")
    later()

    response = page("django", ONE)
    deliver()

    assert queued == ["queued"]
    assert response.content == SOURCE
    assert response.responsive_img_pending == 1
    assert len(SENT) == 1
    assert states() == ["ready"]
    assert len(log()) == 1


def test_a_hook_that_raises_is_left_alone_for_a_minute(page, use, log):
    use("refuse")

    for _ in range(3):
        page("django", ONE)
        cache.clear()

    assert len(log()) == 1
    later(59)
    page("django", ONE)
    assert len(log()) == 1


def test_a_worker_of_the_queue_takes_at_once_what_a_hook_did_not(page, use):
    use("refuse")
    page("django", ONE)

    assert process_queue() == 1
    assert states() == ["ready"]


# The signal ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["send", "enqueue"])
def test_queued_img_is_sent_once_with_all_jobs(page, use, announced, hook):
    use(hook)

    page("django", TIERS)
    page("django", TIERS)
    cache.clear()
    page("django", TIERS)

    assert [[job.name for job in jobs] for jobs in announced] == [list(NAMES)]


def test_queued_img_is_not_sent_for_what_is_built_here(page, use, announced):
    use("build_now")

    page("django", TIERS + SRC)

    assert announced == []


def test_queued_img_is_not_sent_for_what_is_muted_or_rolled_back(page, render, use, announced):
    use("send")
    with signals.muted():
        page("django", ONE)
    with transaction.atomic():
        render("django", TIERS)
        transaction.set_rollback(True)

    assert announced == []
    assert len(SENT) == 1


@pytest.mark.parametrize("is_in_transaction", [False, True])
def test_queued_img_is_not_sent_for_what_the_hook_did_not_take(render, use, announced, is_in_transaction):
    use("refuse")

    with transaction.atomic() if is_in_transaction else nullcontext():
        render("django", ONE)

    assert announced == []
    assert states() == ["queued"]


def test_queued_img_is_sent_once_the_hook_takes_it(page, use, announced):
    use("refuse")
    page("django", ONE)
    use("send")
    later()

    page("django", ONE)

    assert [[job.name for job in jobs] for jobs in announced] == [["photos/a.jpg"]]


# READ_ONLY -------------------------------------------------------------------------------------------------

WRITES = ("INSERT", "UPDATE", "DELETE")


@pytest.fixture
def reads_only(settings, our_queries, storage_calls):
    """Make this process one that must not write; afterwards, assert that it has not."""
    settings.RESPONSIVE_IMG_READ_ONLY = True
    with our_queries() as queries:
        storage_calls.clear()
        yield
        calls = dict(storage_calls)
    assert [each for each in queries if each.startswith(WRITES)] == []
    assert {"save", "delete"} & calls.keys() == set()


@pytest.mark.parametrize("build", ["", 'build="src" ', 'build="all" '])
@pytest.mark.parametrize("hook", ["build_now", "enqueue", "thread"])
def test_a_reader_that_can_tell_nobody_shows_the_source_and_waits_for_nothing(
    page, use, hook, build, reads_only, announced, log, monkeypatch
):
    use(hook)
    monkeypatch.setattr(hooks._Builder, "_one", None)

    for _ in range(2):
        response = page("django", ONE.replace("alt=", f"{build}alt="))
        assert b'<img src="/media/photos/a.jpg"' in response.content
        assert response.responsive_img_pending == 0
        assert "Cache-Control" not in response.headers

    assert ENCODED == []
    assert announced == []
    assert hooks._Builder._one is None
    assert records.source_model().objects.count() == records.picture_model().objects.count() == 0
    assert log() == []


@pytest.mark.parametrize("is_broken", [False, True])
@pytest.mark.parametrize("hook", ["build_now", "enqueue", "thread"])
def test_a_reader_that_can_tell_nobody_looks_into_the_cache_alone_for_a_minute(
    page, use, settings, our_queries, storage_calls, wait, hook, is_broken
):
    use(hook)
    settings.RESPONSIVE_IMG_READ_ONLY = True
    if is_broken:
        Path(default_storage.path(NAMES[0])).write_bytes(b"not a picture")
    first = page("django", ONE)

    storage_calls.clear()
    with our_queries() as queries:
        second = page("django", ONE)

    assert second.content == first.content
    assert (queries, dict(storage_calls)) == ([], {})
    wait(lookup.UNFINISHED + 1)
    page("django", ONE)
    assert storage_calls == {"open": 1}


def test_a_reader_that_can_tell_somebody_does_not_believe_one_that_cannot(page, use, settings):
    settings.RESPONSIVE_IMG_READ_ONLY = True
    use("enqueue")
    page("django", ONE)
    use("send")

    assert page("django", ONE).responsive_img_pending == 1
    assert len(SENT) == 1


def test_whoever_may_build_does_not_believe_a_reader(page, use, settings):
    use("build_now")
    settings.RESPONSIVE_IMG_READ_ONLY = True
    before = page("django", ONE)
    settings.RESPONSIVE_IMG_READ_ONLY = False
    built = page("django", ONE)
    settings.RESPONSIVE_IMG_READ_ONLY = True

    assert before.content == SOURCE
    assert b'<img src="/media/renditions/photos/a-20w.' in built.content
    assert page("django", ONE).content == built.content


@pytest.mark.parametrize("hook", ["build_now", "enqueue", "thread"])
def test_a_reader_shows_the_source_in_the_size_of_the_layout(page, use, hook, reads_only):
    use(hook)

    assert page("django", ONE).content == SOURCE


def test_a_reader_sends_jobs_once_and_what_the_worker_builds_shows_up(page, use, settings, announced):
    use("send")
    settings.RESPONSIVE_IMG_READ_ONLY = True
    first = [page("django", ONE) for _ in range(3)]
    rows = records.picture_model().objects.count()
    settings.RESPONSIVE_IMG_READ_ONLY = False
    deliver()
    settings.RESPONSIVE_IMG_READ_ONLY = True

    last = page("django", ONE)

    assert [response.content for response in first] == [SOURCE] * 3
    assert [response.responsive_img_pending for response in first] == [1] * 3
    assert [response.headers["Cache-Control"] for response in first] == ["max-age=0"] * 3
    assert len(SENT) == 1
    assert len(announced) == 1
    assert rows == 0
    assert b'<img src="/media/renditions/photos/a-20w.' in last.content
    assert last.responsive_img_pending == 0


def test_a_reader_that_sends_writes_nothing(page, use, reads_only):
    use("send")

    page("django", ONE + SRC)

    assert [len(json.loads(text)["specs"]) for text in SENT] == [2]


@pytest.mark.parametrize("build", ["src", "all"])
def test_a_reader_sends_what_it_cannot_build_itself_once(page, use, reads_only, build):
    use("send")

    for _ in range(3):
        page("django", SRC.replace("src", build))

    assert len(SENT) == 1


def test_a_reader_does_not_send_again_what_was_sent(page, use, settings):
    use("send")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    page("django", ONE)
    cache.clear()
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    settings.RESPONSIVE_IMG_READ_ONLY = True

    response = page("django", ONE)

    assert (response.content, response.responsive_img_pending, len(SENT)) == (SOURCE, 1, 1)


@pytest.mark.parametrize("budget", [0, 60])
def test_a_reader_measures_as_far_as_the_budget_goes(page, use, settings, reads_only, budget):
    use("build_now")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = budget

    assert (page("django", ONE).content == SOURCE) == (budget == 60)


def test_a_reader_does_not_open_a_source_that_could_not_be_read(page, use, settings, storage_calls):
    use("send")
    default_storage.delete(NAMES[0])
    page("django", ONE)
    deliver()
    settings.RESPONSIVE_IMG_READ_ONLY = True
    cache.clear()
    storage_calls.clear()

    page("django", ONE + ONE.replace("20", "30"))

    assert storage_calls["open"] == 0


def test_a_reader_whose_hook_raises_has_a_whole_page(page, use, reads_only, log):
    use("refuse")

    response = page("django", ONE)

    assert response.content == SOURCE
    assert log() == ["The build hook raised; 1 job(s) stay queued"]


@pytest.fixture
def wait(monkeypatch):
    """Return a function that has so many seconds gone by for the cache and for what is in it."""
    real = time.time

    def waited(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + seconds)

    return waited


def test_a_reader_leaves_a_hook_that_raises_alone_for_a_minute(page, use, reads_only, announced, log, wait):
    use("refuse")
    page("django", ONE)
    wait(58)
    page("django", ONE)
    before = len(log())
    wait(61)
    page("django", ONE)
    refused = len(log())
    use("send")
    wait(122)

    response = page("django", ONE)

    assert (before, refused, len(SENT), len(announced)) == (1, 2, 1, 1)
    assert (response.content, response.responsive_img_pending) == (SOURCE, 1)


def test_what_a_hook_that_raises_had_taken_and_built_is_shown(page, use, settings):
    use("take_and_refuse")
    settings.RESPONSIVE_IMG_READ_ONLY = True
    page("django", ONE + ONE.replace("a.jpg", "b.jpg"))

    html = page("django", ONE + ONE.replace("a.jpg", "b.jpg")).content

    assert html.count(b'src="/media/renditions/') == 1


def as_worker(settings: Any) -> None:
    settings.RESPONSIVE_IMG_READ_ONLY = False
    deliver()
    settings.RESPONSIVE_IMG_READ_ONLY = True


def test_a_slow_reader_leaves_in_the_cache_what_was_built_meanwhile(page, use, settings, cache_calls):
    use("send")
    settings.RESPONSIVE_IMG_READ_ONLY = True
    page("django", ONE)
    cache.clear()
    MEANWHILE.append(lambda: as_worker(settings))

    slow = page("django", ONE)
    cache_calls.clear()
    last = page("django", ONE)

    assert b'<img src="/media/renditions/photos/a-20w.' in slow.content
    assert last.content == slow.content
    assert (slow.responsive_img_pending, last.responsive_img_pending) == (0, 0)
    assert cache_calls == {"get_many": 1}
    assert len(SENT) == 1


def test_of_two_readers_at_once_one_sends(page, use, reads_only, announced):
    use("send")
    MEANWHILE.append(lambda: page("django", ONE))

    response = page("django", ONE)

    assert (response.content, response.responsive_img_pending) == (SOURCE, 1)
    assert (len(SENT), len(announced)) == (1, 1)


def test_a_reader_that_sends_asks_the_cache_again_before_it_writes(page, use, reads_only, cache_calls):
    use("send")

    page("django", ONE + SRC)

    assert cache_calls == {"get_many": 2, "set_many": 1}


def test_a_reader_sends_again_what_was_forgotten(page, use, settings):
    use("send")
    page("django", ONE)
    deliver()
    invalidate(NAMES[0])
    settings.RESPONSIVE_IMG_READ_ONLY = True

    first = [page("django", ONE) for _ in range(2)]
    as_worker(settings)

    assert [response.content for response in first] == [SOURCE] * 2
    assert len(SENT) == 2
    assert b'<img src="/media/renditions/photos/a-20w.' in page("django", ONE).content


def test_what_a_reader_has_not_sent_it_believes_for_a_minute(page, use, settings, wait):
    """Somebody else has handed it over, but nobody has measured it."""
    use("send")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    page("django", ONE)
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    cache.clear()
    settings.RESPONSIVE_IMG_READ_ONLY = True
    first = page("django", ONE)
    found = manifest.loads(cache.get(records.picture_model().objects.get().key))

    assert first.content == SOURCE
    assert len(SENT) == 1
    assert found is not None
    assert time.time() < found.until <= time.time() + lookup.UNFINISHED


@pytest.mark.parametrize("hook", ["enqueue", "send"])
def test_a_reader_shows_what_others_have_built_so_far(page, use, settings, hook):
    use("enqueue")
    page("django", SRC)
    later(3600)
    settings.RESPONSIVE_IMG_READ_ONLY = True
    use(hook)

    response = page("django", SRC)

    assert b'<img src="/media/renditions/photos/a-20w.' in response.content
    assert response.responsive_img_pending == 1
    assert len(SENT) == (hook == "send")


def test_a_message_that_comes_to_a_reader_builds_nothing(use, page, settings):
    use("send")
    page("django", ONE)
    settings.RESPONSIVE_IMG_READ_ONLY = True

    deliver()

    assert ENCODED == []
    assert states() == ["queued"]
    assert not default_storage.exists("renditions")


def test_a_reader_waits_for_what_a_worker_is_going_to_build(page, use, settings):
    use("enqueue")
    page("django", ONE)
    later(3600)
    settings.RESPONSIVE_IMG_READ_ONLY = True

    assert page("django", ONE).responsive_img_pending == 1


def test_a_reader_shows_a_source_that_nobody_measured_in_its_size(page, use, settings):
    use("enqueue")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    page("django", ONE)
    cache.clear()
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    settings.RESPONSIVE_IMG_READ_ONLY = True

    assert page("django", ONE).content == SOURCE


# The page, when somebody else has the pictures ---------------------------------------------------------------


def test_the_markup_of_a_built_picture_is_what_the_page_shows_at_once(page, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.build_now"

    assert page("django", ONE_FILE, {"photo": photo}).content == MARKUP.encode()
