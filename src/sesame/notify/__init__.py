"""Telling people what happened to their mail: from the event log to topics, subscriptions and endpoints."""
