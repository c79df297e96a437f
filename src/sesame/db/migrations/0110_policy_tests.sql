-- Cases that an owner keeps beside the policies of an identity; what a case says is JSON.
CREATE TABLE identity_policy_test (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account_id, region, identity, name),
    FOREIGN KEY (account_id, region, identity) REFERENCES identity ON DELETE CASCADE
) WITHOUT ROWID;
