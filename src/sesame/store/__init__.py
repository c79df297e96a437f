"""Account state and event log: every SQL statement about them, and nothing else."""
