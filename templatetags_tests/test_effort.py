"""
What a picture of a warm page costs in calls: the same on every machine, so that whoever makes it dearer sees it.

Counted are the calls that this library's functions make, and those that others make of them. What Django and
Jinja2 do on their own account is not, nor is what Python reports of no call: a memo that hits, an operator, a
class of C. A page of 100 pictures is taken from one of 200, so that what a response costs once is left out.
"""

from __future__ import annotations

import gc
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import RequestFactory

import responsive_img
from responsive_img import conf, keys, lookup, manifest, markup, programs, resolution, tags
from responsive_img.manifest import Rendition
from responsive_img.middleware import ResponsiveImgMiddleware
from templatetags_tests.models import Profile

FEW, MANY = 100, 200  # pictures
# Calls; what happens to some pictures alone. One call more for each picture is over it.
LEEWAY = 0.5

TAG, END = "tag", "end"  # while the page is rendered; from then to the end of the response
LINE = "{% for photo in photos %}{% img photo.image width=400 alt=photo.title %}{% endfor %}"
TEMPLATES = {"django": "{% load responsive_img %}" + LINE, "jinja2": LINE}

# What is called for each picture: a line for each function that calls, Python's functions, and behind the bar
# those of C. Whoever is not of this library is called "others".
DJANGO = """
    others: responsive_img.ImgNode.render
    responsive_img.ImgNode.render: responsive_img._PictureNode.given, tags.render
    responsive_img._PictureNode.given: __getitem__, 2 responsive_img._Attribute.resolve | getattr
    responsive_img._Attribute.resolve: responsive_img._Attribute._file_of | 2 callable, 2 getattr
    responsive_img._Attribute._file_of: | mappingproxy.get
"""
JINJA2 = """
    others: jinja._picture
    jinja._picture: __new__, renders.request_of, tags.render
    renders.request_of: get
"""
TAGS = """
    tags.render: __bool__, scopes.collector_for, shown.text_of, tags._accepted, collector.Collector.show
    tags.render: | getattr
    scopes.collector_for: | 2 ContextVar.get, getattr
    shown.text_of: markup.escape_value | 3 isinstance
    markup.escape_value: escape | str.isprintable
    tags._accepted: sources.reference, sources.focal_of, resolver.Resolver.accept
    sources.reference: | dict.get, id, isinstance
    sources.focal_of: | 2 getattr
"""
MARKERS = """
    collector.Collector.show: collector.marked | dict.setdefault
"""
SUBSTITUTION = """
    collector.Collector._plain: | bytes.partition, dict.get, 2 list.append
    lookup.cached: manifest.loads
    resolver.Resolver.texts: resolution.replacement
    resolution.replacement: addresses.Addresses.around, markup.element
    addresses.Addresses.around: | dict.get
    collector.Collector.substitute: | str.encode
"""
TRUST = """
    resolver.Resolver.accept: sources.size_of
    sources.size_of: | 2 getattr, 3 isinstance
    collector.Collector.show: resolution.replacement | dict.get
    resolution.replacement: addresses.Addresses.around, markup.element
    addresses.Addresses.around: | dict.get
"""
# For a response.
WITHOUT_PICTURES = """
    others: middleware.ResponsiveImgMiddleware.__call__
    middleware.ResponsiveImgMiddleware.__call__: scopes.is_responding, middleware._start, view, cast
    middleware.ResponsiveImgMiddleware.__call__: scopes.Responding.__init__, scopes.Responding.__enter__
    middleware.ResponsiveImgMiddleware.__call__: scopes.Responding.__exit__, middleware._content
    middleware.ResponsiveImgMiddleware.__call__: middleware._ended
    scopes.is_responding: | getattr
    middleware._start: scopes.start
    scopes.start: collector.Collector.__init__ | setattr
    collector.Collector.__init__: resolver.Resolver.__init__
    resolver.Resolver.__init__: account.Account.__init__
    account.Account.__init__: account.Budget.__init__
    scopes.Responding.__enter__: | ContextVar.set
    scopes.Responding.__exit__: | ContextVar.reset
    middleware._content: bodies.may_hold_markers, middleware._is_rendered, bodies.is_compressed_unreadably
    middleware._content: bodies.content_with_markers, cast
    bodies.may_hold_markers: has_header, get | Pattern.match, getattr
    bodies.is_compressed_unreadably: get | str.lower
    bodies.content_with_markers: content, charset, get, marker.is_in
    bodies.content_with_markers: | str.lower
    marker.is_in: | bytes.find
    middleware._ended: middleware._is_rendered, middleware._warn_of_lost, middleware._finished
    middleware._is_rendered: | 2 getattr
    middleware._warn_of_lost: collector.Collector.lost
    collector.Collector.lost: | dict.keys
    middleware._finished: | len
"""


class Call(NamedTuple):
    """Who calls what, and whether that is a function of Python's."""

    caller: str
    called: str
    is_python: bool


# Call → how often.
Costs = Mapping[Call, float]


def costs_of(table: str) -> Costs:
    """Return what a table says."""
    costs = {}
    for line in table.strip().splitlines():
        caller, _, called = line.strip().partition(": ")
        python, _, c = called.partition("|")
        for names, is_python in ((python, True), (c, False)):
            for times, name in re.findall(r"(?:(\d+) )?([^\s,]+)", names):
                costs[Call(caller, name, is_python)] = float(times or 1)
    return costs


def table_of(costs: Costs) -> str:
    """Return the table that says so."""
    lines = []
    for caller in sorted({call.caller for call in costs}):
        python, c = [
            ", ".join(
                call.called if times == 1 else f"{times:g} {call.called}"
                for call, times in sorted(costs.items())
                if call.caller == caller and call.is_python is is_python
            )
            for is_python in (True, False)
        ]
        lines.append(f"    {caller}: {python}{' ' * bool(python and c)}{'| ' * bool(c)}{c}\n")
    return "".join(lines)


# Counting -----------------------------------------------------------------------------------------------

_OURS = str(Path(responsive_img.__file__).parent)
# From Python 3.12 on these are no calls.
_INLINED = re.compile(r"\.<locals>\.<(list|dict|set)comp>")


class Meter:
    """
    Counts the calls of a response.

    Attributes:
        part: What the response is in the midst of.
        counts: Part → its calls.
    """

    def __init__(self) -> None:
        self.part = END
        self.counts: dict[str, Counter[Call]] = {TAG: Counter(), END: Counter()}

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is called within, but for finalizers, which come when they like."""
        gc.collect()
        gc.disable()
        sys.setprofile(self._count)
        try:
            yield
        finally:
            sys.setprofile(None)
            gc.enable()

    def _count(self, frame: FrameType, event: str, called: Any) -> None:  # pragma: no cover - untraceable
        code = frame.f_code
        if event == "c_call" and _is_ours(code):
            self.counts[self.part][Call(_name(code), called.__qualname__, is_python=False)] += 1
        elif event == "call" and not _INLINED.search(code.co_qualname):
            caller = None if frame.f_back is None else frame.f_back.f_code
            if _is_ours(code) or _is_ours(caller):
                self.counts[self.part][Call(_name(caller), _name(code, code.co_name), is_python=True)] += 1


def _is_ours(code: CodeType | None) -> bool:  # pragma: no cover - as above
    return code is not None and code.co_filename.startswith(_OURS)


def _name(code: CodeType | None, other: str = "others") -> str:  # pragma: no cover - as above
    if code is None or not _is_ours(code):
        return other
    return f"{Path(code.co_filename).stem}.{_INLINED.sub('', code.co_qualname).replace('.<locals>', '')}"


def measured(view: Callable[[Meter, HttpRequest], HttpResponse]) -> Meter:
    """Return the calls of a response that is given for the second time, so that all memos are filled."""
    for _ in range(2):
        meter, request = Meter(), RequestFactory().get("/")
        respond = ResponsiveImgMiddleware(partial(view, meter))
        with meter.counting():
            response: Any = respond(request)
        assert response.responsive_img_pending == 0
    return meter


def per_picture(language: str) -> dict[str, Costs]:
    """Return what is called for each picture of a warm page, by part."""
    template = engines[language].from_string(TEMPLATES[language])
    photos = warm_photos(MANY)

    def view(shown: list[SimpleNamespace], meter: Meter, request: HttpRequest) -> HttpResponse:
        meter.part = TAG
        text = template.render({"photos": shown}, request)
        meter.part = END
        return HttpResponse(text)

    few = measured(partial(view, photos[:FEW])).counts
    many = measured(partial(view, photos)).counts
    return {
        part: {
            call: (times - few[part][call]) / (MANY - FEW)
            for call, times in many[part].items()
            if times != few[part][call]
        }
        for part in (TAG, END)
    }


def warm_photos(count: int) -> list[SimpleNamespace]:
    """Return images, of rows that know their size, and titles; the cache has their pictures, in four files each."""
    rows = [
        Profile(main_image=f"photos/{each}.jpg", image_width=4000, image_height=3000) for each in range(count)
    ]
    program, _ = programs.compile_img([("width", 400), ("alt", programs.EXPRESSION)])
    config = conf.current()
    spec = resolution.canonical(program.spec, config).text
    manifests = {}
    for row in rows:
        name = str(row.main_image.name)
        files = [
            Rendition(format, f"renditions/{name}-{density}.{format}", density)
            for format in ("webp", "jpeg")
            for density in ("1x", "2x")
        ]
        manifests[keys.picture_key("default", name, spec)] = manifest.compose(files, (400, 300))
    lookup.store(manifests, config)
    return [
        SimpleNamespace(image=row.main_image, title=f"Boats & nets {each}") for each, row in enumerate(rows)
    ]


def totals(costs: Costs) -> list[float]:
    """Return how many functions of Python's and of C's are called."""
    return [sum(times for call, times in costs.items() if call.is_python is kind) for kind in (True, False)]


def complaint(where: str, found: Costs, table: str) -> str:
    """Return what is called more and less often than a table says, where the totals differ; "" where not."""
    expected = costs_of(table)
    if all(abs(one - other) < LEEWAY for one, other in zip(totals(found), totals(expected), strict=True)):
        return ""
    changes = {
        call: found.get(call, 0) - expected.get(call, 0)
        for call in sorted({*found, *expected})
        if found.get(call, 0) != expected.get(call, 0)
    }
    callers = {call.caller for call in changes}
    gone = callers - {call.caller for call in found}
    now, before = [
        "{:g} of Python's functions and {:g} of C's".format(*totals(each)) for each in (found, expected)
    ]
    return "\n".join(
        [
            f"{where} calls {now}, not {before}.",
            *[
                f"{times:+g} {call.caller} → {call.called}"
                for call, times in sorted(changes.items(), key=lambda change: -change[1])
            ],
            "Where that is meant, the table is to say:",
            table_of({call: times for call, times in found.items() if call.caller in callers}),
            *[f"    (nothing of {caller})" for caller in sorted(gone)],
        ]
    )


def check(*complaints: str) -> None:
    """Fail, and say all that there is to say."""
    said = "\n".join(filter(None, complaints))
    if said:
        pytest.fail(said, pytrace=False)


# Laws ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "table"), [("django", DJANGO), ("jinja2", JINJA2)])
def test_a_picture_costs_as_many_calls_as_it_did(language, table):
    found = per_picture(language)

    check(
        complaint(f"{language}: a tag", found[TAG], table + TAGS + MARKERS),
        complaint(f"{language}: the end of a response, for each picture,", found[END], SUBSTITUTION),
    )


@pytest.mark.parametrize(("language", "table"), [("django", DJANGO), ("jinja2", JINJA2)])
def test_a_picture_that_is_trusted_costs_as_many_calls_as_it_did(language, table, settings):
    settings.RESPONSIVE_IMG_CREATE_ON_DEMAND = False

    found = per_picture(language)

    check(
        complaint(f"{language}: a tag", found[TAG], table + TAGS + TRUST),
        complaint(f"{language}: the end of a response, for each picture,", found[END], ""),
    )


def test_a_response_without_pictures_costs_as_many_calls_as_it_did():
    def view(meter: Meter, request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"<p>Nothing to see.</p>" * 10_000)

    meter = measured(view)

    check(complaint("A response", meter.counts[END], WITHOUT_PICTURES))


@pytest.mark.parametrize(("module", "name"), [(tags, "text_of"), (markup, "element")])
def test_one_call_more_for_each_picture_is_told_by_its_name(module, name, monkeypatch):
    function = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: function(*given))

    with pytest.raises(pytest.fail.Exception, match=r"\n\+1 \S+ → <lambda>\n"):
        test_a_picture_costs_as_many_calls_as_it_did("django", DJANGO)
