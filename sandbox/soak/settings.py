"""The project that is soaked: pages and workers share its database, cache and folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

from jinja2 import DictLoader

from sandbox.soak.templates import TEMPLATES as PAGES

FOLDER = Path(os.environ["SOAK_FOLDER"])

SECRET_KEY = "not secret: these settings serve a soak alone"
ROOT_URLCONF = "sandbox.soak.pages"
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["responsive_img", "sandbox.soak"]
MIDDLEWARE = ["responsive_img.middleware.ResponsiveImgMiddleware"]

DATABASES = {"default": json.loads(os.environ["SOAK_DATABASE"])}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["SOAK_REDIS"],
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}
STORAGES = {
    # Sources are replaced under their own names.
    "default": {"BACKEND": "sandbox.soak.stand_ins.Storage", "OPTIONS": {"allow_overwrite": True}},
}
MEDIA_ROOT = FOLDER / "media"
MEDIA_URL = "/media/"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "builtins": ["responsive_img.templatetags.responsive_img"],
            "loaders": [("django.template.loaders.locmem.Loader", PAGES)],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "OPTIONS": {
            "loader": DictLoader(PAGES),
            "extensions": ["responsive_img.jinja.ResponsiveImgExtension"],
        },
    },
]

# What is logged here is what was done to the project.
LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": FOLDER / "log", "delay": True}},
    "loggers": {"responsive_img": {"handlers": ["file"], "propagate": False}},
}

RESPONSIVE_IMG_BUILD_HOOK = os.environ.get("SOAK_HOOK", "responsive_img.hooks.enqueue")
RESPONSIVE_IMG_BUILD_BUDGET = 0.5
RESPONSIVE_IMG_ENGINE = "sandbox.soak.stand_ins.NotingEngine"
RESPONSIVE_IMG_RETRY = 1
SILENCED_SYSTEM_CHECKS = ["responsive_img.W011"]  # whoever replaces a file behind Django's back says so
