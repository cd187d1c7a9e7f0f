"""The hook `thread`: one thread of this process builds, and whatever happens to it, nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import close_old_connections, connections

from responsive_img import hooks, records
from responsive_img.hooks import run
from responsive_img.queue import process_queue
from templatetags_tests.test_hooks_brokers import NAMES, PAGE, UNBUILT, Site, eventually, later, states


@pytest.fixture
def site(tmp_path, settings, add_database, monkeypatch) -> Iterator[Site]:
    """Let a thread of this process build for a site, whose database other threads can reach."""
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.thread"
    monkeypatch.setattr(hooks._Builder, "_one", None)
    site = Site(tmp_path)
    site.configure(RESPONSIVE_IMG_BUILD_HOOK="responsive_img.hooks.thread")
    site.join(settings, add_database)

    def connect():
        close_old_connections()
        connections["site"].connect()  # as `add_database` does: in tests, no other thread may ask for it

    monkeypatch.setattr(hooks, "close_old_connections", connect)
    yield site
    finish()


@pytest.fixture
def held(monkeypatch) -> Iterator[threading.Event]:
    """Let no job be run before this event."""
    go = threading.Event()

    def wait(job):
        go.wait()
        run(job)

    monkeypatch.setattr(hooks, "run", wait)
    yield go
    go.set()
    finish()


def finish() -> None:
    """Wait until the thread has nothing to do."""
    builder = hooks._Builder._one
    if builder is not None:
        eventually(lambda: builder.waiting.unfinished_tasks == 0)


def test_a_thread_builds_in_the_background(page, site, held):
    first = page("django", PAGE)
    held.set()
    finish()
    last = page("django", PAGE)

    assert first.content == UNBUILT
    assert first.responsive_img_pending == 4
    assert states() == ["ready"] * 4
    assert last.content.count(b"<picture>") == 4
    assert last.responsive_img_pending == 0


def test_one_thread_serves_all_pages_and_is_started_by_the_first(page, site):
    before = hooks._Builder._one
    page("django", PAGE)
    one = hooks._Builder._one
    page("django", PAGE.replace("20", "25"))
    finish()

    assert before is None
    assert hooks._Builder._one is one
    assert states() == ["ready"] * 6


def test_asking_again_gives_the_thread_nothing(page, site, held):
    page("django", PAGE)
    page("django", PAGE)
    cache.clear()
    page("django", PAGE)

    assert hooks._Builder.of_this_process().waiting.unfinished_tasks == 2


def test_a_build_that_raises_ends_neither_the_thread_nor_its_job(page, site, monkeypatch, log):
    def stumble(job):
        if job.name == NAMES[0]:
            raise ZeroDivisionError
        run(job)

    monkeypatch.setattr(hooks, "run", stumble)
    page("django", PAGE)
    finish()
    left = states()
    later(3600)
    monkeypatch.setattr(hooks, "run", run)
    page("django", PAGE)
    finish()

    assert left == ["queued"] * 2 + ["ready"] * 2
    assert log() == [f"Cannot build {NAMES[0]}; it stays queued"]
    assert states() == ["ready"] * 4


def test_the_thread_closes_its_connections_after_each_job(page, site, monkeypatch):
    used = []

    def note(job):
        run(job)
        used.append((connections["site"], connections["site"].connection))

    monkeypatch.setattr(hooks, "run", note)

    page("django", PAGE)
    finish()

    assert len(used) == 2
    assert all(connection is not None for _, connection in used)
    assert connections["site"] not in [wrapper for wrapper, _ in used]
    assert [wrapper.connection for wrapper, _ in used] == [None, None]


def test_what_is_too_much_for_the_thread_stays_queued(page, site, held, monkeypatch):
    assert hooks.MAX_WAITING == 1000
    monkeypatch.setattr(hooks, "MAX_WAITING", 1)
    page("django", PAGE)
    more = PAGE.replace("20", "25") + PAGE.replace("20", "26")

    response = page("django", more)
    rows = records.picture_model().objects.count()
    held.set()
    finish()
    left = states().count("queued")
    process_queue()

    assert response.responsive_img_pending == 6
    assert rows == 8
    assert left > 0
    assert states() == ["ready"] * 8


FORK = """
import os, signal, sys, time, warnings
warnings.simplefilter("ignore")  # of the threads that a fork leaves behind: they are what is tested
import django
django.setup()
from django.db import close_old_connections, connections
from responsive_img import hooks, records
from responsive_img.hooks import BuildJob
from responsive_img.specs import from_text
from responsive_img import conf
from responsive_img.defaults import effective

def built(name):
    spec = effective(from_text("w20"), conf.current().defaults).text
    hooks.thread([BuildJob(storage="default", name=name, specs=(spec,))])
    for _ in range(400):
        time.sleep(0.05)
        if records.picture_model().objects.filter(source__name=name, state="ready").exists():
            return True
    return False

ok = built("photos/a.jpg")
before = hooks._Builder._one
connections.close_all()
hooks._Builder._starting.acquire()  # as another thread may, just then
child = os.fork()
if not child:
    signal.alarm(30)
    os._exit(0 if built("photos/b.jpg") and hooks._Builder._one is not before else 1)
_, status = os.waitpid(child, 0)
print(ok, os.waitstatus_to_exitcode(status), hooks._Builder._one is before)
"""


def test_after_a_fork_a_thread_of_its_own_is_started_whatever_those_of_the_parent_hold(tmp_path):
    site = Site(tmp_path)
    site.run("-m", "django", "migrate", "--verbosity", "0")

    assert site.run("-c", FORK).split() == ["True", "0", "True"]


EXIT = """
import sys, time
import django
django.setup()
from responsive_img import hooks
from templatetags_tests.conftest import respond
from templatetags_tests.test_hooks_brokers import PAGE
from django.http import HttpResponse
from django.template import engines
def hang(job):
    print("building", flush=True)
    time.sleep(600)
hooks.run = hang
template = engines["django"].from_string("{% load responsive_img %}" + PAGE)
respond(lambda request: HttpResponse(template.render({}, request)))
time.sleep(0.5)
"""


def test_the_thread_does_not_keep_its_process_from_ending_and_leaves_its_jobs_queued(site):
    started = time.monotonic()

    out = site.run("-c", EXIT)

    assert out.split() == ["building"]
    assert time.monotonic() - started < 30
    assert states() == ["queued"] * 4
    assert process_queue() == 2
    assert states() == ["ready"] * 4


# What goes wrong ------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("where", ["run", "close_old_connections"])
def test_a_thread_that_something_has_ended_is_replaced(page, site, monkeypatch, where):
    def end(*_):
        raise SystemExit if where == "run" else ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(hooks, where, end)
        page("django", PAGE)
        time.sleep(0.5)
    later(3600)

    page("django", PAGE)
    time.sleep(1)
    monkeypatch.setattr(hooks._Builder, "_one", None)

    assert states() == ["ready"] * 4


def test_what_is_too_much_for_the_thread_is_left_to_workers_then_to_views(page, site, held, monkeypatch):
    monkeypatch.setattr(hooks, "MAX_WAITING", 1)
    first, second = (f'{{% img "{name}" width=40 alt="" %}}' for name in NAMES)
    page("django", first)
    eventually(hooks._Builder.of_this_process().waiting.empty)  # the thread has it
    page("django", second)
    page("django", PAGE)
    held.set()
    finish()
    cache.clear()

    page("django", PAGE)
    finish()
    at_once = states()
    for _ in NAMES:  # it may have room for one
        later(61)
        page("django", PAGE)
        finish()

    assert at_once == ["queued"] * 4 + ["ready"] * 2
    assert states() == ["ready"] * 6
