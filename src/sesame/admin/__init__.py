"""What the operator does without AWS's API: accounts, services, what-if, and what keeps mail from arriving."""
