from __future__ import annotations

import os

SECRET_KEY = "not secret: these settings serve tests alone"
USE_TZ = True
ROOT_URLCONF = "templatetags_tests.urls"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "responsive_img",
    "templatetags_tests",
]
MIDDLEWARE = ["responsive_img.middleware.ResponsiveImgMiddleware"]

_ENGINES = {
    "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    # Host, port, user and password come from libpq's own environment variables.
    "postgres": {"ENGINE": "django.db.backends.postgresql", "NAME": "responsive_img"},
}
DATABASES = {"default": _ENGINES[os.environ.get("RESPONSIVE_IMG_TEST_DB", "sqlite")]}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": True,
        "OPTIONS": {"extensions": ["responsive_img.jinja.ResponsiveImgExtension"]},
    },
]
