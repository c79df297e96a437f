"""Replies of programs to people are auto-replies, in every language known, and never bounces."""

import base64

import pytest

from sesame.reports.read import read_report

BODY = (
    "I am away until Monday. Mail to ann@example.org could not be delivered to me: mailbox is "
    "full. 550 5.1.1 user unknown\n"
)


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: auto-generated (vacation)",
        "Auto-Submitted: auto-notified",
        "X-Autoreply: yes",
        "X-Autorespond: yes",
        "Precedence: auto_reply",
        "X-Apple-Action: VACATION",
        "X-MS-Exchange-Inbox-Rules-Loop: ann@example.org",
    ],
)
@pytest.mark.parametrize("path", ["<>", "<ann@example.org>"])
def test_a_field_says_that_it_is_an_auto_reply(field: str, path: str) -> None:
    report = read_report(
        f"Return-Path: {path}\nFrom: Ann <ann@example.org>\n{field}\nSubject: Offer\n\n{BODY}".encode()
    )
    assert report.kind == "auto-reply"
    assert (report.bounce_type, report.bounce_sub_type) == ("Transient", "General")
    assert [(r.original_recipient, r.action, r.status, r.hard) for r in report.recipients] == [
        ("ann@example.org", "", "", False)
    ]


@pytest.mark.parametrize(
    "subject",
    [
        "Out of office: Offer",
        "Out of Office Re: Offer",
        "Automatic reply: Offer",
        "Auto: Offer",
        "Re: Out of the office",
        "Abwesenheitsnotiz: Angebot",
        "Automatische Antwort: Angebot",
        "R\u00e9ponse automatique : Offre",
        "Respuesta autom\u00e1tica: Oferta",
        "Resposta autom\u00e1tica: Oferta",
        "Risposta automatica: Offerta",
        "Autosvar: Erbjudande",
        "Automaattinen vastaus: Tarjous",
        "Automatick\u00e1 odpov\u011b\u010f: Nab\u00eddka",
        "Odpowied\u017a automatyczna / Automatyczna odpowied\u017a",
        "Automatisch antwoord: Aanbod",
        "\u0410\u0432\u0442\u043e\u043c\u0430\u0442\u0438\u0447\u0435\u0441\u043a\u0438\u0439 "
        "\u043e\u0442\u0432\u0435\u0442: \u043f\u0440\u0435\u0434\u043b\u043e\u0436\u0435\u043d\u0438\u0435",
        "\u81ea\u52d5\u5fdc\u7b54: \u304a\u77e5\u3089\u305b",
        "\u81ea\u52a8\u56de\u590d: \u901a\u77e5",
        "Otomatik Yan\u0131t: Teklif",
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_subject_says_so_in_many_languages(subject: str, encoded: bool) -> None:
    written = f"=?utf-8?b?{base64.b64encode(subject.encode()).decode()}?=" if encoded else subject
    report = read_report(f"Return-Path: <>\nFrom: ann@example.org\nSubject: {written}\n\n{BODY}".encode())
    assert report.kind == "auto-reply"


@pytest.mark.parametrize(
    "header",
    [
        "Subject: Automatic reply: Offer",
        "Subject: Automatische Antwort: Angebot",
        "Subject: =?utf-8?B?6Ieq5YuV5b+c562UOiBPZmZlcg==?=",
        "Subject: Out of Office AutoReply: Offer",
        "Subject: RE: Offer\nX-MS-Exchange-Inbox-Rules-Loop: ann@example.org",
    ],
)
def test_what_exchange_answers_for_somebody_away_is_an_auto_reply(header: str) -> None:
    """It calls that auto-generated, and not auto-replied."""
    report = read_report(
        "Return-Path: <>\nFrom: Ann <ann@example.org>\nAuto-Submitted: auto-generated\n"
        f"X-Auto-Response-Suppress: DR, OOF, AutoReply\n{header}\n\n{BODY}".encode()
    )
    assert report.kind == "auto-reply"


@pytest.mark.parametrize(
    "header",
    [
        "Subject: [Request received] Offer\nX-Auto-Response-Suppress: All",
        "Subject: Jiltinn barra: Offer\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent",
    ],
)
def test_what_a_program_answers_in_unknown_words_is_an_auto_reply_unless_it_tells_of_a_failure(
    header: str,
) -> None:
    author = "Return-Path: <>\nFrom: Support <support@example.org>\nAuto-Submitted: auto-generated\n"
    assert read_report(f"{author}{header}\n\nYour request is number 7.\n".encode()).kind == "auto-reply"
    failure = "Your message could not be delivered to ann@example.org: user unknown\n"
    report = read_report(
        f"{author}{header}: Undeliverable\n\n{failure}".replace(
            "Subject: ", "Subject: Undeliverable: "
        ).encode()
    )
    assert report.kind == "bounce"
    assert read_report(f"{author}Subject: News\n\nHello.\n".encode()).kind == "unknown"
    daemon = author.replace("support@", "mailer-daemon@")
    assert read_report(f"{daemon}{header}\n\nHello.\n".encode()).kind == "unknown"


@pytest.mark.parametrize("author", ["no-reply@example.org", "Mailer-Daemon@example.org"])
def test_a_bounce_that_says_auto_generated_is_a_bounce(author: str) -> None:
    report = read_report(
        f"Return-Path: <>\nFrom: {author}\nAuto-Submitted: auto-generated\nSubject: Undeliverable: Offer\n\n"
        "Your message could not be delivered:\n\n  ann@example.org\n    she is no longer with us\n".encode()
    )
    assert report.kind == "bounce"


def test_a_bounce_that_says_auto_replied_is_a_bounce() -> None:
    """Exim writes so, and RFC 3464 notifications do."""
    body = "The following address(es) failed:\n\n  ann@example.org\n    550 5.1.1 user unknown\n"
    report = read_report(
        "From: Mail Delivery System <Mailer-Daemon@mx.example>\nAuto-Submitted: auto-replied\nSubject: "
        f"Mail delivery failed\n\n{body}".encode()
    )
    assert report.kind == "bounce"


def test_a_subject_about_an_automatic_thing_is_no_auto_reply() -> None:
    report = read_report(b"From: ann@example.org\nSubject: automation of our office\n\nHello\n")
    assert report.kind == "unknown"


def test_a_text_says_so_where_the_envelope_asks_for_no_answer() -> None:
    body = "I no longer work here and my mailbox does not exist. Write to bob@example.org.\n"
    for path, kind in (("<>", "auto-reply"), ("<ann@example.org>", "unknown")):
        report = read_report(
            f"Return-Path: {path}\nFrom: ann@example.org\nSubject: Re: Offer\n\n{body}".encode()
        )
        assert report.kind == kind
