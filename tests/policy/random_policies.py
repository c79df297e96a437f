"""Random policies and requests from small pools, so that they often touch each other.

Everything is drawn from one `random.Random`, so a seed is a test case.
"""

import json
from random import Random

from sesame.policy import Request, Requester
from sesame.policy.request import ContextValue

OWNER, DELEGATE, STRANGER = "111111111111", "222222222222", "333333333333"
IDENTITY = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER = f"arn:aws:iam::{DELEGATE}:user/mailer"
OWN_USER = f"arn:aws:iam::{OWNER}:user/owner"
ROLE = f"arn:aws:iam::{DELEGATE}:role/sender"
SESSION = f"arn:aws:sts::{DELEGATE}:assumed-role/sender/job"
GUEST = f"arn:aws:sts::{DELEGATE}:federated-user/guest"
OWN_GUEST = f"arn:aws:sts::{OWNER}:federated-user/guest"

REQUESTERS = (
    Requester(arn=USER, account_id=DELEGATE, kind="user", user_id="AIDAMAILER"),
    Requester(arn=OWN_USER, account_id=OWNER, kind="user", user_id="AIDAOWNER"),
    Requester(arn=f"arn:aws:iam::{OWNER}:root", account_id=OWNER, kind="root", user_id=OWNER),
    Requester(arn=f"arn:aws:iam::{DELEGATE}:root", account_id=DELEGATE, kind="root", user_id=DELEGATE),
    Requester(arn=SESSION, account_id=DELEGATE, kind="role", user_id="AROASENDER:job", role_arn=ROLE),
    Requester(
        arn=GUEST,
        account_id=DELEGATE,
        kind="federated",
        user_id=f"{DELEGATE}:guest",
        issuer_arn=USER,
        issuer_id="AIDAMAILER",
    ),
    Requester(
        arn=OWN_GUEST,
        account_id=OWNER,
        kind="federated",
        user_id=f"{OWNER}:guest",
        issuer_arn=OWN_USER,
        issuer_id="AIDAOWNER",
    ),
    Requester(arn=OWN_GUEST, account_id=OWNER, kind="federated", user_id=f"{OWNER}:guest"),
    Requester(arn="cognito-idp.amazonaws.com", account_id="", kind="service", user_id=""),
)
AWS_PRINCIPALS = (
    "*",
    OWNER,
    DELEGATE,
    STRANGER,
    f"arn:aws:iam::{DELEGATE}:root",
    USER,
    OWN_USER,
    ROLE,
    SESSION,
    GUEST,
    OWN_GUEST,
    "AIDAMAILER",
    "AIDAOWNER",
    "AROASENDER",
    f"arn:aws:iam::{DELEGATE}:user/*",
    "nonsense",
)
ACTIONS = (
    "ses:SendEmail",
    "ses:SendRawEmail",
    "SES:sendrawemail",
    "ses:Send*",
    "ses:*",
    "*",
    "ses:Send?awEmail",
    "ses:Send${*}",
    "ses:${aws:username}",
    "s*:SendRawEmail",
    "ses:GetEmailIdentity",
)
RESOURCES = (
    IDENTITY,
    "*",
    f"arn:aws:ses:us-east-1:{OWNER}:identity/*",
    f"arn:aws:ses:*:{OWNER}:identity/example.com",
    "arn:aws:ses:us-*",
    "arn:aws:ses:us-*-1:*:identity/exampl?.com",
    "arn:aws:*:us-east-1:*",
    f"arn:aws:ses:us-east-1:{OWNER}:identity/${{aws:username}}",
    f"arn:aws:ses:us-east-1:{OWNER}:identity/EXAMPLE.com",
    f"arn:aws:ses:us-east-1:{OWNER}:identity/${{ses:TenantName, 'example.com'}}",
)
TEXTS = (
    "a@example.com",
    "b@example.com",
    "A@Example.com",
    "ceo@example.net",
    "",
    "*",
    "a*b",
    "news-1@example.com",
    "example.com",
    "mailer",
    "arn:aws:iam::222222222222:user/mailer",
    "2026-06-01T12:00:00Z",
    "1780315200",
    "203.0.113.7",
    "2001:db8::1",
    "::ffff:203.0.113.7",
    "true",
    "TRUE",
    "false",
    "10",
    "10.0",
    "9",
    "1e1",
    "ten",
    "SGVsbG8=",
    "Hello",
)
PATTERNS = (
    *TEXTS,
    "*@example.com",
    "a@*",
    "news-*@example.com",
    "*example*",
    "?@example.com",
    "*a?p*",
    "*.*.*",
    "**",
    "${aws:username}",
    "${AWS:UserName}@example.com",
    "*${ses:TenantName}*",
    "${ses:Recipients}",
    "${no:key, 'a@example.com'}",
    "${*}",
    "a${*}b",
    "${",
    "${}",
    "arn:aws:iam::222222222222:user/*",
    "arn:aws:iam::*:user/mailer",
    "arn:*",
    "2026",
    "2026-06",
    "2026-06-01T12:00Z",
    "2026-06-01T14:00:00.5+02:00",
    "2026-13-01",
    "203.0.113.0/24",
    "203.0.113.9/24",
    "0.0.0.0/0",
    "2001:db8::/32",
    "203.0.113.7/33",
    "!!!",
)
KEYS = (
    "ses:FromAddress",
    "SES:fromaddress",
    "ses:Recipients",
    "aws:CurrentTime",
    "aws:SourceIp",
    "aws:SecureTransport",
    "aws:PrincipalArn",
    "aws:username",
    "ses:TenantName",
    "test:n",
    "ses:FromAdress",
    "ses:FeedbackAddress",
)
OPERATORS = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "BinaryNotEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnNotEquals",
    "ArnLike",
    "ArnNotLike",
    "Null",
    "stringlike",
    "NoSuchOperator",
]


def random_policy(random: Random, *, with_principal: bool) -> str:
    """The text of a policy that is grammatical and may be nonsense.

    Half of them are about everybody, every action and resource, so that the conditions decide.
    """
    is_open = random.random() < 0.5
    statements = [
        _statement(random, with_principal=with_principal, is_open=is_open)
        for _ in range(random.choice((1, 1, 2, 3)))
    ]
    policy: dict[str, object] = {"Statement": statements if random.random() < 0.8 else statements[0]}
    version = random.choice(("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", "2030-01-01", None))
    if version:
        policy["Version"] = version
    return json.dumps(policy)


def _statement(random: Random, *, with_principal: bool, is_open: bool) -> dict[str, object]:
    statement: dict[str, object] = {"Effect": "Deny" if random.random() < 0.3 else "Allow"}
    if is_open:
        statement |= {"Action": "*", "Resource": "*"}
        if with_principal:
            statement["Principal"] = "*"
    else:
        statement[_element(random, "Action")] = _some(random, ACTIONS)
        statement[_element(random, "Resource")] = _some(random, RESOURCES)
    if with_principal and not is_open:
        element = _element(random, "Principal")
        if random.random() < 0.3:
            statement[element] = "*"
        elif random.random() < 0.2:
            statement[element] = {"Service": "cognito-idp.amazonaws.com", "AWS": DELEGATE}
        else:
            statement[element] = {"AWS": _some(random, AWS_PRINCIPALS)}
    condition: dict[str, dict[str, object]] = {}
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        keys = condition.setdefault(_operator(random), {})
        key = random.choice(KEYS)
        if key.lower() not in map(str.lower, keys):
            keys[key] = _some(random, PATTERNS)
    if condition:
        statement["Condition"] = condition
    return statement


def _element(random: Random, name: str) -> str:
    return "Not" + name if random.random() < 0.1 else name


def _operator(random: Random) -> str:
    prefix = random.choice(("", "", "", "ForAllValues:", "ForAnyValue:"))
    return prefix + random.choice(OPERATORS) + random.choice(("", "", "", "IfExists"))


def _some(random: Random, pool: tuple[str, ...]) -> str | list[str]:
    if random.random() < 0.5:
        return random.choice(pool)
    return [random.choice(pool) for _ in range(random.randint(1, 3))]


def random_request(random: Random) -> Request:
    """A request that carries some of the keys, with one value, several or none."""
    context: dict[str, ContextValue] = {}
    for key in KEYS:
        if random.random() < 0.6:
            context[key] = _context_value(random)
    if random.random() < 0.5:
        context["ses:FromAddress"] = random.choice(TEXTS[:8])
    if random.random() < 0.5:
        context["aws:username"] = random.choice(("mailer", "a", "example.com"))
    return Request(
        requester=random.choice(REQUESTERS),
        action=random.choice(("ses:SendRawEmail", "ses:SendEmail", "SES:SENDEMAIL", "ses:GetEmailIdentity")),
        resource=random.choice((IDENTITY, IDENTITY, IDENTITY + ":x", "*")),
        resource_account=random.choice((OWNER, OWNER, DELEGATE)),
        context=context,
    )


def _context_value(random: Random) -> ContextValue:
    if random.random() < 0.6:
        return random.choice(TEXTS)
    return tuple(random.choice(TEXTS) for _ in range(random.choice((0, 1, 2, 3))))


def random_ids(random: Random) -> dict[str, str]:
    """Unique ids for some of the principals that policies name, right ones and stale ones."""
    ids = {
        USER: ("AIDAMAILER", "AIDAOLD"),
        OWN_USER: ("AIDAOWNER", "AIDAOLD"),
        ROLE: ("AROASENDER", "AROAOLD"),
    }
    return {arn: random.choice(known) for arn, known in ids.items() if random.random() < 0.4}
