"""The output formats: names, media types and file extensions; pure values, no Django, no Pillow."""

from __future__ import annotations

from dataclasses import dataclass

from responsive_img.exceptions import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """
    One output format.

    Attributes:
        name: As written in templates and settings.
        extension: Of file names, without the dot.
        quality: Default quality 1..100, or None where the format has none. The defaults look alike
            (luma SSIM 0.96 on photos): one number for all would make WebP a twelfth larger than needed.
        max_side: Longest side that a file can have, px.
        is_slow: Encoding it takes several times as long as the others together, so it comes after them.
    """

    name: str
    extension: str
    quality: int | None
    max_side: int
    is_slow: bool = False

    @property
    def media_type(self) -> str:
        """The type attribute of a `<source>`."""
        return f"image/{self.name}"


FORMATS = {
    entry.name: entry
    for entry in (
        Format(name="avif", extension="avif", quality=65, max_side=65_536, is_slow=True),
        Format(name="webp", extension="webp", quality=78, max_side=16_383),
        Format(name="jpeg", extension="jpg", quality=80, max_side=65_500),
        Format(name="png", extension="png", quality=None, max_side=2**31 - 1),
    )
}

# GIF becomes PNG because both keep a palette's hard edges and transparency.
_FALLBACKS = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp", "avif": "avif", "gif": "png"}


def format_name(text: str) -> str:
    """
    Return the name of a format as this library writes it ("JPG" is "jpeg").

    Raises:
        SpecError: There is no such format.
    """
    name = text.strip().lower()
    name = "jpeg" if name == "jpg" else name
    if name not in FORMATS:
        raise SpecError.unknown("format", text, FORMATS)
    return name


def fallback_format(name: str) -> str:
    """Return the format every browser of the source's time reads: it follows the name's extension."""
    return _FALLBACKS.get(name.rpartition(".")[2].lower(), "jpeg")
