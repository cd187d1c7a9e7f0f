"""
The settings, with their defaults. Read when used: `override_settings` works everywhere.

`current()` gives them as one frozen value, read once per response.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appconf import AppConf
from django.conf import settings

from responsive_img import arguments, options
from responsive_img.defaults import Defaults
from responsive_img.exceptions import SpecError
from responsive_img.options import Preset

logger = logging.getLogger("responsive_img")


class ResponsiveImgConf(AppConf):
    """Name → default; in a project's settings each is written with the prefix `RESPONSIVE_IMG_`."""

    FORMATS = ("webp",)
    QUALITY: Mapping[str, int] = {}
    DENSITIES = (1, 2)
    PRESETS: Mapping[str, Any] = {}
    CREATE_ON_DEMAND = True  # False: URLs are written without a look at what is built, trusting the warmer
    BUILD_HOOK = "responsive_img.hooks.build_now"
    BUILD_BUDGET = 2.0  # s of building per response
    READ_ONLY = False
    CACHE = "default"
    CACHE_TIMEOUT = 30 * 24 * 60 * 60  # s
    STORAGE: str | None = None
    PLACEHOLDER: str | None = None
    BASE_URL: str | None = None
    DIRECTORY = "renditions"
    MAX_SOURCE_PIXELS = 64_000_000  # px, width × height
    MAX_SOURCE_BYTES = 64 * 1024 * 1024
    MAX_WIDTH = 4096  # px
    RETRY = 300  # s
    ISOLATION: str | None = None  # "process": build in a child with limits on memory and time
    ENGINE = "responsive_img.engine.PillowEngine"
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # behind responsive_img.mail.EmailBackend

    class Meta:
        prefix = "RESPONSIVE_IMG"


PREFIX = "RESPONSIVE_IMG_"
# As django-appconf has them: with the prefix.
_DEFAULTS: dict[str, Any] = ResponsiveImgConf._meta.defaults
NAMES: tuple[str, ...] = tuple(sorted(_DEFAULTS))


def is_debug() -> bool:
    """Tell whether errors are to be raised for a developer to see, not logged."""
    return bool(settings.DEBUG)


def secrets() -> list[str]:
    """Return the secrets that markers are signed with: the present one, then those it replaced."""
    return [str(settings.SECRET_KEY), *map(str, settings.SECRET_KEY_FALLBACKS)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Config:
    """
    The settings at one time, checked; compared by identity.

    Attributes:
        defaults: What they say for every spec.
        presets: Name → options, as in the settings.
        problems: What cannot be read, and is left out.
    """

    defaults: Defaults
    presets: Mapping[str, Any]
    create_on_demand: bool
    build_hook: str
    build_budget: float
    read_only: bool
    cache: str
    cache_timeout: int
    storage: str | None
    directory: str
    max_source_pixels: int
    max_source_bytes: int
    retry: int
    placeholder: str | None
    base_url: str | None
    isolation: str | None
    engine: str
    email_backend: str
    problems: tuple[str, ...]
    _read_presets: dict[str, Preset] = field(default_factory=dict)

    def preset(self, name: str) -> Preset:
        """
        Return a preset.

        Raises:
            SpecError: There is none of that name, or its options are wrong.
        """
        found = self._read_presets.get(name)
        if found is None:
            if name not in self.presets:
                raise SpecError.unknown("preset", name, self.presets)
            given = self.presets[name]
            of_img = getattr(given, "preset", None)
            if isinstance(of_img, Preset):
                return of_img
            if isinstance(given, (list, tuple, set, frozenset)):
                raise SpecError(f"Preset {name!r} is a list of presets, for the warmer; a tag takes one.")
            if not isinstance(given, Mapping):
                raise SpecError(f"Preset {name!r} must be a dict of arguments, not {given!r}.")
            try:
                found = self._read_presets[name] = options.read_preset(given, partial=True)
            except SpecError as error:
                raise SpecError(f"Preset {name!r}: {error}") from error
        return found


def current() -> Config:
    """Return the settings as they are now; the same object as long as they do not change."""
    global _last
    # A project whose settings module imports this library has had the defaults written to what was no settings yet.
    values = tuple([getattr(settings, name, _DEFAULTS[name]) for name in NAMES])
    if _last is None or _last[0] != values:
        _last = (
            values,
            _read({name.removeprefix(PREFIX): value for name, value in zip(NAMES, values, strict=True)}),
        )
    return _last[1]


_last: tuple[tuple[Any, ...], Config] | None = None


def _read(values: dict[str, Any]) -> Config:
    """Return the settings, each that cannot be read replaced by its default: pages still render."""
    problems: list[str] = []
    told = {
        name: _argument(name, values.pop(name.upper()), problems)
        for name in ("formats", "quality", "densities")
    }
    typed = {name.lower(): _typed(name, value, problems) for name, value in values.items()}
    for problem in problems:
        logger.error(problem)
    return Config(
        defaults=Defaults(
            max_width=typed.pop("max_width"),
            **{name: value for name, value in told.items() if value is not None},
        ),
        problems=tuple(problems),
        **typed,
    )


def _argument(name: str, value: object, problems: list[str]) -> Any:
    """Return what a setting tells that is written like an argument of the tag; None if it cannot be read."""
    try:
        return getattr(arguments.read({name: value}), name)
    except SpecError as error:
        problems.append(f"{PREFIX}{name.upper()} is left out: {error}")
        return None


def _typed(name: str, value: object, problems: list[str]) -> Any:
    """Return a setting's value; its default if it is of another type."""
    default = _DEFAULTS[PREFIX + name]
    wanted = _TYPES.get(type(default), (str, type(None)))
    if not (isinstance(value, wanted) and isinstance(value, bool) is isinstance(default, bool)):
        problems.append(f"{PREFIX}{name} is left out: it must be like {default!r}, not {value!r}")
    elif isinstance(value, int | float) and not value >= _LEAST.get(name, 0):
        problems.append(
            f"{PREFIX}{name} is left out: it must be {_LEAST.get(name, 0)} or more, not {value!r}"
        )
    elif name == "DIRECTORY" and not _is_plain(str(value)):
        problems.append(f"{PREFIX}{name} is left out: it must be a path like 'a/b', not {value!r}")
    else:
        return value
    return default


def _is_plain(directory: str) -> bool:
    """Tell whether a folder's path climbs nowhere, and is written as a URL would have it."""
    is_url = directory.isprintable() and "\\" not in directory and "//" not in directory
    return is_url and {".", ".."}.isdisjoint(directory.split("/"))


# Of the other numbers it is 0.
_LEAST = dict.fromkeys(("CACHE_TIMEOUT", "MAX_SOURCE_BYTES", "MAX_SOURCE_PIXELS", "MAX_WIDTH"), 1)
_TYPES: dict[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
    dict: (Mapping,),
}
