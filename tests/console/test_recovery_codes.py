"""Recovery codes: each logs its user in once in place of a device's code."""

import base64
import re
import time
from typing import Any

import pytest

from sesame.access.passwords import STEP_S, totp
from sesame.app.foundation import Services
from tests.console.test_again import age, fields
from tests.console.test_login import PASSWORD, WRONG, log_in, make_user
from tests.support.browser import Person, words
from tests.support.process import SesameProcess
from tests.support.tenant import Tenant

_CODE = re.compile(r"<li><code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code></li>")


def enable(person: Person, name: str = "phone") -> Any:
    """Set up a device on the page *Me*: what the page answers, and what the form was."""
    page = person.send("/me/devices/new", page="/me", name=name).text
    seed = base64.b32decode(re.findall(r'data-copy="([A-Z2-7]{64})"', page)[0])
    step = int(time.time() // STEP_S)
    asked = page.split('action="/me/devices/enable"')[1].split("</form>")[0]
    form = fields(asked) | {"code1": totp(seed, step - 1), "code2": totp(seed, step)}
    return person.client.post("/me/devices/enable", data=form, headers={"origin": person.base}), form


def with_codes(sesame: SesameProcess, tenant: Tenant, user: str = "anna") -> list[str]:
    make_user(tenant, name=user)
    person, _ = log_in(sesame, tenant, user=user)
    answer, _ = enable(person, f"phone-of-{user}")
    assert person.get("/me").url.path == "/login"
    codes = _CODE.findall(answer.text)
    assert len(set(codes)) == 10
    return list(codes)


def calls(tenant: Tenant, sesame: SesameProcess) -> list[str]:
    """What the audit log has of recovery codes, in order."""
    found: list[str] = []

    async def run(services: Services) -> None:
        rows = await services.store.read(
            lambda tx: tx.all(
                "SELECT body FROM audit_row WHERE account_id = ? ORDER BY seq", tenant.account.account_id
            )
        )
        found.extend(str(body) for (body,) in rows if "RecoveryCode" in str(body))

    sesame.operate(run)
    return found


def test_a_code_logs_in_once_and_the_page_counts(sesame: SesameProcess, tenant: Tenant) -> None:
    first, second, *_ = with_codes(sesame, tenant)
    assert WRONG in log_in(sesame, tenant)[1].text
    assert WRONG in log_in(sesame, tenant, "Wrong-horse-1", code=second)[1].text
    person, answer = log_in(sesame, tenant, code=f" {first.upper().replace('-', ' ')} ")
    assert answer.url.path.endswith("/home")
    assert "You have 9 left." in words(person.get("/me").text)
    refused = log_in(sesame, tenant, code=first)[1]
    assert (refused.status_code, WRONG in refused.text) == (403, True)
    assert log_in(sesame, tenant, code=second.replace("-", ""))[1].url.path.endswith("/home")
    told = calls(tenant, sesame)
    names = [name for line in told for name in ("CreateRecoveryCodes", "UseRecoveryCode") if name in line]
    assert names == ["CreateRecoveryCodes", "UseRecoveryCode", "UseRecoveryCode"]
    assert not any(code in line for line in told for code in (first, second))


@pytest.mark.parametrize("nothing", ["", "-", "aaaa-aaaa-aaaa-aaaa", "x" * 40, "ａａａａ-aaaa-aaaa-aaaa"])
def test_what_is_no_code_does_not_log_in(sesame: SesameProcess, tenant: Tenant, nothing: str) -> None:
    with_codes(sesame, tenant)
    assert WRONG in log_in(sesame, tenant, code=nothing)[1].text


def test_the_code_of_another_user_does_not_log_in(sesame: SesameProcess, tenant: Tenant) -> None:
    annas, bens = with_codes(sesame, tenant), with_codes(sesame, tenant, "ben")
    assert WRONG in log_in(sesame, tenant, code=bens[0])[1].text
    assert log_in(sesame, tenant, code=bens[0], user="ben")[1].url.path.endswith("/home")
    assert log_in(sesame, tenant, code=annas[0])[1].url.path.endswith("/home")


def test_wrong_codes_make_a_user_wait(sesame: SesameProcess, tenant: Tenant) -> None:
    good, *_ = with_codes(sesame, tenant)
    for _ in range(10):
        assert WRONG in log_in(sesame, tenant, code="aaaa-aaaa-aaaa-aaaa")[1].text
    assert log_in(sesame, tenant, code=good)[1].status_code == 429


def test_new_codes_end_the_old_and_a_form_sent_twice_makes_them_once(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    old = with_codes(sesame, tenant)
    person, _ = log_in(sesame, tenant, code=old[0])
    page = person.get("/me").text
    form = {"token": person.token("/me"), "once": re.findall(r'name="once" value="([^"]+)"', page)[0]}
    origin = {"origin": person.base}
    made, again = (
        _CODE.findall(person.client.post("/me/codes", data=form, headers=origin).text) for _ in "12"
    )
    assert made == again
    assert len(set(made)) == 10
    assert not set(made) & set(old)
    assert "You have 10 left." in words(person.get("/me").text)
    assert not any(code in person.get("/me").text for code in made)
    assert WRONG in log_in(sesame, tenant, code=old[1])[1].text
    assert log_in(sesame, tenant, code=made[0])[1].url.path.endswith("/home")


def test_the_form_that_enables_a_device_sent_twice_leaves_the_codes(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    cookie = person.client.cookies["sesame"]
    answer, form = enable(person)
    person.client.cookies.set("sesame", cookie)
    twice = person.client.post("/me/devices/enable", data=form, headers={"origin": person.base})
    assert _CODE.findall(twice.text) == []
    assert log_in(sesame, tenant, code=_CODE.findall(answer.text)[0])[1].url.path.endswith("/home")


def test_another_device_leaves_the_codes_and_they_end_with_the_last(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    first, second, third, fourth, *_ = with_codes(sesame, tenant)
    person, _ = log_in(sesame, tenant, code=first)
    answer, _ = enable(person, "tablet")
    assert answer.url.path == "/login", words(answer.text)
    serials = [one["SerialNumber"] for one in tenant.iam.list_mfa_devices(UserName="anna")["MFADevices"]]
    tenant.iam.deactivate_mfa_device(UserName="anna", SerialNumber=serials[0])
    assert log_in(sesame, tenant, code=second)[1].url.path.endswith("/home")
    person, _ = log_in(sesame, tenant, code=third)
    person.send("/me/devices/remove", page="/me", serial=serials[1])
    person, answer = log_in(sesame, tenant)
    assert answer.url.path.endswith("/home")
    refused = person.send("/me/codes", page="/me")
    assert refused.status_code == 404
    assert "there is none" in words(refused.text)
    enable(person, "third")
    assert WRONG in log_in(sesame, tenant, code=fourth)[1].text


def test_an_old_log_in_takes_a_code_as_well(sesame: SesameProcess, tenant: Tenant) -> None:
    first, second, *_ = with_codes(sesame, tenant)
    person, _ = log_in(sesame, tenant, code=first)
    age(sesame, tenant.account.account_id)
    asked = person.send("/me/codes", page="/me")
    assert "Give your password once more" in asked.text
    for code, count in ((first, 0), (second, 10)):
        typed = {**fields(asked.text), "again_password": PASSWORD, "again_code": code}
        answer = person.client.post("/me/codes", data=typed, headers={"origin": person.base})
        assert len(_CODE.findall(answer.text)) == count


def test_who_may_not_enable_devices_makes_no_codes(sesame: SesameProcess, tenant: Tenant) -> None:
    first, *_ = with_codes(sesame, tenant)
    person, _ = log_in(sesame, tenant, code=first)
    tenant.iam.put_user_policy(
        UserName="anna",
        PolicyName="p",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",'
        ' "Action": "iam:ListMFADevices", "Resource": "*"}]}',
    )
    refused = person.send("/me/codes", page="/me")
    assert refused.status_code == 403
    assert "iam:EnableMFADevice" in words(refused.text)
    assert "You have 9 left." in words(person.get("/me").text)


def test_no_code_is_stored_in_clear(sesame: SesameProcess, tenant: Tenant) -> None:
    codes = with_codes(sesame, tenant)
    stored = b"".join(path.read_bytes() for path in sesame.data.rglob("*") if path.is_file())
    assert b"recovery_code" in stored
    for code in codes:
        for form in (code, code.replace("-", ""), code.upper(), code.replace("-", "").upper()):
            assert form.encode() not in stored
        assert base64.b32decode(code.replace("-", "").upper()) not in stored


def test_wrong_codes_are_given_again_and_a_device_that_was_left_is_taken_up_or_begun_anew(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    """Its secret is shown once, to a form sent twice too; without it there is a way on all the same."""
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    shown = person.get("/me").text.split('action="/me/devices/new"')[1].split("</form>")[0]
    assert 'name="name" value="anna-phone"' in shown
    form = fields(shown) | {"name": "anna-phone"}
    origin = {"origin": person.base}
    first, again = (person.client.post("/me/devices/new", data=form, headers=origin).text for _ in range(2))
    (seed,) = set(re.findall(r'data-copy="([A-Z2-7]{64})"', first + again))
    asked = fields(first.split('action="/me/devices/enable"')[1].split("</form>")[0])
    for code in ("000000", "x", ""):
        answer = person.client.post(
            "/me/devices/enable", data=asked | {"code1": code, "code2": code}, headers=origin
        )
        assert answer.status_code in (400, 403) and seed not in answer.text
        assert "is waiting for two codes in a row" in words(answer.text), code
    left = person.send("/me/devices/new", page="/me", name="anna-phone")
    assert "already exists" in words(left.text) and "is waiting for two codes" in words(left.text)
    new = fields(left.text.split('action="/me/devices/new"')[1].split("</form>")[0])
    begun = person.client.post("/me/devices/new", data=new, headers=origin).text
    (other,) = re.findall(r'data-copy="([A-Z2-7]{64})"', begun)
    assert other != seed
    step = int(time.time() // STEP_S)
    codes = {f"code{n}": totp(base64.b32decode(other), step - 2 + n) for n in (1, 2)}
    assert _CODE.findall(person.client.post("/me/devices/enable", data=asked | codes, headers=origin).text)


def test_a_device_of_another_or_in_use_is_not_offered(sesame: SesameProcess, tenant: Tenant) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    theirs = f"arn:aws:iam::{sesame.create_account().account_id}:mfa/phone"
    answer = person.send("/me/devices/enable", page="/me", serial=theirs, code1="000000", code2="000000")
    assert "is waiting for" not in words(answer.text)
    enable(person, "used")
    make_user(tenant, name="ben")
    other, _ = log_in(sesame, tenant, user="ben")
    answer = other.send("/me/devices/new", page="/me", name="used")
    assert "already exists" in words(answer.text) and "is waiting for" not in words(answer.text)
