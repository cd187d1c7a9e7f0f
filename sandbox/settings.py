"""A gallery to try responsive_img in: for a developer's machine alone."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent

DEBUG = True
SECRET_KEY = "not secret: the sandbox guards nothing"

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "responsive_img",
    "sandbox.gallery",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    # Above the library's, so that it sees what that has done to the response.
    "sandbox.gallery.meter.MeterMiddleware",
    "responsive_img.middleware.ResponsiveImgMiddleware",
]
ROOT_URLCONF = "sandbox.urls"
WSGI_APPLICATION = "sandbox.wsgi.application"
ASGI_APPLICATION = "sandbox.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": True,
        "OPTIONS": {
            "environment": "sandbox.gallery.jinja.environment",
            "extensions": ["responsive_img.jinja.ResponsiveImgExtension"],
            # As Django templates do.
            "keep_trailing_newline": True,
        },
    },
]

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Those of Django, with a counter in them; a site of your own needs neither.
CACHES = {"default": {"BACKEND": "sandbox.gallery.meter.MeteredCache"}}
STORAGES = {
    "default": {"BACKEND": "sandbox.gallery.meter.MeteredStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = HERE / "media"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"

USE_TZ = True

RESPONSIVE_IMG_PRESETS = {
    "hero": {"width": 1280, "ratio": "21/9"},
    "card": {"width": 400, "ratio": "4/3"},
}
# s: enough for the very first view to build the whole gallery, which a site would not let a visitor wait for.
RESPONSIVE_IMG_BUILD_BUDGET = 30.0
