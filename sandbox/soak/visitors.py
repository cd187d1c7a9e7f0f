"""
A process of a web server with visitors: `python -m sandbox.soak.visitors REPORT`.

Threads ask for pages until SIGTERM; what they saw is written as JSON.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import django
from django.core.handlers.wsgi import WSGIHandler

from sandbox.soak.pages import get, what_is_wrong
from sandbox.soak.templates import PICTURES

THREADS = 4
INTERVAL = 0.4  # s between two pages of a visitor: 20 pages a second with two processes
KEPT = 10  # broken pages


class Crowd:
    """What all visitors of a process have seen."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()
        self.stop = threading.Event()
        self.seconds: list[float] = []
        self.wrong: list[str] = []
        self.checked: set[str] = set()

    def visit(self) -> None:
        """Ask for pages at random until told to stop."""
        dice = random.Random()  # noqa: S311 - chooses pages
        while not self.stop.wait(dice.uniform(0, 2 * INTERVAL)):
            address = f"/some/{dice.choice(list(PICTURES))}/{dice.choice(['html', 'jinja'])}/"
            start = time.perf_counter()
            try:
                response = get(self.handler, address)
                self.seconds.append(time.perf_counter() - start)
                self.wrong += what_is_wrong(response, self.checked)
            except Exception:  # noqa: BLE001 - what leaves a view is a broken page too
                self.wrong.append(traceback.format_exc())


def main(report: Path) -> None:
    """Visit, and write what was seen."""
    django.setup()
    crowd = Crowd()
    signal.signal(signal.SIGTERM, lambda *_: crowd.stop.set())
    threads = [threading.Thread(target=crowd.visit) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = {"seconds": crowd.seconds, "wrong": crowd.wrong[:KEPT]}
    report.write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
