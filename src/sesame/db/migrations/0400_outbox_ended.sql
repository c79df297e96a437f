-- Targets that are gone while many rows wait for them: in force at once, the rows are dropped by and by. What it covers
-- are orders behind `after_key` and before `before_key`, of rows up to `last_seq`.
CREATE TABLE outbox_ended (
    seq INTEGER PRIMARY KEY,
    after_key TEXT NOT NULL,
    before_key TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    problem TEXT NOT NULL,
    at REAL NOT NULL
);
