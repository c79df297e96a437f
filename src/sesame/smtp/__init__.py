"""Both ends of RFC 5321 as state machines that do no I/O: bytes in, events out."""
