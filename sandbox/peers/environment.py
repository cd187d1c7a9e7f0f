"""The peers' own environment: made when it is first wanted, never a dependency."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import django
import PIL

from sandbox.peers.contestants import DISTRIBUTIONS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "peers"
PATIENCE = 900  # s to install
# What only some of them need to run: libvips of easy_images, the cache, and what this library itself needs.
_MORE = ("pyvips", "pyvips-binary", "redis[hiredis]", "django-appconf", "jinja2", "tqdm")


class UnavailableError(Exception):
    """The peers cannot be had here."""


def python() -> Path:
    """
    Return the interpreter of the environment.

    Django and Pillow are those that run this, the peers at their current releases: one environment for all,
    so that nobody has a faster Django than another.

    Raises:
        UnavailableError: They cannot be installed.
    """
    versions = [f"Django=={django.__version__}", f"pillow=={PIL.__version__}"]
    done, found = FOLDER / ".installed", FOLDER / "bin" / "python"
    try:
        if not done.exists() or done.read_text() != " ".join(versions):
            _run(sys.executable, "-m", "venv", "--clear", str(FOLDER))
            _run(str(found), "-m", "pip", "install", "--quiet", *DISTRIBUTIONS.values(), *_MORE, *versions)
            done.write_text(" ".join(versions))
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"The peers cannot be installed in {FOLDER.relative_to(ROOT)}.") from error
    return found


def installed_versions() -> dict[str, str]:
    """Return distribution → version of what is compared."""
    names = [*DISTRIBUTIONS.values(), "Django", "pillow", "pyvips-binary"]
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = subprocess.run([str(python()), "-c", code, *names], check=True, capture_output=True, text=True)
    return dict(zip(names, done.stdout.split(), strict=True))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
