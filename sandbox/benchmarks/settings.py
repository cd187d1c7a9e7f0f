"""The project that is measured: the library's defaults, and everything it writes in one temporary folder."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from jinja2 import DictLoader

from sandbox.benchmarks.templates import TEMPLATES as PAGES

# Processes that share a project are told its folder.
SHARED = "RESPONSIVE_IMG_BENCHMARK_FOLDER"
FOLDER = Path(os.environ.get(SHARED) or tempfile.mkdtemp(prefix="responsive-img-"))
if SHARED not in os.environ:
    atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

SECRET_KEY = "not secret: these settings serve benchmarks alone"
ROOT_URLCONF = "sandbox.benchmarks.pages"
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
MEDIA_ROOT = FOLDER / "media"
MEDIA_URL = "/media/"
INSTALLED_APPS = ["responsive_img", "sandbox.benchmarks"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"},
    }
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        # The default of 300 would throw away most of a page.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("RESPONSIVE_IMG_BENCHMARK_REDIS", "redis://127.0.0.1:6379/14"),
        # No entry of another run, and nobody's own data, is read or deleted.
        "KEY_PREFIX": f"benchmarks-{FOLDER.name}",
    },
    "memcached": {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": os.environ.get("RESPONSIVE_IMG_BENCHMARK_MEMCACHED", "127.0.0.1:11211"),
        "KEY_PREFIX": f"benchmarks-{FOLDER.name}",
    },
    "database": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "benchmarks_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "builtins": ["responsive_img.templatetags.responsive_img", "sandbox.benchmarks.yardsticks"],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [("django.template.loaders.locmem.Loader", PAGES)],
                )
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "OPTIONS": {
            "environment": "sandbox.benchmarks.yardsticks.environment",
            "loader": DictLoader(PAGES),
            "extensions": ["responsive_img.jinja.ResponsiveImgExtension"],
        },
    },
]

RESPONSIVE_IMG_CACHE = os.environ.get("RESPONSIVE_IMG_BENCHMARK_CACHE", "default")
