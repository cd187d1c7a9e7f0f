"""Another library, in an environment of its own that is made when it is first wanted: never a dependency."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import django
import PIL

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / "build" / "easy_images"
PATIENCE = 300  # s to install


class UnavailableError(Exception):
    """It cannot be had here."""


@contextmanager
def easy_images(folder: Path, source: Path, pictures: int) -> Iterator[Callable[[], float]]:
    """
    Give what shows a page of so many new pictures with django-easy-images, and returns the seconds it took.

    Raises:
        UnavailableError: It cannot be installed, or does not run.
    """
    script = Path(__file__).with_name("easy_images_page.py")
    # Without the script's folder, whose modules bear the names of others.
    command = [str(_python()), "-P", str(script), str(folder / "easy_images"), str(source), str(pictures)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def go() -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    try:
        try:
            go()
        except (OSError, ValueError) as error:
            raise UnavailableError("It does not run.") from error
        yield go
    finally:
        process.communicate()


def _python() -> Path:
    """Return the interpreter of its environment."""
    done = ENVIRONMENT / ".installed"
    python = ENVIRONMENT / "bin" / "python"
    versions = [f"Django=={django.__version__}", f"pillow=={PIL.__version__}"]
    try:
        if not done.exists():
            _run(sys.executable, "-m", "venv", str(ENVIRONMENT))
            pip = (str(python), "-m", "pip", "install", "--quiet")
            _run(*pip, "django-easy-images", "pyvips", "pyvips-binary", *versions)
            _run(str(python), "-c", "import pyvips, easy_images")
            done.touch()
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"It cannot be installed in {ENVIRONMENT.relative_to(ROOT)}.") from error
    return python


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
