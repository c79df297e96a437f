"""HTTP/1.1 as a server reads and writes it: bytes in, requests out. Does no I/O."""
