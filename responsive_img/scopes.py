"""
Who collects: the request's collector, a batch, or nobody, and then tags resolve at once.

The collector lives on the request, so that wrappers of the request find it too.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from responsive_img import conf, marker
from responsive_img.account import Account
from responsive_img.addresses import Told
from responsive_img.collector import AnyText, Collector
from responsive_img.exceptions import ResponsiveImgError
from responsive_img.resolution import ELEMENT

logger = logging.getLogger("responsive_img")

# Where a request carries its collector.
ATTRIBUTE = "_responsive_img"
# Stands before the request's collector: a batch, or what resolves at once; None: nothing does.
_active: ContextVar[Collector | None] = ContextVar("responsive_img_active", default=None)
# Of the response in the making: what resolves at once counts as pending in it and spends its budget.
_responding: ContextVar[Collector | None] = ContextVar("responsive_img_responding", default=None)


def start(request: object) -> Collector:
    """Return the collector of a request's response, which is in the making from now on."""
    collector = Collector()
    setattr(request, ATTRIBUTE, collector)
    return collector


class Responding:
    """
    Lets a response be in the making: only what is rendered inside, in its own context, leaves markers in it.

    A class, as a generator costs 1 µs more for each chunk of a stream.
    """

    __slots__ = ("_collector", "_token")

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def __enter__(self) -> None:
        self._token = _responding.set(self._collector)

    def __exit__(self, *_: object) -> None:
        _responding.reset(self._token)


def is_responding(request: object) -> bool:
    """Tell whether the response to this request is already being collected for."""
    collector = getattr(request, ATTRIBUTE, None)
    return collector is not None and collector.is_open


def collector_for(request: object) -> Collector:
    """
    Return who collects for a render with this request: closed, so resolving at once, where nobody does.

    A thread that a view has started, or a request made inside of another one, renders for something else
    than the response in the making, so it resolves at once.
    """
    active = _active.get()
    if active is not None:
        return active
    mine: Collector | None = getattr(request, ATTRIBUTE, None)
    return mine if mine is not None and mine is _responding.get() else _closed()


def _closed() -> Collector:
    """Return a collector that leaves no markers, and shares the account of the response in the making."""
    collector = Collector(_account())
    collector.is_open = False
    return collector


def _account() -> Account | None:
    responding = _responding.get()
    return None if responding is None else responding.account


class Batch(Collector):
    """
    What `batch()` gives: collects without a request, until `finalize`.

    Attributes:
        left: Marker → how many of it have not gone through `finalize` yet.
    """

    __slots__ = ("left",)

    def __init__(self, account: Account | None = None) -> None:
        super().__init__(account)
        self.left: Counter[bytes] = Counter()

    def show(
        self,
        told: Told,
        attributes: str,
        picture_attributes: str,
        template: str | None = "",
        wanted: str = ELEMENT,
    ) -> str:
        """Return the marker of a picture, and remember that it was given away to be printed."""
        text = super().show(told, attributes, picture_attributes, template, wanted)
        if template is not None:
            self.left.update(marker.cores(text.encode()))
        return text

    def substitute(self, content: bytes, charset: str = "utf-8") -> bytes:
        """Return a text with its markers resolved; they are no longer left."""
        self.left.subtract(marker.cores(content))
        return super().substitute(content, charset)


@contextmanager
def batch() -> Iterator[Batch]:
    """
    Collect the pictures of everything rendered inside; `finalize` on what it gives resolves them together.

    Raises:
        ResponsiveImgError: Under DEBUG, on leaving: not everything that was rendered went through `finalize`.
    """
    images = Batch(_account())
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


def finalize_all(texts: Sequence[str]) -> list[str]:
    """Return texts with their markers resolved, all in one lookup."""
    collector = _active.get() or _closed()
    collector.prepare([text.encode("utf-8", "surrogatepass") for text in texts])
    return [collector.finalize(text) for text in texts]
