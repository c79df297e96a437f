"""Policy documents as IAM takes them: refused in IAM's text, what nobody understands is logged.

IAM's answer to a Put has no room for a warning, so that of a condition key that requests here never carry
goes to the log, once a Put; `sesame policy check` tells the same to whoever asks.
"""

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
            text = error.words or f"Syntax errors in policy. {error.message}"
            raise MalformedPolicyDocument(text) from None
        for finding in check_iam_policy(document):
            if finding.code in _WARNED:
                self._log.event(
                    "policy_warning",
                    request_id=caller.request_id,
                    account_id=caller.principal.account_id,
                    principal=caller.principal.arn,
                    code=finding.code.value,
                    path=finding.path,
                    reason=finding.message,
                )
