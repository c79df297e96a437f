"""Unit tests for policies: cases as JSON values, run against both evaluators.

Cases are distinguished by their members; what it expects may stand in `expected`, or in `awsExpected`, which
then counts. A case marked as of lesser quality or confidence is run and does not count as a failure.

| form | members | expected |
|---|---|---|
| decision | request, identityPolicies (the caller's IAM), resourcePolicy or resourcePolicies | Allowed … |
| policies | request, policies (one union, no account model) | expectedAllowed |
| condition | operator, key, values, context, version | true or false |
| action, resource | element, patterns, requestAction or requestResource | likewise |
| principal | element, patterns or principal, requestPrincipal | likewise, or Match, NoMatch |
| wildcard | pattern, text, mode (`arn` or text), caseInsensitive | likewise |
| document | document (the text of a resource policy) | accept |

A policy that cannot be read, or an identity policy over 4,096 bytes, allows nothing. A member that is in no form is
an error.
"""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sesame.policy.engine.decide import compile_policies, decide
from sesame.policy.language.document import (
    Policy,
    parse_stored_iam_policy,
    parse_stored_identity_policy,
)
from sesame.policy.language.forms import is_account_id
from sesame.policy.language.pattern import ArnPattern, Glob, tokenize
from sesame.policy.language.put import MAX_BYTES, parse_resource_policy
from sesame.policy.language.source import Json, PolicyError, Source
from sesame.policy.reasons.evaluator import explain
from sesame.policy.request import ContextValue, Outcome, Request, Requester

Members = dict[str, Json]

_OUTCOME_NAMES = {
    Outcome.ALLOW: "Allowed",
    Outcome.EXPLICIT_DENY: "ExplicitlyDenied",
    Outcome.IMPLICIT_DENY: "ImplicitlyDenied",
}
_MATCH_NAMES = {"Match": "true", "AccountLevelMatch": "true", "NoMatch": "false"}
_SOUND = {"agrees_with_reference", "documented", "divergence"}
_ACCOUNT = "111111111111"
_ANYONE = f"arn:aws:iam::{_ACCOUNT}:user/anyone"


_COMMON = frozenset(
    {"id", "name", "note", "source", "doc", "why", "remark", "quality", "confidence"}
    | {"expected", "awsExpected", "expectedAllowed", "accept"}
)
_REQUEST = frozenset(
    {"principal", "requestPrincipal", "action", "requestAction", "resource", "requestResource"}
    | {"resourceAccount", "context"}
)
_MEMBERS: dict[str, frozenset[str]] = {
    "decision": frozenset({"request", "identityPolicies", "resourcePolicy", "resourcePolicies"}),
    "policies": frozenset({"request", "policies"}),
    "condition": frozenset({"operator", "key", "values", "version", "request"}) | _REQUEST,
    "action": frozenset({"element", "patterns", "version", "request"}) | _REQUEST,
    "resource": frozenset({"element", "patterns", "version", "request"}) | _REQUEST,
    "principal": frozenset({"element", "patterns", "principals", "request"}) | _REQUEST,
    "wildcard": frozenset({"pattern", "text", "mode", "caseInsensitive"}),
    "document": frozenset({"document"}),
}
"""What a case of each form may hold besides what every case may."""


class CaseError(ValueError):
    """A case that is not of any form; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """How one case went; `counts` is false for a case that says of itself that it is uncertain."""

    id: str
    form: str
    expected: str
    actual: str
    counts: bool
    sentence: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer is the expected one."""
        return self.expected == self.actual


def collect_cases(document: Json) -> list[Members]:
    """The cases of a file: a list of them, one alone, or lists under any names."""
    if isinstance(document, list):
        return [case for case in document if isinstance(case, dict)]
    if not isinstance(document, dict):
        raise CaseError("a case file is a list of cases, or an object of such lists")
    lists = [value for value in document.values() if isinstance(value, list)]
    if lists and _form(document) is None:
        return [case for cases in lists for case in cases if isinstance(case, dict)]
    return [document]


def run_case(case: Members, *, number: int = 0) -> CaseResult:
    """Run one case; raises CaseError when it cannot be read."""
    form = _form(case)
    if form is None:
        raise CaseError("a case of no known form: see the table of forms")
    _refuse_unknown(case, _MEMBERS[form] | _COMMON, "a case of this form")
    if isinstance(asked := case.get("request"), dict):
        _refuse_unknown(asked, _REQUEST, "a request")
    actual, sentence = _RUNNERS[form](case)
    return CaseResult(
        id=str(case.get("id", number)),
        form=form,
        expected=_expected(case, actual),
        actual=actual,
        counts=_counts(case),
        sentence=sentence,
    )


def _refuse_unknown(members: Members, known: frozenset[str], what: str) -> None:
    """A member that is not known is a mistake: what it was to say would not be tested."""
    for name in members:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise CaseError(f"`{name}` is not a member of {what}{hint}")


def _form(case: Members) -> str | None:
    if "document" in case:
        return "document"
    if "operator" in case:
        return "condition"
    if "element" in case:
        element = str(case["element"]).removeprefix("Not").lower()
        return element if element in ("action", "resource", "principal") else None
    if "pattern" in case:
        return "wildcard"
    if "request" in case:
        return "policies" if "policies" in case else "decision"
    return None


def _counts(case: Members) -> bool:
    quality = case.get("quality", case.get("confidence"))
    if quality == "divergence":
        return "awsExpected" in case
    return quality is None or quality in _SOUND


def _expected(case: Members, actual: str) -> str:
    wanted = case.get("awsExpected", case.get("expected", case.get("accept")))
    if wanted is None:
        allowed = case.get("expectedAllowed")
        if not isinstance(allowed, bool):
            raise CaseError("nothing is expected: add `expected`")
        if actual in ("true", "false"):
            return str(allowed).lower()
        return "Allowed" if allowed else ("ImplicitlyDenied" if actual == "Allowed" else actual)
    return str(wanted).lower() if isinstance(wanted, bool) else _MATCH_NAMES.get(str(wanted), str(wanted))


def _run_decision(case: Members) -> tuple[str, str]:
    attached = _objects(case.get("resourcePolicies")) or _objects(case.get("resourcePolicy"))
    if too_big := _too_big(attached):
        return _OUTCOME_NAMES[Outcome.IMPLICIT_DENY], too_big
    outcome, sentence = _decide(_request(case), _objects(case.get("identityPolicies")), attached)
    return _OUTCOME_NAMES[outcome], sentence


def _run_policies(case: Members) -> tuple[str, str]:
    """Policies without an account model: those with a Principal are the resource's."""
    policies = [policy for policy in _objects(case.get("policies")) if isinstance(policy, dict)]
    attached = [policy for policy in policies if _names_principal(policy)]
    if too_big := _too_big(attached):
        return "false", too_big
    bare = [policy for policy in policies if not _names_principal(policy)]
    outcome, sentence = _decide(_request(case), bare, [_for_anybody(policy) for policy in attached])
    return _truth(outcome is Outcome.ALLOW), sentence


def _run_condition(case: Members) -> tuple[str, str]:
    condition: Members = {str(case["operator"]): {str(case.get("key")): case.get("values")}}
    return _matches(case, {"Action": "*", "Resource": "*", "Condition": condition})


def _run_action(case: Members) -> tuple[str, str]:
    return _matches(case, {str(case["element"]): case.get("patterns"), "Resource": "*"})


def _run_resource(case: Members) -> tuple[str, str]:
    return _matches(case, {"Action": "*", str(case["element"]): case.get("patterns")})


def _run_principal(case: Members) -> tuple[str, str]:
    """Whether the element is about the requester, be it only by the account."""
    element = str(case["element"])
    patterns = case.get("patterns", case.get("principals", case.get("principal")))
    principal: Json = {"AWS": patterns} if isinstance(patterns, list) else patterns
    statement: Members = {"Effect": "Allow", "Action": "*", "Resource": "*", element: principal}
    try:
        policy = parse_stored_identity_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    except PolicyError as error:
        return "false", f"the policy cannot be read: {error.message}"
    explanation = explain(_request(case), iam=(), identity=[("case", policy)])
    answer = explanation.statements[0].elements[0].answer
    return _truth(answer is True), explanation.sentence


def _run_wildcard(case: Members) -> tuple[str, str]:
    pattern, text = str(case["pattern"]), str(case.get("text"))
    if case.get("caseInsensitive") is True:
        pattern, text = pattern.lower(), text.lower()
    tokens = tokenize(pattern, variables=False)
    if case.get("mode") == "arn":
        arn = ArnPattern(tokens, crossing=False)
        whole = arn if arn.is_complete else ArnPattern(tokens, crossing=True)
        return _truth(whole.matches(text)), ""
    return _truth(Glob(tokens).matches(text)), ""


def _run_document(case: Members) -> tuple[str, str]:
    document = case["document"]
    try:
        text = document if isinstance(document, str) else _written(document)
        _check_size(text)
        parse_resource_policy(text)
    except PolicyError as error:
        return "false", error.message
    return "true", "accepted"


_RUNNERS = {
    "decision": _run_decision,
    "policies": _run_policies,
    "condition": _run_condition,
    "action": _run_action,
    "resource": _run_resource,
    "principal": _run_principal,
    "wildcard": _run_wildcard,
    "document": _run_document,
}


def _matches(case: Members, statement: Members) -> tuple[str, str]:
    """Whether one statement of the caller's IAM policy applies."""
    policy: Members = {"Statement": {"Effect": "Allow", **statement}}
    version = case.get("version", "2012-10-17")
    if version is not None:
        policy["Version"] = version
    outcome, sentence = _decide(_request(case), [policy], [])
    return _truth(outcome is Outcome.ALLOW), sentence


def _decide(request: Request, iam: Sequence[Json], identity: Sequence[Json]) -> tuple[Outcome, str]:
    """Both evaluators' outcome; a policy that cannot be read allows nothing."""
    try:
        own = [(f"iam {n}", parse_stored_iam_policy(json.dumps(policy))) for n, policy in enumerate(iam, 1)]
        attached: list[tuple[str, Policy]] = [
            (f"policy {n}", parse_stored_identity_policy(json.dumps(policy)))
            for n, policy in enumerate(identity, 1)
        ]
    except PolicyError as error:
        return Outcome.IMPLICIT_DENY, f"denied: a policy cannot be read: {error.message}"
    compiled_iam = compile_policies(own, kind="iam")
    compiled_identity = compile_policies(attached, kind="identity")
    decision = decide(request, iam=compiled_iam, identity=compiled_identity)
    explanation = explain(request, iam=own, identity=attached)
    if decision.outcome is not explanation.outcome:
        raise RuntimeError(f"the evaluators disagree on {request}: please report this case")
    return decision.outcome, explanation.sentence


def _request(case: Members) -> Request:
    """The request of a case; where it does not matter, by a user of the account for everything."""
    asked = case.get("request")
    members = asked if isinstance(asked, dict) else case
    requester = read_requester(members.get("requestPrincipal", members.get("principal")) or _ANYONE)
    resource = members.get("resource", members.get("requestResource"))
    account = members.get("resourceAccount")
    return Request(
        requester=requester,
        action=str(members.get("action", members.get("requestAction", "none:None"))),
        resource="*" if resource is None else str(resource),
        resource_account=account if isinstance(account, str) else requester.account_id,
        context=read_context(members.get("context")),
    )


def read_requester(written: Json) -> Requester:
    """The requester that a case, or a command line, names by ARN, account id or service name.

    Of an object such as `{"AWS": [...]}` the most particular name counts. Raises CaseError.
    """
    if isinstance(written, dict):
        names = [name for value in written.values() for name in _strings(value)]
        if not names:
            return read_requester(_ANYONE)
        return read_requester(max(names, key=lambda name: not name.endswith(":root")))
    if not isinstance(written, str):
        raise CaseError("a principal is an ARN, an account id or a service name")
    if is_account_id(written):
        written = f"arn:aws:iam::{written}:root"
    fields = written.split(":", 5)
    if len(fields) < 6:
        return Requester(arn=written, account_id="", kind="service", user_id="")
    account, name = fields[4], fields[5]
    if name == "root":
        return Requester(arn=written, account_id=account, kind="root", user_id=account)
    if name.startswith("assumed-role/"):
        role = f"{fields[0]}:{fields[1]}:iam::{account}:role/{name.split('/')[1]}"
        session = name.rpartition("/")[2]
        return Requester(
            arn=written, account_id=account, kind="role", user_id=f"AROA:{session}", role_arn=role
        )
    if name.startswith("role/"):
        return Requester(arn=written, account_id=account, kind="role", user_id="AROA:", role_arn=written)
    if name.startswith("federated-user/"):
        user_id = f"{account}:{name.partition('/')[2]}"
        return Requester(arn=written, account_id=account, kind="federated", user_id=user_id)
    return Requester(arn=written, account_id=account, kind="user", user_id="AIDA")


def read_context(written: Json) -> dict[str, ContextValue]:
    """Condition keys and values as JSON has them; null is an absent key, scalars become text."""
    if not isinstance(written, dict):
        return {}
    context: dict[str, ContextValue] = {}
    for key, value in written.items():
        if isinstance(value, list):
            context[key] = tuple(_text(item) for item in value)
        elif value is not None:
            context[key] = _text(value)
    return context


def _text(value: Json | int | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _written(policy: Json) -> str:
    """A policy as short as it can be submitted."""
    return json.dumps(policy, ensure_ascii=False, separators=(",", ":"))


def _too_big(policies: Sequence[Json]) -> str:
    try:
        for policy in policies:
            _check_size(_written(policy))
    except PolicyError as error:
        return f"denied: a policy cannot be read: {error.message}"
    return ""


def _check_size(text: str) -> None:
    """Raise PolicyError for a policy that SES would not store at an identity."""
    Source(text, max_bytes=MAX_BYTES)


def _truth(answer: bool) -> str:
    return str(answer).lower()


def _objects(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _strings(value: Json) -> list[str]:
    return [item for item in _objects(value) if isinstance(item, str)]


def _statements(policy: Members) -> list[Members]:
    return [statement for statement in _objects(policy.get("Statement")) if isinstance(statement, dict)]


def _names_principal(policy: Members) -> bool:
    return any("Principal" in item or "NotPrincipal" in item for item in _statements(policy))


def _for_anybody(policy: Members) -> Members:
    """The policy with a Principal in every statement: `*` where there was none."""
    statements: list[Json] = [
        item if "Principal" in item or "NotPrincipal" in item else {**item, "Principal": "*"}
        for item in _statements(policy)
    ]
    return {**policy, "Statement": statements}
