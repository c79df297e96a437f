"""Reading a page takes the permission that AWS asks for the same: without it the page says which it is."""

import asyncio
import json
import re
from collections.abc import Iterable

import pytest

from sesame.config import load
from sesame.console.app import pages
from sesame.console.visit import Page
from tests.support.browser import Person, main_of, words
from tests.support.console_in_process import console_over
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

LENT_TO = "111111111111"
PASSWORD = "Correct-horse-1"
HERE = f"/{REGION}"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
LEAVES = {
    "home": ("ses:GetAccount",),
    "regions": ("ses:ListEmailIdentities",),
    "configuration-sets": ("ses:ListConfigurationSets",),
    "configuration-sets/news": (
        "ses:GetConfigurationSet",
        "ses:GetConfigurationSetEventDestinations",
    ),
    "templates": ("ses:ListEmailTemplates",),
    "templates/new": ("ses:CreateEmailTemplate",),
    "templates/hello": ("ses:GetEmailTemplate",),
    "templates/hello/edit": ("ses:GetEmailTemplate",),
    "templates/hello/html": ("ses:TestRenderEmailTemplate",),
    "identities/example.com/notifications": ("ses:GetIdentityNotificationAttributes",),
    "identities/example.com/sends": ("ses:GetMessageInsights",),
    "identities/example.com/signing": ("ses:GetEmailIdentity",),
    "people": ("iam:ListUsers",),
    "people/users/anna": ("iam:GetUser",),
    "people/groups/all": ("iam:GetGroup",),
    "people/roles/some": ("iam:GetRole",),
    "suppression": ("ses:ListSuppressedDestinations",),
    "reputation": ("ses:GetSendStatistics",),
    "reputation/counted": ("ses:GetMessageInsights",),
    "account": ("ses:GetAccount",),
    "changes": ("cloudtrail:LookupEvents",),
    "changes/1": ("cloudtrail:LookupEvents",),
    "changes/1/raw": ("cloudtrail:LookupEvents",),
    "identities": ("ses:ListEmailIdentities",),
    "identities/new": ("ses:CreateEmailIdentity",),
    "identities/example.com": ("ses:GetEmailIdentity",),
    "identities/example.com/zone": ("ses:GetEmailIdentity",),
    "identities/example.com/delete": ("ses:GetEmailIdentity",),
    "identities/example.com/lend": ("ses:GetEmailIdentityPolicies",),
    "identities/example.com/policies/lent": ("ses:GetEmailIdentityPolicies",),
    "identities/example.com/policies/lent/remove": ("ses:GetEmailIdentityPolicies",),
    "identities/example.com/senders": ("ses:GetEmailIdentityPolicies",),
    f"identities/example.com/stop?principal={LENT_TO}": ("ses:GetEmailIdentityPolicies",),
    "identities/example.com/cases": ("sesame:ListIdentityPolicyTests", "sesame:RunIdentityPolicyTests"),
    "identities/example.com/bounds": ("sesame:PutDelegateBounds",),
    "identities/example.com/shares": ("sesame:ListShareLinks",),
    f"identities/example.com/kit?for={LENT_TO}": ("ses:GetEmailIdentityPolicies",),
    f"identities/example.com/kit/text?for={LENT_TO}": ("ses:GetEmailIdentityPolicies",),
    "export/messages.csv": ("ses:CreateExportJob", "ses:GetMessageInsights"),
    "export/changes.csv": ("ses:CreateExportJob", "cloudtrail:LookupEvents"),
    "lent": ("ses:GetMessageInsights",),
    "messages": ("ses:GetMessageInsights",),
    "messages/none": ("ses:GetMessageInsights",),
    "refusals/none": ("ses:GetMessageInsights",),
    "links": ("sesame:ListStoppedLinks",),
}
ALSO = {"identities/example.com/delete": ("ses:GetEmailIdentityPolicies",)}
"""What opens a page too: this one shows of what goes with an identity the half that its reader may know."""
NOT_THERE = ("messages/none", "refusals/none")
"""What whoever has the permission reads of: that there is none."""
OPEN = ("send", "ask", "search", "programs", "programs/authority/text")
"""Pages that every user opens: forms whose answer takes the permission, and what is the server's and no account's."""
_SET, _USER = "configuration-sets/news", "people/users/anna"
_ONE = "identities/example.com"
_ASKED = {"door": "v2", "from": "a@example.com", "to": "b@example.org"}
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("suppression", {"addresses": "a@b.example", "reason": "BOUNCE"}),
    ("suppression/remove", {"address": "a@b.example"}),
    ("suppression/reasons", {}),
    ("account", {"kind": "MARKETING", "website": "https://a.example"}),
    ("account/sending", {"enabled": "no"}),
    ("configuration-sets", {"name": "more"}),
    (f"{_SET}/sending", {"enabled": "no"}),
    (f"{_SET}/delivery", {"tls": "on"}),
    (f"{_SET}/suppression", {}),
    (f"{_SET}/destinations", {"destination": "d", "topic": "arn:aws:sns:us-east-1:1:x", "BOUNCE": "on"}),
    (f"{_SET}/webhooks", {"destination": "d", "url": "https://x.example/", "BOUNCE": "on"}),
    (f"{_SET}/webhooks/secret", {"destination": "d"}),
    (f"{_SET}/destinations/change", {"destination": "d", "do": "remove"}),
    (f"{_SET}/delete", {"name": "news"}),
    ("templates/new", {"name": "more", "subject": "s", "text": "t"}),
    ("templates/hello/edit", {"subject": "s", "text": "t"}),
    ("templates/hello/delete", {}),
    ("identities/example.com/notifications/topics", {"topic-Bounce": "arn:aws:sns:us-east-1:1:x"}),
    ("identities/example.com/signing/switch", {"enabled": "no"}),
    ("identities/example.com/signing/key", {"origin": "easy", "length": "1024"}),
    ("identities/example.com/signing/mail-from", {"domain": "b.example.com"}),
    ("identities/example.com/notifications/forwarding", {"enabled": "yes"}),
    ("identities/example.com/notifications/test", {"kind": "Bounce"}),
    ("people/users", {"name": "more"}),
    ("people/groups", {"name": "more"}),
    (f"{_USER}/keys", {}),
    (f"{_USER}/keys/change", {"key": "AKIA0000000000000000", "do": "disable"}),
    (f"{_USER}/policies", {"policy": "arn:aws:iam::aws:policy/AmazonSESFullAccess", "do": "attach"}),
    (f"{_USER}/groups", {"group": "all", "do": "add"}),
    (f"{_USER}/password", {"password": "Correct-horse-1", "again": "Correct-horse-1", "must_change": "on"}),
    (f"{_USER}/password/change", {"must_change": "yes"}),
    (f"{_USER}/password/delete", {}),
    (f"{_USER}/delete", {"name": "anna"}),
    ("people/groups/all/policies", {"policy": "arn:aws:iam::aws:policy/AmazonSESFullAccess", "do": "attach"}),
    ("identities/new", {"name": "more.example"}),
    (f"{_ONE}/check", {}),
    (f"{_ONE}/delete", {"name": "example.com"}),
    (f"{_ONE}/edit", {"text": "{}"}),
    (f"{_ONE}/save", {"text": "{}", "name": "more"}),
    (f"{_ONE}/policies/lent/undo", {}),
    (f"{_ONE}/policies/lent/remove", {"name": "lent"}),
    (f"{_ONE}/stop", {"principal": LENT_TO}),
    (f"{_ONE}/cases", {"who": LENT_TO, "from": "a@example.com"}),
    (f"{_ONE}/cases/remove", {"case": "1"}),
    (f"{_ONE}/bounds", {"delegate": LENT_TO}),
    (f"{_ONE}/shares", {"kind": "records"}),
    (f"{_ONE}/shares/end", {"id": "1"}),
    ("send", {"from": "a@example.com", "to": "b@example.org", "subject": "s", "text": "t"}),
    ("ask/keep", {"identity": "example.com", "called": "c", "who": LENT_TO, **_ASKED}),
    ("messages/none/cancel", {}),
    ("links", {"message": "none"}),
    ("links/resume", {"message": "none"}),
    ("programs/keys", {"user": "anna"}),
    ("programs/keys/change", {"user": "anna", "key": "AKIA0000000000000000", "do": "disable"}),
    ("programs/smtp", {"name": "more"}),
)
ANYBODYS_FORMS = ("programs/smtp/test",)
"""What whoever has the credential may try: it tells no more than the SMTP door does."""


@pytest.fixture(autouse=True)
def there(sesame: SesameProcess, tenant: Tenant) -> None:
    """What the pages are about."""
    v2 = sesame.client("sesv2", tenant.account)
    v2.create_configuration_set(ConfigurationSetName="news")
    v2.create_email_template(TemplateName="hello", TemplateContent={"Subject": "s", "Html": "<p>h</p>"})
    tenant.iam.create_user(UserName="anna")
    tenant.iam.create_group(GroupName="all")
    tenant.iam.create_role(RoleName="some", AssumeRolePolicyDocument=TRUST)
    lent = {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": {"AWS": LENT_TO},
        "Action": "ses:SendEmail",
        "Resource": tenant.arn,
    }
    tenant.ses.put_identity_policy(
        Identity="example.com",
        PolicyName="lent",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [lent]}),
    )


@pytest.fixture(scope="module")
def app_pages(tmp_path_factory: pytest.TempPathFactory) -> list[Page]:
    """All that the app serves of an account in a region."""

    async def session() -> list[Page]:
        flags = {"data": str(tmp_path_factory.mktemp("pages") / "data"), "mailbox.enabled": True}
        async with console_over(load(None, environ={}, flags=flags)) as opened:
            return [page for page in pages(opened.backing) if page.path.startswith("/{region}/")]

    return asyncio.run(session())


def person_with(sesame: SesameProcess, tenant: Tenant, *actions: str, deny: str = "") -> Person:
    """A user logged in by password, who may do these actions and nothing else."""
    name = f"user{len(tenant.iam.list_users()['Users'])}"
    tenant.iam.create_user(UserName=name)
    statements = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}] if actions else []
    if deny:
        statements.append({"Effect": "Deny", "Action": [deny], "Resource": "*"})
    if statements:
        tenant.iam.put_user_policy(
            UserName=name,
            PolicyName="p",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
    tenant.iam.create_login_profile(UserName=name, Password=PASSWORD)
    person = Person(sesame.console)
    person.send("/login", account=tenant.account.account_id, user=name, password=PASSWORD)
    return person


@pytest.fixture
def nobody(sesame: SesameProcess, tenant: Tenant) -> Person:
    return person_with(sesame, tenant)


def test_without_the_permission_a_page_names_it_and_shows_nothing(nobody: Person) -> None:
    for path, actions in LEAVES.items():
        answer = nobody.get(f"{HERE}/{path}")
        assert answer.status_code == 403, path
        assert f"It needs {actions[0]}" in words(answer.text), path


@pytest.mark.parametrize("path", LEAVES)
def test_the_permission_alone_opens_the_page(sesame: SesameProcess, tenant: Tenant, path: str) -> None:
    person = person_with(sesame, tenant, *LEAVES[path])
    assert person.get(f"{HERE}/{path}").status_code == (404 if path in NOT_THERE else 200)
    others = [
        other
        for other, needed in LEAVES.items()
        if not {*needed, *ALSO.get(other, ())} & {*LEAVES[path], *ALSO.get(path, ())}
    ]
    opened = [other for other in others if person.get(f"{HERE}/{other}").status_code != 403]
    assert opened == []


def test_an_explicit_deny_closes_a_page_that_everything_else_opens(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = person_with(sesame, tenant, "*", deny="ses:GetSendStatistics")
    assert person.get(f"{HERE}/reputation").status_code == 403
    assert person.get(f"{HERE}/suppression").status_code == 200


def test_a_permission_that_is_taken_away_counts_with_the_next_click(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = person_with(sesame, tenant, "ses:ListSuppressedDestinations")
    assert person.get(f"{HERE}/suppression").status_code == 200
    tenant.iam.delete_user_policy(UserName="user1", PolicyName="p")
    assert person.get(f"{HERE}/suppression").status_code == 403


def test_forms_need_the_permission_of_what_they_do(
    sesame: SesameProcess, tenant: Tenant, nobody: Person
) -> None:
    for path, fields in FORMS:
        answer = nobody.send(f"{HERE}/{path}", page="/me", **fields)
        assert answer.status_code == 403, path
    v2 = sesame.client("sesv2", tenant.account)
    assert v2.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
    assert v2.get_account()["SendingEnabled"] is True
    assert tenant.ses.list_identities()["Identities"] == ["example.com"]
    assert tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"] == ["lent"]
    assert [one["UserName"] for one in tenant.iam.list_users()["Users"]] == ["anna", "user1"]


def left_out(app_pages: list[Page], method: str, known: Iterable[str]) -> list[str]:
    """Which of the app's pages none of the paths leads to; the first page that fits a path is the one it leads to."""
    routes = {
        page.path: re.compile(re.sub(r"\{\w+\}", "[^/]+", page.path))
        for page in app_pages
        if page.method == method
    }
    led_to = set()
    for path in known:
        asked = f"{HERE}/{path}".partition("?")[0]
        fitting = [route for route, form in routes.items() if form.fullmatch(asked)]
        assert fitting, path
        led_to.add(fitting[0])
    return [route for route in routes if route not in led_to]


def test_every_page_of_an_account_has_its_permission_here(app_pages: list[Page]) -> None:
    """A page that comes to be is held to this test too, in whichever module it is."""
    assert left_out(app_pages, "GET", [*LEAVES, *OPEN]) == []


def test_every_form_of_an_account_is_tried_without_permission_here(app_pages: list[Page]) -> None:
    assert left_out(app_pages, "POST", [path for path, _ in FORMS] + list(ANYBODYS_FORMS)) == []


def test_pages_of_an_account_ask_who_is_there(app_pages: list[Page]) -> None:
    """None is for whoever comes, nor for an operator who works in no account."""
    assert [page.path for page in app_pages if page.who != "person"] == []


def test_pages_that_every_user_opens_show_nothing_of_the_account(nobody: Person) -> None:
    for path in OPEN:
        answer = nobody.get(f"{HERE}/{path}")
        assert answer.status_code == 200, path
        shown = [name for name in ("anna", LENT_TO, "hello") if name in main_of(answer)]
        assert shown == [], path


def test_the_operator_who_looks_reads_these_pages_and_changes_nothing(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    from tests.support.browser import operator

    person = operator(sesame)
    person.send("/operator/look", page="/operator", account=tenant.account.account_id)
    for path in LEAVES:
        assert person.get(f"{HERE}/{path}").status_code == (404 if path in NOT_THERE else 200), path
    for path, fields in FORMS:
        assert person.send(f"{HERE}/{path}", page=f"{HERE}/account", **fields).status_code == 403, path
