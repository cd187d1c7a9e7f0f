"""Jinja2 templates that know the request of their render throughout, also where a macro has no context."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from jinja2 import Template
from jinja2.runtime import Context

# Of the template that is rendered: macros that are imported without context have no "request" of their own.
_request: ContextVar[object] = ContextVar("responsive_img_jinja_request", default=None)


class _Knowing(Template):
    """A template whose renders, however they are started, know their request throughout."""

    def render(self, *args: Any, **kwargs: Any) -> Any:
        with _rendering(*args, **kwargs):
            return super().render(*args, **kwargs)

    async def render_async(self, *args: Any, **kwargs: Any) -> Any:
        with _rendering(*args, **kwargs):
            return await super().render_async(*args, **kwargs)

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        parts = super().generate(*args, **kwargs)
        while True:
            with _rendering(*args, **kwargs):
                part = next(parts, None)
            if part is None:
                return
            yield part

    async def generate_async(self, *args: Any, **kwargs: Any) -> AsyncGenerator[str, object]:
        parts = super().generate_async(*args, **kwargs)
        while True:
            with _rendering(*args, **kwargs):
                part = await anext(parts, None)
            if part is None:
                return
            yield part

    # Jinja2 keeps the module of what is imported or included without context, so no marker may get into it.
    def make_module(self, vars: Any = None, *args: Any, **kwargs: Any) -> Any:
        with _rendering(vars or {}):
            return super().make_module(vars, *args, **kwargs)

    async def make_module_async(self, vars: Any = None, *args: Any, **kwargs: Any) -> Any:
        with _rendering(vars or {}):
            return await super().make_module_async(vars, *args, **kwargs)


@lru_cache(maxsize=16)
def knowing_its_request(template_class: type[Template]) -> type[Template]:
    """Return a class of templates that know the request of their render, on top of another class."""
    if issubclass(template_class, _Knowing):  # the extension was added twice
        return template_class
    return type("KnowingTemplate", (_Knowing, template_class), {})


@contextmanager
def _rendering(*args: Any, **kwargs: Any) -> Iterator[None]:
    token = _request.set(dict(*args, **kwargs).get("request"))
    try:
        yield
    finally:
        _request.reset(token)


def request_of(context: Context) -> object:
    """Return the request of a render: of the context, else of the template that is rendered."""
    return context.get("request") or _request.get()
