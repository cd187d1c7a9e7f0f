"""Puts the page together: the tables, and what the library makes of each line in them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from responsive_img import Img, conf, programs
from sandbox.reference import facts, members, sources
from sandbox.reference.arguments import THEMES, Entry, Example
from sandbox.reference.layout import anchor, paragraph, pretty
from sandbox.reference.lines import LineError, Session, refusal, rendered
from sandbox.reference.members import Member

AS_PIC, PYTHON, SETTINGS = "A picture in parts: `as pic`", "In Python", "Settings"
_ITEM = "- "
_REFUSALS = ("contradicts", "needs", "Unknown argument")


def text() -> str:
    """
    Return the page.

    Raises:
        LineError: A line does not do what is said of it.
    """
    blocks = [*_head(), *_contents()]
    for theme in THEMES:
        blocks += [f"## {theme.title}", _prose(theme.says)]
        for entry in theme.entries:
            blocks += _section(entry)
    return "\n\n".join([*blocks, *_as_pic(), *_python(), *_settings()]) + "\n"


def _head() -> Iterator[str]:
    yield "# Reference"
    yield _prose(
        "Every argument, with the markup that it makes. `make reference` writes this page: each line below "
        "has been rendered, in "
        "Django templates and in Jinja2 with the same result, and each message is what a wrong line gets "
        "when its template is "
        "compiled. The markup is broken into lines to be read; a page has it in one. The name of a file says "
        "what was asked for, "
        "and ends in a digest of all that makes it what it is."
    )
    yield _prose(
        "Django templates want `{% load responsive_img %}` before the first tag. Every value may be a "
        "variable too. What is wrong "
        "with that shows when the page is rendered: it raises `SpecError` under `DEBUG`; else it is logged, "
        "and the source is "
        "shown. In Django templates lists, pairs in brackets and dictionaries can only come from variables."
    )
    yield "The sources:"
    named = {sources.HARBOUR: "`photo.image`", sources.SMALL: "`small.image`"}
    rows = (
        (f"{named[name]}: `{name}`" if name in named else f'`"{name}"`', f"{width} × {height} px")
        for name, (width, height) in sources.ALL.items()
    )
    yield _table(("source", "size"), rows)


def _contents() -> Iterator[str]:
    lines = []
    for theme in THEMES:
        links = " · ".join(f"[{_heading(entry)}](#{anchor(_heading(entry))})" for entry in theme.entries)
        lines.append(_item(f"[{theme.title}](#{anchor(theme.title)}): {links}"))
    lines += [f"- [{title}](#{anchor(title)})" for title in (AS_PIC, PYTHON, SETTINGS)]
    yield "\n".join(lines)


def _heading(entry: Entry) -> str:
    return entry.heading or f"`{entry.name}`"


def _section(entry: Entry) -> Iterator[str]:
    yield f"### {_heading(entry)}"
    yield _prose(entry.says)
    items = [f"**Takes** {entry.takes}"]
    if entry.forms:
        items.append(f"**Written** {', '.join([_form(entry, form) for form in entry.forms])}.")
    items.append(f"**Default**: {entry.default}")
    if entry.contradicts:
        items.append(
            f"**Contradicts** {', '.join([_contradiction(entry, *each) for each in entry.contradicts])}."
        )
    yield "\n".join(map(_item, items))
    for example in entry.examples:
        yield from _example(example)
    yield "Wrong:"
    yield _block("html+django", entry.wrong)
    yield _block("text", paragraph(refusal(entry.wrong)))


def _form(entry: Entry, form: str) -> str:
    """Return a form as Markdown, once the library has read it."""
    value = ast.literal_eval(form)
    if entry.tag == "img_url":
        programs.compile_url([(entry.name, value)])
    else:
        Img(**{entry.name: value})
    return f"`{form}`"


def _contradiction(entry: Entry, words: str, fragment: str) -> str:
    """Return what contradicts an argument, once the library has said so."""
    alt = ' alt=""' if entry.tag == "img" else ""
    line = f"{{% {entry.tag} photo.image {fragment}{alt} %}}"
    message = refusal(line)
    if not any(word in message for word in _REFUSALS):
        raise LineError(f"{line} is refused for another reason: {message}")
    return words


def _example(example: Example) -> Iterator[str]:
    if example.note:
        yield _prose(example.note)
    yield _block("html+django", example.line)
    shown = rendered(example.line)
    yield _block("html" if "<" in shown else "text", pretty(shown) if shown else "(nothing)")


def _as_pic() -> Iterator[str]:
    yield f"## {AS_PIC}"
    yield _prose(
        "`{% img … as pic %}` shows nothing itself. It sets a variable, here `pic`, that has the parts of "
        "the picture. Printed, "
        "they share the one lookup of the page. `pic` is true unless the source is empty."
    )
    yield _block("html+django", members.PIC_LINE)
    for member in members.PIC.values():
        yield _item(f"`{{{{ {member.call} }}}}`: {member.says}")
        shown = rendered(f"{members.PIC_LINE}{{{{ {member.call} }}}}")
        yield _indented(_block("html" if "<" in shown else "text", pretty(shown) if shown else "(empty)"))


def _python() -> Iterator[str]:
    session = Session()
    yield f"## {PYTHON}"
    yield _prose(
        "`Img` takes what the tag takes, and bound to a source it gives what the tag would show. "
        "[The README](../README.md#outside-of-a-response) has `batch`, `finalize` and `immediate`."
    )
    yield _block("pycon", "\n".join(_answered(session, members.SETUP)))
    for member in members.IMG.values():
        session.answer(member.call)  # it must run; an object prints as nothing to read
    yield _table(("`Img`", "is"), ((f"`{each.call}`", each.says) for each in members.IMG.values()))
    yield _prose(members.IMG_ARGUMENTS)
    yield _table(("bound image", "gives"), ((f"`{each.call}`", each.says) for each in members.BOUND.values()))
    yield _block("pycon", "\n".join(_answered(session, _calls(members.BOUND))))
    yield _prose(
        "An `ImageBatch` has bound images looked up together, and each source decoded once, as soon as one of them "
        "is asked for something."
    )
    yield _table(("`ImageBatch`", "does"), ((f"`{each.call}`", each.says) for each in members.BATCH.values()))
    yield _block("pycon", "\n".join(_answered(session, [members.BATCH_SETUP, *_calls(members.BATCH)])))
    yield "Wrong:"
    yield _block("pycon", f">>> {members.WRONG_IMG}\n{paragraph(session.refusal(members.WRONG_IMG))}")


def _calls(of: Mapping[str, Member]) -> list[str]:
    return [member.call for member in of.values()]


def _answered(session: Session, statements: Iterable[str]) -> Iterator[str]:
    """Return statements as at a prompt, each with what it prints."""
    for statement in statements:
        yield f">>> {statement}"
        answer = session.answer(statement)
        if answer:
            yield pretty(answer)


def _settings() -> Iterator[str]:
    yield f"## {SETTINGS}"
    yield _prose(
        f"Each is written with `{conf.PREFIX}` before it. They are read when they are used, so "
        f"`override_settings` works."
    )
    rows = (
        (f"`{name}`", facts.default_text(name, setting.unit), facts.with_facts(setting.says))
        for name, setting in members.SETTINGS.items()
    )
    yield _table(("setting", "default", ""), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join([f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines])


def _prose(words: str) -> str:
    return paragraph(facts.with_facts(words))


def _item(words: str) -> str:
    return paragraph(facts.with_facts(words), first=_ITEM, indent=" " * len(_ITEM))


def _block(language: str, lines: str) -> str:
    return f"```{language}\n{lines}\n```"


def _indented(block: str) -> str:
    return "\n".join([f"{' ' * len(_ITEM)}{line}" for line in block.splitlines()])
