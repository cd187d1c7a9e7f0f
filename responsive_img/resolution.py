"""
From what tags asked for to markup: one lookup for all pictures, and no error of ours.

Neither the collector's markers nor HTTP are known here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from urllib.parse import urljoin

from django.core.exceptions import SynchronousOnlyOperation

from responsive_img import defaults, handover, keys, lookup, manifest, markup, notation, specs
from responsive_img.account import Budget
from responsive_img.addresses import Addresses, Told
from responsive_img.conf import Config
from responsive_img.exceptions import SpecError
from responsive_img.geometry import FocalPoint, Size
from responsive_img.logs import log_once
from responsive_img.lookup import Asked
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef
from responsive_img.trusted import manifest_of

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
        focal: The point that is kept, cropped or not; None: nobody says, so the centre.
    """

    text: str
    sizes: str | None
    build: str | None
    focal: FocalPoint | None = None


@lru_cache(maxsize=4096)
def canonical(spec: str, config: Config) -> Canonical:
    """
    Return the canonical spec of one as told.

    Raises:
        SpecError: The preset does not exist, or the result is over a limit.
    """
    line, point = notation.without_point(spec)
    found = _canonical(line, config)
    # The model's point lies below the tag and its preset.
    if not point or found.focal is not None:
        return found
    text = notation.recentred(found.text, point)
    return found._replace(text=text, focal=notation.load_point(point))


# Of its own: each picture of a catalogue may have another point, and all of them the same tag.
@lru_cache(maxsize=1024)
def _canonical(spec: str, config: Config) -> Canonical:
    told = specs.from_text(spec)
    if told.preset is not None:
        told = specs.merge(told, config.preset(told.preset).spec)
    effective = defaults.effective(told, config.defaults)
    sizes = (told.sizes or specs.DEFAULT_SIZES) if effective.widths else None
    return Canonical(effective.text, sizes, told.build, told.focal)


class LookedUp(NamedTuple):
    """
    What is known of pictures.

    Attributes:
        manifests: What was asked for → its manifest.
        pending: Keys of the pictures that are still to be built.
        unasked: What the database could not be asked for, in an event loop.
    """

    manifests: dict[Told, Manifest]
    pending: set[str]
    unasked: set[Told]


def trusted(told: Told, size: Size | None, config: Config) -> Manifest:
    """
    Return what is built of a picture as far as the warmer can be trusted, without a look at it.

    Args:
        told: What is asked for.
        size: Of the oriented source, px; None: not known.
        config: The settings.
    """
    spec, storage, name, _ = told
    return manifest_of(storage, name, _canonical_or_source(spec, config).text, size, config)


def look_up(asked: Iterable[Told], config: Config, budget: Budget | None) -> LookedUp:
    """
    Return what is known of pictures; each different one is looked up once, all in one call.

    Args:
        asked: By tags.
        config: The settings.
        budget: What the response has left for building; None: nothing is asked for that the cache has not.
    """
    # Each step that asks for the hash of what is asked for costs 0.1 µs a picture.
    different = list(dict.fromkeys(asked))
    canonical_of = {spec: _canonical_or_source(spec, config) for spec in {told[0] for told in different}}
    text_of = {spec: each.text for spec, each in canonical_of.items()}
    renditions = config.storage
    picture_keys = [
        keys.picture_key(storage, name, text_of[spec], renditions) for spec, storage, name, _ in different
    ]
    different_keys = set(picture_keys)
    found = lookup.cached(different_keys, config)
    unasked: set[Told] = set()
    # What waits for the hook need not do so where it is wanted at once.
    has_builds = not config.read_only and any(each.build for each in canonical_of.values())
    if has_builds or not different_keys.issubset(found):
        missed = _missed(
            zip(different, picture_keys, strict=True), found, canonical_of, has_builds=has_builds
        )
        if budget is None:
            found |= dict.fromkeys(missed, UNKNOWN)
        elif missed:
            try:
                found |= _beyond_the_cache(missed, config, budget)
            except SynchronousOnlyOperation:
                found |= _shown_unbuilt(missed, config)
                unasked = {told for told, key in zip(different, picture_keys, strict=True) if key in missed}
    return LookedUp(
        dict(zip(different, [found[key] for key in picture_keys], strict=True)),
        {key for key, manifest_ in found.items() if manifest_.state == manifest.PENDING},
        unasked,
    )


def _missed(
    keyed: Iterable[tuple[Told, str]],
    found: Mapping[str, Manifest],
    canonical_of: Mapping[str, Canonical],
    *,
    has_builds: bool,
) -> dict[str, Asked]:
    """Return what the cache has not, or has as pending though it is to be built in this process."""
    missed: dict[str, Asked] = {}
    for told, key in keyed:
        if key not in found or (has_builds and found[key].state == manifest.PENDING):
            text, _, build, _ = canonical_of[told[0]]
            before = missed[key].build if key in missed else None
            wanted = Asked(SourceRef(*told[1:]), text, specs.larger(build, before) if has_builds else None)
            if key not in found or wanted.is_lacking(found[key]):
                missed[key] = wanted
    return missed


def replacement(slot: Slot, found: Manifest, addresses: Addresses) -> str:
    """
    Return what takes the place of a slot: markup, or a value without any escaping.

    Args:
        slot: As a tag left it.
        found: What is known of what it asks for.
        addresses: Of the response.
    """
    told, attributes, picture_attributes, wanted, _ = slot
    if wanted != ELEMENT:
        return _value(addresses, found, slot)
    parts = addresses.around(found, told)
    made = markup.element(parts, attributes, picture_attributes)
    if markup.SIZES in parts[0]:
        sizes = _sizes(told, attributes, addresses.config)
        return made.replace(markup.SIZES, markup.escape_value(sizes))
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
    """
    Return what is known of the pictures that the cache missed, having built or handed over the rest.

    Raises:
        SynchronousOnlyOperation: This is an event loop, so nobody can ask the database.
    """
    found: dict[str, Manifest] = {}
    try:
        found, left = lookup.recorded(asked, config)
        unknown = {key: each for key, each in asked.items() if key not in found}
        if unknown:
            found |= handover.hand_over(unknown, left, config, budget)
    except SynchronousOnlyOperation:
        raise
    except Exception:
        # A picture never breaks a page: what is not known is shown as its source.
        logger.exception("Cannot look up or build %s picture(s)", len(asked) - len(found))
    return found | _shown_unbuilt({key: asked[key] for key in asked if key not in found}, config)


def _shown_unbuilt(asked: Mapping[str, Asked], config: Config) -> dict[str, Manifest]:
    """Return what is shown of pictures of which nothing is known."""
    return {key: lookup.unbuilt(each, None, config, manifest.PENDING, 1) for key, each in asked.items()}
