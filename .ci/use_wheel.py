"""Use the installed package once, as a new project would: settings, migrate, a picture in both languages."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from pathlib import Path

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.template import engines
from PIL import Image

LOAD = "{% load responsive_img %}"
TAG = '{% img "photo.jpg" width=400 alt="A photo" %}'

package = files("responsive_img")
assert "site-packages" in str(package), package
for name in (
    "py.typed",
    "jinja2/responsive_img/focal_point.html",
    "migrations/0001_initial.py",
    "static/responsive_img/focal_point.css",
    "static/responsive_img/focal_point.js",
    "static/responsive_img/records.css",
    "templates/responsive_img/focal_point.html",
    "templatetags/responsive_img.py",
):
    assert (package / name).is_file(), f"{name} is not in the wheel"

settings.configure(
    SILENCED_SYSTEM_CHECKS=["responsive_img.W008"],  # one process, so its own cache will do
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["responsive_img"],
    MEDIA_ROOT="media",
    MEDIA_URL="/media/",
    MIDDLEWARE=["responsive_img.middleware.ResponsiveImgMiddleware"],
    SECRET_KEY="not secret",  # noqa: S106 - signs nothing that leaves this run
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        },
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "OPTIONS": {"extensions": ["responsive_img.jinja.ResponsiveImgExtension"]},
        },
    ],
)
django.setup()
call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)

drawn = BytesIO()
Image.linear_gradient("L").convert("RGB").resize((1200, 800)).save(drawn, "JPEG")
default_storage.save("photo.jpg", ContentFile(drawn.getvalue()))

in_django = engines["django"].from_string(LOAD + TAG).render({})
in_jinja = engines["jinja2"].from_string(TAG).render({})
renditions = sorted(path.suffix for path in Path("media/renditions").rglob("*.*"))

assert in_django == in_jinja, f"{in_django}\n{in_jinja}"
assert in_django.startswith("<picture>"), in_django
assert "image/webp" in in_django, in_django
assert 'width="400" height="267"' in in_django, in_django
assert renditions == [".jpg", ".jpg", ".webp", ".webp"], renditions
print(in_django)
print(f"The wheel of {package} works.")
