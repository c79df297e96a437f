-- The managed policy that is a user's or role's permissions boundary; empty for none.
ALTER TABLE iam_user ADD COLUMN permissions_boundary TEXT NOT NULL DEFAULT '';
ALTER TABLE iam_role ADD COLUMN permissions_boundary TEXT NOT NULL DEFAULT '';
