"""IAM state: users, groups, roles, their policies, login profiles, service principals."""
