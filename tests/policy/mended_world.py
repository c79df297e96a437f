"""Policies of two sides, what a mend does to them, and who gets in by it that it was not for.

A `World` holds documents by name; `mended` makes a copy with a mend done, by its details alone. `newly_allowed` asks
the engine about the requests near the one that was refused, on the side that was mended.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from sesame.policy import (
    Explanation,
    Outcome,
    Policy,
    PolicySet,
    Request,
    Requester,
    compile_policies,
    decide,
    explain,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.reasons.edits import edited

OWNER, SENDER, PARTNER, STRANGER = "111122223333", "444455556666", "777788889999", "999900001111"
ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/shop.test"
OTHER_ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/bank.test"
GROUP, MANAGED = "mail/send", f"arn:aws:iam::{SENDER}:policy/send"


def user(account: str, name: str) -> Requester:
    arn = f"arn:aws:iam::{account}:user/{name}"
    return Requester(arn=arn, account_id=account, kind="user", user_id=f"AIDA{name.upper()}")


def root(account: str) -> Requester:
    return Requester(arn=f"arn:aws:iam::{account}:root", account_id=account, kind="root", user_id=account)


ANN, BOB, SOMEBODY = user(SENDER, "ann"), user(SENDER, "bob"), user(PARTNER, "joe")
OWN_ANN, OWN_BOB = user(OWNER, "ann"), user(OWNER, "bob")
SESSION = Requester(
    arn=f"arn:aws:sts::{SENDER}:assumed-role/mailer/job",
    account_id=SENDER,
    kind="role",
    user_id="AROAMAILER:job",
    role_arn=f"arn:aws:iam::{SENDER}:role/mailer",
)
WHO = (ANN, BOB, SESSION, root(SENDER), SOMEBODY, root(PARTNER), user(STRANGER, "eve"), OWN_ANN, OWN_BOB)
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}

VALUES: Mapping[str, Sequence[Any]] = {
    "ses:FromAddress": ("news@shop.test", "jobs@shop.test", "ceo@shop.test", "noreply@shop.test"),
    "aws:SourceIp": ("127.0.0.1", "10.0.0.9", "192.0.2.7"),
    "aws:SecureTransport": ("true", "false"),
    "ses:Recipients": (
        ("ann@rival.test",),
        ("zoe@rival.test",),
        ("a@corp.test",),
        ("a@corp.test", "ann@rival.test"),
        ("ann@rival.test", "zoe@rival.test"),
    ),
    "ses:FromDisplayName": (None, "Shop", "Bank"),
    "ses:FeedbackAddress": ("news@shop.test", "bounce@shop.test"),
    "ses:ApiVersion": ("1", "2"),
    "aws:RequestedRegion": ("us-east-1",),
}
ACTIONS = ("ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail")
TAGS = {ARN: {"aws:ResourceTag/env": "stage"}, OTHER_ARN: {"aws:ResourceTag/env": "stage"}}
NOW = "1795978054"


def asked(who: Requester, action: str, resource: str, **chosen: Any) -> Request:
    """A request as the doors make them, with the values that vary."""
    context = {key: values[0] for key, values in VALUES.items()} | chosen
    context |= TAGS.get(resource, {}) | {
        "aws:EpochTime": NOW,
        "aws:CurrentTime": "2026-11-29T20:07:34Z",
        "aws:PrincipalAccount": who.account_id,
        "aws:PrincipalArn": who.role_arn or who.arn,
        "aws:userid": who.user_id,
        "aws:PrincipalTag/alias": {"ann": "info", "bob": "info"}.get(who.arn.rpartition("/")[2]),
        "aws:username": who.arn.rpartition("/")[2] if who.kind == "user" else None,
    }
    return Request(
        requester=who,
        action=action,
        resource=resource,
        resource_account=OWNER,
        context={key: value for key, value in context.items() if value is not None},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`identity` are the policies of `ARN`; `iam` those of the sender by name: `own` is its inline one."""

    request: Request
    identity: Mapping[str, str] = field(default_factory=dict)
    iam: Mapping[str, str] = field(default_factory=dict)

    def explained(self) -> Explanation:
        return explain(self.request, iam=_iam(self.iam), identity=_identity(self.identity))

    def outcome(self) -> Outcome:
        return self.explained().outcome


def text(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _iam(named: Mapping[str, str]) -> list[tuple[str, Policy]]:
    return [(name, parse_stored_iam_policy(document)) for name, document in named.items()]


def _identity(named: Mapping[str, str]) -> list[tuple[str, Policy]]:
    return [(name, parse_stored_identity_policy(document)) for name, document in named.items()]


def _filled(change: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """A change with what its reader has to choose: a date, a recipient."""
    if change.get("add", ()) is None or change.get("exempt", ()) is None:
        what = "add" if "add" in change else "exempt"
        return {**change, what: list(request.context["ses:Recipients"])}
    if "split" in change:
        return {**change, "split": [[_filled(one, request) for one in copy] for copy in change["split"]]}
    if "replace" not in change or change["with"] is not None:
        return dict(change)
    is_later = "Less" in change["operator"]
    if change["operator"].startswith("Numeric"):
        return {**change, "with": "2000000000" if is_later else "1000000000"}
    return {**change, "with": "2099-01-01T00:00:00Z" if is_later else "2001-01-01T00:00:00Z"}


def mended(world: World, mend: Mapping[str, Any]) -> World | None:
    """The world once a mend is done; None where that is no change of policies or message that is known here."""
    how, request = mend["how"], world.request
    identity, iam = dict(world.identity), dict(world.iam)
    if how == "put-identity-policy" or (how == "ask" and "statement" in mend):
        assert mend["identity_arn"] == request.resource
        identity[f"mended{len(identity)}"] = text(mend["statement"])
    elif how == "allow-in-iam":
        assert mend["principal"] == request.requester.role_arn or request.requester.arn
        iam[f"mended{len(iam)}"] = text(mend["statement"])
    elif how == "change-statement":
        documents = identity if mend["kind"] == "identity" else iam
        for part in (mend, *mend.get("also", ())):
            changes = [_filled(change, request) for change in part["changes"]]
            after = edited(documents[part["policy"]], part["statement"], changes)
            documents.pop(part["policy"])
            if after:
                documents[part["policy"]] = after
    elif how == "set-parameter" and mend["parameter"] == "endpoint":
        request = msgspec.structs.replace(request, context={**request.context, "aws:SecureTransport": "true"})
    else:
        return None
    return World(request=request, identity=identity, iam=iam)


def near(request: Request) -> Iterator[Request]:
    """The requests that differ from one in who sends, and in up to two values of the others."""
    choices: list[dict[str, Any]] = [{}]
    ways = [(key, value) for key, values in VALUES.items() for value in values]
    ways += [("action", action) for action in ACTIONS] + [("resource", OTHER_ARN)]
    choices += [{key: value} for key, value in ways]
    choices += [
        {key: value, other: further}
        for n, (key, value) in enumerate(ways)
        for other, further in ways[n + 1 :]
        if key != other
    ]
    kept = {key: request.context.get(key) for key in VALUES}
    single = len(ways) + 1
    for who in dict.fromkeys((request.requester, *WHO)):
        for chosen in choices if who == request.requester else choices[:single]:
            values = kept | {key: value for key, value in chosen.items() if key in VALUES}
            resource = chosen.get("resource", request.resource)
            yield asked(who, chosen.get("action", request.action), resource, **values)


@lru_cache(maxsize=256)
def _compiled(documents: tuple[tuple[str, str], ...], kind: Any) -> PolicySet:
    read = _iam if kind == "iam" else _identity
    return compile_policies(read(dict(documents)), kind=kind)


def _allows(world: World, request: Request, *, is_identity: bool) -> bool:
    """What one side says, while the other allows everything."""
    who, sender = request.requester, world.request.requester
    everything = {"all": text(ALL)}
    if is_identity:
        identity = world.identity if request.resource == ARN else {}
        iam: Mapping[str, str] = {} if who.account_id == OWNER else everything
    else:
        identity = {} if who.account_id == OWNER else {"all": text(ALL | {"Principal": "*"})}
        shared = {name: one for name, one in world.iam.items() if name in (GROUP, MANAGED)}
        iam = world.iam if who == sender else everything
        if who != sender and who.account_id == sender.account_id:
            iam = shared if who.kind == "user" else {}
    sets = _compiled(tuple(iam.items()), "iam"), _compiled(tuple(identity.items()), "identity")
    return decide(request, iam=sets[0], identity=sets[1]).outcome is Outcome.ALLOW


def newly_allowed(before: World, after: World) -> list[Request]:
    """What is allowed after a mend and was not before, on the side that it changed, beside the request itself."""
    is_identity = before.identity != after.identity
    return [
        one
        for one in near(before.request)
        if one != before.request
        and _allows(after, one, is_identity=is_identity)
        and not _allows(before, one, is_identity=is_identity)
    ]
