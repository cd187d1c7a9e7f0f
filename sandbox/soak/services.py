"""What the project stands on, of this run alone: a database, a Redis that can be killed, processes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

PATIENCE = 20  # s


@contextmanager
def database(folder: Path, *, on_sqlite: bool) -> Iterator[dict[str, Any]]:
    """Make an empty database, on PostgreSQL if one answers and may be used; give how Django finds it."""
    server = None if on_sqlite else _postgres()
    if server is None:
        options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;", "timeout": 20}
        yield {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3"), "OPTIONS": options}
        return
    name = f"responsive_img_soak_{os.getpid()}"
    with server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                "HOST": server.info.host,
                "USER": server.info.user,
            }
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _postgres() -> Any:
    """Return a connection to the server that libpq's own environment variables name, or to the local one."""
    user = os.environ.get("PGUSER", "")
    for host in dict.fromkeys((os.environ.get("PGHOST", ""), "127.0.0.1")):
        with suppress(psycopg.OperationalError):
            return psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True)
    return None


class Redis:
    """A Redis on one port, however often it is killed; it keeps nothing."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            sys.exit("The soak kills its Redis: install redis-server.")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def is_running(self) -> bool:
        """Whether it answers."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        sys.exit("redis-server does not start.")

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis() -> Iterator[Redis]:
    """Give a running Redis."""
    running = Redis()
    try:
        running.start()
        yield running
    finally:
        running.kill()


def start(output: Path, *command: str, **environment: str) -> subprocess.Popen[bytes]:
    """
    Start a module of Python in a session of its own, so that Ctrl-C reaches this process alone.

    Args:
        output: File to which it adds what it says.
        command: Module and arguments.
        environment: Beside that of this process.
    """
    with output.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> int:
    """Have a process end, and return its exit code: negative where it had to be killed."""
    process.terminate()
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextmanager
def ending(processes: Mapping[str, subprocess.Popen[bytes]]) -> Iterator[None]:
    """End processes on leaving, whatever happens."""
    try:
        yield
    finally:
        for process in processes.values():
            if process.poll() is None:
                end(process)
