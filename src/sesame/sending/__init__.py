"""From a request to a spooled message: one normal form, one decision, one transaction."""
