"""Which statements can be about whom: the Principal elements of all policies as one table.

A candidate looks up what it is called, and the statements are the bits of an integer. Actions and resources are
looked at once for each way of writing them. What a match means is as in `reasons.evaluator`; elements with Not,
and principals that cannot be read, are asked there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sesame.policy.analysis.demands import refuse_variables
from sesame.policy.analysis.principals import Candidate
from sesame.policy.language.document import Effect, Policy, Statement
from sesame.policy.language.forms import PrincipalForm, read_principal
from sesame.policy.reasons.derivation import Grant
from sesame.policy.reasons.evaluator import find_grant, fits_action, fits_resource
from sesame.policy.request import Request, Requester

Placed = tuple[str, Policy, Statement]
"""A statement with its policy and the policy's name."""
RequestOf = Callable[[Requester, str], Request]
"""A bare request of a requester to do an action to the identity."""


class Index:
    """The statements of some policies, by number."""

    def __init__(
        self,
        policies: Sequence[tuple[str, Policy]],
        *,
        principal_ids: Mapping[str, str],
        request_of: RequestOf,
    ) -> None:
        self.placed: list[Placed] = [
            (name, policy, statement) for name, policy in policies for statement in policy.statements
        ]
        self._request_of = request_of
        self._ids = principal_ids
        self._by_name: dict[tuple[PrincipalForm, str], int] = {}
        self._asked: list[int] = []
        """Statements whose principals are asked about one by one."""
        self._always = self._denies = 0
        for number, (_, policy, statement) in enumerate(self.placed):
            self._enter(number, policy, statement)
        self._actions: dict[str, int] = {}
        self._resources: dict[object, bool] = {}
        self._about: dict[Candidate, int] = {}
        self._tuples: dict[int, tuple[Placed, ...]] = {}
        self._documents = {_document(policy) for _, policy in policies}

    def _enter(self, number: int, policy: Policy, statement: Statement) -> None:
        bit = 1 << number
        denies = statement.effect is Effect.DENY
        if denies:
            self._denies |= bit
        if not policy.is_understood:
            self._always |= bit if denies else 0
            return
        forms = [read_principal(principal) for principal in statement.principals or ()]
        if statement.not_principals or any(form is PrincipalForm.MALFORMED for form, _ in forms):
            self._asked.append(number)
            return
        for form in forms:
            known = (PrincipalForm.ANYBODY, "") if form[0] is PrincipalForm.ANYBODY else form
            self._by_name[known] = self._by_name.get(known, 0) | bit

    def about(self, candidate: Candidate) -> int:
        """The statements whose principal fits a candidate and lets it in, or keeps it out."""
        known = self._about.get(candidate)
        if known is None:
            known = self._about[candidate] = self._find_about(candidate)
        return known

    def _find_about(self, candidate: Candidate) -> int:
        requester = candidate.requester
        direct = self._by_name.get((PrincipalForm.ANYBODY, ""), 0)
        for name in self._names(requester):
            direct |= self._by_name.get(name, 0)
        found = self._always | direct
        if requester.kind != "service":
            by_account = self._by_name.get((PrincipalForm.ACCOUNT, requester.account_id), 0)
            found |= by_account & self._denies if candidate.is_own else by_account
        for number in self._asked:
            statement = self.placed[number][2]
            grant = find_grant(statement, self._request_of(requester, "ses:SendEmail"), self._ids)
            useless = grant is Grant.ACCOUNT and candidate.is_own and statement.effect is Effect.ALLOW
            if grant is not None and not useless:
                found |= 1 << number
        return found

    def _names(self, requester: Requester) -> list[tuple[PrincipalForm, str]]:
        names = [(PrincipalForm.UNIQUE_ID, requester.user_id)]
        if requester.kind != "root" and self._ids.get(requester.arn, requester.user_id) == requester.user_id:
            names.append((PrincipalForm.NAME, requester.arn))
        if requester.entity_arn is not None:
            entity_id = requester.entity_id
            names.append((PrincipalForm.UNIQUE_ID, entity_id))
            if self._ids.get(requester.entity_arn, entity_id) == entity_id:
                names.append((PrincipalForm.NAME, requester.entity_arn))
        return names

    def allowing(self, action: str) -> int:
        """The statements whose action and resource fit. Raises OutsideFragment."""
        if action not in self._actions:
            anybody = Requester(arn="", account_id="", kind="service", user_id="")
            request = self._request_of(anybody, action)
            answers: dict[object, bool] = {}
            found = 0
            for number, (_, policy, statement) in enumerate(self.placed):
                denies = statement.effect is Effect.DENY
                if not policy.is_understood:
                    found |= 1 << number if denies else 0
                    continue
                asked = denies, statement.actions, statement.not_actions
                if asked not in answers:
                    answers[asked] = fits_action(statement, request)
                if answers[asked] and self._fits_resource(policy, statement, request):
                    found |= 1 << number
            self._actions[action] = found
        return self._actions[action]

    def _fits_resource(self, policy: Policy, statement: Statement, request: Request) -> bool:
        """Whether the identity is the statement's resource, asked once for each way of writing it."""
        denies = statement.effect is Effect.DENY
        asked = policy.has_variables, denies, statement.resources, statement.not_resources
        if asked not in self._resources:
            refuse_variables(policy, statement, request.resource)
            self._resources[asked] = fits_resource(policy, statement, request)
        return self._resources[asked]

    def unlike(self, other: "Index") -> int:
        """The statements that the other side has not, word for word; policies that both have are not looked into.

        What stands in such a policy as well may be among them: more is asked then, and the answers are the same.
        """
        same = self._documents & other._documents
        theirs = {
            _content(policy, statement)
            for _, policy, statement in other.placed
            if _document(policy) not in same
        }
        found = 0
        for number, (_, policy, statement) in enumerate(self.placed):
            if _document(policy) not in same and _content(policy, statement) not in theirs:
                found |= 1 << number
        return found

    def statements(self, mask: int) -> tuple[Placed, ...]:
        """The statements of a mask, in their order: of one mask one tuple."""
        known = self._tuples.get(mask)
        if known is None:
            found, left = list[Placed](), mask
            while left:
                low = left & -left
                found.append(self.placed[low.bit_length() - 1])
                left ^= low
            known = self._tuples[mask] = tuple(found)
        return known


def _document(policy: Policy) -> object:
    """A policy, or a part of one that was made without some of its statements."""
    return policy.text, tuple(statement.index for statement in policy.statements)


def _content(policy: Policy, statement: Statement) -> object:
    """What a statement says, wherever it stands."""
    return policy.is_understood, policy.has_variables, replace(statement, index=0, sid=None)
