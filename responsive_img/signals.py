"""Signals: what happened to a file or a picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.dispatch import Signal

file_post_save = Signal()  # sender: the model; instance, fieldfile
queued_img = Signal()  # sender: the model Picture; jobs
picture_built = Signal()  # sender: the model Picture; job
picture_failed = Signal()  # sender: the model Picture; job, error

_muted: ContextVar[bool] = ContextVar("responsive_img_muted", default=False)


@contextmanager
def muted() -> Iterator[None]:
    """Have `queued_img` not sent for what is asked for inside."""
    token = _muted.set(True)
    try:
        yield
    finally:
        _muted.reset(token)


def are_heard() -> bool:
    """Tell whether `queued_img` is to be sent."""
    return not _muted.get()
