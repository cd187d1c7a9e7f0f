"""
Scenario C: the first request of a page of 20 pictures of 12 megapixels, of which nothing is built.

*build_now* builds within its budget, *enqueue* and *celery* leave all to others; *easy_images*, in an
environment of its own and in the same rounds, does as *enqueue*. Each go has names never seen before.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from sandbox.benchmarks import broker, drawing, peers, rounds, sources
from sandbox.benchmarks.project import MIDDLEWARE, get, handler
from sandbox.benchmarks.reports import Report, Target, table, with_spread
from sandbox.benchmarks.rounds import Figure
from sandbox.benchmarks.verdicts import WrongPageError

PICTURES = 20
BUDGET = 2.0  # s
BESIDE_PEER = 0.5
BUILDING_GOES = 3
_URL = re.compile(r"/media/([^ \",]+)")

Times = dict[str, list[float]]


class View(NamedTuple):
    """
    A first request.

    Attributes:
        seconds: Until the response.
        pending: Pictures that someone has yet to build.
        urls: On the page.
    """

    seconds: float
    pending: int
    urls: int


def run(alias: str, folder: Path, *, count: int) -> Report:
    """
    Measure first requests.

    Args:
        alias: Of the cache.
        folder: For the peer.
        count: Rounds of those that build nothing.

    Raises:
        WrongPageError: A page names a file that is not there, or lacks the size of a picture.
    """
    source = folder / "source.jpg"
    drawing.draw(source)
    with (
        override_settings(RESPONSIVE_IMG_CACHE=alias, RESPONSIVE_IMG_BUILD_BUDGET=BUDGET),
        ExitStack() as stack,
    ):
        used = handler(MIDDLEWARE)
        look = partial(_look, used, source)
        one = [_one(used, source) for _ in range(BUILDING_GOES)]
        built = [look("build_now") for _ in range(BUILDING_GOES)]
        contestants: dict[str, Callable[[], float]] = {"enqueue": lambda: look("enqueue").seconds}
        skipped = []
        if stack.enter_context(broker.answering()):
            contestants["celery"] = lambda: look("celery").seconds
        else:
            skipped.append("celery: skipped, no broker answers.")
        try:
            contestants["easy_images"] = stack.enter_context(peers.easy_images(folder, source, PICTURES))
        except peers.UnavailableError as error:
            skipped.append(f"easy_images: skipped, so nothing is compared with it. {error}")
        for go in contestants.values():
            go()  # what is loaded by the first of all
        seconds = rounds.measure(contestants, count, goes=1)
    return _report(built, one, seconds, skipped)


def _look(used: WSGIHandler, source: Path, hook: str) -> View:
    """Ask for the page of new photos."""
    first = sources.new_photos(source, PICTURES)
    with override_settings(RESPONSIVE_IMG_BUILD_HOOK=f"responsive_img.hooks.{hook}"):
        start = time.perf_counter()
        response = get(used, f"/several/{first}/{PICTURES}/")
        seconds = time.perf_counter() - start
    text = response.content.decode()
    names = _URL.findall(text)
    missing = [name for name in names if not (Path(settings.MEDIA_ROOT) / name).exists()]
    if response.status_code != 200 or missing:
        raise WrongPageError(f"{hook}: status {response.status_code}, {len(missing)} URLs of no file")
    # Past the budget no header is read.
    if hook != "build_now" and text.count('width="400" height="300"') != PICTURES:
        raise WrongPageError(f"{hook}: not every picture has its exact size")
    return View(seconds, int(getattr(response, "responsive_img_pending", 0)), len(names))


def _one(used: WSGIHandler, source: Path) -> float:
    photo = sources.new_photo(source)
    start = time.perf_counter()
    sources.show(used, photo)
    return time.perf_counter() - start


# Text ---------------------------------------------------------------------------------------------------


def _report(built: list[View], one: list[float], seconds: Times, skipped: list[str]) -> Report:
    whole = rounds.figure([view.seconds for view in built])
    longest = BUDGET + max(one)
    rows = [
        (
            "build_now",
            with_spread(_milliseconds(whole), ".0f"),
            f"{max(view.pending for view in built)}",
            "0",
        ),
    ]
    for name, values in seconds.items():
        ours = name != "easy_images"
        figure = with_spread(_milliseconds(rounds.figure(values)), ".1f")
        rows.append((name, figure, str(PICTURES) if ours else "", "0" if ours else ""))
    text = table(
        f"C. First request of a page of {PICTURES} pictures of 12 megapixels (quartiles)",
        ("", "ms until the response", "pictures deferred", "URLs that answer 404"),
        rows,
    )
    text += (
        f"Budget {BUDGET:g} s; a page of one picture takes {rounds.figure(one).median:.2f} s. Where"
        " nothing is built, every picture has its exact width and height.\n"
        + "".join([f"{line}\n" for line in skipped])
    )
    targets = [Target("first page, build_now: budget plus one build", whole, longest, "s")]
    ratios = {}
    if "easy_images" in seconds:
        for name in seconds.keys() - {"easy_images"}:
            ratios[name] = rounds.ratio(seconds[name], seconds["easy_images"])
            targets.append(Target(f"first page, {name} ÷ easy_images", ratios[name], BESIDE_PEER))
    data = {
        "build_now": [view._asdict() for view in built],
        "one_build_seconds": one,
        "seconds": seconds,
        "ratios": {name: ratio._asdict() for name, ratio in ratios.items()},
        "skipped": skipped,
    }
    return Report(text, sorted(targets), data)


def _milliseconds(figure: Figure) -> Figure:
    return Figure(*[1e3 * seconds for seconds in figure])
