"""The pages. Nothing in them prepares an image: the tags in the templates do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import cycle, islice

from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from responsive_img import ImageWarmer, backlog, conf, invalidate
from responsive_img.models import Picture
from sandbox.gallery.admin import PASSWORD, USER
from sandbox.gallery.forms import PhotoForm
from sandbox.gallery.models import Person, Photo
from sandbox.gallery.warming import KEY_SETS

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


@require_safe
def focal(request: HttpRequest) -> HttpResponse:
    """Show what crops of people keep with a focal point, and without."""
    context = {"people": Person.objects.all(), "user_name": USER, "password": PASSWORD}
    return render(request, "gallery/focal.html", context)


@require_safe
def warm(request: HttpRequest) -> HttpResponse:
    """Show how much of each preset is built: what `warm --dry-run` counts, two queries for each."""
    presets = conf.current().presets
    fields = []
    for model, (field, page) in KEY_SETS.items():
        photos = model._default_manager.all()
        total = photos.count()
        rows = []
        for name in (*presets[page], page):
            left, _ = ImageWarmer(photos, name, field).count()
            rows.append(
                {"name": name, "asked": _arguments(presets[name]), "left": left, "built": total - left}
            )
        _, seen = ImageWarmer(photos, [], field, seen=True).count()
        label = f"{model._meta.label}.{field}"
        fields.append({"label": label, "total": total, "rows": rows, "seen": seen})
    return render(request, "gallery/warm.html", {"fields": fields})


def _arguments(preset: Mapping[str, object] | Sequence[str]) -> str:
    """Return a preset as a tag would say it; of a list of presets nothing."""
    return (
        " ".join(f"{name}={value!r}" for name, value in preset.items()) if isinstance(preset, Mapping) else ""
    )


@require_safe
def trusted(request: HttpRequest) -> HttpResponse:
    """Show photos, either way; which one is the settings' to say, and so the process's."""
    return render(request, "gallery/trusted.html", {"photos": Photo.objects.all()[:SHOWN]})


@require_safe
def prune(request: HttpRequest) -> HttpResponse:
    """Show what two dry runs would remove: with the usual time of grace, and with none."""
    runs = []
    for command in ("prune --dry-run", "prune --dry-run --grace 0d"):
        said = StringIO()
        call_command("responsive_img", *command.split(), stdout=said)
        *files, summary = said.getvalue().splitlines()
        runs.append({"command": command, "summary": summary, "files": files})
    return render(request, "gallery/prune.html", {"runs": runs})


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


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Answer for pages that name no icon, as those of the admin, so that nothing is missing."""
    return HttpResponse(status=204)
