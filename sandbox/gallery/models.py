"""What the gallery shows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.urls import reverse


class Photo(models.Model):
    """A photo; a plain ImageField is all that responsive_img needs."""

    title = models.CharField(max_length=120)
    alt = models.CharField(
        "description", max_length=300, help_text="What is to be seen, for those who cannot see it."
    )
    credit = models.CharField(max_length=120, blank=True)
    image = models.ImageField(upload_to="photos/")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Photo]]

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("photo", args=[self.pk])
