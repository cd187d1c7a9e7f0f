"""
Everything this library raises.

    ResponsiveImgError
    ├── SpecError      what was asked for is wrong: the template author's or the caller's fault
    ├── SourceError    the source cannot be found or opened
    └── BuildError     the source was opened, but no rendition can be made of it
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class ResponsiveImgError(Exception):
    """Base of all errors of this library, to catch them with one name."""


class SpecError(ResponsiveImgError, ValueError):
    """An argument is unknown, malformed or contradicts another one; the message names the choices."""

    @classmethod
    def unknown(cls, kind: str, name: str, choices: Iterable[str]) -> Self:
        """Return the error for a name that is none of the choices, with the nearest one if any is near."""
        known = sorted(choices)
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return cls(f"Unknown {kind} {name!r}.{hint} Choices: {', '.join(known) or 'none'}.")


class SourceError(ResponsiveImgError):
    """A source has no usable name, does not exist, or its storage does not answer."""


class BuildError(ResponsiveImgError):
    """The engine cannot make a rendition; the message starts with the class of the cause."""


def quoted(value: object) -> str:
    """Return a value as a message quotes it: short, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - Python refuses to write a number of 5,000 digits, and others what they like
        text = f"<{type(value).__name__}>"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


MAX_SHOWN = 200  # characters
