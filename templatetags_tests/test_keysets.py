from __future__ import annotations

import pytest

from responsive_img import Img, conf, keysets
from responsive_img.exceptions import SpecError
from responsive_img.resolution import canonical

PRESETS = {
    "card": {"width": 300, "class": "card"},
    "hero": Img(width=900),
    "all": ["card", "hero"],
    "again": ["card", "card"],
}
NO_NAMES = {"pairs": ["card", ("a", "20x20")], "images": {Img(width=20)}}


@pytest.fixture(autouse=True)
def _presets(settings):
    settings.RESPONSIVE_IMG_PRESETS = PRESETS


def asked(key_set: object) -> list[str]:
    return [preset.spec.text for preset in keysets.read(key_set, conf.current())]


@pytest.mark.parametrize(
    ("key_set", "specs"),
    [
        ("card", ["w300"]),
        ("hero", ["w900"]),
        ("all", ["w300", "w900"]),
        ("again", ["w300"]),
        (Img(width=20), ["w20"]),
        ([Img(width=20), Img(height=30)], ["w20", "h30"]),
        (["hero", "card"], ["w900", "w300"]),
        (("all", Img(width=20)), ["w300", "w900", "w20"]),
        ([("large_horiz_crop", "1200x600"), ("large_vert_crop", "600x1200")], ["w1200;h600", "w600;h1200"]),
        ([("square", "crop__400x400")], ["w400;h400"]),
        ([["small", "thumbnail__200x100"]], ["w200;h100;tcontain"]),
        ([("full", "url")], []),
        ([("full", "url"), ("small", "20x10"), ("same", "20x10")], ["w20;h10"]),
        ([], []),
    ],
)
def test_a_key_set_has_many_forms(key_set, specs):
    assert asked(key_set) == specs


@pytest.mark.parametrize(("key", "options"), [("1200x600", {}), ("crop__1200x600", {"fit": "cover"})])
def test_a_pair_is_the_same_picture_as_a_tag_with_its_sides(key, options):
    (of_pair,) = asked([("large", key)])

    of_tag = Img(width=1200, height=600, **options).preset.spec.text
    assert canonical(of_pair, conf.current()) == canonical(of_tag, conf.current())


@pytest.mark.parametrize(
    ("key_set", "message"),
    [
        ("cart", "Unknown preset 'cart'. Did you mean 'card'? Choices: again, all, card, hero."),
        (["card", "hera"], "Unknown preset 'hera'. Did you mean 'hero'? Choices: again, all, card, hero."),
        ([("a", "crop_400x400")], "A rendition is written as '1200x600', "),
        ([("a", "400")], "A rendition is written as '1200x600', "),
        ([("a", "1e3x10")], "A rendition is written as '1200x600', "),
        (
            [("a", "thumb__20x20")],
            "Unknown kind of rendition 'thumb'. Did you mean 'thumbnail'? Choices: crop, thumbnail.",
        ),
        ([("a", "0x10")], "'width' must be a whole number of px from 1 on, not 0."),
        (
            [("a", "20x20", "b")],
            "A rendition key set is the name of a preset or of a list of presets, an Img, or ",
        ),
        ([("a", 20)], "A rendition key set is "),
        ("pairs", "RESPONSIVE_IMG_PRESETS['pairs'] lists ('a', '20x20'), which is no preset: list names of "),
        ("images", "RESPONSIVE_IMG_PRESETS['images'] lists <Img w20>, which is no preset"),
        ({"card": 1}, "A rendition key set is "),
        (None, "A rendition key set is "),
        (5, "A rendition key set is "),
    ],
)
def test_a_wrong_key_set_says_what_it_may_be(settings, key_set, message):
    if key_set in ("pairs", "images"):
        settings.RESPONSIVE_IMG_PRESETS = {**PRESETS, **NO_NAMES}
    with pytest.raises(SpecError) as caught:
        asked(key_set)

    assert str(caught.value).startswith(message)
