"""Cases kept beside an identity's policies by boto3: put, read, run and deleted through our own door."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.identities.policy_tests import MAX_CASES
from sesame.store import audit
from tests.support.documents import document
from tests.support.refusal_world import Case, World
from tests.support.refused import refused

NEWS: dict[str, Any] = {"Name": "news may", "Who": ["<sender>"], "May": True, "As": ["news@one.test"]}
CEO: dict[str, Any] = {"Name": "nobody as ceo", "NobodyBut": [], "As": ["ceo@one.test"]}
OFFICE: dict[str, Any] = {
    "Name": "not from elsewhere",
    "Who": ["<sender>"],
    "May": False,
    "When": {"aws:SourceIp": ["203.0.113.0/24"]},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("kept") / "data")
    yield opened
    opened.close()


@pytest.fixture
def lent(world: World) -> Case:
    """An owner that lends `one.test` to an account, as addresses that begin with `news`."""
    return Case.lending(world, Condition={"StringLike": {"ses:FromAddress": "news*@one.test"}})


def own(case: Case, who: str = "owner") -> Any:
    return case.world.client("sesame", case.keys[who])


def test_cases_are_put_got_listed_run_and_deleted(lent: Case) -> None:
    api, kept = own(lent), lent.fill([CEO, NEWS])
    api.put_identity_policy_tests(Identity="ONE.test", Tests=kept)
    assert api.list_identity_policy_tests(Identity="one.test")["Tests"] == sorted(
        kept, key=lambda one: one["Name"]
    )
    assert api.get_identity_policy_test(Identity="one.test", Name="nobody as ceo")["Test"] == CEO
    assert api.run_identity_policy_tests(Identity="one.test")["Results"] == [
        {"Name": "news may", "Holds": True}, {"Name": "nobody as ceo", "Holds": True},
    ]  # fmt: skip
    api.delete_identity_policy_test(Identity="one.test", Name="news may")
    assert api.list_identity_policy_tests(Identity="one.test")["Tests"] == [CEO]
    gone = refused(api.get_identity_policy_test, Identity="one.test", Name="news may")
    assert gone == ("NotFoundException", "one.test keeps no case `news may`.")
    assert refused(api.delete_identity_policy_test, Identity="one.test", Name="news may") == gone


def test_a_case_that_does_not_hold_is_told_with_its_reason_and_one_of_the_same_name_is_put_in_its_place(
    lent: Case,
) -> None:
    api = own(lent)
    api.put_identity_policy_tests(Identity="one.test", Tests=lent.fill([OFFICE]))
    (result,) = api.run_identity_policy_tests(Identity="one.test")["Results"]
    assert (result["Name"], result["Holds"], result["Known"]) == ("not from elsewhere", False, True)
    assert lent.names["sender"] in result["Why"]
    api.put_identity_policy_tests(Identity="one.test", Tests=lent.fill([{**OFFICE, "May": True}]))
    assert api.run_identity_policy_tests(Identity="one.test")["Results"] == [
        {"Name": "not from elsewhere", "Holds": True}
    ]


def test_from_the_answer_on_a_change_that_breaks_a_case_is_refused(lent: Case) -> None:
    own(lent).put_identity_policy_tests(Identity="one.test", Tests=[CEO])
    wide = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "ses:SendEmail",
        "Resource": lent.arn("owner", "one.test"),
    }
    ses = lent.world.client("ses", lent.keys["owner"])
    code, text = refused(
        ses.put_identity_policy, Identity="one.test", PolicyName="lend", Policy=document(wide)
    )
    assert code == "InvalidPolicy" and "nobody as ceo" in text
    own(lent).delete_identity_policy_test(Identity="one.test", Name="nobody as ceo")
    ses.put_identity_policy(Identity="one.test", PolicyName="lend", Policy=document(wide))


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ({"Name": "n"}, "say `who`, and whether they `may`"),
        ({"Name": "n", "Who": ["111122223333"]}, "whether they `may`"),
        ({"Name": "n", "NobodyBut": [], "May": False}, "stands without"),
        ({"Name": "n", "Who": ["news@one.test"], "May": True}, "is not an account, ARN or service"),
        (
            {"Name": "n", "NobodyBut": [], "When": {"aws:Nothing": ["1"]}},
            "is not a key that a request carries",
        ),
        ({"Name": "n", "NobodyBut": [], "As": []}, "is empty"),
        ({"Name": " ", "NobodyBut": []}, "`name`"),
    ],
    ids=str,
)
def test_a_case_that_says_nothing_is_refused_with_what_is_missing(
    lent: Case, test: dict[str, Any], said: str
) -> None:
    code, text = refused(own(lent).put_identity_policy_tests, Identity="one.test", Tests=[CEO, test])
    assert code == "BadRequestException" and said in text
    assert own(lent).list_identity_policy_tests(Identity="one.test")["Tests"] == []


def test_two_of_one_name_and_too_many_are_refused_and_none_of_them_is_kept(lent: Case) -> None:
    api = own(lent)
    assert (
        refused(api.put_identity_policy_tests, Identity="one.test", Tests=[CEO, CEO])[0]
        == "BadRequestException"
    )
    many = [{**CEO, "Name": f"case {number}"} for number in range(MAX_CASES)]
    api.put_identity_policy_tests(Identity="one.test", Tests=many)
    assert refused(api.put_identity_policy_tests, Identity="one.test", Tests=[CEO]) == (
        "LimitExceededException", f"An identity keeps at most {MAX_CASES} cases.",
    )  # fmt: skip
    api.put_identity_policy_tests(Identity="one.test", Tests=many[:1])
    assert len(api.list_identity_policy_tests(Identity="one.test")["Tests"]) == MAX_CASES


def test_they_are_the_owners_alone_and_each_operation_takes_its_own_permission(lent: Case) -> None:
    own(lent).put_identity_policy_tests(Identity="one.test", Tests=[CEO])
    calls: dict[str, dict[str, Any]] = {
        "put_identity_policy_tests": {"Tests": [CEO]},
        "get_identity_policy_test": {"Name": "nobody as ceo"},
        "list_identity_policy_tests": {},
        "run_identity_policy_tests": {},
        "delete_identity_policy_test": {"Name": "nobody as ceo"},
    }
    lent.step("user", "owner", "clerk")
    iam, arn = lent.world.client("iam", lent.account("owner")), lent.arn("owner", "one.test")
    for name, more in calls.items():
        action = "sesame:" + "".join(part.capitalize() for part in name.split("_"))
        elsewhere = refused(getattr(own(lent, "sender"), name), Identity="one.test", **more)
        assert elsewhere == ("NotFoundException", "Identity one.test does not exist.")
        clerk = getattr(own(lent, "owner/clerk"), name)
        assert refused(clerk, Identity="one.test", **more)[0] == "AccessDeniedException"
        may = {"Effect": "Allow", "Action": action, "Resource": arn}
        iam.put_user_policy(UserName="clerk", PolicyName="own", PolicyDocument=document(may))
        clerk(Identity="one.test", **more)
        iam.delete_user_policy(UserName="clerk", PolicyName="own")


def test_what_is_put_and_deleted_is_in_the_audit_log_and_what_is_refused_changes_nothing(lent: Case) -> None:
    api = own(lent)
    api.put_identity_policy_tests(Identity="one.test", Tests=[CEO])
    api.delete_identity_policy_test(Identity="one.test", Name="nobody as ceo")
    refused(api.delete_identity_policy_test, Identity="one.test", Name="nobody as ceo")
    rows = audited(lent)
    assert [name for name, _ in rows] == ["PutIdentityPolicyTests", "DeleteIdentityPolicyTest"]
    assert "ceo@one.test" in rows[0][1]


def audited(case: Case) -> list[tuple[str, str]]:
    """Names and parameters of the changes of cases in the owner's audit log."""
    read = case.world.services.store.read
    rows = case.world.run(read(lambda tx: audit.rows(tx, case.names["owner"], after=0, limit=1_000)))
    events = [json.loads(row.body) for row in rows]
    return [
        (event["eventName"], json.dumps(event["requestParameters"]))
        for event in events
        if "PolicyTest" in event["eventName"] and not event.get("errorCode")
    ]
