"""What goes into a program: where the server is, keys with their last use, SMTP log-ins, code for each client."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse, Response

from sesame.access.smtp_login import TooManyFailures, WrongCredentials
from sesame.admin.delegates.kit_snippets import Example, Place, sending
from sesame.aws.smtp_password import smtp_password
from sesame.console.calls import Call, Sample, call, sample
from sesame.console.visit import Page, Visit, problem_of
from sesame.errors import AccessDenied, ServiceError
from sesame.model import IdentityKind
from sesame.operations.programs import ProgramsView
from sesame.operations.sesame.smtp_bindings import check_bindable

SIMULATOR = "success@simulator.amazonses.com"
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
SEND_RAW = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ses:SendRawEmail", "Resource": "*"}}'
"""What the user of an SMTP log-in may do, as AWS's console gives it to the users that it makes."""
SMTP_NEEDS = ("iam:CreateUser", "iam:PutUserPolicy", "iam:CreateAccessKey")
WRONG = {
    "inactive": "The access key is disabled.",
    "secret": "This is the secret access key. An SMTP password is derived from it, for one region.",
    "white-space": "There is a space or a line break at an end of the password.",
}
"""What is wrong with a log-in of the account's own, in words; nothing is said of another's."""
MOST_ARN = 500
NO_MATCH = "User name and password do not go together."


async def show(visit: Visit) -> Response:
    """The page; with an `arn` its form makes an SMTP log-in that stands in for that identity."""
    arn = visit.query.get("arn", "").strip()[:MOST_ARN]
    return await _page(visit, visit.query.get("user", "").strip(), arn=arn)


async def _page(visit: Visit, user: str, *, problem: str = "", status: int = 200, **more: Any) -> Response:
    found = await visit.backing.programs.of(visit.me, user)
    doors = visit.backing.doors()
    values: dict[str, Any] = {
        "new_key": None,
        "tested": None,
        "smtp_name": _smtp_name(visit),
        "arn": "",
        **more,
    }
    return visit.page(
        "programs.html",
        status=status,
        problem=problem,
        found=found,
        is_own=found.arn == visit.me.principal.arn,
        doors=doors,
        snippets=_snippets(visit, found, doors),
        calls=_calls(found, "" if found.arn == visit.me.principal.arn else found.user, values["smtp_name"]),
        **values,
    )


def _calls(found: ProgramsView, user: str, smtp_name: str) -> list[Sample]:
    """What the page reads and its buttons do; without a user it is the caller's own keys."""
    doing = [
        sample("List the keys", call("iam", "ListAccessKeys", **_of(user))),
        sample("Create a key", call("iam", "CreateAccessKey", **_of(user))),
    ]
    for one in found.keys.items[:1]:
        key, is_active = one.key.access_key_id, one.key.status == "Active"
        title = "Disable a key" if is_active else "Enable a key"
        doing += [
            sample(title, _switch(user, key, on=not is_active)),
            sample("Delete a key", _deletion(user, key)),
            sample("Say what its SMTP log-in stands in for", _binding(user, key, one.bound)),
        ]
    return [*doing, sample("Create an SMTP log-in", *_smtp_user(smtp_name))]


def _switch(user: str, key: str, *, on: bool) -> Call:
    status = "Active" if on else "Inactive"
    return call("iam", "UpdateAccessKey", AccessKeyId=key, Status=status, **_of(user))


def _deletion(user: str, key: str) -> Call:
    return call("iam", "DeleteAccessKey", AccessKeyId=key, **_of(user))


def _binding(user: str, key: str, arns: Iterable[str]) -> Call:
    return call("sesame", "PutSmtpBinding", AccessKeyId=key, IdentityArns=list(arns), **_of(user))


def _smtp_user(name: str) -> tuple[Call, Call, Call]:
    """A user that may do nothing but send by SMTP, and its key."""
    policy = {"PolicyName": "AmazonSesSendingAccess", "PolicyDocument": SEND_RAW}
    return (
        call("iam", "CreateUser", UserName=name),
        call("iam", "PutUserPolicy", UserName=name, **policy),
        call("iam", "CreateAccessKey", UserName=name),
    )


def _smtp_name(visit: Visit) -> str:
    return f"smtp-{visit.region}-{int(visit.now)}"


def _snippets(visit: Visit, found: ProgramsView, doors: Mapping[str, str]) -> list[Any]:
    """One for each way to send, as an identity of the account's own; with a stand-in where there is none yet."""
    identity = found.identity
    address = "news@example.com"
    if identity is not None:
        address = identity.name if identity.kind is IdentityKind.ADDRESS else f"news@{identity.name}"
    place = Place(api=doors["api"], region=visit.region, smtp=doors.get("smtp", ""), is_own_ca="ca" in doors)
    example = Example(
        from_address=address, display_name="", feedback=address, feedback_arn="", recipients=(SIMULATOR,)
    )
    return [recipe.made(example) for recipe in sending(place, "")]


def _back(visit: Visit, user: str) -> str:
    return visit.here("/programs") + (f"?user={user}" if user else "")


def _of(user: str) -> dict[str, str]:
    return {"UserName": user} if user else {}


async def create_key(visit: Visit) -> Response:
    """Make an access key; its secret, and the SMTP password derived from it, are shown this once."""
    user = visit.form.get("user", "").strip()

    async def made() -> Mapping[str, Any]:
        answer = await visit.do(call("iam", "CreateAccessKey", **_of(user)))
        return _shown(visit, answer["AccessKey"])

    try:
        key = await visit.once(made)
    except ServiceError as error:
        problem, status = problem_of(error)
        return await _page(visit, user, problem=problem, status=status)
    return await _page(visit, user, new_key=key)


def _shown(visit: Visit, made: Mapping[str, Any]) -> dict[str, str]:
    return {
        "id": made["AccessKeyId"],
        "secret": made["SecretAccessKey"],
        "password": smtp_password(made["SecretAccessKey"], visit.region),
        "user": made["UserName"],
    }


async def change_key(visit: Visit) -> Response:
    """Disable a key, enable it again, or delete it; or set what its SMTP log-in stands in for."""
    form, user = visit.form, visit.form.get("user", "").strip()
    key, do = form.get("key", ""), form.get("do", "")
    try:
        if do == "bind":
            await visit.do(_binding(user, key, form.get("arns", "").replace(",", " ").split()))
        elif do == "delete":
            await visit.do(_deletion(user, key))
        else:
            await visit.do(_switch(user, key, on=do == "enable"))
    except ServiceError as error:
        problem, status = problem_of(error)
        return await _page(visit, user, problem=problem, status=status)
    return visit.go(_back(visit, user), said="set")


async def create_smtp(visit: Visit) -> Response:
    """Create a user that may do nothing but send by SMTP, with a key, its region in its name; shown this once."""
    form = visit.form
    name, arns = form.get("name", "").strip(), form.get("arn", "").replace(",", " ").split()
    given = {"smtp_name": name, "arn": " ".join(arns)}
    if not _NAME.fullmatch(name):
        visit.wrong = ("name",)
        problem = "A user's name has letters, digits and _+=,.@- alone."
        return await _page(visit, "", problem=problem, status=400, **given)
    arn = f"arn:aws:iam::{visit.me.principal.account_id}:user/{name}"
    needs = [*SMTP_NEEDS, *(["sesame:PutSmtpBinding"] if arns else [])]
    # Asked before anything is made: what is made by halves is of no use.
    try:
        check_bindable(arns)
    except ServiceError as error:
        visit.wrong = ("arn",)
        return await _page(visit, "", problem=error.message, status=error.http_status, **given)
    refused = await visit.backing.authorizer.refusals(visit.me, [(one, arn) for one in needs])
    if (why := next((one for one in refused if one is not None), None)) is not None:
        raise AccessDenied(why)

    async def made() -> Mapping[str, Any]:
        for one in _smtp_user(name):
            answer = await visit.do(one)
        key = answer["AccessKey"]
        if arns:
            await visit.do(_binding(name, key["AccessKeyId"], arns))
        return _shown(visit, key)

    try:
        new_key = await visit.once(made)
    except ServiceError as error:
        problem, status = problem_of(error)
        return await _page(visit, "", problem=problem, status=status, **given)
    return await _page(visit, name, new_key=new_key)


async def test_smtp(visit: Visit) -> Response:
    """Whether an SMTP log-in of this account is right: checked as the SMTP door checks it; nothing is sent."""
    form, logins, address = visit.form, visit.backing.smtp_logins, visit.browser.source_ip
    account_id, user = visit.me.principal.account_id, form.get("user", "").strip()
    try:
        login = await logins.check(
            form.get("username", "").strip(),
            form.get("password", ""),
            address=address,
            client=f"console:{address}",
        )
        caller = await logins.caller(login)
    except TooManyFailures:
        return await _page(visit, user, tested=("bad", "Too many attempts failed. Try again in a minute."))
    except WrongCredentials as error:
        is_own = error.principal is not None and error.principal.account_id == account_id
        said = WRONG.get(error.why, NO_MATCH) if is_own else NO_MATCH
        if is_own and error.why == "region":
            said = f"The password is one for {error.region}, where this server does not serve it."
        return await _page(visit, user, tested=("bad", said))
    if caller.principal.account_id != account_id:
        return await _page(visit, user, tested=("bad", NO_MATCH))
    said = f"It logs in as {caller.principal.arn}, in {login.region}."
    if login.region != visit.region:
        said += f" This page is about {visit.region}: passwords differ by region."
    return await _page(visit, user, tested=("good", said))


async def authority(visit: Visit) -> Response:
    """The certificate of the server's own authority, for programs that check who they speak to."""
    path = visit.backing.doors().get("ca", "")
    if not path:
        return visit.page("missing.html", status=404)
    headers = {"content-disposition": 'attachment; filename="sesame-ca.pem"'}
    return PlainTextResponse(await asyncio.to_thread(Path(path).read_text), headers=headers)


_HERE = "/{region}/programs"
PAGES = (
    Page(path=_HERE, handler=show),
    Page(path=f"{_HERE}/authority/text", handler=authority),
    Page(path=f"{_HERE}/keys", handler=create_key, method="POST", is_grave=True),
    Page(path=f"{_HERE}/keys/change", handler=change_key, method="POST", is_grave=True),
    Page(path=f"{_HERE}/smtp", handler=create_smtp, method="POST", is_grave=True),
    Page(path=f"{_HERE}/smtp/test", handler=test_smtp, method="POST"),
)
