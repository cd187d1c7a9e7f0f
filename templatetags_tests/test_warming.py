from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import time
from copy import copy, deepcopy
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from responsive_img import ImageWarmer, Img, keys, manifest, records, warming
from responsive_img.exceptions import SpecError
from responsive_img.fields import FocalPointField
from responsive_img.headers import Header
from responsive_img.owners import has_ended, new_owner
from responsive_img.runs import ELSEWHERE, FailedSource
from responsive_img.specs import from_text
from responsive_img.variants import every_variant, plan
from templatetags_tests.conftest import drawn
from templatetags_tests.images import encoded, gradient, opened
from templatetags_tests.images import photo as photographed
from templatetags_tests.models import Person, Photo, Product, Profile, Scan
from templatetags_tests.strategies import MAX_SIDE, effective_specs, sizes
from templatetags_tests.test_building import CountingEngine as CountingEngine
from templatetags_tests.test_building import drawings as drawings
from templatetags_tests.test_building import signalled as signalled
from templatetags_tests.test_rows_20_29 import S3
from templatetags_tests.test_rows_20_29 import s3 as s3
from templatetags_tests.test_rows_20_29 import s3_server as s3_server
from templatetags_tests.test_workers import on_sqlite

ONE = Img(width=20, format="webp", densities="1")
PAIR = Img(width=20)  # two formats, two densities


def warm(given: Any = None, key_set: Any = ONE, attr: str = "image", **options: Any) -> Any:
    return ImageWarmer(Photo.objects.all() if given is None else given, key_set, attr, **options).warm()


def names(storage: Any = None) -> list[str]:
    """Return the names of all renditions."""
    folder = Path((storage or default_storage).path("renditions"))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rendition(name: str) -> Image.Image:
    return opened(Path(default_storage.path(f"renditions/{name}")).read_bytes())


def rows() -> Any:
    return records.picture_model().objects


def reasons(failed: list[Any]) -> dict[str, str]:
    return {str(each): each.reason for each in failed}


def animation(format: str, size: tuple[int, int] = (80, 40)) -> bytes:
    frames = [Image.new("RGB", size, colour) for colour in ("navy", "orange")]
    file = BytesIO()
    frames[0].save(file, format, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def test_what_has_failed_is_copied_and_pickled_with_its_reason():
    failed = FailedSource("a.jpg", "gone")

    for copied in (copy(failed), deepcopy(failed), pickle.loads(pickle.dumps(failed))):  # noqa: S301 - our own
        assert (type(copied), copied, copied.reason) == (FailedSource, "a.jpg", "gone")


# What is written ----------------------------------------------------------------------------------------


@given(effective_specs, sizes, sizes, st.sampled_from(["a.jpg", "a.png", "a.webp"]), st.booleans())
def test_every_name_that_follows_from_a_spec_is_a_variant_of_every_source(spec, one, other, name, stills):
    every = every_variant(
        spec, name, Header("jpeg", one, is_animated=False), max_width=MAX_SIDE, stills=stills
    )
    fallback = {"jpg": "jpeg"}.get(name[2:], name[2:])
    of_other = plan(spec, other, fallback=fallback, max_width=MAX_SIDE).variants
    of_one = plan(spec, one, fallback=fallback, max_width=MAX_SIDE).variants

    made = {variant.identity: variant for variant in every}
    assert {variant.identity for variant in (*of_one, *of_other)} <= made.keys()
    assert len(made) == len(every)
    assert [made[variant.identity].size for variant in of_one] == [variant.size for variant in of_one]


def test_every_name_is_written_also_where_two_come_out_alike(make_photo):
    make_photo("small/a.jpg", size=(80, 40))
    make_photo("large/a.jpg", size=(800, 400))
    key_set = [Img(width=60), Img(widths="60 200 400"), Img(height=300, densities="1 1.5 3")]

    assert warm(key_set=key_set) == (2 * 2 * 7, [])  # sources, formats, sides; one is asked for twice

    def of(folder: str) -> list[tuple[str, str]]:
        found = [name.rpartition("/")[2] for name in names() if name.startswith(folder)]
        return sorted((name.split(".")[0], name.split(".")[2]) for name in found)

    assert of("small") == of("large")
    assert warm(key_set=key_set) == (0, [])


def test_what_is_shown_of_a_small_source_is_what_a_normal_build_shows(make_photo, render):
    warmed, built = make_photo("one/a.jpg"), make_photo("two/a.jpg")
    tag = '{% img p.image width=60 densities="1 1.1 2" alt="" %}'
    warm(Photo.objects.filter(pk=warmed.pk), Img(width=60, densities="1 1.1 2"))

    html = [render("django", tag, {"p": each}) for each in (warmed, built)]

    without_digests = [re.sub(r"\w+/a-(\w+)\.\w{8}", r"\1", text) for text in html]
    assert without_digests[0] == without_digests[1]
    texts = rows().order_by("source__name").values_list("renditions", flat=True)
    one, two = (re.sub(r"\w+/a-(\w+)\.\w{8}", r"\1", str(manifest.loads(text))) for text in texts)
    assert one == two


def test_a_name_whose_density_the_source_cannot_fill_is_written_and_not_shown(photo, render):
    assert warm(key_set=Img(width=80)) == (4, [])

    html = render("django", '{% img p.image width=80 alt="" %}', {"p": photo})
    assert sorted(name.split(".")[0] for name in names()) == ["photos/cat-160w"] * 2 + ["photos/cat-80w"] * 2
    assert "160w" not in html
    assert rendition(names()[0]).size == (80, 40)


def test_one_decode_for_all_specs_of_a_source(photo, drawings):
    warm(key_set=[PAIR, Img(width=30), Img(height=10, format="webp")])

    assert drawings.count("decode") == 1


def test_two_rows_share_a_file_and_one_build(photo, make_photo, drawings):
    Photo.objects.create(image=photo.image.name)

    assert warm() == (1, [])
    assert drawings.count("decode") == 1


def test_nothing_is_built_for_the_source_itself(photo):
    assert warm(key_set=[("full", "url")]) == (0, [])
    assert names() == []
    assert not rows().exists()


def test_rows_without_a_file_are_passed_over(photo, capsys):
    Photo.objects.create(title="empty")

    assert warm(verbose=True) == (1, [])
    assert capsys.readouterr().err == "1/2 (50%)\n2/2 (100%)\n"
    assert warm(Photo.objects.get(title="empty")) == (0, [])


def test_a_file_that_is_not_saved_yet_is_passed_over(db):
    assert warm(Photo(image=ContentFile(drawn(), "new.jpg"))) == (0, [])


def test_each_picture_that_is_built_is_announced(photo, make_photo, signalled):
    make_photo("photos/broken.jpg")
    Path(default_storage.path("photos/broken.jpg")).write_bytes(b"no picture")

    warm(key_set=PAIR)

    assert [(kind, job.name) for kind, _, job, _ in signalled] == [
        ("built", "photos/cat.jpg"),
        ("failed", "photos/broken.jpg"),
    ]


def test_a_crop_keeps_the_focal_point_of_its_row(db, page, our_queries):
    for name, point in (("ann", "10% 20%"), ("bob", "90% 20%"), ("eve", "")):
        Person.objects.create(
            name=name, headshot=ContentFile(drawn(), f"{name}.jpg"), headshot_point=point or None
        )
    Profile.objects.create(person=Person.objects.get(name="ann"))

    warm(Person.objects.all(), [("square", "20x20")], "headshot")
    warm(Profile.objects.all(), [("square", "30x30")], "person.headshot")

    points = list(rows().values_list("spec", flat=True))
    assert sorted(str(from_text(text).focal) for text in points) == [
        "10% 20%", "10% 20%", "50% 50%", "90% 20%",
    ]  # fmt: skip
    tag = '{% for p in people %}{% img p.headshot width=20 height=20 alt="" %}{% endfor %}'
    with our_queries() as queries:
        response = page("django", tag, {"people": list(Person.objects.all())})
    assert (queries, response.responsive_img_pending) == ([], 0)
    assert isinstance(Person._meta.get_field("headshot_point"), FocalPointField)


# Pages that trust the warmer ----------------------------------------------------------------------------


ASKED = [
    ("width=60", Img(width=60)),
    ('widths="20 100 900" ratio="1/1"', Img(widths="20 100 900", ratio="1/1")),
    ('height=50 densities="1 1.05 2 3"', Img(height=50, densities="1 1.05 2 3")),
    ('width=4000 formats="avif webp"', Img(width=4000, formats="avif webp")),
    ("", Img()),
    ("width=300 height=200 upscale=True", Img(width=300, height=200, upscale=True)),
]


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize("model", [Profile, Product], ids=["size", "no size"])
def test_every_url_of_a_page_that_looks_nothing_up_answers(db, page, settings, our_queries, language, model):
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    contents = {
        "large.jpg": drawn((1200, 600)),
        "small.jpg": drawn((30, 40)),
        "turned.jpg": photographed(gradient(40, 60), 6),
        "flat.png": drawn((120, 10), "PNG"),
        "same.webp": drawn((90, 90), "WEBP"),
        "moving.webp": animation("webp"),
        "moving.gif": animation("gif"),
    }
    for name, content in contents.items():
        model.objects.create(main_image=ContentFile(content, name))

    created, failed = warm(model.objects.all(), [img for _, img in ASKED], "main_image")

    assert failed == []
    tags = "".join(f'{{% img row.main_image {told} alt="" %}}' for told, _ in ASKED)
    table = list(model.objects.all())
    with our_queries() as queries:
        response = page(language, f"{{% for row in table %}}{tags}{{% endfor %}}", {"table": table})
    urls = set(re.findall(r"/media/([^ \",]+)", response.content.decode()))
    assert [url for url in urls if not default_storage.exists(url)] == []
    assert len(urls) > 100
    assert created >= len(urls) - len(contents)
    assert queries == []


def test_of_an_animation_stills_are_written_where_pages_look_nothing_up(db, settings):
    for format in ("gif", "webp"):
        name = default_storage.save(f"photos/{format}.{format}", ContentFile(animation(format)))
        Photo.objects.create(image=name)

    assert warm(key_set=Img(width=20, densities="1")) == (0, [])
    assert names() == []
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    assert warm(key_set=Img(width=20, densities="1")) == (1, [])
    assert [name.split(".")[0] for name in names()] == ["photos/webp-20w"]
    assert warm(key_set=Img(width=20, densities="1")) == (0, [])
    assert [manifest.loads(each).src for each in rows().values_list("renditions", flat=True)] == ["", ""]  # type: ignore[union-attr]


def test_what_a_format_cannot_hold_is_written_smaller(db, settings):
    content = encoded(Image.new("RGB", (20, 16_500), "navy"), "JPEG")
    Photo.objects.create(image=default_storage.save("photos/tall.jpg", ContentFile(content)))

    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    assert warm(key_set=Img(width=20, densities="1")) == (2, [])
    webp = next(name for name in names() if name.endswith("webp"))
    assert rendition(webp).size == (20, 16_383)


def test_names_have_no_version_where_pages_look_nothing_up(photo, settings):
    warm()
    of_first = names()
    records.replace(keys.source_key("default", photo.image.name), "2")
    warm()
    assert len(names()) == 2
    Path(default_storage.path("renditions/" + of_first[0])).write_bytes(b"of another content")

    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    assert warm() == (1, [])

    assert rendition(of_first[0]).size == (20, 10)
    assert set(records.source_model().objects.values_list("version", flat=True)) == {""}
    assert len(names()) == 2
    assert warm() == (0, [])


def test_names_are_those_of_the_settings_now_where_pages_look_nothing_up(photo, settings):
    warm()
    settings.RESPONSIVE_IMG_DIRECTORY = "elsewhere"

    assert warm() == (0, [])
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    assert warm() == (1, [])
    assert default_storage.listdir("elsewhere/photos")[1] != []


# What is left to do -------------------------------------------------------------------------------------


def test_what_is_built_is_found_by_two_queries_and_not_built_again(
    photo, make_photo, our_queries, storage_calls
):
    make_photo("photos/dog.jpg")
    assert warm() == (2, [])
    storage_calls.clear()

    with our_queries() as queries:
        assert warm() == (0, [])

    assert len(queries) == 2
    assert storage_calls == {}


def test_of_what_is_built_in_part_the_rest_is_written(photo):
    warm(key_set=PAIR)
    default_storage.delete("renditions/" + names()[0])
    (text,) = rows().values_list("renditions", flat=True)
    part = re.sub(r", ?<40w\S+ 2x", "", text)
    assert part != text
    rows().update(state="queued", renditions=part)

    assert warm(key_set=PAIR) == (2, [])


def test_of_a_source_without_a_size_the_records_are_believed(photo):
    warm(key_set=Img(width=80))
    records.source_model().objects.update(width=None)

    assert warm(key_set=Img(width=80), verify=True) == (0, [])


def test_what_pages_have_built_counts(photo, render):
    render("django", '{% img p.image width=20 format="webp" densities="1" alt="" %}', {"p": photo})

    assert warm() == (0, [])
    assert warm(key_set=[ONE, Img(width=30, format="webp", densities="1")]) == (1, [])


def test_the_cache_is_filled_with_what_was_built_before(photo, page, our_queries):
    warm(key_set=PAIR)
    cache.clear()
    warm(key_set=PAIR)

    with our_queries() as queries:
        page("django", '{% img p.image width=20 alt="" %}', {"p": photo})

    assert queries == []


@pytest.mark.parametrize("state", ["queued", "failed"])
def test_what_waits_or_has_failed_is_built_now(photo, state):
    warm()
    later = timezone.now() + timedelta(hours=1)
    rows().update(state=state, renditions="", not_before=later, lease_until=later)
    records.source_model().objects.update(state="failed" if state == "failed" else "known", retry_at=later)

    assert warm() == (1, [])
    assert rows().get().state == "ready"
    assert records.source_model().objects.get().state == "known"


def test_a_record_that_cannot_be_read_is_built_anew(photo):
    warm()
    rows().update(renditions="[]")

    assert warm() == (1, [])


def test_row_15_a_deleted_file_is_found_when_the_storage_is_asked(photo):
    warm(key_set=PAIR)
    before = names()
    for name in (before[0], before[2]):
        default_storage.delete("renditions/" + name)

    assert warm(key_set=PAIR) == (0, [])
    assert warm(key_set=PAIR, verify=True) == (2, [])
    assert names() == before
    assert warm(key_set=PAIR, verify=True) == (0, [])


def test_a_file_that_no_record_tells_of_is_always_asked_for(photo):
    warm(key_set=Img(width=80))
    before = names()
    default_storage.delete("renditions/" + next(name for name in before if "-160w." in name))

    assert warm(key_set=Img(width=80)) == (1, [])
    assert names() == before


def test_a_file_that_two_specs_share_is_asked_for_with_either(photo):
    key_set = [Img(width=80, format="webp"), Img(width=160, upscale=False, format="webp", densities="1")]
    warm(key_set=key_set)
    for name in names():
        default_storage.delete("renditions/" + name)

    assert warm(key_set=key_set, verify=True) == (2, [])
    assert warm(key_set=key_set) == (0, [])


class OtherStorage(FileSystemStorage):
    """Saves in its own way, so that files are uploaded to it."""

    def _save(self, name: str, content: Any) -> str:
        return str(super()._save(name, content))  # type: ignore[misc]  # Django's stubs leave it out


@pytest.mark.parametrize(
    "backend", ["django.core.files.storage.FileSystemStorage", f"{__name__}.OtherStorage"]
)
def test_by_force_everything_is_written_again(photo, settings, backend):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}
    warm(key_set=PAIR)
    for name in names():
        path = Path(default_storage.path("renditions/" + name))
        path.write_bytes(bytes(path.stat().st_size))

    assert warm(key_set=PAIR, verify=True) == (0, [])
    assert warm(key_set=PAIR, force=True) == (4, [])
    assert {rendition(name).width for name in names()} == {20, 40}
    assert set(rows().values_list("state", flat=True)) == {"ready"}


def test_how_much_is_left_is_counted_without_a_change(photo, make_photo, our_queries):
    make_photo("photos/dog.jpg")
    warmer = ImageWarmer(Photo.objects.all(), [ONE, PAIR], "image")

    with our_queries() as queries:
        assert warmer.count() == (2, 4)

    assert not [sql for sql in queries if not sql.startswith("SELECT")]
    assert names() == []
    warmer.warm()
    assert warmer.count() == (0, 0)


def test_it_stops_when_it_is_asked_to(photo, make_photo):
    for number in range(4):
        make_photo(f"photos/{number}.jpg")

    found = ImageWarmer(Photo.objects.all(), ONE, "image").warm(should_stop=lambda: len(names()) == 2)

    assert found == (2, [])
    assert warm() == (3, [])


# What fails ---------------------------------------------------------------------------------------------


def test_each_source_that_cannot_be_built_is_named_once_with_its_reason(photo, db, log):
    default_storage.save("photos/text.jpg", ContentFile(b"no picture"))
    for name in ("photos/text.jpg", "photos/gone.jpg", "../out.jpg", "photos/text.jpg"):
        Photo.objects.create(image=name)

    created, failed = warm(key_set=[ONE, PAIR])

    assert created == 4
    assert [type(name).__mro__[1] for name in failed] == [str] * 3
    assert reasons(failed).keys() == {"photos/text.jpg", "photos/gone.jpg", "../out.jpg"}
    assert reasons(failed)["photos/text.jpg"].startswith("BuildError: UnidentifiedImageError")
    assert reasons(failed)["photos/gone.jpg"].startswith("SourceError: FileNotFoundError")
    assert reasons(failed)["../out.jpg"].startswith("Not the name of a file in a storage")
    assert reasons(warm(key_set=[ONE, PAIR])[1]) == reasons(failed)


def test_a_source_that_was_repaired_is_built(photo):
    path = Path(default_storage.path(photo.image.name))
    content = path.read_bytes()
    path.write_bytes(b"no picture")
    assert warm()[1] == [photo.image.name]
    path.write_bytes(content)

    assert warm() == (1, [])


@pytest.mark.parametrize("limit", ["MAX_SOURCE_PIXELS", "MAX_SOURCE_BYTES"])
def test_a_source_over_the_limits_is_named_until_they_are_raised(photo, settings, limit):
    setattr(settings, f"RESPONSIVE_IMG_{limit}", 100)

    for _ in range(2):
        created, failed = warm()
        assert (created, failed) == (0, [photo.image.name])
        assert limit in failed[0].reason
        assert rows().get().state == "ready"

    setattr(settings, f"RESPONSIVE_IMG_{limit}", 10_000_000)
    assert warm() == (1, [])


def test_a_storage_that_fails_is_named_and_the_files_before_count(photo, make_photo, settings, monkeypatch):
    make_photo("photos/dog.jpg")
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.OtherStorage"}}
    saved: list[str] = []

    def failing(self: Any, name: str, content: Any) -> str:
        saved.append(name)
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        return str(FileSystemStorage._save(self, name, content))  # type: ignore[attr-defined]  # as above

    monkeypatch.setattr(OtherStorage, "_save", failing)

    created, failed = warm(key_set=PAIR)

    assert (created, reasons(failed)) == (
        1 + 4,
        {"photos/cat.jpg": "OSError: [Errno 28] No space left on device"},
    )
    assert warm(key_set=PAIR) == (4, [])


def test_a_storage_that_does_not_answer_is_a_reason(photo, make_photo, monkeypatch):
    make_photo("photos/dog.jpg")
    warm(key_set=PAIR)
    exists = FileSystemStorage.exists

    def failing(self: Any, name: str) -> bool:
        if "cat" in name:
            raise ConnectionError("no answer")
        return exists(self, name)

    monkeypatch.setattr(FileSystemStorage, "exists", failing)

    created, failed = warm(key_set=PAIR, verify=True)

    assert (created, reasons(failed)) == (0, {"photos/cat.jpg": "ConnectionError: no answer"})


def test_what_has_killed_its_builders_is_named_and_left_alone_but_by_force(photo):
    warm()
    past = timezone.now() - timedelta(seconds=1)
    rows().update(state="building", lease_until=past, attempts=3, renditions="", owner="x")

    for _ in range(2):
        assert reasons(warm()[1]) == {photo.image.name: "The process that built it died, 3 times."}
    assert warm(force=True) == (1, [])
    assert rows().get().attempts == 0


# Others -------------------------------------------------------------------------------------------------


def lease(seconds: float, owner: str = "somebody") -> None:
    rows().update(
        state="building",
        owner=owner,
        attempts=1,
        renditions="",
        lease_until=timezone.now() + timedelta(seconds=seconds),
    )


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def test_what_a_process_of_this_machine_has_died_over_is_built_at_once(photo):
    warm()
    lease(100, new_owner().replace(str(os.getpid()), str(ended_process())))

    started = time.monotonic()
    assert warm() == (1, [])
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("owner", ["", "x", "x-5-y", "0" * 32])
def test_of_an_owner_elsewhere_nobody_can_tell_whether_it_has_ended(owner):
    assert not has_ended(owner)


def test_an_owner_tells_whether_its_process_has_ended(monkeypatch):
    assert len(new_owner()) == 32
    assert new_owner() != new_owner()
    assert not has_ended(new_owner())
    assert has_ended(new_owner().replace(f"-{os.getpid()}-", f"-{ended_process()}-"))

    def refused(number: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert not has_ended(new_owner())


def test_what_somebody_else_builds_is_waited_for_until_the_lease_ends(photo):
    warm()
    lease(0.6)

    assert warm() == (1, [])


def test_by_force_what_was_written_once_is_not_again_while_another_picture_is_waited_for(photo):
    key_set = [ONE, Img(width=30, format="webp", densities="1")]
    warm(key_set=key_set)
    later = timezone.now() + timedelta(seconds=0.6)
    rows().filter(spec__startswith="w30").update(state="building", owner="somebody", lease_until=later)

    assert warm(key_set=key_set, force=True) == (2, [])


def test_what_somebody_else_has_built_meanwhile_is_not_built_again(photo, monkeypatch):
    warm(key_set=Img(width=80))
    (text,) = rows().values_list("renditions", flat=True)
    lease(100)
    default_storage.delete("renditions/" + next(name for name in names() if "-160w." in name))

    def finish(seconds: float) -> None:
        rows().update(state="ready", owner="", renditions=text, lease_until=None, attempts=0)

    monkeypatch.setattr(time, "sleep", finish)

    # But for the file that they had no reason to build.
    assert warm(key_set=Img(width=80)) == (1, [])


def test_what_somebody_else_goes_on_building_is_named(photo, monkeypatch):
    warm()
    lease(100)
    monkeypatch.setattr(warming, "PATIENCE", 0)

    assert reasons(warm()[1]) == {photo.image.name: ELSEWHERE}
    lease(100)
    monkeypatch.undo()
    assert reasons(warm(Photo.objects.get())[1]) == {
        photo.image.name: ELSEWHERE
    }  # nobody waits for an instance's


def test_a_source_that_is_replaced_while_it_is_built_is_built_again(photo, drawings, monkeypatch):
    def replace() -> None:
        monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))
        records.replace(keys.source_key("default", photo.image.name), "2")

    warm(key_set=Img(width=30))
    monkeypatch.setattr(CountingEngine, "before", staticmethod(replace))

    created, failed = warm()

    assert (created, failed) == (2, [])
    assert rows().get(spec__contains="w20").state == "ready"
    assert manifest.loads(rows().get(spec__contains="w20").renditions).version == "2"  # type: ignore[union-attr]


def test_a_process_that_must_not_write_names_what_is_missing(photo, make_photo, settings, log):
    warm()
    make_photo("photos/dog.jpg")
    settings.RESPONSIVE_IMG_READ_ONLY = True
    before = names(), list(rows().order_by("pk").values())

    created, failed = warm()

    assert (created, list(reasons(failed))) == (0, ["photos/dog.jpg"])
    assert "RESPONSIVE_IMG_READ_ONLY" in failed[0].reason
    assert (names(), list(rows().order_by("pk").values())) == before
    assert log() == ["The warmer builds nothing: RESPONSIVE_IMG_READ_ONLY is on."]


# Whose files --------------------------------------------------------------------------------------------


def test_the_bar_of_rows_that_a_join_repeats_ends_full(db, save_file, monkeypatch, capsys):
    monkeypatch.setattr(warming, "ROWS", 2)
    for name in ("a", "b"):
        product = Product.objects.create(main_image=save_file(f"products/{name}.jpg"))
        for _ in range(3):
            Profile.objects.create(product=product)
    joined = Product.objects.filter(profile__isnull=False)

    assert warm(joined, ONE, "main_image", verbose=True) == (2, [])

    assert joined.count() == 6
    assert capsys.readouterr().err == "2/6 (33%)\n4/6 (67%)\n4/4 (100%)\n"


def test_the_bar_of_a_run_that_is_stopped_stays_where_it_is(photo, make_photo, monkeypatch, capsys):
    make_photo("photos/dog.jpg")
    monkeypatch.setattr(warming, "ROWS", 1)
    warmer = ImageWarmer(Photo.objects.all(), ONE, "image", verbose=True)

    assert warmer.warm(should_stop=lambda: bool(names())) == (1, [])

    assert capsys.readouterr().err == "1/2 (50%)\n"


@pytest.fixture
def five(make_photo, monkeypatch):
    monkeypatch.setattr(warming, "ROWS", 2)
    return [make_photo(f"photos/{number}.jpg") for number in range(5)]


@pytest.mark.parametrize(
    ("queryset", "count"),
    [
        (lambda: Photo.objects.all(), 5),
        (lambda: Photo.objects, 5),
        (lambda: Photo.objects.order_by("-title", "-pk"), 5),
        (lambda: Photo.objects.order_by("pk").reverse(), 5),
        (lambda: Photo.objects.order_by("-pk")[:3], 3),
        (
            lambda: Photo.objects.filter(image__contains="3").union(
                Photo.objects.filter(image__contains="4")
            ),
            2,
        ),
        (lambda: Photo.objects.only("title").distinct(), 5),
        (lambda: Photo.objects.none(), 0),
        (lambda: Photo.objects.exclude(image__contains="0"), 4),
    ],
    ids=["all", "manager", "ordered", "reversed", "slice", "union", "deferred", "none", "filtered"],
)
def test_a_queryset_is_read_in_parts(five, queryset, count):
    assert warm(queryset()) == (count, [])
    assert len(names()) == count


def test_related_rows_are_not_read_where_they_are_not_asked_for(db, django_assert_num_queries):
    product = Product.objects.create()
    for _ in range(3):
        Profile.objects.create(product=product)
    profiles = Profile.objects.select_related("product").prefetch_related("person")

    with django_assert_num_queries(1):
        assert warm(profiles, ONE, "main_image") == (0, [])


def test_a_queryset_of_many_specs_is_read_in_smaller_parts(five, monkeypatch, our_queries):
    monkeypatch.setattr(warming, "PICTURES", 2)

    assert warm(key_set=[PAIR, Img(width=30), Img(width=40)])[1] == []
    assert warm(key_set=[PAIR, Img(width=30), Img(width=40)]) == (0, [])


@pytest.mark.parametrize(
    ("attr", "message"),
    [
        (
            "headshit",
            "Unknown field of templatetags_tests.Person 'headshit'. Did you mean 'headshot'? Choices: ",
        ),
        (
            "profil.main_image",
            "Unknown field of templatetags_tests.Person 'profil'. Did you mean 'profile'? ",
        ),
        ("name", "templatetags_tests.Person.name has no files: name an image field."),
        ("profile", "templatetags_tests.Person.profile has no files: name an image field."),
        (
            "name.image",
            "templatetags_tests.Person.name is no foreign key or one-to-one, so it leads to no one file.",
        ),
        ("profile.image", "Unknown field of templatetags_tests.Profile 'image'. Did you mean 'main_image'? "),
        ("", "Unknown field of templatetags_tests.Person ''. Choices: "),
        (None, "'image_attr' must be the name of a field, not None."),
    ],
)
def test_a_wrong_attribute_says_what_it_may_be(attr, message):
    with pytest.raises(SpecError) as caught:
        ImageWarmer(Person.objects.all(), ONE, attr)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("given", [None, [1], Photo, "photos/cat.jpg"])
def test_what_has_no_files_is_refused(given):
    with pytest.raises(SpecError, match="takes an instance or a queryset"):
        ImageWarmer(given, ONE, "image")


def test_a_key_set_is_refused_before_anything_is_read(settings):
    with pytest.raises(SpecError, match="MAX_WIDTH"):
        ImageWarmer(Photo.objects.all(), [("a", "5000x10")], "image")
    settings.RESPONSIVE_IMG_PRESETS = {"card": {}}
    with pytest.raises(SpecError, match="Did you mean 'card'"):
        ImageWarmer(Photo.objects.all(), "cart", "image")


@pytest.mark.parametrize("value", ["2", 2.0, None, True, [2]])
def test_workers_are_a_whole_number(value):
    with pytest.raises(SpecError) as caught:
        ImageWarmer(Photo.objects.all(), ONE, "image", workers=value)

    assert str(caught.value) == f"'workers' must be a whole number, not {value!r}."


@pytest.mark.parametrize("name", ["verbose", "force", "verify", "fix_dimensions", "seen"])
@pytest.mark.parametrize("value", ["no", "", 1, None])
def test_a_flag_is_true_or_false(name, value):
    with pytest.raises(SpecError) as caught:
        ImageWarmer(Person.objects.all(), ONE, "headshot", **{name: value})

    assert str(caught.value) == f"'{name}' must be True or False, not {value!r}."


@pytest.mark.parametrize("workers", [1, 0, -1])
def test_up_to_one_worker_is_this_process(photo, monkeypatch, workers):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")

    assert warm(workers=workers) == (1, [])


def test_files_of_a_storage_that_is_no_alias_are_warmed(db):
    scan = Scan.objects.create(image=ContentFile(drawn(), "a.jpg"))

    assert warm(Scan.objects.all()) == (1, [])
    assert len(names(scan.image.storage)) == 1
    assert records.source_model().objects.get().storage == "templatetags_tests.Scan.image"


# What pages have asked for ------------------------------------------------------------------------------


def test_what_pages_have_asked_of_a_field_is_built_for_its_new_files(photo, make_photo, save_file, render):
    tags = '{% img p.image width=20 alt="" %}{% img p.image widths="20 40" alt="" %}{% img p.image height=9 format="webp" alt="" %}'
    render("django", tags, {"p": photo})
    render(
        "django",
        '{% img p.main_image width=33 alt="" %}',
        {"p": Product.objects.create(main_image=save_file())},
    )
    new = make_photo("photos/dog.jpg")

    created, failed = warm(Photo.objects.filter(pk=new.pk), (), seen=True)

    assert (created, failed) == (6, [])
    specs = rows().filter(source__name=new.image.name).values_list("spec", flat=True)
    assert set(specs) == set(rows().filter(source__name=photo.image.name).values_list("spec", flat=True))


def test_a_point_that_pages_have_asked_for_is_no_other_pictures(db, render):
    ann = Person.objects.create(headshot=ContentFile(drawn(), "ann.jpg"), headshot_point="10% 20%")
    bob = Person.objects.create(headshot=ContentFile(drawn(), "bob.jpg"), headshot_point="90% 20%")
    tag = '{% img p.headshot width=20 height=20 alt="" %}'
    render("django", tag, {"p": ann})

    warm(Person.objects.all(), (), "headshot", seen=True)

    assert rows().count() == 2
    assert rows().get(source__name=bob.headshot.name).spec.endswith(";m0.9,0.2")


def test_what_pages_cannot_ask_for_any_more_is_left_out(photo, settings, render):
    render("django", '{% img p.image width=200 alt="" %}{% img p.image width=20 alt="" %}', {"p": photo})
    settings.RESPONSIVE_IMG_MAX_WIDTH = 100
    rows().filter(spec__startswith="w200").update(spec="?")
    rows().exclude(spec="?").delete()

    assert ImageWarmer(Photo.objects.all(), (), "image", seen=True).count() == (0, 0)


# Dimensions ---------------------------------------------------------------------------------------------


def turned() -> ContentFile[bytes]:
    """Return a picture that is stored as 60 × 40 px and shown as 40 × 60."""
    return ContentFile(photographed(gradient(40, 60), 6), "turned.jpg")


def stored_size(profile: Profile) -> tuple[int | None, int | None]:
    return Profile.objects.values_list("image_width", "image_height").get(pk=profile.pk)


def test_the_oriented_size_is_written_where_it_differs(db):
    profile = Profile.objects.create(main_image=turned())
    upright = Profile.objects.create(main_image=ContentFile(drawn(), "upright.jpg"))
    Profile.objects.create()
    assert stored_size(profile) == (60, 40)

    warm(Profile.objects.all(), ONE, "main_image")
    assert stored_size(profile) == (60, 40)
    with CaptureUpdates() as updates:
        assert warm(Profile.objects.all(), PAIR, "main_image", fix_dimensions=True) == (8, [])
        assert warm(Profile.objects.all(), ONE, "main_image", fix_dimensions=True) == (0, [])

    assert stored_size(profile) == (40, 60)
    assert stored_size(upright) == (80, 40)
    assert len(updates) == 1


class CaptureUpdates(list[str]):
    """The updates of profiles."""

    def __enter__(self) -> list[str]:
        self._wrapper = connection.execute_wrapper(self._note)
        self._wrapper.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._wrapper.__exit__(*error)

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('UPDATE "templatetags_tests_profile"'):
            self.append(sql)
        return execute(sql, params, many, context)


def test_the_oriented_size_is_written_over_relations_and_into_the_instance(db):
    profile = Profile.objects.create(main_image=turned(), person=Person.objects.create())

    warm(Person.objects.all(), ONE, "profile.main_image", fix_dimensions=True)
    assert stored_size(profile) == (40, 60)
    Profile.objects.update(image_width=1, image_height=60)
    profile = Profile.objects.get()
    warm(profile, ONE, "main_image", fix_dimensions=True)
    assert stored_size(profile) == (40, 60)
    assert (profile.image_width, profile.image_height) == (40, 60)


def test_a_size_is_not_written_over_that_of_another_file(db, drawings, monkeypatch):
    profile = Profile.objects.create(main_image=turned())

    def change() -> None:
        Profile.objects.update(main_image="profiles/other.jpg", image_width=5, image_height=6)

    monkeypatch.setattr(CountingEngine, "before", staticmethod(change))
    warm(Profile.objects.all(), ONE, "main_image", fix_dimensions=True)

    assert stored_size(profile) == (5, 6)


def test_a_size_that_nobody_could_read_is_not_written(db):
    Profile.objects.create(main_image="profiles/gone.jpg", image_width=5, image_height=6)
    Profile.objects.create(main_image="../out.jpg", image_width=5, image_height=6)

    assert len(warm(Profile.objects.all(), ONE, "main_image", fix_dimensions=True)[1]) == 2
    assert set(Profile.objects.values_list("image_width", "image_height")) == {(5, 6)}


def test_sizes_are_written_where_the_queryset_reads(tmp_path, add_database):
    add_database("other", on_sqlite(tmp_path))
    with connections["other"].schema_editor() as editor:
        for model in (Person, Product, Profile):
            editor.create_model(model)
    profile = Profile.objects.using("other").create(main_image=turned())

    warm(Profile.objects.using("other"), ONE, "main_image", fix_dimensions=True)

    profile.refresh_from_db()
    assert (profile.image_width, profile.image_height) == (40, 60)
    assert (str(Product(name="Cup")), str(profile)) == ("Cup", "profiles/turned.jpg")


def test_dimension_fields_must_be_there_to_be_corrected():
    with pytest.raises(SpecError, match=r"Photo\.image has neither 'width_field' nor 'height_field'"):
        ImageWarmer(Photo.objects.all(), ONE, "image", fix_dimensions=True)


# Elsewhere ----------------------------------------------------------------------------------------------


def test_on_s3_everything_is_written_once_and_found_again(make_photo, s3: S3):
    s3.use()
    for number in range(3):
        make_photo(f"photos/{number}.jpg")

    assert warm(key_set=Img(width=80)) == (12, [])
    before = s3.names()
    assert len(before) == 3 + 12
    s3.calls.clear()
    assert warm(key_set=Img(width=20, format="webp", densities="1")) == (3, [])
    written = s3.calls["PUT"]
    s3.calls.clear()
    assert warm(key_set=Img(width=20, format="webp", densities="1")) == (0, [])

    assert (written, dict(s3.calls)) == (3, {})
    default_storage.delete(next(name for name in before if "-80w." in name))
    assert warm(key_set=Img(width=80), verify=True) == (1, [])
    assert set(before) <= set(s3.names())
