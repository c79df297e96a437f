"""Would this be allowed? Asked of the engine that decides sends, each side about its own half."""

import html
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from sesame.policy.cases import collect_cases, run_case
from tests.console.test_leave import person_with
from tests.support import command_line
from tests.support.browser import Person, main_of, root_of, words
from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess
from tests.support.tenant import Tenant

HERE = f"/{REGION}/ask"
SIMULATOR = "success@simulator.amazonses.com"


def asked(person: Person, **given: str) -> Any:
    fields = {name.rstrip("_"): value for name, value in given.items()}
    return person.get(HERE, params=fields)


def case_in(answer: Any) -> Any:
    found = re.search(r'aria-label="test case"><pre>(.*?)</pre>', answer.text, re.DOTALL)
    assert found, words(answer.text)
    return json.loads(html.unescape(found[1]))


def lend(tenant: Tenant, delegate: Account, condition: Any = None, name: str = "Lent", **more: Any) -> None:
    statement = {
        "Sid": "OwnersSid",
        "Effect": "Allow",
        "Principal": {"AWS": delegate.account_id},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": tenant.arn,
        **({} if condition is None else {"Condition": condition}),
        **more,
    }
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName=name, Policy=document(statement))


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


@pytest.fixture
def delegate(sesame: SesameProcess) -> Account:
    return sesame.create_account()


@pytest.fixture
def theirs(sesame: SesameProcess, delegate: Account) -> Person:
    return root_of(sesame, delegate.account_id)


def test_an_owner_is_answered_by_the_policies_of_now(
    tenant: Tenant, owner: Person, delegate: Account
) -> None:
    """Asked, changed, and asked again at once: of a policy, and of an identity that was not there."""
    given = {"who": delegate.account_id, "from_": "news@example.com", "arn": tenant.arn}
    assert "Your policies allow this" not in main_of(asked(owner, **given))
    lend(tenant, delegate)
    assert "Your policies allow this" in main_of(asked(owner, **given))
    lend(tenant, delegate, {"StringEquals": {"ses:FromAddress": "ceo@example.com"}})
    assert "Your policies allow this" not in main_of(asked(owner, **given))
    new = {"from_": "news@new.example", "arn": tenant.arn.replace("example.com", "new.example")}
    assert "has no identity new.example" in main_of(asked(owner, **given | new))
    tenant.ses.verify_domain_identity(Domain="new.example")
    assert "has no identity" not in main_of(asked(owner, **given | new))


def test_the_form_asks_about_who_is_logged_in(owner: Person, tenant: Tenant) -> None:
    page = owner.get(HERE)
    assert "Would this be allowed?" in main_of(page)
    assert f'value="arn:aws:iam::{tenant.account.account_id}:root"' in page.text


def test_an_own_send_is_answered_with_each_statement(
    sesame: SesameProcess, tenant: Tenant, owner: Person
) -> None:
    arn = f"arn:aws:iam::{tenant.account.account_id}:user/bob"
    allow = {"Sid": "News", "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    condition = {"StringLike": {"ses:FromAddress": "news-*@example.com"}}
    tenant.user("bob", document({**allow, "Condition": condition}))
    yes = asked(owner, who=arn, from_="news-1@example.com")
    assert "This would be accepted" in main_of(yes)
    assert "StringLike ses:FromAddress" in main_of(yes)
    assert "news-1@example.com yes" in main_of(yes)
    no = asked(owner, who=arn, from_="ceo@example.com")
    assert "statement News allows only ses:FromAddress like news-*@example.com" in main_of(no)
    assert "The program would get AccessDenied" in main_of(no)
    assert "ceo@example.com no" in main_of(no)
    raw = asked(owner, who=arn, from_="news-1@example.com", door="smtp")
    assert "ses:SendRawEmail" in main_of(raw)
    assert "would be accepted" not in main_of(raw)


def as_sent(client: Any, **request: Any) -> str:
    """What a send comes to: empty, or the code of its refusal."""
    try:
        client.send_email(
            Destination={"ToAddresses": [SIMULATOR]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
            **request,
        )
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_what_is_answered_is_what_a_send_comes_to(
    sesame: SesameProcess, tenant: Tenant, owner: Person, delegate: Account, theirs: Person
) -> None:
    """Sends of four users of two accounts as several addresses, asked and then made."""
    lend(tenant, delegate, {"StringEquals": {"ses:FromAddress": "news@example.com"}})
    sesame.client("ses", delegate).verify_domain_identity(Domain="delegate.example")
    iam = sesame.client("iam", delegate)
    policies = (
        document({"Effect": "Allow", "Action": "ses:*", "Resource": "*"}),
        document({"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}),
        document(
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "ses:SendEmail", "Resource": "*",
             "Condition": {"StringLike": {"ses:FromAddress": "a@*"}}},
        ),
    )  # fmt: skip
    seen = set()
    for n, policy in enumerate(policies):
        iam.create_user(UserName=f"u{n}")
        iam.put_user_policy(UserName=f"u{n}", PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName=f"u{n}")["AccessKey"]
        client = sesame.client("ses", Account("", key["AccessKeyId"], key["SecretAccessKey"]))
        for address, arn in (
            ("news@example.com", tenant.arn),
            ("ceo@example.com", tenant.arn),
            ("news@example.com", ""),
            ("a@delegate.example", ""),
            ("b@delegate.example", ""),
            ("b@delegate.example", tenant.arn),
        ):
            answer = asked(
                theirs,
                who=f"arn:aws:iam::{delegate.account_id}:user/u{n}",
                door="v1",
                from_=address,
                arn=arn,
                to=SIMULATOR,
            )
            named = {"SourceArn": arn} if arn else {}
            came_to = as_sent(client, Source=address, **named)
            seen.add(came_to)
            expected = f"The program would get {came_to}" if came_to else "This would be accepted"
            assert expected in main_of(answer), (n, address, arn)
    assert seen == {"", "AccessDenied", "InvalidParameterValue", "MessageRejected"}


def test_nothing_is_sent_kept_or_counted(sesame: SesameProcess, tenant: Tenant, owner: Person) -> None:
    for address in ("news@example.com", "x@other.example"):
        asked(owner, from_=address)
    quota = sesame.client("sesv2", tenant.account).get_account()["SendQuota"]
    assert quota["SentLast24Hours"] == 0
    listed = main_of(owner.get(f"/{REGION}/messages"))
    assert "news@example.com" not in listed
    assert "other.example" not in listed
    changes = main_of(owner.get(f"/{REGION}/changes"))
    assert "SendEmail" not in changes


def test_each_side_sees_its_own_half(
    sesame: SesameProcess, tenant: Tenant, owner: Person, delegate: Account, theirs: Person
) -> None:
    lend(tenant, delegate, {"StringLike": {"ses:FromAddress": "ownerscanary-*@example.com"}})
    user = f"arn:aws:iam::{delegate.account_id}:user/bob"
    iam = sesame.client("iam", delegate)
    iam.create_user(UserName="bob")
    statement = {"Sid": "senderscanary", "Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    iam.put_user_policy(UserName="bob", PolicyName="senderscanary", PolicyDocument=document(statement))
    for address, theirs_says, owners_says in (
        (
            "ceo@example.com",
            "The owner's policy has a condition on ses:FromAddress, which ceo@example.com does not meet",
            "statement OwnersSid allows only ses:FromAddress like ownerscanary-*",
        ),
        ("ownerscanary-1@example.com", "This would be accepted", "Your policies allow this"),
    ):
        sender = asked(theirs, who=user, from_=address, arn=tenant.arn)
        mine = asked(owner, who=user, from_=address, arn=tenant.arn)
        assert theirs_says in main_of(sender)
        assert "senderscanary" in sender.text
        assert "OwnersSid" not in sender.text
        assert "Lent" not in sender.text.partition("<main")[2].partition("test case")[0].replace(
            "Lent to me", ""
        )
        assert address.startswith("ownerscanary") or "ownerscanary" not in sender.text
        assert owners_says in main_of(mine)
        assert "OwnersSid" in mine.text
        assert "senderscanary" not in mine.text
    assert (
        "ownerscanary-*"
        not in asked(theirs, who=user, from_="ownerscanary-1@example.com", arn=tenant.arn).text
    )


def test_a_stranger_is_not_told_whether_an_identity_is_there(
    sesame: SesameProcess, tenant: Tenant, theirs: Person
) -> None:
    tenant.ses.verify_email_identity(EmailAddress="waiting@example.org")
    pages = []
    for name in ("nothere.example", "example.com", "waiting@example.org"):
        arn = f"arn:aws:ses:{REGION}:{tenant.account.account_id}:identity/{name}"
        answer = asked(theirs, from_=name if "@" in name else f"x@{name}", arn=arn)
        text = main_of(answer).replace(name, "NAME").replace("x@NAME", "NAME")
        text = text.replace(quote(name), "NAME")
        pages.append(re.sub(r"\d\d:\d\d:\d\d|\"aws:EpochTime\": \"\d+\"", "TIME", text))
    assert pages[0] == pages[1] == pages[2]


def test_others_principals_and_identities_cannot_be_asked_about(
    tenant: Tenant, owner: Person, delegate: Account
) -> None:
    who = f"arn:aws:iam::{delegate.account_id}:user/bob"
    own = asked(owner, who=who, from_="news@example.com")
    assert own.status_code == 400
    assert "you ask as the owner: name the ARN of your identity" in main_of(own)
    arn = f"arn:aws:ses:{REGION}:{delegate.account_id}:identity/delegate.example"
    other = asked(owner, who=who, from_="news@delegate.example", arn=arn)
    assert other.status_code == 400
    assert "Neither the principal nor the identity is of this account" in main_of(other)


def test_an_owner_is_not_told_whether_a_principal_is_there(
    sesame: SesameProcess, tenant: Tenant, owner: Person, delegate: Account
) -> None:
    iam = sesame.client("iam", delegate)
    user_id = iam.create_user(UserName="there")["User"]["UserId"]
    lend(tenant, delegate, {"StringLike": {"aws:userid": f"{user_id[:6]}*"}})
    lend(tenant, delegate, {"StringEquals": {"ses:FromAddress": "a@example.com"}}, name="Other")
    pages = []
    for name in ("there", "gone_"):
        who = f"arn:aws:iam::{delegate.account_id}:user/{name}"
        answer = asked(owner, who=who, from_="news@example.com", arn=tenant.arn)
        pages.append(
            re.sub(r"\"aws:EpochTime\": \"\d+\"|T\d\d:\d\d:\d\dZ", "", main_of(answer).replace(name, "NAME"))
        )
        assert user_id not in answer.text
    assert pages[0] == pages[1]


def test_time_address_and_door_count(tenant: Tenant, owner: Person, delegate: Account) -> None:
    condition = {
        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
        "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    lend(tenant, delegate, condition)
    usual = {"who": delegate.account_id, "from_": "a@example.com", "arn": tenant.arn, "ip": "203.0.113.9"}
    assert "Your policies allow this" in main_of(asked(owner, **usual))
    for changed in ({"ip": "198.51.100.1"}, {"at": "2031-01-01T00:00"}, {"plain": "1"}):
        assert "Policy Lent , statement OwnersSid allows only" in main_of(
            asked(owner, **{**usual, **changed})
        ), changed


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"from_": "a@example.com", "ip": "here"}, "one IP address"),
        ({"from_": "a@example.com", "at": "tomorrow"}, "A time is written like"),
        ({"from_": "not an address"}, "The program would get"),
        ({"from_": "a@example.com", "who": "ses"}, "12 digits, an ARN"),
        ({"from_": "a@example.com", "who": "arn:aws:iam::{own}:user/nobody"}, "There is no user"),
        ({"from_": "a@example.com", "who": "arn:aws:iam::{own}:role/nobody"}, "There is no role"),
        ({"from_": "a@example.com", "source": "b@example.com"}, "with a whole message alone"),
        ({"from_": "a@example.com", "set": "none"}, "Configuration set &lt;none&gt; does not exist"),
    ],
)
def test_what_cannot_be_asked_stays_in_the_form(
    tenant: Tenant, owner: Person, given: dict[str, str], says: str
) -> None:
    filled = {name: value.replace("{own}", tenant.account.account_id) for name, value in given.items()}
    answer = asked(owner, **filled)
    assert says in answer.text, main_of(answer)
    assert f'value="{filled["from_"]}"' in answer.text


def test_roles_are_asked_about_as_their_sessions(tenant: Tenant, owner: Person) -> None:
    trust = document(
        {"Effect": "Allow", "Principal": {"AWS": tenant.account.account_id}, "Action": "sts:AssumeRole"}
    )
    role = tenant.iam.create_role(RoleName="nightly", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert "would be accepted" not in main_of(asked(owner, who=role, from_="a@example.com"))
    tenant.iam.put_role_policy(
        RoleName="nightly",
        PolicyName="p",
        PolicyDocument=document({"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}),
    )
    assert "This would be accepted" in main_of(asked(owner, who=role, from_="a@example.com"))


def test_the_case_says_the_same(
    tenant: Tenant, owner: Person, delegate: Account, theirs: Person, sesame: SesameProcess
) -> None:
    """Copied into a file it passes; with another From it does not."""
    lend(tenant, delegate, {"StringEquals": {"ses:FromAddress": "news@example.com"}})
    for person, address, expected in (
        (owner, "news@example.com", "Allowed"),
        (owner, "ceo@example.com", "ImplicitlyDenied"),
        (theirs, "news@example.com", "Allowed"),
    ):
        who = delegate.account_id
        document = case_in(asked(person, who=who, from_=address, arn=tenant.arn))
        (case,) = collect_cases(document)
        assert run_case(case).passed
        assert case["expected"] == expected
        if person is owner and expected == "Allowed":
            request: Any = case["request"]
            request["context"]["ses:FromAddress"] = "ceo@example.com"
            assert not run_case(case).passed
        text = json.dumps(document)
        assert ("OwnersSid" in text) is (person is owner)
    file = sesame.data.parent / f"{delegate.account_id}.json"
    file.write_text(json.dumps(document))
    done = command_line.run(["policy", "test", str(file)], {})
    assert done.returncode == 0, done.stdout


def test_an_owner_keeps_the_answer_as_a_case(tenant: Tenant, owner: Person, delegate: Account) -> None:
    lend(tenant, delegate, {"StringEquals": {"ses:FromAddress": "news@example.com"}})
    given = {"who": delegate.account_id, "door": "v2", "from": "news@example.com", "arn": tenant.arn}
    answer = owner.send(
        f"{HERE}/keep",
        page="/me",
        **given,
        identity="example.com",
        may="yes",
        called="news may",
        to="a@b.example",
    )
    assert answer.url.path == f"/{REGION}/identities/example.com/cases"
    assert "news may" in main_of(answer)
    assert "when ses:Recipients is a@b.example" in main_of(answer)
    with pytest.raises(ClientError) as refused:
        tenant.ses.delete_identity_policy(Identity="example.com", PolicyName="Lent")
    assert "news may" in str(refused.value)


def test_it_takes_the_permission_to_simulate_or_to_read_the_policies(
    sesame: SesameProcess, tenant: Tenant, delegate: Account
) -> None:
    lend(tenant, delegate)
    mine = {"from_": "news@example.com"}
    others = {"who": delegate.account_id, "from_": "news@example.com", "arn": tenant.arn}
    nobody = person_with(sesame, tenant)
    assert "It needs iam:SimulatePrincipalPolicy" in main_of(asked(nobody, **mine))
    assert "It needs ses:GetEmailIdentityPolicies" in main_of(asked(nobody, **others))
    simulator = person_with(sesame, tenant, "iam:SimulatePrincipalPolicy")
    assert asked(simulator, **mine).status_code == 200
    assert asked(simulator, **others).status_code == 403
    reader = person_with(sesame, tenant, "ses:GetEmailIdentityPolicies")
    assert asked(reader, **others).status_code == 200
    assert asked(reader, **mine).status_code == 403
    kept = reader.send(
        f"{HERE}/keep", page="/me", identity="example.com", called="x", who="1", **{"from": "a"}
    )
    assert kept.status_code == 403
    assert "sesame:PutIdentityPolicyTests" in kept.text


def test_a_pause_is_told_here_and_on_the_page_of_the_refusal(
    sesame: SesameProcess, tenant: Tenant, owner: Person, delegate: Account, theirs: Person
) -> None:
    lend(tenant, delegate)
    owner.send(
        f"/{REGION}/identities/example.com/bounds",
        page=f"/{REGION}/identities/example.com/bounds?delegate={delegate.account_id}",
        do="pause",
        delegate=delegate.account_id,
        reason="until May",
    )
    client = sesame.client("ses", delegate)
    with pytest.raises(ClientError) as refused:
        client.send_email(
            Source="news@example.com",
            SourceArn=tenant.arn,
            Destination={"ToAddresses": [SIMULATOR]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}},
        )
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    page = theirs.get(f"/{REGION}/refusals/{request_id}")
    assert page.status_code == 200
    assert "has paused" in main_of(page)
    usual = {"who": delegate.account_id, "from_": "news@example.com", "arn": tenant.arn}
    for person in (theirs, owner):
        told = main_of(asked(person, **usual))
        assert "has paused" in told or "paused" in told.partition("What was checked")[2]
