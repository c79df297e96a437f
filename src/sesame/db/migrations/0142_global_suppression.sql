-- Addresses that nobody here is sent to for a while, because their server said that they do not exist (operator's option).
CREATE TABLE global_suppression (
    address TEXT PRIMARY KEY,
    since REAL NOT NULL,
    until REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX global_suppression_until ON global_suppression (until);
