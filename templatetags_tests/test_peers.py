"""
The judge of the comparison: what is not as it was asked for must not count as if it were.

Neither must a peer's file that is merely larger count as the better one, nor one that is smaller.
"""

from __future__ import annotations

import pytest
from PIL import Image

from responsive_img import arguments
from responsive_img.defaults import Defaults, effective
from responsive_img.engine import PillowEngine
from responsive_img.variants import planned
from sandbox.gallery.drawing.catalogue import SCENES
from sandbox.peers import contestants, documents, pages, qualities, subjects
from sandbox.peers.equal_bytes import Kind, Match, Reference, Scale
from sandbox.peers.qualities import DRAWN, PHOTOS, Sample

CANDIDATES = [("WEBP", 400), ("WEBP", 800), ("JPEG", 400), ("JPEG", 800)]
PAGE = (
    '<article><h2>Boats</h2><picture><source type="image/webp" srcset="/media/WEBP-400 1x, /media/WEBP-800 2x">'
    '<img srcset="/media/JPEG-400 1x, /media/JPEG-800 2x" src="/media/JPEG-400" width="400" height="300" alt="">'
    "</picture></article>"
)


@pytest.fixture
def media(tmp_path):
    """Give a folder with the four files of a picture and its source."""
    (tmp_path / "photos").mkdir()
    for form, width in CANDIDATES:
        Image.new("RGB", (width, width * 3 // 4)).save(tmp_path / f"{form}-{width}", form)
    Image.new("RGB", (1200, 900)).save(tmp_path / "photos" / "source.jpg")
    return tmp_path


def test_a_right_page_has_no_fault(media):
    read = pages.read(PAGE.encode(), media)

    assert read == pages.Read(urls=4, dead=0, sources=0, sized=1, faults=[])


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("/media/JPEG-800", "/media/none", "URLs that answer 404"),
        ("/media/WEBP-800", "/media/WEBP-400", "lacks WEBP 800 px"),
        ("/media/WEBP-800", "/media/JPEG-800", "lacks WEBP 800 px"),
        ('src="/media/JPEG-400"', 'src="/media/photos/source.jpg"', "src is the source"),
        ('height="300"', 'height="301"', "width and height: 400 × 301"),
        (' width="400"', "", "width and height: missing"),
        ("WEBP-800 2x", "WEBP-800 801w", "801w for 800 px"),
        ("WEBP-800 2x", "WEBP-800 1.5x", "1.5x for 800 px"),
        ("image/webp", "image/avif", "WEBP said to be image/avif"),
        ("WEBP-800 2x", "WEBP-800 800w", "w descriptors without sizes"),
        (PAGE, "<article></article>", "no picture"),
    ],
)
def test_what_is_not_right_is_a_fault(media, old, new, fault):
    assert old in PAGE

    assert fault in pages.read(PAGE.replace(old, new).encode(), media).faults


def test_files_that_nobody_asked_for_are_a_fault(media):
    Image.new("RGB", (799, 599)).save(media / "JPEG-800", "JPEG")

    faults = pages.read(PAGE.encode(), media).faults

    assert faults == ["2x for 799 px", "has JPEG 799 px instead", "lacks JPEG 800 px"]


def test_a_picture_that_is_not_built_shows_its_source_and_is_told(media):
    page = '<article><img src="/media/photos/source.jpg" width="400" height="300" alt=""></article>'

    read = pages.read(page.encode(), media)

    assert (read.urls, read.dead, read.sources, read.sized) == (1, 0, 1, 1)


def test_whoever_is_compared_is_installed():
    packages = {each.package for each in contestants.CONTESTANTS.values()}

    assert packages == {*contestants.NO_PEERS, *contestants.DISTRIBUTIONS}


# Quality: files of as many bytes ------------------------------------------------------------------------

OF_ALL = [Kind(form, width) for form in ("WEBP", "JPEG") for width in (400, 800)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Give a noisy picture of 60 × 45 px: no quality is the same as the next, and all are quick."""
    path = tmp_path_factory.mktemp("quality") / "source.jpg"
    Image.effect_noise((60, 45), 60).convert("RGB").save(path, quality=95)
    return path


@pytest.fixture(scope="module")
def scale(source):
    """Give its files of all qualities."""
    return Scale(source, Reference(source))


@pytest.mark.parametrize(("form", "quality"), [("WEBP", 78), ("JPEG", 80)])
def test_at_the_bytes_of_the_librarys_own_file_it_makes_that_file(scale, form, quality):
    own = scale.default(Kind(form, 60))

    match = scale.match(Kind(form, 60), len(own))

    assert (match.quality, match.bytes) == (quality, len(own))
    assert match.between == match.likeness


def test_the_files_are_those_that_the_library_makes_on_a_page(source, scale):
    spec = effective(arguments.read({"width": 400}), Defaults())
    with source.open("rb") as file:
        variants = planned(spec, source.name, PillowEngine().read_header(file), max_width=4096).variants
        made = [content for _, content in PillowEngine().render(file, variants)]

    assert made == [scale.default(Kind(form, 60)) for form in ("WEBP", "JPEG")]


def test_a_number_of_bytes_between_two_files_is_worth_what_lies_between_them(scale):
    kind = Kind("JPEG", 60)
    own = scale.match(kind, len(scale.default(kind)))

    less = scale.match(kind, own.bytes - 1)
    more = scale.match(kind, own.bytes + 1)

    assert (less.quality, more.quality) == (79, 80)
    assert less.bytes < own.bytes == more.bytes
    assert less.likeness < less.between < own.likeness == more.likeness < more.between


def test_more_bytes_than_the_largest_file_has_are_worth_no_more(scale):
    match = scale.match(Kind("JPEG", 60), 1_000_000)

    assert match.quality == 100
    assert match.between == match.likeness > 0.99


def test_fewer_bytes_than_the_smallest_file_has_cannot_be_compared(scale):
    with pytest.raises(ValueError, match="empty"):
        scale.match(Kind("JPEG", 60), 10)


def test_photos_are_cut_to_one_ratio_upright_and_tell_nothing_of_their_files(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    turned = Image.new("RGB", (700, 1203), "red")
    turned.paste("blue", (0, 600, 700, 1203))
    turned.save(tmp_path / "holiday.jpg", exif=exif, comment=b"of ours")
    Image.new("RGBA", (799, 600)).save(tmp_path / "small.png")
    Image.new("P", (800, 600)).save(tmp_path / "whole.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "cut").mkdir()

    written = subjects.cut(sorted(tmp_path.glob("*.*")), tmp_path / "cut", "photo")

    assert [path.name for path in written] == ["photo-01.jpg", "photo-02.jpg"]
    with Image.open(written[0]) as first, Image.open(written[1]) as second:
        assert (first.size, second.size) == ((932, 699), (800, 600))
        assert not {"exif", "comment", "icc_profile"} & first.info.keys()
        # It was red above, on its side: upright, that is to the right. Red is lighter than blue.
        left, right = first.crop((0, 0, 50, 699)), first.crop((882, 0, 932, 699))
        assert [min(column.convert("L").tobytes()) > 60 for column in (left, right)] == [False, True]


def test_scenes_are_those_of_the_gallery():
    assert set(subjects.SCENES_DRAWN) <= {scene.draw.__name__ for scene in SCENES if not scene.is_turned}


def sample(name: str, gain: float, *, group: str = DRAWN, kind: Kind = OF_ALL[0], length: int = 50) -> Sample:
    return Sample(group, f"{gain}", name, kind, length, 0.9, 100, Match(70, 49, 0.8, 0.9 + gain))


def test_quality_is_told_by_the_middle_of_the_sources_and_by_the_worst():
    samples = [
        sample("sorl", gain, length=length) for gain, length in ((0.002, 80), (-0.0051, 120), (0.001, 90))
    ]

    [text] = qualities.tables(samples)
    [target] = qualities.targets(samples)

    assert "Q. 3 drawn sources to 400 and 800 px" in text
    [cells] = [line.split("  ") for line in text.splitlines() if line.startswith("sorl, WebP")]
    assert [cell.strip() for cell in cells if cell][-3:] == [
        "0.90 (1.20)",
        "0.9000 (0.9000)",
        "+0.0010 (-0.0051)",
    ]
    assert target.name == "Q: SSIM of responsive_img at the bytes of sorl, WebP 400 px"
    assert target.figure.median == pytest.approx(1.0)
    assert target.is_met


def test_a_peer_whose_bytes_are_worth_more_is_told():
    [target] = qualities.targets([sample("sorl", gain) for gain in (0.01, -0.0011, -0.002)])

    assert not target.is_met


def test_each_kind_of_file_and_each_kind_of_source_is_judged_by_itself():
    samples = [sample("sorl", 0.0, kind=kind, group=group) for kind in OF_ALL for group in (DRAWN, PHOTOS)]
    ours = [sample("responsive_img", 0.0, kind=kind) for kind in OF_ALL]

    assert len(qualities.targets([*ours, *samples])) == len(OF_ALL)
    assert len(qualities.tables([*ours, *samples])) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "make bench-peers"),
        ("--write", "make bench-peers"),
        ("--only Q --photos /home/mine --write", 'make bench-peers ARGS="--only Q --photos FOLDER"'),
        ("--photos=/home/mine --quick", 'make bench-peers ARGS="--photos FOLDER --quick"'),
    ],
)
def test_the_command_under_a_table_does_not_tell_where_the_photos_are(given, told):
    assert documents.command(given.split()) == told
