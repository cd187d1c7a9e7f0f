"""
What `{% img … as pic %}` gives: a picture whose texts can be printed one by one.

Printed inside a page they are markers, and batched like the plain tag. Comparing or computing with a
number, and asking whether it is built, needs an answer now: all pictures collected so far are then looked
up together.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from numbers import Number
from typing import Any, Self

from django.utils.safestring import SafeString, mark_safe

from responsive_img import manifest, scopes, specs
from responsive_img.addresses import Told
from responsive_img.collector import Collector
from responsive_img.exceptions import SpecError
from responsive_img.geometry import CENTRE
from responsive_img.logs import raise_or_log
from responsive_img.resolution import ELEMENT, HEIGHT, SIZES, SRCSET, URL, WIDTH, canonical


class DeferredPicture:
    """
    A picture of a template; true when it has a source. Printed, it is its element.

    Attributes:
        told: What is asked for; None: there is no source, or none that can be asked for.
        attributes: Finished text of the `<img>`'s attributes.
        picture_attributes: The same for the `<picture>`.
    """

    __slots__ = ("_collector", "_manifest", "attributes", "picture_attributes", "told")

    def __init__(
        self,
        collector: Collector | None = None,
        told: Told | None = None,
        attributes: str = "",
        picture_attributes: str = "",
        _template: str | None = None,
    ) -> None:
        self._collector = collector
        self._manifest: manifest.Manifest | None = None
        self.told = told
        self.attributes = attributes
        self.picture_attributes = picture_attributes

    @classmethod
    def without_source(cls, attributes: str) -> Self:
        """Return the picture of a source that cannot be asked for: nothing but its attributes."""
        return cls(attributes=attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out who collects: elsewhere nobody does, and it resolves at once."""
        return type(self), (None, self.told, self.attributes, self.picture_attributes)

    def __bool__(self) -> bool:
        return self.told is not None

    def __str__(self) -> str:
        return self.html

    def __html__(self) -> str:
        return self.html

    @property
    def html(self) -> SafeString:
        """The element."""
        if self.told is None and self.attributes:
            return mark_safe(f"<img{self.attributes}>")  # noqa: S308 - finished attributes
        return mark_safe(self.text(ELEMENT))  # noqa: S308 - made by this library

    @property
    def url(self) -> str:
        """The URL of `src`."""
        return self.text(URL)

    @property
    def srcset(self) -> str:
        """The `srcset` of the `<img>`."""
        return self.text(SRCSET)

    @property
    def sizes(self) -> str:
        """The `sizes` of the `<img>`."""
        return self.text(SIZES)

    @property
    def width(self) -> DeferredLength | str:
        """Layout width, CSS px."""
        return DeferredLength(self, WIDTH) if self else ""

    @property
    def height(self) -> DeferredLength | str:
        """Layout height, CSS px."""
        return DeferredLength(self, HEIGHT) if self else ""

    @property
    def object_position(self) -> str:
        """The focal point for the CSS property, "30% 70%"."""
        if self.told is None:
            return ""
        return str(canonical(self.told[0], self._collecting().config).focal or CENTRE)

    @property
    def is_built(self) -> bool:
        """Whether nothing of it is missing."""
        return self.told is not None and self.manifest().state == manifest.READY

    def manifest(self) -> manifest.Manifest:
        """Return what is known of it: looked up with all pictures collected so far."""
        assert self.told is not None  # noqa: S101 - for the type checker; lengths exist only with a source
        collector = self._collecting()
        if collector.is_open:
            return collector.manifest(self.told)
        if self._manifest is None:
            self._manifest = collector.look_up([self.told])[self.told]
        return self._manifest

    def text(self, wanted: str) -> str:
        """Return a value, or its marker."""
        if self.told is None:
            return ""
        collector = self._collecting()
        if collector.is_open:
            return collector.show(self.told, self.attributes, self.picture_attributes, None, wanted)
        slot = self.told, self.attributes, self.picture_attributes, wanted, None
        return collector.texts([slot], {self.told: self.manifest()})[0]

    def _collecting(self) -> Collector:
        if self._collector is None:
            self._collector = scopes.collector_for(None)
            assert self.told is not None  # noqa: S101 - for the type checker; who asks has a source
            self._check(self._collector, self.told)
        return self._collector

    def _check(self, collector: Collector, told: Told) -> None:
        """Fall back to the source where a copy asks for what cannot be any more, such as a preset that is gone."""
        try:
            collector.accept(told, None)
        except SpecError as error:
            raise_or_log(error)
            self.told = (specs.SOURCE_AS_IS.text, *told[1:])


def _computed(operation: Callable[[Any, Any], Any], *, swapped: bool = False) -> Any:
    def compute(self: DeferredLength, other: Any) -> Any:
        mine, theirs = int(self), int(other) if isinstance(other, DeferredLength) else other
        if not isinstance(theirs, Number):
            return NotImplemented
        return operation(theirs, mine) if swapped else operation(mine, theirs)

    return compute


class DeferredLength:
    """
    A length of a picture, CSS px: a marker where it is printed, a number where it is computed with.

    A length that is not known prints as nothing and counts as 0.
    """

    __slots__ = ("_picture", "_wanted")

    def __init__(self, picture: DeferredPicture, wanted: str) -> None:
        self._picture = picture
        self._wanted = wanted

    def __str__(self) -> str:
        return self._picture.text(self._wanted)

    def __bool__(self) -> bool:
        return True

    def __int__(self) -> int:
        found = self._picture.manifest()
        return (found.width if self._wanted == WIDTH else found.height) or 0

    __index__ = __int__

    def __float__(self) -> float:
        return float(int(self))

    def __hash__(self) -> int:
        return hash(int(self))

    def __format__(self, format_spec: str) -> str:
        return format(int(self), format_spec) if format_spec else str(self)

    def __round__(self, digits: int | None = None) -> int:
        return round(int(self), digits) if digits is not None else int(self)

    def __neg__(self) -> int:
        return -int(self)

    def __pos__(self) -> int:
        return int(self)

    def __abs__(self) -> int:
        return int(self)

    __eq__ = _computed(operator.eq)
    __ne__ = _computed(operator.ne)
    __lt__ = _computed(operator.lt)
    __le__ = _computed(operator.le)
    __gt__ = _computed(operator.gt)
    __ge__ = _computed(operator.ge)
    __add__ = _computed(operator.add)
    __radd__ = _computed(operator.add, swapped=True)
    __sub__ = _computed(operator.sub)
    __rsub__ = _computed(operator.sub, swapped=True)
    __mul__ = _computed(operator.mul)
    __rmul__ = _computed(operator.mul, swapped=True)
    __truediv__ = _computed(operator.truediv)
    __rtruediv__ = _computed(operator.truediv, swapped=True)
    __floordiv__ = _computed(operator.floordiv)
    __rfloordiv__ = _computed(operator.floordiv, swapped=True)
    __mod__ = _computed(operator.mod)
    __rmod__ = _computed(operator.mod, swapped=True)
    __pow__ = _computed(operator.pow)
    __rpow__ = _computed(operator.pow, swapped=True)
    __divmod__ = _computed(divmod)
    __rdivmod__ = _computed(divmod, swapped=True)
