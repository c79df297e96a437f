"""What the outbox calls the ways of Sesame's own, beside the protocols of SNS."""

WEBHOOK = "webhook"
NATS = "nats"

NOT_SNS = frozenset({WEBHOOK, NATS})
"""These carry an event as it is, without a message of SNS around it."""
