"""
From what tags asked for to markup: one lookup for all pictures, and no error of ours.

Neither the collector's markers nor HTTP are known here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.core.files.storage import Storage

from responsive_img import files, hooks, keys, lookup, manifest, markup, specs
from responsive_img.building import Budget
from responsive_img.conf import Config
from responsive_img.exceptions import SpecError
from responsive_img.lookup import Asked
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef, storage_of

logger = logging.getLogger("responsive_img")

# Pending, so that nobody freezes a page that an outage has left without its pictures.
UNKNOWN = manifest.compose((), (None, None), state=manifest.PENDING)


# What a tag asks for: spec as told, then storage, name and field of the source as in `SourceRef`.
Told = tuple[str, str, str, str]
# One picture as a tag left it: what it asks for, and the finished texts of the attributes of its `<img>` and
# its `<picture>`, each with a leading space. Plain tuples: a named one costs ten times as much to make.
Slot = tuple[Told, str, str]


@lru_cache(maxsize=4096)
def canonical(spec: str, config: Config) -> str:
    """
    Return the canonical spec of one as told: over its preset, over the settings.

    Raises:
        SpecError: The preset does not exist, or the result is over a limit.
    """
    told = specs.from_text(spec)
    if told.preset is not None:
        told = specs.merge(told, config.preset(told.preset))
    return specs.effective(told, config.defaults).text


class Resolved(NamedTuple):
    """The markup of each slot, in their order, and the keys of the pictures that are still to be built."""

    texts: list[str]
    pending: set[str]


def resolve(slots: Sequence[Slot], config: Config, budget: Budget) -> Resolved:
    """
    Return the markup of pictures; each different one is looked up once.

    Args:
        slots: As tags left them.
        config: The settings.
        budget: What the response has left for building.
    """
    if not slots:
        return Resolved([], set())
    canonical_of: dict[str, str] = {}
    key_of: dict[Told, str] = {}
    for told, _, _ in slots:
        if told not in key_of:
            spec, storage, name, _ = told
            if spec not in canonical_of:
                canonical_of[spec] = _canonical_or_source(spec, config)
            key_of[told] = keys.picture_key(storage, name, canonical_of[spec], config.storage)
    manifests = lookup.cached(set(key_of.values()), config)
    asked = {
        key: Asked(SourceRef(*told[1:]), canonical_of[told[0]])
        for told, key in key_of.items()
        if key not in manifests
    }
    if asked:
        manifests |= _beyond_the_cache(asked, config, budget)
    addresses = _Addresses(config)
    around = {told: addresses.around(manifests[key], told) for told, key in key_of.items()}
    return Resolved(
        [
            markup.element(around[told], attributes, picture_attributes)
            for told, attributes, picture_attributes in slots
        ],
        {key for key, found in manifests.items() if found.state == manifest.PENDING},
    )


def _canonical_or_source(spec: str, config: Config) -> str:
    """Return the canonical spec; that of the source as it is, where a stored marker asks for what is gone."""
    try:
        return canonical(spec, config)
    except SpecError as error:
        log_once(f"A marker asks for what cannot be, its source is shown: {error}")
        return specs.SOURCE_AS_IS.text


def _beyond_the_cache(asked: Mapping[str, Asked], config: Config, budget: Budget) -> dict[str, Manifest]:
    """Return what is known of the pictures that the cache missed, having built or handed over the rest."""
    found: dict[str, Manifest] = {}
    try:
        found, left = lookup.recorded(asked, config)
        unknown = {key: each for key, each in asked.items() if key not in found}
        if unknown:
            found |= hooks.hand_over(unknown, left, config, budget)
    except Exception:
        # A picture never breaks a page: what is not known is shown as its source.
        logger.exception("Cannot look up or build %s picture(s)", len(asked) - len(found))
    return {key: found.get(key, UNKNOWN) for key in asked}


class _Addresses:
    """The URLs of one response: of each storage the prefix, read once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: dict[str, tuple[Storage, str | None]] = {}

    def around(self, found: Manifest, told: Told) -> tuple[str, str]:
        """Return what stands before and after the attributes: of the renditions, else the source, else nothing."""
        try:
            return self._around(found, told)
        except Exception as error:  # noqa: BLE001 - a storage raises what it likes
            log_once(f"No URL for {told[2]} of {told[1]}: {error!r}")
        try:
            return self._around(found.without_renditions(), told)
        except Exception as error:  # noqa: BLE001 - the same
            log_once(f"No URL for {told[2]} of {told[1]}: {error!r}")
            return "<img", ">"

    def _around(self, found: Manifest, told: Told) -> tuple[str, str]:
        if not found.src:
            return markup.parts_of_urls(found.without_renditions(), str, self._source_url(told))
        storage, prefix = self._storage(self._config.storage or told[1])
        if prefix is not None:
            return markup.parts(found, prefix)
        return markup.parts_of_urls(found, lambda name: files.url(storage, files.decoded(name)), "")

    def _source_url(self, told: Told) -> str:
        _, reference, name, _ = told
        storage, prefix = self._storage(reference)
        return files.url(storage, name) if prefix is None else prefix + files.encoded(name)

    def _storage(self, reference: str) -> tuple[Storage, str | None]:
        known = self._known.get(reference)
        if known is None:
            storage = storage_of(reference)
            known = self._known[reference] = storage, files.url_prefix(storage)
        return known


def log_once(message: str) -> None:
    """Log a warning, once per process: a wrong argument comes with every view of its page."""
    message = message[:MAX_MESSAGE]
    if message not in _logged and len(_logged) < MAX_MESSAGES:
        _logged.add(message)
        logger.warning(message)


MAX_MESSAGE, MAX_MESSAGES = 500, 1000  # characters; what is remembered must not grow for ever
_logged: set[str] = set()
