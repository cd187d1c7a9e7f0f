from __future__ import annotations

import pytest

from responsive_img import logs
from responsive_img.logs import MAX_MESSAGE, MAX_MESSAGES, log_once


def test_a_message_is_logged_once_as_a_warning(caplog):
    for _ in range(3):
        log_once("A source is gone")
    log_once("Another one is gone")

    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("responsive_img", "WARNING", "A source is gone"),
        ("responsive_img", "WARNING", "Another one is gone"),
    ]


def test_a_message_may_hold_what_looks_like_a_format(log):
    log_once("100%s of %d")

    assert log() == ["100%s of %d"]


@pytest.mark.parametrize("length", [MAX_MESSAGE, MAX_MESSAGE + 1, 10 * MAX_MESSAGE])
def test_a_message_is_cut(log, length):
    log_once("x" * length)
    log_once("x" * MAX_MESSAGE)

    assert log() == ["x" * MAX_MESSAGE]


def test_what_is_remembered_does_not_grow_for_ever_and_silences_nothing_new(log):
    messages = [str(number) for number in range(MAX_MESSAGES + 5)]

    for message in messages:
        log_once(message)

    assert log() == messages
    assert len(logs._logged) == MAX_MESSAGES


def test_what_comes_again_is_forgotten_last(log):
    log_once("often")
    log_once("once")
    for number in range(MAX_MESSAGES - 1):
        log_once(str(number))
        log_once("often")
    seen = len(log())

    log_once("often")
    log_once("once")

    assert log()[seen:] == ["once"]
