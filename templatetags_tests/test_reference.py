from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from responsive_img import ImageBatch, Img
from responsive_img.arguments import ARGUMENTS
from responsive_img.attributes import PICTURE_ATTRIBUTES
from responsive_img.bound import BoundImg
from responsive_img.conf import NAMES, PREFIX
from responsive_img.deferred import DeferredPicture
from responsive_img.options import PRIORITY
from responsive_img.programs import ABSOLUTE
from sandbox.reference import members, project, sources
from sandbox.reference.arguments import ENTRIES
from sandbox.reference.layout import WIDTH, anchor, flat, pretty
from templatetags_tests.models import Photo

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference.md"
# What stands in a tag without being an argument of its own.
OTHERS = {"source", "preset", "alt", "attributes", "img_url"}
# Between a bound image and its lookup.
OF_A_LOOKUP = {"asked", "learn"}

EXAMPLE = re.compile(r"(Wrong:\n\n)?```html\+django\n(.+)\n```\n\n```(?:html|text)\n([^`]+)\n```")
HREF = "/media/renditions/photos/harbour"
LONG = "a" * WIDTH


def public(of: type) -> set[str]:
    """Return the names of the methods and properties that are for everybody."""
    return {
        name
        for name, value in vars(of).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, property))
    }


def test_page_is_what_the_library_makes_now(tmp_path):
    written = tmp_path / "reference.md"

    done = subprocess.run(
        [sys.executable, "-m", "sandbox.reference", str(written)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert written.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8"), "See `make reference`."


@pytest.mark.parametrize("language", ["django", "jinja2"])
def test_markup_of_the_page_is_that_of_its_tags_but_for_white_space(
    language: str, db: None, render: Any, settings: Any, tmp_path: Path
) -> None:
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    settings.RESPONSIVE_IMG_PRESETS = project.PRESETS
    settings.RESPONSIVE_IMG_BASE_URL = project.BASE_URL
    sources.write(Path(settings.MEDIA_ROOT), tmp_path / "static")
    context = {
        "photo": Photo(title="The harbour", image=sources.HARBOUR),
        "small": Photo(title="A boat", image=sources.SMALL),
        "empty": Photo(title="Nothing yet"),
    }
    examples = [(line, shown) for wrong, line, shown in EXAMPLE.findall(PAGE.read_text("utf-8")) if not wrong]

    rendered = {line: render(language, line, context) for line, _ in examples}

    assert len(examples) > len(ENTRIES)
    assert {line: "".join(text.split()) or "(nothing)" for line, text in rendered.items()} == {
        line: "".join(shown.split()) for line, shown in examples
    }


def test_every_argument_has_an_entry_and_every_entry_an_argument():
    assert set(ENTRIES) == {*ARGUMENTS, *PICTURE_ATTRIBUTES, PRIORITY, ABSOLUTE, *OTHERS}


def test_every_setting_has_an_entry_and_every_entry_a_setting():
    assert {PREFIX + name for name in members.SETTINGS} == set(NAMES)


def test_every_property_has_an_entry_and_every_entry_a_property():
    assert set(members.PIC) == {
        name for name, value in vars(DeferredPicture).items() if isinstance(value, property)
    }
    assert set(members.IMG) == {*public(Img), "__init__", "__call__"}
    assert set(members.BOUND) == {*public(BoundImg), "__str__", "__bool__"} - OF_A_LOOKUP
    assert set(members.BATCH) == {*public(ImageBatch), "__init__", "__len__", "__iter__"}


def test_lines_of_the_page_are_short():
    assert max(map(len, PAGE.read_text("utf-8").splitlines())) <= 140


def test_links_of_the_page_lead_to_one_heading_each():
    text = PAGE.read_text("utf-8")
    anchors = [anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]

    assert sorted(set(anchors)) == sorted(anchors)
    assert set(re.findall(r"\]\(#(.+?)\)", text)) <= set(anchors)


@pytest.mark.parametrize(
    "markup",
    [
        "",
        "/media/a.jpg",
        '<img src="a" alt="">',
        f'<img srcset="{HREF}-1.jpg 1x, {HREF}-2.jpg 2x" src="{HREF}-1.jpg" alt="a, b" hidden>',
        f'<img src="{HREF}" sizes="auto, (max-width: 1px) 2px" alt="{LONG}  {LONG}" style="a: b;  c: d" hidden>',
        f'<picture class="a b"><source srcset="{LONG}, {LONG}"><img src="a" alt="&quot;&gt;, &lt;"></picture>',
    ],
)
def test_layout_can_be_undone(markup):
    assert flat(pretty(markup)) == markup
    assert pretty(markup).replace("\n", "").replace(" ", "") == markup.replace(" ", "")


@pytest.mark.parametrize(
    "markup", [f'<img alt="{LONG}\n">', f'<p class="{LONG}"> text </p>', f"<p title='{LONG}'>"]
)
def test_markup_whose_layout_could_not_be_undone_is_refused(markup):
    with pytest.raises(ValueError, match="cannot be laid out"):
        pretty(markup)
