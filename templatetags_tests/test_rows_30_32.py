"""Rows 30 to 32 of the fault programme: transactions that roll back, brokers that are down, messages out of order."""

from __future__ import annotations

import json
import socket
import time
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client
from django.urls import path

from responsive_img import finalize, invalidate, records, signals
from responsive_img.hooks import BuildJob, run
from responsive_img.queue import process_queue
from templatetags_tests.conftest import drawn
from templatetags_tests.test_hooks_brokers import closed_port, later, states
from templatetags_tests.test_single_flight import NotingEngine

NAME = "photos/cat.jpg"
TEMPLATE = f'{{% load responsive_img %}}{{% img "{NAME}" width=20 format="webp" densities="1" alt="" %}}'
SOURCE = f'<img src="/media/{NAME}" width="20" height="10" alt="" loading="lazy" decoding="async">'.encode()

SENT: list[str] = []
PORT: list[int] = []


def send(jobs):
    SENT.extend(json.dumps(job.as_dict()) for job in jobs)


def refuse(jobs):
    raise ConnectionError("no broker")


def connect(jobs):
    """Send over a socket to where nobody listens."""
    socket.create_connection(("127.0.0.1", PORT[0]), timeout=1)


def show(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(TEMPLATE).render({}, request))


def show_at_once(request: HttpRequest) -> HttpResponse:
    """Render without the request: at once, inside the transaction of the view."""
    return HttpResponse(finalize(engines["django"].from_string(TEMPLATE).render({})))


def fail_afterwards(request: HttpRequest) -> HttpResponse:
    show_at_once(request)
    raise ZeroDivisionError


urlpatterns = [path("", show), path("at-once/", show_at_once), path("failing/", fail_afterwards)]


@pytest.fixture(autouse=True)
def _urls(settings, transactional_db, save_file):
    settings.ROOT_URLCONF = __name__
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.send"
    save_file(NAME)
    SENT.clear()


@pytest.fixture
def atomic_requests(monkeypatch):
    """Wrap each view in a transaction."""
    monkeypatch.setitem(records_connection().settings_dict, "ATOMIC_REQUESTS", True)


def records_connection() -> Any:
    return transaction.get_connection(records.database())


def get(url: str = "/") -> Any:
    return Client(raise_request_exception=False).get(url)


def jobs() -> list[BuildJob]:
    return [BuildJob.from_dict(json.loads(text)) for text in SENT]


def renditions() -> list[str]:
    return sorted(each.name for each in Path(default_storage.path("renditions")).rglob("*") if each.is_file())


# Row 30: what a transaction that is rolled back has asked for ------------------------------------------------


def test_row_30_a_view_that_fails_sends_nothing_and_the_next_one_asks_again(atomic_requests):
    heard = []

    def hear(jobs, **kwargs):
        heard.append(jobs)

    signals.queued_img.connect(hear)
    failed = get("/failing/")
    left = (list(SENT), states(), list(heard))
    first = get("/at-once/")
    signals.queued_img.disconnect(hear)
    sent = len(SENT)
    run(jobs()[0])
    last = get("/at-once/")

    assert failed.status_code == 500
    assert left == ([], [], [])
    assert first.content == SOURCE
    assert (sent, len(heard)) == (1, 1)
    assert b"/media/renditions/" in last.content


def test_row_30_a_transaction_rolled_back_leaves_nothing_in_the_cache():
    with transaction.atomic():
        engines["django"].from_string(TEMPLATE).render({})
        transaction.set_rollback(True)
    left = (list(SENT), states())
    response = get()

    assert left == ([], [])
    assert response.content == SOURCE
    assert response.responsive_img_pending == 1
    assert len(SENT) == 1


def test_row_30_nothing_is_sent_before_the_commit():
    with transaction.atomic():
        engines["django"].from_string(TEMPLATE).render({})
        inside = list(SENT)

    assert inside == []
    assert len(SENT) == 1
    assert states() == ["queued"]


# Row 31: a broker that is down -------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["refuse", "connect"])
@pytest.mark.parametrize("url", ["/", "/at-once/"])
def test_row_31_a_broker_that_is_down_costs_one_line_and_no_picture(
    settings, log, atomic_requests, hook, url
):
    PORT[:] = [closed_port()]
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.{hook}"
    started = time.monotonic()

    response = get(url)
    seconds = time.monotonic() - started
    left = states()
    count = process_queue()
    last = get(url)

    assert response.status_code == 200
    assert response.content == SOURCE
    assert log() == ["The build hook raised; 1 job(s) stay queued"]
    assert left == ["queued"]
    assert seconds < 2
    assert count == 1
    assert b"/media/renditions/" in last.content


@pytest.mark.parametrize("url", ["/", "/at-once/"])
def test_row_31_when_the_broker_is_back_a_view_asks_again(settings, log, atomic_requests, url):
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.refuse"
    get(url)
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.send"
    later()

    response = get(url)
    cache.clear()
    get(url)

    assert response.content == SOURCE
    assert len(SENT) == 1
    assert len(log()) == 1


# Row 32: messages that come twice, late, or in another order -------------------------------------------------


def replaced() -> None:
    """Put another picture under the name, and ask for it."""
    default_storage.delete(NAME)
    default_storage.save(NAME, ContentFile(drawn((60, 60))))
    invalidate(NAME)
    get()


def test_row_32_a_message_that_comes_twice_makes_one_file(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    settings.RESPONSIVE_IMG_ENGINE = f"{NotingEngine.__module__}.NotingEngine"
    get()

    for job in jobs() * 3:
        run(job)

    assert len((tmp_path / "notes").read_text().splitlines()) == 1
    assert len(renditions()) == 1
    assert states() == ["ready"]


@pytest.mark.parametrize("order", [*permutations(range(3)), (2, 0, 1, 2, 0), (0, 0, 1, 2, 1)], ids=str)
def test_row_32_of_three_versions_the_newest_wins_in_whatever_order_they_come(order):
    get()
    replaced()
    replaced()
    sent = jobs()

    for place in order:
        run(sent[place])

    row = records.picture_model().objects.select_related("source").get()
    response = get()
    assert len({job.version for job in sent}) == len(sent) == 3
    assert row.state == "ready"
    assert row.source.version == sent[2].version
    assert f'"{sent[2].version}"' in row.renditions
    assert len(renditions()) == 1
    assert b'width="20" height="20"' in response.content
    assert renditions()[0].encode() in response.content


def test_row_32_what_an_older_message_has_built_is_not_shown_once_the_source_is_replaced():
    get()
    run(jobs()[0])
    before = get().content
    replaced()
    run(jobs()[0])
    meanwhile = get()
    run(jobs()[1])
    after = get().content

    assert b"/media/renditions/" in before
    assert f'src="/media/{NAME}"'.encode() in meanwhile.content
    assert meanwhile.responsive_img_pending == 1
    assert b"/media/renditions/" in after
    assert len(renditions()) == 2  # pages that were kept show the old one until it is pruned


def test_row_32_a_message_that_comes_after_its_rows_are_gone_builds(monkeypatch):
    get()
    records.source_model().objects.all().delete()
    cache.clear()

    run(jobs()[0])

    assert states() == ["ready"]
    assert b"/media/renditions/" in get().content
