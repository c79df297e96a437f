-- Lists of people who get mail, with topics, and the people on them. One list an account and region, as in SES.
CREATE TABLE contact_list (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    topics TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, name)
) WITHOUT ROWID;
CREATE TABLE contact (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    list_name TEXT NOT NULL,
    address TEXT NOT NULL,
    preferences TEXT NOT NULL,
    unsubscribe_all INTEGER NOT NULL,
    attributes TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (account_id, region, list_name, address),
    FOREIGN KEY (account_id, region, list_name) REFERENCES contact_list
) WITHOUT ROWID;
