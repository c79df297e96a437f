"""Reading a page takes the permission that AWS asks for the same: without it the page says which it is."""

import json
import re

import pytest

from sesame.console.pages import (
    changes,
    counted,
    home,
    limits,
    notifications,
    people,
    regions,
    reputation,
    sends,
    sets,
    signing,
    suppression,
    templates,
)
from tests.support.browser import Person, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

READ = [
    page
    for module in (
        changes,
        counted,
        home,
        limits,
        notifications,
        people,
        regions,
        reputation,
        sends,
        sets,
        signing,
        suppression,
        templates,
    )
    for page in module.PAGES
    if page.method == "GET"
]
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
}
_SET, _USER = "configuration-sets/news", "people/users/anna"
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
    ("people/users", {"name": "more"}),
    ("people/groups", {"name": "more"}),
    (f"{_USER}/keys", {}),
    (f"{_USER}/keys/change", {"key": "AKIA0000000000000000", "do": "disable"}),
    (f"{_USER}/policies", {"policy": "arn:aws:iam::aws:policy/AmazonSESFullAccess", "do": "attach"}),
    (f"{_USER}/groups", {"group": "all", "do": "add"}),
    (f"{_USER}/delete", {"name": "anna"}),
    ("people/groups/all/policies", {"policy": "arn:aws:iam::aws:policy/AmazonSESFullAccess", "do": "attach"}),
)


@pytest.fixture(autouse=True)
def there(sesame: SesameProcess, tenant: Tenant) -> None:
    """What the pages are about."""
    v2 = sesame.client("sesv2", tenant.account)
    v2.create_configuration_set(ConfigurationSetName="news")
    v2.create_email_template(TemplateName="hello", TemplateContent={"Subject": "s", "Html": "<p>h</p>"})
    tenant.iam.create_user(UserName="anna")
    tenant.iam.create_group(GroupName="all")
    tenant.iam.create_role(RoleName="some", AssumeRolePolicyDocument=TRUST)


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
    assert person.get(f"{HERE}/{path}").status_code == 200
    others = [other for other, needed in LEAVES.items() if not set(needed) & set(LEAVES[path])]
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


def test_every_page_of_an_account_has_its_permission_here() -> None:
    """A page that comes to be is held to this test too."""
    asked = {re.sub(r"/\{region\}/", "", page.path) for page in READ}
    known = {
        re.sub(r"(?<=/)(news|hello|example\.com|anna|all|some)(?=/|$)", "{name}", path) for path in LEAVES
    }
    assert asked - known == set()


def test_the_operator_who_looks_reads_these_pages_and_changes_nothing(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    from tests.support.browser import operator

    person = operator(sesame)
    person.send("/operator/look", page="/operator", account=tenant.account.account_id)
    for path in LEAVES:
        assert person.get(f"{HERE}/{path}").status_code == 200, path
    for path, fields in FORMS:
        assert person.send(f"{HERE}/{path}", page=f"{HERE}/account", **fields).status_code == 403, path
