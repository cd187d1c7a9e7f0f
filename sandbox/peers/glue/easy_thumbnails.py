"""easy-thumbnails: WebP, for which it has a setting, but neither a tag nor an option."""

from __future__ import annotations

from typing import Any

from django import template
from easy_thumbnails.files import get_thumbnailer

register = template.Library()


@register.simple_tag
def webp_thumbnail(file: Any, width: int, height: int) -> Any:
    """Return a thumbnail in WebP."""
    thumbnailer = get_thumbnailer(file)
    thumbnailer.thumbnail_extension = "webp"
    return thumbnailer.get_thumbnail({"size": (width, height)})
