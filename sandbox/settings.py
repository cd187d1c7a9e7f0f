"""
A gallery to try responsive_img in: for a developer's machine alone.

SANDBOX_HOOK names the hook that builds; any but `build_now` has a database, photos and a cache of its own, in
`build/`, and shares them with its worker. SANDBOX_REDIS is the URL of a Redis for cache and broker. SANDBOX_TRUST=1
has pages trust the warmer: they show what is warmed without a look at it.
"""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOOK = os.environ.get("SANDBOX_HOOK", "build_now")
REDIS = os.environ.get("SANDBOX_REDIS", "")
TRUST = os.environ.get("SANDBOX_TRUST") == "1"
DATA = HERE if HOOK == "build_now" else HERE.parent / "build" / f"demo-{HOOK}"

DEBUG = True
SECRET_KEY = "not secret: the sandbox guards nothing"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "responsive_img",
    "sandbox.gallery",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sandbox.gallery.navigation.pages",
            ]
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": True,
        "OPTIONS": {
            "environment": "sandbox.gallery.jinja.environment",
            "extensions": ["responsive_img.jinja.ResponsiveImgExtension"],
            "context_processors": ["sandbox.gallery.navigation.pages"],
            # As Django templates do.
            "keep_trailing_newline": True,
        },
    },
]

DATABASES: dict[str, dict[str, object]] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "db.sqlite3"}
}
if HOOK != "build_now":
    # Pages and workers write at the same time.
    DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Those of Django, with a counter in them; a site of your own needs neither.
CACHES: dict[str, dict[str, object]] = {"default": {"BACKEND": "sandbox.gallery.meter.MeteredCache"}}
if REDIS:
    CACHES["default"] = {
        "BACKEND": "sandbox.gallery.meter.MeteredRedisCache",
        "LOCATION": REDIS,
        "KEY_PREFIX": f"sandbox-{HOOK}",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
elif HOOK not in ("build_now", "thread"):
    # What a worker writes to the memory of its own process, no page would see.
    CACHES["default"] = {
        "BACKEND": "sandbox.gallery.meter.MeteredFileCache",
        "LOCATION": DATA / "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
STORAGES = {
    "default": {"BACKEND": "sandbox.gallery.meter.MeteredStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = DATA / "media"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"

USE_TZ = True

RESPONSIVE_IMG_PRESETS = {
    # The widget of a focal point previews the first three that crop.
    "avatar": {"width": 160, "ratio": "square"},
    "banner": {"width": 480, "ratio": "3/1"},
    "story": {"width": 160, "ratio": "9/16"},
    "centred-avatar": {"width": 160, "ratio": "square", "focal": "50% 50%"},
    "centred-banner": {"width": 480, "ratio": "3/1", "focal": "50% 50%"},
    "centred-story": {"width": 160, "ratio": "9/16", "focal": "50% 50%"},
    "portrait": {"width": 560, "height": 420, "fit": "contain"},
    "hero": {"width": 1280, "ratio": "21/9"},
    "card": {"width": 400, "ratio": "4/3"},
    "column": {"widths": "320 640 1280 1920", "sizes": "(min-width: 42rem) 40rem, calc(100vw - 2rem)"},
    # What tags ask for by arguments of their own, so that the warmer knows it too.
    "tile": {"width": 400},
    "large": {"width": 1200},
    "square": {"width": 200, "ratio": "square"},
    "upright": {"height": 200, "ratio": "2/3"},
    "wide": {"height": 200, "ratio": "21/9"},
    "whole": {"width": 200, "height": 200, "fit": "contain"},
    # All that pages show of a field, for the warmer.
    "photos": ["hero", "card", "tile", "large", "square", "upright", "wide", "whole"],
    "people": [
        "portrait", "avatar", "banner", "story", "centred-avatar", "centred-banner", "centred-story",
    ],
}  # fmt: skip
RESPONSIVE_IMG_CREATE_ON_DEMAND = not TRUST
RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{HOOK}"
# s: enough for the very first view to build the whole gallery, which a site would not let a visitor wait for.
RESPONSIVE_IMG_BUILD_BUDGET = 30.0

if HOOK == "celery":
    CELERY_BROKER_URL = REDIS
    # A name of its own: the Redis may be that of other projects too.
    CELERY_TASK_DEFAULT_QUEUE = "sandbox"
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
