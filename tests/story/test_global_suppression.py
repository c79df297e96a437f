"""With the operator's list, an address that does not exist is tried by one account, and by nobody else for a while."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import SesameProcess, running, wait_until
from tests.support.tenant import MESSAGE, Tenant


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server that keeps the list."""
    data: Path = tmp_path_factory.mktemp("listing") / "data"
    with running(data, SESAME_SUPPRESSION__GLOBAL_DAYS="14") as process:
        yield process


def tenant_of(server: SesameProcess) -> Tenant:
    found = Tenant(server, server.create_account())
    found.ses.verify_domain_identity(Domain="example.com")
    return found


def send(tenant: Tenant, *addresses: str) -> str:
    sent = tenant.ses.send_email(
        Source="news@example.com", Destination={"ToAddresses": list(addresses)}, Message=MESSAGE
    )
    return str(sent["MessageId"])


def states(server: SesameProcess, message_id: str) -> dict[str, tuple[str, str | None]]:
    """Of each recipient where it stands, and the code and text of why."""
    found = server.run_json("trace", message_id)["recipients"]
    return {
        one["address"]: (one["state"], one["causes"][0]["cause"] if one["causes"] else None) for one in found
    }


def new_address() -> str:
    return f"{uuid.uuid4().hex[:12]}@elsewhere.test"


def test_a_listed_address_gets_nothing_from_anybody_and_the_trace_says_why(server: SesameProcess) -> None:
    one, other = tenant_of(server), tenant_of(server)
    gone, fine = new_address(), new_address()
    server.run("suppression", "add", gone.replace("elsewhere", "ELSEWHERE"))
    shouted = gone.upper().replace("ELSEWHERE.TEST", "elsewhere.test")
    for tenant in (one, other):
        message_id = send(tenant, gone, fine)
        wait_until(lambda message_id=message_id: states(server, message_id)[fine][0] == "delivered")
        state, cause = states(server, message_id)[gone]
        assert state == "suppressed" and cause is not None and "does not exist" in cause
        events = server.run_json("trace", message_id)["events"]
        assert "suppressed" in [event["what"] for event in events]
    assert states(server, send(one, shouted))[shouted][0] == "suppressed"
    assert not [mail for mail in server.mail() if gone in mail.rcpt_to]
    (listed,) = [one for one in server.run_json("suppression", "list") if one["address"] == gone]
    assert round((listed["until"] - listed["since"]) / 86_400) == 14
    assert gone in server.run("suppression", "list").stdout
    server.run("suppression", "remove", shouted)
    message_id = send(other, gone)
    wait_until(lambda: states(server, message_id)[gone][0] == "delivered")
    assert "not on the list" in server.run("suppression", "remove", gone, check=False).stderr
    server.run("suppression", "add", "ÄNN@elsewhere.test")
    server.run("suppression", "remove", "ÄNN@elsewhere.test")
    audited = server.run("audit", "export", "000000000000").stdout
    names = [json.loads(line)["eventName"] for line in audited.splitlines()]
    assert "SuppressAddress" in names and "ReleaseAddress" in names


def test_without_the_setting_there_is_no_list(sesame: SesameProcess) -> None:
    refused = sesame.run("suppression", "add", "a@b.test", check=False)
    assert refused.returncode == 1 and "suppression.global_days" in refused.stderr
    assert "no address" in sesame.run("suppression", "list").stdout
