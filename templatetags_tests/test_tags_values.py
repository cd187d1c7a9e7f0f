"""What a tag line gives, byte for byte: URLs, single values, static files, nothing to show, and what is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from responsive_img.exceptions import SpecError
from templatetags_tests.test_tags import (
    END,
    LANGUAGES,
    PICTURE,
    Row,
    context_of,
    shortened,
    shown,
    webp,
    widths,
)

IMG_URL: list[Row] = [
    ("{% img_url photo.image width=20 %}", "cat-20w.jpg"),
    ("{% responsive_img_url photo.image width=20 %}", "cat-20w.jpg"),
    ("{% img_url name width=20 %}", "cat-20w.jpg"),
    ('{% img_url "photos/cat.jpg" width=20 %}', "cat-20w.jpg"),
    ('{% img_url photo.image width=20 format="webp" %}', "cat-20w.webp"),
    ('{% img_url photo.image width=20 format=nothing %}', "cat-20w.jpg"),
    ('{% img_url photo.image width="20" height=20 fit="contain" quality=50 %}', "cat-20w.jpg"),
    ('{% img_url photo.image height=20 ratio="square" focal="0% 0%" upscale=True %}', "cat-20h.jpg"),
    ("{% img_url photo.image %}", "cat-full.jpg"),
    ("{% img_url gif.image width=20 %}", "cat-20w.png"),
    ("{% img_url webp.image width=20 %}", "cat-20w.webp"),
    ("{% img_url svg.image width=20 %}", "/media/photos/cat.svg"),
    ("{% img_url film.image width=20 %}", "/media/photos/film.gif"),
    ('{% img_url film.image width=20 format="webp" %}', "film-20w.webp"),
    ('{% img_url "static:templatetags_tests/logo.png" width=20 format="webp" %}', "logo-20w.webp"),
    # Presets: of the widths the largest, of the densities the first.
    ('{% img_url photo.image "card" %}', "cat-20w.jpg"),
    ('{% img_url photo.image "wide" %}', "cat-40w.webp"),
    ('{% img_url photo.image "wide" width=20 %}', "cat-20w.webp"),
    ('{% img_url photo.image "dense" %}', "cat-20w.webp"),
    ('{% img_url photo.image "styled" %}', "cat-20w.jpg"),
    ("{% img_url photo.image preset width=10 %}", "cat-10w.jpg"),
    ("{% img_url photo.image first %}", "cat-20w.webp"),
    ("{% img_url photo.image wall %}", "cat-40w.webp"),
    # An origin.
    ("{% img_url photo.image width=20 absolute=True %}", "http://testservercat-20w.jpg"),
    ("{% img_url photo.image width=20 absolute=yes %}", "http://testservercat-20w.jpg"),
    ("{% img_url photo.image width=20 absolute=no %}", "cat-20w.jpg"),
    ("{% img_url photo.image width=20 absolute=False %}", "cat-20w.jpg"),
    ("{% img_url svg.image absolute=True %}", "http://testserver/media/photos/cat.svg"),
    # As a variable, and nothing.
    ("{% img_url photo.image width=20 as url %}[{{ url }}]", "[cat-20w.jpg]"),
    ("[{% img_url nothing width=20 %}]", "[]"),
    ("[{% img_url empty.image width=20 absolute=True %}]", "[]"),
]  # fmt: skip
AS_PIC: list[Row] = [
    ('{% img photo.image width=20 format="webp" alt="" as pic %}[{{ pic.url }}]', "[cat-20w.webp]"),
    ('{% responsive_img photo.image width=20 alt="" as pic %}{{ pic.html }}', PICTURE),
    ('{% img photo.image width=20 alt="" as pic %}{{ pic }}', PICTURE),
    ('{% img photo.image width=20 alt="" as pic %}{{ pic.url }}|{{ pic.srcset }}|{{ pic.sizes }}|{{ pic.width }}|'
     "{{ pic.height }}|{{ pic.is_built }}|{{ pic.object_position }}",
     "cat-20w.jpg|cat-20w.jpg 1x, cat-40w.jpg 2x||20|10|True|50% 50%"),
    ('{% img photo.image "wide" alt="" as pic %}{{ pic.url }}|{{ pic.srcset }}|{{ pic.sizes }}|{{ pic.width }}|'
     "{{ pic.height }}|{{ pic.html }}",
     "cat-40w.webp|cat-20w.webp 20w, cat-40w.webp 40w|auto, 50vw|40|20|"
     + widths("20w 20w, 40w 40w", "auto, 50vw", 40, 20)),
    ('{% img photo.image "wide" loading="eager" alt="" as pic %}{{ pic.sizes }}', "50vw"),
    ('{% img photo.image W alt="" as pic %}[{{ pic.srcset }}]', "[]"),
    ('{% img photo.image W ratio=1 focal="30% 70%" alt="" as pic %}{{ pic.object_position }}', "30% 70%"),
    ('{% img photo.image W ratio=1 focal=focus alt="" as pic %}{{ pic.object_position }}', "30% 70%"),
    ('{% img photo.image W focal="30% 70%" alt="" as pic %}{{ pic.object_position }}', "30% 70%"),
    ('{% img photo.image "point" alt="" as pic %}{{ pic.object_position }}', "0% 0%"),
    # A number in a page is not for people to read.
    ('{% img photo.image width=1200 upscale=True densities="1" alt="" as pic %}{{ pic.width }}×{{ pic.height }}',
     "1200×600"),
    ('{% img photo.image W alt="" as pic %}{% if pic.width > 19 %}wide{% endif %}', "wide"),
    ('{% img svg.image width=20 alt="" as pic %}{{ pic.url }}|{{ pic.srcset }}|{{ pic.width }}|{{ pic.height }}',
     "/media/photos/cat.svg||20|10"),
    ('{% img empty.image width=20 alt="" as pic %}[{{ pic.url }}{{ pic.srcset }}{{ pic.sizes }}{{ pic.width }}'
     "{{ pic.height }}{{ pic.html }}{{ pic.object_position }}{{ pic }}]{{ pic.is_built }}"
     "{% if pic %}yes{% else %}no{% endif %}",
     "[]Falseno"),
]  # fmt: skip
LOGO = PICTURE.replace("cat-", "logo-").replace(".jpg", ".png")
OTHERS: list[Row] = [
    # Static files.
    ('{% img "static:templatetags_tests/logo.png" width=20 alt="" %}', LOGO),
    ('{% img "static:templatetags_tests/logo.png" "card" alt="" %}',
     f'<img src="logo-20w.png" width="20" height="20"{END}'),
    ('{% img "static:templatetags_tests/logo.png" W alt="" as pic %}{{ pic.url }}', "logo-20w.webp"),
    # Nothing to show.
    ('[{% img nothing width=20 alt="" %}]', "[]"),
    ('[{% img missing width=20 alt="" %}]', "[]"),
    ('[{% img "" width=20 alt="" %}]', "[]"),
    ('[{% img empty.image width=20 alt="" %}]', "[]"),
    ('[{% img empty.image "styled" alt="x" %}]', "[]"),
    # What is to be built, where the hook builds at once.
    ('{% img photo.image width=20 build="all" alt="" %}', PICTURE),
    ('{% img photo.image width=20 build="src" alt="" %}', PICTURE),
    ('{% img photo.image width=20 build=None alt="" %}', PICTURE),
]  # fmt: skip
ROWS: list[Row] = [*IMG_URL, *AS_PIC, *OTHERS]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("template", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_tag_line_gives_exactly_these_bytes_in_both_languages(
    page, db, settings, template, expected, language
):
    html = shown(page, settings, language, template)

    assert (
        shortened(html.replace("testserver/", "testserver /")).replace("testserver ", "testserver")
        == expected
    )


ENQUEUE = {"BUILD_HOOK": "responsive_img.hooks.enqueue"}
PLACEHOLDER = {"PLACEHOLDER": "static:templatetags_tests/logo.png"}
SHOWN_AS_IT_IS = f'<img src="/media/photos/cat.jpg" width="20" height="10"{END}'
# Settings, template and markup: what stands under other settings.
SETTINGS: list[tuple[Mapping[str, Any], str, str]] = [
    # In place of an empty source.
    (PLACEHOLDER, '{% img empty.image width=20 alt="" %}', LOGO),
    (PLACEHOLDER, '{% img nothing width=20 alt="" %}', LOGO),
    (PLACEHOLDER, '{% img photo.image width=20 alt="" %}', PICTURE),
    (PLACEHOLDER, "{% img_url empty.image width=20 %}", "logo-20w.png"),
    (PLACEHOLDER, '{% img empty.image W alt="" as pic %}{% if pic %}{{ pic.url }}{% endif %}', "logo-20w.webp"),
    ({"PLACEHOLDER": "photos/cat.jpg"}, '{% img empty.image width=20 alt="" %}', PICTURE),
    # What this process builds itself, where others build the rest.
    (ENQUEUE, '{% img photo.image width=20 alt="" %}', SHOWN_AS_IT_IS),
    (ENQUEUE, '{% img photo.image width=20 build=nothing alt="" %}', SHOWN_AS_IT_IS),
    (ENQUEUE, '{% img photo.image width=20 build="src" alt="" %}',
     f'<img src="cat-20w.jpg" width="20" height="10"{END}'),
    (ENQUEUE, '{% img photo.image width=20 build="srcset" alt="" %}', PICTURE),
    (ENQUEUE, '{% img photo.image width=20 build="all" alt="" %}', PICTURE),
    (ENQUEUE, '{% img photo.image width=20 build="all" alt="" as pic %}{{ pic.html }}', PICTURE),
    (ENQUEUE, '{% img photo.image "wide" build="src" alt="" %}', widths("40w 40w", "auto, 50vw", 40, 20)),
    (ENQUEUE, "{% img_url photo.image width=20 %}", "/media/photos/cat.jpg"),
    (ENQUEUE, '{% img_url photo.image width=20 build="src" %}', "cat-20w.jpg"),
    (ENQUEUE, '{% img photo.image width=20 alt="" as pic %}{{ pic.url }}|{{ pic.srcset }}|{{ pic.width }}|'
     "{{ pic.is_built }}", "/media/photos/cat.jpg||20|False"),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("changed", "template", "expected"), SETTINGS, ids=str)
def test_settings_change_what_is_shown(page, db, settings, changed, template, expected, language):
    for name, value in changed.items():
        setattr(settings, f"RESPONSIVE_IMG_{name}", value)

    assert shortened(shown(page, settings, language, template)) == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "line",
    ["{% img_url photo.image width=20 %}", '{% img photo.image width=20 alt="" as pic %}{{ pic.url }}'],
)
def test_autoescape_applies_to_a_url(page, db, settings, line, language):
    settings.MEDIA_URL = "/a&b/"
    off = {"django": "{% autoescape off %}", "jinja2": "{% autoescape false %}"}[language]
    context = context_of("")

    escaped = page(language, line, context).content.decode()
    plain = page(language, f"{off}{line}{{% endautoescape %}}", context).content.decode()
    element = page(language, '{% img photo.image width=20 format="jpeg" alt="" %}', context).content.decode()

    assert escaped.startswith("/a&amp;b/renditions/photos/cat-20w.")
    assert plain == escaped.replace("&amp;", "&")
    assert f'src="{escaped}"' in element
    assert f'srcset="{escaped} 1x, /a&amp;b/renditions/photos/cat-40w.' in element


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("absolute", ["True", "yes"])
def test_without_a_request_an_absolute_url_has_the_origin_of_the_settings(
    render, db, settings, log, absolute, language
):
    settings.RESPONSIVE_IMG_BASE_URL = "https://example.com/shop/"
    line = f"{{% img_url photo.image width=20 absolute={absolute} %}}"
    context = context_of("")

    url = render(language, line, context)
    settings.RESPONSIVE_IMG_BASE_URL = None
    without = render(language, line, context)
    settings.DEBUG = True
    with pytest.raises(SpecError) as caught:
        render(language, line, context)

    assert url == f"https://example.com{without}"
    assert without.startswith("/media/renditions/photos/cat-20w.")
    message = (
        "'absolute' needs a request, or the setting RESPONSIVE_IMG_BASE_URL such as 'https://example.com'."
    )
    assert [str(caught.value)] == log() == [message]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_absolute_url_of_another_origin_stays_as_it_is(page, db, settings, language):
    settings.MEDIA_URL = "https://cdn.example/m/"

    html = page(language, "{% img_url photo.image width=20 absolute=True %}", context_of("")).content.decode()

    assert html.startswith("https://cdn.example/m/renditions/photos/cat-20w.")


# Jinja2 alone: commas are optional, and the functions give what the tags do.
COMMAS: list[Row] = [
    ('{% img photo.image, width=20, alt="" %}', PICTURE),
    ('{% img photo.image, width=20 alt="", %}', PICTURE),
    ('{% img photo.image , "card" , width=20 , alt="" %}', f'<img src="cat-20w.jpg" width="20" height="20"{END}'),
    ('{% img "photos/cat.jpg" "card" alt="" %}', f'<img src="cat-20w.jpg" width="20" height="20"{END}'),
    ('{% img photo.image, (small), alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image, width=20, alt="", as pic %}{{ pic.html }}', PICTURE),
    ("{% img_url photo.image, width=20 %}", "cat-20w.jpg"),
    ("{% img_url photo.image, width=20, as url %}{{ url }}", "cat-20w.jpg"),
    ('{{ img(photo.image, width=20, alt="") }}', PICTURE),
    ('{{ img(photo.image, "wide", alt="") }}', widths("20w 20w, 40w 40w", "auto, 50vw", 40, 20)),
    ('{{ img(photo.image, first, alt="") }}',
     '<img src="cat-20w.webp" width="20" height="10" alt="" id="i" loading="eager" fetchpriority="high">'),
    ('{{ responsive_img(photo.image, widths="20 40", sizes="9vw", format="webp", alt="") }}',
     widths("20w 20w, 40w 40w", "auto, 9vw", 40, 20)),
    ("{{ img_url(photo.image, width=20) }}", "cat-20w.jpg"),
    ("{{ responsive_img_url(photo.image, wall) }}", "cat-40w.webp"),
    ('{{ img_url("static:templatetags_tests/logo.png", width=20, format="webp") }}', "logo-20w.webp"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "expected"), COMMAS, ids=[row[0] for row in COMMAS])
def test_jinja2_reads_commas_and_calls_too(page, db, settings, template, expected):
    assert shortened(shown(page, settings, "jinja2", template)) == expected
