"""
The memory of one build: `python -m sandbox.benchmarks.memory raw|ours SOURCE`, in a process of its own.

`worker` builds the first sources of the queue that it is left, as `build` does, after the small one.

Writes {"idle": MB before the build, "peak": MB at most} as JSON.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path

from django.utils.module_loading import import_string

from sandbox.benchmarks import bare_pillow, drawing, project, sources
from sandbox.benchmarks.resident import megabytes, reset
from sandbox.benchmarks.settings import FOLDER

WORKED_ON = 20  # sources


def main(contestant: str, source: Path) -> None:
    """Build a small picture, so that all is loaded, then the source."""
    small = FOLDER / "small.jpg"
    drawing.draw(small, (400, 300))
    build = {"raw": _raw, "ours": _ours, "worker": _ours}[contestant]()
    build(small)
    gc.collect()
    idle = reset()
    if contestant == "worker":
        _work()
    else:
        build(source)
    sys.stdout.write(json.dumps({"idle": idle, "peak": megabytes("VmHWM")}))


def _raw() -> Callable[[Path], object]:
    return lambda source: bare_pillow.build(source, FOLDER)


def _ours() -> Callable[[Path], object]:
    project.start()
    used = project.handler(project.MIDDLEWARE)
    return lambda source: sources.show(used, sources.new_photo(source))


def _work() -> None:
    """Work on the queue until so many sources are built from."""
    built: list[str] = []
    work = import_string("responsive_img.queue.work")  # only here: it needs the settings
    work(should_stop=lambda: len(built) >= WORKED_ON, built=built.append)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
