"""The settings: their names, their values, the presets, and what dotted paths lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.core.files.storage import storages
from django.utils.module_loading import import_string

from responsive_img import conf, defaults, keysets
from responsive_img.conf import NAMES, PREFIX, Config
from responsive_img.engine import installation
from responsive_img.exceptions import SpecError
from responsive_img.formats import FORMATS
from responsive_img.options import Preset
from responsive_img.specs import Spec


def messages() -> Iterator[CheckMessage]:
    """Yield what is wrong with the settings."""
    config = conf.current()
    yield from _unknown_names()
    for problem in config.problems:
        yield Error(problem, hint="Correct it, or leave it out.", id="responsive_img.E017")
    yield from _not_callable("BUILD_HOOK", config.build_hook, "responsive_img.E014")
    for name, path in (("ENGINE", config.engine), ("EMAIL_BACKEND", config.email_backend)):
        yield from _not_callable(name, path, "responsive_img.E017")
    yield from _wrong_choices(config)
    for name in config.presets:
        yield from _of_preset(name, config)
    for name in _unwritable(Spec(formats=config.defaults.formats)):
        yield _unwritable_message(f"{PREFIX}FORMATS", name)


def _unknown_names() -> Iterator[CheckMessage]:
    for name in dir(settings):
        if name.startswith(PREFIX) and name not in NAMES:
            # What all begin with would make any two alike.
            names = [each.removeprefix(PREFIX) for each in NAMES]
            near = get_close_matches(name.removeprefix(PREFIX), names, n=1)
            yield Caution(
                f"There is no setting {name}.",
                hint=f"Did you mean {PREFIX}{near[0]}?" if near else f"Choices: {', '.join(NAMES)}.",
                id="responsive_img.W015",
            )


def _not_callable(name: str, path: str, check_id: str) -> Iterator[CheckMessage]:
    try:
        problem = None if callable(import_string(path)) else "what it leads to cannot be called"
    except Exception as error:  # noqa: BLE001 - a module that is imported may do anything
        problem = str(error)
    if problem:
        default = conf.ResponsiveImgConf._meta.defaults[PREFIX + name]
        yield Error(f"{PREFIX}{name} = {path!r}: {problem}", hint=f"The default is {default!r}.", id=check_id)


def _wrong_choices(config: Config) -> Iterator[CheckMessage]:
    if config.storage is not None and config.storage not in storages.backends:
        yield Error(
            f"{PREFIX}STORAGE = {config.storage!r} is not in STORAGES.",
            hint=f"Choices: {', '.join(storages.backends)}.",
            id="responsive_img.E017",
        )
    if config.isolation not in {None, "process"}:
        yield Error(
            f"{PREFIX}ISOLATION = {config.isolation!r}.",
            hint='Choices: None, "process".',
            id="responsive_img.E017",
        )
    if config.base_url is not None and not _is_origin(config.base_url):
        yield Error(
            f"{PREFIX}BASE_URL = {config.base_url!r} is no origin.",
            hint=f'{PREFIX}BASE_URL = "https://www.example.com"',
            id="responsive_img.E017",
        )


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.netloc)
        and parts[2:] in {("", "", ""), ("/", "", "")}
    )


def _of_preset(name: str, config: Config) -> Iterator[CheckMessage]:
    given = config.presets[name]
    if keysets.is_several(given):
        yield from _of_key_set(name, given, config)
        return
    try:
        spec = defaults.effective(config.preset(name).spec, config.defaults)
    except SpecError as error:
        yield Error(str(error), hint=f"Correct {PREFIX}PRESETS[{name!r}].", id="responsive_img.E007")
        return
    for unwritable in _unwritable(spec):
        yield _unwritable_message(f"{PREFIX}PRESETS[{name!r}]", unwritable)
    sides = [spec.width or 0, spec.height or 0, *(spec.widths or ())]
    for format_name in [spec.format] if spec.format else spec.formats or ():
        if max(sides) > FORMATS[format_name].max_side:
            yield Error(
                f"Preset {name!r} asks for {max(sides)} px, and {format_name} has {FORMATS[format_name].max_side} px "
                "at most.",
                hint=f"Lower it in {PREFIX}PRESETS[{name!r}], or leave the format out.",
                id="responsive_img.E007",
            )


def _of_key_set(name: str, given: Iterable[object], config: Config) -> Iterator[CheckMessage]:
    for part in given:
        if not isinstance(part, str) or not _is_preset(config.presets.get(part)):
            presets = [str(each) for each, told in config.presets.items() if _is_preset(told)]
            near = get_close_matches(str(part), presets, n=1)
            yield Error(
                f"{PREFIX}PRESETS[{name!r}] lists {part!r}, which is no preset.",
                hint=f"Did you mean {near[0]!r}?" if near else "List names of presets.",
                id="responsive_img.E007",
            )


def _is_preset(given: object) -> bool:
    return isinstance(given, Mapping) or isinstance(getattr(given, "preset", None), Preset)


def _unwritable(spec: Spec) -> list[str]:
    asked = [spec.format] if spec.format else spec.formats or ()
    return [name for name in installation.unwritable_formats() if name in asked]


def _unwritable_message(where: str, name: str) -> CheckMessage:
    return Error(
        f"{where} has {name!r}, which this Pillow was built without.",
        hint="Install Pillow's own wheel: pip install --upgrade --force-reinstall pillow",
        id="responsive_img.E007",
    )
