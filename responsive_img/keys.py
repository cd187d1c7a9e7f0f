"""Identity: every digest, cache key and file name of this library is made here, and nowhere else."""

from __future__ import annotations

import re
from binascii import b2a_base64
from functools import lru_cache
from hashlib import blake2b

from responsive_img.formats import FORMATS
from responsive_img.manifest import SCHEMA
from responsive_img.sources import SourceRef
from responsive_img.variants import Variant

# Raised when the built-in engine makes other bytes of the same arguments: all names change with it.
ENGINE_NUMBER = 1
# Bytes of UTF-8. A file name has 255 of them, of which the label, the digest and a temporary name's
# prefix take their part; the digest covers the full name, so a cut stem loses nothing.
_MAX_STEM = 150
_EXTENSIONS = "|".join(entry.extension for entry in FORMATS.values())
_RENDITION = re.compile(rf"(.+)-(?:[1-9]\d*[wh]|full)\.[0-9a-f]{{8}}\.(?:{_EXTENSIONS})", re.ASCII)
_TO_KEY = bytes.maketrans(b"+/", b"_~")


def source_key(storage: str, name: str) -> str:
    """Return the key of a source's record, 22 characters."""
    return _key(f"{storage}\0{name}")


# A memo of a pure function, of as many pictures as `manifest.loads` keeps.
@lru_cache(maxsize=16384)
def picture_key(storage: str, name: str, spec: str, renditions: str | None = None) -> str:
    """
    Return the key of a source under a canonical spec, of its record and in the cache alike: 22 characters.

    Args:
        storage: Of the source.
        name: Of the source.
        spec: Canonical.
        renditions: Alias of their storage, if it is another: what is known of one says nothing of the other.

    Short, because Django's caches look at each character of each key. The source's version is no part of
    it: it stands in the value, so that the lookup needs no other.
    """
    return _key(f"{SCHEMA} {ENGINE_NUMBER} {renditions or ''}\0{storage}\0{name}\0{spec}")


def _key(text: str) -> str:
    digest = blake2b(text.encode(), digest_size=15).digest()  # 15 bytes are 20 characters without padding
    return "ri" + b2a_base64(digest, newline=False).translate(_TO_KEY).decode()


def rendition_name(source: SourceRef, version: str, variant: Variant, directory: str) -> str:
    """
    Return the name of a rendition's file: from what was asked, never from what came out.

    Args:
        source: Storage, full name and extension go into the digest.
        version: Of the source.
        variant: Its arguments go into the digest; its label stands in the name for people.
        directory: Of all renditions, in their storage.
    """
    text = "\0".join((source.storage, source.name, version, str(ENGINE_NUMBER), variant.identity))
    digest = blake2b(text.encode(), digest_size=4).hexdigest()
    folder = source.name.rpartition("/")[0]
    name = f"{stem(source.name)}-{variant.label}.{digest}.{FORMATS[variant.format].extension}"
    return "/".join(part for part in (directory.strip("/"), folder, name) if part)


def stem(name: str) -> str:
    """Return what the names of the files of a source's renditions begin with, in their folder."""
    file = name.rpartition("/")[2]
    return (file.rpartition(".")[0] or file).encode()[:_MAX_STEM].decode(errors="ignore")


def rendition_stem(file: str) -> str | None:
    """Return what a file's name, without its folder, begins with if it is like a rendition's; else None."""
    found = _RENDITION.fullmatch(file)
    return found[1] if found else None
