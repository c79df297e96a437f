"""A tenant of a running server with unmodified boto3 clients, and how its calls are refused."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.aws.model import ServiceModel
from tests.support.process import Account, SesameProcess
from tests.support.signed_client import policy

SERVICES = ("ses", "sts", "iam", "sns")
SERVED = {
    f"{service}.{operation}" for service in SERVICES for operation in ServiceModel.load(service).operations
}
MESSAGE = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello."}}}
TO = {"ToAddresses": ["reader@elsewhere.test"]}
RAW = b"From: news@example.com\r\nTo: reader@elsewhere.test\r\nSubject: Hello\r\n\r\nHello.\r\n"
CUSTOM = {
    "TemplateName": "c",
    "FromEmailAddress": "news@example.com",
    "TemplateSubject": "s",
    "TemplateContent": "<p>c</p>",
    "SuccessRedirectionURL": "https://example.com/yes",
    "FailureRedirectionURL": "https://example.com/no",
}
"""A template of custom verification mail."""


@dataclass(frozen=True)
class Tenant:
    """A fresh account with example.com verified, and its clients, each made when it is first asked for."""

    sesame: SesameProcess
    account: Account

    @cached_property
    def ses(self) -> Any:
        return self.sesame.client("ses", self.account)

    @cached_property
    def sts(self) -> Any:
        return self.sesame.client("sts", self.account)

    @cached_property
    def iam(self) -> Any:
        return self.sesame.client("iam", self.account)

    @cached_property
    def sns(self) -> Any:
        return self.sesame.client("sns", self.account)

    @property
    def arn(self) -> str:
        return f"arn:aws:ses:us-east-1:{self.account.account_id}:identity/example.com"

    def user(self, name: str, document: str | None = None) -> "Tenant":
        """The same with the clients of a new user."""
        self.iam.create_user(UserName=name)
        if document is not None:
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Tenant(
            self.sesame, Account(self.account.account_id, key["AccessKeyId"], key["SecretAccessKey"])
        )


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """Code, HTTP status and text with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response
    assert error["Error"]["Type"] in ("Sender", "Receiver")
    assert error["ResponseMetadata"]["RequestId"]
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def statement(tenant: Tenant, **changed: Any) -> str:
    """An identity policy that another account may send, changed in places."""
    usual = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "ses:SendEmail"}
    return policy({**usual, "Resource": tenant.arn, **changed})


def put_policy(tenant: Tenant, **changed: Any) -> Any:
    parameters = {"Identity": "example.com", "PolicyName": "p", "Policy": statement(tenant), **changed}
    return tenant.ses.put_identity_policy(**parameters)


def tenant_of(sesame: SesameProcess) -> Tenant:
    """A fresh account with example.com verified, and its clients."""
    account = sesame.create_account()
    tenant = Tenant(sesame, account)
    tenant.ses.verify_domain_identity(Domain="example.com")
    return tenant
