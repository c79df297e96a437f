-- SNS topics; attributes as a JSON object of those that were set.
CREATE TABLE topic (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;

-- What an account wants to be told of an identity's mail: its own, or another's that it sends as.
CREATE TABLE identity_notification (
    account_id TEXT NOT NULL REFERENCES account,
    identity_arn TEXT NOT NULL,
    kind TEXT NOT NULL,
    topic_arn TEXT,
    with_headers INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, identity_arn, kind)
) WITHOUT ROWID;

CREATE TABLE identity_forwarding (
    account_id TEXT NOT NULL REFERENCES account,
    identity_arn TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    PRIMARY KEY (account_id, identity_arn)
) WITHOUT ROWID;
