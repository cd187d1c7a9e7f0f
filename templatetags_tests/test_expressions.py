"""`name.attribute` in a tag is what Django makes of it, whatever the name stands for."""

from __future__ import annotations

from copy import copy
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db.models.fields.files import ImageFieldFile, ImageFileDescriptor
from django.template import Context, Engine

from responsive_img.templatetags.responsive_img import ImgNode
from templatetags_tests.models import Photo


class Asked:
    """Notes whether it is asked for an item."""

    title = "attribute"

    def __init__(self) -> None:
        self.items: list[str] = []

    def __getitem__(self, name: str) -> str:
        self.items.append(name)
        return "item"


class Called:
    title = "of the class"

    def __call__(self) -> SimpleNamespace:
        return SimpleNamespace(title="of what it returns")


class NotCalled(Called):
    do_not_call_in_templates = True


class Broken:
    """Its attributes are methods, or raise."""

    def method(self) -> str:
        return "returned"

    def deletes(self) -> None:
        """Nobody calls it."""

    deletes.alters_data = True  # type: ignore[attr-defined]

    @property
    def gone(self) -> None:
        raise ObjectDoesNotExist

    @property
    def silent(self) -> None:
        error = ValueError("silent")
        error.silent_variable_failure = True  # type: ignore[attr-defined]
        raise error

    @property
    def wrong(self) -> None:
        raise AttributeError("inside")

    @property
    def bug(self) -> None:
        raise RuntimeError("bug")


def node_of(engine: Engine, source: str, alt: str = '""') -> Any:
    template = engine.from_string(f"{{% load r %}}{{% img {source} width=20 alt={alt} %}}")
    (node,) = template.nodelist.get_nodes_by_type(ImgNode)
    return node


def engine(**options: Any) -> Engine:
    return Engine(libraries={"r": "responsive_img.templatetags.responsive_img"}, **options)


VALUES: dict[str, object] = {
    "plain": SimpleNamespace(title="Boats"),
    "empty": SimpleNamespace(title=""),
    "none": SimpleNamespace(title=None),
    "dictionary": {"title": "item", "keys": "an item, not the method"},
    "both": Asked(),
    "class": Called,
    "callable": Called(),
    "not called": NotCalled(),
    "function": lambda: SimpleNamespace(title="of what it returns"),
    "text": "text",
    "number": 7,
    "nothing": None,
    "broken": Broken(),
}
ATTRIBUTES = ("title", "keys", "upper", "method", "deletes", "gone", "silent", "wrong", "bug", "missing")


def outcome(expression: Any, context: Context) -> tuple[object, ...]:
    try:
        return "value", expression.resolve(context)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return type(error), str(error)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("invalid", ["", "INVALID %s"])
def test_an_attribute_is_what_django_makes_of_it(kind, attribute, invalid):
    used = engine(string_if_invalid=invalid)
    expression = f"owner.{attribute}"
    node = node_of(used, expression, expression)
    django = used.from_string(f"{{{{ {expression} }}}}").nodelist[0].filter_expression  # type: ignore[attr-defined]

    for values in ({"owner": VALUES[kind]}, {}):
        context = Context(values)
        context.template = used.from_string("")
        assert [outcome(each, context) for each in (node.source, *node.expressions)] == [
            outcome(django, context)
        ] * 2


class Counting:
    """Counts how often it is read."""

    read = 0

    @property
    def plain(self) -> str:
        self.read += 1
        return "text"

    @property
    def bug(self) -> str:
        self.read += 1
        raise RuntimeError

    @property
    def gone(self) -> str:
        self.read += 1
        raise ObjectDoesNotExist


@pytest.mark.parametrize("attribute", ["plain", "bug", "gone"])
def test_an_attribute_is_read_once(attribute):
    node, owner = node_of(engine(), f"owner.{attribute}"), Counting()
    context = Context({"owner": owner})
    context.template = engine().from_string("")

    outcome(node.source, context)

    assert owner.read == 1


def test_a_model_is_not_asked_for_an_item_and_what_has_items_is(photo, monkeypatch):
    node = node_of(engine(), "owner.image")
    asked: list[str] = []
    monkeypatch.setattr(type(node.source.expression), "resolve", lambda *_: asked.append("django"))

    assert node.source.resolve(Context({"owner": photo})) == photo.image
    assert asked == []
    node.source.resolve(Context({"owner": {"image": photo.image}}))
    assert asked == ["django"]


class Described:
    """A file field's descriptor of a project's own."""

    class Descriptor(ImageFileDescriptor):
        def __get__(self, instance, cls=None):
            return "theirs"

    image = Descriptor(Photo._meta.get_field("image"))


def test_a_file_is_read_from_its_row_once_django_has_made_it(photo, monkeypatch):
    node = node_of(engine(), "owner.image")
    context = Context({"owner": photo})

    first = node.source.resolve(context)
    asked: list[object] = []
    monkeypatch.setattr(ImageFileDescriptor, "__get__", lambda *found: asked.append(found))

    assert type(first) is ImageFieldFile
    assert node.source.resolve(context) is first
    assert asked == []


def test_a_file_of_another_row_a_name_a_deferred_one_and_none_are_left_to_the_descriptor(photo):
    node = node_of(engine(), "owner.image")

    def file_of(owner: object) -> Any:
        return node.source.resolve(Context({"owner": owner}))

    photo.image  # noqa: B018 - the descriptor makes the file
    copied = copy(photo)  # shares the file until it is asked for it
    assert file_of(copied).instance is copied
    photo.image = "photos/other.jpg"
    assert file_of(photo).name == "photos/other.jpg"
    assert file_of(Photo.objects.defer("image").get(pk=photo.pk)).name == copied.image.name
    assert not file_of(Photo())


def test_a_descriptor_and_a_file_of_a_project_are_asked(photo):
    node = node_of(engine(), "owner.image")

    class Theirs(ImageFieldFile):
        pass

    class Own(Photo):
        class Meta:
            proxy = True
            app_label = "templatetags_tests"

        def __getattribute__(self, name: str) -> Any:
            return "own" if name == "image" else super().__getattribute__(name)

    own = Own(title="Own")
    own.__dict__["image"] = ImageFieldFile(own, Photo._meta.get_field("image"), "photos/a.jpg")
    assert node.source.resolve(Context({"owner": own})) == "own"
    described = Described()
    described.__dict__["image"] = photo.image
    assert node.source.resolve(Context({"owner": described})) == "theirs"
    photo.__dict__["image"] = theirs = Theirs(photo, Photo._meta.get_field("image"), "photos/a.jpg")
    assert node.source.resolve(Context({"owner": photo})) is theirs


def test_a_class_is_not_asked_for_an_attribute():
    asked: list[object] = []

    class OfTheClass:
        def __get__(self, instance: object, kind: type) -> str:
            asked.append(instance)
            return "of the instance"

    class Owner:
        image = OfTheClass()

    owner = Owner()
    assert node_of(engine(), "owner.image").source.resolve(Context({"owner": owner})) == "of the instance"
    assert asked == [owner]


def test_a_class_that_changes_later_is_read_as_it_is_then(photo, monkeypatch):
    node = node_of(engine(), "owner.image")
    context = Context({"owner": photo})
    assert node.source.resolve(context) is photo.image

    monkeypatch.setattr(Photo, "image", property(lambda self: "photos/later.jpg"))

    assert node.source.resolve(context) == "photos/later.jpg"


class Raising(Context):
    """Cannot be asked."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def __getitem__(self, key: Any) -> object:
        raise self.error


@pytest.mark.parametrize("error", [KeyError("a"), TypeError("b"), RuntimeError("c"), ObjectDoesNotExist("d")])
def test_a_context_that_raises_is_what_it_is_without_a_common_name(error):
    context = Raising(error)
    context.template = engine(string_if_invalid="INVALID").from_string("")
    node = node_of(engine(string_if_invalid="INVALID"), "owner.image", "owner.title")

    def given() -> object:
        try:
            return node.given(context)[2:]
        except Exception as raised:  # noqa: BLE001 - whatever it is
            return type(raised)

    together = given()
    node.of_one = None

    assert together == given()


class Looked(Context):
    """Notes the names that are looked for."""

    def __init__(self, values: dict[str, object]) -> None:
        super().__init__(values)
        self.names: list[str] = []

    def __getitem__(self, key: Any) -> object:
        self.names.append(key)
        return super().__getitem__(key)

    def get(self, key: Any, otherwise: object = None) -> object:
        self.names.append(key)
        return super().get(key, otherwise)


@pytest.mark.parametrize(
    ("source", "alt", "times"),
    [
        ("owner.image", "owner.title", 1),
        ("owner.image", '"A boat"', 1),
        ("owner.image", "other.title", 1),
        ("owner.image", "owner.title|upper", 2),
        ("owner", "owner.title", 2),
    ],
)
def test_what_all_are_attributes_of_is_looked_for_once(photo, source, alt, times):
    context = Looked({"owner": photo, "other": photo})
    context.template = engine().from_string("")

    program, request, file, values = node_of(engine(), source, alt).given(context)

    assert program.spec is not None
    assert request is None
    assert file == (photo if source == "owner" else photo.image)
    assert values in ([], [photo.title], [photo.title.upper()])
    assert context.names.count("owner") == times


@pytest.mark.parametrize("values", [{}, {"owner": None}])
def test_a_name_that_stands_for_nothing_is_what_django_makes_of_it(values):
    used = engine(string_if_invalid="INVALID %s")
    context = Context(values)
    context.template = used.from_string("")

    _, _, source, alts = node_of(used, "owner.image", "owner.title").given(context)

    django = [used.from_string(f"{{{{ owner.{name} }}}}") for name in ("image", "title")]
    assert [source, *alts] == [each.nodelist[0].filter_expression.resolve(context) for each in django]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "source", ["owner", "owner.a.b", "owner.title|lower", '"photos/cat.jpg"', '_("photos/cat.jpg")']
)
def test_all_else_is_left_to_django(source):
    assert type(node_of(engine(), source).source).__name__ == "FilterExpression"
