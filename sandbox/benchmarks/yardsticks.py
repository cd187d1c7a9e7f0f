"""
What the library is held against on a page: every URL known from one lookup of small tuples.

A template library for Django and an environment for Jinja2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django import template
from django.core.cache.backends.base import BaseCache
from django.template.context import Context
from django.utils.html import escape
from django.utils.safestring import SafeString
from jinja2 import Environment

if TYPE_CHECKING:
    from sandbox.benchmarks.models import Photo

register = template.Library()

# Width and height (px), then of each format: media type, ((URL, descriptor), …); the fallback last.
Manifest = tuple[int, int, tuple[tuple[str, tuple[tuple[str, str], ...]], ...]]


def manifest_of(photo: Photo) -> Manifest:
    """Return what is cached of a photo."""
    return (
        400,
        300,
        (
            ("image/webp", ((photo.webp_1x, "1x"), (photo.webp_2x, "2x"))),
            ("image/jpeg", ((photo.jpeg_1x, "1x"), (photo.jpeg_2x, "2x"))),
        ),
    )


def key(name: str) -> str:
    """Return the cache key of a photo's manifest."""
    return "card:" + name


def lookup(cache: BaseCache, photos: Iterable[Photo]) -> dict[str, Manifest]:
    """Return the manifests of a page by the name of the source: one call."""
    names = [str(photo.image.name) for photo in photos]
    found = cache.get_many([key(name) for name in names])
    return {name: found[key(name)] for name in names}


def element(manifest: Manifest, alt: str) -> SafeString:
    """Return the markup of a picture, as one would write it for one's own project."""
    width, height, (*sources, (_, fallback)) = manifest
    head = "".join([f'<source type="{media}" srcset="{_srcset(urls)}">' for media, urls in sources])
    return SafeString(
        f'<picture>{head}<img srcset="{_srcset(fallback)}" src="{fallback[0][0]}" width="{width}"'
        f' height="{height}" alt="{escape(alt)}" loading="lazy" decoding="async"></picture>'
    )


def _srcset(urls: tuple[tuple[str, str], ...]) -> str:
    return ", ".join([f"{url} {descriptor}" for url, descriptor in urls])


def picture(manifests: Mapping[str, Manifest], photo: Photo) -> SafeString:
    """Return the markup of a photo."""
    return element(manifests[str(photo.image.name)], photo.title)


@register.simple_tag(takes_context=True)
def manifest_picture(context: Context, photo: Photo) -> SafeString:
    """Return the markup of a photo, from the manifests in the context."""
    return picture(context["manifest"], photo)


def environment(**options: Any) -> Environment:
    """Return the environment of Jinja2's pages."""
    made = Environment(**options)  # noqa: S701 - Django's backend asks for autoescape
    made.globals["manifest_picture"] = picture
    return made
