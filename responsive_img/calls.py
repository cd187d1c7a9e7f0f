"""The functions of the tags' names that Jinja2 templates call: all of their arguments are known only then."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from responsive_img import specs
from responsive_img.attributes import PICTURE_ATTRIBUTES, attribute_name
from responsive_img.exceptions import SpecError
from responsive_img.logs import raise_or_log
from responsive_img.options import PRESET
from responsive_img.programs import ABSOLUTE, EXPRESSION, Program, compile_img, compile_url
from responsive_img.tags import render, url


def img(request: object, source: object, preset: object, options: Mapping[str, object]) -> str:
    """
    Return a picture's marker or markup for arguments that are all known only now.

    Raises:
        SpecError: Under DEBUG: an argument is wrong.
    """
    try:
        program, wanted = _program_of(tuple(options), preset is not None, single=False)
    except SpecError as error:
        raise_or_log(error)
        options = {"alt": "", **{name: value for name, value in options.items() if _is_attribute(name)}}
        preset = None
        if len({attribute_name(name) for name in options if name not in PICTURE_ATTRIBUTES}) < len(options):
            options = {"alt": options["alt"]}
        program, wanted = compile_img([(name, EXPRESSION) for name in options])
        program = program._replace(spec=specs.SOURCE_AS_IS.text)
    given = {**options, PRESET: preset}
    return render(program, request, source, [given[name] for name in wanted])


def img_url(request: object, source: object, preset: object, options: Mapping[str, object]) -> str:
    """
    Return a picture's URL or the marker of one for arguments that are all known only now.

    Raises:
        SpecError: Under DEBUG: an argument is wrong.
    """
    try:
        program, wanted = _program_of(tuple(options), preset is not None, single=True)
    except SpecError as error:
        raise_or_log(error)
        program, wanted = compile_url([(ABSOLUTE, EXPRESSION)] if ABSOLUTE in options else [])
        program = program._replace(spec=specs.SOURCE_AS_IS.text)
    given = {**options, PRESET: preset}
    return url(program, request, source, [given[name] for name in wanted])


@lru_cache(maxsize=1024)
def _program_of(names: tuple[str, ...], has_preset: bool, *, single: bool) -> tuple[Program, list[str]]:
    """Compile a call: of all that is written there, only the names are known."""
    compiled = compile_url if single else compile_img
    return compiled([(name, EXPRESSION) for name in names], EXPRESSION if has_preset else None)


def _is_attribute(argument: str) -> bool:
    try:
        return argument in PICTURE_ATTRIBUTES or bool(attribute_name(argument))
    except SpecError:
        return False
