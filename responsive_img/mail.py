"""A mail backend that finalizes what it sends: a mail must hold markup, whatever request it was rendered with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.utils.module_loading import import_string

from responsive_img import conf
from responsive_img.scopes import finalize_all


class EmailBackend(BaseEmailBackend):
    """Resolves the markers in bodies and alternatives, and passes on to `RESPONSIVE_IMG_EMAIL_BACKEND`."""

    def __init__(self, fail_silently: bool | None = None, **options: Any) -> None:
        # From Django 6.1 on a backend has an alias, and complains of options that are not its own.
        super().__init__(**{name: value for name, value in options.items() if name == "alias"})
        self.fail_silently = bool(fail_silently)
        if fail_silently is not None:
            options["fail_silently"] = fail_silently
        self._backend: BaseEmailBackend = import_string(conf.current().email_backend)(**options)

    def open(self) -> bool | None:
        """Open the connection of the backend behind."""
        return self._backend.open()

    def close(self) -> None:
        """Close the connection of the backend behind."""
        self._backend.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send messages, their pictures resolved in one lookup; the messages themselves stay as they are."""
        return self._backend.send_messages(_finalized(list(email_messages)))


def _finalized(messages: list[EmailMessage]) -> list[EmailMessage]:
    before = [_texts(message) for message in messages]
    after = iter(finalize_all([text for texts in before for text in texts]))
    sent = []
    for message, texts in zip(messages, before, strict=True):
        resolved = [next(after) for _ in texts]
        # What has no pictures is passed on itself, as a backend may note on it how it went.
        sent.append(message if resolved == texts else _with_texts(message, resolved))
    return sent


# Where a message carries texts, and which member of each entry is the text.
_PARTS = {"alternatives": 0, "attachments": 1}


def _texts(message: EmailMessage) -> list[str]:
    """Return the body of a message, and its alternatives and attachments as far as they are text."""
    parts = [part[index] for name, index in _PARTS.items() for part in _parts(message, name)]
    return [str(message.body or ""), *[text for text in parts if isinstance(text, str)]]


def _parts(message: EmailMessage, name: str) -> list[Any]:
    return [part for part in getattr(message, name, None) or () if isinstance(part, tuple)]


def _with_texts(message: EmailMessage, texts: list[str]) -> EmailMessage:
    """Return a copy of a message with other texts."""
    sent = copy(message)
    sent.body, *others = texts
    rest = iter(others)
    for name, index in _PARTS.items():
        if _parts(message, name):
            setattr(sent, name, [_with_text(part, index, rest) for part in getattr(message, name)])
    return sent


def _with_text(part: Any, index: int, texts: Iterator[str]) -> Any:
    """Return an entry with the next text, if it has one."""
    if not isinstance(part, tuple) or not isinstance(part[index], str):
        return part
    values = [*part[:index], next(texts), *part[index + 1 :]]
    return type(part)(*values) if hasattr(part, "_fields") else tuple(values)
