from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import responsive_img

ROOT = Path(responsive_img.__file__).parents[1]


def run(code: str) -> str:
    """Run code in a fresh process, warnings as errors, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_neither_django_nor_pillow_nor_jinja():
    loaded = run(
        "import responsive_img, sys; responsive_img.__version__, dir(responsive_img), responsive_img.__all__;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'django', 'PIL', 'jinja2', 'appconf'}))"
    )

    assert loaded == "\n"


def test_public_names_are_sorted_and_complete():
    assert responsive_img.__all__ == sorted(responsive_img.__all__)
    assert set(responsive_img.__all__) == set(responsive_img._MODULES)


@pytest.mark.parametrize("name", responsive_img.__all__)
def test_public_name_is_what_its_module_has(name):
    found = getattr(responsive_img, name)

    assert found is getattr(sys.modules[responsive_img._MODULES[name]], name)
    assert found.__name__ == name


def test_public_names_are_imported_before_the_app_registry_is_ready():
    names = ", ".join(responsive_img.__all__)

    printed = run(
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['responsive_img'])\n"
        f"from responsive_img import {names}\n"
        "from django.apps import apps\n"
        f"print(*[each.__name__ for each in ({names},)], apps.ready)"
    )

    assert printed == f"{' '.join(responsive_img.__all__)} False\n"


@pytest.mark.parametrize("name", responsive_img.__all__)
def test_public_name_is_no_module(name):
    package = Path(responsive_img.__file__).parent

    assert not (package / f"{name}.py").exists()
    assert not (package / name).exists()


def test_public_names_are_listed_to_whoever_asks():
    assert set(responsive_img.__all__) <= set(dir(responsive_img))
    assert "__version__" in dir(responsive_img)


def test_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'responsive_img' has no attribute 'nobody'$"):
        responsive_img.nobody  # noqa: B018 - the access is the test
