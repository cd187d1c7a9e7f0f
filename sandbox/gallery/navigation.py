"""The links at the head of each page."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from responsive_img import conf

LABELS = {
    "gallery": "Django",
    "gallery-jinja": "Jinja2",
    "sizes": "Sizes",
    "focal": "Focal",
    "warm": "Warm",
    "trusted": "Trusted",
    "prune": "Prune",
    "queue": "Queue",
    "admin:responsive_img_picture_changelist": "Records",
}
# It shows static files, which belong to no model, so that the warmer does not know them.
NOT_WARMED = "sizes"


def pages(request: HttpRequest) -> dict[str, object]:
    """Return (URL, label) of each page that this process can show."""
    trusts = not conf.current().create_on_demand
    names = [name for name in LABELS if not (trusts and name == NOT_WARMED)]
    return {"pages": [(reverse(name), LABELS[name]) for name in names], "trusts": trusts}
