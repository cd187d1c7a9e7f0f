"""Rendition key sets: what a warmer is to build, in each of the forms in which it can be written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeGuard

from responsive_img.conf import PREFIX, Config
from responsive_img.exceptions import SpecError, quoted
from responsive_img.options import Preset, read_preset

_SIZE = re.compile(r"([0-9]{1,9})x([0-9]{1,9})")
# What stands before "__" in a key → what it asks for beside width and height.
_KINDS: dict[str, dict[str, object]] = {"crop": {}, "thumbnail": {"fit": "contain"}}
_SOURCE_ITSELF = "url"
_FORMS = "'1200x600', 'crop__400x400', 'thumbnail__200x200' or 'url'"


def read(key_set: object, config: Config) -> tuple[Preset, ...]:
    """
    Return what a rendition key set asks for; the source itself is nothing to build.

    Args:
        key_set: The name of a preset, or of a list of presets; an `Img`; or several of these, or of pairs such
            as ("large_horiz_crop", "1200x600"), of which the first is a label for people.
        config: The settings.

    Raises:
        SpecError: It is none of these, or a preset does not exist.
    """
    parts = list(key_set) if is_several(key_set) else [key_set]
    presets: list[Preset | None] = []
    for part in parts:
        presets += _of_name(part, config) if isinstance(part, str) else [_read_part(part)]
    return tuple(dict.fromkeys(preset for preset in presets if preset is not None))


def is_several(given: object) -> TypeGuard[Iterable[object]]:
    """Tell whether what `PRESETS` has under a name, or a whole key set, is a list."""
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping))


def _of_name(name: str, config: Config) -> list[Preset | None]:
    """Return a preset, or those of a list of presets."""
    given = config.presets.get(name)
    if given is None or not is_several(given):
        return [config.preset(name)]
    return [config.preset(_name_in(name, part)) for part in given]


def _name_in(name: str, part: object) -> str:
    """Return a name that `PRESETS` lists: of what has none, the system check and `prune` would not know."""
    if not isinstance(part, str):
        raise SpecError(
            f"{PREFIX}PRESETS[{name!r}] lists {quoted(part)}, which is no preset: list names of presets."
        )
    return part


def _read_part(part: object) -> Preset | None:
    """Return what an `Img` or a pair asks for; None for the source itself."""
    if isinstance(
        found := getattr(part, "preset", None), Preset
    ):  # of an `Img`, which is made on a floor above
        return found
    if isinstance(part, (tuple, list)) and len(part) == 2 and isinstance(part[1], str):
        return _read_key(part[1])
    raise SpecError(
        "A rendition key set is the name of a preset or of a list of presets, an Img, or a list of these or of "
        f"pairs such as ('large', '1200x600'), not {quoted(part)}."
    )


def _read_key(key: str) -> Preset | None:
    if key == _SOURCE_ITSELF:
        return None
    kind, _, text = key.rpartition("__")
    size = _SIZE.fullmatch(text)
    if kind and kind not in _KINDS:
        raise SpecError.unknown("kind of rendition", kind, _KINDS)
    if size is None:
        raise SpecError(f"A rendition is written as {_FORMS}, not {quoted(key)}.")
    return read_preset({"width": int(size[1]), "height": int(size[2]), **_KINDS.get(kind, {})})
