"""Policies written from what people want, and read back as what they say."""
