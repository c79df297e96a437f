"""Who is told of what: every cell of the table, by every door, on a running server.

The table, from the reference (delegate sender notifications, feedback forwarding, event destinations): the topics of an
identity are the owner's for all mail sent as it, and a delegate's for the delegate's own; event destinations are the
sender's; mail goes to the return path if the owner wants it, or if nobody would be told otherwise; deliveries never by
mail. Nobody else is told anything.
"""

import json
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sesame.app.foundation import Services
from sesame.aws.smtp_password import smtp_password
from sesame.db import Transaction
from sesame.store import notifications
from tests.support.endpoint import Endpoint, listening
from tests.support.patience import PATIENCE_S
from tests.support.process import REGION, Account, SesameProcess, read_header, running, wait_until

KINDS = ("Bounce", "Complaint", "Delivery")
TO = {"bounce": "Bounce", "complaint": "Complaint", "success": "Delivery"}
DOORS = ("v1", "v2", "smtp")


@dataclass(frozen=True, slots=True)
class Setting:
    """What owner and delegate set up for one identity."""

    number: int
    owners_topic: bool
    delegates_topic: bool
    is_forwarding: bool

    @property
    def domain(self) -> str:
        return f"i{self.number}.test"


@dataclass(frozen=True, slots=True)
class Cell:
    """One send."""

    number: int
    setting: Setting
    sender: str
    has_set: bool
    to: str
    door: str

    @property
    def source(self) -> str:
        return f"c{self.number}@{self.setting.domain}"

    def told(self) -> set[tuple[str, str]]:
        """By the table: which topic is told of what; `mail` is the return path."""
        setting, found = self.setting, set[tuple[str, str]]()
        for kind in {"Delivery", TO[self.to]} if self.to == "complaint" else {TO[self.to]}:
            if setting.owners_topic:
                found.add(("owner", kind))
            if setting.delegates_topic and self.sender == "delegate":
                found.add(("delegate", kind))
            if self.has_set:
                found.add((f"{self.sender}-set", kind))
            is_told = setting.owners_topic or (setting.delegates_topic and self.sender == "delegate")
            if kind != "Delivery" and (setting.is_forwarding or not (is_told or self.has_set)):
                found.add(("mail", kind))
        return found


SETTINGS = [Setting(number, *on) for number, on in enumerate(product((False, True), repeat=3))]
CELLS = [
    Cell(number, *cell)
    for number, cell in enumerate(product(SETTINGS, ("owner", "delegate"), (False, True), TO, DOORS))
]


@dataclass
class World:
    """A server, both accounts and one endpoint that every topic tells."""

    server: SesameProcess
    accounts: dict[str, Account]
    endpoint: Endpoint

    def client(self, side: str, service: str) -> Any:
        return self.server.client(service, self.accounts[side])

    def arn(self, setting: Setting) -> str:
        return f"arn:aws:ses:{REGION}:{self.accounts['owner'].account_id}:identity/{setting.domain}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    limits = {
        "SESAME_ACCOUNTS__PRODUCTION_MAX_SEND_RATE": "100000",
        "SESAME_ACCOUNTS__REFUSAL_STEP_S": "0.002",
    }
    directory: Path = tmp_path_factory.mktemp("told")
    with running(directory / "data", **limits) as server, listening() as endpoint:
        accounts = {side: server.create_account() for side in ("owner", "delegate")}
        yield World(server, accounts, endpoint)


def topics(world: World, side: str) -> dict[str, str]:
    """The topics of one side, each with the endpoint as its subscriber: for identities and for its set."""
    sns, made = world.client(side, "sns"), {}
    for name in (side, f"{side}-set"):
        made[name] = sns.create_topic(Name=name)["TopicArn"]
        asked = len(world.endpoint.of_type("SubscriptionConfirmation"))
        sns.subscribe(TopicArn=made[name], Protocol="http", Endpoint=world.endpoint.url)
        world.endpoint.wait_for(asked + 1, "SubscriptionConfirmation")
        world.endpoint.confirm()
    sesv2 = world.client(side, "sesv2")
    sesv2.create_configuration_set(ConfigurationSetName="set")
    sesv2.create_configuration_set_event_destination(
        ConfigurationSetName="set",
        EventDestinationName="d",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": [kind.upper() for kind in KINDS],
            "SnsDestination": {"TopicArn": made[f"{side}-set"]},
        },
    )
    return made


def set_up(world: World) -> dict[str, str]:
    """Identities, policies and settings of both sides; topics by ARN."""
    made = topics(world, "owner") | topics(world, "delegate")
    owner, delegate = world.client("owner", "ses"), world.client("delegate", "ses")
    for setting in SETTINGS:
        world.server.vouch(world.accounts["owner"], setting.domain)
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": world.accounts["delegate"].account_id},
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": world.arn(setting),
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        owner.put_identity_policy(Identity=setting.domain, PolicyName="p", Policy=policy)
        for side, is_on, ses, name in (
            ("owner", setting.owners_topic, owner, setting.domain),
            ("delegate", setting.delegates_topic, delegate, world.arn(setting)),
        ):
            for kind in KINDS if is_on else ():
                ses.set_identity_notification_topic(Identity=name, NotificationType=kind, SnsTopic=made[side])
    world.server.operate(lambda services: without_forwarding(world, services))
    return {arn: name for name, arn in made.items()}


async def without_forwarding(world: World, services: Services) -> None:
    """Switch it off, where the API would ask for topics first too: they may have been taken away since."""

    async def run(tx: Transaction) -> None:
        for setting in SETTINGS:
            if not setting.is_forwarding:
                owner = world.accounts["owner"].account_id
                await notifications.set_forwarding(tx, owner, world.arn(setting), enabled=False)

    await services.store.write(run)


class Doors:
    """Sends a cell by its door; clients are made once."""

    def __init__(self, world: World) -> None:
        self._world = world
        sides = ("owner", "delegate")
        self._clients = {
            (side, service): world.client(side, service) for side in sides for service in ("ses", "sesv2")
        }
        self._smtp = {side: self._connect(side) for side in sides}

    def _connect(self, side: str) -> smtplib.SMTP:
        host, _, port = self._world.server.smtp.rpartition(":")
        client = smtplib.SMTP(host, int(port), timeout=PATIENCE_S)
        client.starttls(context=ssl.create_default_context(cafile=self._world.server.ca))
        account = self._world.accounts[side]
        client.login(account.access_key_id, smtp_password(account.secret_access_key, region=REGION))
        return client

    def send(self, cell: Cell) -> None:
        to = f"{cell.to}+{cell.number}@simulator.amazonses.com"
        arn = self._world.arn(cell.setting) if cell.sender == "delegate" else None
        subject, text = {"Data": f"cell {cell.number}"}, {"Text": {"Data": "t"}}
        if cell.door == "v1":
            more = {"SourceArn": arn, "ReturnPathArn": arn} if arn else {}
            more |= {"ConfigurationSetName": "set"} if cell.has_set else {}
            self._clients[cell.sender, "ses"].send_email(
                Source=cell.source, Destination={"ToAddresses": [to]}, Message={"Subject": subject, "Body": text},
                **more,
            )  # fmt: skip
        elif cell.door == "v2":
            more = {"FromEmailAddressIdentityArn": arn} if arn else {}
            more |= {"ConfigurationSetName": "set"} if cell.has_set else {}
            self._clients[cell.sender, "sesv2"].send_email(
                FromEmailAddress=cell.source, Destination={"ToAddresses": [to]},
                Content={"Simple": {"Subject": subject, "Body": text}}, **more,
            )  # fmt: skip
        else:
            fields = [f"From: {cell.source}", f"To: {to}", f"Subject: cell {cell.number}"]
            fields += [f"X-SES-{name}-ARN: {arn}" for name in ("SOURCE", "FROM", "RETURN-PATH") if arn]
            fields += ["X-SES-CONFIGURATION-SET: set"] if cell.has_set else []
            data = "\r\n".join([*fields, "", "t", ""]).encode()
            self._smtp[cell.sender].sendmail(cell.source, [to], data)

    def close(self) -> None:
        for client in self._smtp.values():
            client.close()


def heard(world: World, names: dict[str, str]) -> dict[int, set[tuple[str, str]]]:
    """By cell who was told of what, by topics and by mail."""
    found: dict[int, set[tuple[str, str]]] = {}
    for posted in world.endpoint.of_type("Notification"):
        if not posted.envelope["Message"].startswith("{"):
            continue
        told = json.loads(posted.envelope["Message"])
        if "mail" not in told:
            continue
        kind = told.get("eventType") or told["notificationType"]
        is_event = "eventType" in told
        name = names[posted.envelope["TopicArn"]]
        assert is_event == name.endswith("-set")
        number = int(told["mail"]["source"].partition("@")[0].removeprefix("c"))
        found.setdefault(number, set()).add((name, kind))
    for mail in world.server.mail():
        header = read_header(mail)
        if "multipart/report" in str(header["content-type"]):
            number = int(str(header["to"]).strip("<>").partition("@")[0].removeprefix("c"))
            kind = "Complaint" if "feedback-report" in str(header["content-type"]) else "Bounce"
            found.setdefault(number, set()).add(("mail", kind))
    return found


def test_each_cell_of_the_table_is_told_so_and_nobody_else_anything(world: World) -> None:
    names, doors = set_up(world), Doors(world)
    for cell in CELLS:
        doors.send(cell)
    doors.close()
    wanted = {cell.number: cell.told() for cell in CELLS if cell.told()}

    def is_told() -> bool:
        found = heard(world, names)
        return all(told <= found.get(number, set()) for number, told in wanted.items())

    try:
        wait_until(is_told)
    except AssertionError:
        pass  # what is missing is shown below, with what came instead
    found = heard(world, names)
    wrong = {
        (cell.sender, cell.setting, cell.has_set, cell.to, cell.door): (found.get(cell.number), cell.told())
        for cell in CELLS
        if found.get(cell.number, set()) != cell.told()
    }
    assert wrong == {}


def test_neither_side_sees_what_the_other_set(world: World) -> None:
    own = world.client("owner", "ses").get_identity_notification_attributes(
        Identities=[setting.domain for setting in SETTINGS]
    )["NotificationAttributes"]
    others = world.client("delegate", "ses").get_identity_notification_attributes(
        Identities=[world.arn(setting) for setting in SETTINGS]
    )["NotificationAttributes"]
    owners, delegates = (world.accounts[side].account_id for side in ("owner", "delegate"))
    assert delegates not in json.dumps(own)
    assert owners not in json.dumps([one["BounceTopic"] for one in others.values()])
