"""django-pictures: its files."""

from __future__ import annotations

from typing import Any


def build(photo: Any) -> None:
    """Build all files of a row, as saving an upload does."""
    photo.image.save_all()
