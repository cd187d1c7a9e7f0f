"""How a picture is shown: the attributes of its elements, laid out in their order, with gaps for values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from responsive_img import markup
from responsive_img.options import Known, Later, Preset, without_contradiction

# The name of an argument or attribute, and the place of its value among the expressions'.
Place = tuple[str, int]
# A finished text, or where to find what it is made of.
Piece = Known | Place
# HTML name → piece, as pairs.
Pieces = tuple[tuple[str, Piece], ...]
# What a tag says of how its picture is shown: attributes of the `<img>`, of the `<picture>`, and the priority.
Own = tuple[Pieces, Pieces, bool | Place | None]


class Shown(NamedTuple):
    """
    How a picture is shown: its attributes, laid out.

    Attributes:
        pieces: The attributes of the `<img>`.
        priority_pieces: The same with priority.
        picture_pieces: The attributes of the `<picture>`.
        priority: Whether it has priority: a constant, or the place of its value.
    """

    pieces: tuple[Piece, ...]
    priority_pieces: tuple[Piece, ...]
    picture_pieces: tuple[Piece, ...]
    priority: bool | Place


def laid_out(attributes: Pieces, picture: Pieces, priority: bool | Place | None) -> Shown:
    """Return how a picture is shown whose attributes are these; a priority that is None is not told."""
    return Shown(
        pieces=_in_order(attributes, priority=False),
        priority_pieces=() if priority is None or priority is False else _in_order(attributes, priority=True),
        picture_pieces=_merged([piece for _, piece in picture]),
        priority=False if priority is None else priority,
    )


def shown_over(own: Own, preset: Preset) -> Shown:
    """Return how a picture is shown whose preset has attributes: those of the tag, then those it leaves to it."""
    attributes, picture, priority = own
    loading = dict(attributes).get("loading")
    below = without_contradiction(preset, is_priority=priority is True, loading=loading)
    return laid_out(
        _over(attributes, below.attributes),
        _over(picture, below.picture),
        below.priority if priority is None else priority,
    )


def _over(attributes: Pieces, below: Pieces) -> Pieces:
    told = dict(attributes)
    return (*attributes, *[(name, piece) for name, piece in below if name not in told])


def _in_order(attributes: Pieces, *, priority: bool) -> tuple[Piece, ...]:
    """Return the attributes of an `<img>` in the order they are written, the defaults among them."""
    by_name = dict(attributes)
    ordered = markup.ordered(by_name, priority=priority)
    return _merged(
        by_name[name] if name in by_name else markup.attribute(name, default)
        for name, default in ordered.items()
    )


def _merged(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return the pieces with neighbouring texts joined: one step less for each picture."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece:
            merged.append(piece)
    return tuple(merged)


def text_of(pieces: Sequence[Piece], values: Sequence[object] = ()) -> str:
    """Return the finished text of pieces, with the values of expressions in their places."""
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        name, place = piece
        value = place.value if isinstance(place, Later) else values[place]
        # A title: the way of nearly all.
        text += (
            f' {name}="{markup.escape_value(value)}"' if type(value) is str else markup.attribute(name, value)
        )
    return text
