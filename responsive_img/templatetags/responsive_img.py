"""`{% load responsive_img %}`: the tags of Django templates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import template
from django.db.models.fields.files import FieldFile, FileDescriptor, ImageFieldFile, ImageFileDescriptor
from django.template.base import FilterExpression, Node, Parser, Token, render_value_in_context
from django.template.context import Context

from responsive_img import programs, tags
from responsive_img.exceptions import SpecError
from responsive_img.options import PRESET

register = template.Library()

_ARGUMENT = re.compile(r"([\w-]+)=(.+)", re.DOTALL)
_WORDS = {"True": True, "False": False, "None": None}


# Of Django's own alone: a class of a project may do what it likes when it is read.
_DESCRIPTORS = frozenset({FileDescriptor, ImageFileDescriptor})
_FILES = frozenset({FieldFile, ImageFieldFile})


class _Attribute:
    """
    An expression `name.attribute`, resolved as Django does it, in half the time.

    Django asks for an item first, and a model answers that with an error: 0.5 µs, twice for each picture. What is
    no plain attribute of a plain object costs a little more than it did.
    """

    __slots__ = ("_plain", "attribute", "expression", "is_source", "name")

    def __init__(self, expression: FilterExpression, *, is_source: bool) -> None:
        self.expression = expression
        self.is_source = is_source
        self.name, self.attribute = expression.var.lookups
        # The class that has last been found to be plain: a loop is over rows of one.
        self._plain: type | None = None

    def resolve(self, context: Context, holder: object = None) -> object:
        """
        Return the value; whatever is not as simple as an attribute of a plain object is left to Django.

        Args:
            context: Of the render.
            holder: What the name stands for; None: it is looked for.

        Raises:
            Exception: Whatever the attribute raises, but what Django is silent about.
        """
        try:
            if holder is None:
                holder = context[self.name]
            if type(holder) is self._plain or self._is_plain(holder):
                value: object = self._file_of(holder) if self.is_source else None
                if value is None:
                    value = getattr(holder, self.attribute)
                if not callable(value):
                    return value
        except (AttributeError, KeyError, TypeError):  # Django knows what these mean
            pass
        except Exception as error:
            if not getattr(error, "silent_variable_failure", False):
                raise
            return context.template.engine.string_if_invalid  # type: ignore[union-attr]  # it is being rendered
        return self.expression.resolve(context)

    def _is_plain(self, holder: object) -> bool:
        """Tell whether Django would ask for no more than the attribute, and remember it of the class."""
        if hasattr(type(holder), "__getitem__") or callable(holder):
            return False
        self._plain = type(holder)
        return True

    def _file_of(self, holder: object) -> FieldFile | None:
        """Return the file that the descriptor of a row's field would give, if it has been asked before: 0.3 µs less."""
        kind = type(holder)
        if (
            type(kind.__dict__.get(self.attribute)) in _DESCRIPTORS
            and kind.__getattribute__ is object.__getattribute__
        ):
            file: Any = holder.__dict__.get(self.attribute)
            if type(file) in _FILES and file.instance is holder:
                return file  # type: ignore[no-any-return]  # its class says it
        return None


Expression = FilterExpression | _Attribute


def _quick(expression: FilterExpression, *, is_source: bool = False) -> Expression:
    lookups = getattr(expression.var, "lookups", None)
    is_attribute = lookups is not None and len(lookups) == 2 and not expression.filters
    return _Attribute(expression, is_source=is_source) if is_attribute else expression


def _of_one(
    source: Expression, expressions: Sequence[Expression]
) -> tuple[_Attribute, list[_Attribute]] | None:
    """Return the source and the values if all are attributes of one name, which is then looked for once."""
    values = [each for each in expressions if isinstance(each, _Attribute)]
    if not isinstance(source, _Attribute) or len(values) < len(expressions):
        return None
    return (source, values) if all(each.name == source.name for each in values) else None


class _PictureNode(Node):
    """One tag of a template: a source, and what its program wants to know at each render."""

    child_nodelists = ()

    def __init__(
        self,
        source: FilterExpression,
        program: programs.Program,
        expressions: list[FilterExpression],
        name: str | None,
    ) -> None:
        self.source = _quick(source, is_source=True)
        self.program = program
        self.expressions = [_quick(expression) for expression in expressions]
        self.name = name
        self.of_one = _of_one(self.source, self.expressions)

    def given(self, context: Context) -> tuple[programs.Program, object, object, list[object]]:
        """Return the program, and the request, the source and the values of a render."""
        # An attribute of RequestContext that survives `{% include only %}`; a context made of a flattened
        # one has only the key.
        request = getattr(context, "request", None) or context.get("request")
        if self.of_one is None:
            values = [expression.resolve(context) for expression in self.expressions]
            return self.program, request, self.source.resolve(context), values
        source, attributes = self.of_one
        try:
            holder = context[source.name]
        except Exception:  # noqa: BLE001 - whatever it is, each of them meets it, and knows what Django makes of it
            holder = None
        values = [attribute.resolve(context, holder) for attribute in attributes]
        return self.program, request, source.resolve(context, holder), values


class ImgNode(_PictureNode):
    """One `{% img %}`."""

    def render(self, context: Context) -> str:
        """Return the picture's marker or markup: safe, as all that a node returns."""
        given = self.given(context)
        if self.name is None:
            return tags.render(*given)
        context[self.name] = tags.defer(*given)
        return ""


class ImgUrlNode(_PictureNode):
    """One `{% img_url %}`."""

    def render(self, context: Context) -> str:
        """Return the URL or the marker of one: escaped as any value is."""
        url = tags.url(*self.given(context), is_printed=self.name is None)
        if self.name is None:
            return render_value_in_context(url, context)
        context[self.name] = url
        return ""


@register.tag("img")
@register.tag("responsive_img")
def compile_img(parser: Parser, token: Token) -> ImgNode:
    """
    Compile `{% img SOURCE [PRESET] key=value … [as name] %}`.

    Raises:
        TemplateSyntaxError: An argument is wrong; the message names it.
    """
    return ImgNode(*_compiled(parser, token, programs.compile_img))


@register.tag("img_url")
@register.tag("responsive_img_url")
def compile_img_url(parser: Parser, token: Token) -> ImgUrlNode:
    """
    Compile `{% img_url SOURCE [PRESET] key=value … [as name] %}`.

    Raises:
        TemplateSyntaxError: An argument is wrong; the message names it.
    """
    return ImgUrlNode(*_compiled(parser, token, programs.compile_url))


def _compiled(
    parser: Parser, token: Token, compile_program: programs.Compiler
) -> tuple[FilterExpression, programs.Program, list[FilterExpression], str | None]:
    """Return the source, the program, the expressions it wants, and the variable to set, if any."""
    name, *bits = token.split_contents()
    variable = bits[-1] if bits[-2:-1] == ["as"] else None
    if variable is not None:
        if not variable.isidentifier():
            raise template.TemplateSyntaxError(f"{{% {name} %}}: {variable!r} is no name of a variable.")
        del bits[-2:]
    positional: list[FilterExpression] = []
    keywords: list[tuple[str, FilterExpression]] = []
    for bit in bits:
        match = _ARGUMENT.fullmatch(bit)
        if match:
            keywords.append((match[1], parser.compile_filter(match[2])))
        elif keywords:
            raise template.TemplateSyntaxError(
                f"{{% {name} %}}: a positional argument must stand before the keyword arguments."
            )
        else:
            positional.append(parser.compile_filter(bit))
    try:
        programs.check_positional(len(positional))
        source, *presets = positional
        program, wanted = compile_program(
            [(keyword, _constant(expression)) for keyword, expression in keywords],
            _constant(presets[0]) if presets else None,
            _name_of(parser),
        )
    except SpecError as error:
        raise template.TemplateSyntaxError(f"{{% {name} %}}: {error}") from error
    given = dict(keywords) | ({PRESET: presets[0]} if presets else {})
    return source, program, [given[argument] for argument in wanted], variable


def _name_of(parser: Parser) -> str:
    """Return the name of the template that is compiled."""
    origin = parser.origin
    return "" if origin is None else str(origin.template_name or "")


def _constant(expression: FilterExpression) -> object:
    """Return the value of a literal; EXPRESSION for all that only a context knows."""
    if expression.filters:
        return programs.EXPRESSION
    if isinstance(expression.var, str):  # a quoted literal, which Django has marked as safe
        return str.__str__(expression.var)
    if expression.token in _WORDS:
        return _WORDS[expression.token]
    literal = getattr(expression.var, "literal", None)
    return programs.EXPRESSION if literal is None or expression.var.translate else literal
