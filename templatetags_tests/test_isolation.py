from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from responsive_img import isolation
from responsive_img.engine import PillowEngine
from responsive_img.exceptions import BuildError
from responsive_img.geometry import Box, Size
from responsive_img.headers import Header
from responsive_img.isolation import IsolatedEngine
from responsive_img.variants import Variant
from templatetags_tests.images import encoded, gradient, opened

PILLOW = "responsive_img.engine.PillowEngine"
CONTENT = encoded(gradient(64, 48), "PNG")
HEADER = {"format": "png", "size": [64, 48], "is_animated": False}


def variant(format: str = "png", width: int = 32, height: int = 24) -> Variant:
    return Variant(
        format=format,
        size=Size(width, height),
        box=Box(0.0, 0.0, 64.0, 48.0),
        quality=80 if format != "png" else None,
        descriptor="1x",
        label=f"{width}w",
        identity=f"w{width}",
    )


@pytest.fixture
def isolated():
    """Return a function that makes an engine in a child, which is ended after the test."""
    made: list[IsolatedEngine] = []

    def make(path: str = PILLOW, **limits: Any) -> IsolatedEngine:
        made.append(IsolatedEngine(path, **limits))
        return made[-1]

    yield make
    for each in made:
        each.close()


# With a child ------------------------------------------------------------------------------------------


def test_a_child_says_what_the_engine_says(isolated):
    used = isolated()
    variants = [variant("png"), variant("webp"), variant("png", 16, 12)]

    header = used.read_header(BytesIO(CONTENT))
    made = dict(used.render(BytesIO(CONTENT), variants))

    assert header == PillowEngine().read_header(BytesIO(CONTENT)) == Header("png", Size(64, 48))
    assert made == dict(PillowEngine().render(BytesIO(CONTENT), variants))
    assert [opened(made[each]).size for each in variants] == [(32, 24), (32, 24), (16, 12)]


def test_one_child_serves_one_build_and_close_ends_it(isolated, monkeypatch):
    started: list[Any] = []
    popen = subprocess.Popen

    def noted(*args, **options):
        started.append(popen(*args, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    used = isolated()
    assert started == []

    used.read_header(BytesIO(CONTENT))
    list(used.render(BytesIO(CONTENT), [variant()]))
    (child,) = started
    assert child.poll() is None
    used.close()
    used.close()

    assert child.returncode == -9
    assert (child.stdin.closed, child.stdout.closed) == (True, True)


def test_close_before_the_first_use_does_nothing():
    IsolatedEngine(PILLOW).close()


def test_an_error_of_the_engine_is_the_engines_own_and_the_child_goes_on(isolated):
    used = isolated()

    with pytest.raises(BuildError, match=r"^UnidentifiedImageError: "):
        used.read_header(BytesIO(b"Not a picture."))

    assert used.read_header(BytesIO(CONTENT)) == Header("png", Size(64, 48))


def test_what_another_engine_raises_is_named_by_its_class(isolated):
    used = isolated("templatetags_tests.engines.RaisingEngine")

    with pytest.raises(BuildError, match=r"^LookupError: no such thing$"):
        list(used.render(BytesIO(b""), [variant()]))


def test_a_child_that_died_between_two_questions_is_an_error_and_can_be_closed():
    used = IsolatedEngine("templatetags_tests.engines.DyingEngine")
    assert used.read_header(BytesIO(CONTENT)) == Header("png", Size(3, 2))
    assert used._child is not None
    used._child.wait()

    with pytest.raises(BuildError, match=r"^ChildProcessError: the engine's process ended with -9$"):
        list(used.render(BytesIO(CONTENT), [variant()]))

    used.close()
    assert used._child is None


def test_an_engine_that_does_not_exist_is_an_error(isolated, capfd):
    with pytest.raises(BuildError, match=r"^ChildProcessError: the engine's process ended with 1$"):
        isolated("templatetags_tests.engines.NoEngine").read_header(BytesIO(CONTENT))

    assert "has no attribute 'NoEngine'" in capfd.readouterr().err


def test_where_a_system_knows_no_such_limits_a_child_works_without(monkeypatch):
    monkeypatch.setattr(isolation, "find_spec", lambda name: None)
    answers = BytesIO()

    isolation.serve("templatetags_tests.engines.FlatEngine", 0, 0, BytesIO(), answers)

    assert answers.getvalue() == b""


def test_a_child_has_the_limits_it_is_given(tmp_path):
    script = (
        "import resource, sys; from io import BytesIO; from responsive_img.isolation import serve\n"
        "serve('templatetags_tests.engines.FlatEngine', 2**30, 7, BytesIO(), BytesIO())\n"
        "print(resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU), 'django' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == f"({2**30}, {2**30}) (7, 7) False\n"


# The child, here ---------------------------------------------------------------------------------------


@pytest.fixture
def limits(monkeypatch):
    """Return the limits that are set; none of them is."""
    told: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", told.__setitem__)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (-1, resource.RLIM_INFINITY))
    return told


def served(engine: str, *requests: Any) -> bytes:
    answers = BytesIO()
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in requests)
    isolation.serve(engine, 1000, 7, BytesIO(lines), answers)
    return answers.getvalue()


@pytest.fixture
def path(tmp_path):
    """Return where a picture is."""
    file = tmp_path / "x.png"
    file.write_bytes(CONTENT)
    return str(file)


def test_serve_answers_each_line(limits, path):
    asked = [asdict(variant("png")), asdict(variant("webp"))]

    said = served(
        PILLOW, {"do": "read_header", "path": path}, {"do": "render", "path": path, "variants": asked}
    )

    header, _, rest = said.partition(b"\n")
    assert json.loads(header) == HEADER
    made = list(PillowEngine().render(BytesIO(CONTENT), [variant("png"), variant("webp")]))
    expected = b"".join(
        json.dumps({"variant": n, "length": len(content)}).encode() + b"\n" + content
        for n, (_, content) in enumerate(made)
    )
    assert rest == expected + b'{"end": true}\n'
    assert limits == {resource.RLIMIT_AS: (1000, 1000), resource.RLIMIT_CPU: (7, 7)}


def test_serve_keeps_limits_that_are_lower_already(limits, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (5, 5))

    served(PILLOW)

    assert limits == {resource.RLIMIT_AS: (5, 5), resource.RLIMIT_CPU: (5, 5)}


@pytest.mark.parametrize(
    ("engine", "error"),
    [("RefusingEngine", "ValueError: not this one"), ("RaisingEngine", "LookupError: no such thing")],
)
def test_serve_says_what_went_wrong(limits, path, engine, error):
    request = {"do": "render", "path": path, "variants": [asdict(variant())]}

    said = served(f"templatetags_tests.engines.{engine}", request, request)

    assert said == (json.dumps({"error": error}).encode() + b"\n") * 2


def test_serve_says_that_a_file_is_gone(limits):
    said = json.loads(served(PILLOW, {"do": "read_header", "path": "/no/such/file"}))

    assert said["error"].startswith("FileNotFoundError: ")


# A child that must not be believed ---------------------------------------------------------------------


class Child:
    """Stands for a process that says what it was given to say."""

    def __init__(self, said: bytes) -> None:
        self.stdin, self.stdout = BytesIO(), BytesIO(said)
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1

    def wait(self) -> int:
        return 3

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, isolated: Callable[..., IsolatedEngine]) -> Callable[..., Any]:
    """Return a function that makes an engine whose child says this."""

    def make(answer: bytes, **limits: Any) -> Any:
        monkeypatch.setattr(subprocess, "Popen", lambda *args, **options: Child(answer))
        return isolated(**limits)

    return make


@pytest.mark.parametrize(
    "answer",
    [
        b"[]\n",
        b"7\n",
        b"{}\n",
        b'{"format": "png", "size": 7, "is_animated": false}\n',
        b'{"format": "png", "size": [1], "is_animated": false}\n',
        b'{"format": "png", "size": ["x", 1], "is_animated": false}\n',
        b'{"format": "png", "size": [1e999, 1], "is_animated": false}\n',
        b'{"format": "png", "size": [0, 1], "is_animated": false}\n',
        b'{"format": "png", "size": [1, -1], "is_animated": false}\n',
        b'{"format": "png", "size": [2147483648, 1], "is_animated": false}\n',
        b'{"format": "png", "size": [1, 2147483648], "is_animated": false}\n',
        b'{"format": "png", "size": [1, 1]}\n',
    ],
)
def test_a_header_that_is_none_is_an_error(said, answer):
    with pytest.raises(BuildError, match=r"^ChildProcessError: an unreadable answer"):
        said(answer).read_header(BytesIO(CONTENT))


@pytest.mark.parametrize(
    "answer",
    [
        b'{"variant": 1, "length": 4}\nsome',
        b'{"variant": -2, "length": 4}\nsome',
        b'{"variant": "x", "length": 4}\nsome',
        b'{"variant": 0}\nsome',
        b'{"variant": 0, "length": 0}\nsome',
        b'{"variant": 0, "length": -1}\nsome',
        b'{"variant": 0, "length": 1000000000000}\nsome',
    ],
)
def test_a_rendition_that_is_none_is_an_error(said, answer):
    with pytest.raises(BuildError, match=r"^ChildProcessError: an unreadable answer, "):
        list(said(answer).render(BytesIO(CONTENT), [variant()]))


@pytest.mark.parametrize(
    "answer", [b"", b"\n", b"no JSON\n", b'{"variant": 0, "length": 5}\nhalf', b"[" * 100_000]
)
def test_an_answer_that_ends_too_early_is_the_childs_death(said, answer):
    used = said(answer)

    with pytest.raises(BuildError, match=r"^ChildProcessError: the engine's process ended with 3$"):
        list(used.render(BytesIO(CONTENT), [variant()]))

    assert used._child.kills == 1


def test_the_largest_rendition_that_can_be_is_believed(said):
    length = 16 * 32 * 24 + 1_048_576
    answer = (
        json.dumps({"variant": 0, "length": length}).encode() + b"\n" + bytes(length) + b'{"end": true}\n'
    )

    assert list(said(answer).render(BytesIO(CONTENT), [variant()])) == [(variant(), bytes(length))]
    with pytest.raises(BuildError, match="a length that no rendition has"):
        list(
            said(answer.replace(str(length).encode(), b"%d" % (length + 1))).render(
                BytesIO(CONTENT), [variant()]
            )
        )


def test_no_line_is_longer_than_can_be_listened_to(said):
    used = said(b" " * 100_000 + b"{}\n")

    with pytest.raises(BuildError):
        used.read_header(BytesIO(CONTENT))

    assert used._child.stdout.tell() == 65_536


def test_a_child_that_took_its_time_says_so(said):
    with pytest.raises(BuildError, match=r"^TimeoutError: the engine's process took over 0.5 s$"):
        said(b"", seconds=0.5).read_header(BytesIO(CONTENT))


# The file ----------------------------------------------------------------------------------------------


def test_a_file_on_disk_is_opened_where_it_is(tmp_path):
    (tmp_path / "x.png").write_bytes(CONTENT)

    with (tmp_path / "x.png").open("rb") as file, isolation._on_disk(file) as path:
        assert path == str(tmp_path / "x.png")


def test_a_file_of_the_storage_is_opened_where_it_is():
    name = default_storage.save("x.png", ContentFile(CONTENT))

    with default_storage.open(name) as file, isolation._on_disk(file) as path:
        assert path == default_storage.path(name)


@pytest.mark.parametrize("name", [None, 7, "x.png", "/no/such/file.png"])
def test_another_file_is_copied_whole_and_the_copy_is_removed(name):
    file = BytesIO(CONTENT)
    file.name = name  # as storages do
    file.seek(9)

    with isolation._on_disk(file) as path:
        assert Path(path).read_bytes() == CONTENT

    assert not Path(path).exists()


def test_a_child_gets_neither_secrets_nor_a_relative_path(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "secret")
    monkeypatch.setattr(sys, "path", ["", ".", "/somewhere"])

    given = isolation._environment()

    assert given["PYTHONPATH"] == "/somewhere"
    assert given.keys() <= isolation.PASSED_ON | {"PYTHONPATH"}


def test_what_lies_in_the_current_directory_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL" / "__init__.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    used = IsolatedEngine("responsive_img.engine.PillowEngine")

    try:
        assert used.read_header(BytesIO(CONTENT)).format == "png"
    finally:
        used.close()
