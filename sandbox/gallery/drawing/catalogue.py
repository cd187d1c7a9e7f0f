"""The drawn photos, in the order in which the pages show them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from PIL import Image

from sandbox.gallery.drawing.canvas import grain
from sandbox.gallery.drawing.depths import coral_reef, foggy_forest
from sandbox.gallery.drawing.deserts import balloons, milky_way, slot_canyon
from sandbox.gallery.drawing.fields import lavender, tulips, wheat
from sandbox.gallery.drawing.flowers import cherry_blossom, poppies
from sandbox.gallery.drawing.lakes import autumn_lake, iceberg, moonlit_lake
from sandbox.gallery.drawing.mountains import dunes, misty_mountains, snow_hills
from sandbox.gallery.drawing.nights import aurora, nebula, volcano
from sandbox.gallery.drawing.people import among_books, city_lights, in_the_garden, on_the_pass
from sandbox.gallery.drawing.shores import aerial_beach, lighthouse, sunset_sea
from sandbox.gallery.drawing.still import fruit, paper_sea
from sandbox.gallery.drawing.towns import city, rain_on_window, winter_village

ORIENTATION = 0x0112  # the EXIF tag
TURN_RIGHT = 6  # its value for pixels that a viewer has to turn clockwise


@dataclass(frozen=True, slots=True)
class Scene:
    """
    A photo to be drawn.

    Attributes:
        draw: Draws it; the same each time, for a Random of the same seed.
        title: Names it on the page and tells whether it is there already.
        alt: What is to be seen.
        format: Of the file.
        is_turned: Stored on its side, as a phone does, with the EXIF orientation that says so.
    """

    draw: Callable[[Random], Image.Image]
    title: str
    alt: str
    format: str = "JPEG"
    is_turned: bool = False

    @property
    def name(self) -> str:
        suffix = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[self.format]
        return f"{self.draw.__name__.replace('_', '-')}.{suffix}"


def develop(scene: Scene) -> bytes:
    """Return the file of a scene."""
    rng = Random(scene.draw.__name__)  # noqa: S311 - draws pictures, guards nothing
    image = scene.draw(rng)
    if scene.format != "PNG":  # which cannot pack grain
        image = grain(image, rng)
    exif = Image.Exif()
    if scene.is_turned:
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[ORIENTATION] = TURN_RIGHT
    file = io.BytesIO()
    image.save(file, scene.format, quality=88, exif=exif)
    return file.getvalue()


SCENES = (
    Scene(misty_mountains, "Morning mist", "Mountain ranges fading into orange mist behind dark firs"),
    Scene(balloons, "Lift-off", "Ten striped balloons over a red canyon at sunrise"),
    Scene(aerial_beach, "Beach from above", "Turquoise water, white surf and parasols on sand, from above"),
    Scene(aurora, "Northern lights", "Green curtains of light over a fjord and a lit tent"),
    Scene(lavender, "Lavender in the evening", "Rows of lavender run to the horizon under a pink sky"),
    Scene(milky_way, "Under the Milky Way", "A wanderer with a lamp stands in a rock arch under the stars"),
    Scene(sunset_sea, "Red sky at night", "The sun touches a calm sea beside a sailing boat"),
    Scene(fruit, "Bowl of fruit", "Oranges, apples, lemons, a peach and grapes on a wooden table"),
    Scene(
        cherry_blossom, "Cherry blossom", "Pink blossom on dark branches before a spring sky", is_turned=True
    ),
    Scene(city, "City at dusk", "A skyline with lit windows, mirrored in a river at dusk"),
    Scene(iceberg, "Mostly below", "An iceberg above and below the waterline"),
    Scene(slot_canyon, "Slot canyon", "Light falls between waves of orange sandstone", is_turned=True),
    Scene(poppies, "Poppies", "Large red poppies before a meadow and a lone tree"),
    Scene(winter_village, "Village in winter", "Colourful houses with lit windows in the snow at night"),
    Scene(tulips, "Tulips and a mill", "Bands of tulips in six colours before a windmill"),
    Scene(coral_reef, "Reef", "A turtle and fish in rays of light above corals"),
    Scene(volcano, "Volcano", "Lava runs down a volcano that throws sparks into the night"),
    Scene(lighthouse, "Lighthouse", "A red and white lighthouse sends its beams over the sea at dusk"),
    Scene(autumn_lake, "Indian summer", "A red canoe on a lake that mirrors autumn trees"),
    Scene(rain_on_window, "Rain on the window", "Drops on a pane before the lights of a city, out of focus"),
    Scene(paper_sea, "Paper sea", "Waves cut from paper, from red to blue, with a paper boat", format="PNG"),
    Scene(dunes, "Dunes", "Sharp crests of sand between light and shadow"),
    Scene(foggy_forest, "Forest in fog", "Rays of light fall through fog between tall trunks"),
    Scene(nebula, "Nebula", "Purple and orange clouds of gas among stars", format="WEBP"),
    Scene(wheat, "Wheat before the harvest", "A golden field of wheat and a tree under a low sun"),
    Scene(snow_hills, "Fresh snow", "Snowy firs on white hills under a blue sky"),
    Scene(moonlit_lake, "Moonrise", "A full moon over a lake, a jetty and firs"),
)

# With the point that crops are to keep: the face.
PEOPLE = (
    (Scene(in_the_garden, "Mara Lind", "A woman with red hair and a blue jumper, in a garden"), "22% 38%"),
    (Scene(city_lights, "Tomás Rey", "A man with a beard, before the lights of a city at night"), "83% 40%"),
    (
        Scene(among_books, "Inga Vogel", "A woman with glasses, before shelves of books", is_turned=True),
        "33% 72%",
    ),
    (Scene(on_the_pass, "Juho Salo", "A boy in an orange coat, below a mountain range"), "88% 73%"),
)
