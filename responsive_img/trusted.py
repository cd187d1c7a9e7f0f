"""
What the warmer has built, told without a look at it: no cache, no query, no storage.

The names of files follow from what is asked for, and the warmer writes every name that can be asked for, so
that none of them is missing whatever the source is like.
"""

from __future__ import annotations

from functools import lru_cache

from responsive_img import files, keys, manifest
from responsive_img.conf import Config
from responsive_img.geometry import Size
from responsive_img.headers import SVG, Header
from responsive_img.manifest import Manifest, Rendition
from responsive_img.sources import SourceRef
from responsive_img.specs import from_text
from responsive_img.svg import is_svg
from responsive_img.variants import Variant, layout_without_source, planned

# px. Stands for a source whose size is not known: it fills whatever may be asked for.
_LARGE = Size(1_000_000, 1_000_000)


def manifest_of(storage: str, name: str, spec: str, size: Size | None, config: Config) -> Manifest:
    """
    Return what is built of a source under a canonical spec once it is warmed.

    Args:
        storage: Of the source.
        name: Of the source; its extension tells what is shown as it is.
        spec: Canonical.
        size: Of the oriented source, px; None: not known, so it counts as large enough.
        config: The settings.
    """
    source = SourceRef(storage, name)
    variants, layout = _plan(spec, "".join(name.rpartition(".")[1:]), size, config)
    renditions = [
        Rendition(
            variant.format,
            files.encoded(keys.rendition_name(source, "", variant, config.directory)),
            variant.descriptor,
        )
        for variant in variants
    ]
    return manifest.compose(renditions, layout)


# Two thirds of what a picture costs that was not shown before, and the same for all sources of one size.
@lru_cache(maxsize=4096)
def _plan(
    spec: str, ending: str, size: Size | None, config: Config
) -> tuple[tuple[Variant, ...], tuple[int | None, int | None]]:
    """Return the variants, and width and height of the layout, of a source whose name ends so: ".jpg"."""
    asked = from_text(spec)
    # By its name alone: an animation of another format is warmed as a still.
    is_gif = ending.lower() == ".gif"
    header = Header(SVG if is_svg(ending) else "", size or _LARGE, is_animated=is_gif)
    is_over = size is not None and size.width * size.height > config.max_source_pixels
    plan = planned(asked, ending, header, max_width=config.defaults.max_width, as_it_is=is_over)
    if size is not None:
        return plan.variants, plan.layout
    # What is not cropped is not stretched into the box of a crop either.
    return plan.variants, (layout_without_source(asked) if plan.variants else None) or (None, None)
