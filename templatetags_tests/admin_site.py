"""The URLs of a project with Django's admin in it; imported only where the admin is installed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import modelformset_factory
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from templatetags_tests.models import Person

PAGE = '{% load responsive_img %}{% img person.headshot width=200 ratio="1/1" alt="" %}'
# What the widget asks of a Content-Security-Policy: pictures of the visitor's own disk, nothing inline.
POLICY = "default-src 'self'; img-src 'self' blob:"


class PersonAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no generic when it runs
    """Keeps no log, as its table is none of the tests'."""

    list_display = ("name", "headshot_point")

    def log_addition(self, *_: Any) -> Any: ...

    def log_change(self, *_: Any) -> Any: ...


admin.site.register(Person, PersonAdmin)


def show(request: HttpRequest, key: int) -> HttpResponse:
    """Show the crop of a person's headshot."""
    person = Person.objects.get(pk=key)
    return HttpResponse(engines["django"].from_string(PAGE).render({"person": person}, request))


def add_several(request: HttpRequest) -> HttpResponse:
    """Show the forms of no people yet, and the empty one that a script copies, as the admin has it."""
    formset = modelformset_factory(Person, fields=["headshot", "headshot_point"], extra=0)(
        queryset=Person.objects.none(), prefix="people-of-note"
    )
    return HttpResponse(
        f'<form><div class="empty-form">{formset.empty_form.as_div()}</div></form>{formset.empty_form.media}'
    )


urlpatterns = [
    path("several/", add_several),
    path("admin/", admin.site.urls),
    path("show/<int:key>/", show),
]


def with_policy(get_response: Any) -> Any:
    """Send a strict Content-Security-Policy with each response."""

    def respond(request: HttpRequest) -> Any:
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return respond
