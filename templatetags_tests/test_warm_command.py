from __future__ import annotations

import io
import json
import re
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections

from responsive_img import ImageWarmer, Img, building, crew, records
from responsive_img.crew import serve
from responsive_img.exceptions import SpecError
from responsive_img.jobs import BuildJob
from responsive_img.management import warm as warm_command
from responsive_img.workers import Stop
from responsive_img.works import READ_ONLY, Work, build
from templatetags_tests.conftest import drawn
from templatetags_tests.models import Photo, Profile
from templatetags_tests.test_building import job_for, row
from templatetags_tests.test_warming import names, turned
from templatetags_tests.test_workers import (
    PATIENCE,
    Site,
    is_dead,
    on_sqlite,
    seen_on_a_terminal,
    until,
)

PRESETS = {
    "card": {"width": 20},
    "wide": {"width": 30},
    "both": ["card", "wide"],
    "one file": {"width": 20, "format": "webp", "densities": "1"},
}
FIELD = "templatetags_tests.Photo.image"
WARM = ("responsive_img", "warm", FIELD, "--preset", "card")
MORE = f"RESPONSIVE_IMG_PRESETS = {PRESETS!r}"
FILES = 4  # of a picture: two formats, two densities


@pytest.fixture(autouse=True)
def _presets(settings):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS


def call(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("responsive_img", "warm", *arguments, stdout=out, **options)
    return out.getvalue()


def call_json(*arguments: str) -> Any:
    return json.loads(call(*arguments, "--format", "json"))


class Gallery(Site):
    """A site whose database has photos."""

    def add(self, *photos: str) -> None:
        for name in photos:
            (self.media / "photos" / name).write_bytes(drawn())
        Photo.objects.using("site").bulk_create([Photo(image=f"photos/{name}") for name in photos])


@contextmanager
def opened(folder: Path, add_database: Any, database: Mapping[str, object]) -> Iterator[Gallery]:
    add_database("site", database)
    with connections["site"].schema_editor() as editor:
        editor.create_model(Photo)
    gallery = Gallery(folder, database, MORE)
    yield gallery
    gallery.close()


@pytest.fixture
def gallery(tmp_path, add_database) -> Iterator[Gallery]:
    with opened(tmp_path, add_database, on_sqlite(tmp_path)) as gallery:
        yield gallery


@pytest.fixture(params=["sqlite", "postgres"])
def any_gallery(request, tmp_path, add_database) -> Iterator[Gallery]:
    """Return one on each database that answers."""
    database = on_sqlite(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres")
    with opened(tmp_path, add_database, database) as gallery:
        yield gallery


def many(count: int) -> list[str]:
    return [f"{number:03}.jpg" for number in range(count)]


def complete_files(gallery: Gallery) -> list[str]:
    return [name for name in gallery.files() if not name.startswith(".ri-")]


# In real processes --------------------------------------------------------------------------------------


def test_a_run_that_is_killed_is_taken_up_where_it_was(any_gallery):
    any_gallery.add(*many(100))
    process = any_gallery.start(*WARM, slowly=0.01)
    until(lambda: len(any_gallery.notes("ended")) >= 30)

    process.kill()
    process.wait()

    states = any_gallery.states()
    done = states["ready"]
    assert 29 <= done < 100
    assert sum(states.values()) <= done + 1  # what it died over
    code, out = any_gallery.run(*WARM, "--format", "json", "-v", "0")
    assert (code, json.loads(out)["failed"]) == (0, [])
    assert json.loads(out)["created"] in {(100 - done) * FILES, (99 - done) * FILES}
    assert any_gallery.states() == {"ready": 100}
    assert any_gallery.built().keys() == set(many(100))
    assert any_gallery.built().total() <= 101
    assert len(complete_files(any_gallery)) == 100 * FILES
    assert any_gallery.run(*WARM, "-v", "0") == (0, "")
    assert any_gallery.built().total() <= 101


def test_a_thousand_sources_with_a_kill_amid_them_are_each_built_once_in_the_same_memory(gallery):
    count, few = 1000, 100
    gallery.add(*many(count))
    warm = ("responsive_img", "warm", FIELD, "--preset", "one file")  # a disk syncs each
    process = gallery.start(*warm)
    until(lambda: len(gallery.notes("ended")) >= count // 2, seconds=10 * PATIENCE)
    process.kill()
    process.wait()
    done = gallery.states()["ready"]

    process = gallery.start(*warm)
    memory: list[tuple[int, int]] = []  # how many are done, and pages
    while process.poll() is None:
        memory.append((len(gallery.notes("ended")) - done, resident(process.pid)))
        time.sleep(0.05)

    assert process.returncode == 0
    assert gallery.states() == {"ready": count}
    assert gallery.built().keys() == set(many(count))
    assert gallery.built().total() <= count + 1  # what it died over
    assert len(complete_files(gallery)) == count
    left = count - done
    first = statistics.median(size for ready, size in memory if few // 2 <= ready <= few)
    last = statistics.median(size for ready, size in memory if left - few <= ready < left)
    assert last <= 1.1 * first


def resident(pid: int) -> int:
    """Return the memory of a process: pages; 0 of one that has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):  # pragma: no cover - it ended a moment ago
        return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_finishes_what_it_builds_when_it_is_told_to_stop(gallery, number, workers):
    gallery.add(*many(30))
    process = gallery.start(*WARM, "--workers", workers, slowly=0.1)
    until(lambda: len(gallery.notes("ended")) >= 3)

    process.send_signal(number)

    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "Stopped before the end. Run it again: it does what is left." in out
    assert gallery.states().keys() == {"ready"}
    assert 3 <= gallery.states()["ready"] < 30
    assert gallery.built().total() == gallery.states()["ready"]
    assert f"{gallery.built().total() * FILES} file(s) written, 0 source(s) failed." in out


def test_several_workers_build_each_source_once_and_one_that_dies_is_replaced(any_gallery):
    any_gallery.add(*many(10), "poison.jpg")

    code, out = any_gallery.run(*WARM, "--workers", "2", "--format", "json", "-v", "0", slowly=0.1)

    reason = "ChildProcessError: the process that built it ended with -9"
    failed = [{"name": "photos/poison.jpg", "reason": reason}]
    assert (code, json.loads(out)) == (0, {"created": 10 * FILES, "failed": failed})
    assert any_gallery.built() == dict.fromkeys(many(10), 1)
    assert len({pid for pid, _ in any_gallery.notes("began")}) >= 2
    assert any_gallery.states() == {"ready": 10, "building": 1}
    for _ in range(2):
        code, out = any_gallery.run(*WARM, "--workers", "2", "--format", "json", "-v", "0")
        assert [each["name"] for each in json.loads(out)["failed"]] == ["photos/poison.jpg"]
    code, out = any_gallery.run(*WARM, "--format", "json", "-v", "0")  # in the one process there is
    assert code == 0
    assert (
        json.loads(out.splitlines()[-1])["failed"][0]["reason"] == "The process that built it died, 3 times."
    )


def test_workers_end_when_their_parent_is_killed(gallery):
    gallery.add(*many(30))
    process = gallery.start(*WARM, "--workers", "2", slowly=0.2)
    until(lambda: len({pid for pid, _ in gallery.notes("began")}) == 2)

    process.kill()
    process.wait()

    pids = {pid for pid, _ in gallery.notes("began")}
    until(lambda: all(is_dead(pid) for pid in pids))
    assert gallery.states().keys() == {"ready"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_terminal_shows_how_far_it_is(gallery, workers):
    gallery.add(*many(6))

    code, seen = seen_on_a_terminal(gallery, *WARM, "--workers", workers)

    assert code == 0
    bars = re.findall(r"\[(#*-*)\] (\d+)/6 \((\d+)%\) ([^,]*), (\S+) left", seen)
    done = [int(count) for _, count, *_ in bars]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 6)
    assert [int(percent) for _, _, percent, *_ in bars] == [round(100 * count / 6) for count in done]
    assert set(bars[-1][0]) == {"#"}
    assert set(bars[0][0]) == {"-"}
    assert any("image/s" in rate or "s/ image" in rate for _, _, _, rate, _ in bars)


def test_a_site_that_does_not_start_is_an_error_of_the_command(gallery, monkeypatch):
    gallery.add("a.jpg")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "site_settings")

    with crew.crew(2) as found, pytest.raises(ChildProcessError, match="does not start, and ended with 1"):
        list(found.outcomes([Work(job=job_for("w20"))], lambda: False))


def test_workers_need_a_settings_module(monkeypatch, photo):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)

    with pytest.raises(SpecError, match="DJANGO_SETTINGS_MODULE must name them"):
        crew.crew(2).__enter__()


def test_in_a_transaction_this_process_builds(photo, monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)

    assert ImageWarmer(Photo.objects.all(), Img(width=20), "image", workers=2).warm() == (FILES, [])


def test_a_work_is_as_json_has_it(db):
    work = Work(
        job=job_for("w20"), again=("a",), built=("b", "c"), stills=True, anew=True, drops_version=True
    )

    again = Work.from_dict(json.loads(json.dumps(work.as_dict())))

    assert json.dumps(again.as_dict()) == json.dumps(work.as_dict())
    assert isinstance(again.job, BuildJob)


def test_a_process_answers_each_work_and_goes_on_after_an_error(photo, monkeypatch):
    works = [Work(job=job_for("w20")), Work(job=job_for("w30"))]
    asked = BytesIO(b"".join(json.dumps(work.as_dict()).encode() + b"\n" for work in works))
    said = BytesIO()
    build_job = building.build_job

    def failing(job: BuildJob, **options: Any) -> set[str]:
        if job == works[0].job:
            raise OperationalError("gone")
        return build_job(job, **options)

    monkeypatch.setattr(building, "build_job", failing)

    serve(asked, said)

    assert [json.loads(line) for line in said.getvalue().splitlines()] == [
        True,
        [0, "OperationalError: gone", []],
        [FILES, "", [row(works[1].job).key]],
    ]


def test_a_process_that_must_not_write_builds_nothing(photo, settings):
    settings.RESPONSIVE_IMG_READ_ONLY = True

    assert build(Work(job=job_for("w20"))) == (0, READ_ONLY, ())


# What it says -------------------------------------------------------------------------------------------


def test_it_says_what_it_has_done(photo, make_photo, capsys):
    make_photo("photos/dog.jpg")
    Path(default_storage.path("photos/dog.jpg")).write_bytes(b"no picture")

    said = call(FIELD, "--preset", "card")

    first, second = said.splitlines()
    assert first == "4 file(s) written, 1 source(s) failed."
    assert second.startswith("  photos/dog.jpg: BuildError: UnidentifiedImageError")
    assert capsys.readouterr().err == "1/2 (50%)\n2/2 (100%)\n"
    assert call(FIELD, "--preset", "card", verbosity=0) == ""
    assert capsys.readouterr().err == ""


def test_it_says_so_as_json(photo, make_photo):
    make_photo("photos/dog.jpg")
    Path(default_storage.path("photos/dog.jpg")).unlink()

    found = call_json(FIELD, "--preset", "card")

    assert found["created"] == 4
    assert [each["name"] for each in found["failed"]] == ["photos/dog.jpg"]
    assert found["failed"][0]["reason"].startswith("SourceError: FileNotFoundError")


def test_of_many_failures_the_first_are_said(make_photo, monkeypatch):
    monkeypatch.setattr(warm_command, "SHOWN_FAILURES", 2)
    for number in range(3):
        make_photo(f"photos/{number}.jpg")
        Path(default_storage.path(f"photos/{number}.jpg")).unlink()

    assert len(call(FIELD, "--preset", "card").splitlines()) == 3


def test_a_dry_run_says_how_much_there_is_to_do(photo, make_photo):
    make_photo("photos/dog.jpg")
    options = (FIELD, "--preset", "both", "--dry-run")

    assert call(*options) == "4 picture(s) of 2 source(s) would be built.\n"
    assert call_json(*options) == {"sources": 2, "pictures": 4}
    assert (names_or_none(), records.picture_model().objects.count()) == ([], 0)
    call(FIELD, "--preset", "both")
    assert call_json(*options) == {"sources": 0, "pictures": 0}


def names_or_none() -> list[str]:
    return names() if Path(default_storage.path("renditions")).exists() else []


def test_its_options_are_those_of_the_warmer(photo, render):
    render("django", '{% img p.image width=33 alt="" %}', {"p": photo})
    assert call_json(FIELD, "--seen")["created"] == 0
    assert call_json(FIELD, "--preset", "card", "--preset", "both", "--seen")["created"] == 2 * FILES
    default_storage.delete("renditions/" + names()[0])

    assert call_json(FIELD, "--preset", "both")["created"] == 0
    assert call_json(FIELD, "--seen", "--verify")["created"] == 1
    assert call_json(FIELD, "--preset", "card", "--force")["created"] == FILES


def test_dimensions_are_corrected(db):
    Profile.objects.create(main_image=turned())

    call("templatetags_tests.Profile.main_image", "--preset", "card", "--fix-dimensions")

    assert Profile.objects.values_list("image_width", "image_height").get() == (40, 60)
    call("templatetags_tests.Person.profile.main_image", "--preset", "card")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((FIELD,), "Say what to build: --preset NAME, or --seen."),
        (
            (FIELD, "--preset", "cart"),
            "Unknown preset 'cart'. Did you mean 'card'? Choices: both, card, one file, wide.",
        ),
        (
            ("templatetags_tests.Photo.imagine", "--preset", "card"),
            "Unknown field of templatetags_tests.Photo 'imagine'. Did you mean 'image'? ",
        ),
        (
            ("templatetags_tests.Photos.image", "--preset", "card"),
            "Unknown model 'templatetags_tests.Photos'. Did you mean 'templatetags_tests.Photo'? ",
        ),
        (("Photo", "--preset", "card"), "Unknown model 'Photo.'. "),
        ((FIELD, "--preset", "card", "--workers", "0"), "--workers must be 1 or more."),
    ],
)
def test_wrong_arguments_are_said(arguments, message, db):
    with pytest.raises(CommandError) as caught:
        call(*arguments)

    assert str(caught.value).startswith(message)


def test_a_process_that_must_not_write_does_not_begin(photo, settings):
    settings.RESPONSIVE_IMG_READ_ONLY = True

    with pytest.raises(CommandError, match="RESPONSIVE_IMG_READ_ONLY is on"):
        call(FIELD, "--preset", "card")
    assert call_json(FIELD, "--preset", "card", "--dry-run") == {"sources": 1, "pictures": 1}
    assert records.picture_model().objects.count() == 0


@pytest.mark.parametrize(("most", "fails"), [("0", True), ("1", True), ("2", False)])
def test_failures_end_it_with_an_error_where_that_is_asked_for(photo, most, fails):
    Path(default_storage.path(photo.image.name)).unlink()

    def run() -> str:
        return call(FIELD, "--preset", "card", "--fail-on-errors", most)

    if fails:
        with pytest.raises(CommandError, match=r"^1 source\(s\) failed\.$"):
            run()
    else:
        assert run().startswith("0 file(s) written")


def test_it_stops_between_sources(photo, make_photo, monkeypatch):
    make_photo("photos/dog.jpg")
    monkeypatch.setattr(
        Stop, "is_asked_for", property(lambda self: bool(names_or_none()), lambda *_: None), raising=False
    )

    with pytest.raises(CommandError, match="Stopped before the end"):
        call(FIELD, "--preset", "card")

    assert Counter(records.picture_model().objects.values_list("state", flat=True)) == {"ready": 1}
