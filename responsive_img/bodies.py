"""The body of a response: whether there can be markers in it, and swapping them under its charset and encoding."""

from __future__ import annotations

import codecs
import re
import zlib
from functools import lru_cache
from hashlib import blake2b

from django.http.response import HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.text import compress_string

from responsive_img import marker
from responsive_img.collector import Collector
from responsive_img.logs import log_once

# What a template can have made; never a binary body, whose lengths a longer text would falsify.
_TEXT = re.compile(
    r"text/|application/([\w.-]*(json|javascript|xml))\b|[\w./-]+\+(json|xml)\b", re.IGNORECASE
)
# Encodings that have every ASCII character in its place, and none as a part of another one.
_ASCII = re.compile(r"utf-8|ascii|iso8859-|cp125|koi8|mac-")
MAX_UNZIPPED = 32 * 1024 * 1024  # bytes; a view may pass on what somebody else has compressed
OF_THE_BODY = frozenset({"content-md5", "digest", "content-digest", "repr-digest"})


def may_hold_markers(response: HttpResponseBase) -> bool:
    """Tell whether a response has a text for its body, and all of it: no file, no part, no redirect's nothing."""
    return (
        response.status_code not in {204, 206, 304}
        and response.status_code >= 200
        and not response.has_header("Content-Range")
        and getattr(response, "file_to_stream", None) is None
        and _TEXT.match(response.headers.get("Content-Type", "")) is not None
    )


@lru_cache(maxsize=64)
def is_ascii_kept(charset: str) -> bool:
    """Tell whether markers stand in a body of this charset as they are."""
    try:
        return _ASCII.match(codecs.lookup(charset).name) is not None
    except LookupError:
        return True  # nobody can decode it, so it was not made of text here


@lru_cache(maxsize=64)
def charset_of_markup(charset: str) -> str:
    """Return the encoding of what is put into a body that keeps ASCII: no signature amid it, nothing unknown."""
    try:
        return codecs.lookup(charset).name.removesuffix("-sig")
    except LookupError:
        return "ascii"


def content_with_markers(response: HttpResponse) -> bytes | None:
    """Return the body as it is without compression and in an encoding that keeps ASCII; None if no marker is in."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    content = response.content
    if encoding == "gzip":
        unzipped = _unzipped(content)
        if unzipped is None:
            return None
        content = unzipped
    elif encoding not in {"", "identity"}:
        return None
    if not is_ascii_kept(response.charset):
        try:
            content = content.decode(response.charset).encode("utf-8", "surrogatepass")
        except (UnicodeError, LookupError):  # the latter: no encoding of text
            return None
    return content if marker.is_in(content) else None


def _unzipped(content: bytes) -> bytes | None:
    """Return what was compressed; None for what was not, is damaged, or larger than any page."""
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unzip.decompress(content, MAX_UNZIPPED)
    except zlib.error:
        return None
    return plain if unzip.eof and not unzip.unused_data else None


def is_compressed_unreadably(response: HttpResponseBase) -> bool:
    """Tell whether somebody inside has compressed the body with what is not read here."""
    encodings = {"", "identity"} if response.streaming else {"", "identity", "gzip"}
    return response.headers.get("Content-Encoding", "").lower() not in encodings


def resolve(response: HttpResponse, content: bytes, collector: Collector) -> None:
    """
    Swap the markers of a response for markup.

    Args:
        response: Its body is replaced, and what its headers say of it.
        content: As `content_with_markers` has given it.
        collector: Of the response.
    """
    charset = response.charset  # Django reads it out of a header each time
    if is_ascii_kept(charset):
        resolved = collector.substitute(content, charset_of_markup(charset))
    else:
        resolved = collector.substitute(content)
    if resolved == content:
        return
    if not is_ascii_kept(charset):
        resolved = resolved.decode("utf-8", "surrogatepass").encode(charset, "xmlcharrefreplace")
    headers = {name.lower(): name for name in response.headers}
    if "etag" in headers:
        response.headers["ETag"] = _weak(response.headers["ETag"], resolved)
    for name in headers.keys() & OF_THE_BODY:
        del response.headers[headers[name]]
    if "content-encoding" in headers and response.headers["Content-Encoding"].lower() == "gzip":
        resolved = compress_string(resolved, max_random_bytes=GZipMiddleware.max_random_bytes)
    response.content = resolved
    if "content-length" in headers:
        response.headers["Content-Length"] = str(len(resolved))


def _weak(etag: str, content: bytes) -> str:
    """Return an ETag that changes with the markup, too: that of the view knows nothing of it."""
    return f'W/"{etag.removeprefix("W/").strip(chr(34))}-{blake2b(content, digest_size=6).hexdigest()}"'


def warn_of_compression(response: HttpResponseBase) -> None:
    """Say that a body was compressed before its pictures were resolved."""
    log_once(
        f"A response was compressed ({response.headers['Content-Encoding']}) before its pictures were resolved: "
        "list ResponsiveImgMiddleware below what compresses."
    )
