"""Condition keys of management calls by boto3: policies on what is attached, on tags, on tags that are given."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.documents import document
from tests.support.process import REGION, Account, SesameProcess

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
READER = "arn:aws:iam::aws:policy/AmazonSESReadOnlyAccess"
TEAM = [{"Key": "team", "Value": "red"}]
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"}],
    }
)
CONTENT = {"Subject": "s", "Text": "t"}
CUSTOM = {
    "FromEmailAddress": "news@{domain}",
    "TemplateSubject": "s",
    "TemplateContent": "<p>c</p>",
    "SuccessRedirectionURL": "https://example.com/yes",
    "FailureRedirectionURL": "https://example.com/no",
}


def allow(actions: str | list[str], **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def deny(actions: str | list[str], **condition: Any) -> dict[str, Any]:
    return {**allow(actions, **condition), "Effect": "Deny"}


def code(call: Callable[..., Any], **parameters: Any) -> str:
    """The code of a refusal, or "ok"."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


REFUSED = ("AccessDenied", "AccessDeniedException", "AuthorizationError")


@dataclass
class Company:
    """An account with a verified domain, its root's clients and those of a user `helpdesk`."""

    sesame: SesameProcess
    root: Account

    def __post_init__(self) -> None:
        self.domain = f"{self.root.account_id}.test"
        self.identity = self.sesame.vouch(self.root, self.domain)
        self.iam, self.ses, self.sns, self.v1 = self.clients(self.root)
        self.iam.create_user(UserName="helpdesk")
        key = self.iam.create_access_key(UserName="helpdesk")["AccessKey"]
        self.user = Account(self.root.account_id, key["AccessKeyId"], key["SecretAccessKey"])

    def clients(self, account: Account) -> tuple[Any, Any, Any, Any]:
        names = ("iam", "sesv2", "sns", "ses")
        return tuple(self.sesame.client(name, account) for name in names)

    def may(self, *statements: dict[str, Any]) -> None:
        """Give the user this policy and no other."""
        self.iam.put_user_policy(UserName="helpdesk", PolicyName="p", PolicyDocument=document(*statements))

    def arn(self, service: str, resource: str, region: str = REGION) -> str:
        return f"arn:aws:{service}:{region}:{self.root.account_id}:{resource}"


@pytest.fixture
def company(sesame: SesameProcess) -> Company:
    return Company(sesame, sesame.create_account())


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_a_helpdesk_that_may_attach_all_but_admin_makes_nobody_admin(company: Company, kind: str) -> None:
    company.iam.create_group(GroupName="g")
    company.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    company.may(allow("iam:*"), deny("iam:Attach*", ArnEquals={"iam:PolicyARN": ADMIN}))
    iam = company.clients(company.user)[0]
    attach = getattr(iam, f"attach_{kind}_policy")
    whom = {f"{kind.title()}Name": {"user": "helpdesk", "group": "g", "role": "r"}[kind]}
    assert code(attach, PolicyArn=ADMIN, **whom) == "AccessDenied"
    assert code(attach, PolicyArn=READER, **whom) == "ok"


@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_what_may_be_attached_and_detached_can_be_allowed_by_name(company: Company, kind: str) -> None:
    company.iam.create_group(GroupName="g")
    company.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    company.may(
        allow(
            ["iam:Attach*", "iam:Detach*"],
            ArnLike={"iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSESRead*"},
        )
    )
    iam = company.clients(company.user)[0]
    whom = {f"{kind.title()}Name": {"user": "helpdesk", "group": "g", "role": "r"}[kind]}
    for verb in ("attach", "detach"):
        call = getattr(iam, f"{verb}_{kind}_policy")
        assert code(call, PolicyArn=ADMIN, **whom) == "AccessDenied"
        assert code(call, PolicyArn=READER, **whom) == "ok"


def test_what_is_no_arn_cannot_be_attached(company: Company) -> None:
    assert code(company.iam.attach_user_policy, UserName="helpdesk", PolicyArn="x" * 20) == "ValidationError"
    assert code(company.iam.detach_user_policy, UserName="helpdesk", PolicyArn="x" * 20) == "ValidationError"


Call = tuple[str, str, dict[str, Any]]


def tagged(company: Company) -> dict[str, tuple[Any, Callable[[Any], Callable[..., Any]], dict[str, Any]]]:
    """Things with the tag team=red, by action: which client, which call on it and its parameters."""
    iam, ses, sns = company.iam, company.ses, company.sns
    iam.create_user(UserName="u", Tags=TEAM)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=TEAM)
    iam.create_policy(PolicyName="p", PolicyDocument=POLICY, Tags=TEAM)
    ses.create_email_identity(EmailIdentity="x.test", Tags=TEAM)
    ses.create_configuration_set(ConfigurationSetName="c", Tags=TEAM)
    ses.create_email_template(TemplateName="t", TemplateContent=CONTENT, Tags=TEAM)
    custom = {key: value.format(domain=company.domain) for key, value in CUSTOM.items()}
    ses.create_custom_verification_email_template(TemplateName="v", Tags=TEAM, **custom)
    sns.create_topic(Name="s", Tags=TEAM)
    topic = company.arn("sns", "s")
    set_arn = company.arn("ses", "configuration-set/c")
    return {
        "iam:GetUser": (0, lambda c: c.get_user, {"UserName": "u"}),
        "iam:ListUserTags": (0, lambda c: c.list_user_tags, {"UserName": "u"}),
        "iam:ListMFADevices": (0, lambda c: c.list_mfa_devices, {"UserName": "u"}),
        "iam:UntagUser": (0, lambda c: c.untag_user, {"UserName": "u", "TagKeys": ["other"]}),
        "iam:ListGroupsForUser": (0, lambda c: c.list_groups_for_user, {"UserName": "u"}),
        "iam:GetRole": (0, lambda c: c.get_role, {"RoleName": "r"}),
        "iam:ListRolePolicies": (0, lambda c: c.list_role_policies, {"RoleName": "r"}),
        "iam:AttachRolePolicy": (
            0,
            lambda c: c.attach_role_policy,
            {"RoleName": "r", "PolicyArn": READER},
        ),
        "iam:SimulatePrincipalPolicy": (
            0,
            lambda c: c.simulate_principal_policy,
            {"PolicySourceArn": company.arn("iam", "user/u", ""), "ActionNames": ["ses:GetAccount"]},
        ),
        "iam:GetPolicy": (0, lambda c: c.get_policy, {"PolicyArn": company.arn("iam", "policy/p", "")}),
        "iam:ListPolicyTags": (
            0,
            lambda c: c.list_policy_tags,
            {"PolicyArn": company.arn("iam", "policy/p", "")},
        ),
        "ses:GetEmailIdentity": (1, lambda c: c.get_email_identity, {"EmailIdentity": "x.test"}),
        "ses:GetConfigurationSet": (1, lambda c: c.get_configuration_set, {"ConfigurationSetName": "c"}),
        "ses:GetEmailTemplate": (1, lambda c: c.get_email_template, {"TemplateName": "t"}),
        "ses:GetCustomVerificationEmailTemplate": (
            1,
            lambda c: c.get_custom_verification_email_template,
            {"TemplateName": "v"},
        ),
        "ses:ListTagsForResource": (1, lambda c: c.list_tags_for_resource, {"ResourceArn": set_arn}),
        "sns:GetTopicAttributes": (2, lambda c: c.get_topic_attributes, {"TopicArn": topic}),
        "sns:ListTagsForResource": (2, lambda c: c.list_tags_for_resource, {"ResourceArn": topic}),
    }


def test_the_tags_of_a_resource_count_wherever_it_is_touched(company: Company) -> None:
    calls = tagged(company)
    clients = company.clients(company.user)
    for spelling in ("aws:ResourceTag/team", "aws:ResourceTag/TEAM"):
        company.may(allow("*"), deny("*", StringEquals={spelling: "red"}))
        denied = {name: code(pick(clients[at]), **given) for name, (at, pick, given) in calls.items()}
        assert {name: answer for name, answer in denied.items() if answer not in REFUSED} == {}
        company.may(allow("*", StringEquals={spelling: "red"}))
        allowed = {name: code(pick(clients[at]), **given) for name, (at, pick, given) in calls.items()}
        assert {name: answer for name, answer in allowed.items() if answer != "ok"} == {}
    company.may(allow("*", StringEquals={"aws:ResourceTag/team": "blue"}))
    others = {name: code(pick(clients[at]), **given) for name, (at, pick, given) in calls.items()}
    assert {name: answer for name, answer in others.items() if answer not in REFUSED} == {}


def test_iam_has_a_key_of_its_own_for_the_tags_of_users_and_roles(company: Company) -> None:
    calls = tagged(company)
    company.may(allow("*", StringEquals={"iam:ResourceTag/team": "red"}))
    clients = company.clients(company.user)
    allowed = {name for name, (at, pick, given) in calls.items() if code(pick(clients[at]), **given) == "ok"}
    assert allowed == {
        name for name in calls if name.startswith("iam:") and not name.endswith(("GetPolicy", "PolicyTags"))
    }


CREATIONS: dict[str, tuple[int, str, dict[str, Any], str]] = {
    "iam:CreateUser": (0, "create_user", {"UserName": "n"}, "iam:TagUser"),
    "iam:CreateRole": (0, "create_role", {"RoleName": "n", "AssumeRolePolicyDocument": TRUST}, "iam:TagRole"),
    "iam:CreatePolicy": (0, "create_policy", {"PolicyName": "n", "PolicyDocument": POLICY}, "iam:TagPolicy"),
    "ses:CreateEmailIdentity": (
        1,
        "create_email_identity",
        {"EmailIdentity": "n.test"},
        "ses:TagResource",
    ),
    "ses:CreateConfigurationSet": (
        1,
        "create_configuration_set",
        {"ConfigurationSetName": "n"},
        "ses:TagResource",
    ),
    "ses:CreateEmailTemplate": (
        1,
        "create_email_template",
        {"TemplateName": "n", "TemplateContent": CONTENT},
        "ses:TagResource",
    ),
    "ses:CreateCustomVerificationEmailTemplate": (
        1,
        "create_custom_verification_email_template",
        {"TemplateName": "n", **CUSTOM},
        "ses:TagResource",
    ),
    "sns:CreateTopic": (2, "create_topic", {"Name": "n"}, "sns:TagResource"),
}


def creation(company: Company, action: str) -> tuple[Callable[..., Any], str]:
    """The call that makes a thing, by the user, with what it needs beside tags."""
    at, method, given, tagging = CREATIONS[action]
    filled = {
        key: value.format(domain=company.domain) if key == "FromEmailAddress" else value
        for key, value in given.items()
    }
    client = company.clients(company.user)[at]

    def call(**tags: Any) -> Any:
        return getattr(client, method)(**filled, **tags)

    return call, tagging


@pytest.mark.parametrize("action", CREATIONS)
def test_tags_at_creation_need_the_permission_to_tag(company: Company, action: str) -> None:
    call, tagging = creation(company, action)
    company.may(allow(action))
    assert code(call, Tags=TEAM) in REFUSED
    company.may(allow(action), allow(tagging, StringEquals={"aws:RequestTag/team": "blue"}))
    assert code(call, Tags=TEAM) in REFUSED
    company.may(allow([action, tagging]))
    assert code(call, Tags=TEAM) == "ok"


@pytest.mark.parametrize("action", CREATIONS)
def test_without_tags_creation_needs_no_permission_to_tag(company: Company, action: str) -> None:
    call, _ = creation(company, action)
    company.may(allow(action))
    assert code(call) == "ok"


@pytest.mark.parametrize("action", CREATIONS)
def test_what_is_created_can_be_bound_to_the_tags_it_gets(company: Company, action: str) -> None:
    call, tagging = creation(company, action)
    company.may(allow([action, tagging], StringEquals={"aws:RequestTag/Team": "red"}))
    assert code(call) in REFUSED
    assert code(call, Tags=[{"Key": "team", "Value": "Red"}]) in REFUSED
    only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    company.may(allow([action, tagging], StringEquals={"aws:RequestTag/team": "red"}, **only))
    assert code(call, Tags=[*TEAM, {"Key": "cost", "Value": "1"}]) in REFUSED
    assert code(call, Tags=TEAM) == "ok"


def test_tags_put_on_and_taken_off_are_seen_by_policy(company: Company) -> None:
    tagged(company)
    iam, ses, sns, _ = company.clients(company.user)
    resource = company.arn("ses", "configuration-set/c")
    topic = company.arn("sns", "s")
    policy = company.arn("iam", "policy/p", "")
    company.may(allow("*"), deny("*", **{"ForAnyValue:StringEquals": {"aws:TagKeys": ["Team", "team"]}}))
    for key, expected in (("team", REFUSED), ("Team", REFUSED), ("TEAM", ("ok",)), ("cost", ("ok",))):
        tags = [{"Key": key, "Value": "x"}]
        answers = {
            code(iam.tag_user, UserName="u", Tags=tags),
            code(iam.tag_role, RoleName="r", Tags=tags),
            code(iam.tag_policy, PolicyArn=policy, Tags=tags),
            code(iam.untag_user, UserName="u", TagKeys=[key]),
            code(iam.untag_role, RoleName="r", TagKeys=[key]),
            code(iam.untag_policy, PolicyArn=policy, TagKeys=[key]),
            code(ses.tag_resource, ResourceArn=resource, Tags=tags),
            code(ses.untag_resource, ResourceArn=resource, TagKeys=[key]),
            code(sns.tag_resource, ResourceArn=topic, Tags=tags),
            code(sns.untag_resource, ResourceArn=topic, TagKeys=[key]),
        }
        assert answers <= set(expected), (key, answers)


def test_no_tag_key_begins_with_aws(company: Company) -> None:
    tagged(company)
    for key in ("aws:x", "AWS:cloudformation:stack"):
        tags = [{"Key": key, "Value": "x"}]
        company.may(allow("*"))
        refusals = {action: code(creation(company, action)[0], Tags=tags) for action in CREATIONS}
        refusals |= {
            "TagUser": code(company.iam.tag_user, UserName="u", Tags=tags),
            "TagRole": code(company.iam.tag_role, RoleName="r", Tags=tags),
            "TagPolicy": code(
                company.iam.tag_policy, PolicyArn=company.arn("iam", "policy/p", ""), Tags=tags
            ),
            "ses": code(
                company.ses.tag_resource, ResourceArn=company.arn("ses", "configuration-set/c"), Tags=tags
            ),
            "sns": code(company.sns.tag_resource, ResourceArn=company.arn("sns", "s"), Tags=tags),
        }
        wanted = {"InvalidInput", "BadRequestException", "InvalidParameter"}
        assert {name: answer for name, answer in refusals.items() if answer not in wanted} == {}


def test_a_topic_made_again_has_the_tags_it_had_or_is_refused(company: Company) -> None:
    sns = company.sns
    arn = sns.create_topic(Name="s", Tags=TEAM)["TopicArn"]
    assert sns.create_topic(Name="s")["TopicArn"] == sns.create_topic(Name="s", Tags=TEAM)["TopicArn"] == arn
    assert code(sns.create_topic, Name="s", Tags=[{"Key": "team", "Value": "blue"}]) == "InvalidParameter"
    twice = [*TEAM, {"Key": "team", "Value": "blue"}]
    assert code(sns.tag_resource, ResourceArn=arn, Tags=twice) == "InvalidParameter"
    assert code(sns.create_topic, Name="new", Tags=twice) == "InvalidParameter"


def test_tags_that_differ_in_case_only_never_help_to_allow(company: Company) -> None:
    company.ses.create_configuration_set(
        ConfigurationSetName="c", Tags=[{"Key": "Team", "Value": "red"}, {"Key": "team", "Value": "blue"}]
    )
    ses = company.clients(company.user)[1]
    for value in ("red", "blue"):
        company.may(allow("*"), deny("*", StringEquals={"aws:ResourceTag/team": value}))
        assert code(ses.get_configuration_set, ConfigurationSetName="c") in REFUSED
        company.may(allow("*", StringEquals={"aws:ResourceTag/team": value}))
        assert code(ses.get_configuration_set, ConfigurationSetName="c") in REFUSED


def send(client: Any, company: Company, **more: Any) -> str:
    return code(
        client.send_email,
        FromEmailAddress=f"news@{company.domain}",
        Destination={"ToAddresses": ["reader@elsewhere.test"]},
        Content=more.pop("content", {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}),
        **more,
    )


def test_a_send_is_decided_on_the_tags_of_all_that_it_uses_as_they_are_now(company: Company) -> None:
    tagged(company)
    ses = company.clients(company.user)[1]
    company.may(allow("*"), deny("ses:Send*", StringEquals={"aws:ResourceTag/team": "red"}))
    template = {"Template": {"TemplateName": "t", "TemplateData": "{}"}}
    assert send(ses, company) == "ok"
    assert send(ses, company, ConfigurationSetName="c") in REFUSED
    assert send(ses, company, content=template) in REFUSED
    company.ses.tag_resource(ResourceArn=company.identity, Tags=TEAM)
    assert send(ses, company) in REFUSED
    company.ses.untag_resource(ResourceArn=company.identity, TagKeys=["team"])
    company.ses.untag_resource(ResourceArn=company.arn("ses", "configuration-set/c"), TagKeys=["team"])
    company.ses.untag_resource(ResourceArn=company.arn("ses", "template/t"), TagKeys=["team"])
    assert send(ses, company, ConfigurationSetName="c", content=template) == "ok"


def test_an_identity_policy_may_ask_for_the_identitys_own_tags(
    company: Company, sesame: SesameProcess
) -> None:
    delegate = sesame.create_account()
    client = sesame.client("sesv2", delegate)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": delegate.account_id},
        "Action": "ses:SendEmail",
        "Resource": company.identity,
        "Condition": {"StringEquals": {"aws:ResourceTag/lent": "yes"}},
    }
    company.ses.create_email_identity_policy(
        EmailIdentity=company.domain, PolicyName="p", Policy=document(statement)
    )
    lent = {"FromEmailAddressIdentityArn": company.identity}
    assert send(client, company, **lent) in REFUSED
    company.ses.tag_resource(ResourceArn=company.identity, Tags=[{"Key": "lent", "Value": "yes"}])
    assert send(client, company, **lent) == "ok"
    company.ses.tag_resource(ResourceArn=company.identity, Tags=[{"Key": "lent", "Value": "no"}])
    assert send(client, company, **lent) in REFUSED


@pytest.mark.parametrize("key", ["aws:ResourceTag/team", "iam:ResourceTag/team"])
def test_the_tags_of_a_role_decide_who_may_assume_it(company: Company, key: str) -> None:
    company.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=TEAM)
    sts = company.sesame.client("sts", company.user)
    assume = {"RoleArn": company.arn("iam", "role/r", ""), "RoleSessionName": "ss"}
    company.may(allow("*"), deny("sts:*", StringEquals={key: "red"}))
    assert code(sts.assume_role, **assume) == "AccessDenied"
    company.may(allow("*"), deny("sts:*", StringEquals={key: "blue"}))
    assert code(sts.assume_role, **assume) == "ok"


def test_a_key_that_is_not_understood_denies_and_does_not_allow_and_is_logged(company: Company) -> None:
    ses = company.clients(company.user)[1]
    for key in (
        "ses:ClickTrackingEnabled",
        "ses:ConfigurationSetOptions",
        "iam:Unheard",
        "sns:Of",
        "aws:New",
    ):
        for operator in (
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIfExists",
            "ForAllValues:StringLike",
        ):
            company.may(allow("*", **{operator: {key: "x"}}))
            assert code(ses.get_account) in REFUSED, (key, operator)
            company.may(allow("*"), deny("*", **{operator: {key: "x"}}))
            assert code(ses.get_account) in REFUSED, (key, operator)
    company.may(allow("*"), deny("*", StringEquals={"sns:Protocol": "http"}))
    assert code(ses.get_account) == "ok", "a key of actions that are not served is absent"
    log = company.sesame.log_path.read_text()
    assert f"{company.root.account_id}" in log and "ses:ClickTrackingEnabled is not understood here" in log


def test_the_account_of_a_resource_is_seen_by_management_calls(company: Company) -> None:
    ses = company.clients(company.user)[1]
    own = company.root.account_id
    company.may(allow("*", StringEquals={"aws:ResourceAccount": own}))
    assert code(ses.get_email_identity, EmailIdentity=company.domain) == "ok"
    company.may(allow("*"), deny("*", StringEquals={"aws:ResourceAccount": own}))
    assert code(ses.get_email_identity, EmailIdentity=company.domain) in REFUSED
