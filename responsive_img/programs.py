"""
What is done once for each tag, when its template is compiled: checking, and folding what is constant.

Both template languages sort a tag's arguments into constants and expressions and compile them here into a
`Program`. What is stored with a compiled template of Jinja2 is only what its author wrote: it may be read by
another release.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from responsive_img import arguments, conf, defaults, markup, specs
from responsive_img.exceptions import SpecError
from responsive_img.options import PRESET, PRIORITY, check_priority, is_known, sort_out
from responsive_img.shown import Own, Piece, Pieces, Place, Shown, laid_out

ABSOLUTE = "absolute"
_OF_ONE_URL = tuple(
    name for name in arguments.ARGUMENTS if name not in {"densities", "widths", "sizes", "formats"}
)


class Expression:
    """Stands for a value that is known only when the tag is rendered."""


EXPRESSION = Expression()


class Program(NamedTuple):
    """
    A compiled tag.

    Attributes:
        spec: Text of the spec as told; None where an expression takes part in it.
        options: Constant arguments of the spec, for the other case.
        preset: Constant name of the preset.
        dynamic: (argument, place of its value) of the spec's expressions.
        shown: How it is shown, where the preset has no say in that.
        own: What `shown` was made of: the attributes of the `<img>`, of the `<picture>`, and the priority.
        single: One URL is wanted.
        absolute: Whether it is to have an origin: a constant, or the place of its value.
        template: Name of the template.
    """

    spec: str | None
    options: tuple[tuple[str, Any], ...]
    preset: str | None
    dynamic: tuple[tuple[str, int], ...]
    shown: Shown
    own: Own
    single: bool
    absolute: bool | Place
    template: str


class _Placed:
    """Stands for an expression whose place is known."""

    def __init__(self, index: int) -> None:
        self.index = index


Compiler = Callable[[Sequence[tuple[str, object]], object, str], tuple[Program, list[str]]]


def compile_img(
    given: Sequence[tuple[str, object]], preset: object = None, template: str = ""
) -> tuple[Program, list[str]]:
    """
    Check the arguments of `{% img %}` and fold what is constant.

    Args:
        given: (argument, constant value or EXPRESSION), as written.
        preset: Constant name, EXPRESSION, or None.
        template: Name of the template.

    Returns:
        The program, and the arguments whose values it wants at each render, in that order; "preset"
        stands for the preset.

    Raises:
        SpecError: An argument is unknown, malformed, contradicts another one, comes twice or is missing.
    """
    values = _unique(given)
    if ABSOLUTE in values:
        raise SpecError(f"'{ABSOLUTE}' belongs to {{% img_url %}}: a picture has the URLs of its storage.")
    program, wanted = _compiled(values, preset, template)
    if "alt" not in values:
        raise SpecError("'alt' is required: describe the picture, or write alt=\"\" for decoration.")
    return program, wanted


def compile_url(
    given: Sequence[tuple[str, object]], preset: object = None, template: str = ""
) -> tuple[Program, list[str]]:
    """
    Check the arguments of `{% img_url %}` and fold what is constant; as `compile_img` does.

    Raises:
        SpecError: An argument is unknown, malformed, contradicts another one or comes twice.
    """
    values = _unique(given)
    for name in values:
        if name not in _OF_ONE_URL and name != ABSOLUTE:
            if is_known(name):
                raise SpecError(
                    f"'{name}' contradicts one URL. Choices: {', '.join(_OF_ONE_URL)}, {ABSOLUTE}."
                )
            raise SpecError.unknown("argument", name, [*_OF_ONE_URL, ABSOLUTE])
    absolute = values.get(ABSOLUTE)
    if not (absolute is None or isinstance(absolute, (bool, Expression))):
        raise SpecError(f"'{ABSOLUTE}' must be True or False, not {absolute!r}.")
    return _compiled(values, preset, template, single=True)


def _compiled(
    values: Mapping[str, object], preset: object, template: str, *, single: bool = False
) -> tuple[Program, list[str]]:
    wanted = [name for name, value in values.items() if value is EXPRESSION]
    if preset is EXPRESSION:
        wanted.append(PRESET)
    placed = {
        name: _Placed(wanted.index(name)) if value is EXPRESSION else value for name, value in values.items()
    }
    absolute = placed.pop(ABSOLUTE, None)
    told = sort_out(placed)
    constants = {name: value for name, value in told.spec.items() if not isinstance(value, _Placed)}
    dynamic = tuple((name, value.index) for name, value in told.spec.items() if isinstance(value, _Placed))
    if preset is EXPRESSION:
        dynamic += ((PRESET, wanted.index(PRESET)),)
    constant_preset = None if preset is EXPRESSION or preset is None else arguments.read_preset(preset)
    spec = _checked_constants(constants, constant_preset, is_whole=not dynamic, single=single)
    if preset is None:
        given = {name for name, value in constants.items() if value is not None}
        specs.check_companions(given, given | {name for name, _ in dynamic})
    own = _own_pieces(told.attributes), _own_pieces(told.picture), _priority(told.priority, told.attributes)
    return Program(
        spec=None if dynamic else spec,
        options=tuple(constants.items()),
        preset=constant_preset,
        dynamic=dynamic,
        shown=laid_out(*own),
        own=own,
        single=single,
        absolute=(ABSOLUTE, absolute.index) if isinstance(absolute, _Placed) else bool(absolute),
        template=template,
    ), wanted


def check_positional(count: int) -> None:
    """
    Check how many arguments stand before the keyword arguments.

    Raises:
        SpecError: There is no source, or more than a source and a preset.
    """
    if not 1 <= count <= 2:
        raise SpecError(
            "it takes a source, perhaps a preset, then keyword arguments; "
            f"it was given {count} positional argument(s)."
        )


def _unique(given: Iterable[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in given:
        if name in values:
            raise SpecError(f"{name!r} is given twice.")
        values[name] = value
    return values


def _checked_constants(
    constants: Mapping[str, object], preset: str | None, *, is_whole: bool, single: bool
) -> str:
    """Return the text of the constant spec, having refused what can be seen to be wrong already."""
    config = conf.current()
    below = None if preset is None else config.preset(preset).spec
    spec = arguments.read(constants, preset=preset, partial=not is_whole, single=single)
    if is_whole and below is not None:
        defaults.effective(specs.merge(spec, below), config.defaults)
    else:
        defaults.check_limits(spec, config.defaults)
    return spec.text


def _own_pieces(attributes: Mapping[str, object]) -> Pieces:
    return tuple((name, _piece(name, value)) for name, value in attributes.items())


def _piece(html_name: str, value: object) -> Piece:
    """Return an attribute's finished text, or its name and where its value will be."""
    if isinstance(value, _Placed):
        return html_name, value.index
    # A literal is text, also where the template language has marked it as safe.
    return markup.attribute(html_name, str.__str__(value) if isinstance(value, str) else value)


def _priority(priority: object, attributes: Mapping[str, object]) -> bool | Place | None:
    """Return whether the picture has priority, or where its value will be; None: not told."""
    if isinstance(priority, _Placed):
        return PRIORITY, priority.index
    is_told = check_priority(priority, attributes.get("loading"))
    return None if priority is None else is_told


# What was written, in a template that is stored compiled ---------------------------------------------------


def written(given: Sequence[tuple[str, object]], preset: object, template: str, *, gives_url: bool) -> str:
    """Return the arguments of a tag as a text that `of_written` reads in this and in later releases."""
    parts = [(name, value is EXPRESSION, None if value is EXPRESSION else value) for name, value in given]
    below = preset is EXPRESSION, None if preset is EXPRESSION else preset
    return repr((gives_url, template, below, parts))


@lru_cache(maxsize=16384)
def of_written(text: str) -> Program:
    """
    Return the program of a text that `written` gave.

    Raises:
        SpecError: It was right when its template was compiled, but is not any more.
    """
    gives_url, template, (is_dynamic, preset), parts = literal_eval(text)
    given = [(name, EXPRESSION if is_expression else value) for name, is_expression, value in parts]
    compiled = compile_url if gives_url else compile_img
    return compiled(given, EXPRESSION if is_dynamic else preset, template)[0]
