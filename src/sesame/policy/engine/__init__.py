"""From policies to decisions: compile, decide."""
