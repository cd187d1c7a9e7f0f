"""
The collector: the pictures of one response, and the markers that stand for them until it ends.

It leaves markers, looks up and resolves, and knows no HTTP. Once the response is done, each picture resolves
at once through the same code.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from responsive_img import conf, escaping, marker
from responsive_img.account import Account, is_in_event_loop
from responsive_img.addresses import Told
from responsive_img.escaping import Found
from responsive_img.manifest import Manifest
from responsive_img.places import places_of, slot_of
from responsive_img.resolution import ELEMENT, Slot, replacement
from responsive_img.resolver import Resolver

logger = logging.getLogger("responsive_img")

_FIRST = marker.FIRST.decode()
_START = marker.ELEMENT_SHELL[0].encode() + marker.FIRST
_END = b"." + marker.ELEMENT_SHELL[1].encode()

REMEMBERED = 1024  # characters of a marker; what a visitor can make longer is not kept for the next one

AnyText = TypeVar("AnyText", bound=str)


class Collector(Resolver):
    """
    Collects the pictures of one response and swaps their markers for markup.

    Attributes:
        slots: What its own markers stand for: no signature to verify, nothing to parse.
        is_open: Whether markers may still be left: their response has not ended.
        twice: (marker, name of the template) of those that another template has left before.
    """

    __slots__ = ("_seal", "_unasked", "is_open", "slots", "twice")

    def __init__(self, account: Account | None = None) -> None:
        super().__init__(account)
        self.slots: dict[bytes, Slot] = {}
        # Two templates may show the same picture, and so leave the same marker.
        self.twice: list[tuple[bytes, str | None]] = []
        self.is_open = True
        self._seal: marker.Seal | None = None
        # Shown for what could not be asked for.
        self._unasked: dict[Told, Manifest] = {}

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
        """
        if self.trusting is not None:
            found = self.known.get(told)  # all but what stands in for what cannot be
            if found is not None and _FIRST not in attributes:
                slot = (told, attributes, picture_attributes, wanted, template)
                try:
                    return replacement(slot, found, self.trusting)
                except Exception as error:  # noqa: BLE001 - a picture never breaks a page
                    return self._failed([slot], error)[0]
        elif self.is_open:
            if self._seal is None:
                self._seal = marker.seal(conf.secrets()[0])
            _, core, text, slot = marked(self._seal, told, attributes, picture_attributes, wanted, template)
            if core is not None:
                if self.slots.setdefault(core, slot) is not slot:
                    self.twice.append((core, template))
                return text
        return self.resolve([(told, attributes, picture_attributes, wanted, template)])[0]

    def manifest(self, told: Told) -> Manifest:
        """Return what is known of a picture: looked up now, with all that is collected so far."""
        known = self.known | self._unasked if self._unasked and is_in_event_loop() else self.known
        if told in known:
            return known[told]
        asked = [
            each for each in [*[slot[0] for slot in list(self.slots.values())], told] if each not in known
        ]
        found = self.look_up(asked, is_final=self.account.unasked is None)
        # What an event loop cannot ask it does not ask again; whoever can does.
        unasked = set(self.account.unasked or ())
        self._unasked |= {each: found[each] for each in asked if each in unasked}
        self.known |= {each: found[each] for each in asked if each not in unasked}
        return found[told]

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
        out[1::2] = [text.encode(charset, "xmlcharrefreplace") for text in self.resolve(slots)]
        return b"".join(out)

    def _plain(self, content: bytes) -> tuple[list[bytes], list[Slot]] | None:
        """
        Return the text around its markers, a gap for each, and what they stand for: the way of most pages.

        None where anything but elements, as the tag has left them, may be among them.
        """
        head, *pieces = content.split(_START)
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
        if marker.is_in(b"".join(out)):
            return None
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
        if self.slots.keys() <= self.account.seen:
            return set()
        lost = self.slots.keys() - self.account.seen
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
        if not slots and not self.account.unasked:
            return []
        try:
            return self._resolve(slots)
        except Exception as error:  # noqa: BLE001 - a picture never breaks a page
            return self._failed(slots, error)

    def _failed(self, slots: Sequence[Slot], error: Exception) -> list[str]:
        """Say what was raised, and return what is shown instead: nobody may freeze that."""
        logger.error("Cannot resolve %s picture(s)", len(slots), exc_info=error)
        self.account.pending.update(slot[0][2] for slot in slots)
        return [f"<img{slot[1]}>" if slot[3] == ELEMENT else "" for slot in slots]

    def _resolve(self, slots: Sequence[Slot]) -> list[str]:
        asked = [slot[0] for slot in slots]
        if self.account.unasked:
            asked += self.account.take_unasked()
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


class Left(NamedTuple):
    """
    A marker as a tag leaves it.

    Attributes:
        seal: That has signed it.
        core: Its "payload.signature"; None: it were too long to be left.
        text: All of it.
        slot: What it stands for.
    """

    seal: marker.Seal
    core: bytes | None
    text: str
    slot: Slot


def marked(
    seal: marker.Seal,
    told: Told,
    attributes: str,
    picture_attributes: str,
    wanted: str,
    template: str | None,
) -> Left:
    """Return the marker of a picture or of a value of it: the one before, if the next visitor has the same."""
    last = _last_of(told, wanted, template)
    if last:
        left = last[0]
        slot = left.slot
        if slot[1] == attributes and slot[2] == picture_attributes and left.seal is seal:
            return left
    slot = (told, attributes, picture_attributes, wanted, template)
    core = seal.core((*told, attributes, picture_attributes, wanted))
    before, after = marker.ELEMENT_SHELL if wanted == ELEMENT else marker.VALUE_SHELL
    text = "" if core is None else f"{before}{_FIRST}{core.decode()}.{after}"
    left = Left(seal, core, text, slot)
    if 0 < len(text) <= REMEMBERED:
        last[:] = [left]
    return left


# Of each picture the last marker alone, 1.2 KB: titles that differ with each visitor must fill no memory.
@lru_cache(maxsize=4096)
def _last_of(told: Told, wanted: str, template: str | None) -> list[Left]:
    return []
