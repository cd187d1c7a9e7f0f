from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.core.files.storage import default_storage, storages
from django.core.management import call_command

from responsive_img import Img, records, static
from responsive_img.exceptions import SourceError, SpecError
from responsive_img.queue import process_queue
from responsive_img.sources import reference, storage_of
from templatetags_tests.conftest import drawn
from templatetags_tests.models import Photo

LANGUAGES = ("django", "jinja2")
NAME = "shop/hero.jpg"
TAG = '{% img "static:shop/hero.jpg" width=20 format="webp" densities="1" alt="" %}'
RENDITION = re.compile(r"/media/renditions/shop/hero-20w\.(\w{8})\.webp")
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"

Put = Callable[..., None]


@pytest.fixture
def put(settings, tmp_path) -> Put:
    """Return a function that writes a static file where the finders look."""
    folder = tmp_path / "assets"
    folder.mkdir()
    settings.STATICFILES_DIRS = [str(folder)]
    settings.STATIC_ROOT = str(tmp_path / "collected")

    def written(name: str = NAME, **options: Any) -> None:
        path = Path(folder, name)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(drawn(**options))

    return written


@pytest.fixture
def collect(put, settings) -> Callable[[], str]:
    """Return a function that collects static files, and returns the hashed name of the picture, as a new process."""
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": MANIFEST}}

    def collected() -> str:
        call_command("collectstatic", interactive=False, verbosity=0)
        settings.STATIC_ROOT = str(settings.STATIC_ROOT)  # forgets the storage, which has read its manifest
        return str(staticfiles_storage.stored_name(NAME))  # type: ignore[attr-defined]

    return collected


def built(storage: Any = default_storage) -> list[str]:
    """Return the names of all renditions of the picture."""
    folder = "renditions/shop"
    return sorted(storage.listdir(folder)[1]) if storage.exists(folder) else []


# Found through the finders -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_static_file_is_found_and_its_renditions_are_media(page, put, db, language):
    put()

    response = page(language, TAG)

    html = response.content.decode()
    assert re.fullmatch(
        r'<img src="/media/renditions/shop/hero-20w\.\w{8}\.webp" width="20" height="10" alt="" loading="lazy"'
        r' decoding="async">',
        html,
    )
    assert len(built()) == 1
    assert default_storage.size(html.split('"')[1].removeprefix("/media/"))


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("django", "name"),
        ("django", '"static:"|add:path'),
        ("jinja2", "name"),
        ("jinja2", '"static:" ~ path'),
        ("jinja2", '("static:" ~ path),'),
    ],
)
def test_a_static_file_may_come_from_a_variable(page, put, db, language, source):
    put()
    tag = TAG.replace('"static:shop/hero.jpg"', source)

    response = page(language, tag, {"name": f"static:{NAME}", "path": NAME})

    assert RENDITION.search(response.content.decode())


def test_a_static_file_of_an_app_is_found(page, db, settings, monkeypatch, tmp_path):
    monkeypatch.setattr(apps.get_app_config("templatetags_tests"), "path", str(tmp_path))
    settings.STATICFILES_DIRS = []
    folder = tmp_path / "static" / "shop"
    folder.mkdir(parents=True)
    (folder / "hero.jpg").write_bytes(drawn())

    response = page("django", TAG)

    assert RENDITION.search(response.content.decode())


def test_a_static_file_that_is_only_collected_is_found(page, collect, put, db, settings):
    """Where a release is deployed without its sources."""
    put()
    collect()
    settings.STATICFILES_DIRS = []

    response = page("django", TAG)

    assert RENDITION.search(response.content.decode())


def test_an_img_takes_a_static_file(put, db):
    put()

    bound = Img(width=20, format="webp")(f"static:{NAME}", alt="")

    assert RENDITION.fullmatch(bound.base_url())
    assert bound.is_built


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_static_file_stands_in_for_an_empty_source(page, put, db, settings, language):
    settings.RESPONSIVE_IMG_PLACEHOLDER = f"static:{NAME}"
    put()

    response = page(language, TAG.replace('"static:shop/hero.jpg"', "photo.image"), {"photo": Photo()})

    assert RENDITION.search(response.content.decode())


def test_a_static_file_and_a_file_of_the_same_name_are_two_sources(page, put, save_file, db):
    put(size=(80, 80))
    save_file(NAME)

    static_url, url = page("django", TAG + "|" + TAG.replace("static:", "")).content.decode().split("|")

    assert 'height="20"' in static_url
    assert 'height="10"' in url
    assert len(built()) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_warm_page_costs_one_lookup(
    page, put, collect, db, cache_calls, storage_calls, our_queries, language
):
    put()
    for number in range(3):
        put(f"shop/{number}.jpg")
    collect()
    template = TAG + "".join(TAG.replace("hero", str(number)) for number in range(3))
    first = page(language, template)
    cache_calls.clear()
    storage_calls.clear()

    with our_queries() as queries:
        response = page(language, template)

    assert cache_calls == {"get_many": 1}
    assert not storage_calls
    assert queries == []
    assert response.content == first.content
    assert response.content.count(b"/media/renditions/shop/") == 4


# The URL of the source -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_while_it_is_not_built_the_static_file_is_shown(page, put, db, settings, language):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    put()

    waiting = page(language, TAG)
    process_queue()
    ready = page(language, TAG)

    assert waiting.content.decode() == (
        '<img src="/static/shop/hero.jpg" width="20" height="10" alt="" loading="lazy" decoding="async">'
    )
    assert waiting.responsive_img_pending == 1
    assert RENDITION.search(ready.content.decode())


def test_its_url_is_the_hashed_one(page, put, collect, db, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    put()
    hashed = collect()

    response = page("django", TAG)

    assert re.fullmatch(r"shop/hero\.\w{12}\.jpg", hashed)
    assert f'<img src="/static/{hashed}" width="20" height="10"' in response.content.decode()


def test_its_url_is_safe_wherever_it_stands(page, put, db, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    settings.STATIC_URL = "https://cdn.example/'a'/"
    put("shop/a (1) & b.jpg")

    response = page("django", '{% img "static:shop/a (1) & b.jpg" width=20 alt="" %}')

    url = b"https://cdn.example/%27a%27/shop/a%20%281%29%20%26%20b.jpg"
    assert response.content.startswith(b'<img src="' + url + b'" ')


def test_without_the_staticfiles_app_its_url_has_the_setting_s_prefix(page, db, settings, put):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    put()
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.staticfiles"]

    response = page("django", TAG)

    assert b'<img src="/static/shop/hero.jpg" width="20" height="10"' in response.content


# The version ---------------------------------------------------------------------------------------------


def test_the_hashed_name_is_its_version(put, collect):
    put()
    hashed = collect()

    digest = blake2b(hashed.encode(), digest_size=4).hexdigest()
    assert reference(f"static:{NAME}") == (f"static:{digest}", NAME, "")
    assert storage_of(f"static:{digest}") is static.STORAGE


def test_without_hashed_names_there_is_no_version(put, db):
    put()

    assert reference(f"static:{NAME}") == ("static:", NAME, "")


def test_another_content_has_other_names(page, put, collect, db):
    put()
    collect()
    one = RENDITION.search(page("django", TAG).content.decode())
    put(size=(80, 80))
    before = page("django", TAG).content.decode()
    collect()
    html = page("django", TAG).content.decode()
    other = RENDITION.search(html)

    assert one
    assert other
    assert one[1] != other[1]
    assert one[0] in before  # not collected yet: what is deployed is still the first
    assert 'width="20" height="20"' in html
    assert len(built()) == 2  # pages of the first release go on


def test_the_same_content_collected_again_has_the_same_names(page, put, collect, db, cache_calls):
    put()
    collect()
    first = page("django", TAG)
    cache_calls.clear()

    collect()

    assert page("django", TAG).content == first.content
    assert cache_calls == {"get_many": 1}


def test_under_debug_there_is_no_version(page, put, collect, db, settings):
    put()
    collect()
    settings.DEBUG = True
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"

    response = page("django", TAG)

    assert reference(f"static:{NAME}") == ("static:", NAME, "")
    assert b'<img src="/static/shop/hero.jpg" ' in response.content


class LenientStorage(ManifestStaticFilesStorage):
    """Serves what is not in its manifest, too."""

    manifest_strict = False


class PlainlyNamedStorage(ManifestStaticFilesStorage):
    """Keeps a manifest, in which pictures have their plain names."""

    def stored_name(self, name: str) -> str:
        return name


@pytest.mark.parametrize("storage", [LenientStorage, PlainlyNamedStorage])
def test_a_storage_that_knows_no_hashed_name_has_no_version(put, settings, storage):
    put()
    settings.STORAGES = {
        **settings.STORAGES, "staticfiles": {"BACKEND": f"{__name__}.{storage.__name__}"},
    }  # fmt: skip

    assert reference(f"static:{NAME}") == ("static:", NAME, "")


# Missing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_debug", [True, False])
def test_a_missing_file_is_shown_as_it_was_named_and_one_line_says_so(
    page, put, db, settings, log, language, is_debug
):
    settings.DEBUG = is_debug

    response = page(language, TAG.replace("hero", "gone"))

    assert response.content == b'<img src="/static/shop/gone.jpg" alt="" loading="lazy" decoding="async">'
    assert response.responsive_img_pending == 0
    assert sum("Cannot build shop/gone.jpg" in line for line in log()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_is_not_in_the_manifest_is_built_all_the_same(page, put, collect, db, language, log):
    put()
    collect()
    put("shop/new.jpg")

    response = page(language, TAG.replace("hero", "new"))

    assert reference("static:shop/new.jpg") == ("static:", "shop/new.jpg", "")
    assert re.search(r'src="/media/renditions/shop/new-20w\.\w{8}\.webp"', response.content.decode())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_is_missing_from_the_manifest_too_breaks_no_page(page, put, collect, db, language, log):
    put()
    collect()

    response = page(
        language,
        TAG.replace("hero", "gone") + "{% img_url 'static:shop/gone.jpg' absolute=True as url %}[{{ url }}]",
    )

    assert response.content.startswith(b"<img ")
    assert b"RI1." not in response.content
    assert any("No URL for shop/gone.jpg" in line for line in log())


@pytest.mark.parametrize("name", ["../settings.py", "/etc/passwd", "", "a\x00b", "a\\b"])
@pytest.mark.parametrize("is_debug", [True, False])
def test_a_name_that_leaves_the_static_files_is_refused(render, put, db, settings, name, is_debug):
    settings.DEBUG = is_debug
    tag = TAG.replace('"static:shop/hero.jpg"', "name")

    with pytest.raises(SourceError):
        reference(f"static:{name}")
    if is_debug:
        with pytest.raises(SpecError, match="Not the name of a file in a storage"):
            render("django", tag, {"name": f"static:{name}"})
    else:
        html = '<img alt="" loading="lazy" decoding="async">'
        assert render("django", tag, {"name": f"static:{name}"}) == html


def test_without_a_storage_for_static_files_no_page_breaks(page, db, settings, put, log):
    put()
    settings.STORAGES = {"default": settings.STORAGES["default"]}

    response = page("django", TAG)

    assert response.content.startswith(b"<img ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_no_finder_has_where_nothing_is_collected_is_shown_as_it_was_named(
    page, db, settings, log, language
):
    settings.STATIC_ROOT = None

    response = page(language, TAG)

    assert b'src="/static/shop/hero.jpg"' in response.content
    (line,) = log()
    assert line.endswith("FileNotFoundError: No finder of static files has 'shop/hero.jpg'.")


# Where renditions go -------------------------------------------------------------------------------------


def test_renditions_go_to_the_storage_of_the_settings(page, put, db, settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "pictures": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "pictures"), "base_url": "/pictures/"},
        },
    }
    settings.RESPONSIVE_IMG_STORAGE = "pictures"
    put()

    response = page("django", TAG)

    assert re.search(
        r'<img src="/pictures/renditions/shop/hero-20w\.\w{8}\.webp" ', response.content.decode()
    )
    assert len(built(storages["pictures"])) == 1
    assert built() == []


def test_nothing_is_written_beside_the_static_files(page, put, collect, db, settings):
    put()
    collect()
    folders = [Path(settings.STATIC_ROOT), Path(settings.STATICFILES_DIRS[0])]
    before = [sorted(folder.rglob("*")) for folder in folders]

    page("django", TAG)

    assert [sorted(folder.rglob("*")) for folder in folders] == before


def test_a_record_names_the_static_file_and_its_version(page, put, collect, db):
    put()
    collect()

    page("django", TAG)

    source = records.source_model().objects.get()
    assert (source.storage, source.name, source.field) == reference(f"static:{NAME}")
    assert (source.width, source.height, source.version) == (80, 40, "")
