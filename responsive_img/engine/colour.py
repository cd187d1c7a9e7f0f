"""Modes and colour: into a mode that can be resized, and to sRGB without a profile."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

_PREMULTIPLIED = {"RGBA": "RGBa", "LA": "La"}
_STRAIGHT = {"RGBa": "RGBA", "La": "LA"}
_PROFILE_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
# A PNG's greys of few bits → the step between two of them.
_GREY_STEPS = {"L;2": 85, "L;4": 17}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def in_working_mode(picture: Image.Image) -> Image.Image:
    """Decode, and return the picture in a mode that can be resized: alpha premultiplied, no palette."""
    key = _colour_key(picture)
    picture.load()
    mode = picture.mode
    if mode in {"P", "PA"}:
        image = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    elif key is not None:
        # A colour key no longer matches once neighbours are blended.
        picture.info["transparency"] = key
        image = picture.convert("RGBA")
    elif mode == "1":
        image = picture.convert("L")
    elif mode == "I" or mode.startswith("I;16"):
        # Pillow's own conversion clips 16 bits to 255 instead of scaling them.
        image = picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    else:  # L, LA, RGB, RGBA or CMYK: the decoders give no other
        image = picture
    # Premultiplied, so that hidden colours do not bleed; once, as Pillow would do it for each resize.
    return premultiplied(image)


def _colour_key(picture: Image.Image) -> Any:
    """Return the colour that stands for transparency, as deep as Pillow decodes the px; None without one."""
    key = picture.info.get("transparency")
    if key is None or picture.mode not in {"1", "L", "RGB"}:
        return None
    tiles = getattr(picture, "tile", None)  # until it is decoded: how the file holds the px
    held_as = tiles[0].args if tiles else None
    if held_as == "RGB;16B":
        return tuple(value >> 8 for value in key)
    return key * _GREY_STEPS.get(str(held_as), 1) if picture.mode == "L" else key


def premultiplied(image: Image.Image) -> Image.Image:
    """Return the image with its alpha, if any, multiplied into its colours."""
    return image.convert(_PREMULTIPLIED[image.mode]) if image.mode in _PREMULTIPLIED else image


def straight(image: Image.Image) -> Image.Image:
    """Return the image with colours that know nothing of its alpha."""
    return image.convert(_STRAIGHT[image.mode]) if image.mode in _STRAIGHT else image


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """
    Return a straight image in sRGB: grey stays grey, alpha stays as it is.

    Args:
        image: Of a working mode, not premultiplied.
        profile: Embedded in the source. One that is broken or meant for another kind of image is left out.
    """
    alpha = image.getchannel("A") if image.mode in {"RGBA", "LA"} else None
    colours = image.convert(image.mode[:-1]) if alpha is not None else image
    transform = _transform(profile, colours.mode) if profile else None
    if transform is not None:
        converted = ImageCms.applyTransform(colours, transform)
        colours = colours if converted is None else converted.convert("L" if colours.mode == "L" else "RGB")
    elif colours.mode == "CMYK":
        colours = colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB; None where none is needed or the profile does not fit."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if _PROFILE_SPACES.get(mode) != space:
            return None
        transform = ImageCms.buildTransform(
            source,
            _SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if mode == "RGB" and _changes_nothing(transform) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Tell whether a profile is as good as sRGB. Its name does not tell: a linear one may say "sRGB" too."""
    probe = Image.new("RGB", (len(_PROBES), 1))
    probe.putdata(_PROBES)
    made = ImageCms.applyTransform(probe, transform) or probe  # None only where it is done in place
    pairs = zip(probe.tobytes(), made.tobytes(), strict=True)
    return all(abs(before - after) <= 2 for before, after in pairs)


_PROBES = [(v, v, v) for v in range(0, 256, 15)] + [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40)]
