"""One file through the engine, in a process that may die of it."""

from __future__ import annotations

import re
import resource
import time
import warnings
from functools import lru_cache
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from responsive_img import arguments, conf
from responsive_img.defaults import effective
from responsive_img.engine import PillowEngine
from responsive_img.exceptions import BuildError
from responsive_img.headers import Header
from responsive_img.specs import Spec
from responsive_img.variants import Variant, planned
from sandbox.fuzzing.items import Item

OK, TOO_LARGE = "ok", "over the limits, served as it is"
_ASKED = ({"width": 200, "format": "webp"}, {"width": 400, "format": "jpeg"})
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Outcome(NamedTuple):
    """
    What came of a file.

    Attributes:
        kind: One of few, to be counted.
        is_failure: It is what no file may do.
        detail: For whoever looks into a failure.
        seconds: It took.
        memory: MB that the process had at most.
    """

    kind: str
    is_failure: bool
    detail: str = ""
    seconds: float = 0.0
    memory: float = 0.0


def work(pipe: Connection) -> None:
    """Try the items that come through the pipe, and answer each with its outcome."""
    # A picture of 90 megapixels is worth a warning of Pillow's; the library's own limit is lower.
    warnings.simplefilter("ignore")
    while (item := pipe.recv()) is not None:
        content = item.content()
        _forget_peak()
        start = time.perf_counter()
        outcome = tried(item, content)
        seconds = time.perf_counter() - start
        pipe.send(outcome._replace(seconds=seconds, memory=_peak()))


def tried(item: Item, content: bytes) -> Outcome:
    """Return what came of a file: read, planned and rendered as in a build."""
    config = conf.current()
    engine = PillowEngine()
    file = BytesIO(content)
    try:
        header = engine.read_header(file)
        pixels = header.size.width * header.size.height
        if pixels > config.max_source_pixels or len(content) > config.max_source_bytes:
            return Outcome(TOO_LARGE, is_failure=False)
        variants = _variants(item.name, header)
        made = dict(engine.render(file, variants))
    except BuildError as error:
        return Outcome(f"BuildError: {type(error.__cause__).__name__}", is_failure=False)
    except Exception as error:  # noqa: BLE001 - what else leaves the engine is what is looked for
        return Outcome(f"raised {type(error).__name__}", is_failure=True, detail=str(error))
    if made.keys() != set(variants) or not all(made.values()):
        return Outcome("without an error, but not all files", is_failure=True)
    return Outcome(OK, is_failure=False)


def _variants(name: str, header: Header) -> list[Variant]:
    limit = conf.current().defaults.max_width
    return [variant for spec in _specs() for variant in planned(spec, name, header, max_width=limit).variants]


@lru_cache
def _specs() -> tuple[Spec, ...]:
    """Return two specs that name a format: of an animation they take the first frame."""
    defaults = conf.current().defaults
    return tuple([effective(arguments.read({**asked, "densities": 1}), defaults) for asked in _ASKED])


def _forget_peak() -> None:
    try:
        _CLEAR.write_text("5")
    except OSError:
        pass


def _peak() -> float:
    """Return the most memory since `_forget_peak`; where the system is not Linux, since the start: MB."""
    if _STATUS.exists():
        match = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if match:
            return int(match[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
