"""Many bound images looked up and built together, and what `build` and `is_built` mean for each of them."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.http import HttpResponse

from responsive_img import ImageBatch, Img, invalidate, lookup, records
from responsive_img.bound import BoundImg
from responsive_img.exceptions import SpecError
from responsive_img.queue import process_queue
from responsive_img.testing import assert_image_lookups
from templatetags_tests.conftest import MARKUP, drawn, respond
from templatetags_tests.models import Photo, Scan
from templatetags_tests.test_building import DRAWN, CountingEngine
from templatetags_tests.test_images import ENQUEUE, ONE, SOURCE, URL, built, states

ALL = ["cat-20w.jpg", "cat-20w.webp", "cat-40w.jpg", "cat-40w.webp"]
FIRST_ACCESS: dict[str, Callable[[BoundImg], object]] = {
    "base_url": BoundImg.base_url,
    "srcset": lambda image: image.srcset,
    "sizes": lambda image: image.sizes,
    "width": lambda image: image.width,
    "height": lambda image: image.height,
    "as_html": BoundImg.as_html,
    "str": str,
    "bool": bool,
    "is_built": lambda image: image.is_built,
}


@pytest.fixture
def decodes(settings, monkeypatch):
    """Return a function that tells how often a source was decoded."""
    settings.RESPONSIVE_IMG_ENGINE = f"{CountingEngine.__module__}.CountingEngine"
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: None))
    DRAWN.clear()
    return lambda: DRAWN.count("decode")


@pytest.fixture
def photos(make_photo):
    return [make_photo(f"photos/{name}.jpg") for name in "abc"]


@pytest.fixture
def enqueued(settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = ENQUEUE


# One lookup ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", FIRST_ACCESS.values(), ids=FIRST_ACCESS)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_first_access_looks_all_images_up(photos, cache_calls, our_queries, storage_calls, access, which):
    for photo in photos:
        Img(width=20)(photo.image).base_url()
    batch = ImageBatch()
    images = [Img(batch=batch, width=20)(photo.image, alt="") for photo in photos]
    cache_calls.clear()
    storage_calls.clear()

    with our_queries() as queries:
        access(images[which])
        looked_up = [image.is_looked_up for image in images]
        for image in images:
            image.as_html(), image.base_url(), bool(image)

    assert looked_up == [True] * 3
    assert cache_calls == {"get_many": 1}
    assert not storage_calls
    assert queries == []


def test_nothing_is_looked_up_before_the_first_access(photos, cache_calls, storage_calls, our_queries):
    batch = ImageBatch()

    with our_queries() as queries:
        images = [Img(batch=batch, width=20)(photo.image, build="all") for photo in photos]
        looked_up = [image.is_looked_up for image in images]

    assert looked_up == [False] * 3
    assert not cache_calls
    assert not storage_calls
    assert queries == []


def test_one_decode_for_each_source_however_many_images(photos, decodes, enqueued):
    batch = ImageBatch()
    images = [
        Img(batch=batch, width=width)(photo.image, build="all")
        for photo, width in product(photos, (10, 20, 30))
    ]

    with assert_image_lookups(1):
        images[4].base_url()

    assert decodes() == len(photos)
    assert all(image.is_built for image in images)


def test_the_shipped_hook_decodes_each_source_once_too(photos, decodes):
    batch = ImageBatch()
    images = [Img(batch=batch, width=width)(photo.image) for photo, width in product(photos, (10, 20, 30))]

    images[0].base_url()

    assert decodes() == len(photos)
    assert all(image.is_built for image in images)


@pytest.mark.parametrize("is_warm", [False, True])
def test_a_hundred_images_are_one_lookup(make_photo, decodes, cache_calls, our_queries, is_warm):
    photos = [make_photo(f"photos/{number}.jpg") for number in range(10)]
    pairs = list(product(photos, range(10, 20)))
    if is_warm:
        before = ImageBatch()
        for photo, width in pairs:
            Img(batch=before, width=width, format="jpeg", densities=1)(photo.image)
        before.build()
        DRAWN.clear()
    batch = ImageBatch()
    images = [
        Img(batch=batch, width=width, format="jpeg", densities=1)(photo.image) for photo, width in pairs
    ]
    cache_calls.clear()

    with our_queries() as queries:
        urls = {image.base_url() for image in images}

    assert len(urls) == len(batch) == 100
    assert all("/renditions/" in url for url in urls)
    assert cache_calls["get_many"] == 1
    assert decodes() == (0 if is_warm else 10)
    assert not (is_warm and queries)


def test_the_same_picture_twice_is_looked_up_and_built_once(photo, decodes, cache_calls):
    batch = ImageBatch()
    one, other = (Img(batch=batch, width=20)(photo.image, alt=alt) for alt in "ab")

    assert one.as_html() == other.as_html().replace('alt="b"', 'alt="a"')
    assert decodes() == 1
    assert cache_calls["get_many"] == 1


def test_imgs_of_one_batch_may_ask_for_anything(photo):
    batch = ImageBatch()
    small = Img(batch=batch, **ONE)(photo.image, alt="")
    wide = Img(batch=batch, widths="20 40", sizes="50vw", priority=True)(photo.image, alt="")

    with assert_image_lookups(1):
        assert small.as_html() == MARKUP
        assert wide.sizes == "50vw"
        assert wide.srcset.count("/renditions/") == 2


# Adding --------------------------------------------------------------------------------------------------


def test_a_batch_knows_its_images(photos):
    batch = ImageBatch()
    empty = len(batch), list(batch)
    first = Img(batch=batch, width=20)(photos[0].image)

    second = batch.add(Img(width=20)(photos[1].image))

    assert empty == (0, [])
    assert list(batch) == [first, second]
    assert len(batch) == 2


def test_what_is_added_after_a_first_access_is_all_that_is_looked_up_then(photos):
    batch = ImageBatch()
    img = Img(batch=batch, width=20)
    with lookup.counted() as counts:
        first = img(photos[0].image, alt="")
        before = first.as_html()

        later = [img(photo.image) for photo in photos[1:]]
        urls = [image.base_url() for image in later]

    assert counts == [1, 2]
    assert len({first.base_url(), *urls}) == 3
    assert first.as_html() == before
    assert len(batch) == 3


def test_an_image_that_was_made_without_a_batch_is_built_with_it(photos, cache_calls):
    batch = ImageBatch()
    images = [batch.add(Img(width=20)(photo.image)) for photo in photos]
    cache_calls.clear()

    batch.build()

    assert cache_calls["get_many"] == 1
    assert all(image.is_looked_up and image.is_built for image in images)


def test_an_image_that_was_made_without_a_batch_has_the_others_looked_up(photos):
    batch = ImageBatch()
    images = [batch.add(Img(width=20)(photo.image)) for photo in photos]
    images[0].base_url()

    assert [image.is_looked_up for image in images] == [True] * 3


def test_an_image_of_two_batches_is_looked_up_with_its_own(photos):
    own, other = ImageBatch(), ImageBatch()
    image, *siblings = [Img(batch=own, width=20)(photo.image) for photo in photos[:2]]
    other.add(image)
    other.add(Img(width=20)(photos[2].image))
    image.base_url()

    assert [each.is_looked_up for each in (*siblings, *other)] == [True, True, False]
    assert image in list(other)


def test_an_image_that_was_looked_up_before_it_was_added_is_not_again(photo):
    image = Img(width=20)(photo.image)
    image.base_url()
    batch = ImageBatch()
    batch.add(image)

    with assert_image_lookups(0):
        batch.build()


def test_an_extended_img_keeps_the_batch(photo):
    batch = ImageBatch()
    img = Img(batch=batch, width=20)

    images = [img(photo.image), img.extend(width=10)(photo.image), img.extend().extend(width=5)(photo.image)]

    assert list(batch) == images
    assert img.extend(width=10).batch is batch
    with assert_image_lookups(1):
        assert len({image.base_url() for image in images}) == 3


def test_an_img_without_a_batch_has_none(photos):
    img = Img(width=20)

    images = [img(photo.image) for photo in photos]
    images[0].base_url()

    assert img.batch is None
    assert [image.is_looked_up for image in images] == [True, False, False]


def test_a_batch_says_nothing_about_what_is_asked_for():
    assert Img(batch=ImageBatch(), width=20) == Img(width=20)
    assert hash(Img(batch=ImageBatch(), width=20)) == hash(Img(width=20))


def test_an_img_of_a_batch_does_not_change_and_says_what_it_asks_for():
    img = Img(batch=ImageBatch(), width=20)

    with pytest.raises(
        AttributeError, match=r"^An Img does not change; extend\(batch=…\) gives another one\.$"
    ):
        img.batch = None
    with pytest.raises(AttributeError, match=r"^An Img does not change\.$"):
        del img.batch

    assert repr(img) == "<Img w20>"


def test_the_markup_alone_needs_an_alt(photo):
    image = Img(batch=ImageBatch(), width=20)(photo.image)

    with pytest.raises(SpecError, match=r"^'alt' is required"):
        image.as_html()

    assert image.base_url()


# Building ------------------------------------------------------------------------------------------------


def test_build_builds_what_each_image_is_to_have(photos, enqueued):
    batch = ImageBatch()
    for photo, build in zip(photos, ("src", "all", None), strict=True):
        Img(batch=batch, width=20)(photo.image, build=build)

    batch.build()

    assert built() == ["a-20w.jpg", "b-20w.jpg", "b-20w.webp", "b-40w.jpg", "b-40w.webp"]
    assert states() == ["queued", "queued", "ready"]
    assert [(bool(image), image.is_built) for image in batch] == [(True, True), (True, True), (False, False)]


@pytest.mark.parametrize(
    ("build", "files", "truth"),
    [
        ("src", ["cat-20w.jpg"], (True, True)),
        ("srcset", ALL, (True, True)),
        ("all", ALL, (True, True)),
        (None, [], (False, False)),
    ],
)
@pytest.mark.parametrize("how", ["call", "img", "extend"])
def test_what_build_names_is_built_in_this_process_at_the_first_access(
    photo, enqueued, build, files, truth, how
):
    batch = ImageBatch()
    made = {
        "call": lambda: Img(batch=batch, width=20)(photo.image, build=build),
        "img": lambda: Img(batch=batch, width=20, build=build)(photo.image),
        "extend": lambda: Img(batch=batch, width=20).extend(build=build)(photo.image),
    }
    image = made[how]()

    assert (bool(image), image.is_built) == truth
    assert built() == files


def test_build_in_the_call_stands_over_that_of_the_img(photo, enqueued):
    batch = ImageBatch()

    Img(batch=batch, width=20, build="all")(photo.image, build="src").base_url()

    assert built() == ["cat-20w.jpg"]


def test_what_a_batch_leaves_is_built_by_the_queue(transactional_db, photo, enqueued):
    batch = ImageBatch()
    image = Img(batch=batch, width=20)(photo.image, build="src")
    image.base_url()

    process_queue()

    assert built() == ALL
    assert Img(width=20)(photo.image).is_built


@pytest.mark.parametrize("builds", [("src", "all"), (None, "all"), ("all", None), ("all", "src")])
def test_of_two_builds_of_one_picture_the_larger_holds(photo, enqueued, builds):
    batch = ImageBatch()
    images = [Img(batch=batch, width=20)(photo.image, build=build) for build in builds]

    batch.build()

    assert [image.is_built for image in images] == [True, True]


def test_build_of_a_batch_is_done_once(photos, enqueued):
    batch = ImageBatch()
    for photo in photos:
        Img(batch=batch, width=20)(photo.image, build="all")
    batch.build()

    with assert_image_lookups(0):
        batch.build()
        assert [image.is_built for image in batch] == [True] * 3


def test_an_empty_batch_builds_nothing(db, cache_calls):
    ImageBatch().build()

    assert not cache_calls


def test_one_image_of_a_batch_may_be_built_alone(photos, enqueued):
    batch = ImageBatch()
    one, *others = [Img(batch=batch, width=20)(photo.image) for photo in photos]

    one.build("all")

    assert built() == ["a-20w.jpg", "a-20w.webp", "a-40w.jpg", "a-40w.webp"]
    assert one.is_built
    assert [image.is_built for image in others] == [False, False]


def test_build_of_nothing_is_nothing(photo, cache_calls, our_queries):
    with our_queries() as queries:
        Img(width=20)(photo.image).build(None)

    assert queries == []
    assert not cache_calls


def test_build_of_the_src_shows_it(photo, enqueued):
    image = Img(width=20)(photo.image)

    image.build("src")

    assert image
    assert not image.is_built
    assert built() == ["cat-20w.jpg"]


def test_build_of_the_src_after_a_first_access_shows_it(transactional_db, photo, enqueued):
    image = Img(width=20)(photo.image)
    image.base_url()
    image.build("src")

    assert image.base_url() != SOURCE


def test_a_src_that_is_built_costs_one_cache_read(
    transactional_db, photo, enqueued, cache_calls, storage_calls, our_queries
):
    Img(width=20)(photo.image, build="src").base_url()
    cache_calls.clear()
    storage_calls.clear()
    with our_queries() as queries:
        Img(width=20)(photo.image, build="src").base_url()

    assert (queries, dict(storage_calls), dict(cache_calls)) == ([], {}, {"get_many": 1})


@pytest.mark.parametrize("build", ["src", "srcset", "all", None])
def test_immediate_looks_up_in_the_call(photo, enqueued, build):
    with assert_image_lookups(1):
        image = Img(width=20)(photo.image, build=build, immediate=True)
        was_looked_up = image.is_looked_up
        assert bool(image) is (build is not None)

    assert was_looked_up
    assert states() == ["queued" if build in {"src", None} else "ready"]


def test_immediate_in_a_batch_is_of_this_image_alone(photos):
    batch = ImageBatch()
    img = Img(batch=batch, width=20)
    waiting = img(photos[0].image)

    now = img(photos[1].image, immediate=True)

    assert (waiting.is_looked_up, now.is_looked_up) == (False, True)
    assert list(batch) == [waiting, now]
    assert built() == ["b-20w.jpg", "b-20w.webp", "b-40w.jpg", "b-40w.webp"]


@pytest.mark.parametrize("build", ["src", "srcset", "all", None])
@pytest.mark.parametrize("hook", [ENQUEUE, "responsive_img.hooks.build_now"])
def test_read_only_wins_over_all_of_it(photo, settings, build, hook):
    settings.RESPONSIVE_IMG_READ_ONLY = True
    settings.RESPONSIVE_IMG_BUILD_HOOK = hook
    batch = ImageBatch()
    image = Img(batch=batch, width=20)(photo.image, build=build, immediate=True)

    batch.build()
    image.build()

    assert (image.base_url(), bool(image), image.is_built) == (SOURCE, False, False)
    assert (built(), states()) == ([], [])


@pytest.mark.parametrize("build", ["src", "srcset", "all", None])
def test_read_only_shows_what_others_have_built(photo, settings, build):
    Img(**ONE)(photo.image).base_url()
    settings.RESPONSIVE_IMG_READ_ONLY = True

    image = Img(**ONE)(photo.image, build=build)

    assert (image.base_url(), bool(image), image.is_built) == (URL, True, True)


@pytest.mark.parametrize("img", [Img(build="src", **ONE), Img(**ONE)])
def test_of_one_file_the_src_is_all(photo, enqueued, img):
    image = img(photo.image)
    image.build("src")

    assert (bool(image), image.is_built) == (True, True)
    assert states() == ["ready"]


@pytest.mark.parametrize("build", ["src", "srcset", "all", None])
def test_what_is_shown_as_it_is_is_built(db, build):
    name = default_storage.save(
        "a.svg", ContentFile(b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"/>')
    )

    image = Img(width=4)(name, build=build)

    assert (bool(image), image.is_built) == (True, True)


@pytest.mark.parametrize("build", ["src", "srcset", "all", None])
def test_what_cannot_be_built_is_not(db, log, build):
    image = Img(width=20)(default_storage.save("photos/broken.jpg", ContentFile(b"no picture")), build=build)

    assert (bool(image), image.is_built) == (False, False)
    assert image.base_url() == "/media/photos/broken.jpg"


@pytest.mark.parametrize("name", ["none", "SRC", "", 1, True])
def test_build_is_one_of_three(photo, name):
    with pytest.raises(SpecError, match=r"^'build' must be one of: src, srcset, all; not "):
        Img(width=20)(photo.image).build(name)


# Sources -------------------------------------------------------------------------------------------------


def test_sources_of_all_kinds_are_one_lookup(photo, settings, tmp_path, cache_calls):
    (tmp_path / "logo.jpg").write_bytes(drawn())
    settings.STATICFILES_DIRS = [str(tmp_path)]
    scan = Scan()
    scan.image.save("cat.jpg", ContentFile(drawn()))
    svg = default_storage.save("a.svg", ContentFile(b'<svg xmlns="http://www.w3.org/2000/svg"/>'))
    batch = ImageBatch()
    img = Img(batch=batch, **ONE)
    cache_calls.clear()

    images = [
        img(source, alt="")
        for source in (photo.image, "photos/cat.jpg", "static:logo.jpg", scan.image, svg, Photo().image, None, "")
    ]  # fmt: skip
    urls = [image.base_url() for image in images]

    assert cache_calls["get_many"] == 1
    assert urls[0] == urls[1] == URL
    assert urls[2].startswith("/media/renditions/logo-20w.")
    assert urls[3].startswith("https://vault.example/renditions/cat-20w.")
    assert urls[4:] == ["/media/a.svg", "", "", ""]


def test_a_batch_of_empty_files_asks_nobody(db, cache_calls):
    batch = ImageBatch()
    images = [
        Img(batch=batch, width=20)(source, alt="x", build="all") for source in (Photo().image, "", None)
    ]

    batch.build()

    assert [(image.base_url(), image.as_html(), bool(image), image.is_built) for image in images] == [
        ("", "", False, False)
    ] * 3
    assert not cache_calls


def test_a_file_that_is_not_saved_yet_has_nothing(page, photo):
    batch = ImageBatch()
    waiting = Photo(image=ContentFile(drawn(), "photos/cat.jpg"))
    images = [Img(batch=batch, **ONE)(each.image, alt="") for each in (waiting, photo)]

    assert [image.base_url() for image in images] == ["", URL]
    tag = page("django", '{% img photo.image width=20 alt="" %}', {"photo": waiting}).content.decode()
    assert [image.as_html() for image in images] == [tag, MARKUP]


def test_the_placeholder_is_looked_up_with_the_others(photo, settings, save_file):
    settings.RESPONSIVE_IMG_PLACEHOLDER = save_file("photos/none.jpg")
    batch = ImageBatch()
    images = [Img(batch=batch, width=20)(source) for source in (photo.image, "", Photo().image)]

    with assert_image_lookups(1):
        urls = [image.base_url() for image in images]

    assert ["/none-20w." in url for url in urls] == [False, True, True]


def test_one_that_is_broken_or_cannot_be_asked_for_is_no_harm_to_the_others(photo, log):
    batch = ImageBatch()
    img = Img(batch=batch, **ONE)
    sources = (photo.image, "photos/gone.jpg", "../secret.jpg", 3)
    images = [img(source, alt="", build="all") for source in sources]
    wrong = img.extend(width=5000)(photo.image)

    assert images[0].as_html() == MARKUP
    assert [image.base_url() for image in images[1:]] == ["/media/photos/gone.jpg", "", ""]
    assert [image.as_html() for image in images[2:]] == ['<img alt="" loading="lazy" decoding="async">'] * 2
    assert wrong.base_url() == SOURCE
    assert wrong.is_built


def test_a_database_that_does_not_answer_leaves_the_originals(photos, monkeypatch, log):
    def fail(keys):
        raise DatabaseError("gone")

    monkeypatch.setattr(records, "replicated_pictures", fail)
    batch = ImageBatch()
    images = [Img(batch=batch, width=20)(photo.image, alt="") for photo in photos]

    assert [image.base_url() for image in images] == [f"/media/photos/{name}.jpg" for name in "abc"]
    assert [image.is_built for image in images] == [False] * 3
    assert log() == ["Cannot look up or build 3 picture(s)"]


def test_build_of_one_image_says_that_the_database_does_not_answer(photo, monkeypatch):
    def fail(keys):
        raise DatabaseError("gone")

    monkeypatch.setattr(records, "sources", fail)

    with pytest.raises(DatabaseError, match="gone"):
        Img(width=20)(photo.image).build()


# Where they go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_looked_up", [True, False])
def test_an_image_of_a_batch_can_be_pickled(photos, is_looked_up):
    batch = ImageBatch()
    images = [Img(batch=batch, width=20)(photo.image, alt="A <cat>", build="all") for photo in photos]
    if is_looked_up:
        batch.build()

    copied: BoundImg = pickle.loads(pickle.dumps(images[1]))  # noqa: S301 - our own
    whole: ImageBatch = pickle.loads(pickle.dumps(batch))  # noqa: S301 - our own

    with assert_image_lookups(0 if is_looked_up else 1):
        html = copied.as_html()
    assert html == images[1].as_html()
    assert [image.as_html() for image in whole] == [image.as_html() for image in images]


def test_a_pickled_img_leaves_its_batch_where_it_is(photo):
    img = Img(batch=ImageBatch(), width=20)
    img(photo.image)

    copied: Img = pickle.loads(pickle.dumps(img))  # noqa: S301 - our own

    assert copied == img
    assert copied.batch is None


def test_an_image_shows_what_it_has_found_until_it_is_made_anew(transactional_db, photo):
    batch = ImageBatch()
    old = Img(batch=batch, **ONE)(photo.image)
    assert old.base_url() == URL

    invalidate(photo.image)
    new = Img(batch=batch, **ONE)(photo.image)

    assert old.base_url() == URL
    assert new.base_url() not in {URL, SOURCE}


def test_a_batch_in_a_template_is_one_lookup_for_all(render, photos):
    batch = ImageBatch()
    context = {"images": [Img(batch=batch, alt="", **ONE)(photo.image) for photo in photos]}
    template = "{% for image in images %}{{ image.as_html }}{% endfor %}"

    with assert_image_lookups(1):
        html = render("django", template, context)
    jinja = render("jinja2", template.replace("as_html", "as_html()|safe"), context)

    assert html.count("<img ") == 3
    assert html == jinja


@pytest.mark.parametrize("batch", [ImageBatch, lambda: None])
def test_a_response_with_ready_images_is_not_pending(photo, batch):
    Img(**ONE)(photo.image).base_url()

    response = respond(lambda request: HttpResponse(Img(batch=batch(), **ONE)(photo.image, alt="").as_html()))

    assert response.responsive_img_pending == 0
    assert response.content.decode() == MARKUP


@pytest.mark.parametrize("build", ["src", None])
def test_a_response_with_images_that_wait_is_pending(photo, enqueued, build):
    def view(request: Any) -> HttpResponse:
        batch = ImageBatch()
        return HttpResponse(Img(batch=batch, width=20)(photo.image, alt="", build=build).as_html())

    assert respond(view).responsive_img_pending == 1


def test_images_without_build_spend_the_budget_of_the_response(page, photos, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    def view(request: Any) -> HttpResponse:
        return HttpResponse("".join(Img(width=20)(photo.image, alt="").as_html() for photo in photos))

    assert respond(view).responsive_img_pending == 3


def test_what_asks_for_no_build_keeps_to_the_budget_beside_what_does(photos, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    batch = ImageBatch()
    Img(batch=batch, width=20)(photos[0].image, build="all")
    Img(batch=batch, width=20)(photos[1].image)
    batch.build()

    assert [image.is_built for image in batch] == [True, False]


def test_what_is_built_here_in_python_leaves_the_others_their_budget(photos, decodes, settings, monkeypatch):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 1
    naps = iter([1.2])
    monkeypatch.setattr(CountingEngine, "before", staticmethod(lambda: time.sleep(next(naps, 0))))
    batch = ImageBatch()
    Img(batch=batch, width=20)(photos[0].image, build="all")
    Img(batch=batch, width=20)(photos[1].image)
    batch.build()

    assert [image.is_built for image in batch] == [True, True]


def test_what_is_built_in_python_does_not_draw_on_the_budget_of_the_response(photos, settings, enqueued):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    def view(request: Any) -> HttpResponse:
        images = [Img(width=20)(photo.image, alt="", build="all") for photo in photos]
        return HttpResponse("".join(image.as_html() for image in images))

    assert respond(view).responsive_img_pending == 0
