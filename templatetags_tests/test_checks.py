from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import PIL
import pytest
from django.apps import apps
from django.core.cache.backends.base import BaseCache
from django.core.checks import CheckMessage, Error, run_checks
from django.core.checks import Warning as Caution
from django.core.checks.registry import registry
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.db.models import ImageField
from django.middleware.cache import CacheMiddleware
from django.middleware.gzip import GZipMiddleware
from django.test import override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image, features

import responsive_img
from responsive_img import Img, conf, saving
from responsive_img.checks import check, surroundings
from responsive_img.engine import installation
from responsive_img.middleware import ResponsiveImgMiddleware
from templatetags_tests.models import Photo, Profile

OURS = "responsive_img.middleware.ResponsiveImgMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
CACHE = "django.middleware.cache.CacheMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
REDIS = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": "redis://127.0.0.1:1",
    "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
}
PAGE = Path(responsive_img.__file__).parents[1] / "docs" / "checks.md"
ALL = (
    "E001", "E002", "E003", "E004", "W005", "W006", "E007", "W008", "W009", "W010", "W011", "W012", "W013",
    "E014", "W015", "W016", "E017", "E018", "W019", "E020",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _minimal(settings):
    """Start from a project with which everything is right."""
    settings.DEBUG = False
    settings.MIDDLEWARE = [OURS]
    settings.CACHES = {"default": REDIS}
    del settings.RESPONSIVE_IMG_BUILD_BUDGET


def ids(found: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("responsive_img.") for message in found]


def one(check_id: str, *parts: str, hint: str) -> CheckMessage:
    """Return the one message there is, having looked at its id, kind, parts of its text, and its hint."""
    (found,) = check()
    assert found.id == f"responsive_img.{check_id}", found
    assert type(found) is (Error if check_id.startswith("E") else Caution)
    for part in parts:
        assert part in found.msg
    assert found.hint == hint
    assert str(found).endswith(f"\n\tHINT: {hint}")
    return found


def paste(code: str, **names: Any) -> dict[str, Any]:
    """Return what the code of a hint has done to settings of these names."""
    exec(compile(code, "hint", "exec"), {}, names)  # noqa: S102 - it is what is tested
    return names


# All is right --------------------------------------------------------------------------------------------

SETTINGS = """
SECRET_KEY = "x" * 60
DEBUG = {debug}
INSTALLED_APPS = ["django.contrib.staticfiles", "responsive_img"]
MIDDLEWARE = ["responsive_img.middleware.ResponsiveImgMiddleware"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}}}
STATIC_URL = "/static/"
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}}]
{more}
"""


@pytest.mark.parametrize("debug", [True, False])
def test_a_minimal_project_has_nothing_to_be_told(tmp_path, debug):
    more = "" if debug else f"CACHES = {{'default': {REDIS!r}}}"
    (tmp_path / "project.py").write_text(SETTINGS.format(debug=debug, more=more))
    root = str(PAGE.parents[1])
    code = (
        f"import sys; sys.path[:0] = [{root!r}, {str(tmp_path)!r}]\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', 'check', '--settings', 'project', '--fail-level', 'DEBUG'])"
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.stdout == "System check identified no issues (0 silenced).\n"
    assert done.returncode == 0


def test_the_settings_of_the_tests_are_right():
    assert check() == []
    assert run_checks() == []


def test_the_check_is_registered_under_the_name_of_the_app(settings):
    assert "responsive_img" in registry.tags_available()
    assert check(app_configs=list(apps.get_app_configs()), databases=["default"]) == []

    settings.MIDDLEWARE = []
    assert ids(run_checks(tags=["responsive_img"])) == ids(run_checks()) == ["W006"]


@pytest.mark.parametrize("silenced", ["W006"])
def test_a_check_can_be_silenced(settings, silenced):
    settings.MIDDLEWARE = []
    settings.SILENCED_SYSTEM_CHECKS = [f"responsive_img.{silenced}"]

    assert all(message.is_silenced() for message in check())


# The place of the middleware: E001 to E004, W005, W006 ---------------------------------------------------

LAST = f'List "{OURS}" last in MIDDLEWARE.'


class Squeezing(GZipMiddleware):
    pass


class Everything(CacheMiddleware):
    pass


class Ours(ResponsiveImgMiddleware):
    pass


class NoMinifyMiddleware:
    pass


def function(get_response: Any) -> Any:
    return get_response  # pragma: no cover - never called


def moved_to_the_end(middleware: list[str], hint: str) -> list[str]:
    """Return MIDDLEWARE after a hint to list something last."""
    (path,) = re.findall('"(.+)"', hint)
    return [*[each for each in middleware if each != path], path]


@pytest.mark.parametrize("count", [2, 3])
def test_e001_listed_more_than_once(settings, count):
    settings.MIDDLEWARE = [OURS] * count

    found = one("E001", f"ResponsiveImgMiddleware is {count} times in MIDDLEWARE.", hint=LAST)

    settings.MIDDLEWARE = moved_to_the_end(settings.MIDDLEWARE, found.hint or "")
    assert check() == []


@pytest.mark.parametrize("below", [GZIP, f"{__name__}.Squeezing"])
def test_e002_above_what_compresses(settings, below):
    settings.MIDDLEWARE = [OURS, below]

    found = one(
        "E002",
        f"{below} stands below ResponsiveImgMiddleware and compresses pages before their pictures are resolved.",
        hint=LAST,
    )

    settings.MIDDLEWARE = moved_to_the_end(settings.MIDDLEWARE, found.hint or "")
    assert check() == []


@pytest.mark.parametrize(
    "below",
    [
        "django_brotli.middleware.BrotliMiddleware",
        "compression_middleware.middleware.CompressionMiddleware",
        "django_zstd.middleware.ZstdMiddleware",
    ],
)
def test_e002_knows_those_of_other_packages_by_their_names(settings, below):
    settings.MIDDLEWARE = [OURS, below]

    one("E002", below, hint=LAST)


def test_e003_above_what_gives_validators(settings):
    settings.MIDDLEWARE = [OURS, CONDITIONAL]

    found = one(
        "E003",
        f"{CONDITIONAL} stands below ResponsiveImgMiddleware",
        "so it never finds one unchanged",
        hint=LAST,
    )

    settings.MIDDLEWARE = moved_to_the_end(settings.MIDDLEWARE, found.hint or "")
    assert check() == []


def test_e004_between_the_halves_of_the_page_cache(settings):
    settings.MIDDLEWARE = [FETCH, OURS, UPDATE]

    found = one(
        "E004",
        "UpdateCacheMiddleware stands below ResponsiveImgMiddleware and FetchFromCacheMiddleware above it",
        hint=LAST,
    )

    settings.MIDDLEWARE = moved_to_the_end(settings.MIDDLEWARE, found.hint or "")
    assert check() == []


@pytest.mark.parametrize(
    "below",
    [
        "htmlmin.middleware.HtmlMinifyMiddleware",
        "django_minify_html.middleware.MinifyHtmlMiddleware",
        f"{__name__}.NoMinifyMiddleware",
    ],
)
def test_w005_above_a_minifier(settings, below):
    settings.MIDDLEWARE = [OURS, below]

    found = one("W005", f"{below} stands below ResponsiveImgMiddleware and minifies markers", hint=LAST)

    settings.MIDDLEWARE = moved_to_the_end(settings.MIDDLEWARE, found.hint or "")
    assert check() == []


def test_w006_not_listed(settings):
    settings.MIDDLEWARE = [GZIP]

    found = one(
        "W006",
        "The pictures of a page are not resolved together: ResponsiveImgMiddleware is not in MIDDLEWARE.",
        hint=f'Add to the end of MIDDLEWARE: "{OURS}",',
    )

    line = (found.hint or "").partition(": ")[2]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *paste(f"added = [{line}]")["added"]]
    assert check() == []


@pytest.mark.parametrize(
    "middleware",
    [
        [OURS],
        (GZIP, CONDITIONAL, OURS),
        [UPDATE, GZIP, FETCH, OURS],
        [UPDATE, OURS, FETCH],
        [OURS, UPDATE, FETCH],
        [OURS, CACHE],
        [CACHE, OURS],
        [f"{__name__}.Everything", OURS],
        [f"{__name__}.Squeezing", f"{__name__}.Ours"],
        [f"{__name__}.function", OURS, f"{__name__}.function"],
        ["there.is.no.such", OURS, "there.is.no.such", "nor.this"],
        [OURS, "django.middleware.common.CommonMiddleware"],
    ],
)
def test_a_middleware_in_its_place_is_right(settings, middleware):
    settings.MIDDLEWARE = middleware

    assert check() == []


def test_the_outermost_one_counts(settings):
    settings.MIDDLEWARE = [GZIP, OURS, CONDITIONAL, OURS]

    assert ids(check()) == ["E001", "E003"]


# Presets and formats: E007 -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"width": 5000}, "'width' comes to 5000 px, over the limit of 4096 px"),
        ({"widht": 300}, "'widht'"),
        ({"width": "many"}, "'width'"),
        ({"widths": "1 2", "densities": "1"}, "'widths'"),
        (7, "Preset 'card'"),
    ],
)
def test_e007_a_preset_that_cannot_be(settings, options, problem):
    settings.RESPONSIVE_IMG_PRESETS = {"card": options, "right": {"width": 20}}

    one("E007", problem, hint="Correct RESPONSIVE_IMG_PRESETS['card'].")


@pytest.mark.parametrize(
    ("options", "side", "name", "limit"),
    [
        ({"width": 16_384}, 16_384, "webp", 16_383),
        ({"height": 20_000}, 20_000, "webp", 16_383),
        ({"widths": "20 17000"}, 17_000, "webp", 16_383),
        ({"width": 66_000, "format": "jpeg"}, 66_000, "jpeg", 65_500),
        ({"width": 66_000, "formats": "avif"}, 66_000, "avif", 65_536),
    ],
)
def test_e007_a_preset_that_is_too_large_for_a_format(settings, options, side, name, limit):
    settings.RESPONSIVE_IMG_MAX_WIDTH = 100_000
    settings.RESPONSIVE_IMG_PRESETS = {"wall": options}

    one(
        "E007",
        f"Preset 'wall' asks for {side} px, and {name} has {limit} px at most.",
        hint="Lower it in RESPONSIVE_IMG_PRESETS['wall'], or leave the format out.",
    )


@pytest.mark.parametrize(
    ("listed", "hint"),
    [
        ("cart", "Did you mean 'card'?"),
        ("zzz", "List names of presets."),
        ("others", "List names of presets."),
        (5, "List names of presets."),
        (("a", "20x20"), "List names of presets."),
    ],
)
def test_e007_a_list_of_what_is_no_preset(settings, listed, hint):
    settings.RESPONSIVE_IMG_PRESETS = {
        "card": {"width": 20},
        "others": ["card"],
        "all": ("card", listed),
    }

    one("E007", f"RESPONSIVE_IMG_PRESETS['all'] lists {listed!r}, which is no preset.", hint=hint)


@pytest.fixture
def without_webp(monkeypatch):
    real = features.check
    monkeypatch.setattr(features, "check", lambda name: name != "webp" and real(name))


UNWRITABLE = "Install Pillow's own wheel: pip install --upgrade --force-reinstall pillow"


def test_e007_formats_that_this_pillow_cannot_write(settings, without_webp):
    one("E007", "RESPONSIVE_IMG_FORMATS has 'webp', which this Pillow was built without.", hint=UNWRITABLE)

    settings.RESPONSIVE_IMG_FORMATS = ("avif",)
    assert check() == []


@pytest.mark.parametrize("options", [{"format": "webp"}, {"formats": "avif webp"}])
def test_e007_a_preset_that_this_pillow_cannot_write(settings, without_webp, options):
    settings.RESPONSIVE_IMG_FORMATS = ()
    settings.RESPONSIVE_IMG_PRESETS = {"card": options}

    one(
        "E007",
        "RESPONSIVE_IMG_PRESETS['card'] has 'webp', which this Pillow was built without.",
        hint=UNWRITABLE,
    )


@pytest.mark.parametrize(
    "presets",
    [
        {},
        {"card": {"width": 20, "class": "card"}, "hero": {"widths": (640, 1280), "sizes": "50vw"}},
        {"card": {"width": 4096}, "both": ["card"], "none": []},
        {"card": Img(width=20)},
    ],
)
def test_presets_that_are_right(settings, presets):
    settings.RESPONSIVE_IMG_PRESETS = presets

    assert check() == []


# The cache: W008, W009, W010, E017 -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        ("locmem.LocMemCache", "LocMemCache"),
        ("dummy.DummyCache", "DummyCache"),
        ("filebased.FileBasedCache", "FileBasedCache"),
    ],
)
def test_w008_a_cache_that_processes_do_not_share(settings, tmp_path, backend, name):
    settings.CACHES = {
        "default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": str(tmp_path)}
    }

    (found,) = check()

    assert found.id == "responsive_img.W008"
    assert f"The cache 'default' ({name}) is not shared by processes" in found.msg
    text, _, code = (found.hint or "").partition(": ")
    assert text == "Use Redis or memcached"
    settings.CACHES = {**paste(code, CACHES=dict(settings.CACHES))["CACHES"]}
    assert check() == []


def test_w008_is_of_no_concern_under_debug(settings):
    settings.DEBUG = True
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

    assert check() == []


class DjangoRedisCache(BaseCache):
    """Stands for that of django-redis, which is known by the name of its module."""

    __module__ = "django_redis.cache"

    def __init__(self, location: str, params: Mapping[str, Any]) -> None:
        super().__init__(dict(params))


class NoClient:
    """Stands for that of pymemcache, which connects when it is asked for something."""

    def __init__(self, servers: object, **options: object) -> None:
        self.options = options

    def disconnect_all(self) -> None:
        """Django does so when settings change."""


@pytest.fixture
def known_backends(monkeypatch):
    """Put in the places of packages that need not be installed what they would have there."""
    django_redis, cache = ModuleType("django_redis"), ModuleType("django_redis.cache")
    cache.RedisCache = DjangoRedisCache  # type: ignore[attr-defined]
    pymemcache, serde = ModuleType("pymemcache"), SimpleNamespace(pickle_serde=None)
    pymemcache.serde = serde  # type: ignore[attr-defined]
    pymemcache.Client = pymemcache.HashClient = NoClient  # type: ignore[attr-defined]
    for name, module in (
        ("django_redis", django_redis),
        ("django_redis.cache", cache),
        ("pymemcache", pymemcache),
        ("pymemcache.serde", serde),
    ):
        monkeypatch.setitem(sys.modules, name, module)


TIMEOUTS = {
    "django.core.cache.backends.redis.RedisCache": ("socket_connect_timeout", "socket_timeout"),
    "django_redis.cache.RedisCache": ("SOCKET_CONNECT_TIMEOUT", "SOCKET_TIMEOUT"),
    "django.core.cache.backends.memcached.PyMemcacheCache": ("connect_timeout", "timeout"),
}


@pytest.mark.parametrize("alias", ["default", "pictures"])
@pytest.mark.parametrize("backend", TIMEOUTS)
@pytest.mark.parametrize("given", [None, 0, 1.01, 5])
def test_w009_a_cache_that_may_hang(settings, known_backends, backend, given, alias):
    names = TIMEOUTS[backend]
    options = {} if given is None else {"OPTIONS": dict.fromkeys(names, given)}
    entry = {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1", **options}
    settings.RESPONSIVE_IMG_CACHE = alias
    settings.CACHES = {"default": REDIS, alias: entry}

    found = one(
        "W009",
        f"The cache {alias!r} has no timeout of 1 s or less: if it hangs, so does each page.",
        hint=f'CACHES["{alias}"].setdefault("OPTIONS", {{}}).update({{"{names[0]}": 0.5, "{names[1]}": 0.5}})',
    )

    pasted = paste(found.hint or "", CACHES=dict(settings.CACHES))
    settings.CACHES = {**pasted["CACHES"]}
    assert check() == []


@pytest.mark.parametrize("backend", TIMEOUTS)
def test_w009_asks_only_for_what_is_missing(settings, known_backends, backend):
    first, second = TIMEOUTS[backend]
    settings.CACHES = {
        "default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1", "OPTIONS": {first: 1}}
    }

    hint = f'CACHES["default"].setdefault("OPTIONS", {{}}).update({{"{second}": 0.5}})'
    found = one("W009", "The cache 'default'", hint=hint)

    settings.CACHES = {**paste(found.hint or "", CACHES=deepcopy(settings.CACHES))["CACHES"]}
    assert settings.CACHES["default"]["OPTIONS"] == {first: 1, second: 0.5}
    assert check() == []


def test_w009_what_is_pasted_keeps_the_other_options(settings):
    settings.CACHES = {"default": {**REDIS, "OPTIONS": {"socket_timeout": 0.5, "db": 3}}}

    (found,) = check()
    pasted = paste(found.hint or "", CACHES={"default": settings.CACHES["default"]})

    assert pasted["CACHES"]["default"]["OPTIONS"] == {
        "db": 3,
        "socket_timeout": 0.5,
        "socket_connect_timeout": 0.5,
    }


@pytest.mark.parametrize("backend", TIMEOUTS)
@pytest.mark.parametrize("timeout", [0.05, 1])
def test_a_cache_with_timeouts_is_right(settings, known_backends, backend, timeout):
    options = dict.fromkeys(TIMEOUTS[backend], timeout)
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1", "OPTIONS": options}}

    assert check() == []


class UnusableCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        raise LookupError("no server of that name")


def test_a_cache_that_nobody_knows_is_right(settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "table"}
    }

    assert check() == []


def spaced(key: str, prefix: str, version: int) -> str:
    return f"{prefix} {version} {key}"


def hashed(key: str, prefix: str, version: int) -> str:
    return f"{hash((key, prefix, version)):x}"


@pytest.mark.parametrize(
    "entry",
    [
        {"KEY_PREFIX": "x" * 240},
        {"KEY_PREFIX": "é" * 120},
        {"KEY_PREFIX": "my site"},
        {"KEY_PREFIX": "a\x7f"},
        {"KEY_FUNCTION": f"{__name__}.spaced"},
    ],
)
def test_w010_keys_that_memcached_refuses(settings, entry):
    settings.CACHES = {"default": {**REDIS, **entry}}

    found = one(
        "W010",
        "KEY_PREFIX or KEY_FUNCTION of the cache 'default' makes keys that memcached refuses",
        hint='Shorten CACHES["default"]["KEY_PREFIX"], or give a KEY_FUNCTION that hashes.',
    )

    (place,) = re.findall(r"CACHES\S+\]", found.hint or "")
    compile(f"{place} = ''", "hint", "exec")
    settings.CACHES = {"default": {**REDIS, **entry, "KEY_FUNCTION": f"{__name__}.hashed"}}
    assert check() == []


@pytest.mark.parametrize("prefix", ["", "x" * 220, "é" * 100, "site:"])
def test_keys_that_memcached_takes_are_right(settings, prefix):
    settings.CACHES = {"default": {**REDIS, "KEY_PREFIX": prefix}}

    assert check() == []


@pytest.mark.parametrize("alias", ["pictures", ""])
def test_e017_a_cache_that_there_is_not(settings, alias):
    settings.RESPONSIVE_IMG_CACHE = alias

    one("E017", f"RESPONSIVE_IMG_CACHE names the cache {alias!r}", hint="Choices: default.")


@pytest.mark.parametrize("backend", ["there.is.no.Such", f"{__name__}.UnusableCache"])
def test_e017_a_cache_that_cannot_be_used(settings, backend):
    settings.CACHES = {"default": REDIS, "pictures": {"BACKEND": backend}}
    settings.RESPONSIVE_IMG_CACHE = "pictures"

    one(
        "E017",
        "RESPONSIVE_IMG_CACHE names the cache 'pictures', which cannot be used: ",
        hint="Choices: default, pictures.",
    )


# What is around: W011, W012, W013, W016, W019 ------------------------------------------------------------


@pytest.mark.parametrize("name", ["file_overwrite", "overwrite_files", "_allow_overwrite"])
def test_w011_a_storage_that_overwrites(monkeypatch, name):
    field = Photo._meta.get_field("image")
    storage = FileSystemStorage()
    monkeypatch.setattr(field, "storage", storage)
    monkeypatch.setattr(storage, name, True, raising=False)

    found = one(
        "W011",
        "The storage of templatetags_tests.Photo.image may replace a file under its name",
        hint="Keep names unique (file_overwrite: False), or call responsive_img.invalidate(file) after "
        "replacing one.",
    )

    assert found.obj is field
    monkeypatch.setattr(storage, name, False)
    assert check() == []


def test_w011_djangos_own_storage_that_overwrites(monkeypatch):
    monkeypatch.setattr(Photo._meta.get_field("image"), "storage", FileSystemStorage(allow_overwrite=True))

    assert ids(check()) == ["W011"]


def test_w011_what_its_hint_names_exists():
    assert callable(responsive_img.invalidate)


def test_w012_a_pillow_without_its_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)

    one(
        "W012",
        "PIL.Image.MAX_IMAGE_PIXELS is None",
        hint="Remove the line that sets it; this library has limits of its own.",
    )


def sizeless() -> dict[str, CheckMessage]:
    """Return what W019 says, by the field that it names; it is all that is said."""
    found = check()
    assert {*ids(found)} <= {"W019"}
    assert all(type(message) is Caution for message in found)
    labels = [re.findall(r"but (\S+) has no", message.msg) for message in found]
    return {label: message for (label,), message in zip(labels, found, strict=True)}


def test_w019_an_image_field_that_does_not_know_its_size_where_nothing_is_looked_up(settings):
    assert sizeless() == {}
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False

    found = sizeless()

    fields: list[Any] = [
        field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, ImageField)
    ]
    fields = [field for field in fields if not (field.width_field and field.height_field)]
    assert found.keys() == {f"{field.model._meta.label}.{field.name}" for field in fields}
    assert found.keys() >= {"templatetags_tests.Photo.image", "templatetags_tests.Person.headshot"}
    assert "templatetags_tests.Profile.main_image" not in found
    message = found["templatetags_tests.Photo.image"]
    assert message.obj is Photo._meta.get_field("image")
    assert "has no width_field and no height_field: " in message.msg


@pytest.mark.parametrize("missing", ["width_field", "height_field"])
def test_w019_names_the_side_that_is_not_known(settings, monkeypatch, missing):
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    monkeypatch.setattr(Profile._meta.get_field("main_image"), missing, None)

    message = sizeless()["templatetags_tests.Profile.main_image"]

    assert f"has no {missing}: " in message.msg
    assert message.hint is not None
    assert re.findall(r"\w+_field=", message.hint) == [f"{missing}="]


def test_w019_its_hint_can_be_pasted(settings, capsys):
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False
    hint = sizeless()["templatetags_tests.Photo.image"].hint
    assert hint is not None
    (code,) = re.findall(r"(\w+ = ImageField\(.*\)), and run", hint)

    image = paste(code, ImageField=ImageField)["image"]

    assert (image.width_field, image.height_field) == ("image_width", "image_height")
    assert "manage.py responsive_img warm" in hint
    with pytest.raises(SystemExit):
        call_command("responsive_img", "warm", "--help")
    (option,) = re.findall(r"--\S+\w", hint)
    assert option in capsys.readouterr().out.split()


@pytest.fixture
def queue_early(monkeypatch):
    """Return a function that calls `Img.queue` as a module does that is imported before the models are loaded."""
    monkeypatch.setattr(saving, "_watchers", {})

    def queue(*args: Any, **options: Any) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(apps, "models_ready", False)
            Img(width=20).queue(*args, **options)

    return queue


@pytest.mark.parametrize("model", [Profile, "templatetags_tests.Profile", "templatetags_tests.profile"])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("main_imag", "Did you mean 'main_image'? Choices: main_image."),
        ("person", "Choices: main_image."),
    ],
)
def test_e020_a_field_that_there_is_not(queue_early, model, name, hint):
    queue_early(model, fields=["main_image", name])

    one("E020", f"an unknown file field of templatetags_tests.Profile: {name!r}.", hint=hint)


def test_e020_a_model_without_files(queue_early):
    queue_early("auth.User", fields=["photo"])

    one("E020", "an unknown file field of auth.User: 'photo'.", hint="Choices: none.")


@pytest.mark.parametrize(
    ("label", "near"), [("templatetags_tests.Profil", "templatetags_tests.Profile"), ("Profile", None)]
)
def test_e020_a_model_that_there_is_not(queue_early, label, near):
    queue_early(label, fields=["main_imag"])

    (found,) = check()

    hint, _, choices = str(found.hint).rpartition("Choices: ")
    assert ids([found]) == ["E020"]
    assert found.msg == f"Img.queue is given an unknown model: {label!r}."
    assert hint == (f"Did you mean {near!r}? " if near else "")
    assert {"templatetags_tests.Photo", "templatetags_tests.Profile"} <= set(choices[:-1].split(", "))


@pytest.mark.parametrize("model", [Profile, "templatetags_tests.profile"])
@pytest.mark.parametrize("fields", [None, ImageField, "main_image", ["main_image"], []])
def test_what_queue_is_given_early_and_there_is_is_right(queue_early, model, fields):
    queue_early(model, fields=fields)

    assert check() == []


@pytest.fixture
def sqlite(settings, monkeypatch):
    """Make the database of the records one of SQLite, with options and a queue in it."""
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"

    def make(vendor: str = "sqlite", **entry: Any) -> None:
        monkeypatch.setattr(
            surroundings,
            "connections",
            type("Handler", (dict,), {"settings": {"default": entry}})(
                default=SimpleNamespace(vendor=vendor)
            ),
        )

    return make


@pytest.mark.parametrize(
    "entry",
    [{}, {"OPTIONS": {}}, {"OPTIONS": {"transaction_mode": "DEFERRED"}}, {"OPTIONS": {"timeout": 20}}],
)
def test_w013_a_queue_in_sqlite_whose_writers_do_not_wait(sqlite, entry):
    sqlite(**entry)

    found = one(
        "W013",
        "The queue is in the SQLite database 'default'",
        hint='DATABASES["default"].setdefault("OPTIONS", {})["transaction_mode"] = "IMMEDIATE"',
    )

    pasted = paste(found.hint or "", DATABASES={"default": deepcopy(entry)})["DATABASES"]["default"]
    assert pasted["OPTIONS"] == {**entry.get("OPTIONS", {}), "transaction_mode": "IMMEDIATE"}
    sqlite(**pasted)
    assert check() == []


@pytest.mark.parametrize("mode", ["IMMEDIATE", "immediate"])
def test_a_queue_in_sqlite_whose_writers_wait_is_right(sqlite, mode):
    sqlite(OPTIONS={"transaction_mode": mode})

    assert check() == []


def test_a_queue_in_another_database_is_right(sqlite):
    sqlite("postgresql")

    assert check() == []


def test_sqlite_without_a_queue_is_right(sqlite, settings):
    sqlite()
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.build_now"

    assert check() == []


@pytest.mark.parametrize("version", ["11.3.0", "12.1.1", "9.5"])
def test_w016_a_pillow_with_holes(monkeypatch, version):
    monkeypatch.setattr(PIL, "__version__", version)

    found = one(
        "W016", "Pillow is older than 12.2, which closed holes", hint='pip install --upgrade "pillow>=12.2"'
    )

    wanted = (found.hint or "").rpartition(">=")[2].strip('"')
    monkeypatch.setattr(PIL, "__version__", wanted)
    assert check() == []


@pytest.mark.parametrize("version", ["12.2.0", "13.0.0", "12.2", "12.3.0.dev0", "100.0"])
def test_a_pillow_without_known_holes_is_right(monkeypatch, version):
    monkeypatch.setattr(PIL, "__version__", version)

    assert check() == []


# The installation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [("13.0.0", (13, 0)), ("12.2", (12, 2)), ("12.3.0.dev0", (12, 3)), ("14.dev1", (14,)), ("", ())],
)
def test_the_release_of_pillow_is_read(monkeypatch, text, expected):
    monkeypatch.setattr(PIL, "__version__", text)

    assert installation.version() == expected


def test_the_pillow_that_is_installed_writes_all_formats():
    assert installation.unwritable_formats() == []
    assert installation.has_bomb_limit()
    assert installation.version() >= installation.SECURE_FROM


@pytest.mark.parametrize(
    ("missing", "expected"), [("jpg", "jpeg"), ("zlib", "png"), ("webp", "webp"), ("avif", "avif")]
)
def test_what_pillow_was_built_without_is_named(monkeypatch, missing, expected):
    monkeypatch.setattr(features, "check", lambda name: name != missing)

    assert installation.unwritable_formats() == [expected]


# The hook: E014 ------------------------------------------------------------------------------------------

NOT_CALLABLE = "what it leads to cannot be called"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("there.is.no.such", "No module named 'there'"),
        ("responsive_img.hooks.build_later", "build_later"),
        ("responsive_img.handover.HAND_OVER", NOT_CALLABLE),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_e014_a_hook_that_cannot_be_called(settings, path, problem):
    settings.RESPONSIVE_IMG_BUILD_HOOK = path

    found = one(
        "E014",
        f"RESPONSIVE_IMG_BUILD_HOOK = {path!r}: ",
        problem,
        hint="The default is 'responsive_img.hooks.build_now'.",
    )

    (default,) = re.findall("'(.+)'", found.hint or "")
    settings.RESPONSIVE_IMG_BUILD_HOOK = default
    assert check() == []


def test_e014_a_hook_whose_module_raises(settings, tmp_path, monkeypatch):
    (tmp_path / "raising_hooks.py").write_text("raise RuntimeError('at import')")
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.RESPONSIVE_IMG_BUILD_HOOK = "raising_hooks.hook"

    one("E014", "at import", hint="The default is 'responsive_img.hooks.build_now'.")


@pytest.mark.parametrize("path", ["responsive_img.hooks.enqueue", f"{__name__}.function"])
def test_a_hook_that_can_be_called_is_right(settings, path, sqlite):
    settings.RESPONSIVE_IMG_BUILD_HOOK = path
    sqlite("postgresql")

    assert check() == []


# Names and values: W015, E017 ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("FORMAT", "FORMATS"),
        ("BUDGET", "BUILD_BUDGET"),
        ("PRESET", "PRESETS"),
        ("MAX_WITH", "MAX_WIDTH"),
    ],
)
def test_w015_a_name_that_there_is_not(settings, name, near):
    setattr(settings, f"RESPONSIVE_IMG_{name}", None)

    one(
        "W015",
        f"There is no setting RESPONSIVE_IMG_{name}.",
        hint=f"Did you mean RESPONSIVE_IMG_{near}?",
    )


def test_w015_a_name_that_is_like_none(settings):
    settings.RESPONSIVE_IMG_ = None

    (found,) = check()

    assert found.id == "responsive_img.W015"
    assert "RESPONSIVE_IMG_" in (found.hint or "")


def test_w015_lists_all_names_where_none_is_near(settings):
    settings.RESPONSIVE_IMG_QWERTYUIOPASDFGHJKLZXCVBNM = None

    one(
        "W015",
        "There is no setting RESPONSIVE_IMG_QWERTYUIOPASDFGHJKLZXCVBNM.",
        hint=f"Choices: {', '.join(conf.NAMES)}.",
    )


def test_the_defaults_of_all_settings_are_right(settings):
    for name, value in conf.ResponsiveImgConf._meta.defaults.items():
        setattr(settings, name, value)

    assert check() == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("FORMATS", "webpp", "RESPONSIVE_IMG_FORMATS is left out: "),
        ("QUALITY", {"webp": 1000}, "RESPONSIVE_IMG_QUALITY is left out: "),
        ("DENSITIES", "many", "RESPONSIVE_IMG_DENSITIES is left out: "),
        ("BUILD_BUDGET", "2", "RESPONSIVE_IMG_BUILD_BUDGET is left out: it must be like 2.0, not '2'"),
        ("CACHE_TIMEOUT", None, "RESPONSIVE_IMG_CACHE_TIMEOUT is left out: "),
        ("PRESETS", ["card"], "RESPONSIVE_IMG_PRESETS is left out: "),
        ("DIRECTORY", Path("renditions"), "RESPONSIVE_IMG_DIRECTORY is left out: "),
        ("MAX_WIDTH", True, "RESPONSIVE_IMG_MAX_WIDTH is left out: "),
        ("BASE_URL", 5, "RESPONSIVE_IMG_BASE_URL is left out: "),
    ],
)
def test_e017_a_value_that_cannot_be_read(settings, name, value, problem):
    setattr(settings, f"RESPONSIVE_IMG_{name}", value)

    one("E017", problem, hint="Correct it, or leave it out.")

    delattr(settings, f"RESPONSIVE_IMG_{name}")
    assert check() == []


@pytest.mark.parametrize("name", ["ENGINE", "EMAIL_BACKEND"])
@pytest.mark.parametrize("path", ["there.is.no.such", "responsive_img.handover.HAND_OVER"])
def test_e017_a_path_that_leads_nowhere(settings, name, path):
    setattr(settings, f"RESPONSIVE_IMG_{name}", path)
    default = conf.ResponsiveImgConf._meta.defaults[f"RESPONSIVE_IMG_{name}"]

    one("E017", f"RESPONSIVE_IMG_{name} = {path!r}: ", hint=f"The default is {default!r}.")


def test_e017_a_storage_that_there_is_not(settings):
    settings.RESPONSIVE_IMG_STORAGE = "pictures"

    one(
        "E017",
        "RESPONSIVE_IMG_STORAGE = 'pictures' is not in STORAGES.",
        hint="Choices: default, staticfiles.",
    )

    settings.RESPONSIVE_IMG_STORAGE = "default"
    assert check() == []


def test_e017_an_isolation_that_there_is_not(settings):
    settings.RESPONSIVE_IMG_ISOLATION = "thread"

    one("E017", "RESPONSIVE_IMG_ISOLATION = 'thread'.", hint='Choices: None, "process".')

    settings.RESPONSIVE_IMG_ISOLATION = "process"
    assert check() == []


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "//example.com",
        "/media/",
        "https:",
        "https:///x",
        "",
        "ftp://x.y",
        "https://x.y/z",
        "https://x.y/?z",
    ],
)
def test_e017_an_origin_that_is_none(settings, url):
    settings.RESPONSIVE_IMG_BASE_URL = url

    found = one(
        "E017",
        f"RESPONSIVE_IMG_BASE_URL = {url!r} is no origin.",
        hint='RESPONSIVE_IMG_BASE_URL = "https://www.example.com"',
    )

    with override_settings(**paste(found.hint or "")):
        assert check() == []


# Whatever the settings are -------------------------------------------------------------------------------

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.binary(max_size=4)
    | st.sampled_from(
        ["webp", "webp avif", "default", "process", "https://x", "os.path.join", object(), Img]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["width", "formats"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def is_known_to_raise(name: str, value: object) -> bool:
    """Tell what is tested alone."""
    return name.endswith("_BASE_URL") and isinstance(value, str) and ("[" in value or "]" in value)


@given(
    st.dictionaries(st.sampled_from(conf.NAMES), anything, min_size=1, max_size=4).filter(
        lambda values: not any(is_known_to_raise(*each) for each in values.items())
    )
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_no_value_of_ours_makes_the_check_raise(values):
    with override_settings(**values):
        found = check()

    assert all(re.fullmatch(r"responsive_img\.[EW]0\d\d", str(message.id)) for message in found)
    assert all(message.hint for message in found)
    assert set(ids(found)) <= set(ALL)


UNUSUAL = {
    "no address": {"RESPONSIVE_IMG_BASE_URL": "http://["},
    "a preset under a number": {"RESPONSIVE_IMG_PRESETS": {5: {"width": 20}, "all": ["x"]}},
    "an option under a number": {"RESPONSIVE_IMG_PRESETS": {"card": {5: 5}}},
    "a timeout in words": {"CACHES": {"default": {**REDIS, "OPTIONS": {"socket_timeout": "0.5"}}}},
    "a key function that raises": {"CACHES": {"default": {**REDIS, "KEY_FUNCTION": f"{__name__}.refusing"}}},
    "a key function that gives bytes": {
        "CACHES": {"default": {**REDIS, "KEY_FUNCTION": f"{__name__}.in_bytes"}}
    },
    "a middleware whose module raises": {"MIDDLEWARE": [OURS, f"{__name__}_raises.Middleware"]},
    "a middleware that is no path": {"MIDDLEWARE": [OURS, None]},
    "no middleware": {"MIDDLEWARE": None},
    "a storage that there is not": {"STORAGES": {"default": {"BACKEND": "there.is.no.Such"}}},
    "no storages": {"STORAGES": {}},
}
WRONG = {
    "an option that is none": {"RESPONSIVE_IMG_PRESETS": {"card": {"width": {}}}},
    "a path of dots": {"RESPONSIVE_IMG_BUILD_HOOK": "a..b"},
    "a path of one dot": {"RESPONSIVE_IMG_BUILD_HOOK": ".x"},
    "a cache without a backend": {"CACHES": {"default": {}}},
    "no cache": {"CACHES": {"other": REDIS}},
    "no options": {"CACHES": {"default": {**REDIS, "OPTIONS": {}}}},
}


@pytest.mark.parametrize(
    "values",
    [*UNUSUAL.values(), *WRONG.values()],
    ids=[*UNUSUAL, *WRONG],
)
def test_no_settings_make_the_check_raise(values, tmp_path, monkeypatch):
    (tmp_path / f"{__name__.rpartition('.')[2]}_raises.py").write_text("raise RuntimeError('at import')")
    monkeypatch.setattr(sys.modules[__package__ or ""], "__path__", [*PATHS, str(tmp_path)])

    with override_settings(**values):
        assert isinstance(check(), list)


PATHS = list(sys.modules[__package__ or ""].__path__)


def refusing(key: str, prefix: str, version: int) -> str:
    raise ValueError(key)


def in_bytes(key: str, prefix: str, version: int) -> bytes:
    return key.encode()


@pytest.mark.parametrize("mode", [None, 5])
def test_no_transaction_mode_makes_the_check_raise(sqlite, mode):
    sqlite(OPTIONS={"transaction_mode": mode})

    assert ids(check()) == ["W013"]


# Their page ----------------------------------------------------------------------------------------------


def test_each_check_has_its_section():
    text = PAGE.read_text()

    assert re.findall(r"^### (\w+)", text, re.MULTILINE) == sorted(ALL, key=lambda each: each[1:])


def test_each_id_is_one_that_there_is():
    package = PAGE.parents[1] / "responsive_img"
    source = "".join(path.read_text() for path in [*package.glob("checks/*.py"), package / "fields.py"])

    assert set(re.findall(r"responsive_img\.([EW]\d{3})", source)) == set(ALL)


def test_nothing_is_checked_where_the_app_is_taken_out(settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "no.such.hook"
    before = ids(check())
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "responsive_img"]

    assert (bool(before), check()) == (True, [])
