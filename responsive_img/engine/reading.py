"""What the first bytes of a picture tell, without decoding it."""

from __future__ import annotations

import struct
from typing import IO

from PIL import Image, ImageFile

from responsive_img.geometry import SWAPPING_ORIENTATIONS, Size, swap
from responsive_img.headers import Header

# Decoders that may touch uploads. JPEG's also reads MPO; to name "MPO" here would raise KeyError on others.
DECODERS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
# MPO holds a still and its stereo or depth companions: several frames, but no animation.
_ANIMATING = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
_ORIENTATION_TAG = 0x0112  # EXIF
_XMP = ("xmp", "XML:com.adobe.xmp")
_SOUGHT = "responsive_img: looked for late EXIF"
# libpng writes 8 kB of px a chunk, so a file of 80 MB has so many; a hostile one of 64 MB has millions.
_MAX_CHUNKS = 10_000


def header_of(picture: ImageFile.ImageFile) -> Header:
    """Return the header of an opened picture."""
    size = Size(*picture.size)
    return Header(
        "jpeg" if picture.format == "MPO" else (picture.format or "").lower(),
        swap(size) if orientation_of(picture) in SWAPPING_ORIENTATIONS else size,
        picture.format in _ANIMATING and bool(getattr(picture, "is_animated", False)),
    )


def orientation_of(picture: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation of an opened picture, 1 where there is none or the EXIF is broken."""
    try:
        for key in _XMP:  # browsers heed EXIF alone
            picture.info.pop(key, None)
        if picture.format == "PNG" and not {"exif", _SOUGHT} & picture.info.keys():
            picture.info[_SOUGHT] = True
            exif = _late_exif(picture.fp) if picture.fp is not None else None
            if exif is not None:
                picture.info["exif"] = b"Exif\0\0" + exif
        # The base class's method: PNG's own decodes the whole picture in search of a late chunk.
        return int(Image.Image.getexif(picture).get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - a corrupt EXIF block must not cost the picture
        return 1


def _late_exif(file: IO[bytes]) -> bytes | None:
    """Return the eXIf chunk of a PNG, which some programs write behind the pixels: headers are read, no data."""
    position = file.tell()
    try:
        file.seek(8)
        for _ in range(_MAX_CHUNKS):
            if len(start := file.read(8)) < 8:
                break
            length, kind = struct.unpack(">I4s", start)
            if kind == b"eXIf":
                return file.read(min(length, 65_536))
            file.seek(length + 4, 1)
    finally:
        file.seek(position)
    return None
