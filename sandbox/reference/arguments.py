"""
The table of the arguments: what people have to say of each, and the lines that show it.

Words such as `$MAX_WIDTH` stand for what `facts` finds in the library. Nothing else in here is believed: forms are
read, lines rendered, wrong lines and contradictions compiled.
"""

from __future__ import annotations

from typing import NamedTuple

from sandbox.reference import sources


class Example(NamedTuple):
    """Lines of a template, and what to say before them."""

    line: str
    note: str = ""


class Entry(NamedTuple):
    """
    One argument.

    Attributes:
        name: Of the argument.
        says: What it is for.
        takes: What its value is.
        forms: Values it may have, as Python and templates write them.
        default: What holds without it.
        contradicts: (in words, arguments that contradict each other).
        examples: Lines that are right.
        wrong: A line that is not.
        tag: That has it.
        heading: In place of the name.
    """

    name: str
    says: str
    takes: str
    default: str
    examples: tuple[Example, ...]
    wrong: str
    forms: tuple[str, ...] = ()
    contradicts: tuple[tuple[str, str], ...] = ()
    tag: str = "img"
    heading: str = ""


class Theme(NamedTuple):
    """Arguments that belong together."""

    title: str
    says: str
    entries: tuple[Entry, ...]


BASICS = Theme(
    "The basics",
    "Every tag has a source. `{% img %}` needs an `alt` too; all else has a default.",
    (
        Entry(
            name="source",
            says="The picture, always first. Its size is read from the file, once.",
            takes="the file of an image field; a name in the default storage; or `static:` and the "
            "path of a static file.",
            default="none, it is required. An empty field shows nothing, or the setting `PLACEHOLDER`.",
            examples=(
                Example("{% img photo.image width=400 alt=photo.title %}", "The file of an image field:"),
                Example(
                    '{% img "photos/anchor.png" width=400 alt="An anchor" %}',
                    "A name in the default storage. The fallback of a PNG is a PNG, so it stays transparent:",
                ),
                Example(
                    '{% img "photos/dusk.webp" width=400 alt="Dusk" %}',
                    "A WebP file has WebP as its fallback, so there is nothing to choose from, "
                    "and a plain `<img>` is enough:",
                ),
                Example(f'{{% img "static:{sources.STATIC}" width=400 alt="The pier" %}}', "A static file:"),
                Example(
                    f'{{% img "{sources.SVG}" width=60 alt="The flag" %}}',
                    "An SVG is served as it is, in the size asked for:",
                ),
                Example('{% img "photos/waves.gif" width=160 alt="Waves" %}', "So is an animation:"),
                Example(
                    '{% img "photos/waves.gif" width=160 format="webp" alt="Waves" %}',
                    "Unless `format` or `formats` asks for a still:",
                ),
                Example("{% img empty.image width=400 alt=empty.title %}", "An empty field:"),
            ),
            wrong='{% img photo.image src="photos/boat.jpg" alt=photo.title %}',
            heading="The source",
        ),
        Entry(
            name="alt",
            says="What the picture shows, for people who cannot see it.",
            takes="text, which is escaped. `None` and `False` count as empty.",
            default='none, it is required. Write `alt=""` for mere decoration.',
            examples=(
                Example('{% img photo.image width=400 format="webp" alt=\'A "safe" harbour & its boats\' %}'),
            ),
            wrong="{% img photo.image width=400 %}",
            forms=('"The harbour"', '""', "None"),
        ),
        Entry(
            name="preset",
            says="Arguments that many tags share, under one name. It stands second, without a key. "
            "What the tag says itself wins, and what contradicts it in the preset gives way.",
            takes="a name from the setting `PRESETS`, or an [`Img`](#in-python) of the context.",
            default="no preset.",
            examples=(
                Example(
                    '{% img photo.image "card" alt=photo.title %}', "With the setting `PRESETS` = $PRESETS:"
                ),
                Example('{% img photo.image "card" width=200 class="small" alt=photo.title %}'),
            ),
            wrong='{% img photo.image "crad" alt=photo.title %}',
            heading="The preset",
        ),
    ),
)

GEOMETRY = Theme(
    "Geometry",
    "How large the picture is on the page, and which part of the source it shows. Nothing is "
    "enlarged without [`upscale`](#upscale). Without any of these, the source's own width is taken, "
    "at most $MAX_WIDTH px, at 1x only.",
    (
        Entry(
            name="width",
            says="The width on the page. The height follows from the source, unless `height` or "
            "`ratio` is given.",
            takes="px, a whole number from 1 to the setting `MAX_WIDTH` ($MAX_WIDTH).",
            default="follows from `height`; without that too, the source's own.",
            examples=(
                Example("{% img photo.image width=400 alt=photo.title %}"),
                Example(
                    "{% img small.image width=400 alt=small.title %}",
                    "The source of this one is 300 px wide, so 300 px are shown, and a 2x "
                    "candidate would add nothing:",
                ),
            ),
            wrong='{% img photo.image width="40%" alt=photo.title %}',
            forms=("400", '"400"'),
            contradicts=(("`height` together with `ratio`", 'width=400 height=300 ratio="4/3"'),),
        ),
        Entry(
            name="height",
            says="The height on the page. With `width` it makes a box, which is filled, and what does "
            "not fit is cropped; see [`fit`](#fit).",
            takes="px, as `width`.",
            default="follows from `width` or `ratio`.",
            examples=(
                Example("{% img photo.image height=200 alt=photo.title %}"),
                Example("{% img photo.image width=200 height=200 alt=photo.title %}", "A box, filled:"),
            ),
            wrong="{% img photo.image height=0 alt=photo.title %}",
            forms=("300", '"300"'),
            contradicts=(("`width` together with `ratio`", 'width=400 height=300 ratio="4/3"'),),
        ),
        Entry(
            name="ratio",
            says="Width over height. The picture is cropped to it.",
            takes="a fraction, a number, or one of the words $RATIOS.",
            default="the source's own, or that of the box of `width` and `height`.",
            examples=(
                Example('{% img photo.image width=400 ratio="16/9" alt=photo.title %}'),
                Example('{% img photo.image height=200 ratio="square" alt=photo.title %}'),
            ),
            wrong='{% img photo.image width=400 ratio="wide" alt=photo.title %}',
            forms=('"16/9"', '"16:9"', '"1.5"', "1.5", '"square"'),
            contradicts=(("`width` together with `height`", 'width=400 height=300 ratio="4/3"'),),
        ),
        Entry(
            name="fit",
            says='How the source gets into the box: `"cover"` fills it and crops, `"contain"` shows '
            "the whole source within it.",
            takes="$FITS. It needs a box: `width` and `height`, or `ratio`.",
            default='`"cover"`.',
            examples=(Example('{% img photo.image width=300 height=300 fit="contain" alt=photo.title %}'),),
            wrong='{% img photo.image width=300 fit="contain" alt=photo.title %}',
            contradicts=(
                ('`focal`, if it is `"contain"`', 'width=300 height=300 fit="contain" focal="30% 70%"'),
            ),
        ),
        Entry(
            name="focal",
            says="The point of the picture that a crop keeps as near to its middle as it can. A "
            "picture that is not cropped ignores it.",
            takes="a pair, from the left and from the top: percentages or fractions.",
            default='that of the model\'s [focal point field](focal.md), else the centre, `"50% 50%"`.',
            examples=(
                Example('{% img photo.image width=200 ratio="square" focal="30% 70%" alt=photo.title %}'),
            ),
            wrong='{% img photo.image width=200 ratio="square" focal="left" alt=photo.title %}',
            forms=('"30% 70%"', '"0.3 0.7"', "(0.3, 0.7)"),
            contradicts=(('`fit="contain"`', 'width=300 height=300 fit="contain" focal="30% 70%"'),),
        ),
        Entry(
            name="upscale",
            says="Allows a picture larger than its source, up to the setting `MAX_WIDTH`.",
            takes="a flag.",
            default="`False`.",
            examples=(Example("{% img small.image width=400 upscale=True alt=small.title %}"),),
            wrong='{% img small.image width=400 upscale="yes" alt=small.title %}',
            forms=("True", "False"),
        ),
    ),
)

CANDIDATES = Theme(
    "Candidates",
    "The files that a browser chooses from. Use `densities` for a picture that is as wide on every "
    "page, `widths` with `sizes` for one that grows and shrinks with the window. A picture has at "
    "most $MAX_RENDITIONS files, over all formats.",
    (
        Entry(
            name="densities",
            says="One candidate for each density of a screen, such as 2 for most phones. What the "
            "source cannot fill becomes the largest that it can, with its true descriptor; one "
            "that would add less than a tenth is left out.",
            takes="numbers from 1 to $MAX_DENSITY; 1 is always in.",
            default="the setting `DENSITIES`: $DENSITIES.",
            examples=(
                Example('{% img photo.image width=400 densities="1 1.5 3" alt=photo.title %}'),
                Example(
                    "{% img small.image width=200 alt=small.title %}",
                    "A source 300 px wide makes 1.5x of the default's 2x:",
                ),
                Example(
                    '{% img photo.image width=400 densities=1 formats="" alt=photo.title %}', "One file:"
                ),
            ),
            wrong='{% img photo.image width=400 densities="2x" alt=photo.title %}',
            forms=('"1 2 3"', '"1, 2"', "2", "[1, 2]"),
            contradicts=(("`widths`", 'widths="320 640" densities="1 2"'),),
        ),
        Entry(
            name="widths",
            says="One candidate for each width, each once and never wider than the source. `width` "
            "and `height` in the markup are those of the largest, unless `width`, `height` or "
            "`ratio` say otherwise; `src` is the largest.",
            takes="px, whole numbers from 1 to the setting `MAX_WIDTH`.",
            default="none: the candidates follow from `densities`.",
            examples=(
                Example('{% img photo.image widths="320 640 960" alt=photo.title %}'),
                Example(
                    '{% img photo.image widths="320 640" width=320 ratio="square" alt=photo.title %}',
                    "With a ratio every candidate has it, and with a `width` the page reserves that:",
                ),
            ),
            wrong='{% img photo.image widths="320w 640w" alt=photo.title %}',
            forms=('"320 640 960"', '"320, 640"', "640", "[320, 640]"),
            contradicts=(("`densities`", 'widths="320 640" densities="1 2"'),),
        ),
        Entry(
            name="sizes",
            says="How wide the picture of `widths` is on the page, as HTML writes it. A lazy picture "
            "gets `auto` before it: the browser then knows better than anyone.",
            takes="text. It needs `widths`.",
            default="`$DEFAULT_SIZES`: as wide as the window.",
            examples=(
                Example(
                    '{% img photo.image widths="320 640" sizes="(max-width: 700px) 100vw, 640px" '
                    "alt=photo.title %}"
                ),
                Example(
                    '{% img photo.image widths="320 640" sizes="50vw" loading="eager" alt=photo.title %}',
                    "Not lazy, so without `auto`:",
                ),
            ),
            wrong='{% img photo.image width=400 sizes="50vw" alt=photo.title %}',
            forms=('"50vw"', '"(max-width: 700px) 100vw, 640px"'),
            contradicts=(("`densities`, as it needs `widths`", 'sizes="50vw" densities="1 2"'),),
        ),
    ),
)

FORMATS = Theme(
    "Formats and quality",
    "The formats are $FORMAT_NAMES. Modern ones are offered before a fallback, which follows the "
    "source's name: $FALLBACKS; anything else → JPEG.",
    (
        Entry(
            name="formats",
            says="The formats offered before the fallback, best first. A browser takes the first it "
            "can read.",
            takes="names of formats; empty for the fallback alone.",
            default="the setting `FORMATS`: $FORMATS.",
            examples=(
                Example('{% img photo.image width=400 formats="avif webp" alt=photo.title %}'),
                Example('{% img photo.image width=400 formats="" alt=photo.title %}', "The fallback alone:"),
            ),
            wrong='{% img photo.image width=400 formats="jxl" alt=photo.title %}',
            forms=('"avif webp"', '"avif, webp"', '["avif", "webp"]', '""'),
            contradicts=(("`format`", 'width=400 format="webp" formats="avif"'),),
        ),
        Entry(
            name="format",
            says="This one format alone, without a fallback: a plain `<img>`.",
            takes="the name of a format.",
            default="none: `formats` and the fallback.",
            examples=(Example('{% img photo.image width=400 format="webp" alt=photo.title %}'),),
            wrong='{% img photo.image width=400 format="wepb" alt=photo.title %}',
            forms=('"webp"', '"avif"', '"jpeg"', '"jpg"', '"png"'),
            contradicts=(("`formats`", 'width=400 format="webp" formats="avif"'),),
        ),
        Entry(
            name="quality",
            says="How much is kept, against the size of the files. One number is for all formats; "
            "pairs are for those they name. PNG has none. Another quality is another file, under "
            "another name.",
            takes="whole numbers from 1 to 100.",
            default="the setting `QUALITY` laid over $QUALITIES, which look alike.",
            examples=(
                Example('{% img photo.image width=400 quality=60 format="webp" alt=photo.title %}'),
                Example('{% img photo.image width=400 quality="webp 60 jpeg 70" alt=photo.title %}'),
            ),
            wrong='{% img photo.image width=400 quality="high" alt=photo.title %}',
            forms=("70", '"70"', '"webp 70 avif 55"', '{"webp": 70, "avif": 55}'),
        ),
    ),
)

BEHAVIOUR = Theme(
    "Behaviour",
    "When the picture is loaded, and when it is built.",
    (
        Entry(
            name="priority",
            says="For the one picture that the visitor waits for, such as the large one at the top: "
            "it is loaded at once and first.",
            takes="a flag.",
            default="`False`: the picture is lazy.",
            examples=(
                Example('{% img photo.image width=400 priority=True format="webp" alt=photo.title %}'),
            ),
            wrong="{% img photo.image width=400 priority=1 alt=photo.title %}",
            forms=("True", "False"),
            contradicts=(('`loading="lazy"`', 'width=400 priority=True loading="lazy"'),),
        ),
        Entry(
            name="build",
            says="What the response builds itself, within its budget, if it is missing, also where "
            'the setting `BUILD_HOOK` leaves building to others: `"src"` the file of `src`, '
            '`"srcset"` every candidate, `"all"` both.',
            takes="$BUILDS, or `None`.",
            default="`None`: what is missing goes to the hook.",
            examples=(Example('{% img photo.image width=400 build="src" format="webp" alt=photo.title %}'),),
            wrong='{% img photo.image width=400 build="now" alt=photo.title %}',
        ),
    ),
)

ATTRIBUTES = Theme(
    "Attributes",
    "What else is to stand in the element. `src` and `srcset` are written by the tag itself.",
    (
        Entry(
            name="attributes",
            says="Any attribute of `<img>`, in the order you write them. `_` stands for the hyphen of "
            "`data_…` and `aria_…`. `loading`, `decoding` and `fetchpriority` replace what the "
            "tag would write.",
            takes="text, which is escaped; `True` writes the bare name, `None` and `False` leave the "
            "attribute out. The names are `data_…`, `aria_…`, event handlers (`on…`), and "
            "$HTML_ATTRIBUTES.",
            default='`loading="lazy" decoding="async"`, with `priority` `loading="eager" '
            'fetchpriority="high"`.',
            examples=(
                Example(
                    '{% img photo.image width=400 format="webp" class="wide" id="top" '
                    "data_place=photo.title title=None hidden=True alt=photo.title %}"
                ),
                Example(
                    '{% img photo.image width=400 format="webp" loading="eager" decoding=None '
                    "alt=photo.title %}",
                    "Not lazy, and no `decoding`:",
                ),
            ),
            wrong="{% img photo.image width=400 data-place=photo.title alt=photo.title %}",
            heading="HTML attributes",
        ),
        Entry(
            name="picture_class",
            says="The class of the `<picture>`. Where a plain `<img>` is enough, it is dropped; "
            "`class` is that of the `<img>`.",
            takes="text.",
            default="none.",
            examples=(
                Example('{% img photo.image width=400 picture_class="frame" class="wide" alt=photo.title %}'),
            ),
            wrong='{% img photo.image width=400 picture_klass="frame" alt=photo.title %}',
            forms=('"frame"',),
        ),
    ),
)

URL = Theme(
    "One URL",
    "`{% img_url %}` gives the URL of one file: for CSS, Open Graph, mail.",
    (
        Entry(
            name="img_url",
            says="The URL of the file that `src` would have at 1x. It takes the source, a preset, the "
            "arguments of geometry, `format`, `quality`, `build` and `absolute`. It is escaped "
            "as any value of a template is.",
            takes="what `{% img %}` takes, but nothing of several files, and no attributes.",
            default="the fallback's format.",
            examples=(
                Example("{% img_url photo.image width=400 %}"),
                Example('{% img_url photo.image "card" format="webp" %}'),
                Example(
                    "<div style=\"background-image: url('{% img_url photo.image width=400 "
                    "height=200 %}')\"></div>"
                ),
                Example("{% img_url photo.image width=400 as cover %}{{ cover }}", "Into a variable:"),
            ),
            wrong="{% img_url photo.image width=400 alt=photo.title %}",
            contradicts=(
                ("`densities`", 'width=400 densities="1 2"'),
                ("`widths`", 'widths="320 640"'),
                ("`sizes`", 'sizes="50vw"'),
                ("`formats`", 'formats="avif"'),
                ("`alt` and every other attribute", 'width=400 class="wide"'),
            ),
            tag="img_url",
            heading="The tag `img_url`",
        ),
        Entry(
            name="absolute",
            says="Puts scheme and host before it: those of the request, without one those of the "
            "setting `BASE_URL`.",
            takes="a flag.",
            default="`False`.",
            examples=(
                Example(
                    '{% img_url photo.image width=1200 ratio="1.91" absolute=True %}',
                    "With the setting `BASE_URL` = $BASE_URL:",
                ),
            ),
            wrong='{% img_url photo.image width=1200 absolute="yes" %}',
            forms=("True", "False"),
            tag="img_url",
        ),
    ),
)

THEMES = (BASICS, GEOMETRY, CANDIDATES, FORMATS, BEHAVIOUR, ATTRIBUTES, URL)
ENTRIES = {entry.name: entry for theme in THEMES for entry in theme.entries}
