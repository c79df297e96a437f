-- Users and roles that have a permissions boundary, which few have.
CREATE INDEX iam_user_bounded ON iam_user (account_id, permissions_boundary) WHERE permissions_boundary <> '';
CREATE INDEX iam_role_bounded ON iam_role (account_id, permissions_boundary) WHERE permissions_boundary <> '';
