"""Hooks that send jobs away, with real brokers and workers; without any service, over Celery's broker in memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
from celery import Celery, current_app
from django.conf import settings as django_settings
from django.core.cache import cache
from kombu import pools
from PIL import Image

import responsive_img
from responsive_img import records, tasks
from responsive_img.engine import PillowEngine
from responsive_img.hooks import BuildJob, celery
from responsive_img.queue import process_queue
from responsive_img.tasks import build_by_celery
from templatetags_tests.conftest import Router, drawn, unavailable

ROOT = Path(responsive_img.__file__).parent.parent
NAMES = ("photos/a.jpg", "photos/b.jpg")
# Two sources, each under two specs: one ratio is the source's, the other is not.
PAGE = "".join(
    f'{{% img "{name}" width=20 alt="" %}}{{% img "{name}" width=30 ratio="1/1" alt="" %}}' for name in NAMES
)
UNBUILT = "".join(
    f'<img src="/media/{name}" width="{width}" height="{height}" alt="" loading="lazy" decoding="async">'
    for name in NAMES
    for width, height in ((20, 10), (30, 30))
).encode()
RENDITIONS = 16  # two sources × two specs × WebP and JPEG × 1x and 2x
PATIENCE = 40  # s for a worker that has to start


# A project that pages and workers share ------------------------------------------------------------------


class HangingEngine(PillowEngine):
    """Stops for ever once as many files are saved as `$HANG` says; the next time that file is gone."""

    def render(self, file, variants):
        hang = Path(os.environ["HANG"])
        for done, made in enumerate(super().render(file, variants), 1):
            yield made
            if hang.exists() and hang.read_text() == str(done):  # pragma: no cover - here it gets killed
                hang.rename(hang.with_name("hanging"))
                time.sleep(600)


class Site:
    """A database, a cache, media and settings that several processes share."""

    def __init__(self, folder: Path, names: Sequence[str] = NAMES) -> None:
        self.folder, self.media = folder, folder / "media"
        self.hang, self.hanging = folder / "hang", folder / "hanging"
        self.database: dict[str, Any] = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(folder / "site.sqlite3"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
            "CONN_MAX_AGE": None,
        }
        self.caches = {
            "default": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(folder / "cache"),
            }
        }
        self._processes: list[subprocess.Popen[str]] = []
        for name in names:
            path = self.media / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(drawn())
        self.configure()

    def configure(self, **settings: object) -> None:
        """Write the settings of the processes that are started from now on."""
        values = {
            "DATABASES": {"default": self.database},
            "CACHES": self.caches,
            "MEDIA_ROOT": str(self.media),
            "RESPONSIVE_IMG_ENGINE": f"{__name__}.HangingEngine",
            **settings,
        }
        lines = [f"{name} = {value!r}\n" for name, value in values.items()]
        (self.folder / "site_settings.py").write_text(
            "from templatetags_tests.settings import *\n" + "".join(lines)
        )
        (self.folder / "site_broker.py").write_text(
            "from celery import Celery\n"
            'app = Celery("site")\n'
            'app.config_from_object("django.conf:settings", namespace="CELERY")\n'
            "app.autodiscover_tasks()\n"
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start `python` with these arguments."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}",
            "HANG": str(self.hang),
        }
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                env=environment,
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._processes.append(process)
        return process

    def run(self, *command: str) -> str:
        """Run `python` with these arguments to its end, and return what it prints."""
        process = self.start(*command)
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (self.folder / "log").read_text()
        return out

    def start_celery(self) -> subprocess.Popen[str]:
        quick = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return self.start(
            "-m", "celery", "-A", "site_broker", "worker", "-P", "solo", "-l", "WARNING", *quick
        )

    def join(self, settings: Any, add_database: Callable[..., None]) -> None:
        """Make this process, for the rest of the test, one of the site's."""
        add_database("site", self.database)
        settings.DATABASE_ROUTERS = [Router(reads="site", writes="site")]
        settings.CACHES = self.caches
        cache.clear()

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.communicate(timeout=PATIENCE)

    def files(self) -> list[Path]:
        """Return the files of renditions, each of which can be read to its end."""
        found = [path for path in self.media.rglob("renditions/**/*.*") if not path.name.startswith(".")]
        for path in found:
            with Image.open(path) as picture:
                picture.load()
        return found


def states() -> list[str]:
    return sorted(records.picture_model().objects.values_list("state", flat=True))


def eventually(condition: Callable[[], object], what: str = "") -> None:
    """Wait until something is so."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, what or condition
        time.sleep(0.05)


def later(seconds: float = 61) -> None:
    """Have so many seconds gone by: hand-overs and leases are older, and the cache believes less."""
    rows = records.picture_model().objects
    for key, lease in rows.filter(lease_until__isnull=False).values_list("key", "lease_until"):
        rows.filter(key=key).update(lease_until=lease and lease - timedelta(seconds=seconds))
    cache.clear()


@pytest.fixture
def make_site(tmp_path, settings, add_database) -> Iterator[Callable[..., Site]]:
    """Return a function that makes this process one of a site's; all that it has started ends with the test."""
    made = []

    def make(**values: object) -> Site:
        site = Site(tmp_path)
        site.configure(**values)
        made.append(site)
        site.join(settings, add_database)
        return site

    yield make
    for site in made:
        site.stop()


# Celery --------------------------------------------------------------------------------------------------


class Broker:
    """A queue of its own on a broker, and the Celery app of this process for it."""

    def __init__(self, url: str) -> None:
        self.url, self.name = url, f"responsive_img_{uuid.uuid4().hex}"
        self.app = Celery("site", broker=url, fixups=[])
        self.app.conf.task_default_queue = self.name

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a worker of it."""
        return {"CELERY_BROKER_URL": self.url, "CELERY_TASK_DEFAULT_QUEUE": self.name}

    def _act(self, act: Callable[[Any], Any]) -> Any:
        with self.app.connection_for_write() as connection:
            return act(self.app.amqp.queues[self.name](connection.default_channel))

    def declare(self) -> None:
        self._act(lambda queue: queue.declare())

    def count(self) -> int:
        """Return how many messages wait."""
        return int(self._act(lambda queue: queue.queue_declare(passive=True).message_count))

    def take(self) -> list[Any]:
        """Take all messages that wait, and return them."""

        def taken(queue: Any) -> list[Any]:
            messages = []
            while (message := queue.get(no_ack=True)) is not None:
                messages.append(message)
            return messages

        found: list[Any] = self._act(taken)
        return found

    def close(self) -> None:
        self._act(lambda queue: queue.delete())
        self.app.close()


@pytest.fixture
def use_broker(settings) -> Iterator[Callable[[str], Broker]]:
    """Return a function that has the hook `celery` send to a broker."""
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.celery"
    before = current_app._get_current_object()
    used = []

    def use(url: str) -> Broker:
        broker = Broker(url)
        broker.app.set_current()
        broker.declare()
        used.append(broker)
        return broker

    yield use
    for broker in used:
        broker.close()
    pools.reset()  # type: ignore[no-untyped-call]  # Kombu's
    before.set_current()


@pytest.fixture
def in_memory(use_broker, transactional_db) -> Broker:
    """Use a broker within this process."""
    broker: Broker = use_broker("memory://")
    return broker


@pytest.fixture
def rabbitmq() -> str:
    """Return the address of RabbitMQ."""
    address = os.environ.get("RESPONSIVE_IMG_TEST_RABBITMQ", "guest:guest@127.0.0.1:5672")
    url = f"amqp://{address}//"
    client = Celery("probe", broker=url, fixups=[])
    for _ in range(100 if os.environ.get("RESPONSIVE_IMG_REQUIRE_SERVICES") == "1" else 1):
        try:
            with client.connection_for_write() as connection:
                connection.connect()
                return url
        except OSError:  # pragma: no cover - as `unavailable`
            time.sleep(0.2)
    return unavailable("No RabbitMQ answers")  # pragma: no cover - as above


@pytest.fixture(params=["rabbitmq", "redis"])
def broker(request, use_broker) -> Broker:
    """Use each broker that answers."""
    if request.param == "rabbitmq":
        url = request.getfixturevalue("rabbitmq")
    else:
        url = request.getfixturevalue("redis_server")
        with redis_client.Redis.from_url(url) as client:
            eventually(lambda: answers(client), "No Redis answers")
    broker: Broker = use_broker(url)
    return broker


def answers(client: redis_client.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis_client.ConnectionError:  # pragma: no cover - it may have started already
        return False


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def jobs_in(messages: Sequence[Any]) -> list[dict[str, Any]]:
    return [job for message in messages for job in message.payload[0]]


def test_celery_gets_a_json_message_with_a_job_for_each_source(page, save_file, in_memory):
    for name in NAMES:
        save_file(name)

    response = page("django", PAGE)

    messages = in_memory.take()
    assert response.content == UNBUILT
    assert response.responsive_img_pending == 4
    assert [message.content_type for message in messages] == ["application/json"]
    assert [message.headers["task"] for message in messages] == ["responsive_img.build"]
    assert [message.headers["argsrepr"] for message in messages] == [", ".join(NAMES)]
    assert [json.loads(message.body)[1] for message in messages] == [{}]
    assert [job["name"] for job in jobs_in(messages)] == list(NAMES)
    assert [len(job["specs"]) for job in jobs_in(messages)] == [2, 2]
    assert all(BuildJob.from_dict(job).as_dict() == job for job in jobs_in(messages))


def test_the_jobs_of_a_large_page_are_spread_over_some_messages(in_memory):
    jobs = [BuildJob(storage="default", name=f"{number}.jpg", specs=("w20",)) for number in range(12)]

    celery(jobs)

    messages = in_memory.take()
    assert [len(message.payload[0]) for message in messages] == [5, 5, 2]
    assert [BuildJob.from_dict(job) for job in jobs_in(messages)] == jobs


def test_asking_again_sends_celery_nothing_and_a_new_spec_alone(page, save_file, in_memory):
    for name in NAMES:
        save_file(name)
    page("django", PAGE)

    page("django", PAGE)
    cache.clear()
    page("jinja2", PAGE)
    again = in_memory.count()
    page("django", PAGE + PAGE.replace("20", "25"))

    assert again == 1
    assert [len(job["specs"]) for job in jobs_in(in_memory.take())[2:]] == [1, 1]


def test_the_task_of_celery_builds_any_number_of_times(page, save_file, in_memory):
    for name in NAMES:
        save_file(name)
    page("django", PAGE)

    for message in in_memory.take() * 2:
        build_by_celery(*message.payload[0])

    assert states() == ["ready"] * 4
    assert page("django", PAGE).content.count(b"<picture>") == 4


def test_without_celery_the_page_is_whole_and_the_log_names_the_package(
    page, save_file, in_memory, monkeypatch, caplog
):
    for name in NAMES:
        save_file(name)
    monkeypatch.delattr(tasks, "build_by_celery")

    response = page("django", PAGE)

    [record] = caplog.records
    assert response.content == UNBUILT
    assert states() == ["queued"] * 4
    assert "RESPONSIVE_IMG_BUILD_HOOK needs the package celery." in record.exc_text


def test_a_celery_worker_builds_what_pages_ask_for(page, make_site, broker):
    site = make_site(**broker.settings)

    first = page("django", PAGE)
    sent = broker.count()
    page("django", PAGE)
    cache.clear()
    page("jinja2", PAGE)
    again = broker.count()
    site.start_celery()
    eventually(lambda: states() == ["ready"] * 4)
    last = page("django", PAGE)

    assert first.content == UNBUILT
    assert first.responsive_img_pending == 4
    assert (sent, again) == (1, 1)
    assert last.content.count(b"<picture>") == 4
    assert last.content.count(b"/media/renditions/") == RENDITIONS + 4  # `src` names a file of `srcset`
    assert last.content.count(b'width="20" height="10"') == last.content.count(b'width="30" height="30"') == 2
    assert last.responsive_img_pending == 0
    assert len(site.files()) == RENDITIONS


@pytest.mark.parametrize("saved", [1, 8], ids=["after one file", "between the last file and its row"])
def test_what_a_killed_celery_worker_leaves_is_built_when_its_lease_is_over(page, make_site, broker, saved):
    site = make_site(**broker.settings)
    site.hang.write_text(str(saved))
    page("django", PAGE)
    worker = site.start_celery()
    eventually(site.hanging.exists)
    worker.kill()
    code = worker.wait(PATIENCE)
    left = states()

    cache.clear()
    meanwhile = page("django", PAGE)
    files = len(site.files())
    site.start_celery()
    eventually(lambda: states() == ["building"] * 2 + ["ready"] * 2 or broker.url.startswith("redis"))
    later(3600)
    page("django", PAGE)
    eventually(lambda: states() == ["ready"] * 4)
    last = page("django", PAGE)

    assert code == -signal.SIGKILL
    assert left == ["building"] * 2 + ["queued"] * 2
    assert meanwhile.content == UNBUILT
    assert meanwhile.responsive_img_pending == 4
    assert files == saved
    assert last.content.count(b"<picture>") == 4
    assert len(site.files()) == RENDITIONS


@pytest.fixture(params=["amqp", "redis"])
def scheme(request) -> str:
    """Return how the address of a broker begins."""
    return str(request.param)


@pytest.fixture(params=["refuses", "hangs"])
def dead_broker(request, scheme) -> Iterator[str]:
    """Return the address of a broker that refuses to be connected to, or that never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            server.listen()
        end = threading.Timer(10, server.close)  # of who would wait for ever
        end.start()
        yield f"{scheme}://127.0.0.1:{server.getsockname()[1]}/"
        end.cancel()


def test_a_broker_that_is_down_costs_one_line_and_no_job(page, save_file, in_memory, dead_broker, log):
    for name in NAMES:
        save_file(name)
    Celery("down", broker=dead_broker, fixups=[]).set_current()
    started = time.monotonic()

    response = page("django", PAGE)
    again = page("django", PAGE)

    seconds = time.monotonic() - started
    assert response.status_code == again.status_code == 200
    assert response.content == again.content == UNBUILT
    assert response.responsive_img_pending == again.responsive_img_pending == 4
    assert log() == ["The build hook raised; 2 job(s) stay queued"]
    assert states() == ["queued"] * 4
    assert seconds < 3.5  # Celery itself waits for at least 4 s
    in_memory.app.set_current()
    later()
    page("django", PAGE)
    assert in_memory.count() == 1
    assert process_queue() == 2
    assert page("django", PAGE).content.count(b"<picture>") == 4


def test_of_a_list_of_brokers_the_one_that_is_up_gets_the_jobs(page, save_file, in_memory, dead_broker, log):
    for name in NAMES:
        save_file(name)
    some = Celery("some", broker=[dead_broker, dead_broker, in_memory.url], fixups=[])
    some.conf.task_default_queue = in_memory.name
    some.set_current()

    page("django", PAGE)

    assert in_memory.count() == 1
    assert log() == []


def test_tasks_of_celery_that_run_at_once_need_no_broker(page, save_file, in_memory, dead_broker, log):
    for name in NAMES:
        save_file(name)
    eager = Celery("eager", broker=dead_broker, fixups=[])
    eager.conf.task_always_eager = True
    eager.set_current()

    page("django", PAGE)

    assert states() == ["ready"] * 4
    assert log() == []


@pytest.mark.parametrize("serializer", ["pickle", "no such one"])
def test_jobs_are_json_however_the_project_s_own_tasks_are_sent(page, save_file, in_memory, serializer):
    save_file(NAMES[0])
    in_memory.app.conf.task_serializer = serializer

    page("django", PAGE.partition("%}")[0] + "%}")

    assert [message.content_type for message in in_memory.take()] == ["application/json"]


# Django's tasks ------------------------------------------------------------------------------------------

# Django 6 has tasks; before it, the package has the same.
TASKS = "django.tasks" if find_spec("django.tasks") else "django_tasks"


@pytest.fixture
def use_tasks(settings, transactional_db) -> Callable[[str], None]:
    """Return a function that has the hook `django_tasks` use a backend."""

    def use(backend: str) -> None:
        settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.{backend}"}}
        settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.django_tasks"

    return use


def test_tasks_that_run_at_once_build_in_the_response(page, save_file, use_tasks, settings):
    use_tasks("immediate.ImmediateBackend")
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    for name in NAMES:
        save_file(name)

    response = page("django", PAGE)

    assert response.content.count(b"<picture>") == 4
    assert response.responsive_img_pending == 0
    assert states() == ["ready"] * 4


def test_tasks_get_one_job_for_each_source_and_none_when_asked_again(page, save_file, use_tasks):
    use_tasks("dummy.DummyBackend")
    for name in NAMES:
        save_file(name)
    backend: Any = tasks.build_by_django.get_backend()

    first = page("django", PAGE)
    cache.clear()
    page("django", PAGE)
    jobs = [json.loads(json.dumps(result.args))[0] for result in backend.results]
    for job in jobs * 2:
        tasks.build_by_django.call(job)

    assert first.content == UNBUILT
    assert first.responsive_img_pending == 4
    assert [(job["name"], len(job["specs"])) for job in jobs] == [(name, 2) for name in NAMES]
    assert page("django", PAGE).content.count(b"<picture>") == 4


def needs_worker() -> None:
    if not find_spec("django_tasks_db"):  # pragma: no cover - as `unavailable`
        unavailable("django-tasks-db is not installed")


SHOW = (
    "import sys, django; django.setup()\n"
    "from django.http import HttpResponse; from django.template import engines\n"
    "from templatetags_tests.conftest import respond; from templatetags_tests.test_hooks_brokers import PAGE\n"
    'template = engines["django"].from_string("{% load responsive_img %}" + PAGE)\n'
    "response = respond(lambda request: HttpResponse(template.render({}, request)))\n"
    'sys.stdout.write(f"{response.responsive_img_pending} {response.content.decode()}")\n'
)


def test_a_worker_of_tasks_in_the_database_builds_what_pages_ask_for(tmp_path):
    needs_worker()
    site = Site(tmp_path)
    apps = [TASKS] if TASKS == "django_tasks" else []
    site.configure(
        INSTALLED_APPS=[*django_settings.INSTALLED_APPS, *apps, "django_tasks_db"],
        TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
        RESPONSIVE_IMG_BUILD_HOOK="responsive_img.hooks.django_tasks",
    )
    site.run("-m", "django", "migrate", "--verbosity", "0")
    count = "from django_tasks_db.models import DBTaskResult; print(DBTaskResult.objects.count())"

    first, again = site.run("-c", SHOW), site.run("-c", SHOW)
    sent = site.run("-m", "django", "shell", "--verbosity", "0", "-c", count)
    site.run("-m", "django", "db_worker", "--batch", "--no-startup-delay", "--interval", "0")
    last = site.run("-c", SHOW)

    assert first == again == f"4 {UNBUILT.decode()}"
    assert sent.split() == ["2"]
    assert last.startswith("0 <picture>")
    assert last.count("<picture>") == 4
    assert len(site.files()) == RENDITIONS


# What is not installed -----------------------------------------------------------------------------------

HIDDEN = """
import sys, types
from importlib.machinery import ModuleSpec
for name in {hidden!r}:
    sys.modules[name] = None
if {stands_in!r}:
    module = types.ModuleType({stands_in!r})
    module.__spec__ = ModuleSpec({stands_in!r}, None)
    module.task = lambda: lambda call: call
    sys.modules[{stands_in!r}] = module
import django
django.setup()
from responsive_img import hooks, tasks
found = [name for name in ("build_by_celery", "build_by_django") if hasattr(tasks, name)]
for hook in (hooks.celery, hooks.django_tasks):
    try:
        hook([])
    except ImportError as error:
        found.append(str(error))
if "build_by_django" in found and {stands_in!r}:
    tasks.build_by_django({{"storage": "default", "name": "x.jpg"}})
print("\\n".join(found))
"""
NO_CELERY = "RESPONSIVE_IMG_BUILD_HOOK needs the package celery."
NO_TASKS = "RESPONSIVE_IMG_BUILD_HOOK needs the package django-tasks."


@pytest.mark.parametrize(
    ("hidden", "stands_in", "found"),
    [
        (["celery", "django.tasks", "django_tasks"], "", [NO_CELERY, NO_TASKS]),
        (["django.tasks", "django_tasks"], "", ["build_by_celery", NO_TASKS]),
        (["celery", "django.tasks"], "django_tasks", ["build_by_django", NO_CELERY]),
        (["celery", "django_tasks"], "django.tasks", ["build_by_django", NO_CELERY]),
    ],
    ids=["neither", "only Celery", "only the package", "only Django's"],
)
def test_a_task_is_defined_only_where_its_package_is_installed(tmp_path, hidden, stands_in, found):
    site = Site(tmp_path)
    site.run("-m", "django", "migrate", "--verbosity", "0")

    out = site.run("-c", HIDDEN.format(hidden=hidden, stands_in=stands_in))

    assert out.splitlines() == found


def test_the_hooks_import_neither_broker_nor_tasks(tmp_path):
    code = (
        "import sys, django; django.setup(); import responsive_img.hooks\n"
        'print([name for name in ("celery", "django_tasks", "kombu", "responsive_img.tasks") if name in sys.modules])'
    )

    assert Site(tmp_path).run("-c", code).strip() == "[]"
