"""The records in Django's admin: looked at, and queued anew, but not edited. Loaded only where the admin is installed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from html import unescape

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from responsive_img import backlog, conf, lookup, manifest, records
from responsive_img.addresses import Addresses
from responsive_img.exceptions import SpecError
from responsive_img.files import decoded
from responsive_img.geometry import CENTRE
from responsive_img.models import Picture, Source
from responsive_img.specs import from_text

NOTHING = "–"
BREAK = mark_safe("<br>")
SHORT = 90  # characters of a reason in a list
CHUNK = 500  # pictures queued by one query: databases limit the values of one


class _RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no generic when it runs
    """Shows records to whoever may view them; what is in them is the library's to write."""

    # Counting all of a large table would be for one line of text.
    show_full_result_count = False

    class Media:
        css = {"all": ("responsive_img/records.css",)}  # noqa: RUF012 - as Django has it

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: a record without its files would be made again, and files without their record stay for ever."""
        return False

    def url_of(self, record: Picture | Source) -> str:
        """Return where this site shows a record."""
        name = f"admin:responsive_img_{record._meta.model_name}_change"
        return reverse(name, args=[quote(record.key)], current_app=self.admin_site.name)


@admin.register(Picture)
class PictureAdmin(_RecordAdmin):
    """Pictures: what is built of each, or why not, and two ways to have it built again."""

    list_display = ("preview", "source_name", "state", "asked", "short_reason")
    list_display_links = ("preview", "source_name")
    list_filter = ("state",)
    list_select_related = ("source",)
    search_fields = ("source__name",)
    actions = ("requeue", "rebuild")
    fields = (
        "preview", "source_link", "source_size", "asked", "spec", "state", "reason", "attempts", "not_before",
        "lease_until", "files",
    )  # fmt: skip
    readonly_fields = ("preview", "source_link", "source_size", "asked", "reason", "files")

    def has_rebuild_permission(self, request: HttpRequest) -> bool:
        """Tell whether a user may change the record, which is asked of the actions alone."""
        return super(_RecordAdmin, self).has_change_permission(request)

    @admin.display(description=_("preview"))
    def preview(self, picture: Picture) -> str:
        """Return the built file of `src`; never the source, which may have any size."""
        found = manifest.loads(picture.renditions)
        if found is None or not found.src:
            return NOTHING
        line = '<img class="responsive-img-preview" src="{}" alt="" loading="lazy">'
        return format_html(line, _url(picture, found))

    @admin.display(description=_("source"), ordering="source__name")
    def source_name(self, picture: Picture) -> str:
        """Return the name of the source."""
        return picture.source.name

    @admin.display(description=_("source"))
    def source_link(self, picture: Picture) -> str:
        """Return the name of the source, as a link to its record."""
        return format_html('<a href="{}">{}</a>', self.url_of(picture.source), picture.source.name)

    @admin.display(description=_("asked for"))
    def asked(self, picture: Picture) -> str:
        """Return the spec as a tag would say it."""
        return _arguments(picture.spec)

    @admin.display(description=_("reason"))
    def reason(self, picture: Picture) -> str:
        """Return why it is not built."""
        return NOTHING if picture.state == records.READY else picture.source.error or NOTHING

    @admin.display(description=_("reason"))
    def short_reason(self, picture: Picture) -> str:
        """Return the start of it."""
        return Truncator(self.reason(picture)).chars(SHORT)

    @admin.display(description=_("source's size"))
    def source_size(self, picture: Picture) -> str:
        """Return the oriented size of the source."""
        return _size(picture.source)

    @admin.display(description=_("files"))
    def files(self, picture: Picture) -> str:
        """Return the names of its files, in their storage."""
        found = manifest.loads(picture.renditions)
        names = dict.fromkeys(found.names()) if found is not None else ()
        return format_html_join(BREAK, "{}", [(decoded(name),) for name in names]) or NOTHING

    @admin.action(description=_("Requeue what failed or got stuck"), permissions=["rebuild"])
    def requeue(self, request: HttpRequest, pictures: QuerySet[Picture]) -> None:
        """Queue failed pictures, and those whose builder died, as if nobody had tried."""
        self._queue(request, pictures, is_whole=False)

    @admin.action(description=_("Rebuild, also what is ready"), permissions=["rebuild"])
    def rebuild(self, request: HttpRequest, pictures: QuerySet[Picture]) -> None:
        """Queue pictures anew, whose files are then written again under their names."""
        self._queue(request, pictures, is_whole=True)

    def _queue(self, request: HttpRequest, pictures: QuerySet[Picture], *, is_whole: bool) -> None:
        keys = list(pictures.values_list("key", flat=True))
        queued: list[str] = []
        for start in range(0, len(keys), CHUNK):
            queued += backlog.queue_anew(keys[start : start + CHUNK], is_whole=is_whole)
        records.on_commit(lambda: lookup.forget(queued, conf.current()))
        said = ngettext("%(count)s picture is queued.", "%(count)s pictures are queued.", len(queued))
        self.message_user(request, said % {"count": len(queued)}, messages.SUCCESS)


@admin.register(Source)
class SourceAdmin(_RecordAdmin):
    """Sources: what is known of each."""

    list_display = ("name", "field", "size", "format", "state", "error")
    list_filter = ("state",)
    search_fields = ("name",)
    fields = (
        "name", "storage", "field", "version", "size", "format", "is_animated", "state", "error", "retry_at",
        "picture_links",
    )  # fmt: skip
    readonly_fields = ("size", "picture_links")

    @admin.display(description=_("size"))
    def size(self, source: Source) -> str:
        """Return the oriented size."""
        return _size(source)

    @admin.display(description=_("pictures"))
    def picture_links(self, source: Source) -> str:
        """Return links to its pictures."""
        links = [
            (self.url_of(picture), _arguments(picture.spec), picture.get_state_display())
            for picture in Picture.objects.filter(source=source).order_by("key")
        ]
        line = '<a href="{}">{}</a> ({})'
        return format_html_join(BREAK, line, links) or NOTHING


def _url(picture: Picture, found: manifest.Manifest) -> str:
    """Return the URL of `src`."""
    source = picture.source
    told = picture.spec, source.storage, source.name, source.field
    return unescape(Addresses(conf.current()).src_and_srcset(found, told)[0])


def _size(source: Source) -> str:
    return f"{source.width} × {source.height}" if source.width else NOTHING


def _arguments(text: str) -> str:
    """Return a canonical spec as the arguments of a tag; one of another release as it is."""
    with suppress(SpecError):
        spec = from_text(text)
        told = {field.name: getattr(spec, field.name) for field in fields(spec)}
        return " ".join(f"{name}={_value(value)}" for name, value in told.items() if _is_telling(name, value))
    return text


def _is_telling(name: str, value: object) -> bool:
    """Tell whether an argument is worth its place: not what goes without saying."""
    return value not in (None, False, "cover", CENTRE) and name not in {"quality", "still"}


def _value(value: object) -> str:
    parts = value if type(value) is tuple else (value,)
    text = " ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
    return f'"{text}"' if " " in text or not text else text
