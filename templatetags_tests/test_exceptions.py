from __future__ import annotations

import pytest

from responsive_img.exceptions import BuildError, ResponsiveImgError, SourceError, SpecError, quoted


@pytest.mark.parametrize("error", [SpecError, SourceError, BuildError])
def test_every_error_is_caught_by_one_base(error):
    assert issubclass(error, ResponsiveImgError)


def test_spec_error_is_a_value_error():
    assert issubclass(SpecError, ValueError)


def test_unknown_names_the_nearest_choice_and_all_choices_sorted():
    error = SpecError.unknown("argument", "widht", ["width", "height"])

    assert str(error) == "Unknown argument 'widht'. Did you mean 'width'? Choices: height, width."


def test_unknown_gives_no_hint_where_nothing_is_near():
    error = SpecError.unknown("format", "xyz", ["webp", "avif"])

    assert str(error) == "Unknown format 'xyz'. Choices: avif, webp."


def test_unknown_says_that_there_are_no_choices():
    error = SpecError.unknown("preset", "hero", [])

    assert str(error) == "Unknown preset 'hero'. Choices: none."


def test_unknown_keeps_the_class_it_was_called_on():
    class OwnError(SpecError):
        pass

    assert type(OwnError.unknown("preset", "hero", [])) is OwnError


def test_a_message_quotes_a_value_short():
    assert quoted("x") == "'x'"
    assert quoted("x" * 500) == "'" + "x" * 199 + "…"
    assert quoted(10**5000) == "<int>"
