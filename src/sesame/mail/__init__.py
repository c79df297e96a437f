"""What a message is: addresses, header fields, MIME, simple HTML, return paths, status codes (RFC 5321, 5322, 2045)."""
