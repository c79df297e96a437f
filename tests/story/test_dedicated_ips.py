"""Dedicated IP addresses by boto3: pools, what is in them, warm-up; and from which address mail really comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sesame.app.foundation import Services
from sesame.store import development, events
from tests.support.process import REGION, Account, SesameProcess, wait_until
from tests.support.smtp_sink import Sink, listening

FIRST, SECOND, THIRD, SHARED = "127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.21"
ELSEWHERE = "203.0.113.77"
"""An address that this machine does not have."""
PROFILE = """
[delivery]
hostname = "mx1.sesame.test"
mx_port = {port}
allow_networks = ["127.0.0.0/8"]
first_delay_s = 0.1
longest_delay_s = 0.2
warmup_first = 2
warmup_last = 2000
mta_sts = false
tls_reports = false
dane = false
[[delivery.egress]]
address = "127.0.0.21"
hello = "shared.sesame.test"
[[delivery.egress]]
address = "127.0.0.11"
hello = "one.sesame.test"
accounts = ["{account}"]
warm = true
[[delivery.egress]]
address = "127.0.0.12"
hello = "two.sesame.test"
accounts = ["{account}", "{other}"]
[[delivery.egress]]
address = "203.0.113.77"
hello = "three.sesame.test"
accounts = ["{account}"]
warm = true
[[delivery.egress]]
address = "198.51.100.4"
bind = "127.0.0.13"
hello = "four.sesame.test"
accounts = ["{account}"]
warm = true
[dns]
resolver = "local"
"""


@dataclass
class World:
    """A production server with addresses, a receiving server, and who owns which."""

    sesame: SesameProcess
    sink: Sink
    account: Account
    other: Account

    def client(self, account: Account | None = None) -> Any:
        """SES v2."""
        return self.sesame.client("sesv2", account or self.account)

    def send(self, *, configuration_set: str = "", account: Account | None = None, to: str = "r") -> str:
        """Send a message; its id."""
        owner = account or self.account
        more = {"ConfigurationSetName": configuration_set} if configuration_set else {}
        answer = self.client(owner).send_email(
            FromEmailAddress=f"a@{owner.account_id}.test",
            Destination={"ToAddresses": [f"{to}@sink.test"]},
            Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
            **more,
        )
        return str(answer["MessageId"])

    def delivered(self, message_id: str) -> Any:
        """The envelope as it came in, with the peer's address and name."""

        def find() -> Any:
            return next((one for one in self.sink.received if message_id.encode() in one.content), None)

        return wait_until(find)

    def came_from(self, **parameters: Any) -> tuple[str, str]:
        """From which address, and under which name, a message came that is sent now."""
        envelope = self.delivered(self.send(**parameters))
        return envelope.peer, envelope.helo


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory: Path = tmp_path_factory.mktemp("egress")
    with listening(Sink()) as sink:
        config = directory / "sesame.toml"
        config.write_text(PROFILE.format(port=sink.port, account="0" * 12, other="0" * 12))
        sesame = SesameProcess(directory / "data", config=config)
        account, other = sesame.create_account(), sesame.create_account()
        config.write_text(PROFILE.format(port=sink.port, account=account.account_id, other=other.account_id))

        async def publish(services: Services) -> None:
            lines = [("sink.test", "MX", "10 mx.sink.test"), ("mx.sink.test", "A", "127.0.0.1")]
            await services.store.write(lambda tx: development.publish(tx, lines))

        sesame.operate(publish)
        for one in (account, other):
            sesame.vouch(one, f"{one.account_id}.test")
        sesame.start()
        try:
            yield World(sesame, sink, account, other)
        finally:
            assert sesame.stop() == 0


@pytest.fixture
def pool(world: World) -> Iterator[str]:
    """A pool, with a configuration set `to-pool` that names it; both go again, and all addresses are as before."""
    client = world.client()
    client.create_dedicated_ip_pool(PoolName="a.pool")
    client.create_configuration_set(
        ConfigurationSetName="to-pool", DeliveryOptions={"SendingPoolName": "a.pool"}
    )
    yield "a.pool"
    client.delete_configuration_set(ConfigurationSetName="to-pool")
    try:
        client.delete_dedicated_ip_pool(PoolName="a.pool")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NotFoundException"


def refusal(call: Any, **parameters: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response = error.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return response["Error"]["Code"], response["Error"]["Message"], status


def test_pools_are_made_listed_described_tagged_and_removed(world: World) -> None:
    client = world.client()
    client.create_dedicated_ip_pool(PoolName="news", Tags=[{"Key": "team", "Value": "letters"}])
    client.create_dedicated_ip_pool(PoolName="receipts", ScalingMode="MANAGED")
    assert client.list_dedicated_ip_pools()["DedicatedIpPools"] == [
        "news",
        "receipts",
        "ses-default-dedicated-pool",
        "ses-shared-pool",
    ]
    first = client.list_dedicated_ip_pools(PageSize=1)
    assert first["DedicatedIpPools"] == ["news"]
    rest = client.list_dedicated_ip_pools(PageSize=9, NextToken=first["NextToken"])
    assert rest["DedicatedIpPools"][0] == "receipts"
    assert client.get_dedicated_ip_pool(PoolName="news")["DedicatedIpPool"] == {
        "PoolName": "news",
        "ScalingMode": "STANDARD",
    }
    arn = f"arn:aws:ses:{REGION}:{world.account.account_id}:dedicated-ip-pool/news"
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "letters"}]
    client.untag_resource(ResourceArn=arn, TagKeys=["team"])
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "7"}])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "7"}]
    for name in ("news", "receipts"):
        client.delete_dedicated_ip_pool(PoolName=name)
    assert refusal(client.get_dedicated_ip_pool, PoolName="news") == (
        "NotFoundException",
        "The requested pool <news> does not exist.",
        404,
    )
    assert refusal(client.list_tags_for_resource, ResourceArn=arn)[:2] == (
        "NotFoundException",
        "No DedicatedIpPool present with name: news",
    )


@pytest.mark.parametrize(
    ("call", "parameters", "code", "message"),
    [
        ("create_dedicated_ip_pool", {"PoolName": "a.pool"}, "AlreadyExistsException", "The pool <a.pool> already"),
        ("create_dedicated_ip_pool", {"PoolName": " "}, "BadRequestException", "PoolName is required."),
        ("create_dedicated_ip_pool", {"PoolName": "Big"}, "BadRequestException", "Invalid pool name <Big>"),
        (
            "create_dedicated_ip_pool",
            {"PoolName": "b", "ScalingMode": "SOME"},
            "BadRequestException",
            "The ScalingMode parameter is invalid.",
        ),
        (
            "get_dedicated_ip_pool",
            {"PoolName": "ses-shared-pool"},
            "BadRequestException",
            "Pool name describes either a shared or default dedicated ip pool",
        ),
        (
            "delete_dedicated_ip_pool",
            {"PoolName": "ses-default-dedicated-pool"},
            "BadRequestException",
            "Pool name describes either a shared or default dedicated ip pool",
        ),
        ("delete_dedicated_ip_pool", {"PoolName": "none"}, "NotFoundException", "The requested pool <none> does not"),
        ("get_dedicated_ips", {"PoolName": "none"}, "NotFoundException", "The requested pool <none> does not exist."),
        (
            "get_dedicated_ip",
            {"Ip": SHARED},
            "NotFoundException",
            f"Could not find dedicated IP <{SHARED}> under this account.",
        ),
        (
            "put_dedicated_ip_in_pool",
            {"Ip": "192.0.2.1", "DestinationPoolName": "none"},
            "NotFoundException",
            "Could not find dedicated IP <192.0.2.1> under this account.",
        ),
        (
            "put_dedicated_ip_in_pool",
            {"Ip": FIRST, "DestinationPoolName": "none"},
            "NotFoundException",
            "The requested pool <none> does not exist.",
        ),
        (
            "put_dedicated_ip_in_pool",
            {"Ip": FIRST, "DestinationPoolName": " "},
            "BadRequestException",
            "Pool name can't be blank.",
        ),
        (
            "put_dedicated_ip_in_pool",
            {"Ip": FIRST, "DestinationPoolName": "ses-shared-pool"},
            "BadRequestException",
            "No address can be put into the pool <ses-shared-pool>.",
        ),
        (
            "put_dedicated_ip_warmup_attributes",
            {"Ip": FIRST, "WarmupPercentage": 101},
            "BadRequestException",
            "Warmup Percentage must be between 0 and 100.",
        ),
        (
            "put_dedicated_ip_pool_scaling_attributes",
            {"PoolName": "none", "ScalingMode": "MANAGED"},
            "NotFoundException",
            "The requested pool <none> does not exist.",
        ),
        (
            "put_configuration_set_delivery_options",
            {"ConfigurationSetName": "to-pool", "SendingPoolName": "none"},
            "BadRequestException",
            "SendingPool <none> doesn't exist",
        ),
        (
            "put_configuration_set_delivery_options",
            {"ConfigurationSetName": "to-pool", "SendingPoolName": " "},
            "BadRequestException",
            "sendingPoolName can't be blank.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_the_words_of_ses(
    world: World, pool: str, call: str, parameters: dict[str, Any], code: str, message: str
) -> None:
    found = refusal(getattr(world.client(), call), **parameters)
    assert found[0] == code
    assert found[1].startswith(message)
    assert found[2] == (404 if code == "NotFoundException" else 400)


def test_addresses_are_shown_to_their_accounts_alone_with_pool_and_warmup(world: World, pool: str) -> None:
    client, other = world.client(), world.client(world.other)
    shown = {one["Ip"]: one for one in client.get_dedicated_ips()["DedicatedIps"]}
    assert set(shown) == {FIRST, SECOND, ELSEWHERE, "198.51.100.4"}
    assert shown[FIRST] == {
        "Ip": FIRST,
        "WarmupStatus": "DONE",
        "WarmupPercentage": 100,
        "PoolName": "ses-default-dedicated-pool",
    }
    assert (shown[SECOND]["WarmupStatus"], shown[SECOND]["WarmupPercentage"]) == ("IN_PROGRESS", 0)
    assert [one["Ip"] for one in other.get_dedicated_ips()["DedicatedIps"]] == [SECOND]
    assert refusal(other.get_dedicated_ip, Ip=FIRST)[0] == "NotFoundException"
    client.put_dedicated_ip_in_pool(Ip=SECOND, DestinationPoolName=pool)
    assert client.get_dedicated_ip(Ip=SECOND)["DedicatedIp"]["PoolName"] == pool
    assert other.get_dedicated_ip(Ip=SECOND)["DedicatedIp"]["PoolName"] == "ses-default-dedicated-pool"
    assert [one["Ip"] for one in client.get_dedicated_ips(PoolName=pool)["DedicatedIps"]] == [SECOND]
    client.delete_dedicated_ip_pool(PoolName=pool)
    assert client.get_dedicated_ip(Ip=SECOND)["DedicatedIp"]["PoolName"] == "ses-default-dedicated-pool"


def test_a_managed_pool_has_what_is_in_no_other_and_stays_managed(world: World, pool: str) -> None:
    client = world.client()
    client.put_dedicated_ip_in_pool(Ip=FIRST, DestinationPoolName=pool)
    client.put_dedicated_ip_pool_scaling_attributes(PoolName=pool, ScalingMode="MANAGED")
    shown = {one["Ip"]: one for one in client.get_dedicated_ips(PoolName=pool)["DedicatedIps"]}
    assert shown[FIRST] == {
        "Ip": FIRST,
        "WarmupStatus": "NOT_APPLICABLE",
        "WarmupPercentage": -1,
        "PoolName": pool,
    }
    assert refusal(
        client.put_dedicated_ip_pool_scaling_attributes, PoolName=pool, ScalingMode="STANDARD"
    ) == ("BadRequestException", "The ScalingMode parameter is invalid.", 400)
    assert refusal(client.put_dedicated_ip_in_pool, Ip=FIRST, DestinationPoolName=pool)[0] == (
        "BadRequestException"
    )


def test_mail_comes_from_the_pool_of_its_set_under_its_own_name(world: World, pool: str) -> None:
    client = world.client()
    client.put_dedicated_ip_in_pool(Ip=FIRST, DestinationPoolName=pool)
    for _ in range(3):
        assert world.came_from(configuration_set="to-pool") == (FIRST, "one.sesame.test")
    client.put_configuration_set_delivery_options(
        ConfigurationSetName="to-pool", SendingPoolName="ses-shared-pool"
    )
    assert client.get_configuration_set(ConfigurationSetName="to-pool")["DeliveryOptions"] == {
        "SendingPoolName": "ses-shared-pool"
    }
    assert world.came_from(configuration_set="to-pool") == (SHARED, "shared.sesame.test")


def test_what_is_recorded_and_told_is_the_address_that_others_see(world: World, pool: str) -> None:
    """Behind a router that translates, the machine's own address is none of that."""
    client = world.client()
    client.put_dedicated_ip_in_pool(Ip="198.51.100.4", DestinationPoolName=pool)
    message_id = world.send(configuration_set="to-pool")
    assert (world.delivered(message_id).peer, world.delivered(message_id).helo) == (
        THIRD,
        "four.sesame.test",
    )

    def attempts() -> Any:
        return world.sesame.run_json("trace", message_id)["recipients"][0]["attempts"]

    assert [one["source_ip"] for one in wait_until(attempts)] == ["198.51.100.4"]

    async def read(services: Services) -> list[events.Event]:
        return await services.store.read(lambda tx: events.of_message(tx, message_id))

    told = {event.what.value: event.source_ip for event in world.sesame.operate(read)}
    assert told == {"accepted": None, "delivered": "198.51.100.4"}


def test_an_address_that_is_warming_up_takes_its_part_and_the_shared_one_the_rest(world: World) -> None:
    found = [world.came_from(account=world.other)[0] for _ in range(4)]
    assert found == [SECOND, SECOND, SHARED, SHARED]
    world.sesame.stop()
    world.sesame.start()
    assert world.came_from(account=world.other)[0] == SHARED, "a restart forgets nothing of the day"
    client = world.client(world.other)
    client.put_dedicated_ip_warmup_attributes(Ip=SECOND, WarmupPercentage=50)
    assert client.get_dedicated_ip(Ip=SECOND)["DedicatedIp"]["WarmupPercentage"] == 50
    assert world.came_from(account=world.other)[0] == SECOND
    client.put_dedicated_ip_warmup_attributes(Ip=SECOND, WarmupPercentage=0)
    assert world.came_from(account=world.other)[0] == SHARED
    assert client.get_account()["DedicatedIpAutoWarmupEnabled"] is True
    client.put_account_dedicated_ip_warmup_attributes(AutoWarmupEnabled=False)
    assert client.get_account()["DedicatedIpAutoWarmupEnabled"] is False
    assert world.came_from(account=world.other)[0] == SECOND
    client.put_account_dedicated_ip_warmup_attributes(AutoWarmupEnabled=True)
    assert client.get_dedicated_ip(Ip=SECOND)["DedicatedIp"]["WarmupStatus"] == "IN_PROGRESS"


def test_an_address_that_the_machine_does_not_have_is_passed_over_or_waited_for(
    world: World, pool: str
) -> None:
    client = world.client()
    for address in (FIRST, ELSEWHERE):
        client.put_dedicated_ip_in_pool(Ip=address, DestinationPoolName=pool)
    found = {world.came_from(configuration_set="to-pool")[0] for _ in range(4)}
    assert found == {FIRST}
    client.put_dedicated_ip_in_pool(Ip=FIRST, DestinationPoolName="ses-default-dedicated-pool")
    waits = world.send(configuration_set="to-pool")

    def attempts() -> Any:
        return world.sesame.run_json("trace", waits)["recipients"][0]["attempts"]

    tried = wait_until(attempts)[0]
    assert (tried["kind"], tried["status"], tried["remote_mta"]) == ("transient", "4.3.5", None)
    assert tried["diagnostic"] == f"pool `{pool}` has no IPv4 address that can be used"
    client.put_dedicated_ip_in_pool(Ip=FIRST, DestinationPoolName=pool)
    assert world.delivered(waits).peer == FIRST, "it goes as soon as the pool has one again"


def test_nothing_is_accepted_with_a_set_whose_pool_is_gone(world: World, pool: str) -> None:
    client = world.client()
    client.delete_dedicated_ip_pool(PoolName=pool)
    with pytest.raises(ClientError, match=f"SendingPool <{pool}> doesn't exist"):
        world.send(configuration_set="to-pool")
    entry = client.send_bulk_email(
        FromEmailAddress=f"a@{world.account.account_id}.test",
        ConfigurationSetName="to-pool",
        DefaultContent={"Template": {"TemplateContent": {"Subject": "s", "Text": "t"}, "TemplateData": "{}"}},
        BulkEmailEntries=[{"Destination": {"ToAddresses": ["r@sink.test"]}}],
    )["BulkEmailEntryResults"][0]
    assert entry["Status"] == "INVALID_SENDING_POOL_NAME"


def test_pools_ask_for_permission_on_their_arn(world: World, pool: str) -> None:
    user = Account(**world.sesame.run_json("user", "create", world.account.account_id, f"u-{pool}"))
    policy = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ses:*DedicatedIp*","Resource":'
        f'"arn:aws:ses:{REGION}:{world.account.account_id}:dedicated-ip-pool/a.*"}}}}'
    )
    world.sesame.client("iam", world.account).put_user_policy(
        UserName=f"u-{pool}", PolicyName="p", PolicyDocument=policy
    )
    client = world.client(user)
    assert client.get_dedicated_ip_pool(PoolName=pool)
    client.put_dedicated_ip_in_pool(Ip=FIRST, DestinationPoolName=pool)
    for call, parameters in (
        (client.create_dedicated_ip_pool, {"PoolName": "b"}),
        (client.put_dedicated_ip_in_pool, {"Ip": FIRST, "DestinationPoolName": "ses-default-dedicated-pool"}),
        (client.list_dedicated_ip_pools, {}),
        (client.get_dedicated_ips, {}),
    ):
        assert refusal(call, **parameters)[0] == "AccessDeniedException"
