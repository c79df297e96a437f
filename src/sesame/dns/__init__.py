"""DNS as Sesame needs it: a port, a cache over it, and the development profile's local zone.

`system` asks the machine's resolvers, `public` says which addresses may be connected to.
"""

from sesame.dns.local_zone import LocalZone
from sesame.dns.names import DomainNameError, ascii_name, host_name
from sesame.dns.port import Answer, DnsFailure, DomainNotFound, Mx, Resolver, Source, Tlsa

__all__ = [
    "Answer",
    "DnsFailure",
    "DomainNameError",
    "DomainNotFound",
    "LocalZone",
    "Mx",
    "Resolver",
    "Source",
    "Tlsa",
    "ascii_name",
    "host_name",
]
