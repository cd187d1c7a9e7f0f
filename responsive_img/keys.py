"""Identity: every digest, cache key and file name of this library is made here, and nowhere else."""

from __future__ import annotations

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


def source_key(storage: str, name: str) -> str:
    """Return the key of a source's record: 32 hex digits, as some databases compare without case."""
    return blake2b(f"{storage}\0{name}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def picture_key(storage: str, name: str, spec: str) -> str:
    """
    Return the key of a source under a canonical spec: 32 hex digits, of the record and in the cache.

    The source's version is no part of it: it stands in the value, so that the lookup needs no other.
    """
    return blake2b(
        f"{SCHEMA} {ENGINE_NUMBER}\0{storage}\0{name}\0{spec}".encode(), digest_size=16
    ).hexdigest()


def cache_key(picture: str) -> str:
    """Return the cache key of a picture: short and plain ASCII, as memcached demands."""
    return "ri1:" + picture


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
    folder, _, file = source.name.rpartition("/")
    stem = (file.rpartition(".")[0] or file).encode()[:_MAX_STEM].decode(errors="ignore")
    name = f"{stem}-{variant.label}.{digest}.{FORMATS[variant.format].extension}"
    return "/".join(part for part in (directory.strip("/"), folder, name) if part)
