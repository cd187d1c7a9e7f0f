"""`{% load responsive_img %}`: the tags of Django templates."""

from __future__ import annotations

import re

from django import template
from django.template.base import FilterExpression, Node, Parser, Token
from django.template.context import Context

from responsive_img import programs, tags
from responsive_img.exceptions import SpecError

register = template.Library()

_ARGUMENT = re.compile(r"([\w-]+)=(.+)", re.DOTALL)
_WORDS = {"True": True, "False": False, "None": None}


class ImgNode(Node):
    """One `{% img %}` of a template."""

    child_nodelists = ()

    def __init__(
        self, source: FilterExpression, program: programs.Program, expressions: list[FilterExpression]
    ) -> None:
        self.source = source
        self.program = program
        self.expressions = expressions

    def render(self, context: Context) -> str:
        """Return the picture's marker or markup: safe, as all that a node returns."""
        # An attribute of RequestContext that survives `{% include only %}`; a context made of a flattened
        # one has only the key.
        request = getattr(context, "request", None) or context.get("request")
        values = [expression.resolve(context) for expression in self.expressions]
        return tags.render(self.program, request, self.source.resolve(context), values)


@register.tag("img")
@register.tag("responsive_img")
def compile_img(parser: Parser, token: Token) -> ImgNode:
    """
    Compile `{% img SOURCE [PRESET] key=value … %}`.

    Raises:
        TemplateSyntaxError: An argument is wrong; the message names it.
    """
    name, *bits = token.split_contents()
    positional: list[FilterExpression] = []
    keywords: list[tuple[str, FilterExpression]] = []
    for bit in bits:
        match = _ARGUMENT.fullmatch(bit)
        if match:
            keywords.append((match[1], parser.compile_filter(match[2])))
        elif keywords:
            raise template.TemplateSyntaxError(
                f"{{% {name} %}}: {bit!r} must stand before the keyword arguments."
            )
        else:
            positional.append(parser.compile_filter(bit))
    if not 1 <= len(positional) <= 2:
        raise template.TemplateSyntaxError(
            f"{{% {name} %}} takes a source, perhaps a preset, then keyword arguments; "
            f"it was given {len(positional)} positional argument(s)."
        )
    source, *presets = positional
    given = dict(keywords)
    try:
        program, wanted = programs.compile_img(
            [(keyword, _constant(expression)) for keyword, expression in keywords],
            _constant(presets[0]) if presets else None,
        )
    except SpecError as error:
        raise template.TemplateSyntaxError(f"{{% {name} %}}: {error}") from error
    if presets:
        given[programs.PRESET] = presets[0]
    return ImgNode(source, program, [given[argument] for argument in wanted])


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
