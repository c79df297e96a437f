"""Sockets: the HTTP door, and the development profile's mailbox server."""
