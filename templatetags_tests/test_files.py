from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.test import override_settings
from hypothesis import example, given

import responsive_img
from responsive_img.files import (
    TEMPORARY_PREFIX,
    decoded,
    encoded,
    save,
    sync_folders,
    url,
    url_prefix,
)
from templatetags_tests.strategies import names

ROOT = Path(responsive_img.__file__).parents[1]
NASTY = [
    "cat.jpg",
    "my cat.jpg",
    "a,b.jpg",
    ",a,.jpg,",
    "it's.jpg",
    'a "quoted" name.jpg',
    "100%.jpg",
    "a%20b.jpg",
    "what?.jpg",
    "a#b.jpg",
    "a&b.jpg",
    "a;b=c.jpg",
    "<b>.jpg",
    "a(1).jpg",
    "(1)",
    "a:b.jpg",
    "http:a.jpg",
    "🖼 ü.jpg",
    "a+b@c!$*~.jpg",
    "folder, one/a b.jpg",
    " .jpg ",
    "\u2028.jpg",
]
PREFIXES = ["/media/", "https://cdn.example/m/", "//cdn.example/", "/", "/m&m/"]


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def mode_of(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


def python(code: str, *arguments: object) -> list[str]:
    """Return the command that runs code in a fresh process with Django's settings ready."""
    start = "from django.conf import settings; settings.configure(); import django; django.setup()\n"
    return [sys.executable, "-c", start + code, *map(str, arguments)]


# URLs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", NASTY)
def test_prefix_and_path_are_the_url(name, prefix):
    storage = FileSystemStorage(base_url=prefix)

    assert f"{url_prefix(storage)}{encoded(name)}" == url(storage, name)


@given(names)
def test_prefix_and_path_of_any_name_are_the_url(name):
    storage = FileSystemStorage(base_url="/media/")

    assert f"{url_prefix(storage)}{encoded(name)}" == url(storage, name)


@pytest.mark.parametrize("prefix", ["/my media/", "/it's (new)/", "/a,b/"])
@pytest.mark.parametrize("name", ["cat.jpg", "a b,.jpg"])
def test_prefix_that_is_nasty_itself_is_safe_in_a_srcset(name, prefix):
    storage = FileSystemStorage(base_url=prefix)

    assert f"{url_prefix(storage)}{encoded(name)}" == url(storage, name)
    assert " " not in url(storage, name)


@given(names)
@example("it's (1), 100%.jpg")
def test_path_needs_no_quoting_anywhere(name):
    assert re.fullmatch(r"[A-Za-z0-9_.~!*/%-]+", encoded(name))


@given(names)
@example("a%20b%2520.jpg")
def test_path_is_read_back(name):
    assert decoded(encoded(name)) == name


@given(names)
@example("a&b.jpg")
def test_url_of_a_name_leads_back_to_it(name):
    storage = FileSystemStorage(base_url="/media/")

    found = unescape(url(storage, name))

    assert decoded(found.removeprefix("/media/")) == name


class Asking(FileSystemStorage):
    """A storage with URLs of its own."""

    answer = ""

    def url(self, name):
        return self.answer or f"https://cdn.example/{name}?a=1&b=2"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", "https://cdn.example/a.jpg?a=1&amp;b=2"),
        ("/a b.jpg", "/a%20b.jpg"),
        ("/it's(1).jpg", "/it%27s%281%29.jpg"),
        (",a,b,", "%2Ca,b%2C"),
        (",", "%2C"),
        ('/"<>.jpg', "/%22%3C%3E.jpg"),
        ("/a\\b.jpg", "/a%5Cb.jpg"),
    ],
)
def test_url_that_a_storage_makes_is_safe_in_a_srcset_and_in_html(answer, expected):
    storage = Asking()
    storage.answer = answer

    assert url(storage, "a.jpg") == expected


def test_prefix_of_a_storage_with_urls_of_its_own_is_not_known():
    assert url_prefix(Asking(base_url="/media/")) is None


def test_prefix_of_another_storage_is_not_known():
    assert url_prefix(InMemoryStorage(base_url="/media/")) is None


def test_prefix_may_be_declared():
    class Declaring(Asking):
        responsive_img_url_prefix = "https://cdn.example/m&m/"

    assert url_prefix(Declaring()) == "https://cdn.example/m&amp;m/"


def test_prefix_of_a_storage_without_urls_is_not_known():
    with override_settings(MEDIA_URL=None):
        assert url_prefix(FileSystemStorage()) is None


def test_prefix_is_read_anew():
    storage = FileSystemStorage()

    with override_settings(MEDIA_URL="/one/"):
        one = url_prefix(storage)
    with override_settings(MEDIA_URL="https://two.example/"):
        two = url_prefix(storage)

    assert (one, two) == ("/one/", "https://two.example/")


# Saving on a file system -------------------------------------------------------------------------------


def test_save_writes_under_the_very_name_and_leaves_nothing_else(tmp_path):
    storage = FileSystemStorage(location=tmp_path)

    saved = save(storage, "a/b/cat.jpg", b"one")

    assert saved == "a/b/cat.jpg"
    assert files_in(tmp_path) == ["a/b/cat.jpg"]
    assert (tmp_path / "a/b/cat.jpg").read_bytes() == b"one"


def test_save_again_replaces_without_a_suffix(tmp_path):
    storage = FileSystemStorage(location=tmp_path)

    names_given = [save(storage, "cat.jpg", content) for content in (b"one", b"two, longer", b"3")]

    assert names_given == ["cat.jpg"] * 3
    assert files_in(tmp_path) == ["cat.jpg"]
    assert (tmp_path / "cat.jpg").read_bytes() == b"3"


@pytest.mark.parametrize(
    "name", [*NASTY, "ä" * 110 + "-4096w.01234567.webp", "🖼" * 37 + "-4096w.01234567.webp"]
)
def test_save_takes_every_name(name, tmp_path):
    storage = FileSystemStorage(location=tmp_path)

    assert save(storage, name, b"x") == name
    assert files_in(tmp_path) == [name]


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o664, 0o444])
def test_save_gives_files_the_permissions_of_the_settings(mode, tmp_path):
    with override_settings(FILE_UPLOAD_PERMISSIONS=mode):
        save(FileSystemStorage(location=tmp_path), "cat.jpg", b"x")

    assert mode_of(tmp_path / "cat.jpg") == oct(mode)


def test_save_gives_new_folders_the_permissions_of_the_settings(tmp_path):
    (tmp_path / "old").mkdir(mode=0o700)

    with override_settings(FILE_UPLOAD_DIRECTORY_PERMISSIONS=0o750):
        save(FileSystemStorage(location=tmp_path), "old/new/newer/cat.jpg", b"x")

    assert [mode_of(tmp_path / name) for name in ("old", "old/new", "old/new/newer")] == [
        "0o700",
        "0o750",
        "0o750",
    ]


@pytest.mark.parametrize(("umask", "moment"), [("0o027", "before"), ("0o002", "after"), ("0o077", "after")])
def test_save_without_permissions_in_the_settings_follows_the_umask_as_django_does(umask, moment, tmp_path):
    code = f"""
import os, sys
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.test import override_settings
if {moment == "before"}:
    os.umask({umask})
from responsive_img.files import save
os.umask({umask})
storage = FileSystemStorage(location=sys.argv[1])
with override_settings(FILE_UPLOAD_PERMISSIONS=None):
    save(storage, "a/ours", b"x")
    storage.save("b/theirs", ContentFile(b"x"))
"""

    subprocess.run(python(code, tmp_path), check=True, cwd=ROOT)

    assert mode_of(tmp_path / "a/ours") == mode_of(tmp_path / "b/theirs") == oct(0o666 & ~int(umask, 8))
    assert mode_of(tmp_path / "a") == mode_of(tmp_path / "b")


def test_import_leaves_the_umask_as_it_is():
    code = "import os; os.umask(0o027); import responsive_img.files; print(oct(os.umask(0)))"

    done = subprocess.run(python(code), check=True, capture_output=True, cwd=ROOT)

    assert done.stdout == b"0o27\n"


def test_save_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    save(FileSystemStorage(location=tmp_path), "cat.jpg", b"old")
    code = """
import resource, signal, sys
from django.core.files.storage import FileSystemStorage
from responsive_img.files import save
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save(FileSystemStorage(location=sys.argv[1]), "cat.jpg", b"n" * 100_000)
except OSError as error:
    sys.stdout.write(type(error).__name__)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}

    done = subprocess.run(python(code, tmp_path), check=True, capture_output=True, cwd=ROOT, env=environment)

    assert done.stdout == b"OSError"
    assert files_in(tmp_path) == ["cat.jpg"]
    assert (tmp_path / "cat.jpg").read_bytes() == b"old"


def test_save_of_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        save(FileSystemStorage(location=tmp_path), "cat.jpg", "text")  # type: ignore[arg-type] # the test

    assert files_in(tmp_path) == []


def test_save_into_what_is_no_folder_fails_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"x")

    with pytest.raises(OSError, match="file"):
        save(FileSystemStorage(location=tmp_path), "file/cat.jpg", b"x")

    assert files_in(tmp_path) == ["file"]


def test_save_over_a_folder_fails_and_leaves_nothing(tmp_path):
    (tmp_path / "cat.jpg").mkdir()

    with pytest.raises(OSError, match=r"cat\.jpg"):
        save(FileSystemStorage(location=tmp_path), "cat.jpg", b"x")

    assert files_in(tmp_path) == []


def test_process_killed_before_the_rename_leaves_the_old_file(tmp_path):
    save(FileSystemStorage(location=tmp_path), "cat.jpg", b"old")
    code = """
import os, signal, sys
from django.core.files.storage import FileSystemStorage
from responsive_img.files import save
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
save(FileSystemStorage(location=sys.argv[1]), "cat.jpg", b"new" * 100_000)
"""

    done = subprocess.run(python(code, tmp_path), check=False, cwd=ROOT)

    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "cat.jpg").read_bytes() == b"old"
    left = [name for name in files_in(tmp_path) if name != "cat.jpg"]
    assert all(name.startswith(TEMPORARY_PREFIX) for name in left)


def test_process_killed_at_any_time_leaves_a_whole_file(tmp_path):
    code = """
import sys
from django.core.files.storage import FileSystemStorage
from responsive_img.files import save
storage = FileSystemStorage(location=sys.argv[1])
while True:
    for letter in b"ab":
        save(storage, "cat.jpg", bytes([letter]) * 3_000_000)
"""
    path = tmp_path / "cat.jpg"
    seen = set()

    for round_number in range(2):
        path.unlink(missing_ok=True)
        with subprocess.Popen(python(code, tmp_path), cwd=ROOT) as process:
            end = time.monotonic() + 30
            while not path.exists() and time.monotonic() < end:
                time.sleep(0.005)
            for _ in range(5 + 14 * round_number):
                content = path.read_bytes()
                seen.add((len(content), content[:1], len(set(content))))
            process.kill()
        content = path.read_bytes()
        seen.add((len(content), content[:1], len(set(content))))

    assert {(length, letters) for length, _, letters in seen} == {(3_000_000, 1)}


def test_threads_that_save_one_name_leave_one_whole_file_at_every_moment(tmp_path):
    storage = FileSystemStorage(location=tmp_path)
    path = tmp_path / "a/cat.jpg"
    save(storage, "a/cat.jpg", b"0" * 200_000)
    seen = set()

    def write(letter):
        for _ in range(12):
            save(storage, "a/cat.jpg", letter * 200_000)

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, bytes([letter])) for letter in b"abcdefgh"]
        while not all(writer.done() for writer in writers):
            content = path.read_bytes()
            seen.add((len(content), len(set(content))))

    assert [writer.exception() for writer in writers] == [None] * 8
    assert seen == {(200_000, 1)}
    assert files_in(tmp_path) == ["a/cat.jpg"]


def test_threads_that_make_the_same_folders_do_not_meet(tmp_path):
    storage = FileSystemStorage(location=tmp_path)
    start = threading.Barrier(8, timeout=20)

    def write(number):
        for folder in range(20):
            start.wait()
            save(storage, f"{folder}/deep/deeper/{number}.jpg", b"x")

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]

    assert [writer.exception() for writer in writers] == [None] * 8
    assert len(files_in(tmp_path)) == 160


# Saving elsewhere --------------------------------------------------------------------------------------


def content_of(storage: Storage, name: str) -> Any:
    with storage.open(name) as file:
        return file.read()


def test_save_on_another_storage_keeps_one_file():
    storage = InMemoryStorage()

    saved = [save(storage, "a/cat.jpg", b"one"), save(storage, "a/cat.jpg", b"one")]

    assert saved == ["a/cat.jpg", "a/cat.jpg"]
    assert storage.listdir("a") == ([], ["cat.jpg"])
    assert content_of(storage, "a/cat.jpg") == b"one"


def test_save_on_another_storage_replaces_what_is_of_another_length():
    storage = InMemoryStorage()
    storage.save("a/cat.jpg", ContentFile(b"half"))

    saved = save(storage, "a/cat.jpg", b"the whole")

    assert saved == "a/cat.jpg"
    assert storage.listdir("a") == ([], ["cat.jpg"])
    assert content_of(storage, "a/cat.jpg") == b"the whole"


class Raced(InMemoryStorage):
    """Another process saves the name right after we were told that it is free."""

    has_been_quicker = False

    def exists(self, name):
        found = super().exists(name)
        if not self.has_been_quicker:
            self.has_been_quicker = True
            self.save(name, ContentFile(b"theirs"))
        return found


def test_save_that_another_process_was_quicker_with_keeps_one_file():
    storage = Raced()

    saved = save(storage, "cat.jpg", b"ours")

    assert saved == "cat.jpg"
    assert storage.listdir("") == ([], ["cat.jpg"])
    assert content_of(storage, "cat.jpg") == b"theirs"


class Lowering(InMemoryStorage):
    """A storage that knows small letters alone."""

    def _save(self, name, content):
        return super()._save(name.lower(), content)  # type: ignore[misc] # the stubs lack it


def test_name_that_the_storage_gives_is_the_name():
    storage = Lowering()

    assert save(storage, "Cat.JPG", b"x") == "cat.jpg"
    assert storage.exists("cat.jpg")


class Encrypting(FileSystemStorage):
    """A file system that must not be written to behind the storage's back."""

    def _save(self, name, content):
        content = ContentFile(content.read()[::-1])
        return super()._save(name, content)  # type: ignore[misc] # the stubs lack it


def test_file_system_that_writes_in_its_own_way_is_let_do_so(tmp_path):
    storage = Encrypting(location=tmp_path)

    saved = [save(storage, "a/cat.jpg", b"abc"), save(storage, "a/cat.jpg", b"abc")]

    assert saved == ["a/cat.jpg", "a/cat.jpg"]
    assert files_in(tmp_path) == ["a/cat.jpg"]
    assert (tmp_path / "a/cat.jpg").read_bytes() == b"cba"


class Noting(FileSystemStorage):
    """A file system that looks on as its files are written."""

    def _save(self, name, content):
        assert content.size == 3
        return super()._save(name, content)  # type: ignore[misc] # the stubs lack it


@pytest.mark.parametrize("mode", [None, 0o640])
def test_file_system_that_looks_on_keeps_one_whole_file(mode, tmp_path):
    storage = Noting(location=tmp_path)

    with override_settings(FILE_UPLOAD_PERMISSIONS=mode):
        saved = [save(storage, "a/cat.jpg", content) for content in (b"abc", b"abc")]

    assert saved == ["a/cat.jpg", "a/cat.jpg"]
    assert files_in(tmp_path) == ["a/cat.jpg"]
    assert (tmp_path / "a/cat.jpg").read_bytes() == b"abc"
    assert mode is None or mode_of(tmp_path / "a/cat.jpg") == oct(mode)


class Down(InMemoryStorage):
    """A storage that does not answer."""

    def _save(self, name, content):
        raise ConnectionError("down")


def test_error_of_a_storage_is_the_caller_s():
    with pytest.raises(ConnectionError, match=r"^down$"):
        save(Down(), "cat.jpg", b"x")


class Signing(FileSystemStorage):
    """A file system whose files come in by `save` alone, as those of a storage that keeps a log."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.saved: list[tuple[str, int]] = []

    def save(self, name, content, max_length=None):
        self.saved.append((name, Path(content.temporary_file_path()).stat().st_ino))
        return super().save(name, content, max_length)


def test_file_system_with_a_save_of_its_own_is_asked_and_moves_a_whole_file(tmp_path):
    storage = Signing(location=tmp_path)

    saved = save(storage, "a/cat.jpg", b"abc")

    assert saved == "a/cat.jpg"
    assert files_in(tmp_path) == ["a/cat.jpg"]
    assert (tmp_path / "a/cat.jpg").read_bytes() == b"abc"
    # The very file that was written under another name: what is copied can be seen when it is half there.
    assert storage.saved == [("a/cat.jpg", (tmp_path / "a/cat.jpg").stat().st_ino)]


@pytest.mark.parametrize("kind", [Noting, Signing, Encrypting])
def test_half_a_file_on_a_file_system_that_writes_in_its_own_way_is_replaced(kind, tmp_path):
    storage = kind(location=tmp_path)
    (tmp_path / "cat.jpg").write_bytes(b"a")

    saved = save(storage, "cat.jpg", b"aba")

    assert saved == "cat.jpg"
    assert files_in(tmp_path) == ["cat.jpg"]
    assert (tmp_path / "cat.jpg").read_bytes() == b"aba"


# Folders, and what is left in them -------------------------------------------------------------------------


def test_the_folders_of_files_are_synced_with_the_files_in_them(tmp_path, monkeypatch):
    storage = FileSystemStorage(location=tmp_path / "media")
    synced: list[str] = []
    names = {
        save(storage, "renditions/a/cat.jpg", b"x"),
        save(storage, "renditions/a/dog.jpg", b"x"),
        save(storage, "renditions/b/cat.jpg", b"x"),
    }
    inodes = {path.stat().st_ino: path for path in [tmp_path, *tmp_path.rglob("*")]}
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(str(inodes[os.fstat(descriptor).st_ino]))
    )

    sync_folders(storage, names)

    media = tmp_path / "media"
    assert synced == [str(media / folder) for folder in ("", "renditions", "renditions/a", "renditions/b")]


def test_folders_that_cannot_be_synced_are_no_error(tmp_path, monkeypatch):
    def refuse(descriptor: int) -> None:
        opened.append(descriptor)
        raise OSError(22, "Invalid argument")

    opened: list[int] = []
    storage = FileSystemStorage(location=tmp_path)
    save(storage, "a/cat.jpg", b"x")
    monkeypatch.setattr(os, "fsync", refuse)

    sync_folders(storage, ["a/cat.jpg"])

    assert len(opened) == 2
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_a_storage_without_folders_has_none_to_sync():
    storage = InMemoryStorage()
    save(storage, "renditions/.ri-0", b"x")

    sync_folders(storage, ["renditions/.ri-0"])

    assert storage.exists("renditions/.ri-0")
