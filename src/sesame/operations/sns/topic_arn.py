"""ARNs of topics, and how SNS says that one is wrong. Codes and status from botocore's SNS model."""

import re

from sesame.errors import ServiceError

_ARN = re.compile(r"arn:aws:sns:([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,256})")
_SUBSCRIPTION = re.compile(
    r"(arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}):"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)


class InvalidParameter(ServiceError):
    """A parameter has a wrong value."""

    code = "InvalidParameter"


class NotFound(ServiceError):
    """There is no such topic or subscription."""

    code, http_status = "NotFound", 404


def read_arn(text: str) -> tuple[str, str, str]:
    """Region, account and name of a topic ARN; raises `InvalidParameter` in SNS's words."""
    match = _ARN.fullmatch(_of_six(text, "TopicArn"))
    if match is None:
        raise InvalidParameter("Invalid parameter: TopicArn")
    return match[1], match[2], match[3]


def topic_of(subscription_arn: str) -> str:
    """The topic that a subscription's ARN names; raises `InvalidParameter` in SNS's words."""
    match = _SUBSCRIPTION.fullmatch(_of_six(subscription_arn, "SubscriptionArn"))
    if match is None:
        raise InvalidParameter("Invalid parameter: SubscriptionId")
    return match[1]


def _of_six(arn: str, parameter: str) -> str:
    elements = arn.count(":") + 1
    if elements < 6:
        raise InvalidParameter(
            f"Invalid parameter: {parameter} Reason: An ARN must have at least 6 elements, not {elements}"
        )
    return arn
