"""An engine for tests: it needs no Django, as it may run in a child process."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import IO

from responsive_img.engine import PillowEngine
from responsive_img.headers import Header
from responsive_img.variants import Variant


class FakeEngine:
    """An engine that decodes nothing: every rendition is one px of its format. For tests that only want files."""

    def read_header(self, file: IO[bytes]) -> Header:
        """Return what the header of a source tells."""
        return PillowEngine().read_header(file)

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        """Yield one px for each variant."""
        for variant in variants:
            yield variant, _PIXELS[variant.format]


# Half grey; JPEG and PNG of it are the smallest, AVIF carries its boxes.
_PIXELS = {
    name: b64decode(text)
    for name, text in {
        "avif": (
            "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAA"
            "AAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAHgAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEA"
            "AGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAAQAAAAEAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwA"
            "AAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAJm1kYXQSAAoIGAAGiAhoNCAyEBxHh4Xd0000wsAA"
            "AJA1l/A="
        ),
        "webp": "UklGRiQAAABXRUJQVlA4IBgAAABQAQCdASoBAAEAAsBMJaQABHQAAORAAAA=",
        "jpeg": (
            "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6j"
            "q62rZ4C8ybqmx5moq6T/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
            "AQEAAD8AP//Z"
        ),
        "png": (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNoaGgAAAMEAYF1LgG8AAAAAElFTkSuQmCC"
        ),
    }.items()
}
