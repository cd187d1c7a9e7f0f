"""Measuring: the sizes of sources that nobody has built from, read from their headers and kept in their records."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.utils import timezone

from responsive_img import records, rendering
from responsive_img.account import is_over_budget
from responsive_img.conf import Config
from responsive_img.headers import Header
from responsive_img.sources import SourceRef

if TYPE_CHECKING:
    from responsive_img.models import Source


def measure(sources: Collection[Source], config: Config) -> None:
    """Learn the sizes of sources that nobody has built from, so that the page can reserve their space."""
    headers: dict[str, Header] = {}
    for source in sources:
        if source.width is not None or _is_broken(source):
            continue
        header = headers.get(source.key) or _read_header(source, config)
        if header is not None:
            headers[source.key] = header
            source.width, source.height = header.size
            source.format, source.is_animated = header.format, header.is_animated
            source.state = records.KNOWN
    recorded = {source.key for source in sources if not source._state.adding}
    records.describe({key: header for key, header in headers.items() if key in recorded})


def _is_broken(source: Source) -> bool:
    """Tell whether a source could not be read, and is not to be tried again yet."""
    return source.state == records.FAILED and source.retry_at is not None and source.retry_at > timezone.now()


def _read_header(source: Source, config: Config) -> Header | None:
    """Return what the header of a source tells, if there is time and it can be read."""
    if is_over_budget():
        return None
    try:
        return rendering.read_header(SourceRef(source.storage, source.name, source.field), config)
    except Exception:  # noqa: BLE001 - whatever a storage or another engine raises, the build that follows says it
        return None
