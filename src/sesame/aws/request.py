"""An HTTP request as the AWS wire sees it: raw bytes, nothing decoded or normalised.

Signatures are over the bytes the client sent; whoever decodes a path or a header before the
signature is checked breaks them.
"""

from collections.abc import Sequence

import msgspec


class HttpRequest(msgspec.Struct, frozen=True):
    """One request.

    `raw_path` is the target's path without `?` and query, percent-escapes untouched; `query` is
    what followed `?`, or empty. Header names are lower case; values are as received, in order,
    repeated headers repeated.
    """

    method: str
    raw_path: bytes
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes | bytearray
