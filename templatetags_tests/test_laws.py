"""Laws of the tags for any arguments and any texts, and rows 41 to 43 of the fault programme; through whole pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import IO, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template import TemplateSyntaxError as DjangoSyntaxError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError as JinjaSyntaxError

from responsive_img.attributes import ATTRIBUTES
from responsive_img.exceptions import SpecError
from responsive_img.geometry import Size
from responsive_img.headers import Header
from responsive_img.variants import Variant
from templatetags_tests import naughty
from templatetags_tests.conftest import drawn
from templatetags_tests.images import opened
from templatetags_tests.models import Photo

LANGUAGES = ("django", "jinja2")
SYNTAX_ERRORS = (DjangoSyntaxError, JinjaSyntaxError)
# The fixtures serve all examples of a test: each has a source of its own.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
_numbers = count()


def short(text: str) -> str:
    """Return what a text is called as a parameter."""
    return text.encode("ascii", "backslashreplace").decode()[:40] + f" {len(text)}"


# Reading what stands in a page --------------------------------------------------------------------------


class Read(NamedTuple):
    """The one picture of a page, as a browser reads it."""

    img: dict[str, str]
    picture: dict[str, str] | None
    sources: list[dict[str, str]]

    @property
    def urls(self) -> list[str]:
        """All addresses, each once."""
        sets = [each["srcset"] for each in (*self.sources, self.img) if "srcset" in each]
        found = [url for srcset in sets for url, _ in candidates_of(srcset)]
        return list(dict.fromkeys([*found, *([self.img["src"]] if "src" in self.img else [])]))


def read(html: str, *, strict: bool = True) -> Read:
    """Return the picture of a page, having checked that there is nothing else."""
    parser = html5lib.HTMLParser(strict=strict, namespaceHTMLElements=False)
    fragment = parser.parseFragment(html)
    (root,) = list(fragment)
    assert [each for each in (fragment.text, root.tail) if each] == []
    elements = list(root.iter())
    *sources, img = elements[1:] if root.tag == "picture" else elements
    assert img.tag == "img"
    assert [each.tag for each in sources] == ["source"] * len(sources)
    assert not any(each.text or each.tail for each in elements)
    picture = dict(root.attrib) if root.tag == "picture" else None
    return Read(dict(img.attrib), picture, [dict(each.attrib) for each in sources])


def candidates_of(srcset: str) -> list[tuple[str, str]]:
    """Return the (URL, descriptor) pairs of a srcset as the HTML standard parses it, having checked that none is wrong."""
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(srcset):
        if found:
            assert srcset[position - 1] == ","
        start = re.compile(r"[ \t\n\f\r]*").match(srcset, position)
        assert start is not None
        url = re.compile(r"[^ \t\n\f\r]+").match(srcset, start.end())
        assert url is not None, "a comma too many"
        assert not url[0].startswith(","), "a comma before a URL"
        assert not url[0].endswith(","), "a candidate without a descriptor"
        descriptor = re.compile(r"[ \t\n\f\r]+([0-9.]+[wx])[ \t\n\f\r]*(,|$)").match(srcset, url.end())
        assert descriptor is not None, "no descriptor that is one"
        found.append((url[0], descriptor[1]))
        position = descriptor.end()
    return found


def assert_ascending(srcset: str) -> list[float]:
    """Check the descriptors of a srcset: of one kind, ascending and unique; return their numbers."""
    descriptors = [descriptor for _, descriptor in candidates_of(srcset)]
    assert len({descriptor[-1] for descriptor in descriptors}) == 1
    numbers = [float(descriptor[:-1]) for descriptor in descriptors]
    assert numbers == sorted(set(numbers))
    return numbers


def without_controls(text: str) -> str:
    """Return a text less its control characters and lone surrogates, which no attribute has."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", text)


def literal(text: str) -> str:
    """Return a text as a string literal of both languages."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# The laws of arguments ----------------------------------------------------------------------------------


class TellingEngine:
    """Takes a text of two numbers for a picture of that size, and writes the like."""

    def read_header(self, file: IO[bytes]) -> Header:
        file.seek(0)
        width, height = map(int, file.read().split())
        return Header("jpeg", Size(width, height))

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        for variant in variants:
            yield variant, f"{variant.size.width} {variant.size.height}".encode()


def size_of(url: str) -> Size:
    """Return the size of the file that a URL leads to, as `TellingEngine` wrote it."""
    with default_storage.open(unquote(url.removeprefix("/media/"))) as file:
        width, height = map(int, file.read().split())
    return Size(width, height)


def source_of(size: Size) -> Photo:
    """Return a row with a source of this size and a name of its own."""
    content = ContentFile(f"{size.width} {size.height}".encode())
    return Photo(image=default_storage.save(f"photos/law-{next(_numbers)}.jpg", content))


sizes = st.builds(Size, st.integers(1, 300), st.integers(1, 300))
sides = st.integers(1, 600)
ratios = st.sampled_from(["square", "video", "golden_vertical", "16/9", "9:16", 1.5, "4/1", "0.3"])
densities = st.sampled_from(["1", "2", "1 2", "1 1.5 2 3", "1.05 1.1", 2, "1.33"])
lists_of_widths = st.lists(sides, min_size=1, max_size=4).map(lambda numbers: " ".join(map(str, numbers)))
formats = st.sampled_from(["", "webp", "avif webp", "png"])
VALID: dict[str, st.SearchStrategy[Any]] = {
    "width": sides,
    "height": sides,
    "ratio": ratios,
    "fit": st.sampled_from(["cover", "contain"]),
    "focal": st.sampled_from(["30% 70%", "0 1", "100%, 0%"]),
    "upscale": st.booleans(),
    "densities": densities,
    "widths": lists_of_widths,
    "sizes": st.sampled_from(["50vw", "auto", "(max-width: 60em) 100vw, 33vw"]),
    "formats": formats,
    "format": st.sampled_from(["webp", "jpg", "avif"]),
    "quality": st.integers(1, 100) | st.sampled_from(["webp 70", "55"]),
    "build": st.sampled_from(["src", "srcset", "all"]),
    "priority": st.booleans(),
    "loading": st.sampled_from(["lazy", "eager"]),
    "class": st.sampled_from(["", "a b", "<b>"]),
    "data_x": st.booleans() | st.none() | st.integers(-5, 5) | st.sampled_from(["", '"']),
}
WRONG: dict[str, st.SearchStrategy[Any]] = {
    "width": st.sampled_from([0, -1, "x", 5000]),
    "ratio": st.sampled_from([0, "1/0", "wide"]),
    "widths": st.sampled_from(["", "20w", "0 20"]),
    "format": st.just("gif"),
    "quality": st.sampled_from([0, "webp"]),
    "widht": st.just(4),
}


@st.composite
def argument_lists(draw: st.DrawFn) -> dict[str, Any]:
    """Draw arguments, each of which is right by itself but for a few; not all go together."""
    names = draw(st.lists(st.sampled_from(list(VALID)), unique=True, max_size=5))
    values = {name: draw(VALID[name]) for name in names}
    if draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(list(WRONG)))
        values[name] = draw(WRONG[name])
    return values


def line_of(arguments: dict[str, Any], tag: str = "img", rest: str = ' alt=""') -> str:
    """Return a tag line with these arguments as literals."""
    told = [f"{key}={literal(v) if isinstance(v, str) else v}" for key, v in arguments.items()]
    return f"{{% {tag} photo.image {' '.join(told)}{rest} %}}"


def variable_line_of(arguments: dict[str, Any]) -> str:
    """Return the same with variables."""
    return f'{{% img photo.image {" ".join(f"{name}={name}_" for name in arguments)} alt="" %}}'


def outcome(page: Any, language: str, line: str, context: dict[str, Any]) -> str:
    """Return the page, or the message of the error that its template is refused with."""
    if language == "jinja2":
        line = line.replace("=None", "=none")
    try:
        return str(page(language, line, context).content.decode())
    except SYNTAX_ERRORS as error:
        return f"refused: {getattr(error, 'message', None) or error}"


@pytest.fixture
def telling(db: None, settings: Any) -> None:
    """Build with `TellingEngine`."""
    settings.RESPONSIVE_IMG_ENGINE = f"{__name__}.TellingEngine"


@shared
@given(argument_lists(), sizes)
@example({"widths": "20 40", "sizes": "50vw"}, Size(30, 10))
@example({"width": 20, "data_x": None, "class": "<b>"}, Size(30, 10))
@example({"width": 0}, Size(30, 10))
def test_both_languages_give_the_same_bytes_or_the_same_error(page, telling, arguments, size):
    context = {"photo": source_of(size), **{f"{name}_": value for name, value in arguments.items()}}
    line = line_of(arguments)

    django, jinja = (outcome(page, language, line, context) for language in LANGUAGES)
    variables = [outcome(page, language, variable_line_of(arguments), context) for language in LANGUAGES]

    assert django == jinja
    assert variables[0] == variables[1]
    if not django.startswith("refused: "):
        assert variables[0] == django


@shared
@given(argument_lists(), sizes)
@example({"width": 400, "upscale": True}, Size(30, 10))
@example({"widths": "20 40 60"}, Size(30, 10))
@example({"width": 20, "height": 20, "densities": "1 1.5 2 3"}, Size(30, 30))
def test_nothing_is_larger_than_its_source_and_every_descriptor_is_true(page, telling, arguments, size):
    html = outcome(page, "django", line_of(arguments), {"photo": source_of(size)})
    if html.startswith("refused: "):
        return

    picture = read(html)

    files = {url: size_of(url) for url in picture.urls}
    width, height = int(picture.img["width"]), int(picture.img["height"])
    if not arguments.get("upscale"):
        assert all(each.width <= size.width and each.height <= size.height for each in files.values())
        assert (width, height) <= size
    for element in (*picture.sources, picture.img):
        if "srcset" not in element:
            continue
        pairs = candidates_of(element["srcset"])
        assert_ascending(element["srcset"])
        assert ("sizes" in element) is ("widths" in arguments)
        if "widths" in arguments:
            assert [f"{files[url].width}w" for url, _ in pairs] == [text for _, text in pairs]
        else:
            assert pairs[0][1] == "1x"
            assert files[pairs[0][0]] == (width, height)
            for url, text in pairs:
                # A rounded side of a small file tells a density badly: half a px, and half a hundredth of it.
                slack = 0.5 + 0.006 * max(width, height) + 0.5 * float(text[:-1])
                assert abs(files[url].width - width * float(text[:-1])) <= slack
                assert abs(files[url].height - height * float(text[:-1])) <= slack
    largest = max(files.values())
    assert files[picture.img["src"]] == (largest if "widths" in arguments else (width, height))


@shared
@given(argument_lists(), sizes)
@example({"widths": "20 40", "loading": "eager", "sizes": "auto"}, Size(30, 10))
@example({"widths": "20 40", "formats": "avif webp"}, Size(60, 10))
@example({"widths": "20", "priority": True}, Size(60, 10))
def test_only_lazy_pictures_have_auto_sizes_and_all_their_sources_the_same(page, telling, arguments, size):
    html = outcome(page, "jinja2", line_of(arguments), {"photo": source_of(size)})
    if html.startswith("refused: "):
        return

    picture = read(html)

    found = {each["sizes"] for each in (*picture.sources, picture.img) if "sizes" in each}
    is_lazy = picture.img.get("loading") == "lazy"
    assert len(found) == ("widths" in arguments)
    assert all(each.startswith("auto, ") is is_lazy and each.count("auto") == is_lazy for each in found)
    assert (picture.img.get("fetchpriority") == "high") is bool(arguments.get("priority"))


@shared
@given(st.sampled_from(LANGUAGES), sizes, sizes, st.booleans())
def test_a_ratio_is_kept_to_a_px(page, telling, language, size, box, contain):
    fit = "contain" if contain else "cover"
    line = line_of({"width": box.width, "height": box.height, "fit": fit, "format": "webp"})

    picture = read(outcome(page, language, line, {"photo": source_of(size)}))

    width, height = int(picture.img["width"]), int(picture.img["height"])
    ratio = size.width / size.height if contain else box.width / box.height
    assert abs(width - height * ratio) <= max(1, ratio)
    assert width <= box.width
    assert height <= box.height
    if not contain and box.width <= size.width and box.height <= size.height:
        assert (width, height) == box


# Row 41: sizes that are none ----------------------------------------------------------------------------

# A value, and how it is written as a literal.
NO_LENGTHS: list[tuple[Any, str]] = [
    (20_000, "20000"),
    (15_000, "15000"),
    (0, "0"),
    (-1, "-1"),
    (float("nan"), '"NaN"'),
    (float("inf"), '"inf"'),
    (10**400, "1" + "0" * 400),
    ("1e9", '"1e9"'),
    ("800;rm", '"800;rm"'),
    ("20000x15000", '"20000x15000"'),
    ("٣", '"3.5"'),
]
LENGTH_ARGUMENTS = ("width", "height", "widths")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("argument", LENGTH_ARGUMENTS)
@pytest.mark.parametrize("written", [text for _, text in NO_LENGTHS], ids=lambda text: text[:12])
def test_row_41_a_literal_that_is_no_size_is_refused_when_compiled(
    render, settings, language, argument, written, debug
):
    settings.DEBUG = debug
    never = f'{{% if never %}}{{% img photo.image {argument}={written} alt="" %}}{{% endif %}}'

    with pytest.raises(SYNTAX_ERRORS, match=rf"^{{% img %}}: '{argument}' "):
        render(language, never)


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_row_41_both_sides_too_large_are_refused_when_compiled(render, settings, language, debug):
    settings.DEBUG = debug

    with pytest.raises(SYNTAX_ERRORS, match="'width' comes to 20000 px, over the limit of 4096 px"):
        render(language, '{% img photo.image width=20000 height=15000 alt="" %}')


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("argument", LENGTH_ARGUMENTS)
@pytest.mark.parametrize("value", [value for value, _ in NO_LENGTHS[:-1]], ids=lambda value: repr(value)[:12])
def test_row_41_a_variable_that_is_no_size_raises_under_debug(
    page, photo, settings, language, argument, value
):
    settings.DEBUG = True
    line = f'{{% img photo.image {argument}=value alt="" %}}'

    with pytest.raises(SpecError, match=f"^'{argument}' "):
        page(language, line, {"photo": photo, "value": value})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("argument", LENGTH_ARGUMENTS)
@pytest.mark.parametrize("value", [value for value, _ in NO_LENGTHS[:-1]], ids=lambda value: repr(value)[:12])
def test_row_41_a_variable_that_is_no_size_shows_the_source_and_is_logged_once(
    page, photo, log, language, argument, value
):
    line = f'{{% img photo.image {argument}=value alt="A cat" %}}'

    pages = [page(language, line, {"photo": photo, "value": value}).content.decode() for _ in range(2)]

    assert (
        pages
        == [
            '<img src="/media/photos/cat.jpg" width="80" height="40" alt="A cat" loading="lazy" decoding="async">'
        ]
        * 2
    )
    (logged,) = log()
    assert logged.startswith(f"The source is shown, as what is asked for cannot be: '{argument}' ")


# Row 42: naughty texts ----------------------------------------------------------------------------------

# HTML name of the argument's attribute, and the argument.
PLACES = {
    "alt": "alt",
    "class": "class",
    "id": "id",
    "title": "title",
    "style": "style",
    "onload": "onload",
    "data-x": "data_x",
    "aria-label": "aria_label",
    "sizes": "sizes",
    "picture": "picture_class",
}
KNOWN = {*ATTRIBUTES, "src", "srcset", "sizes", "width", "height", "data-x", "aria-label", "onload"}
# html5lib finds fault with noncharacters, which are no control characters and stay.
NONCHARACTERS = re.compile(r"[\ufdd0-\ufdef\ufffe\uffff\U0010ffff]")


def assert_reads_back(html: str, place: str, text: str) -> None:
    """Check that a text stands in its attribute and nowhere else, in an element with known attributes."""
    picture = read(html, strict=not NONCHARACTERS.search(text))
    assert picture.picture is not None
    assert picture.picture.keys() == ({"class"} if place == "picture" else set())
    assert all(each.keys() == {"type", "srcset", "sizes"} for each in picture.sources)
    expected = {"srcset", "sizes", "src", "width", "height", "alt", "loading", "decoding"}
    assert picture.img.keys() == expected | ({place} if place != "picture" else set())
    assert picture.img.keys() <= KNOWN
    assert [len(candidates_of(each["srcset"])) for each in (*picture.sources, picture.img)] == [2, 2]
    if place == "sizes":
        own = re.sub(r"^\s*auto\s*(,|$)", "", text, flags=re.IGNORECASE).strip()
        wanted = f"auto, {without_controls(own) or '100vw'}" if own else "auto, 100vw"
        found = {each["sizes"] for each in (*picture.sources, picture.img)}
        assert found == {wanted}
    else:
        found_text = picture.picture["class"] if place == "picture" else picture.img[place]
        assert found_text == without_controls(text)


def naughty_line(place: str, value: str, rest: str = "") -> str:
    alt = "" if place == "alt" else ' alt=""'
    widths = 'widths="20 40"'
    return f"{{% img photo.image {widths} {PLACES[place]}={value}{alt} %}}{rest}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES)
def test_row_42_a_naughty_text_stays_in_its_attribute(page, photo, language, place):
    for text in naughty.TEXTS:
        html = page(language, naughty_line(place, "text"), {"photo": photo, "text": text}).content.decode()

        assert_reads_back(html, place, text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES)
def test_row_42_a_naughty_literal_stays_in_its_attribute(page, photo, language, place):
    # What ends a tag or a line cannot be written within it.
    texts = [text for text in naughty.TEXTS if not re.search(r"[{}%][{}%#]|[\r\n]|#}", text)]
    for text in texts:
        html = page(language, naughty_line(place, literal(text)), {"photo": photo}).content.decode()

        assert_reads_back(html, place, text)


@pytest.mark.parametrize("place", PLACES)
def test_row_42_a_naughty_text_of_both_languages_is_the_same(page, photo, place):
    for text in naughty.TEXTS:
        context = {"photo": photo, "text": text}
        django, jinja = (page(lang, naughty_line(place, "text"), context).content for lang in LANGUAGES)

        assert django == jinja


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("debug", [True, False])
def test_row_42_a_naughty_preset_is_unknown(page, photo, settings, log, language, debug):
    settings.DEBUG = debug
    line = '{% img photo.image text width=20 alt="" %}'
    for text in naughty.TEXTS:
        context = {"photo": photo, "text": text}
        if debug:
            with pytest.raises(SpecError):
                page(language, line, context)
        else:
            assert read(page(language, line, context).content.decode()).urls == ["/media/photos/cat.jpg"]
    assert debug or len(log()) <= len(naughty.TEXTS)


@shared
@given(st.sampled_from(list(PLACES)), st.sampled_from(LANGUAGES), st.text(max_size=60))
@example("sizes", "django", "\ud800")
@example("sizes", "jinja2", "\x00")
def test_row_42_any_text_stays_in_its_attribute(page, photo, place, language, text):
    html = page(language, naughty_line(place, "text"), {"photo": photo, "text": text}).content.decode()

    assert_reads_back(html, place, text)


@shared
@given(st.lists(st.sampled_from(naughty.TEXTS), min_size=3, max_size=3), st.sampled_from(LANGUAGES))
def test_row_42_naughty_texts_stay_apart(page, photo, texts, language):
    line = "{% img photo.image width=20 alt=a class=b title=c %}{% img photo.image width=20 alt=c class=a title=b %}"
    context = {"photo": photo, **dict(zip("abc", texts, strict=True))}

    html = page(language, line, context).content.decode()

    strict = not NONCHARACTERS.search("".join(texts))
    parser = html5lib.HTMLParser(strict=strict, namespaceHTMLElements=False)
    found = [dict(each.attrib) for each in parser.parseFragment(html).iter("img")]
    a, b, c = map(without_controls, texts)
    assert [(each["alt"], each["class"], each["title"]) for each in found] == [(a, b, c), (c, a, b)]


# Row 43: naughty names ----------------------------------------------------------------------------------


def ways_to_name(name: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what a template may write for a source of this name, and what it is told."""
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "field": ("photo.image", {"photo": Photo(image=name)}),
        "variable": ("name", {"name": name}),
    }
    if not re.search(r"[{}%][{}%#]|[\r\n]|#}", name):
        ways["literal"] = (literal(name), {})
    return ways


def pages_of(page: Any, name: str) -> list[str]:
    """Return the pages with this source, of both languages and with densities and widths, each written every way."""
    return [
        page(language, f'{{% img {source} {arguments} alt="" %}}', context).content.decode()
        for language in LANGUAGES
        for source, context in ways_to_name(name).values()
        for arguments in ("width=20", 'widths="20 40" sizes="50vw"')
    ]


def assert_safe(url: str) -> None:
    """Check that a URL leads to a file of the storage, on this host, whoever splits or prints it."""
    assert re.fullmatch(r"[!#-%*-;=?-Z_a-z~]+", url), (
        "a character that HTML, CSS or a srcset would read otherwise"
    )
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert parts.path.startswith("/media/")
    assert not url.startswith("//")
    assert ".." not in unquote(parts.path).split("/")
    assert not url.startswith(",")
    assert not url.endswith(",")


@pytest.mark.parametrize("name", naughty.NAMES, ids=short)
def test_row_43_a_naughty_name_gives_urls_of_its_files(page, db, name):
    path = default_storage.path(name)
    default_storage.save("folder/x", ContentFile(b""))
    if "/" in name:
        default_storage.save(f"{name.rpartition('/')[0]}/x", ContentFile(b""))
    with open(path, "wb") as file:  # not by the storage, which would give it another name
        file.write(drawn())

    pages = pages_of(page, name)

    assert len(set(pages)) == 2
    for html in set(pages):
        picture = read(html)
        assert len(picture.urls) == 4
        for url in picture.urls:
            assert_safe(url)
            assert url.startswith("/media/renditions/")
            with default_storage.open(unquote(url.removeprefix("/media/"))) as file:
                assert opened(file.read()).width in {20, 40}


@pytest.mark.parametrize("name", [*naughty.NAMES, *naughty.MISSING_NAMES], ids=short)
def test_row_43_a_naughty_name_without_a_file_gives_the_url_of_the_source(page, db, name):
    pages = pages_of(page, name)

    for html in pages:
        picture = read(html)
        (url,) = picture.urls
        assert_safe(url)
        assert unquote(url).removeprefix("/media/") == name
        assert picture.img.keys() - {"width", "height"} == {"src", "alt", "loading", "decoding"}


@pytest.mark.parametrize("name", naughty.NO_NAMES, ids=short)
def test_row_43_what_is_no_name_gives_no_url(page, db, log, name):
    for html in pages_of(page, name):
        assert html == '<img alt="" loading="lazy" decoding="async">'
    assert len(log()) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", naughty.NO_NAMES, ids=short)
def test_row_43_what_is_no_name_raises_under_debug(page, db, settings, language, name):
    settings.DEBUG = True

    with pytest.raises(SpecError, match=r"^Not the name of a file in a storage: "):
        page(language, '{% img name width=20 alt="" %}', {"name": name})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*naughty.NO_NAMES, *naughty.NAMES], ids=short)
def test_row_43_a_naughty_static_name_gives_a_safe_url_or_none(page, db, language, name):
    line = '{% img name widths="20 40" alt="" %}'

    html = page(language, line, {"name": f"static:{name}"}).content.decode()

    for url in read(html).urls:
        assert_safe(url.replace("/static/", "/media/", 1))


@shared
@given(st.text(min_size=1, max_size=30), st.sampled_from(LANGUAGES))
@example("a, b 2x", "django")
@example("a\\b", "jinja2")
def test_row_43_any_name_gives_a_safe_url_or_none(page, db, name, language):
    html = page(language, '{% img name widths="20 40" alt="" %}', {"name": name}).content.decode()

    for url in read(html).urls:
        assert_safe(url)
        assert unquote(url).removeprefix("/media/") == name


# A srcset as others have written it, and what the HTML standard makes of it.
SRCSETS = {
    "a.jpg 1x, b.jpg 2x": [("a.jpg", "1x"), ("b.jpg", "2x")],
    "a,b.jpg 1x,c.jpg 1.5x": [("a,b.jpg", "1x"), ("c.jpg", "1.5x")],
    " a.jpg\n320w ,b.jpg 640w": [("a.jpg", "320w"), ("b.jpg", "640w")],
}


@pytest.mark.parametrize("srcset", SRCSETS)
def test_the_srcset_parser_reads_what_is_right(srcset):
    assert candidates_of(srcset) == SRCSETS[srcset]


@pytest.mark.parametrize(
    "srcset", ["a.jpg", "a.jpg, b.jpg 2x", "a.jpg 1x,, b.jpg 2x", "a b.jpg 1x", "a.jpg 1y", ",a.jpg 1x"]
)
def test_the_srcset_parser_finds_what_is_wrong(srcset):
    with pytest.raises(AssertionError):
        candidates_of(srcset)
