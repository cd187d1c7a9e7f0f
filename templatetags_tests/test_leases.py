from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.db.models import F
from django.utils import timezone
from PIL import Image, ImageStat

from responsive_img import ImageWarmer, Img, backlog, engine, invalidate, leases, queue, records, signals
from responsive_img.building import build_job
from responsive_img.hooks import BuildJob
from responsive_img.leases import LEASE, RENEWAL
from responsive_img.queue import process_queue
from responsive_img.rows import MAX_ATTEMPTS
from templatetags_tests.conftest import drawn
from templatetags_tests.models import Photo
from templatetags_tests.test_building import files, job_for, row

STALE = 30  # s


class SlowEngine(engine.PillowEngine):
    """Calls what a test does before its first file is written, and what it does once it is."""

    before: Callable[[], object] = staticmethod(lambda: None)
    after: Callable[[], object] = staticmethod(lambda: None)
    made = 0

    def render(self, file, variants):
        for number, each in enumerate(super().render(file, variants)):
            if number == 0:
                self.before()
            elif number == 1:
                self.after()
            type(self).made += 1
            yield each


@pytest.fixture
def clock(monkeypatch):
    """Return a function that lets time pass for leases alone."""
    seconds = time.monotonic()

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return seconds

    def passing(more: float) -> None:
        nonlocal seconds
        seconds += more
        building = records.picture_model().objects.filter(state="building")
        building.update(lease_until=F("lease_until") - timedelta(seconds=more))

    monkeypatch.setattr(leases, "time", Clock)
    return passing


@pytest.fixture
def slowly(settings, monkeypatch):
    """Return a function that has builds call something before and after the first file."""
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.SlowEngine"
    monkeypatch.setattr(SlowEngine, "made", 0)

    def calling(before: Callable[[], object], after: Callable[[], object] = lambda: None) -> None:
        monkeypatch.setattr(SlowEngine, "before", staticmethod(before))
        monkeypatch.setattr(SlowEngine, "after", staticmethod(after))

    return calling


@pytest.fixture
def steal(clock):
    """Return a function that takes a picture over from a builder that stands still, as another builder does."""

    def stolen(job: BuildJob) -> None:
        clock(STALE + 1)
        assert queue.take_over(STALE) == 1
        assert records.claim([row(job).key], version="", owner="other", seconds=LEASE)

    return stolen


def test_a_builder_that_gets_on_is_not_taken_over_however_long_it_takes(photo, slowly, clock):
    job = job_for("w20")
    taken: list[int] = []
    slowly(lambda: clock(STALE + 1), lambda: taken.append(queue.take_over(STALE)))

    assert build_job(job) == {row(job).key}
    assert taken == [0]
    assert (row(job).state, row(job).attempts, len(files())) == ("ready", 0, 4)


def test_one_that_is_quick_is_not_asked_for_a_renewal(photo, slowly, clock, our_queries):
    slowly(lambda: clock(0))
    with our_queries() as quick:
        build_job(job_for("w20"))
    slowly(lambda: clock(RENEWAL - 0.1))
    with our_queries() as less_quick:
        build_job(job_for("w24"))
    slowly(lambda: clock(RENEWAL + 0.1))
    with our_queries() as slow:
        build_job(job_for("w28"))

    def updates(statements: list[str]) -> int:
        return sum(statement.startswith("UPDATE") for statement in statements)

    assert updates(quick) == updates(less_quick) == updates(slow) - 1


def test_one_that_was_taken_over_ends_and_says_nothing(photo, slowly, steal, clock, log):
    job = job_for("w20")
    slowly(lambda: steal(job))
    sent: list[object] = []
    for signal in (signals.picture_built, signals.picture_failed):
        signal.connect(lambda **values: sent.append(values), weak=False, dispatch_uid="test_leases")

    assert build_job(job) == set()
    for signal in (signals.picture_built, signals.picture_failed):
        assert signal.disconnect(dispatch_uid="test_leases")
    assert SlowEngine.made == 1
    assert (row(job).state, row(job).owner) == ("building", "other")
    assert (log(), sent) == ([], [])


def test_one_whose_source_was_replaced_ends_and_the_picture_is_built_anew(photo, slowly, clock):
    job = job_for("w20")

    def replace() -> None:
        invalidate("photos/cat.jpg")
        clock(RENEWAL + 1)

    slowly(replace)

    assert build_job(job) == set()
    assert (SlowEngine.made, row(job).state) == (1, "queued")
    slowly(lambda: None)
    assert process_queue() == 1
    assert (SlowEngine.made, row(job).state) == (5, "ready")


def test_what_cannot_be_renewed_may_yet_end_well(photo, slowly, clock, monkeypatch):
    job = job_for("w20")
    asked: list[str] = []

    def down(picture_keys: object, owner: str) -> int:
        asked.append(owner)
        raise OperationalError("database is locked")

    monkeypatch.setattr(leases, "_renew", down)
    slowly(lambda: clock(RENEWAL + 1), lambda: clock(RENEWAL + 1))

    assert build_job(job) == {row(job).key}
    assert len(asked) == 2
    assert row(job).state == "ready"


def test_a_renewal_is_of_the_builders_own_pictures_alone(photo, slowly, clock):
    job, other = job_for("w20"), job_for("w24")
    build_job(other)
    until: list[object] = []

    def with_others() -> None:
        records.picture_model().objects.filter(key=row(other).key).update(
            state="building", owner=row(job).owner, lease_until=timezone.now()
        )
        clock(RENEWAL + 1)
        until.append(row(other).lease_until)

    slowly(with_others, lambda: until.append(row(other).lease_until))
    build_job(job)

    assert until[0] == until[1]


def test_one_that_is_built_by_somebody_else_already_is_not_renewed(photo, slowly, clock):
    job = job_for("w20")

    def built() -> None:
        records.picture_model().objects.update(state="ready", renditions="theirs")
        clock(RENEWAL + 1)

    slowly(built)

    assert build_job(job) == set()
    assert SlowEngine.made == 1


# Without versions: all builds of a source have the same names -----------------------------------------------


@pytest.fixture
def repainted(photo, settings):
    """Return a function that replaces the source under its name, where pages trust the warmer."""
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False

    def repaint() -> None:
        default_storage.delete("photos/cat.jpg")
        default_storage.save("photos/cat.jpg", ContentFile(drawn((80, 40), colour="lime")))
        invalidate("photos/cat.jpg")

    return repaint


def colours() -> set[str]:
    """Return what the files show: "old" or "new"."""
    found = set()
    for name in files():
        with default_storage.open(f"renditions/photos/{name}") as file, Image.open(file) as picture:
            corner = picture.convert("RGB").crop((picture.width - 2, 0, picture.width, 2))
            _, green, blue = ImageStat.Stat(corner).mean
            found.add("new" if green > blue else "old")
    return found


@pytest.mark.parametrize("build", ["all", "src"])
@pytest.mark.parametrize("is_noticed", [True, False])
def test_what_a_late_builder_has_written_over_is_built_again(
    photo, slowly, clock, repainted, is_noticed, build
):
    job = job_for("w20")

    def replaced() -> None:
        slowly(lambda: None)
        repainted()
        assert process_queue() == 1
        if is_noticed:
            clock(RENEWAL + 1)

    # Its first file comes before that, and what follows it after.
    slowly(lambda: None, replaced)

    assert build_job(job, build=build) == set()
    assert row(job).state == "queued"
    assert process_queue() == 1
    assert (row(job).state, colours()) == ("ready", {"new"})


def test_whoever_builds_meanwhile_is_followed_by_another(photo, slowly, clock, repainted):
    job = job_for("w20")

    def replaced() -> None:
        slowly(lambda: None)
        repainted()
        assert records.claim([row(job).key], version="", owner="quicker", seconds=LEASE)

    slowly(lambda: None, replaced)

    assert build_job(job) == set()
    assert (row(job).state, row(job).owner, row(job).attempts) == ("queued", "", 1)


def test_builders_do_not_drive_each_other_out_for_ever(photo, repainted):
    job = job_for("w20")
    build_job(job)
    for attempts in range(MAX_ATTEMPTS):
        assert backlog.build_over([row(job).key]) == [row(job).key]
        assert row(job).attempts == attempts
        assert records.claim([row(job).key], version="", owner="slow", seconds=LEASE)

    assert backlog.build_over([row(job).key]) == []
    assert row(job).owner == "slow"


def test_the_warmer_does_not_count_one_that_was_taken_over_as_failed(photo, slowly, steal):
    pictures = records.picture_model().objects

    def taken_over() -> None:
        slowly(lambda: None)
        steal(BuildJob(storage="default", name="photos/cat.jpg", specs=(pictures.get().spec,)))
        pictures.update(state="queued")  # the other builder has gone

    slowly(taken_over)

    warmer = ImageWarmer(Photo.objects.all(), rendition_key_set=[Img(width=20)], image_attr="image")
    _, failed = warmer.warm()
    assert failed == []
    assert (pictures.get().state, len(files())) == ("ready", 4)
