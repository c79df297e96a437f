"""What comes back: reports, opens and clicks become events; events are counted, acted on and forwarded by mail."""
