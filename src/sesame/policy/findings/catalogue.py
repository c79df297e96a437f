"""The findings: each with a stable code, a severity and its one-line meaning.

docs/policy/findings.md has a section on each, with an example that a test runs. Codes are never reused.
"""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding matters."""

    ERROR = "error"
    """The policy is refused, or does nothing of what it says."""
    WARNING = "warning"
    """The policy probably does not mean what it says."""
    NOTE = "note"
    """Worth knowing; nothing need be wrong."""


class Code(Enum):
    """A finding's code; the name is its heading in the documentation."""

    REFUSED = "SP001"
    NEVER_MATCHES = "SP101"
    SHADOWED = "SP102"
    EXPIRED = "SP103"
    EMPTY_WINDOW = "SP104"
    OUTSIDE_IDENTITY = "SP105"
    CASE_NEVER_MATCHES = "SP106"
    DISPLAY_NAME_IN_ADDRESS = "SP107"
    KEY_NEVER_SENT = "SP108"
    WRONG_OPERATOR_FOR_KEY = "SP109"
    UNKNOWN_API_VERSION = "SP110"
    WILDCARD_PRINCIPAL = "SP201"
    UNGUARDED_SERVICE = "SP202"
    OWN_ACCOUNT = "SP203"
    MANAGEMENT_ACTION = "SP204"
    EMPTY_SET_SATISFIES = "SP205"
    DENY_BY_LETTERS = "SP206"
    ONE_SESSION = "SP207"
    ONE_RECIPIENT_DECIDES = "SP208"
    WILDCARD_UNDER_EQUALS = "SP301"
    LIKE_WITHOUT_WILDCARD = "SP302"
    REGULAR_EXPRESSION = "SP303"
    PLAIN_OPERATOR_ON_LIST = "SP304"
    IF_EXISTS_ON_SET = "SP305"
    VARIABLE_NOT_EXPANDED = "SP306"
    VARIABLE_WITHOUT_VALUE = "SP307"
    HOST_BITS = "SP308"
    NO_RAW_FOR_SMTP = "SP309"
    BOOL_ON_OPTIONAL_KEY = "SP310"
    KEY_NOT_UNDERSTOOD = "SP311"
    USERNAME_OF_ROLES = "SP312"
    PRIVATE_RANGE = "SP313"
    NO_BULK_EMAIL = "SP314"
    SESSION_AS_PRINCIPAL_ARN = "SP315"
    KEY_OF_SERVICES = "SP316"


SEVERITIES: dict[Code, Severity] = {
    Code.REFUSED: Severity.ERROR,
    Code.NEVER_MATCHES: Severity.ERROR,
    Code.SHADOWED: Severity.ERROR,
    Code.EXPIRED: Severity.WARNING,
    Code.EMPTY_WINDOW: Severity.ERROR,
    Code.OUTSIDE_IDENTITY: Severity.WARNING,
    Code.CASE_NEVER_MATCHES: Severity.WARNING,
    Code.DISPLAY_NAME_IN_ADDRESS: Severity.WARNING,
    Code.KEY_NEVER_SENT: Severity.WARNING,
    Code.WRONG_OPERATOR_FOR_KEY: Severity.WARNING,
    Code.UNKNOWN_API_VERSION: Severity.WARNING,
    Code.WILDCARD_PRINCIPAL: Severity.WARNING,
    Code.UNGUARDED_SERVICE: Severity.WARNING,
    Code.OWN_ACCOUNT: Severity.NOTE,
    Code.MANAGEMENT_ACTION: Severity.WARNING,
    Code.EMPTY_SET_SATISFIES: Severity.NOTE,
    Code.DENY_BY_LETTERS: Severity.WARNING,
    Code.ONE_SESSION: Severity.WARNING,
    Code.ONE_RECIPIENT_DECIDES: Severity.WARNING,
    Code.WILDCARD_UNDER_EQUALS: Severity.WARNING,
    Code.LIKE_WITHOUT_WILDCARD: Severity.NOTE,
    Code.REGULAR_EXPRESSION: Severity.WARNING,
    Code.PLAIN_OPERATOR_ON_LIST: Severity.WARNING,
    Code.IF_EXISTS_ON_SET: Severity.NOTE,
    Code.VARIABLE_NOT_EXPANDED: Severity.WARNING,
    Code.VARIABLE_WITHOUT_VALUE: Severity.WARNING,
    Code.HOST_BITS: Severity.NOTE,
    Code.NO_RAW_FOR_SMTP: Severity.NOTE,
    Code.BOOL_ON_OPTIONAL_KEY: Severity.NOTE,
    Code.KEY_NOT_UNDERSTOOD: Severity.WARNING,
    Code.USERNAME_OF_ROLES: Severity.WARNING,
    Code.PRIVATE_RANGE: Severity.WARNING,
    Code.NO_BULK_EMAIL: Severity.NOTE,
    Code.SESSION_AS_PRINCIPAL_ARN: Severity.WARNING,
    Code.KEY_OF_SERVICES: Severity.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a policy, with its place: line and column from 1, `path` as a JSON pointer."""

    code: Code
    severity: Severity
    message: str
    path: str
    line: int
    column: int
