from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.template import Context, Template
from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy, override
from jinja2 import Environment, TemplateSyntaxError

import responsive_img
from responsive_img import Img, batch, immediate, records
from responsive_img.bound import BoundImg
from responsive_img.exceptions import SpecError
from responsive_img.jinja import ResponsiveImgExtension
from responsive_img.queue import process_queue
from templatetags_tests.conftest import MARKUP, ONE_FILE, RENDITION, drawn, respond
from templatetags_tests.models import Photo, Scan

ROOT = Path(responsive_img.__file__).parents[1]
URL = f"/media/{RENDITION}"
SOURCE = "/media/photos/cat.jpg"
ENQUEUE = "responsive_img.hooks.enqueue"
A: dict[str, Any] = {"class": "a"}
ONE: dict[str, Any] = {"width": 20, "format": "webp", "densities": "1"}


def built() -> list[str]:
    """Return the names of all renditions, without their digests."""
    folder = "renditions/photos"
    found = default_storage.listdir(folder)[1] if default_storage.exists(folder) else []
    return sorted(re.sub(r"\.\w{8}\.", ".", name) for name in found)


def states() -> list[str]:
    return sorted(records.picture_model().objects.values_list("state", flat=True))


# Img -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["preset", "width", "do_not_call_in_templates", "anything"])
def test_an_img_does_not_change(name):
    img = Img(width=20)

    with pytest.raises(
        AttributeError, match=rf"^An Img does not change; extend\({name}=…\) gives another one\.$"
    ):
        setattr(img, name, 1)
    with pytest.raises(AttributeError, match=r"^An Img does not change\.$"):
        delattr(img, name)

    assert img == Img(width=20)


def test_an_img_has_no_attributes_of_its_own():
    assert not hasattr(Img(width=20), "__dict__")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Img(), Img()),
        (Img(width=300), Img(width="300")),
        (Img(width=300, format="webp"), Img(format="webp", width=300)),
        (Img(ratio="16/9"), Img(ratio=Fraction(16, 9))),
        (Img(densities="1 2"), Img(densities=[2])),
        (Img(quality={"webp": 70}), Img(quality="webp 70")),
        (Img(width=300, **A), Img(width=300).extend(**A)),
        (Img(width=600), Img(width=300).extend(width=600)),
        (Img(width=300, height=None), Img(width=300)),
        (Img(priority=True), Img().extend(priority=True)),
        (Img(picture_class="a"), Img().extend(picture_class="a")),
    ],
)
def test_imgs_that_tell_the_same_are_equal(one, other):
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1
    assert not one != other  # noqa: SIM202 - what is tested


@pytest.mark.parametrize(
    "other",
    [Img(width=301), Img(), Img(width=300, **A), Img(width=300, priority=False),
     Img(width=300, picture_class="a"), Img(width=300, build="src"), "w300", None, 300],
)  # fmt: skip
def test_imgs_that_tell_something_else_are_not_equal(other):
    assert Img(width=300) != other


@pytest.mark.parametrize(
    ("img", "text"),
    [
        (Img(), "<Img as large as the source>"),
        (Img(width=300, ratio="16/9"), "<Img w300;r16/9>"),
    ],
)
def test_an_img_says_what_it_asks_for(img, text):
    assert repr(img) == text


@pytest.mark.parametrize(
    "img",
    [Img(), Img(width=300, format="webp", alt="<a>", priority=True, picture_class="b"),
     Img(ratio="16/9", focal=(0.3, 0.7), quality={"webp": 70}, densities=[1, 1.5])],
)  # fmt: skip
@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_a_copy_of_an_img_is_equal(img, how):
    copied = {
        "pickle": lambda each: pickle.loads(pickle.dumps(each)),  # noqa: S301 - our own
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
    }

    assert copied[how](img) == img
    assert type(copied[how](img)) is Img


class Thumbnail(Img):
    """A project's own."""


def test_a_subclass_stays_one():
    thumbnail = Thumbnail(width=20)

    for each in (thumbnail.extend(height=10), copy.copy(thumbnail)):
        assert type(each) is Thumbnail
    assert repr(thumbnail) == "<Thumbnail w20>"


def test_extending_leaves_the_img_as_it_is():
    img = Img(width=300, format="webp")

    other = img.extend(width=600)

    assert img == Img(width=300, format="webp")
    assert other == Img(width=600, format="webp")
    assert img.extend() == img


@pytest.mark.parametrize(
    ("img", "options", "expected"),
    [
        (Img(format="webp"), {"formats": "avif webp"}, {"formats": "avif webp"}),
        (Img(formats="avif"), {"format": "webp"}, {"format": "webp"}),
        (Img(widths="20 40", sizes="50vw"), {"densities": "1 2"}, {"densities": "1 2"}),
        (Img(densities="1 2"), {"widths": "20 40"}, {"widths": "20 40"}),
        (Img(width=20, height=10), {"ratio": "1/1"}, {"width": 20, "ratio": "1/1"}),
        (Img(width=20, ratio="1/1"), {"height": 10}, {"width": 20, "height": 10}),
        (Img(height=20, ratio="1/1"), {"width": 10}, {"width": 10, "height": 20}),
        (Img(ratio="1/1", focal="1% 2%"), {"fit": "contain"}, {"ratio": "1/1", "fit": "contain"}),
        (Img(ratio="1/1", fit="contain"), {"focal": "1% 2%"}, {"ratio": "1/1", "focal": "1% 2%"}),
        (Img(quality="webp 70 avif 50"), {"quality": "webp 60"}, {"quality": "avif 50 webp 60"}),
        (Img(quality="webp 70"), {"quality": 50}, {"quality": 50}),
        (Img(**A, id="x"), {"class": "b"}, {"class": "b", "id": "x"}),
        (Img(width=20, alt="a"), {"alt": "b"}, {"width": 20, "alt": "b"}),
        (Img(width=20), {"width": None}, {"width": 20}),
        (Img(priority=True), {"priority": False}, {"priority": False}),
    ],
)  # fmt: skip
def test_what_contradicts_an_extension_gives_way(img, options, expected):
    assert img.extend(**options) == Img(**expected)


@pytest.mark.parametrize(
    ("img", "options"),
    [
        (Img(width=20, loading="lazy"), {"priority": True}),
        (Img(width=20, priority=True), {"loading": "lazy"}),
    ],
)
def test_what_contradicts_an_extension_gives_way_on_the_page_too(photo, img, options):
    html = img.extend(**options)(photo.image, alt="").as_html()

    assert html.endswith(
        ' loading="eager" fetchpriority="high"></picture>'
        if "priority" in options
        else ' loading="lazy" decoding="async"></picture>'
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widht": 20}, "Unknown argument 'widht'. Did you mean 'width'?"),
        ({"width": 0}, "'width' must be a whole number of px from 1 on, not 0."),
        ({"format": "webp", "formats": "avif"}, "'format' (this one alone) contradicts 'formats'"),
        ({"widths": "20", "densities": "1"}, "'widths' contradicts 'densities'"),
        ({"width": 1, "height": 1, "ratio": 1}, "'ratio' contradicts 'width' with 'height'"),
        ({"ratio": 1, "fit": "contain", "focal": "1% 1%"}, "'focal' contradicts fit='contain'"),
        ({"priority": True, "loading": "lazy"}, "'priority' contradicts loading=\"lazy\"."),
        ({"priority": "yes"}, "'priority' must be True or False"),
        ({"data_a": 1, "data_A": 2}, "'data-a' is given twice."),
        ({"src": "x"}, "'src' is written by the tag itself."),
        ({"build": "none"}, "'build' must be one of: src, srcset, all; not 'none'."),
    ],
)
def test_an_argument_that_is_wrong_is_refused_when_the_img_is_made(options, message):
    for make in (Img, Img().extend):
        with pytest.raises(SpecError, match=f"^{re.escape(message)}"):
            make(**options)


def test_an_argument_that_a_later_one_completes_is_no_error_yet():
    assert Img(fit="contain").extend(width=20, height=20) == Img(width=20, height=20, fit="contain")
    assert Img(sizes="50vw").extend(widths="20 40") == Img(widths="20 40", sizes="50vw")


def test_templates_do_not_call_an_img(photo):
    context = Context({"thumb": Img(width=20), "photo": photo})

    assert Template("{{ thumb }}").render(context) == "&lt;Img w20&gt;"


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize(
    ("arguments", "same"),
    [
        ('thumb alt=""', 'width=20 format="webp" densities="1" alt=""'),
        ('thumb width=10 alt=""', 'width=10 format="webp" densities="1" alt=""'),
        ('thumb width=ten format="png" alt=""', 'width=10 format="png" densities="1" alt=""'),
        ('shown alt=""', 'width=20 priority=True class="a" picture_class="b" alt=""'),
        ('shown class="c" priority=False alt="x"', 'width=20 class="c" picture_class="b" alt="x"'),
        ('named alt="y"', 'width=20 alt="y"'),
    ],
)
def test_in_a_template_an_img_is_a_preset(page, photo, language, arguments, same):
    context = {
        "photo": photo, "thumb": Img(**ONE), "ten": 10, "named": Img(width=20, alt="x"),
        "shown": Img(width=20, priority=True, picture_class="b", **A),
    }  # fmt: skip

    one = page(language, f"{{% img photo.image {arguments} %}}", context)
    other = page(language, f"{{% img photo.image {same} %}}", context)

    assert one.content == other.content


def test_an_img_among_the_settings_is_a_preset(page, photo, settings):
    settings.RESPONSIVE_IMG_PRESETS = {"thumb": Img(**ONE)}

    response = page("django", '{% img photo.image "thumb" alt="" %}', {"photo": photo})

    assert response.content.decode() == MARKUP


def test_a_tag_with_priority_stands_over_a_preset_that_is_lazy(page, photo, settings):
    settings.DEBUG = True
    context = {"photo": photo, "thumb": Img(loading="lazy", **ONE)}

    response = page("django", '{% img photo.image thumb priority=True alt="" %}', context)

    assert b' loading="eager" fetchpriority="high">' in response.content


# Before Django is ready ----------------------------------------------------------------------------------


def run(folder: Path, code: str) -> str:
    """Run code in a fresh process where `folder` can be imported, warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path[:0] = [{str(ROOT)!r}]\n{code}"],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_project_makes_its_imgs_in_apps_and_models(tmp_path):
    app = tmp_path / "shop"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "images.py").write_text(
        "from responsive_img import Img\n"
        "thumbnail = Img(width=300, format='webp', alt='x')\n"
        "large = thumbnail.extend(width=600, formats='avif webp', priority=True)\n"
    )
    (app / "apps.py").write_text(
        "from django.apps import AppConfig, apps\n"
        "from shop.images import large, thumbnail\n"
        "assert not apps.apps_ready\n"
        "class ShopConfig(AppConfig):\n"
        "    name = 'shop'\n"
        "    image = thumbnail.extend(height=200)\n"
    )
    (app / "models.py").write_text(
        "from django.apps import apps\n"
        "from django.db import models\n"
        "from responsive_img import Img\n"
        "from shop.images import thumbnail\n"
        "assert not apps.models_ready\n"
        "class Product(models.Model):\n"
        "    main_image = models.ImageField()\n"
        "    card = Img(width=20).extend(ratio='1/1')\n"
        "    @property\n"
        "    def thumbnail(self):\n"
        "        return thumbnail(self.main_image)\n"
    )
    code = (
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['shop', 'responsive_img'], USE_TZ=True, MEDIA_URL='/media/',\n"
        "    DEFAULT_AUTO_FIELD='django.db.models.AutoField',\n"
        "    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}})\n"
        "django.setup()\n"
        "from django.apps import apps\n"
        "from shop.images import large\n"
        "from shop.models import Product\n"
        "print(apps.get_app_config('shop').image, large, Product.card, type(Product().thumbnail).__name__)"
    )

    assert run(tmp_path, code) == (
        "<Img w300;h200;owebp;e1> <Img w600;favif,webp;e1> <Img w20;r1> BoundImg\n"
    )


def test_a_project_makes_its_imgs_in_its_settings(tmp_path):
    (tmp_path / "project_settings.py").write_text(
        "from responsive_img import Img\n"
        "SECRET_KEY = 'x'\n"
        "INSTALLED_APPS = ['responsive_img']\n"
        "RESPONSIVE_IMG_PRESETS = {'card': Img(width=20).extend(ratio='1/1')}\n"
    )
    code = (
        "import os, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'project_settings'\n"
        "django.setup()\n"
        "from responsive_img import conf\n"
        "print(conf.current().preset('card').spec.text, conf.current().defaults.max_width)"
    )

    assert run(tmp_path, code) == "w20;r1 4096\n"


def test_an_img_is_made_before_django_is_set_up(tmp_path):
    code = (
        "from django.conf import settings\n"
        "settings.configure()\n"
        "from responsive_img import Img\n"
        "Img(width=300).extend(format='webp')\n"
        "from django.apps import apps\n"
        "print(apps.ready)"
    )

    assert run(tmp_path, code) == "False\n"


def test_importing_the_package_loads_neither_django_nor_pillow(tmp_path):
    code = "import responsive_img\nprint(sorted({'django', 'PIL', 'appconf', 'jinja2'} & set(sys.modules)))"

    assert run(tmp_path, code) == "[]\n"


# BoundImg ------------------------------------------------------------------------------------------------


def test_binding_reads_and_looks_up_nothing(
    photo, settings, cache_calls, storage_calls, django_assert_num_queries
):
    with django_assert_num_queries(0):
        for source in (photo.image, "photos/cat.jpg", "static:gone.jpg", "", None, 3, "../x.jpg"):
            assert isinstance(Img(**ONE)(source, alt="x"), BoundImg)

    assert not cache_calls
    assert not storage_calls


def test_a_bound_image_has_what_a_template_shows(photo):
    bound = Img(**ONE)(photo.image, alt="")

    assert bound.base_url() == str(bound) == URL
    assert bound.as_html() == MARKUP
    assert isinstance(bound.as_html(), SafeString)
    assert (bound.srcset, bound.sizes) == ("", "")
    assert (bound.width, bound.height) == (20, 10)
    assert bool(bound) is True
    assert bound.is_built is True


def test_a_bound_image_of_widths_has_srcset_and_sizes(photo):
    bound = Img(widths="20 40", sizes="50vw", formats="")(photo.image, alt="")

    assert re.fullmatch(r"/media/\S+-20w\.\w{8}\.jpg 20w, /media/\S+-40w\.\w{8}\.jpg 40w", bound.srcset)
    assert bound.sizes == "auto, 50vw"
    assert bound.base_url() == bound.srcset.split()[2]
    assert (bound.width, bound.height) == (40, 20)
    assert f'srcset="{bound.srcset}" sizes="{bound.sizes}" src="{bound.base_url()}"' in bound.as_html()


def test_texts_of_a_bound_image_are_not_escaped(photo, settings):
    settings.MEDIA_URL = "/media/?a=1&b="

    bound = Img(width=20, formats="")(photo.image, alt="")

    assert bound.base_url().startswith("/media/?a=1&b=renditions/")
    assert bound.srcset.count("/media/?a=1&b=renditions/") == 2
    assert "/media/?a=1&amp;b=renditions/" in bound.as_html()
    assert Template("{{ bound }}").render(Context({"bound": bound})) == bound.base_url().replace("&", "&amp;")


def test_a_bound_image_is_looked_up_once(photo, cache_calls, storage_calls, our_queries):
    Img(width=20)(photo.image).base_url()
    cache_calls.clear()
    storage_calls.clear()
    bound = Img(width=20)(photo.image, alt="")

    with our_queries() as queries:
        for _ in range(2):
            bound.base_url(), bound.srcset, bound.sizes, bound.width, bound.height, bound.as_html()
            str(bound), bool(bound), bound.is_built

    assert cache_calls == {"get_many": 1}
    assert not storage_calls
    assert queries == []


def test_a_source_is_a_file_or_a_name(photo):
    assert Img(**ONE)("photos/cat.jpg").base_url() == Img(**ONE)(photo.image).base_url() == URL


SETS: list[dict[str, Any]] = [
    {"width": 20},
    {"height": 10, "densities": "1 1.5 2"},
    {"width": 20, "format": "webp"},
    {"width": 20, "formats": "avif webp", "quality": "webp 70 avif 50"},
    {"width": 20, "ratio": "1/1", "focal": (0.3, 0.7)},
    {"width": 20, "height": 20, "fit": "contain"},
    {"width": 160, "upscale": True, "densities": 1},
    {"widths": "20 40", "sizes": "(min-width: 600px) 50vw"},
    {"widths": [20, 40], "ratio": "1/1", "loading": "eager"},
    {"widths": "20 40", "width": 30, "priority": True},
    {"width": 20, "priority": True},
    {"width": 20, "priority": False, "decoding": "sync"},
    {"width": 20, "picture_class": "a <b>", "class": 'c "d"', "id": "x"},
    {"width": 20, "format": "webp", "picture_class": "dropped"},
    {"width": 20, "data_foo": 5, "aria_label": "x", "hidden": True, "inert": False},
    {"width": 20, "style": mark_safe("--a: &quot;b'"), "fetchpriority": "low"},
    {"width": 20, "loading": False, "decoding": False},
    {"width": 20, "build": "all"},
    {},
]


@pytest.mark.parametrize("options", SETS, ids=str)
@pytest.mark.parametrize("alt", ["", "A <cat>", None, mark_safe('A &amp; "B"'), 5, False])
def test_the_markup_has_the_bytes_of_the_tag(page, photo, options, alt):
    arguments = " ".join(f"{name}=values.{name}" for name in options)
    context = {"photo": photo, "values": options, "alt": alt}

    tag = page("django", f"{{% img photo.image {arguments} alt=alt %}}", context).content.decode()
    jinja = page("jinja2", f"{{% img photo.image {arguments} alt=alt %}}", context)

    assert Img(**options)(photo.image, alt=alt).as_html() == tag == jinja.content.decode()
    assert Img().extend(**options)(photo.image, alt=alt).as_html() == tag
    if alt is not None:
        assert Img(alt=alt, **options)(photo.image).as_html() == tag
        assert Img(alt="other", **options)(photo.image, alt=alt).as_html() == tag


@pytest.mark.parametrize("name", ["loading", "decoding", "alt"])
def test_none_leaves_an_attribute_out_as_in_a_tag(page, photo, name):
    tag = page(
        "django",
        f"{{% img photo.image width=20 {name}=None {'' if name == 'alt' else 'alt=1'} %}}",
        {"photo": photo},
    )

    options: dict[str, Any] = {"width": 20, "alt": 1} | {name: None}

    assert Img(**options)(photo.image).as_html() == tag.content.decode()


def test_the_markup_needs_an_alt(photo, cache_calls):
    bound = Img(**ONE)(photo.image)

    with pytest.raises(
        SpecError, match=r"^'alt' is required: describe the picture, or write alt=\"\" for decoration\.$"
    ):
        bound.as_html()

    assert bound.base_url() == URL
    assert Img(**ONE)(photo.image, alt=None).as_html() == MARKUP


def test_all_else_needs_no_alt(photo):
    bound = Img(width=20)(photo.image)

    assert bound.base_url()
    assert bound.srcset
    assert bound.sizes == ""
    assert (bound.width, bound.height, bool(bound), bound.is_built) == (20, 10, True, True)


@pytest.mark.parametrize("source", [Photo().image, None, ""])
def test_an_empty_source_has_nothing(db, source, cache_calls):
    bound = Img(width=20)(source, alt="x")

    assert (bound.base_url(), str(bound), bound.srcset, bound.sizes, bound.as_html()) == ("", "", "", "", "")
    assert (bound.width, bound.height, bool(bound), bound.is_built) == (None, None, False, False)
    assert isinstance(bound.as_html(), SafeString)
    bound.build()
    assert not cache_calls


def test_the_placeholder_stands_in_for_an_empty_source(save_file, settings, db):
    settings.RESPONSIVE_IMG_PLACEHOLDER = save_file()

    bound = Img(**ONE)(Photo().image, alt="")

    assert bound.base_url() == URL
    assert bound.as_html() == MARKUP
    assert bound.is_built


@pytest.mark.parametrize("source", ["../secret.jpg", "/etc/passwd", 3])
def test_a_source_that_cannot_be_asked_for_has_nothing_and_one_line_says_so(db, source, log, cache_calls):
    bound = Img(width=20)(source, alt="x")

    assert (bound.base_url(), bound.srcset, bound.sizes) == ("", "", "")
    assert (bound.width, bound.height, bool(bound), bound.is_built) == (None, None, False, False)
    bound.build()
    assert len(log()) == 1
    assert not cache_calls


def test_the_markup_of_a_source_that_cannot_be_asked_for_has_the_bytes_of_the_tag(page, db):
    tag = page("django", '{% img "../secret.jpg" width=20 alt="x" %}')

    assert Img(width=20)("../secret.jpg", alt="x").as_html() == tag.content.decode()


def test_a_source_that_cannot_be_asked_for_raises_under_debug(db, settings):
    settings.DEBUG = True

    with pytest.raises(SpecError, match="Not the name of a file in a storage"):
        Img(width=20)("../secret.jpg").base_url()


WRONG = [
    (Img(width=5000), "'width' comes to 5000 px"),
    (Img(width=20, fit="cover"), "'fit' needs a box"),
    (Img(width=20, sizes="50vw"), "'sizes' needs 'widths'"),
]


@pytest.mark.parametrize(("img", "message"), WRONG)
@pytest.mark.parametrize("ask", ["base_url", "as_html", "build", "__bool__"])
def test_what_cannot_be_asked_for_raises_under_debug(photo, settings, img, message, ask):
    settings.DEBUG = True
    bound = img(photo.image, alt="")

    with pytest.raises(SpecError, match=message):
        getattr(bound, ask)()


@pytest.mark.parametrize(("img", "message"), WRONG)
def test_what_cannot_be_asked_for_shows_the_source_and_one_line_says_so(photo, img, message, log):
    bound = img(photo.image, alt="")

    assert bound.base_url() == SOURCE
    assert (
        bound.as_html()
        == f'<img src="{SOURCE}" width="80" height="40" alt="" loading="lazy" decoding="async">'
    )
    assert [message in line for line in log()] == [True]


@pytest.mark.parametrize(("img", "message"), WRONG)
def test_what_cannot_be_asked_for_is_not_built_either(photo, img, message, log):
    img(photo.image, alt="").build()

    assert built() == []
    assert [message in line for line in log()] == [True]


# Building ------------------------------------------------------------------------------------------------


def test_a_deferring_hook_leaves_the_source(photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    bound = Img(width=20)(photo.image, alt="")

    assert (bound.base_url(), bound.srcset) == (SOURCE, "")
    assert (bound.width, bound.height) == (20, 10)
    assert not bound
    assert not bound.is_built
    assert states() == ["queued"]
    process_queue()
    assert Img(width=20)(photo.image, alt="").is_built


@pytest.mark.parametrize("is_asked_before", [True, False])
def test_build_builds_all_in_this_process_whatever_the_hook(photo, settings, is_asked_before):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    bound = Img(width=20)(photo.image, alt="")
    if is_asked_before:
        assert not bound

    bound.build("all")

    assert bound
    assert bound.is_built
    assert states() == ["ready"]
    assert built() == ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"]
    assert bound.srcset.count("/renditions/") == 2


def test_build_builds_nothing_twice(photo, settings, storage_calls):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    bound = Img(width=20)(photo.image, alt="")
    bound.build()
    storage_calls.clear()

    bound.build()
    Img(width=20)(photo.image).build("src")

    assert not storage_calls


def test_build_refuses_what_it_does_not_know(photo):
    with pytest.raises(SpecError, match=r"^'build' must be one of: src, srcset, all; not 'none'\.$"):
        Img(width=20)(photo.image).build("none")


def test_build_of_the_src_alone_leaves_the_candidates_to_the_hook(photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    Img(width=20)(photo.image).build("src")

    assert built() == ["cat-20w.jpg"]


@pytest.mark.parametrize("build", ["src", "srcset", "all"])
def test_an_img_with_build_builds_at_the_first_access(photo, settings, build):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    bound = Img(build=build, **ONE)(photo.image, alt="")
    before = built()

    assert bound.as_html() == MARKUP
    assert before == []
    assert built() == ["cat-20w.webp"]


@pytest.mark.parametrize(
    ("img", "build"), [(ONE, "all"), ({**ONE, "build": "srcset"}, None), ({**ONE, "build": "src"}, "srcset")]
)
def test_immediate_builds_in_the_call_whatever_the_hook(photo, settings, img, build):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    bound = Img(**img)(photo.image, build=build, immediate=True)

    assert (built(), states()) == (["cat-20w.webp"], ["ready"])
    assert bound.base_url() == URL
    assert bound.is_built


@pytest.mark.parametrize(
    ("hook", "files", "expected"), [("build_now", ["cat-20w.webp"], ["ready"]), ("enqueue", [], ["queued"])]
)
def test_immediate_alone_looks_up_in_the_call_and_does_as_the_hook_has_it(
    photo, settings, our_queries, hook, files, expected
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"responsive_img.hooks.{hook}"

    bound = Img(**ONE)(photo.image, immediate=True)

    assert (built(), states()) == (files, expected)
    with our_queries() as queries:
        assert bound.is_built is bool(files)
        assert bound.width == 20
    assert queries == []


def test_immediate_of_an_empty_source_builds_nothing(db):
    bound = Img(**ONE)(Photo().image, build="all", immediate=True)

    assert (bound.base_url(), bound.is_built, states()) == ("", False, [])


@pytest.mark.parametrize("immediate", [True, False])
def test_build_that_is_none_of_these_is_refused_in_the_call(photo, immediate):
    with pytest.raises(SpecError, match=r"^'build' must be one of: src, srcset, all; not 'none'\.$"):
        Img(**ONE)(photo.image, build="none", immediate=immediate)


def test_what_build_asks_for_is_all_that_need_be_built(photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    of_src, of_all = Img(width=20)(photo.image, build="src"), Img(width=20)(photo.image)

    assert of_src.is_built
    assert bool(of_all)
    assert not of_all.is_built


def test_build_in_the_call_is_as_in_the_img(photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    call: Any = Img(**ONE)

    assert call(photo.image, build="src").base_url() == URL


@pytest.mark.parametrize("tag_first", [True, False])
def test_what_waits_for_the_hook_is_built_by_whoever_wants_it_built(page, photo, settings, tag_first):
    """A page has queued it a moment ago, so that the cache knows it as pending."""
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    page("django", ONE_FILE, {"photo": photo})

    if tag_first:
        html = page("django", ONE_FILE.replace(" alt", ' build="all" alt'), {"photo": photo}).content.decode()
    else:
        html = Img(build="all", **ONE)(photo.image, alt="").as_html()

    assert html == MARKUP


def test_a_source_that_is_gone_is_shown_as_it_was_named(db, log):
    bound = Img(width=20, ratio="1/1")("photos/gone.jpg", alt="")

    assert bound.base_url() == "/media/photos/gone.jpg"
    assert (bound.width, bound.height, bool(bound), bound.is_built) == (20, 20, False, False)
    assert any("Cannot build photos/gone.jpg" in line for line in log())


def test_a_size_that_nobody_knows_is_none(db, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    bound = Img(width=20)("photos/gone.jpg")

    assert (bound.width, bound.height) == (None, None)


def test_what_is_served_as_it_is_is_built(save_file, db):
    name = default_storage.save(
        "a.svg", ContentFile(b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"/>')
    )

    bound = Img(width=4)(name)

    assert (bound.base_url(), bound.width, bool(bound), bound.is_built) == ("/media/a.svg", 4, True, True)


def test_a_storage_whose_urls_are_signed_is_asked(db):
    scan = Scan()
    scan.image.save("cat.jpg", ContentFile(drawn()))

    bound = Img(width=20, formats="")(scan.image, alt="")

    assert re.fullmatch(
        r"https://vault\.example/renditions/cat-20w\.\w{8}\.jpg\?expires=1&signature=x", bound.base_url()
    )
    assert bound.srcset.count("?expires=1&signature=x ") == 2
    assert bound.as_html().count("?expires=1&amp;signature=x") == 3


# In tags -------------------------------------------------------------------------------------------------

TAG = '{% img photo.image width=20 build="BUILD" alt="" %}'
BUILDS = ("src", "srcset", "all")
FILES = {
    "src": ["cat-20w.jpg"],
    "srcset": ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"],
    "all": ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"],
}
JOBS: list[Any] = []


def send(jobs: Any) -> None:
    """Stand for a broker."""
    JOBS.extend(jobs)


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize("build", BUILDS)
def test_a_tag_builds_in_this_process_whatever_the_hook(page, photo, settings, language, build):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    response = page(language, TAG.replace("BUILD", build), {"photo": photo})

    assert built() == FILES[build]
    assert "/renditions/photos/cat-20w." in response.content.decode().partition(" src=")[2]
    assert response.responsive_img_pending == (build == "src")


@pytest.mark.parametrize("language", ["django", "jinja2"])
def test_the_value_of_build_may_be_an_expression(page, photo, settings, language):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    tag = TAG.replace('"BUILD"', "build")

    waiting = page(language, tag, {"photo": photo, "build": None})
    ready = page(language, tag.replace("20", "10"), {"photo": photo, "build": "all"})

    assert waiting.responsive_img_pending == 1
    assert ready.responsive_img_pending == 0


def test_a_preset_may_say_what_is_built(page, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"width": 20, "build": "all"}}

    response = page("django", '{% img photo.image "card" alt="" %}', {"photo": photo})

    assert response.responsive_img_pending == 0
    assert built() == FILES["all"]


def test_only_what_a_tag_wants_built_is_and_the_rest_goes_to_the_hook(
    page, make_photo, settings, transactional_db
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.send"
    JOBS.clear()
    context = {"one": make_photo("photos/one.jpg"), "other": make_photo("photos/other.jpg")}
    tag = TAG.replace("BUILD", "all")

    response = page(
        "django",
        tag.replace("photo", "one") + tag.replace("photo", "other").replace(' build="all"', ""),
        context,
    )

    assert [job.name for job in JOBS] == ["photos/other.jpg"]
    assert response.responsive_img_pending == 1
    assert {name.partition("-")[0] for name in built()} == {"one"}
    assert states() == ["queued", "ready"]


@pytest.mark.parametrize("first", [True, False])
def test_a_picture_that_one_tag_of_two_wants_built_is(page, photo, settings, first):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE
    tags = [TAG.replace("BUILD", "all"), TAG.replace(' build="BUILD"', "")]

    response = page("django", "".join(tags if first else reversed(tags)), {"photo": photo})

    assert response.responsive_img_pending == 0
    assert response.content.count(b"<picture>") == 2
    assert records.picture_model().objects.count() == 1


@pytest.mark.parametrize("hook", [ENQUEUE, "responsive_img.hooks.build_now"])
def test_what_a_tag_wants_built_counts_against_the_budget(page, photo, settings, hook):
    settings.RESPONSIVE_IMG_BUILD_HOOK = hook
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    response = page("django", TAG.replace("BUILD", "all"), {"photo": photo})

    assert response.responsive_img_pending == 1
    assert built() == []
    assert states() == ["queued"]
    assert process_queue() == 1
    assert built() == FILES["all"]


def test_build_is_no_part_of_the_files(page, photo):
    template = TAG.replace("BUILD", "all") + "|" + TAG.replace(' build="BUILD"', "")

    one, other = page("django", template, {"photo": photo}).content.split(b"|")

    assert one == other


# Where it is used ----------------------------------------------------------------------------------------


def test_within_a_response_it_counts_as_pending_and_is_there_at_once(photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE

    response = respond(lambda request: HttpResponse(Img(width=20)(photo.image, alt="").as_html()))

    assert b'src="/media/photos/cat.jpg"' in response.content
    assert response.responsive_img_pending == 1


@pytest.mark.parametrize("shown", ["{{ pic.width|add:1 }}", "{% if pic.is_built %}{{ pic }}{% endif %}"])
@pytest.mark.parametrize("scope", [batch, immediate])
def test_what_a_template_has_asked_in_the_same_scope_is_no_obstacle(render, photo, scope, shown):
    tag = ONE_FILE.replace(' alt="" %}', ' alt="" as pic %}')

    with scope() as images:
        text = render("django", tag + shown, {"photo": photo})
        url = Img(**ONE)(photo.image).base_url()
        if images is not None:
            images.finalize(text)

    assert url == URL


def test_in_a_batch_a_bound_image_leaves_no_marker(photo, settings):
    settings.DEBUG = True

    with batch():
        html = Img(**ONE)(photo.image, alt="").as_html()

    assert html == MARKUP


def test_in_a_jinja_template_a_bound_image_is_a_value(photo):
    environment = Environment(extensions=[ResponsiveImgExtension], autoescape=True)
    bound = Img(**ONE)(photo.image, alt="")

    html = environment.from_string("{{ bound.as_html() }} {{ bound.base_url() }} {{ bound }}").render(
        bound=bound
    )

    assert html == f"{MARKUP} {URL} {URL}"


# What is written anew ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_in_the_call", [True, False])
def test_a_translation_is_that_of_the_language_when_it_is_shown(photo, is_in_the_call):
    title = gettext_lazy("January")
    img = Img(**ONE, title=title)
    bound = img(photo.image, alt=title) if is_in_the_call else img.extend(alt=title)(photo.image)

    shown = []
    for language in ("en", "de", "en"):
        with override(language):
            shown.append(bound.as_html())

    english = MARKUP.replace(' alt=""', ' alt="January"').replace(" loading", ' title="January" loading')
    assert sorted(shown[0]) == sorted(english)
    assert shown == [shown[0], shown[0].replace("January", "Januar"), shown[0]]


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize("is_img", [True, False])
def test_a_translation_in_a_preset_is_that_of_the_language_of_the_page(
    page, photo, settings, language, is_img
):
    options: dict[str, Any] = {
        "width": 20,
        "title": gettext_lazy("January"),
        "picture_class": gettext_lazy("May"),
    }
    settings.RESPONSIVE_IMG_PRESETS = {"card": Img(**options) if is_img else options}

    shown = []
    for code in ("en", "de", "en"):
        with override(code):
            shown.append(
                page(language, '{% img photo.image "card" alt="" %}', {"photo": photo}).content.decode()
            )

    assert shown[0].startswith('<picture class="May">')
    assert ' title="January"' in shown[0]
    assert shown == [shown[0], shown[0].replace("January", "Januar").replace("May", "Mai"), shown[0]]


def test_a_translation_can_be_extended_and_copied(photo):
    img = pickle.loads(pickle.dumps(Img(**ONE, title=gettext_lazy("January")).extend(id="x")))  # noqa: S301 - our own

    with override("de"):
        html = img(photo.image, alt="").as_html()

    assert ' title="Januar"' in html
    assert ' id="x"' in html


# Copies of what is bound ---------------------------------------------------------------------------------


@pytest.mark.parametrize("is_looked_up", [True, False])
@pytest.mark.parametrize(
    "copied",
    [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy],  # noqa: S301 - our own
)
def test_a_copy_of_a_bound_image_is_the_same_and_misses_the_same_alt(photo, copied, is_looked_up):
    images = [Img(**ONE)(photo.image), Img(**ONE)(photo.image, alt=None), Img(**ONE, alt="")(photo.image)]
    if is_looked_up:
        assert all(image.is_built for image in images)

    without, with_none, with_own = map(copied, images)

    with pytest.raises(SpecError, match=r"^'alt' is required: "):
        without.as_html()
    assert without.base_url() == URL
    assert with_none.as_html() == with_own.as_html() == MARKUP


# Presets that are not whole ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize("is_img", [True, False])
def test_a_preset_need_not_be_whole_where_the_tag_brings_the_rest(page, photo, settings, language, is_img):
    options: dict[str, Any] = {"fit": "cover", "format": "webp", "densities": "1"}
    settings.RESPONSIVE_IMG_PRESETS = {"card": Img(**options) if is_img else options}

    html = page(language, '{% img photo.image "card" width=20 height=10 alt="" %}', {"photo": photo}).content

    assert b"cat-20w." in html
    assert b'width="20" height="10"' in html


@pytest.mark.parametrize("language", ["django", "jinja2"])
def test_a_preset_that_is_not_whole_is_missed_something_of_where_the_tag_does_not(
    render, photo, settings, language
):
    settings.RESPONSIVE_IMG_PRESETS = {"card": {"fit": "cover", "format": "webp"}}

    with pytest.raises((DjangoSyntaxError, TemplateSyntaxError), match="'fit' needs"):
        render(language, '{% img photo.image "card" width=20 alt="" %}', {"photo": photo})


# Files that are not saved yet ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["django", "jinja2"])
@pytest.mark.parametrize(
    "tag", [ONE_FILE, "{% img_url photo.image width=20 %}", ONE_FILE.replace("photo.image", "image")]
)
def test_a_file_that_is_not_saved_yet_counts_as_an_empty_one(page, db, settings, save_file, language, tag):
    unsaved = Photo(title="A cat", image=ContentFile(drawn(), "cat.jpg"))
    context = {"photo": unsaved, "image": unsaved.image}

    without = page(language, tag, context).content
    settings.RESPONSIVE_IMG_PLACEHOLDER = save_file("photos/none.jpg")
    with_placeholder = page(language, tag, context).content
    unsaved.save()
    saved = page(language, tag, context).content

    assert without == b""
    assert b"renditions/photos/none-20w." in with_placeholder
    assert b"cat-20w." in saved


def test_a_picture_of_a_file_that_is_not_saved_yet_is_false(render, db):
    unsaved = Photo(image=ContentFile(drawn(), "cat.jpg"))
    tag = ONE_FILE.replace(' alt="" %}', ' alt="" as pic %}')

    assert render("django", tag + "{% if pic %}yes{% else %}no{% endif %}", {"photo": unsaved}) == "no"
