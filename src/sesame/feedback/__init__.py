"""What came back: events are claimed from the log and reacted to."""
