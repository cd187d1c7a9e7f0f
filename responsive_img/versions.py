"""Replaced sources: their new version, under which everything has new names and is built anew."""

from __future__ import annotations

import time
from uuid import uuid4

from responsive_img import conf, keys, lookup, manifest, records
from responsive_img.sources import SourceRef, reference

# Stale from the start, so whoever reads it asks the records.
_UNKNOWN = manifest.compose((), (None, None), state=manifest.PENDING)


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
    replaced(SourceRef(*reference(source)))


def replaced(source: SourceRef) -> None:
    """
    Give a source a new version, if anybody has asked for it under its old one.

    Raises:
        DatabaseError: The records cannot be written.
    """
    config = conf.current()
    key = keys.source_key(source.storage, source.name)
    pictures = records.replace(key, uuid4().hex[:12])
    if pictures:
        # Written, not deleted: a late answer of a replica does not find an empty place.
        unknown = _UNKNOWN.as_unfinished(manifest.PENDING, time.time())
        records.on_commit(lambda: lookup.store(dict.fromkeys(pictures, unknown), config))
