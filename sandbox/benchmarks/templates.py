"""The pages, in text that both template languages read alike."""

from __future__ import annotations

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ heading }}</title></head><body>
<h1>{{ heading }}</h1>
{% for photo in photos %}<article><h2>{{ photo.title }}</h2>
PICTURE</article>
{% endfor %}</body></html>"""

_STATIC = (
    '<picture><source type="image/webp" srcset="{{ photo.webp_1x }} 1x, {{ photo.webp_2x }} 2x">'
    '<img srcset="{{ photo.jpeg_1x }} 1x, {{ photo.jpeg_2x }} 2x" src="{{ photo.jpeg_1x }}"'
    ' width="400" height="300" alt="{{ photo.title }}" loading="lazy" decoding="async"></picture>'
)

_OURS = "{% img photo.image width=400 alt=photo.title %}"

_PICTURES = {
    "empty.html": "",
    "static.html": _STATIC,
    "manifest.html": "{% manifest_picture photo %}",
    "manifest.jinja": "{{ manifest_picture(manifest, photo) }}",
    "ours.html": _OURS,
    "trusting.html": _OURS,
}

TEMPLATES = {name: _PAGE.replace("PICTURE", picture) for name, picture in _PICTURES.items()}
# The loop, the fields and the tag are written alike; only the yardstick's own call differs.
for _name in ("empty", "static", "ours", "trusting"):
    TEMPLATES[f"{_name}.jinja"] = TEMPLATES[f"{_name}.html"]
# The library's own pixels, before an encoder touches them.
TEMPLATES["lossless.html"] = _PAGE.replace("PICTURE", '{% img photo.image width=400 format="png" alt="" %}')
# A picture alone.
TEMPLATES["piece.html"] = _PICTURES["ours.html"]
