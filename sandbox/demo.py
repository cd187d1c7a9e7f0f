"""
The gallery with someone else to build: a server, a worker, and for Celery a Redis; Ctrl-C ends them all.

Usage: python -m sandbox.demo enqueue|celery [--port 8000] [--workers 1]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "sandbox" / "manage.py")]
PATIENCE = 20  # s for a worker to finish what it has begun


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo")
    parser.add_argument("hook", choices=["enqueue", "celery"])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1)
    wanted = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    os.chdir(ROOT)
    os.environ["SANDBOX_HOOK"] = wanted.hook
    data = ROOT / "build" / f"demo-{wanted.hook}"
    data.mkdir(parents=True, exist_ok=True)
    say(f"Photos, database and pictures are in {data.relative_to(ROOT)}/; without it, all begins anew.")
    with ExitStack() as running:
        try:
            if wanted.hook == "celery" and "SANDBOX_REDIS" not in os.environ:
                os.environ["SANDBOX_REDIS"] = running.enter_context(redis(data))
            for preparation in (["migrate", "--verbosity", "0"], ["draw_photos"]):
                running.enter_context(process([*MANAGE, *preparation])).wait()
            processes = [
                running.enter_context(process(worker(wanted.hook, wanted.workers))),
                running.enter_context(process([*MANAGE, "runserver", f"127.0.0.1:{wanted.port}"])),
            ]
            # As soon as one has ended, the others make no sense.
            while all(each.poll() is None for each in processes):
                time.sleep(0.2)
            return 1
        except KeyboardInterrupt:
            say("\nEnding; what is being built is finished first.")
            return 0


def _stop(number: int, frame: FrameType | None) -> None:
    # The next one is too late to change anything.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def worker(hook: str, count: int) -> list[str]:
    if hook == "celery":
        celery = [sys.executable, "-m", "celery", "--app", "sandbox.broker", "worker"]
        return [*celery, "--concurrency", str(count), "--loglevel", "INFO"]
    return [*MANAGE, "responsive_img", "build", "--watch", "--workers", str(count)]


@contextmanager
def redis(data: Path) -> Iterator[str]:
    """Start a Redis on a free port that keeps its data, and give its URL."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("Celery needs a broker: install redis-server, or name one in SANDBOX_REDIS=redis://…")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data)]
    with process([*command, "--save", "3600 1", "--loglevel", "warning"]) as running:
        while running.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def process(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a command, and end it and what it has started on leaving.

    In a session of its own: Ctrl-C reaches this process alone, which ends them in order.
    """
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
            try:
                running.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


if __name__ == "__main__":
    sys.exit(main())
