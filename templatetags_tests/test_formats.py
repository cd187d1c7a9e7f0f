from __future__ import annotations

import pytest

from responsive_img.exceptions import SpecError
from responsive_img.formats import FORMATS, fallback_format, format_name


def test_formats_have_media_type_extension_and_quality():
    found = {name: (entry.media_type, entry.extension, entry.quality) for name, entry in FORMATS.items()}

    assert found == {
        "avif": ("image/avif", "avif", 65),
        "webp": ("image/webp", "webp", 78),
        "jpeg": ("image/jpeg", "jpg", 80),
        "png": ("image/png", "png", None),
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("webp", "webp"),
        ("WebP", "webp"),
        (" avif ", "avif"),
        ("jpg", "jpeg"),
        ("JPEG", "jpeg"),
        ("png", "png"),
    ],
)
def test_format_name_is_read_as_people_write_it(text, name):
    assert format_name(text) == name


def test_format_name_refuses_what_is_none_with_the_nearest_one():
    with pytest.raises(SpecError) as caught:
        format_name("wepb")

    assert str(caught.value) == "Unknown format 'wepb'. Did you mean 'webp'? Choices: avif, jpeg, png, webp."


@pytest.mark.parametrize(
    ("name", "fallback"),
    [
        ("a.jpg", "jpeg"),
        ("a.jpeg", "jpeg"),
        ("a.JPG", "jpeg"),
        ("a.png", "png"),
        ("a.webp", "webp"),
        ("a.avif", "avif"),
        ("a.gif", "png"),
        ("a.tiff", "jpeg"),
        ("photos.png/a", "jpeg"),
        ("a", "jpeg"),
        ("", "jpeg"),
        ("a.png.jpg", "jpeg"),
    ],
)
def test_fallback_follows_the_extension(name, fallback):
    assert fallback_format(name) == fallback
