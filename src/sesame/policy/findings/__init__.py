"""What is worth saying about a policy that is valid."""
