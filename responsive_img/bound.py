"""Images bound to a source, alone or many together: one lookup for all, and one decode for each source."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from math import inf
from typing import Final

from django.utils.safestring import SafeString, mark_safe

from responsive_img import conf, handover, manifest, markup, specs
from responsive_img.addresses import Told
from responsive_img.building import Budget
from responsive_img.collector import Collector
from responsive_img.exceptions import SourceError, SpecError
from responsive_img.logs import raise_or_log
from responsive_img.lookup import Asked
from responsive_img.options import Preset
from responsive_img.resolution import ELEMENT, SIZES, SRCSET, URL, canonical
from responsive_img.scopes import collector_for
from responsive_img.shown import shown_over, text_of
from responsive_img.sources import SourceRef, reference


class _NotGiven(Enum):
    """Stands for an alt that nobody has written, as None counts as an empty one."""

    ALT = "alt"


NOT_GIVEN: Final = _NotGiven.ALT


class ImageBatch:
    """
    Collects bound images: the first that is asked for something has all of them looked up.

    What each is to have built in this process is built then; more can be added at any time.
    """

    def __init__(self) -> None:
        self._images: list[BoundImg] = []

    def add(self, image: BoundImg) -> BoundImg:
        """Add a bound image, and return it."""
        self._images.append(image)
        return image

    def build(self) -> None:
        """
        Look up all images that were not, and build what each is to have built.

        Raises:
            DatabaseError: The records cannot be read or written.
        """
        look_up([image for image in self._images if not image.is_looked_up])

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[BoundImg]:
        return iter(self._images)


def look_up(images: list[BoundImg]) -> None:
    """Look bound images up together; those with something to build in this process have all the time they need."""
    asked = {image: told for image in images if (told := image.asked()) is not None}
    has_builds = any(image.preset.spec.build for image in asked)
    account = collector_for(None).account
    collector = Collector(account.with_budget(Budget(inf)) if has_builds else account)
    manifests = collector.look_up(list(asked.values()))
    for image, told in asked.items():
        image.learn(manifests[told])


class BoundImg:
    """
    An `Img` of one source. It is looked up, and built as the hook has it, when it is first asked for something.

    Of an empty source all texts are empty, unless `PLACEHOLDER` stands in.

    Attributes:
        preset: What is asked for.
    """

    def __init__(
        self,
        preset: Preset,
        source: object,
        *,
        alt: object = NOT_GIVEN,
        batch: ImageBatch | None = None,
    ) -> None:
        self.preset = preset
        self._batch = batch
        self._source = source
        self._alt = alt
        self._told: Told | None = None
        self._manifest: manifest.Manifest | None = None

    def base_url(self) -> str:
        """Return the URL of `src`; of the source while that is not built."""
        return self._text(URL)

    @property
    def srcset(self) -> str:
        """The `srcset` of the `<img>`: its built candidates."""
        return self._text(SRCSET)

    @property
    def sizes(self) -> str:
        """The `sizes` of the `<img>`."""
        return self._text(SIZES)

    @property
    def width(self) -> int | None:
        """Layout width, CSS px; None: not known."""
        return self._looked_up().width if self.asked() else None

    @property
    def height(self) -> int | None:
        """Layout height, CSS px; None: not known."""
        return self._looked_up().height if self.asked() else None

    def as_html(self) -> SafeString:
        """
        Return the same markup as the tag.

        Raises:
            SpecError: There is no alt.
        """
        if self._alt is NOT_GIVEN and "alt" not in dict(self.preset.attributes):
            raise SpecError("'alt' is required: describe the picture, or write alt=\"\" for decoration.")
        return mark_safe(self._text(ELEMENT))  # noqa: S308 - made by this library

    def __getstate__(self) -> dict[str, object]:
        """Leave the batch where it is."""
        return {**self.__dict__, "_batch": None}

    def __str__(self) -> str:
        return self.base_url()

    def __bool__(self) -> bool:
        """Tell whether the file of `src` is built."""
        if self.asked() is None:
            return False
        found = self._looked_up()
        return bool(found.src) or found.state == manifest.READY

    @property
    def is_built(self) -> bool:
        """Whether what `build` asks for is there; where it asks for nothing, whether nothing is missing."""
        if self.preset.spec.build == "src":
            return bool(self)
        return self.asked() is not None and self._looked_up().state == manifest.READY

    def build(self, build: str | None = "all") -> None:
        """
        Build in this process, whatever the hook, what is missing.

        Args:
            build: "src", "srcset" or "all"; None: nothing.

        Raises:
            SpecError: It is none of these.
            DatabaseError: The records cannot be read or written.
        """
        if build is not None and build not in specs.BUILDS:
            raise SpecError(f"'build' must be one of: {', '.join(specs.BUILDS)}; not {build!r}.")
        told = self.asked()
        if told is None or build is None:
            return
        config = conf.current()
        handover.build_here([Asked(SourceRef(*told[1:]), canonical(told[0], config).text, build)], config)
        self._manifest = None

    def asked(self) -> Told | None:
        """Return what is asked for; None where there is no source."""
        source = self._saved_source() or conf.current().placeholder
        if self._told is None and source:
            try:
                source_ref = reference(source)
            except SourceError as error:
                raise_or_log(SpecError(str(error)))
                return None
            spec = self.preset.spec.text
            try:
                canonical(spec, conf.current())
            except SpecError as error:
                raise_or_log(error)
                spec = specs.SOURCE_AS_IS.text
            self._told = (spec, *source_ref)
        return self._told

    def _saved_source(self) -> object:
        """Return the source; None for a file that is not in its storage yet."""
        return self._source if getattr(self._source, "_committed", True) is not False else None

    @property
    def is_looked_up(self) -> bool:
        """Whether it is known what is built of it."""
        return self._manifest is not None

    def learn(self, found: manifest.Manifest) -> None:
        """Take what a lookup has found."""
        self._manifest = found

    def _looked_up(self) -> manifest.Manifest:
        if self._manifest is None:
            if self._batch is not None:
                self._batch.build()
            else:
                look_up([self])
        assert self._manifest is not None  # noqa: S101 - for the type checker; who calls has asked for something
        return self._manifest

    def _text(self, wanted: str) -> str:
        told = self.asked()
        own = () if self._alt is NOT_GIVEN else (("alt", markup.attribute("alt", self._alt)),)
        shown = shown_over((own, (), None), self.preset)
        pieces = shown.priority_pieces if shown.priority else shown.pieces
        if told is None:
            is_unusable = wanted == ELEMENT and bool(self._saved_source())
            return f"<img{text_of(pieces)}>" if is_unusable else ""
        slot = told, text_of(pieces), text_of(shown.picture_pieces), wanted, ""
        return collector_for(None).texts([slot], {told: self._looked_up()})[0]
