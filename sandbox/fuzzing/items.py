"""What is tried: small values that go to another process, which makes the bytes."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import NamedTuple

from sandbox.fuzzing.mutations import mutated
from sandbox.fuzzing.seeds import seed


class Stored(NamedTuple):
    """A file of a folder."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name, for reports and for the format that follows from it."""
        return self.path.name

    def content(self) -> bytes:
        """Return the file's bytes."""
        return self.path.read_bytes()


class Mutated(NamedTuple):
    """A drawn picture, damaged: the same bytes for the same values."""

    picture: str
    seed: int
    number: int

    @property
    def name(self) -> str:
        """What it is made of, for reports: all that is needed to make it again."""
        return f"{self.seed}-{self.number}-{self.picture}"

    def content(self) -> bytes:
        """Return the damaged bytes."""
        return mutated(seed(self.picture), Random(self.name))  # noqa: S311 - to be had again


Item = Stored | Mutated
