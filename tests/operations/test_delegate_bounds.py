"""The owner's bounds on a delegate by boto3: set through our own door, held at every door, told to each side."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from sesame.access.causes.decision_json import latest
from sesame.cli.main import main
from sesame.policy.reasons.cause import Reader
from tests.support.documents import document
from tests.support.own_api import refused
from tests.support.refusal_world import EVERYTHING, Case, World

REGION = "us-east-1"
DAY = 86_400
SEND = {"as": "sender", "from": "news@one.test"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("bounds") / "data")
    opened.doors.authenticator.skew_s = 1e9  # boto3 signs by the wall clock, which no test moves
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def lent(world: World) -> Case:
    """An owner that lends `one.test` to an account."""
    return Case.lending(world)


def own(case: Case, who: str = "owner") -> Any:
    return case.world.client("sesame", case.keys[who])


def put(case: Case, identity: str = "one.test", delegate: str = "<sender>", **caps: Any) -> None:
    own(case).put_delegate_bounds(Identity=identity, Delegate=case.fill(delegate), **caps)


def send(case: Case, **changes: Any) -> tuple[str, str]:
    """Send as the owner's identity; the code and text of a refusal."""
    arn = case.arn("owner", "one.test")
    by_parameter = {"v2": "FromEmailAddressIdentityArn", "v1": "SourceArn", "raw": "SourceArn"}
    given = {**SEND, "door": "v1", **changes}
    if given["door"] == "smtp":
        given["fields"] = [("X-SES-SOURCE-ARN", arn)]
    else:
        given["arns"] = {by_parameter[given["door"]]: arn}
    outcome = case.send(given)
    return outcome.code, outcome.text


def told(case: Case, to: str, reader: Reader) -> Any:
    """The newest decision as one side reads it."""
    account = case.account(to).account_id
    return case.world.run(latest(case.world.services.store, account, limit=1, reader=reader))[0]


@pytest.mark.parametrize(
    ("door", "code", "text"),
    [
        ("v1", "Throttling", "Daily message quota exceeded."),
        ("v2", "LimitExceededException", "Daily message quota exceeded."),
        ("smtp", "454", "Throttling failure: Daily message quota exceeded."),
    ],
)
def test_a_cap_of_a_day_refuses_the_next_message_in_the_words_of_ses_at_each_door(
    lent: Case, door: str, code: str, text: str
) -> None:
    put(lent, MaxMessagesPerDay=2)
    assert [send(lent)[0], send(lent, door="raw")[0]] == ["", ""]
    found = send(lent, door=door)
    assert (found[0], text in found[1]) == (code, True), found
    lent.world.services.clock.advance(DAY + 60)  # type: ignore[attr-defined]
    assert send(lent, door=door)[0] == ""


def test_a_cap_counts_recipients_and_bytes_and_messages_of_the_second(lent: Case) -> None:
    put(lent, MaxRecipientsPerDay=2)
    assert send(lent)[0] == send(lent)[0] == ""
    assert send(lent)[0] == "Throttling"
    put(lent, MaxBytesPerDay=1)
    assert send(lent)[0] == "Throttling"
    put(lent, MaxMessagesPerSecond=1)
    lent.world.services.clock.advance(2)  # type: ignore[attr-defined]
    assert send(lent)[0] == ""
    assert send(lent) == ("Throttling", "Maximum sending rate exceeded.")
    lent.world.services.clock.advance(1.2)  # type: ignore[attr-defined]
    assert send(lent)[0] == ""


def test_bounds_on_all_identities_hold_for_those_to_come_and_a_stricter_one_holds_beside_them(
    lent: Case,
) -> None:
    put(lent, "*", MaxMessagesPerDay=3)
    put(lent, MaxMessagesPerDay=1)
    lent.step("identity", "owner", "two.test")
    lent.step("policy", "owner", "two.test", {"Principal": {"AWS": "<sender>"}})
    two = {"from": "a@two.test", "arns": {"SourceArn": lent.arn("owner", "two.test")}}
    assert send(lent)[0] == ""
    assert send(lent)[0] == "Throttling"
    assert [lent.send({**SEND, **two}).code for _ in range(3)] == ["", "", "Throttling"]


def test_bounds_of_a_user_and_of_its_account_hold_both_and_others_of_the_account_have_their_own(
    lent: Case,
) -> None:
    lent.step("user", "sender", "app", EVERYTHING)
    lent.step("user", "sender", "other", EVERYTHING)
    put(lent, delegate="arn:aws:iam::<sender>:user/app", MaxMessagesPerDay=1)
    assert send(lent, **{"as": "sender/app"})[0] == ""
    assert send(lent, **{"as": "sender/app"})[0] == "Throttling"
    put(lent, MaxMessagesPerDay=1)
    assert send(lent, **{"as": "sender/other"})[0] == ""
    assert send(lent, **{"as": "sender/other"})[0] == "Throttling"


def test_bounds_of_a_role_hold_for_each_of_its_sessions(lent: Case) -> None:
    lent.step("role", "sender", "mailer", "one", [EVERYTHING])
    put(lent, delegate="arn:aws:iam::<sender>:role/mailer", MaxMessagesPerDay=1)
    assert send(lent, **{"as": "sender/mailer"})[0] == ""
    role = lent.fill("arn:aws:iam::<sender>:role/mailer")
    lent.step("session", "sender", "mailer", "two", role)
    assert send(lent, **{"as": "sender/mailer"})[0] == "Throttling"


def test_bounds_of_a_user_hold_for_the_federated_users_that_it_opens(lent: Case) -> None:
    """Else it would be rid of them for the price of a call of STS."""
    lent.step("user", "sender", "app", EVERYTHING)
    put(lent, delegate="arn:aws:iam::<sender>:user/app", MaxMessagesPerDay=1)
    assert send(lent, **{"as": "sender/app"})[0] == ""
    lent.step("federated", "sender", "app", "guest", EVERYTHING)
    assert send(lent, **{"as": "sender/guest"})[0] == "Throttling"
    lent.step("federated", "sender", "", "guest", EVERYTHING)
    assert send(lent, **{"as": "sender/guest"})[0] == "", "opened by the root"


def test_a_user_of_the_owners_own_account_may_be_bounded_too(lent: Case) -> None:
    lent.step("user", "owner", "app", EVERYTHING)
    put(lent, delegate="arn:aws:iam::<owner>:user/app", MaxMessagesPerDay=1)
    assert lent.send({**SEND, "as": "owner/app"}).code == ""
    assert lent.send({**SEND, "as": "owner/app"}).code == "Throttling"
    assert lent.send({**SEND, "as": "owner"}).code == ""


def test_a_paused_delegate_is_refused_as_if_policy_did_not_allow_it_until_it_is_resumed(lent: Case) -> None:
    own(lent).pause_delegate(
        Identity="one.test", Delegate=lent.account("sender").account_id, Reason="audit of May"
    )
    arn, root = lent.arn("owner", "one.test"), lent.fill("arn:aws:iam::<sender>:root")
    text = f"User `{root}' is not authorized to perform `ses:SendEmail' on resource `{arn}'"
    assert send(lent) == ("AccessDenied", text)
    for whose, reader, mend in (("sender", Reader.SENDER, "ask"), ("owner", Reader.OWNER, "change-bounds")):
        (cause,) = told(lent, whose, reader)["causes"]
        assert (cause["code"], cause["mend"]["how"]) == ("SA603", mend)
        assert ("audit of May" in cause["cause"]) == (whose == "owner")
    own(lent).resume_delegate(Identity="one.test", Delegate=lent.account("sender").account_id)
    assert send(lent)[0] == ""


def test_nothing_is_accepted_from_the_expiry_date_on(lent: Case) -> None:
    now = lent.world.services.clock.now()
    put(lent, ExpiresAt=int(now) + 60)
    assert send(lent)[0] == ""
    lent.world.services.clock.advance(61)  # type: ignore[attr-defined]
    assert send(lent)[0] == "AccessDenied"
    (cause,) = told(lent, "sender", Reader.SENDER)["causes"]
    assert cause["code"] == "SA603" and "until" in cause["cause"]


def test_whom_policy_does_not_allow_learns_of_no_pause_and_no_cap(lent: Case) -> None:
    lent.account("stranger")
    put(lent, delegate="<stranger>", MaxMessagesPerDay=0)
    without = send(lent, **{"as": "stranger"})
    own(lent).pause_delegate(Identity="one.test", Delegate=lent.account("stranger").account_id)
    assert send(lent, **{"as": "stranger"}) == without
    causes = told(lent, "stranger", Reader.SENDER)["causes"]
    assert [cause["code"] for cause in causes] == ["SA201"]


def test_a_cap_is_explained_to_each_side_with_what_it_may_do(lent: Case) -> None:
    put(lent, MaxMessagesPerDay=1)
    send(lent), send(lent)
    record = told(lent, "sender", Reader.SENDER)
    (theirs,) = record["causes"]
    (owners,) = told(lent, "owner", Reader.OWNER)["causes"]
    sender, owner = lent.account("sender").account_id, lent.account("owner").account_id
    said = (
        f"`{sender}` may send 1 messages in 24 hours as `one.test`, which its owner, account {owner}, has set, and has"
        " used 1"
    )
    assert (theirs["code"], theirs["cause"]) == (owners["code"], owners["cause"]) == ("SA602", said)
    assert theirs["mend"] == {
        "how": "ask",
        "text": f"ask the owner, account {owner}, for more, and quote the request id `{record['request_id']}`, or send"
        " later",
        "whom": "owner",
        "account": owner,
    }
    assert owners["mend"]["text"] == (
        f"`sesame grant change {owner} one.test {sender} --region {REGION} --messages-per-day N`"
    )
    assert owners["mend"]["change"] == "messages-per-day"


@pytest.mark.parametrize("identity", ["one.test", "*"])
@pytest.mark.parametrize("delegate", ["<sender>", "arn:aws:iam::<sender>:user/app"])
@pytest.mark.parametrize(
    ("reached", "filled_in"),
    [
        ({"MaxMessagesPerDay": 0}, "5"),
        ({"MaxMessagesPerSecond": 1}, "5"),
        ({"MaxRecipientsPerDay": 0}, "5"),
        ({"MaxBytesPerDay": 1}, "90000"),
        ({"ExpiresAt": 1_000_000_000}, "2199-01-01"),
    ],
)
def test_what_an_owner_is_told_to_change_of_bounds_leaves_the_others_as_they_are(
    lent: Case, reached: dict[str, int], filled_in: str, identity: str, delegate: str
) -> None:
    lent.step("user", "sender", "app", EVERYTHING)
    wide = {
        "MaxMessagesPerDay": 3,
        "MaxMessagesPerSecond": 50,
        "MaxRecipientsPerDay": 40,
        "MaxBytesPerDay": 100_000,
        "ExpiresAt": 7_000_000_000,
    }
    put(lent, identity, delegate, **(wide | reached))
    if "MaxMessagesPerSecond" in reached:
        send(lent, **{"as": "sender/app"})
    assert send(lent, **{"as": "sender/app"})[0] != ""
    mend = told(lent, "owner", Reader.OWNER)["causes"][0]["mend"]
    command = re.fullmatch(r"`sesame ([^`]*)`", mend["text"])
    assert command is not None, mend
    words = [filled_in if word in ("N", "DATE") else word for word in shlex.split(command[1])]
    before = _bounds(lent, identity, delegate)
    assert main([*words, "--data", str(lent.world.services.settings.data_dir)]) == 0
    assert send(lent, **{"as": "sender/app"})[0] == ""
    after = _bounds(lent, identity, delegate)
    [changed] = reached
    assert before.pop(changed) != after.pop(changed) and before == after
    assert set(wide) - {changed} <= set(after)


def test_what_is_told_of_two_caps_works_together_also_for_a_name_that_a_shell_would_read(lent: Case) -> None:
    name = "o'brien&co@one.test"
    lent.step("identity", "owner", name)
    lent.step("policy", "owner", name, {"Principal": {"AWS": "<sender>"}})
    put(lent, name, MaxMessagesPerDay=0, MaxRecipientsPerDay=0, MaxBytesPerDay=100_000)
    sends = {**SEND, "from": name, "arns": {"SourceArn": lent.arn("owner", name)}}
    assert lent.send(sends).code == "Throttling"
    causes = told(lent, "owner", Reader.OWNER)["causes"]
    assert [cause["mend"]["change"] for cause in causes] == ["messages-per-day", "recipients-per-day"]
    for cause in causes:
        words = shlex.split(cause["mend"]["text"].strip("`").replace(" N", " 5"))
        assert main([*words[1:], "--data", str(lent.world.services.settings.data_dir)]) == 0
    assert lent.send(sends).code == ""
    caps = {"MaxMessagesPerDay": 5, "MaxRecipientsPerDay": 5, "MaxBytesPerDay": 100_000}
    assert caps.items() <= _bounds(lent, name, "<sender>").items()


def _bounds(case: Case, identity: str, delegate: str) -> dict[str, Any]:
    found = own(case).get_delegate_bounds(Identity=identity, Delegate=case.fill(delegate))["Bounds"]
    return {name: value for name, value in found.items() if name not in ("UpdatedAt", "Used")}


def test_the_owner_does_not_read_what_quota_or_configuration_set_the_sender_has(lent: Case) -> None:
    lent.step("quota", "sender", 1, 1000)
    send(lent), send(lent)
    (cause,) = told(lent, "owner", Reader.OWNER)["causes"]
    assert cause["code"] == "SA602" and "of 1" not in cause["cause"]
    (cause,) = told(lent, "sender", Reader.SENDER)["causes"]
    assert cause["code"] == "SA602" and "of 1" in cause["cause"]


def test_bounds_are_shown_with_what_was_used_and_what_policies_let_the_delegate_send_as(lent: Case) -> None:
    statement = {
        "Principal": {"AWS": "<sender>"},
        "Condition": {"StringLike": {"ses:FromAddress": ["news@one.test", "info+*@one.test"]}},
    }
    lent.step("policy", "owner", "one.test", statement)
    put(lent, MaxMessagesPerDay=10, MaxMessagesPerSecond=5)
    send(lent)
    key = {"Identity": "one.test", "Delegate": lent.account("sender").account_id}
    found = own(lent).get_delegate_bounds(**key)["Bounds"]
    assert found.pop("UpdatedAt").timestamp() == pytest.approx(lent.world.services.clock.now(), abs=1)
    size = found["Used"].pop("Bytes")
    assert size > 100
    assert found == {
        **key,
        "MaxMessagesPerDay": 10,
        "MaxMessagesPerSecond": 5,
        "Paused": False,
        "Used": {"Messages": 1, "Recipients": 1},
        "FromAddresses": ["info+*@one.test", "news@one.test"],
    }
    lent.world.services.clock.advance(DAY + 120)  # type: ignore[attr-defined]
    assert own(lent).get_delegate_bounds(**key)["Bounds"]["Used"]["Messages"] == 0


def test_the_list_comes_in_pages_and_by_identity_and_by_delegate(lent: Case) -> None:
    for number in range(3):
        put(lent, delegate=f"33333333333{number}", MaxMessagesPerDay=number)
    put(lent, "*", "333333333331", MaxMessagesPerDay=9)
    client, shown, token = own(lent), [], None
    while token != "":
        page = client.list_delegate_bounds(PageSize=3, **({"NextToken": token} if token else {}))
        shown += [(one["Identity"], one["Delegate"][-1], one["MaxMessagesPerDay"]) for one in page["Bounds"]]
        token = page.get("NextToken", "")
    assert shown == [("*", "1", 9), ("one.test", "0", 0), ("one.test", "1", 1), ("one.test", "2", 2)]
    assert [one["Identity"] for one in client.list_delegate_bounds(Delegate="333333333331")["Bounds"]] == [
        "*",
        "one.test",
    ]
    assert len(client.list_delegate_bounds(Identity="*")["Bounds"]) == 1
    assert refused(client.list_delegate_bounds, NextToken="!") == "BadRequestException"


def test_bounds_that_are_removed_bound_nothing_and_count_anew_when_set_again(lent: Case) -> None:
    put(lent, MaxMessagesPerDay=1)
    send(lent)
    key = {"Identity": "one.test", "Delegate": lent.account("sender").account_id}
    own(lent).delete_delegate_bounds(**key)
    assert [send(lent)[0] for _ in range(2)] == ["", ""]
    put(lent, MaxMessagesPerDay=1)
    assert [send(lent)[0] for _ in range(2)] == ["", "Throttling"]
    own(lent).delete_delegate_bounds(**key)
    for gone in (own(lent).get_delegate_bounds, own(lent).delete_delegate_bounds, own(lent).resume_delegate):
        assert refused(gone, **key) == "NotFoundException"


def test_caps_that_are_changed_keep_the_count_and_the_pause(lent: Case) -> None:
    put(lent, MaxMessagesPerDay=5)
    send(lent), send(lent)
    key = {"Identity": "one.test", "Delegate": lent.account("sender").account_id}
    own(lent).pause_delegate(**key)
    put(lent, MaxMessagesPerDay=2)
    assert own(lent).get_delegate_bounds(**key)["Bounds"]["Paused"] is True
    own(lent).resume_delegate(**key)
    assert send(lent)[0] == "Throttling"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Delegate": "somebody"}, "BadRequestException"),
        ({"Delegate": "<owner>"}, "BadRequestException"),
        ({"Delegate": "arn:aws:iam::<owner>:root"}, "BadRequestException"),
        ({"Delegate": "arn:aws:sts::<sender>:assumed-role/mailer/one"}, "BadRequestException"),
        ({"Delegate": "arn:aws:iam::<sender>:user/*"}, "BadRequestException"),
        ({"Identity": "elsewhere.test"}, "NotFoundException"),
        ({"MaxMessagesPerDay": -1}, "BadRequestException"),
        ({"MaxMessagesPerSecond": 0}, "BadRequestException"),
        ({"Identity": ""}, "BadRequestException"),
    ],
)
def test_bounds_that_cannot_be_meant_are_refused(lent: Case, parameters: dict[str, Any], code: str) -> None:
    usual = {"Identity": "one.test", "Delegate": lent.account("sender").account_id, "MaxMessagesPerDay": 1}
    client = own(lent)
    client._serializer = getattr(client._serializer, "_serializer", client._serializer)  # checks nothing
    assert refused(client.put_delegate_bounds, **{**usual, **lent.fill(parameters)}) == code


def test_the_root_of_an_account_and_its_number_are_one_delegate(lent: Case) -> None:
    put(lent, delegate="arn:aws:iam::<sender>:root", MaxMessagesPerDay=1)
    found = own(lent).get_delegate_bounds(Identity="ONE.test", Delegate=lent.account("sender").account_id)[
        "Bounds"
    ]
    assert found["Delegate"] == lent.account("sender").account_id


def test_each_operation_needs_its_own_action_on_the_identity(lent: Case) -> None:
    arn = lent.arn("owner", "one.test")
    lent.step("user", "owner", "clerk", {"Effect": "Allow", "Action": "sesame:Pause*", "Resource": arn})
    client = lent.world.client("sesame", lent.keys["owner/clerk"])
    key = {"Identity": "one.test", "Delegate": lent.account("sender").account_id}
    client.pause_delegate(**key)
    for name in ("put_delegate_bounds", "get_delegate_bounds", "delete_delegate_bounds", "resume_delegate"):
        assert refused(getattr(client, name), **key) == "AccessDeniedException", name
    assert refused(client.list_delegate_bounds) == "AccessDeniedException"
    assert refused(client.cancel_delegate_messages, Identity="one.test") == "AccessDeniedException"
    assert refused(client.cancel_messages, All=True) == "AccessDeniedException"
    assert refused(client.pause_delegate, **key | {"Identity": "*"}) == "AccessDeniedException"


def test_a_deny_on_an_identity_is_not_lifted_by_leaving_the_identity_out(lent: Case) -> None:
    assert send(lent)[0] == ""
    arn = lent.arn("owner", "one.test")
    lent.step(
        "user", "owner", "keeper", {"Effect": "Allow", "Action": "sesame:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "sesame:CancelDelegateMessages", "Resource": arn},
    )  # fmt: skip
    client = lent.world.client("sesame", lent.keys["owner/keeper"])
    delegate = lent.account("sender").account_id
    for named in ({"Delegate": delegate}, {"Identity": "*"}, {"Identity": "one.test"}):
        assert refused(client.cancel_delegate_messages, **named) == "AccessDeniedException", named
    assert own(lent).cancel_delegate_messages(Delegate=delegate)["Cancelled"] == 1


def test_a_change_and_a_refusal_are_told_to_the_audit_log(lent: Case) -> None:
    from sesame.admin.audit import latest as audited

    put(lent, MaxMessagesPerDay=4)
    lent.step("user", "owner", "nobody", {"Effect": "Deny", "Action": "*", "Resource": "*"})
    key = {"Identity": "one.test", "Delegate": lent.account("sender").account_id}
    refused(lent.world.client("sesame", lent.keys["owner/nobody"]).pause_delegate, **key)
    store, owner = lent.world.services.store, lent.account("owner").account_id
    events = [json.loads(row.body) for row in lent.world.run(audited(store, owner, limit=8))]
    by_name = {event["eventName"]: event for event in reversed(events)}
    change, refusal = by_name["PutDelegateBounds"], by_name["PauseDelegate"]
    assert (change["eventSource"], change["requestParameters"]["maxMessagesPerDay"]) == ("api.sesame", 4)
    assert refusal["errorCode"] == "AccessDenied"


def test_a_request_to_no_operation_and_one_signed_for_another_service_are_refused(lent: Case) -> None:
    client = own(lent)
    client.meta.events.register(
        "before-sign", lambda request, **_: setattr(request, "url", request.url + "2")
    )
    assert refused(client.list_delegate_bounds) == "UnknownOperationException"
    lent.world.clients.clear()
    client = own(lent)
    client.meta.events.register("choose-signer", lambda **_: None)
    client._request_signer._signing_name = "ses"
    assert refused(client.list_delegate_bounds) == "InvalidSignatureException"
    lent.world.clients.clear()


def test_a_policy_document_may_name_our_actions() -> None:
    assert "sesame:" in document({"Effect": "Allow", "Action": "sesame:*", "Resource": "*"})
