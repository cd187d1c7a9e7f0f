"""
The tests on every supported release of Python and Django, and on PostgreSQL: `make matrix`.

What is marked as slow is run by `make test` alone.

Nox closes with one line for each session; for those left out it says why.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import nox

MATRIX = {
    "3.11": ["5.2"],  # Django 6 needs Python 3.12
    "3.12": ["5.2", "6.0", "6.1"],
    "3.13": ["5.2", "6.0", "6.1"],
}
PYTEST = ("pytest", "--quiet", "-n", "auto", "-m", "not slow")
TEST_GROUP = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")

nox.needs_version = ">=2026.2"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
# A missing interpreter is left out, on CI too.
nox.options.error_on_missing_interpreters = False

# pyenv's shims answer only for the versions that are switched on; the matrix takes every one installed.
pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
os.environ["PATH"] += "".join(f"{os.pathsep}{path}" for path in sorted(pyenv.glob("versions/3.*/bin")))
# As pip does, uv shall trust the certificates that the machine trusts.
os.environ.setdefault("UV_SYSTEM_CERTS", "1")


@nox.session
@nox.parametrize(
    "python,django",
    [
        nox.param(python, django, id=f"python-{python}-django-{django}")
        for python, djangos in MATRIX.items()
        for django in djangos
    ],
)
def tests(session: nox.Session, django: str) -> None:
    """Run the tests; coverage is the business of `make test`."""
    if not any(f"{release}.".startswith(f"{django}.") for release in django_releases()):
        session.skip(f"Django {django} is not on the package index")
    session.install(f"django~={django}.0", "--editable", ".", *TEST_GROUP)
    # The development mode shows unclosed files, which pytest then turns into errors.
    session.run(*PYTEST, *session.posargs, env={"PYTHONDEVMODE": "1"})


@nox.session
def postgres(session: nox.Session) -> None:
    """Run the tests once on PostgreSQL, found by libpq's environment variables."""
    session.install("--editable", ".", *TEST_GROUP)
    try:
        connect = "import psycopg; psycopg.connect(dbname='postgres', connect_timeout=5).close()"
        session.run("python", "-c", connect, silent=True)
    except nox.command.CommandFailed:
        if "RESPONSIVE_IMG_REQUIRE_SERVICES" in os.environ:
            raise
        session.skip("no PostgreSQL server answers")
    session.run(*PYTEST, *session.posargs, env={"RESPONSIVE_IMG_TEST_DB": "postgres"})


@functools.cache
def django_releases() -> list[str]:
    """Return what the package index has for the newest Python of the matrix."""
    command = [sys.executable, "-m", "pip", "index", "versions", "django", "--python-version", max(MATRIX)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - fixed words
    return answer.partition("Available versions:")[2].partition("\n")[0].replace(",", " ").split()
