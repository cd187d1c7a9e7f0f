"""The stages of a build: one JPEG to 400 and 800 px in WebP and JPEG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count as counting
from pathlib import Path
from typing import IO, NamedTuple, cast

from django.test import override_settings
from PIL import Image

from responsive_img import building, conf, files, lookup, programs
from responsive_img.engine import PillowEngine, _Base, _scaled
from responsive_img.engine.colour import straight
from responsive_img.engine.encoding import encoded
from responsive_img.engine.reading import DECODERS
from responsive_img.headers import Header
from responsive_img.hooks import BuildJob
from responsive_img.hooks import run as run_job
from responsive_img.manifest import Manifest, Rendition, compose
from responsive_img.resolution import canonical
from responsive_img.sources import storage_of
from responsive_img.specs import from_text
from responsive_img.variants import Variant, planned
from sandbox.benchmarks import drawing, sources
from sandbox.benchmarks.rounds import Contestant
from sandbox.profile.stages import WHOLE
from sandbox.profile.timing import Times, medians, stage

MANY = 20  # goes at once of what is short
_numbers = counting()


class Build(NamedTuple):
    """
    A build, taken apart.

    Attributes:
        source: The photo.
        spec: Canonical.
        header: Of the photo.
        base: The photo, decoded.
        images: Width → px.
        variants: What is made.
        contents: The bytes of each.
        manifest: What is recorded and cached of it.
    """

    source: Path
    spec: str
    header: Header
    base: _Base
    images: Mapping[int, Image.Image]
    variants: Sequence[Variant]
    contents: Mapping[Variant, bytes]
    manifest: Manifest


def run(alias: str, folder: Path, *, size: tuple[int, int], count: int) -> Times:
    """
    Return the seconds of each stage of a build.

    Args:
        alias: Of the cache.
        folder: For the source.
        size: Of the source, px.
        count: Rounds.
    """
    source = folder / "profile.jpg"
    drawing.draw(source, size)
    with override_settings(RESPONSIVE_IMG_CACHE=alias):
        contestants = _contestants(_taken_apart(source))
        times = dict(medians(contestants, count, goes=1))
    times["records"] -= times["cache"]
    return times


def _taken_apart(source: Path) -> Build:
    config = conf.current()
    told = programs.compile_img([("width", 400), ("alt", "")])[0].spec or ""
    spec = canonical(told, config).text
    with source.open("rb") as file:
        header = PillowEngine().read_header(file)
        variants = planned(from_text(spec), source.name, header, max_width=config.defaults.max_width).variants
        base = _decoded(file, variants)
    large, small = sorted({(each.size, each.box) for each in variants}, reverse=True)
    images = {large[0].width: base.scaled(large[1], large[0])}
    images[small[0].width] = _scaled(base, small[1], small[0], list(images.values()))
    contents = {each: _encoded(each, images[each.size.width]) for each in variants}
    renditions = [
        Rendition(each.format, f"renditions/builds/{source.stem}-{each.label}", each.descriptor)
        for each in variants
    ]
    return Build(source, spec, header, base, images, variants, contents, compose(renditions, small[0]))


def _contestants(build: Build) -> dict[str, Contestant]:
    return {
        WHOLE: stage(lambda: _job(build), run_job, with_garbage=True),
        "open": stage(lambda: sources.new_name(build.source), lambda name: _open(name).close(), MANY),
        "header": stage(lambda: _open(sources.new_name(build.source)), _header, MANY),
        "decode": stage(lambda: _open(sources.new_name(build.source)), partial(_decode, build.variants)),
        **dict(_of_pixels(build)),
        "save": stage(lambda: _named(build), _save),
        "records": stage(lambda: _job(build), lambda job: building.build_job(job, render=_nothing(build))),
        "cache": stage(
            lambda: {f"profile-{next(_numbers)}": build.manifest},
            lambda manifests: lookup.store(manifests, conf.current()),
        ),
    }


# The engine -----------------------------------------------------------------------------------------------


def _open(name: str) -> IO[bytes]:
    return cast("IO[bytes]", storage_of("default").open(name, "rb"))


def _header(file: IO[bytes]) -> None:
    with file:
        PillowEngine().read_header(file)


def _decode(variants: Sequence[Variant], file: IO[bytes]) -> None:
    with file:
        _decoded(file, variants)


def _decoded(file: IO[bytes], variants: Sequence[Variant]) -> _Base:
    with Image.open(file, formats=DECODERS) as picture:
        return _Base(picture, variants)


def _of_pixels(build: Build) -> Iterator[tuple[str, Contestant]]:
    for variant in build.variants:
        width = variant.size.width
        image, larger = build.images[width], [each for each in build.images.values() if each.width > width]
        scaled = partial(_scaled, build.base, variant.box, variant.size)
        yield f"resize to {width} px", stage(partial(list, larger), scaled)
        yield f"encode {width} px {variant.format}", stage(image.copy, partial(_encoded, variant))


def _encoded(variant: Variant, image: Image.Image) -> bytes:
    return encoded(straight(image), variant, may_be_graphic=False)


# What is around it ------------------------------------------------------------------------------------------


def _job(build: Build) -> BuildJob:
    return BuildJob(
        storage="default",
        name=sources.new_name(build.source),
        field="benchmarks.Photo.image",
        specs=(build.spec,),
    )


def _named(build: Build) -> dict[str, bytes]:
    """Return contents by names that have not been written yet, in a folder that has."""
    number = next(_numbers)
    return {
        f"renditions/builds/profile-{number}-{place}": content
        for place, content in enumerate(build.contents.values())
    }


def _save(contents: Mapping[str, bytes]) -> None:
    storage = storage_of("default")
    files.sync_folders(storage, [files.save(storage, name, content) for name, content in contents.items()])


def _nothing(build: Build) -> Callable[..., dict[str, Manifest]]:
    """Return what stands in for the engine and the storage of a build."""

    def render(
        _: BuildJob, asked: Mapping[str, str], __: object, *, learn: Callable[[Header], None], **___: object
    ) -> dict[str, Manifest]:
        learn(build.header)
        return dict.fromkeys(asked, build.manifest)

    return render
