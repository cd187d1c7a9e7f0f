"""What the library makes of a line: of a tag in both template languages, and of Python."""

from __future__ import annotations

from code import InteractiveInterpreter
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.template import engines
from jinja2 import TemplateSyntaxError as JinjaSyntaxError

from responsive_img.exceptions import SpecError
from sandbox.reference import project

_LOAD = {"django": "{% load responsive_img %}", "jinja2": ""}


class LineError(Exception):
    """A line does not do what the page says of it."""


def rendered(text: str) -> str:
    """
    Return what a template shows.

    Raises:
        LineError: The two languages differ.
    """
    found = {
        language: engines[language].from_string(load + text).render(project.context())
        for language, load in _LOAD.items()
    }
    return _same(text, found)


def refusal(text: str) -> str:
    """
    Return what is said of a wrong line when its template is compiled.

    Raises:
        LineError: It is not refused, or the two languages differ.
    """
    found: dict[str, str] = {}
    for language, load in _LOAD.items():
        try:
            engines[language].from_string(load + text)
        except (DjangoSyntaxError, JinjaSyntaxError) as error:
            found[language] = str(getattr(error, "message", error))
        else:
            raise LineError(f"{language} compiles {text}")
    return _same(text, found)


def _same(text: str, found: dict[str, str]) -> str:
    if found["django"] != found["jinja2"]:
        raise LineError(f"{text}\n{found['django']}\n{found['jinja2']}")
    return found["django"]


class Session(InteractiveInterpreter):
    """A Python prompt."""

    def __init__(self) -> None:
        values: dict[str, Any] = project.context()
        super().__init__(values)

    def answer(self, line: str) -> str:
        """
        Return what a statement prints.

        Raises:
            LineError: It goes on in the next line.
        """
        out = StringIO()
        with redirect_stdout(out):
            if self.runsource(line):
                raise LineError(f"This is not a whole statement: {line}")
        return out.getvalue().rstrip("\n")

    def refusal(self, line: str) -> str:
        """
        Return what is said of a wrong statement.

        Raises:
            LineError: It is not refused.
        """
        try:
            self.answer(line)
        except SpecError as error:
            return f"{type(error).__name__}: {error}"
        raise LineError(f"Python runs {line}")

    def showtraceback(self) -> None:
        """Let an error out."""
        raise

    def showsyntaxerror(self, filename: str | None = None, **kwargs: object) -> None:
        """Let an error out."""
        raise
