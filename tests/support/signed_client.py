"""A client of the AWS Query protocol that signs whatever it is told to send, over one kept connection.

boto3 checks parameters before it sends them and takes milliseconds a call; this sends anything, fast.
Signatures are botocore's.
"""

import http.client
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account

VERSIONS = {"ses": "2010-12-01", "iam": "2010-05-08", "sts": "2011-06-15", "sns": "2010-03-31"}
FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `code` is empty for a success; `body` is as it came."""

    status: int
    code: str
    message: str
    body: bytes

    @property
    def message_id(self) -> str:
        """The MessageId of a successful send."""
        return self.body.partition(b"<MessageId>")[2].partition(b"</MessageId>")[0].decode()


class SignedClient:
    """One connection of one account in one region; not for use by two threads at once."""

    def __init__(
        self,
        api: str,
        account: Account,
        service: str = "ses",
        region: str = REGION,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.api = api
        self.service = service
        self._headers = dict(headers or {})
        self._host = urlsplit(api).netloc
        credentials = Credentials(account.access_key_id, account.secret_access_key, account.session_token)
        self._signer: Any = SigV4Auth(credentials, service, region)
        self._connection: http.client.HTTPConnection | None = None

    def call(self, action: str, parameters: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> Reply:
        """Call an operation with parameters as they stand on the wire (`Tags.member.1.Name`)."""
        pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
        form = [("Action", action), ("Version", VERSIONS[self.service]), *pairs]
        return self.post("&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form).encode())

    def post(self, body: bytes) -> Reply:
        """Sign and send a form."""
        headers = self.signed("POST", "/", {"Content-Type": FORM, **self._headers}, body)
        return self.request("POST", "/", headers, body)

    def get(self, target: str) -> int:
        """GET something that is not an API; the HTTP status."""
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE_S)
        try:
            connection.request("GET", target)
            return connection.getresponse().status
        finally:
            connection.close()

    def signed(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers of a request with its signature added."""
        request = AWSRequest(method=method, url=f"{self.api}{target}", headers=dict(headers), data=body)
        self._signer.add_auth(request)
        return {"Host": self._host, **dict(request.headers.items())}

    def request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request as it is."""
        connection = self._connection
        if connection is None:
            connection = self._connection = http.client.HTTPConnection(self._host, timeout=PATIENCE_S)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        return read_reply(response.status, data)

    def __enter__(self) -> "SignedClient":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def read_reply(status: int, body: bytes) -> Reply:
    """An answer of the Query protocol; fails when it is none."""
    root = ElementTree.fromstring(body)
    name = root.tag.rpartition("}")[2]
    if name != "ErrorResponse":
        assert status == 200 and name.endswith("Response"), (status, body)
        return Reply(status=status, code="", message="", body=body)
    error = {child.tag.rpartition("}")[2]: child.text or "" for child in root[0]}
    assert status >= 400 and error["Code"], (status, body)
    return Reply(status=status, code=error["Code"], message=error["Message"], body=body)


def simple_email(
    *, source: str, to: str = "reader@elsewhere.test", subject: str = "s", **more: str
) -> dict[str, str]:
    """The parameters of a SendEmail as they stand on the wire."""
    return {
        "Source": source,
        "Destination.ToAddresses.member.1": to,
        "Message.Subject.Data": subject,
        "Message.Body.Text.Data": "Hello.",
        **more,
    }


def policy(*statements: Mapping[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
