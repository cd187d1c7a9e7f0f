from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse

from templatetags_tests.models import Photo

LINE = '{% for photo in photos %}{% img photo.image width=20 alt=photo.title class="x" %}{% endfor %}'
TEMPLATES = {"django": "{% load responsive_img %}" + LINE, "jinja2": LINE}


def gallery(request: HttpRequest, language: str, count: int) -> HttpResponse:
    photos = Photo.objects.order_by("pk")[:count]
    return HttpResponse(
        engines[language].from_string(TEMPLATES[language]).render({"photos": photos}, request)
    )


async def async_gallery(request: HttpRequest, language: str, count: int) -> HttpResponse:
    photos = [photo async for photo in Photo.objects.order_by("pk")[:count]]
    return HttpResponse(
        engines[language].from_string(TEMPLATES[language]).render({"photos": photos}, request)
    )


def template_response(request: HttpRequest) -> TemplateResponse:
    template = engines["django"].from_string(TEMPLATES["django"])
    return TemplateResponse(request, template, {"photos": Photo.objects.all()})


def broken(request: HttpRequest) -> HttpResponse:
    gallery(request, "django", 1)
    raise ZeroDivisionError
