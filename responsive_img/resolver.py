"""The resolver: looks up the pictures of one response, each once, and makes texts of what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from responsive_img import conf
from responsive_img.account import Account
from responsive_img.addresses import Addresses, Told
from responsive_img.conf import Config
from responsive_img.geometry import Size
from responsive_img.logs import log_once
from responsive_img.manifest import Manifest
from responsive_img.resolution import Slot, canonical, look_up, replacement, trusted
from responsive_img.sources import size_of


# A memo of a pure function; as large as that of what is read from the cache.
@lru_cache(maxsize=16384)
def _trusted(told: Told, size: tuple[int, int] | None, config: Config) -> Manifest:
    return trusted(told, None if size is None else Size(*size), config)


class Resolver:
    """
    Resolves pictures for one response.

    Attributes:
        known: What had to be looked up before the response ended, or is trusted.
        account: Of the response.
        trusting: The URLs, if the settings trust the warmer; None if not, and until the settings are read.
    """

    __slots__ = ("_accepted", "_addresses", "account", "known", "trusting")

    def __init__(self, account: Account | None = None) -> None:
        self.known: dict[Told, Manifest] = {}
        self.account = account or Account()
        self._accepted: set[str] = set()
        self.trusting: Addresses | None = None
        self._addresses: Addresses | None = None

    @property
    def config(self) -> Config:
        """The settings, read once per response."""
        return self.addresses.config

    @property
    def addresses(self) -> Addresses:
        """The URLs of the response."""
        if self._addresses is None:
            self._addresses = Addresses(conf.current())
            if not self._addresses.config.create_on_demand:
                self.trusting = self._addresses
        return self._addresses

    def accept(self, told: Told, source: object) -> None:
        """
        Refuse what would not resolve; where the settings trust the warmer, take the picture for built.

        Args:
            told: What is asked for.
            source: Of what; its model may know the size.

        Raises:
            SpecError: What is asked for cannot be.
        """
        if told[0] not in self._accepted:
            canonical(told[0], self.config)
            self._accepted.add(told[0])
        if self.trusting is not None:
            self.known[told] = _trusted(told, size_of(source), self.trusting.config)

    def texts(self, slots: Sequence[Slot], manifests: Mapping[Told, Manifest]) -> list[str]:
        """Return what takes the place of slots whose manifests are known."""
        addresses = self._addresses or self.addresses  # a property costs each chunk of a stream a call
        return [replacement(slot, manifests[slot[0]], addresses) for slot in slots]

    def look_up(
        self, asked: Sequence[Told], *, may_trust: bool = True, is_final: bool = True
    ) -> dict[Told, Manifest]:
        """
        Return manifests: of what is not known yet, looked up in one call.

        Args:
            asked: By tags.
            may_trust: Nothing is looked up where the settings trust the warmer.
            is_final: What is not known is not asked for again before it is shown.
        """
        wanted = [told for told in asked if told not in self.known] if self.known else asked
        if not wanted:
            return self.known
        if may_trust and not self.config.create_on_demand:
            return self.known | {told: _trusted(told, None, self.config) for told in wanted}
        budget = None if self.account.is_cache_only else self.account.budget
        manifests, pending, unasked = look_up(wanted, self.config, budget)
        self.account.pending |= pending
        if unasked:
            self._note(unasked, is_final=is_final)
        return self.known | manifests

    def _note(self, unasked: set[Told], *, is_final: bool) -> None:
        """Note what could not be asked for in an event loop: at the end of the response it can be."""
        if self.account.unasked is not None:
            self.account.unasked |= unasked
        if is_final:
            log_once(
                "A picture that is not in the cache was rendered in an event loop for text that is final, so its "
                "source is shown: render with the request for the response of the middleware, or through sync_to_async."
            )
