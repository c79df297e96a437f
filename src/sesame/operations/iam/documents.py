"""Policy documents as IAM takes them: refused in IAM's text, what it does not say is logged.

IAM's answer to a Put says neither which syntax error it means nor has it room for a warning, as that of a condition key
that requests here never carry. Both go to the log, once a Put; `sesame policy check` tells the same to whoever asks.
"""

from sesame.access.causes.documents import explained
from sesame.aws.errors import MalformedPolicyDocument
from sesame.model import Caller
from sesame.observe import Log
from sesame.policy import PolicyError, check_iam_policy, parse_iam_policy
from sesame.policy.findings.catalogue import Code

_WARNED = (Code.KEY_NOT_UNDERSTOOD, Code.KEY_NEVER_SENT)


class Documents:
    """Checks documents before they are stored."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def check(self, caller: Caller, document: str, *, is_managed: bool = False) -> None:
        """Raise `MalformedPolicyDocument` for what IAM would not store."""
        try:
            parse_iam_policy(document, is_managed=is_managed)
        except PolicyError as error:
            self._note(caller, "policy_refused", reason=error.message)
            refused = MalformedPolicyDocument(error.words or "Syntax errors in policy.")
            raise explained(refused, "iam", error) from None
        for finding in check_iam_policy(document):
            if finding.code in _WARNED:
                self._note(
                    caller,
                    "policy_warning",
                    code=finding.code.value,
                    path=finding.path,
                    reason=finding.message,
                )

    def _note(self, caller: Caller, event: str, **values: str) -> None:
        self._log.event(
            event,
            request_id=caller.request_id,
            account_id=caller.principal.account_id,
            principal=caller.principal.arn,
            **values,
        )
