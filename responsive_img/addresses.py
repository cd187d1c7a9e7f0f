"""Where files are: from a manifest to its URLs, and to those of the source where nothing is built."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.core.files.storage import Storage

from responsive_img import files, markup
from responsive_img.conf import Config
from responsive_img.logs import log_once
from responsive_img.manifest import PREFIX, Manifest, with_urls
from responsive_img.sources import rendition_storage, storage_of

# What a tag asks for: spec as told, then storage, name and field of the source as in `SourceRef`.
Told = tuple[str, str, str, str]
Pair = tuple[str, str]


class Addresses:
    """
    The URLs of one response: of each storage the prefix, read once.

    Attributes:
        config: The settings.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._known: dict[str, tuple[Storage, str | None]] = {}
        # Source's storage → prefix of its renditions: the way of nearly all pictures.
        self._prefixes: dict[str, str] = {}

    def around(self, found: Manifest, told: Told) -> tuple[str, str]:
        """Return what stands before and after the attributes: of the renditions, else the source, else nothing."""
        prefix = self._prefixes.get(told[1])
        if prefix is not None and found.src:
            return markup.parts(found, prefix)
        return self._first_of(self._around, found, told) or ("<img", ">")

    def src_and_srcset(self, found: Manifest, told: Told) -> tuple[str, str]:
        """Return the texts of the `<img>`, escaped: of the renditions, else the source, else nothing."""
        return self._first_of(self._src_and_srcset, found, told) or ("", "")

    def _first_of(self, make: Callable[[Manifest, Told], Pair], found: Manifest, told: Told) -> Pair | None:
        """Return what is made of the manifest, else of the source alone; None where no storage gives a URL."""
        try:
            return make(found, told)
        except Exception as error:  # noqa: BLE001 - a storage raises what it likes
            log_once(f"No URL for {told[2]} of {told[1]}: {error!r}")
        try:
            return make(found.without_renditions(), told)
        except Exception as error:  # noqa: BLE001 - the same
            log_once(f"No URL for {told[2]} of {told[1]}: {error!r}")
            return None

    def _around(self, found: Manifest, told: Told) -> tuple[str, str]:
        if not found.src:
            return markup.parts_of_urls(found.without_renditions(), str, self._source_url(told))
        storage, prefix = self._renditions(told)
        if prefix is not None:
            return markup.parts(found, prefix)
        return markup.parts_of_urls(found, partial(_url, storage), "")

    def _src_and_srcset(self, found: Manifest, told: Told) -> tuple[str, str]:
        if not found.src:
            return self._source_url(told), ""
        storage, prefix = self._renditions(told)
        if prefix is not None:
            return found.src.replace(PREFIX, prefix), found.srcset.replace(PREFIX, prefix)
        return with_urls(found.src, partial(_url, storage)), with_urls(found.srcset, partial(_url, storage))

    def _renditions(self, told: Told) -> tuple[Storage, str | None]:
        storage, prefix = self._storage(rendition_storage(told[1], self.config.storage))
        if prefix is not None:
            self._prefixes[told[1]] = prefix
        return storage, prefix

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


def _url(storage: Storage, path: str) -> str:
    """Return the URL of a rendition from its name, percent-encoded."""
    return files.url(storage, files.decoded(path))
