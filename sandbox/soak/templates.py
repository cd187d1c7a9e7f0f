"""The pages, in text that both template languages read alike. No two of the pictures have a file in common."""

from __future__ import annotations

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Soak</title></head><body><ul>
{% for photo in photos %}<li>PICTURE</li>
{% endfor %}</ul></body></html>"""

PICTURES = {
    "grid": "{% img photo.image width=120 alt=photo.title %}",
    "wide": '{% img photo.image widths="200 400" sizes="50vw" alt=photo.title %}',
    "square": '{% img photo.image width=90 ratio="1/1" alt=photo.title %}',
}
FILES = 4  # of each picture

TEMPLATES = {
    f"{name}.{suffix}": _PAGE.replace("PICTURE", picture)
    for name, picture in PICTURES.items()
    for suffix in ("html", "jinja")
}
