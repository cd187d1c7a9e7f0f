"""What a tag line gives, byte for byte: attributes, priority and presets."""

from __future__ import annotations

from typing import Any

import pytest

from templatetags_tests.test_tags import (
    ASYNC,
    END,
    LANGUAGES,
    PICTURE,
    VALUES,
    Row,
    W,
    one,
    shortened,
    shown,
    webp,
    widths,
)

EAGER = ' loading="eager" fetchpriority="high"'
ATTRIBUTES: list[Row] = [
    # Values are text, escaped once; those with `__html__` keep their entities.
    ("{% img photo.image W alt=text %}",
     one(f' alt="&lt;i class=&quot;a&quot;&gt;&#x27;&amp;amp;&#x27;"{ASYNC}>')),
    ("""{% img photo.image W alt='<b> "x" &amp;' %}""",
     one(f' alt="&lt;b&gt; &quot;x&quot; &amp;amp;"{ASYNC}>')),
    ("{% img photo.image W alt=safe %}",
     one(f' alt="Tom &amp; &lt;b&gt;&quot;Jerry&quot;&lt;/b&gt; &#x27;x&#x27;"{ASYNC}>')),
    ("{% img photo.image W alt=lazy %}", one(f' alt="Januar"{ASYNC}>')),
    ("{% img photo.image W alt=control %}", one(f' alt="abcdefg"{ASYNC}>')),
    ("{% img photo.image W alt='' class=control title=control data_x=control %}",
     one(f' alt="" class="abcdefg" title="abcdefg" data-x="abcdefg"{ASYNC}>')),
    ("{% img photo.image W alt=emoji %}", one(f' alt="Ä 🐈"{ASYNC}>')),
    ("{% img photo.image W alt=number %}", one(f' alt="12345"{ASYNC}>')),
    ("{% img photo.image W alt=float %}", one(f' alt="1234.5"{ASYNC}>')),
    ("{% img photo.image W alt=12345 %}", one(f' alt="12345"{ASYNC}>')),
    ("{% img photo.image W alt=1.5 %}", one(f' alt="1.5"{ASYNC}>')),
    ("{% img photo.image W alt=photo.title %}", one(f' alt="A cat"{ASYNC}>')),
    ("{% img photo.image W alt=list %}", one(f' alt="[1, 2]"{ASYNC}>')),
    ('{% img photo.image W alt="{{ x }} %s {x} 100%" %}', one(f' alt="{{{{ x }}}} %s {{x}} 100%"{ASYNC}>')),
    # An alt is always there.
    ("{% img photo.image W alt=None %}", one(f' alt=""{ASYNC}>')),
    ("{% img photo.image W alt=nothing %}", one(f' alt=""{ASYNC}>')),
    ("{% img photo.image W alt=no %}", one(f' alt=""{ASYNC}>')),
    ("{% img photo.image W alt=yes %}", one(f' alt=""{ASYNC}>')),
    ("{% img photo.image W alt=missing %}", one(f' alt=""{ASYNC}>')),
    # None and False leave an attribute out, True writes it bare.
    ('{% img photo.image W class="a b" id="x" alt="" %}', one(f' alt="" class="a b" id="x"{ASYNC}>')),
    ('{% img photo.image W class="" alt="" %}', one(f' alt="" class=""{ASYNC}>')),
    ('{% img photo.image W class=nothing hidden=True inert=no alt="" %}', one(f' alt="" hidden{ASYNC}>')),
    ('{% img photo.image W hidden=yes inert=False title=None alt="" %}', one(f' alt="" hidden{ASYNC}>')),
    ('{% img photo.image W data_a=True data_b=no data_c=nothing alt="" %}', one(f' alt="" data-a{ASYNC}>')),
    ('{% img photo.image W tabindex=-1 data_number=number alt="" %}',
     one(f' alt="" tabindex="-1" data-number="12345"{ASYNC}>')),
    # Names.
    ('{% img photo.image W data_foo_bar="1" aria_label="x" alt="" %}',
     one(f' alt="" data-foo-bar="1" aria-label="x"{ASYNC}>')),
    ('{% img photo.image W data_fooBar="1" data_1="2" alt="" %}',
     one(f' alt="" data-foobar="1" data-1="2"{ASYNC}>')),
    ('{% img photo.image W onload="this.x=1" style="--a: \'b\'" alt="" %}',
     one(f' alt="" onload="this.x=1" style="--a: &#x27;b&#x27;"{ASYNC}>')),
    # How it is loaded.
    ('{% img photo.image W loading="eager" decoding="sync" alt="" %}',
     one(' alt="" loading="eager" decoding="sync">')),
    ('{% img photo.image W loading=None decoding=nothing alt="" %}', one(' alt="">')),
    ('{% img photo.image W fetchpriority="low" crossorigin=True alt="" %}',
     one(f' alt="" crossorigin{ASYNC} fetchpriority="low">')),
    # The attributes of the `<picture>`.
    ('{% img photo.image W picture_class="dropped" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image width=20 picture_class="a" class="b" alt="" %}',
     PICTURE.replace("<picture>", '<picture class="a">').replace(' alt=""', ' alt="" class="b"')),
    ('{% img photo.image width=20 picture_class=text alt="" %}',
     PICTURE.replace(
         "<picture>", '<picture class="&lt;i class=&quot;a&quot;&gt;&#x27;&amp;amp;&#x27;">')),
    ('{% img photo.image width=20 picture_class=safe alt="" %}',
     PICTURE.replace(
         "<picture>", '<picture class="Tom &amp; &lt;b&gt;&quot;Jerry&quot;&lt;/b&gt; &#x27;x&#x27;">')),
    ('{% img photo.image width=20 picture_class=control alt="" %}',
     PICTURE.replace("<picture>", '<picture class="abcdefg">')),
    ('{% img photo.image width=20 picture_class=nothing alt="" %}', PICTURE),
]  # fmt: skip
PRIORITY: list[Row] = [
    ('{% img photo.image W priority=True alt="" %}', one(f' alt=""{EAGER}>')),
    ('{% img photo.image W priority=yes alt="" %}', one(f' alt=""{EAGER}>')),
    ('{% img photo.image W priority=no alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W priority=False alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W priority=nothing alt="" %}', webp("20w", 20, 10)),
    # The two lists of attributes are alike here, and constants that are alike are made one by the compiler.
    ('{% img photo.image W priority=no loading=later decoding="async" fetchpriority="low" alt="" %}',
     one(f' alt=""{ASYNC} fetchpriority="low">')),
    ('{% img photo.image W priority=no loading=later alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W priority=no loading="lazy" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image W priority=True decoding="async" alt="" %}',
     one(' alt="" loading="eager" decoding="async" fetchpriority="high">')),
    ('{% img photo.image W priority=True loading="eager" class="x" alt="" %}', one(f' alt="" class="x"{EAGER}>')),
    ('{% img photo.image W priority=True loading=None fetchpriority=None alt="" %}', one(' alt="">')),
]  # fmt: skip
BOTH = '<img srcset="cat-20w.webp 1x, cat-40w.webp 2x" src="cat-20w.webp" width="20" height="10"'
SQUARES = (
    '<picture{}><source type="image/webp" srcset="cat-20w.webp 1x, cat-40w.webp 2x">'
    '<img srcset="cat-20w.jpg 1x, cat-40w.jpg 2x" src="cat-20w.jpg" width="20" height="20"{}></picture>'
)
PRESET_ROWS: list[Row] = [
    # A name, a variable, an `Img`, or none.
    ('{% img photo.image "card" alt="" %}', f'<img src="cat-20w.jpg" width="20" height="20"{END}'),
    ("{% img photo.image 'card' alt='' %}", f'<img src="cat-20w.jpg" width="20" height="20"{END}'),
    ('{% img photo.image preset alt="" %}', f'<img src="cat-20w.jpg" width="20" height="20"{END}'),
    ('{% img photo.image nothing width=20 alt="" %}', PICTURE),
    ('{% img photo.image small alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image small|default:0 alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image "object" alt="" %}', one(f' alt="" id="of-img"{ASYNC}>')),
    # Attributes, sizes and priority of a preset.
    ('{% img photo.image "styled" alt="" %}',
     SQUARES.format(' class="p"', f' alt="" class="c" title="t"{ASYNC}')),
    ('{% img photo.image "styled" class="x" title=None picture_class=nothing alt="" %}',
     SQUARES.format("", f' alt="" class="x"{ASYNC}')),
    ('{% img photo.image "hero" alt="" %}', one(f' alt=""{EAGER}>')),
    ('{% img photo.image "hero" priority=False alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image "hero" priority=no alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image "hero" fetchpriority="auto" alt="" %}',
     one(' alt="" loading="eager" fetchpriority="auto">')),
    ('{% img photo.image "wide" alt="" %}', widths("20w 20w, 40w 40w", "auto, 50vw", 40, 20)),
    ('{% img photo.image "eager" sizes="9vw" alt="" %}',
     widths("20w 20w, 40w 40w", "9vw", 40, 20, ' alt="" loading="eager" decoding="async">')),
    ('{% img photo.image "wide" loading="eager" alt="" %}',
     widths("20w 20w, 40w 40w", "50vw", 40, 20, ' alt="" loading="eager" decoding="async">')),
    ('{% img photo.image "wide" priority=True alt="" %}',
     widths("20w 20w, 40w 40w", "50vw", 40, 20, f' alt=""{EAGER}>')),
    ('{% img photo.image first alt="" %}', one(f' alt="" id="i"{EAGER}>')),
    ('{% img photo.image first id="j" priority=False alt="" %}', one(f' alt="" id="j"{ASYNC}>')),
    ('{% img photo.image wall alt="" %}',
     widths("20w 20w, 40w 40w", "auto, 50vw", 40, 20, f' alt="" title="w"{ASYNC}>')),
    # The tag over the preset.
    ('{% img photo.image "card" width=10 alt="" %}', f'<img src="cat-10w.jpg" width="10" height="10"{END}'),
    ('{% img photo.image preset width=10 alt="" %}', f'<img src="cat-10w.jpg" width="10" height="10"{END}'),
    ('{% img photo.image small width=wide height=20 alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image "wide" sizes="9vw" alt="" %}', widths("20w 20w, 40w 40w", "auto, 9vw", 40, 20)),
    ('{% img photo.image "wide" widths="30" alt="" %}', widths("30w 30w", "auto, 50vw", 30, 15)),
    ('{% img photo.image "wide" ratio="1/1" alt="" %}', widths("20w 20w, 40w 40w", "auto, 50vw", 40, 40)),
    # What contradicts the tag in the preset gives way.
    ('{% img photo.image "plain" format="webp" densities="1" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image "plain" formats="webp" alt="" %}', PICTURE),
    ('{% img photo.image "card" format="webp" alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image "card" width=20 height=10 alt="" %}',
     f'<img src="cat-20w.jpg" width="20" height="10"{END}'),
    ('{% img photo.image "box" ratio="2/1" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image "box" height=10 alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image "dense" widths="20 40" alt="" %}', widths("20w 20w, 40w 40w", "auto, 100vw", 20, 10)),
    ('{% img photo.image "wide" width=20 densities="1 2" alt="" %}', BOTH + END),
    ('{% img photo.image "whole" focal="0% 0%" alt="" %}', webp("20w", 20, 20)),
    ('{% img photo.image "point" fit="contain" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image "lazy" priority=True alt="" %}', one(f' alt=""{EAGER}>')),
    ('{% img photo.image "lazy" priority=yes alt="" %}', one(f' alt=""{EAGER}>')),
    ('{% img photo.image "hero" loading="lazy" alt="" %}', webp("20w", 20, 10)),
    ('{% img photo.image first loading=later alt="" %}', one(f' alt="" id="i"{ASYNC}>')),
]  # fmt: skip
ROWS: list[Row] = [*ATTRIBUTES, *PRIORITY, *PRESET_ROWS]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("template", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_tag_line_gives_exactly_these_bytes_in_both_languages(
    page, db, settings, template, expected, language
):
    if language == "jinja2":
        template = template.replace("|default:0", "|default(0)")

    assert shortened(shown(page, settings, language, template)) == expected


class Html:
    """Marks as HTML what is none: it must not end the attribute all the same."""

    def __init__(self, html: object) -> None:
        self.html = html

    def __html__(self) -> object:
        return self.html


class Odd:
    """Says of itself what an attribute must not hold as it is."""

    def __str__(self) -> str:
        return "<\x00\"'&"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("value", "expected"), [
    (Html("a &amp; \"b\" 'c' <d>\n&lt;"), "a &amp; &quot;b&quot; &#x27;c&#x27; &lt;d&gt;&lt;"),
    (Html('"><script>'), "&quot;&gt;&lt;script&gt;"),
    (Html(5), "5"),
    (Odd(), "&lt;&quot;&#x27;&amp;"),
    (b"<b>", "b&#x27;&lt;b&gt;&#x27;"),
    (True, None), (0, "0"), ((), "()"),
], ids=["html", "script", "number", "str", "bytes", "true", "zero", "empty"])  # fmt: skip
def test_a_value_of_any_type_is_escaped_once(page, photo, language, value, expected):
    response = page(language, f'{{% img photo.image {W} data_x=x alt="" %}}', {"photo": photo, "x": value})

    given = " data-x" if expected is None else f' data-x="{expected}"'
    assert shortened(response.content.decode()) == one(f' alt=""{given}{ASYNC}>')


@pytest.mark.parametrize("off", [("{% autoescape off %}", "{% endautoescape %}"), ("", "")])
@pytest.mark.parametrize("value", ["text", "safe", "control", "lazy"])
def test_autoescape_changes_nothing(page, photo, off, value):
    template = f"{off[0]}{{% img photo.image {W} alt={value} %}}{off[1]}"
    context: dict[str, Any] = {**VALUES, "photo": photo}

    django = page("django", template, context).content
    jinja = page("jinja2", template.replace("autoescape off", "autoescape false"), context).content
    plain = page("django", f"{{% img photo.image {W} alt={value} %}}", context).content

    assert django == jinja == plain


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_attribute_without_a_value_leaves_no_gap(page, photo, language):
    first = page(language, f'{{% img photo.image {W} class=a alt="" %}}', {"photo": photo, "a": None})
    second = page(language, f'{{% img photo.image {W} alt="" %}}', {"photo": photo})

    assert first.content == second.content
