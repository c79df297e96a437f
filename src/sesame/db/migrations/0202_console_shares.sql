-- Links of the console that show one thing to whoever has them, as long as who made them may see it. Only digests are kept;
-- they go with the identity, so that one made anew by the same name is not shown by them.
-- `user_id` is whose rights they are read with: a user's unique id, or the account id for root.
CREATE TABLE console_share (
    digest BLOB PRIMARY KEY,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    kind TEXT NOT NULL,
    delegate TEXT NOT NULL,
    user_id TEXT NOT NULL,
    made_by TEXT NOT NULL,
    mfa INTEGER NOT NULL,
    made_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    FOREIGN KEY (account_id, region, identity) REFERENCES identity ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX console_share_account ON console_share (account_id, region, identity, made_at);
CREATE INDEX console_share_expires ON console_share (expires_at);
