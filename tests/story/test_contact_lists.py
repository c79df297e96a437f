"""Contact lists and contacts of SES v2 by boto3.

Words and order of checks as observed of AWS (floci#1638, floci#1723, aws-sdk#579).
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from tests.support.process import SesameProcess
from tests.support.rest_client import RestClient

NEWS = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}
OFFERS = {
    "TopicName": "offers",
    "DisplayName": "Offers",
    "Description": "Now and then",
    "DefaultSubscriptionStatus": "OPT_OUT",
}
OUT_OF_NEWS = {"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}
INTO_OFFERS = {"TopicName": "offers", "SubscriptionStatus": "OPT_IN"}
LIST, ANN = {"ContactListName": "readers"}, {"ContactListName": "readers", "EmailAddress": "ann@people.test"}


def refusal(call: Any, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    response = refused.value.response
    return (
        response["Error"]["Code"],
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Message"],
    )


def bad(message: str) -> tuple[str, int, str]:
    return "BadRequestException", 400, message


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without times, which are of now, and without what every answer has."""
    now = datetime.now(UTC)
    for name in ("CreatedTimestamp", "LastUpdatedTimestamp"):
        assert abs(answer.pop(name, now) - now) < timedelta(minutes=5)
    answer.pop("ResponseMetadata", None)
    return answer


@pytest.fixture
def v2(sesame: SesameProcess) -> Any:
    return sesame.client("sesv2", sesame.create_account(), parameter_validation=False)


@pytest.fixture
def readers(v2: Any) -> Any:
    """The client of an account with the list `readers`."""
    v2.create_contact_list(**LIST, Topics=[NEWS, OFFERS])
    return v2


def test_a_list_is_made_read_changed_and_removed(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    v2 = sesame.client("sesv2", account)
    tags = [{"Key": "team", "Value": "red"}]
    v2.create_contact_list(**LIST, Topics=[NEWS], Description="d", Tags=tags)
    whole = {**LIST, "Topics": [NEWS], "Description": "d", "Tags": tags}
    assert shown(v2.get_contact_list(**LIST)) == whole
    assert [shown(one) for one in v2.list_contact_lists()["ContactLists"]] == [LIST]
    arn = f"arn:aws:ses:us-east-1:{account.account_id}:contact-list/readers"
    assert v2.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags
    v2.update_contact_list(**LIST, Topics=[OFFERS])
    assert shown(v2.get_contact_list(**LIST)) == {**whole, "Topics": [OFFERS]}
    v2.update_contact_list(**LIST, Description="e")
    assert shown(v2.get_contact_list(**LIST)) == {**whole, "Topics": [OFFERS], "Description": "e"}
    v2.delete_contact_list(**LIST)
    assert v2.list_contact_lists()["ContactLists"] == []
    assert refusal(v2.list_tags_for_resource, ResourceArn=arn) == (
        "NotFoundException", 404, "No ContactList present with name: readers")  # fmt: skip


def test_an_account_has_one_list_in_a_region(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    for region in ("us-east-1", "eu-west-1"):
        v2 = sesame.client("sesv2", account, region)
        v2.create_contact_list(**LIST)
        for name in ("readers", "others"):
            said = refusal(v2.create_contact_list, ContactListName=name)
            assert said == bad("A maximum of 1 Lists allowed per account.")


def test_a_list_that_is_not_there(v2: Any) -> None:
    missing = "NotFoundException", 404, "List with name: readers doesn't exist."
    for call in (v2.get_contact_list, v2.update_contact_list, v2.delete_contact_list, v2.list_contacts):
        assert refusal(call, **LIST) == missing
    for call in (v2.create_contact, v2.get_contact, v2.update_contact, v2.delete_contact):
        assert refusal(call, **ANN) == missing


NAME = "{} can contain up to 64 characters. Only alphanumeric characters, underscores(_) and hyphens(-) are allowed."


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ContactListName": " "}, "ContactListName can't be blank."),
        ({"ContactListName": "two words"}, NAME.format("ContactListName")),
        ({"ContactListName": "x" * 65}, NAME.format("ContactListName")),
        ({"Topics": [{**NEWS, "TopicName": ""}]}, "TopicName can't be blank."),
        ({"Topics": [{**NEWS, "TopicName": "a.b"}]}, NAME.format("TopicName")),
        ({"Topics": [NEWS, NEWS]}, "Duplicate topic names are not allowed within a List."),
        (
            {"Topics": [{**NEWS, "DisplayName": "x" * 129}]},
            "Topic DisplayName can contain up to <128> characters.",
        ),
        (
            {"Topics": [{**NEWS, "TopicName": f"t{n}"} for n in range(21)]},
            "Maximum of <20> topics allowed per ContactList",
        ),
        ({"Description": "x" * 501}, "List description can contain up to 500 characters."),
        (
            {"Topics": [{**NEWS, "DefaultSubscriptionStatus": "IN"}]},
            "1 validation error detected: Value at 'topics.1.member.defaultSubscriptionStatus' failed to satisfy"
            " constraint: Member must satisfy enum value set: [OPT_OUT, OPT_IN]",
        ),
    ],
)
def test_what_a_list_cannot_be(v2: Any, changed: dict[str, Any], message: str) -> None:
    assert refusal(v2.create_contact_list, **{**LIST, **changed}) == bad(message)
    if "ContactListName" not in changed:
        v2.create_contact_list(**LIST)
        assert refusal(v2.update_contact_list, **LIST, **changed) == bad(message)


def test_a_contact_is_added_read_changed_and_removed(readers: Any) -> None:
    readers.create_contact(**ANN, TopicPreferences=[OUT_OF_NEWS], AttributesData='{"name": "Ann"}')
    by_default = [{"TopicName": "offers", "SubscriptionStatus": "OPT_OUT"}]
    whole = {**ANN, "UnsubscribeAll": False}
    assert shown(readers.get_contact(**ANN)) == {
        **whole,
        "TopicPreferences": [OUT_OF_NEWS],
        "TopicDefaultPreferences": by_default,
        "AttributesData": '{"name": "Ann"}',
    }
    readers.update_contact(**ANN, TopicPreferences=[INTO_OFFERS], UnsubscribeAll=True)
    chosen = {"TopicPreferences": [OUT_OF_NEWS, INTO_OFFERS], "TopicDefaultPreferences": []}
    assert shown(readers.get_contact(**ANN)) == {**ANN, **chosen, "UnsubscribeAll": True}
    readers.update_contact(**ANN)
    assert shown(readers.get_contact(**ANN)) == {**whole, **chosen}
    readers.update_contact_list(**LIST, Topics=[NEWS])
    assert shown(readers.get_contact(**ANN))["TopicPreferences"] == [OUT_OF_NEWS]
    readers.delete_contact(**ANN)
    gone = "NotFoundException", 404, "ann@people.test doesn't exist in List."
    for call in (readers.get_contact, readers.update_contact, readers.delete_contact):
        assert refusal(call, **ANN) == gone


def test_what_a_contact_cannot_be(readers: Any) -> None:
    readers.create_contact(**ANN)
    again = refusal(readers.create_contact, **ANN)
    assert again == ("AlreadyExistsException", 400, "ann@people.test already exists in List.")
    for address, message in (
        (" ", "EmailAddress can't be blank."),
        ("ann", "EmailAddress <ann> is invalid"),
        ("ann@people", "EmailAddress <ann@people> is invalid"),
        ("a n@people.test", "EmailAddress <a n@people.test> is invalid"),
    ):
        assert refusal(readers.create_contact, **LIST, EmailAddress=address) == bad(message)
    other = [{"TopicName": "other", "SubscriptionStatus": "OPT_IN"}]
    missing = bad("List: readers doesn't contain Topic: other")
    for call in (readers.create_contact, readers.update_contact):
        assert refusal(call, **ANN, TopicPreferences=other) == missing
    by_topic = {"TopicFilter": {"TopicName": "other"}}
    assert refusal(readers.list_contacts, **LIST, Filter=by_topic) == missing


def test_attributes_are_not_kept_without_bounds(readers: Any) -> None:
    most = "x" * 16_384
    for call in (readers.create_contact, readers.update_contact):
        longer = refusal(call, **ANN, AttributesData=f"{most}x")
        assert longer == bad("AttributesData can contain up to 16384 characters.")
        call(**ANN, AttributesData=most)
    assert readers.get_contact(**ANN)["AttributesData"] == most


def test_contacts_are_listed_by_what_they_chose(readers: Any) -> None:
    people: dict[str, dict[str, Any]] = {
        "a": {},
        "b": {"TopicPreferences": [OUT_OF_NEWS]},
        "c": {"TopicPreferences": [INTO_OFFERS]},
        "d": {"UnsubscribeAll": True, "TopicPreferences": [INTO_OFFERS]},
    }
    for name, more in people.items():
        readers.create_contact(**LIST, EmailAddress=f"{name}@people.test", **more)

    def listed(**wanted: Any) -> str:
        found = readers.list_contacts(**LIST, Filter=wanted)["Contacts"]
        return "".join(contact["EmailAddress"][0] for contact in found)

    assert listed() == "abcd"
    assert listed(FilteredStatus="OPT_IN") == "abc"
    assert listed(FilteredStatus="OPT_OUT") == "d"
    news, offers = {"TopicName": "news"}, {"TopicName": "offers"}
    by_default = {"UseDefaultIfPreferenceUnavailable": True}
    assert listed(FilteredStatus="OPT_OUT", TopicFilter=news) == "b"
    assert listed(FilteredStatus="OPT_IN", TopicFilter=offers) == "c"
    assert listed(FilteredStatus="OPT_IN", TopicFilter={**news, **by_default}) == "ac"
    assert listed(FilteredStatus="OPT_OUT", TopicFilter={**news, **by_default}) == "bd"
    assert listed(TopicFilter=offers) == "cd"
    first = readers.list_contacts(**LIST, PageSize=3)
    assert [contact["EmailAddress"][0] for contact in first["Contacts"]] == ["a", "b", "c"]
    assert shown(first["Contacts"][1]) == {
        "EmailAddress": "b@people.test",
        "TopicPreferences": [OUT_OF_NEWS],
        "TopicDefaultPreferences": [{"TopicName": "offers", "SubscriptionStatus": "OPT_OUT"}],
        "UnsubscribeAll": False,
    }
    rest = readers.list_contacts(**LIST, PageSize=3, NextToken=first["NextToken"])
    assert [contact["EmailAddress"][0] for contact in rest["Contacts"]] == ["d"]
    assert "NextToken" not in rest


def test_sdks_of_2023_list_contacts_by_get_with_a_filter_in_the_body(sesame: SesameProcess) -> None:
    account = sesame.create_account()
    v2 = sesame.client("sesv2", account)
    v2.create_contact_list(**LIST, Topics=[NEWS])
    for name, gone in (("a", False), ("b", True), ("c", True)):
        v2.create_contact(**LIST, EmailAddress=f"{name}@people.test", UnsubscribeAll=gone)
    with RestClient(sesame.api, account) as client:

        def listed(query: str, body: Any) -> tuple[list[str], str | None]:
            reply = client.call("GET", f"/v2/email/contact-lists/readers/contacts{query}", body)
            found = [contact["EmailAddress"][0] for contact in reply.data["Contacts"]]
            return found, reply.data.get("NextToken")

        assert listed("", None) == (["a", "b", "c"], None)
        assert listed("", {"Filter": {"FilteredStatus": "OPT_OUT"}}) == (["b", "c"], None)
        first, token = listed("?PageSize=1", {"Filter": {"FilteredStatus": "OPT_OUT"}})
        assert first == ["b"] and token
        query = f"?PageSize=1&NextToken={quote(token, safe='')}"
        assert listed(query, {"Filter": {"FilteredStatus": "OPT_OUT"}}) == (["c"], None)


def test_a_list_that_is_made_again_has_nobody_on_it(readers: Any) -> None:
    readers.create_contact(**ANN)
    readers.delete_contact_list(**LIST)
    readers.create_contact_list(**LIST)
    assert readers.list_contacts(**LIST)["Contacts"] == []


def test_policies_are_asked_about_the_list(sesame: SesameProcess, readers: Any) -> None:
    """A user who may read the list's contacts may not change them, nor read another account's."""
    account = sesame.create_account()
    owner, iam = sesame.client("sesv2", account), sesame.client("iam", account)
    owner.create_contact_list(**LIST)
    owner.create_contact(**ANN)
    iam.create_user(UserName="reader")
    statement = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ses:GetContact", "Resource":'
        f' "arn:aws:ses:us-east-1:{account.account_id}:contact-list/readers"}}}}'
    )
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=statement)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    user = type(account)(account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
    reader = sesame.client("sesv2", user)
    assert reader.get_contact(**ANN)["EmailAddress"] == "ann@people.test"
    for call, more in (
        (reader.delete_contact, ANN),
        (reader.update_contact, ANN),
        (reader.get_contact_list, LIST),
    ):
        assert refusal(call, **more)[:2] == ("AccessDeniedException", 403)
    assert refusal(readers.get_contact, **ANN)[2] == "ann@people.test doesn't exist in List."
