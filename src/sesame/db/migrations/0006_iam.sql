-- IAM groups: their inline policies count for every member.
CREATE TABLE iam_group (
    account_id TEXT NOT NULL REFERENCES account,
    group_name TEXT NOT NULL,
    path TEXT NOT NULL,
    group_id TEXT NOT NULL UNIQUE,
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, group_name)
) WITHOUT ROWID;

CREATE TABLE group_member (
    user_id TEXT NOT NULL REFERENCES iam_user (user_id),
    group_id TEXT NOT NULL REFERENCES iam_group (group_id),
    PRIMARY KEY (user_id, group_id)
) WITHOUT ROWID;
CREATE INDEX group_member_group ON group_member (group_id);

CREATE TABLE group_policy (
    group_id TEXT NOT NULL REFERENCES iam_group (group_id),
    policy_name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (group_id, policy_name)
) WITHOUT ROWID;
