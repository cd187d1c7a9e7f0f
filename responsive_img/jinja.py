"""The Jinja2 extension: `{% img %}`, its long alias, and the global function `img()`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, nodes, pass_context
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.lexer import Token
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup

from responsive_img import programs, tags
from responsive_img.exceptions import SpecError

# Of the filter that the tag compiles to; not for templates.
FILTER = "responsive_img_picture"


class ResponsiveImgExtension(Extension):
    """Named in `OPTIONS["extensions"]` of a Jinja2 engine; keeps nothing about its environment."""

    tags = {"img", "responsive_img"}  # noqa: RUF012 - Jinja2 declares it as the instance's

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters[FILTER] = _picture
        environment.globals.setdefault("img", img)
        environment.globals.setdefault("responsive_img", img)

    def parse(self, parser: Parser) -> nodes.Node:
        """Compile `{% img SOURCE [PRESET] key=value … %}`; commas are optional."""
        token = next(parser.stream)
        positional, keywords = self._arguments(parser, token)
        source, *presets = positional
        try:
            program, wanted = programs.compile_img(
                [(name, _constant(value, self.environment)) for name, value in keywords],
                _constant(presets[0], self.environment) if presets else None,
            )
        except SpecError as error:
            self._fail(token, str(error))
        given = dict(keywords) | ({programs.PRESET: presets[0]} if presets else {})
        # A filter, as the compiled template calls one directly: a call of a method costs 1 µs more.
        picture = nodes.Filter(
            source,
            FILTER,
            [nodes.Const(tuple(program)), nodes.Tuple([given[argument] for argument in wanted], "load")],
            [],
            None,
            None,
        )
        return nodes.Output([picture]).set_lineno(token.lineno)

    def _arguments(
        self, parser: Parser, token: Token
    ) -> tuple[list[nodes.Expr], list[tuple[str, nodes.Expr]]]:
        """Read the positional and the keyword arguments up to the end of the tag."""
        positional: list[nodes.Expr] = []
        keywords: list[tuple[str, nodes.Expr]] = []
        while parser.stream.current.type != "block_end":
            if parser.stream.skip_if("comma"):
                continue
            name = _keyword(parser)
            value = _expression(parser)
            if parser.stream.current.type == "assign":
                self._fail(token, _hyphen_message(value))
            if name is not None:
                keywords.append((name, value))
            elif keywords:
                self._fail(token, "a positional argument must stand before the keyword arguments.")
            else:
                positional.append(value)
        if not 1 <= len(positional) <= 2:
            self._fail(
                token,
                "takes a source, perhaps a preset, then keyword arguments; "
                f"it was given {len(positional)} positional argument(s).",
            )
        return positional, keywords

    def _fail(self, token: Token, message: str) -> None:
        raise TemplateSyntaxError(f"{{% {token.value} %}}: {message}", token.lineno)


@pass_context
def _picture(context: Context, source: object, program: tuple[Any, ...], values: Sequence[object]) -> Markup:
    """Return the marker or markup of a compiled tag's picture."""
    return Markup(tags.render(program, context.get("request"), source, values))  # noqa: S704 - escaped by tags


@pass_context
def img(context: Context, source: object, preset: str | None = None, /, **options: object) -> Markup:
    """
    Return the picture of a source, as the tag does.

    Raises:
        SpecError: Under DEBUG: an argument is wrong.
    """
    return Markup(tags.call(context.get("request"), source, preset, options))  # noqa: S704 - escaped by tags


def _keyword(parser: Parser) -> str | None:
    """Return the name of a keyword argument and step over it and its "="; None for a positional one."""
    stream = parser.stream
    if stream.current.type != "name":
        return None
    if stream.look().type == "assign":
        name = str(next(stream).value)
        next(stream)
        return name
    return None


def _expression(parser: Parser) -> nodes.Expr:
    """Read one argument; Jinja2 itself would join two neighbouring string literals into one."""
    stream = parser.stream
    if stream.current.type == "string" and stream.look().type == "string":
        literal = next(stream)
        return nodes.Const(literal.value, lineno=literal.lineno)
    return parser.parse_expression()


def _hyphen_message(value: nodes.Expr) -> str:
    """Return what to say of `data-foo=`, which Jinja2 reads as a subtraction."""
    parts = []
    while isinstance(value, nodes.Sub) and isinstance(value.right, nodes.Name):
        parts.append(value.right.name)
        value = value.left
    parts.append(value.name if isinstance(value, nodes.Name) else "…")
    name = "_".join(reversed(parts))
    return f"Write {name!r} instead of {name.replace('_', '-')!r}."


def _constant(value: nodes.Expr, environment: Environment) -> object:
    """Return the value of a literal, of a list, a tuple or a dict of such; EXPRESSION for all else."""
    if isinstance(value, nodes.Literal):
        try:
            return value.as_const(nodes.EvalContext(environment))
        except nodes.Impossible:
            pass
    if isinstance(value, nodes.Neg) and isinstance(value.node, nodes.Const):
        number = value.node.value
        return -number if isinstance(number, (int, float)) else programs.EXPRESSION
    return programs.EXPRESSION
