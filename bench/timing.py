"""What a refusal's time tells: whether an identity is there and how many policies it has, whether a role is.

One connection asks over loopback, the kinds in random order. Of each two kinds the AUC is taken: how likely an answer
of the one took longer than one of the other. 0.5 tells nothing, 1.0 everything.
"""

import http.client
import itertools
import json
import random
import time
from collections.abc import Mapping, Sequence
from urllib.parse import quote_plus

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.server import ACCEPT_ONLY, REGION, Key, Server, serving
from bench.table import Row, median

ASKED = 600
"""Questions of each kind: then 0.55 is three standard errors away from 0.5."""

POLICIES = (0, 1, 5, 20)
LIMIT = 0.55
VERSIONS = {"ses": "2010-12-01", "iam": "2010-05-08", "sts": "2011-06-15"}


class Asker:
    """One connection of one key; signs and asks."""

    def __init__(self, server: Server, key: Key) -> None:
        self._server = server
        self._credentials = Credentials(key.access_key_id, key.secret_access_key)
        self._connection = http.client.HTTPConnection(*server.address, timeout=30)

    def ask(self, service: str, form: Mapping[str, str]) -> tuple[int, float, bytes]:
        """Status, milliseconds from the first byte sent to the last received, and the answer."""
        pairs = {**form, "Version": VERSIONS[service]}.items()
        body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        request = AWSRequest(method="POST", url=f"{self._server.api}/", headers=headers, data=body)
        SigV4Auth(self._credentials, service, REGION).add_auth(request)
        began = time.perf_counter()
        self._connection.request("POST", "/", body=body, headers=dict(request.headers.items()))
        response = self._connection.getresponse()
        answer = response.read()
        return response.status, (time.perf_counter() - began) * 1000, answer

    def must(self, service: str, **form: str) -> None:
        """Ask for what has to be there."""
        status, _, answer = self.ask(service, form)
        assert status == 200, answer


def run() -> list[Row]:
    """The AUC of sends and of AssumeRole, at most over all pairs of kinds."""
    with serving(ACCEPT_ONLY) as server:
        owner, delegate = server.account(), server.account()
        user = Key(**json.loads(server.run("user", "create", delegate.account_id, "asker", "--json")))
        asker = Asker(server, user)
        _make_identities(Asker(server, owner), owner, server)
        _make_roles(Asker(server, delegate), delegate)
        _make_roles(Asker(server, owner), owner)
        sends = {f"{count} policies": _send(owner, f"n{count}.example") for count in (*POLICIES, "absent")}
        own, others = _assume(delegate), _assume(owner)
        return [
            *_rows("refused send", asker, "ses", sends),
            *_rows("AssumeRole", asker, "sts", own),
            *_rows("AssumeRole of another account", asker, "sts", others),
        ]


def _make_identities(asker: Asker, owner: Key, server: Server) -> None:
    for count in POLICIES:
        name = f"n{count}.example"
        server.run("identity", "vouch", owner.account_id, name, "--region", REGION)
        for number in range(count):
            statement = {
                "Effect": "Allow",
                "Principal": {"AWS": "123456789012"},
                "Action": "ses:Send*",
                "Resource": f"arn:aws:ses:{REGION}:{owner.account_id}:identity/{name}",
                "Condition": {
                    "StringLike": {"ses:FromAddress": [f"a{number}*@{name}", f"b{number}*@{name}"]}
                },
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
            asker.must(
                "ses", Action="PutIdentityPolicy", Identity=name, PolicyName=f"p{number}", Policy=policy
            )


def _make_roles(asker: Asker, delegate: Key) -> None:
    trusted = [f"arn:aws:iam::{delegate.account_id}:user/other{number}" for number in range(20)]
    for arn in trusted:
        asker.must("iam", Action="CreateUser", UserName=arn.rpartition("/")[2])
    statement = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    asker.must("iam", Action="CreateRole", RoleName="there", AssumeRolePolicyDocument=trust)


def _assume(owner: Key) -> dict[str, dict[str, str]]:
    """Questions for a role that is there and one that is not."""
    return {
        name: {
            "Action": "AssumeRole",
            "RoleSessionName": "bench",
            "RoleArn": f"arn:aws:iam::{owner.account_id}:role/{name}",
        }
        for name in ("there", "gone")
    }


def _send(owner: Key, domain: str) -> dict[str, str]:
    return {
        "Action": "SendEmail",
        "Source": f"news@{domain}",
        "SourceArn": f"arn:aws:ses:{REGION}:{owner.account_id}:identity/{domain}",
        "Destination.ToAddresses.member.1": "reader@customers.example",
        "Message.Subject.Data": "s",
        "Message.Body.Text.Data": "t",
    }


def _rows(name: str, asker: Asker, service: str, kinds: Mapping[str, Mapping[str, str]]) -> list[Row]:
    draw = random.Random(name)
    order = [kind for kind in kinds for _ in range(ASKED)]
    draw.shuffle(order)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for kind in kinds:
        asker.ask(service, kinds[kind])
    for kind in order:
        status, milliseconds, answer = asker.ask(service, kinds[kind])
        assert status == 403, answer
        times[kind].append(milliseconds)
    worst = max(auc(times[a], times[b]) for a, b in itertools.combinations(kinds, 2))
    everything = [value for values in times.values() for value in values]
    return [
        Row(name=f"{name}: what time tells, at most", figure=worst, unit="AUC", target=LIMIT),
        Row(name=f"{name}: median", figure=median(everything), unit="ms"),
    ]


def auc(a: Sequence[float], b: Sequence[float]) -> float:
    """How likely a value of one exceeds one of the other, whichever way round tells more; ties count half."""
    ranked = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    ranks, at = 0.0, 0
    for _, group in itertools.groupby(ranked, key=lambda pair: pair[0]):
        members = list(group)
        middle = at + (len(members) + 1) / 2
        ranks += middle * sum(1 for _, which in members if which == 0)
        at += len(members)
    share = (ranks - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))
    return max(share, 1 - share)
