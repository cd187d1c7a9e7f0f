"""django-versatileimagefield: WebP, which it has only for sources in WebP."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image
from versatileimagefield.datastructures import SizedImage
from versatileimagefield.registry import versatileimagefield_registry


class WebpImage(SizedImage):
    """Fits into a box, as its own `thumbnail` does."""

    filename_key = "webp"

    def process_image(
        self, image: Any, image_format: str, save_kwargs: dict[str, Any], width: int, height: int
    ) -> BytesIO:
        """Return the file."""
        file = BytesIO()
        image.thumbnail((width, height), Image.Resampling.LANCZOS)
        image.save(file, format="WEBP", quality=save_kwargs["quality"])
        return file


versatileimagefield_registry.register_sizer("webp", WebpImage)
