"""A delegate's kit: all that somebody needs who may send as another's identity, and no secret.

Made for one delegate from the identity's policies and where the server is reached; data in, data out. Every way that
is shown works by these policies: its example is a request that they were asked about and allow. Whether the
delegate's own account lets it send is its own affair; the IAM policy that this takes is part of the kit.

INVARIANT (I9): of the identity's policies the kit has what concerns this delegate alone: addresses, networks and times,
never a name, a Sid, another principal, or a value that tells who others are.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sesame.access.compiled import ALLOW_ALL, compiled_identity_policies
from sesame.access.identity_names import IdentityArn
from sesame.access.principal_binding import requester_known
from sesame.admin.delegates.kit_snippets import SIMPLE, Example, Place, Snippet, Way, as_request, snippets
from sesame.db import Store, Transaction
from sesame.policy import (
    Outcome,
    Permission,
    Policy,
    Request,
    Requester,
    can_send,
    compile_policies,
    decide,
)
from sesame.policy.analysis.answers import describe_need
from sesame.policy.cases import CaseError, read_requester
from sesame.policy.language.document import Condition, Effect
from sesame.policy.language.forms import is_account_id
from sesame.policy.language.pattern import glob, literally
from sesame.policy.language.vocabulary import SENDING_ACTIONS
from sesame.store import accounts, identities, identity_policies
from sesame.store.identity_policies import IdentityPolicy

Named = Sequence[tuple[str, Policy]]

SIMULATOR = "success@simulator.amazonses.com"
"""A recipient that takes everything and needs no verification."""

_REQUEST_KEYS = {
    "aws:currenttime",
    "aws:epochtime",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:sourceip",
    "aws:useragent",
    "ses:apiversion",
    "ses:feedbackaddress",
    "ses:fromaddress",
    "ses:fromdisplayname",
    "ses:recipients",
}
"""What a condition may tell a delegate: how its requests must be. All else tells who somebody is."""

_USERNAME = re.compile(r"\$\{aws:username\}", re.IGNORECASE)
_TAG = "aws:principaltag/"


class KitError(Exception):
    """There is no kit for that delegate; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One thing that the identity's policies let the delegate do."""

    actions: tuple[str, ...]
    from_addresses: tuple[str, ...]
    """Patterns of From addresses; empty where any that the identity covers will do."""
    when: tuple[str, ...]
    """What else a request must be like, in words."""
    unless: tuple[tuple[str, ...], ...]
    """What it must not be like: not all of any one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What to hand to the delegate."""

    identity_arn: str
    delegate: str
    place: Place
    allowed: tuple[Allowed, ...]
    parameters: Mapping[str, Mapping[str, str]]
    """By API: what to add to a request; by SMTP: the header fields."""
    iam_policy: str
    """The policy that the sender's side needs, in an account of whichever kind."""
    snippets: tuple[Snippet, ...]
    left_out: tuple[tuple[str, str], ...]
    """Titles of ways that are not shown, and why."""
    sample: Mapping[str, Any] | None
    """A message that may be sent, as SendEmail of the API v2 takes it."""


def make_kit(
    arn: str,
    delegate: Requester,
    policies: Named,
    *,
    place: Place,
    principal_ids: Mapping[str, str],
    is_late: Callable[[], bool],
) -> Kit:
    """The kit of a delegate. Raises KitError where the policies let it send nothing, or need not let it."""
    if delegate.account_id == arn.split(":")[4]:
        message = f"{delegate.arn} is of the owner's own account, whose IAM policies decide: it needs no kit"
        raise KitError(message)
    if delegate.kind == "service":
        raise KitError(
            "a service is set up by the operator (`sesame service`) and has no code of its own: no kit"
        )
    ask = _Questions(arn, delegate, policies, principal_ids, is_late)
    allowed = tuple(_allowed(ask))
    if not allowed and ask.unknown:
        raise KitError(
            f"it is not known what the policies of {_name(arn)} let {delegate.arn} send: {ask.unknown}"
        )
    if not allowed:
        message = (
            f"no policy of {_name(arn)} lets {delegate.arn} send: write one with `sesame policy generate`"
        )
        raise KitError(message)
    actions = [action for action in SENDING_ACTIONS if any(action in one.actions for one in allowed)]
    is_https = place.api.startswith("https:")
    kit_snippets: list[Snippet] = []
    left_out: list[tuple[str, str]] = []
    for snippet in snippets(place, arn, _iam_policy(arn, actions), delegate):
        if snippet.way is None:
            kit_snippets.append(snippet.made())
            continue
        example = ask.example(snippet.way, is_secure=snippet.way.is_smtp or is_https)
        if isinstance(example, str):
            left_out.append((snippet.title, example))
        else:
            kit_snippets.append(snippet.made(example))
    plain = ask.example(SIMPLE, is_secure=is_https)
    return Kit(
        identity_arn=arn,
        delegate=delegate.arn,
        place=place,
        allowed=allowed,
        parameters=_parameters(arn),
        iam_policy=_iam_policy(arn, actions),
        snippets=tuple(kit_snippets),
        left_out=tuple(left_out),
        sample=None if isinstance(plain, str) else as_request(plain, arn),
    )


def _parameters(arn: str) -> dict[str, dict[str, str]]:
    return {
        "API v2": {"FromEmailAddressIdentityArn": arn, "FeedbackForwardingEmailAddressIdentityArn": arn},
        "API v1, SendEmail": {"SourceArn": arn, "ReturnPathArn": arn},
        "API v1, SendRawEmail": {"SourceArn": arn, "FromArn": arn, "ReturnPathArn": arn},
        "SMTP": {"X-SES-SOURCE-ARN": arn, "X-SES-FROM-ARN": arn, "X-SES-RETURN-PATH-ARN": arn},
    }


def _iam_policy(identity_arn: str, actions: Sequence[str]) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": literally(identity_arn)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def _allowed(ask: "_Questions") -> Iterator[Allowed]:
    """What each Allow lets the delegate do, with all the actions that it lets it do alike."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for action in SENDING_ACTIONS:
        for permission in ask.permissions(action):
            found.setdefault((permission.needs, permission.denies), []).append(action)
    for (asked, refused), actions in found.items():
        needs = [ask.filled(need) for need in asked]
        denies = [[ask.filled(need) for need in deny] for deny in refused]
        from_addresses = [need.values for need in needs if _is_plain_from(need)]
        others = [need for need in needs if not _is_plain_from(need) or len(from_addresses) > 1]
        yield Allowed(
            actions=tuple(actions),
            from_addresses=from_addresses[0] if len(from_addresses) == 1 else (),
            when=_describe(others),
            unless=tuple(described for deny in denies if (described := _describe(deny))),
        )


def _is_plain_from(need: Condition) -> bool:
    positive = need.operator.text in ("StringEquals", "StringLike")
    return need.key.lower() == "ses:fromaddress" and positive and _is_about_request(need)


def _is_about_request(condition: Condition) -> bool:
    """Whether a condition is about the request alone, and no variable in it about who sends."""
    return condition.key.lower() in _REQUEST_KEYS and not any("${" in value for value in condition.values)


def _describe(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """Conditions on the request in words; of those on who sends only that there are some."""
    described = [describe_need(one) for one in conditions if _is_about_request(one)]
    hidden = not all(map(_is_about_request, conditions))
    return (
        (*described, "a condition of the owner's that is not about the message holds")
        if hidden
        else tuple(described)
    )


class _Questions:
    """What is asked of the policies for one delegate."""

    def __init__(
        self,
        identity_arn: str,
        delegate: Requester,
        policies: Named,
        principal_ids: Mapping[str, str],
        is_late: Callable[[], bool],
    ) -> None:
        self._arn = identity_arn
        self._delegate = delegate
        self._policies = policies
        self._ids = principal_ids
        self._is_late = is_late
        self._compiled = compile_policies(list(policies), kind="identity", principal_ids=principal_ids)
        self.unknown = ""
        """Why something could not be answered, if so."""

    def filled(self, condition: Condition) -> Condition:
        """A condition with what is known of the delegate in place of variables: the name of a user."""
        if self._delegate.kind != "user":
            return condition
        name = self._delegate.arn.rpartition("/")[2]
        values = tuple(_USERNAME.sub(lambda _: name, value) for value in condition.values)
        return replace(condition, values=values)

    def permissions(self, action: str, *, api_version: str | None = None) -> tuple[Permission, ...]:
        """The Allows that let the delegate do one action; those alone of which a request shows it."""
        limits: dict[str, Sequence[str]] = {} if api_version is None else {"ses:ApiVersion": [api_version]}
        found = can_send(
            self._delegate,
            [(name, _about(action, policy)) for name, policy in self._policies],
            identity_arn=self._arn,
            limits=limits,
            principal_ids=self._ids,
            is_late=self._is_late,
        )
        self.unknown = next((one.reason for one in found if one.witness is None), self.unknown)
        return tuple(one for one in found if one.witness is not None)

    def example(self, way: Way, *, is_secure: bool) -> Example | str:
        """A message that the way may send, as plain as the policies allow; or why there is none to show."""
        reason = f"nothing allows {way.action} by it"
        for permission in self.permissions(way.action, api_version=way.api_version):
            if permission.witness is not None:
                context = self._plainest(permission, permission.witness)
                context["aws:SecureTransport"] = "true" if is_secure else "false"
                known = {key: value for key, value in context.items() if not key.lower().startswith(_TAG)}
                if not self._allows(permission.witness, context):
                    reason = "it needs TLS, and the endpoint has none" if not is_secure else reason
                    continue
                if not self._allows(permission.witness, known):
                    reason = "it depends on the sender's tags"
                    continue
                feedback = str(context["ses:FeedbackAddress"])
                return Example(
                    from_address=str(context["ses:FromAddress"]),
                    display_name=str(context.get("ses:FromDisplayName", "")),
                    feedback=feedback,
                    feedback_arn=self._arn if _covers(_name(self._arn), feedback) else "",
                    recipients=_listed(context["ses:Recipients"]),
                )
        return reason

    def _plainest(self, permission: Permission, witness: Request) -> dict[str, Any]:
        """The witness with the values that people would write, as far as the policies allow these, too."""
        context = dict(witness.context)
        for address in self._addresses(permission):
            tried = {**context, "ses:FromAddress": address, "ses:FeedbackAddress": address}
            if self._allows(witness, tried) or self._allows(
                witness, tried := {**context, "ses:FromAddress": address}
            ):
                context = tried
                break
        for tried in (
            {key: value for key, value in context.items() if key != "ses:FromDisplayName"},
            {**context, "ses:FeedbackAddress": context["ses:FromAddress"]},
            {**context, "ses:Recipients": (SIMULATOR,)},
        ):
            if self._allows(witness, tried):
                context = tried
        return context

    def _addresses(self, permission: Permission) -> Iterator[str]:
        """From addresses that people would write, of those that the identity covers."""
        name = _name(self._arn)
        domain = name.rpartition("@")[2]
        for need in permission.needs:
            if _is_plain_from(filled := self.filled(need)):
                for value in filled.values:
                    for word in ("hello", "news", "1"):
                        yield value.replace("?", "1").replace("*", word)
        yield name if "@" in name else f"hello@{domain}"

    def _allows(self, witness: Request, context: Mapping[str, Any]) -> bool:
        address = str(context["ses:FromAddress"])
        if not _covers(_name(self._arn), address):
            return False
        request = msgspec.structs.replace(witness, context=context)
        return decide(request, iam=ALLOW_ALL.compiled, identity=self._compiled).outcome is Outcome.ALLOW


def _about(action: str, policy: Policy) -> Policy:
    """The policy as far as its Allows are about one action."""
    kept = [
        replace(statement, actions=(action,), not_actions=False)
        if statement.effect is Effect.ALLOW
        else statement
        for statement in policy.statements
        if statement.effect is Effect.DENY or _does(action, statement.actions, statement.not_actions)
    ]
    return replace(policy, statements=tuple(kept))


def _does(action: str, patterns: Sequence[str], is_not: bool) -> bool:
    return any(glob(pattern.lower()).matches(action.lower()) for pattern in patterns) is not is_not


def _covers(identity: str, address: str) -> bool:
    """Whether an identity covers an address, by the plainest rule: itself, or its domain and what is below."""
    local_part, at, domain = address.rpartition("@")
    if "@" in identity:
        return identity == address
    return bool(at and local_part) and (domain == identity or domain.endswith(f".{identity}"))


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _name(identity_arn: str) -> str:
    return identity_arn.partition(":identity/")[2]


async def read_delegate(tx: Transaction, named: str) -> Requester:
    """The requester that an account id, an ARN or a service's name stands for, with its unique id where it is known.

    Raises KitError for what names nobody, or nobody of an account that is on this server.
    """
    try:
        requester = read_requester(named)
    except CaseError as error:
        raise KitError(str(error)) from None
    if requester.kind == "service":
        if "." not in named or ":" in named:
            raise KitError(
                f"`{named}` is not a principal: write 12 digits, or the ARN of a user, a role or a session"
            )
        return requester
    if not is_account_id(requester.account_id):
        raise KitError(f"`{named}` names no account")
    if requester.kind not in ("user", "role") or await accounts.get(tx, requester.account_id) is None:
        return requester
    known = await requester_known(tx, requester)
    if known is requester:
        raise KitError(
            f"account {requester.account_id} has no {requester.kind} `{requester.role_arn or requester.arn}`"
        )
    return known


async def kit_for(
    store: Store, arn: IdentityArn, named: str, *, place: Place, is_late: Callable[[], bool]
) -> Kit:
    """The kit for whoever is named, by the policies that the identity has now. Raises KitError."""

    async def run(tx: Transaction) -> tuple[Requester, list[IdentityPolicy]]:
        if await identities.get(tx, arn.account_id, arn.region, arn.name) is None:
            raise KitError(f"account {arn.account_id} has no identity {arn.name} in {arn.region}")
        return await read_delegate(tx, named), await identity_policies.of(
            tx, arn.account_id, arn.region, arn.name
        )

    delegate, stored = await store.read(run)
    held = compiled_identity_policies(stored)
    return make_kit(
        str(arn),
        delegate,
        held.documents,
        place=place,
        principal_ids=held.principal_ids,
        is_late=is_late,
    )
