"""Metrics without locks expose what the library's own would."""

import random

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from sesame.metrics import BATCH, FAST_S, Metrics


def values(text: bytes, *names: str) -> list[str]:
    lines = text.decode().splitlines()
    return sorted(line for line in lines if line.startswith(names) and "_created" not in line)


def test_counts_and_durations_are_exposed_as_the_library_exposes_its_own() -> None:
    ours, registry = Metrics(), CollectorRegistry()
    requests = Counter("sesame_api_requests", "x", ["service", "operation", "code"], registry=registry)
    durations = Histogram(
        "sesame_http_request_duration_seconds", "x", ["service"], buckets=FAST_S, registry=registry
    )
    batches = Histogram("sesame_commit_batch_size", "x", buckets=BATCH, registry=registry)
    draw = random.Random(7)
    for round_ in range(3):
        for _ in range(200 * round_):
            labels = draw.choice("ab"), draw.choice("cd"), draw.choice(("", "Throttling"))
            amount = draw.choice((1, 1, 3))
            seconds = draw.choice((*FAST_S, draw.random(), 20.0, 0.0))
            batch = draw.choice((*BATCH, 3, 65))
            ours.api_requests.labels(*labels).inc(amount)
            requests.labels(*labels).inc(amount)
            ours.api_request_duration.labels(labels[0]).observe(seconds)
            durations.labels(labels[0]).observe(seconds)
            ours.commit_batch.observe(batch)
            batches.observe(batch)
        names = ("sesame_api_requests", "sesame_http_request_duration", "sesame_commit_batch")
        assert values(ours.text(), *names) == values(generate_latest(registry), *names)
