"""The stages of a picture on a warm page: the library's own functions, given what a page gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from django.core.cache import caches as all_caches
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.template import RequestContext, engines
from django.test import RequestFactory, override_settings

from responsive_img import conf, jinja, lookup, marker, programs, scopes, shown, tags
from responsive_img.collector import Collector, marked
from responsive_img.keys import picture_key
from responsive_img.resolution import Slot, canonical
from responsive_img.templatetags.responsive_img import ImgNode
from sandbox.benchmarks.pages import ENGINES, SUFFIXES
from sandbox.benchmarks.photos import fill, give_yardsticks
from sandbox.benchmarks.project import MIDDLEWARE, handler, photo_model
from sandbox.benchmarks.rounds import Contestant
from sandbox.benchmarks.verdicts import check_page
from sandbox.profile.stages import WHOLE
from sandbox.profile.timing import Times, medians, stage

PICTURES = 100
REPEATS = 5  # of a page's pictures in one go
GOES = 4  # in a round: what disturbs a go only adds to it

# Of each picture: its source, and the values of the tag's expressions.
Given = list[tuple[object, list[object]]]


class Rendered(NamedTuple):
    """A page as its tags have left it, with who collected."""

    collector: Collector
    content: bytes
    slots: list[Slot]


class Page:
    """A page of one template language, with all that its tag does made callable by itself."""

    def __init__(self, language: str) -> None:
        engine: Any = engines[ENGINES[language]]
        self.template = engine.get_template(f"ours.{SUFFIXES[language]}")
        self.is_django = language == "Django"
        written = [("width", 400), ("alt", programs.EXPRESSION)]
        self.program = programs.compile_img(written)[0]
        self.written = programs.written(written, None, self.template.template.name, gives_url=False)
        if self.is_django:
            self.node = self.template.template.nodelist.get_nodes_by_type(ImgNode)[0]

    def variables(self) -> Contestant:
        """Time the look at what the tag is given."""
        if self.is_django:
            return stage(
                self._contexts, lambda contexts: [self.node.given(each) for each in contexts], REPEATS
            )
        getattr_of = self.template.template.environment.getattr
        return stage(
            rows,
            lambda photos: [(getattr_of(each, "image"), getattr_of(each, "title")) for each in photos],
            REPEATS,
        )

    def _contexts(self) -> list[RequestContext]:
        request = RequestFactory().get("/")
        return [RequestContext(request, {"photo": photo}) for photo in rows()]

    def tag(self) -> Contestant:
        """Time all that the tag does once it has its values."""

        def prepared() -> tuple[HttpRequest, Given]:
            request = RequestFactory().get("/")
            scopes.start(request)
            return request, given()

        def run(prepared: tuple[HttpRequest, Given]) -> None:
            request, pictures = prepared
            with scopes.Responding(getattr(request, scopes.ATTRIBUTE)):
                self._tags(request, pictures)

        return stage(prepared, run, REPEATS)

    def _tags(self, request: HttpRequest, pictures: Given) -> None:
        if self.is_django:
            for source, values in pictures:
                tags.render(self.program, request, source, values)
            return
        context = self.template.template.new_context({"request": request})
        for source, values in pictures:
            jinja._picture(context, source, self.written, values)

    def rendered(self) -> Rendered:
        """Return the page with its markers, and a collector that has resolved none of them yet."""
        request = RequestFactory().get("/")
        collector = scopes.start(request)
        with scopes.Responding(collector):
            text = self.template.render({"heading": "Harbours", "photos": rows()}, request)
        return Rendered(collector, text.encode(), list(collector.slots.values()))


def rows() -> list[Any]:
    """Return the photos, just read: nothing has asked for their files yet."""
    return list(photo_model().objects.order_by("pk")[:PICTURES])


def given() -> Given:
    """Return what the tag is given for each picture."""
    return [(photo.image, [photo.title]) for photo in rows()]


def run(caches: Mapping[str, str], *, count: int) -> dict[str, Times]:
    """
    Return the seconds of each stage of a picture, by the column of the table: language and cache.

    Args:
        caches: Name → alias in CACHES.
        count: Rounds.

    Raises:
        WrongPageError: A page is not what it should be.
    """
    bare, ours = handler(()), handler(MIDDLEWARE)
    fill(ours, PICTURES)
    found = {}
    for language in SUFFIXES:
        for name, alias in caches.items():
            with override_settings(RESPONSIVE_IMG_CACHE=alias):
                give_yardsticks(alias)
                check_page(bare, ours, language, alias, PICTURES)
                page = Page(language)
                contestants = {
                    **_pages(bare, ours, language, alias),
                    **_at_the_tag(page),
                    **_at_the_end(page, alias),
                }
                for each in contestants.values():
                    each()  # what is remembered goes with the settings
                found[f"{language}, {name}"] = _stages(medians(contestants, count, GOES))
    return found


def _pages(bare: WSGIHandler, ours: WSGIHandler, language: str, alias: str) -> dict[str, Contestant]:
    def page(used: WSGIHandler, contestant: str, size: int, *, with_garbage: bool = False) -> Contestant:
        request = partial(RequestFactory().get, f"/page/{language}/{contestant}/{alias}/{size}/")
        return stage(request, used.get_response, REPEATS, with_garbage=with_garbage)

    return {
        WHOLE: page(ours, "ours", PICTURES, with_garbage=True),
        "uncollected": page(ours, "ours", PICTURES),
        "none": page(ours, "ours", 0),
        "empty": page(bare, "empty", PICTURES),
        "bare": page(bare, "empty", 0),
    }


def _at_the_tag(page: Page) -> dict[str, Contestant]:
    pieces = page.program.shown.pieces
    seal = marker.seal(conf.secrets()[0])

    return {
        "variables": page.variables(),
        "tag": page.tag(),
        "attributes": stage(
            given, lambda pictures: [shown.text_of(pieces, values) for _, values in pictures], REPEATS
        ),
        "marker": stage(
            lambda: page.rendered().slots, lambda found: [marked(seal, *slot) for slot in found], REPEATS
        ),
    }


def _at_the_end(page: Page, alias: str) -> dict[str, Contestant]:
    config = conf.current()
    collector, _, slots = page.rendered()
    manifests = collector.look_up([slot[0] for slot in slots])
    keys = {
        picture_key(storage, name, canonical(spec, config).text, config.storage)
        for spec, storage, name, _ in manifests
    }

    def timed(run: Callable[[Rendered], object]) -> Contestant:
        return stage(page.rendered, run, REPEATS)

    return {
        "substitute": timed(lambda made: made.collector.substitute(made.content)),
        "resolve": timed(lambda made: made.collector.resolve(made.slots)),
        "look up": timed(lambda made: made.collector.look_up([slot[0] for slot in made.slots])),
        "markup": timed(lambda made: made.collector.texts(made.slots, manifests)),
        "cached": stage(lambda: set(keys), lambda found: lookup.cached(found, config), REPEATS),
        "get_many": stage(lambda: list(keys), all_caches[alias].get_many, REPEATS),
    }


def _stages(times: Times) -> Times:
    """Return the seconds of each stage for one picture: what contains another is taken without it."""
    of_the_page = {
        "response": times["none"],
        "loop and row": times["empty"] - times["bare"],
        "variables": times["variables"],
        "attributes": times["attributes"],
        "tag": times["tag"] - times["attributes"] - times["marker"],
        "marker": times["marker"],
        "find and replace": times["substitute"] - times["resolve"],
        "key": times["look up"] - times["cached"],
        "get_many": times["get_many"],
        "parse": times["cached"] - times["get_many"],
        "markup": times["markup"],
        "garbage": times[WHOLE] - times["uncollected"],
        WHOLE: times[WHOLE],
    }
    return {name: seconds / PICTURES for name, seconds in of_the_page.items()}
