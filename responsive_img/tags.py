"""What is done for each picture, the same for both template languages: from a program and values to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from responsive_img import arguments, collector, conf, markup, specs
from responsive_img.exceptions import SourceError, SpecError
from responsive_img.programs import EXPRESSION, LAZY_PRIORITY, PRESET, Piece, Program, compile_img
from responsive_img.resolution import log_once
from responsive_img.sources import reference


def render(
    program: Program | tuple[Any, ...], request: object, source: object, values: Sequence[object]
) -> str:
    """
    Return a picture's marker or markup: nothing for an empty source, and under production no error.

    Args:
        program: The compiled tag, or its fields: Jinja2 writes them as they are into its compiled templates.
        request: Of the render, or None.
        source: A file of a model, or a name in the default storage.
        values: Of the expressions that the program wants.

    Raises:
        SpecError: Under DEBUG: what is asked for cannot be, or the source is none.
    """
    if not source:
        return ""
    collecting = collector.collector_for(request)
    spec, options, preset, dynamic, pieces, priority_pieces, picture_pieces, priority = program
    has_priority = priority is not False and (priority is True or bool(values[priority]))
    if has_priority:
        pieces = priority_pieces
    attributes = _text(pieces, values)
    picture_attributes = _text(picture_pieces, values) if picture_pieces else ""
    try:
        source_ref = reference(source)
    except SourceError as error:
        if conf.is_debug():
            raise SpecError(str(error)) from error
        log_once(str(error))
        return f"<img{attributes}>"
    try:
        if has_priority:
            _refuse_lazy(pieces, values)
        if spec is None:
            spec = _told(dict(options), preset, dynamic, values)
        return collecting.show((spec, *source_ref), attributes, picture_attributes)
    except SpecError as error:
        if conf.is_debug():
            raise
        log_once(f"The source is shown, as what is asked for cannot be: {error}")
        return collecting.show((specs.SOURCE_AS_IS.text, *source_ref), attributes, picture_attributes)


def call(request: object, source: object, preset: object, options: Mapping[str, object]) -> str:
    """
    Return a picture's marker or markup for arguments that are all known only now.

    Raises:
        SpecError: Under DEBUG: an argument is wrong.
    """
    try:
        program, wanted = compile_img([(name, EXPRESSION) for name in options], preset)
    except SpecError as error:
        if conf.is_debug():
            raise
        log_once(f"The source is shown, as what is asked for cannot be: {error}")
        options = {"alt": "", **{name: value for name, value in options.items() if _is_attribute(name)}}
        program, wanted = compile_img([(name, EXPRESSION) for name in options])
        program = program._replace(spec=specs.SOURCE_AS_IS.text)
    return render(program, request, source, [options[name] for name in wanted])


def _is_attribute(argument: str) -> bool:
    try:
        return bool(markup.attribute_name(argument))
    except SpecError:
        return False


def _refuse_lazy(pieces: Sequence[Piece], values: Sequence[object]) -> None:
    """Refuse what can be seen only now: a picture with priority whose loading comes to "lazy"."""
    for piece in pieces:
        text = piece if isinstance(piece, str) else markup.attribute(piece[0], values[piece[1]])
        if ' loading="lazy"' in text:
            raise SpecError(LAZY_PRIORITY)


def _text(pieces: Sequence[Piece], values: Sequence[object]) -> str:
    text = ""
    for piece in pieces:
        text += piece if isinstance(piece, str) else markup.attribute(piece[0], values[piece[1]])
    return text


def _told(
    options: dict[str, object],
    preset: object,
    dynamic: Sequence[tuple[str, int]],
    values: Sequence[object],
) -> str:
    """Return the text of a spec that expressions take part in."""
    for name, index in dynamic:
        if name == PRESET:
            preset = values[index]
        else:
            options[name] = values[index]
    return arguments.read(options, preset=None if preset is None else arguments.read_preset(preset)).text
