from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string


class GalleryConfig(AppConfig):
    name = "sandbox.gallery"

    def ready(self) -> None:
        if hasattr(settings, "CELERY_BROKER_URL"):
            # A site imports it in its package's __init__, as Celery advises; here it need not be installed.
            import_string("sandbox.broker.app")
