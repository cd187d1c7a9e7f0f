from __future__ import annotations

import asyncio
import re
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as conf_settings
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import LazyObject

from responsive_img import building, conf, engine, records, sources
from responsive_img.collector import Collector
from responsive_img.hooks import run
from responsive_img.manifest import READY
from responsive_img.resolution import UNKNOWN, look_up
from templatetags_tests.conftest import RENDITION, drawn
from templatetags_tests.models import Scan, VaultStorage

IMG = '{% img photo.image width=20 format="webp" densities="1" alt="A cat" %}'
REST = ' alt="A cat" loading="lazy" decoding="async">'
MARKUP = f'<img src="/media/{RENDITION}" width="20" height="10"{REST}'
SOURCE = f'<img src="/media/photos/cat.jpg"{REST}'
SOURCE_WITH_SIZE = f'<img src="/media/photos/cat.jpg" width="20" height="10"{REST}'
BOXED = '{% img photo.image width=20 height=15 format="webp" densities="1" alt="A cat" %}'


class FailingEngine(engine.PillowEngine):
    """An engine that reads headers, and fails when it is to make something."""

    def render(self, file, variants):
        raise MemoryError("no more")


def text(response: HttpResponse) -> str:
    assert response.status_code == 200
    return response.content.decode()


def empty(content):
    return content[:0]


def half(content):
    return content[: len(content) // 2]


def words(content):
    return b"<html>not a picture</html>"


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize("broken", [empty, words, half])
def test_a_broken_source_is_shown_as_it_is_and_said_once(page, photo, log, language, broken):
    with default_storage.open("photos/cat.jpg", "wb") as file:
        file.write(broken(drawn(quality=95)))

    pages = [text(page(language, IMG, {"photo": photo})) for _ in range(3)]

    assert set(pages) == ({SOURCE_WITH_SIZE} if broken is half else {SOURCE})
    assert len(log()) == 1
    assert log()[0].startswith(
        "Cannot build photos/cat.jpg of templatetags_tests.Photo.image, next try in 300 s: BuildError: "
    )
    assert not default_storage.exists("renditions")


def test_a_missing_source_is_shown_as_it_is_and_said_once(page, photo, log):
    default_storage.delete("photos/cat.jpg")

    responses = [page("django", IMG, {"photo": photo}) for _ in range(3)]

    assert {text(response) for response in responses} == {SOURCE}
    assert {response.responsive_img_pending for response in responses} == {0}
    assert len(log()) == 1
    assert log()[0].startswith(
        "Cannot build photos/cat.jpg of templatetags_tests.Photo.image, next try in 300 s: "
        "SourceError: FileNotFoundError: "
    )


def test_a_broken_source_keeps_the_size_that_follows_from_the_arguments(page, photo):
    default_storage.delete("photos/cat.jpg")

    html = text(page("django", BOXED, {"photo": photo}))

    assert html == f'<img src="/media/photos/cat.jpg" width="20" height="15"{REST}'


def test_a_source_that_appears_is_built_after_the_retry_time(page, photo, log):
    default_storage.delete("photos/cat.jpg")
    page("django", IMG, {"photo": photo})
    default_storage.save("photos/cat.jpg", ContentFile(drawn()))
    too_early = text(page("django", IMG, {"photo": photo}))

    records.picture_model().objects.update(not_before=timezone.now())
    caches["default"].clear()
    html = text(page("django", IMG, {"photo": photo}))

    assert too_early == SOURCE
    assert html == MARKUP
    assert len(log()) == 1
    row = records.picture_model().objects.get()
    assert (row.state, row.attempts, row.owner, row.not_before) == ("ready", 0, "", None)
    assert records.source_model().objects.get().state == "known"


def test_another_spec_of_a_failed_source_is_not_tried_before_its_retry_time(page, photo, log):
    default_storage.delete("photos/cat.jpg")
    page("django", IMG, {"photo": photo})

    html = text(page("django", IMG.replace("20", "10"), {"photo": photo}))

    assert html == SOURCE
    assert len(log()) == 1
    assert set(records.picture_model().objects.values_list("state", flat=True)) == {"failed"}


@pytest.mark.parametrize("setting", ["MAX_SOURCE_PIXELS", "MAX_SOURCE_BYTES"])
def test_a_source_over_a_limit_is_shown_as_it_is_in_its_final_size(page, photo, settings, log, setting):
    setattr(settings, f"RESPONSIVE_IMG_{setting}", 100)

    responses = [page("django", IMG, {"photo": photo}) for _ in range(3)]

    assert {text(response) for response in responses} == {SOURCE_WITH_SIZE}
    assert {response.responsive_img_pending for response in responses} == {0}
    assert log() == ["photos/cat.jpg is over the limits (80 × 40 px) and served as it is"]
    assert not default_storage.exists("renditions")


def test_a_storage_that_cannot_save_leaves_the_page_whole(page, photo, log):
    default_storage.save("renditions", ContentFile(b"where the folder should be"))
    first = text(page("django", IMG, {"photo": photo}))
    default_storage.delete("renditions")
    records.picture_model().objects.update(not_before=timezone.now())
    caches["default"].clear()

    second = text(page("django", IMG, {"photo": photo}))

    assert first == SOURCE_WITH_SIZE
    assert len(log()) == 1
    assert "FileExistsError: " in log()[0] or "NotADirectoryError: " in log()[0]
    assert second == MARKUP


def test_an_engine_that_raises_leaves_the_page_whole(page, photo, settings, log):
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.FailingEngine"

    html = text(page("django", IMG, {"photo": photo}))

    assert html == SOURCE_WITH_SIZE
    assert len(log()) == 1
    assert "MemoryError: no more" in log()[0]


def test_an_engine_that_leads_nowhere_leaves_the_page_whole(page, photo, settings, log):
    settings.RESPONSIVE_IMG_ENGINE = "nowhere.Nothing"

    response = page("django", IMG, {"photo": photo})

    assert text(response) == SOURCE
    assert len(log()) == 1


@contextmanager
def database_down(verb=""):
    """Let the database fail on statements of this library that start so."""

    def execute(run_statement, sql, *args):
        if '"responsive_img_' in sql and sql.startswith(verb):
            raise OperationalError("down")
        return run_statement(sql, *args)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.parametrize("verb", ["SELECT", "INSERT", "UPDATE"])
def test_a_database_that_is_down_leaves_the_page_whole(page, photo, log, verb):
    with database_down(verb):
        html = text(page("django", IMG, {"photo": photo}))

    assert html == SOURCE
    assert log() == ["Cannot look up or build 1 picture(s)"]


def test_a_database_that_is_down_leaves_what_the_cache_knows(page, photo, log):
    page("django", IMG, {"photo": photo})

    with database_down():
        html = text(page("django", IMG + IMG.replace("20", "10"), {"photo": photo}))

    assert html == MARKUP + SOURCE
    assert log() == ["Cannot look up or build 1 picture(s)"]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_wanted_at_once_leaves_the_rest_of_the_page_to_the_hook(
    transactional_db, page, photo, settings, is_first
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    other = IMG.replace("width=20", "width=10")
    page("django", IMG + other, {"photo": photo})
    wanted = IMG.replace(" alt", ' build="all" alt')

    html = text(page("django", wanted + other if is_first else other + wanted, {"photo": photo}))

    pending = SOURCE_WITH_SIZE.replace('"20" height="10"', '"10" height="5"')
    assert html == (MARKUP + pending if is_first else pending + MARKUP)
    assert set(records.picture_model().objects.values_list("spec", "state")) == {
        (spec, "ready" if "w20" in spec else "queued")
        for spec in records.picture_model().objects.values_list("spec", flat=True)
    }


@pytest.mark.parametrize("language", ["django", "jinja2"])
def test_what_an_event_loop_renders_at_once_is_its_source_and_one_line_says_what_to_do(
    render, photo, log, language
):
    async def rendered() -> str:
        return str(render(language, IMG * 2, {"photo": photo}))

    html = asyncio.run(rendered())

    assert html.count('src="/media/photos/cat.jpg"') == 2
    (line,) = log()
    assert line == (
        "A picture that is not in the cache was rendered in an event loop for text that is final, so its source is "
        "shown: render with the request for the response of the middleware, or through sync_to_async."
    )


def test_what_is_in_the_cache_an_event_loop_may_render(render, photo, log):
    built = render("django", IMG, {"photo": photo})

    async def rendered() -> str:
        return str(render("django", IMG, {"photo": photo}))

    assert asyncio.run(rendered()) == built == MARKUP
    assert log() == []


def test_a_cache_that_is_down_leaves_the_page_whole_and_is_asked_once(page, photo, settings, log):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{port}/0",
        }
    }

    pages = [text(page("django", IMG + IMG.replace("20", "10"), {"photo": photo})) for _ in range(3)]

    assert len(set(pages)) == 1
    assert pages[0].startswith(MARKUP)
    assert pages[0].count('src="/media/renditions/photos/cat-') == 2
    assert len(log()) == 1
    assert log()[0].startswith("The cache 'default' failed, and is left alone for 10 s: ")
    assert "ConnectionError" in log()[0]


def test_cache_and_database_down_leave_the_page_whole(page, photo, log, monkeypatch):
    class Down:
        def __getattr__(self, name):
            raise OSError("down")

    monkeypatch.setattr(
        getattr(caches, "_connections"),  # noqa: B009 - the stubs lack it
        "default",
        Down(),
        raising=False,
    )

    with database_down():
        html = text(page("django", IMG, {"photo": photo}))

    assert html == SOURCE
    assert len(log()) == 2


@pytest.mark.parametrize("budget", [0, 2])
def test_a_storage_that_gives_no_url_leaves_the_element(db, page, settings, log, monkeypatch, budget):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = budget
    scan = Scan.objects.create(image=ContentFile(drawn(), "a.jpg"))
    monkeypatch.setattr(VaultStorage, "url", lambda self, name: self.nothing)

    html = text(page("django", IMG, {"photo": scan}))

    assert html == f"<img{REST}"
    assert log()[-1].startswith("No URL for a.jpg of templatetags_tests.Scan.image: AttributeError(")
    assert len(log()) == 1


def test_without_a_budget_nothing_is_asked_for_that_the_cache_has_not(page, photo, settings, our_queries):
    """For what nobody will look at, as the answer to HEAD, and where the database may be what has failed."""
    here, other = ((spec, "default", photo.image.name, "") for spec in ("w20;d1;owebp;e1", "w10;d1;owebp;e1"))
    page("django", IMG, {"photo": photo})

    with our_queries() as queries:
        found = look_up([here, other], conf.current(), None)

    assert (found.manifests[here].state, found.manifests[here].width) == (READY, 20)
    assert found.manifests[other] == UNKNOWN
    assert len(found.pending) == 1
    assert queries == []
    assert records.picture_model().objects.count() == 1


def test_a_storage_that_no_longer_exists_leaves_the_element(db, log):
    slot = (("w20", "gone.Model.field", "photos/cat.jpg", ""), ' alt=""', "", "element", "")
    collector = Collector()

    assert collector.resolve([slot]) == ['<img alt="">']
    assert collector.account.pending == set()
    assert len(log()) == 2


def test_a_storage_of_a_field_is_asked_for_each_url(db, page):
    scan = Scan.objects.create(image=ContentFile(drawn(), "a, (b).jpg"))

    html = text(page("jinja2", "{% img photo.image width=20 alt=photo %}", {"photo": scan}))
    row = records.source_model().objects.get()
    names = [f"a_b-{width}w." for width in (20, 40)]

    assert row.storage == row.field == "templatetags_tests.Scan.image"
    assert row.name == "a_b.jpg"
    assert ' alt="a_b.jpg"' in html
    assert html.count("https://vault.example/renditions/a_b-") == 5
    assert html.count("?expires=1&amp;signature=x") == 5
    assert all(name in html for name in names)
    assert not default_storage.exists("renditions")


def test_a_source_of_a_fields_storage_that_is_not_built_is_asked_for_its_url(db, page, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    scan = Scan.objects.create(image=ContentFile(drawn(), "a.jpg"))

    html = text(page("django", BOXED, {"photo": scan}))

    assert html == (
        f'<img src="https://vault.example/a.jpg?expires=1&amp;signature=x" width="20" height="15"{REST}'
    )


@pytest.mark.parametrize("is_built", [True, False])
def test_renditions_may_have_a_storage_of_their_own(page, photo, settings, tmp_path, is_built):
    settings.STORAGES = {
        **settings.STORAGES,
        "renditions": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "r"), "base_url": "https://cdn.example/"},
        },
    }
    settings.RESPONSIVE_IMG_STORAGE = "renditions"
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60 if is_built else 0

    html = text(page("django", BOXED, {"photo": photo}))

    start = "https://cdn.example/renditions/photos/cat-20w." if is_built else "/media/photos/cat.jpg"
    assert html.startswith(f'<img src="{start}')
    assert len(list((tmp_path / "r").rglob("*.webp"))) == is_built
    assert not default_storage.exists("renditions")


class Addressless(FileSystemStorage):
    """A storage that has no addresses."""

    def url(self, name):
        raise PermissionError("no address")


@pytest.fixture
def store_in(settings, tmp_path):
    """Return a function that has the renditions put into a storage of their own."""

    def store(backend="django.core.files.storage.FileSystemStorage"):
        settings.STORAGES = {
            **settings.STORAGES,
            "renditions": {
                "BACKEND": backend,
                "OPTIONS": {"location": str(tmp_path / "r"), "base_url": "https://cdn.example/"},
            },
        }
        settings.RESPONSIVE_IMG_STORAGE = "renditions"

    return store


@pytest.mark.parametrize("is_flushed", [False, True])
def test_what_is_built_in_one_storage_is_built_anew_in_another(page, photo, store_in, tmp_path, is_flushed):
    template = '{% img photo.image width=20 alt="" %}'
    before = text(page("django", template, {"photo": photo}))
    store_in()
    if is_flushed:
        caches["default"].clear()

    response = page("django", template, {"photo": photo})

    names = re.findall(r"https://cdn\.example/([^ \",]+)", text(response))
    assert text(response) == before.replace("/media/", "https://cdn.example/")
    assert len(set(names)) == 4
    assert all((tmp_path / "r" / name).is_file() for name in names)
    assert response.responsive_img_pending == 0


def test_a_storage_of_renditions_that_is_none_shows_the_source_in_its_final_size(page, photo, settings, log):
    settings.RESPONSIVE_IMG_STORAGE = "nowhere"

    responses = [page("django", IMG, {"photo": photo}) for _ in range(3)]

    assert {text(response) for response in responses} == {SOURCE_WITH_SIZE}
    assert {response.responsive_img_pending for response in responses} == {0}
    assert len(log()) == 1
    assert "SourceError: No storage and no field is called 'nowhere'." in log()[0]


@pytest.mark.parametrize("language", ["django", "jinja2"])
def test_a_storage_of_renditions_that_gives_no_url_shows_the_source_in_its_final_size(
    page, photo, store_in, log, language
):
    store_in(f"{__name__}.Addressless")

    responses = [page(language, IMG + BOXED, {"photo": photo}) for _ in range(3)]

    boxed = SOURCE_WITH_SIZE.replace('height="10"', 'height="15"')
    assert {text(response) for response in responses} == {SOURCE_WITH_SIZE + boxed}
    assert len(log()) == 1
    assert log()[0].startswith("No URL for photos/cat.jpg of default: PermissionError(")


class Lazy(LazyObject):  # type: ignore[type-arg] # Django has no generic when it runs
    """A storage that is made when it is first used, as Django's `DefaultStorage` is."""

    def _setup(self):
        self._wrapped = FileSystemStorage(location=Path(conf_settings.MEDIA_ROOT) / "lazy", base_url="/lazy/")


@pytest.fixture
def lazy(db, monkeypatch):
    """Return a row whose file's storage is a lazy object."""
    field = Scan._meta.get_field("image")
    monkeypatch.setattr(field, "storage", Lazy())
    monkeypatch.setattr(sources, "_fields", {})
    return Scan.objects.create(image=ContentFile(drawn(), "a.jpg"))


def test_a_storage_may_be_a_lazy_object(page, lazy, settings, log):
    html = text(page("django", IMG, {"photo": lazy}))

    name = html.partition('src="/lazy/')[2].partition('"')[0]
    assert name.startswith("renditions/a-20w.")
    assert (Path(settings.MEDIA_ROOT) / "lazy" / name).is_file()
    assert records.source_model().objects.get().storage == "templatetags_tests.Scan.image"
    assert log() == []


@pytest.mark.parametrize(
    "broken",
    [
        {"BACKEND": "nowhere.Storage"},
        {"BACKEND": "django.core.files.storage.Nothing"},
        {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"nothing": 1}},
    ],
)
def test_a_storage_that_cannot_be_made_costs_only_its_own_pictures(
    page, photo, settings, monkeypatch, log, broken
):
    settings.STORAGES = {"aaa": broken, **settings.STORAGES}
    monkeypatch.setattr(sources, "_fields", {})
    scan = Scan.objects.create(image=ContentFile(drawn(), "a.jpg"))

    html = text(page("django", IMG + IMG.replace("photo", "scan"), {"photo": photo, "scan": scan}))

    assert html.startswith(MARKUP)
    assert html.count("https://vault.example/renditions/a-20w.") == 1
    assert log() == []


def test_an_address_of_a_source_is_escaped_wherever_it_comes_from(page, make_photo, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    settings.MEDIA_URL = "/m&m/"
    photo = make_photo()
    photo.image.name = "photos/c'at (1), é%20.jpg"

    html = text(page("django", BOXED, {"photo": photo}))

    assert html.startswith('<img src="/m&amp;m/photos/c%27at%20%281%29%2C%20%C3%A9%2520.jpg" width="20"')


def test_exact_sizes_are_known_before_anything_is_built(page, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    template = '{% img photo.image width=30 ratio="1/1" alt="A cat" %}' + IMG

    first = page("django", template, {"photo": photo})
    job = building.job_of(
        records.source_model().objects.get(), records.picture_model().objects.values_list("spec", flat=True)
    )
    run(job)
    second = page("django", template, {"photo": photo})

    assert text(first) == SOURCE_WITH_SIZE.replace('"20" height="10"', '"30" height="30"') + SOURCE_WITH_SIZE
    assert first.responsive_img_pending == 2
    assert text(second).endswith(MARKUP)
    assert 'width="30" height="30"' in text(second)
    assert second.responsive_img_pending == 0
