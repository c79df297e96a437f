"""Addresses as the machine itself looks them up: its hosts file first, then its resolvers (getaddrinfo).

For hosts that the operator names, such as a relay. Domains of mail are looked up in DNS alone.
"""

import asyncio
import socket

from sesame.dns import DnsFailure

TIMEOUT_S = 15.0


async def addresses(name: str) -> list[str]:
    """The addresses of `name` in the machine's order of preference; none when it has none. Raises `DnsFailure`."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return []
        raise DnsFailure(f"look-up of `{name}` failed: {error.strerror}") from error
    except (TimeoutError, UnicodeError) as error:
        raise DnsFailure(f"look-up of `{name}` failed: {type(error).__name__}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
