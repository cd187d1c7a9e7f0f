from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.profile import stages

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
SECTION = re.compile(r"^## Where the time goes\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
# Of a time with its share: "12.34 (5%)".
CELL = re.compile(r"(-?\d+\.\d\d) \(-?\d+%\)")

Table = dict[str, list[str]]


def tables(text: str) -> list[Table]:
    """Return the tables of a text in Markdown: first cell of a row → the others, without the headings."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        found.append({first: others for first, *others in rows[2:]})
    return found


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return what the script prints, and the page that it writes."""
    page = tmp_path_factory.mktemp("docs") / "performance.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.profile", "--quick", "--write", str(page)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, page.read_text(encoding="utf-8")


def section(page: str) -> str:
    match = SECTION.search(page)
    assert match is not None
    return match[1]


def test_page_has_the_stages_that_the_script_prints(printed):
    script = tables(printed[0])
    page = tables(section(PAGE.read_text("utf-8")))

    assert [list(each) for each in page] == [list(each) for each in script]
    assert [[row[-1] for row in each.values()] for each in page] == [
        [row[-1] for row in each.values()] for each in script
    ]
    assert [list(each) for each in page] == [
        [*of, *stages.OTHERS] for of in (stages.OF_A_PICTURE, stages.OF_A_BUILD)
    ]


def test_stages_and_rest_of_the_page_come_to_the_whole():
    for table in tables(section(PAGE.read_text("utf-8"))):
        columns = zip(*[row[:-1] for row in table.values()], strict=True)
        for column in columns:
            times = [float(match[1]) for cell in column if (match := CELL.fullmatch(cell))]
            assert len(times) == len(table)
            assert sum(times[:-1]) == pytest.approx(times[-1], abs=0.005 * len(times))


def test_script_writes_what_it_prints_and_leaves_the_rest_of_the_page_alone(printed):
    output, page = printed
    around = re.compile(r"(?<=WRITE=1` -->\n).*(?=\n<!-- The end)", re.DOTALL)

    assert output.strip() in page
    assert around.sub("", page) == around.sub("", PAGE.read_text("utf-8"))
