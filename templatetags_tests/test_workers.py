from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

import responsive_img
from responsive_img import building, keys, queue, records, workers
from responsive_img.queue import Stopped
from responsive_img.sources import SourceRef
from responsive_img.workers import Stop, Wanted
from templatetags_tests.conftest import drawn
from templatetags_tests.test_building import job_for

ROOT = Path(responsive_img.__file__).parent.parent
PATIENCE = 30  # s; a busy machine starts processes slowly
FILES = 2  # of a picture: WebP and JPEG

# Imported by the processes that the tests start: not measured, as those are killed. Short appends are whole.
NOTING = """
import os, signal, time
from responsive_img.engine import PillowEngine

def note(*words):
    descriptor = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (" ".join(map(str, words)) + "\\n").encode())
    os.close(descriptor)

class Engine(PillowEngine):
    def render(self, file, variants):
        name = os.path.basename(file.name)
        note("began", os.getpid(), name)
        if name.startswith("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(float(os.environ.get("SLOWLY", "0")))
        yield from super().render(file, variants)
        note("ended", os.getpid(), name)
"""
SETTINGS = """
import os
from templatetags_tests.settings import *
from noting import note
RESPONSIVE_IMG_ENGINE = "noting.Engine"
SILENCED_SYSTEM_CHECKS = ["responsive_img.W008"]  # each process has a cache of its own
note("started", os.getpid(), os.getppid())
"""


def until(is_so: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """Wait until something is so, and return it."""
    end = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < end, "It has not come to pass."
        time.sleep(0.02)
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # nobody may have waited for it yet


def is_dead(pid: int) -> bool:
    return not is_alive(pid)


class Site:
    """A database, a media root and settings that real worker processes share."""

    def __init__(self, folder: Path, database: Mapping[str, object], more: str = "") -> None:
        self.media, self._notes = folder / "media", folder / "notes"
        (self.media / "photos").mkdir(parents=True)
        self._notes.touch()
        (folder / "noting.py").write_text(NOTING)
        (folder / "site_settings.py").write_text(
            f"{SETTINGS}DATABASES = {{'default': {dict(database)!r}}}\nMEDIA_ROOT = {str(self.media)!r}\n{more}\n"
        )
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "NOTES": str(self._notes),
        }
        self.started: list[subprocess.Popen[str]] = []

    def queue(self, *names: str, is_there: bool = True) -> list[str]:
        """Queue a picture of each source, and return the keys."""
        (spec,) = job_for("w20;d1").specs
        found, pictures = [], []
        for name in names:
            if is_there:
                (self.media / "photos" / name).write_bytes(drawn())
            found.append(building.source_record(SourceRef("default", f"photos/{name}")))
            key = keys.picture_key("default", f"photos/{name}", spec)
            pictures.append(building.picture_record(key, found[-1].key, spec))
        records.source_model().objects.using("site").bulk_create(found)
        self.pictures.bulk_create(pictures)
        return [picture.key for picture in pictures]

    @property
    def pictures(self) -> Any:
        return records.picture_model().objects.using("site")

    def states(self) -> Counter[str]:
        return Counter(self.pictures.values_list("state", flat=True))

    def errors(self) -> list[str]:
        sources = records.source_model().objects.using("site").exclude(error="")
        return list(sources.values_list("error", flat=True))

    def end_leases(self) -> int:
        past = timezone.now() - timedelta(seconds=1)
        return int(self.pictures.filter(state="building").update(lease_until=past))

    def start(self, *arguments: str, slowly: float = 0, **options: Any) -> subprocess.Popen[str]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
        environment = {**self.environment, "SLOWLY": str(slowly)}
        command = [sys.executable, "-m", "django", *arguments]
        process = subprocess.Popen(command, env=environment, **options)
        self.started.append(process)
        return process

    def run(self, *arguments: str, slowly: float = 0) -> tuple[int, str]:
        """Run a command, and return its exit code and what it has said."""
        process = self.start(*arguments, slowly=slowly)
        out, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, out

    def notes(self, what: str) -> list[tuple[int, str]]:
        lines = [line.split() for line in self._notes.read_text().splitlines()]
        return [(int(pid), rest) for word, pid, rest in lines if word == what]

    def built(self) -> Counter[str]:
        return Counter(name for _, name in self.notes("ended"))

    def workers(self, parent: subprocess.Popen[str]) -> list[int]:
        """Return the living workers of a command that have come as far as their settings."""
        return [pid for pid, told in self.notes("started") if told == str(parent.pid) and is_alive(pid)]

    def files(self) -> list[str]:
        """Return the names of renditions, and of whatever else lies beside them."""
        return sorted(path.name for path in (self.media / "renditions").rglob("*") if path.is_file())

    def close(self) -> None:
        for process in self.started:
            for pid in [process.pid, *self.workers(process)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def on_sqlite(folder: Path) -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(folder / "db.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }


@pytest.fixture
def site(tmp_path, add_database) -> Iterator[Site]:
    database = on_sqlite(tmp_path)
    add_database("site", database)
    site = Site(tmp_path, database)
    yield site
    site.close()


@pytest.fixture(params=["sqlite", "postgres"])
def any_site(request, tmp_path, add_database) -> Iterator[Site]:
    """Return a site on each database that answers."""
    database = on_sqlite(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres")
    add_database("site", database)
    site = Site(tmp_path, database)
    yield site
    site.close()


def idle(site: Site, workers: int) -> None:
    """Wait until each worker has built something, and nothing is left to do."""
    numbers = count()

    def each_has_built() -> bool:
        site.queue(f"more-{next(numbers)}.jpg")
        time.sleep(0.2)
        return len({pid for pid, _ in site.notes("ended")}) == workers

    until(each_has_built)
    until(lambda: set(site.states()) == {"ready"})


def names(many: int) -> list[str]:
    return [f"{number:03}.jpg" for number in range(many)]


# Several processes -------------------------------------------------------------------------------------


def test_two_workers_build_everything_once_then_end(any_site):
    any_site.queue(*names(12))

    code, out = any_site.run("responsive_img", "build", "--workers", "2", slowly=0.3)

    assert (code, out.splitlines()[-1]) == (0, "12/12 (100%)")
    assert any_site.states() == {"ready": 12}
    assert any_site.built() == dict.fromkeys(names(12), 1)
    assert len(any_site.files()) == 12 * FILES
    assert len({pid for pid, _ in any_site.notes("began")}) == 2


def test_a_worker_that_is_killed_is_replaced_and_everything_is_built(any_site):
    any_site.queue(*names(8))
    parent = any_site.start(
        "responsive_img", "build", "--workers", "2", "--watch", "--stale-after", "2", slowly=0.3
    )
    killed, _ = until(lambda: any_site.notes("began"))[0]

    os.kill(killed, signal.SIGKILL)

    until(lambda: any_site.states() == {"ready": 8})
    assert set(any_site.pictures.values_list("attempts", "owner")) == {(0, "")}
    replaced = until(lambda: len(any_site.workers(parent)) == 2 and any_site.workers(parent))
    parent.send_signal(signal.SIGTERM)
    out, _ = parent.communicate(timeout=PATIENCE)
    assert (parent.returncode, out) == (0, "")
    assert killed not in replaced
    assert any_site.built() == dict.fromkeys(names(8), 1)


@pytest.mark.parametrize(("most", "code", "left"), [(1, 9, 1), (5, 0, 0)])
def test_those_who_are_killed_are_replaced_so_many_times_where_nobody_watches(
    site, monkeypatch, most, code, left
):
    poison = site.queue("poison-1.jpg", "poison-2.jpg", "poison-3.jpg")
    for name in ("DJANGO_SETTINGS_MODULE", "NOTES"):
        monkeypatch.setenv(name, site.environment[name])
    monkeypatch.syspath_prepend(str(site.media.parent))
    monkeypatch.setattr(workers, "MAX_DEATHS", most)
    monkeypatch.setattr(workers, "PAUSE", 0)

    returned = workers.work_in_processes(1, Wanted(), Stop(), shows_progress=False)

    assert returned == code
    assert site.states() == Counter({"building": len(poison) - left, "queued": left})
    assert len(site.notes("began")) == len(poison) - left


def test_those_who_watch_and_end_with_an_error_are_replaced_so_many_times(site, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "no_such_settings")
    monkeypatch.setattr(workers, "MAX_FAILURES", 2)
    monkeypatch.setattr(workers, "PAUSE", 0)

    returned = workers.work_in_processes(1, Wanted(watch=True), Stop(), shows_progress=False)

    assert returned == 1


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_watch_ends_at_once_when_it_is_told_to(site, workers, number):
    parent = site.start("responsive_img", "-v", "0", "build", "--watch", "--workers", workers, slowly=0.5)
    idle(site, int(workers))
    told = time.monotonic()

    parent.send_signal(number)

    out, _ = parent.communicate(timeout=PATIENCE)
    assert time.monotonic() - told < 3
    assert (parent.returncode, out) == (0, "")
    assert not [pid for pid, _ in site.notes("started") if is_alive(pid)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_watch_that_is_told_to_end_finishes_the_source_in_work_and_begins_no_other(site, workers):
    site.queue(*names(8))
    parent = site.start("responsive_img", "build", "--watch", "--workers", str(workers), slowly=1)
    until(lambda: len({pid for pid, _ in site.notes("began")}) == workers)
    told = time.monotonic()

    parent.terminate()

    parent.communicate(timeout=PATIENCE)
    assert time.monotonic() - told < 3
    assert parent.returncode == 0
    begun = len(site.notes("began"))
    assert workers <= begun < 8
    assert site.states() == {"ready": begun, "queued": 8 - begun}
    assert len(site.notes("ended")) == begun
    assert len(site.files()) == begun * FILES


def test_workers_that_are_told_to_end_while_they_start_are_no_error(site):
    parent = site.start("responsive_img", "build", "--watch", "--workers", "2")
    until(lambda: len(site.workers(parent)) == 2)  # they have read their settings, and nothing else yet

    parent.terminate()

    parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0


@pytest.mark.parametrize("is_idle", [True, False], ids=["idle", "in mid-work"])
def test_workers_whose_parent_is_killed_end(site, is_idle):
    parent = site.start("responsive_img", "build", "--watch", "--workers", "2", slowly=0.5)
    idle(site, 2)
    orphans = site.workers(parent)
    if not is_idle:
        before = len(site.notes("began"))
        site.queue(*names(40))
        until(lambda: len(site.notes("began")) > before)

    parent.kill()

    until(lambda: not any(map(is_alive, orphans)), seconds=5)
    assert len(orphans) == 2
    assert len(site.notes("began")) == len(site.notes("ended"))
    assert "building" not in site.states()
    assert ("queued" in site.states()) is not is_idle


def test_a_worker_that_ends_with_an_error_has_the_command_say_so(site):
    site.queue("gone.jpg", is_there=False)

    code, out = site.run("responsive_img", "build", "--workers", "2", "--max-errors", "1")

    assert code == 1
    assert out.endswith("CommandError: A worker has stopped with an error.\n")
    assert site.states() == {"failed": 1}


def test_workers_that_watch_stop_after_so_many_errors(site):
    site.queue("a.jpg", "b.jpg", "c.jpg", "d.jpg", is_there=False)

    code, _ = site.run("responsive_img", "build", "--watch", "--workers", "2", "--max-errors", "1")

    assert code == 1


def test_workers_do_not_import_what_lies_in_the_working_directory(site, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "PIL.py").write_text("raise SystemExit('This is not Pillow.')")
    site.queue("a.jpg")
    code = (
        "import sys; from django.core.management import execute_from_command_line as run;"
        "sys.path.remove(''); run(['manage.py', 'responsive_img', 'build', '--workers', '2'])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=site.environment, cwd=tmp_path / "elsewhere", timeout=PATIENCE, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "1/1 (100%)\n")
    assert site.states() == {"ready": 1}


def test_workers_do_not_repeat_what_the_system_checks_say(tmp_path, add_database):
    add_database("site", on_sqlite(tmp_path))
    site = Site(tmp_path, on_sqlite(tmp_path), "SILENCED_SYSTEM_CHECKS = []")

    code, out = site.run("responsive_img", "build", "--workers", "2")

    site.close()
    assert (code, out.count("responsive_img.W008")) == (0, 1)


# On a terminal -----------------------------------------------------------------------------------------


def seen_on_a_terminal(site: Site, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal, and return its exit code and what is to be seen."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = site.start(*arguments, slowly=0.3, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        assert select.select([ours], [], [], PATIENCE)[0]
        try:
            read = os.read(ours, 4096)
        except OSError:  # Linux says so that nobody holds the other end any more
            break
        seen += read
    os.close(ours)
    return process.wait(PATIENCE), seen.decode()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_shows_how_far_it_is(site, workers):
    site.queue(*names(6))

    code, seen = seen_on_a_terminal(site, "responsive_img", "build", "--workers", workers)

    done = [int(count) for count in re.findall(r"(\d+)/6 ", seen)]
    assert code == 0
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 6)
    assert "(100%)" in seen
    assert "source/s" in seen


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_shows_nothing_when_there_is_nothing_to_do_or_it_is_told_so(site, workers):
    build = ("build", "--workers", workers)

    _, idle = seen_on_a_terminal(site, "responsive_img", *build)
    site.queue("a.jpg")
    _, silent = seen_on_a_terminal(site, "responsive_img", "--verbosity", "0", *build)

    assert "%" not in idle
    assert silent == ""
    assert site.states() == {"ready": 1}


@pytest.mark.parametrize("command", [("responsive_img", "build"), ("build_img_queue",)])
def test_without_a_terminal_there_are_plain_lines(site, command):
    site.queue("a.jpg", "b.jpg")

    code, out = site.run(*command)

    said = "2 source(s) built from, 0 failed." if "build" in command else "2 source(s) built from."
    assert (code, out.splitlines()) == (0, ["1/2 (50%)", "2/2 (100%)", said])


def test_one_that_watches_says_nothing_without_a_terminal_until_it_ends(site):
    process = site.start("responsive_img", "build", "--watch")
    site.queue("a.jpg")
    until(lambda: site.states() == {"ready": 1})
    process.terminate()

    assert process.communicate(timeout=PATIENCE)[0] == "1 source(s) built from, 0 failed.\n"


IN_A_THREAD = """
import threading
from django.core.management import call_command
threading.Thread(target=call_command, args=("responsive_img", "build", "--workers", "{workers}")).start()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_it_builds_in_another_thread_than_the_main_one_which_alone_handles_signals(site, workers):
    site.queue("a.jpg", "b.jpg")

    code, out = site.run("shell", "--verbosity", "0", "--command", IN_A_THREAD.format(workers=workers))

    last = "2 source(s) built from, 0 failed." if workers == 1 else "2/2 (100%)"
    assert (code, out.splitlines()[-1]) == (0, last)
    assert site.states() == {"ready": 2}


# In this process ---------------------------------------------------------------------------------------


def whole(sources: int = 0, errors: int = 0) -> Stopped:
    return Stopped(sources, errors, is_whole=True)


@pytest.fixture
def passes(db, monkeypatch):
    """Let each pass over the queue end as a test says, and return what the passes were asked for."""
    ends: list[Stopped] = []
    asked: list[dict[str, Any]] = []

    def work(**options):
        asked.append(options)
        return ends.pop(0)

    monkeypatch.setattr(queue, "work", work)
    monkeypatch.setattr(workers, "PAUSE", 0)
    return ends, asked


def test_who_watches_adds_up_what_it_has_done(passes):
    ends, asked = passes
    ends += [whole(3, 1), whole(), whole(2, 1), Stopped(1, 3, is_whole=False)]

    ended = workers.work(Wanted(watch=True, max_errors=5), Stop(), shows_progress=False)

    assert ended == Stopped(6, 5, is_whole=False)
    assert [options["max_errors"] for options in asked] == [5, 4, 4, 3]


def test_who_watches_stops_though_its_last_error_ends_the_pass(passes):
    ends, asked = passes
    ends += [whole(1, 1), whole(1, 1)]

    ended = workers.work(Wanted(watch=True, max_errors=2), Stop(), shows_progress=False)

    assert (ended.sources, ended.errors) == (2, 2)
    assert [options["max_errors"] for options in asked] == [2, 1]


def test_who_does_not_watch_comes_by_once(passes):
    ends, asked = passes
    ends += [whole(3, 1)]

    assert workers.work(Wanted(), Stop(), shows_progress=False) == whole(3, 1)
    assert [options["max_errors"] for options in asked] == [0]


def test_who_was_told_to_stop_stops_and_so_does_who_has_lost_its_parent(passes):
    ends, asked = passes
    told = Stop()
    told()
    ends += [whole(), whole()]

    workers.work(Wanted(watch=True), told, shows_progress=False)
    workers.work(Wanted(watch=True, parent=os.getpid()), Stop(), shows_progress=False)

    assert [options["should_stop"]() for options in asked] == [True, True]


def test_who_has_its_parent_goes_on(passes):
    ends, asked = passes
    ends += [whole(), Stopped(0, 0, is_whole=False)]

    workers.work(Wanted(watch=True, parent=os.getppid()), Stop(), shows_progress=False)

    assert [options["should_stop"]() for options in asked] == [False, False]


def test_signals_are_given_back():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    stop = Stop()

    with stop.on_signals():
        asked_before = stop.is_asked_for
        os.kill(os.getpid(), signal.SIGTERM)

    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert (asked_before, stop.is_asked_for) == (False, True)
