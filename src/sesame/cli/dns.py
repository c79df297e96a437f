"""`sesame dns`: which records to publish, and the development profile's own zone."""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, add_verbs, runs_with_services
from sesame.cli.output import print_json, print_table

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.identities.dns_records import Record
    from sesame.model import Identity

TTL_S = 3600
PAGE = 100
"""Identities that are read at once."""
STRING_OCTETS = 255
"""Longest string of a TXT record (RFC 1035 section 3.3.14)."""


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    dns = add_verbs(subparsers, "dns", help="DNS records to publish, and the local zone")
    records = dns.add_parser(
        "records",
        help=("print the records that identity owners and the operator must publish, as a zone file"),
    )
    records.add_argument(
        "account", nargs="?", type=account_id, help="only the records that this account needs"
    )
    records.add_argument("identity", nargs="?", help="only the records that this domain or address needs")
    records.add_argument(
        "--operator", action="store_true", help="only the records that the operator publishes"
    )
    runs_with_services(records, show_records)
    publish = dns.add_parser(
        "publish",
        help=(
            "publish a domain's verification records in the local zone, for every account that has the domain"
        ),
    )
    publish.add_argument("domain")
    runs_with_services(publish, publish_records)
    zone = dns.add_parser("list", help="list the records of the local zone")
    runs_with_services(zone, list_zone)


async def show_records(services: "Services", args: argparse.Namespace) -> int:
    """Print every record that is to be published, by who publishes it."""
    from sesame.admin.accounts import OperatorError

    own: Sequence[Record] = ()
    if args.account is None:
        await services.signing_domain.ensure_key()
        own = await services.signing_domain.records()
    sections: list[tuple[str, Sequence[Record]]] = [("The operator's own names", own)]
    for identity in await _identities(services, args.account, args.identity):
        title = f"{identity.name} of account {identity.account_id} in {identity.region}"
        sections.append((title, await services.checks.records(identity)))
    if args.identity is not None and len(sections) == 1:
        raise OperatorError(f"account {args.account} has no identity `{args.identity}`")
    if args.operator:
        sections = [(title, [r for r in records if r.publisher == "operator"]) for title, records in sections]
    if args.json:
        print_json([_as_json(title, record) for title, records in sections for record in records])
    else:
        print("\n\n".join(_zone_file(title, records) for title, records in sections if records))
    return 0


async def _identities(services: "Services", account: str | None, name: str | None) -> "list[Identity]":
    from sesame.identities.names import identity_name
    from sesame.store import identities

    found = await services.store.read(lambda tx: identities.all_of(tx, account_id=account))
    return found if name is None else [one for one in found if one.name == identity_name(name)]


def _as_json(title: str, record: "Record") -> dict[str, str]:
    return {
        "of": title,
        "name": record.name,
        "type": record.kind,
        "value": record.value,
        "publisher": record.publisher,
        "purpose": record.purpose,
    }


def _zone_file(title: str, records: "Sequence[Record]") -> str:
    """The records of one identity in the form of RFC 1035 section 5, each publisher's together."""
    lines = [f"; {title}"]
    for publisher in ("owner", "operator"):
        theirs = [record for record in records if record.publisher == publisher]
        if theirs:
            lines.append(f"; published by the {publisher}")
            lines += [f"{r.name}. {TTL_S} IN {r.kind} {_data(r.kind, r.value)} ; {r.purpose}" for r in theirs]
    return "\n".join(lines)


def _data(kind: str, value: str) -> str:
    if kind != "TXT":
        return f"{value}."  # a CNAME's or MX's host name, absolute
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    pieces = [escaped[at : at + STRING_OCTETS] for at in range(0, len(escaped), STRING_OCTETS)]
    return " ".join(f'"{piece}"' for piece in pieces)


async def publish_records(services: "Services", args: argparse.Namespace) -> int:
    """Publish what every account that has the domain would publish; a running server then finds it."""
    from sesame.admin.accounts import OperatorError
    from sesame.identities.names import domain_name
    from sesame.store import identities

    if services.settings.dns.resolver != "local":
        raise OperatorError("setting `dns.resolver` is `system`: publish the records in your own DNS zone")
    domain = domain_name(args.domain)
    published: list[tuple[str, str, str]] = []
    after = ("", "")
    while found := await services.store.read(
        partial(identities.page_of_name, name=domain, after=after, limit=PAGE)
    ):
        for identity in found:
            published += await services.checks.publish(identity)
        after = (found[-1].account_id, found[-1].region)
    if not after[0]:
        raise OperatorError(f"no account has asked to verify `{domain}`; begin with VerifyDomainIdentity")
    await services.checks.check_due()
    _print_zone(published, as_json=args.json)
    return 0


async def list_zone(services: "Services", args: argparse.Namespace) -> int:
    """Show the local zone."""
    from sesame.store import development

    _print_zone(await services.store.read(development.all_zone_records), as_json=args.json)
    return 0


def _print_zone(records: "list[tuple[str, str, str]]", *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "type": kind, "value": value} for name, kind, value in records])
    else:
        print_table(("NAME", "TYPE", "VALUE"), [(name, kind, _short(value)) for name, kind, value in records])


def _short(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:60]}… ({len(value)} characters)"
