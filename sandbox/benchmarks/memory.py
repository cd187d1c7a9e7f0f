"""
The memory of one build: `python -m sandbox.benchmarks.memory raw|ours SOURCE`, in a process of its own.

Writes {"idle": MB before the build, "peak": MB at most} as JSON.
"""

from __future__ import annotations

import gc
import json
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox.benchmarks import bare_pillow, drawing, project, sources
from sandbox.benchmarks.settings import FOLDER

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main(contestant: str, source: Path) -> None:
    """Build a small picture, so that all is loaded, then the source."""
    small = FOLDER / "small.jpg"
    drawing.draw(small, (400, 300))
    build = _raw() if contestant == "raw" else _ours()
    build(small)
    gc.collect()
    idle = _reset()
    build(source)
    sys.stdout.write(json.dumps({"idle": idle, "peak": _megabytes("VmHWM")}))


def _raw() -> Callable[[Path], object]:
    return lambda source: bare_pillow.build(source, FOLDER)


def _ours() -> Callable[[Path], object]:
    project.start()
    used = project.handler(project.MIDDLEWARE)
    return lambda source: sources.show(used, sources.new_photo(source))


def _reset() -> float:
    """Return what the process has now: MB; and forget what it had, where the system can."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        pass
    return _megabytes("VmRSS")


def _megabytes(field: str) -> float:
    """
    Return a field of Linux's status, elsewhere the process's peak: MB.

    Not the peak of `getrusage` on Linux: there it begins with that of the process that started this one.
    """
    if _STATUS.exists():
        match = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if match:
            return int(match[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
