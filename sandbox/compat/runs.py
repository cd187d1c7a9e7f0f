"""One suite with one guest, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import sandbox
from sandbox.compat.guests import Guest
from sandbox.compat.recording import ERROR, FAILED, PASSED, SKIPPED

TIMEOUT = 300  # s for a suite: the longest takes a quarter of that
_ROOT = Path(sandbox.__file__).resolve().parent.parent


class Run(NamedTuple):
    """
    What came of a suite.

    Attributes:
        outcomes: Test → its outcome, and the last words of what went wrong.
        requests: How many the guest was given.
    """

    outcomes: dict[str, tuple[str, str]]
    requests: int

    def passed(self, test: str) -> bool:
        """Tell whether a test ran and passed."""
        return test in self.outcomes and self.outcomes[test][0] == PASSED

    def end(self, test: str) -> tuple[str, str]:
        """Return the outcome of a test, and the last words of what went wrong."""
        return self.outcomes.get(test, ("not run", ""))

    def bad(self) -> list[str]:
        """Return the tests that failed or raised."""
        return [test for test, (outcome, _) in self.outcomes.items() if outcome in (FAILED, ERROR)]

    def skipped(self) -> list[str]:
        """Return the tests that were skipped."""
        return [test for test, (outcome, _) in self.outcomes.items() if outcome == SKIPPED]


class SuiteError(Exception):
    """A suite did not come to an end."""


def run(tests: Path, suite: str, guest: Guest | None, logs: Path) -> Run:
    """
    Run a suite of Django's tests.

    Args:
        tests: Folder of `runtests.py`.
        suite: Its label.
        guest: Who is added, if anybody.
        logs: Folder for what the suite prints.

    Raises:
        SuiteError: It did not come to an end.
    """
    name = f"{suite}-{guest.name if guest else 'alone'}"
    report, log = logs / f"{name}.json", logs / f"{name}.txt"
    logs.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "sandbox.compat.child",
        tests / "runtests.py",
        suite,
        report,
    ]
    if guest is not None:
        command.append(guest.name)
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONHASHSEED": "0"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    with log.open("w", encoding="utf-8") as file:
        try:
            subprocess.run(
                command, cwd=tests, env=environment, stdout=file, stderr=file, timeout=TIMEOUT, check=True
            )
        except subprocess.SubprocessError as error:
            raise SuiteError(f"{error}; see {log}") from error
    told = json.loads(report.read_text(encoding="utf-8"))
    outcomes = {test: (outcome, words) for test, (outcome, words) in told["outcomes"].items()}
    return Run(outcomes, told["requests"])
