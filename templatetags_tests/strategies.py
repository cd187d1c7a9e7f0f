"""Hypothesis strategies for this library's values."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st

from responsive_img.defaults import Defaults, effective
from responsive_img.formats import FORMATS
from responsive_img.geometry import FocalPoint, Size
from responsive_img.manifest import FAILED, PENDING, PREFIX, READY, Manifest
from responsive_img.specs import ANY_FORMAT, BUILDS, Spec, sorted_quality

# A machine that is busy with other tests is slow, not wrong.
settings.register_profile("responsive_img", deadline=None, max_examples=50)
settings.load_profile("responsive_img")

MAX_SIDE = 4096  # px, of the settings' default
# What tells the candidates of a spec apart.
CANDIDATES = ("densities", "widths")
SIDES = ("", "width", "height", "width height", "ratio", "width ratio", "height ratio")

sizes = st.builds(Size, st.integers(1, 6000), st.integers(1, 6000))
focal_points = st.builds(FocalPoint, st.floats(0, 1), st.floats(0, 1))
ratios = st.fractions(Fraction(1, 100), 100, max_denominator=100_000)
format_names = st.sampled_from(list(FORMATS))
densities = st.lists(st.integers(100, 500).map(lambda n: n / 100), max_size=3).map(
    lambda values: tuple(sorted({1.0, *values}))
)
# Of at most this many candidates and all formats, a picture is within its limit of renditions.
MAX_CANDIDATES = 6
qualities = st.dictionaries(st.sampled_from([ANY_FORMAT, *FORMATS]), st.integers(1, 100)).map(sorted_quality)
# Surrogates: no encoding has them.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# What a storage may be asked for: no control characters, no step upwards, no empty part.
name_parts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1
).filter(lambda part: part.strip(".") != "")
names = st.lists(name_parts, min_size=1, max_size=3).map("/".join).filter(lambda name: len(name) <= 1000)


def width_lists(widest: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw what `widths` can say."""
    lengths = st.lists(st.integers(1, widest), min_size=1, max_size=MAX_CANDIDATES)
    return lengths.map(lambda values: tuple(sorted(set(values))))


@st.composite
def told_specs(
    draw: st.DrawFn,
    *,
    presets: bool = True,
    sides: tuple[str, ...] = SIDES,
    fits: tuple[str | None, ...] = (None, "cover", "contain"),
    candidates: tuple[str, ...] = CANDIDATES,
    may_be_single: bool = True,
) -> Spec:
    """Draw what one tag can say, its sides within the limit."""
    told = draw(st.sampled_from(sides)).split()
    width = draw(st.integers(1, MAX_SIDE)) if "width" in told else None
    height = draw(st.integers(1, MAX_SIDE)) if "height" in told else None
    # The other side follows from the ratio, and must not be over the limit either.
    low = max(Fraction(1, 100), Fraction(width or 1, MAX_SIDE))
    high = min(Fraction(100), Fraction(MAX_SIDE, height or 1))
    has_box = "ratio" in told or (width is not None and height is not None)
    fit = draw(st.sampled_from(fits)) if has_box else None
    ratio = draw(st.fractions(low, high, max_denominator=100_000)) if "ratio" in told else None
    has_widths = draw(st.sampled_from(candidates)) == "widths"
    box_ratio = ratio or (Fraction(width, height) if width and height else Fraction(1))
    widest = int(MAX_SIDE * min(Fraction(1), box_ratio))
    is_alone = draw(st.booleans())
    return Spec(
        preset=draw(st.none() | texts.filter(bool)) if presets else None,
        width=width,
        height=height,
        ratio=ratio,
        fit=fit,
        focal=None if fit == "contain" else draw(st.none() | focal_points),
        upscale=draw(st.none() | st.booleans()),
        densities=None if has_widths else draw(st.none() | densities),
        widths=draw(width_lists(widest)) if has_widths else None,
        sizes=draw(st.none() | texts) if has_widths else None,
        formats=None if is_alone else draw(st.none() | st.lists(format_names, unique=True).map(tuple)),
        format=draw(format_names) if is_alone else None,
        quality=draw(st.none() | qualities),
        still=draw(st.none() | st.just(value=True)),
        single=draw(st.none() | st.just(value=True)) if may_be_single else None,
        build=draw(st.none() | st.sampled_from(BUILDS)),
    )


defaults = st.builds(
    Defaults,
    formats=st.lists(format_names, unique=True).map(tuple),
    quality=st.dictionaries(format_names, st.integers(1, 100)).map(sorted_quality),
    densities=densities,
    max_width=st.just(MAX_SIDE),
)
effective_specs = st.builds(effective, told_specs(presets=False), defaults)

# As a manifest has them: percent-encoded, but for letters, which a storage may leave as they are.
_urls = names.map(lambda name: PREFIX + name.translate(dict.fromkeys(map(ord, ' ,<>"'))))
_url_texts = st.lists(_urls.map(lambda url: f"{url} 1x")).map(", ".join)
manifests = st.builds(
    Manifest,
    state=st.sampled_from([READY, PENDING, FAILED]),
    until=st.integers(0, 2**40),
    version=texts,
    width=st.none() | st.integers(1, 10_000),
    height=st.none() | st.integers(1, 10_000),
    src=st.just("") | _urls,
    srcset=_url_texts,
    sources=st.lists(
        st.tuples(st.sampled_from([entry.media_type for entry in FORMATS.values()]), _url_texts), max_size=3
    ).map(tuple),
)
