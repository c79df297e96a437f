"""Who is logged in: their log-ins, password and devices, changed by the operations of IAM."""

import asyncio
import base64
import re
from binascii import Error as NotHex
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from sesame.access.password_rules import in_words, least_length
from sesame.console import zones
from sesame.console.calls import Call, Sample, call, sample
from sesame.console.visit import Page, Visit
from sesame.errors import ServiceError
from sesame.model import PrincipalKind
from sesame.store.console_choices import SCHEMES, Choices
from sesame.store.iam import password_policies

_MAY_BE_GIVEN_AGAIN = ("InvalidAuthenticationCode", "ValidationError")
"""What is said of wrong codes of a device that still waits for right ones."""
_DEVICE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200, **more: object) -> Response:
    assert visit.login is not None
    is_user = visit.me.principal.kind is PrincipalKind.USER
    devices: Sequence[Mapping[str, Any]] = []
    has_password, hidden, codes_left = False, "", 0
    if is_user:
        try:
            devices = (await visit.call("iam", "ListMFADevices", {}))["MFADevices"]
            codes_left = await visit.backing.recovery.left(visit.me) if devices else 0
        except ServiceError as error:
            hidden = error.message
        try:
            has_password = bool(await visit.call("iam", "GetLoginProfile", {}))
        except ServiceError:
            has_password = True  # or it may not be known; the form says what is wrong
    account_id = visit.me.principal.account_id
    policy = await visit.backing.store.read(lambda tx: password_policies.get(tx, account_id))
    logins = [login for login in await visit.backing.logins.of_user(visit.login) if not login.is_operator]
    return visit.page(
        "me.html",
        status=status,
        problem=problem,
        is_user=is_user,
        principal=visit.me.principal,
        devices=devices,
        hidden=hidden,
        codes_left=codes_left,
        has_password=has_password,
        rules=in_words(policy),
        least_length=least_length(policy),
        logins=logins,
        device=more.get("device"),
        zones=await asyncio.to_thread(zones.names),
        calls=_calls(visit.me.principal.name, devices, has_password=has_password) if is_user else (),
    )


def _calls(user: str, devices: Sequence[Mapping[str, Any]], *, has_password: bool) -> list[Sample]:
    """What the page reads and its buttons do; of secrets there are none to show."""
    doing = [sample("List the devices", call("iam", "ListMFADevices"))]
    if has_password:
        doing.append(sample("Change the password", _password("OLD-PASSWORD", "NEW-PASSWORD")))
    doing.append(sample("Create a device", _device("phone")))
    serial = "arn:aws:iam::111122223333:mfa/phone"
    for one in devices[:1]:
        serial = one["SerialNumber"]
        doing.append(sample("Take a device away", *_removal(serial)))
    return [*doing, sample("Ask for its codes from now on", _enabling(user, serial, "111111", "222222"))]


def _password(old: str, new: str) -> Call:
    return call("iam", "ChangePassword", OldPassword=old, NewPassword=new)


def _device(name: str) -> Call:
    return call("iam", "CreateVirtualMFADevice", VirtualMFADeviceName=name)


def _enabling(user: str, serial: str, first: str, second: str) -> Call:
    codes = {"AuthenticationCode1": first, "AuthenticationCode2": second}
    return call("iam", "EnableMFADevice", UserName=user, SerialNumber=serial, **codes)


def _removal(serial: str) -> tuple[Call, Call]:
    return (
        call("iam", "DeactivateMFADevice", SerialNumber=serial),
        call("iam", "DeleteVirtualMFADevice", SerialNumber=serial),
    )


async def change_password(visit: Visit) -> Response:
    """Another password; all log-ins end, so this one is opened anew."""
    form = visit.form
    if form.get("new", "") != form.get("again", ""):
        visit.wrong = ("new", "again")
        return await _page(visit, "The two new passwords differ.", 400)
    try:
        await visit.do(_password(form.get("old", ""), form.get("new", "")))
    except ServiceError as error:
        return await _page(visit, error.message, error.http_status)
    visit.cookies["login"] = None
    return visit.go("/login")


async def end_login(visit: Visit) -> Response:
    """End one of the person's own log-ins."""
    assert visit.login is not None
    try:
        digest = bytes.fromhex(visit.form.get("login", ""))
    except (ValueError, NotHex):
        digest = b""
    own = {login.digest for login in await visit.backing.logins.of_user(visit.login)}
    if digest in own:
        await visit.backing.logins.end(digest)
    return visit.go("/me", said="ended")


async def choose(visit: Visit) -> Response:
    """Keep the colours and the time zone of the pages."""
    scheme, zone = visit.form.get("scheme", ""), visit.form.get("zone", "").strip()
    known = await asyncio.to_thread(zones.names)
    if scheme not in SCHEMES or (zone and zone not in known):
        visit.wrong = ("zone",)
        return await _page(visit, "Choose colours and a time zone from the lists.", 400)
    await visit.backing.logins.choose(visit.me.principal, Choices(scheme=scheme, zone=zone), visit.browser)
    return visit.go("/me", said="chosen")


async def new_device(visit: Visit) -> Response:
    """Create a device; its secret is shown this once, to a form sent twice the same.

    A form that names a device which was not enabled (`instead`) begins with it anew.
    """
    name, instead = visit.form.get("name", "").strip(), visit.form.get("instead", "")
    if not _DEVICE_NAME.fullmatch(name):
        visit.wrong = ("name",)
        return await _page(visit, "A device's name has letters, digits and _+=,.@- alone.", 400)

    async def made() -> Mapping[str, Any]:
        if instead:
            await visit.do(call("iam", "DeleteVirtualMFADevice", SerialNumber=instead))
        device = (await visit.do(_device(name)))["VirtualMFADevice"]
        return {
            "serial": device["SerialNumber"],
            "seed": device["Base32StringSeed"].decode(),
            "picture": f"data:image/png;base64,{base64.b64encode(device['QRCodePNG']).decode()}",
        }

    try:
        device = await visit.once(made)
    except ServiceError as error:
        begun = _serial(visit, name)
        is_begun = error.code == "EntityAlreadyExists" and await _may_be_begun(visit, begun)
        visit.wrong = ("name",)
        return await _page(
            visit, error.message, error.http_status, device={"serial": begun} if is_begun else None
        )
    return await _page(visit, device=device)


def _serial(visit: Visit, name: str) -> str:
    return f"arn:aws:iam::{visit.me.principal.account_id}:mfa/{name}"


async def _may_be_begun(visit: Visit, serial: str) -> bool:
    """Whether a device is there that nobody uses yet, which the person may enable."""
    try:
        free = await visit.call("iam", "ListVirtualMFADevices", {"AssignmentStatus": "Unassigned"})
    except ServiceError:
        return False
    return any(one["SerialNumber"] == serial for one in free["VirtualMFADevices"])


async def enable_device(visit: Visit) -> Response:
    """Ask for its codes from now on."""
    form = visit.form
    typed = (form.get("code1", "").strip(), form.get("code2", "").strip())
    try:
        await visit.do(_enabling(visit.me.principal.name, form.get("serial", ""), *typed))
    except ServiceError as error:
        visit.wrong = ("code1", "code2")
        serial = form.get("serial", "")
        is_own = serial.startswith(_serial(visit, ""))
        device = {"serial": serial} if is_own and error.code in _MAY_BE_GIVEN_AGAIN else None
        return await _page(visit, error.message, error.http_status, device=device)
    visit.cookies["login"] = None
    try:
        codes = await visit.backing.recovery.make(visit.me, is_first=True)
    except ServiceError:
        return visit.go("/login")  # there are codes already, or they may not be made
    visit.login = visit.account = visit.caller = None  # the log-in is over
    return visit.page("recovery.html", codes=codes, is_new=True)


async def new_codes(visit: Visit) -> Response:
    """Make recovery codes anew; they are shown this once, to a form sent twice the same."""

    async def made() -> Mapping[str, Any]:
        return {"codes": await visit.backing.recovery.make(visit.me)}

    try:
        answer = await visit.once(made)
    except ServiceError as error:
        return await _page(visit, error.message, error.http_status)
    return visit.page("recovery.html", codes=answer["codes"], is_new=False)


async def remove_device(visit: Visit) -> Response:
    """Ask for no code of it any more, and forget it."""
    serial = visit.form.get("serial", "")
    try:
        for one in _removal(serial):
            await visit.do(one)
    except ServiceError as error:
        return await _page(visit, error.message, error.http_status)
    visit.cookies["login"] = None
    return visit.go("/login")


PAGES = (
    Page(path="/me", handler=show),
    Page(path="/me/password", handler=change_password, method="POST"),
    Page(path="/me/logins/end", handler=end_login, method="POST"),
    Page(path="/me/choices", handler=choose, method="POST"),
    Page(path="/me/devices/new", handler=new_device, method="POST", is_grave=True),
    Page(path="/me/devices/enable", handler=enable_device, method="POST", is_grave=True),
    Page(path="/me/codes", handler=new_codes, method="POST", is_grave=True),
    Page(path="/me/devices/remove", handler=remove_device, method="POST", is_grave=True),
)
