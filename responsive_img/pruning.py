"""
Pruning: removes the files and records that no page can show any more, also while pages are built.

What nobody asks for any more may still stand in pages that a cache, a mail or a search engine keeps. So it stays for
a time of grace from when that is known: of a picture since a run has noted it, of a file that no record lists
since it was written and since its source was replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.core.files.storage import Storage
from django.db import DatabaseError

from responsive_img import conf, files, lookup, manifest, orphans, records, referring, removing
from responsive_img.conf import Config
from responsive_img.exceptions import SpecError
from responsive_img.notation import without_point
from responsive_img.resolution import canonical
from responsive_img.sources import STATIC, rendition_storage, storage_of
from responsive_img.specs import Spec, from_text
from responsive_img.unlisted import Pruning, is_outdated, sweep, written

if TYPE_CHECKING:
    from responsive_img.models import Picture, Source

MAX_FAILURES = 10  # of a storage, each of which may take its timeout; then it is not asked for more sources


def prune(
    grace: timedelta, *, undeclared: bool = False, is_dry: bool = False, say: Callable[[str], object]
) -> Pruning:
    """
    Remove what no page can show any more, and return how much that was.

    Args:
        grace: For so long pages may show what nobody asks for any more.
        undeclared: Nobody asks for a picture that no preset declares.
        is_dry: Nothing is changed.
        say: Called with a line for each thing that is removed.

    Raises:
        DatabaseError: The records cannot be read or written.
    """
    config = conf.current()
    pruning = Pruning(config=config, grace=grace, is_dry=is_dry, say=say)
    storages = {rendition_storage(each, config.storage) for each in orphans.storages()}
    _Records(pruning, _declared(config) if undeclared else None).prune()
    for alias in sorted(storages):
        _guarded(pruning, alias, partial(_sweep, alias, pruning))
    return pruning


def _sweep(alias: str, pruning: Pruning) -> None:
    sweep(storage_of(alias), pruning)


def _guarded(pruning: Pruning, what: str, call: Callable[[], object]) -> bool:
    """Tell whether a call has worked: where a storage fails, others go on."""
    try:
        call()
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - a storage raises what it likes
        pruning.leave(what, repr(error))
        return False
    return True


def _declared(config: Config) -> set[str]:
    """Return what the presets ask for, as pictures and as URLs, whatever their focal points."""
    declared = set()
    for name in config.presets:
        for single in (None, True):
            try:
                declared.add(_without_point(canonical(Spec(preset=name, single=single).text, config).text))
            except SpecError:  # a list of presets, or none that can be read
                continue
    return declared


def _without_point(text: str) -> str:
    try:
        return replace(from_text(text), focal=None).text
    except SpecError:  # of another release
        return text


class _Records:
    """The records of a run: sources whose file is gone, and pictures that nobody asks for."""

    def __init__(self, pruning: Pruning, declared: Collection[str] | None) -> None:
        self._pruning, self._config = pruning, pruning.config
        self._declared = declared
        self._points: dict[str, set[str]] = {}  # source → focal points of its rows, where they are known
        self._has_files: dict[str, bool] = {}  # storage → whether there is anything in it
        self._failures: Counter[str] = Counter()  # storage → how often it has failed

    def prune(self) -> None:
        for sources in orphans.sources():
            pictures = orphans.pictures_of(sources)
            gone = self._gone(sources)
            self._points = _points(sources, pictures)
            for source in sources:
                call = partial(self._look_at, source, pictures[source.key], is_gone=source.key in gone)
                _guarded(self._pruning, source.name, call)

    def _gone(self, sources: Collection[Source]) -> set[str]:
        """Return the keys of the sources whose file is gone, and to whose name no row refers."""
        gone: dict[str, dict[str, str]] = {}  # storage → name → key
        for source in sources:
            alias = source.storage
            if self._failures[alias] < MAX_FAILURES:
                has_worked = _guarded(self._pruning, source.name, partial(self._ask_for, source, gone))
                self._failures[alias] += not has_worked
        for storage, found in gone.items():
            for name in referring.referred(found, storage):
                del found[name]
        return {key for found in gone.values() for key in found.values()}

    def _ask_for(self, source: Source, gone: dict[str, dict[str, str]]) -> None:
        """Note whether a source is gone; nothing is of a storage that has nothing at all."""
        alias = source.storage
        if not removing.is_gone(source):
            self._has_files[alias] = True
            return
        if alias not in self._has_files:
            self._has_files[alias] = alias.startswith(STATIC) or _has_files(storage_of(alias))
            if not self._has_files[alias]:
                self._pruning.leave(f"the sources of {alias}", "it is empty, as if it were not mounted")
        if self._has_files[alias]:
            gone.setdefault(alias, {})[source.name] = source.key

    def _look_at(self, source: Source, pictures: list[Picture], *, is_gone: bool) -> None:
        """Remove the records of a source, or of its pictures, that no page can ask for or show."""
        unwanted = [each for each in pictures if is_gone or self._is_unwanted(source, each)]
        due = [each for each in unwanted if self._is_due(source, each)]
        self._pruning.waiting += len(unwanted) - len(due)
        if not self._pruning.is_dry:
            self._note(pictures, unwanted)
        if is_gone and len(due) == len(pictures):
            self._remove(source, pictures)
        elif due and not is_gone:
            self._drop(source, {each.key for each in due})

    def _is_unwanted(self, source: Source, picture: Picture) -> bool:
        is_declared = self._declared is None or _without_point(picture.spec) in self._declared
        return not is_declared or self._has_moved(picture) or is_outdated(source, picture, self._config)

    def _has_moved(self, picture: Picture) -> bool:
        """Tell whether a picture is cropped around a point of a model that no row has any more."""
        point = without_point(picture.spec)[1]
        return point != "" and point not in self._points.get(picture.source_id, {point})

    def _is_due(self, source: Source, picture: Picture) -> bool:
        """Tell whether no page can show a picture that nobody asks for any more."""
        now, before = self._pruning.now, self._pruning.before
        if picture.state == records.READY:
            return (picture.not_before or now) <= before
        read = manifest.loads(picture.renditions)
        names = [files.decoded(name) for name in read.names()] if read is not None else []
        storage = storage_of(rendition_storage(source.storage, self._config.storage))
        return all((written(storage, name) or 0) <= before.timestamp() for name in names)

    def _note(self, pictures: Collection[Picture], unwanted: Collection[Picture]) -> None:
        """Note since when nobody asks for pictures, and of those that are asked for again that they are."""
        ready = {each.key: each.not_before for each in pictures if each.state == records.READY}
        unwanted_ones = {each.key for each in unwanted}
        orphans.note({key for key in unwanted_ones & ready.keys() if ready[key] is None}, self._pruning.now)
        orphans.note({key for key in ready.keys() - unwanted_ones if ready[key] is not None}, None)

    def _remove(self, source: Source, pictures: Collection[Picture]) -> None:
        pruning = self._pruning
        removed = removing.remove([source], self._config, is_dry=pruning.is_dry)
        pruning.say(f"gone: {source.name} of {source.storage}")
        pruning.sources += 1
        pruning.pictures += len(pictures)
        for name, size in removed.items():
            pruning.count(name, size)

    def _drop(self, source: Source, picture_keys: set[str]) -> None:
        """Remove pictures that nobody asks for; their files are found later, as no record lists them."""
        pruning = self._pruning
        if pruning.is_dry:
            pruning.dropped |= picture_keys
        else:
            orphans.drop(picture_keys)
            lookup.forget(picture_keys, self._config)
        pruning.say(f"not asked for: {len(picture_keys)} picture(s) of {source.name} of {source.storage}")
        pruning.pictures += len(picture_keys)


def _points(sources: Collection[Source], pictures: Mapping[str, Collection[Picture]]) -> dict[str, set[str]]:
    """Return source → focal points that its rows have, of sources with pictures cropped around such a point."""
    cropped: dict[str, dict[str, str]] = {}  # storage → name → key
    for source in sources:
        if any(without_point(picture.spec)[1] for picture in pictures[source.key]):
            cropped.setdefault(source.storage, {})[source.name] = source.key
    return {
        named[name]: points
        for storage, named in cropped.items()
        for name, points in referring.points(named, storage).items()
    }


def _has_files(storage: Storage) -> bool:
    """Tell whether there is anything in a storage; so it is taken to be where that cannot be asked."""
    try:
        folders, names = storage.listdir("")
    except NotImplementedError:
        return True
    except FileNotFoundError:
        return False
    return bool(folders or names)
