from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from responsive_img import conf


class GalleryConfig(AppConfig):
    name = "sandbox.gallery"

    def ready(self) -> None:
        if not conf.current().create_on_demand:
            # It imports the models, which are there only now.
            import_string("sandbox.gallery.warming.warm_on_save")()
        if hasattr(settings, "CELERY_BROKER_URL"):
            # A site imports it in its package's __init__, as Celery advises; here it need not be installed.
            import_string("sandbox.broker.app")
