"""Filling without waiting for codecs: all sources show the same, so all files of one size are the same."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from django.utils.module_loading import import_string
from PIL import Image

_files: dict[object, bytes] = {}
_images: dict[object, Image.Image] = {}


@contextmanager
def remembered(encoder: str) -> Iterator[None]:
    """
    While it lasts, the same size is scaled once, and encoded once with the same arguments.

    Args:
        encoder: Dotted name of a contestant's encoder.
    """
    owner, _, name = encoder.rpartition(".")
    kind: Any = import_string(owner)
    with ExitStack() as stack:
        if kind is Image.Image:
            stack.enter_context(_replaced(kind, name, _save))
            stack.enter_context(_replaced(kind, "resize", _resize))
        else:
            stack.enter_context(_replaced(kind, name, _write_to_file))
        yield


def _replaced(kind: Any, name: str, by: Callable[..., Any]) -> Any:
    original = getattr(kind, name)

    def call(image: Any, *args: Any, **options: Any) -> Any:
        return by(partial(original, image), image, *args, **options)

    return mock.patch.object(kind, name, call)


def _resize(
    original: Callable[..., Image.Image], image: Image.Image, size: Any, *args: Any, **options: Any
) -> Image.Image:
    key = (image.size, image.mode, repr((size, args, sorted(options.items()))))
    if key not in _images:
        _images[key] = original(size, *args, **options)
    return _images[key].copy()


def _save(
    original: Callable[..., None], image: Image.Image, fp: Any, format: str | None = None, **options: Any
) -> None:
    is_path = isinstance(fp, str | Path)
    kind = format or Path(str(fp if is_path else getattr(fp, "name", ""))).suffix.lower()
    key = (image.size, image.mode, kind, repr(sorted(options.items())))
    if key not in _files:
        file = io.BytesIO()
        original(file, format or Image.registered_extensions()[kind], **options)
        _files[key] = file.getvalue()
    if is_path:
        Path(fp).write_bytes(_files[key])
    else:
        fp.write(_files[key])


def _write_to_file(original: Callable[..., None], image: Any, path: str, **options: Any) -> None:
    """As libvips computes nothing before it writes, this saves decoding and scaling too."""
    key = (image.width, image.height, Path(path).suffix, repr(sorted(options.items())))
    if key not in _files:
        original(path, **options)
        _files[key] = Path(path).read_bytes()
    Path(path).write_bytes(_files[key])
