"""
Help for the tests of projects that use this library.

    with assert_image_lookups(1):
        client.get("/")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from responsive_img import lookup
from responsive_img.engine.fake import FakeEngine
from responsive_img.jobs import BuildJob

__all__ = ["FakeEngine", "assert_image_lookups", "build_nothing"]


@contextmanager
def assert_image_lookups(count: int) -> Iterator[None]:
    """
    Assert how many lookups of pictures happen inside: each is one call of the cache, however many pictures.

    Args:
        count: Of lookups; a page with pictures has 1, one without has 0.

    Raises:
        AssertionError: There were more or fewer.
    """
    with lookup.counted() as lookups:
        yield
    if len(lookups) != count:
        pictures = ", ".join(map(str, lookups)) or "none"
        raise AssertionError(
            f"{len(lookups)} lookups of pictures instead of {count}; pictures looked up: {pictures}."
        )


def build_nothing(jobs: Sequence[BuildJob]) -> None:
    """Build nothing: a hook for tests that look at other things; pages show the originals, with their sizes."""
