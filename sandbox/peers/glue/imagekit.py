"""django-imagekit: the states of a page's files in one lookup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from imagekit.cachefiles import ImageCacheFile
from imagekit.cachefiles.state import prefetch_cachefile_states, use_cachefile_state_cache
from imagekit.registry import generator_registry

_SIZES = ((400, 300), (800, 600))


@contextmanager
def prefetched(photos: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Give the rows while the states of their files are at hand."""
    shown = list(photos)
    files = [
        ImageCacheFile(
            generator_registry.get(
                "imagekit:thumbnail", source=photo.image, width=width, height=height, format=form
            )
        )
        for photo in shown
        for form in ("WEBP", "JPEG")
        for width, height in _SIZES
    ]
    with use_cachefile_state_cache():
        prefetch_cachefile_states(files)
        yield {"photos": shown}
