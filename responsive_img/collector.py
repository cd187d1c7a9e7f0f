"""
The collector: the pictures of one response, and the markers that stand for them until it ends.

It leaves markers, looks up and resolves, and knows no HTTP. Once the response is done, each picture resolves
at once through the same code.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from responsive_img import conf, escaping, marker
from responsive_img.account import Account
from responsive_img.addresses import Addresses, Told
from responsive_img.conf import Config
from responsive_img.escaping import Found
from responsive_img.manifest import Manifest
from responsive_img.places import places_of, slot_of
from responsive_img.resolution import ELEMENT, Slot, canonical, look_up, texts

logger = logging.getLogger("responsive_img")

_FIRST = marker.FIRST.decode()
_HAS_MARKER = re.compile(re.escape(marker.FIRST))
_START = marker.ELEMENT_SHELL[0].encode() + marker.FIRST
_END = b"." + marker.ELEMENT_SHELL[1].encode()

AnyText = TypeVar("AnyText", bound=str)


class Collector:
    """
    Collects the pictures of one response and swaps their markers for markup.

    Attributes:
        slots: What its own markers stand for: no signature to verify, nothing to parse.
        is_open: Whether markers may still be left: their response has not ended.
        known: What had to be looked up before the response ended.
        twice: (marker, name of the template) of those that are left a second time.
        account: Of the response it resolves for.
    """

    __slots__ = (
        "_addresses",
        "_checked",
        "_config",
        "_seal",
        "account",
        "is_open",
        "known",
        "slots",
        "twice",
    )

    def __init__(self, account: Account | None = None) -> None:
        self.slots: dict[bytes, Slot] = {}
        # Two templates may show the same picture, and so leave the same marker.
        self.twice: list[tuple[bytes, str | None]] = []
        self.is_open = True
        self.known: dict[Told, Manifest] = {}
        self.account = account or Account()
        self._checked: set[str] = set()
        self._config: Config | None = None
        self._seal: marker.Seal | None = None
        self._addresses: Addresses | None = None

    @property
    def config(self) -> Config:
        """The settings, read once per response."""
        if self._config is None:
            self._config = conf.current()
        return self._config

    def check(self, spec: str) -> None:
        """
        Refuse a spec, as told, that would not resolve.

        Raises:
            SpecError: What is asked for cannot be.
        """
        canonical(spec, self.config)
        self._checked.add(spec)

    def show(
        self,
        told: Told,
        attributes: str,
        picture_attributes: str,
        template: str | None = "",
        wanted: str = ELEMENT,
    ) -> str:
        """
        Return the marker of a picture or of a value of it, or what it stands for where none can be left.

        Args:
            told: Spec as told, storage, name and field of the source.
            attributes: Finished text of the `<img>`'s attributes, with a leading space.
            picture_attributes: The same for the `<picture>`.
            template: Name of the template, to be named where the marker gets lost; None: it need not be printed.
            wanted: The element, or which value.

        Raises:
            SpecError: What is asked for cannot be.
        """
        if told[0] not in self._checked:
            self.check(told[0])
        if self.is_open:
            if self._seal is None:
                self._seal = marker.seal(conf.secrets()[0])
            core = self._seal.core((*told, attributes, picture_attributes, wanted))
            if core is not None:
                if core in self.slots:
                    self.twice.append((core, self.slots[core][4]))
                self.slots[core] = (told, attributes, picture_attributes, wanted, template)
                if wanted == ELEMENT:
                    return f'<img data-ri="RI1.{core.decode()}."/>'
                return f"&/~ri?=RI1.{core.decode()}."
        return self.resolve([(told, attributes, picture_attributes, wanted, template)])[0]

    def manifest(self, told: Told) -> Manifest:
        """Return what is known of a picture: looked up now, with all that is collected so far."""
        if told not in self.known:
            self.known |= self.look_up([*[slot[0] for slot in list(self.slots.values())], told])
        return self.known[told]

    def substitute(self, content: bytes, charset: str = "utf-8") -> bytes:
        """
        Return a page with its markers resolved; whatever is not a marker of ours is left as it is.

        Args:
            content: Of an encoding that has ASCII in its place.
            charset: Of the content; what it cannot hold is written as a character reference.
        """
        plain = self._plain(content)
        if plain is None:
            return self._substitute_anywhere(content, charset)
        out, slots = plain
        for place, text in enumerate(self.resolve(slots)):
            out[2 * place + 1] = text.encode(charset, "xmlcharrefreplace")
        return b"".join(out)

    def _plain(self, content: bytes) -> tuple[list[bytes], list[Slot]] | None:
        """
        Return the text around its markers, a gap for each, and what they stand for: the way of most pages.

        None where anything but elements, as the tag has left them, may be among them.
        """
        head, *pieces = content.split(_START)
        if content.count(marker.FIRST) != len(pieces):
            return None
        out = [head]
        cores: list[bytes] = []
        slots: list[Slot] = []
        for piece in pieces:
            core, end, after = piece.partition(_END)
            slot = self.slots.get(core) or slot_of(core)
            if not end or slot is None or slot[3] != ELEMENT:
                return None
            slots.append(slot)
            cores.append(core)
            out += (b"", after)
        self.account.seen.update(cores)
        return out, slots

    def _substitute_anywhere(self, content: bytes, charset: str) -> bytes:
        """Do the same where markers are escaped, stand for values, or are none of ours."""
        found = self._found(content)
        texts = self.resolve([slot for _, slot in found])
        return escaping.replaced(content, [place for place, _ in found], texts, charset)

    def _found(self, content: bytes) -> list[tuple[Found, Slot]]:
        """Return the markers of a text that can be resolved where they stand, and what each stands for."""
        return places_of(content, self.slots, self.account.seen)

    def prepare(self, contents: Iterable[bytes]) -> None:
        """Look up the pictures of several texts together, before each of them is resolved."""
        asked = [slot[0] for content in contents for _, slot in self._found(content)]
        if asked:
            self.known |= self.look_up(asked)

    def lost(self) -> set[str]:
        """Return the names of the templates whose markers nobody has resolved."""
        lost = self.slots.keys() - self.account.seen
        if not lost:
            return set()
        names = [self.slots[core][4] for core in lost] + [name for core, name in self.twice if core in lost]
        return {name for name in names if name is not None}

    def finalize(self, text: AnyText) -> AnyText:
        """Return a text with its markers resolved; a safe text stays one."""
        if _FIRST not in text:
            return text
        resolved = self.substitute(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        return type(text)(resolved)

    def resolve(self, slots: Sequence[Slot]) -> list[str]:
        """Return what takes the place of each slot."""
        if not slots:
            return []
        try:
            return self._resolve(slots)
        except Exception:
            logger.exception("Cannot resolve %s picture(s)", len(slots))
            # Nobody may freeze what is shown instead.
            self.account.pending.update(slot[0][2] for slot in slots)
            return [f"<img{slot[1]}>" if slot[3] == ELEMENT else "" for slot in slots]

    def _resolve(self, slots: Sequence[Slot]) -> list[str]:
        asked = [slot[0] for slot in slots]
        # A URL of one picture may be an attribute of another one.
        holding = [slot for slot in slots if _FIRST in slot[1]]
        for slot in holding:
            asked += [inner[0] for _, inner in self._found(slot[1].encode())]
        manifests = self.look_up(asked)
        if holding:
            slots = [(slot[0], self._filled(slot[1], manifests), *slot[2:]) for slot in slots]
        return self.texts(slots, manifests)

    def _filled(self, attributes: str, manifests: Mapping[Told, Manifest]) -> str:
        """Return finished attributes with the markers among them resolved."""
        if _FIRST not in attributes:
            return attributes
        content = attributes.encode()
        found = self._found(content)
        texts = self.texts([slot for _, slot in found], manifests)
        return escaping.replaced(content, [place for place, _ in found], texts, "utf-8").decode()

    def texts(self, slots: Sequence[Slot], manifests: Mapping[Told, Manifest]) -> list[str]:
        """Return what takes the place of slots whose manifests are known."""
        if self._addresses is None:
            self._addresses = Addresses(self.config)
        return texts(slots, manifests, self._addresses)

    def look_up(self, asked: Sequence[Told]) -> dict[Told, Manifest]:
        """Return manifests: of what is not known yet, looked up in one call."""
        wanted = [told for told in asked if told not in self.known] if self.known else asked
        budget = None if self.account.is_cache_only else self.account.budget
        manifests, pending = look_up(wanted, self.config, budget)
        self.account.pending |= pending
        return {**manifests, **self.known} if self.known else manifests


def has_marker(content: bytes) -> bool:
    """Tell whether there is anything to resolve: half the time of `in`, which a page without pictures pays."""
    return _HAS_MARKER.search(content) is not None
