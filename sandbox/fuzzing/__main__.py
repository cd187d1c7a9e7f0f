"""`python -m sandbox.fuzzing`: run files through the engine, print what came of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox.fuzzing.crew import Crew, Limits
from sandbox.fuzzing.items import Item, Mutated, Stored
from sandbox.fuzzing.seeds import SEEDS
from sandbox.fuzzing.tally import Tally


def main() -> int:
    """Return 1 if a file did what none may do, or if there was none."""
    options = _options()
    limits = Limits(seconds=options.limit, memory=options.memory)
    tally = Tally(limits)
    with Crew(limits) as crew:
        for result in crew.run(_items(options), seconds=options.seconds):
            tally.add(result)
    sys.stdout.write(tally.text())
    return 1 if tally.failures or not tally.count else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.fuzzing", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--limit", type=float, default=30, metavar="S", help="for one file (30)")
    shared.add_argument("--memory", type=int, default=512, metavar="MB", help="a process may have (512)")
    shared.add_argument("--seconds", type=float, metavar="S", help="begin no file after this time")
    commands = parser.add_subparsers(dest="command", required=True)
    corpus = commands.add_parser("corpus", parents=[shared], help="every file of a folder")
    corpus.add_argument("folder", type=Path)
    mutate = commands.add_parser("mutate", parents=[shared], help="drawn pictures, damaged")
    mutate.add_argument("--count", type=int, default=20_000, metavar="N", help="files (20,000)")
    mutate.add_argument("--seed", type=int, default=0, metavar="N", help="another one: other damage (0)")
    mutate.add_argument("--first", type=int, default=0, metavar="N", help="number of the first file (0)")
    return parser.parse_args()


def _items(options: argparse.Namespace) -> Iterator[Item]:
    if options.command == "corpus":
        return (Stored(path) for path in sorted(options.folder.rglob("*")) if path.is_file())
    names = sorted(SEEDS)
    numbers = range(options.first, options.first + options.count)
    return (Mutated(names[number % len(names)], options.seed, number) for number in numbers)


if __name__ == "__main__":
    sys.exit(main())
