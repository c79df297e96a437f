"""Accepting: signature checked, authorised, counted, stored with fsync, then answered."""

import json
import re
import subprocess
import sys

import uvloop

from bench.load import middle, raw_email, send_all, sign, simple_email
from bench.server import ACCEPT_ONLY, DOMAIN, REGION, Key, Server, serving
from bench.table import Row, median

ROUNDS = 3
REQUESTS = 3_000

_NOT_DURABLE = (
    "import sesame.app as app, functools, sys; from sesame.cli.main import main;"
    " app.Server = functools.partial(app.Server, durable=False); sys.exit(main())"
)
NOT_DURABLE = [sys.executable, "-c", _NOT_DURABLE]
"""The same server without fsync: only to see what durability costs."""


def run() -> list[Row]:
    """Rates and CPU for several shapes of load, beside RSA on one core."""
    rows = [Row(name="openssl speed: RSA-2048 signatures of one core", figure=rsa_signs(), unit="/s")]
    with serving(ACCEPT_ONLY) as server:
        key = server.account()
        measure(server, key, "warm up", connections=16, rounds=1)
        rows += measure(server, key, "SendRawEmail 5 KB, 16 connections", connections=16, targets=True)
        rows += measure(server, key, "SendRawEmail 5 KB, 1 connection", connections=1)
        rows += measure(server, key, "SendRawEmail 5 KB, 64 connections", connections=64)
        rows += measure(server, key, "SendEmail 5 KB, 16 connections", connections=16, form="simple")
        rows += measure(
            server,
            delegate(server, key),
            "SendRawEmail as a delegate, 16 connections",
            connections=16,
            arn=arn_of(key),
        )
        rows.append(Row(name="peak memory", figure=server.peak_mb(), unit="MB", target=200))
    with serving(ACCEPT_ONLY, launcher=NOT_DURABLE) as server:
        key = server.account()
        measure(server, key, "warm up", connections=16, rounds=1)
        rows += measure(server, key, "without fsync, 16 connections", connections=16)[:1]
    return rows


def arn_of(key: Key) -> str:
    """The ARN of the benched identity."""
    return f"arn:aws:ses:{REGION}:{key.account_id}:identity/{DOMAIN}"


def delegate(server: Server, owner: Key) -> Key:
    """Another account that may send as the owner's identity, under a policy with conditions."""
    import boto3

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


def measure(
    server: Server,
    key: Key,
    name: str,
    *,
    connections: int,
    form: str = "raw",
    arn: str | None = None,
    rounds: int = ROUNDS,
    targets: bool = False,
) -> list[Row]:
    """Medians of some rounds."""
    results, cpu = [], []
    for _ in range(rounds):
        forms = (
            simple_email(n) if form == "simple" else raw_email(n, source_arn=arn) for n in range(REQUESTS)
        )
        requests = sign(key, server.address, forms)
        before = server.usage()
        result = uvloop.run(send_all(server.address, requests, connections=connections))
        cpu.append(server.usage().since(before).total_s / REQUESTS * 1000)
        if result.refusals:
            raise RuntimeError(f"{name}: {len(result.refusals)} refused: {result.refusals[0]!r}")
        results.append(result)
    result = middle(results)
    return [
        Row(name=f"{name}: accepted", figure=result.rate, unit="/s"),
        Row(name=f"{name}: CPU s per 1000", figure=median(cpu), unit="s", target=0.40 if targets else None),
        Row(name=f"{name}: p50", figure=result.percentile_ms(0.5), unit="ms"),
        Row(
            name=f"{name}: p99", figure=result.percentile_ms(0.99), unit="ms", target=25 if targets else None
        ),
    ]


def rsa_signs() -> float:
    """What OpenSSL signs a second on one core, in the same run."""
    done = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "rsa2048"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    match = re.search(r"rsa +2048 bits.*?([0-9.]+) +[0-9.]+\s*$", done.stdout, re.MULTILINE)
    return float(match[1]) if match else 0.0
