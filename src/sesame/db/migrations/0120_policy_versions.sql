-- What a policy of an identity said before each change of it; NULL: there was none. The newest of each name are kept.
CREATE TABLE identity_policy_version (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    number INTEGER NOT NULL,
    ended_at REAL NOT NULL,
    ended_by TEXT NOT NULL,
    document TEXT,
    PRIMARY KEY (account_id, region, identity, policy_name, number)
) WITHOUT ROWID;

-- What others sent as an identity, without a walk over all counts.
CREATE INDEX tally_owner ON tally (owner_account_id, identity, account_id, quarter);
