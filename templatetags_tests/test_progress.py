from __future__ import annotations

import pytest

from responsive_img import progress


def test_where_there_is_no_terminal_a_line_is_written_for_each_tenth_of_the_way(capsys):
    with progress.shown(40, "image", is_shown=True) as bar:
        for _ in range(20):
            bar.update()
        bar.update(20)

    assert capsys.readouterr().err.splitlines() == [
        "4/40 (10%)", "8/40 (20%)", "12/40 (30%)", "16/40 (40%)", "20/40 (50%)", "40/40 (100%)",
    ]  # fmt: skip


@pytest.mark.parametrize(("total", "is_shown"), [(0, True), (5, False)])
def test_nothing_is_shown_of_nothing_or_where_it_is_not_wanted(capsys, total, is_shown):
    with progress.shown(total, "image", is_shown=is_shown) as bar:
        bar.update()

    assert capsys.readouterr().err == ""


def test_on_a_terminal_it_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    with progress.shown(100, "image", is_shown=True) as bar:
        bar.update(20)

    assert "--] 20/100 (20%) " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("done", "lines"),
    [
        ((4, 3), ["4/10 (40%)", "7/10 (70%)", "7/7 (100%)"]),
        ((4, 6), ["4/10 (40%)", "10/10 (100%)"]),
        ((4, 8), ["4/10 (40%)", "12/12 (100%)"]),
        ((4, 6, 2), ["4/10 (40%)", "10/10 (100%)", "12/12 (100%)"]),
        ((), []),
    ],
)
def test_at_the_end_all_are_done_however_many_were_counted(capsys, done, lines):
    with progress.shown(10, "image", is_shown=True) as bar:
        for each in done:
            bar.update(each)
        bar.finish()

    assert capsys.readouterr().err.splitlines() == lines


@pytest.mark.parametrize(
    ("done", "end"), [(3, "3/3 (100%)"), (10, "10/10 (100%)"), (12, "12/12 (100%)"), (0, "0/10 (0%)")]
)
def test_at_the_end_a_bar_is_full(capsys, monkeypatch, done, end):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    with progress.shown(10, "image", is_shown=True) as bar:
        bar.update(done)
        bar.finish()

    last = capsys.readouterr().err.rstrip().rpartition("\r")[2]
    assert f"] {end} " in last


def test_nothing_is_shown_at_an_end_that_nobody_waits_for(capsys):
    with progress.shown(5, "image", is_shown=False) as bar:
        bar.finish()

    assert capsys.readouterr().err == ""
