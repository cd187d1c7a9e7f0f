from __future__ import annotations

import io
import json
import signal
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from responsive_img import building, keys, leases, records, workers
from responsive_img.management.commands import responsive_img as command
from responsive_img.sources import SourceRef
from templatetags_tests.test_building import job_for


def call(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("responsive_img", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def add(db):
    """Return a function that records pictures, by default some that wait."""

    def added(*names: str, error: str = "", **values: Any) -> None:
        (spec,) = job_for("w20").specs
        for name in names:
            source = building.source_record(SourceRef("default", name), error=error)
            picture = building.picture_record(keys.picture_key("default", name, spec), source.key, spec)
            records.insert([source], [picture])
            records.picture_model().objects.filter(key=picture.key).update(**values)

    return added


@pytest.fixture
def troubled(add):
    """Pictures in every state; one is being built by nobody any more."""
    now = timezone.now()
    add("new.jpg")
    add("done.jpg", "done-too.jpg", state="ready")
    add("bad.jpg", "gone.jpg", state="failed", error="E: x", not_before=now + timedelta(seconds=60))
    add("busy.jpg", state="building", owner="x", lease_until=now + timedelta(seconds=60))
    add("dead.jpg", state="building", owner="x", lease_until=now - timedelta(seconds=60))


def states() -> dict[str, str]:
    return dict(records.picture_model().objects.values_list("source__name", "state"))


# status ------------------------------------------------------------------------------------------------

STATUS = """\
queued           1
building         2
ready            2
failed           2
stale            1
  bad.jpg: E: x
  gone.jpg: E: x
"""


def test_status_in_words(troubled):
    assert call("status") == STATUS


def test_status_as_json(troubled):
    assert json.loads(call("status", "--format", "json")) == {
        "queued": 1,
        "building": 2,
        "ready": 2,
        "failed": 2,
        "stale": 1,
        "failures": [{"name": "bad.jpg", "error": "E: x"}, {"name": "gone.jpg", "error": "E: x"}],
    }


def test_status_of_nothing(db):
    assert [line.split() for line in call("status").splitlines()] == [
        [state, "0"] for state in ("queued", "building", "ready", "failed", "stale")
    ]


def test_status_names_only_some_failures(add, monkeypatch):
    monkeypatch.setattr(command, "SHOWN_FAILURES", 2)
    add("a.jpg", "b.jpg", "c.jpg", state="failed", error="E")

    assert call("status").count(": E\n") == 2
    assert len(json.loads(call("status", "--format=json"))["failures"]) == 2


def test_a_failure_is_one_line_whatever_its_message(add):
    add("a.jpg", state="failed", error="E: one\ntwo")

    assert len(call("status").splitlines()) == 6


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-on-errors", "1"], "2 picture(s) failed."),
        (["--fail-on-errors", "2"], "2 picture(s) failed."),
        (["--fail-on-errors", "0"], "2 picture(s) failed."),
        (["--fail-on-stale"], "The builders of 1 picture(s) died or hang."),
        (["--fail-on-errors", "3", "--fail-on-stale"], "The builders of 1 picture(s) died or hang."),
        (["--fail-on-errors", "2", "--fail-on-stale"], "2 picture(s) failed."),
    ],
)
def test_status_fails_on_what_it_is_told_to_and_says_all_the_same(troubled, format, arguments, message):
    out = io.StringIO()

    with pytest.raises(CommandError) as raised:
        call_command("responsive_img", "status", "--format", format, *arguments, stdout=out)

    assert (str(raised.value), raised.value.returncode) == (message, 1)
    assert out.getvalue() == call("status", "--format", format)


@pytest.mark.parametrize("arguments", [["--fail-on-errors", "3"], []])
def test_status_does_not_fail_on_less(troubled, arguments):
    assert call("status", *arguments) == STATUS


@pytest.mark.parametrize("most", ["0", "1"])
def test_status_does_not_fail_on_nothing(add, most):
    add("a.jpg", state="building", lease_until=timezone.now() + timedelta(seconds=60))

    assert call("status", "--fail-on-errors", most, "--fail-on-stale")


# requeue -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "queued"),
    [
        ([], {"bad.jpg", "gone.jpg"}),
        (["bad.jpg"], {"bad.jpg"}),
        (["bad.jpg", "gone.jpg", "none.jpg"], {"bad.jpg", "gone.jpg"}),
        (["busy.jpg"], set()),
        (["--include-stale"], {"bad.jpg", "gone.jpg", "busy.jpg", "dead.jpg"}),
        (["--include-stale", "dead.jpg"], {"dead.jpg"}),
    ],
)
def test_pictures_are_queued_again(troubled, arguments, queued):
    before = states()

    out = call("requeue", *arguments)

    assert out == f"{len(queued)} picture(s) queued again.\n"
    assert states() == before | dict.fromkeys(queued, "queued")


def test_queueing_again_is_silent_when_told_so(troubled):
    assert call("requeue", verbosity=0) == ""
    assert "failed" not in states().values()


# build -------------------------------------------------------------------------------------------------


def test_what_is_queued_is_built_and_that_is_said(add, save_file):
    add(save_file("a.jpg"), save_file("b.jpg"))

    out = call("build")

    assert out == "2 source(s) built from, 0 failed.\n"
    assert states() == {"a.jpg": "ready", "b.jpg": "ready"}


def test_nothing_to_build_is_said_too(db):
    assert call("build") == "0 source(s) built from, 0 failed.\n"


@pytest.mark.parametrize("arguments", [["-v", "0", "build"], ["--verbosity", "0", "build"], ["build", "-v0"]])
def test_building_is_silent_when_told_so(add, save_file, capfd, arguments):
    add(save_file("a.jpg"))

    assert call(*arguments) == ""
    assert tuple(capfd.readouterr()) == ("", "")
    assert states() == {"a.jpg": "ready"}


@pytest.mark.parametrize(
    "option",
    [["--settings", "x.y"], ["--no-color"], ["--traceback"], ["--verbosity", "0"], ["--pythonpath", "x"]],
)
@pytest.mark.parametrize("name", ["build", "status", "requeue"])
def test_django_s_own_options_may_stand_behind_the_subcommand(option, name):
    parser = command.Command().create_parser("manage.py", "responsive_img")

    first, last = parser.parse_args([*option, name]), parser.parse_args([name, *option])

    assert vars(first) == vars(last)


@pytest.mark.parametrize("count", ["0", "-1"])
def test_there_is_at_least_one_worker(db, count):
    with pytest.raises(CommandError, match="--workers must be 1 or more"):
        call("build", "--workers", count)


def test_a_subcommand_is_needed(db):
    with pytest.raises(CommandError, match="the following arguments are required: command"):
        call()


def test_building_stops_after_so_many_errors(add, log):
    add("a.jpg", "b.jpg", "c.jpg")
    out = io.StringIO()

    with pytest.raises(CommandError) as raised:
        call_command("responsive_img", "build", "--max-errors", "2", stdout=out)

    assert (str(raised.value), raised.value.returncode) == ("Stopped after 2 failure(s).", 1)
    assert out.getvalue() == "2 source(s) built from, 2 failed.\n"
    assert sorted(states().values()) == ["failed", "failed", "queued"]


def test_fewer_errors_do_not_stop_it(add, log, save_file):
    add("a.jpg", save_file("b.jpg"))

    assert call("build", "--max-errors", "2") == "2 source(s) built from, 1 failed.\n"


@pytest.mark.parametrize(("seconds", "state"), [("30", "ready"), ("90", "building")])
def test_what_another_builds_for_too_long_is_taken_over(add, save_file, seconds, state):
    started = timezone.now() - timedelta(seconds=60)
    lease = started + timedelta(seconds=leases.LEASE)
    add(save_file("a.jpg"), state="building", owner="slow", lease_until=lease, attempts=1)

    call("build", "--stale-after", seconds)

    assert states() == {"a.jpg": state}


def test_without_being_told_so_it_waits_for_the_lease(troubled, save_file):
    save_file("busy.jpg")

    call("build")

    assert states()["busy.jpg"] == "building"


def test_signals_are_as_they_were_when_it_has_ended(add):
    before = signal.getsignal(signal.SIGTERM)
    add("a.jpg")

    with pytest.raises(CommandError):
        call("build", "--max-errors", "1")

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("arguments", [["--max-errors=-1"], ["--stale-after=-5"], ["--stale-after=nan"]])
def test_a_number_below_zero_is_an_error(db, arguments):
    with pytest.raises(CommandError, match="--max-errors and --stale-after must be 0 or more"):
        call("build", *arguments)


def test_several_workers_need_settings_that_other_processes_find(db, monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)

    with pytest.raises(CommandError, match="DJANGO_SETTINGS_MODULE must name them"):
        call("build", "--workers=2")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("verbosity", "is_shown"), [(0, False), (1, True)])
def test_a_terminal_gets_a_progress_bar(add, save_file, monkeypatch, verbosity, is_shown):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    add(save_file("a.jpg"), save_file("b.jpg"))

    call("build", verbosity=verbosity)

    assert ("2/2" in terminal.getvalue()) is is_shown
    assert bool(terminal.getvalue()) is is_shown


@pytest.mark.parametrize("code", [0, 1, 9])
def test_several_workers_are_started_as_it_is_told_and_the_worst_of_their_codes_is_its_own(
    db, monkeypatch, code
):
    asked: list[tuple[Any, ...]] = []

    def work_in_processes(*arguments, **options):
        asked.append((*arguments, options))
        return code

    monkeypatch.setattr(workers, "work_in_processes", work_in_processes)
    arguments = ["--workers=3", "--watch", "--max-errors=5", "--stale-after=1.5"]

    try:
        call("build", *arguments)
        returned = 0
    except CommandError as error:
        returned = error.returncode

    ((count, wanted, stop, options),) = asked
    assert returned == code
    assert (count, wanted) == (3, workers.Wanted(watch=True, max_errors=5, stale_after=1.5, parent=0))
    assert not stop.is_asked_for
    assert options == {"shows_progress": False}


# build_img_queue ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verbosity", "said"), [(0, ""), (1, "1 source(s) built from.\n")])
def test_cron_s_command_builds_what_is_queued_then_ends(add, save_file, verbosity, said):
    add(save_file("a.jpg"))
    out = io.StringIO()

    call_command("build_img_queue", stdout=out, verbosity=verbosity)

    assert (out.getvalue(), states()) == (said, {"a.jpg": "ready"})
