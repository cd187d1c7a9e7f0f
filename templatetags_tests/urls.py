from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from templatetags_tests import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("sync/<str:language>/<int:count>/", views.gallery),
    path("async/<str:language>/<int:count>/", views.async_gallery),
    path("template-response/", views.template_response),
    path("broken/", views.broken),
]
