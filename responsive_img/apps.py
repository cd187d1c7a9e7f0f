"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from responsive_img import conf


class ResponsiveImgConfig(AppConfig):
    """Loads the settings' defaults, which `conf` does when it is imported."""

    name = "responsive_img"
    verbose_name = _("Responsive images")
    default_auto_field = "django.db.models.BigAutoField"
    conf = conf
