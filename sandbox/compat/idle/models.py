"""Two tables, one of which refers to the other."""

from __future__ import annotations

from django.db import models


class IdleParent(models.Model):
    """Nothing."""

    key = models.CharField(max_length=32, primary_key=True)

    def __str__(self) -> str:
        return self.key


class IdleChild(models.Model):
    """Nothing."""

    key = models.CharField(max_length=32, primary_key=True)
    parent = models.ForeignKey(IdleParent, models.CASCADE)

    def __str__(self) -> str:
        return self.key
