"""How long tests wait for what must come about."""

PATIENCE_S = 120.0
"""Far longer than anything takes, on a busy machine too: only a test that fails waits so long."""
