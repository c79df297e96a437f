"""What the operator does without AWS's API: accounts, services, the queue, what-if, the audit log, `doctor`."""
