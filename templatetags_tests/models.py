from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.utils.functional import cached_property

from responsive_img.fields import FocalPointField


class VaultStorage(FileSystemStorage):
    """No entry of STORAGES; its URLs are signed, so that they must be asked for."""

    @cached_property
    def base_location(self) -> str:
        return str(Path(settings.MEDIA_ROOT) / "vault")

    def url(self, name: str | None) -> str:
        return f"https://vault.example/{name}?expires=1&signature=x"


class Photo(models.Model):
    title = models.CharField(max_length=200)
    image = models.ImageField(upload_to="photos/", blank=True)

    def __str__(self) -> str:
        return self.title


class Scan(models.Model):
    image = models.ImageField(storage=VaultStorage())

    def __str__(self) -> str:
        return str(self.image)


class Person(models.Model):
    name = models.CharField(max_length=200)
    headshot = models.ImageField(upload_to="headshots/", blank=True)
    headshot_point = FocalPointField("headshot")

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    name = models.CharField(max_length=200)
    main_image = models.ImageField(upload_to="products/", blank=True)

    def __str__(self) -> str:
        return self.name


class Profile(models.Model):
    """A picture whose stored size is in the row, and whose owner is reached over relations."""

    person = models.OneToOneField(Person, models.CASCADE, null=True, related_name="profile")
    product = models.ForeignKey(Product, models.CASCADE, null=True)
    main_image = models.ImageField(
        upload_to="profiles/", blank=True, width_field="image_width", height_field="image_height"
    )
    image_width = models.PositiveIntegerField(null=True, editable=False)
    image_height = models.PositiveIntegerField(null=True, editable=False)

    def __str__(self) -> str:
        return str(self.main_image)
