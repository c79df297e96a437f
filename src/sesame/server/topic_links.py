"""The links in what SNS posts and mails: the signing certificate, and confirming and ending a subscription.

They are followed without a signature: whoever has the token or the ARN was sent it.
"""

import html
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from sesame.errors import ServiceError
from sesame.server.api import HttpResponse

CERTIFICATE_PREFIX = b"/SimpleNotificationService-"


class TopicLinks:
    """`confirm` takes a topic and a token and gives the subscription's ARN; `end` takes a subscription's ARN.

    `certificate` gives the certificate at a path, None for any other. Both links raise `ServiceError`.
    """

    def __init__(
        self,
        *,
        certificate: Callable[[str], str | None],
        confirm: Callable[[str, str], Awaitable[str]],
        end: Callable[[str], Awaitable[None]],
    ) -> None:
        self._certificate = certificate
        self._confirm = confirm
        self._end = end

    async def page(self, raw_path: bytes, query: bytes) -> HttpResponse | None:
        """The answer to a GET of one of the links, None for everything else."""
        if raw_path.startswith(CERTIFICATE_PREFIX):
            found = self._certificate(raw_path.decode("ascii", "replace"))
            return None if found is None else _response(200, "application/x-pem-file", found)
        if raw_path != b"/" or b"Action=" not in query:
            return None
        given = {name: values[0] for name, values in parse_qs(query.decode("ascii", "replace")).items()}
        if any(name.startswith("X-Amz-") for name in given):
            return None  # a signed call of the API
        try:
            match given.get("Action"):
                case "ConfirmSubscription":
                    arn = await self._confirm(given.get("TopicArn", ""), given.get("Token", ""))
                    return _xml(
                        "ConfirmSubscription", f"<SubscriptionArn>{html.escape(arn)}</SubscriptionArn>"
                    )
                case "Unsubscribe":
                    await self._end(given.get("SubscriptionArn", ""))
                    return _xml("Unsubscribe", "")
        except ServiceError as error:
            return _response(
                error.http_status,
                "text/xml",
                '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
                f"<Code>{html.escape(error.code)}</Code><Message>{html.escape(error.message)}</Message></Error>"
                "</ErrorResponse>",
            )
        return None


def _xml(action: str, result: str) -> HttpResponse:
    text = (
        f'<{action}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><{action}Result>{result}</{action}Result>'
        f"</{action}Response>"
    )
    return _response(200, "text/xml", text)


def _response(status: int, content_type: str, text: str) -> HttpResponse:
    body = text.encode()
    headers = (
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store" if content_type == "text/xml" else b"public, max-age=86400"),
        (b"x-content-type-options", b"nosniff"),
    )
    return HttpResponse(status=status, headers=headers, body=body)
