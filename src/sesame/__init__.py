"""Sesame: a self-hosted email-sending service that speaks Amazon SES."""

__version__ = "0.1.0"
