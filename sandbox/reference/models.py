"""The row that the lines of the page show; it is never saved."""

from __future__ import annotations

from django.db import models


class Photo(models.Model):
    """A picture as most sites keep it."""

    title = models.CharField(max_length=200)
    image = models.ImageField(upload_to="photos/", blank=True)

    def __str__(self) -> str:
        return self.title
