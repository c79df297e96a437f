-- When each access key was used last, to a quarter of an hour, and by which door and region.
CREATE TABLE key_use (
    access_key_id TEXT PRIMARY KEY,
    used_at REAL NOT NULL,
    door TEXT NOT NULL,
    region TEXT NOT NULL
) WITHOUT ROWID;
-- When rows of the audit log were written out last: of one account, or of all ('').
CREATE TABLE audit_export (
    account_id TEXT PRIMARY KEY,
    at REAL NOT NULL,
    exported INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_export_at ON audit_export (at);
