"""Static files as sources: found as `runserver` and `collectstatic` find them, with the URL of `{% static %}`."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import Storage
from django.templatetags.static import static

from responsive_img import conf


class StaticSources(Storage):
    """The static files, to read from: through the finders, else as they were collected."""

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        path = finders.find(name)
        if path:
            return File(open(path, mode), name=name)
        try:
            opened: File[Any] = staticfiles_storage.open(name, mode)
        except ImproperlyConfigured as error:  # nowhere to collect to, as in development
            raise FileNotFoundError(f"No finder of static files has {name!r}.") from error
        return opened

    def url(self, name: str | None) -> str:
        """Return what `{% static %}` gives."""
        return static(name or "")


STORAGE = StaticSources()


def version(name: str) -> str:
    """Return a digest of the hashed name that a static file is served under, 8 characters; "" if it has none."""
    if conf.is_debug():  # Django serves plain names
        return ""
    try:
        hashed = (
            staticfiles_storage.stored_name(name) if hasattr(staticfiles_storage, "stored_name") else name
        )
    except (ValueError, ImproperlyConfigured):  # not in the manifest; no storage for static files
        return ""
    return "" if hashed == name else blake2b(hashed.encode(), digest_size=4).hexdigest()
