"""What is generated from answers allows what was wanted, nothing else, and reads back as the answers."""

import ipaddress
import json
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from sesame.policy import (
    Code,
    Outcome,
    Request,
    Requester,
    check_identity_policy,
    compile_policies,
    decide,
    parse_identity_policy,
    parse_stored_iam_policy,
)
from sesame.policy.writing.answers import ACTIONS, AnswerError, Answers, Way, normal
from sesame.policy.writing.generate import generate
from sesame.policy.writing.read_back import read_all_answers, read_answers
from tests.policy.random_policies import DELEGATE, IDENTITY, OWNER, REQUESTERS, ROLE, STRANGER, USER

ALL = compile_policies(
    [("all", parse_stored_iam_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'))],
    kind="iam",
)
OTHER_SERVICE = Requester(arn="ses.amazonaws.com", account_id="", kind="service", user_id="")
STRANGE_USER = Requester(
    arn=f"arn:aws:iam::{STRANGER}:user/mailer", account_id=STRANGER, kind="user", user_id="AIDASTRANGE"
)
REQUESTERS_HERE = (*(one for one in REQUESTERS if one.account_id != OWNER), OTHER_SERVICE, STRANGE_USER)
PATTERNS = ("news-*@example.com", "a@example.com", "?@example.com", "*@sub.example.com", "b+c@example.com")
ADDRESSES = (
    "news-@example.com", "news-1@example.com", "a@example.com", "A@example.com", "b@example.com", "bb@example.com",
    "x@sub.example.com", "b+c@example.com", "b+d@example.com", "xnews-1@example.com",
)  # fmt: skip
NAMES, SHOWN = ("News", "News *", "*"), (None, "News", "News Team", "news", "Other")
TO, SENT_TO = ("*@example.org", "c@example.net", "?@example.com"), (
    ("c@example.net",), ("c@example.net", "x@example.org"), ("a@example.com", "C@example.net"), (), ("x@example.org",),
)  # fmt: skip
NETWORKS = ("203.0.113.0/25", "203.0.113.128/25", "198.51.100.7", "2001:db8::/33", "::ffff:198.51.100.0/126")
PLACES = (
    "203.0.113.127", "203.0.113.200", "198.51.100.7", "198.51.100.2", "198.51.100.9", "2001:db8::1",
    "2001:db8:8000::1", "::ffff:203.0.113.9",
)  # fmt: skip
MOMENTS = (1_800_000_000, 1_800_086_400, 1_900_000_000)


def some(random: Random, pool: tuple[str, ...]) -> tuple[str, ...]:
    """Nothing, mostly; otherwise some of a pool."""
    return tuple(random.sample(pool, random.randint(1, 3))) if random.random() < 0.4 else ()


def random_answers(random: Random) -> Answers:
    principals = some(
        random, (DELEGATE, f"arn:aws:iam::{DELEGATE}:root", USER, ROLE, STRANGER, STRANGE_USER.arn)
    )
    services = () if principals and random.random() < 0.7 else ("cognito-idp.amazonaws.com",)
    begins_at, ends_at = random.choice(((None, None), (MOMENTS[0], None), (None, MOMENTS[1]), MOMENTS[:2]))
    return Answers(
        identity_arn=IDENTITY,
        principals=principals,
        services=services,
        acting_for=tuple(random.sample((DELEGATE, STRANGER), random.randint(1, 2))) if services else (),
        from_addresses=some(random, PATTERNS),
        display_names=some(random, NAMES),
        feedback_addresses=some(random, PATTERNS),
        recipients=some(random, TO),
        networks=some(random, NETWORKS),
        begins_at=begins_at,
        ends_at=ends_at,
        ways=tuple(random.sample(list(Way), random.randint(1, 3))),
    )


def random_request(random: Random) -> Request:
    requester = random.choice(REQUESTERS_HERE)
    context: dict[str, str | tuple[str, ...]] = {
        "ses:FromAddress": random.choice(ADDRESSES),
        "ses:FeedbackAddress": random.choice(ADDRESSES),
        "ses:Recipients": random.choice(SENT_TO),
        "aws:SourceIp": random.choice(PLACES),
        "aws:CurrentTime": datetime.fromtimestamp(
            random.choice(MOMENTS) + random.choice((-1, 0, 1)), UTC
        ).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if (name := random.choice(SHOWN)) is not None:
        context["ses:FromDisplayName"] = name
    if requester.kind == "service":
        context["aws:SourceAccount"] = random.choice((DELEGATE, STRANGER, OWNER))
    action = random.choice(
        [action for actions in ACTIONS.values() for action in actions] + ["ses:SendBounce"]
    )
    return Request(
        requester=requester, action=action, resource=IDENTITY, resource_account=OWNER, context=context
    )


def fits(pattern: str, text: str) -> bool:
    """`*` any text, `?` any character, all else itself."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(fits(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and fits(pattern[1:], text[1:])


def is_wanted(answers: Answers, request: Request) -> bool:
    """The oracle: the answers as the questions mean them, without the language."""
    requester, context = request.requester, request.context
    if requester.kind == "service":
        who = requester.arn in answers.services and context["aws:SourceAccount"] in answers.acting_for
    else:
        named = {
            requester.account_id,
            f"arn:aws:iam::{requester.account_id}:root",
            requester.arn,
            requester.role_arn,
            requester.issuer_arn,  # what a user may, the federated users may that it opens, in its own bounds
        }
        who = bool(named & set(answers.principals))
    wanted = {
        Way.MAIL: "SendEmail SendRawEmail",
        Way.RAW: "SendRawEmail",
        Way.TEMPLATES: "SendTemplatedEmail",
        Way.BULK: "SendBulkEmail SendBulkTemplatedEmail",
    }
    how = any(request.action[4:] in wanted[way].split() for way in answers.ways)
    at = datetime.fromisoformat(str(context["aws:CurrentTime"])).timestamp()
    when = (answers.begins_at or 0) <= at < (answers.ends_at or at + 1)
    place = ipaddress.ip_address(str(context["aws:SourceIp"]))
    where = not answers.networks or any(_plain(place) in one for one in map(_network, answers.networks))
    to = context["ses:Recipients"]
    whom = not answers.recipients or (
        bool(to) and all(any(fits(pattern, one) for pattern in answers.recipients) for one in to)
    )
    return who and how and when and where and whom and all(
        not patterns or (key in context and any(fits(pattern, str(context[key])) for pattern in patterns))
        for key, patterns in (
            ("ses:FromAddress", answers.from_addresses),
            ("ses:FromDisplayName", answers.display_names),
            ("ses:FeedbackAddress", answers.feedback_addresses),
        )
    )  # fmt: skip


def _plain(
    place: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return getattr(place, "ipv4_mapped", None) or place


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if text.startswith("::ffff:"):
        address, _, prefix = text.removeprefix("::ffff:").partition("/")
        return ipaddress.ip_network(f"{address}/{int(prefix) - 96}")
    return ipaddress.ip_network(text)


def near_miss(random: Random, answers: Answers) -> Request:
    """A request that is often wanted: one of many that is so in the most respects."""
    requests = [random_request(random) for _ in range(6)]
    loose = [replace(answers, recipients=()), replace(answers, networks=())]
    return max(requests, key=lambda one: sum(is_wanted(each, one) for each in (answers, answers, *loose)))


def test_generated_policies_allow_what_is_wanted_and_nothing_else() -> None:
    """1,000 random answers, 25 requests each; the check finds nothing in any of the policies."""
    random = Random(13)
    allowed = refused = 0
    for at in range(1000):
        answers = random_answers(random)
        draft = generate(answers, now=0)
        assert draft.findings == ()
        if at % 4 == 0:
            assert check_identity_policy(draft.document, identity_arn=IDENTITY, now=0) == []
        policy = parse_identity_policy(draft.document, identity_arn=IDENTITY)
        compiled = compile_policies([("generated", policy)], kind="identity")
        for number in range(25):
            request = near_miss(random, answers) if number < 5 else random_request(random)
            outcome = decide(request, iam=ALL, identity=compiled).outcome
            wanted = is_wanted(answers, request)
            assert (outcome is Outcome.ALLOW) == wanted, (answers, request)
            allowed, refused = allowed + wanted, refused + (not wanted)
    assert allowed > 500
    assert refused > 5000


def test_answers_are_read_back_from_what_they_generate() -> None:
    random = Random(14)
    for _ in range(200):
        answers = random_answers(random)
        assert read_answers(generate(answers).document, identity_arn=IDENTITY) == normal(answers)


def test_several_answers_make_one_policy_and_are_read_back() -> None:
    news = Answers(identity_arn=IDENTITY, principals=(USER,), from_addresses=("news-*@example.com",))
    bills = Answers(
        identity_arn=IDENTITY, principals=(ROLE,), from_addresses=("bills@example.com",), ways=(Way.RAW,)
    )
    draft = generate(news, bills)
    assert read_all_answers(draft.document, identity_arn=IDENTITY) == (news, bills)
    assert read_answers(draft.document, identity_arn=IDENTITY) is None


def test_nothing_is_left_out_of_a_generated_policy_without_a_loss() -> None:
    """The smallest: without any one of its conditions, actions or principals it allows something else."""
    answers = Answers(
        identity_arn=IDENTITY,
        principals=(USER, STRANGER),
        from_addresses=("a@example.com",),
        recipients=("*@example.org",),
        networks=("203.0.113.0/24",),
        ends_at=MOMENTS[1],
    )
    statement = json.loads(generate(answers).document)["Statement"][0]
    random = Random(15)
    requests = [near_miss(random, answers) for _ in range(4000)]
    assert set(statement) == {"Effect", "Principal", "Action", "Resource", "Condition"}
    for operator in statement["Condition"]:
        less = {key: value for key, value in statement["Condition"].items() if key != operator}
        assert is_different(statement | {"Condition": less}, answers, requests), operator
    for element, kept in (
        ("Principal", {"AWS": USER}),
        ("Principal", {"AWS": STRANGER}),
        ("Action", "ses:SendEmail"),
    ):
        assert is_different(statement | {element: kept}, answers, requests)


def is_different(statement: dict[str, object], answers: Answers, requests: list[Request]) -> bool:
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    compiled = compile_policies([("p", parse_identity_policy(text, identity_arn=IDENTITY))], kind="identity")
    return any(
        (decide(one, iam=ALL, identity=compiled).outcome is Outcome.ALLOW) != is_wanted(answers, one)
        for one in requests
    )


def test_each_line_has_its_reason() -> None:
    """Every principal, element and condition is at a line that is explained."""
    answers = random_answers(Random(3))
    draft = generate(replace(answers, principals=(USER, STRANGER), networks=("203.0.113.0/24",)))
    lines = draft.document.splitlines()
    explained = {reason.line for reason in draft.reasons}
    for number, line in enumerate(lines, 1):
        name, colon, _ = line.strip().partition(":")
        if colon and name.strip('"').startswith(("ses", "aws")) and '": ' in line:
            assert number in explained or number + 1 in explained, line
    assert all(reason.text for reason in draft.reasons)
    assert sorted(explained) == [*dict.fromkeys(reason.line for reason in draft.reasons)]


FINE = Answers(identity_arn=IDENTITY, principals=(DELEGATE,))


@pytest.mark.parametrize(
    ("answers", "question"),
    [
        (replace(FINE, identity_arn="example.com"), "identity_arn"),
        (replace(FINE, principals=()), "principals"),
        (replace(FINE, principals=("*",)), "principals"),
        (replace(FINE, principals=(OWNER,)), "principals"),
        (replace(FINE, principals=(f"arn:aws:iam::{OWNER}:root",)), "principals"),
        (replace(FINE, principals=(f"arn:aws:iam::{DELEGATE}:user/*",)), "principals"),
        (replace(FINE, principals=("mailer",)), "principals"),
        (replace(FINE, services=("cognito-idp.amazonaws.com",)), "acting_for"),
        (replace(FINE, services=("cognito",), acting_for=(DELEGATE,)), "services"),
        (replace(FINE, acting_for=(DELEGATE,)), "acting_for"),
        (replace(FINE, from_addresses=("a@example.org",)), "from_addresses"),
        (replace(FINE, from_addresses=("News <a@example.com>",)), "from_addresses"),
        (replace(FINE, from_addresses=("${aws:username}@example.com",)), "from_addresses"),
        (replace(FINE, from_addresses=("news",)), "from_addresses"),
        (replace(FINE, from_addresses=("^news.*@example.com",)), "from_addresses"),
        (replace(FINE, display_names=("",)), "display_names"),
        (replace(FINE, networks=("203.0.113.0/33",)), "networks"),
        (replace(FINE, ends_at=10), "ends_at"),
        (replace(FINE, begins_at=MOMENTS[1], ends_at=MOMENTS[0]), "ends_at"),
        (replace(FINE, ends_at=10**12), "ends_at"),
        (replace(FINE, ways=()), "ways"),
        (replace(FINE, recipients=tuple(f"somebody-{n}@example.org" for n in range(300))), "identity_arn"),
    ],
)
def test_what_no_policy_keeps_is_refused_with_its_question(answers: Answers, question: str) -> None:
    with pytest.raises(AnswerError) as refused:
        generate(answers, now=20)
    assert refused.value.question == question
    assert str(refused.value)


def test_what_may_be_meant_is_written_and_told() -> None:
    draft = generate(replace(FINE, networks=("10.0.0.0/8",)))
    assert [finding.code for finding in draft.findings] == [Code.PRIVATE_RANGE]


def test_a_policy_too_long_for_lines_is_written_closely() -> None:
    draft = generate(replace(FINE, recipients=tuple(f"somebody-{n}@example.org" for n in range(110))))
    assert "\n" not in draft.document
    assert {reason.line for reason in draft.reasons} == {1}


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Action": "ses:Send*"},
        {"Action": ["ses:SendEmail", "ses:GetEmailIdentity"]},
        {"Principal": "*"},
        {"Principal": {"AWS": DELEGATE, "Service": "cognito-idp.amazonaws.com"}},
        {"Condition": {"StringNotEquals": {"ses:FromAddress": "a@example.com"}}},
        {"Condition": {"StringLikeIfExists": {"ses:FromAddress": "*@example.com"}}},
        {"Condition": {"StringEqualsIgnoreCase": {"ses:FromAddress": "a@example.com"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalTag/Team": "news"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"ForAnyValue:StringEquals": {"ses:Recipients": "a@example.org"}}},
        {"Condition": {"ForAllValues:StringEquals": {"ses:Recipients": "a@example.org"}}},
        {"Condition": {"DateLessThanEquals": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}},
        {"Condition": {"DateLessThan": {"aws:EpochTime": "1800000000"}}},
        {"Condition": {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00.5Z"}}},
        {"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
    ],
)
def test_what_answers_cannot_say_is_not_read_back(change: dict[str, object]) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": "ses:SendRawEmail",
        "Resource": IDENTITY,
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    assert read_answers(text, identity_arn=IDENTITY) is not None
    other = json.dumps({"Version": "2012-10-17", "Statement": statement | change})
    assert read_answers(other, identity_arn=IDENTITY) is None


def test_other_spellings_of_the_same_are_read_back() -> None:
    """Sid, version, order, a root's ARN, an exact value under StringLike, a network by one of its addresses."""
    statement = {
        "Sid": "News",
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{DELEGATE}:root", USER]},
        "Action": ["SES:SendRawEmail", "ses:sendemail"],
        "Resource": [IDENTITY],
        "Condition": {
            "IpAddress": {"aws:sourceip": ["203.0.113.9/24"]},
            "DateLessThan": {"aws:CurrentTime": "2027-01-15T10:00:00+02:00"},
            "StringLike": {"ses:fromaddress": "a@example.com", "ses:FromDisplayName": "News *"},
        },
    }
    text = json.dumps({"Version": "2008-10-17", "Statement": statement})
    assert read_answers(text, identity_arn=IDENTITY) == Answers(
        identity_arn=IDENTITY,
        principals=(DELEGATE,),
        from_addresses=("a@example.com",),
        display_names=("News *",),
        networks=("203.0.113.0/24",),
        ends_at=1_800_000_000,
    )
