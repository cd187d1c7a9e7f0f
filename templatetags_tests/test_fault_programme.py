"""Faults that a picture brings with it, through whole pages: each test bears the number of its row."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import html5lib
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image, ImageCms, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

from responsive_img import records, rendering
from responsive_img.engine.reading import DECODERS
from responsive_img.isolation import IsolatedEngine
from templatetags_tests import images
from templatetags_tests.engines import HOSTILE
from templatetags_tests.images import ORIENTATIONS, encoded, gradient, opened, png
from templatetags_tests.models import Photo

LANGUAGES = ("django", "jinja2")
OUTPUTS = ("avif", "webp", "png", "jpeg")
SECRET = images.SECRET.encode()
GOOD = encoded(gradient(80, 40), "JPEG")


@pytest.fixture
def upload(db):
    """Return a function that stores a file of any content and returns a saved row with it."""

    def uploaded(content: bytes, name: str = "photos/x.jpg", title: str = "A <test>") -> Photo:
        return Photo.objects.create(title=title, image=default_storage.save(name, ContentFile(content)))

    return uploaded


@pytest.fixture
def show(page):
    """Return a function that shows photos on a page; it gives the attributes of each `<img>`, in order."""

    def shown(language: str, *photos: Photo, arguments: str = "width=20 height=10") -> list[dict[str, str]]:
        line = "{% for photo in photos %}{% img photo.image ARGS alt=photo.title %}{% endfor %}"
        response = page(language, line.replace("ARGS", arguments), {"photos": photos})
        assert response.status_code == 200
        assert response.responsive_img_pending == 0
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        fragment = parser.parseFragment(response.content.decode())
        found = [dict(element.attrib) for element in fragment.iter("img")]
        assert [each["alt"] for each in found] == [photo.title for photo in photos]
        return found

    return shown


def content_of(url: str) -> bytes:
    """Return the file that a URL leads to."""
    with default_storage.open(url.removeprefix("/media/")) as file:
        return bytes(file.read())


def picture_of(attributes: dict[str, str]) -> Image.Image:
    return opened(content_of(attributes["src"]))


def colour_at(picture: Image.Image, x: int, y: int) -> tuple[int, ...]:
    return picture.convert("RGB").getpixel((x, y))  # type: ignore[return-value] # as RGB has it


def written() -> list[Path]:
    """Return all files of renditions."""
    return sorted(path for path in Path(default_storage.path("renditions")).rglob("*") if path.is_file())


def make_retry_due() -> None:
    """Let the time until the next try pass."""
    records.picture_model().objects.update(not_before=timezone.now())
    records.source_model().objects.update(retry_at=timezone.now())
    cache.clear()


def assert_fails(show: Any, log: Any, language: str, photo: Photo, reason: str) -> None:
    """Check that a page shows a source in its layout, says once why, looks no more, and tries again in time."""
    expected = {
        "src": photo.image.url,
        "width": "20",
        "height": "10",
        "alt": photo.title,
        "loading": "lazy",
        "decoding": "async",
    }
    path = Path(photo.image.path)

    for _ in range(2):
        assert show(language, photo) == [expected]

    (line,) = log()
    assert line.startswith(
        f"Cannot build {photo.image.name} of templatetags_tests.Photo.image, next try in 300 s: "
    )
    assert line.partition(" 300 s: ")[2].startswith(reason)
    assert records.source_model().objects.get().error.startswith(reason)
    assert written() == []

    path.write_bytes(GOOD)
    assert show(language, photo) == [expected]
    make_retry_due()
    (built,) = show(language, photo)
    assert built["src"].startswith("/media/renditions/")
    assert picture_of(built).size == (20, 10)
    assert len(log()) == 1


# Rows 1 to 7: what is no picture -----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_01_a_missing_source_is_shown_by_its_url_and_asked_for_once(upload, show, log, language):
    photo = upload(GOOD)
    default_storage.delete(photo.image.name)

    assert_fails(show, log, language, photo, "SourceError: FileNotFoundError: ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_01_until_its_retry_a_missing_source_costs_no_storage_call(upload, show, storage_calls, language):
    photo = upload(GOOD)
    default_storage.delete(photo.image.name)
    show(language, photo)
    storage_calls.clear()

    show(language, photo)

    assert not storage_calls


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_02_a_source_that_appears_later_is_built(upload, show, language):
    photo = upload(GOOD)
    path = Path(default_storage.path(photo.image.name))
    path.unlink()
    (before,) = show(language, photo)

    path.write_bytes(GOOD)
    make_retry_due()
    (after,) = show(language, photo)

    assert before["src"] == photo.image.url
    assert images.difference(picture_of(after), gradient(80, 40).resize((20, 10))) < 6
    assert {k: after[k] for k in ("width", "height")} == {k: before[k] for k in ("width", "height")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.webp", "x.gif", "x.avif", "x"])
def test_row_03_an_empty_source_fails(upload, show, log, language, name):
    assert_fails(show, log, language, upload(b"", f"photos/{name}"), "BuildError: UnidentifiedImageError: ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("format", "reason"),
    [
        ("JPEG", "OSError: "),
        ("PNG", "OSError: "),
        ("GIF", "OSError: "),
        ("WEBP", "OSError: "),
        ("AVIF", ""),
    ],
)
def test_row_04_half_a_picture_fails_and_nothing_of_it_is_published(
    upload, show, log, language, format, reason
):
    content = encoded(images.detailed(300, 200), format)
    photo = upload(content[: len(content) // 2], f"photos/x.{format.lower()}")

    assert_fails(show, log, language, photo, f"BuildError: {reason}")


NO_PICTURES = {
    "text": b"Not a picture.",
    "html": b"<!doctype html><title>404</title><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"><script>alert(1)</script></svg>',
}
RARE = {
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 3\n%%EndComments\n%%Page: 1 1\nshowpage\n%%EOF\n",
    "psd": b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 3, 4, 8, 3) + bytes(12) + bytes(2 + 36),
    "fits": b"".join(
        card.ljust(80).encode()
        for card in (
            "SIMPLE  =                    T",
            "BITPIX  =                    8",
            "NAXIS   =                    2",
            "NAXIS1  =                    4",
            "NAXIS2  =                    3",
            "END",
        )
    ).ljust(2880)
    + bytes(2880),
    "tiff": encoded(gradient(8, 6), "TIFF"),
    "bmp": encoded(gradient(8, 6), "BMP"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NO_PICTURES)
def test_row_05_what_is_no_picture_fails_whatever_its_name(upload, show, log, language, kind):
    assert_fails(show, log, language, upload(NO_PICTURES[kind]), "BuildError: UnidentifiedImageError: ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", RARE)
def test_row_06_a_rare_format_is_never_decoded(upload, show, log, language, kind, monkeypatch):
    with Image.open(BytesIO(RARE[kind])) as picture:  # Pillow itself would
        assert picture.format == kind.upper()
    tried: list[str] = []

    def noted(name: str, factory: Any, *args: Any) -> Any:
        tried.append(name)
        return factory(*args)

    for name, (factory, accept) in list(Image.OPEN.items()):
        monkeypatch.setitem(Image.OPEN, name, (partial(noted, name, factory), accept))

    assert_fails(show, log, language, upload(RARE[kind]), "BuildError: UnidentifiedImageError: ")

    assert set(tried) <= {"JPEG", "PNG", "WEBP", "GIF", "AVIF"}
    assert "JPEG" in tried  # of the picture that replaces it: the notes are taken


# Sides of bombs, 1 bit a px: 88, 169 and 900 Mpx.
BOMBS = {88: 9381, 169: 13000, 900: 30000}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("megapixels", [88, 169])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_row_07_a_bomb_over_our_limit_is_served_as_it_is(upload, show, log, language, megapixels):
    side = BOMBS[megapixels]
    photo = upload(images.bomb(side), "photos/x.png")

    for _ in range(2):
        assert show(language, photo, arguments="width=20") == [
            {
                "src": photo.image.url,
                "width": "20",
                "height": "20",
                "alt": photo.title,
                "loading": "lazy",
                "decoding": "async",
            }
        ]

    assert log() == [f"photos/x.png is over the limits ({side} × {side} px) and served as it is"]
    assert written() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_07_a_bomb_over_pillows_limit_fails(upload, show, log, language):
    photo = upload(images.bomb(BOMBS[900]), "photos/x.png")

    assert_fails(show, log, language, photo, "BuildError: DecompressionBombError: ")


RENDER_A_BOMB = """
import resource, sys
import django
django.setup()
from responsive_img import conf, rendering
from responsive_img.jobs import BuildJob
from responsive_img.defaults import effective
from responsive_img.specs import from_text

def render(name):
    config = conf.current()
    spec = effective(from_text("w20;owebp"), config.defaults).text
    try:
        rendering.render(BuildJob(storage="default", name=name), {"": spec}, config, learn=lambda header: None)
    except Exception as error:
        print(type(error).__name__, error, file=sys.stderr)

def peak():  # kB; getrusage would tell that of the parent too
    with open("/proc/self/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("VmHWM:")))

render("small.png")
before = peak()
render("bomb.png")
print(peak() - before)
"""


def growth_kb(folder: Path, script: str = RENDER_A_BOMB) -> int:
    """Return by how much the memory of a process grows that is given `bomb.png`, kB."""
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "DJANGO_SETTINGS_MODULE": "templatetags_tests.settings",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=env, check=True, capture_output=True, text=True
    )
    assert "Error" not in done.stderr.replace("BuildError DecompressionBombError", "")
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
@pytest.mark.parametrize("megapixels", BOMBS)
def test_row_07_a_bomb_is_refused_from_its_header(tmp_path, megapixels):
    (tmp_path / "small.png").write_bytes(encoded(gradient(40, 30), "PNG"))
    (tmp_path / "bomb.png").write_bytes(images.bomb(BOMBS[megapixels]))

    assert growth_kb(tmp_path) < 50_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_row_07_the_same_bomb_would_be_seen_if_it_were_decoded(tmp_path):
    (tmp_path / "small.png").write_bytes(encoded(gradient(40, 30), "PNG"))
    (tmp_path / "bomb.png").write_bytes(images.bomb(BOMBS[88]))
    unlimited = RENDER_A_BOMB.replace(
        "django.setup()",
        "django.setup()\nfrom django.conf import settings\nsettings.RESPONSIVE_IMG_MAX_SOURCE_PIXELS = 10**9",
    )

    assert growth_kb(tmp_path, unlimited) > 50_000


# Row 8: what moves, and what scales --------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_gif() -> bytes:
    """Return a GIF of 60 frames of 4 Mpx."""
    first, *others = [Image.new("P", (2000, 2000), 1) for _ in range(60)]
    first.putpalette([20, 20, 20, 200, 30, 40])
    for index, frame in enumerate(others):
        frame.putpalette([20, 20, 20, 40, 30, index])
        frame.paste(0, (0, 0, 100, 100))
    return encoded(first, "GIF", save_all=True, append_images=others, duration=50)


def moving(format: str) -> bytes:
    first = Image.new("RGB", (80, 40), (200, 30, 40))
    return encoded(
        first, format, save_all=True, append_images=[Image.new("RGB", (80, 40), "blue")], duration=50
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_08_a_long_gif_is_served_as_it_is(upload, show, log, language, long_gif):
    photo = upload(long_gif, "photos/x.gif")
    assert opened(long_gif).n_frames == 60  # type: ignore[attr-defined]

    started = time.process_time()
    (shown,) = show(language, photo, arguments="width=400")

    assert time.process_time() - started < 1
    assert (shown["src"], shown["width"], shown["height"]) == (photo.image.url, "400", "400")
    assert (log(), written()) == ([], [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_08_a_still_of_a_long_gif_is_its_first_frame_in_less_than_a_second(
    upload, show, language, long_gif
):
    photo = upload(long_gif, "photos/x.gif")

    started = time.process_time()
    (shown,) = show(language, photo, arguments='width=400 format="webp" densities="1"')

    assert time.process_time() - started < 1
    made = picture_of(shown)
    assert (made.format, made.size) == ("WEBP", (400, 400))
    assert images.delta_e(colour_at(made, 20, 20), (200, 30, 40)) < 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["x.webp", "x.png", "x.avif", "x.gif", "x.jpg"])
def test_row_08_what_moves_is_served_as_it_is_or_gives_its_first_frame(upload, show, log, language, name):
    format = {"x.jpg": "WEBP"}.get(name, name[2:].upper())
    photo = upload(moving(format), f"photos/{name}")

    (whole,) = show(language, photo, arguments="width=20")
    assert written() == []
    (still,) = show(language, photo, arguments='width=20 format="webp" quality=95 densities="1"')

    assert (whole["src"], whole["width"], whole["height"]) == (photo.image.url, "20", "10")
    made = picture_of(still)
    assert not getattr(made, "is_animated", False)
    assert images.delta_e(colour_at(made, 10, 5), (200, 30, 40)) < 3
    assert log() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("root", "sides"),
    [
        ('width="40" height="30"', ("20", "15")),
        ('viewBox="0 0 400 100"', ("20", "5")),
        ("", ("20", "10")),
    ],
)
@pytest.mark.parametrize("arguments", ["width=20", 'width=20 format="webp"'])
def test_row_08_an_svg_is_served_as_it_is(upload, show, log, language, root, sides, arguments):
    photo = upload(f'<svg xmlns="http://www.w3.org/2000/svg" {root}/>'.encode(), "photos/x.svg")

    (shown,) = show(language, photo, arguments=arguments)

    assert (shown["src"], shown["width"], shown["height"]) == (photo.image.url, *sides)
    assert (log(), written()) == ([], [])


# Row 9: every format there is --------------------------------------------------------------------------


def every_format() -> dict[str, bytes]:
    """Return a small file of each format that Pillow writes."""
    Image.init()
    found = {}
    for format in Image.SAVE:
        for mode in ("RGB", "L", "1"):
            try:
                found[format] = encoded(gradient(24, 16).convert(mode), format)
                break
            except Exception:  # noqa: BLE001, S112 - it does not take this mode, or writes no file of one picture
                continue
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_09_a_file_of_any_format_is_built_or_fails_with_a_class(upload, show, log, language):
    corpus = every_format()
    photos = {name: upload(content, f"photos/{name}.jpg", name) for name, content in corpus.items()}

    shown = dict(zip(corpus, show(language, *photos.values()), strict=True))

    assert len(corpus) > 20
    built = {name for name, each in shown.items() if each["src"].startswith("/media/renditions/")}
    assert built == {*DECODERS, "MPO"}
    assert all((each["width"], each["height"]) == ("20", "10") for each in shown.values())
    assert len(log()) == len(corpus) - len(built)
    assert all(" s: BuildError: UnidentifiedImageError: " in line for line in log())


# Row 38: metadata --------------------------------------------------------------------------------------


def telling(format: str) -> bytes:
    """Return a picture with a place, a thumbnail, a comment, XMP and a profile, all of which tell."""
    exif = images.telling_exif()
    profile = images.rgb_profile(images.DISPLAY_P3) + SECRET
    picture = gradient(240, 160)
    if format == "PNG":
        text = PngInfo()
        text.add_text("Comment", images.SECRET)
        text.add_itxt("XML:com.adobe.xmp", images.XMP.decode())
        return encoded(picture, "PNG", exif=exif, icc_profile=profile, pnginfo=text)
    options: dict[str, Any] = {"comment": images.SECRET} if format == "JPEG" else {}
    return encoded(picture, format, exif=exif, icc_profile=profile, xmp=images.XMP, **options)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_row_38_nothing_of_the_metadata_is_in_any_output(upload, show, language, format):
    content = telling(format)
    assert content.count(SECRET) >= (2 if format == "PNG" else 3)
    photo = upload(content, f"photos/x.{format.lower()}")

    (shown,) = show(language, photo, arguments='width=40 formats="avif webp png jpeg" densities="1 2"')

    assert (shown["width"], shown["height"]) == ("40", "60")  # the orientation was read, so the EXIF was
    assert sorted({path.suffix for path in written()}) == [".avif", ".jpg", ".png", ".webp"]
    assert len(written()) == 8
    for path in written():
        made = path.read_bytes()
        picture = opened(made)
        assert SECRET not in made
        assert all(
            mark not in made for mark in (b"Exif\0\0", b"eXIf", b"EXIF", b"ICC_PROFILE", b"iCCP", b"adobe")
        )
        assert dict(picture.getexif()) == {}
        assert picture.info.keys().isdisjoint(
            {"icc_profile", "comment", "Comment", "xmp", "XML:com.adobe.xmp"}
        )


# Row 39: orientation -----------------------------------------------------------------------------------


def oriented(format: str, picture: Image.Image, orientation: int) -> bytes:
    """Return a file that holds a picture in an EXIF orientation; PNG (late): behind the px."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    held = images.stored(picture, orientation)
    if format == "PNG (late)":
        content = encoded(held, "PNG")
        chunk = images.png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
        return content[:-12] + chunk + content[-12:]
    by_format: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95, "subsampling": 0},
        "PNG": {},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    }
    return encoded(held, format, exif=exif.tobytes(), **by_format[format])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("format", "tolerance"),
    [("JPEG", 1.0), ("PNG", 0.1), ("PNG (late)", 0.1), ("WEBP", 0.1), ("AVIF", 1.5)],
)
def test_row_39_every_orientation_gives_equal_pixels(upload, show, language, format, tolerance):
    upright = gradient(241, 163)
    suffix = format.partition(" ")[0].lower()
    photos = [upload(oriented(format, upright, o), f"photos/{o}.{suffix}") for o in ORIENTATIONS]

    shown = show(language, *photos, arguments='width=90 format="png" densities="1"')

    expected = upright.resize((90, 61), Image.Resampling.LANCZOS)
    for each in shown:
        assert (each["width"], each["height"]) == ("90", "61")
        made = picture_of(each)
        assert made.size == (90, 61)
        assert images.difference(made, expected) < tolerance


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("focal", "left"), [("0% 0%", 0), ("100% 100%", 160), ("30% 50%", 32)])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "PNG (late)", "WEBP", "AVIF"])
def test_row_39_a_crop_is_the_same_part_in_every_orientation(upload, show, language, focal, left, format):
    upright = gradient(320, 160)
    suffix = format.partition(" ")[0].lower()
    photos = [upload(oriented(format, upright, o), f"photos/{o}.{suffix}") for o in ORIENTATIONS]

    shown = show(
        language, *photos, arguments=f'width=80 ratio="1/1" focal="{focal}" format="png" densities="1"'
    )

    # The largest square, its centre as near to the focal point as it fits.
    left = {32: 16}.get(left, left)
    expected = upright.resize((80, 80), Image.Resampling.LANCZOS, box=(left, 0, left + 160, 160))
    for each in shown:
        assert (each["width"], each["height"]) == ("80", "80")
        assert images.difference(picture_of(each), expected) < 1.5


# Row 40: colour ----------------------------------------------------------------------------------------

PATCH = 48
SRGB_PATCHES = [
    (200, 30, 40),
    (40, 160, 60),
    (80, 105, 190),
    (230, 200, 60),
    (120, 120, 120),
    (250, 250, 250),
]


def patches(mode: str, colours: Any) -> Image.Image:
    """Draw squares of plain colours side by side."""
    picture = Image.new(mode, (PATCH * len(colours), PATCH))
    for index, colour in enumerate(colours):
        picture.paste(colour, (PATCH * index, 0, PATCH * (index + 1), PATCH))
    return picture


def centres(picture: Image.Image, count: int) -> list[tuple[int, ...]]:
    """Return the colours in the middle of the squares, with alpha."""
    seen, side = picture.convert("RGBA"), picture.width // count
    return [seen.getpixel((side * index + side // 2, picture.height // 2)) for index in range(count)]  # type: ignore[misc]


def managed() -> dict[str, tuple[bytes, Any]]:
    """Return files with a profile by what they are, and the sRGB colours that they mean."""
    p3 = patches("RGB", [images.encoded_for(images.DISPLAY_P3, each) for each in SRGB_PATCHES])
    adobe = patches("RGB", [images.encoded_for(images.ADOBE_RGB, each) for each in SRGB_PATCHES])
    faded = adobe.convert("RGBA")
    faded.putalpha(255)
    faded.paste((*adobe.getpixel((1, 1)), 102), (0, 0, PATCH, PATCH))  # type: ignore[misc]
    greys = [0, 30, 90, 150, 200, 255]
    inks = [each for each in product((0, 1), repeat=4) if sum(each) < 3]
    press = patches("CMYK", [tuple(255 * ink for ink in each) for each in inks])
    dark = [images.srgb_grey(value / 255) for value in greys]
    p3_profile, adobe_profile = (images.rgb_profile(p) for p in (images.DISPLAY_P3, images.ADOBE_RGB))
    opaque = {"p3 jpeg": encoded(p3, "JPEG", quality=100, subsampling=0, icc_profile=p3_profile)}
    opaque["p3 png"] = encoded(p3, "PNG", icc_profile=p3_profile)
    opaque["p3 webp"] = encoded(p3, "WEBP", lossless=True, icc_profile=p3_profile)
    opaque["p3 avif"] = encoded(p3, "AVIF", quality=100, subsampling="4:4:4", icc_profile=p3_profile)
    opaque["adobe jpeg"] = encoded(adobe, "JPEG", quality=100, subsampling=0, icc_profile=adobe_profile)
    opaque["adobe png"] = encoded(adobe, "PNG", icc_profile=adobe_profile)
    wide: dict[str, tuple[bytes, Any]] = {
        name: (content, [(*each, 255) for each in SRGB_PATCHES]) for name, content in opaque.items()
    }
    return {
        **wide,
        "adobe with alpha": (
            encoded(faded, "PNG", icc_profile=adobe_profile),
            [(*SRGB_PATCHES[0], 102), *[(*each, 255) for each in SRGB_PATCHES[1:]]],
        ),
        "linear grey": (
            encoded(patches("L", greys), "PNG", icc_profile=images.grey_profile(1.0)),
            [(grey, grey, grey, 255) for grey in dark],
        ),
        "linear grey with alpha": (
            encoded(
                patches("LA", [(grey, 255 if grey else 0) for grey in greys]),
                "PNG",
                icc_profile=images.grey_profile(1.0),
            ),
            [(grey, grey, grey, 255 if grey else 0) for grey in dark],
        ),
        "cmyk jpeg": (
            encoded(press, "JPEG", quality=100, icc_profile=images.cmyk_profile()),
            [(*images.ink_colour(each), 255) for each in inks],
        ),
    }


def assert_colours(content: bytes, expected: Sequence[tuple[int, ...]]) -> None:
    """Check each square's colour, and its alpha: kept, or flattened onto white where the format has none."""
    picture = opened(content)
    for seen, wanted in zip(centres(picture, len(expected)), expected, strict=True):
        *colour, alpha = wanted
        if picture.format == "JPEG":
            colour, alpha = [round((c * alpha + 255 * (255 - alpha)) / 255) for c in colour], 255
        assert abs(seen[3] - alpha) <= 1
        if alpha:
            assert images.delta_e(seen[:3], colour) < 3, (picture.format, seen, wanted)


MANAGED = managed()
ALL_OUTPUTS = 'formats="avif webp png jpeg" densities="1" quality=100'


def assert_every_output(show: Any, language: str, photo: Photo, expected: Sequence[tuple[int, ...]]) -> None:
    show(language, photo, arguments=f"width={PATCH // 2 * len(expected)} {ALL_OUTPUTS}")

    assert sorted(path.suffix for path in written()) == [".avif", ".jpg", ".png", ".webp"]
    for path in written():
        assert_colours(path.read_bytes(), expected)


@pytest.mark.parametrize("kind", MANAGED)
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_40_colours_are_those_that_the_profile_means(upload, show, log, language, kind):
    content, expected = MANAGED[kind]
    photo = upload(content, f"photos/x.{'jpg' if 'jpeg' in kind else 'png'}")

    assert_every_output(show, language, photo, expected)
    assert log() == []


@pytest.mark.parametrize("kind", MANAGED)
def test_row_40_the_profile_matters(kind):
    content, expected = MANAGED[kind]

    raw = centres(opened(content), len(expected))

    assert max(images.delta_e(seen[:3], wanted[:3]) for seen, wanted in zip(raw, expected, strict=True)) > 6


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("profile", [
    b"broken", images.rgb_profile(images.ADOBE_RGB)[:200], images.grey_profile(1.0), images.cmyk_profile(),
    b"\0" * 128, images.rgb_profile(images.ADOBE_RGB)[:128] + b"\xff" * 400,
], ids=["no profile", "half a profile", "grey", "cmyk", "zeros", "header alone"])  # fmt: skip
def test_row_40_a_broken_or_mismatched_profile_is_left_out(upload, show, log, language, profile):
    photo = upload(encoded(patches("RGB", SRGB_PATCHES), "PNG", icc_profile=profile), "photos/x.png")

    assert_every_output(show, language, photo, [(*each, 255) for each in SRGB_PATCHES])
    assert log() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_row_40_the_profile_of_another_mode_is_left_out(upload, show, log, language, mode):
    colours = [(0, 200, 100, 30), (90, 0, 0, 0)] if mode == "CMYK" else [40, 200]
    content = encoded(
        patches(mode, colours), "JPEG", quality=100, icc_profile=images.rgb_profile(images.ADOBE_RGB)
    )
    photo = upload(content, "photos/x.jpg")

    # (255 - ink) × (255 - black) / 255
    expected = (
        [(225, 49, 137, 255), (165, 255, 255, 255)] if mode == "CMYK" else [(g, g, g, 255) for g in (40, 200)]
    )
    assert_every_output(show, language, photo, expected)
    assert log() == []


def test_row_40_an_srgb_profile_changes_nothing(upload, show):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = upload(encoded(gradient(60, 40), "PNG", icc_profile=profile), "photos/x.png")

    (shown,) = show("django", photo, arguments='width=60 format="png" densities="1"')

    assert images.difference(picture_of(shown), gradient(60, 40)) == 0


RED, CLEAR = (200, 30, 40, 255), (0, 0, 0, 0)


def deep(colour_type: int, *colours: tuple[int, ...], before: bytes = b"", depth: int = 16) -> bytes:
    """Return a PNG of plain squares, each value 16 bits; with fewer bits, of so many."""
    if depth == 16:
        row = b"".join(struct.pack(f">{len(colour)}H", *colour) * PATCH for colour in colours)
    else:
        bits = "".join(f"{colour[0]:0{depth}b}" * PATCH for colour in colours)
        row = int(bits, 2).to_bytes(len(bits) // 8, "big")
    size = PATCH * len(colours), PATCH
    return png(size, depth=depth, colour_type=colour_type, rows=[row] * PATCH, before=before)


def key_chunk(*values: int) -> bytes:
    return images.png_chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


def palette(*colours: tuple[int, ...], **options: Any) -> bytes:
    picture = patches("P", list(range(len(colours))))
    picture.putpalette([value for colour in colours for value in colour])
    return encoded(picture, options.pop("format", "PNG"), **options)


GREYS = [(0, 0, 0, 255), (100, 100, 100, 255), (255, 255, 255, 255)]
# What is stored, and the colours of its squares with alpha.
MODES = {
    "cmyk": (
        encoded(patches("CMYK", [(0, 200, 100, 30), (90, 0, 0, 0), (0, 0, 0, 255)]), "JPEG", quality=100),
        [(225, 49, 137, 255), (165, 255, 255, 255), (0, 0, 0, 255)],
    ),
    "grey": (encoded(patches("L", [0, 100, 255]), "PNG"), GREYS),
    "16-bit grey": (deep(0, (0,), (100 * 257,), (65535,)), GREYS),
    "16-bit rgb": (
        deep(2, (200 * 257, 30 * 257, 40 * 257), (0, 65535, 0)),
        [RED, (0, 255, 0, 255)],
    ),
    "16-bit rgba": (
        deep(6, (200 * 257, 30 * 257, 40 * 257, 102 * 257), (0, 65535, 0, 0)),
        [(200, 30, 40, 102), CLEAR],
    ),
    "16-bit grey with alpha": (
        deep(4, (100 * 257, 65535), (65535, 0)),
        [(100, 100, 100, 255), CLEAR],
    ),
    "grey with alpha": (
        encoded(patches("LA", [(100, 255), (100, 102), (100, 0)]), "PNG"),
        [(100, 100, 100, 255), (100, 100, 100, 102), CLEAR],
    ),
    "rgb with a key": (
        encoded(patches("RGB", [(200, 30, 40), (1, 2, 3)]), "PNG", transparency=(1, 2, 3)),
        [RED, CLEAR],
    ),
    "16-bit rgb with a key": (
        deep(2, (200 * 257, 30 * 257, 40 * 257), (0x1234, 0x5678, 0x9ABC), before=key_chunk(0x1234, 0x5678, 0x9ABC)),
        [RED, CLEAR],
    ),
    "16-bit rgb with a dark key": (
        deep(2, (200 * 257, 30 * 257, 40 * 257), (0, 0, 3), before=key_chunk(0, 0, 3)),
        [RED, CLEAR],
    ),
    "grey with a key": (
        encoded(patches("L", [100, 7]), "PNG", transparency=7),
        [(100, 100, 100, 255), CLEAR],
    ),
    "2-bit grey with a key": (deep(0, (2,), (1,), before=key_chunk(1), depth=2), [(170, 170, 170, 255), CLEAR]),
    "4-bit grey with a key": (deep(0, (12,), (3,), before=key_chunk(3), depth=4), [(204, 204, 204, 255), CLEAR]),
    "1-bit": (encoded(patches("1", [0, 255]), "PNG"), [GREYS[0], GREYS[2]]),
    "1-bit with a key": (encoded(patches("1", [0, 255]), "PNG", transparency=255), [GREYS[0], CLEAR]),
    "palette": (palette((200, 30, 40), (0, 160, 60)), [RED, (0, 160, 60, 255)]),
    "palette with a key": (palette((200, 30, 40), (0, 160, 60), transparency=1), [RED, CLEAR]),
    "palette with alphas": (
        palette((200, 30, 40), (0, 160, 60), transparency=b"\xff\x66"),
        [RED, (0, 160, 60, 102)],
    ),
    "gif with a key": (palette((200, 30, 40), (0, 160, 60), transparency=1, format="GIF"), [RED, CLEAR]),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_40_every_mode_has_its_colours_and_its_alpha(upload, show, log, language, kind):
    content, expected = MODES[kind]

    assert_every_output(show, language, upload(content, "photos/x.png"), expected)
    assert log() == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255), (0, 255, 0)])
@pytest.mark.parametrize("output", ["png", "webp", "avif", "jpeg"])
def test_row_40_an_edge_has_no_fringe_of_the_hidden_colour(upload, show, language, hidden, output):
    red = RED[:3]
    picture = Image.new("RGBA", (331, 331), (*hidden, 0))
    ImageDraw.Draw(picture).ellipse((40, 40, 290, 290), fill=RED)
    photo = upload(encoded(picture, "PNG"), "photos/x.png")

    for width in (100, 41):
        arguments = f'width={width} format="{output}" quality=100 densities="1 2"'
        made = picture_of(show(language, photo, arguments=arguments)[0])

        disc = Image.new("L", (331, 331))
        ImageDraw.Draw(disc).ellipse((40, 40, 290, 290), fill=255)
        shape = disc.resize(made.size, Image.Resampling.LANCZOS)
        ground = Image.new("RGB", made.size, "white" if output == "jpeg" else red)
        expected = ground.copy()
        expected.paste(red, mask=shape)
        if output != "jpeg":
            assert made.mode == "RGBA"
            assert images.difference(made.getchannel("A"), shape) < 2
            ground.paste(made, mask=made.getchannel("A"))
            made = ground
        # Lossy colour is coarser than the edge.
        assert images.difference(made, expected) < {"png": 0.4, "webp": 0.4, "avif": 1.5, "jpeg": 4}[output]
        if output in {"png", "webp"}:
            pairs = zip(pixels(made), pixels(expected), strict=True)
            # Not 3: inside the edge LANCZOS overshoots in colour, where alpha ends at 255.
            assert max(images.delta_e(*pair) for pair in set(pairs)) < 7


def pixels(picture: Image.Image) -> list[tuple[int, ...]]:
    content = picture.tobytes()
    return list(zip(content[::3], content[1::3], content[2::3], strict=True))


# Encoders ----------------------------------------------------------------------------------------------


def screenshot(width: int, height: int) -> Image.Image:
    """Draw what a window looks like: bars, frames and lines of text, in few colours."""
    picture = Image.new("RGB", (width, height), (245, 246, 248))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width, 30), fill=(36, 41, 47))
    for row in range(8):
        top = 48 + 28 * row
        pen.rectangle((16, top, width - 16, top + 20), outline=(200, 205, 210), fill="white")
        pen.text((24, top + 4), f"Row {row}: every picture right, {row * 137} of 1024", fill=(20, 20, 20))
    return picture


def webp_kind(url: str) -> bytes:
    """Return the kind of a WebP file: b"VP8L" without loss, b"VP8 " with."""
    content = content_of(url)
    assert content[:4] + content[8:12] == b"RIFFWEBP"
    return content[12:16]


ONE_WEBP = 'width=400 format="webp" densities="1"'


def test_a_graphic_is_made_a_lossless_webp_where_that_is_smaller(upload, show):
    picture = screenshot(400, 300)
    photo = upload(encoded(picture, "PNG"), "photos/x.png")

    (shown,) = show("django", photo, arguments=ONE_WEBP)

    assert webp_kind(shown["src"]) == b"VP8L"
    assert images.difference(picture_of(shown), picture) == 0
    assert len(content_of(shown["src"])) < len(encoded(picture, "WEBP", quality=78, method=4))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (encoded(images.detailed(400, 300), "PNG"), "x.png"),
        (encoded(images.detailed(80, 60), "PNG"), "x.png"),  # fewer px than a graphic may have colours
        (encoded(images.detailed(400, 300), "JPEG"), "x.jpg"),
        (encoded(screenshot(400, 300), "JPEG", quality=95), "x.jpg"),
    ],
    ids=["photo as png", "small photo as png", "photo", "screenshot as jpeg"],
)
def test_a_photo_is_never_made_a_lossless_webp(upload, show, content, name):
    (shown,) = show("django", upload(content, f"photos/{name}"), arguments=ONE_WEBP)

    assert webp_kind(shown["src"]) == b"VP8 "


def test_a_jpeg_is_progressive(upload, show):
    photo = upload(encoded(images.detailed(400, 300), "JPEG"))

    (shown,) = show("django", photo, arguments='width=200 format="jpeg" densities="1"')

    assert picture_of(shown).info["progressive"] == 1


def test_an_avif_is_made_fast_and_on_one_thread(upload, show, monkeypatch):
    asked: list[dict[str, Any]] = []
    save = Image.Image.save

    def noted(picture, file, format=None, **options):
        asked.append({"format": format, **options})
        return save(picture, file, format, **options)

    photo = upload(encoded(images.detailed(400, 300), "JPEG"))
    monkeypatch.setattr(Image.Image, "save", noted)

    (shown,) = show("django", photo, arguments='width=200 format="avif" quality=70 densities="1"')

    assert asked == [{"format": "AVIF", "speed": 9, "max_threads": 1, "quality": 70}]
    made = picture_of(shown)
    assert (made.format, made.size) == ("AVIF", (200, 150))
    assert images.similarity(made, images.detailed(400, 300).resize((200, 150))) > 0.95


# Row 68: a build without end or measure ----------------------------------------------------------------

MEMORY = 512 * 1024**2


@pytest.fixture
def isolated(settings, monkeypatch):
    """Return a function that builds in a child process with another engine, within narrow limits."""

    def use(name: str, **limits: Any) -> None:
        settings.RESPONSIVE_IMG_ISOLATION = "process"
        settings.RESPONSIVE_IMG_ENGINE = f"templatetags_tests.engines.{name}"
        monkeypatch.setattr(
            rendering,
            "IsolatedEngine",
            partial(IsolatedEngine, **{"memory": MEMORY, "seconds": 20, **limits}),
        )

    return use


@pytest.mark.parametrize(
    ("engine", "limits", "reason"),
    [
        ("GreedyEngine", {}, "MemoryError: "),
        ("EndlessEngine", {"seconds": 2}, "TimeoutError: the engine's process took over 2 s"),
        ("SleepingEngine", {"seconds": 2}, "TimeoutError: the engine's process took over 2 s"),
        ("KilledEngine", {}, "ChildProcessError: the engine's process ended with -9"),
        ("HalfEngine", {}, "ChildProcessError: the engine's process ended with -9"),
    ],
)
def test_row_68_a_child_without_measure_fails_that_picture_only(
    upload, show, log, isolated, engine, limits, reason
):
    isolated(engine, **limits)
    photos = [
        upload(GOOD, "photos/a.jpg"),
        upload(GOOD + HOSTILE, "photos/b.jpg"),
        upload(GOOD, "photos/c.jpg"),
    ]

    shown = show("django", *photos)

    assert shown[1]["src"] == photos[1].image.url
    assert [(each["width"], each["height"]) for each in shown] == [("20", "10")] * 3
    for each in (shown[0], shown[2]):
        assert images.difference(picture_of(each), ImageOps.fit(gradient(80, 40), (20, 10))) < 8
    assert not [path for path in written() if path.name.startswith("b-")]
    assert records.source_model().objects.get(name="photos/b.jpg").error == f"BuildError: {reason}"
    (line,) = log()
    assert line.endswith(
        f"photos/b.jpg of templatetags_tests.Photo.image, next try in 300 s: BuildError: {reason}"
    )


def test_row_68_pillow_itself_stays_within_the_memory_of_its_child(upload, show, log, isolated, settings):
    isolated("KilledEngine", memory=240 * 1024**2)
    settings.RESPONSIVE_IMG_ENGINE = "responsive_img.engine.PillowEngine"
    large = upload(encoded(Image.new("RGB", (7900, 7900)), "PNG"), "photos/large.png")
    small = upload(GOOD, "photos/small.jpg")

    shown = show("django", large, small)

    assert shown[0]["src"] == large.image.url
    assert shown[1]["src"].startswith("/media/renditions/")
    (line,) = log()
    assert line.endswith("s: BuildError: MemoryError: ")


# Another engine ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("isolation", "where"), [(None, "beside"), ("process", "without")])
def test_another_engine_is_put_in_by_dotted_path(upload, show, settings, language, isolation, where):
    settings.RESPONSIVE_IMG_ENGINE = "templatetags_tests.engines.FlatEngine"
    settings.RESPONSIVE_IMG_ISOLATION = isolation
    photo = upload(b"a drawing")

    (shown,) = show(language, photo, arguments="width=20")

    assert (shown["width"], shown["height"]) == ("20", "10")
    assert sorted(path.read_bytes().decode() for path in written()) == [
        f"a drawing {format} {label}, {where} Django"
        for format in ("jpeg", "webp")
        for label in ("20w", "40w")
    ]
