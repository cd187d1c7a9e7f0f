"""`python -m sandbox.profile`: time the stages, print the tables, and write them into docs/performance.md."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path
from typing import NamedTuple

import django
import jinja2
import PIL

from sandbox.benchmarks import drawing, project
from sandbox.benchmarks.settings import FOLDER
from sandbox.profile import builds, pictures
from sandbox.profile.stages import OF_A_BUILD, OF_A_PICTURE
from sandbox.profile.tables import COMMAND, table, written

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


class Effort(NamedTuple):
    """How thoroughly it is measured: rounds, with which caches, and a source of what size (px)."""

    rounds: int
    caches: dict[str, str]
    size: tuple[int, int]


def main() -> None:
    """Print the tables."""
    options = _options()
    project.start()
    if options.quick:
        effort = Effort(1, {"LocMem": "default"}, (1200, 900))
    else:
        effort = Effort(9, project.answering_caches(), drawing.SIZE)
    try:
        text = "\n\n".join([_of_pictures(effort), _of_a_build(effort), _made_on()])
    finally:
        if "Redis" in effort.caches:
            project.tidy_redis()
    sys.stdout.write(f"{text}\n")
    if options.write:
        page = written(options.write.read_text(encoding="utf-8"), text)
        options.write.write_text(page, encoding="utf-8", newline="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.profile", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one round, a small source: to see that it runs, not what it says",
    )
    parser.add_argument(
        "--write", type=Path, nargs="?", const=PAGE, metavar="PAGE.md", help="put the tables into the page"
    )
    return parser.parse_args()


def _of_pictures(effort: Effort) -> str:
    columns = pictures.run(effort.caches, count=effort.rounds)
    title = f"One of {pictures.PICTURES} pictures of a warm page: µs, and the share of the whole."
    return f"{title}\n\n{table(OF_A_PICTURE, columns, unit=1e-6)}"


def _of_a_build(effort: Effort) -> str:
    alias = next(iter(effort.caches.values()))
    times = builds.run(alias, FOLDER, size=effort.size, count=effort.rounds)
    width, height = effort.size
    title = f"A JPEG of {width} × {height} px built, 400 and 800 px in WebP and JPEG: ms, and the share of the whole."
    return f"{title}\n\n{table(OF_A_BUILD, {'build': times}, unit=1e-3)}"


def _made_on() -> str:
    return (
        f"`{COMMAND}`, on Python {platform.python_version()}, Django {django.__version__}, "
        f"Jinja2 {jinja2.__version__} and Pillow {PIL.__version__}."
    )


if __name__ == "__main__":
    main()
