"""
What is done once for each tag, when its template is compiled: checking, and folding what is constant.

Both template languages sort a tag's arguments into constants and expressions and compile them here into a
`Program`. It is made of plain constants, so that Jinja2 can write it into its compiled templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from responsive_img import arguments, conf, markup, specs
from responsive_img.exceptions import SpecError, shown

PRIORITY = "priority"
PRESET = "preset"  # under this name the value of a preset that is an expression is passed
LAZY_PRIORITY = "'priority' contradicts loading=\"lazy\"."
# A finished text, or the name of an attribute and the place of its value among the expressions'.
Piece = str | tuple[str, int]


class Expression:
    """Stands for a value that is known only when the tag is rendered."""


EXPRESSION = Expression()


class Program(NamedTuple):
    """
    A compiled tag.

    Attributes:
        spec: Text of the spec as told; None where an expression takes part in it.
        options: Constant arguments of the spec, for the other case.
        preset: Constant name of the preset, for the other case.
        dynamic: (argument, place of its value) of the spec's expressions.
        pieces: The attributes of the `<img>`.
        priority_pieces: The same with priority.
        picture_pieces: The attributes of the `<picture>`.
        priority: Whether it has priority: a constant, or the place of its value.
    """

    spec: str | None
    options: tuple[tuple[str, Any], ...]
    preset: str | None
    dynamic: tuple[tuple[str, int], ...]
    pieces: tuple[Piece, ...]
    priority_pieces: tuple[Piece, ...]
    picture_pieces: tuple[Piece, ...]
    priority: bool | int


def compile_img(given: Sequence[tuple[str, object]], preset: object = None) -> tuple[Program, list[str]]:
    """
    Check a tag's arguments and fold what is constant.

    Args:
        given: (argument, constant value or EXPRESSION), as written.
        preset: Constant name, EXPRESSION, or None.

    Returns:
        The program, and the arguments whose values it wants at each render, in that order; "preset"
        stands for the preset.

    Raises:
        SpecError: An argument is unknown, malformed, contradicts another one, comes twice or is missing.
    """
    values = _unique(given)
    told, attributes, picture = _sorted_out(values)
    if "alt" not in values:
        raise SpecError("'alt' is required: describe the picture, or write alt=\"\" for decoration.")
    wanted = [name for name, value in values.items() if value is EXPRESSION]
    if preset is EXPRESSION:
        wanted.append(PRESET)
    place = {name: index for index, name in enumerate(wanted)}
    constants = {name: value for name, value in told.items() if value is not EXPRESSION}
    dynamic = tuple((name, place[name]) for name in (*told, PRESET) if name in place)
    constant_preset = None if preset is EXPRESSION or preset is None else arguments.read_preset(preset)
    spec = _checked_constants(constants, constant_preset, is_whole=not dynamic)
    priority = _priority(values, place)
    return Program(
        spec=None if dynamic else spec,
        options=tuple(constants.items()),
        preset=constant_preset,
        dynamic=dynamic,
        pieces=_pieces(attributes, place, priority=False),
        priority_pieces=_pieces(attributes, place, priority=True) if priority is not False else (),
        picture_pieces=_merged(
            place_or_text(markup.PICTURE_ATTRIBUTES[name], value, name, place)
            for name, value in picture.items()
        ),
        priority=priority,
    ), wanted


def _unique(given: Iterable[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in given:
        if name in values:
            raise SpecError(f"{name!r} is given twice.")
        values[name] = value
    return values


def _sorted_out(
    values: Mapping[str, object],
) -> tuple[dict[str, object], dict[str, tuple[str, object]], dict[str, object]]:
    """Return the spec's arguments, the `<img>`'s attributes (argument → HTML name, value), the `<picture>`'s."""
    told: dict[str, object] = {}
    attributes: dict[str, tuple[str, object]] = {}
    picture: dict[str, object] = {}
    for name, value in values.items():
        if name in arguments.ARGUMENTS:
            told[name] = value
        elif name in markup.PICTURE_ATTRIBUTES:
            picture[name] = value
        elif name != PRIORITY:
            try:
                html_name = markup.attribute_name(name)
            except SpecError as error:
                raise _with_all_choices(name, error) from error
            if any(html_name == other for other, _ in attributes.values()):
                raise SpecError(f"{html_name!r} is given twice.")
            attributes[name] = (html_name, value)
    return told, attributes, picture


def _with_all_choices(name: str, error: SpecError) -> SpecError:
    """Return the error with the tag's own arguments among the choices; the attributes are summed up."""
    if name == PRESET:
        return SpecError("The name of a preset stands behind the source, without 'preset='.")
    if not str(error).startswith("Unknown"):
        return error
    own = [*arguments.ARGUMENTS, PRIORITY, *markup.PICTURE_ATTRIBUTES]
    nearest = SpecError.unknown("argument", name, [*own, *markup.ATTRIBUTES])
    hint = str(nearest).partition(" Choices:")[0]
    return SpecError(f"{hint} Choices: {', '.join(own)}, and every HTML attribute of <img> (data_…, aria_…).")


def _checked_constants(constants: Mapping[str, object], preset: str | None, *, is_whole: bool) -> str:
    """Return the text of the constant spec, having refused what can be seen to be wrong already."""
    config = conf.current()
    if preset is not None:
        config.preset(preset)
    spec = arguments.read(constants, preset=preset, partial=not is_whole)
    specs.check_limits(spec, config.defaults)
    return spec.text


def _priority(values: Mapping[str, object], place: Mapping[str, int]) -> bool | int:
    """Return whether the picture has priority, or where its value will be."""
    value = values.get(PRIORITY, False)
    if value is EXPRESSION:
        return place[PRIORITY]
    if not (value is None or isinstance(value, bool)):
        raise SpecError(f"'priority' must be True or False, not {shown(value)}.")
    if value and values.get("loading") == "lazy":
        raise SpecError(LAZY_PRIORITY)
    return bool(value)


def _pieces(
    attributes: Mapping[str, tuple[str, object]], place: Mapping[str, int], *, priority: bool
) -> tuple[Piece, ...]:
    by_html_name = {html_name: (name, value) for name, (html_name, value) in attributes.items()}
    ordered = markup.ordered({html_name: html_name for html_name in by_html_name}, priority=priority)
    return _merged(
        place_or_text(html_name, by_html_name[html_name][1], by_html_name[html_name][0], place)
        if html_name in by_html_name
        else markup.attribute(html_name, default)
        for html_name, default in ordered.items()
    )


def place_or_text(html_name: str, value: object, argument: str, place: Mapping[str, int]) -> Piece:
    """Return an attribute's finished text, or its name and where its value will be."""
    if argument in place:
        return html_name, place[argument]
    # A literal is text, also where the template language has marked it as safe.
    return markup.attribute(html_name, str.__str__(value) if isinstance(value, str) else value)


def _merged(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return the pieces with neighbouring texts joined: one step less for each picture."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece:
            merged.append(piece)
    return tuple(merged)
