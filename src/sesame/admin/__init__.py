"""What the operator does without AWS's API."""
