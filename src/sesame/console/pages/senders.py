"""Who can send as an identity: the exact answer, what each did, and taking it back from one of them."""

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from sesame.console.analyst import Answered, NoAnswer
from sesame.console.calls import Call, call, sample
from sesame.console.visit import Page, Visit
from sesame.errors import ServiceError
from sesame.operations.policy_editing import IdentityPolicies
from sesame.operations.senders_view import senders_view
from sesame.policy.cases import read_requester
from sesame.policy.reasons.edits import without_principal

DAYS_S = 14 * 86_400.0
SECONDS, MORE_SECONDS = 2.0, 20.0
"""How long a page asks, and how long it does when told to."""
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_PATTERN = re.compile(r"[\x21-\x7e]{1,254}")
_PRINCIPAL = re.compile(
    r"[0-9]{12}|arn:aws:(iam|sts)::[0-9]{12}:[\x21-\x7e]{1,200}|A(IDA|ROA)[A-Z0-9]{8,40}|[a-z0-9.-]{1,80}"
)


class BadQuestion(ValueError):
    """What was asked cannot be asked; the message is for the person."""


def question_of(policies: IdentityPolicies, **more: Any) -> dict[str, Any]:
    """What every question about an identity's policies says."""
    return {
        "policies": policies.named,
        "identity_arn": policies.arn,
        "principal_ids": dict(policies.principal_ids),
        "bounded": list(policies.bounded),
        **more,
    }


async def ask(visit: Visit, question: Mapping[str, Any], *, seconds: float, who: object = None) -> Answered:
    """Put a question of this account. Raises `NoAnswer`."""
    account_id = visit.me.principal.account_id
    return await visit.backing.analyst.ask(question, seconds=seconds, account=account_id, who=who)


async def show(visit: Visit) -> Response:
    """The exact list, or what it is within the limits that were asked."""
    backing, name = visit.backing, visit.path_values["name"]
    view = await senders_view(
        backing.store, backing.authorizer, visit.me, name, since=visit.now - DAYS_S, now=visit.now
    )
    policies = view.policies
    given = {key: visit.query.get(key, "").strip() for key in ("from", "to", "ip", "at", "principal")}
    seconds = MORE_SECONDS if visit.query.get("longer") else SECONDS
    problem, found, one = "", None, None
    is_limited = any(given[key] for key in ("from", "to", "ip", "at"))
    try:
        limits = limits_of(given)
        # What policies are found to be holds for a day: expired statements are listed.
        asked = question_of(policies, limits=limits, now=visit.now // 86_400 * 86_400)
        found = await ask(visit, {"ask": "who", **asked}, seconds=seconds)
        if given["principal"]:
            question = {"ask": "principal", **asked, "principal": _principal(given["principal"])}
            one = await ask(visit, question, seconds=seconds)
    except (BadQuestion, NoAnswer) as error:
        problem = f"{error}."
    groups = [] if found is None else found["groups"]
    return visit.page(
        "senders.html",
        status=400 if found is None and is_limited else 200,
        identity=policies.identity,
        policies=policies.policies,
        given=given,
        is_limited=is_limited,
        found=found,
        groups=groups,
        one=one,
        counts=view.sent,
        lent=view.lent,
        counted_from=visit.now - DAYS_S,
        bounds=view.bounds,
        problem=problem,
        seconds=seconds,
        longer=urlencode({**{key: value for key, value in given.items() if value}, "longer": "1"}),
        sentence=_sentence(policies.identity.name, found, is_limited=is_limited),
        calls=[
            sample(
                "Read the policies",
                call("sesv2", "GetEmailIdentityPolicies", EmailIdentity=policies.identity.name),
            ),
            sample(
                "List the delegates' bounds",
                call("sesame", "ListDelegateBounds", Identity=policies.identity.name),
            ),
        ],
    )


def limits_of(given: Mapping[str, str]) -> dict[str, list[str]]:
    """The limits that a form asks about. Raises `BadQuestion`."""
    limits: dict[str, list[str]] = {}
    for key, name in (("from", "ses:FromAddress"), ("to", "ses:Recipients")):
        if given[key]:
            if not _PATTERN.fullmatch(given[key]):
                raise BadQuestion("An address, or a pattern of addresses with * and ?, has no spaces")
            limits[name] = [given[key]]
    if given["ip"]:
        try:
            limits["aws:SourceIp"] = [str(ipaddress.ip_network(given["ip"], strict=False))]
        except ValueError:
            raise BadQuestion("A network is written like 203.0.113.0/24 or 2001:db8::/32") from None
    if given["at"]:
        if not _DAY.fullmatch(given["at"]):
            raise BadQuestion("A day is written like 2026-12-31")
        limits["aws:CurrentTime"] = [f"{given['at']}T12:00:00Z"]
    return limits


def _principal(text: str) -> str:
    if not _PRINCIPAL.fullmatch(text):
        raise BadQuestion("A principal is an account id, an ARN of IAM or STS, or a service's host name")
    principal = f"arn:aws:iam::{text}:root" if text.isdecimal() else text
    try:
        read_requester(principal)
    except ValueError as error:
        raise BadQuestion(str(error)) from None
    return principal


def _sentence(name: str, found: Mapping[str, Any] | None, *, is_limited: bool) -> str:
    """The answer to the question that the page is for."""
    if found is None:
        return "Who can send could not be determined."
    sure = [one for one in found["groups"] if one["verdict"] == "yes"]
    strangers = [one["title"].lower() for one in sure if one["kind"] == "stranger"]
    many = len(sure) - len(strangers)
    what = f"send as {name}" + (" what is asked below" if is_limited else "")
    if strangers:
        also = f", and {many} that policies name" if many else ""
        return f"{' and '.join(strangers).capitalize()} can {what}{also}."
    unknown = len(found["groups"]) - len(sure)
    more = f"; of {unknown} more it is not known" if unknown else ""
    if not many:
        return f"No other account can {what}{more}."
    return f"{_number(many)} {'delegate' if many == 1 else 'delegates'} can {what}{more}."


def _number(count: int) -> str:
    return {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six"}.get(count, f"{count:,}")


def _without(policies: IdentityPolicies, principal: str) -> dict[str, str | None]:
    """The policies that name a principal, as they are without it; None for one of which nothing is left."""
    found: dict[str, str | None] = {}
    for policy in policies.policies:
        left = without_principal(policy.document, principal)
        if left is not None:
            found[policy.name] = left or None
    return found


def _stopping(policies: IdentityPolicies, changed: Mapping[str, str | None]) -> list[Call]:
    """The changes of policies, each of the text that is stored now."""
    found = []
    for name, document in changed.items():
        policy = policies.of_name(name)
        assert policy is not None
        which = {
            "EmailIdentity": policies.identity.name,
            "PolicyName": name,
            "BegunWith": policy.fingerprint,
        }
        if document is None:
            found.append(call("edits", "DeleteEmailIdentityPolicy", **which))
        else:
            found.append(call("edits", "UpdateEmailIdentityPolicy", **which, Policy=document))
    return found


def _begun(policies: IdentityPolicies, names: Sequence[str]) -> str:
    """One fingerprint of several policies."""
    parts = [f"{policy.name}={policy.fingerprint}" for policy in policies.policies if policy.name in names]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def ask_stop(visit: Visit) -> Response:
    """What stopping would change."""
    return await _ask_stop(visit, visit.query.get("principal", ""))


async def _ask_stop(visit: Visit, principal: str, problem: str = "", status: int = 200) -> Response:
    policies = await visit.backing.editing.of(visit.me, visit.path_values["name"])
    changed = _without(policies, principal) if _PRINCIPAL.fullmatch(principal) else {}
    edit, waiting = None, 0
    if changed:
        question = {"ask": "edit", **question_of(policies, changed=changed, now=visit.now)}
        try:
            edit = await ask(visit, question, seconds=SECONDS)
        except NoAnswer as error:
            problem = problem or f"What it changes is not known: {error}."
        counts = await visit.backing.editing.sent_by(
            visit.me, policies.identity.name, since=visit.now - DAYS_S
        )
        account = principal if principal.isdecimal() else (principal.split(":") + [""] * 5)[4]
        waiting = max(counts[account].queued, 0) if account in counts else 0
    return visit.page(
        "stop.html",
        status=status,
        identity=policies.identity,
        principal=principal,
        changed=changed,
        edit=edit,
        waiting=waiting,
        begun=_begun(policies, list(changed)),
        problem=problem,
        calls=[sample("Stop lending", *_stopping(policies, changed))] if changed else [],
    )


async def stop(visit: Visit) -> Response:
    """Take a principal out of every statement that allows it something."""
    name, principal = visit.path_values["name"], visit.form.get("principal", "")
    policies = await visit.backing.editing.of(visit.me, name)
    changed = _without(policies, principal)
    if not changed or _begun(policies, list(changed)) != visit.form.get("begun", ""):
        problem = "The policies have changed meanwhile. Look again at what would change." if changed else ""
        return await _ask_stop(visit, principal, problem, 409 if changed else 404)
    done: list[str] = []
    for made in _stopping(policies, changed):
        try:
            await visit.do(made)
        except ServiceError as error:
            before = f"It is out of {', '.join(done)} already. " if done else ""
            return await _ask_stop(visit, principal, f"{before}{error.message}", error.http_status)
        done.append(made.request["PolicyName"])
    return visit.go(visit.here(f"/identities/{policies.identity.name}/senders"), said="stopped")


PAGES = (
    Page(path="/{region}/identities/{name}/senders", handler=show),
    Page(path="/{region}/identities/{name}/stop", handler=ask_stop),
    Page(path="/{region}/identities/{name}/stop", handler=stop, method="POST", is_grave=True),
)
