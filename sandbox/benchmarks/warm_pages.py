"""
Scenario A: a page whose pictures are all built, 10 to 10,000 of them.

*empty* has the loop and the titles, *static* hand-written markup with every URL on the row, *manifest* one
`get_many` of small tuples and string formatting, *ours* the tag behind the middleware, *trusting* the same with
CREATE_ON_DEMAND off. All but *empty* are the same bytes, which is checked before anything is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory, override_settings

from sandbox.benchmarks import rounds
from sandbox.benchmarks.pages import PLAIN, SUFFIXES
from sandbox.benchmarks.photos import fill, give_yardsticks
from sandbox.benchmarks.project import MIDDLEWARE, handler, settings_of
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import CLOCKS, GO, Clock, Figure
from sandbox.benchmarks.verdicts import check_page

SIZES = (10, 100, 1000, 10_000)
CONTESTANTS = ("empty", "static", "manifest", "ours")
OURS = ("ours", "trusting")
FEW = 100  # pictures; limits are given for pages from here on
MILESTONE, GOAL, TRUSTING = 1.2, 1.0, 0.7
GROWTH, BESIDE_MANIFEST, PLAIN_COST = 1.2, 1.2, 0.06


class Page(NamedTuple):
    """A page to measure."""

    language: str
    contestant: str
    size: int


Times = dict[Page, list[float]]


def run(caches: dict[str, str], clock: str, *, largest: int, count: int) -> Report:
    """
    Measure all pages.

    Args:
        caches: Name → alias in CACHES.
        clock: Name in `CLOCKS`.
        largest: Pictures on the largest page.
        count: Rounds.

    Raises:
        WrongPageError: A page is not what it should be.
    """
    sizes = [size for size in SIZES if size < largest] + [largest]
    bare, ours = handler(()), handler(MIDDLEWARE)
    fill(ours, largest)
    texts, targets, data = [], [], {}
    for name, alias in caches.items():
        with override_settings(RESPONSIVE_IMG_CACHE=alias):
            give_yardsticks(alias)
            for language in SUFFIXES:
                for size in sizes:
                    check_page(bare, ours, language, alias, size)
            times = _measured(CONTESTANTS, bare, ours, alias, sizes, count, CLOCKS[clock])
        for language in SUFFIXES:
            texts.append(_table(times, language, name, sizes))
            targets += _targets(times, language, name, sizes)
        data[name] = [
            {**page._asdict(), "seconds": rounds.figure(values)._asdict(), "rounds": values}
            for page, values in times.items()
        ]
    # Of its own, beside its own static page: it asks no cache, and all that is remembered goes with the settings.
    with settings_of("/trusting/"):
        times = _measured(("static", "trusting"), bare, ours, "default", sizes, count, CLOCKS[clock])
    texts.append(_trusting_table(times, sizes))
    targets += _trusting_targets(times, sizes)
    plain = _plain(bare, ours, count, CLOCKS[clock])
    targets.append(
        Target(f"page of {len(PLAIN) // 1024} KB without pictures: middleware", plain, PLAIN_COST, "ms")
    )
    return Report("\n".join(texts), targets, {**data, "plain_ms": plain._asdict()})


def _measured(
    names: Sequence[str],
    bare: WSGIHandler,
    ours: WSGIHandler,
    alias: str,
    sizes: Sequence[int],
    count: int,
    clock: Clock,
) -> Times:
    contestants = {}
    for size in sizes:
        for language in SUFFIXES:
            for contestant in names:
                used = ours if contestant in OURS else bare
                path = f"/page/{language}/{contestant}/{alias}/{size}/"
                contestants[Page(language, contestant, size)] = _contestant(used, path, clock)
    return rounds.measure(contestants, count)


def _contestant(used: WSGIHandler, path: str, clock: Clock) -> rounds.Contestant:
    """Return what gives the seconds of one response, warmed up."""
    _seconds(used, path, clock, 2)
    return partial(_seconds, used, path, clock, max(1, round(GO / _seconds(used, path, clock, 2))))


def _seconds(used: WSGIHandler, path: str, clock: Clock, repeats: int) -> float:
    requests = [RequestFactory().get(path) for _ in range(repeats)]
    start = clock()
    for request in requests:
        used.get_response(request)
    return (clock() - start) / repeats


def _plain(bare: WSGIHandler, ours: WSGIHandler, count: int, clock: Clock) -> Figure:
    """Return what the middleware adds to a response without pictures: ms."""
    times = rounds.measure(
        {
            name: partial(_seconds, used, "/plain/", clock, 200)
            for name, used in (("bare", bare), ("ours", ours))
        },
        count * 2,
    )
    return Figure(*[1e3 * seconds for seconds in rounds.difference(times["ours"], times["bare"])])


# Figures ------------------------------------------------------------------------------------------------


def _ratio(times: Times, language: str, size: int, above: str, below: str) -> Figure:
    return rounds.ratio(times[Page(language, above, size)], times[Page(language, below, size)])


def _each(times: Times, page: Page) -> list[float]:
    """Return what a page takes per picture in each round: µs."""
    return [1e6 * seconds / page.size for seconds in times[page]]


def _added(times: Times, language: str, size: int) -> list[float]:
    """Return what our pictures add to the empty page, per picture in each round: µs."""
    ours, empty = Page(language, "ours", size), Page(language, "empty", size)
    return [one - other for one, other in zip(_each(times, ours), _each(times, empty), strict=True)]


def _table(times: Times, language: str, cache: str, sizes: Sequence[int]) -> str:
    rows = []
    for size in sizes:
        per_picture = [rounds.figure(_each(times, Page(language, name, size))).median for name in CONTESTANTS]
        rows.append(
            (
                f"{size:,}",
                *[f"{microseconds:.1f}" for microseconds in per_picture],
                f"{rounds.figure(_added(times, language, size)).median:.1f}",
                f"{_ratio(times, language, size, 'empty', 'static').median:.2f}",
                f"{_ratio(times, language, size, 'manifest', 'static').median:.2f}",
                with_spread(_ratio(times, language, size, "ours", "static")),
                with_spread(_ratio(times, language, size, "ours", "manifest")),
            )
        )
    return table(
        f"A. Warm page, {language}, {cache}: µs per picture, and × static (quartiles)",
        (
            "pictures",
            *CONTESTANTS,
            "ours – empty",
            "empty ÷ static",
            "manifest ÷ static",
            "ours ÷ static",
            "ours ÷ manifest",
        ),
        rows,
    )


def _trusting_table(times: Times, sizes: Sequence[int]) -> str:
    rows = []
    for language in SUFFIXES:
        for size in sizes:
            static, trusting = (
                rounds.figure(_each(times, Page(language, name, size))).median
                for name in ("static", "trusting")
            )
            against = with_spread(_ratio(times, language, size, "trusting", "static"))
            rows.append((language, f"{size:,}", f"{static:.1f}", f"{trusting:.1f}", against))
    return table(
        "A. Warm page, nothing looked up: µs per picture, and × static (quartiles)",
        ("language", "pictures", "static", "trusting", "trusting ÷ static"),
        rows,
    )


def _trusting_targets(times: Times, sizes: Sequence[int]) -> list[Target]:
    # In Jinja2 a page of titles alone takes 0.7 of the static one.
    return [
        Target(
            f"Django, {size:,}: trusting ÷ static",
            _ratio(times, "Django", size, "trusting", "static"),
            TRUSTING,
        )
        for size in sizes
        if size >= FEW
    ]


def _targets(times: Times, language: str, cache: str, sizes: Sequence[int]) -> list[Target]:
    found = []
    where = f"{language}, {cache}"
    for size in sizes:
        # On the smallest page the round trip to Redis alone is a third of all, for the yardstick too.
        if language == "Django" and cache == "Redis" and size >= FEW:
            against = _ratio(times, language, size, "ours", "static")
            found.append(Target(f"{where}, {size:,}: ours ÷ static, milestone", against, MILESTONE))
            found.append(Target(f"{where}, {size:,}: ours ÷ static, goal", against, GOAL))
        if language == "Jinja2" and size >= FEW:
            against = _ratio(times, language, size, "ours", "manifest")
            found.append(Target(f"{where}, {size:,}: ours ÷ manifest", against, BESIDE_MANIFEST))
    few, many = FEW, sizes[-1]
    if few in sizes and few < many:
        for contestant in ("ours", "static"):
            grown = rounds.ratio(
                _each(times, Page(language, contestant, many)), _each(times, Page(language, contestant, few))
            )
            name = f"{where}: {contestant} per picture, at {many:,} ÷ at {few:,}"
            found.append(Target(name if contestant == "ours" else f"{name} (for comparison)", grown, GROWTH))
        grown = rounds.ratio(_added(times, language, many), _added(times, language, few))
        name = f"{where}: (ours – empty) per picture, at {many:,} ÷ at {few:,}"
        found.append(Target(name, grown, GROWTH))
    return found
