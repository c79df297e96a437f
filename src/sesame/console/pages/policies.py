"""The policy of an identity: what it says, what an edit would change and whom, saving, and putting back.

A preview changes nothing. A text is saved by SES's own operations with the leave of who is logged in, and never over
what somebody else has saved meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response

from sesame.access.identity_names import parse_identity_arn
from sesame.console import answers_form
from sesame.console.analyst import Answered, NoAnswer
from sesame.console.calls import Call, Sample, call, sample
from sesame.console.compared import Difference, difference
from sesame.console.pages.senders import DAYS_S, SECONDS, ask, question_of
from sesame.console.replays import Progress
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import ServiceError
from sesame.operations.policy_editing import CHANGED, IdentityPolicies
from sesame.policy import PolicyError
from sesame.policy.writing.answers import AnswerError, Answers
from sesame.policy.writing.generate import Reason, generate
from sesame.policy.writing.read_back import read_answers
from sesame.store.policy_versions import Version

REPLAY_S = 1.5
"""How long a page waits for recorded sends to be asked again, which then goes on in the background."""
FIRST_NAME = "Lent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is being edited. `begun` is the fingerprint of the text that the edit began with, "" for a new policy."""

    name: str
    text: str
    begun: str
    is_new: bool
    answers: Mapping[str, str] | None
    """The form beside it; None where the text was written by hand."""
    reasons: tuple[Reason, ...] = ()
    problem: str = ""
    problem_at: str = ""
    """The field that the problem is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is to be said of a draft."""

    edit: Answered | None = None
    problem: str = ""
    replayed: Progress | None = None
    is_changed: bool = True
    difference: Difference = field(default=())
    """Lines of what is stored against the draft, when somebody else has saved meanwhile."""


async def lend(visit: Visit) -> Response:
    """A new policy."""
    policies = await visit.backing.editing.of(visit.me, visit.path_values["name"])
    taken = {policy.name for policy in policies.policies}
    names = [FIRST_NAME, *(f"{FIRST_NAME}-{number}" for number in range(2, 30))]
    answers = await _of_refusal(visit, policies) if visit.query.get("refusal") else None
    draft = Draft(
        name=next(name for name in names if name not in taken),
        text="",
        begun="",
        is_new=True,
        answers=answers or answers_form.blank(policies.identity.name, visit.now),
    )
    if answers is None:
        return await _page(visit, policies, draft, Looked(is_changed=False))
    draft = _generated(draft, policies.arn, visit.now)
    looked = Looked(is_changed=False) if draft.problem else await _look(visit, policies, draft)
    return await _page(visit, policies, draft, looked)


async def _of_refusal(visit: Visit, policies: IdentityPolicies) -> dict[str, str] | None:
    """What would let in a send of another account that the identity's policies refused; None for any other."""
    view = await visit.backing.messages.refusal(visit.me, visit.query["refusal"])
    if view is None or view.record.account_id == policies.identity.account_id:
        return None
    check = next((one for one in view.decision.checks if one.arn == policies.arn), None)
    if check is None:
        return None
    source = check.addresses[0] if check.addresses and "From" in check.uses else ""
    return answers_form.of_refusal(view.decision.principal, view.decision.action, source)


async def show(visit: Visit) -> Response:
    """A policy as it is, or with one of its earlier texts in the editor."""
    policies = await visit.backing.editing.of(visit.me, visit.path_values["name"])
    name = visit.path_values["policy"]
    policy = policies.of_name(name)
    versions = await visit.backing.editing.versions(visit.me, policies.identity.name, name)
    asked = visit.query.get("version", "")
    old = next((one for one in versions if str(one.number) == asked and one.document), None)
    if policy is None and not versions:
        return visit.page("missing.html", status=404)
    document = "" if policy is None else policy.document
    draft = Draft(
        name=name,
        text=document if old is None or old.document is None else old.document,
        begun="" if policy is None else policy.fingerprint,
        is_new=policy is None,
        answers=None,
    )
    draft = _with_answers(draft, policies.arn)
    looked = Looked(is_changed=False)
    if draft.text != document:
        looked = await _look(visit, policies, draft)
    elif policy is not None:
        looked = replace(await _look(visit, policies, draft), is_changed=False)
    return await _page(visit, policies, draft, looked, versions=versions)


async def preview(visit: Visit) -> Response:
    """What the draft says and would change; or the draft written from the answers."""
    policies = await visit.backing.editing.of(visit.me, visit.path_values["name"])
    do = visit.form.get("do", "preview")
    draft = _draft(visit)
    draft = (
        _generated(draft, policies.arn, visit.now) if do == "write" else _with_answers(draft, policies.arn)
    )
    if draft.problem or not draft.text.strip():
        looked = Looked(is_changed=False, problem="" if draft.problem else "There is no text yet.")
    else:
        looked = await _look(visit, policies, draft)
        if do == "replay" and looked.edit is not None and not looked.edit["is_refused"]:
            looked = replace(looked, replayed=await _replay(visit, policies, draft))
    return await _page(visit, policies, draft, looked)


async def save(visit: Visit) -> Response:
    """Put the draft in force."""
    policies = await visit.backing.editing.of(visit.me, visit.path_values["name"])
    draft = _with_answers(_draft(visit), policies.arn)
    try:
        await visit.do(
            _saving(policies.identity.name, draft.name, draft.text, draft.begun, is_new=draft.is_new)
        )
    except ServiceError as error:
        problem, status = problem_of(error)
        current = policies.of_name(draft.name)
        if current is not None and current.document == draft.text:
            return _go(visit, policies, draft.name, "saved")  # sent twice
        looked = await _look(visit, policies, draft)
        if error.code == CHANGED:
            draft = replace(
                draft, begun="" if current is None else current.fingerprint, is_new=current is None
            )
            looked = replace(looked, difference=difference(current.document if current else "", draft.text))
        draft = replace(draft, problem=problem)
        return await _page(visit, policies, draft, looked, status=status)
    return _go(visit, policies, draft.name, "saved")


async def put_back(visit: Visit) -> Response:
    """Undo the last change: what was there before it is in force again."""
    policies = await visit.backing.editing.of(visit.me, visit.path_values["name"])
    name = visit.path_values["policy"]
    versions = await visit.backing.editing.versions(visit.me, policies.identity.name, name)
    asked = visit.form.get("version", "")
    old = next((one for one in versions if str(one.number) == asked), None)
    if old is None:
        return visit.page("missing.html", status=404)
    policy = policies.of_name(name)
    begun = visit.form.get("begun", "")
    await visit.do(_saving(policies.identity.name, name, old.document, begun, is_new=policy is None))
    if old.document is None:
        return visit.go(visit.here(f"/identities/{policies.identity.name}/senders"), said="undone")
    return _go(visit, policies, name, "undone")


def _saving(identity: str, name: str, text: str | None, begun: str, *, is_new: bool) -> Call:
    """Put a text in force that was made of the one with the fingerprint `begun`; None removes the policy."""
    which = {"EmailIdentity": identity, "PolicyName": name, "BegunWith": begun}
    if text is None:
        return call("edits", "DeleteEmailIdentityPolicy", **which)
    operation = "CreateEmailIdentityPolicy" if is_new else "UpdateEmailIdentityPolicy"
    return call("edits", operation, **which, Policy=text)


def _calls(policies: IdentityPolicies, draft: Draft, last: Version | None) -> list[Sample]:
    """What the page's buttons do."""
    identity, name, current = policies.identity.name, draft.name, policies.of_name(draft.name)
    found = []
    if draft.text.strip():
        saving = _saving(identity, name or FIRST_NAME, draft.text, draft.begun, is_new=draft.is_new)
        found.append(sample("Save", saving))
    if last is not None and (last.document is not None or current is not None):
        undoing = _saving(identity, name, last.document, draft.begun, is_new=current is None)
        found.append(sample("Undo the last change", undoing))
    return found


async def ask_remove(visit: Visit) -> Response:
    """Who loses what when a policy goes."""
    policies = await visit.backing.editing.of(visit.me, visit.path_values["name"])
    policy = policies.of_name(visit.path_values["policy"])
    if policy is None:
        return visit.page("missing.html", status=404)
    question = {"ask": "edit", **question_of(policies, changed={policy.name: None}, now=visit.now)}
    edit, problem = None, ""
    try:
        edit = await ask(visit, question, seconds=SECONDS)
    except NoAnswer as error:
        problem = f"What it changes is not known: {error}."
    removes = _saving(policies.identity.name, policy.name, None, policy.fingerprint, is_new=False)
    return visit.page(
        "policy_remove.html",
        identity=policies.identity,
        policy=policy,
        edit=edit,
        problem=problem,
        calls=[sample("Remove it", removes)],
    )


async def remove(visit: Visit) -> Response:
    """Remove a policy."""
    name, policy_name = visit.path_values["name"], visit.path_values["policy"]
    await visit.do(_saving(name, policy_name, None, visit.form.get("begun", ""), is_new=False))
    return visit.go(visit.here(f"/identities/{name}/policies/{policy_name}"), said="removed")


def _go(visit: Visit, policies: IdentityPolicies, name: str, said: str) -> Response:
    return visit.go(visit.here(f"/identities/{policies.identity.name}/policies/{name}"), said=said)


def _draft(visit: Visit) -> Draft:
    form = visit.form
    fields = {
        name: value for name, value in form.items() if name not in ("token", "name", "text", "begun", "do")
    }
    return Draft(
        name=form.get("name", "").strip(),
        text=form.get("text", "").replace("\r\n", "\n"),
        begun=form.get("begun", ""),
        is_new=form.get("is_new") == "1",
        answers={**dict.fromkeys(answers_form.written(_NOTHING), ""), **fields},
    )


_NOTHING = Answers(identity_arn="")


def _with_answers(draft: Draft, arn: str) -> Draft:
    """The form as the text fills it in; none where it was written by hand in a way that the form has not."""
    if not draft.text.strip():
        return draft
    found = read_answers(draft.text, identity_arn=arn)
    return replace(draft, answers=None if found is None else answers_form.written(found))


def _generated(draft: Draft, arn: str, now: float) -> Draft:
    """The text as the form's answers write it."""
    assert draft.answers is not None
    try:
        made = generate(answers_form.read(draft.answers, arn), now=now)
    except AnswerError as error:
        return replace(
            draft, problem=f"{error}.", problem_at=answers_form.QUESTIONS.get(error.question, "who")
        )
    return replace(draft, text=made.document, reasons=made.reasons)


async def _look(visit: Visit, policies: IdentityPolicies, draft: Draft) -> Looked:
    assert visit.login is not None
    question = {
        "ask": "edit",
        **question_of(policies, changed={draft.name: draft.text}, now=visit.now // 3600 * 3600),
    }
    try:
        edit = await ask(visit, question, seconds=SECONDS, who=visit.login.digest)
    except NoAnswer as error:
        return Looked(problem=f"What it changes is not known: {error}.")
    missing = "" if edit["is_refused"] else await visit.backing.editing.missing_principal(draft.text)
    if missing:
        problem = f"{missing} is not there: its account is on this server, and has no such user or role."
        return Looked(edit=edit, problem=problem)
    current = policies.of_name(draft.name)
    return Looked(edit=edit, is_changed=current is None or current.document != draft.text)


async def _replay(visit: Visit, policies: IdentityPolicies, draft: Draft) -> Progress | None:
    """Recorded sends asked again, as far as that has come; None for a text that is no policy."""
    assert visit.login is not None
    try:
        return await visit.backing.replays.of(
            visit.login.digest,
            parse_identity_arn(policies.arn),
            name=draft.name,
            text=draft.text,
            now=policies.named,
            since=visit.now - DAYS_S,
            within_s=REPLAY_S,
        )
    except PolicyError:
        return None


async def _page(
    visit: Visit,
    policies: IdentityPolicies,
    draft: Draft,
    looked: Looked,
    *,
    versions: list[Version] | None = None,
    status: int = 200,
) -> Response:
    current = policies.of_name(draft.name)
    last, last_edit = None, None
    if versions:
        last = versions[0]
        last_edit = await _last_change(visit, policies, draft.name, last)
    return visit.page(
        "policy.html",
        status=status,
        identity=policies.identity,
        draft=draft,
        current=current,
        looked=looked,
        versions=versions or [],
        last=last,
        last_edit=last_edit,
        ways=answers_form.WAYS,
        answers=draft.answers,
        examples=((), ())
        if draft.answers is None
        else answers_form.examples(draft.answers, policies.identity.name),
        sentences=looked.edit["sentences"] if looked.edit and not looked.edit["is_refused"] else [],
        calls=_calls(policies, draft, last),
    )


async def _last_change(visit: Visit, policies: IdentityPolicies, name: str, last: Version) -> Answered | None:
    """What the last change of a policy did; None where that is not known."""
    current = policies.of_name(name)
    others = [one for one in policies.named if one[0] != name]
    before = [*others, *([] if last.document is None else [(name, last.document)])]
    question: dict[str, Any] = {
        "ask": "edit",
        **question_of(policies, changed={name: None if current is None else current.document}, now=0),
        "policies": before,
    }
    try:
        return await ask(visit, question, seconds=SECONDS)
    except NoAnswer:
        return None


PAGES = (
    Page(path="/{region}/identities/{name}/lend", handler=lend),
    Page(path="/{region}/identities/{name}/edit", handler=preview, method="POST"),
    Page(path="/{region}/identities/{name}/save", handler=save, method="POST", is_grave=True),
    Page(path="/{region}/identities/{name}/policies/{policy}", handler=show),
    Page(
        path="/{region}/identities/{name}/policies/{policy}/undo",
        handler=put_back,
        method="POST",
        is_grave=True,
    ),
    Page(path="/{region}/identities/{name}/policies/{policy}/remove", handler=ask_remove),
    Page(
        path="/{region}/identities/{name}/policies/{policy}/remove",
        handler=remove,
        method="POST",
        is_grave=True,
    ),
)
