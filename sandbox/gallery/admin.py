from __future__ import annotations

from django.contrib import admin

from sandbox.gallery.models import Person, Photo

# As `draw_photos` makes it; no secret: the sandbox guards nothing.
USER = PASSWORD = "demo"

admin.site.site_title = "responsive_img"
admin.site.site_header = f"Sandbox: user {USER}, password {PASSWORD}"
admin.site.index_title = "What there is"


@admin.register(Photo)
class PhotoAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no generic when it runs
    list_display = ("title", "credit", "created")


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no generic when it runs
    """The form has the widget of the focal point by itself."""

    list_display = ("name", "headshot_point")
