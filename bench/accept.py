"""Accepting: signature checked, authorised, counted, stored with fsync, then answered.

The machine may be shared and its speed change while we measure. So every round runs every load and an
RSA signing test once, ratios are taken within a round, and figures are medians over the rounds.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import boto3
import uvloop

from bench.load import Result, raw_email, send_all, sign, simple_email
from bench.server import ACCEPT_ONLY, DOMAIN, REGION, Key, Server, Usage, serving
from bench.table import Row, median

ROUNDS = 3
REQUESTS = 1_600

CPU_S = 0.40
"""Target for CPU seconds per 1000, set on a core that makes 4,700 RSA-2048 signatures a second."""

SIGNATURES = 1.9
"""The same target for a core of any speed: a message may cost as much CPU as this many signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent, over how many connections."""

    name: str
    connections: int
    form: Callable[[int], dict[str, str]]
    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One load in one round."""

    result: Result
    usage: Usage

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of a message, which are CPU seconds of a thousand."""
        return self.usage.total_s / self.result.requests * 1000


def run() -> list[Row]:
    """Rates and CPU for several shapes of load, beside RSA on one core."""
    with serving(ACCEPT_ONLY) as server:
        loads = _loads(server)
        for load in loads:
            measure(server, load)
        signs: list[float] = []
        rounds: list[dict[str, Measured]] = []
        for _ in range(ROUNDS):
            signs.append(rsa_signs())
            rounds.append({load.name: measure(server, load) for load in loads})
        peak_mb = server.peak_mb()
    main, _, _, _, delegated = (load.name for load in loads)
    rows = [Row(name="RSA-2048 signatures of one core (openssl speed)", figure=median(signs), unit="/s")]
    for load in loads:
        rows += _rows(load.name, [measured[load.name] for measured in rounds], targets=load.name == main)
    in_signatures = [
        measured[main].cpu_ms / 1000 * rate for measured, rate in zip(rounds, signs, strict=True)
    ]
    dearer = [measured[delegated].cpu_ms / measured[main].cpu_ms for measured in rounds]
    return [
        *rows,
        Row(
            name=f"{main}: CPU in signatures", figure=median(in_signatures), unit="signatures",
            target=SIGNATURES,
        ),
        Row(name="CPU of a delegate's send / an owner's", figure=median(dearer), unit="x", target=1.25),
        Row(name="peak memory", figure=peak_mb, unit="MB", target=200),
    ]  # fmt: skip


def _loads(server: Server) -> list[Load]:
    """The loads, the one with the targets first and the delegate's last."""
    key = server.account()
    other = delegate(server, key)

    def delegated(n: int) -> dict[str, str]:
        return raw_email(n, source_arn=arn_of(key))

    return [
        Load(name="SendRawEmail, 16 connections", connections=16, form=raw_email, key=key),
        Load(name="SendRawEmail, 1 connection", connections=1, form=raw_email, key=key),
        Load(name="SendRawEmail, 64 connections", connections=64, form=raw_email, key=key),
        Load(name="SendEmail, 16 connections", connections=16, form=simple_email, key=key),
        Load(name="SendRawEmail as a delegate", connections=16, form=delegated, key=other),
    ]


def measure(server: Server, load: Load, *, requests: int = REQUESTS) -> Measured:
    """Send the load once."""
    signed = sign(load.key, server.address, map(load.form, range(requests)))
    before = server.usage()
    result = uvloop.run(send_all(server.address, signed, connections=load.connections))
    return Measured(result=result, usage=server.usage().since(before))


def _rows(name: str, measured: list[Measured], *, targets: bool) -> list[Row]:
    def middle(figure: Callable[[Measured], float]) -> float:
        return median([figure(one) for one in measured])

    return [
        Row(name=f"{name}: accepted", figure=middle(lambda one: one.result.rate), unit="/s"),
        Row(
            name=f"{name}: CPU s per 1000", figure=middle(lambda one: one.cpu_ms), unit="s",
            target=CPU_S if targets else None,
        ),
        Row(
            name=f"{name}: of it in the kernel", unit="s",
            figure=middle(lambda one: one.usage.system_s / one.result.requests * 1000),
        ),
        Row(name=f"{name}: p50", figure=middle(lambda one: one.result.percentile_ms(0.5)), unit="ms"),
        Row(
            name=f"{name}: p99", figure=middle(lambda one: one.result.percentile_ms(0.99)), unit="ms",
            target=25 if targets else None,
        ),
    ]  # fmt: skip


def arn_of(key: Key) -> str:
    """The ARN of the benched identity."""
    return f"arn:aws:ses:{REGION}:{key.account_id}:identity/{DOMAIN}"


def delegate(server: Server, owner: Key) -> Key:
    """Another account that may send as the owner's identity, under a policy with conditions."""
    key = Key(**json.loads(server.run("account", "create", "--production", "--json")))
    ses = boto3.client(
        "ses",
        endpoint_url=server.api,
        region_name=REGION,
        aws_access_key_id=owner.access_key_id,
        aws_secret_access_key=owner.secret_access_key,
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": key.account_id},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": arn_of(owner),
        "Condition": {
            "StringLike": {"ses:FromAddress": f"news*@{DOMAIN}"},
            "ForAllValues:StringLike": {"ses:Recipients": "*@customers.example"},
            "IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
        },
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ses.put_identity_policy(Identity=DOMAIN, PolicyName="bench", Policy=policy)
    return key


def rsa_signs() -> float:
    """What OpenSSL signs in a second of CPU on one core, now."""
    done = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "rsa2048"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    match = re.search(r"rsa +2048 bits +\S+s +\S+s +([0-9.]+)", done.stdout)
    if match is None:
        raise RuntimeError(f"openssl speed answered otherwise than expected: {done.stdout!r}")
    return float(match[1])
