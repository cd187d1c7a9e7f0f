"""
Responsive images for Django and Jinja2 templates: `{% img photo.image width=400 alt=photo.title %}`.

Importing this package loads neither Django nor Pillow: each public name loads its module when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from responsive_img.bound import ImageBatch
    from responsive_img.images import Img
    from responsive_img.scopes import batch, finalize, immediate
    from responsive_img.versions import invalidate
    from responsive_img.warming import ImageWarmer

__version__ = "0.1.0.dev0"
__all__ = ["ImageBatch", "ImageWarmer", "Img", "batch", "finalize", "immediate", "invalidate"]

_MODULES = {
    "ImageBatch": "responsive_img.bound",
    "ImageWarmer": "responsive_img.warming",
    "Img": "responsive_img.images",
    "invalidate": "responsive_img.versions",
    "batch": "responsive_img.scopes",
    "finalize": "responsive_img.scopes",
    "immediate": "responsive_img.scopes",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that has it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted([*globals(), *__all__])
