"""Amazon Resource Names: `arn:partition:service:region:account:resource`.

Says what an ARN is made of, not whether the thing it names exists. Sources: AWS general reference;
Service Authorization Reference for SES (`identity/NAME`).
"""

import re
from dataclasses import dataclass
from typing import Self

from sesame.errors import SesameError

_PARTITION = re.compile(r"aws(?:-[a-z0-9]+)*")
_SERVICE = re.compile(r"[a-z0-9-]+")
_REGION = re.compile(r"(?:[a-z0-9-]+|\*)?")
_ACCOUNT = re.compile(r"(?:[0-9]{12}|aws)?")
_RESOURCE = re.compile(r"[!-~]+(?: [!-~]+)*")
MAX_ARN_LENGTH = 2048


class ArnError(SesameError, ValueError):
    """A text is not an ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """A parsed ARN; `str(arn)` gives the text back unchanged.

    `region` and `account_id` may be empty (IAM has no region, S3 neither); `resource` is everything
    after the fifth colon and may contain colons and slashes.
    """

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text`; raises ArnError when it is not an ARN in printable ASCII."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or len(text) > MAX_ARN_LENGTH:
            raise ArnError(f"not an ARN: {text[:MAX_ARN_LENGTH]!r}")
        _, partition, service, region, account_id, resource = parts
        for name, value, pattern in (
            ("partition", partition, _PARTITION),
            ("service", service, _SERVICE),
            ("region", region, _REGION),
            ("account", account_id, _ACCOUNT),
            ("resource", resource, _RESOURCE),
        ):
            if not pattern.fullmatch(value):
                raise ArnError(f"bad {name} in ARN {text!r}")
        return cls(
            partition=partition, service=service, region=region, account_id=account_id, resource=resource
        )

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"


def identity_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of the identity `name` (address or domain) that `account_id` owns in `region`."""
    return f"arn:aws:ses:{region}:{account_id}:identity/{name}"


def template_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a template; its name is part of it as it is."""
    return f"arn:aws:ses:{region}:{account_id}:template/{name}"


def custom_verification_template_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a template of custom verification mail; its name is part of it as it is."""
    return f"arn:aws:ses:{region}:{account_id}:custom-verification-email-template/{name}"
