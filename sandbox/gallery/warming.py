"""What the warmer is to build of the gallery: all that its pages show."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save

from responsive_img import ImageWarmer
from sandbox.gallery.models import Person, Photo

# Model → its image field, and the list of presets that its pages show.
KEY_SETS: dict[type[Photo | Person], tuple[str, str]] = {
    Photo: ("image", "photos"),
    Person: ("headshot", "people"),
}


def warm_on_save() -> None:
    """Have what is saved warmed before a page shows it: a page that trusts the warmer builds nothing itself."""
    for model in KEY_SETS:
        post_save.connect(_warm, sender=model)


def _warm(sender: type[Photo | Person], instance: Photo | Person, **_: Any) -> None:
    field, key_set = KEY_SETS[sender]
    ImageWarmer(instance, key_set, field, fix_dimensions=True).warm()
