"""Signals: what happened to a picture."""

from __future__ import annotations

from django.dispatch import Signal

picture_built = Signal()  # sender: the model Picture; job
picture_failed = Signal()  # sender: the model Picture; job, error
