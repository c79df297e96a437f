"""The port between a door and the wire formats of AWS: what every codec can do.

A codec reads which operation a request asks for, and writes the answer; the operation itself, with
its compiled reader and writer, comes from the service model. Nothing here authenticates.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from sesame.aws.model import Operation, ServiceModel
from sesame.aws.request import HttpRequest
from sesame.errors import ServiceError


class RequestedOperation(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for, as far as it can be said before anyone is believed.

    `name` is the operation as the client named it, empty when it named none. Either `operation` is
    there, and `operation.parse(input)` gives its parameters, or `problem` says why not.
    """

    name: str
    operation: Operation | None = None
    input: Any = None
    problem: ServiceError | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer but for its length; `code` is the error's on this wire, empty for a success."""

    status: int
    code: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Codec(Protocol):
    """One service in one wire format."""

    model: ServiceModel

    def requested_operation(self, request: HttpRequest) -> RequestedOperation:
        """Which operation `request` asks for; never raises."""
        ...

    def answer(self, operation: Operation, result: Mapping[str, Any], *, request_id: str) -> Reply:
        """A success; raises KeyError when `result` lacks a required member."""
        ...

    def refuse(self, error: ServiceError, *, request_id: str) -> Reply:
        """A refusal in the words and codes of this wire."""
        ...
