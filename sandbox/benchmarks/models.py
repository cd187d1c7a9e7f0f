"""The rows that a page shows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Photo(models.Model):
    """A picture as a shop or a blog keeps it; every page reads all columns, so all pay for the row alike."""

    title = models.CharField(max_length=200)
    # As Django's manual has it; it keeps the size up to date by a signal for every row that is read.
    image = models.ImageField(upload_to="photos", width_field="width", height_field="height")
    width = models.PositiveIntegerField(default=4000)  # px
    height = models.PositiveIntegerField(default=3000)  # px
    # For the hand-written markup alone.
    webp_1x = models.CharField(max_length=200)
    webp_2x = models.CharField(max_length=200)
    jpeg_1x = models.CharField(max_length=200)
    jpeg_2x = models.CharField(max_length=200)

    objects: ClassVar[models.Manager[Photo]] = models.Manager()

    def __str__(self) -> str:
        return self.title
