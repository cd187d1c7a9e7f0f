"""Where markers stand in a text, and what each stands for, also if another request or process has left it."""

from __future__ import annotations

from collections.abc import Mapping

from responsive_img import conf, escaping, marker
from responsive_img.escaping import Found
from responsive_img.logs import log_once
from responsive_img.resolution import ELEMENT, Slot

# The kind of marker, what is wanted, closes the payload, so that its padding can be told.
_FIELDS = 7


_NOT_OURS = (
    "A marker is left in the page, as its signature is not ours: somebody has made it up, or it was signed with "
    "an earlier SECRET_KEY, which then belongs into SECRET_KEY_FALLBACKS for as long as caches may hold it."
)
_UNKNOWN_PLACE = (
    "A marker is left in the page, as what stands beside it shows no escaping that is known "
    "(docs/page.md, Escaping)."
)


def places_of(content: bytes, slots: Mapping[bytes, Slot], seen: set[bytes]) -> list[tuple[Found, Slot]]:
    """
    Return the markers of a text that can be resolved where they stand, and what each stands for.

    Args:
        content: In an encoding that has ASCII in its place.
        slots: What the markers of this response stand for, by their cores.
        seen: The cores of all markers that are ours are added.
    """
    found: list[tuple[Found, Slot]] = []
    position = 0
    for place in escaping.find(content):
        slot = slots.get(place.core) or slot_of(place.core)
        if slot is None:
            if place.is_element is not None:
                log_once(_NOT_OURS)
            continue
        seen.add(place.core)
        if place.start < position:  # inside of the tag of the one before
            continue
        if place.is_element is (slot[3] == ELEMENT):
            found.append((place, slot))
            position = place.end
        else:
            log_once(_UNKNOWN_PLACE)
    return found


def slot_of(core: bytes) -> Slot | None:
    """Return what a marker of another request or process stands for; None if it is not ours."""
    fields = marker.read(core, [marker.seal(secret) for secret in conf.secrets()])
    if fields is None or len(fields) != _FIELDS:
        return None
    spec, storage, name, field, attributes, picture_attributes, wanted = fields
    return (spec, storage, name, field), attributes, picture_attributes, wanted, ""
