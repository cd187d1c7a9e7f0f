"""The pages. Nothing in them prepares an image: the tags in the templates do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from sandbox.gallery.forms import PhotoForm
from sandbox.gallery.models import Photo

SHOWN = 60  # photos; a site would have pages of them


@require_safe
def gallery(request: HttpRequest, engine: str) -> HttpResponse:
    """Show the newest photo in large, three in cards, and the rest; from either template language."""
    photos = list(Photo.objects.all()[:SHOWN])
    context = {"hero": photos[:1], "cards": photos[1:4], "wall": photos[4:]}
    return render(request, "gallery/gallery.html", context, using=engine)


@require_safe
def photo(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "gallery/photo.html", {"photo": get_object_or_404(Photo, pk=pk)})


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    form = PhotoForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        form.save()
        return redirect("gallery")
    return render(request, "gallery/upload.html", {"form": form})
