"""The library's own engine, which notes what it has built, and a storage that may be full."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator, Sequence
from threading import local
from typing import IO

from django.core.files.storage import FileSystemStorage

from responsive_img.engine import PillowEngine
from responsive_img.variants import Variant
from sandbox.soak.project import is_full, notes

PAUSE = 0.05  # s between two files: time in which a builder can be killed


class _Names(local):
    """The names of renditions that this thread has asked the storage for, since a build began."""

    def __init__(self) -> None:
        self.asked: list[str] = []


_names = _Names()


class NotingEngine(PillowEngine):
    """Notes each build as it begins, and again once all files that were asked for are written."""

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        """Yield each variant; when the next one is asked for, the one before is written."""
        began = time.time()
        _note([], began)
        _names.asked = []
        for variant, content in super().render(file, variants):
            time.sleep(PAUSE)
            yield variant, content
        _note(_names.asked, began)


def _note(names: list[str], began: float) -> None:
    line = json.dumps({"pid": os.getpid(), "names": names, "began": began, "noted": time.time()})
    # A short append is whole, whoever else appends.
    descriptor = os.open(notes(), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


class Storage(FileSystemStorage):
    """Has no space for renditions while a file says so."""

    def path(self, name: str) -> str:
        """
        Return where a file is.

        Raises:
            OSError: There is no space left.
        """
        if name.startswith("renditions/"):
            if is_full().exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
            _names.asked.append(name)
        return super().path(name)
