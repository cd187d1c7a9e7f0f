from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace

import pytest

from responsive_img import batch, finalize, immediate
from responsive_img.collector import Collector
from responsive_img.exceptions import ResponsiveImgError
from responsive_img.marker import cores
from responsive_img.scopes import Responding, collector_for, is_responding, start


@pytest.fixture
def request_():
    """Return what a collector can live on."""
    return SimpleNamespace()


def test_a_request_is_collected_for_while_its_response_is_in_the_making(request_):
    collecting = start(request_)

    with Responding(collecting):
        assert collector_for(request_) is collecting
        assert (is_responding(request_), collecting.is_open) == (True, True)

    outside = collector_for(request_)
    assert outside is not collecting
    assert not outside.is_open


def test_a_response_is_in_the_making_until_its_collector_is_closed(request_):
    collecting = start(request_)

    with Responding(collecting):
        pass
    assert is_responding(request_)  # a stream: its chunks are still to be made
    collecting.is_open = False

    assert not is_responding(request_)


def test_a_thread_that_knows_nothing_of_the_response_resolves_at_once(request_):
    collecting = start(request_)

    with Responding(collecting), ThreadPoolExecutor() as threads:
        foreign = threads.submit(collector_for, request_).result()
        within = threads.submit(copy_context().run, collector_for, request_).result()

    assert (foreign.is_open, foreign.account is collecting.account) == (False, False)
    assert within is collecting


def test_a_request_inside_of_another_one_is_not_rendered_for(request_):
    """Such as one made by the test client in a view: it has a response of its own."""
    inner_request = SimpleNamespace()
    outer, inner = start(request_), start(inner_request)

    with Responding(outer):
        with Responding(inner):
            assert collector_for(inner_request) is inner
            assert not collector_for(request_).is_open
        assert collector_for(request_) is outer


def test_a_request_without_a_collector_is_not_collected_for(request_):
    assert not is_responding(request_)


def test_a_response_that_fails_is_no_longer_in_the_making(request_):
    collecting = start(request_)

    with pytest.raises(ZeroDivisionError), Responding(collecting):
        raise ZeroDivisionError

    assert collector_for(request_) is not collecting


@pytest.mark.parametrize(
    "request_", [None, SimpleNamespace(), "of something else"], ids=["none", "other", "text"]
)
def test_where_nobody_collects_everything_resolves_at_once(request_):
    collecting = collector_for(request_)

    assert not collecting.is_open
    assert collector_for(request_) is not collecting


def test_what_resolves_at_once_within_a_response_counts_for_it(request_):
    response = start(request_)

    with Responding(response):
        at_once = collector_for(None)

        assert not at_once.is_open
        assert at_once.account.pending is response.account.pending
        assert at_once.account.budget is response.account.budget

    later = collector_for(None)
    assert later.account.pending is not response.account.pending
    assert later.account.budget is not response.account.budget


def test_a_response_within_a_response_gives_the_account_back(request_):
    outer, inner = start(request_), start(SimpleNamespace())

    with Responding(outer):
        with Responding(inner):
            assert collector_for(None).account.budget is inner.account.budget
        assert collector_for(None).account.budget is outer.account.budget


def test_a_batch_stands_before_the_request_and_the_inner_one_before_the_outer(request_):
    response = start(request_)

    with Responding(response):
        with batch() as outer:
            assert collector_for(request_) is collector_for(None) is outer
            with batch() as inner:
                assert collector_for(request_) is inner
            assert collector_for(request_) is outer
            assert outer.account.budget is response.account.budget
            assert (outer.is_open, inner.is_open) == (True, False)
        assert collector_for(request_) is response

    assert not outer.is_open


def test_immediate_stands_before_a_batch(request_):
    with batch() as images:
        with immediate():
            at_once = collector_for(request_)
            assert at_once is collector_for(None)
            assert not at_once.is_open
        assert collector_for(request_) is images


def test_a_batch_that_fails_is_over():
    with pytest.raises(ZeroDivisionError), batch() as images:
        raise ZeroDivisionError

    assert not images.is_open
    assert collector_for(None) is not images


def test_a_batch_that_has_collected_nothing_is_left_silently(log, settings):
    settings.DEBUG = True

    with batch():
        pass

    assert log() == []


@pytest.mark.parametrize("scope", [batch, immediate])
def test_finalize_is_who_collects_own(scope, monkeypatch):
    monkeypatch.setattr(Collector, "finalize", lambda self, text: f"{id(self)} {text}")

    with scope():
        assert finalize("x") == f"{id(collector_for(None))} x"


def test_finalize_without_a_scope_is_of_the_response_in_the_making(request_, monkeypatch):
    monkeypatch.setattr(Collector, "finalize", lambda self, text: f"{id(self.account.budget)} {text}")

    response = start(request_)

    with Responding(response):
        assert finalize("x") == f"{id(response.account.budget)} x"


@pytest.mark.parametrize("finalized", [0, 1, 2, 5])
def test_a_batch_says_how_much_of_what_it_gave_away_never_came_back(finalized, settings, log):
    told = "w20", "default", "photos/cat.jpg", ""
    message = f"batch() was left with {2 - finalized} marker(s) that never went through finalize()"

    def leave() -> None:
        with batch() as images:
            text = images.show(told, ' alt=""', "")
            assert images.show(told, ' alt=""', "") == text
            images.left.subtract(cores((text * finalized).encode()))

    leave()
    assert log() == ([message] if finalized < 2 else [])
    settings.DEBUG = True
    if finalized < 2:
        with pytest.raises(ResponsiveImgError, match=re.escape(message)):
            leave()
    else:
        leave()
