-- The policies that sends were refused under, each set once, so that a refusal can be explained when somebody asks.
CREATE TABLE policy_set (
    digest TEXT PRIMARY KEY,
    used_at REAL NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX policy_set_used ON policy_set (used_at);
