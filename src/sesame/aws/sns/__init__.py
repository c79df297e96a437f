"""What SNS says on its own wire: messages that it posts, and filter policies."""
