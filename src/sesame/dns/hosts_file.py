"""The hosts file, for the relay host alone: names in it are the operator's own (hosts(5)).

Mail for a domain never looks here, for a line in it would lead strangers' mail into the machine.
"""

import ipaddress


def read_hosts(text: str, name: str) -> list[str]:
    """The addresses that a hosts file gives a name, in its order."""
    found = []
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if name.lower() in (known.lower() for known in names) and _is_address(address):
            found.append(address)
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
