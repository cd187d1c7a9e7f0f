"""Images bound to a source, alone or many together: one lookup for all, and one decode for each source."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final

from django.utils.safestring import SafeString, mark_safe

from responsive_img import conf, handover, manifest, markup, specs
from responsive_img.account import Account, SparedBudget
from responsive_img.addresses import Told
from responsive_img.exceptions import SourceError, SpecError
from responsive_img.logs import raise_or_log
from responsive_img.lookup import Asked
from responsive_img.notation import with_point
from responsive_img.options import Preset
from responsive_img.resolution import ELEMENT, SIZES, SRCSET, URL, canonical
from responsive_img.resolver import Resolver
from responsive_img.scopes import collector_for
from responsive_img.shown import shown_over, text_of
from responsive_img.sources import SourceRef, focal_of, reference


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
        """Add a bound image, and return it; one that has a batch is still looked up with that one."""
        if image.batch is None:
            image.batch = self
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


def look_up(images: list[BoundImg], *, is_shown: bool = True) -> None:
    """
    Look bound images up together; those with something to build in this process have all the time they need.

    Args:
        images: To be looked up.
        is_shown: They are part of a response; where the settings trust the warmer, only those with something to
            build are looked up then.
    """
    asked = {image: told for image in images if (told := image.asked()) is not None}
    account = collector_for(None).account
    if not is_shown:
        account = Account(account.budget)
    resolver = Resolver(account.with_budget(SparedBudget(account.budget)))
    if is_shown and not resolver.config.create_on_demand:
        for image, told in asked.items():
            if not image.preset.spec.build:
                resolver.accept(told, _saved(image.source))
    manifests = resolver.look_up(list(asked.values()), may_trust=False)
    for image, told in asked.items():
        image.learn(manifests[told])


class BoundImg:
    """
    An `Img` of one source. It is looked up, and built as the hook has it, when it is first asked for something.

    Of an empty source all texts are empty, unless `PLACEHOLDER` stands in.

    Attributes:
        preset: What is asked for.
        source: Of what.
        batch: What it is looked up with.
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
        self.batch = batch
        self.source = source
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
        return {**self.__dict__, "batch": None}

    def __str__(self) -> str:
        return self.base_url()

    def __bool__(self) -> bool:
        """Tell whether the file of `src` is built."""
        return self.asked() is not None and self._looked_up().is_built("src")

    @property
    def is_built(self) -> bool:
        """Whether what `build` asks for is there; where it asks for nothing, whether nothing is missing."""
        return self.asked() is not None and self._looked_up().is_built(self.preset.spec.build)

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
        source = _saved(self.source) or conf.current().placeholder
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
            self._told = (with_point(spec, focal_of(source)), *source_ref)
        return self._told

    @property
    def is_looked_up(self) -> bool:
        """Whether it is known what is built of it."""
        return self._manifest is not None

    def learn(self, found: manifest.Manifest) -> None:
        """Take what a lookup has found."""
        self._manifest = found

    def _looked_up(self) -> manifest.Manifest:
        if self._manifest is None:
            if self.batch is not None:
                self.batch.build()
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
            is_unusable = wanted == ELEMENT and bool(_saved(self.source))
            return f"<img{text_of(pieces)}>" if is_unusable else ""
        slot = told, text_of(pieces), text_of(shown.picture_pieces), wanted, ""
        return collector_for(None).texts([slot], {told: self._looked_up()})[0]


def _saved(source: object) -> object:
    """Return a source; None for a file that is not in its storage yet."""
    return source if getattr(source, "_committed", True) is not False else None
