"""Who is refused for want of a second factor is told how to send with one: the command, as it stands, helps."""

import base64
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sesame.access.passwords import STEP_S, totp
from tests.support.clock import FakeClock
from tests.support.process import Account
from tests.support.refusal_world import EVERYTHING, Case, World

WITHOUT = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
OLD = {"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "3600"}}
NONE = {"Null": {"aws:MultiFactorAuthAge": "true"}}
WITH = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
YOUNG = {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
DENY: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
COMMAND = re.compile(r"`aws sts (get-session-token|assume-role) ([^`]+)`")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    opened = World.open(tmp_path_factory.mktemp("factors") / "data")
    yield opened
    opened.close()


class Person:
    """A user `anna` of the sender's account, with a device or without, and a send of hers."""

    def __init__(self, case: Case, *own: dict[str, Any], has_device: bool = True, door: str = "v1") -> None:
        self.case, self.world = case, case.world
        case.step("user", "sender", "anna", *(own or (EVERYTHING,)))
        self.iam = self.world.client("iam", case.account("sender"))
        self.seed = b""
        if has_device:
            self.serial = self.make("phone")
        arn = case.arn("owner", "one.test")
        by_field = {"fields": [["X-SES-SOURCE-ARN", arn]]}
        self.send: dict[str, Any] = {"as": "sender/anna", "from": "news@one.test", "door": door}
        self.send |= by_field if door == "smtp" else {"arns": {"SourceArn": arn}}

    @property
    def step(self) -> int:
        return int(self.world.services.clock.now() // STEP_S)

    def make(self, name: str) -> str:
        made = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        return self.enable(made["SerialNumber"], base64.b32decode(made["Base32StringSeed"]))

    def enable(self, serial: str, seed: bytes) -> str:
        self.seed = seed
        codes = {f"AuthenticationCode{n}": totp(seed, self.step - 2 + n) for n in (1, 2)}
        self.iam.enable_mfa_device(UserName="anna", SerialNumber=serial, **codes)
        return serial

    def code(self) -> str:
        """The next code: that of now has been used."""
        clock = self.world.services.clock
        assert isinstance(clock, FakeClock)
        clock.advance(STEP_S)
        return totp(self.seed, self.step)

    def do(self, text: str) -> None:
        """Run the command of a mend with the user's long-lived key, and sign with what it gives from then on."""
        found = COMMAND.search(text)
        assert found is not None, text
        words = shlex.split(found[2])
        given = dict(zip(words[::2], words[1::2], strict=True))
        sts = self.world.client("sts", self.case.keys["sender/anna"])
        names = {
            "SerialNumber": "--serial-number",
            "RoleArn": "--role-arn",
            "RoleSessionName": "--role-session-name",
        }
        parameters = {name: given[option] for name, option in names.items() if option in given}
        made = getattr(sts, found[1].replace("-", "_"))(**parameters, TokenCode=self.code())["Credentials"]
        self.case.keys["sender/anna"] = Account(
            self.case.account("sender").account_id,
            made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"],
        )  # fmt: skip

    def causes(self, reader: str = "sender") -> list[dict[str, Any]]:
        refused = self.case.send(self.send)
        assert refused.code, "it must be refused"
        found: list[dict[str, Any]] = self.case.read(reader)["causes"]
        return found


def lending(world: World, where: str, condition: dict[str, Any]) -> tuple[Case, list[dict[str, Any]]]:
    """A world with a condition in a policy of the owner's or for the sender's user, whose own policies follow."""
    case, asks = Case.lending(world), {"Condition": condition}
    theirs = {"Principal": {"AWS": "<sender>"}}
    if where == "owner's Deny":
        case.step("policy", "owner", "one.test", theirs, {"Principal": "*", "Effect": "Deny"} | asks)
    elif where == "owner's Allow":
        case.step("policy", "owner", "one.test", theirs | asks)
    elif where == "Deny":
        return case, [EVERYTHING, DENY | asks]
    elif where == "Allow":
        return case, [EVERYTHING | asks]
    return case, [EVERYTHING]


GUARDS = {"BoolIfExists": WITHOUT, "an age": OLD, "Null": NONE}
ALLOWS = {"Bool": WITH, "an age": YOUNG}
EVERYWHERE = [
    *[(where, condition) for where in ("Deny", "owner's Deny") for condition in GUARDS.values()],
    *[(where, condition) for where in ("Allow", "owner's Allow") for condition in ALLOWS.values()],
]


@pytest.mark.parametrize(("where", "condition"), EVERYWHERE)
def test_the_first_thing_said_is_the_session_that_a_code_opens(
    world: World, where: str, condition: dict[str, Any]
) -> None:
    case, own = lending(world, where, condition)
    person = Person(case, *own)
    [cause] = person.causes()
    text = cause["mend"]["text"]
    assert "carries no second factor" in cause["cause"] or where.startswith("owner's")
    assert text.startswith("the sender signs with the keys of a session") and person.serial in text
    assert "; or " in text, "a program that has nobody to type a code needs another way"
    person.do(text)
    assert case.send(person.send).code == ""


def test_of_the_senders_devices_the_owner_reads_nothing(world: World) -> None:
    """Whether there is any is not told by a word of it."""
    said = []
    for has_device in (True, False):
        case, own = lending(world, "owner's Deny", WITHOUT)
        person = Person(case, *own, has_device=has_device)
        [cause] = person.causes("owner")
        text = cause["mend"]["text"]
        assert "(GetSessionToken) with a code of its MFA device; or, to allow it" in text
        for name, number in case.names.items():
            text = text.replace(number, name)
        said.append(text)
    assert said[0] == said[1] and "mfa/" not in said[0] and "SERIAL" not in said[0]


def test_who_has_no_device_is_told_how_one_is_made(world: World) -> None:
    case, own = lending(world, "Deny", WITHOUT)
    person = Person(case, *own, has_device=False)
    [cause] = person.causes()
    text, number = cause["mend"]["text"], case.names["sender"]
    assert text.startswith(
        f"`anna` has no MFA device: whoever may in account {number} makes one, `aws iam create-"
    )
    words = shlex.split(text.split("`")[3])
    name = words[words.index("--virtual-mfa-device-name") + 1]
    made = person.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
    enable = shlex.split(text.split("`")[5])
    assert enable[:5] == ["aws", "iam", "enable-mfa-device", "--user-name", "anna"]
    assert enable[enable.index("--serial-number") + 1] == made["VirtualMFADevice"]["SerialNumber"]
    person.enable(
        made["VirtualMFADevice"]["SerialNumber"],
        base64.b32decode(made["VirtualMFADevice"]["Base32StringSeed"]),
    )
    person.do(text)
    assert case.send(person.send).code == ""


@pytest.mark.parametrize("where", ["Deny", "owner's Deny"])
def test_by_smtp_the_door_is_said_that_takes_a_session(world: World, where: str) -> None:
    case, own = lending(world, where, WITHOUT)
    person = Person(case, *own, door="smtp")
    [cause] = person.causes()
    assert "by the API, as SMTP takes no keys of a session; or" in cause["mend"]["text"]
    person.do(cause["mend"]["text"])
    assert case.send(person.send).code == "535", "SMTP has no place for a token"
    by_api = {"as": "sender/anna", "from": "news@one.test", "door": "raw"}
    assert case.send(by_api | {"arns": {"SourceArn": case.arn("owner", "one.test")}}).code == ""


def test_a_session_without_a_code_is_not_enough(world: World) -> None:
    case, own = lending(world, "Deny", WITHOUT)
    person = Person(case, *own)
    keys = case.keys["sender/anna"]
    made = world.client("sts", keys).get_session_token()["Credentials"]
    session = replace(keys, access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
    case.keys["sender/anna"] = replace(session, session_token=made["SessionToken"])
    [cause] = person.causes()
    assert "this request has `false`" in cause["cause"]
    case.keys["sender/anna"] = keys
    person.do(cause["mend"]["text"])
    assert case.send(person.send).code == ""


def test_a_session_of_a_role_is_opened_anew_with_a_code(world: World) -> None:
    case, _ = lending(world, "", {})
    person = Person(case)
    case.step("role", "sender", "job", "night", [EVERYTHING, DENY | {"Condition": WITHOUT}])
    keys = case.keys["sender/anna"]
    sent, person.send = person.send, person.send | {"as": "sender/job"}
    [cause] = person.causes()
    text = cause["mend"]["text"]
    assert "as a user with a code of its MFA device" in text and "--role-session-name night" in text
    case.keys["sender/anna"] = keys
    person.do(text.replace("SERIAL", person.serial))
    assert case.send(sent).code == ""


def test_a_root_and_a_limit_are_told_what_helps_them(world: World) -> None:
    """A root has no device here; a boundary's Allow is met by a session as an own one is."""
    case, _ = lending(world, "owner's Deny", WITHOUT)
    person = Person(case)
    person.send |= {"as": "sender"}
    [cause] = person.causes()
    assert cause["mend"]["text"].startswith("ask the owner"), cause
    case, own = lending(world, "", {})
    person = Person(case, *own)
    case.step("boundary", "sender", "user/anna", EVERYTHING | {"Condition": WITH})
    [cause] = person.causes()
    assert cause["code"] == "SA211" and cause["mend"]["text"].startswith("the sender signs with")
    person.do(cause["mend"]["text"])
    assert case.send(person.send).code == ""
