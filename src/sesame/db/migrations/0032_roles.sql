-- IAM roles. Their sessions are not kept: a session token carries what it is, sealed. principal_ids binds the users
-- and roles that the trust policy names to their unique ids, as for identity policies.
CREATE TABLE iam_role (
    account_id TEXT NOT NULL REFERENCES account,
    role_name TEXT NOT NULL,
    path TEXT NOT NULL,
    role_id TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    max_session_s INTEGER NOT NULL,
    trust_policy TEXT NOT NULL,
    principal_ids TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, role_name)
) WITHOUT ROWID;

CREATE TABLE role_policy (
    role_id TEXT NOT NULL REFERENCES iam_role (role_id),
    policy_name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (role_id, policy_name)
) WITHOUT ROWID;

-- Services that send on behalf of accounts, and their keys: principals without an account of their own.
CREATE TABLE service (
    service_name TEXT PRIMARY KEY,
    created_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE service_key (
    access_key_id TEXT PRIMARY KEY,
    service_name TEXT NOT NULL REFERENCES service,
    sealed_secret BLOB NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX service_key_service ON service_key (service_name);
