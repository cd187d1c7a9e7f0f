"""`python -m sandbox.sheet OUT.png`: draw the sheet, and print how far each rendition is from what is right."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sandbox.sheet import paper
from sandbox.sheet.renditions import FORMATS, row_of
from sandbox.sheet.traps import traps


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.sheet", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.png")
    out = parser.parse_args().out
    rows = [row_of(trap) for trap in traps()]
    paper.sheet(rows).save(out)
    sys.stdout.write(f"{'mean difference, of 255':28}" + "".join(f"{name:>8}" for name in FORMATS) + "\n")
    for row in rows:
        differences = "".join(f"{rendition.difference:8.1f}" for rendition in row.renditions)
        sys.stdout.write(f"{row.label:28}{differences}\n")
    sys.stdout.write(f"{len(rows)} rows: {out}\n")


if __name__ == "__main__":
    main()
