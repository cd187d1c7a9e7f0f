"""
An engine in a child process, with limits on memory and time: what a hostile file does there ends there.

The child speaks JSON lines and raw bytes, no pickles: a decoder that was taken over must not be believed.
It imports no Django, and serves one build; to start it costs about a tenth of a second.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import IO, Any, cast

from responsive_img.engine import Engine
from responsive_img.exceptions import BuildError
from responsive_img.geometry import Box, Size
from responsive_img.headers import Header
from responsive_img.variants import Variant

# Bytes of address space: 16 per px of the largest source that the settings allow by default, and the libraries.
MEMORY = 2 * 1024**3
SECONDS = 60  # of wall clock and of CPU, for one build
# Of the environment: what finds programs and libraries, and says where and how text is written.
PASSED_ON = frozenset(
    {"PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT", "TMPDIR", "TEMP"}
)
# What the child may say, so that it cannot fill the memory of who listens.
MAX_LINE = 65_536  # bytes
MAX_SIDE = 2**31 - 1  # px
MAX_BYTES_PER_PX, MAX_OVERHEAD = 16, 1_048_576  # of a rendition


class IsolatedEngine:
    """Runs another engine in a child of its own, which `close` ends."""

    def __init__(self, path: str, *, memory: int = MEMORY, seconds: float = SECONDS) -> None:
        """
        Remember what to run; the child is started when it is first needed.

        Args:
            path: Dotted path of the engine that does the work.
            memory: Limit of the child's address space, bytes.
            seconds: Limit of its time.
        """
        self._path = path
        self._memory = memory
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._timer: Timer | None = None
        self._started_at = 0.0

    def read_header(self, file: IO[bytes]) -> Header:
        """Return format, oriented size, and whether it moves, without decoding."""
        with _on_disk(file) as path:
            self._ask({"do": "read_header", "path": path})
            answer = self._answer()
        with _whole_answers():
            size = Size(*map(int, answer["size"]))
            if not (0 < size.width <= MAX_SIDE and 0 < size.height <= MAX_SIDE):
                raise ValueError("a size that no picture has")
            return Header(str(answer["format"]), size, bool(answer["is_animated"]))

    def render(self, file: IO[bytes], variants: Sequence[Variant]) -> Iterator[tuple[Variant, bytes]]:
        """Yield each variant with its file's bytes."""
        with _on_disk(file) as path:
            self._ask({"do": "render", "path": path, "variants": [asdict(each) for each in variants]})
            while "variant" in (answer := self._answer()):
                with _whole_answers():
                    variant = variants[int(answer["variant"])]
                    content = self._content(int(answer["length"]), variant.size)
                yield variant, content

    def close(self) -> None:
        """End the child."""
        if self._timer is not None:
            self._timer.cancel()
        if self._child is not None:
            child, self._child = self._child, None
            child.kill()
            # What it was not there to read any more is still to be written.
            with suppress(BrokenPipeError), child:
                pass

    @property
    def _stdout(self) -> IO[bytes]:
        return cast("IO[bytes]", self._started().stdout)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            self._started_at = time.monotonic()
            self._child = subprocess.Popen(  # noqa: S603 - this interpreter, this module
                [
                    sys.executable,
                    "-P",
                    "-m",
                    __name__,
                    self._path,
                    str(self._memory),
                    str(int(self._seconds)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
            )
            self._timer = Timer(self._seconds, self._child.kill)
            self._timer.daemon = True
            self._timer.start()
        return self._child

    def _ask(self, message: Mapping[str, Any]) -> None:
        stdin = cast("IO[bytes]", self._started().stdin)
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise self._death() from error

    def _answer(self) -> dict[str, Any]:
        """
        Return the child's next line.

        Raises:
            BuildError: The engine raised one, or the child is dead.
        """
        line = self._stdout.readline(MAX_LINE)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._death() from error
        if not isinstance(answer, dict) or "error" in answer:
            said = answer["error"] if isinstance(answer, dict) else "ChildProcessError: an unreadable answer"
            raise BuildError(str(said))
        return answer

    def _content(self, length: int, size: Size) -> bytes:
        """
        Return a rendition's bytes.

        Raises:
            BuildError: The child died before it had said them all.
            ValueError: They are more than such a rendition can have.
        """
        if not 0 < length <= MAX_BYTES_PER_PX * size.width * size.height + MAX_OVERHEAD:
            raise ValueError("a length that no rendition has")
        content = self._stdout.read(length)
        if len(content) < length:
            raise self._death()
        return content

    def _death(self) -> BuildError:
        child = self._started()
        child.kill()
        code = child.wait()
        # Of CPU there is no more than of the clock's: whatever ended it, it was too slow.
        if time.monotonic() - self._started_at >= int(self._seconds):
            return BuildError(f"TimeoutError: the engine's process took over {self._seconds} s")
        return BuildError(f"ChildProcessError: the engine's process ended with {code}")


def _environment() -> dict[str, str]:
    """Return what the child needs: no secrets, and no relative path, as uploads may lie where it would lead."""
    paths = [path for path in sys.path if Path(path).is_absolute()]
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def _whole_answers() -> Iterator[None]:
    """Turn what an answer that is none leads to into `BuildError`."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise BuildError(f"ChildProcessError: an unreadable answer, {error!r}") from error


@contextmanager
def _on_disk(file: IO[bytes]) -> Iterator[str]:
    """Give the path of a file; of a copy, where its storage has none."""
    name = getattr(file, "name", None)
    if isinstance(name, str) and Path(name).is_absolute() and Path(name).is_file():
        yield name
        return
    with tempfile.NamedTemporaryFile(prefix="responsive-img-") as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy)
        copy.flush()
        yield copy.name


# In the child ------------------------------------------------------------------------------------------


def serve(path: str, memory: int, seconds: int, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Do what the lines of `requests` ask for, within the limits, until they end."""
    module, _, name = path.rpartition(".")
    engine: Engine = getattr(import_module(module), name)()
    if find_spec("resource") is not None:
        _limit("RLIMIT_AS", memory)
        _limit("RLIMIT_CPU", seconds)
    for line in requests:
        try:
            _obey(engine, json.loads(line), answers)
        except BuildError as error:
            _say(answers, {"error": str(error)})
        except Exception as error:  # noqa: BLE001 - another engine may raise what it likes
            _say(answers, {"error": f"{type(error).__name__}: {error}"})
        answers.flush()


def _limit(name: str, value: int) -> None:
    """Set a limit; one that the whole process tree is under already cannot be raised."""
    # Loaded here, in the child: Windows has no such module, and there the time alone is limited.
    resource = import_module("resource")
    kind = getattr(resource, name)
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _obey(engine: Engine, request: Mapping[str, Any], answers: IO[bytes]) -> None:
    with Path(request["path"]).open("rb") as file:
        if request["do"] == "read_header":
            header = engine.read_header(file)
            _say(answers, header._asdict())
            return
        variants = [_variant(values) for values in request["variants"]]
        places = {variant: index for index, variant in enumerate(variants)}
        for variant, content in engine.render(file, variants):
            _say(answers, {"variant": places[variant], "length": len(content)})
            answers.write(content)
        _say(answers, {"end": True})


def _say(answers: IO[bytes], message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")


def _variant(values: Mapping[str, Any]) -> Variant:
    return Variant(**{**values, "size": Size(*values["size"]), "box": Box(*values["box"])})


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer, sys.stdout.buffer)
