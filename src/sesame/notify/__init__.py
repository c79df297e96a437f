"""Notifications of what happened to mail: from the event log to topics, subscriptions and endpoints."""
