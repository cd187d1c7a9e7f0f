"""One run of the warmer: from sources to files, what came of it, and what somebody else builds meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Self

from responsive_img import lookup, manifest
from responsive_img.conf import Config
from responsive_img.crew import Crew
from responsive_img.leases import LEASE
from responsive_img.progress import Progress
from responsive_img.sources import SourceRef
from responsive_img.survey import Finding, Target, Want, recover, survey
from responsive_img.works import Outcome, Work

PAUSE = 0.2  # s between two looks at what somebody else builds
# s. When the lease of a builder that has died ends, the warmer builds its picture; one that lives may take longer.
PATIENCE = LEASE + 5
ELSEWHERE = "Another process is building it"


class FailedSource(str):
    """
    The storage name of a source that could not be built.

    Attributes:
        reason: Why.
    """

    __slots__ = ("reason",)

    reason: str

    def __new__(cls, name: str, reason: str) -> Self:
        """Make a text that also tells the reason."""
        made = super().__new__(cls, name)
        made.reason = reason
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # of a text it is the text alone
        """Return what a copy, and one that was pickled, is made of."""
        return str(self), self.reason


class Run:
    """
    A run, as long as it lasts.

    Attributes:
        created: Files written so far.
        failed: Storage and name of a source → what could not be built.
    """

    def __init__(
        self, config: Config, want: Want, crew: Crew, bar: Progress, should_stop: Callable[[], bool]
    ) -> None:
        self.created = 0
        self.failed: dict[tuple[str, str], FailedSource] = {}
        self._config, self._want, self._crew, self._bar = config, want, crew, bar
        self._should_stop = should_stop

    def warm(self, targets: Sequence[Target], *, patience: float = PATIENCE) -> None:
        """
        Build what is missing of sources.

        Args:
            targets: The sources.
            patience: s that what somebody else builds is waited for.

        Raises:
            DatabaseError: The records cannot be read or written.
        """
        until = time.monotonic() + patience
        while targets and not self._should_stop():
            recover(targets, self._config)
            findings = survey(targets, self._config, self._want)
            self._give_to_cache(findings)
            targets = self._build(findings)
            if targets and time.monotonic() >= until:
                for target in targets:
                    self._end(target, ELSEWHERE)
                return
            if targets:
                time.sleep(PAUSE)

    def fail(self, source: SourceRef, reason: str) -> None:
        """Note that a source could not be built."""
        self.failed[source.storage, source.name] = FailedSource(source.name, reason)

    def _build(self, findings: Sequence[Finding]) -> list[Target]:
        """Build what is open, and return the sources of which somebody else builds something."""
        open_ones = [found for found in findings if found.open]
        works = [self._work(found) for found in open_ones]
        left = []
        for found in findings:
            if not found.open:
                left += self._left(found, Outcome())
        for number, outcome in self._crew.outcomes(works, self._should_stop):
            self.created += outcome.written
            left += self._left(open_ones[number], outcome)
        return left

    def _left(self, found: Finding, outcome: Outcome) -> list[Target]:
        error = outcome.error or found.error
        if not error and len(outcome.ready) < len(found.open):
            # What was written by force is not written again.
            found.target.asked = {
                key: text for key, text in found.target.asked.items() if key not in outcome.ready
            }
            return [found.target]
        self._end(found.target, error)
        return []

    def _end(self, target: Target, error: str) -> None:
        if error:
            self.fail(target.source, error)
        self._bar.update(target.rows)

    def _work(self, found: Finding) -> Work:
        on_demand = self._want.on_demand
        return Work(
            job=found.job,
            again=tuple(found.again),
            built=tuple(sorted(found.built)),
            stills=not on_demand,
            anew=self._want.force or not on_demand,
            drops_version=found.drops_version,
        )

    def _give_to_cache(self, findings: Sequence[Finding]) -> None:
        """Have the first page find what was built before."""
        ready = {key: read for found in findings for key, read in found.ready.items()}
        cached = lookup.cached(ready, self._config) if ready else {}
        is_there = {key for key, found in cached.items() if found.state == manifest.READY}
        lookup.refill({key: read for key, read in ready.items() if key not in is_there}, self._config)
