"""Engines put in by dotted path; those in a child process are imported there, without Django."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import IO, NoReturn

from responsive_img.engine import PillowEngine
from responsive_img.exceptions import BuildError
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.variants import Variant

HOSTILE = b"hostile"


class FlatEngine:
    """Knows no pixels: every source has one size, and a rendition says in words what it would be."""

    def read_header(self, file: IO[bytes]) -> Header:
        return Header("jpeg", Size(80, 40))

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        file.seek(0)
        source = file.read().decode()
        for variant in variants:
            where = "beside" if "django" in sys.modules else "without"
            yield variant, f"{source} {variant.format} {variant.label}, {where} Django".encode()


class RefusingEngine(FlatEngine):
    """Reads headers alone."""

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> NoReturn:
        raise BuildError("ValueError: not this one")


class RaisingEngine(FlatEngine):
    """Raises what no engine should."""

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> NoReturn:
        raise LookupError("no such thing")


class DyingEngine(FlatEngine):  # pragma: no cover - its process is killed
    """Is gone as soon as it has answered."""

    def read_header(self, file: IO[bytes]) -> Header:
        sys.stdout.buffer.write(b'{"format": "png", "size": [3, 2], "is_animated": false}\n')
        sys.stdout.buffer.flush()
        return _killed()


class _HostileEngine(PillowEngine):  # pragma: no cover - its process is killed
    """Pillow, until it meets a file that ends in `HOSTILE`."""

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        file.seek(0)
        if file.read().endswith(HOSTILE):
            self.suffer()
        return super().render(file, variants)

    def suffer(self) -> None:
        raise NotImplementedError


class GreedyEngine(_HostileEngine):  # pragma: no cover - its process is killed
    def suffer(self) -> None:
        held = []
        while True:
            held.append(bytearray(16 * 1024**2))


class EndlessEngine(_HostileEngine):  # pragma: no cover - its process is killed
    def suffer(self) -> None:
        while True:
            pass


class SleepingEngine(_HostileEngine):  # pragma: no cover - its process is killed
    def suffer(self) -> None:
        signal.pause()


class KilledEngine(_HostileEngine):  # pragma: no cover - its process is killed
    def suffer(self) -> None:
        _killed()


class HalfEngine(_HostileEngine):  # pragma: no cover - its process is killed
    """Dies in the middle of what it says, having promised more."""

    def suffer(self) -> None:
        sys.stdout.buffer.write(b'{"variant": 0, "length": 1000}\nhalf')
        sys.stdout.buffer.flush()
        _killed()


def _killed() -> NoReturn:  # pragma: no cover - as it says
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")
