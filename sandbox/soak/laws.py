"""What must hold at the end, whatever was done: each law returns how it is broken."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.cache import cache
from PIL import Image, ImageStat

from responsive_img import manifest
from responsive_img.files import TEMPORARY_PREFIX, decoded
from sandbox.soak.faults import Faults
from sandbox.soak.pages import has_both_ends
from sandbox.soak.project import builds, media, photos
from sandbox.soak.templates import FILES, PICTURES

if TYPE_CHECKING:
    from responsive_img.models import Picture

SELF_HEALING = 12 * 60  # s: what the cache was given from records that were a moment old
COLOUR = 12  # of 255, per channel: two encoders away from the source
_NAME = re.compile(r"\d{5}-(120w|240w|200w|400w|90w|180w)\.[0-9a-f]{8}\.(webp|jpg)")


def broken(faults: Faults) -> dict[str, list[str]]:
    """Return the laws of what is left, each with how it is broken."""
    return {
        "every picture is built whole": missing(),
        "nothing is left queued, in work or failed": stuck(),
        "nothing was built twice": built_twice(faults),
        "no half file": half_files(),
        "no file under a second name": odd_names(),
        "temporary files: one per killed worker at most": leftovers(faults),
        "pictures show, and records tell, what the sources are now": outdated(),
        "the cache agrees with the records, or soon will": cached_otherwise(),
    }


def pictures() -> list[Picture]:
    """Return all records, with their sources."""
    return list(apps.get_model("responsive_img", "Picture").objects.select_related("source"))


def living() -> set[str]:
    """Return the names of the sources that are there."""
    return {str(photo.image.name) for photo in photos().all()}


def stuck() -> list[str]:
    """Return what waits or has failed though its source is there."""
    alive = living()
    waiting = [row for row in pictures() if row.state in {"queued", "building"}]
    failed = [row for row in pictures() if row.state == "failed" and row.source.name in alive]
    return [f"{row.source.name} {row.spec}: {row.state} {row.source.error}" for row in waiting + failed]


def missing() -> list[str]:
    """Return which pictures of the sources that are there are not built whole."""
    names = Counter(row.source.name for row in pictures() if len(_files(row)) == FILES)
    return [f"{name}: {names[name]} pictures" for name in living() if names[name] != len(PICTURES)]


def built_twice(faults: Faults) -> list[str]:
    """
    Return which renditions were written by two builds that came to their end.

    But a process may be killed between its last file and the record. A source that was replaced has new names.
    """
    noted = builds()
    last = {build.pid: index for index, build in enumerate(noted)}
    explained = {index for pid, index in last.items() if pid in faults.killed}
    writers: dict[str, list[str]] = {}
    for index, build in enumerate(noted):
        for name in () if index in explained else build.names:
            writers.setdefault(name, []).append(str(build))
    return [f"{name}: by {', '.join(each)}" for name, each in writers.items() if len(each) > 1]


def half_files() -> list[str]:
    """Return the renditions that do not open to their end."""
    found = []
    for path in _renditions():
        try:
            with Image.open(path) as picture:
                picture.load()
            is_whole = has_both_ends(path.read_bytes())
        except OSError:
            is_whole = False
        if not is_whole:
            found.append(path.name)
    return found


def odd_names() -> list[str]:
    """Return the files that bear no name of ours: a storage names a second one of a name otherwise."""
    return [path.name for path in _renditions() if not _NAME.fullmatch(path.name)]


def leftovers(faults: Faults) -> list[str]:
    """Return temporary files, if there are more than builders that were killed."""
    names = [path.name for path in media().rglob(f"{TEMPORARY_PREFIX}*")]
    return names if len(names) > len(faults.killed) else []


def outdated() -> list[str]:
    """Return the pictures whose files show another content than their source, and sizes that are not its."""
    alive = living()
    found = []
    for row in [row for row in pictures() if row.source.name in alive]:
        with Image.open(media() / row.source.name) as source:
            if source.size != (row.source.width, row.source.height):
                found.append(f"{row.source.name}: {row.source.width} × {row.source.height} px on record")
            wanted = ImageStat.Stat(source.convert("RGB")).median
        for name in _files(row):
            try:
                with Image.open(media() / name) as picture:
                    shown = ImageStat.Stat(picture.convert("RGB")).median
            except OSError as error:
                found.append(f"{name}: {error}")
                continue
            if any(abs(one - other) > COLOUR for one, other in zip(wanted, shown, strict=True)):
                found.append(f"{name} shows {shown}, its source {wanted}")
    return found


def cached_otherwise() -> list[str]:
    """Return the pictures of which the cache will tell something else than the records for long."""
    client = _client()
    found = []
    for row in pictures():
        told, known = manifest.loads(cache.get(row.key)), manifest.loads(row.renditions)
        if told is None or known is None or told.state != manifest.READY or told.names() == known.names():
            continue
        seconds = client.ttl(cache.make_key(row.key))
        if seconds > SELF_HEALING:
            found.append(
                f"{row.source.name} {row.spec}: {told.version!r} for {seconds} s, not {known.version!r}"
            )
    return found


def _client() -> Any:
    backend: Any = cache
    return backend._cache.get_client()


def _files(row: Picture) -> list[str]:
    known = manifest.loads(row.renditions) if row.state == "ready" else None
    return [decoded(name) for name in dict.fromkeys(known.names())] if known else []


def _renditions() -> list[Path]:
    found = (media() / "renditions").rglob("*")
    return [path for path in found if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX)]
