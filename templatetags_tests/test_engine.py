from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFile
from PIL.PngImagePlugin import PngInfo

from responsive_img.defaults import Defaults, effective
from responsive_img.engine import PillowEngine
from responsive_img.exceptions import BuildError
from responsive_img.formats import FORMATS
from responsive_img.geometry import Box, FocalPoint, Size
from responsive_img.headers import Header
from responsive_img.specs import Spec
from responsive_img.variants import Variant, plan
from templatetags_tests import images
from templatetags_tests.images import ORIENTATIONS, encoded, gradient, opened, photo

ENGINE = PillowEngine()
OUTPUTS = tuple(FORMATS)
PILLOW_NAMES = {"avif": "AVIF", "webp": "WEBP", "jpeg": "JPEG", "png": "PNG"}
# Pictures of 64 × 48 px, one per format that is read.
READ = {
    "jpeg": encoded(gradient(64, 48), "JPEG"),
    "png": encoded(gradient(64, 48), "PNG"),
    "webp": encoded(gradient(64, 48), "WEBP"),
    "gif": encoded(gradient(64, 48), "GIF"),
    "avif": encoded(gradient(64, 48), "AVIF"),
}
NO_PICTURES = {
    "empty": b"",
    "one byte": b"\xff",
    "text": b"Not a picture.",
    "html": b"<!doctype html><title>404</title>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>',
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 3\n%%EndComments\n",
    "tiff": encoded(gradient(8, 8), "TIFF"),
    "bmp": encoded(gradient(8, 8), "BMP"),
    "ppm": encoded(gradient(8, 8), "PPM"),
    "jpeg's first bytes": READ["jpeg"][:4],
    "png's signature": READ["png"][:8],
    "gif bomb": images.gif_header(65535, 65535),
}


def variant(format: str = "png", *, size: Any, box: Any, quality: int | None = None) -> Variant:
    return Variant(
        format=format,
        size=Size(*size),
        box=Box(*map(float, box)),
        quality=quality,
        descriptor="1x",
        label="",
        identity=f"{format}{size}{box}",
    )


def whole(format: str = "png", *, size: Any, source: Any, quality: int | None = None) -> Variant:
    return variant(format, size=size, box=(0, 0, *source), quality=quality)


def render(content: bytes, *variants: Variant) -> list[Any]:
    """Return the decoded renditions in the order of the variants."""
    made = dict(ENGINE.render(BytesIO(content), variants))
    return [opened(made[each]) for each in variants]


def reference(upright: Image.Image, size: Any, box: Any = None) -> Image.Image:
    return upright.resize(size, Image.Resampling.LANCZOS, box=box)


class Counting(BytesIO):
    """A file that counts the bytes that are read of it."""

    count = 0

    def read(self, *args: Any) -> bytes:
        content = super().read(*args)
        self.count += len(content)
        return content


# Headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", READ)
def test_header_tells_format_and_size(format):
    assert ENGINE.read_header(BytesIO(READ[format])) == Header(format, Size(64, 48))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_header_tells_the_oriented_size(orientation):
    content = photo(gradient(64, 48), orientation)

    assert ENGINE.read_header(BytesIO(content)) == Header("jpeg", Size(64, 48))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "AVIF"])
def test_header_of_every_format_that_has_exif_tells_the_oriented_size(format):
    header = ENGINE.read_header(BytesIO(images.secretive(format)))

    assert header == Header(format.lower(), Size(160, 240))


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_orientation_that_does_not_exist_turns_nothing(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(gradient(64, 48), "JPEG", exif=exif, quality=95)

    (made,) = render(content, whole(size=(64, 48), source=(64, 48)))

    assert ENGINE.read_header(BytesIO(content)).size == Size(64, 48)
    assert images.difference(made, gradient(64, 48)) < 3


@pytest.mark.parametrize(
    "exif", [b"Exif\x00\x00garbage", b"Exif\x00\x00MM\x00*\x00\x00\xff\xff", b"\xff" * 40]
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_broken_exif_does_not_cost_the_picture(exif):
    content = encoded(gradient(64, 48), "JPEG", exif=exif)

    (made,) = render(content, whole(size=(32, 24), source=(64, 48)))

    assert ENGINE.read_header(BytesIO(content)) == Header("jpeg", Size(64, 48))
    assert made.size == (32, 24)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_exif_that_is_none_does_not_cost_the_picture(format):
    content = encoded(gradient(64, 48), format, exif=b"no exif at all")

    (made,) = render(content, whole(size=(32, 24), source=(64, 48)))

    assert ENGINE.read_header(BytesIO(content)) == Header(format.lower(), Size(64, 48))
    assert made.size == (32, 24)


def test_header_of_a_stereo_photo_is_a_jpeg_s():
    content = encoded(gradient(64, 48), "MPO", save_all=True, append_images=[gradient(64, 48)])

    (made,) = render(content, whole(size=(32, 24), source=(64, 48)))

    assert ENGINE.read_header(BytesIO(content)) == Header("jpeg", Size(64, 48))
    assert images.difference(made, reference(gradient(64, 48), (32, 24))) < 3


def test_header_decodes_nothing():
    large = encoded(images.detailed(1000, 800), "JPEG")
    file = Counting(large)

    ENGINE.read_header(file)

    assert file.count < 100_000 < len(large)


@pytest.mark.parametrize("name", NO_PICTURES)
def test_header_of_what_is_no_picture_is_a_build_error(name):
    with pytest.raises(BuildError):
        ENGINE.read_header(BytesIO(NO_PICTURES[name]))


def test_build_error_starts_with_the_class_of_its_cause():
    with pytest.raises(BuildError, match=r"^UnidentifiedImageError: ") as caught:
        ENGINE.read_header(BytesIO(b"Not a picture."))

    assert caught.value.__cause__ is not None


# Sizes and order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("source", READ)
def test_every_output_is_made_of_every_source(source, output):
    (made,) = render(READ[source], whole(output, size=(31, 23), source=(64, 48), quality=90))

    assert (made.format, made.size) == (PILLOW_NAMES[output], (31, 23))
    assert images.difference(made, reference(gradient(64, 48), (31, 23))) < 12


@pytest.mark.parametrize(
    "told",
    [
        {"width": 200},
        {"height": 77},
        {"width": 101, "height": 99},
        {"width": 333, "ratio": Fraction(16, 9)},
        {"ratio": Fraction(1, 3), "focal": FocalPoint(1, 0)},
        {"width": 450, "upscale": True},
        {"width": 1},
        {},
    ],
    ids=repr,
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_every_variant_has_exactly_its_size(told, orientation):
    source = Size(411, 307)
    spec = effective(Spec(densities=(1.0, 1.3, 2.0), formats=("webp", "png"), **told), Defaults())
    variants = plan(spec, source, fallback="jpeg", max_width=4096).variants

    made = render(photo(gradient(*source), orientation), *variants)

    assert [picture.size for picture in made] == [each.size for each in variants]
    assert [picture.format for picture in made] == [PILLOW_NAMES[each.format] for each in variants]


@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 200),
    st.integers(1, 200),
    st.sampled_from(ORIENTATIONS),
)
@settings(max_examples=60)
def test_size_of_any_variant_of_any_photo_is_exact(width, height, to_width, to_height, orientation):
    content = photo(Image.new("RGB", (width, height), "teal"), orientation)

    (made,) = render(content, whole(size=(to_width, to_height), source=(width, height)))

    assert made.size == (to_width, to_height)
    assert images.difference(made, Image.new("RGB", made.size, "teal")) < 8


def test_renditions_come_as_they_are_made_the_large_ones_first():
    variants = [whole(size=size, source=(64, 48)) for size in ((8, 6), (64, 48), (16, 12))]

    order = [made for made, _ in ENGINE.render(BytesIO(READ["png"]), variants)]

    assert [each.size.width for each in order] == [64, 16, 8]


def test_no_variant_costs_no_error():
    for content in READ.values():
        assert list(ENGINE.render(BytesIO(content), [])) == []


def test_source_is_decoded_once_however_many_variants_there_are():
    content = encoded(images.detailed(400, 300), "PNG")
    file = Counting(content)
    file.seek(17)
    variants = [
        whole(output, size=(w, w), source=(400, 300)) for output in OUTPUTS for w in (100, 80, 60, 40, 20)
    ]

    assert len(list(ENGINE.render(file, variants))) == 20
    assert file.count < 1.2 * len(content)


def test_file_of_the_caller_stays_open():
    file = BytesIO(READ["jpeg"])

    ENGINE.read_header(file)
    list(ENGINE.render(file, [whole(size=(8, 6), source=(64, 48))]))
    list(ENGINE.render(file, [whole(size=(8, 6), source=(64, 48))]))

    assert not file.closed


# Orientation, crop and draft ---------------------------------------------------------------------------


@pytest.mark.parametrize("width", [900, 400, 200, 100])
def test_every_orientation_gives_the_same_upright_picture(width):
    upright = gradient(901, 607)
    size = (width, round(607 * width / 901))
    expected = reference(upright, size)

    for orientation in ORIENTATIONS:
        (made,) = render(photo(upright, orientation), whole(size=size, source=upright.size))
        assert images.difference(made, expected) < 1.5, orientation
        assert images.similarity(made, expected) > 0.98, orientation


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 300, 200),
        (601, 0, 901, 200),
        (0, 407, 300, 607),
        (601, 407, 901, 607),
        (300.5, 203.5, 600.5, 403.5),
    ],
)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_crop_is_the_same_part_in_every_orientation(orientation, box):
    upright = gradient(901, 607)

    made = render(
        photo(upright, orientation),
        variant(size=(75, 50), box=box),
        variant(size=(240, 160), box=box),
    )

    for picture in made:
        assert images.difference(picture, reference(upright, picture.size, box)) < 1.5


@pytest.mark.parametrize("format", ["PNG", "WEBP", "AVIF"])
def test_orientation_of_every_format_is_applied(format):
    upright = gradient(240, 160).transpose(Image.Transpose.ROTATE_270)

    (made,) = render(images.secretive(format), whole(size=(80, 120), source=(160, 240)))

    assert images.difference(made, reference(upright, (80, 120))) < 6


@pytest.mark.parametrize("orientation", [1, 3, 8])
def test_draft_of_odd_sizes_neither_shifts_nor_stretches(orientation):
    content = photo(images.detailed(1081, 1151), orientation)
    upright = images.upright(content)

    for width in (77, 150, 300, 600, 1000):
        size = (width, round(1151 * width / 1081))
        (made,) = render(content, whole(size=size, source=(1081, 1151)))
        assert images.similarity(made, reference(upright, size)) > 0.992, width


@pytest.mark.parametrize("progressive", [False, True])
def test_draft_of_a_crop_is_as_good_as_a_full_decode(progressive):
    box = (351.0, 0.0, 1403.0, 1052.0)
    content = photo(images.detailed(1403, 1053), 6, progressive=progressive)

    made = render(content, variant(size=(300, 300), box=box), variant(size=(150, 150), box=box))

    for picture in made:
        assert images.similarity(picture, reference(images.upright(content), picture.size, box)) > 0.992


@pytest.mark.parametrize(
    ("width", "size"),
    # Stored 1200 × 1600 px; 1.75 × 343 px still fit into half of it, 1.75 × 344 px do not.
    [
        (1200, (1200, 1600)),
        (344, (1200, 1600)),
        (342, (600, 800)),
        (171, (300, 400)),
        (85, (150, 200)),
        (1, (150, 200)),
    ],
)
def test_draft_leaves_enough_for_the_largest_and_no_more(width, size, monkeypatch):
    decoded = []
    load = ImageFile.ImageFile.load

    def noted(picture):
        decoded.append(picture.size)
        return load(picture)

    monkeypatch.setattr(ImageFile.ImageFile, "load", noted)
    content = photo(gradient(1600, 1200), 6)

    render(content, whole(size=(width, width), source=(1600, 1200)))

    assert decoded[0] == size


def test_cascade_is_as_good_as_a_resize_of_the_full_picture():
    content = photo(images.detailed(1750, 1310))
    sizes = [(1000, 749), (500, 374), (400, 299), (250, 187), (200, 150), (120, 90)]

    made = render(content, *[whole(size=size, source=(1750, 1310)) for size in sizes])

    for picture in made:
        assert images.similarity(picture, reference(images.upright(content), picture.size)) > 0.992


def test_rendition_is_made_of_the_smallest_made_one_that_is_twice_its_size(monkeypatch):
    steps = []
    resize = Image.Image.resize

    def noted(picture, size, *args, **options):
        steps.append((picture.width, size[0]))
        return resize(picture, size, *args, **options)

    monkeypatch.setattr(Image.Image, "resize", noted)
    sizes = [(1000, 750), (500, 375), (400, 299), (250, 187), (200, 150), (120, 90)]

    list(
        ENGINE.render(
            BytesIO(photo(gradient(1740, 1305))), [whole(size=s, source=(1740, 1305)) for s in sizes]
        )
    )

    # 400 × 299 px are one too low for 200 × 150 px.
    assert steps[-6:] == [(1740, 1000), (1000, 500), (1000, 400), (500, 250), (500, 200), (250, 120)]


@pytest.mark.parametrize("orientation", [1, 3])  # turned by 90°, its passes round in another order
def test_rendition_is_made_of_the_source_where_a_larger_one_has_more_than_half_its_px(orientation):
    sizes = [(800, 600), (400, 300)]

    def differs(source: tuple[int, int]) -> bool:
        content = photo(images.detailed(*source), orientation=orientation)
        made = render(content, *[whole(size=size, source=source) for size in sizes])[-1]
        return (
            ImageChops.difference(made, reference(images.upright(content), (400, 300))).getbbox() is not None
        )

    assert not differs((1128, 846))
    assert differs((1140, 855))


def test_boxes_of_one_job_do_not_mix():
    upright = gradient(400, 400)
    boxes = [(0, 0, 200, 400), (0, 0, 200, 400), (200, 0, 400, 400)]
    sizes = [(100, 200), (20, 40), (20, 40)]

    made = render(
        encoded(upright, "PNG"),
        *[variant(size=size, box=box) for size, box in zip(sizes, boxes, strict=True)],
    )

    for picture, box in zip(made, boxes, strict=True):
        assert images.difference(picture, reference(upright, picture.size, box)) < 1


# Metadata ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_metadata_of_the_source_is_gone(source, output):
    content = images.secretive(source)
    assert images.SECRET.encode() in content
    variants = [
        whole(output, size=size, source=(160, 240), quality=80) for size in ((160, 240), (80, 120), (30, 40))
    ]

    made = dict(ENGINE.render(BytesIO(content), variants))

    for file in made.values():
        picture = opened(file)
        assert images.SECRET.encode() not in file
        assert dict(picture.getexif()) == {}
        assert picture.info.keys().isdisjoint({"exif", "comment", "icc_profile", "xmp", "XML:com.adobe.xmp"})
        assert picture.info.get("exif") is None
        assert b"ICC_PROFILE" not in file
        assert b"Exif\x00\x00" not in file


def test_gif_comment_is_gone():
    content = encoded(gradient(64, 48), "GIF", comment=images.SECRET)
    assert images.SECRET.encode() in content

    for _, file in ENGINE.render(
        BytesIO(content), [whole(o, size=(64, 48), source=(64, 48)) for o in OUTPUTS]
    ):
        assert images.SECRET.encode() not in file


def test_text_of_a_png_is_gone():
    text = PngInfo()
    text.add_text("Comment", images.SECRET)
    text.add_itxt("XML:com.adobe.xmp", images.XMP.decode())
    content = encoded(gradient(64, 48), "PNG", pnginfo=text)
    assert images.SECRET.encode() in content

    for _, file in ENGINE.render(
        BytesIO(content), [whole(o, size=(64, 48), source=(64, 48)) for o in OUTPUTS]
    ):
        assert images.SECRET.encode() not in file


# Encoding ----------------------------------------------------------------------------------------------


def test_jpeg_is_progressive():
    (made,) = render(READ["png"], whole("jpeg", size=(64, 48), source=(64, 48), quality=80))

    assert made.info.get("progressive")


def test_jpeg_of_the_noisiest_picture_is_encoded():
    noise = Image.effect_noise((1300, 1100), 120).convert("RGB")

    (made,) = render(encoded(noise, "PNG"), whole("jpeg", size=noise.size, source=noise.size, quality=100))

    assert made.size == noise.size


@pytest.mark.parametrize("output", ["avif", "webp", "jpeg"])
def test_quality_is_that_of_the_variant(output):
    content = encoded(images.detailed(200, 150), "PNG")

    lengths = [
        len(file)
        for quality in (10, 50, 90)
        for _, file in ENGINE.render(
            BytesIO(content), [whole(output, size=(200, 150), source=(200, 150), quality=quality)]
        )
    ]

    assert lengths == sorted(set(lengths))


def test_png_is_lossless():
    (made,) = render(READ["png"], whole("png", size=(64, 48), source=(64, 48)))

    assert images.difference(made, gradient(64, 48)) == 0


# Modes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["png", "webp", "avif"])
def test_alpha_is_kept(output):
    content = encoded(images.translucent(200, 100), "PNG")

    (made,) = render(content, whole(output, size=(100, 50), source=(200, 100), quality=90))

    assert made.mode == "RGBA"
    assert made.getpixel((90, 25))[3] == 0
    assert made.getpixel((10, 25))[3] == 255
    assert made.getpixel((10, 25))[0] > 240


def test_alpha_is_flattened_onto_white_in_a_jpeg():
    content = encoded(images.translucent(200, 100), "PNG")

    (made,) = render(content, whole("jpeg", size=(100, 50), source=(200, 100), quality=95))

    assert made.mode == "RGB"
    assert min(made.getpixel((90, 25))) > 250
    red = made.getpixel((10, 25))
    assert red[0] > 240
    assert max(red[1:]) < 15


@pytest.mark.parametrize("width", [100, 40])
def test_hidden_colour_does_not_bleed_into_what_is_seen(width):
    content = encoded(images.translucent(400, 200), "PNG")

    (_, made) = render(
        content,
        whole("png", size=(200, 100), source=(400, 200)),
        whole("png", size=(width, width // 2), source=(400, 200)),
    )

    greens = [made.getpixel((x, 10))[1] for x in range(width) if made.getpixel((x, 10))[3] > 40]
    assert max(greens) <= 8


def test_alpha_that_hides_nothing_is_dropped():
    content = encoded(gradient(64, 48).convert("RGBA"), "PNG")

    made = render(
        content, *[whole(o, size=(32, 24), source=(64, 48), quality=90) for o in ("png", "webp", "jpeg")]
    )

    assert [picture.mode for picture in made] == ["RGB", "RGB", "RGB"]


@pytest.mark.parametrize("output", OUTPUTS)
def test_grey_with_alpha_is_rendered(output):
    picture = Image.new("LA", (80, 40), (200, 0))
    picture.paste((90, 255), (0, 0, 40, 40))

    (made,) = render(encoded(picture, "PNG"), whole(output, size=(40, 20), source=(80, 40), quality=95))

    seen = made.convert("RGBA")
    assert abs(seen.getpixel((8, 10))[0] - 90) < 6
    assert seen.getpixel((32, 10))[3] == 0 or min(seen.getpixel((32, 10))[:3]) > 250


def test_opaque_grey_with_alpha_is_plain_grey():
    (made,) = render(
        encoded(Image.new("LA", (8, 6), (90, 255)), "PNG"), whole("png", size=(4, 3), source=(8, 6))
    )

    assert (made.mode, made.getpixel((0, 0))) == ("L", 90)


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_palette_with_transparency_is_rendered(format, output):
    picture = Image.new("P", (80, 40), 1)
    picture.putpalette([0, 0, 0, 200, 10, 10])
    picture.paste(0, (40, 0, 80, 40))
    content = (
        encoded(picture, format, transparency=0)
        if format != "WEBP"
        else encoded(opened(encoded(picture, "PNG", transparency=0)).convert("RGBA"), "WEBP", lossless=True)
    )

    (made,) = render(content, whole(output, size=(40, 20), source=(80, 40), quality=95))

    seen = made.convert("RGBA")
    assert seen.getpixel((8, 10))[0] > 185
    assert max(seen.getpixel((8, 10))[1:3]) < 30
    assert seen.getpixel((32, 10))[3] == 0 or min(seen.getpixel((32, 10))[:3]) > 250


def test_palette_is_resized_smoothly():
    upright = gradient(200, 100)

    (made,) = render(encoded(upright.quantize(256), "PNG"), whole("png", size=(50, 25), source=(200, 100)))

    assert made.mode == "RGB"
    assert images.difference(made, reference(upright, (50, 25))) < 4


def test_colour_that_stands_for_transparency_is_transparent():
    picture = Image.new("RGB", (80, 40), (200, 10, 10))
    picture.paste((1, 2, 3), (40, 0, 80, 40))

    (made,) = render(
        encoded(picture, "PNG", transparency=(1, 2, 3)), whole("png", size=(40, 20), source=(80, 40))
    )

    assert made.getpixel((32, 10))[3] == 0
    assert made.getpixel((8, 10)) == (200, 10, 10, 255)


@pytest.mark.parametrize("output", OUTPUTS)
def test_one_bit_is_resized_to_greys(output):
    picture = Image.linear_gradient("L").convert("1")

    (made,) = render(encoded(picture, "PNG"), whole(output, size=(16, 16), source=(256, 256), quality=95))

    assert 100 < made.convert("L").getpixel((8, 8)) < 160


def test_one_bit_with_transparency_keeps_it():
    picture = Image.new("1", (80, 40), 0)
    picture.paste(1, (40, 0, 80, 40))

    (made,) = render(encoded(picture, "PNG", transparency=255), whole(size=(40, 20), source=(80, 40)))

    seen = made.convert("RGBA")
    assert seen.getpixel((35, 10))[3] == 0
    assert seen.getpixel((5, 10)) == (0, 0, 0, 255)


def test_one_bit_stays_without_colour():
    (made,) = render(encoded(Image.new("1", (8, 6), 1), "PNG"), whole(size=(4, 3), source=(8, 6)))

    assert made.mode == "L"


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_grey_is_rendered(format, output):
    picture = Image.linear_gradient("L")

    (made,) = render(encoded(picture, format), whole(output, size=(64, 64), source=(256, 256), quality=95))

    assert images.difference(made, reference(picture, (64, 64))) < 3


@pytest.mark.parametrize("output", OUTPUTS)
def test_cmyk_is_rendered_in_rgb(output):
    content = encoded(gradient(64, 48).convert("CMYK"), "JPEG", quality=95)

    (made,) = render(content, whole(output, size=(32, 24), source=(64, 48), quality=95))

    assert made.mode == "RGB"
    assert images.difference(made, reference(gradient(64, 48), (32, 24))) < 6


@pytest.mark.parametrize("output", OUTPUTS)
def test_deep_grey_is_scaled_not_clipped(output):
    content = encoded(images.deep_grey(60, 200), "PNG")

    (made,) = render(content, whole(output, size=(30, 100), source=(60, 200), quality=95))

    greys = made.convert("L")
    for y in (5, 25, 50, 75, 95):
        assert abs(greys.getpixel((15, y)) - y * 2.56) < 8


def test_deep_grey_with_a_colour_that_stands_for_transparency_is_rendered():
    file = BytesIO()
    images.deep_grey(60, 200).save(file, "PNG", transparency=0)

    (made,) = render(file.getvalue(), whole("png", size=(30, 100), source=(60, 200)))

    assert abs(made.convert("L").getpixel((15, 50)) - 128) < 8


@pytest.mark.parametrize(("format", "content"), [
    ("GIF", encoded(gradient(64, 48), "GIF", save_all=True, append_images=[Image.new("RGB", (64, 48))])),
    ("WEBP", encoded(gradient(64, 48), "WEBP", save_all=True, append_images=[Image.new("RGB", (64, 48))])),
    ("PNG", encoded(gradient(64, 48), "PNG", save_all=True, append_images=[Image.new("RGB", (64, 48))])),
], ids=["GIF", "WEBP", "PNG"])  # fmt: skip
def test_still_of_an_animation_is_its_first_frame(format, content):
    (made,) = render(content, whole("webp", size=(32, 24), source=(64, 48), quality=90))

    assert not getattr(made, "is_animated", False)
    assert images.difference(made, reference(gradient(64, 48), (32, 24))) < 12


# What goes wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_picture_is_a_build_error(name):
    with pytest.raises(BuildError):
        render(NO_PICTURES[name], whole(size=(4, 3), source=(8, 8)))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_truncated_picture_is_a_build_error(format):
    content = encoded(images.detailed(300, 200), format)

    with pytest.raises(BuildError):
        render(content[: len(content) // 2], whole(size=(30, 20), source=(300, 200)))


def test_rendition_too_large_for_its_format_is_a_build_error():
    with pytest.raises(BuildError, match=r"^ValueError: "):
        render(READ["png"], whole("webp", size=(1, 16384), source=(64, 48), quality=80))


def test_box_outside_the_source_is_a_build_error():
    with pytest.raises(BuildError, match=r"^ValueError: "):
        render(READ["png"], variant(size=(10, 10), box=(-5, 0, 5, 10)))


@pytest.mark.parametrize("format", READ)
@given(data=st.data())
@settings(max_examples=60)
def test_damaged_picture_is_rendered_or_a_build_error(format, data):
    content = bytearray(READ[format])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(1, len(content)))
    file = BytesIO(bytes(content[:cut]))

    try:
        size = ENGINE.read_header(file).size
        assume(size.width * size.height < 10_000_000)
        made = dict(ENGINE.render(file, [whole("webp", size=(16, 12), source=size, quality=50)]))
    except BuildError:
        return

    assert [opened(each).size for each in made.values()] == [(16, 12)]


def test_a_profile_that_only_says_srgb_is_heeded():
    profile = images.rgb_profile(images.SRGB, 1.0, "Linear sRGB")
    content = encoded(Image.new("RGB", (40, 30), (55, 55, 55)), "PNG", icc_profile=profile)

    (made,) = render(content, whole("png", size=(20, 15), source=(40, 30)))

    assert abs(made.convert("RGB").getpixel((10, 7))[0] - 128) <= 2


def test_an_xmp_orientation_is_left_alone_as_browsers_do():
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    content = encoded(gradient(60, 40), "JPEG", xmp=xmp)

    assert ENGINE.read_header(BytesIO(content)).size == Size(60, 40)


def test_a_late_exif_is_sought_in_so_many_chunks_and_once(monkeypatch):
    content = encoded(gradient(60, 40), "PNG")
    end = content.index(b"IEND") - 4
    late = content[:end] + images.png_chunk(b"eXIf", images.telling_exif()) + content[end:]
    with_late = ENGINE.read_header(BytesIO(late)).size

    monkeypatch.setattr("responsive_img.engine.reading._MAX_CHUNKS", 1)

    assert (with_late, ENGINE.read_header(BytesIO(late)).size) == (Size(40, 60), Size(60, 40))
