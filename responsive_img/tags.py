"""What is done for each picture, the same for both template languages: from a program and values to text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from responsive_img import arguments, conf, specs
from responsive_img.addresses import Told
from responsive_img.collector import Collector
from responsive_img.conf import Config
from responsive_img.deferred import DeferredPicture
from responsive_img.exceptions import SourceError, SpecError
from responsive_img.images import Img
from responsive_img.logs import log_once, raise_or_log
from responsive_img.options import LAZY_PRIORITY, PRESET, Preset, is_lazy
from responsive_img.programs import ABSOLUTE, Program
from responsive_img.resolution import URL
from responsive_img.scopes import collector_for
from responsive_img.shown import Own, Piece, Shown, shown_over, text_of
from responsive_img.sources import reference

Given = TypeVar("Given")


class _Form(NamedTuple, Generic[Given]):
    """
    What a tag gives.

    Attributes:
        picture: From who collects, what is asked for, the attributes, and the name of the template; None: the
            element.
        nothing: For an empty source.
        without_source: From the attributes, for a source that cannot be asked for.
    """

    picture: Callable[[Collector, Told, str, str, str], Given] | None
    nothing: Given
    without_source: Callable[[str], Given]


# Not the method itself, as a batch has one of its own.
# The element is what nearly all tags give, so it is asked for without a detour.
_ELEMENT: _Form[str] = _Form(None, "", lambda attributes: f"<img{attributes}>")
_DEFERRED: _Form[DeferredPicture] = _Form(DeferredPicture, DeferredPicture(), DeferredPicture.without_source)


def render(program: Program, request: object, source: object, values: Sequence[object]) -> str:
    """
    Return a picture's marker or markup: nothing for an empty source, and under production no error.

    Args:
        program: The compiled tag.
        request: Of the render, or None.
        source: A file of a model, a name in the default storage, or "static:" and the path of a static file.
        values: Of the expressions that the program wants.

    Raises:
        SpecError: Under DEBUG: what is asked for cannot be, or the source is none.
    """
    return _given(_ELEMENT, program, request, source, values)


def defer(program: Program, request: object, source: object, values: Sequence[object]) -> DeferredPicture:
    """
    Return a picture to take texts from, as `render` does.

    Raises:
        SpecError: Under DEBUG: what is asked for cannot be, or the source is none.
    """
    return _given(_DEFERRED, program, request, source, values)


def url(
    program: Program,
    request: object,
    source: object,
    values: Sequence[object],
    *,
    is_printed: bool = True,
) -> str:
    """
    Return a picture's URL or the marker of one, unescaped, as `render` does.

    Args:
        program: As of `render`.
        request: Of the render, or None.
        source: As of `render`.
        values: Of the expressions that the program wants.
        is_printed: It is printed where the tag stands; else nobody knows whether it will be.

    Raises:
        SpecError: Under DEBUG: what is asked for cannot be, or the source is none, or no origin is known.
    """
    absolute = program.absolute
    wanted = URL
    if absolute is not False and (absolute is True or values[absolute[1]]):
        wanted = f"{URL}@{_origin(request)}"
    form: _Form[str] = _Form(
        lambda collector, told, _, __, template: collector.show(
            told, "", "", template if is_printed else None, wanted
        ),
        "",
        lambda _: "",
    )
    return _given(form, program, request, source, values)


def _origin(request: object) -> str:
    """Return the origin of absolute URLs, "https://example.com"; "" where none is known."""
    try:
        origin = str(request.build_absolute_uri("/"))  # type: ignore[attr-defined]  # whatever a context has
    except Exception:  # noqa: BLE001 - there is none, it has no host, or one that is not allowed
        origin = conf.current().base_url or ""
    with suppress(ValueError):  # it may be anything
        scheme, host, *_ = urlsplit(origin)
        if scheme and host:
            return f"{scheme}://{host}"
    message = (
        f"'{ABSOLUTE}' needs a request, or the setting RESPONSIVE_IMG_BASE_URL such as 'https://example.com'."
    )
    if conf.is_debug():
        raise SpecError(message)
    log_once(message)
    return ""


def _given(
    form: _Form[Given], program: Program, request: object, source: object, values: Sequence[object]
) -> Given:
    # What is not committed yet is not in the storage: a form that is shown again with its errors.
    if not source or getattr(source, "_committed", True) is False:
        source = conf.current().placeholder
        if not source:
            return form.nothing
    collecting = collector_for(request)
    spec: Any
    spec, _, preset, dynamic, shown, _, _, _, template = program
    if dynamic or preset is not None:
        spec, shown = _with_values(program, values, collecting.config)
    pieces, priority_pieces, picture_pieces, priority = shown
    has_priority = priority is not False and (priority is True or bool(values[priority[1]]))
    if has_priority:
        pieces = priority_pieces
    attributes = text_of(pieces, values)
    picture_attributes = text_of(picture_pieces, values) if picture_pieces else ""
    try:
        source_ref = reference(source)
    except SourceError as error:
        raise_or_log(SpecError(str(error)))
        return form.without_source(attributes)
    try:
        if spec.__class__ is SpecError:
            raise spec
        if has_priority:
            _refuse_lazy(pieces, values)
        if form.picture is None:
            return collecting.show((spec, *source_ref), attributes, picture_attributes, template)  # type: ignore[return-value]  # `_ELEMENT` alone
        return form.picture(collecting, (spec, *source_ref), attributes, picture_attributes, template)
    except SpecError as error:
        raise_or_log(error)
        give = form.picture or Collector.show
        as_is = specs.SOURCE_AS_IS.text
        return give(collecting, (as_is, *source_ref), attributes, picture_attributes, template)  # type: ignore[return-value]  # the same


def _with_values(program: Program, values: Sequence[object], config: Config) -> tuple[str | SpecError, Shown]:
    """Return the text of the spec as told, or what is wrong with it, and how the picture is shown."""
    try:
        return _spec_and_shown(program, values, config)
    except SpecError as error:
        return error, program.shown


def _spec_and_shown(program: Program, values: Sequence[object], config: Config) -> tuple[str, Shown]:
    spec: Any
    preset: Any
    spec, constants, preset, dynamic, shown, own, single, _, _ = program
    told: dict[str, object] = dict(constants)
    for name, index in dynamic:
        if name == PRESET:
            preset = values[index]
        else:
            told[name] = values[index]
    over: Preset | None = None
    if isinstance(preset, Img):
        over = preset.preset
        spec = specs.merge(arguments.read(told, partial=True, single=single), over.spec).text
    else:
        below = None if preset is None else arguments.read_preset(preset)
        if below is not None:
            over = config.preset(below)
        if spec is None:
            spec = arguments.read(told, preset=below, single=single).text
    if over is not None and not over.is_spec_alone:
        shown = _shown_over(_with_priority_known(own, values), over)
    return spec, shown


def _with_priority_known(own: Own, values: Sequence[object]) -> Own:
    """Return what a tag says of how it is shown with what decides on its preset's part no longer open."""
    attributes, picture, priority = own
    if isinstance(priority, tuple):
        priority = bool(values[priority[1]])
    known = tuple(
        (name, piece if isinstance(piece, str) or name != "loading" else text_of([piece], values))
        for name, piece in attributes
    )
    return known, picture, priority


_shown_over = lru_cache(maxsize=1024)(shown_over)


def _refuse_lazy(pieces: Sequence[Piece], values: Sequence[object]) -> None:
    """Refuse what can be seen only now: a picture with priority whose loading comes to "lazy"."""
    for piece in pieces:
        if is_lazy(text_of([piece], values)):
            raise SpecError(LAZY_PRIORITY)
