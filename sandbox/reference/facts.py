"""What the library says of itself: lists, limits and defaults."""

from __future__ import annotations

import json
from collections.abc import Iterable
from string import Template

from responsive_img import arguments, attributes, conf, defaults, formats, specs
from sandbox.reference import project

_LONG = 10_000  # from here on digits stand in threes
_DAY = 24 * 60 * 60  # s
_MIB = 1024 * 1024  # bytes
_EXTENSIONS = ("jpg", "jpeg", "png", "gif", "webp", "avif")


def default(setting: str) -> object:
    """Return the default of a setting."""
    return conf.ResponsiveImgConf._meta.defaults[conf.PREFIX + setting]


def default_text(setting: str, unit: str = "") -> str:
    """Return the default of a setting as Markdown, large numbers with what they come to."""
    value = default(setting)
    if not isinstance(value, (int, float)):
        return code(value)
    text = f"`{value:_}` {unit}".rstrip() if value >= _LONG else f"`{value}` {unit}".rstrip()
    if unit == "s" and value >= _DAY:
        return f"{text} ({value / _DAY:g} days)"
    return f"{text} ({value / _MIB:g} MiB)" if unit == "bytes" else text


def code(value: object) -> str:
    """Return a value as Markdown, texts in double quotes."""
    return f"`{_python(value)}`"


def _python(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_python, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"{{{', '.join([f'{_python(key)}: {_python(item)}' for key, item in value.items()])}}}"
    return repr(value)


def listed(values: Iterable[object]) -> str:
    """Return values as Markdown, one after the other."""
    return ", ".join(map(code, values))


def with_facts(text: str) -> str:
    """Return prose with what it leaves to the library."""
    return Template(text).substitute(_FACTS)


_FACTS = {
    "MAX_WIDTH": str(default("MAX_WIDTH")),
    "DENSITIES": code(default("DENSITIES")),
    "FORMATS": code(default("FORMATS")),
    "RATIOS": listed(arguments.RATIOS),
    "FITS": listed(sorted(arguments.FITS, reverse=True)),
    "BUILDS": listed(specs.BUILDS),
    "MAX_DENSITY": str(arguments.MAX_DENSITY),
    "MAX_RENDITIONS": str(defaults.MAX_RENDITIONS),
    "DEFAULT_SIZES": specs.DEFAULT_SIZES,
    "FORMAT_NAMES": listed(formats.FORMATS),
    "FALLBACKS": ", ".join(
        f"`.{extension}` → {formats.fallback_format(f'a.{extension}').upper()}" for extension in _EXTENSIONS
    ),
    "QUALITIES": code({name: each.quality for name, each in formats.FORMATS.items() if each.quality}),
    "HTML_ATTRIBUTES": ", ".join(f"`{name}`" for name in sorted(attributes.ATTRIBUTES - {"alt"})),
    "PRESETS": code(project.PRESETS),
    "BASE_URL": code(project.BASE_URL),
}
