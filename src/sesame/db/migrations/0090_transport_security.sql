-- MTA-STS policies hold until they expire, also over a restart (RFC 8461 section 5.1).
CREATE TABLE mta_sts_policy (
    domain TEXT PRIMARY KEY,
    policy_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    hosts TEXT NOT NULL,
    max_age_s INTEGER NOT NULL,
    fetched_at REAL NOT NULL,
    expires_at REAL NOT NULL
) WITHOUT ROWID;

-- How the connection of an attempt was secured, in words.
ALTER TABLE attempt ADD COLUMN tls_verdict TEXT;
