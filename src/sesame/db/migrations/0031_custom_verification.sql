-- Templates of custom verification mail. Contents are large, so the table keeps its row ids and they come last.
CREATE TABLE custom_verification_template (
    account_id TEXT NOT NULL REFERENCES account,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    from_address TEXT NOT NULL,
    success_url TEXT NOT NULL,
    failure_url TEXT NOT NULL,
    created_at REAL NOT NULL,
    subject TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (account_id, region, name)
);

-- Where who follows a mailed link goes on: as the template said when the mail was accepted, by the link's token.
CREATE TABLE verification_redirect (
    token TEXT PRIMARY KEY,
    success_url TEXT NOT NULL,
    failure_url TEXT NOT NULL,
    accepted_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX verification_redirect_age ON verification_redirect (accepted_at);
