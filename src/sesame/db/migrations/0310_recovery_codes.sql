-- Codes that log a user in once each in place of a device's code; only digests, and a code that is used is gone.
CREATE TABLE recovery_code (
    user_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    made_at REAL NOT NULL,
    PRIMARY KEY (user_id, digest)
) WITHOUT ROWID;
