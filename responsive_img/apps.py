"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from responsive_img import conf, deleting, saving
from responsive_img.checks import check


class ResponsiveImgConfig(AppConfig):
    """Loads the settings' defaults, which `conf` does when it is imported, and registers the checks."""

    name = "responsive_img"
    verbose_name = _("Responsive images")
    default_auto_field = "django.db.models.BigAutoField"
    conf = conf

    def ready(self) -> None:
        """Register the checks, and watch what is saved and deleted."""
        register(check, self.name)
        saving.connect()
        deleting.connect()
