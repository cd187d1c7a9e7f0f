"""An app for django-versatileimagefield to find sizers in."""
