"""The dimensions of requests: what each condition key may hold, whatever the policies say.

One dimension a key, but for two clocks that are one moment and for what is read from the principal's ARN. Sources:
`access.conditions`, which fills in the keys of real requests; SES developer guide, "Using identity policies".
"""

from decimal import Decimal

from sesame.policy.analysis.points import write_date
from sesame.policy.analysis.strings import DIGITS, HEXADECIMAL, Atom, Class
from sesame.policy.language.pattern import tokenize
from sesame.policy.language.values import read_address, read_date, write_address
from sesame.policy.language.vocabulary import ADDRESS_KEYS, Family
from sesame.policy.request import ContextValue

MOMENT, EPOCH = "aws:currenttime", "aws:epochtime"
USUAL = {
    "ses:fromaddress": "sender@example.com",
    "ses:feedbackaddress": "sender@example.com",
    "ses:recipients": "someone@example.org",
    "ses:apiversion": "2",
    "aws:sourceip": "192.0.2.1",
    "aws:securetransport": "true",
    MOMENT: "2030-01-01T00:00:00Z",
}
"""What every send carries, with a value to show when the policies leave the choice."""

CLOSED = {
    "ses:apiversion": ("2", "1"),
    "aws:securetransport": ("true", "false"),
    "aws:multifactorauthpresent": ("true", "false"),
    "aws:principalisawsservice": ("true", "false"),
}
"""Keys with few values, all of them."""

NATURAL = {
    "aws:sourceip": Family.IP,
    MOMENT: Family.DATE,
    "aws:tokenissuetime": Family.DATE,
}
"""Keys whose values are of one kind, however they are compared."""

_ADDRESS = "?*@?*.?*"
_TWO, _FOUR = (Class(DIGITS),) * 2, (Class(DIGITS),) * 4
_ARN = Atom(tokenize("*:*:*:*:*:*", variables=False))


def shape_of(dimension: str) -> tuple[Atom, ...]:
    """What every text of a dimension looks like that has more than no characters."""
    if dimension in ADDRESS_KEYS:
        return (Atom(tokenize(_ADDRESS, variables=False)),)
    if dimension == "aws:sourceaccount":
        return (Atom((Class(DIGITS),) * 12),)
    match NATURAL.get(dimension):
        case Family.IP:
            return (Atom((Class(HEXADECIMAL + ".:"), Class(HEXADECIMAL + ".:", repeats=True))),)
        case Family.DATE:
            head = (*_FOUR, "-", *_TWO, "-", *_TWO, "T", *_TWO, ":", *_TWO, ":", *_TWO)
            return (Atom((*head, "Z")), Atom((*head, ".", Class(DIGITS), Class(DIGITS, repeats=True), "Z")))
    return (Atom(tokenize("?*", variables=False)),)


def arn_shape() -> Atom:
    """What has the six parts of an ARN."""
    return _ARN


def may_be_empty(dimension: str) -> bool:
    """Whether a text of the dimension may have no characters."""
    return dimension not in (*ADDRESS_KEYS, "aws:sourceaccount", *NATURAL)


def as_key(key: str, value: ContextValue | None) -> ContextValue | None:
    """A value of the moment as one of its two keys has it."""
    if key != EPOCH or not isinstance(value, str):
        return value
    moment = read_date(value)
    if moment is None:
        return value
    return format(Decimal(moment) / 1_000_000, "f") if moment % 1_000_000 else str(moment // 1_000_000)


def is_possible(dimension: str, text: str) -> bool:
    """Whether a key whose values are of one kind can have this one, written as requests write it."""
    match NATURAL.get(dimension):
        case Family.IP:
            address = read_address(text)
            return address is not None and write_address(address) == text
        case Family.DATE:
            moment = read_date(text)
            return moment is not None and write_date(moment) == text
        case _:
            return True


def folded(key: str) -> str:
    """The dimension of a key that is not the principal's: its name in lower case, both times being one."""
    name = key.lower()
    return MOMENT if name == EPOCH else name
