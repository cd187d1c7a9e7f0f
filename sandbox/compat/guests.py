"""Who is added to Django's tests."""

from __future__ import annotations

from typing import NamedTuple


class Guest(NamedTuple):
    """
    An app and its middleware.

    Attributes:
        name: For reports and files.
        app: As in INSTALLED_APPS.
        middleware: As in MIDDLEWARE.
        forced: A function that tells whether there is work in a response; it is made to say yes to all.
    """

    name: str
    app: str
    middleware: str
    forced: str | None = None

    def anonymous(self, text: str) -> str:
        """Return a text without the names that tell which guest it is about."""
        module, _, middleware = self.middleware.rpartition(".")
        for name in (self.middleware, module, middleware, self.app, self.app.rpartition(".")[2]):
            text = text.replace(name, "GUEST")
        return text


IDLE = Guest("idle", "sandbox.compat.idle", "sandbox.compat.idle.middleware.IdleMiddleware")
OURS = Guest("ours", "responsive_img", "responsive_img.middleware.ResponsiveImgMiddleware")
FORCED = OURS._replace(name="forced", forced="responsive_img.marker.is_in")
GUESTS = {guest.name: guest for guest in (IDLE, OURS, FORCED)}
