"""Damage to files, drawn by a source of chance."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from random import Random

HEAD = 256  # bytes in which headers and most length fields are
_PNG = b"\x89PNG\r\n\x1a\n"
# Where arithmetic on lengths goes wrong.
_LENGTHS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(content: bytes, chance: Random) -> bytes:
    """Return the content with one to four damages; half of the PNGs get right checksums."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if len(data) > 16:
            chance.choice(_DAMAGES)(data, chance)
    # Or a decoder would hardly ever get beyond the checksum of the first chunk.
    if data.startswith(_PNG) and chance.random() < 0.5:
        return _with_checksums(bytes(data))
    return bytes(data)


def _place(data: bytearray, chance: Random) -> int:
    """Return a position: every second time in the head."""
    return chance.randrange(min(len(data), HEAD) if chance.random() < 0.5 else len(data))


def _cut(data: bytearray, chance: Random) -> None:
    del data[chance.randrange(1, len(data)) :]


def _take_out(data: bytearray, chance: Random) -> None:
    start = _place(data, chance)
    del data[start : start + chance.randint(1, 64)]


def _flip_bytes(data: bytearray, chance: Random) -> None:
    for _ in range(chance.randint(1, 16)):
        data[_place(data, chance)] = chance.randrange(256)


def _flip_bit(data: bytearray, chance: Random) -> None:
    data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _copy_over(data: bytearray, chance: Random) -> None:
    start, length = _place(data, chance), chance.randint(1, 256)
    block = data[start : start + length]
    target = _place(data, chance)
    data[target : target + len(block)] = block


def _repeat(data: bytearray, chance: Random) -> None:
    start, length = _place(data, chance), chance.randint(1, 256)
    data[start:start] = data[start : start + length] * chance.randint(1, 4)


def _length_field(data: bytearray, chance: Random) -> None:
    form = chance.choice((">H", "<H", ">I", "<I"))
    size = struct.calcsize(form)
    value = chance.choice(_LENGTHS) & (1 << 8 * size) - 1
    start = min(_place(data, chance), len(data) - size)
    data[start : start + size] = struct.pack(form, value)


_DAMAGES: tuple[Callable[[bytearray, Random], None], ...] = (
    _cut,
    _take_out,
    _flip_bytes,
    _flip_bit,
    _copy_over,
    _repeat,
    _length_field,
)


def _with_checksums(content: bytes) -> bytes:
    """Return a PNG whose chunks have the checksums of what they hold, as far as the chunks can be told."""
    data, start = bytearray(content), len(_PNG)
    while start + 12 <= len(data):
        end = start + 8 + int.from_bytes(data[start : start + 4])
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[start + 4 : end]).to_bytes(4)
        start = end + 4
    return bytes(data)
