"""Whether a page is what it should be: a wrong one is quick to make."""

from __future__ import annotations

from django.core.handlers.wsgi import WSGIHandler

from sandbox.benchmarks.budgets import counted
from sandbox.benchmarks.project import get, settings_of

# Calls of a page: the view reads its rows by one query, and the library asks the cache once.
_BUDGETS = {
    "static": {"queries": 1},
    "manifest": {"queries": 1, "get_many": 1},
    "ours": {"queries": 1, "get_many": 1},
    "trusting": {"queries": 1},
}


class WrongPageError(Exception):
    """A contestant's page is not what it should be."""


def check_page(bare: WSGIHandler, ours: WSGIHandler, language: str, alias: str, count: int) -> None:
    """
    Check that all contestants give the same bytes, within their budgets, on a warm page.

    Args:
        bare: Handler of requests without the library.
        ours: Handler of requests with its middleware.
        language: Of the templates.
        alias: Of the cache.
        count: Pictures on the page.

    Raises:
        WrongPageError: They do not.
    """
    contents = {}
    for contestant, budget in _BUDGETS.items():
        handler = ours if contestant in {"ours", "trusting"} else bare
        path = f"/page/{language}/{contestant}/{alias}/{count}/"
        with settings_of(path):
            get(handler, path)
            with counted(alias) as calls:
                response = get(handler, path)
        contents[contestant] = response.content
        if response.status_code != 200 or dict(calls) != budget:
            raise WrongPageError(f"{path}: status {response.status_code}, {dict(calls)} instead of {budget}")
    if contents["static"].count(b"<picture>") != count or b"RI1." in contents["ours"]:
        raise WrongPageError(f"{language}, {count}: a picture is missing, or a marker is left")
    for contestant, content in contents.items():
        if content != contents["static"]:
            raise WrongPageError(f"{language}, {contestant}, {count}: not the bytes of the static page")
