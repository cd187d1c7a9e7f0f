"""`{% load responsive_img %}`: the tags of Django templates."""

from __future__ import annotations

import re

from django import template
from django.template.base import FilterExpression, Node, Parser, Token, render_value_in_context
from django.template.context import Context

from responsive_img import programs, tags
from responsive_img.exceptions import SpecError
from responsive_img.options import PRESET

register = template.Library()

_ARGUMENT = re.compile(r"([\w-]+)=(.+)", re.DOTALL)
_WORDS = {"True": True, "False": False, "None": None}


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
        self.source = source
        self.program = program
        self.expressions = expressions
        self.name = name

    def given(self, context: Context) -> tuple[object, object, list[object]]:
        """Return the request, the source and the values of a render."""
        # An attribute of RequestContext that survives `{% include only %}`; a context made of a flattened
        # one has only the key.
        request = getattr(context, "request", None) or context.get("request")
        values = [expression.resolve(context) for expression in self.expressions]
        return request, self.source.resolve(context), values


class ImgNode(_PictureNode):
    """One `{% img %}`."""

    def render(self, context: Context) -> str:
        """Return the picture's marker or markup: safe, as all that a node returns."""
        request, source, values = self.given(context)
        if self.name is None:
            return tags.render(self.program, request, source, values)
        context[self.name] = tags.defer(self.program, request, source, values)
        return ""


class ImgUrlNode(_PictureNode):
    """One `{% img_url %}`."""

    def render(self, context: Context) -> str:
        """Return the URL or the marker of one: escaped as any value is."""
        url = tags.url(self.program, *self.given(context), is_printed=self.name is None)
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
