"""Mails, row 53: whatever request they were rendered with, they hold markup."""

from __future__ import annotations

import copy
import email
import email.policy
import html
import pickle
from collections.abc import Callable
from email.mime.text import MIMEText
from typing import Any

import pytest
from django import VERSION
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends import locmem, smtp
from django.core.mail.message import EmailAlternative
from django.http import HttpRequest, HttpResponse
from django.utils.functional import lazystr
from django.utils.safestring import SafeString

from responsive_img import finalize
from responsive_img.mail import EmailBackend
from responsive_img.testing import assert_image_lookups
from templatetags_tests.conftest import MARKUP, ONE_FILE, drawn, respond

# What Django 5.2 has for it still works in 6.1, which would rather see MAILERS; of our own code nothing is let off.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{message}")
    for message in (
        "The EMAIL_BACKEND setting is deprecated",
        "get_connection\\(\\) is deprecated",
        "Directly creating EmailBackend instances is deprecated",
        "Django 2028 will not have a default mailer",
        "MIMEBase attachments are deprecated",
        "The 'connection' argument is deprecated",
    )
]
LANGUAGES = ("django", "jinja2")
PATH = "responsive_img.mail.EmailBackend"
START = '<img data-ri="RI1.'
TO = ["reader@example.com"]


@pytest.fixture
def outbox(settings, mailoutbox):
    """Send through the library to Django's outbox, and return that."""
    settings.EMAIL_BACKEND = PATH
    settings.RESPONSIVE_IMG_EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return mailoutbox


@pytest.fixture
def marked(render, photo):
    """Return a function that renders one picture with a request, and with more text in its alt."""

    def rendered(request: HttpRequest | None, language: str = "django", alt: str = "") -> str:
        template = ONE_FILE.replace('alt=""', "alt=alt")
        return str(render(language, template, {"photo": photo, "alt": alt}, request))

    return rendered


@pytest.fixture
def in_view(marked):
    """Return a function that calls another one in a view, with what renders there; its markers are resolved."""

    def done(act: Callable[[Callable[..., str]], object], *, has_request: bool = True) -> Any:
        def view(request: HttpRequest) -> HttpResponse:
            def text(language: str = "django", alt: str = "") -> str:
                rendered: str = marked(request if has_request else None, language, alt)
                assert rendered.startswith(START) is has_request
                return rendered

            act(text)
            return HttpResponse("sent")

        response = respond(view)
        assert isinstance(response, HttpResponse)
        assert response.content == b"sent"
        return response

    return done


def texts_of(message: EmailMessage) -> list[str]:
    """Return all texts of a message as it goes over the wire."""
    whole = email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)
    return [
        part.get_content().removesuffix("\n")
        for part in whole.walk()
        if part.get_content_maintype() == "text"
    ]


# With and without request -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("has_request", [True, False])
def test_row_53_a_mail_of_a_view_holds_markup(in_view, outbox, log, language, has_request):
    def send(text: Callable[..., str]) -> None:
        mail.send_mail("Hi", text(language), "us@example.com", TO, html_message=f"<p>{text(language)}</p>")

    in_view(send, has_request=has_request)

    (sent,) = outbox
    assert texts_of(sent) == [MARKUP, f"<p>{MARKUP}</p>"]
    assert (sent.subject, sent.to, sent.from_email) == ("Hi", TO, "us@example.com")
    assert log() == []  # in particular, nobody misses the markers


@pytest.mark.parametrize("language", LANGUAGES)
def test_row_53_without_the_backend_the_markers_are_missed_and_finalize_gives_markup(
    in_view, mailoutbox, log, language
):
    in_view(lambda text: mail.send_mail("Hi", text(language), None, TO))
    (line,) = log()
    assert "are not in the response whose request they were rendered with" in line
    assert "pass it through responsive_img.finalize()" in line

    in_view(lambda text: mail.send_mail("Hi", finalize(text(language)), None, TO))

    assert [texts_of(each) for each in mailoutbox][1] == [MARKUP]
    assert len(log()) == 1


@pytest.mark.parametrize("kind", [str, SafeString])
def test_row_53_finalize_keeps_what_a_text_is(in_view, kind):
    texts: list[str] = []

    in_view(lambda text: texts.append(finalize(kind("" + text()))))

    assert texts == [MARKUP]
    assert type(texts[0]) is kind


def test_row_53_a_mail_that_is_sent_long_after_the_response_holds_markup(in_view, outbox):
    queued: list[bytes] = []

    in_view(lambda text: queued.append(pickle.dumps(EmailMessage("Hi", text(), None, TO))))
    pickle.loads(queued[0]).send()  # noqa: S301 - our own

    assert texts_of(outbox[0]) == [MARKUP]


@pytest.mark.parametrize("mark", ["\0", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\ufffc"])
def test_row_53_no_character_of_a_text_parts_it_from_the_next(in_view, outbox, mark):
    messages = [EmailMessage("Hi", f"{mark}{number}{mark}{mark}", None, TO) for number in range(3)]

    def send(text: Callable[..., str]) -> None:
        messages[1].body += text() + mark
        EmailBackend().send_messages(messages)

    in_view(send)

    bodies = [str(each.body) for each in outbox]
    assert bodies == [f"{mark}0{mark * 2}", f"{mark}1{mark * 2}{MARKUP}{mark}", f"{mark}2{mark * 2}"]


def test_row_53_a_mail_outside_of_any_response_holds_markup(marked, outbox):
    mail.send_mail("Hi", marked(None), None, TO)

    assert texts_of(outbox[0]) == [MARKUP]


def test_row_53_an_escaped_picture_is_as_escaped_in_the_mail(in_view, outbox):
    in_view(lambda text: mail.send_mail("Hi", html.escape(text()), None, TO))

    assert texts_of(outbox[0]) == [html.escape(MARKUP)]


def test_what_nobody_could_build_is_said_of_the_response_it_was_sent_in(in_view, outbox, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0

    response = in_view(lambda text: mail.send_mail("Hi", text(), None, TO))

    assert 'src="/media/photos/cat.jpg"' in texts_of(outbox[0])[0]
    assert response.responsive_img_pending == 1


# Many messages ------------------------------------------------------------------------------------------


def test_row_53_several_messages_are_one_lookup(in_view, outbox):
    def send(text: Callable[..., str]) -> None:
        messages: list[EmailMessage] = [
            EmailMultiAlternatives(
                f"{number}",
                f"{text(alt=str(number))} {number}",
                None,
                TO,
                alternatives=[
                    (f"<p>{text(alt=f'{number}-{kind}')}</p>", kind) for kind in ("text/html", "text/x-amp")
                ],
            )
            for number in range(5)
        ]
        messages.insert(2, EmailMessage("plain", "no picture", None, TO))
        with assert_image_lookups(1):
            assert mail.get_connection().send_messages(messages) == 6

    in_view(send)

    subjects = [message.subject for message in outbox]
    assert subjects == ["0", "1", "plain", "2", "3", "4"]
    for sent in outbox:
        number = sent.subject
        if number == "plain":
            assert texts_of(sent) == ["no picture"]
            continue
        alts = [number, f"{number}-text/html", f"{number}-text/x-amp"]
        body, *others = [MARKUP.replace('alt=""', f'alt="{alt}"') for alt in alts]
        assert texts_of(sent) == [f"{body} {number}", *[f"<p>{other}</p>" for other in others]]
        assert [part.mimetype for part in sent.alternatives] == ["text/html", "text/x-amp"]
        assert all(isinstance(part, EmailAlternative) for part in sent.alternatives)


def test_messages_without_pictures_are_passed_on_as_they_are_and_cost_no_lookup(outbox, monkeypatch):
    passed: list[Any] = []
    monkeypatch.setattr(
        locmem.EmailBackend, "send_messages", lambda self, messages: passed.append(list(messages))
    )
    messages = [EmailMessage("1", "no picture", None, TO), EmailMultiAlternatives("2", "none", None, TO)]
    once: Any = iter(messages)

    with assert_image_lookups(0):
        mail.get_connection().send_messages(once)

    assert [[id(each) for each in given] for given in passed] == [[id(each) for each in messages]]


def test_no_messages_are_none(outbox):
    assert mail.get_connection().send_messages([]) == 0


# The message itself --------------------------------------------------------------------------------------


def test_row_53_the_message_that_was_given_stays_as_it_is(in_view, outbox):
    kept: list[tuple[EmailMultiAlternatives, dict[str, Any]]] = []

    def send(text: Callable[..., str]) -> None:
        message = EmailMultiAlternatives(
            "Hi", text(), None, TO, headers={"X-Of-Us": "1"}, cc=["c@example.com"]
        )
        message.attach_alternative(text(), "text/html")
        message.attach("a.txt", "attached", "text/plain")
        kept.append((message, copy.deepcopy(vars(message))))
        message.send()

    in_view(send)
    message, before = kept[0]
    after = {name: value for name, value in vars(message).items() if name != "connection"}
    before.pop("connection", None)  # Django 6.1 has it in another place

    assert after == before
    assert message.body.startswith(START)
    assert str(message.alternatives[0][0]).startswith(START)
    assert outbox[0].extra_headers == {"X-Of-Us": "1"}
    assert outbox[0].recipients() == [*TO, "c@example.com"]


def test_row_53_attachments_are_sent_as_they_are(in_view, outbox):
    content = drawn()

    def send(text: Callable[..., str]) -> None:
        message = EmailMultiAlternatives("Hi", "none", None, TO)
        message.attach_alternative(text(), "text/html")
        message.attach("cat.jpg", content, "image/jpeg")
        message.attach("a.txt", "no picture", "text/plain")
        message.attach(MIMEText("nor here"))
        message.send()

    in_view(send)

    (sent,) = outbox
    assert sent.attachments[:2] == [("cat.jpg", content, "image/jpeg"), ("a.txt", "no picture", "text/plain")]
    assert texts_of(sent) == ["none", MARKUP, "no picture", "nor here"]


def test_row_53_an_attached_page_holds_markup(in_view, outbox):
    def send(text: Callable[..., str]) -> None:
        message = EmailMessage("Hi", "none", None, TO)
        message.attach("page.html", text(), "text/html")
        message.send()

    in_view(send)

    assert texts_of(outbox[0]) == ["none", MARKUP]


@pytest.mark.parametrize("body", [None, "", lazystr("a promise")])
def test_a_body_may_be_nothing_or_not_yet_text(in_view, outbox, body):
    def send(text: Callable[..., str]) -> None:
        EmailMultiAlternatives("Hi", body, None, TO, alternatives=[(text(), "text/html")]).send()

    in_view(send)

    assert outbox[0].body == str(body or "")
    assert texts_of(outbox[0])[-1] == MARKUP


def test_an_alternative_that_is_no_text_is_sent_as_it_is(in_view, outbox):
    data = b"\0\x1e\xff"

    def send(text: Callable[..., str]) -> None:
        alternatives: list[Any] = [(data, "application/x-of-us"), (text(), "text/html")]
        EmailMultiAlternatives("Hi", text(), None, TO, alternatives=alternatives).send()

    in_view(send)

    assert [tuple(part) for part in outbox[0].alternatives] == [
        (data, "application/x-of-us"),
        (MARKUP, "text/html"),
    ]


def test_an_alternative_may_be_a_plain_tuple_where_the_backend_takes_one(in_view, outbox, monkeypatch):
    passed: list[Any] = []
    monkeypatch.setattr(locmem.EmailBackend, "send_messages", lambda self, messages: passed.append(messages))

    def send(text: Callable[..., str]) -> None:
        message = EmailMultiAlternatives("Hi", "none", None, TO)
        message.alternatives.append((text(), "text/html"))
        message.send()

    in_view(send)

    assert [tuple(part) for part in passed[0][0].alternatives] == [(MARKUP, "text/html")]


# Between the messages: what must not mix them up.
_SEPARATOR = "\x1e\x1fri\x1e"


def test_row_53_nobody_can_move_a_text_into_the_mail_of_another(in_view, outbox):
    def send(text: Callable[..., str]) -> None:
        messages = [
            EmailMessage("1", f"I typed this:{_SEPARATOR}and this {text()}", None, ["one@example.com"]),
            EmailMessage("2", "for the second reader alone", None, ["two@example.com"]),
        ]
        mail.get_connection().send_messages(messages)

    in_view(send)

    assert [message.body for message in outbox] == [
        f"I typed this:{_SEPARATOR}and this {MARKUP}",
        "for the second reader alone",
    ]


def test_row_53_a_marker_that_was_cut_off_does_not_reach_into_the_next_text(in_view, outbox):
    def send(text: Callable[..., str]) -> None:
        messages = [
            EmailMessage("1", text().removesuffix("/>"), None, TO),
            EmailMessage("2", "> as you wrote", None, TO),
        ]
        mail.get_connection().send_messages(messages)

    in_view(send)

    assert [message.body for message in outbox][1] == "> as you wrote"


# The backend behind -------------------------------------------------------------------------------------


def test_behind_is_djangos_smtp_unless_told_otherwise(settings):
    settings.EMAIL_BACKEND = PATH
    given: dict[str, Any] = {
        "host": "mail.example.com",
        "port": 2525,
        "username": "us",
        "password": "x",
        "use_tls": True,
    }

    with_options: Any = mail.get_connection(fail_silently=True, **given)
    without: Any = mail.get_connection()

    assert type(with_options) is EmailBackend
    behind = with_options._backend
    assert type(behind) is smtp.EmailBackend
    assert {name: getattr(behind, name) for name in given} == given
    assert with_options.fail_silently is behind.fail_silently is True
    assert without.fail_silently is without._backend.fail_silently is False
    assert (without._backend.host, without._backend.port) == (settings.EMAIL_HOST, settings.EMAIL_PORT)


class Server:
    """What Django's backend takes for an SMTP server."""

    sent: list[bytes] = []  # noqa: RUF012 - emptied by the test
    calls: list[str] = []  # noqa: RUF012 - as above

    def __init__(self, host: str, port: int, **options: object) -> None:
        self.calls.append(f"connect {host}:{port}")

    def sendmail(self, sender: str, recipients: list[str], content: bytes, *options: object) -> None:
        self.sent.append(content)

    def quit(self) -> None:
        self.calls.append("quit")


def test_row_53_what_goes_over_the_wire_is_markup(in_view, settings, monkeypatch):
    settings.EMAIL_BACKEND = PATH
    monkeypatch.setattr(smtp.EmailBackend, "connection_class", Server)
    Server.sent.clear()
    Server.calls.clear()

    def send(text: Callable[..., str]) -> None:
        with mail.get_connection(host="mail.example.com", port=25) as connection:
            for number in range(2):
                mail.send_mail(f"{number}", text(), None, TO, connection=connection)

    in_view(send)

    assert Server.calls == ["connect mail.example.com:25", "quit"]
    messages = [email.message_from_bytes(each, policy=email.policy.default) for each in Server.sent]
    assert [each["Subject"] for each in messages] == ["0", "1"]
    assert [each.get_content().strip() for each in messages] == [MARKUP] * 2


class NotingBackend(locmem.EmailBackend):
    """Notes when it is opened and closed."""

    notes: list[str] = []  # noqa: RUF012 - emptied by the test

    def open(self) -> bool:
        self.notes.append("open")
        return True

    def close(self) -> None:
        self.notes.append("close")


def test_the_connection_behind_is_opened_and_closed(settings):
    settings.RESPONSIVE_IMG_EMAIL_BACKEND = f"{__name__}.NotingBackend"
    NotingBackend.notes.clear()
    connection = mail.get_connection(PATH)

    assert connection.open() is True
    assert connection.close() is None  # type: ignore[func-returns-value]  # so it is to be

    assert NotingBackend.notes == ["open", "close"]


def test_a_backend_that_cannot_be_found_is_said_at_once(settings):
    settings.RESPONSIVE_IMG_EMAIL_BACKEND = "nowhere.EmailBackend"

    with pytest.raises(ImportError, match="nowhere"):
        mail.get_connection(PATH)


def test_what_the_backend_behind_raises_is_raised(in_view, outbox, monkeypatch):
    def refuse(self: object, messages: object) -> int:
        raise OSError("refused")

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", refuse)

    with pytest.raises(OSError, match="refused"):
        in_view(lambda text: mail.send_mail("Hi", text(), None, TO))


@pytest.mark.skipif(VERSION < (6, 1), reason="MAILERS came with Django 6.1")
@pytest.mark.filterwarnings("error")
def test_it_is_a_mailer_among_others_with_the_options_of_the_backend_behind(
    in_view, settings, outbox
):  # pragma: no cover - as the skip says
    del settings.EMAIL_BACKEND
    settings.MAILERS = {
        "default": {"BACKEND": PATH},
        "news": {"BACKEND": PATH, "OPTIONS": {"unheard_of": 1}},
    }

    def send(text: Callable[..., str]) -> None:
        mail.send_mail("Hi", text(), "us@example.com", TO, using="default")

    in_view(send)

    (sent,) = outbox
    assert texts_of(sent) == [MARKUP]
    with pytest.raises(Exception, match="unheard_of"):
        mail.mailers["news"]
