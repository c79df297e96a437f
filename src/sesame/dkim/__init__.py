"""DKIM (RFC 6376): sign, verify, canonicalize."""
