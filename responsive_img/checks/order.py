"""Where the middleware stands among the others."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.middleware.cache import FetchFromCacheMiddleware, UpdateCacheMiddleware
from django.middleware.gzip import GZipMiddleware
from django.middleware.http import ConditionalGetMiddleware
from django.utils.module_loading import import_string

from responsive_img.middleware import ResponsiveImgMiddleware

PATH = "responsive_img.middleware.ResponsiveImgMiddleware"
_LAST = f'List "{PATH}" last in MIDDLEWARE.'
# Parts of the paths of other packages' middleware, in lower case.
_ENCODERS = ("brotli", "zstd", "compression", "gzip")
_MINIFIERS = ("htmlmin", "minif")


def messages() -> Iterator[CheckMessage]:
    """Yield what is wrong with the order of MIDDLEWARE."""
    listed = [(path, _class_of(path)) for path in map(str, settings.MIDDLEWARE or ())]
    places = [index for index, (_, found) in enumerate(listed) if issubclass(found, ResponsiveImgMiddleware)]
    if not places:
        yield Caution(
            "The pictures of a page are not resolved together: ResponsiveImgMiddleware is not in MIDDLEWARE.",
            hint=f'Add to the end of MIDDLEWARE: "{PATH}",',
            id="responsive_img.W006",
        )
        return
    if len(places) > 1:
        yield Error(
            f"ResponsiveImgMiddleware is {len(places)} times in MIDDLEWARE.",
            hint=_LAST,
            id="responsive_img.E001",
        )
    above, below = listed[: places[0]], listed[places[0] + 1 :]
    for path, found in below:
        yield from _of_one_below(path, found)
    if _has(below, UpdateCacheMiddleware) and _has(above, FetchFromCacheMiddleware):
        yield Error(
            "UpdateCacheMiddleware stands below ResponsiveImgMiddleware and FetchFromCacheMiddleware above it: "
            "pages would be stored with markers and served with them.",
            hint=_LAST,
            id="responsive_img.E004",
        )


def _of_one_below(path: str, found: type) -> Iterator[CheckMessage]:
    lower = path.lower()
    if issubclass(found, GZipMiddleware) or any(part in lower for part in _ENCODERS):
        yield Error(
            f"{path} stands below ResponsiveImgMiddleware and compresses pages before their pictures are resolved.",
            hint=_LAST,
            id="responsive_img.E002",
        )
    elif issubclass(found, ConditionalGetMiddleware):
        yield Error(
            f"{path} stands below ResponsiveImgMiddleware: it hashes pages before their pictures are resolved, so it "
            "never finds one unchanged.",
            hint=_LAST,
            id="responsive_img.E003",
        )
    elif any(part in lower for part in _MINIFIERS):
        yield Caution(
            f"{path} stands below ResponsiveImgMiddleware and minifies markers instead of markup.",
            hint=_LAST,
            id="responsive_img.W005",
        )


def _class_of(path: object) -> type:
    """Return the class of a middleware; `object` for a function, and for what Django itself will complain of."""
    try:
        found = import_string(str(path))
    except Exception:  # noqa: BLE001 - a module that is imported may do anything
        return object
    return found if isinstance(found, type) else object


def _has(listed: list[tuple[str, type]], wanted: type) -> bool:
    return any(issubclass(found, wanted) for _, found in listed)
