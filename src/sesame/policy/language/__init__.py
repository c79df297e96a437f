"""The documents: their grammar, and what may be stored."""
