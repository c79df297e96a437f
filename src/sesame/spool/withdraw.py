"""What is queued and may not be delivered any more, or not now: cancelled or held, with its event."""

PAUSED = "paused by the owner of the identity"
"""Why a recipient is held while its sender is paused; the end of the pause lets go on what is held for this reason."""
