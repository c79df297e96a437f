"""Sends to queues of an SQS-compatible service that the operator names: SendMessage of the Query API, signed.

Source: SQS API reference, "SendMessage"; AWS, "Create a signed AWS API request".
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from sesame.aws import canonical, sigv4
from sesame.aws.sns.delivery_policy import QUEUE_ARN
from sesame.aws.sns.message import Attributes
from sesame.notify.http_client import HttpClient
from sesame.notify.url import PostFailed, read_url
from sesame.observe import Clock

VERSION = "2012-11-05"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAccess:
    """The service's URL and whose key signs."""

    endpoint: str
    access_key_id: str
    secret_access_key: str


class SqsClient:
    """Puts messages into queues, named by their ARNs."""

    def __init__(self, http: HttpClient, access: QueueAccess, *, clock: Clock) -> None:
        self._http = http
        self._access = access
        self._clock = clock

    async def send(self, queue_arn: str, body: str, attributes: Attributes | None = None) -> None:
        """Put one message into a queue. Raises `PostFailed`."""
        match = QUEUE_ARN.fullmatch(queue_arn)
        if match is None:
            raise PostFailed(f"`{queue_arn}` is not an ARN of a queue")
        region, account_id, name = match.groups()
        base = self._access.endpoint.rstrip("/")
        form: dict[str, str] = {
            "Action": "SendMessage",
            "Version": VERSION,
            "QueueUrl": f"{base}/{account_id}/{name}",
            "MessageBody": body,
        }
        for number, (key, value) in enumerate((attributes or {}).items(), start=1):
            prefix = f"MessageAttribute.{number}"
            kind = value.get("Type", "String")
            held = "BinaryValue" if kind.startswith("Binary") else "StringValue"
            form |= {
                f"{prefix}.Name": key,
                f"{prefix}.Value.DataType": "String" if kind == "String.Array" else kind,
                f"{prefix}.Value.{held}": value.get("Value", ""),
            }
        data = urlencode(form).encode()
        url = f"{base}/{account_id}/{name}"
        answer = await self._http.post(url, self._signed(url, data, region), data)
        if answer.status != 200:
            code = re.search(rb"<Code>([\w.]{1,80})</Code>", answer.body)
            raise PostFailed(
                f"the queue answered {answer.status}{'' if code is None else ' ' + code[1].decode()}"
            )

    def _signed(self, url: str, data: bytes, region: str) -> list[tuple[str, str]]:
        """The header fields of a POST, its signature among them (version 4)."""
        endpoint = read_url(url)
        at = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        fields: Mapping[str, str] = {"content-type": FORM, "host": endpoint.authority, "x-amz-date": at}
        names = ";".join(fields)
        path = canonical.canonical_path(endpoint.path.encode()).decode()
        lines = "".join(f"{name}:{value}\n" for name, value in fields.items())
        request = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(data).hexdigest()}"
        scope = f"{at[:8]}/{region}/sqs/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = sigv4.signing_key(self._access.secret_access_key, at[:8], region, "sqs")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        return [
            ("Content-Type", FORM),
            ("X-Amz-Date", at),
            (
                "Authorization",
                f"AWS4-HMAC-SHA256 Credential={self._access.access_key_id}/{scope}, SignedHeaders={names},"
                f" Signature={signature}",
            ),
        ]
