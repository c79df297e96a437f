"""The authority report as a page: complete, self-contained, and no value of it is markup."""

import re
from html.parser import HTMLParser

from sesame.admin.delegates.authority import Authority, Can, Changed, Did, IdentityAuthority, Unused
from sesame.cli.report_page import page

EVIL = '"><script>alert(1)</script>\u202e\x1b[2J&amp;'
VOID = {"meta", "br"}


class Tags(HTMLParser):
    """The tags and attributes of a page, and whether they close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(text: str) -> Authority:
    identity = IdentityAuthority(
        arn=text,
        verification="Success",
        can=(
            Can(who=text, is_certain=True, when=(text,), example=text, reason=""),
            Can(who=text, is_certain=False, when=(), example="", reason=text),
        ),
        did=(
            Did(
                principal=text,
                addresses=((text, 3),),
                messages=3,
                first_at=1.8e9,
                last_at=1.9e9,
                is_allowed=False,
            ),
        ),
        unused_statements=(Unused(policy=text, statement=1, what=text),),
        unused_addresses=(Unused(policy=text, statement=2, what=text),),
        changed=Changed(sentences=(text,), gained=(text,), lost=(text,), is_known=False),
    )
    return Authority(account_id="111111111111", since=1.8e9, made_at=1.9e9, identities=(identity,))


def read(authority: Authority) -> Tags:
    tags = Tags()
    tags.feed(page(authority))
    tags.close()
    assert tags.open == []
    return tags


def test_no_value_is_markup() -> None:
    evil, plain = read(report(EVIL)), read(report("plain"))
    assert [tag for tag, _ in evil.seen] == [tag for tag, _ in plain.seen]
    assert "\u202e" not in page(report(EVIL))
    assert "\x1b" not in page(report(EVIL))
    assert evil.text.count("<script>alert(1)</script>") == plain.text.count("plain")


def test_the_page_loads_and_runs_nothing() -> None:
    whole = page(report("plain"))
    tags = read(report("plain"))
    assert not {"script", "link", "img", "iframe", "form", "a", "base", "object"} & {
        tag for tag, _ in tags.seen
    }
    assert not [
        name for _, attrs in tags.seen for name in attrs if name.startswith("on") or name in ("src", "href")
    ]
    assert not re.search(r"url\(|@import|https?://", whole)
    policies = [
        attrs["content"] for _, attrs in tags.seen if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_everything_that_was_found_is_on_the_page() -> None:
    text = read(report("plain")).text
    for words in (
        "Who can send",
        "Who did",
        "Statements that nobody used",
        "Addresses that nobody used",
        "not known",
    ):
        assert words in text
    empty = Authority(account_id="111111111111", since=0, made_at=0, identities=())
    assert "This account has no identities." in read(empty).text
