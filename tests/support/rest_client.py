"""A client of the SES API v2 that signs whatever it is told to send, over one kept connection.

boto3 checks parameters before it sends them and takes milliseconds a call; this sends anything, fast.
Signatures are botocore's.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account


@dataclass(frozen=True, slots=True, kw_only=True)
class RestReply:
    """An answer. `code` is empty for a success; `body` is as it came, `data` what JSON it holds."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str]
    body: bytes
    data: Any


class RestClient:
    """One connection of one account in one region; not for use by two threads at once.

    With `unsigned` set, requests go out without a signature.
    """

    unsigned = False

    def __init__(self, api: str, account: Account, region: str = REGION) -> None:
        self.api = api
        self._host = urlsplit(api).netloc
        credentials = Credentials(account.access_key_id, account.secret_access_key, account.session_token)
        self._signer: Any = SigV4Auth(credentials, "ses", region)
        self._connection = http.client.HTTPConnection(self._host, timeout=PATIENCE_S)

    def call(self, method: str, target: str, body: Any = None) -> RestReply:
        """Sign and send; `body` is bytes as they are, or what is to be JSON, or None."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        request = AWSRequest(method=method, url=f"{self.api}{target}", headers=headers, data=data)
        if not self.unsigned:
            self._signer.add_auth(request)
        try:
            self._connection.request(
                method, target, body=data, headers={**dict(request.headers.items()), "Host": self._host}
            )
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        return read_reply(
            response.status, {name.lower(): value for name, value in response.getheaders()}, text
        )

    def __enter__(self) -> "RestClient":
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()


def read_reply(status: int, headers: Mapping[str, str], body: bytes) -> RestReply:
    """An answer of the restJson1 protocol; fails when it is none."""
    assert headers["content-type"] == "application/json", (status, headers, body)
    assert headers["x-amzn-requestid"]
    data = json.loads(body)
    code = headers.get("x-amzn-errortype", "")
    assert (status == 200) == (code == ""), (status, headers, body)
    message = data["message"] if code else ""
    return RestReply(status=status, code=code, message=message, headers=headers, body=body, data=data)
