"""The rows that pages show."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Photo(models.Model):
    """A picture."""

    title = models.CharField(max_length=200)
    image = models.ImageField(upload_to="photos")

    objects: ClassVar[models.Manager[Photo]] = models.Manager()

    def __str__(self) -> str:
        return self.title
