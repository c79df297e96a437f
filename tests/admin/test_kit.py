"""A delegate's kit tells what concerns the delegate, works by the policies it was made from, and keeps the rest."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sesame.admin.delegates.kit import Kit, KitError, make_kit
from sesame.admin.delegates.kit_snippets import Place
from sesame.cli.kit import kit_json
from sesame.policy import Requester, parse_stored_identity_policy
from sesame.policy.cases import read_requester

OWNER, DELEGATE, OTHER = "111111111111", "222222222222", "333333333333"
ARN = f"arn:aws:ses:us-east-1:{OWNER}:identity/example.com"
USER = f"arn:aws:iam::{DELEGATE}:user/team/mailer"
PLACE = Place(api="http://127.0.0.1:4579", region="us-east-1", smtp="localhost:2587")


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": DELEGATE},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": ARN,
        **changes,
    }


def kit_of(
    *statements: dict[str, Any], delegate: str = USER, arn: str = ARN, ids: Mapping[str, str] | None = None
) -> Kit:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return make_kit(
        arn,
        read_requester(delegate),
        [("p", parse_stored_identity_policy(text))],
        place=PLACE,
        principal_ids=ids or {},
        is_late=lambda: False,
    )


def sent_from(kit: Kit) -> str:
    assert kit.sample is not None
    return str(kit.sample["FromEmailAddress"])


def test_a_kit_has_arn_region_endpoint_addresses_and_the_policy_of_the_senders_side() -> None:
    kit = kit_of(statement(Condition={"StringLike": {"ses:FromAddress": "news-*@example.com"}}))
    assert kit_json(kit)["allowed"] == [
        {
            "actions": ["ses:SendEmail", "ses:SendRawEmail"],
            "from": ["news-*@example.com"],
            "when": [],
            "unless": [],
        }
    ]
    assert (kit.place.region, kit.place.api) == ("us-east-1", "http://127.0.0.1:4579")
    assert json.loads(kit.iam_policy)["Statement"] == [
        {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": ARN}
    ]
    assert [one.name for one in kit.snippets] == ["boto3", "cli", "nodemailer", "django", "smtp", "terraform"]
    assert sent_from(kit) == "news-hello@example.com"
    assert all(ARN in one.text for one in kit.snippets)


def test_conditions_on_the_request_are_told_in_words() -> None:
    kit = kit_of(
        statement(
            Condition={
                "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
                "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
            }
        ),
        statement(
            Effect="Deny",
            Principal="*",
            Action="ses:*",
            Condition={"StringEquals": {"ses:FromAddress": "ceo@example.com"}},
        ),
    )
    [one] = kit.allowed
    assert one.from_addresses == ()
    assert one.when == ("aws:SourceIp in `203.0.113.0/24`", "aws:CurrentTime before `2030-01-01T00:00:00Z`")
    assert one.unless == (("ses:FromAddress equal to `ceo@example.com`",),)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"ses:FromDisplayName": "News Team"}}, "News Team <hello@example.com>"),
        (
            {"StringEquals": {"ses:FromDisplayName": 'The "News", daily'}},
            '"The \\"News\\", daily" <hello@example.com>',
        ),
        ({"StringEquals": {"ses:FromAddress": "a@example.com"}}, "a@example.com"),
        ({"StringLike": {"ses:FromAddress": ["*@sub.example.com"]}}, "hello@sub.example.com"),
        ({"StringNotEquals": {"ses:FromAddress": "hello@example.com"}}, None),
    ],
)
def test_the_example_is_a_message_that_the_policies_allow(
    condition: dict[str, Any], expected: str | None
) -> None:
    sender = sent_from(kit_of(statement(Condition=condition)))
    assert sender == expected if expected else sender != "hello@example.com"


def test_recipients_and_bounce_address_that_are_asked_for_are_in_every_snippet() -> None:
    kit = kit_of(
        statement(
            Condition={
                "ForAllValues:StringEquals": {"ses:Recipients": "reader@example.org"},
                "StringEquals": {"ses:FeedbackAddress": "bounces@example.com"},
            }
        )
    )
    for snippet in kit.snippets:
        if snippet.name != "terraform":
            assert "bounces@example.com" in snippet.text, snippet.name
        if snippet.name not in ("terraform", "django"):
            assert "reader@example.org" in snippet.text, snippet.name
    assert kit.sample is not None
    assert kit.sample["FeedbackForwardingEmailAddressIdentityArn"] == ARN


def test_a_bounce_address_of_another_identity_gets_no_arn_of_this_one() -> None:
    kit = kit_of(statement(Condition={"StringEquals": {"ses:FeedbackAddress": "bounces@example.org"}}))
    assert kit.sample is not None
    assert "FeedbackForwardingEmailAddressIdentityArn" not in kit.sample
    assert all(
        "RETURN-PATH-ARN" not in one.text and "RETURN_PATH_ARN" not in one.text for one in kit.snippets
    )


def test_ways_that_nothing_allows_are_left_out_with_the_reason() -> None:
    kit = kit_of(statement(Action="ses:SendRawEmail"))
    assert [one.name for one in kit.snippets] == ["nodemailer", "django", "smtp", "terraform"]
    assert kit.left_out[0] == ("boto3", "nothing allows ses:SendEmail by it")
    assert kit.sample is None
    by_version = kit_of(statement(Condition={"StringEquals": {"ses:ApiVersion": "2"}}))
    assert "django" not in [one.name for one in by_version.snippets]


def test_a_deny_that_takes_a_way_away_leaves_it_out() -> None:
    kit = kit_of(statement(), statement(Effect="Deny", Principal="*", Action="ses:SendRawEmail"))
    assert [one.name for one in kit.snippets] == ["boto3", "cli", "terraform"]
    assert json.loads(kit.iam_policy)["Statement"][0]["Action"] == ["ses:SendEmail"]


@pytest.mark.parametrize(
    ("delegate", "told"),
    [
        (f"arn:aws:iam::{OTHER}:user/mailer", "no policy of example.com lets"),
        (OTHER, "no policy of example.com lets"),
        (f"arn:aws:iam::{OWNER}:user/own", "is of the owner's own account"),
        ("cognito-idp.amazonaws.com", "a service is set up by the operator"),
    ],
)
def test_there_is_no_kit_where_there_is_nothing_to_hand_over(delegate: str, told: str) -> None:
    with pytest.raises(KitError, match=told):
        kit_of(statement(), delegate=delegate)


def test_a_user_made_anew_under_the_name_has_no_kit() -> None:
    allowed = statement(Principal={"AWS": USER})
    assert kit_of(allowed, ids={USER: "AIDA"}).allowed
    with pytest.raises(KitError):
        kit_of(allowed, ids={USER: "AIDAEARLIER"})


def test_a_role_gets_its_own_resource_of_terraform() -> None:
    role = f"arn:aws:iam::{DELEGATE}:role/app/sender"
    [text] = [one.text for one in kit_of(statement(), delegate=role).snippets if one.name == "terraform"]
    assert 'resource "aws_iam_role_policy"' in text
    assert 'role = "sender"' in text
    [text] = [one.text for one in kit_of(statement(), delegate=DELEGATE).snippets if one.name == "terraform"]
    assert 'resource "aws_iam_policy"' in text


CANARY = "canary"


def test_a_kit_has_nothing_of_the_policies_but_what_concerns_the_delegate() -> None:
    """Names, Sids, other principals, tags, and what is asked of who sends stay with the owner."""
    other = f"arn:aws:iam::{OTHER}:user/{CANARY}"
    statements = [
        statement(Sid=f"{CANARY}1", Condition={"StringLike": {"ses:FromAddress": "news-*@example.com"}}),
        statement(Sid=f"{CANARY}2", Principal={"AWS": other}),
        statement(
            Principal={"AWS": OTHER}, Condition={"StringEquals": {"ses:FromAddress": f"{CANARY}@example.com"}}
        ),
        statement(
            Principal="*",
            Condition={"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::*:user/{CANARY}", USER]}},
        ),
        statement(Principal="*", Condition={"StringEquals": {f"aws:PrincipalTag/{CANARY}": CANARY}}),
        statement(
            Effect="Deny",
            Principal="*",
            Action="ses:*",
            Condition={"StringEquals": {"aws:PrincipalAccount": f"{OTHER}"}},
        ),
        statement(
            Effect="Deny",
            Principal="*",
            Action="ses:*",
            Condition={
                "StringEquals": {f"aws:ResourceTag/{CANARY}": CANARY, "ses:FromAddress": "x@example.com"}
            },
        ),
    ]
    text = json.dumps({"Id": CANARY, "Version": "2012-10-17", "Statement": statements})
    kit = make_kit(
        ARN, read_requester(USER), [(f"{CANARY}-policy", parse_stored_identity_policy(text))],
        place=PLACE, principal_ids={}, is_late=lambda: False,
    )  # fmt: skip
    told = json.dumps(kit_json(kit)) + repr(kit)
    assert CANARY not in told
    assert OTHER not in told
    assert kit.allowed


def test_a_name_that_is_code_elsewhere_stays_a_text_in_each_snippet() -> None:
    """What an owner writes into a policy cannot run where a delegate pastes it."""
    name = "a'; rm -rf ~ #\\\"; ${x} `id` $(id)"
    kit = kit_of(statement(Condition={"StringEquals": {"ses:FromDisplayName": name.replace("${x}", "")}}))
    for snippet in kit.snippets:
        if snippet.language == "python":
            compile(snippet.text, snippet.name, "exec")
    [shell] = [one.text for one in kit.snippets if one.name == "cli"]
    import shlex

    words = shlex.split(shell.replace("\\\n", " "))
    assert words[:3] == ["aws", "sesv2", "send-email"]
    assert len(words) == 3 + 2 * 6


def test_a_late_question_makes_no_kit_up() -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement()]})
    policies = [("p", parse_stored_identity_policy(text))]
    requester: Requester = read_requester(USER)
    with pytest.raises(KitError):
        make_kit(ARN, requester, policies, place=PLACE, principal_ids={}, is_late=lambda: True)


def test_a_variable_for_the_users_name_is_filled_in() -> None:
    kit = kit_of(statement(Condition={"StringEquals": {"ses:FromAddress": "${aws:UserName}@example.com"}}))
    assert kit.allowed[0].from_addresses == ("mailer@example.com",)
    assert sent_from(kit) == "mailer@example.com"


def test_what_depends_on_the_senders_tags_is_not_shown_as_working() -> None:
    kit = kit_of(
        statement(Condition={"StringEquals": {"ses:FromAddress": "${aws:PrincipalTag/squad}@example.com"}})
    )
    assert [one.name for one in kit.snippets] == ["terraform"]
    assert dict(kit.left_out)["boto3"] == "it depends on the sender's tags"
    assert "squad" not in json.dumps(kit_json(kit))


def test_what_needs_tls_is_shown_where_there_is_tls() -> None:
    kit = kit_of(statement(Condition={"Bool": {"aws:SecureTransport": "true"}}))
    assert [one.name for one in kit.snippets] == ["smtp", "terraform"]
    assert dict(kit.left_out)["boto3"] == "it needs TLS, and the endpoint has none"
