"""Asks the Nu HTML Checker what is wrong with pages; `make html` fetches it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

_MADE = Path(__file__).parents[1] / "build/vnu/node_modules/vnu-jar/build/dist/vnu.jar"


def checker() -> Path | None:
    """Return the checker's jar; None if it or Java is missing."""
    jar = Path(os.environ.get("RESPONSIVE_IMG_VNU") or _MADE)
    return jar if jar.is_file() and shutil.which("java") else None


def page(body: str) -> str:
    """Return a valid page with this body."""
    head = '<meta charset="utf-8"><title>A page</title>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def errors(documents: Mapping[str, str]) -> dict[str, list[str]]:  # pragma: no cover - it is not everywhere
    """
    Return the errors of those documents that have any, in the checker's words.

    Args:
        documents: Any name → a whole page. One call starts Java once, which takes longer than a page.

    Raises:
        RuntimeError: There is no checker, or it could not read a document.
    """
    jar = checker()
    if jar is None:
        raise RuntimeError("The Nu HTML Checker or Java is missing")
    names = list(documents)
    found: dict[str, list[str]] = {}
    with TemporaryDirectory() as folder:
        for number, name in enumerate(names):
            Path(folder, f"{number}.html").write_text(documents[name], encoding="utf-8")
        # What Java itself has to say goes to stderr.
        command = ["java", "-jar", str(jar), "--format", "json", "--stdout", "--errors-only"]
        options = ["--no-langdetect", "--exit-zero-always"]
        done = subprocess.run([*command, *options, folder], stdout=subprocess.PIPE, check=True)
    for message in json.loads(done.stdout)["messages"]:
        if message["type"] != "error":
            raise RuntimeError(f"The Nu HTML Checker failed: {message}")
        found.setdefault(names[int(Path(message["url"]).stem)], []).append(message["message"])
    return found
