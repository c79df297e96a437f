-- Templates of both APIs; a part that is absent is NULL.
CREATE TABLE template (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    subject TEXT,
    text TEXT,
    html TEXT,
    created_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;
