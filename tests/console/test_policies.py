"""The policy page: looking changes nothing, saving takes leave and overwrites nobody, undo puts back."""

import html
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.console import answers_form
from tests.console.test_login import PASSWORD, make_user
from tests.console.test_login import log_in as log_in_user
from tests.console.test_senders import HERE, NEWS, allow, put, send
from tests.support.browser import Person, root_of, words
from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess, wait_until
from tests.support.tenant import Tenant

LEND, EDIT, SAVE = f"{HERE}/lend", f"{HERE}/edit", f"{HERE}/save"


@pytest.fixture
def owner(sesame: SesameProcess, tenant: Tenant) -> Person:
    return root_of(sesame, tenant.account.account_id)


def stored(tenant: Tenant) -> dict[str, str]:
    names = tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"]
    found: dict[str, str] = tenant.ses.get_identity_policies(Identity="example.com", PolicyNames=names)[
        "Policies"
    ]
    return found


def begun(page: str) -> str:
    found = re.search(r'name="begun" value="([^"]*)"', page.partition('class="policy"')[2])
    assert found
    return found[1]


def text_of(page: str) -> str:
    found = re.search(r'<textarea id="text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def fill(owner: Person, path: str, page: str, **fields: str) -> Any:
    shown = owner.get(page).text
    return owner.send(path, page=page, **{"begun": begun(shown), "is_new": "0", **fields})


@pytest.mark.parametrize(
    ("patterns", "matched", "missed"),
    [
        ("", (), ()),
        ("*@example.com", ("1@example.com",), ()),
        ("news-*@example.com", ("news-1@example.com",), ("ceo@", "info@", "no-reply@")),
        ("ceo@example.com, c?o@example.com", ("ceo@example.com", "cao@example.com"), ("news-1@", "info@", "no-reply@")),
        ("*@other.example", ("1@other.example",), ("ceo@", "news-1@", "info@")),
    ],
)  # fmt: skip
def test_patterns_of_the_form_are_shown_by_addresses(
    patterns: str, matched: tuple[str, ...], missed: tuple[str, ...]
) -> None:
    found = answers_form.examples({"as": patterns}, "example.com")
    assert found == (matched, tuple(f"{one}example.com" for one in missed))


def test_answers_become_a_policy_and_the_policy_answers(owner: Person, tenant: Tenant) -> None:
    answers = {
        "who": "2222-2222-2222",
        "as": "news-*@example.com",
        "way_mail": "1",
        "ends": "2031-01-01T00:00",
    }
    answer = fill(owner, EDIT, LEND, name="News", is_new="1", do="write", text="", **answers)
    made = json.loads(text_of(answer.text))
    [statement] = made["Statement"]
    assert statement["Principal"] == {"AWS": "222222222222"}
    assert statement["Condition"]["DateLessThan"] == {"aws:CurrentTime": "2031-01-01T00:00:00Z"}
    page = words(answer.text)
    assert "Lets account 222222222222 send e-mail when the From address is like news-*@example.com" in page
    assert "Who gains Account 222222222222 can send, for example as news-" in page
    assert "Nobody loses anything." in page
    assert "As From matches news-1@example.com ; does not match ceo@example.com" in page
    assert "Why each line is there" in page
    assert stored(tenant) == {}, "a look changes nothing"
    again = fill(owner, EDIT, LEND, name="News", is_new="1", do="preview", text=json.dumps(made)).text
    assert "222222222222</textarea>" in again.partition('id="answers"')[2].partition("</section>")[0]
    assert 'value="2031-01-01T00:00"' in again


@pytest.mark.parametrize(
    ("answers", "words_"),
    [
        ({"way_mail": "1"}, "no sender is named"),
        ({"who": "222222222222"}, "choose at least one way to send"),
        ({"who": "cognito-idp.amazonaws.com", "way_mail": "1"}, "say for which accounts"),
        ({"who": "222222222222", "way_mail": "1", "networks": "all"}, "is not a network"),
        ({"who": "222222222222", "way_mail": "1", "ends": "soon"}, "is not a moment"),
        ({"who": "222222222222", "way_mail": "1", "ends": "2031-02-31T00:00"}, "is on no calendar"),
        ({"who": "*", "way_mail": "1"}, "would allow everybody"),
    ],
)
def test_an_answer_that_no_policy_keeps_is_told_at_its_field(
    owner: Person, answers: dict[str, str], words_: str
) -> None:
    answer = fill(owner, EDIT, LEND, name="News", is_new="1", do="write", text="", **answers)
    assert words_ in words(answer.text)
    assert 'aria-invalid="true"' in answer.text or "way" in words_
    assert text_of(answer.text) == ""


def test_a_policy_is_made_changed_undone_and_removed(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    delegate = sesame.create_account()
    wide = document(allow(tenant, {"AWS": delegate.account_id}, "A"))
    narrow = document(allow(tenant, {"AWS": delegate.account_id}, "A", Condition=NEWS))
    answer = fill(owner, SAVE, LEND, name="News", is_new="1", text=narrow)
    assert answer.url.path == f"{HERE}/policies/News"
    page = words(answer.text)
    assert "The policy is in force." in page
    assert f"Account {delegate.account_id} can send, for example as news-" in page
    assert stored(tenant) == {"News": narrow}
    answer = fill(owner, SAVE, f"{HERE}/policies/News", name="News", text=wide)
    assert stored(tenant) == {"News": wide}
    send(sesame.client("ses", delegate), tenant, "ceo@example.com")
    path = f"{HERE}/policies/News"
    shown = owner.get(path).text
    [number, mark] = re.findall(r'name="(?:version|begun)" value="([^"]*)"', shown)[:2]
    undone = owner.send(f"{path}/undo", page=path, version=number, begun=mark)
    assert "What was there before is in force again." in undone.text
    assert stored(tenant) == {"News": narrow}
    page = words(owner.get(f"{path}/remove").text)
    assert f"Account {delegate.account_id} can no longer send" in page
    mark = re.findall(r'name="begun" value="([^"]*)"', owner.get(f"{path}/remove").text)[0]
    gone = owner.send(f"{path}/remove", page=f"{path}/remove", begun=mark)
    assert "The policy is removed" in gone.text
    assert stored(tenant) == {}
    shown = owner.get(path).text
    [number, mark] = re.findall(r'name="(?:version|begun)" value="([^"]*)"', shown)[:2]
    owner.send(f"{path}/undo", page=path, version=number, begun=mark)
    assert stored(tenant) == {"News": narrow}


def test_undoing_a_new_policy_removes_it(owner: Person, tenant: Tenant) -> None:
    fill(
        owner, SAVE, LEND, name="New", is_new="1", text=document(allow(tenant, {"AWS": "222222222222"}, "A"))
    )
    path = f"{HERE}/policies/New"
    [number, mark] = re.findall(r'name="(?:version|begun)" value="([^"]*)"', owner.get(path).text)[:2]
    owner.send(f"{path}/undo", page=path, version=number, begun=mark)
    assert stored(tenant) == {}
    assert owner.send(f"{path}/undo", page="/me", version="99", begun="").status_code == 404


def test_an_edit_overwrites_nobody(owner: Person, tenant: Tenant) -> None:
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "Mine"))
    path = f"{HERE}/policies/P"
    mark = begun(owner.get(path).text)
    put(tenant, "P", allow(tenant, {"AWS": "333333333333"}, "Theirs"))
    mine = document(allow(tenant, {"AWS": "444444444444"}, "Mine"))
    answer = owner.send(SAVE, page=path, name="P", text=mine, begun=mark, is_new="0")
    assert answer.status_code == 409
    page = words(answer.text)
    assert "changed by somebody else" in page
    assert "333333333333" in page
    assert text_of(answer.text) == mine, "what was typed is kept"
    assert "333333333333" in stored(tenant)["P"]
    again = owner.send(SAVE, page=path, name="P", text=mine, begun=begun(answer.text), is_new="0")
    assert again.status_code == 200
    assert stored(tenant)["P"] == mine


def test_a_form_sent_twice_is_done_once(owner: Person, tenant: Tenant) -> None:
    text = document(allow(tenant, {"AWS": "222222222222"}, "A"))
    for _ in range(2):
        answer = owner.send(SAVE, page=LEND, name="Twice", text=text, begun="", is_new="1")
        assert answer.status_code == 200
        assert answer.url.path == f"{HERE}/policies/Twice"
    assert len(re.findall("there was none", answer.text)) == 1


def test_a_new_name_that_is_taken_overwrites_nothing(owner: Person, tenant: Tenant) -> None:
    put(tenant, "Taken", allow(tenant, {"AWS": "222222222222"}, "A"))
    before = stored(tenant)
    text = document(allow(tenant, {"AWS": "333333333333"}, "B"))
    answer = owner.send(SAVE, page=LEND, name="Taken", text=text, begun="", is_new="1")
    assert "already exists" in words(answer.text)
    assert stored(tenant) == before


@pytest.mark.parametrize("text", ["", "{", '{"Statement": []}', "x" * 5000, "<script>alert(1)</script>"])
def test_a_text_that_is_refused_is_kept_and_tells_nothing_old(
    owner: Person, tenant: Tenant, text: str
) -> None:
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "A"))
    before = stored(tenant)
    path = f"{HERE}/policies/P"
    looked = fill(owner, EDIT, path, name="P", text=text, do="preview")
    assert "Who gains" not in looked.text
    saved = fill(owner, SAVE, path, name="P", text=text)
    assert saved.status_code == 400
    assert text_of(saved.text) == text
    assert "<script>a" not in saved.text
    assert stored(tenant) == before


def test_a_user_that_is_not_there_is_told_before_saving(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    other = sesame.create_account()
    arn = f"arn:aws:iam::{other.account_id}:user/nobody"
    text = document(allow(tenant, {"AWS": arn}, "A"))
    looked = fill(owner, EDIT, LEND, name="P", is_new="1", text=text, do="preview")
    assert f"{arn} is not there" in words(looked.text)


def replayed(owner: Person, path: str, text: str) -> str:
    """The page when the recorded sends have been asked again, looked at as often as it says that they have not."""

    def look() -> str:
        page: str = fill(owner, EDIT, path, name="P", text=text, do="replay").text
        return "" if "data-again" in page else page

    found: str = wait_until(look)
    return found


def test_recorded_sends_are_asked_again(sesame: SesameProcess, owner: Person, tenant: Tenant) -> None:
    delegate = sesame.create_account()
    theirs = sesame.client("ses", delegate)
    put(tenant, "P", allow(tenant, {"AWS": delegate.account_id}, "A"))
    for source in ("news-1@example.com", "ceo@example.com", "ceo@example.com"):
        send(theirs, tenant, source)
    narrow = document(allow(tenant, {"AWS": delegate.account_id}, "A", Condition=NEWS))
    path = f"{HERE}/policies/P"
    page = words(replayed(owner, path, narrow))
    assert "3 recorded sends as example.com asked again: 2 would be decided differently" in page
    assert "refused" in page.partition("Because")[2]
    page = words(replayed(owner, path, stored(tenant)["P"]))
    assert "none would be decided differently" in page


def test_saving_takes_the_leave_to_save(sesame: SesameProcess, tenant: Tenant) -> None:
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "A"))
    before = stored(tenant)
    make_user(tenant, actions='["ses:GetEmailIdentityPolicies", "ses:ListEmailIdentities"]')
    person, _ = log_in_user(sesame, tenant, PASSWORD)
    path = f"{HERE}/policies/P"
    text = document(allow(tenant, {"AWS": "333333333333"}, "B"))
    answer = fill(person, SAVE, path, name="P", text=text)
    assert answer.status_code == 403
    assert "ses:UpdateEmailIdentityPolicy" in answer.text
    answer = fill(person, SAVE, LEND, name="Q", text=text, is_new="1")
    assert "ses:CreateEmailIdentityPolicy" in answer.text
    answer = person.send(f"{path}/remove", page=f"{path}/remove", begun=begun(person.get(path).text))
    assert "ses:DeleteEmailIdentityPolicy" in answer.text
    assert stored(tenant) == before


@pytest.mark.parametrize("path", [f"{HERE}/senders", LEND, f"{HERE}/policies/P", f"{HERE}/policies/P/remove",
                                  f"{HERE}/stop?principal=222222222222"])  # fmt: skip
def test_reading_takes_the_leave_to_read_policies(sesame: SesameProcess, tenant: Tenant, path: str) -> None:
    put(tenant, "P", allow(tenant, {"AWS": "222222222222"}, "Canary"))
    make_user(tenant, actions='["ses:ListEmailIdentities", "ses:GetEmailIdentity"]')
    person, _ = log_in_user(sesame, tenant, PASSWORD)
    answer = person.get(path)
    assert answer.status_code == 403
    assert "ses:GetEmailIdentityPolicies" in answer.text
    assert "Canary" not in answer.text
    only = '["ses:GetEmailIdentityPolicies"]'
    tenant.iam.put_user_policy(UserName="anna", PolicyName="p", PolicyDocument=ALLOW % only)
    assert person.get(path).status_code == 200
    deny = '[{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": %s, "Resource": "*"}]'
    tenant.iam.put_user_policy(
        UserName="anna",
        PolicyName="p",
        PolicyDocument=f'{{"Version": "2012-10-17", "Statement": {deny % only}}}',
    )
    assert person.get(path).status_code == 403, "with the next click"


ALLOW = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": %s, "Resource": "*"}]}'


def test_what_is_not_seen_is_shown_and_means_the_same(owner: Person, tenant: Tenant) -> None:
    tricky = {"StringEquals": {"ses:FromDisplayName": "\u202eevil\u200b"}}
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [allow(tenant, {"AWS": "222222222222"}, "A", Condition=tricky)],
        },
        ensure_ascii=False,
    )
    tenant.ses.put_identity_policy(Identity="example.com", PolicyName="P", Policy=text)
    page = owner.get(f"{HERE}/policies/P").text
    assert "\u202e" not in page
    assert "\u200b" not in page
    assert json.loads(text_of(page)) == json.loads(text)


def test_another_accounts_policies_and_versions_are_not_there(sesame: SesameProcess, tenant: Tenant) -> None:
    put(tenant, "Canary", allow(tenant, {"AWS": "222222222222"}, "A"))
    stranger = root_of(sesame, sesame.create_account().account_id)
    for path in ("senders", "lend", "policies/Canary", "policies/Canary/remove", "policies/Canary?version=1"):
        answer = stranger.get(f"{HERE}/{path}")
        assert answer.status_code in (400, 404), path
        assert "222222222222" not in answer.text


def test_a_refusal_leads_to_the_smallest_edit(sesame: SesameProcess, owner: Person, tenant: Tenant) -> None:
    put(tenant, "Lent", allow(tenant, {"AWS": "222222222222"}, "A"))
    delegate = sesame.create_account()
    with pytest.raises(ClientError) as refused:
        send(sesame.client("ses", delegate), tenant, "ceo@example.com")
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    refusal = owner.get(f"/{REGION}/refusals/{request_id}").text
    [link] = re.findall(r'href="([^"]+/lend\?refusal=[^"]+)"', refusal)
    page = owner.get(link).text
    [statement] = json.loads(text_of(page))["Statement"]
    assert statement["Principal"] == {"AWS": delegate.account_id}
    assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": "ceo@example.com"}}
    assert f"Account {delegate.account_id} can send, for example as ceo@example.com" in words(page)
    fill(owner, SAVE, link, name="Lent-2", is_new="1", text=text_of(page))
    send(sesame.client("ses", delegate), tenant, "ceo@example.com")
    theirs = root_of(sesame, delegate.account_id)
    assert "lend?refusal" not in theirs.get(f"/{REGION}/refusals/{request_id}").text
    assert theirs.get(link).status_code in (400, 404)


@pytest.mark.parametrize("chosen", ["*@example.com", "?eo@example.com", "a${b}@example.com"])
def test_an_address_that_would_be_a_pattern_is_not_filled_in_for_the_owner(
    sesame: SesameProcess, owner: Person, tenant: Tenant, chosen: str
) -> None:
    """Whoever is refused has chosen it: one click of the owner's would let in every address."""
    put(tenant, "Lent", allow(tenant, {"AWS": "222222222222"}, "A"))
    delegate = sesame.create_account()
    with pytest.raises(ClientError) as refused:
        send(sesame.client("ses", delegate), tenant, chosen)
    request_id = refused.value.response["ResponseMetadata"]["RequestId"]
    page = owner.get(f"{HERE}/lend?refusal={request_id}").text
    assert f'"{chosen}"' not in text_of(page)
    assert delegate.account_id not in text_of(page)


def test_what_would_have_been_does_not_tell_the_senders_own_policies(
    sesame: SesameProcess, owner: Person, tenant: Tenant
) -> None:
    """I9: a replay names who sent, From and outcome; of the sender's IAM policies, recipients and tags nothing."""
    delegate = sesame.create_account()
    iam = sesame.client("iam", delegate)
    iam.create_user(UserName="robot")
    statement = {
        "Sid": "sendercanary",
        "Effect": "Allow",
        "Action": "ses:*",
        "Resource": "*",
        "Condition": {"StringLike": {"ses:FromAddress": ["*sendercanary*", "*"]}},
    }
    iam.put_user_policy(UserName="robot", PolicyName="sendercanary", PolicyDocument=document(statement))
    key = iam.create_access_key(UserName="robot")["AccessKey"]
    robot = sesame.client("ses", Account("", key["AccessKeyId"], key["SecretAccessKey"]))
    put(tenant, "P", allow(tenant, {"AWS": delegate.account_id}, "A"))
    robot.send_email(
        Source="ceo@example.com",
        SourceArn=tenant.arn,
        Destination={"ToAddresses": ["sendercanary@example.net"]},
        Message={"Subject": {"Data": "sendercanary"}, "Body": {"Text": {"Data": "b"}}},
        Tags=[{"Name": "sendercanary", "Value": "sendercanary"}],
    )
    narrow = document(allow(tenant, {"AWS": delegate.account_id}, "A", Condition=NEWS))
    page = replayed(owner, f"{HERE}/policies/P", narrow)
    assert "1 would be decided differently" in words(page)
    assert f"arn:aws:iam::{delegate.account_id}:user/robot" in page
    assert "sendercanary" not in page
