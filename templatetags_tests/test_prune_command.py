from __future__ import annotations

import argparse
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import CommandError, call_command

from responsive_img import records
from responsive_img.management.prune import read_grace
from templatetags_tests.test_images import states
from templatetags_tests.test_pruning import LOST, MONTH, NAME, is_there, pass_by, put, show

pytestmark = pytest.mark.django_db(transaction=True)


def call(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("responsive_img", "prune", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def leftovers(save_file) -> str:
    """Leave a source whose file is gone, and a file that no record lists; return the rendition of the former."""
    shown = show(save_file())
    show(save_file("photos/dog.jpg"))
    Path(default_storage.path(shown)).write_bytes(b"12345")
    default_storage.delete(NAME)
    put(LOST, b"123")
    return shown


def test_it_says_how_much_it_removes(leftovers, monkeypatch):
    first = call()
    pass_by(2 * MONTH, monkeypatch)

    assert first == (
        "1 file(s) of 3 bytes and the records of 0 picture(s) and 0 source(s) were removed; "
        "1 picture(s) wait, 0 left alone.\n"
    )
    assert call() == (
        "1 file(s) of 5 bytes and the records of 1 picture(s) and 1 source(s) were removed; "
        "0 picture(s) wait, 0 left alone.\n"
    )
    assert call(verbosity=0) == ""
    assert call("--format", "json", verbosity=2) == (
        '{"sources": 0, "pictures": 0, "files": 0, "bytes": 0, "waiting": 0, "failed": 0}\n'
    )


def test_it_says_what_it_removes(leftovers):
    lines = [
        f"gone: {NAME} of default\n",
        f"removed: {leftovers} (5 bytes)\n",
        f"removed: {LOST} (3 bytes)\n",
        "2 file(s) of 8 bytes and the records of 1 picture(s) and 1 source(s) were removed; "
        "0 picture(s) wait, 0 left alone.\n",
    ]

    assert call("--grace", "0", "--dry-run") == "".join(lines).replace("were", "would be").replace(
        "removed: ", "would remove: "
    )
    assert is_there(leftovers)
    assert is_there(LOST)
    assert call("--grace", "0", verbosity=2) == "".join(lines)
    assert not is_there(leftovers)
    assert not is_there(LOST)


def test_it_says_which_pictures_nobody_asks_for(photo, settings):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 40}}
    show()

    assert call("--undeclared", "--grace", "0", verbosity=2).startswith(
        f"not asked for: 1 picture(s) of {NAME} of default\n"
    )
    assert states() == []


def test_without_presets_nothing_counts_as_undeclared(photo):
    show()

    with pytest.raises(CommandError, match=r"^--undeclared would remove every picture"):
        call("--undeclared", "--grace", "0")
    assert states() == ["ready"]


def test_a_read_only_process_may_only_look(leftovers, settings):
    settings.RESPONSIVE_IMG_READ_ONLY = True

    with pytest.raises(CommandError, match=r"^RESPONSIVE_IMG_READ_ONLY is on"):
        call("--grace", "0")
    assert json.loads(call("--grace", "0", "--dry-run", "--format", "json"))["files"] == 2
    assert is_there(leftovers)
    assert is_there(LOST)


def test_the_longest_grace_reaches_back_before_everything(leftovers):
    assert json.loads(call("--grace", "99999d", "--format", "json"))["files"] == 0


def test_what_fails_is_counted_and_changes_no_exit_code(leftovers, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("down")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", fail)
        assert json.loads(call("--grace", "0", "--format", "json"))["failed"] == 2
    assert records.source_model().objects.count() == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        ("0", timedelta(0)),
        ("0d", timedelta(0)),
        ("99999d", timedelta(days=99_999)),
    ],
)
def test_a_grace_has_a_unit(text, expected):
    assert read_grace(text) == expected


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5d", "30 d", "1w", "30days", "100000d", "٣d"])
def test_what_is_no_grace_is_refused(text, photo):
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"^write days, hours or minutes: 30d, 12h, 90m or 0"
    ):
        read_grace(text)
    with pytest.raises(CommandError, match=r"argument --grace: write days, hours or minutes"):
        call(f"--grace={text}")
