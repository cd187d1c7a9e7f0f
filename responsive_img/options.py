"""What may be written in a tag, in a preset and in an `Img`: sorted into what is asked for and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responsive_img import arguments, markup, specs
from responsive_img.attributes import ATTRIBUTES, PICTURE_ATTRIBUTES, attribute_name
from responsive_img.exceptions import SpecError, quoted
from responsive_img.specs import Spec

PRIORITY = "priority"
# Under this name the value of a preset that is an expression is passed.
PRESET = "preset"
LAZY_PRIORITY = "'priority' contradicts loading=\"lazy\"."


class Options(NamedTuple):
    """
    Arguments by what they are for.

    Attributes:
        spec: Argument → value, of what is asked for.
        attributes: HTML name → value, of the `<img>`.
        picture: HTML name → value, of the `<picture>`.
        priority: Whether it is what the visitor waits for; None: not told.
    """

    spec: dict[str, object]
    attributes: dict[str, object]
    picture: dict[str, object]
    priority: object


def sort_out(values: Mapping[str, object]) -> Options:
    """
    Sort arguments.

    Raises:
        SpecError: One is neither an argument nor an attribute, or one comes twice.
    """
    if PRESET in values:
        raise SpecError("The name of a preset stands behind the source, without 'preset='.")
    sorted_out = Options({}, {}, {}, values.get(PRIORITY))
    for name, value in values.items():
        if not isinstance(name, str):
            raise SpecError(f"An argument has a name, not {quoted(name)}.")
        if name in arguments.ARGUMENTS:
            sorted_out.spec[name] = value
        elif name in PICTURE_ATTRIBUTES:
            sorted_out.picture[PICTURE_ATTRIBUTES[name]] = value
        elif name != PRIORITY:
            html_name = _html_name(name)
            if html_name in sorted_out.attributes:
                raise SpecError(f"{html_name!r} is given twice.")
            sorted_out.attributes[html_name] = value
    return sorted_out


def _html_name(argument: str) -> str:
    """Return the attribute an argument stands for; an error has the tag's own arguments among its choices."""
    try:
        return attribute_name(argument)
    except SpecError as error:
        if not str(error).startswith("Unknown"):
            raise
        own = [*arguments.ARGUMENTS, PRIORITY, *PICTURE_ATTRIBUTES]
        hint = str(SpecError.unknown("argument", argument, [*own, *ATTRIBUTES])).partition(" Choices:")[0]
        raise SpecError(
            f"{hint} Choices: {', '.join(own)}, and every HTML attribute of <img> (data_…, aria_…)."
        ) from error


def is_known(argument: str) -> bool:
    """Tell whether an argument or attribute of this name exists."""
    try:
        sort_out({argument: None})
    except SpecError:
        return False
    return True


def check_priority(priority: object, loading: object) -> bool:
    """
    Return whether a picture has priority.

    Raises:
        SpecError: It is no flag, or contradicts `loading`.
    """
    if not (priority is None or isinstance(priority, bool)):
        raise SpecError(f"'{PRIORITY}' must be True or False, not {quoted(priority)}.")
    if priority and str(loading).lower() == "lazy":
        raise SpecError(LAZY_PRIORITY)
    return bool(priority)


class Later:
    """A value that is written anew for each picture, such as a translation: it may differ, or not be ready yet."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


# A finished text, or the name of an attribute and its value.
Known = str | tuple[str, Later]


class Preset(NamedTuple):
    """
    Options that are all known, below those of a tag or a call.

    Attributes:
        spec: As told.
        attributes: HTML name → finished text with a leading space, as pairs, of the `<img>`.
        picture: The same of the `<picture>`.
        priority: None: not told.
    """

    spec: Spec
    attributes: tuple[tuple[str, Known], ...]
    picture: tuple[tuple[str, Known], ...]
    priority: bool | None

    @property
    def is_spec_alone(self) -> bool:
        """Whether it says nothing of how the picture is shown."""
        return not self.attributes and not self.picture and self.priority is None


def laid_over(over: Preset, below: Preset) -> Preset:
    """Return a preset laid over another one; what contradicts it there gives way."""
    loading = dict(over.attributes).get("loading")
    below = without_contradiction(below, is_priority=over.priority is True, loading=loading)
    return Preset(
        specs.merge(over.spec, below.spec),
        tuple({**dict(below.attributes), **dict(over.attributes)}.items()),
        tuple({**dict(below.picture), **dict(over.picture)}.items()),
        below.priority if over.priority is None else over.priority,
    )


def without_contradiction(below: Preset, *, is_priority: bool, loading: object) -> Preset:
    """
    Return a preset without what contradicts the priority or the loading above it.

    Args:
        below: The preset.
        is_priority: What is above it has priority.
        loading: Finished text of the attribute above it, if there is one.
    """
    if is_priority:
        attributes = [
            (name, text) for name, text in below.attributes if not (isinstance(text, str) and is_lazy(text))
        ]
        return below._replace(attributes=tuple(attributes))
    if below.priority and isinstance(loading, str) and is_lazy(loading):
        return below._replace(priority=None)
    return below


def is_lazy(attributes: str) -> bool:
    """Tell whether a finished text of attributes makes its picture a lazy one."""
    return ' loading="lazy"' in attributes.lower()


def read_preset(options: Mapping[str, object], *, partial: bool = False) -> Preset:
    """
    Return the preset of options; an argument that is None is not told, an attribute is left out.

    Args:
        options: Argument → value.
        partial: More are to come, so what is missing is not missed yet.

    Raises:
        SpecError: One is unknown, malformed, or contradicts another one.
    """
    told = sort_out(options)
    check_priority(told.priority, told.attributes.get("loading"))
    return Preset(
        arguments.read(told.spec, partial=partial),
        tuple((name, _known(name, value)) for name, value in told.attributes.items()),
        tuple((name, _known(name, value)) for name, value in told.picture.items()),
        told.priority if isinstance(told.priority, bool) else None,
    )


def _known(html_name: str, value: object) -> Known:
    if value is None or isinstance(value, (str, int, float)):
        return markup.attribute(html_name, value)
    return html_name, Later(value)
