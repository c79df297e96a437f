"""Sockets: the HTTP door, the submission door, health, and the development profile's mailbox server."""
