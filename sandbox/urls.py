from __future__ import annotations

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import path

from sandbox.gallery import views

urlpatterns = [
    path("", views.gallery, {"engine": "django"}, name="gallery"),
    path("jinja/", views.gallery, {"engine": "jinja2"}, name="gallery-jinja"),
    path("sizes/", views.sizes, {"engine": "django"}, name="sizes"),
    path("jinja/sizes/", views.sizes, {"engine": "jinja2"}, name="sizes-jinja"),
    path("photo/<int:pk>/", views.photo, name="photo"),
    path("upload/", views.upload, name="upload"),
    path("focal/", views.focal, name="focal"),
    path("warm/", views.warm, name="warm"),
    path("trusted/", views.trusted, name="trusted"),
    path("prune/", views.prune, name="prune"),
    path("queue/", views.queue, name="queue"),
    path("favicon.ico", views.favicon),
    path("admin/", admin.site.urls),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
