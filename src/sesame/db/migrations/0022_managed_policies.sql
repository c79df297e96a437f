-- IAM's customer managed policies with their versions, and what is attached to users and groups by unique id.
CREATE TABLE managed_policy (
    account_id TEXT NOT NULL REFERENCES account,
    policy_name TEXT NOT NULL,
    path TEXT NOT NULL,
    policy_id TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    default_version INTEGER NOT NULL,
    last_version INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (account_id, policy_name)
) WITHOUT ROWID;

CREATE TABLE managed_policy_version (
    policy_id TEXT NOT NULL REFERENCES managed_policy (policy_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (policy_id, version)
) WITHOUT ROWID;

CREATE TABLE policy_attachment (
    entity_id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account,
    policy_arn TEXT NOT NULL,
    PRIMARY KEY (entity_id, policy_arn)
) WITHOUT ROWID;
CREATE INDEX policy_attachment_policy ON policy_attachment (account_id, policy_arn);
