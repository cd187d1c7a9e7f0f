from __future__ import annotations

from io import StringIO

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from responsive_img import queue, records
from responsive_img.queue import process_queue
from templatetags_tests.conftest import drawn
from templatetags_tests.test_building import CountingEngine

LINE = '{% for photo in photos %}{% img photo.image width=20 alt="" %}{% img photo.image width=10 alt="" %}{% endfor %}'


@pytest.fixture
def queued(page, make_photo, settings):
    """Return three rows, each of whose pictures is queued under two specs."""
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    photos = [make_photo(f"photos/{name}.jpg") for name in "abc"]
    page("django", LINE, {"photos": photos})
    return photos


def states() -> list[str]:
    return sorted(records.picture_model().objects.values_list("state", flat=True))


def test_an_empty_queue_is_no_work(db):
    assert process_queue() == 0


def test_the_command_builds_what_is_queued_and_says_so(queued, page):
    out = StringIO()

    call_command("build_img_queue", stdout=out)

    html = page("django", LINE, {"photos": queued}).content
    assert out.getvalue() == "3 source(s) built from.\n"
    assert states() == ["ready"] * 6
    assert html.count(b'src="/media/renditions/photos/') == 6


def test_the_command_is_silent_when_told_so(db):
    out = StringIO()

    call_command("build_img_queue", stdout=out, verbosity=0)

    assert out.getvalue() == ""


@pytest.mark.parametrize("chunk", [2, 3, 5, 100])
def test_every_source_is_decoded_and_counted_once_whatever_the_chunks(queued, settings, monkeypatch, chunk):
    decoded = []
    settings.RESPONSIVE_IMG_ENGINE = "templatetags_tests.test_building.CountingEngine"
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: decoded.append(1)))
    monkeypatch.setattr(queue, "CHUNK", chunk)

    count = process_queue()

    assert states() == ["ready"] * 6
    assert (count, len(decoded)) == (3, 3)


def test_what_was_asked_for_with_another_storage_is_left_alone(queued, settings):
    settings.RESPONSIVE_IMG_STORAGE = "default"

    assert process_queue() == 0
    assert states() == ["queued"] * 6


def test_a_source_that_fails_does_not_stop_the_others_or_the_queue(queued, settings, log):
    settings.RESPONSIVE_IMG_RETRY = 0
    default_storage.delete("photos/b.jpg")

    count = process_queue()

    assert count == 3
    assert states() == ["failed"] * 2 + ["ready"] * 4
    assert len(log()) == 1


def test_a_failed_picture_is_queued_again_after_its_retry_time(queued, page, log):
    default_storage.delete("photos/b.jpg")
    process_queue()
    default_storage.save("photos/b.jpg", ContentFile(drawn()))
    too_early = process_queue()
    records.picture_model().objects.filter(state="failed").update(not_before=timezone.now())

    count = process_queue()

    cache.clear()
    html = page("django", LINE, {"photos": queued}).content
    assert (too_early, count) == (0, 1)
    assert html.count(b'src="/media/renditions/photos/b-') == 2
