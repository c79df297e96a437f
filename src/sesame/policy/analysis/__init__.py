"""Questions about all requests at once: who can send, what an edit changes."""
