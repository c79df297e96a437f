"""What SES should answer to a send, worked out from tables and not from Sesame's code.

Knows identities, callers and statements as plain values; the same values are rendered to policy JSON
for the server. Sources: SES developer guide, "Using sending authorization", "Delegate sender tasks",
"Creating identities"; IAM user guide, "Policy evaluation logic"; docs/quirks.md where they are silent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement of an identity policy. `principals` are "*", account ids or user ARNs."""

    effect: str
    principals: tuple[str, ...]
    actions: tuple[str, ...] = ("ses:SendEmail", "ses:SendRawEmail")
    from_address: str | None = None
    recipients_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A statement of a user's IAM policy; `accounts` are the owners of the identities it speaks of."""

    effect: str
    accounts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A domain or address of an account, with its policies' statements."""

    account: str
    name: str
    statements: tuple[Statement, ...] = ()
    verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who signs: the root of an account, or a user with its grants."""

    account: str
    arn: str
    is_root: bool
    grants: tuple[Grant, ...] = ()
    boundary: tuple[Grant, ...] | None = None
    """The statements of its permissions boundary; None for none."""
    session: tuple[Grant, ...] | None = None
    """Of a federated user the statements of its session policies; its grants and boundary are those of its user."""
    issuer: str | None = None
    """Of a federated user the ARN of the user who opened its session."""

    def limits(self) -> list[tuple[Grant, ...]]:
        """What each must allow beside the grants."""
        return [one for one in (self.boundary, self.session) if one is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A send: the address of each use, and the ARN the client gave for Source, From and Return-Path."""

    action: str
    addresses: Mapping[str, str]
    arns: Mapping[str, str]
    recipients: tuple[str, ...]
    resources: tuple[str, ...] = ()
    """ARNs of templates of the caller's that are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer: `code` is empty for acceptance; `subjects` are the ARNs or addresses it may name."""

    code: str
    subjects: frozenset[str] = frozenset()


def render(statements: Iterable[Statement], arn: str) -> str:
    """The identity policy that says what `statements` say."""
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [_rendered(statement, arn) for statement in statements]}
    )


def _rendered(statement: Statement, arn: str) -> dict[str, object]:
    rendered: dict[str, object] = {
        "Effect": statement.effect,
        "Principal": "*" if statement.principals == ("*",) else {"AWS": list(statement.principals)},
        "Action": list(statement.actions),
        "Resource": arn,
    }
    conditions: dict[str, object] = {}
    if statement.from_address is not None:
        conditions["StringEquals"] = {"ses:FromAddress": statement.from_address}
    if statement.recipients_at is not None:
        conditions["ForAllValues:StringLike"] = {"ses:Recipients": f"*@{statement.recipients_at}"}
    if conditions:
        rendered["Condition"] = conditions
    return rendered


class Oracle:
    """Answers sends for a world of identities in one region."""

    def __init__(
        self, region: str, identities: Iterable[Identity], *, sandboxed: frozenset[str] = frozenset()
    ) -> None:
        """`sandboxed` are the accounts that are still in the sandbox."""
        self._region = region
        self._identities = {(i.account, i.name): i for i in identities}
        self._sandboxed = sandboxed

    def verdict(self, caller: Caller, send: Send) -> Verdict:
        """What the send is answered. The order of refusals: alignment, authorisation, verification."""
        misaligned = {
            f"The address '{send.addresses[use]}' does not align with the given ARN '{arn}'"
            for use, arn in send.arns.items()
            if not _aligned(arn, send.addresses[use])
        }
        if misaligned:
            return Verdict(code="InvalidParameterValue", subjects=frozenset(misaligned))
        denied, unverified, owners = set[str](), set[str](), {caller.account}
        for use, address in send.addresses.items():
            arn = self._arn_for(caller, send, use)
            region, owner, name = arn.split(":")[3], arn.split(":")[4], arn.split("/", 1)[1]
            if region != self._region:
                unverified.add(address)
                continue
            identity = self._identities.get((owner, name))
            if identity is not None:
                owners.add(owner)
            denied.update(self._denied(caller, send, arn, address))
            if identity is None or not identity.verified:
                unverified.add(address)
        if owners & self._sandboxed:
            for address in send.recipients:
                arn = self._own_arn(caller, address)
                identity = self._identities.get((caller.account, arn.split("/", 1)[1]))
                if identity is None or not identity.verified:
                    unverified.add(address)
                else:
                    denied.update(self._denied(caller, send, arn, address))
        for resource in send.resources:
            everywhere = {grant.effect for grant in caller.grants if grant.accounts is None}
            at_most = [
                {grant.effect for grant in limit if grant.accounts is None} for limit in caller.limits()
            ]
            is_within = all(effects == {"Allow"} for effects in at_most)
            if "Deny" in everywhere or not (caller.is_root or "Allow" in everywhere) or not is_within:
                denied.add(resource)
        if denied:
            return Verdict(code="AccessDenied", subjects=frozenset(denied))
        if unverified:
            return Verdict(code="MessageRejected", subjects=frozenset(unverified))
        return Verdict(code="")

    def arn(self, account: str, name: str) -> str:
        """The ARN of an identity in the region."""
        return f"arn:aws:ses:{self._region}:{account}:identity/{name}"

    def _arn_for(self, caller: Caller, send: Send, use: str) -> str:
        """The identity an address rests on: the ARN for its use, one that stands in, or the caller's own."""
        address = send.addresses[use]
        # Without a SourceArn, FromArn speaks for Source too where they are the same address.
        is_alone = "Source" not in send.arns and send.addresses["Source"] == send.addresses["From"]
        source = "From" if is_alone else "Source"
        order = {
            "From": ("From", "Source"),
            "Source": (source,),
            "Sender": ("From", "Source"),
            "Return-Path": ("Return-Path", source),
        }[use]
        for named in order:
            arn = send.arns.get(named)
            if arn is not None and _aligned(arn, address):
                return arn
        return self._own_arn(caller, address)

    def _own_arn(self, caller: Caller, address: str) -> str:
        covering = [name for name in _covering_names(address) if (caller.account, name) in self._identities]
        verified = [name for name in covering if self._identities[caller.account, name].verified]
        return self.arn(caller.account, (verified or covering or [address])[0])

    def _denied(self, caller: Caller, send: Send, arn: str, address: str) -> Iterable[str]:
        """ARNs that a refusal may name for an address that rests on one."""
        owner, name = arn.split(":")[4], arn.split("/", 1)[1]
        if not self._allowed(caller, send, owner, self._identities.get((owner, name))):
            yield arn
        yield from self._denied_nearer(caller, send, owner, name, address)

    @staticmethod
    def _allowed(caller: Caller, send: Send, owner: str, identity: Identity | None) -> bool:
        """As the IAM guide tells it: deny first, then who must allow."""
        grants = [
            grant.effect for grant in caller.grants if grant.accounts is None or owner in grant.accounts
        ]
        at_most = [
            [grant.effect for grant in limit if grant.accounts is None or owner in grant.accounts]
            for limit in caller.limits()
        ]
        statements = () if identity is None else identity.statements
        matching = [statement for statement in statements if _matches(statement, caller, send)]
        if "Deny" in (*grants, *(effect for limit in at_most for effect in limit)) or any(
            statement.effect == "Deny" for statement in matching
        ):
            return False
        is_within = all("Allow" in limit for limit in at_most)
        by_iam = (caller.is_root or "Allow" in grants) and is_within
        if caller.account != owner:
            return by_iam and bool(matching)
        # In its own account a user is let in by IAM, or by a policy that names it and not just the account; beyond its
        # boundary by one that names it, and not just everybody. A federated user has within its limits what its user
        # is given, and beyond them what it is given itself.
        enough = {"*", caller.arn, caller.issuer} if is_within else {caller.arn}
        return by_iam or any(enough & set(statement.principals) for statement in matching)

    def _denied_nearer(
        self, caller: Caller, send: Send, owner: str, name: str, address: str
    ) -> Iterable[str]:
        """Identities of the owner between the one named and the address whose policies deny the send."""
        names = _covering_names(address)
        for nearer in names[: names.index(name)]:
            identity = self._identities.get((owner, nearer))
            statements = () if identity is None else identity.statements
            if any(s.effect == "Deny" and _matches(s, caller, send) for s in statements):
                yield self.arn(owner, nearer)


def _matches(statement: Statement, caller: Caller, send: Send) -> bool:
    callers = {"*", caller.arn, caller.issuer, caller.account, f"arn:aws:iam::{caller.account}:root"}
    if not callers & set(statement.principals):
        return False
    if send.action not in statement.actions and "ses:Send*" not in statement.actions:
        return False
    if statement.from_address not in (None, send.addresses["From"]):
        return False
    return statement.recipients_at is None or all(
        recipient.endswith(f"@{statement.recipients_at}") for recipient in send.recipients
    )


def _aligned(arn: str, address: str) -> bool:
    return arn.split("/", 1)[1] in _covering_names(address)


def _covering_names(address: str) -> list[str]:
    """Identities that cover an address, most specific first: itself, without its label, its domains."""
    local_part, _, domain = address.rpartition("@")
    labels = domain.split(".")
    domains = [".".join(labels[at:]) for at in range(len(labels) - 1)]
    plain = f"{local_part.partition('+')[0]}@{domain}"
    return list(dict.fromkeys([address, plain, *domains]))
