"""The Jinja2 extension: `{% img %}`, `{% img_url %}`, their long aliases, and the functions of the same names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jinja2 import Environment, nodes, pass_context
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup

from responsive_img import calls, programs, tags
from responsive_img.deferred import DeferredPicture
from responsive_img.exceptions import SpecError
from responsive_img.options import PRESET
from responsive_img.renders import knowing_its_request, request_of

# The filters that tags compile to; not for templates.
_PICTURE, _DEFERRED = "responsive_img_picture", "responsive_img_deferred"
_URL, _URL_IN_A_VARIABLE = "responsive_img_url_of", "responsive_img_url_in_a_variable"
# By whether the tag gives a URL, and whether it prints what it gives.
_FILTERS = {
    (False, True): _PICTURE,
    (False, False): _DEFERRED,
    (True, True): _URL,
    (True, False): _URL_IN_A_VARIABLE,
}
_URL_TAGS = {"img_url", "responsive_img_url"}

_DEPTHS = {"lparen": 1, "lbracket": 1, "lbrace": 1, "rparen": -1, "rbracket": -1, "rbrace": -1}

Arguments = tuple[list[nodes.Expr], list[tuple[str, nodes.Expr]]]


class ResponsiveImgExtension(Extension):
    """Named in `OPTIONS["extensions"]` of a Jinja2 engine; keeps nothing about its environment."""

    tags = {"img", "responsive_img", *_URL_TAGS}  # noqa: RUF012 - Jinja2 declares it as the instance's

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.template_class = knowing_its_request(environment.template_class)  # type: ignore[arg-type]  # classes can be hashed
        environment.filters[_PICTURE] = _picture
        environment.filters[_DEFERRED] = _deferred
        environment.filters[_URL] = _url
        environment.filters[_URL_IN_A_VARIABLE] = _url_in_a_variable
        for name in ("img", "responsive_img"):
            environment.globals.setdefault(name, img)
        for name in _URL_TAGS:
            environment.globals.setdefault(name, img_url)

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Put a comma between two arguments that Jinja2 would read as one: strings side by side, and a test `is`."""
        tokens = list(stream)
        depth: int | None = None  # of brackets; None: outside of a tag of ours
        for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
            if token.type == "block_begin":
                depth = 0 if after is not None and after.value in self.tags else None
            elif token.type == "block_end":
                depth = None
            elif depth is not None:
                depth += _DEPTHS.get(token.type, 0)
                is_string = token.type == "string" and before is not None and before.type == "string"
                is_is = token.test("name:is") and after is not None and after.type == "assign"
                if depth == 0 and (is_string or is_is):
                    yield Token(token.lineno, "comma", ",")
            yield token

    def parse(self, parser: Parser) -> nodes.Node:
        """Compile `{% img SOURCE [PRESET] key=value … [as name] %}` or `{% img_url … %}`; commas are optional."""
        token = next(parser.stream)
        gives_url = token.value in _URL_TAGS
        positional, keywords = self._arguments(parser, token)
        target = parser.parse_assign_target(name_only=True) if parser.stream.skip_if("name:as") else None
        if parser.stream.current.type != "block_end":
            self._fail(token, "nothing may follow 'as' and the name of a variable.")
        try:
            programs.check_positional(len(positional))
            source, *presets = positional
            constants = [(name, _constant(value, self.environment)) for name, value in keywords]
            preset = _constant(presets[0], self.environment) if presets else None
            template = parser.name or ""
            compiled = programs.compile_url if gives_url else programs.compile_img
            _, wanted = compiled(constants, preset, template)
        except SpecError as error:
            self._fail(token, str(error))
        given = dict(keywords) | ({PRESET: presets[0]} if presets else {})
        # A filter, as the compiled template calls one directly: a call of a method costs 1 µs more.
        picture = nodes.Filter(
            source,
            _FILTERS[gives_url, target is None],
            [
                nodes.Const(programs.written(constants, preset, template, gives_url=gives_url)),
                nodes.Tuple([given[argument] for argument in wanted], "load"),
            ],
            [],
            None,
            None,
        )
        node = nodes.Output([picture]) if target is None else nodes.Assign(target, picture)
        return node.set_lineno(token.lineno)

    def _arguments(self, parser: Parser, token: Token) -> Arguments:
        """Read the positional and the keyword arguments up to the end of the tag, or to its "as"."""
        positional: list[nodes.Expr] = []
        keywords: list[tuple[str, nodes.Expr]] = []
        while parser.stream.current.type != "block_end" and not _is_as(parser):
            if parser.stream.skip_if("comma"):
                continue
            name = _keyword(parser)
            value = parser.parse_expression()
            if parser.stream.current.type == "assign":
                self._fail(token, _hyphen_message(value))
            if name is not None:
                keywords.append((name, value))
            elif keywords:
                self._fail(token, "a positional argument must stand before the keyword arguments.")
            else:
                positional.append(value)
        return positional, keywords

    def _fail(self, token: Token, message: str) -> None:
        raise TemplateSyntaxError(f"{{% {token.value} %}}: {message}", token.lineno)


@pass_context
def _picture(context: Context, source: object, written: str, values: Sequence[object]) -> Markup:
    """Return the marker or markup of a compiled tag's picture."""
    return Markup(tags.render(programs.of_written(written), request_of(context), source, values))  # noqa: S704 - escaped by tags


@pass_context
def _deferred(context: Context, source: object, written: str, values: Sequence[object]) -> DeferredPicture:
    """Return the picture of a compiled tag with "as"."""
    return tags.defer(programs.of_written(written), request_of(context), source, values)


@pass_context
def _url(context: Context, source: object, written: str, values: Sequence[object]) -> str:
    """Return the URL, or the marker of one, of a compiled tag; Jinja2 escapes it as any value."""
    return tags.url(programs.of_written(written), request_of(context), source, values)


@pass_context
def _url_in_a_variable(context: Context, source: object, written: str, values: Sequence[object]) -> str:
    """Return the same where it is not printed yet."""
    return tags.url(programs.of_written(written), request_of(context), source, values, is_printed=False)


@pass_context
def img(context: Context, /, source: object, *preset: object, **options: object) -> Markup:
    """
    Return the picture of a source, as the tag does.

    Raises:
        SpecError: Under DEBUG: an argument is wrong.
    """
    return Markup(calls.img(request_of(context), source, _one(preset), options))  # noqa: S704 - escaped by tags


@pass_context
def img_url(context: Context, /, source: object, *preset: object, **options: object) -> str:
    """
    Return the URL of a source's picture, as the tag does.

    Raises:
        SpecError: Under DEBUG: an argument is wrong.
    """
    return calls.img_url(request_of(context), source, _one(preset), options)


def _one(preset: tuple[object, ...]) -> object:
    """Return what stands behind the source; by keyword it is an error, as in the tag."""
    if len(preset) > 1:
        raise TypeError(f"One preset may stand behind the source, not {len(preset)}.")
    return preset[0] if preset else None


def _is_as(parser: Parser) -> bool:
    """Tell whether "as" and a name follow."""
    return parser.stream.current.test("name:as") and parser.stream.look().type == "name"


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
