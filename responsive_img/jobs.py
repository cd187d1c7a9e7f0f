"""The order to build the missing renditions of one source: a value that any queue can carry as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildJob:
    """
    What to build, whole in itself: it can be run in any process, late, and more than once.

    Attributes:
        storage: Alias in STORAGES, or "app.Model.field" of the field whose storage it is.
        name: Name of the source in that storage.
        field: "app.Model.field" of who asked first, or "".
        version: Of the source when the job was made; a newer one makes the job void.
        specs: Canonical specs, as texts.
    """

    storage: str
    name: str
    field: str = ""
    version: str = ""
    specs: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the job as what `json.dumps` takes."""
        return {**asdict(self), "specs": list(self.specs)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the job that `as_dict` gave; keys of a newer release are left out."""
        return cls(
            storage=str(values["storage"]),
            name=str(values["name"]),
            field=str(values.get("field", "")),
            version=str(values.get("version", "")),
            specs=tuple(str(spec) for spec in values.get("specs", ())),
        )
