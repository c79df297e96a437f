-- What people have chosen for their console. `user_id` is a user's unique id, or the account id for root.
CREATE TABLE console_choice (
    user_id TEXT PRIMARY KEY,
    scheme TEXT NOT NULL,
    zone TEXT NOT NULL
) WITHOUT ROWID;
