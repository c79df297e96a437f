-- The console: passwords and devices of IAM users, who is logged in, links that log in once.
CREATE TABLE login_profile (
    user_id TEXT PRIMARY KEY REFERENCES iam_user (user_id),
    account_id TEXT NOT NULL,
    password TEXT NOT NULL,
    reset_required INTEGER NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;

-- `user_id` is whose device it is, NULL until it is enabled; `last_step` the newest code that was used.
CREATE TABLE mfa_device (
    serial TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    sealed_seed BLOB NOT NULL,
    user_id TEXT,
    enabled_at REAL,
    last_step INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX mfa_device_user ON mfa_device (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX mfa_device_account ON mfa_device (account_id, serial);

-- Only digests of what browsers and links carry. `user_id` is the account id for root, '' for the operator.
CREATE TABLE console_login (
    digest BLOB PRIMARY KEY,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    is_operator INTEGER NOT NULL,
    mfa INTEGER NOT NULL,
    made_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    source_ip TEXT NOT NULL,
    user_agent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX console_login_user ON console_login (user_id);
CREATE INDEX console_login_made ON console_login (made_at);

CREATE TABLE console_link (
    digest BLOB PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX console_link_expires ON console_link (expires_at);
CREATE INDEX account_name ON account (name);
