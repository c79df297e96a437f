"""IAM state: users, groups, roles, managed policies, service principals."""
