"""The sheet itself: rows of cells with labels."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from sandbox.sheet.renditions import FORMATS, WIDTH, Row

_CELL = (WIDTH + 10, 150)  # px
_PICTURE = (WIDTH, 120)  # px; a higher one is made to fit
_LABELS = 190  # px
_HEAD = 30  # px
_COLUMNS = ("source, naive", "as it should be", *FORMATS)


def sheet(rows: Sequence[Row]) -> Image.Image:
    """Return the sheet of all rows."""
    paper = Image.new("RGB", (_LABELS + len(_COLUMNS) * _CELL[0], _HEAD + len(rows) * _CELL[1]), "white")
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(14)
    for column, title in enumerate(_COLUMNS):
        draw.text((_LABELS + column * _CELL[0], 8), title, fill="black", font=font)
    for number, row in enumerate(rows):
        top = _HEAD + number * _CELL[1]
        draw.text((8, top + 50), row.label, fill="black", font=font)
        cells = [(row.naive, ""), (row.right, "")]
        cells += [(each.picture, f"{each.size:,} B, off by {each.difference:.1f}") for each in row.renditions]
        for column, (picture, text) in enumerate(cells):
            left = _LABELS + column * _CELL[0]
            paper.paste(ImageOps.contain(picture, _PICTURE), (left, top))
            draw.text((left, top + _PICTURE[1] + 4), text, fill="#555", font=ImageFont.load_default(12))
    return paper
