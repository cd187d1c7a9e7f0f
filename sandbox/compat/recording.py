"""A test runner that remembers what came of each test."""

from __future__ import annotations

import traceback
import unittest
from types import TracebackType
from typing import Any

from django.test.runner import DiscoverRunner

PASSED, SKIPPED, FAILED, ERROR = "passed", "skipped", "failed", "error"
_RANKS = (PASSED, SKIPPED, FAILED, ERROR)

# Test → its outcome, and the last words of what went wrong. A test with subtests has the worst of them.
outcomes: dict[str, tuple[str, str]] = {}

# As sys.exc_info() has it.
_Error = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def _note(test: unittest.TestCase, outcome: str, error: _Error | None = None) -> None:
    before = outcomes.get(test.id())
    if before is not None and _RANKS.index(before[0]) >= _RANKS.index(outcome):
        return
    words = "".join(traceback.format_exception_only(error[0], error[1])).strip() if error else ""
    outcomes[test.id()] = (outcome, words)


class RecordingResult(unittest.TextTestResult):
    """Notes each outcome on its way to the terminal."""

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        super().addSuccess(test)
        _note(test, PASSED)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        _note(test, SKIPPED)

    def addExpectedFailure(self, test: unittest.TestCase, err: _Error) -> None:  # noqa: N802
        super().addExpectedFailure(test, err)
        _note(test, PASSED)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        _note(test, FAILED)

    def addFailure(self, test: unittest.TestCase, err: _Error) -> None:  # noqa: N802
        super().addFailure(test, err)
        _note(test, FAILED, err)

    def addError(self, test: unittest.TestCase, err: _Error) -> None:  # noqa: N802
        super().addError(test, err)
        _note(test, ERROR, err)

    def addSubTest(  # noqa: N802
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: _Error | None
    ) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            is_failure = err[0] is not None and issubclass(err[0], test.failureException)
            _note(test, FAILED if is_failure else ERROR, err)


class RecordingRunner(DiscoverRunner):
    """Django's runner, with that result."""

    def get_resultclass(self) -> Any:
        """Return it."""
        return RecordingResult
