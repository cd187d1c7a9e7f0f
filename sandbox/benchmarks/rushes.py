"""
Scenario D: eight threads, then four processes, ask for the same unbuilt picture at once.

It has four files. On each cache that answers: how often one was encoded, how many files are left, and how many
pages were broken at the time they were sent.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.core.management import call_command

from sandbox.benchmarks import drawing, sources
from sandbox.benchmarks.reports import Report, Target, table
from sandbox.benchmarks.rounds import Figure
from sandbox.benchmarks.settings import FOLDER, SHARED

FILES = 4
RUSHES = {"8 threads": (1, 8), "4 processes": (4, 1)}  # processes, threads in each
PATIENCE = 120  # s


def run(caches: Mapping[str, str], folder: Path, *, count: int) -> Report:
    """
    Send visitors.

    Args:
        caches: Name → alias in CACHES, of those that answer without being started.
        folder: For the source.
        count: Rounds.
    """
    source = folder / "source.jpg"
    drawing.draw(source)
    call_command("createcachetable", "benchmarks_cache", verbosity=0)
    rows: list[tuple[str, ...]] = []
    data: dict[str, dict[str, list[int]]] = {}
    with ExitStack() as stack:
        found = {**caches, "database": "database"}
        environment = {**os.environ, SHARED: str(FOLDER)}
        address = stack.enter_context(_memcached())
        if address:
            environment["RESPONSIVE_IMG_BENCHMARK_MEMCACHED"] = address
            found["memcached"] = "memcached"
        for cache, alias in found.items():
            for who, (processes, threads) in RUSHES.items():
                went = [_rush(source, alias, processes, threads, environment) for _ in range(count)]
                encodes, files, broken = [[each[index] for each in went] for index in range(3)]
                rows.append((cache, who, _range(encodes), _range(files), f"{sum(broken)}"))
                data[f"{cache}, {who}"] = {"encodes": encodes, "files": files, "broken": broken}
    title = f"D. One unbuilt picture of {FILES} files, asked for by all at once ({count} rounds)"
    text = table(title, ("cache", "asked by", "encodes", "files left", "broken pages"), rows)
    if "memcached" not in found:
        text += "memcached is skipped: it is not installed.\n"
    return Report(text, _targets(data), data)


def _targets(went: Mapping[str, Mapping[str, list[int]]]) -> list[Target]:
    def all_of(what: str) -> list[float]:
        return [float(value) for each in went.values() for value in each[what]]

    most = {what: max(all_of(what)) for what in ("encodes", "broken")}
    return [
        Target("rush on one picture: encodes", Figure(*[most["encodes"]] * 3), FILES, ""),
        Target(
            "rush on one picture: files left", Figure(*[min(all_of("files"))] * 3), FILES, "", is_floor=True
        ),
        Target("rush on one picture: broken pages", Figure(*[most["broken"]] * 3), 0, ""),
    ]


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low}–{high}"


def _rush(
    source: Path, alias: str, processes: int, threads: int, environment: Mapping[str, str]
) -> tuple[int, int, int]:
    """Return how many encodes, files and broken pages there were."""
    photo = sources.new_photo(source)
    command = [sys.executable, "-m", "sandbox.benchmarks.visitors", alias, str(threads), str(photo.pk)]
    running = [
        subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()  # it has loaded everything
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.communicate(timeout=PATIENCE)[0]) for process in running]
    encodes, broken = [sum(each[word] for each in told) for word in ("encodes", "broken")]
    return encodes, len(sources.files_of(str(photo.image.name))), broken


@contextmanager
def _memcached() -> Iterator[str]:
    """Start a memcached of our own, and give its address; empty where none is installed."""
    program = shutil.which("memcached")
    if program is None:
        yield ""
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "-u", "nobody", "-l", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                break
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
