from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from responsive_img import conf, manifest, rendering
from responsive_img.defaults import effective
from responsive_img.engine import PillowEngine
from responsive_img.exceptions import BuildError, SourceError
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.isolation import IsolatedEngine
from responsive_img.jobs import BuildJob
from responsive_img.sources import SourceRef
from responsive_img.specs import SOURCE_AS_IS, from_text
from templatetags_tests.engines import FlatEngine
from templatetags_tests.images import encoded, gradient

MOVING = encoded(gradient(80, 40), "GIF", save_all=True, append_images=[gradient(80, 40).rotate(180)])


def store(name: str, content: bytes) -> None:
    default_storage.save(name, ContentFile(content))


def render(name: str, *specs: str, version: str = "") -> tuple[list[manifest.Manifest], list[Header]]:
    """Return the manifests of the specs, in their order, and the headers that were learnt."""
    learnt: list[Header] = []
    config = conf.current()
    asked = {str(n): effective(from_text(text), config.defaults).text for n, text in enumerate(specs)}
    job = BuildJob(storage="default", name=name, version=version)
    made = rendering.render(job, asked, config, learn=learnt.append)
    assert list(made) == list(asked)
    return list(made.values()), learnt


def names() -> list[str]:
    folder = Path(default_storage.path("renditions"))
    return sorted(path.name.partition(".")[0] for path in folder.rglob("*") if path.is_file())


def test_the_engine_is_the_one_that_the_settings_name(settings):
    with rendering.engine(conf.current()) as used:
        assert isinstance(used, PillowEngine)

    settings.RESPONSIVE_IMG_ENGINE = "templatetags_tests.engines.FlatEngine"
    with rendering.engine(conf.current()) as used:
        assert isinstance(used, FlatEngine)


def test_the_engine_runs_in_a_child_that_ends_with_its_use(settings, monkeypatch):
    settings.RESPONSIVE_IMG_ISOLATION = "process"
    ended: list[object] = []
    monkeypatch.setattr(IsolatedEngine, "close", lambda self: ended.append(self))

    with suppress(ZeroDivisionError), rendering.engine(conf.current()) as used:
        assert isinstance(used, IsolatedEngine)
        assert ended == []
        raise ZeroDivisionError

    assert ended == [used]


@pytest.mark.parametrize("isolation", [None, "process"])
def test_a_header_is_read(settings, isolation):
    settings.RESPONSIVE_IMG_ISOLATION = isolation
    store("a.gif", MOVING)

    assert rendering.read_header(SourceRef("default", "a.gif"), conf.current()) == Header(
        "gif", Size(80, 40), is_animated=True
    )


def test_the_header_of_an_svg_is_not_the_engines_to_read(settings):
    settings.RESPONSIVE_IMG_ENGINE = "templatetags_tests.engines.FlatEngine"
    store("a.svg", b'<svg width="8" height="6"/>')

    assert rendering.read_header(SourceRef("default", "a.svg"), conf.current()) == Header("svg", Size(8, 6))


@pytest.mark.parametrize(
    ("source", "error", "reason"),
    [
        (SourceRef("default", "none.jpg"), SourceError, "FileNotFoundError: "),
        (SourceRef("default", "../x.jpg"), SourceError, "SuspiciousFileOperation: "),
        (SourceRef("nowhere", "x.jpg"), SourceError, "No storage and no field is called 'nowhere'."),
        (SourceRef("default", "text.jpg"), BuildError, "UnidentifiedImageError: "),
    ],
)
def test_what_cannot_be_read_says_why(source, error, reason):
    store("text.jpg", b"Not a picture.")

    with pytest.raises(error) as caught:
        rendering.read_header(source, conf.current())

    assert str(caught.value).startswith(reason)


def test_the_manifest_lists_what_was_written():
    store("a.jpg", encoded(gradient(80, 40), "JPEG"))

    (found,), learnt = render("a.jpg", "w20", version="2")

    assert learnt == [Header("jpeg", Size(80, 40))]
    assert (found.state, found.version, found.width, found.height) == (manifest.READY, "2", 20, 10)
    assert [kind for kind, _ in found.sources] == ["image/webp"]
    assert names() == ["a-20w", "a-20w", "a-40w", "a-40w"]
    for part in found.srcset.split(", "):
        assert default_storage.exists(part.removeprefix(manifest.PREFIX).partition(" ")[0])


def test_specs_of_one_source_share_the_files_that_they_have_in_common():
    store("a.jpg", encoded(gradient(80, 40), "JPEG"))

    (one, other), _ = render("a.jpg", "w20;owebp", "w40;owebp;d1")

    assert names() == ["a-20w", "a-40w"]
    assert other.src in one.srcset


@pytest.mark.parametrize(
    ("name", "content", "specs"),
    [
        ("a.svg", b'<svg width="80" height="40"/>', ["w20", "w20;owebp;e1"]),
        ("a.gif", MOVING, ["w20", "w10;h20"]),
        ("a.gif", MOVING, [SOURCE_AS_IS.text]),
        ("a.jpg", encoded(gradient(80, 40), "JPEG"), [SOURCE_AS_IS.text]),
    ],
)
def test_what_is_shown_as_it_is_writes_nothing_and_has_a_layout(name, content, specs, monkeypatch):
    monkeypatch.setattr(PillowEngine, "render", None)
    store(name, content)

    made, _ = render(name, *specs)

    assert names() == []
    widths = {"w20": 20, "w20;owebp;e1": 20, "w10;h20": 10, SOURCE_AS_IS.text: 80}
    assert [(each.src, each.width, each.height) for each in made] == [
        ("", widths[spec], widths[spec] // 2) for spec in specs
    ]


@pytest.mark.parametrize(("setting", "limit"), [("MAX_SOURCE_PIXELS", 3199), ("MAX_SOURCE_BYTES", 100)])
def test_a_source_over_a_limit_is_not_decoded(settings, log, monkeypatch, setting, limit):
    setattr(settings, f"RESPONSIVE_IMG_{setting}", limit)
    monkeypatch.setattr(PillowEngine, "render", None)
    store("a.jpg", encoded(gradient(80, 40), "JPEG"))

    (found,), _ = render("a.jpg", "w20")

    assert (found.state, found.src, found.width, found.height) == (manifest.READY, "", 20, 10)
    assert log() == ["a.jpg is over the limits (80 × 40 px) and served as it is"]


def test_a_source_at_the_limits_is_decoded(settings, log):
    content = encoded(gradient(80, 40), "JPEG")
    settings.RESPONSIVE_IMG_MAX_SOURCE_PIXELS = 3200
    settings.RESPONSIVE_IMG_MAX_SOURCE_BYTES = len(content)
    store("a.jpg", content)

    render("a.jpg", "w20;owebp;d1")

    assert names() == ["a-20w"]
    assert log() == []


def test_an_svg_is_never_over_a_limit(settings, log):
    settings.RESPONSIVE_IMG_MAX_SOURCE_PIXELS = settings.RESPONSIVE_IMG_MAX_SOURCE_BYTES = 1
    store("a.svg", b'<svg width="8000" height="6000"/>')

    (found,), _ = render("a.svg", "w20")

    assert (found.width, found.height) == (20, 15)
    assert log() == []


def test_what_an_engine_refuses_writes_nothing(settings):
    settings.RESPONSIVE_IMG_ENGINE = "templatetags_tests.engines.RefusingEngine"
    store("a.jpg", b"")

    with pytest.raises(BuildError, match=r"^ValueError: not this one$"):
        render("a.jpg", "w20")

    assert names() == []


def test_the_source_is_closed_also_after_an_error(monkeypatch):
    file = BytesIO(b"Not a picture.")
    monkeypatch.setattr(FileSystemStorage, "open", lambda *args: file)

    with pytest.raises(BuildError):
        render("a.jpg", "w20")

    assert file.closed


def test_of_a_file_over_the_limit_of_bytes_only_the_start_is_read(settings, monkeypatch):
    settings.RESPONSIVE_IMG_MAX_SOURCE_BYTES = 1000
    lengths: list[int] = []

    def read_header(self, file):
        lengths.append(len(file.read()))
        return Header("webp", Size(80, 40))

    monkeypatch.setattr(PillowEngine, "read_header", read_header)
    monkeypatch.setattr(rendering, "HEAD", 100)
    store("a.webp", bytes(5000))

    (found,), _ = render("a.webp", "w20")

    assert lengths == [100]
    assert (found.state, found.src, found.width, found.height) == ("r", "", 20, 10)
