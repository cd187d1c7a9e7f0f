"""
From what tags asked for to markup: one lookup for all pictures, and no error of ours.

Neither the collector's markers nor HTTP are known here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from urllib.parse import urljoin

from django.core.exceptions import SynchronousOnlyOperation

from responsive_img import defaults, handover, keys, lookup, manifest, markup, specs
from responsive_img.addresses import Addresses, Told
from responsive_img.building import Budget
from responsive_img.conf import Config
from responsive_img.exceptions import SpecError
from responsive_img.geometry import CENTRE, FocalPoint
from responsive_img.logs import log_once
from responsive_img.lookup import Asked
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef

logger = logging.getLogger("responsive_img")

# Pending, so that nobody freezes a page that an outage has left without its pictures.
UNKNOWN = manifest.compose((), (None, None), state=manifest.PENDING)


# One picture as a tag left it: what it asks for, the finished texts of the attributes of its `<img>` and its
# `<picture>`, each with a leading space, what is wanted of it, and the name of the template that prints it. Plain tuples: a named one costs ten times as much to make.
Slot = tuple[Told, str, str, str, str | None]

# What can be wanted: the element, or a value of it. A URL may be followed by "@" and the origin it is to have.
ELEMENT, URL, SRCSET, SIZES, WIDTH, HEIGHT = "element", "url", "srcset", "sizes", "width", "height"


_QUOTES = dict.fromkeys(map(ord, "\"'\\"))


class Canonical(NamedTuple):
    """
    A spec as told, over its preset, over the settings.

    Attributes:
        text: Canonical: what keys, records and names are made of.
        sizes: The layout's, where there are widths.
        build: What is to be built in this process.
        focal: The point that is kept, cropped or not.
    """

    text: str
    sizes: str | None
    build: str | None
    focal: FocalPoint = CENTRE


@lru_cache(maxsize=4096)
def canonical(spec: str, config: Config) -> Canonical:
    """
    Return the canonical spec of one as told.

    Raises:
        SpecError: The preset does not exist, or the result is over a limit.
    """
    told = specs.from_text(spec)
    if told.preset is not None:
        told = specs.merge(told, config.preset(told.preset).spec)
    effective = defaults.effective(told, config.defaults)
    sizes = (told.sizes or specs.DEFAULT_SIZES) if effective.widths else None
    return Canonical(effective.text, sizes, told.build, told.focal or CENTRE)


class LookedUp(NamedTuple):
    """
    What is known of pictures.

    Attributes:
        manifests: What was asked for → its manifest.
        pending: Keys of the pictures that are still to be built.
    """

    manifests: dict[Told, Manifest]
    pending: set[str]


def look_up(asked: Iterable[Told], config: Config, budget: Budget | None) -> LookedUp:
    """
    Return what is known of pictures; each different one is looked up once, all in one call.

    Args:
        asked: By tags.
        config: The settings.
        budget: What the response has left for building; None: nothing is asked for that the cache has not.
    """
    key_of: dict[Told, str] = {}
    canonical_of: dict[str, Canonical] = {}
    text_of: dict[str, str] = {}
    renditions = config.storage
    for told in asked:
        if told not in key_of:
            spec, storage, name, _ = told
            if spec not in text_of:
                canonical_of[spec] = _canonical_or_source(spec, config)
                text_of[spec] = canonical_of[spec].text
            key_of[told] = keys.picture_key(storage, name, text_of[spec], renditions)
    if not key_of:
        return LookedUp({}, set())
    found = lookup.cached(set(key_of.values()), config)
    missed: dict[str, Asked] = {}
    # What waits for the hook need not do so where it is wanted at once.
    has_builds = any(each.build for each in canonical_of.values())
    for told, key in key_of.items():
        if key not in found or (has_builds and found[key].state == manifest.PENDING):
            text, _, build, _ = canonical_of[told[0]]
            before = missed[key].build if key in missed else None
            if key not in found or build:
                missed[key] = Asked(SourceRef(*told[1:]), text, build or before)
    if missed:
        if budget is None:
            found |= dict.fromkeys(missed, UNKNOWN)
        else:
            found |= _beyond_the_cache(missed, config, budget)
    return LookedUp(
        {told: found[key] for told, key in key_of.items()},
        {key for key, manifest_ in found.items() if manifest_.state == manifest.PENDING},
    )


def texts(slots: Sequence[Slot], manifests: Mapping[Told, Manifest], addresses: Addresses) -> list[str]:
    """
    Return what takes the place of each slot, in their order: markup, or a value without any escaping.

    Args:
        slots: As tags left them.
        manifests: Of all that the slots ask for.
        addresses: Of the response.
    """
    config = addresses.config
    made: list[str] = []
    for slot in slots:
        told, attributes, picture_attributes, wanted, _ = slot
        if wanted != ELEMENT:
            made.append(_value(addresses, manifests[told], slot))
            continue
        parts = addresses.around(manifests[told], told)
        text = markup.element(parts, attributes, picture_attributes)
        if markup.SIZES in parts[0]:
            text = text.replace(markup.SIZES, markup.escape_value(_sizes(told, attributes, config)))
        made.append(text)
    return made


def _value(addresses: Addresses, found: Manifest, slot: Slot) -> str:
    """Return a value of a picture, as it is without any escaping; "" where there is none."""
    told, attributes, _, wanted, _ = slot
    if wanted == WIDTH:
        return str(found.width or "")
    if wanted == HEIGHT:
        return str(found.height or "")
    if wanted == SIZES:
        # Without what no CSS length has: in JSON a quote would need an escape that the marker does not show.
        return (
            _sizes(told, attributes, addresses.config).translate(_QUOTES)
            if found.srcset.endswith("w")
            else ""
        )
    src, srcset = addresses.src_and_srcset(found, told)
    if wanted == SRCSET:
        return unescape(srcset)
    return src and urljoin(wanted.partition("@")[2], unescape(src))


def _sizes(told: Told, attributes: str, config: Config) -> str:
    return markup.sizes(_canonical_or_source(told[0], config).sizes or specs.DEFAULT_SIZES, attributes)


def _canonical_or_source(spec: str, config: Config) -> Canonical:
    """Return the canonical spec; that of the source as it is, where a stored marker asks for what is gone."""
    try:
        return canonical(spec, config)
    except SpecError as error:
        log_once(f"A marker asks for what cannot be, its source is shown: {error}")
        return Canonical(specs.SOURCE_AS_IS.text, None, None)


def _beyond_the_cache(asked: Mapping[str, Asked], config: Config, budget: Budget) -> dict[str, Manifest]:
    """Return what is known of the pictures that the cache missed, having built or handed over the rest."""
    found: dict[str, Manifest] = {}
    try:
        found, left = lookup.recorded(asked, config)
        unknown = {key: each for key, each in asked.items() if key not in found}
        if unknown:
            found |= handover.hand_over(unknown, left, config, budget)
    except SynchronousOnlyOperation:
        log_once(
            "A picture that is not in the cache was rendered in an event loop, without the request or the "
            "middleware, so its source is shown: render with the request, or through sync_to_async."
        )
    except Exception:
        # A picture never breaks a page: what is not known is shown as its source.
        logger.exception("Cannot look up or build %s picture(s)", len(asked) - len(found))
    return {key: found.get(key, UNKNOWN) for key in asked}
