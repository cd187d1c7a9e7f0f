"""The project that the lines of the page are rendered in: it leaves nothing behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

from sandbox.reference import sources

PRESETS = {"card": {"width": 400, "ratio": "4/3", "class": "card"}}
BASE_URL = "https://example.com"


@contextmanager
def running() -> Iterator[None]:
    """Set Django up, with the sources in a folder that lives as long."""
    with tempfile.TemporaryDirectory(prefix="responsive-img-") as folder:
        settings.configure(**_settings(Path(folder)))
        django.setup()
        call_command("migrate", verbosity=0)
        sources.write(Path(folder) / "media", Path(folder) / "static")
        yield


def _settings(folder: Path) -> dict[str, Any]:
    return {
        "SECRET_KEY": "not secret: these settings serve one page of text",
        # What is wrong only at run time is then raised, and stops the generator.
        "DEBUG": True,
        "USE_TZ": True,
        "INSTALLED_APPS": ["django.contrib.staticfiles", "responsive_img", "sandbox.reference"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        "MEDIA_ROOT": str(folder / "media"),
        "MEDIA_URL": "/media/",
        "STATIC_URL": "/static/",
        "STATICFILES_DIRS": [str(folder / "static")],
        "TEMPLATES": [
            {"BACKEND": "django.template.backends.django.DjangoTemplates"},
            {
                "BACKEND": "django.template.backends.jinja2.Jinja2",
                "OPTIONS": {"extensions": ["responsive_img.jinja.ResponsiveImgExtension"]},
            },
        ],
        # s: a busy machine must not change what is shown
        "RESPONSIVE_IMG_BUILD_BUDGET": 3600.0,
        "RESPONSIVE_IMG_PRESETS": PRESETS,
        "RESPONSIVE_IMG_BASE_URL": BASE_URL,
    }


def context() -> dict[str, Any]:
    """Return the variables of the templates and the names of the Python sessions."""
    photo: Any = apps.get_app_config("reference").get_model("Photo")
    return {
        "photo": photo(title="The harbour", image=sources.HARBOUR),
        "small": photo(title="A boat", image=sources.SMALL),
        "empty": photo(title="Nothing yet"),
    }


def page_text() -> str:
    """Return the text of the page; what writes it can be imported only now."""
    text: str = import_module("sandbox.reference.page").text()
    return text
