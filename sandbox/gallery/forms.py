from __future__ import annotations

from django import forms

from sandbox.gallery.models import Photo

PhotoForm = forms.modelform_factory(
    Photo,
    fields=("image", "title", "alt", "credit"),
    widgets={"image": forms.FileInput(attrs={"accept": "image/*"})},
)
