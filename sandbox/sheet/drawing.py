"""What the traps show: nothing in it is symmetric, and its colours are known."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFilter, ImageFont

KEY = (255, 0, 255)  # a colour that the scene does not have
_PATCHES = ("#c8281e", "#1e9628", "#1e46c8", "#e6c81e", "#be8c78", "#808080")


def scene(size: tuple[int, int]) -> Image.Image:
    """Draw a sky over a row of colours, with a letter that is wrong when turned or mirrored."""
    width, height = size
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    picture = Image.merge("RGB", (down.point(_half), across.point(_half), Image.new("L", size, 190)))
    draw = ImageDraw.Draw(picture)
    for place, colour in enumerate(_PATCHES):
        left = round(width * place / len(_PATCHES))
        right = round(width * (place + 1) / len(_PATCHES))
        draw.rectangle((left, round(height * 0.75), right - 1, height), fill=colour)
    draw.text((width * 0.1, height * 0.02), "F", fill="white", font=ImageFont.load_default(height * 0.6))
    # Lines that blend when they are scaled well, and flicker when not.
    for x in range(round(width * 0.6), round(width * 0.95), 4):
        draw.line((x, round(height * 0.1), x, round(height * 0.6)), fill="black", width=2)
    return picture


def _half(level: int) -> int:
    return 60 + level // 2


def cut_out(picture: Image.Image) -> Image.Image:
    """Return the picture with a soft edge and a clear ground."""
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse((30, 30, picture.width - 30, picture.height - 30), fill=255)
    return _with_alpha(picture, mask.filter(ImageFilter.GaussianBlur(10)))


def _with_alpha(picture: Image.Image, alpha: Image.Image) -> Image.Image:
    made = picture.copy()
    made.putalpha(alpha)
    return made


def with_hidden_red(picture: Image.Image) -> Image.Image:
    """Return the picture with red where nothing is seen: it shows as a fringe if it is blended in."""
    red = Image.new("RGB", picture.size, "red")
    colours = Image.composite(picture.convert("RGB"), red, picture.getchannel("A").point(_seen))
    return _with_alpha(colours, picture.getchannel("A"))


def _seen(level: int) -> int:
    return 255 if level else 0


def disc(size: tuple[int, int]) -> Image.Image:
    """Draw hard-edged shapes on a clear ground."""
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((60, 30, size[0] - 60, size[1] - 30), fill="#1e46c8")
    draw.rectangle((100, 120, 220, 240), fill="#e6c81e")
    return picture


def keyed(picture: Image.Image) -> Image.Image:
    """Return the picture with its clear ground in the colour that stands for it."""
    ground = Image.new("RGB", picture.size, KEY)
    ground.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return ground


def fine(size: tuple[int, int]) -> Image.Image:
    """Draw the scene with a column of lines far finer than a px of what is made of it: an even grey."""
    picture = scene(size)
    draw = ImageDraw.Draw(picture)
    for x in range(round(size[0] * 0.4), round(size[0] * 0.55), 6):
        draw.rectangle((x, 0, x + 5, size[1]), fill="white")
        draw.rectangle((x, 0, x + 2, size[1]), fill="black")
    return picture
