-- What an account says of itself when it asks for production access, for the operator to read.
CREATE TABLE account_details (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    details TEXT NOT NULL,
    wants_production INTEGER NOT NULL,
    submitted_at REAL NOT NULL,
    PRIMARY KEY (account_id, region)
) WITHOUT ROWID;
