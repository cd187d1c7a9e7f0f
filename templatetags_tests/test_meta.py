from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import call_command

import responsive_img

PACKAGE = Path(responsive_img.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)
MAX_MODULE_LINES = 260
MAX_FUNCTION_LINES = 45


def test_the_migrations_are_complete(db, capsys):
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)

    assert capsys.readouterr().out == "No changes detected\n"


@pytest.mark.skipif(find_spec("importlinter") is None, reason="import-linter is not installed")
def test_imports_come_only_from_below():
    # In a process of its own: it disables the loggers of the one it runs in.
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )

    assert " 0 broken." in done.stdout, done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("module", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_a_module_fits_a_head(module):
    text = module.read_text()

    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert len(text.splitlines()) <= MAX_MODULE_LINES
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_the_public_names_are_listed_in_order_and_can_be_had():
    assert responsive_img.__all__ == sorted(responsive_img.__all__)
    assert all(callable(getattr(responsive_img, name)) for name in responsive_img.__all__)
