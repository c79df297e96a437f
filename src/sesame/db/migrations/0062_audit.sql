-- The audit log: a chain for each account, in which each row's digest covers the one before it.
CREATE TABLE audit_row (
    account_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (account_id, seq)
);

-- The newest row of each account, signed by the instance.
CREATE TABLE audit_head (
    account_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    signature BLOB NOT NULL
) WITHOUT ROWID;

-- The last row of each account that is past its retention and gone, signed: the chain begins behind it.
CREATE TABLE audit_anchor (
    account_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    signature BLOB NOT NULL
) WITHOUT ROWID;
