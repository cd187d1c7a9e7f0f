"""The course of a soak: start everything, do the faults, let it come to rest, end everything, judge."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from django.core.handlers.wsgi import WSGIHandler

from sandbox.soak import laws, services
from sandbox.soak.faults import PHOTOS, Faults
from sandbox.soak.pages import get, names_in, what_is_wrong
from sandbox.soak.project import builds, notes
from sandbox.soak.services import Redis
from sandbox.soak.templates import PICTURES
from sandbox.soak.watch import Watch

STALE = 30  # s after which a killed worker's picture is taken over; far more than a build takes
# s until all is built at the end: a picture that has killed three builders rests for 20, and one that a lost
# message of the cache calls pending is asked for again after 60.
PATIENCE = 180
WARM_UP = 10  # s, in which processes start and load what they need: their memory is not looked at
# Those who visit build in the page, or leave it to the workers.
HOOKS = {"pages, build_now": "build_now", "pages, enqueue": "enqueue"}

# Of all processes: what they say, they say because something is wrong.
OUTPUT = "output"

Processes = dict[str, subprocess.Popen[bytes]]


class Found(NamedTuple):
    """
    What a soak gave.

    Attributes:
        seconds: How long each page took.
        files: Renditions that were written, by builds that came to their end.
        cut_short: Builds that did not.
        rest: s that it took to come to rest.
        faults: What was done → how often.
        watch: Memory and open files.
        laws: Law → how it is broken.
    """

    seconds: list[float]
    files: int
    cut_short: int
    rest: float
    faults: dict[str, int]
    watch: Watch
    laws: dict[str, list[str]]


def run(redis: Redis, folder: Path, *, seconds: int, workers: int) -> Found:
    """
    Soak.

    Args:
        redis: The project's cache, running.
        folder: For what the visitors report.
        seconds: Of faults.
        workers: That are killed; one more is not.
    """
    notes().touch()
    processes: Processes = {}
    with services.ending(processes):
        faults = Faults(_start_workers(processes, folder, workers), redis)
        for _ in range(PHOTOS):
            faults.add()
        _start_visitors(processes, folder)
        watch = Watch({name: process.pid for name, process in processes.items()}, min(WARM_UP, seconds / 3))
        _disturb(faults, watch, processes, seconds)
        start = time.monotonic()
        unbuilt = _come_to_rest()
        rest = time.monotonic() - start
        early = [f"{name} has ended" for name, each in processes.items() if each.poll() is not None]
        codes = {name: services.end(each) for name, each in reversed(processes.items())}
    early += [f"{name} ended with {code}" for name, code in codes.items() if code]
    pages, seconds_each = _seen(folder)
    noted = builds()
    ended = [each for each in noted if each.names]
    return Found(
        seconds=seconds_each,
        files=sum(len(each.names) for each in ended),
        cut_short=len(noted) - 2 * len(ended),
        rest=rest,
        faults=dict(faults.counts),
        watch=watch,
        laws={
            "no process has ended or raised by itself": early + _last_lines(folder / OUTPUT),
            "every page was 200 and whole, every URL on it answered": pages,
            "every page shows all pictures built in the end": unbuilt,
            **laws.broken(faults),
            "memory and open files are flat": watch.what_has_grown(),
        },
    )


def _last_lines(path: Path) -> list[str]:
    return path.read_text().splitlines()[-20:]


def _start_workers(processes: Processes, folder: Path, count: int) -> int:
    """Start the workers that are killed, and one that is not; return the parent of the former."""
    build = ("django", "responsive_img", "build", "--watch", "--stale-after", str(STALE), "--verbosity", "0")
    supervisor = services.start(folder / OUTPUT, *build, "--workers", str(count))
    processes["supervisor"] = supervisor
    processes["worker"] = services.start(folder / OUTPUT, *build)
    return supervisor.pid


def _start_visitors(processes: Processes, folder: Path) -> None:
    for name, hook in HOOKS.items():
        report = str(folder / f"{hook}.json")
        processes[name] = services.start(
            folder / OUTPUT, "sandbox.soak.visitors", report, SOAK_HOOK=f"responsive_img.hooks.{hook}"
        )


def _disturb(faults: Faults, watch: Watch, processes: Processes, seconds: int) -> None:
    """Do all faults for so long, as long as everything runs; those of the cache three quarters of the time."""
    faults.begin()
    start = time.monotonic()
    end, spare = start + seconds, start + 0.75 * seconds
    try:
        while time.monotonic() < end and all(each.poll() is None for each in processes.values()):
            if time.monotonic() > spare:
                faults.spare_cache()
            faults.do_what_is_due()
            watch.look()
            time.sleep(0.02)
    finally:
        faults.end()


def _come_to_rest() -> list[str]:
    """Show every picture until all are built, and return what is wrong with the last pages."""
    handler = WSGIHandler()
    end = time.monotonic() + PATIENCE

    def wrong() -> list[str]:
        return [problem for name in PICTURES for problem in _unbuilt(handler, name)] or laws.stuck()

    while (found := wrong()) and time.monotonic() < end:
        time.sleep(1)
    return found


def _unbuilt(handler: WSGIHandler, name: str) -> list[str]:
    """Return what is wrong with the page of all pictures of one kind, sources that it shows included."""
    response = get(handler, f"/every/{name}/")
    sources = {file for file in names_in(response.text) if file.startswith("photos/")}
    return what_is_wrong(response, set()) + [f"{name}: {source} is not built" for source in sorted(sources)]


def _seen(folder: Path) -> tuple[list[str], list[float]]:
    """Return what was wrong with the visitors' pages, and how many seconds each took."""
    wrong: list[str] = []
    seconds: list[float] = []
    for hook in HOOKS.values():
        path = folder / f"{hook}.json"
        if path.exists():
            found: dict[str, Any] = json.loads(path.read_text())
            wrong += found["wrong"]
            seconds += found["seconds"]
        else:
            wrong.append(f"no visitor has reported of {hook}")
    return wrong, seconds
