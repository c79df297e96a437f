"""What is worth telling about a policy that is valid."""
