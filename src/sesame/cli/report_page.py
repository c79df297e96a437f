"""The authority report as one page of HTML: no script, nothing loaded, every value escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from sesame.cli.output import when
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.admin.delegates.authority import Authority, Can, Did, IdentityAuthority, Unused

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 0; padding-top: 1rem; border-top: 1px solid #8886; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8883; }
td { overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; }
ul { margin: 0; padding-left: 1.1rem; }
.none, small { opacity: .7; }
.warn { color: light-dark(#9a5b00, #f0b35a); }
@media print { body { max-width: none; margin: 0; } }
"""


def page(found: "Authority") -> str:
    """The whole document."""
    title = f"Who may send as account {found.account_id}"
    body = "".join(_identity(one) for one in found.identities) or _none("This account has no identities.")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{_text(title)}</h1>\n"
        f"<p>Made {_time(found.made_at)}. Use and changes since {_time(found.since)}. Who can is by the identities'"
        " policies; the owner's own users send by its IAM policies.</p>\n"
        f"{body}</body>\n</html>\n"
    )


def _identity(one: "IdentityAuthority") -> str:
    changed = one.changed
    lines = [*changed.sentences, *(f"Can now: {who}" for who in changed.gained)]
    lines += [f"Can no longer: {who}" for who in changed.lost]
    if not changed.is_known:
        lines.append("There were too many changes to know all policies of that time.")
    return (
        f"<section>\n<h2>{_text(one.arn)} <small>{_text(one.verification)}</small></h2>\n"
        + _part("Who can send", _can(one.can), "Nobody by a policy.")
        + _part("Who did", _did(one.did), "Nobody.")
        + _part("Statements that nobody used", _unused(one.unused_statements, "It says"), "None.")
        + _part("Addresses that nobody used", _unused(one.unused_addresses, "Address"), "None.")
        + _part("What has changed", _list(lines), "Nothing.")
        + "</section>\n"
    )


def _part(heading: str, content: str, nothing: str) -> str:
    return f"<h3>{_text(heading)}</h3>\n{content or _none(nothing)}"


def _none(text: str) -> str:
    return f'<p class="none">{_text(text)}</p>\n'


def _can(found: "Sequence[Can]") -> str:
    rows = []
    for one in found:
        sure = "" if one.is_certain else f'<br><span class="warn">not known: {_text(one.reason)}</span>'
        rows.append(
            (
                _text(one.who) + sure,
                _list(one.when) or ("always" if one.is_certain else ""),
                _text(one.example),
            )
        )
    return _table(("Who", "When", "Such as"), rows)


def _did(found: "Sequence[Did]") -> str:
    rows = []
    for one in found:
        late = "" if one.is_allowed else '<br><span class="warn">not all of it would be allowed today</span>'
        addresses = _list(f"{address} ({count})" for address, count in one.addresses)
        seen = f"{_time(one.first_at)} to {_time(one.last_at)}"
        rows.append((_text(one.principal) + late, str(one.messages), addresses, seen))
    return _table(("Who", "Messages", "As", "First and last"), rows)


def _unused(found: "Sequence[Unused]", what: str) -> str:
    rows = [(_text(one.policy), str(one.statement), _text(one.what)) for one in found]
    return _table(("Policy", "Statement", what), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already; nothing without rows."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{_text(one)}</th>' for one in headings)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>\n" if items else ""


def _time(at: float) -> str:
    return _text(when(at))


def _text(value: str) -> str:
    """Text of the page: characters that steer are shown, and none of it is markup."""
    return escape(one_line(value))
