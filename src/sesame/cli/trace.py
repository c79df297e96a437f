"""`sesame trace`, `decisions` and `why`: the life of a message, and why sends were decided as they were."""

import argparse
import json
import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sesame.cli.accounts import account_id
from sesame.cli.command import Subparsers, runs_on_store, runs_with_services, with_services
from sesame.cli.notifications import not_used_json, notified_json, print_not_used, print_notified
from sesame.cli.output import print_json, when
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.db import Transaction
    from sesame.notify.notified import NotUsed
    from sesame.policy.reasons.cause import Reader
    from sesame.spool.trace import Trace
    from sesame.store.events import Event
    from sesame.store.outbox_entries import OutboxEntry

NOT_KEPT = (
    "kept are refused sends and log-ins, calls that policies refuse, and policies that were not stored;\n"
    "what is wrong with the input of other calls is in their answer alone\n"
    "before a policy is put: sesame policy check FILE [--iam | --trust]"
)
READERS = ("sender", "owner", "operator")


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    trace = subparsers.add_parser(
        "trace", help="show the life of a message: its decision, attempts and events"
    )
    trace.add_argument("message_id")
    _add_reader(
        trace, "who reads: the sender, the owner of the identity, or the operator, who sees both (default)"
    )
    trace.add_argument(
        "--account",
        type=account_id,
        metavar="ACCOUNT",
        help="read it as that account may, which sent it or owns an identity that it was sent as, in place of --as",
    )
    trace.add_argument(
        "--dialogue", action="store_true", help="show what was said by SMTP in attempts that did not deliver"
    )
    runs_on_store(trace, show_trace)
    decisions = subparsers.add_parser(
        "decisions",
        help=("list the latest decisions on sends that an account made or that were made as its identities"),
    )
    decisions.add_argument("account", type=account_id)
    decisions.add_argument("--limit", type=int, default=20, metavar="N")
    decisions.add_argument("--request", metavar="ID", help="only decisions on this request")
    _add_reader(decisions, "who reads (default: the account, as the sender or the owner that it was)")
    runs_with_services(decisions, show_decisions)
    why = subparsers.add_parser("why", help="explain why a request was refused and what to do about it")
    why.add_argument("request_id", help="request ID, as in the response")
    _add_reader(why, "who reads (default: the operator, who sees both sides)")
    runs_with_services(why, show_why)


def _add_reader(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--as", dest="reader", choices=READERS, help=text)


def _reader(args: argparse.Namespace) -> "Reader | None":
    from sesame.policy.reasons.cause import Reader

    return None if args.reader is None else Reader(args.reader)


def show_trace(args: argparse.Namespace) -> int:
    """Show who sent, as whom, why it was allowed, and each attempt with the remote's words."""
    from sesame.access.causes.traced import traced
    from sesame.policy.reasons.cause import Reader
    from sesame.spool.trace import trace

    async def run(services: "Services") -> int:
        found = await trace(services.store, args.message_id, viewer=None)
        if found is None:
            print(f"sesame: there is no message `{args.message_id}`", file=sys.stderr)
            return 1
        read = _read_as(args, _trace_json(found))
        if read is None:
            print(f"sesame: message `{args.message_id}` does not concern {args.account}", file=sys.stderr)
            return 1
        whole, reader = traced(*read), read[1]
        happened = []
        if whole["owner_account_id"] == found.owner_account_id:  # events are told to no further owner
            happened = await services.store.read(lambda tx: _happened(tx, args.message_id, reader))
        if args.json:
            whole["events"] = [
                {
                    "event_id": event.event_id,
                    "what": event.what.value,
                    "told": notified_json(entries, event.event_id),
                    "not_told": not_used_json(missed),
                }
                for event, entries, missed in happened
            ]
            print_json(whole)
        else:
            _print_trace(whole, dialogue=args.dialogue)
            for event, entries, missed in happened:
                recipient = "" if reader is Reader.OWNER else one_line(event.recipient or "")
                print(f"event       {when(event.at)}  {event.what.value}  {recipient}".rstrip())
                print_notified(entries, event.event_id)
                print_not_used(missed)
        return 0

    return with_services(args, run)


def _read_as(args: argparse.Namespace, whole: dict[str, Any]) -> "tuple[dict[str, Any], Reader] | None":
    """The whole of a trace and who reads it, of an account as it concerns that; None where it does not."""
    from sesame.access.causes.traced import as_further_owner
    from sesame.policy.reasons.cause import Reader

    account = args.account
    if account is None:
        return whole, _reader(args) or Reader.OPERATOR
    if account == whole["account_id"]:
        return whole, Reader.SENDER
    if account == whole["owner_account_id"]:
        return whole, Reader.OWNER
    theirs = as_further_owner(whole, account)
    return None if theirs is None else (theirs, Reader.OWNER)


async def _happened(
    tx: "Transaction", message_id: str, reader: "Reader"
) -> "list[tuple[Event, list[OutboxEntry], list[NotUsed]]]":
    """What happened to a message, who was notified of it and who was not: for a party what it set up itself (I9)."""
    from sesame.notify.event_json import NOTIFIED, event_type
    from sesame.notify.expand import OPERATORS_OWN
    from sesame.notify.notified import half_of, not_used
    from sesame.policy.reasons.cause import Reader
    from sesame.store import events, outbox_entries

    found = await events.of_message(tx, message_id)
    entries = await outbox_entries.about(tx, [event.event_id for event in found])
    happened = []
    for event in found:
        mine, missed = entries, await not_used(tx, event, entries)
        if reader is not Reader.OPERATOR:
            if event.what in OPERATORS_OWN:
                continue
            is_lent = event.account_id != event.owner_account_id
            if reader is Reader.OWNER and is_lent and event_type(event) not in NOTIFIED:
                continue
            party = event.owner_account_id if reader is Reader.OWNER else event.account_id
            mine = half_of(party, event, entries)
            missed = [one for one in missed if one.account_id == party]
        happened.append((event, mine, missed))
    return happened


async def show_decisions(services: "Services", args: argparse.Namespace) -> int:
    """Show the newest decisions, newest first."""
    from sesame.access.causes.decision_json import latest, of_request

    await services.operator.require_account(args.account)
    if args.request is not None:
        records = await of_request(
            services.store, args.request, account_id=args.account, reader=_reader(args)
        )
    else:
        limit = max(1, args.limit)
        records = await latest(services.store, args.account, limit=limit, reader=_reader(args))
    if args.json:
        print_json(records)
    else:
        _print_decisions(records)
        if not records and args.request is not None:
            print(
                f"nothing is kept for account {args.account} of a refusal with the request id `{args.request}`"
            )
            print(f"under whatever account it is: sesame why {args.request}")
            print(NOT_KEPT)
        elif not records:
            print(f"no send has concerned account {args.account} yet")
            print("requests and log-ins with a key of no account: sesame why REQUEST_ID, sesame log-ins")
    return 0


async def show_why(services: "Services", args: argparse.Namespace) -> int:
    """Show what a request was refused for."""
    from sesame.access.causes.decision_json import of_request

    records = await of_request(services.store, args.request_id, reader=_reader(args))
    if not records:
        print(f"sesame: no refusal has the request id `{args.request_id}`", file=sys.stderr)
        print(NOT_KEPT, file=sys.stderr)
        return 1
    if args.json:
        print_json(records)
    else:
        _print_decisions(records)
    return 0


def _print_decisions(records: list[dict[str, Any]]) -> None:
    """Each, once with their number where a bulk request's are alike but for the recipients, which they do not show."""
    for one, alike in groupby(records, key=lambda record: {**record, "at": None}):
        among = list(alike)
        _print_decision({**one, "at": among[0]["at"]}, len(among))


def _print_decision(record: dict[str, Any], count: int) -> None:
    print(f"{when(record['at'])}  {record['code']}  {record['principal'] or '-'}  {record['region'] or '-'}")
    if record["message_id"]:
        print(f"    message {record['message_id']}")
    if record["request_id"]:
        times = f", {count} messages alike" if count > 1 else ""
        print(f"    request {record['request_id']}{times}")
    print_causes(record["causes"])
    if record["reason"]:
        print(f"    {one_line(record['reason'])}")
    _print_checks(record["checks"])
    print()


def print_causes(causes: list[dict[str, Any]]) -> None:
    """Each cause with its fix, which stands once behind those that it is for."""
    for fix, alike in groupby(causes, key=lambda cause: str(cause["mend"]["text"])):
        for cause in alike:
            print(f"    {cause['code']} {one_line(cause['cause'])}")
        print(f"        fix: {one_line(fix)}")


_KINDS = {"iam": "IAM policy", "session": "session policy", "boundary": "permissions boundary"}


def _print_checks(checks: list[dict[str, Any]]) -> None:
    for check in checks:
        addresses = one_line(", ".join(dict.fromkeys(check["addresses"])))
        as_whom = f" as {check['arn']}" if check["arn"] else ""
        asked = f"{', '.join(check['uses'])} {addresses}".rstrip()
        print(f"    {check['outcome']}: {asked}{as_whom}")
        for ref in check["deciding"]:
            where = _KINDS.get(ref["kind"], "identity policy")
            print(f"        by {where} `{ref['policy']}`, statement {ref['statement']}")


def _print_trace(found: dict[str, Any], *, dialogue: bool) -> None:
    from sesame.access.causes.traced import sent_as

    decision = found["decision"]
    size = f", {found['size_bytes']} bytes" if "size_bytes" in found else ""
    print(f"message     {found['message_id']}")
    print(f"accepted    {when(found['accepted_at'])}{size}, region {found['region']}")
    if "subject" in found:
        print(f"subject     {one_line(found['subject'])}")
    print(f"sent by     {decision['principal']}  (account {found['account_id']})")
    as_whom = sent_as(found) or [(found["source"], found["identity"] or "-", found["owner_account_id"])]
    for address, identity, owner in as_whom:
        print(f"sent as     {one_line(address)}  (identity {identity} of account {owner})")
    if found["return_path"]:
        print(f"feedback to {found['return_path']}")
    if found.get("rendering_failure") is not None:
        print(f"not sent    Rendering Failure: {one_line(found['rendering_failure'])}")
    print("decision")
    _print_checks(decision["checks"])
    if "outcomes" in found:
        counted = ", ".join(f"{count} {state}" for state, count in found["outcomes"].items())
        print(f"recipients  {counted}")
    for recipient in found.get("recipients", ()):
        _print_recipient(recipient, dialogue=dialogue)
    for report in found.get("reported", ()):
        by = f", reported by {one_line(report['reporter'])}" if report["reporter"] else ""
        print(
            f"came back   {when(report['at'])}  {one_line(report['recipient'] or '-')}: {report['what']}{by}"
        )
        for name, value in report.items():
            if name not in ("at", "what", "recipient", "reporter"):
                print(f"        {name.replace('_', ' ')}: {one_line(str(value))}")


def _print_recipient(recipient: dict[str, Any], *, dialogue: bool) -> None:
    waits = recipient["state"] == "queued" and recipient["paused_at"] is None
    again = f", next attempt {when(recipient['due_at'])}" if waits else ""
    print(f"recipient   {one_line(recipient['address'])}: {recipient['state']}{again}")
    if recipient["reason"] and recipient["state"] != "suppressed":  # its cause says it
        print(f"    {one_line(recipient['reason'])}")
    print_causes(recipient["causes"])
    for attempt in recipient["attempts"]:
        ip = attempt["remote_ip"] and f"[{attempt['remote_ip']}]"
        took = "" if attempt["took_s"] is None else f", took {attempt['took_s']:.3f} s"
        remote = " ".join(part for part in (attempt["remote_mta"], ip, attempt["tls"]) if part)
        print(f"    {when(attempt['at'])}  {attempt['kind']} {attempt['status']}  {remote}{took}")
        print(f"        {one_line(attempt['diagnostic'])}")
        if attempt["tls_verdict"]:
            print(f"        {one_line(attempt['tls_verdict'])}")
        if attempt["chosen"]:
            print(f"        server chosen: {one_line(attempt['chosen'])}")
        for line in (attempt["dialogue"] or "").splitlines() if dialogue else ():
            print(f"            {one_line(line)}")


def _trace_json(found: "Trace") -> dict[str, Any]:
    return {
        "message_id": found.message_id,
        "account_id": found.account_id,
        "owner_account_id": found.owner_account_id,
        "region": found.region,
        "identity": found.identity,
        "source": found.source,
        "return_path": found.return_path,
        "subject": found.subject,
        "size_bytes": found.size_bytes,
        "tags": json.loads(found.tags),
        "decision": json.loads(found.decision),
        "accepted_at": found.accepted_at,
        "rendering_failure": found.failure,
        "rendering_near": found.near or None,
        "recipients": [
            {
                "address": recipient.address,
                "state": recipient.state,
                "due_at": recipient.due_at,
                "reason": recipient.reason,
                "paused_at": recipient.paused_at,
                "listed_as": list(recipient.listed_as),
                "attempts": [
                    {
                        "at": attempt.at,
                        "kind": attempt.kind,
                        "status": attempt.status,
                        "diagnostic": attempt.diagnostic,
                        "remote_mta": attempt.remote_mta,
                        "remote_ip": attempt.remote_ip,
                        "tls": attempt.tls,
                        "tls_verdict": attempt.tls_verdict,
                        "took_s": attempt.took_s,
                        "source_ip": attempt.source_ip,
                        "chosen": attempt.chosen,
                        "dialogue": attempt.dialogue,
                    }
                    for attempt in recipient.attempts
                ],
            }
            for recipient in found.recipients
        ],
        "reported": [
            {
                "at": report.at,
                "what": report.what,
                "recipient": report.recipient,
                "reporter": report.reporter,
                **report.detail,
            }
            for report in found.reported
        ],
    }
