"""The pages. Nothing in them prepares an image: the tags in the templates do."""

from __future__ import annotations

from itertools import cycle, islice

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from responsive_img import backlog, conf, invalidate
from responsive_img.models import Picture
from sandbox.gallery.forms import PhotoForm
from sandbox.gallery.models import Photo

SHOWN = 60  # photos; a site would have pages of them
SHOWN_PICTURES = 100
SHOWN_FAILURES = 10


@require_safe
def gallery(request: HttpRequest, engine: str) -> HttpResponse:
    """Show the newest photo in large, three in cards, and the rest; from either template language."""
    photos = list(Photo.objects.all()[:SHOWN])
    context = {"hero": photos[:1], "cards": photos[1:4], "wall": photos[4:]}
    return render(request, "gallery/gallery.html", context, using=engine)


@require_safe
def sizes(request: HttpRequest, engine: str) -> HttpResponse:
    """Show every way to say how large a picture is; from either template language."""
    photos = list(Photo.objects.all()[:SHOWN])
    if not photos:
        return redirect("gallery")
    following = cycle(photos)
    context: dict[str, object] = {
        name: next(following)
        for name in ("hero", "fixed", "wide", "fluid", "cropped", "beside", "quoted", "banner")
    }
    context["art"] = list(islice(following, 5))
    context["column"] = list(islice(following, 12))
    return render(request, "gallery/sizes.html", context, using=engine)


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


@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: HttpRequest) -> HttpResponse:
    """Show how the queue stands; a POST says of each photo that its content is another one, so all is built anew."""
    if request.method == "POST":
        for each in Photo.objects.all():
            invalidate(each.image)
        return redirect("queue")
    open_states = (Picture.State.BUILDING, Picture.State.QUEUED)
    pictures = Picture._default_manager.filter(state__in=open_states).select_related("source")
    status = backlog.status(SHOWN_FAILURES)
    context = {
        "status": status,
        "open": sum(status.counts[state] for state in open_states),
        "pictures": pictures.order_by("state", "source_id", "key")[:SHOWN_PICTURES],
        "hook": conf.current().build_hook,
    }
    return render(request, "gallery/queue.html", context)
