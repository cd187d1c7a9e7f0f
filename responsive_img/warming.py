"""
The warmer: builds ahead of requests whatever the files of a model are to be shown as.

It can be stopped or killed at any time: what is built is found by two queries for some hundred pictures, so a
second run does what is left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from django.db import router
from django.db.models import Manager, Model, QuerySet

from responsive_img import backlog, conf, keysets, progress, records, saving
from responsive_img.bound import BoundImg
from responsive_img.conf import Config
from responsive_img.crew import Crew, crew
from responsive_img.exceptions import SourceError, SpecError, quoted
from responsive_img.keys import picture_key, source_key
from responsive_img.options import Preset
from responsive_img.resolution import canonical
from responsive_img.runs import PATIENCE, FailedSource, Run
from responsive_img.sources import SourceRef, field_ref, focal_name, reference
from responsive_img.specs import from_text
from responsive_img.survey import Target, Want, survey
from responsive_img.traversal import Row, chunks, path_of, row_of, write_size

logger = logging.getLogger("responsive_img")

# Some databases take 999 parameters, and each picture is one.
PICTURES, ROWS = 900, 200


class Warmed(NamedTuple):
    """
    What the warmer has done.

    Attributes:
        num_created: Files that it has written.
        failed_to_create: Storage names of sources that could not be built, each with its `reason`.
    """

    num_created: int
    failed_to_create: list[FailedSource]


def _never() -> bool:
    return False


class ImageWarmer:
    """
    Builds the pictures of an instance's file, or of the files of a whole queryset.

        ImageWarmer(Person.objects.all(), rendition_key_set="person_headshot", image_attr="headshot").warm()
    """

    def __init__(
        self,
        instance_or_queryset: Model | QuerySet[Any] | Manager[Any],
        rendition_key_set: object,
        image_attr: str,
        verbose: bool = False,
        *,
        force: bool = False,
        verify: bool = False,
        workers: int = 1,
        fix_dimensions: bool = False,
        seen: bool = False,
    ) -> None:
        """
        Read what is to be built.

        Args:
            instance_or_queryset: Whose files.
            rendition_key_set: As of `keysets.read`.
            image_attr: Name of the field; before it, foreign keys and one-to-ones, with dots between.
            verbose: How far it has come is shown on standard error.
            force: What is built is built again.
            verify: The storage is asked for the files of what is built; what it lacks is built.
            workers: Processes that build; up to one: this one, as always for an instance and in a transaction.
            fix_dimensions: The oriented size is written into the image field's `width_field` and `height_field`.
            seen: What pages have asked of other files of this field is built, too.

        Raises:
            SpecError: One of them is wrong.
        """
        _check_workers(workers)
        _check_flags(verbose=verbose, force=force, verify=verify, fix_dimensions=fix_dimensions, seen=seen)
        self._given = _instance_or_queryset(instance_or_queryset)
        model = self._given.model if isinstance(self._given, QuerySet) else type(self._given)
        self._path = path_of(model, image_attr)
        self._presets = keysets.read(rendition_key_set, conf.current())
        for preset in self._presets:
            canonical(preset.spec.text, conf.current())
        if fix_dimensions and not any(self._path.dimensions):
            raise SpecError(
                f"{self._path.field} has neither 'width_field' nor 'height_field' to be corrected."
            )
        self._verbose, self._workers = verbose, workers
        self._fix_dimensions, self._seen = fix_dimensions, seen
        self._force, self._verify = force, verify

    def warm(self, *, should_stop: Callable[[], bool] = _never) -> Warmed:
        """
        Build what is missing; return how many files were written, and the names of what could not be built.

        Args:
            should_stop: Asked before each source.

        Raises:
            SpecError: Other processes would not know the settings.
            DatabaseError: The database does not answer.
        """
        config, given = conf.current(), self._given
        is_many = isinstance(given, QuerySet)
        if config.read_only:
            logger.warning("The warmer builds nothing: RESPONSIVE_IMG_READ_ONLY is on.")
        # Other processes do not see what is not committed yet.
        count = self._workers if is_many and not records.is_in_transaction() else 1
        total = given.all().count() if isinstance(given, QuerySet) and self._verbose else 1
        presets = self._presets_now()
        with crew(count) as builders, progress.shown(total, "image", is_shown=self._verbose) as bar:
            run = Run(config, self._want(config), builders, bar, should_stop)
            for rows in self._chunks(presets):
                if not is_many and rows[0].file is not None:
                    saving.settle(rows[0].file)
                targets = _targets(rows, presets, config, run)
                bar.update(len(rows) - sum(target.rows for target in targets))
                run.warm(targets, patience=PATIENCE if is_many else 0)
                if self._fix_dimensions and not config.read_only:
                    self._fix(rows)
                if should_stop():
                    break
            else:
                bar.finish()
        return Warmed(run.created, list(run.failed.values()))

    def count(self) -> tuple[int, int]:
        """
        Return from how many sources `warm()` would build, and how many pictures; nothing is changed.

        Raises:
            DatabaseError: The database does not answer.
        """
        config = conf.current()
        presets = self._presets_now()
        with progress.shown(0, "", is_shown=False) as bar:
            run = Run(config, self._want(config), Crew(), bar, _never)
        sources = pictures = 0
        for rows in self._chunks(presets):
            found = survey(_targets(rows, presets, config, run), config, self._want(config))
            sources += sum(bool(each.open) for each in found)
            pictures += sum(len(each.open) for each in found)
        return sources, pictures

    def _want(self, config: Config) -> Want:
        return Want(on_demand=config.create_on_demand, force=self._force, verify=self._verify)

    def _presets_now(self) -> list[Preset]:
        """Return what is to be built, with what pages have asked for since."""
        seen = self._of_pages() if self._seen else ()
        return list(dict.fromkeys([*self._presets, *seen]))

    def _of_pages(self) -> Iterator[Preset]:
        """Yield what pages have asked for; the point of one picture is no other's."""
        has_points = focal_name(self._path.model, self._path.field.name) is not None
        for text in backlog.specs_of(field_ref(self._path.field)[1]):
            try:
                spec = from_text(text)
                preset = Preset(replace(spec, focal=None) if has_points else spec, (), (), None)
                canonical(preset.spec.text, conf.current())
            except SpecError:  # of another release, or over what are the limits now
                continue
            yield preset

    def _chunks(self, presets: Sequence[Preset]) -> Iterator[list[Row]]:
        """Yield the rows, so many at a time that their pictures can be asked for at once."""
        if not isinstance(self._given, QuerySet):
            yield [row_of(self._given, self._path)]
            return
        size = max(1, min(ROWS, PICTURES // max(1, len(presets))))
        yield from chunks(self._given, self._path, size)

    def _fix(self, rows: Sequence[Row]) -> None:
        """Write the sizes of sources, as far as they are known, into their rows' own fields."""
        alias = router.db_for_write(self._path.model)
        if isinstance(self._given, QuerySet) and self._given.db != router.db_for_read(self._given.model):
            alias = self._given.db
        refs = [(row, ref) for row in rows if (ref := _reference(row)) is not None]
        sources = records.sources({source_key(ref.storage, ref.name) for _, ref in refs})
        for row, ref in refs:
            source = sources.get(source_key(ref.storage, ref.name))
            if source is not None and source.width is not None and source.height is not None:
                write_size(row, self._path, (source.width, source.height), alias)


def _check_workers(workers: object) -> None:
    if not isinstance(workers, int) or isinstance(workers, bool):
        raise SpecError(f"'workers' must be a whole number, not {quoted(workers)}.")


def _check_flags(**flags: object) -> None:
    for name, value in flags.items():
        # A text such as "no" would count as yes, and `force` writes every file again.
        if not isinstance(value, bool):
            raise SpecError(f"'{name}' must be True or False, not {quoted(value)}.")


def _instance_or_queryset(given: object) -> Model | QuerySet[Any]:
    found = given.all() if isinstance(given, Manager) else given
    if not isinstance(found, (Model, QuerySet)):
        raise SpecError(f"The warmer takes an instance or a queryset, not {quoted(given)}.")
    return found


def _targets(rows: Sequence[Row], presets: Sequence[Preset], config: Config, run: Run) -> list[Target]:
    """Return what rows show, each source once; those without a usable name have failed."""
    found: dict[SourceRef, Target] = {}
    for row in rows:
        # Of a file that is not in its storage yet nothing is asked: as where there is none, pages show the placeholder.
        source = (row.file if getattr(row.file, "_committed", True) else None) or config.placeholder
        if not source:
            continue
        try:
            ref = SourceRef(*reference(source))
        except SourceError as error:
            run.fail(SourceRef("", str(source)), str(error))
            continue
        target = found.setdefault(ref, Target(ref))
        target.rows += 1
        for preset in presets:
            told = BoundImg(preset, source).asked()
            assert told is not None  # noqa: S101 - for the type checker; the source can be referred to
            text = canonical(told[0], config).text
            target.asked[picture_key(ref.storage, ref.name, text, config.storage)] = text
    return list(found.values())


def _reference(row: Row) -> SourceRef | None:
    try:
        return SourceRef(*reference(row.file)) if row.file is not None else None
    except SourceError:
        return None
