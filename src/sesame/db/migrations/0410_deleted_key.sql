-- Access keys that are gone, and whose they were: so that a log-in or signature with one is explained, to its account.
CREATE TABLE deleted_key (
    access_key_id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    arn TEXT NOT NULL,
    deleted_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX deleted_key_at ON deleted_key (deleted_at);
