"""`python -m sandbox.reference [OUT.md]`: write the reference."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sandbox.reference import project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.reference", description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=PAGE, metavar="OUT.md")
    out = parser.parse_args().out
    with project.running():
        text = project.page_text()
    out.write_text(text, encoding="utf-8", newline="\n")
    sys.stdout.write(f"{len(text.splitlines())} lines: {out}\n")


if __name__ == "__main__":
    main()
