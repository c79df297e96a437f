-- Users by name in whatever account: for a log-in with the name of a user in place of an access key id.
CREATE INDEX iam_user_named ON iam_user (LOWER(user_name));
