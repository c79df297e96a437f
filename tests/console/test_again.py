"""A log-in that is twelve hours old gives its password again before it changes policies, keys or passwords."""

import html
import re
from typing import Any

from sesame.app.foundation import Services
from sesame.console.app import pages
from sesame.console.logins import AGAIN_S
from tests.console.test_login import PASSWORD, log_in, make_user
from tests.support.browser import Person, root_of, words
from tests.support.process import REGION, SesameProcess
from tests.support.tenant import Tenant

GRAVE = {
    "policies",
    "senders",
    "bounds",
    "people",
    "sets",
    "account",
    "operator",
    "shares",
    "services",
    "programs",
    "signing",
}


def age(sesame: SesameProcess, account_id: str) -> None:
    async def run(services: Services) -> None:
        await services.store.write(
            lambda tx: tx.execute(
                "UPDATE console_login SET made_at = made_at - ? WHERE account_id = ?",
                AGAIN_S + 1,
                account_id,
            )
        )

    sesame.operate(run)


def fields(page: str) -> dict[str, str]:
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in hidden}


def save(person: Person, tenant: Tenant, name: str) -> Any:
    text = (
        '{"Version": "2012-10-17",\n "Statement": {"Effect": "Allow", "Principal": {"AWS": "222222222222"},'
        f' "Action": "ses:SendEmail", "Resource": "{tenant.arn}"}}}}'
    )
    here = f"/{REGION}/identities/example.com"
    return person.send(
        f"{here}/save", page=f"{here}/lend", name=name, text=text, is_new="1", begun="", do="save"
    )


def policies(tenant: Tenant) -> list[str]:
    found: list[str] = tenant.ses.list_identity_policies(Identity="example.com")["PolicyNames"]
    return found


def test_an_old_log_in_gives_its_password_and_what_was_typed_is_kept(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    make_user(tenant)
    person, _ = log_in(sesame, tenant)
    save(person, tenant, "Fresh")
    assert policies(tenant) == ["Fresh"]
    age(sesame, tenant.account.account_id)
    asked = save(person, tenant, "Old")
    assert asked.status_code == 403
    assert "Give your password once more" in asked.text
    assert policies(tenant) == ["Fresh"]
    kept, path = fields(asked.text), asked.url.path
    origin = {"origin": sesame.console}
    wrong = person.client.post(path, data={**kept, "again_password": "Wrong-horse-1"}, headers=origin)
    assert "The password or the code is wrong." in wrong.text
    assert fields(wrong.text) == kept
    assert policies(tenant) == ["Fresh"]
    person.client.post(path, data={**kept, "again_password": PASSWORD}, headers=origin)
    assert policies(tenant) == ["Fresh", "Old"]
    save(person, tenant, "Next")
    assert policies(tenant) == ["Fresh", "Next", "Old"], "it is not asked for at each change"


def test_reading_and_small_changes_ask_for_nothing_and_a_link_is_opened_anew(
    sesame: SesameProcess, tenant: Tenant
) -> None:
    person = root_of(sesame, tenant.account.account_id)
    age(sesame, tenant.account.account_id)
    here = f"/{REGION}/suppression"
    assert "On the list now: 1." in person.send(here, addresses="a@one.example", reason="BOUNCE").text
    refused = save(person, tenant, "P")
    assert refused.status_code == 403
    assert "Log in again to do that" in words(refused.text)
    assert policies(tenant) == []


def test_what_changes_policies_keys_and_passwords_is_grave() -> None:
    class Backing:
        has_inbox = True
        has_zone = True

    plain = set()
    for page in pages(Backing()):  # type: ignore[arg-type]
        room = page.handler.__module__.rpartition(".")[2]
        if page.method == "POST" and room in GRAVE and not page.is_grave:
            plain.add(page.path)
    here, one = "/{region}/identities/{name}", "/{region}/configuration-sets/{name}"
    assert plain == {
        f"{here}/edit",  # a preview
        "/me/password",  # asks for the old one
        "/me/logins/end",
        "/me/choices",
        "/operator/accounts/{account_id}/answer",
        "/operator/accounts/{account_id}/quota",
        "/operator/accounts/{account_id}/enforce",
        "/operator/look",
        "/operator/back",
        "/{region}/programs/smtp/test",  # changes nothing
        "/{region}/configuration-sets",
        *(f"{one}/{rest}" for rest in ("sending", "delivery", "suppression", "delete")),
        *(f"{one}/destinations{rest}" for rest in ("", "/change")),
        *(f"{here}/signing/{rest}" for rest in ("switch", "mail-from")),
    }
