"""
What is done for each picture, the same for both template languages: from a program and values to text.

Each function takes a compiled tag, the request of the render or None, the source (a file of a model, a name in
the default storage, or "static:" and the path of a static file), and the values of the expressions that the
program wants. Under DEBUG it raises `SpecError` for what cannot be; else it logs it once and shows the source.
"""

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
from responsive_img.notation import with_point
from responsive_img.options import LAZY_PRIORITY, PRESET, Preset, is_lazy
from responsive_img.programs import ABSOLUTE, Program
from responsive_img.resolution import URL, canonical
from responsive_img.scopes import collector_for
from responsive_img.shown import Own, Shown, shown_over, text_of
from responsive_img.sources import focal_of, reference
from responsive_img.variants import layout_without_source

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


def render(
    program: Program,
    request: object,
    source: object,
    values: Sequence[object],
    form: _Form[Given] = _ELEMENT,  # type: ignore[assignment]  # then it is a text
) -> Given:
    """
    Return a picture's marker or markup; nothing for an empty source.

    Raises:
        SpecError: Under DEBUG: what is asked for cannot be, or the source is none.
    """
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
        told = _accepted(collecting, spec, source, attributes if has_priority else "")
    except SourceError as error:
        raise_or_log(SpecError(str(error)))
        return form.without_source(_sides(spec, collecting.config) + attributes)
    if form.picture is None:
        return collecting.show(told, attributes, picture_attributes, template)  # type: ignore[return-value]  # `_ELEMENT` alone
    return form.picture(collecting, told, attributes, picture_attributes, template)


def _sides(spec: str, config: Config) -> str:
    """Return the attributes `width` and `height` as far as the arguments alone tell them."""
    try:
        size = layout_without_source(specs.from_text(canonical(spec, config).text))
    except SpecError:  # then the source is what is said to be wrong
        return ""
    return f' width="{size.width}" height="{size.height}"' if size else ""


def _accepted(collecting: Collector, spec: str, source: object, urgent: str) -> Told:
    """
    Return what is asked for, with the model's focal point; the source as it is where that cannot be.

    Args:
        collecting: Who collects.
        spec: As told by the tag and its preset.
        source: As of `render`.
        urgent: The attributes of a picture with priority; else "".

    Raises:
        SourceError: The source is none.
        SpecError: Under DEBUG: what is asked for cannot be.
    """
    source_ref = reference(source)
    if point := focal_of(source):
        spec = with_point(spec, point)
    told = (spec, *source_ref)
    try:
        if urgent and is_lazy(urgent):  # what can be seen only now
            raise SpecError(LAZY_PRIORITY)
        collecting.accept(told, source)
    except SpecError as error:
        raise_or_log(error)
        return (specs.SOURCE_AS_IS.text, *source_ref)
    return told


def defer(program: Program, request: object, source: object, values: Sequence[object]) -> DeferredPicture:
    """
    Return a picture to take texts from.

    Raises:
        SpecError: Under DEBUG: what is asked for cannot be, or the source is none.
    """
    return render(program, request, source, values, _DEFERRED)


def url(
    program: Program,
    request: object,
    source: object,
    values: Sequence[object],
    *,
    is_printed: bool = True,
) -> str:
    """
    Return a picture's URL or the marker of one, unescaped.

    Args:
        program: A compiled tag, and so on.
        request: As above.
        source: As above.
        values: As above.
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
    return render(program, request, source, values, form)


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


def _with_values(program: Program, values: Sequence[object], config: Config) -> tuple[str, Shown]:
    """
    Return the text of the spec as told, and how the picture is shown; the source as it is where the values are wrong.

    Raises:
        SpecError: Under DEBUG: they are.
    """
    try:
        return _spec_and_shown(program, values, config)
    except SpecError as error:
        raise_or_log(error)
        return specs.SOURCE_AS_IS.text, program.shown


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
