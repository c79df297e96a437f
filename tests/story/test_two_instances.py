"""Two servers that bounce at each other, in processes of their own: every report ends somewhere, none goes round."""

import smtplib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sesame.app.foundation import Services
from sesame.mail.return_path import make_return_path
from tests.feedback.test_receive import bounce
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.process import Account, SesameProcess, read_header, wait_until

CONFIG = """
[health]
port = 0
[delivery]
hostname = "mx.{name}.test"
return_path_domain = "bounces.{name}.test"
allow_networks = ["127.0.0.0/8"]
first_delay_s = 1.0
mta_sts = false
tls_reports = false
dane = false
[[delivery.routes]]
domain = "bounces.{other}.test"
relay = "127.0.0.1:{port}"
[dns]
resolver = "local"
auto_publish = true
dkim_zone = "dkim.{name}.test"
mail_from_mx = "mailbox.{name}.test"
[mailbox]
enabled = true
[inbound]
enabled = true
port = {own}
"""


@dataclass
class Instance:
    """One of the two: its server, and an account that may send as the other's return paths."""

    name: str
    server: SesameProcess
    account: Account
    ses: Any
    port: int

    def send(self, source: str, to: str) -> str:
        """A message's id, once it is settled."""
        message_id: str = self.ses.send_email(
            Source=source,
            Destination={"ToAddresses": [to]},
            Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
        )["MessageId"]
        wait_until(lambda: self.state(message_id) in ("delivered", "bounced"))
        return message_id

    def state(self, message_id: str) -> str:
        return str(self.server.run_json("trace", message_id)["recipients"][0]["state"])

    def came_back(self, message_id: str) -> int:
        return len(self.server.run_json("trace", message_id)["reported"])

    def path_of(self, message_id: str) -> str:
        async def make(services: Services) -> str:
            domain = f"bounces.{self.name}.test"
            return make_return_path(services.return_path_key, message_id, 0, domain=domain)

        return self.server.operate(make)

    def report(self, path: str) -> None:
        """What some mail server says of the copy with that return path."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE_S) as client:
            client.sendmail("", [path], bounce(path))

    def made(self) -> dict[str, int]:
        """How many messages there are in all, and how many recipients that still wait."""

        async def count(services: Services) -> dict[str, int]:
            async def read(tx: Any) -> dict[str, int]:
                messages = await tx.one("SELECT COUNT(*) FROM message")
                waiting = await tx.one("SELECT COUNT(*) FROM recipient WHERE state = 'queued'")
                events = await tx.one("SELECT COUNT(*) FROM event_log WHERE stage < 2")
                return {"messages": messages[0], "waiting": waiting[0], "events": events[0]}

            return await services.store.read(read)

        return self.server.operate(count)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Instance, Instance]]:
    with ExitStack() as stack:
        ports = {name: free_port() for name in ("a", "b")}
        made = []
        for name, other in (("a", "b"), ("b", "a")):
            config = tmp_path / f"{name}.toml"
            config.write_text(CONFIG.format(name=name, other=other, own=ports[name], port=ports[other]))
            # with any port for the API all would be any; the other one has to know where reports go
            api = f"http://127.0.0.1:{free_port()}"
            server = SesameProcess(tmp_path / name, config=config, api=api).start()
            stack.callback(server.stop)
            account = server.create_account()
            for domain in (f"people.{name}.test", f"bounces.{other}.test"):
                server.vouch(account, domain)
            made.append(Instance(name, server, account, server.client("ses", account), ports[name]))
        yield made[0], made[1]


def quiet(*instances: Instance) -> list[int]:
    """How many messages each has, once nothing waits in any of them and nothing more happens."""
    before: list[list[dict[str, int]]] = []

    def is_still() -> bool:
        before.append([one.made() for one in instances])
        now = before[-1]
        done = all(not found["waiting"] and not found["events"] for found in now)
        return done and len(before) > 3 and before[-2] == now == before[-3]

    wait_until(is_still)
    return [found["messages"] for found in before[-1]]


def test_a_chain_of_return_paths_across_two_servers_ends_and_is_never_gone_twice(
    pair: tuple[Instance, Instance],
) -> None:
    a, b = pair
    first = a.send("news@people.a.test", "reader@elsewhere.test")
    second = b.send(a.path_of(first), "reader@elsewhere.test")
    third = a.send(b.path_of(second), "reader@elsewhere.test")
    began = quiet(a, b)
    a.report(a.path_of(third))  # a's report goes to b's return path, b's to a's, and from there to a person
    wait_until(lambda: a.came_back(first))
    assert quiet(a, b) == [began[0] + 2, began[1] + 1]
    assert [a.came_back(third), b.came_back(second), a.came_back(first)] == [1, 1, 1]
    (told,) = [
        mail for mail in a.server.mail() if "multipart/report" in str(read_header(mail)["content-type"])
    ]
    assert str(read_header(told)["to"]) == "news@people.a.test"
    for _ in range(3):
        a.report(a.path_of(third))
        b.report(b.path_of(second))
        a.report(a.path_of(first))
    assert quiet(a, b) == [began[0] + 2, began[1] + 1]


def test_reports_to_return_paths_that_are_none_end_where_they_are_refused(
    pair: tuple[Instance, Instance],
) -> None:
    a, b = pair
    began = quiet(a, b)
    gone = {}
    for one, other in ((a, b), (b, a)):
        nobody = f"nobody@bounces.{other.name}.test"
        gone[one.name] = one.send(nobody, nobody)
        assert one.state(gone[one.name]) == "bounced"
    # each sent one message and one report of its bounce, which the other refused: nobody is told of that
    assert quiet(a, b) == [began[0] + 2, began[1] + 2]
    assert [a.came_back(gone["a"]), b.came_back(gone["b"])] == [0, 0]
