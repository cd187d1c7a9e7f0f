"""What the gallery shows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.urls import reverse

from responsive_img.fields import FocalPointField


class Photo(models.Model):
    """
    A photo; a plain ImageField is all that responsive_img needs.

    The size beside it serves pages that trust the warmer: they look nothing up, and so know no other.
    """

    title = models.CharField(max_length=120)
    alt = models.CharField(
        "description", max_length=300, help_text="What is to be seen, for those who cannot see it."
    )
    credit = models.CharField(max_length=120, blank=True)
    image = models.ImageField(upload_to="photos/", width_field="image_width", height_field="image_height")
    image_width = models.PositiveIntegerField(null=True, editable=False)
    image_height = models.PositiveIntegerField(null=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Photo]]

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("photo", args=[self.pk])


class Person(models.Model):
    """A person with a headshot, and the point of it that crops keep."""

    name = models.CharField(max_length=120)
    alt = models.CharField("description", max_length=300)
    headshot = models.ImageField(
        upload_to="people/", width_field="headshot_width", height_field="headshot_height"
    )
    headshot_width = models.PositiveIntegerField(null=True, editable=False)
    headshot_height = models.PositiveIntegerField(null=True, editable=False)
    headshot_point = FocalPointField("headshot")

    objects: ClassVar[models.Manager[Person]]

    class Meta:
        ordering = ("pk",)
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('focal')}#person-{self.pk}"


@receiver(post_delete, sender=Photo)
@receiver(post_delete, sender=Person)
def delete_file(instance: Photo | Person, **_: Any) -> None:
    """Delete the file with its row, as django-cleanup does; what was built of it then goes by itself."""
    file = instance.image if isinstance(instance, Photo) else instance.headshot
    file.delete(save=False)
