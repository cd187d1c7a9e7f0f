"""The settings of a project with Django's admin in it."""

from __future__ import annotations

from typing import Any

from django.conf import settings


def install(changed: Any) -> None:
    """Change the settings to those of a project with the admin."""
    changed.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        "django.contrib.admin",
        "django.contrib.messages",
        "django.contrib.sessions",
    ]
    changed.MIDDLEWARE = [
        "templatetags_tests.admin_site.with_policy",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        *settings.MIDDLEWARE,
    ]
    # Without tables, as those of the tests are made before.
    changed.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    changed.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    django: Any
    django, jinja = settings.TEMPLATES
    processors = [
        *django["OPTIONS"]["context_processors"],
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
    changed.TEMPLATES = [{**django, "OPTIONS": {"context_processors": processors}}, jinja]
    changed.ROOT_URLCONF = "templatetags_tests.admin_site"
