"""What durability costs: the accept rate beside that of the same server without fsync."""

import sys

from bench.accept import Load, measure
from bench.load import raw_email
from bench.server import ACCEPT_ONLY, Server, serving
from bench.table import Row, median

ROUNDS = 3
WITHOUT_FSYNC = [sys.executable, "-m", "bench.without_fsync"]


def run() -> list[Row]:
    """The rate with fsync as a share of the rate without; both servers in every round."""
    with serving(ACCEPT_ONLY) as durable, serving(ACCEPT_ONLY, launcher=WITHOUT_FSYNC) as fast:
        pair = [(server, _load(server)) for server in (durable, fast)]
        for server, load in pair:
            measure(server, load)
        shares = []
        for _ in range(ROUNDS):
            with_fsync, without = (measure(server, load).result.rate for server, load in pair)
            shares.append(with_fsync / without)
    return [
        Row(name="rate with fsync / without", figure=median(shares), unit="x", target=0.7, better="higher")
    ]


def _load(server: Server) -> Load:
    return Load(name="16 connections", connections=16, form=raw_email, key=server.account())
