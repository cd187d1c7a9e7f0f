"""
Visitors who ask for one photo at once: `python -m sandbox.benchmarks.visitors ALIAS THREADS KEY`.

Says "ready", waits for a line, then writes {"encodes": …, "broken": pages that name a file that is not there}.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import Counter
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import override_settings

from sandbox.benchmarks import project
from sandbox.benchmarks.stand_ins import CountingEngine

_URL = re.compile(r"/media/([^ \",]+)")


def main(alias: str, threads: int, key: int) -> None:
    """Ask, in so many threads."""
    project.start()
    used = project.handler(project.MIDDLEWARE)
    barrier = threading.Barrier(threads)
    seen: Counter[str] = Counter()
    engine = f"{CountingEngine.__module__}.CountingEngine"

    def ask() -> None:
        barrier.wait()
        try:
            response = project.get(used, f"/single/ours/{key}/")
            names = _URL.findall(response.content.decode())
            is_whole = response.status_code == 200 and b"RI1." not in response.content and bool(names)
        finally:
            connection.close()
        if not (is_whole and all((Path(settings.MEDIA_ROOT) / name).exists() for name in names)):
            seen["broken"] += 1
        seen["pages"] += 1

    with override_settings(RESPONSIVE_IMG_CACHE=alias, RESPONSIVE_IMG_ENGINE=engine):
        asking = [threading.Thread(target=ask) for _ in range(threads)]
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    broken = seen["broken"] + threads - seen["pages"]
    sys.stdout.write(json.dumps({"encodes": CountingEngine.encodes, "broken": broken}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
