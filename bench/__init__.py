"""Speed, measured: `make bench`. Each module's `run` gives rows of one table; nothing here is a test."""
