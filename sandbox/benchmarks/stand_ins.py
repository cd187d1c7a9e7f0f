"""An engine and a storage that cost nothing, as a page costs the same whatever is in the files; one that counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any, ClassVar

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage

from responsive_img.engine import PillowEngine
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.variants import Variant


class BlankEngine:
    """Takes every source for a 12-megapixel JPEG and makes empty files."""

    def read_header(self, file: IO[bytes]) -> Header:
        """Return the header that every source is said to have."""
        return Header("jpeg", Size(4000, 3000))

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        """Yield each variant, empty."""
        for variant in variants:
            yield variant, b""


class CountingEngine(PillowEngine):
    """
    The library's own.

    Attributes:
        encodes: Files that this process has made with it.
    """

    encodes: ClassVar[int] = 0

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        """Yield each variant with its bytes."""
        for made in super().render(file, variants):
            CountingEngine.encodes += 1
            yield made


class BlankStorage(FileSystemStorage):
    """Has every file that it is asked for, and notes the names of those it is given."""

    saved: ClassVar[set[str]] = set()

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return ContentFile(b"blank", name=name)

    def exists(self, name: str) -> bool:
        """Tell whether the file was saved here."""
        return name in self.saved

    def _save(self, name: str, content: object) -> str:
        self.saved.add(name)
        return name
