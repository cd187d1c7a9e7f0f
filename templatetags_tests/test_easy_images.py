"""
The examples of django-easy-images' documentation, with the import line changed, in a project of their own.

What else had to be adapted bears a comment that begins with "adapted".
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import responsive_img
from templatetags_tests.conftest import drawn

ROOT = Path(responsive_img.__file__).parents[1]

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["responsive_img", "my_app"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
MEDIA_ROOT, MEDIA_URL = "media", "/media/"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
MIDDLEWARE = ["responsive_img.middleware.ResponsiveImgMiddleware"]
ROOT_URLCONF = "my_app.urls"
ALLOWED_HOSTS = ["*"]
# adapted: there, what is missing always waits for the queue; here that is one of the hooks
RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
"""

IMAGES = """
from responsive_img import Img

thumb = Img(width=448, ratio="video")  # adapted: px for "md"; the ratio is asked for, not the default
thumbnail = Img(width=300)
img_with_sizes = Img(
    # adapted: the candidates' widths and the text of the attribute, in place of a dict of both
    widths=[100, 300, 450, 600],
    sizes="(max-width: 800px) 100px, 300px",
)
"""

MODELS = """
from django.db import models

class Profile(models.Model):
    name = models.CharField(max_length=100)
    photo = models.ImageField(upload_to="profiles/")

class Product(models.Model):
    main_image = models.ImageField(upload_to="products/")
    other_image = models.ImageField(upload_to="products/", blank=True)
"""

APPS = """
from django.apps import AppConfig
from my_app.images import thumbnail

class MyAppConfig(AppConfig):
    name = "my_app"

    def ready(self):
        from my_app.models import Profile
        thumbnail.queue(Profile, build="src")
"""

# "Performance tips" and "Batch processing": a view and its template.
VIEWS = """
from django.http import HttpResponse
from django.template import engines
from my_app.models import Profile
from responsive_img import ImageBatch, Img

def people(request):
    profiles = Profile.objects.all()

    # Create a batch for efficient processing
    batch = ImageBatch()
    thumb = Img(batch=batch, width=448)  # adapted: px for "md"

    # Process multiple images
    images = []
    for profile in profiles:
        bound_img = thumb(profile.photo, alt=f"{profile.name}'s photo")
        images.append(bound_img)

    # First access loads all images in one query
    return HttpResponse("".join(img.as_html() for img in images))

def tags(request):
    from my_app.images import thumb
    template = engines["django"].from_string(
        # adapted: another library, px for "md"
        '{% load responsive_img %}'
        '{% for report in reports %}'
        '{% img report.photo width=448 alt="" %}'
        '{% img report.photo thumb alt="" %}'
        '{% endfor %}'
    )
    return HttpResponse(template.render({"reports": Profile.objects.all(), "thumb": thumb}, request))
"""

URLS = """
from django.urls import path
from my_app import views

urlpatterns = [path("people/", views.people), path("tags/", views.tags)]
"""

# What every example starts with; `show` is what it ends with.
START = """
import json
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
import django

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)

from pathlib import Path
from responsive_img.queue import process_queue
from responsive_img.testing import assert_image_lookups
from my_app.models import Product, Profile

PICTURE = Path("cat.jpg").read_bytes()

def add(name="john", **fields):
    return Profile.objects.create(name=name, photo=ContentFile(PICTURE, f"{name}.jpg"))

def built():
    return sorted(path.name.partition(".")[0] + path.suffix for path in Path("media").rglob("renditions/**/*.*"))

def show(**found):
    print(json.dumps(found))
"""


class Project:
    """An app of the peer's users, each example of which runs in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "cat.jpg").write_bytes(drawn((1600, 1200)))
        self.write("project_settings.py", SETTINGS)
        for name, text in {
            "__init__": "",
            "images": IMAGES,
            "models": MODELS,
            "apps": APPS,
            "views": VIEWS,
            "urls": URLS,
        }.items():
            self.write(f"my_app/{name}.py", text)

    def write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))

    def run(self, code: str, *, start: str = START) -> dict[str, Any]:
        """Return what the code shows."""
        paths = f"import sys, os; sys.path[:0] = [{str(ROOT)!r}, '.']\n"
        settings = "os.environ['DJANGO_SETTINGS_MODULE'] = 'project_settings'\n"
        done = subprocess.run(
            [sys.executable, "-c", paths + settings + start + dedent(code)],
            capture_output=True, text=True, cwd=self._folder, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


# README: "Usage", "Img class" ---------------------------------------------------------------------------


def test_the_img_class(project):
    """What is not built is left out, and the same line has it once the queue was processed."""
    shown = project.run("""
        from my_app.images import thumb

        profile = add()
        line = lambda: thumb(profile.photo, alt=f"Profile photo for {profile.name}").as_html()
        before = line()
        count = process_queue()
        show(before=before, count=count, after=line(), built=built())
    """)

    assert shown["before"] == (
        '<img src="/media/profiles/john.jpg" width="448" height="252" alt="Profile photo for john"'
        ' loading="lazy" decoding="async">'
    )
    assert shown["count"] == 1
    # The files of `thumbnail`, which a save queues, are there too.
    assert {name for name in shown["built"] if "448" in name or "896" in name} == {
        f"john-{width}w.{format}" for width in (448, 896) for format in ("jpg", "webp")
    }
    assert re.fullmatch(
        r'<picture><source type="image/webp" srcset="\S+-448w\.\w{8}\.webp 1x, \S+-896w\.\w{8}\.webp 2x"[^>]*>'
        r'<img srcset="\S+ 1x, \S+ 2x" src="/media/renditions/profiles/john-448w\.\w{8}\.jpg"'
        r' width="448" height="252" alt="Profile photo for john" loading="lazy" decoding="async"></picture>',
        shown["after"],
    )


@pytest.mark.parametrize(("build", "count"), [("None", 0), ("'src'", 1), ("'srcset'", 4), ("'all'", 4)])
def test_build_in_the_call(project, build, count):
    shown = project.run(f"""
        from my_app.images import thumb

        add()
        html = thumb(Profile.objects.get().photo, alt="", build={build}).as_html()
        show(built=[name for name in built() if "448" in name or "896" in name], html=html)
    """)

    assert len(shown["built"]) == count
    assert ("/renditions/" in shown["html"]) is (count > 0)


def test_attributes(project):
    shown = project.run("""
        from my_app.images import thumb

        # adapted: attributes are arguments of the Img, not `img_attrs`
        show(html=thumb.extend(loading="eager", data_id=1)(add().photo, alt="").as_html())
    """)

    assert ' data-id="1" loading="eager"' in shown["html"]


def test_sizes(project):
    shown = project.run("""
        from my_app.images import img_with_sizes

        model_instance = Product.objects.create(main_image=ContentFile(PICTURE, "a.jpg"))
        # adapted: alt is not optional
        show(html=img_with_sizes(model_instance.main_image, build="srcset", alt="").as_html())
    """)

    assert shown["html"].count('sizes="auto, (max-width: 800px) 100px, 300px"') == 2
    for width in (100, 300, 450, 600):
        assert re.search(rf"a-{width}w\.\w{{8}}\.webp {width}w", shown["html"])


def test_the_tag(project):
    """It takes options or an Img, and never builds inline."""
    shown = project.run("""
        add()
        waiting = Client().get("/tags/").content.decode()
        before = built()
        process_queue()
        with assert_image_lookups(1):
            ready = Client().get("/tags/").content.decode()
        show(waiting=waiting, before=before, ready=ready)
    """)

    assert shown["waiting"].count('src="/media/profiles/john.jpg"') == 2
    assert shown["before"] == ["john-300w.jpg"]
    assert shown["ready"].count("<picture>") == 2
    assert shown["ready"].count('height="336"') == 1
    assert shown["ready"].count('height="252"') == 1


# "Building images" ---------------------------------------------------------------------------------------


def test_the_command_for_cron(project):
    shown = project.run("""
        import io
        out = io.StringIO()
        add()
        call_command("build_img_queue", stdout=out)
        show(built=built(), out=out.getvalue())
    """)

    assert shown["built"] == [f"john-{width}w.{format}" for width in (300, 600) for format in ("jpg", "webp")]
    assert shown["out"] == "1 source(s) built from.\n"


# "Batch processing for multiple images" ------------------------------------------------------------------


def test_a_batch_in_a_view(project):
    shown = project.run("""
        for name in ("john", "jane", "jim"):
            add(name)
        waiting = Client().get("/people/").content.decode()
        process_queue()
        with assert_image_lookups(1):
            ready = Client().get("/people/").content.decode()
        show(waiting=waiting, ready=ready)
    """)

    assert shown["waiting"].count('src="/media/profiles/') == 3
    assert "/renditions/" not in shown["waiting"]
    assert shown["ready"].count("<picture>") == 3
    assert 'alt="jane&#x27;s photo"' in shown["ready"]


# "Queue from model" --------------------------------------------------------------------------------------


def test_queue_in_ready_builds_the_src_on_save(project):
    shown = project.run("""
        profile = add()
        after_save = built()
        from my_app.images import thumbnail
        src = thumbnail(profile.photo).base_url()
        process_queue()
        show(after_save=after_save, src=src, built=built())
    """)

    assert shown["after_save"] == ["john-300w.jpg"]
    assert "/renditions/profiles/john-300w." in shown["src"]
    assert len(shown["built"]) == 4


def test_queue_of_the_fields_that_are_named(project):
    shown = project.run("""
        from responsive_img import Img
        from my_app.models import Product

        thumbnail = Img(width=300)
        thumbnail.queue(Product, fields=['main_image'])

        Product.objects.create(
            main_image=ContentFile(PICTURE, "main.jpg"), other_image=ContentFile(PICTURE, "other.jpg")
        )
        before = built()
        process_queue()
        show(before=before, built=built())
    """)

    assert shown["before"] == []
    assert shown["built"] == [f"main-{width}w.{format}" for width in (300, 600) for format in ("jpg", "webp")]


@pytest.mark.parametrize(
    ("fields", "names"), [("ImageField", 2), ("FileField", 2), ("None", 2), ("['other_image']", 1)]
)
def test_the_fields_that_queue_takes(project, fields, names):
    shown = project.run(f"""
        from django.db.models import FileField, ImageField
        from responsive_img import Img

        Img(width=300).queue(Product, fields={fields}, dispatch_uid="products")
        Product.objects.create(
            main_image=ContentFile(PICTURE, "main.jpg"), other_image=ContentFile(PICTURE, "other.jpg")
        )
        show(count=process_queue())
    """)

    assert shown["count"] == names


def test_queue_by_name_before_the_model_exists(project):
    """In the app's images.py, which its apps.py imports."""
    project.write(
        "my_app/images.py",
        IMAGES + 'thumbnail.queue("my_app.Product", fields=["main_image"], build="all")\n',
    )

    shown = project.run("""
        Product.objects.create(main_image=ContentFile(PICTURE, "main.jpg"))
        show(built=built())
    """)

    assert len(shown["built"]) == 4


def test_queue_of_what_does_not_exist_is_told_by_the_check(project):
    """The project starts: a typo in a module that is imported early must not keep anybody from looking for it."""
    project.write(
        "my_app/images.py",
        IMAGES
        + 'thumbnail.queue("my_app.Product", fields=["main_imag"])\n'
        + 'thumbnail.queue("my_app.Productx")\n',
    )

    shown = project.run("""
        from django.core.checks import run_checks

        found = run_checks(tags=["responsive_img"])
        show(told=[(each.msg, each.hint) for each in found if each.id == "responsive_img.E020"])
    """)

    assert shown["told"] == [
        [
            "Img.queue is given an unknown file field of my_app.Product: 'main_imag'.",
            "Did you mean 'main_image'? Choices: main_image, other_image.",
        ],
        [
            "Img.queue is given an unknown model: 'my_app.Productx'.",
            "Did you mean 'my_app.Product'? Choices: my_app.Profile, my_app.Product.",
        ],
    ]


# Signals -------------------------------------------------------------------------------------------------


def test_a_receiver_of_file_post_save(project):
    shown = project.run("""
        from responsive_img.signals import file_post_save

        told = []

        def saved(sender, fieldfile, **kwargs):
            told.append([sender.__name__, fieldfile.name])

        file_post_save.connect(saved)
        profile = add()
        profile.save()
        show(told=told)
    """)

    assert shown["told"] == [["Profile", "profiles/john.jpg"]]


def test_a_receiver_of_queued_img_that_processes_the_queue(project):
    shown = project.run("""
        from responsive_img.signals import queued_img

        told = []

        def build(**kwargs):
            # adapted: `jobs` in place of `instance`
            told.extend(job.name for job in kwargs["jobs"])
            process_queue()

        queued_img.connect(build)
        profile = add()
        from my_app.images import thumb
        first = thumb(profile.photo, alt="").as_html()
        show(told=told, first=first, second=thumb(profile.photo, alt="").as_html(), built=built())
    """)

    assert shown["told"] == ["profiles/john.jpg"] * 2
    assert len(shown["built"]) == 8
    assert "<picture>" in shown["second"]


TASKS = """
from celery import Celery

app = Celery("my_app", broker="memory://")

from responsive_img.queue import process_queue

@app.task
def build_img_queue():
    process_queue()
"""

APPS_WITH_TASK = """
from django.apps import AppConfig

from responsive_img.signals import queued_img

class MyAppConfig(AppConfig):
    name = 'my_app'

    def ready(self):
        from my_app.tasks import build_img_queue

        # Kick off build task as soon as any image is queued.
        queued_img.connect(lambda **kwargs: build_img_queue.delay(), weak=False)
        # Also start the build task as soon as the app is ready in case there are already queued images.
        build_img_queue.delay()
"""


def test_a_celery_task_that_processes_the_queue(project):
    pytest.importorskip("celery")
    project.write("my_app/tasks.py", TASKS)
    project.write("my_app/apps.py", APPS_WITH_TASK)

    shown = project.run("""
        from my_app import tasks
        from my_app.images import thumbnail

        tasks.app.conf.task_always_eager = True
        profile = add()
        before = built()
        html = thumbnail(profile.photo, alt="").as_html()
        show(before=before, html=html, built=built())
    """)

    assert shown["before"] == []
    # A task that runs at once, as in tests: what it has built is shown already.
    assert "<picture>" in shown["html"]
    assert len(shown["built"]) == 4


# Before the registry is ready ----------------------------------------------------------------------------

EARLY = """
from responsive_img import ImageBatch, Img, batch, finalize, immediate, invalidate

assert callable(invalidate)
early = ImageBatch()
image = Img(batch=early, width=20)("cat.jpg", alt="")
assert (len(early), image.is_looked_up) == (1, False)
"""


@pytest.mark.parametrize("module", ["apps", "models", "images"])
def test_images_are_made_and_bound_before_the_registry_is_ready(project, module):
    texts = {"apps": APPS, "models": MODELS, "images": IMAGES}
    check = "from django.apps import apps\nassert not apps.models_ready\n"
    project.write(f"my_app/{module}.py", EARLY + check + texts[module])

    shown = project.run(f"""
        from my_app import {module} as early_module

        from django.core.files.storage import default_storage
        default_storage.save("cat.jpg", ContentFile(PICTURE))
        early_module.early.build()
        process_queue()
        show(count=len(early_module.early), built=built())
    """)

    assert shown["count"] == 1
    assert len(shown["built"]) == 4


def test_importing_the_package_loads_neither_django_nor_pillow(project):
    shown = project.run(
        """
        import json, responsive_img
        dir(responsive_img)
        loaded = {name.partition(".")[0] for name in sys.modules}
        print(json.dumps({"loaded": sorted(loaded & {"django", "PIL", "appconf", "jinja2"})}))
        """,
        start="",
    )

    assert shown["loaded"] == []


def test_the_names_are_there_before_django_is_set_up(project):
    shown = project.run(
        f"""
        import json
        {dedent(EARLY).replace(chr(10), chr(10) + " " * 8)}
        from django.apps import apps
        print(json.dumps({{"ready": apps.ready}}))
        """,
        start="",
    )

    assert shown == {"ready": False}
