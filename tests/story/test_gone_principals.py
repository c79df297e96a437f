"""Users and roles that a policy names and that are gone: shown by unique id; who has the name now gains nothing."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.process import Account, SesameProcess

TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Lent:
    """An owner's domain, lent to a user or role `bob` of another account."""

    sesame: SesameProcess
    kind: str

    def __post_init__(self) -> None:
        self.owner, self.delegate = self.sesame.create_account(), self.sesame.create_account()
        self.domain = f"{self.owner.account_id}.test"
        self.identity = self.sesame.vouch(self.owner, self.domain)
        self.v1, self.v2 = (self.sesame.client(name, self.owner) for name in ("ses", "sesv2"))
        self.iam = self.sesame.client("iam", self.delegate)
        self.arn = f"arn:aws:iam::{self.delegate.account_id}:{self.kind}/bob"

    def make_bob(self) -> tuple[str, Account]:
        """A new bob who may do all that his account may; his unique id and credentials."""
        if self.kind == "user":
            unique_id = self.iam.create_user(UserName="bob")["User"]["UserId"]
            self.iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=document(ALL))
            key = self.iam.create_access_key(UserName="bob")["AccessKey"]
            return unique_id, Account(self.delegate.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        role = self.iam.create_role(RoleName="bob", AssumeRolePolicyDocument=document(TRUST))["Role"]
        self.iam.put_role_policy(RoleName="bob", PolicyName="p", PolicyDocument=document(ALL))
        self.iam.create_user(UserName=f"opener-{role['RoleId']}")
        self.iam.put_user_policy(
            UserName=f"opener-{role['RoleId']}", PolicyName="p", PolicyDocument=document(ALL)
        )
        key = self.iam.create_access_key(UserName=f"opener-{role['RoleId']}")["AccessKey"]
        opener = Account(self.delegate.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        opened = self.sesame.client("sts", opener).assume_role(RoleArn=role["Arn"], RoleSessionName="bob")
        found = opened["Credentials"]
        return role["RoleId"], Account(
            self.delegate.account_id, found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        )

    def delete_bob(self) -> None:
        if self.kind == "user":
            for key in self.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]:
                self.iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
            self.iam.delete_user_policy(UserName="bob", PolicyName="p")
            self.iam.delete_user(UserName="bob")
        else:
            self.iam.delete_role_policy(RoleName="bob", PolicyName="p")
            self.iam.delete_role(RoleName="bob")

    def sends(self, bob: Account) -> bool:
        try:
            self.sesame.client("sesv2", bob).send_email(
                FromEmailAddress=f"a@{self.domain}",
                FromEmailAddressIdentityArn=self.identity,
                Destination={"ToAddresses": ["reader@elsewhere.test"]},
                Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
            )
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("AccessDeniedException", "BadRequestException")
            return False
        return True

    def shown(self) -> set[str]:
        """The policy as every operation shows it: one text."""
        v1 = self.v1.get_identity_policies(Identity=self.domain, PolicyNames=["p"])["Policies"]["p"]
        v2 = self.v2.get_email_identity_policies(EmailIdentity=self.domain)["Policies"]["p"]
        whole = self.v2.get_email_identity(EmailIdentity=self.domain)["Policies"]["p"]
        return {v1, v2, whole}


@pytest.mark.parametrize("kind", ["user", "role"])
@pytest.mark.parametrize("several", [False, True])
def test_a_policy_put_back_grants_nothing_to_a_namesake(
    sesame: SesameProcess, kind: str, several: bool
) -> None:
    lent = Lent(sesame, kind)
    old_id, old_bob = lent.make_bob()
    named = [lent.arn, "123456789012"] if several else lent.arn
    statement = {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "ses:SendEmail"}
    text = document({**statement, "Resource": lent.identity})
    lent.v1.put_identity_policy(Identity=lent.domain, PolicyName="p", Policy=text)
    assert lent.shown() == {text}
    assert lent.sends(old_bob)
    lent.delete_bob()
    gone = [old_id, "123456789012"] if several else old_id
    (read,) = lent.shown()
    assert json.loads(read)["Statement"][0]["Principal"] == {"AWS": gone}
    assert lent.arn not in read
    _, new_bob = lent.make_bob()
    assert lent.shown() == {read}
    assert not lent.sends(new_bob)
    lent.v1.put_identity_policy(Identity=lent.domain, PolicyName="p", Policy=read)
    assert lent.shown() == {read}
    assert not lent.sends(new_bob)
    lent.v2.update_email_identity_policy(EmailIdentity=lent.domain, PolicyName="p", Policy=text)
    assert lent.sends(new_bob)
    assert lent.shown() == {text}


def test_a_trust_policy_shows_who_is_gone_and_can_be_put_back(sesame: SesameProcess) -> None:
    iam = sesame.client("iam", sesame.create_account())
    user = iam.create_user(UserName="bob")["User"]
    text = document({**TRUST, "Principal": {"AWS": user["Arn"]}})
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=text)
    iam.delete_user(UserName="bob")
    read = iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]
    assert read["Statement"][0]["Principal"] == {"AWS": user["UserId"]}
    assert iam.list_roles()["Roles"][0]["AssumeRolePolicyDocument"] == read
    iam.create_user(UserName="bob")
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=json.dumps(read))
    assert iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == read


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_topics_policy_grants_nothing_to_a_namesake(sesame: SesameProcess, kind: str) -> None:
    lent = Lent(sesame, kind)
    sns = sesame.client("sns", lent.owner)
    old_id, old_bob = lent.make_bob()
    topic = "arn:aws:sns:us-east-1:" + lent.owner.account_id + ":t"
    statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    text = document({**statement, "Principal": {"AWS": lent.arn}})
    assert sns.create_topic(Name="t", Attributes={"Policy": text})["TopicArn"] == topic

    def shown() -> str:
        return str(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])

    def put(policy: str) -> None:
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)

    def publishes(bob: Account) -> bool:
        try:
            sesame.client("sns", bob).publish(TopicArn=topic, Message="m")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AuthorizationError"
            return False
        return True

    assert shown() == text and publishes(old_bob)
    lent.delete_bob()
    assert json.loads(shown())["Statement"][0]["Principal"] == {"AWS": old_id}
    _, new_bob = lent.make_bob()
    assert not publishes(new_bob)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="other")
    assert not publishes(new_bob)
    put(shown())
    assert json.loads(shown())["Statement"][0]["Principal"] == {"AWS": old_id} and not publishes(new_bob)
    put(text)
    assert shown() == text and publishes(new_bob)
