"""Colour profiles (ICC, version 2) drawn by code: matrix and curve, as cameras and editors embed them."""

from __future__ import annotations

import struct
from collections.abc import Mapping

# Of Adobe RGB (1998), adapted to D50: the columns of its matrix to XYZ.
_ADOBE = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}
_D50 = (0.9642, 1.0, 0.8249)
_HEADER = 128  # bytes


def like_adobe_rgb() -> bytes:
    """Return a profile whose red and green are purer than sRGB's, with a curve of 2.2."""
    columns = {tag: _xyz(values) for tag, values in _ADOBE.items()}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(2.2))
    return _profile(b"RGB ", {b"desc": _description("Wide"), b"wtpt": _xyz(_D50), **columns, **curves})


def grey(gamma: float) -> bytes:
    """Return a profile of greys on a curve of its own."""
    tags = {b"desc": _description("Grey"), b"wtpt": _xyz(_D50), b"kTRC": _curve(gamma)}
    return _profile(b"GRAY", tags)


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *[round(value * 65536) for value in values])


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))


def _description(text: str) -> bytes:
    content = text.encode() + b"\0"
    # The empty names in Unicode and for the Macintosh have to be there.
    return b"desc\0\0\0\0" + struct.pack(">I", len(content)) + content + bytes(78)


def _profile(space: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = _HEADER + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">2I", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = bytearray(_HEADER)
    struct.pack_into(
        ">I4sI4s4s4s", header, 0, start + len(body), b"none", 0x02100000, b"mntr", space, b"XYZ "
    )
    header[36:40] = b"acsp"
    struct.pack_into(">3i", header, 68, *[round(value * 65536) for value in _D50])
    return bytes(header) + table + body
