"""What each AWS operation does: one file a resource, and what the operator does without AWS's API."""
