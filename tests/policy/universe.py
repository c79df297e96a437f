"""Small universes of requests, and random policies about them: what the exact analysis is held against by counting.

Written from the rules of the language and of `access.conditions`, sharing nothing with the analysis: a principal of
every kind says of itself what such a principal says, and every key that the policies ask about takes a few values.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from random import Random

from sesame.policy import Policy, Request, Requester, parse_stored_identity_policy
from sesame.policy.language.source import Json
from sesame.policy.request import ContextValue

OWNER, DELEGATE, OTHER, STRANGER = "111111111111", "222222222222", "444444444444", "333333333333"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
KIM = f"arn:aws:iam::{DELEGATE}:user/team/kim"
ROLE = f"arn:aws:iam::{DELEGATE}:role/app/sender"
JOB = f"arn:aws:sts::{DELEGATE}:assumed-role/sender/job"
GUEST = f"arn:aws:sts::{DELEGATE}:federated-user/guest"
SERVICE = "cognito-idp.amazonaws.com"
OWN = f"arn:aws:iam::{OWNER}:user/anna"
Named = list[tuple[str, Policy]]
Context = dict[str, ContextValue]


def user(arn: str, user_id: str = "AIDAQ") -> Requester:
    return Requester(arn=arn, account_id=arn.split(":")[4], kind="user", user_id=user_id)


def root(account: str) -> Requester:
    arn = f"arn:aws:iam::{account}:root"
    return Requester(arn=arn, account_id=account, kind="root", user_id=account)


def session(role: str, name: str, role_id: str = "AROAQ") -> Requester:
    account = role.split(":")[4]
    arn = f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{name}"
    return Requester(arn=arn, account_id=account, kind="role", user_id=f"{role_id}:{name}", role_arn=role)


def federated(arn: str, issuer: str | None = None, issuer_id: str = "") -> Requester:
    account = arn.split(":")[4]
    user_id = f"{account}:{arn.rpartition('/')[2]}"
    return Requester(
        arn=arn, account_id=account, kind="federated", user_id=user_id, issuer_arn=issuer, issuer_id=issuer_id
    )


def service(name: str) -> Requester:
    return Requester(arn=name, account_id="", kind="service", user_id="")


REQUESTERS = (
    user(KIM),
    user(f"arn:aws:iam::{DELEGATE}:user/tim"),
    user(f"arn:aws:iam::{DELEGATE}:user/team/lea", "AIDAZ"),
    user(OWN),
    user(f"arn:aws:iam::{OWNER}:user/kim"),
    user(f"arn:aws:iam::{STRANGER}:user/kim"),
    user(f"arn:aws:iam::{OTHER}:user/team/x"),
    root(DELEGATE),
    root(STRANGER),
    root(OTHER),
    session(ROLE, "job"),
    session(ROLE, "night"),
    session(f"arn:aws:iam::{DELEGATE}:role/cron", "job"),
    session(f"arn:aws:iam::{OWNER}:role/web", "job"),
    session(f"arn:aws:iam::{STRANGER}:role/sender", "job", "AROAZ"),
    federated(GUEST),
    federated(GUEST, KIM, "AIDAQ"),
    federated(f"arn:aws:sts::{DELEGATE}:federated-user/kim", KIM, "AIDAQ"),
    federated(
        f"arn:aws:sts::{DELEGATE}:federated-user/kim", f"arn:aws:iam::{DELEGATE}:user/team/lea", "AIDAZ"
    ),
    federated(f"arn:aws:sts::{OWNER}:federated-user/kim", OWN, "AIDAQ"),
    federated(f"arn:aws:sts::{DELEGATE}:federated-user/kim"),
    federated(f"arn:aws:sts::{STRANGER}:federated-user/kim"),
    service(SERVICE),
    service("events.amazonaws.com"),
)
TYPES = {
    "user": "User",
    "root": "Account",
    "role": "AssumedRole",
    "federated": "FederatedUser",
    "service": "AWSService",
}


def said_by(requester: Requester) -> Context:
    """What a request says of its principal and cannot say otherwise."""
    kind = requester.kind
    said: Context = {
        "aws:PrincipalType": TYPES[kind],
        "aws:PrincipalIsAWSService": "true" if kind == "service" else "false",
    }
    if kind == "service":
        return said | {
            "aws:PrincipalServiceName": requester.arn,
            "aws:PrincipalServiceNamesList": (requester.arn,),
        }
    said |= {
        "aws:PrincipalArn": requester.role_arn or requester.arn,
        "aws:PrincipalAccount": requester.account_id,
        "aws:userid": requester.user_id,
    }
    if kind == "user":
        said["aws:username"] = requester.arn.rpartition("/")[2]
    return said


ADDRESSES = ("news@example.com", "NEWS@example.com", "kim@example.com", "b@x.org")
LISTS: tuple[ContextValue | None, ...] = (
    "news@example.com",
    "b@x.org",
    ("news@example.com", "b@x.org"),
    ("b@x.org", "kim@example.com"),
)
TIMES = ("2026-01-01T00:00:00Z", "2026-06-15T12:00:00Z", "2027-01-01T00:00:00Z")
VALUES: Mapping[str, tuple[ContextValue | None, ...]] = {
    "ses:FromAddress": ADDRESSES,
    "ses:FeedbackAddress": ("news@example.com", "b@x.org"),
    "ses:Recipients": LISTS,
    "ses:FromDisplayName": (None, "News", "", "a*"),
    "ses:ApiVersion": ("1", "2"),
    "aws:CurrentTime": TIMES,
    "aws:EpochTime": (),
    "aws:SourceIp": ("10.1.2.3", "10.200.0.1", "192.0.2.9", "2001:db8::9"),
    "aws:SecureTransport": ("true", "false"),
    "aws:UserAgent": (None, "boto3", "x"),
    "aws:PrincipalTag/team": (None, "kim", "red"),
    "test:n": (None, "1", "5", "abc"),
}
SESSION_VALUES: Mapping[str, tuple[ContextValue | None, ...]] = {
    "aws:TokenIssueTime": TIMES,
    "aws:MultiFactorAuthPresent": ("true", "false"),
}
ROLE_VALUES: Mapping[str, tuple[ContextValue | None, ...]] = {"aws:SourceIdentity": (None, "kim", "x")}
SERVICE_VALUES: Mapping[str, tuple[ContextValue | None, ...]] = {
    "aws:SourceAccount": (OWNER, DELEGATE),
    "aws:SourceArn": (None, f"arn:aws:cognito-idp:us-east-1:{OWNER}:userpool/1", "x"),
}
SETTLED: Context = {
    "aws:RequestedRegion": "us-east-1",
    "aws:ResourceAccount": OWNER,
    "aws:ViaAWSService": "false",
}
USUAL: Context = {
    "ses:FromAddress": "news@example.com",
    "ses:FeedbackAddress": "news@example.com",
    "ses:Recipients": ("b@x.org",),
    "ses:ApiVersion": "2",
    "aws:CurrentTime": TIMES[1],
    "aws:SourceIp": "10.1.2.3",
    "aws:SecureTransport": "true",
}
EPOCHS = {
    "2026-01-01T00:00:00Z": "1767225600",
    "2026-06-15T12:00:00Z": "1781524800",
    "2027-01-01T00:00:00Z": "1798761600",
}


def values_for(requester: Requester) -> dict[str, tuple[ContextValue | None, ...]]:
    """The values that each key may have in this requester's requests."""
    found = dict(VALUES)
    if requester.kind in ("role", "federated"):
        found |= SESSION_VALUES
    if requester.kind == "role":
        found |= ROLE_VALUES
    if requester.kind == "service":
        found |= SERVICE_VALUES
        del found["aws:PrincipalTag/team"]
    if requester.kind == "root":
        del found["aws:PrincipalTag/team"]
    return found


def requests_of(
    requester: Requester, asked: set[str], actions: tuple[str, ...], *, most: int
) -> Iterator[Request]:
    """Every request of the universe, as far as the policies ask; at most so many, evenly taken."""
    values = values_for(requester)
    keys = [key for key in values if key in asked and values[key]]
    sizes = 1
    for key in keys:
        sizes *= len(values[key])
    step = max(1, sizes * len(actions) // most)
    rows = ((action, row) for action in actions for row in product(*(values[key] for key in keys)))
    for number, (action, row) in enumerate(rows):
        if number % step:
            continue
        context: Context = {**USUAL, **SETTLED, **said_by(requester)}
        if requester.kind in ("role", "federated"):
            context |= {"aws:TokenIssueTime": TIMES[0], "aws:MultiFactorAuthPresent": "false"}
        if requester.kind == "service":
            context["aws:SourceAccount"] = OWNER
        for key, value in zip(keys, row, strict=True):
            context.pop(key, None)
            if value is not None:
                context[key] = value
        context["aws:EpochTime"] = EPOCHS[str(context["aws:CurrentTime"])]
        yield Request(
            requester=requester, action=action, resource=IDENTITY, resource_account=OWNER, context=context
        )


def contradiction(request: Request) -> str:
    """How a request differs from what such a requester's requests are like; "" when it does not."""
    requester, context = request.requester, request.context
    said = {key.lower(): value for key, value in said_by(requester).items()}
    principal = {key.lower() for key in said} | {
        "aws:username",
        "aws:principalservicename",
        "aws:principalarn",
        "aws:userid",
        "aws:principalaccount",
    }
    allowed = {key.lower(): values for key, values in values_for(requester).items()}
    special = {key.lower() for table in (SESSION_VALUES, ROLE_VALUES, SERVICE_VALUES) for key in table}
    for key, value in context.items():
        folded = key.lower()
        if folded in principal:
            known = said.get(folded)
            alike = (known, (known,), known[0] if isinstance(known, tuple) else None)
            if known is None or value not in alike:
                return f"{key} is {value}, of {requester}"
        if folded in special and folded not in allowed:
            return f"a {requester.kind} never has {key}"
        closed = folded in ("ses:apiversion", "aws:securetransport", "aws:multifactorauthpresent")
        if closed and value not in allowed[folded]:
            return f"{key} is never {value}"
    return ""


# --- random policies ------------------------------------------------------------------------------

_TEXT = (
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
)
_DATES = (
    "DateLessThan",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThanEquals",
    "DateEquals",
    "DateNotEquals",
)
_NUMBERS = ("NumericEquals", "NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals")
_ADDRESS_PATTERNS = ("news@example.com", "*@example.com", "*@x.org", "?im@*", "n*", "NEWS@EXAMPLE.com", "*")
_VARIABLES = (
    "${aws:username}@example.com",
    "${aws:PrincipalTag/team}@example.com",
    "*${aws:PrincipalType}*",
    "${ses:FromAddress}",
)
_RANGES = ("10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0")
_DATE_VALUES = ("2026-01-01T00:00:00Z", "2026-06-15T12:00:00Z", "2027-01-01T00:00:00Z", "1781524800")


def _text(
    random: Random, key: str, pool: tuple[str, ...], *, arns: bool = False
) -> tuple[str, str, list[str]]:
    operators = (*_TEXT, "ArnLike", "ArnNotLike", "ArnEquals") if arns else _TEXT
    suffix = random.choice(("", "", "", "IfExists"))
    return random.choice(operators) + suffix, key, random.sample(pool, random.randint(1, min(2, len(pool))))


def _condition(random: Random) -> tuple[str, str, list[str]]:
    """An operator, a key and values; every kind of each."""
    kind = random.randrange(20)
    if kind < 3:
        return _text(
            random,
            random.choice(("ses:FromAddress", "ses:FromAddress", "ses:FeedbackAddress")),
            _ADDRESS_PATTERNS,
        )
    if kind < 6:
        operator, key, values = _text(random, "ses:Recipients", _ADDRESS_PATTERNS)
        return random.choice(("ForAllValues:", "ForAnyValue:", "")) + operator, key, values
    if kind == 6:
        return _text(random, "ses:FromDisplayName", ("News", "a*", "*", "", "a${*}"))
    if kind == 7:
        operator = random.choice((*_TEXT, "NumericEquals", "NumericLessThan", "NumericNotEquals"))
        return operator, "ses:ApiVersion", [random.choice(("1", "2", "3", "*", "v1"))]
    if kind == 8:
        return (
            random.choice(_DATES),
            random.choice(("aws:CurrentTime", "aws:EpochTime")),
            [random.choice(_DATE_VALUES)],
        )
    if kind == 9:
        return (
            random.choice(_NUMBERS),
            "aws:EpochTime",
            [random.choice(("1767225600", "1781524800", "1790000000"))],
        )
    if kind == 10:
        return (
            random.choice(("IpAddress", "NotIpAddress")),
            "aws:SourceIp",
            random.sample(_RANGES, random.randint(1, 2)),
        )
    if kind == 11:
        key = random.choice(
            (
                "aws:SecureTransport",
                "aws:MultiFactorAuthPresent",
                "aws:PrincipalIsAWSService",
                "aws:ViaAWSService",
            )
        )
        operator = random.choice(("Bool", "Bool", "BoolIfExists", "StringEquals", "StringNotEquals"))
        return operator, key, [random.choice(("true", "false"))]
    if kind == 12:
        return (
            random.choice(_DATES) + random.choice(("", "IfExists")),
            "aws:TokenIssueTime",
            [random.choice(_DATE_VALUES)],
        )
    if kind == 13:
        key = random.choice(
            (
                "aws:TokenIssueTime",
                "aws:username",
                "aws:SourceIdentity",
                "ses:Recipients",
                "aws:PrincipalTag/team",
                "aws:PrincipalArn",
                "aws:SourceArn",
            )
        )
        return "Null", key, [random.choice(("true", "false"))]
    return _about_who(random, kind)


def _about_who(random: Random, kind: int) -> tuple[str, str, list[str]]:
    if kind == 14:
        return _text(
            random,
            "aws:PrincipalType",
            ("User", "AssumedRole", "Account", "FederatedUser", "AWSService", "A*"),
        )
    if kind == 15:
        arns = (
            KIM,
            ROLE,
            f"arn:aws:iam::{DELEGATE}:user/*",
            f"arn:aws:iam::{DELEGATE}:role/*",
            "arn:aws:iam::*:user/team/*",
            f"arn:aws:iam::{STRANGER}:*",
            GUEST,
        )
        return _text(random, "aws:PrincipalArn", arns, arns=True)
    if kind == 16:
        return _text(random, "aws:PrincipalAccount", (DELEGATE, OWNER, STRANGER, "33*", "4*"))
    if kind == 17:
        key = random.choice(("aws:username", "aws:userid", "aws:PrincipalServiceName", "aws:SourceIdentity"))
        return _text(random, key, ("kim", "k*", "AROA*:job", "AIDA*", SERVICE, "*:kim", STRANGER))
    if kind == 18:
        key = random.choice(
            (
                "aws:PrincipalTag/team",
                "aws:UserAgent",
                "test:n",
                "aws:RequestedRegion",
                "aws:SourceAccount",
                "aws:SourceArn",
            )
        )
        if key == "test:n":
            return random.choice(_NUMBERS), key, [random.choice(("1", "3", "5"))]
        return _text(random, key, ("red", "kim", "boto3", "us-*", OWNER, "arn:*:*:*:*:*"))
    operator = random.choice(("StringEquals", "StringLike", "StringNotLike", "ForAllValues:StringLike"))
    key = (
        "ses:Recipients"
        if operator.startswith("For")
        else random.choice(("ses:FromAddress", "ses:FromAddress", "aws:PrincipalTag/team"))
    )
    return operator, key, [random.choice(_VARIABLES)]


_PRINCIPALS: tuple[Json, ...] = (
    "*",
    "*",
    {"AWS": DELEGATE},
    {"AWS": KIM},
    {"AWS": [ROLE, OWNER]},
    {"AWS": [JOB, OWN]},
    {"AWS": [GUEST, f"arn:aws:iam::{DELEGATE}:root"]},
    {"AWS": ["AIDAZ", "AROAZ"]},
    {"Service": SERVICE},
    {"AWS": "*", "Service": SERVICE},
)


_ACTIONS: tuple[Json, ...] = (
    "ses:Send*",
    "ses:Send*",
    "ses:SendRawEmail",
    ["ses:SendEmail", "ses:SendBulkEmail"],
)


def random_policies(random: Random) -> Named:
    """One policy or two of a few statements, an Allow among them."""
    named: Named = []
    for number in range(random.choice((1, 1, 2))):
        statements: list[Json] = [
            _statement(random, is_first=not at) for at in range(random.choice((1, 1, 2, 3)))
        ]
        version = random.choice(("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"))
        text = json.dumps({"Version": version, "Statement": statements})
        named.append((f"P{number}", parse_stored_identity_policy(text)))
    return named


def _statement(random: Random, *, is_first: bool) -> Json:
    element = "Principal" if random.random() < 0.95 else "NotPrincipal"
    about: Json = random.choice(_ACTIONS)
    rules: dict[str, dict[str, Json]] = {}
    for _ in range(random.choice((1, 1, 2, 3))):
        operator, key, values = _condition(random)
        rules.setdefault(operator, {})[key] = list(values)
    return {
        "Effect": "Allow" if is_first or random.random() < 0.5 else "Deny",
        element: random.choice(_PRINCIPALS),
        "Action": about,
        "Resource": IDENTITY,
        "Condition": dict(rules),
    }


def keys_asked(named: Named) -> set[str]:
    """The keys of VALUES and its like that conditions or variables of the policies mention."""
    known = [*VALUES, *SESSION_VALUES, *ROLE_VALUES, *SERVICE_VALUES]
    text = "".join(policy.text.lower() for _, policy in named)
    found = {key for key in known if f'"{key.lower()}"' in text or "${" + key.lower() in text}
    return found | ({"aws:CurrentTime"} if "aws:EpochTime" in found else set())
