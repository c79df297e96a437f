"""`sesame trace` and `sesame decisions`: the life of a message, and why sends were decided as they were."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from sesame.cli.accounts import account_id
from sesame.cli.common import Subparsers, add_store_options, print_json, when, with_services
from sesame.cli.telling import print_told, told_json
from sesame.cli.terminal import one_line

if TYPE_CHECKING:
    from sesame.app.foundation import Services
    from sesame.db import Transaction
    from sesame.spool.trace import Trace
    from sesame.store.decisions import DecisionRecord
    from sesame.store.events import Event
    from sesame.store.outbox import Told


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    trace = subparsers.add_parser("trace", help="the life of one message")
    trace.add_argument("message_id")
    add_store_options(trace)
    trace.set_defaults(func=show_trace)
    decisions = subparsers.add_parser(
        "decisions", help="the latest decisions about sends that concern an account, as sender or as owner"
    )
    decisions.add_argument("account", type=account_id)
    decisions.add_argument("--limit", type=int, default=20, metavar="N")
    add_store_options(decisions)
    decisions.set_defaults(func=show_decisions)


def show_trace(args: argparse.Namespace) -> int:
    """Show who sent, as whom, why it was allowed, and each attempt with the remote's words."""
    from sesame.spool.trace import trace

    async def run(services: "Services") -> int:
        found = await trace(services.store, args.message_id)
        happened, told = await services.store.read(lambda tx: _told(tx, args.message_id))
        if found is None:
            print(f"sesame: there is no message `{args.message_id}`", file=sys.stderr)
            return 1
        if args.json:
            events = [
                {"event_id": one.event_id, "what": one.what.value, "told": told_json(told, one.event_id)}
                for one in happened
            ]
            print_json({**_trace_json(found), "events": events})
        else:
            _print_trace(found)
            for event in happened:
                print(
                    f"event       {when(event.at)}  {event.what.value}  {one_line(event.recipient or '')}".rstrip()
                )
                print_told(told, event.event_id)
        return 0

    return with_services(args, run)


async def _told(tx: "Transaction", message_id: str) -> "tuple[list[Event], list[Told]]":
    """What happened to a message, and who was told of it."""
    from sesame.store import events, outbox

    happened = await events.of_message(tx, message_id)
    return happened, await outbox.about(tx, [event.event_id for event in happened])


def show_decisions(args: argparse.Namespace) -> int:
    """Show the newest decisions, newest first."""
    from sesame.access.refusals import latest

    async def run(services: "Services") -> int:
        await services.operator.require_account(args.account)
        found = await latest(services.store, args.account, limit=max(1, args.limit))
        shown = [_decision_for(args.account, record) for record in found]
        if args.json:
            print_json(shown)
        else:
            for record in shown:
                _print_decision(record)
            if not shown:
                print(f"no send has concerned account {args.account} yet")
        return 0

    return with_services(args, run)


def _decision_for(viewer: str, record: "DecisionRecord") -> dict[str, Any]:
    """A decision as `viewer` may see it: the sender's IAM policies and templates are the sender's alone (I9)."""
    decision = json.loads(record.decision)
    if viewer != record.account_id:
        decision["checks"] = [check for check in decision["checks"] if "Resource" not in check["uses"]]
        for check in decision["checks"]:
            check["deciding"] = [ref for ref in check["deciding"] if ref["kind"] != "iam"]
    return {
        "at": record.at,
        "sender": record.account_id,
        "principal": decision["principal"],
        "region": record.region,
        "code": record.code,
        "message_id": record.message_id,
        "reason": record.reason,
        "checks": decision["checks"],
        "unverified": decision.get("unverified", []),
    }


def _print_decision(record: dict[str, Any]) -> None:
    print(f"{when(record['at'])}  {record['code']}  {record['principal']}  {record['region']}")
    if record["message_id"]:
        print(f"    message {record['message_id']}")
    if record["reason"]:
        print(f"    {one_line(record['reason'])}")
    _print_checks(record["checks"])
    print()


def _print_checks(checks: list[dict[str, Any]]) -> None:
    for check in checks:
        addresses = one_line(", ".join(dict.fromkeys(check["addresses"])))
        print(f"    {check['outcome']}: {', '.join(check['uses'])} {addresses} as {check['arn']}")
        for ref in check["deciding"]:
            where = "IAM policy" if ref["kind"] == "iam" else "identity policy"
            print(f"        by {where} `{ref['policy']}`, statement {ref['statement']}")


def _print_trace(found: "Trace") -> None:
    decision = json.loads(found.decision)
    print(f"message     {found.message_id}")
    print(f"accepted    {when(found.accepted_at)}, {found.size_bytes} bytes, region {found.region}")
    print(f"subject     {one_line(found.subject)}")
    print(f"sent by     {decision['principal']}  (account {found.account_id})")
    print(
        f"sent as     {one_line(found.source)}  (identity {found.identity or '-'} of account {found.owner_account_id})"
    )
    print(f"feedback to {found.return_path}")
    if found.failure is not None:
        print(f"not sent    Rendering Failure: {one_line(found.failure)}")
    print("decision")
    _print_checks(decision["checks"])
    for recipient in found.recipients:
        again = f", next attempt {when(recipient.due_at)}" if recipient.state == "queued" else ""
        print(f"recipient   {one_line(recipient.address)}: {recipient.state}{again}")
        for attempt in recipient.attempts:
            remote = " ".join(
                part
                for part in (attempt.remote_mta, attempt.remote_ip and f"[{attempt.remote_ip}]", attempt.tls)
                if part
            )
            print(f"    {when(attempt.at)}  {attempt.kind} {attempt.status}  {remote}")
            print(f"        {one_line(attempt.diagnostic)}")
            if attempt.tls_verdict:
                print(f"        {one_line(attempt.tls_verdict)}")


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
        "recipients": [
            {
                "address": recipient.address,
                "state": recipient.state,
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
                    }
                    for attempt in recipient.attempts
                ],
            }
            for recipient in found.recipients
        ],
    }
