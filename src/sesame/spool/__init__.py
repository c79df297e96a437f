"""Accepted messages until every recipient is settled: put, claim, settle, trace."""
