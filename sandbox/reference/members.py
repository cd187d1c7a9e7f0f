"""The tables of the properties of a picture, of `Img` and what it gives, and of the settings."""

from __future__ import annotations

from typing import NamedTuple


class Member(NamedTuple):
    """
    One property or method.

    Attributes:
        call: How it is used.
        says: What it gives.
    """

    call: str
    says: str


class Setting(NamedTuple):
    """
    One setting.

    Attributes:
        says: What it is for.
        unit: Of its value, if any.
    """

    says: str
    unit: str = ""


PIC_LINE = '{% img photo.image width=400 ratio="square" focal="30% 70%" alt=photo.title as pic %}'
PIC = {
    "html": Member("pic.html", "The element, as the tag itself would write it; `{{ pic }}` is the same."),
    "url": Member("pic.url", "The URL of `src`."),
    "srcset": Member("pic.srcset", "The `srcset` of the `<img>`; empty where one file is all."),
    "sizes": Member("pic.sizes", "The `sizes` of the `<img>`; empty without `widths`."),
    "width": Member("pic.width", "The width on the page, px. It can be compared and computed with."),
    "height": Member("pic.height", "The height on the page, px."),
    "object_position": Member("pic.object_position", "The focal point, for the CSS property of this name."),
    "is_built": Member("pic.is_built", "Whether nothing of it is missing."),
}

SETUP = (
    "from responsive_img import Img",
    'card = Img(width=400, ratio="4/3", formats="")',
    "bound = card(photo.image, alt=photo.title)",
)
IMG = {
    "__init__": Member(
        'Img(width=400, ratio="4/3")', "The arguments of the tag, as keywords. It never changes."
    ),
    "extend": Member(
        "card.extend(width=200)",
        "Another `Img`, with these arguments over its own; what contradicts them gives way.",
    ),
    "__call__": Member(
        "card(photo.image, alt=photo.title)",
        "The picture of a source, *bound*: nothing is looked up yet. `alt` is for `as_html()` alone.",
    ),
    "queue": Member(
        'card.queue("reference.Photo")',
        "Builds, or queues, the pictures of each photo that is saved from now on.",
    ),
}
IMG_ARGUMENTS = (
    "A call takes `build`, as the tag does, and `immediate=True`: it is looked up, and built, in the call. `queue` "
    "takes the model too, `fields` (names of fields, a class of fields, or `None` for every file; else the image "
    "fields), `build`, `send_signal=False` for no `queued_img`, and `dispatch_uid`: the next call with the same "
    "one takes the place of the last. [Hooks](hooks.md#in-python) has them at work."
)
BOUND = {
    "base_url": Member("bound.base_url()", "The URL of `src`; of the source while that is not built."),
    "__str__": Member("str(bound)", "The same."),
    "srcset": Member("bound.srcset", "The `srcset` of the `<img>`: its built candidates."),
    "sizes": Member("bound.sizes", "The `sizes` of the `<img>`; empty without `widths`."),
    "width": Member("bound.width", "The width on the page, px; `None` if it is not known."),
    "height": Member("bound.height", "The height on the page, px; `None` if it is not known."),
    "__bool__": Member("bool(bound)", "Whether the file of `src` is built."),
    "is_built": Member(
        "bound.is_built",
        "Whether what `build` asks for is there; without `build`, whether nothing is missing.",
    ),
    "is_looked_up": Member(
        "bound.is_looked_up", "Whether it was looked up already: whatever is asked for first does so."
    ),
    "build": Member(
        'bound.build("all")', 'Builds here and now what is missing: `"src"`, `"srcset"` or `"all"`.'
    ),
    "as_html": Member("print(bound.as_html())", "The element, the same as the tag's. It needs an `alt`."),
}
BATCH_SETUP = "from responsive_img import ImageBatch"
BATCH = {
    "__init__": Member(
        "images = ImageBatch()", "Collects bound images. `Img(…, batch=images)` adds what it binds."
    ),
    "add": Member("boat = images.add(card(small.image))", "Adds a bound image, and gives it."),
    "build": Member("images.build()", "Looks up all that were not, and builds what each is to have built."),
    "__len__": Member("len(images)", "Tells how many there are."),
    "__iter__": Member("[image.width for image in images]", "Gives the images, in their order."),
}
WRONG_IMG = "Img(widht=400)"

SETTINGS = {
    "FORMATS": Setting("offered before the fallback, best first"),
    "QUALITY": Setting("format → 1 to 100, laid over $QUALITIES"),
    "DENSITIES": Setting("of pictures without `densities` and `widths`"),
    "PRESETS": Setting("name → arguments of the tag, or an `Img`"),
    "CREATE_ON_DEMAND": Setting(
        "`False`: pages look nothing up and trust that all was built ahead ([trusting](trusting.md))"
    ),
    "BUILD_HOOK": Setting("dotted path of who builds what is missing"),
    "BUILD_BUDGET": Setting("of building in one response; the rest is left for later", "s"),
    "READ_ONLY": Setting(
        "this process writes neither rows nor files; it still sends jobs to other processes"
    ),
    "CACHE": Setting("alias in `CACHES`"),
    "CACHE_TIMEOUT": Setting("that what was built stays in the cache; the database remembers it longer", "s"),
    "STORAGE": Setting("alias in `STORAGES` for the renditions; `None`: where the source is"),
    "PLACEHOLDER": Setting("a source to show in place of an empty field"),
    "BASE_URL": Setting('origin for `absolute=True` without a request, `"https://example.com"`'),
    "DIRECTORY": Setting("of the renditions, in their storage"),
    "MAX_SOURCE_PIXELS": Setting("width × height; a larger source is served as it is, never decoded", "px"),
    "MAX_SOURCE_BYTES": Setting("the same for its file", "bytes"),
    "MAX_WIDTH": Setting("the largest side that can be asked for", "px"),
    "RETRY": Setting("until a source that failed is tried again", "s"),
    "ISOLATION": Setting('`"process"`: build in a child with limits on memory and time'),
    "ENGINE": Setting("dotted path of what reads and writes pictures"),
    "EMAIL_BACKEND": Setting("behind `responsive_img.mail.EmailBackend`"),
}
