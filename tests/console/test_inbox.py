"""The inbox of the development profile: what tests read, and what people see."""

import html
import re
from pathlib import Path

import httpx
import pytest

from sesame.app.foundation import Services
from sesame.console.mail_view import html_page, links_of, look_at, part_at
from sesame.console.text import visible, visible_lines, when
from sesame.db import Transaction
from sesame.store.development import keep_mail
from tests.support.browser import operator, root_of, words
from tests.support.patience import PATIENCE_S
from tests.support.process import SesameProcess, running
from tests.support.tenant import Tenant

PICTURE = "iVBORw0KGgo="
MIXED = (
    "From: =?utf-8?q?Caf=C3=A9?= <news@example.com>\r\nSubject: =?utf-8?b?SGVsbG8g4oKs?=\r\nDate: now\r\n"
    "Message-ID: <010001a223a651b6-1df49c69-3f43-4353-a4ef-7c34800d00a1-000000@x>\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/related; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n'
    'Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>=E9</p><img src=3D"cid:p@x"><img src=3D"cid:none">'
    '<a href=3D"https://x.example/?a=3D1&amp;b=3D2">Go <b>on</b></a>\r\n--b\r\nContent-Type: image/png\r\n'
    f"Content-ID: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n{PICTURE}\r\n--b--\r\n"
).encode()


def test_a_message_is_taken_apart() -> None:
    view = look_at(MIXED)
    assert (view.subject, view.sender) == ("Hello €", "Café <news@example.com>")
    assert view.message_id == "010001a223a651b6-1df49c69-3f43-4353-a4ef-7c34800d00a1-000000"
    assert [(link.target, link.text) for link in view.links] == [("https://x.example/?a=1&b=2", "Go on")]
    assert [(part.depth, part.kind) for part in view.parts] == [
        (0, "multipart/related"),
        (1, "text/html"),
        (1, "image/png"),
    ]
    assert part_at(MIXED, 2) == ("part-2", b"\x89PNG\r\n\x1a\n")
    assert part_at(MIXED, 0) is None
    assert part_at(MIXED, 9) is None


def test_pictures_that_a_message_carries_are_shown_and_no_others() -> None:
    page = html_page(MIXED)
    assert f'src="data:image/png;base64,{PICTURE}"' in page
    assert "cid:" not in page
    assert "é" in page


@pytest.mark.parametrize("tag", ["a", "A", "area", "a\n", "a\x0c", "a/", "svg><a"])
def test_a_link_is_told_and_leads_nowhere(tag: str) -> None:
    """Of two attributes with one name the first counts (HTML, tokenization), and for SVG `href` before `xlink:href`."""
    mail = f"Content-Type: text/html\r\n\r\n<{tag} href='https://x.example/'>Go</a><abbr href=y>z</abbr>".encode()
    name, _, rest = html_page(mail).rpartition("<abbr")[0].partition(" href=")
    assert name.lower().rpartition("<")[2] in ("a", "area")
    assert rest.startswith('"http://:"')
    assert "<abbr href=y>" in html_page(mail)
    assert [link.target for link in look_at(mail).links] == ["https://x.example/"]


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"no colon", b"Content-Type: multipart/mixed\r\n\r\n", b"\xff\xfe: \x00"]
)
def test_whatever_came_can_be_looked_at(data: bytes) -> None:
    assert look_at(data).message_id == ""
    html_page(data)


@pytest.mark.parametrize("html", ["<a href=", "<![", "<a href='x'><a href='y'>", "<!--", "&#xffffffff;" * 9])
def test_broken_html_is_read_as_far_as_it_goes(html: str) -> None:
    assert len(links_of(html)) <= 2


def test_what_cannot_be_seen_is_shown() -> None:
    assert visible("a\u202eb\u200bc\x00d\ne") == "a\\u{202e}b\\u{200b}c\\u{0}d\\u{a}e"
    assert visible("Grüße 日本") == "Grüße 日本"
    assert visible_lines("a\r\nb\u2066") == "a\nb\\u{2066}"


def test_times_say_as_much_as_is_needed() -> None:
    now = 1_800_000_000.0
    assert when(now - 60, now=now) == "07:59:00 UTC"
    assert when(now - 86_400, now=now) == "14 Jan 08:00 UTC"
    assert when(now - 400 * 86_400, now=now) == "11 Dec 2025 08:00 UTC"


def test_programs_read_the_inbox_as_json(sesame: SesameProcess, tenant: Tenant) -> None:
    to = f"reader-{tenant.account.account_id}@example.net"
    sent = tenant.ses.send_email(
        Source="news@example.com",
        Destination={"ToAddresses": [to]},
        Message={
            "Subject": {"Data": "Hello €"},
            "Body": {"Html": {"Data": "<a href='https://x.example'>x</a>"}},
        },
    )["MessageId"]
    base = f"{sesame.console}/dev/messages"
    (found,) = httpx.get(base, params={"to": to, "wait": "20"}, timeout=PATIENCE_S).json()["messages"]
    assert (found["subject"], found["to"], found["message_id"]) == ("Hello €", [to], sent)
    whole = httpx.get(f"{base}/{found['id']}").json()
    assert whole["links"] == [{"target": "https://x.example", "text": "x"}]
    assert httpx.get(base, params={"to": to, "since": str(found["id"])}).json() == {"messages": []}
    assert httpx.get(f"{base}/999999").status_code == 404
    person = root_of(sesame, tenant.account.account_id)
    page = person.get(f"/inbox/{found['id']}")
    assert "Hello €" in words(page.text)
    assert person.get(f"/us-east-1/messages/{sent}").status_code == 200
    download = person.get(f"/inbox/{found['id']}/raw")
    assert download.headers["content-type"] == "application/octet-stream"
    assert "attachment" in download.headers["content-disposition"]


def test_the_json_inbox_leaves_out_no_message_however_many_lie_between(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    rare, often = (f"{name}-{tenant.account.account_id}@example.net" for name in ("rare", "often"))

    async def fill(services: Services) -> None:
        async def run(tx: Transaction) -> None:
            for to in (rare, *[often] * 120, rare):
                await keep_mail(
                    tx, received_at=1.0, mail_from="a@example.com", rcpt_to=[to], data=b"Subject: s\r\n\r\n"
                )

        await services.store.write(run)

    sesame.operate(fill)

    def ids(to: str, since: int = 0) -> list[int]:
        asked = {"to": to, "since": str(since)}
        found = httpx.get(f"{sesame.console}/dev/messages", params=asked).json()["messages"]
        return [one["id"] for one in found]

    first, last = ids(rare)
    seen: list[int] = []
    while more := ids(often, seen[-1] if seen else 0):
        assert len(more) <= 50
        seen += more
    assert seen == list(range(first + 1, last))


def test_the_list_is_searched_and_thinned(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:

        async def fill(services: Services) -> None:
            async def run(tx: Transaction) -> None:
                for n in range(120):
                    data = f"Subject: {'Rare' if n == 3 else 'often'} {n}\r\n\r\n".encode()
                    await keep_mail(tx, received_at=1.0, mail_from="", rcpt_to=[f"r{n}@a.test"], data=data)

            await services.store.write(run)

        server.operate(fill)
        person = operator(server)
        assert "Rare 3" in words(person.get("/inbox?q=rare").text)
        assert "r33@a.test" in person.get("/inbox?q=R33@A").text
        assert "Nothing like that among 120 messages" in words(person.get("/inbox?q=none").text)
        page, seen = person.get("/inbox?q=often").text, 0
        while True:
            seen += page.count('class="main"')
            further = re.search(r'href="(/inbox\?[^"]*)">Older', page)
            if further is None:
                break
            page = person.get(html.unescape(further[1])).text
        assert seen == 119
        assert person.send("/inbox/empty", page="/inbox", keep="0").status_code == 400
        assert "Deleted: 70." in words(person.send("/inbox/empty", page="/inbox", keep="50").text)
        assert "Deleted: 0." in words(person.send("/inbox/empty", page="/inbox", keep="50").text)
        assert "Rare 3" not in person.get("/inbox?q=rare").text
        assert "The inbox is empty" in person.send("/inbox/empty", page="/inbox").text


LONE = "=?utf-7?Q?+2AA-?="
UNENCODABLE = {
    "subject": f"From: a@example.com\r\nSubject: {LONE}\r\n\r\nx".encode(),
    "sender": f"From: {LONE} <a@example.com>\r\nSubject: s\r\n\r\nx".encode(),
    "other field": f"From: a@example.com\r\nComments: {LONE}\r\nX-Other: {LONE}\r\n\r\nx".encode(),
    "raw octets": b"From: \xe9\xff <a@example.com>\r\nSubject: \xe9\xff\r\nX-\xe9: \xff\r\n\r\n\xff\xfe",
    "text": b"From: a@example.com\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA-",
    "HTML": b"From: a@example.com\r\nContent-Type: text/html; charset=utf-7\r\n\r\n<a href='x+2AA-'>+2AA-</a>",
    "HTML by reference": b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n<a href='&#xd800;'>&#xd800;</a>",
    "HTML in UTF-16": b"From: a@b.test\r\nContent-Type: text/html; charset=utf-16-le\r\n\r\n\x00\xd8<\x00b\x00>\x00",
    "name of a part": b"From: a@example.com\r\nContent-Type: text/x; name*=utf-7''%2B2AA-\r\n\r\nx",
    "name in encoded words": f'From: a@b.test\r\nContent-Disposition: attachment; filename="{LONE}"\r\n\r\nx'.encode(),
    "word that is not base64": b"From: =?utf-8?b?a?= <a@b.test>\r\nSubject: =?utf-8?b?a?=\r\n\r\nx",
    "type": b"From: a@example.com\r\nContent-Type: text/\xff\xe9; charset=\xff\r\n\r\nx",
    "unknown charset": b"From: =?x?Q?=FF?= <a@example.com>\r\nContent-Type: text/plain; charset=x\r\n\r\n\xff",
    "codec that is none": b"From: =?hex?Q?zz?= <a@b.test>\r\nContent-Type: text/plain; charset=rot13\r\n\r\nx",
}  # fmt: skip


@pytest.mark.parametrize("data", UNENCODABLE.values(), ids=UNENCODABLE.keys())
def test_mail_that_no_page_can_encode_hides_no_other(
    sesame: SesameProcess, tenant: Tenant, data: bytes
) -> None:
    to = f"reader-{tenant.account.account_id}@example.net"

    async def put(services: Services) -> None:
        await services.store.write(
            lambda tx: keep_mail(tx, received_at=1.0, mail_from="a@example.com", rcpt_to=[to], data=data)
        )

    sesame.operate(put)
    base = f"{sesame.console}/dev/messages"
    (found,) = httpx.get(base, params={"to": to}, timeout=PATIENCE_S).json()["messages"]
    assert httpx.get(f"{base}/{found['id']}").status_code == 200
    person = root_of(sesame, tenant.account.account_id)
    for path in (
        "",
        f"/{found['id']}",
        f"/{found['id']}/html",
        f"/{found['id']}/raw",
        f"/{found['id']}/parts/0",
    ):
        assert person.get(f"/inbox{path}").status_code in (200, 404), path
    assert person.get(f"/inbox/{found['id']}").status_code == 200
    assert person.get("/inbox").status_code == 200
