"""
The records: the durable truth behind the cache, and the default queue.

Natural keys (digests), so that rows can be inserted without asking for one first; `records` is the only
module that uses these models.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Source(models.Model):
    """A file that pictures are made of."""

    class State(models.TextChoices):
        """What is known of the file."""

        NEW = "new", _("not yet read")
        KNOWN = "known", _("read")
        FAILED = "failed", _("cannot be read")

    key = models.CharField(_("key"), max_length=32, primary_key=True, editable=False)
    storage = models.CharField(_("storage"), max_length=200)
    name = models.CharField(_("name"), max_length=1000)
    field = models.CharField(_("field"), max_length=200, blank=True, help_text=_("Who asked first."))
    version = models.CharField(_("version"), max_length=16, blank=True)
    width = models.PositiveIntegerField(_("width"), null=True, help_text=_("px, oriented"))
    height = models.PositiveIntegerField(_("height"), null=True, help_text=_("px, oriented"))
    format = models.CharField(_("format"), max_length=8, blank=True)
    is_animated = models.BooleanField(_("animated"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.NEW)
    error = models.TextField(_("error"), blank=True)
    retry_at = models.DateTimeField(_("retry at"), null=True)

    pictures: ClassVar[models.Manager[Picture]]

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self) -> str:
        return self.name


class Picture(models.Model):
    """A source under one spec."""

    class State(models.TextChoices):
        """Where its build stands."""

        QUEUED = "queued", _("queued")
        BUILDING = "building", _("being built")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    key = models.CharField(_("key"), max_length=32, primary_key=True, editable=False)
    source = models.ForeignKey(Source, models.CASCADE, verbose_name=_("source"), related_name="pictures")
    spec = models.TextField(_("spec"), help_text=_("canonical"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.QUEUED)
    renditions = models.TextField(_("renditions"), blank=True, help_text=_("the manifest's text"))
    owner = models.CharField(_("owner"), max_length=32, blank=True)
    lease_until = models.DateTimeField(
        _("lease until"),
        null=True,
        help_text=_("being built: by its owner; queued: handed to the hook, and not again before"),
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"), null=True)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "not_before"], name="responsive_img_queue")
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.spec}"
