"""Rows 33 to 35 of the fault programme, with real processes, and all of it at once."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from responsive_img import backlog, building, conf, leases, queue, records
from responsive_img.hooks import run
from responsive_img.queue import process_queue
from templatetags_tests.conftest import MARKUP, ONE_FILE, Router, drawn
from templatetags_tests.test_building import CountingEngine, files, job_for, row
from templatetags_tests.test_workers import FILES, PATIENCE, Site, is_dead, names, on_sqlite, until
from templatetags_tests.test_workers import any_site as any_site
from templatetags_tests.test_workers import site as site

BUILD = ("responsive_img", "build", "--workers", "2")
REASON = "The process that built it died, 3 times."
HOUR = timedelta(hours=1)

# 33: a poison image kills its worker -------------------------------------------------------------------


def test_row_33_a_poison_image_kills_three_then_is_given_up_and_the_others_proceed(site):
    (key,) = site.queue("poison.jpg")
    site.queue(*names(6))
    poison = site.pictures.filter(key=key)
    deaths = []

    for _ in range(3):
        code, _ = site.run(*BUILD)
        deaths.append((code, poison.get().state, poison.get().attempts))
        site.end_leases()
    code, _ = site.run(*BUILD)

    assert deaths == [(0, "building", 1), (0, "building", 2), (0, "building", 3)]
    assert (code, poison.get().state, poison.get().attempts) == (0, "failed", 3)
    assert site.errors() == [REASON]
    assert Counter(name for _, name in site.notes("began"))["poison.jpg"] == 3
    assert site.built() == dict.fromkeys(names(6), 1)
    assert site.states() == {"ready": 6, "failed": 1}
    assert len(site.files()) == 6 * FILES


def test_row_33_it_is_given_up_where_nobody_waits_for_leases_too(site):
    site.queue("poison.jpg", *names(3))
    parent = site.start(*BUILD, "--watch", "--stale-after", "0.5")

    until(lambda: site.states() == {"ready": 3, "failed": 1})

    assert len(site.workers(parent)) <= 2
    assert site.errors() == [REASON]
    assert Counter(name for _, name in site.notes("began"))["poison.jpg"] == 3


def test_row_33_a_poison_image_that_is_given_up_costs_the_page_nothing(photo, page, settings, storage_calls):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    page("django", ONE_FILE, {"photo": photo})
    past = timezone.now() - timedelta(seconds=1)
    records.picture_model().objects.update(state="building", owner="dead", lease_until=past, attempts=3)
    cache.clear()

    first = page("django", ONE_FILE, {"photo": photo})
    storage_calls.clear()
    second = page("django", ONE_FILE, {"photo": photo})

    picture = records.picture_model().objects.select_related("source").get()
    assert (picture.state, picture.source.error) == ("failed", REASON)
    assert b'src="/media/photos/cat.jpg"' in first.content
    assert first.content == second.content
    assert first.responsive_img_pending == second.responsive_img_pending == 0
    assert storage_calls == {}


def test_row_33_a_poison_image_in_a_child_fails_at_once_and_kills_no_worker(site):
    settings = next(iter(site.media.parent.glob("site_settings.py")))
    settings.write_text(settings.read_text() + 'RESPONSIVE_IMG_ISOLATION = "process"\n')
    site.queue("poison.jpg", *names(2))
    noting = site.media.parent / "noting.py"
    # The child gets neither this environment nor the name of the file.
    noting.write_text(
        noting.read_text()
        + "def render(self, file, variants):\n"
        + "    if file.seek(0, 2) < 10_000: yield from PillowEngine.render(self, (file.seek(0), file)[1], variants)\n"
        + "    else: os.kill(os.getpid(), signal.SIGKILL)\n"
        + "Engine.render = render\n"
    )
    poison = site.media / "photos" / "poison.jpg"
    poison.write_bytes(poison.read_bytes() + bytes(10_000))

    code, _ = site.run("responsive_img", "build")

    assert code == 0
    assert site.states() == {"ready": 2, "failed": 1}
    assert len(site.errors()) == 1


# 34: a worker dies with claims -------------------------------------------------------------------------


def test_row_34_what_a_dead_worker_had_claimed_is_taken_up_after_the_lease(any_site):
    any_site.queue(*names(4))
    worker = any_site.start("responsive_img", "build", slowly=20)
    until(lambda: any_site.notes("began"))
    worker.kill()
    worker.wait(PATIENCE)

    any_site.run("responsive_img", "build")
    before = any_site.states()
    count = any_site.end_leases()
    stale, _ = any_site.run("responsive_img", "status", "--fail-on-stale")
    any_site.run("responsive_img", "build")

    assert before == {"ready": 3, "building": 1}
    assert (count, stale) == (1, 1)
    assert any_site.states() == {"ready": 4}
    assert any_site.built() == dict.fromkeys(names(4), 1)
    assert any_site.run("responsive_img", "status", "--fail-on-stale")[0] == 0


def test_row_34_ten_pictures_of_one_dead_worker_are_all_taken_up(photo):
    job = job_for(*[f"w{width}" for width in range(20, 30)])
    run(job_for("w40"))
    before = len(files())
    pictures = records.picture_model().objects.filter(state="building")
    picture_keys = building.picture_keys(job, conf.current())
    source = building.source_record(building.source_of(job))
    new = [
        building.picture_record(key, source.key, spec)
        for key, spec in zip(picture_keys, job.specs, strict=True)
    ]
    records.insert([source], new)
    records.claim(picture_keys, version="", owner="dead", seconds=leases.LEASE)

    too_early = (process_queue(), pictures.count(), len(files()))
    pictures.update(lease_until=timezone.now() - timedelta(seconds=1))
    later = process_queue()

    assert too_early == (0, 10, before)
    assert (later, pictures.count()) == (1, 0)
    assert set(records.picture_model().objects.values_list("state", "owner", "attempts")) == {
        ("ready", "", 0)
    }


# 35: the clock jumps -----------------------------------------------------------------------------------


class Clock:
    """What Django takes for the time."""

    def __init__(self) -> None:
        self.jump = timedelta()
        self._now = timezone.now

    def __call__(self) -> Any:
        return self._now() + self.jump


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(timezone, "now", found)
    # What pages believe of pending pictures is kept by the same clock.
    real = time.time
    monkeypatch.setattr("responsive_img.lookup.time.time", lambda: real() + found.jump.total_seconds())
    return found


@pytest.fixture
def interrupted(settings, monkeypatch):
    """Return a function that has something happen once, in the middle of the next build."""
    settings.RESPONSIVE_IMG_ENGINE = f"{CountingEngine.__module__}.CountingEngine"
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))

    def arrange(act: Any) -> None:
        def once() -> None:
            monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))
            act()

        monkeypatch.setattr(CountingEngine, "before", staticmethod(once))

    return arrange


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forwards", "backwards"])
def test_row_35_a_build_during_which_the_clock_jumps_is_kept(photo, clock, interrupted, jump):
    job = job_for("w20")
    interrupted(lambda: setattr(clock, "jump", jump))

    run(job)

    assert (row(job).state, row(job).attempts) == ("ready", 0)
    assert len(files()) == 4


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forwards", "backwards"])
def test_row_35_who_comes_after_the_jump_makes_the_same_files_and_one_record(photo, clock, interrupted, jump):
    job = job_for("w20")
    begun = []

    def jumped() -> None:
        clock.jump = jump
        run(job)
        begun.append((row(job).state, len(files())))

    interrupted(jumped)

    run(job)

    assert begun == [("ready", 4) if jump > timedelta() else ("building", 0)]
    assert (row(job).state, row(job).owner, row(job).attempts) == ("ready", "", 0)
    assert len(files()) == 4
    assert cache.get(row(job).key) == row(job).renditions


def test_row_35_a_builder_that_loses_its_lease_to_a_jump_does_not_disturb_who_has_it(
    photo, clock, interrupted
):
    job = job_for("w20")

    def jumped() -> None:
        clock.jump = HOUR
        records.claim([row(job).key], version="", owner="next", seconds=leases.LEASE)

    interrupted(jumped)

    run(job)

    assert (row(job).state, row(job).owner) == ("building", "next")
    assert cache.get(row(job).key) is None


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forwards", "backwards"])
def test_row_35_a_queue_is_worked_off_whatever_the_clock_says(photo, page, settings, clock, jump):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    page("django", ONE_FILE, {"photo": photo})
    clock.jump = jump

    assert process_queue() == 1
    assert page("django", ONE_FILE, {"photo": photo}).content.decode() == MARKUP


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forwards", "backwards"])
def test_row_35_a_failure_is_tried_again_when_the_clock_has_come_so_far(photo, clock, log, jump):
    job = job_for("w20", name="gone.jpg")
    clock.jump = -jump
    run(job)
    clock.jump = timedelta()
    default_storage.save("gone.jpg", ContentFile(drawn()))

    after_jump = process_queue()
    clock.jump = HOUR + timedelta(seconds=301)
    process_queue()

    assert after_jump == (1 if jump > timedelta() else 0)
    assert row(job).state == "ready"


def dead_in_the_future(clock: Clock) -> Any:
    """Return the job of a builder that died while the clock was an hour ahead."""
    job = job_for("w20")
    source = building.source_record(building.source_of(job))
    (key,) = building.picture_keys(job, conf.current())
    records.insert([source], [building.picture_record(key, source.key, job.specs[0])])
    clock.jump = HOUR
    records.claim([key], version="", owner="dead", seconds=leases.LEASE)
    clock.jump = timedelta()
    return job


def test_row_35_who_died_while_the_clock_was_ahead_is_followed_when_it_has_come_so_far(photo, clock):
    job = dead_in_the_future(clock)

    too_early = process_queue()
    clock.jump = HOUR + timedelta(seconds=leases.LEASE + 1)

    assert (too_early, process_queue()) == (0, 1)
    assert row(job).state == "ready"


def test_row_35_or_at_once_by_hand(photo, clock):
    job = dead_in_the_future(clock)

    backlog.requeue(include_stale=True)

    assert (process_queue(), row(job).state) == (1, "ready")


def test_row_35_or_as_soon_as_somebody_does_not_wait_for_leases(photo, clock):
    job = dead_in_the_future(clock)

    queue.take_over(30)

    assert (process_queue(), row(job).state) == (1, "ready")


# All at once -------------------------------------------------------------------------------------------

SOURCES = 200
SECONDS = 60
KILLS = 10
MOST_DEATHS = 2  # of one picture: whatever kills three is poison


def test_workers_that_are_killed_and_a_cache_that_is_flushed_every_second_cost_no_picture(
    tmp_path, add_database, redis, page, settings
):
    add_database("site", on_sqlite(tmp_path))
    caches = f"CACHES = {settings.CACHES!r}"
    site = Site(tmp_path, on_sqlite(tmp_path), caches)
    try:
        kills, out = disturbed(site, redis)
    finally:
        site.close()

    assert kills >= 3
    assert "locked" not in out
    assert "Traceback" not in out
    assert set(site.pictures.values_list("state", "owner", "attempts", "lease_until")) == {
        ("ready", "", 0, None)
    }
    assert_files_are_whole(site, kills)
    assert len(site.notes("ended")) <= SOURCES + kills
    assert set(site.built()) == set(names(SOURCES))
    settings.DATABASE_ROUTERS = [Router(reads="site", writes="site")]
    settings.MEDIA_ROOT = str(site.media)
    line = '{% for name in names %}{% img "photos/"|add:name width=20 densities="1" alt="" %}{% endfor %}'
    response = page("django", line, {"names": names(SOURCES)})
    assert response.responsive_img_pending == 0
    shown = set(re.findall(rb"/media/renditions/photos/([^ \",]+)", response.content))
    assert {name.decode() for name in shown} == {name for name in site.files() if not name.startswith(".")}


def disturbed(site: Site, redis: Any) -> tuple[int, str]:
    """Let four workers build all, killing one and flushing the cache every second; return the number of kills."""
    chance = random.Random(4)  # noqa: S311 - whom to kill
    end = time.monotonic() + SECONDS
    site.queue(*names(SOURCES))
    parent = site.start(
        "responsive_img", "build", "--watch", "--workers", "4", "--stale-after", "3", slowly=0.05
    )
    until(lambda: site.notes("began"))
    deaths: Counter[str] = Counter()
    while site.states()["ready"] < SOURCES:
        assert time.monotonic() < end, (site.states(), deaths)
        time.sleep(1)
        redis.flushdb()
        at_work = dict(site.notes("began"))
        mortal = [pid for pid in site.workers(parent) if deaths[at_work.get(pid, "")] < MOST_DEATHS]
        if mortal and deaths.total() < KILLS:  # pragma: no branch - a quick machine is done before
            pid = chance.choice(mortal)
            os.kill(pid, signal.SIGKILL)
            until(partial(is_dead, pid))
            deaths[dict(site.notes("began")).get(pid, "")] += 1
    parent.terminate()
    out, _ = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0
    return deaths.total(), out


def assert_files_are_whole(site: Site, kills: int) -> None:
    """Assert that there is each file once, complete, and of temporary files at most one of each who was killed."""
    renditions = site.media / "renditions" / "photos"
    found = [path for path in renditions.iterdir() if not path.name.startswith(".ri-")]
    left = len(list(renditions.iterdir())) - len(found)

    assert left <= kills
    assert len(found) == SOURCES * FILES
    assert {re.sub(r"\.[0-9a-f]{8}\.", ".", path.name) for path in found} == {
        f"{name.removesuffix('.jpg')}-20w.{extension}"
        for name in names(SOURCES)
        for extension in ("jpg", "webp")
    }
    assert len({path.read_bytes() for path in found}) == FILES  # of the same picture: the same bytes
    for path in found[:FILES]:
        with Image.open(path) as picture:
            picture.load()
