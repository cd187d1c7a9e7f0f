"""The rows and files of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from django.apps import apps
from django.conf import settings
from django.db.models import Manager

if TYPE_CHECKING:
    from sandbox.soak.models import Photo


def photo_model() -> type[Photo]:
    """Return the model of the photos; by name, as it cannot be imported before Django is set up."""
    return cast("type[Photo]", apps.get_app_config("soak").get_model("Photo"))


def photos() -> Manager[Photo]:
    """Return the photos."""
    return photo_model().objects


def media() -> Path:
    """Return the folder of sources and renditions."""
    return Path(settings.MEDIA_ROOT)


class Build(NamedTuple):
    """
    What a builder notes of a build.

    Attributes:
        pid: Of the builder.
        names: Of the renditions that it has written; none while it has only begun.
        began: s of the epoch.
        noted: The same.
    """

    pid: int
    names: list[str]
    began: float
    noted: float

    def __str__(self) -> str:
        return f"{self.pid} from {self.began % 1000:.1f} to {self.noted % 1000:.1f} s"


def notes() -> Path:
    """Return the file to which whoever builds appends lines."""
    return media().parent / "notes"


def builds() -> list[Build]:
    """Return what was noted, in order."""
    return [Build(**json.loads(line)) for line in notes().read_text().splitlines()]


def is_full() -> Path:
    """Return the file beside which, while it is there, no rendition can be written."""
    return media().parent / "full"
