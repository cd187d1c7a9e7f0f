"""Replaced sources: their new version, under which everything has new names and is built anew."""

from __future__ import annotations

import logging
import time
from uuid import uuid4

from responsive_img import conf, keys, lookup, records
from responsive_img.sources import SourceRef, reference

logger = logging.getLogger("responsive_img")


def invalidate(source: object) -> None:
    """
    Say that a source has other content under its name: its pictures get new URLs, and are built anew.

    Needed where neither a save nor a new name tells it: after `QuerySet.update`, after files changed behind
    Django, after `FieldFile.save()` on an existing row of a storage that overwrites. Old files stay until
    they are pruned, as cached pages may show them.

    Args:
        source: A file of a model, a name in the default storage, or "static:" and a static file's path.

    Raises:
        SourceError: It is none of these.
        DatabaseError: The records cannot be written.
    """
    ref = SourceRef(*reference(source))
    if conf.current().read_only:
        logger.warning(
            "%s keeps its URLs: RESPONSIVE_IMG_READ_ONLY is on, so invalidate it where it is not.", ref.name
        )
        return
    replaced(ref)


def replaced(source: SourceRef) -> None:
    """
    Give a source a new version, if anybody has asked for it under its old one.

    Who trusts the warmer derives names without a version: there its files are built anew under the old names.

    Raises:
        DatabaseError: The records cannot be written.
    """
    config = conf.current()
    key = keys.source_key(source.storage, source.name)
    pictures = records.replace(key, new_version() if config.create_on_demand else "")
    if pictures:
        records.on_commit(lambda: lookup.forget(pictures, config))


def new_version() -> str:
    """Return a version that no source has had, 16 characters: the time, and chance."""
    return f"{int(time.time()):08x}{uuid4().hex[:8]}"


def since(version: str) -> int:
    """Return since when a source has this version, s since the epoch; 0 where it does not tell."""
    try:
        return int(version[:8], 16)
    except ValueError:  # the empty one, of a source that was never replaced
        return 0
