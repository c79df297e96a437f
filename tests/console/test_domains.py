"""Internationalized domain names stand in both forms wherever a page shows one; neither can pretend to be another."""

import re

import pytest

from sesame.console.domains import MOST, both_forms
from tests.support.browser import Person, main_of, operator, root_of, words
from tests.support.process import REGION, SesameProcess, wait_until
from tests.support.tenant import Tenant

HERE = f"/{REGION}"
A, U = "xn--bcher-kva.example", "bücher.example"


def read(page: str) -> str:
    """What a reader sees of a page, on one line."""
    return re.sub(r"<[^>]+>", "", both_forms(page))


@pytest.mark.parametrize(
    ("shown", "read_as"),
    [
        (A, f"{A} ({U})"),
        (A.upper(), f"{A.upper()} ({U})"),
        (f"info@{A}", f"info@{A} ({U})"),
        (f"a.b.{A}, then", f"a.b.{A} (a.b.{U}), then"),
        (f"_amazonses.{A}", f"_amazonses.{A} (_amazonses.{U})"),
        (f"arn:aws:ses:us-east-1:1:identity/{A}", f"arn:aws:ses:us-east-1:1:identity/{A} ({U})"),
        ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com (аррӏе.com: Cyrillic)"),
        ("xn--pple-43d.com", "xn--pple-43d.com (аpple.com: Cyrillic and Latin)"),
        ("xn--wgv71a119e.jp", "xn--wgv71a119e.jp (日本語.jp: Han)"),
        ("xn--eckwd4c7c.xn--zckzah", "xn--eckwd4c7c.xn--zckzah (ドメイン.テスト: Katakana)"),
        ("xn--4dbrk0ce.xn--9dbq2a", "xn--4dbrk0ce.xn--9dbq2a (ישראל.קום: Hebrew)"),
        (f"info@{U}", f"info@{U} ({A})"),
        (f"&lt;info@{U}&gt;", f"&lt;info@{U} ({A})&gt;"),
        ("billing@раypal.com", "billing@раypal.com (xn--ypal-43d9g.com: Cyrillic and Latin)"),
        ("https://раypal.com/log-in", "https://раypal.com (xn--ypal-43d9g.com: Cyrillic and Latin)/log-in"),
        ("https://a.example@раypal.com/", "https://a.example@раypal.com (xn--ypal-43d9g.com: Cyrillic and Latin)/"),
        # What has no other form by IDNA 2008, or is no domain.
        ("xn--a.example", "xn--a.example"),
        ("xn--i-7iq.ws", "xn--i-7iq.ws"),
        ("xn--n3h.example", "xn--n3h.example"),
        ("xn--BCHER-kva\u0130.example", "xn--BCHER-kva\u0130.example"),
        ("xn--.example", "xn--.example"),
        ("xn--" + "a" * 80 + ".example", "xn--" + "a" * 80 + ".example"),
        ("example.com", "example.com"),
        ("@müller and Straße/Übung, 5 €//ö", "@müller and Straße/Übung, 5 €//ö"),
        ("a@ｅｘａｍｐｌｅ.com", "a@ｅｘａｍｐｌｅ.com"),
        ("a@❤.example", "a@❤.example"),
    ],
)  # fmt: skip
def test_a_name_has_its_other_form_behind_it(shown: str, read_as: str) -> None:
    assert read(f"<p>{shown}</p>") == read_as


def test_it_is_said_once_in_a_paragraph_and_again_in_the_next() -> None:
    assert read(f"<p>{A} and <a>{A}</a></p><p>{A}</p>") == f"{A} ({U}) and {A}{A} ({U})"
    assert read(f"<td>{A}</td><td>{A}</td>").count(U) == 2


def test_values_and_what_is_copied_stay_as_they_are() -> None:
    for page in (
        f'<input value="{A}"><a href="/{A}">x</a>',
        f"<title>{A}</title><textarea>{A}</textarea><pre>{A} <b>{A}</b></pre>",
        f"<select><option>{A}</option></select><button>Remove {A}</button>",
    ):
        assert both_forms(page) == page
    copied = both_forms(f"<span><code>{A}</code><button>Copy</button></span>")
    assert f"<code>{A}</code>" in copied
    assert copied.index("</code>") < copied.index("bücher") < copied.index("<button>")


def test_each_label_is_isolated_so_that_letters_from_right_to_left_move_nothing() -> None:
    assert both_forms("<p>xn--4dbrk0ce.xn--9dbq2a</p>").count("<bdi>") == 2
    assert '<bdi dir="ltr">' in both_forms(f"<p>{A}</p>")
    joined = "xn--" + "ക്‍ഷ".encode("punycode").decode() + ".example"
    assert "\u200d" not in both_forms(f"<p>{joined}</p>"), "what is not seen is written as an escape"


def test_a_text_of_nothing_but_names_is_bounded() -> None:
    assert (
        both_forms("<p>" + f"{A} " * 5 + "".join(f"a@ü{n}.example " for n in range(2 * MOST)) + "</p>").count(
            "form"
        )
        == MOST + 1
    )


@pytest.fixture
def abroad(sesame: SesameProcess, tenant: Tenant) -> str:
    """An identity with letters of its own, lent, sent as, bounced and suppressed; the id of a message."""
    v2, ses = sesame.client("sesv2", tenant.account), tenant.ses
    v2.create_email_identity(EmailIdentity=U)
    v2.put_email_identity_mail_from_attributes(EmailIdentity=A, MailFromDomain=f"bounce.{A}")
    v2.put_suppressed_destination(EmailAddress=f"old@{A}", Reason="BOUNCE")
    ses.put_identity_policy(
        Identity=A,
        PolicyName="Lent",
        Policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "222222222222"},'
        f' "Action": "ses:SendEmail", "Resource": "arn:aws:ses:{REGION}:{tenant.account.account_id}:identity/{A}"}}]}}',
    )
    sent: str = ses.send_email(
        Source=f"news@{A}",
        Destination={"ToAddresses": [f"reader@{A}"]},
        Message={"Subject": {"Data": f"From {A}"}, "Body": {"Text": {"Data": "b"}}},
    )["MessageId"]
    return sent


def test_every_page_shows_both_forms(sesame: SesameProcess, tenant: Tenant, abroad: str) -> None:
    """Of all that is linked from an account's pages and the operator's: no page shows the one form alone."""
    person, other = root_of(sesame, tenant.account.account_id), operator(sesame)
    wait_until(lambda: "Delivered" in main_of(person.get(f"{HERE}/messages/{abroad}")))
    parts = ("", "/signing", "/senders", "/sends", "/notifications", "/lend", "/policies/Lent", "/delete")
    further = ("/kit?for=222222222222", "/stop?principal=222222222222", "/cases", "/bounds")
    own = [f"{HERE}/identities/{A}{rest}" for rest in (*parts, *further)]
    for who, paths in (
        (
            person,
            [*own, f"{HERE}/identities", f"{HERE}/messages", f"{HERE}/messages/{abroad}", f"{HERE}/suppression",
             f"{HERE}/search?q={A}", f"{HERE}/ask?from=news@{A}", "/inbox"],
        ),
        (other, [f"/operator/messages/{abroad}", f"/operator/find?q={A}"]),
    ):  # fmt: skip
        for path in paths:
            answer = who.get(path)
            assert answer.status_code == 200, path
            shown = re.sub(r"(?s)<(textarea|pre|option|button|title)\b.*?</\1>", "", answer.text)
            shown = re.sub(r"</?bdi[^>]*>", "", shown)
            assert A in words(shown) and U in words(shown), path
            for cell in re.findall(r"(?s)<(?:td|dd|h1|p)\b[^>]*>(.*?)</(?:td|dd|h1|p)>", shown):
                assert (A in words(cell)) <= (U in words(cell)), (path, words(cell))


def test_a_page_asked_for_by_its_letters_is_that_of_the_identity(
    sesame: SesameProcess, tenant: Tenant, person: Person
) -> None:
    sesame.client("sesv2", tenant.account).create_email_identity(EmailIdentity=A)
    assert person.get(f"{HERE}/search?q={U}").url.path == f"{HERE}/identities/{A}"
    for path in (f"{HERE}/search?q=info@{U}", f"{HERE}/messages?from=a@{U}&to=b@{U}", f"{HERE}/suppression?q=a@{U}",
                 f"{HERE}/identities/{A}/sends?from=a@{U}", f"{HERE}/search?q=ü"):  # fmt: skip
        answer = person.get(path)
        assert answer.status_code == 200, path
        assert ("q=ü" in path) != (A in re.sub(r"(?s)<option.*?>", "", answer.text)), path
    found = operator(sesame).get(f"/operator/find?q={U}")
    assert f"/operator/accounts/{tenant.account.account_id}" in found.text
