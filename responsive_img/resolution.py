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
from responsive_img.conf import Config
from responsive_img.exceptions import SpecError
from responsive_img.lookup import Asked
from responsive_img.manifest import Manifest
from responsive_img.sources import SourceRef, storage_of

logger = logging.getLogger("responsive_img")

UNKNOWN = manifest.compose((), (None, None), state=manifest.FAILED)


class Slot(NamedTuple):
    """
    One picture as a tag left it.

    Attributes:
        spec: As told, as text.
        storage: Of the source, as in `SourceRef`.
        name: Of the source.
        field: Label of the field that asked.
        attributes: Finished text of the `<img>`'s attributes, with a leading space.
        picture_attributes: The same for the `<picture>`.
    """

    spec: str
    storage: str
    name: str
    field: str
    attributes: str
    picture_attributes: str


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


def resolve(slots: Sequence[Slot], config: Config) -> Resolved:
    """Return the markup of pictures; each different one is looked up once."""
    if not slots:
        return Resolved([], set())
    asked: dict[str, Asked] = {}
    key_of: dict[tuple[str, ...], str] = {}
    for slot in slots:
        picture = slot[:3]
        if picture not in key_of:
            spec, storage, name, field, _, _ = slot
            full = _canonical_or_source(spec, config)
            key = key_of[picture] = keys.picture_key(storage, name, full)
            asked[key] = Asked(SourceRef(storage, name, field), full)
    manifests = _manifests(asked, config)
    addresses = _Addresses(config)
    around = {
        picture: addresses.around(manifests.get(key, UNKNOWN), asked[key].source)
        for picture, key in key_of.items()
    }
    return Resolved(
        [markup.element(around[slot[:3]], slot.attributes, slot.picture_attributes) for slot in slots],
        {key for key, found in manifests.items() if found.state == manifest.PENDING},
    )


def _canonical_or_source(spec: str, config: Config) -> str:
    """Return the canonical spec; that of the source as it is, where a stored marker asks for what is gone."""
    try:
        return canonical(spec, config)
    except SpecError as error:
        log_once(f"A marker asks for what cannot be, its source is shown: {error}")
        return specs.SOURCE_AS_IS.text


def _manifests(asked: Mapping[str, Asked], config: Config) -> dict[str, Manifest]:
    """Return what is known of all pictures, having built or handed over what was not."""
    found = lookup.cached(asked, config)
    if len(found) == len(asked):
        return found
    missed = {key: each for key, each in asked.items() if key not in found}
    try:
        recorded = lookup.recorded(missed, config)
        found |= recorded.manifests
        unknown = {key: each for key, each in missed.items() if key not in found}
        if unknown:
            found |= hooks.hand_over(unknown, recorded.open, config)
    except Exception:
        # A picture never breaks a page: what is not known is shown as its source.
        logger.exception("Cannot look up or build %s picture(s)", len(asked) - len(found))
    return found


class _Addresses:
    """The URLs of one response: of each storage the prefix, read once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: dict[str, tuple[Storage, str | None]] = {}

    def around(self, found: Manifest, source: SourceRef) -> tuple[str, str]:
        """Return what stands before and after the attributes of a picture."""
        try:
            storage, prefix = self._storage(self._config.storage or source.storage)
            if prefix is not None and found.src:
                return markup.parts(found, prefix)
            if prefix is not None:
                return markup.parts_of_urls(found, lambda name: f"{prefix}{name}", self._source_url(source))
            source_url = "" if found.src else self._source_url(source)
            return markup.parts_of_urls(
                found, lambda name: files.url(storage, files.decoded(name)), source_url
            )
        except Exception:
            logger.exception("No URL for %s", source.name)
            return "<img", ">"

    def _source_url(self, source: SourceRef) -> str:
        storage, prefix = self._storage(source.storage)
        return files.url(storage, source.name) if prefix is None else prefix + files.encoded(source.name)

    def _storage(self, reference: str) -> tuple[Storage, str | None]:
        if reference not in self._known:
            storage = storage_of(reference)
            self._known[reference] = storage, files.url_prefix(storage)
        return self._known[reference]


def log_once(message: str) -> None:
    """Log a warning, once per process: a wrong argument comes with every view of its page."""
    if message not in _logged and len(_logged) < 1000:
        _logged.add(message)
        logger.warning(message)


_logged: set[str] = set()
