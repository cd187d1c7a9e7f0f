from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings

from responsive_img import Img, conf
from responsive_img.defaults import Defaults, effective
from responsive_img.exceptions import SpecError
from responsive_img.options import Preset
from responsive_img.specs import Spec

# Name → another value than the default, and what of the settings shows it.
OTHERS: dict[str, tuple[Any, Callable[[conf.Config], object], object]] = {
    "FORMATS": ("avif webp", lambda config: config.defaults.formats, ("avif", "webp")),
    "QUALITY": ({"webp": 11}, lambda config: config.defaults.quality, (("webp", 11),)),
    "DENSITIES": ([1, 3], lambda config: config.defaults.densities, (1.0, 3.0)),
    "MAX_WIDTH": (111, lambda config: config.defaults.max_width, 111),
    "PRESETS": ({"card": {"width": 4}}, lambda config: config.preset("card").spec, Spec(width=4)),
    "BUILD_HOOK": ("some.hook", lambda config: config.build_hook, "some.hook"),
    "BUILD_BUDGET": (11.5, lambda config: config.build_budget, 11.5),
    "CREATE_ON_DEMAND": (False, lambda config: config.create_on_demand, False),
    "READ_ONLY": (True, lambda config: config.read_only, True),
    "CACHE": ("other", lambda config: config.cache, "other"),
    "CACHE_TIMEOUT": (11, lambda config: config.cache_timeout, 11),
    "STORAGE": ("other", lambda config: config.storage, "other"),
    "DIRECTORY": ("other", lambda config: config.directory, "other"),
    "MAX_SOURCE_PIXELS": (11, lambda config: config.max_source_pixels, 11),
    "MAX_SOURCE_BYTES": (12, lambda config: config.max_source_bytes, 12),
    "RETRY": (13, lambda config: config.retry, 13),
    "PLACEHOLDER": ("static:none.svg", lambda config: config.placeholder, "static:none.svg"),
    "BASE_URL": ("https://example.com", lambda config: config.base_url, "https://example.com"),
    "ISOLATION": ("process", lambda config: config.isolation, "process"),
    "ENGINE": ("some.Engine", lambda config: config.engine, "some.Engine"),
    "EMAIL_BACKEND": ("some.EmailBackend", lambda config: config.email_backend, "some.EmailBackend"),
}


def test_settings_have_the_documented_defaults():
    with override_settings(**conf.ResponsiveImgConf._meta.defaults):
        config = conf.current()

    assert config.defaults.formats == ("webp",)
    assert config.defaults.quality == ()
    assert config.defaults.densities == (1.0, 2.0)
    assert config.defaults.max_width == 4096
    assert config.presets == {}
    assert config.create_on_demand is True
    assert config.build_hook == "responsive_img.hooks.build_now"
    assert config.build_budget == 2.0
    assert config.read_only is False
    assert (config.cache, config.cache_timeout) == ("default", 30 * 24 * 3600)
    assert (config.storage, config.directory) == (None, "renditions")
    assert (config.max_source_pixels, config.max_source_bytes) == (64_000_000, 64 * 2**20)
    assert config.retry == 300
    assert (config.placeholder, config.base_url, config.isolation) == (None, None, None)
    assert config.engine == "responsive_img.engine.PillowEngine"
    assert config.email_backend == "django.core.mail.backends.smtp.EmailBackend"


def test_every_setting_is_among_those_tried_here():
    assert sorted(conf.PREFIX + name for name in OTHERS) == list(conf.NAMES)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_setting_takes_effect_at_once_and_no_longer_than_it_is_set(name):
    value, shown, expected = OTHERS[name]
    before = conf.current()

    with override_settings(**{conf.PREFIX + name: value}):
        assert shown(conf.current()) == expected
        assert conf.current() is not before

    after = conf.current()
    assert after is not before
    assert after.defaults == before.defaults
    assert after.presets == {}


def test_settings_that_do_not_change_are_one_object():
    first = conf.current()

    with override_settings(LANGUAGE_CODE="de"):
        assert conf.current() is first
    assert conf.current() is first


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FORMATS", "wepb", "Unknown format 'wepb'. Did you mean 'webp'? Choices: avif, jpeg, png, webp."),
        ("QUALITY", {"webp": 0}, "'quality' must be whole numbers from 1 to 100, not 0."),
        ("DENSITIES", "2x", "'densities' must be numbers such as '1 2', not '2x'."),
    ],
)
def test_setting_that_cannot_be_read_is_logged_and_its_default_stands(name, value, message, caplog):
    with override_settings(**{"RESPONSIVE_IMG_MAX_WIDTH": 111, conf.PREFIX + name: value}):
        found = conf.current()
        conf.current()

    assert found.defaults == Defaults(max_width=111)
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("responsive_img", "ERROR", f"RESPONSIVE_IMG_{name} is left out: {message}")
    ]


@pytest.mark.parametrize(
    ("name", "value", "default"),
    [
        ("BUILD_BUDGET", "2", 2.0),
        ("CACHE_TIMEOUT", None, 2_592_000),
        ("CACHE", 5, "default"),
        ("MAX_WIDTH", True, 4096),
        ("MAX_WIDTH", "4096", 4096),
        ("DIRECTORY", None, "renditions"),
        ("BUILD_BUDGET", None, 2.0),
        ("PRESETS", ["card"], {}),
        ("STORAGE", 5, None),
        ("READ_ONLY", 1, False),
        ("READ_ONLY", "True", False),
        ("PLACEHOLDER", True, None),
        ("BASE_URL", b"https://example.com", None),
    ],
)
def test_setting_of_another_type_is_logged_and_its_default_stands(name, value, default, caplog):
    with override_settings(**{conf.PREFIX + name: value}):
        found = conf.current()

    shown = found.defaults.max_width if name == "MAX_WIDTH" else getattr(found, name.lower())
    assert shown == default
    assert [r.getMessage() for r in caplog.records] == [
        f"RESPONSIVE_IMG_{name} is left out: it must be like {default!r}, not {value!r}"
    ]


@pytest.mark.parametrize("formats", [(), "", []])
def test_formats_may_be_none_but_the_fallback(formats):
    with override_settings(RESPONSIVE_IMG_FORMATS=formats):
        assert conf.current().defaults.formats == ()


def test_densities_always_have_1():
    with override_settings(RESPONSIVE_IMG_DENSITIES=(2, 1.5)):
        assert conf.current().defaults.densities == (1.0, 1.5, 2.0)


def test_settings_that_are_none_leave_the_defaults():
    with override_settings(
        RESPONSIVE_IMG_FORMATS=None, RESPONSIVE_IMG_QUALITY=None, RESPONSIVE_IMG_DENSITIES=None
    ):
        found = conf.current().defaults

    assert found == Defaults()


def test_preset_is_read_once():
    with override_settings(RESPONSIVE_IMG_PRESETS={"card": {"ratio": "16/9", "width": 320}}):
        assert conf.current().preset("card") is conf.current().preset("card")


def test_preset_has_how_the_picture_is_shown_too():
    card = {"widths": "320 640", "sizes": "50vw", "class": "a&b", "picture_class": "c", "priority": True}
    with override_settings(RESPONSIVE_IMG_PRESETS={"card": card}):
        found = conf.current().preset("card")

    assert found == Preset(
        Spec(widths=(320, 640), sizes="50vw"),
        (("class", ' class="a&amp;b"'),),
        (("class", ' class="c"'),),
        priority=True,
    )


def test_preset_may_be_what_python_code_uses():
    thumbnail = Img(width=320, fit="cover")  # an Img may be extended, so it need not be whole
    with override_settings(RESPONSIVE_IMG_PRESETS={"card": thumbnail}):
        assert conf.current().preset("card") is thumbnail.preset


@pytest.mark.parametrize("options", [{"fit": "cover"}, {"widths": None, "sizes": "50vw"}])
def test_preset_need_not_be_whole_as_the_tag_may_bring_the_rest(options):
    with override_settings(RESPONSIVE_IMG_PRESETS={"card": options}):
        assert conf.current().preset("card").spec == Spec(**options)


def test_preset_that_contradicts_itself_is_refused_by_name():
    options = {"priority": True, "loading": "lazy"}
    with override_settings(RESPONSIVE_IMG_PRESETS={"card": options}), pytest.raises(SpecError) as caught:
        conf.current().preset("card")

    assert str(caught.value) == "Preset 'card': 'priority' contradicts loading=\"lazy\"."


def test_preset_that_is_unknown_is_refused_with_the_nearest_one():
    with (
        override_settings(RESPONSIVE_IMG_PRESETS={"card": {}, "hero": {}}),
        pytest.raises(SpecError) as caught,
    ):
        conf.current().preset("crad")

    assert str(caught.value) == "Unknown preset 'crad'. Did you mean 'card'? Choices: card, hero."


def test_preset_that_is_a_list_is_refused_in_a_tag():
    with override_settings(RESPONSIVE_IMG_PRESETS={"cards": ["a", "b"]}), pytest.raises(SpecError) as caught:
        conf.current().preset("cards")

    assert str(caught.value) == "Preset 'cards' is a list of presets, for the warmer; a tag takes one."


def test_preset_that_is_wrong_is_refused_by_name():
    with override_settings(RESPONSIVE_IMG_PRESETS={"card": {"width": 0}}), pytest.raises(SpecError) as caught:
        conf.current().preset("card")

    assert str(caught.value) == "Preset 'card': 'width' must be a whole number of px from 1 on, not 0."


@pytest.mark.parametrize("debug", [True, False])
def test_debug_is_that_of_the_project(debug):
    with override_settings(DEBUG=debug):
        assert conf.is_debug() is debug


def test_secrets_are_the_present_one_then_those_it_replaced():
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old", "older"]):
        assert conf.secrets() == ["new", "old", "older"]


@pytest.mark.parametrize("quality", [50, "50", {"webp": 50, "avif": 50, "jpeg": 50}], ids=type)
def test_quality_in_every_form_that_is_taken_takes_effect(quality):
    with override_settings(RESPONSIVE_IMG_QUALITY=quality):
        found = effective(Spec(), conf.current().defaults)

    assert found.quality == (("avif", 50), ("webp", 50), ("jpeg", 50))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("BUILD_BUDGET", -1, "0 or more"),
        ("BUILD_BUDGET", float("nan"), "0 or more"),
        ("CACHE_TIMEOUT", 0, "1 or more"),
        ("MAX_SOURCE_PIXELS", 0, "1 or more"),
        ("MAX_SOURCE_BYTES", -5, "1 or more"),
        ("MAX_WIDTH", 0, "1 or more"),
        ("RETRY", -1, "0 or more"),
        ("DIRECTORY", "../x", "a path like 'a/b'"),
        ("DIRECTORY", "./x", "a path like 'a/b'"),
        ("DIRECTORY", "a//b", "a path like 'a/b'"),
        ("DIRECTORY", "..\\x", "a path like 'a/b'"),
        ("DIRECTORY", "a\0b", "a path like 'a/b'"),
    ],
)
def test_setting_out_of_its_range_is_logged_and_its_default_stands(name, value, wanted, caplog):
    default = conf._DEFAULTS[conf.PREFIX + name]

    with override_settings(**{conf.PREFIX + name: value}):
        found = conf.current()

    assert (found.defaults.max_width if name == "MAX_WIDTH" else getattr(found, name.lower())) == default
    assert [r.getMessage() for r in caplog.records] == [
        f"RESPONSIVE_IMG_{name} is left out: it must be {wanted}, not {value!r}"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("RETRY", 0), ("BUILD_BUDGET", 0), ("BUILD_BUDGET", float("inf")), ("DIRECTORY", "a/b")],
)
def test_setting_at_the_end_of_its_range_stands(name, value):
    with override_settings(**{conf.PREFIX + name: value}):
        assert getattr(conf.current(), name.lower()) == value


def test_preset_that_is_neither_a_dict_nor_a_list_is_no_preset():
    with override_settings(RESPONSIVE_IMG_PRESETS={"card": 5}), pytest.raises(SpecError) as caught:
        conf.current().preset("card")

    assert str(caught.value) == "Preset 'card' must be a dict of arguments, not 5."
