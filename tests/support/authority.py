"""The tests' machine trusts one authority, whose key nobody has, in place of the hundreds of the real one.

To read those takes 25 ms, for each HTTP client and twice for each server. Who trusts somebody else says so, as ever.
"""

from collections.abc import MutableMapping
from pathlib import Path

from tests.support.certificates import make_ca, pem

VARIABLE = "SSL_CERT_FILE"
"""Where OpenSSL finds whom the machine trusts; servers inherit it."""


def use(environ: MutableMapping[str, str], directory: Path) -> None:
    """Trust nobody else from now on, in this process and those that it starts."""
    path = directory / "authority.pem"
    path.write_bytes(pem(make_ca("Nobody's CA").certificate))
    environ[VARIABLE] = str(path)
