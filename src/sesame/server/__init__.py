"""Sockets: the doors for HTTP and for submission, the listener for reports, tracked links, health, the simulator."""
