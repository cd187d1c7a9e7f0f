from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError, transaction
from django.utils import timezone
from PIL import Image

from responsive_img import Img, account, conf, engine, invalidate, keys, lookup, manifest, records, signals
from responsive_img import cache as picture_cache
from responsive_img.defaults import effective
from responsive_img.hooks import BuildJob, run
from responsive_img.specs import from_text

DRAWN: list[str] = []


class CountingEngine(engine.PillowEngine):
    """Notes what it decodes and makes, and calls what a test has put in its way."""

    before = staticmethod(lambda: None)

    def render(self, file, variants):
        DRAWN.append("decode")
        self.before()
        for variant, content in super().render(file, variants):
            DRAWN.append(f"{variant.format} {variant.label}")
            yield variant, content


@pytest.fixture
def drawings(settings, monkeypatch):
    """Return what the engine did so far."""
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.CountingEngine"
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))
    DRAWN.clear()
    return DRAWN


@pytest.fixture
def signalled():
    """Return the signals sent so far."""
    sent: list[tuple[Any, ...]] = []

    def built(sender, job, **kwargs):
        sent.append(("built", sender, job, None))

    def failed(sender, job, error, **kwargs):
        sent.append(("failed", sender, job, type(error).__name__))

    signals.picture_built.connect(built)
    signals.picture_failed.connect(failed)
    yield sent
    signals.picture_built.disconnect(built)
    signals.picture_failed.disconnect(failed)


def job_for(*specs: str, name: str = "photos/cat.jpg", **values: str) -> BuildJob:
    canonical = tuple(effective(from_text(spec), conf.current().defaults).text for spec in specs)
    return BuildJob(storage="default", name=name, specs=canonical, **values)


def row(job: BuildJob) -> Any:
    return records.picture_model().objects.get(key=keys.picture_key(job.storage, job.name, job.specs[0]))


def files() -> list[str]:
    return sorted(path.name for path in Path(default_storage.path("renditions")).rglob("*") if path.is_file())


def test_a_job_builds_where_no_rows_exist(photo, drawings, signalled):
    job = job_for("w20", field="templatetags_tests.Photo.image")

    run(job)

    found = manifest.loads(row(job).renditions)
    assert found is not None
    assert row(job).state == "ready"
    named = " ".join([found.srcset, *[text for _, text in found.sources]])
    assert {part.rpartition("/")[2] for part in named.split() if "/" in part} == set(files())
    assert len(files()) == 4
    assert manifest.loads(cache.get(row(job).key)) is found
    source = records.source_model().objects.get()
    assert (source.storage, source.name, source.field) == ("default", "photos/cat.jpg", job.field)
    assert (source.width, source.height, source.format, source.state) == (80, 40, "jpeg", "known")
    assert signalled == [("built", records.picture_model(), job, None)]


def test_who_is_asked_for_what_is_built_tells_the_cache(photo, drawings, cache_calls, monkeypatch):
    # A reader asks whose replica lags, or whose cache has lost it: what it has written there says "to come".
    job = job_for("w20", "w24")
    run(job)
    picture_keys = [row(job).key, row(job_for("w24")).key]
    built = [cache.get(key) for key in picture_keys]
    cache.delete(picture_keys[0])
    to_come = manifest.compose((), (20, 10), state=manifest.PENDING, until=2**40)
    cache.set(picture_keys[1], to_come.dumps())
    cache_calls.clear()
    seconds: list[int] = []
    write = picture_cache.write

    def noting(texts, timeout, config, **options):
        seconds.append(timeout)
        write(texts, timeout, config, **options)

    monkeypatch.setattr(picture_cache, "write", noting)

    assert run(job) == set()

    assert cache_calls == {"get_many": 1, "set_many": 1}
    assert [cache.get(key) for key in picture_keys] == built
    assert 480 <= seconds[0] <= 720
    assert drawings.count("decode") == 1


def test_what_the_cache_has_keeps_its_time(photo, cache_calls):
    run(job_for("w20"))
    cache_calls.clear()

    run(job_for("w20"))

    assert cache_calls == {"get_many": 1}


@pytest.mark.parametrize(
    "values",
    [
        {"renditions": ""},
        {"renditions": "none that can be read"},
        {"state": "failed", "not_before": timezone.now() + timedelta(days=1)},
    ],
    ids=["nothing", "unreadable", "not ready"],
)
def test_what_is_not_ready_or_cannot_be_read_is_not_told(photo, values):
    job = job_for("w20")
    run(job)
    records.picture_model().objects.update(**values)
    cache.clear()

    assert run(job) == set()
    assert cache.get(row(job).key) is None


def test_what_is_replaced_while_the_cache_is_told_is_not_shown_again(photo, monkeypatch):
    job = job_for("w20")
    run(job)
    correct = lookup.correct

    def replaced_before(ready, config):
        invalidate("photos/cat.jpg")
        correct(ready, config)

    monkeypatch.setattr(lookup, "correct", replaced_before)
    assert run(job) == set()

    told = manifest.loads(cache.get(row(job).key))
    assert told is None or told.is_stale(time.time())


def test_the_files_are_what_they_say(photo):
    run(job_for("w20"))

    sizes = {}
    for name in files():
        with default_storage.open(f"renditions/photos/{name}") as file, Image.open(file) as picture:
            sizes[name.partition(".")[0], picture.format] = picture.size
    assert sizes == {
        ("cat-20w", "JPEG"): (20, 10),
        ("cat-40w", "JPEG"): (40, 20),
        ("cat-20w", "WEBP"): (20, 10),
        ("cat-40w", "WEBP"): (40, 20),
    }


def test_a_job_run_twice_builds_once(photo, drawings, signalled):
    job = BuildJob.from_dict(json.loads(json.dumps(job_for("w20").as_dict())))

    run(job)
    run(job)

    assert drawings.count("decode") == 1
    assert len(drawings) == 5
    assert len(signalled) == 1


def test_a_source_is_decoded_once_for_all_its_specs(photo, drawings):
    run(job_for("w20", "w10;r1", "w30;owebp"))

    assert drawings.count("decode") == 1
    assert len(files()) == 10


def test_a_file_that_two_specs_share_is_made_once(photo, drawings):
    run(job_for("w20", "w40"))

    assert sorted(drawings[1:]) == ["jpeg 20w", "jpeg 40w", "jpeg 80w", "webp 20w", "webp 40w", "webp 80w"]
    assert len(files()) == 6


def test_what_is_ready_is_left_out_of_a_job(photo, drawings):
    run(job_for("w20"))
    drawings.clear()

    run(job_for("w20", "w10;d1"))

    assert sorted(drawings) == ["decode", "jpeg 10w", "webp 10w"]


def test_what_another_builds_is_left_to_it(photo, drawings):
    job = job_for("w20")
    run(job)
    lease = timezone.now() + timedelta(seconds=60)
    records.picture_model().objects.update(state="building", owner="other", lease_until=lease)
    drawings.clear()

    run(job)

    assert drawings == []
    assert row(job).owner == "other"


def test_the_folders_of_the_files_are_synced_before_the_record_names_them(photo, monkeypatch):
    steps: list[str] = []
    finish, sync = records.finish, os.fsync

    def noted(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            steps.append(f"sync with {len(files())}")
        sync(descriptor)

    def finished(*args: Any, **options: Any) -> set[str]:
        steps.append("record")
        return finish(*args, **options)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(records, "finish", finished)

    run(job_for("w20"))

    assert steps == ["sync with 4"] * 3 + ["record"]


def test_a_failure_is_recorded_and_said_in_one_line(photo, log, signalled):
    default_storage.delete("photos/cat.jpg")
    job = job_for("w20", field="templatetags_tests.Photo.image")

    run(job)

    assert row(job).state == "failed"
    assert row(job).attempts == 1
    assert records.source_model().objects.get().error.startswith("SourceError: FileNotFoundError: ")
    assert len(log()) == 1
    assert signalled == [("failed", records.picture_model(), job, "SourceError")]


def test_a_storage_is_named_where_no_field_is_known(db, log):
    run(job_for("w20", name="none.jpg"))

    assert log()[0].startswith("Cannot build none.jpg of default, next try in 300 s: SourceError: ")


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        ("nowhere", "SourceError: No storage and no field is called 'nowhere'."),
        (
            "templatetags_tests.Photo.title",
            "SourceError: templatetags_tests.Photo.title is not a file field.",
        ),
    ],
)
def test_a_storage_that_is_none_is_a_failure(db, log, storage, reason):
    run(BuildJob(storage=storage, name="x.jpg", specs=("w20",)))

    assert records.source_model().objects.get().error == reason


def test_a_spec_of_another_release_is_a_failure(photo, log):
    run(BuildJob(storage="default", name="photos/cat.jpg", specs=("?",)))

    assert "SpecError: Unreadable spec '?'." in log()[0]


def test_a_source_replaced_while_it_was_built_is_not_recorded_or_cached(
    photo, drawings, monkeypatch, signalled
):
    job = job_for("w20")

    def replace():
        records.source_model().objects.update(version="2")

    monkeypatch.setattr(CountingEngine, "before", staticmethod(replace))

    run(job)

    assert row(job).state != "ready"
    assert row(job).renditions == ""
    assert cache.get(row(job).key) is None
    assert signalled == []


def test_a_job_of_an_older_version_is_void_and_does_not_stand_in_the_way(page, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    template = '{% img photo.image width=20 alt="" %}'
    page("django", template, {"photo": photo})
    picture = records.picture_model().objects.get()
    old = BuildJob(storage="default", name="photos/cat.jpg", specs=(picture.spec,))
    records.source_model().objects.update(version="2")

    run(old)
    run(BuildJob(storage="default", name="photos/cat.jpg", specs=(picture.spec,), version="2"))

    picture.refresh_from_db()
    assert picture.state == "ready"
    assert '"2"' in picture.renditions


def test_another_version_has_other_names(photo):
    run(job_for("w20"))
    before = set(files())
    records.picture_model().objects.all().delete()
    records.source_model().objects.update(version="2")

    run(job_for("w20", version="2"))

    assert len(set(files()) - before) == 4


def test_a_build_leaves_no_temporary_files(photo):
    run(job_for("w20"))

    assert not [name for name in files() if name.startswith(".")]


def test_the_owner_of_a_lease_that_ran_out_leaves_the_result_of_the_next(photo, drawings, monkeypatch):
    job = job_for("w20")

    def taken_over():
        records.picture_model().objects.update(state="ready", owner="", renditions="theirs")

    monkeypatch.setattr(CountingEngine, "before", staticmethod(taken_over))

    run(job)

    assert row(job).renditions == "theirs"
    assert cache.get(row(job).key) is None


def test_a_budget_is_over_only_while_it_is_spent_and_nothing_is_left():
    budget, empty = account.Budget(), account.Budget()
    before = account.is_over_budget()
    with budget.spending(100):
        within = account.is_over_budget()
        with empty.spending(0):
            spent = account.is_over_budget()
        back = account.is_over_budget()

    assert (before, within, spent, back, account.is_over_budget()) == (False, False, True, False, False)


def test_a_budget_is_one_for_all_that_draws_on_it():
    budget = account.Budget()
    with budget.spending(0.01):
        time.sleep(0.02)

    with budget.spending(100):
        assert account.is_over_budget()


def test_a_source_that_is_replaced_by_one_of_another_size_is_measured_anew(photo):
    run(job_for("w20"))
    default_storage.delete("photos/cat.jpg")
    picture = Image.new("RGB", (30, 60))
    content = ContentFile(b"")
    picture.save(content, "JPEG")
    default_storage.save("photos/cat.jpg", content)

    run(job_for("w10"))

    source = records.source_model().objects.get()
    assert (source.width, source.height) == (30, 60)


def test_a_receiver_that_raises_costs_neither_the_build_nor_the_other_receivers(photo, signalled):
    def refuse(**kwargs):
        raise ZeroDivisionError

    built, failed = job_for("w20"), job_for("w20", name="none.jpg")
    for signal in (signals.picture_built, signals.picture_failed):
        signal.connect(refuse)
    try:
        run(built)
        run(failed)
    finally:
        for signal in (signals.picture_built, signals.picture_failed):
            signal.disconnect(refuse)

    assert (row(built).state, row(failed).state) == ("ready", "failed")
    assert cache.get(row(built).key) == row(built).renditions
    assert [what for what, *_ in signalled] == ["built", "failed"]


def test_a_database_that_fails_in_a_build_is_no_failure_of_its_source(photo, drawings, monkeypatch, log):
    def down():
        raise OperationalError("down")

    monkeypatch.setattr(CountingEngine, "before", staticmethod(down))
    job = job_for("w20")

    with pytest.raises(OperationalError):
        run(job)

    assert row(job).state == "building"
    assert records.source_model().objects.get().state == "known"
    assert log() == []


def test_the_message_of_a_failure_is_recorded_without_what_a_database_refuses(photo, drawings, monkeypatch):
    def quote():
        raise ValueError("not \0 a picture\0")

    monkeypatch.setattr(CountingEngine, "before", staticmethod(quote))
    job = job_for("w20")

    run(job)

    assert row(job).state == "failed"
    assert records.source_model().objects.get().error == "ValueError: not  a picture"


@pytest.mark.django_db(transaction=True)
def test_a_build_that_fails_after_its_source_was_replaced_says_nothing_of_the_new_one(
    photo, drawings, signalled, monkeypatch
):
    def replaced_and_broken() -> None:
        invalidate(photo.image)
        raise OSError("half of the old file")

    monkeypatch.setattr(CountingEngine, "before", staticmethod(replaced_and_broken))
    Img(width=20)(photo.image).build()

    source = records.source_model().objects.get()
    assert (source.state, source.error, source.retry_at) == (records.NEW, "", None)
    assert records.picture_model().objects.get().state == records.QUEUED
    assert signalled == []


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_what_was_built_in_the_cache_for_minutes_at_most(photo, redis, settings):
    with suppress(ZeroDivisionError), transaction.atomic():
        Img(width=20)(photo.image).build()
        raise ZeroDivisionError

    (key,) = redis.keys()
    assert records.picture_model().objects.count() == 0
    assert 0 < redis.ttl(key) <= 720  # s
