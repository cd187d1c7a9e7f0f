"""
The collector: the pictures of one response, and the markers that stand for them until it ends.

It decides what is deferred and what resolves at once, and knows no HTTP. It lives on the request, so that
wrappers of the request find it too; without one, or once the response is done, each picture resolves at
once through the same code.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from responsive_img import conf, marker, resolution
from responsive_img.building import Budget
from responsive_img.conf import Config
from responsive_img.exceptions import ResponsiveImgError
from responsive_img.resolution import Slot, Told, canonical

logger = logging.getLogger("responsive_img")

# Where a request carries its collector.
ATTRIBUTE = "_responsive_img"
# The kind of marker that becomes an element; it also closes the payload, so that its padding can be told.
ELEMENT = "element"
_FIELDS = 7
_HAS_MARKER = re.compile(re.escape(marker.ELEMENT_START))

AnyText = TypeVar("AnyText", bound=str)


class Collector:
    """
    Collects the pictures of one response and swaps their markers for markup.

    Attributes:
        slots: What its own markers stand for: no signature to verify, nothing to parse.
        is_open: Whether markers may still be left: their response has not ended.
        pending: Keys of the pictures of the response that are still to be built.
        budget: What the response has left for building.
    """

    __slots__ = ("_checked", "_config", "_seal", "budget", "is_open", "pending", "slots")

    def __init__(self, response: Collector | None = None) -> None:
        self.slots: dict[bytes, Slot] = {}
        self.is_open = True
        self.pending: set[str] = set() if response is None else response.pending
        self.budget: Budget = Budget() if response is None else response.budget
        self._checked: set[str] = set()
        self._config: Config | None = None
        self._seal: marker.Seal | None = None

    @property
    def config(self) -> Config:
        """The settings, read once per response."""
        if self._config is None:
            self._config = conf.current()
        return self._config

    def show(self, told: Told, attributes: str, picture_attributes: str) -> str:
        """
        Return the marker of a picture, or its markup where no marker can be left.

        Args:
            told: Spec as told, storage, name and field of the source.
            attributes: Finished text of the `<img>`'s attributes, with a leading space.
            picture_attributes: The same for the `<picture>`.

        Raises:
            SpecError: What is asked for cannot be.
        """
        if told[0] not in self._checked:
            canonical(told[0], self.config)  # a marker is left only for what will resolve
            self._checked.add(told[0])
        if self.is_open:
            if self._seal is None:
                self._seal = marker.seal(conf.secrets()[0])
            core = self._seal.core((*told, attributes, picture_attributes, ELEMENT))
            if core is not None:
                self.slots[core] = (told, attributes, picture_attributes)
                return f'<img data-ri="RI1.{core.decode()}."/>'
        return self.resolve([(told, attributes, picture_attributes)])[0]

    def substitute(self, content: bytes, charset: str = "utf-8") -> bytes:
        """
        Return a page with its markers resolved; whatever is not a marker of ours is left as it is.

        Args:
            content: Of an encoding that has ASCII in its place.
            charset: Of the content; what it cannot hold is written as a character reference.
        """
        head, *pieces = content.split(marker.ELEMENT_START)
        out = [head]
        places: list[int] = []
        slots: list[Slot] = []
        for piece in pieces:
            core, end, after = piece.partition(marker.ELEMENT_END)
            slot = (self.slots.get(core) or _slot_of(core)) if end else None
            if slot is None:
                out += (marker.ELEMENT_START, piece)
            else:
                places.append(len(out))
                slots.append(slot)
                out += (b"", after)
        for place, text in zip(places, self.resolve(slots), strict=True):
            out[place] = text.encode(charset, "xmlcharrefreplace")
        return b"".join(out)

    def finalize(self, text: AnyText) -> AnyText:
        """Return a text with its markers resolved; a safe text stays one."""
        if marker.ELEMENT_START.decode() not in text:
            return text
        resolved = self.substitute(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        return type(text)(resolved)

    def resolve(self, slots: Sequence[Slot]) -> list[str]:
        """Return the markup of pictures."""
        texts, pending = resolution.resolve(slots, self.config, self.budget)
        self.pending |= pending
        return texts


def _slot_of(core: bytes) -> Slot | None:
    """Return what a marker of another request or process stands for; None if it is not ours."""
    fields = marker.read(core, [marker.seal(secret) for secret in conf.secrets()])
    if fields is None or len(fields) != _FIELDS or fields[-1] != ELEMENT:
        return None
    spec, storage, name, field, attributes, picture_attributes, _ = fields
    return (spec, storage, name, field), attributes, picture_attributes


# Who collects ------------------------------------------------------------------------------------------

# Stands before the request's collector: a batch, or what resolves at once; None: nothing does.
_active: ContextVar[Collector | None] = ContextVar("responsive_img_active", default=None)
# Of the response in the making: what resolves at once counts as pending in it and spends its budget.
_responding: ContextVar[Collector | None] = ContextVar("responsive_img_responding", default=None)


@contextmanager
def responding(request: object) -> Iterator[Collector]:
    """Collect the pictures of a request's response, and no longer."""
    collector = Collector()
    setattr(request, ATTRIBUTE, collector)
    token = _responding.set(collector)
    try:
        yield collector
    finally:
        _responding.reset(token)
        collector.is_open = False


def is_responding(request: object) -> bool:
    """Tell whether the response to this request is already being collected for."""
    collector = getattr(request, ATTRIBUTE, None)
    return collector is not None and collector.is_open


def collector_for(request: object) -> Collector:
    """Return who collects for a render with this request: closed, so resolving at once, where nobody does."""
    active = _active.get()
    if active is None:
        active = getattr(request, ATTRIBUTE, None)
    return _closed() if active is None else active


def _closed() -> Collector:
    """Return a collector that leaves no markers, and shares the account of the response in the making."""
    collector = Collector(_responding.get())
    collector.is_open = False
    return collector


class Batch(Collector):
    """
    What `batch()` gives: collects without a request, until `finalize`.

    Attributes:
        left: Marker → how many of it have not gone through `finalize` yet.
    """

    __slots__ = ("left",)

    def __init__(self) -> None:
        super().__init__(_responding.get())
        self.left: Counter[bytes] = Counter()

    def show(self, told: Told, attributes: str, picture_attributes: str) -> str:
        """Return the marker of a picture, and remember that it was given away."""
        text = super().show(told, attributes, picture_attributes)
        self.left.update(_cores(text.encode()))
        return text

    def substitute(self, content: bytes, charset: str = "utf-8") -> bytes:
        """Return a text with its markers resolved; they are no longer left."""
        self.left.subtract(_cores(content))
        return super().substitute(content, charset)


def _cores(content: bytes) -> list[bytes]:
    """Return what is between the start and the end of each marker."""
    pieces = content.split(marker.ELEMENT_START)[1:]
    return [piece.partition(marker.ELEMENT_END)[0] for piece in pieces]


@contextmanager
def batch() -> Iterator[Batch]:
    """
    Collect the pictures of everything rendered inside; `finalize` on what it gives resolves them together.

    Raises:
        ResponsiveImgError: Under DEBUG, on leaving: not everything that was rendered went through `finalize`.
    """
    images = Batch()
    with _collecting(images):
        yield images
    left = sum(count for count in images.left.values() if count > 0)
    if left:
        message = f"batch() was left with {left} marker(s) that never went through finalize()"
        if conf.is_debug():
            raise ResponsiveImgError(message)
        logger.error(message)


@contextmanager
def immediate() -> Iterator[None]:
    """Resolve the tags inside one by one, without markers: for text that leaves the response."""
    with _collecting(_closed()):
        yield


@contextmanager
def _collecting(collector: Collector) -> Iterator[None]:
    token = _active.set(collector)
    try:
        yield
    finally:
        _active.reset(token)
        collector.is_open = False


def finalize(text: AnyText) -> AnyText:
    """Return any text with its markers resolved, in one lookup; a safe text stays one."""
    return (_active.get() or _closed()).finalize(text)


def has_marker(content: bytes) -> bool:
    """Tell whether there is anything to resolve: half the time of `in`, which a page without pictures pays."""
    return _HAS_MARKER.search(content) is not None
